package lvsd.director;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Neighbours on veths as the kernel makes them: checksums left to hardware that is not there, frames beyond the MTU. */
@Tag("privileged")
@Timeout(120)
class OffloadsIT {
    @RegisterExtension
    static final Director director = Director.withKernelOffloads();

    @ParameterizedTest
    @EnumSource(
            value = Service.class,
            names = {"NAT", "NAT6", "FULLNAT", "FULLNAT6"})
    void smallAnswersPassThoughChecksumsArePartial(Service service) {
        director.rules(service.rules() + service.rules("-u"));
        Load.Report small = Load.of(service.vip(), "/").count(100).parallel(4).run(director.client());
        assertThat(small.failed()).as(small.text()).isZero();
        Shell.Result datagrams =
                director.client().runJava(Shell.SOON, Datagrams.class, service.vip(), "80", "40", "1200");
        assertThat(datagrams.exit()).as(datagrams.toString()).isZero();
    }

    @ParameterizedTest
    @EnumSource(
            value = Service.class,
            names = {"NAT", "FULLNAT6"})
    void largeBodiesPassOrTheLogNamesTheRemedy(Service service) {
        director.rules(service.rules());
        Load.Running load = Load.of(service.vip(), "/bytes/4000000").count(1).start(director.client());
        Shell.await(
                "the download ends, or the log names the remedy",
                Shell.SOON,
                () -> !load.process().isAlive() || director.lvsd().log().contains("ethtool -K"));
        if (load.process().isAlive()) {
            load.process().destroyForcibly();
        } else {
            Load.Report report = load.waitFor();
            assertThat(report.failed()).as(report.text()).isZero();
        }
    }
}
