package lvsd.director;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Two workers: the kernel's packet fanout spreads flows over the queues of each port by a hash that knows nothing of
 * our workers, so many a connection's packets arrive at the worker that does not own it.
 */
@Tag("privileged")
@Timeout(120)
class WorkersIT {
    @RegisterExtension
    static final Director director = Director.withWorkers(2);

    @ParameterizedTest
    @EnumSource(
            value = Service.class,
            names = {"NAT", "NAT6", "FULLNAT", "FULLNAT6"})
    void everyConnectionWorksWhicheverQueueItsPacketsArriveOn(Service service) {
        director.rules(service.rules());
        Load.Report report = Load.of(service.vip(), "/").count(1000).parallel(8).run(director.client());
        assertThat(report.failed()).as(report.text()).isZero();
        assertThat(report.bodies()).containsOnlyKeys("rs1", "rs2");
        assertThat(report.bodies().values()).allMatch(share -> share > 300);
    }

    @Test
    void bothWorkersHadPacketsAndGaveTheOtherItsOwn() {
        director.rules(Service.NAT.rules());
        Load.of(Service.NAT.vip(), "/").count(200).parallel(8).run(director.client());
        String workers = director.lvsd().lvsadm("--workers", "--json").orFail().out();
        for (String counter : List.of("packets", "handoffs_in", "handoffs_out")) {
            assertThat(Pattern.compile("\"" + counter + "\":[1-9]")
                            .matcher(workers)
                            .results())
                    .as(counter + " of two workers in " + workers)
                    .hasSize(2);
        }
    }
}
