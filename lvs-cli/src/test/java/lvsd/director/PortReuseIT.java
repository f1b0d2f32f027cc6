package lvsd.director;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** FULLNAT's local ports come round again while the server still holds their last connection in TIME_WAIT. */
@Tag("privileged")
@Timeout(900)
class PortReuseIT {
    private static final int CONNECTIONS = Director.LONG ? 100_000 : 5_000;

    @RegisterExtension
    static final Director director = Director.twoArm();

    @Test
    void aReusedPortIsAcceptedAtOnce() {
        director.lvsd().lvsadm("--sysctl", "fullnat_lport_min=10000").orFail();
        director.lvsd().lvsadm("--sysctl", "fullnat_lport_max=10999").orFail();
        director.rules(Service.FULLNAT.rules());
        long synBefore = director.client().counter("TcpExtTCPSynRetrans");
        Load.Report report =
                Load.of(Service.FULLNAT.vip(), "/").count(CONNECTIONS).run(director.client());
        assertThat(report.failed()).as(report.text()).isZero();
        assertThat(director.client().counter("TcpExtTCPSynRetrans") - synBefore)
                .as("SYNs retransmitted; " + report.text())
                .isZero();
        assertThat(director.server(1)
                        .run("ss", "-Htan", "state", "time-wait")
                        .out()
                        .lines())
                .as("the servers did hold TIME_WAIT")
                .isNotEmpty();
        assertThat(director.serverLog(1).stream()
                        .map(line -> line.split(" ", -1)[2])
                        .distinct())
                .as("ports seen by a server")
                .hasSizeLessThanOrEqualTo(1000);
    }
}
