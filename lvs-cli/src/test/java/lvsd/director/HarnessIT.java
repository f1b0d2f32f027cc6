package lvsd.director;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The wires and programs of these tests, with the kernel routing in the director's place. */
@Tag("privileged")
@Timeout(60)
class HarnessIT {
    @RegisterExtension
    static final Director director = Director.kernelOnly();

    @Test
    void theClientReachesAServerThroughTheKernel() {
        Load.Report report =
                Load.of(Topology.address(1), "/").count(50).parallel(4).run(director.client());
        assertThat(report.failed()).as(report.text()).isZero();
        assertThat(report.bodies()).containsOnlyKeys("rs1").containsValue(50L);
        assertThat(director.served(1, "GET " + Topology.CLIENT + " ")).isEqualTo(50);
    }

    @Test
    void aPatternedBodyIsCheckedOverIpv6() {
        Load.Report report =
                Load.of(Topology.address6(2), "/bytes/1000000").count(3).run(director.client());
        assertThat(report.failed()).as(report.text()).isZero();
        assertThat(report.bodies()).containsOnlyKeys("1000000");
    }

    @Test
    void aRefusedConnectionIsAFailure() {
        Load.Report report = Load.of(Topology.address(1), "/").port(81).count(3).run(director.client());
        assertThat(report.ok()).isZero();
        assertThat(report.failed()).isEqualTo(3);
    }
}
