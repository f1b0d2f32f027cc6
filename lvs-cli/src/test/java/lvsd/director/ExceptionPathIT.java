package lvsd.director;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is not balanced: the director's own traffic, and what passes through it. */
@Tag("privileged")
@Timeout(120)
class ExceptionPathIT {
    @RegisterExtension
    static final Director director = Director.twoArm();

    @BeforeAll
    static void startOthers() throws IOException {
        director.rules(Service.NAT.rules());
        WebServer.start(
                director.topology().director(),
                "director",
                8080,
                director.directory().resolve("director.log"));
        WebServer.start(director.client(), "outside", 8081, director.directory().resolve("outside.log"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                Topology.DIRECTOR_WAN,
                Topology.DIRECTOR_WAN6,
                Topology.DIRECTOR_LAN,
                Topology.DIRECTOR_LAN6,
            })
    void theDirectorAnswersPings(String address) {
        Shell.Result ping = director.client().run("ping", "-n", "-c", "5", "-i", "0.2", "-W", "2", address);
        assertThat(ping.out()).contains(" 5 received").doesNotContain("DUP");
    }

    @ParameterizedTest
    @ValueSource(strings = {Topology.DIRECTOR_WAN, Topology.DIRECTOR_WAN6})
    void aProgramOnTheDirectorIsReachedAtItsAddress(String address) {
        Load.Report report =
                Load.of(address, "/").port(8080).count(20).parallel(4).run(director.client());
        assertThat(report.failed()).as(report.text()).isZero();
        assertThat(report.bodies()).containsOnlyKeys("director");
        Load.Report large =
                Load.of(address, "/bytes/1000000").port(8080).count(1).run(director.client());
        assertThat(large.failed()).as(large.text()).isZero();
        Shell.Result upload =
                director.client().runJava(Shell.SOON, Upload.class, address, "8080", Long.toString(32 << 20));
        assertThat(upload.exit()).as(upload.toString()).isZero();
        assertThat(director.lvsd().lvsadm("--drops").orFail().out()).doesNotContain("punt-limit");
    }

    @ParameterizedTest
    @ValueSource(strings = {"198.51.100.11", "2001:db8:2::12"})
    void aProgramOnTheDirectorReachesAServer(String address) {
        Load.Report report = Load.of(address, "/")
                .count(20)
                .parallel(4)
                .run(director.topology().director());
        assertThat(report.failed()).as(report.text()).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {Topology.CLIENT, Topology.CLIENT6})
    void aServerReachesTheOutsideThroughTheDirector(String outside) {
        Load.Report report =
                Load.of(outside, "/").port(8081).count(20).parallel(4).run(director.server(1));
        assertThat(report.failed()).as(report.text()).isZero();
        assertThat(report.bodies()).containsOnlyKeys("outside");
    }

    @Test
    void aPortWithoutServiceOnTheVipIsRefused() {
        Load.Report report = Load.of(Service.NAT.vip(), "/").port(81).count(2).run(director.client());
        assertThat(report.failed()).isEqualTo(2);
        assertThat(report.text()).contains("refused");
    }
}
