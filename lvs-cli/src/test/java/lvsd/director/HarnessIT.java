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
        Client.Report report = Client.run(director.client(), Topology.address(1), 80, "/", 50, 4);
        assertThat(report.failed()).as(report.text()).isZero();
        assertThat(report.bodies()).containsOnlyKeys("rs1").containsValue(50L);
        assertThat(director.served(1, "GET " + Topology.CLIENT + " ")).isEqualTo(50);
    }

    @Test
    void aPatternedBodyIsCheckedOverIpv6() {
        Client.Report report = Client.run(director.client(), Topology.address6(2), 80, "/bytes/1000000", 3, 1);
        assertThat(report.failed()).as(report.text()).isZero();
        assertThat(report.bodies()).containsOnlyKeys("1000000");
    }

    @Test
    void aRefusedConnectionIsAFailure() {
        Client.Report report = Client.run(director.client(), Topology.address(1), 81, "/", 3, 1);
        assertThat(report.ok()).isZero();
        assertThat(report.failed()).isEqualTo(3);
    }
}
