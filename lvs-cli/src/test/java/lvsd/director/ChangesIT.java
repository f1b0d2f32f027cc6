package lvsd.director;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Servers come and go under load. */
@Tag("privileged")
@Timeout(120)
class ChangesIT {
    @RegisterExtension
    static final Director director = Director.twoArm();

    @ParameterizedTest
    @EnumSource(
            value = Service.class,
            names = {"NAT", "FULLNAT", "FULLNAT6"})
    void aServerOfWeightZeroEndsItsConnectionsAndGetsNoNewOnes(Service service) {
        director.rules(service.rules());
        Load.Running load = Load.of(service.vip(), "/slow/3").parallel(8).start(director.client());
        Shell.await("both servers work", Shell.SOON, () -> served(1) > 4 && served(2) > 4);
        edit("-e", service, 1, " -w 0");
        long atChange = served(1);
        long other = served(2);
        Shell.await("the other server goes on", Shell.SOON, () -> served(2) > other + 16);
        // A request of a connection that was set up before the change may still be on its way.
        assertThat(served(1)).isLessThanOrEqualTo(atChange + 8);
        Load.Report report = load.stop();
        assertThat(report.failed()).as(report.text()).isZero();
    }

    @ParameterizedTest
    @EnumSource(
            value = Service.class,
            names = {"NAT", "FULLNAT", "FULLNAT6"})
    void anAddedServerTakesItsShareAtOnce(Service service) {
        director.rules(service.rules());
        remove(service, 1);
        Load.Running load = Load.of(service.vip(), "/").parallel(4).start(director.client());
        long start = served(2);
        Shell.await("the only server works", Shell.SOON, () -> served(2) > start + 50);
        edit("-a", service, 1, "");
        long two = served(2);
        long one = served(1);
        Shell.await("the new server works", Shell.SOON, () -> served(1) > one + 200);
        Load.Report report = load.stop();
        assertThat(report.failed()).as(report.text()).isZero();
        // Round robin: as many as the other one since it was added; what was under way when it was counts for either.
        assertThat(served(2) - two).isCloseTo(served(1) - one, Offset.offset(50L));
    }

    @ParameterizedTest
    @EnumSource(
            value = Service.class,
            names = {"NAT", "FULLNAT", "FULLNAT6"})
    void aRemovedServersConnectionsAreDroppedAndTheOthersLoseNothing(Service service) {
        director.rules(service.rules());
        long before = served(2);
        // Four connections of 5 s, two on each server.
        Load.Running load = Load.of(service.vip(), "/slow/50")
                .count(4)
                .parallel(4)
                .timeout(Duration.ofSeconds(8))
                .start(director.client());
        Shell.await("the second server works", Shell.SOON, () -> served(2) >= before + 2);
        remove(service, 1);
        // What was the first server's is silent, as in the kernel: neither answer nor reset.
        Load.Report newOnes = Load.of(service.vip(), "/").count(100).parallel(4).run(director.client());
        assertThat(newOnes.failed()).as(newOnes.text()).isZero();
        assertThat(newOnes.bodies()).containsOnlyKeys("rs2");
        Load.Report report = load.waitFor();
        assertThat(report.ok()).as(report.text()).isEqualTo(2);
        assertThat(report.text()).contains("timed out").doesNotContain("reset");
    }

    private static void edit(String command, Service service, int server, String options) {
        director.lvsd().rules(command + " -t " + service.at() + " " + service.destination(server) + options);
    }

    private static void remove(Service service, int server) {
        director.lvsd().rules("-d -t " + service.at() + " -r " + service.server(server));
    }

    private static long served(int server) {
        return director.serverLog(server).size();
    }
}
