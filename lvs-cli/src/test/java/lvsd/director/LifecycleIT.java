package lvsd.director;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Ends of the daemon, wanted and unwanted, and what remains. */
@Tag("privileged")
@Timeout(120)
class LifecycleIT {
    @RegisterExtension
    static final Director director = Director.twoArm();

    @Test
    void everyAcknowledgedRuleSurvivesKill9() {
        director.rules(Service.NAT.rules() + Service.FULLNAT6.rules());
        // Changes right up to the end: the last one acknowledged must be there.
        for (int weight = 1; weight <= 20; weight++) {
            director.lvsd().rules("-e -t " + Service.NAT.at() + " " + Service.NAT.destination(1) + " -w " + weight);
        }
        String before = director.lvsd().lvsadm("-Sn").orFail().out();
        String lips = director.lvsd().lvsadm("-G").orFail().out();
        director.lvsd().kill();
        director.restart();
        assertThat(director.lvsd().lvsadm("-Sn").orFail().out())
                .isEqualTo(before)
                .contains("-w 20");
        assertThat(director.lvsd().lvsadm("-G").orFail().out()).isEqualTo(lips);
        assertServes(Service.NAT);
        assertServes(Service.FULLNAT6);
    }

    /** A machine that gives the daemon no CPU for a while says nothing: one time in three is enough. */
    @Test
    void sigtermEndsItWithinTwoSeconds() {
        Duration took = sigterm();
        for (int again = 0; took.toSeconds() >= 2 && again < 2; again++) {
            took = sigterm();
        }
        assertThat(took).isLessThan(Duration.ofSeconds(2));
    }

    private static Duration sigterm() {
        director.rules(Service.NAT.rules());
        Load.Running load = Load.of(Service.NAT.vip(), "/slow/3").parallel(8).start(director.client());
        long before = director.serverLog(1).size();
        Shell.await("load runs", Shell.SOON, () -> director.serverLog(1).size() > before + 4);
        Duration took = director.lvsd().terminate();
        load.process().destroyForcibly();
        if (took.toSeconds() < 2) {
            assertThat(director.lvsd().exitCode()).isIn(0, 143); // after that it gives up, and says so
        }
        assertThat(Files.exists(director.directory().resolve("control.sock"))).isFalse();
        director.restart();
        assertServes(Service.NAT);
        return took;
    }

    @Test
    void aSecondInstanceIsRefusedAndDoesTheFirstNoHarm() {
        director.rules(Service.NAT.rules());
        Shell.Result sameSocket = director.lvsd().second(director.configuration(), "control.sock");
        assertThat(sameSocket.exit()).as(sameSocket.toString()).isEqualTo(1);
        assertThat(sameSocket.err()).hasLineCount(1).contains("another lvsd", "control.sock");
        String ownState = director.configuration().replaceAll("directory: .*", "directory: none");
        Shell.Result samePorts = director.lvsd().second(ownState, "second.sock");
        assertThat(samePorts.exit()).as(samePorts.toString()).isEqualTo(1);
        assertThat(samePorts.err()).hasLineCount(1).contains("another lvsd", "eth1");
        assertServes(Service.NAT);
    }

    @Test
    void withoutADaemonTheToolNamesTheSocket() {
        Shell.Result result = Shell.run(
                Shell.ROOT.resolve("config/bin/ipvsadm").toString(), "--control", "/run/lvsd-nowhere.sock", "-Ln");
        assertThat(result.exit()).isNotZero();
        assertThat(result.err()).hasLineCount(1).contains("/run/lvsd-nowhere.sock");
    }

    private static void assertServes(Service service) {
        Load.Report report = Load.of(service.vip(), "/").count(20).parallel(4).run(director.client());
        assertThat(report.failed()).as(report.text()).isZero();
    }
}
