package lvsd.director;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** One port, clients and servers behind it. */
@Tag("privileged")
@Timeout(120)
class OneArmIT {
    @RegisterExtension
    static final Director director = Director.oneArm();

    @ParameterizedTest
    @EnumSource(Service.class)
    void packetsLeaveByThePortTheyCameFrom(Service service) {
        director.rules(service.rules());
        Load.Report report = Load.of(service.vip(), "/").count(200).parallel(8).run(director.client());
        assertThat(report.failed()).as(report.text()).isZero();
        assertThat(report.bodies()).containsOnlyKeys("rs1", "rs2");
    }
}
