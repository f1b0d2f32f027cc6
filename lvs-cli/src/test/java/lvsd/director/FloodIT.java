package lvsd.director;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Multicast and broadcast pass through the kernel's twin both ways, untouched, and a flood of other traffic starves no class but its own. */
@Tag("privileged")
@Timeout(120)
class FloodIT {
    private static final int COUNT = 200;

    @RegisterExtension
    static final Director director = Director.withRestRate(1000);

    /** What arrives of {@link #COUNT} datagrams, whose TTL is to be the one they were sent with. */
    private static String groups(Namespace to, String toInterface, Namespace from, String fromInterface, String group)
            throws IOException {
        String[] parts = group.split(" ", -1);
        Path seen = Files.createTempFile(director.directory(), "group", ".txt");
        Process tcpdump =
                to.start(seen, "tcpdump", "-U", "-l", "-v", "-c", "1", "-ni", toInterface, "udp port " + parts[1]);
        Shell.await("tcpdump listens", Shell.SOON, () -> seen.toFile().length() > 0);
        String received = received(to, toInterface, from, fromInterface, parts);
        Shell.await("tcpdump saw one", Shell.SOON, () -> !tcpdump.isAlive());
        assertThat(Files.readString(seen)).containsPattern("(ttl|hlim) " + parts[2] + "\\b");
        return received;
    }

    private static String received(
            Namespace to, String toInterface, Namespace from, String fromInterface, String[] parts) throws IOException {
        Process receiver =
                to.startPipedJava(Groups.class, "receive", parts[0], parts[1], toInterface, Integer.toString(COUNT));
        try (BufferedReader said = receiver.inputReader()) {
            assertThat(said.readLine()).isEqualTo("ready");
            from.runJava(Shell.SOON, Groups.class, "send", parts[0], parts[1], fromInterface, Integer.toString(COUNT))
                    .orFail();
            return said.readLine();
        } finally {
            receiver.destroy();
        }
    }

    @ParameterizedTest
    @CsvSource({"224.0.0.9 520 1", "ff02::9 521 1", "192.0.2.255 520 64"})
    void routingProtocolsHearTheirGroups(String group) throws IOException {
        assertThat(groups(director.topology().director(), "wan", director.client(), "eth0", group))
                .isEqualTo("received " + COUNT);
    }

    @ParameterizedTest
    @CsvSource({"224.0.0.9 520 1", "ff02::9 521 1", "192.0.2.255 520 64"})
    void routingProtocolsSpeakToTheirGroups(String group) throws IOException {
        assertThat(groups(director.client(), "eth0", director.topology().director(), "wan", group))
                .isEqualTo("received " + COUNT);
    }

    @Test
    void aFloodStarvesNeitherHealthChecksNorNeighboursNorRouting() throws IOException {
        Namespace host = director.topology().director();
        Process flood = director.client().startPipedJava(Flood.class, Topology.DIRECTOR_WAN, "9", "10");
        try (BufferedReader said = flood.inputReader()) {
            assertThat(said.readLine()).isEqualTo("ready");
            host.run("ip", "neigh", "flush", "dev", "lan");
            Load.Report checks =
                    Load.of(Topology.address(1), "/").count(50).parallel(2).run(host);
            assertThat(checks.failed()).as(checks.text()).isZero();
            assertThat(groups(host, "wan", director.client(), "eth0", "224.0.0.9 520 1"))
                    .isEqualTo("received " + COUNT);
            assertThat(flood.isAlive()).isTrue();
        } finally {
            flood.destroy();
        }
        String drops = director.lvsd().lvsadm("--drops").orFail().out();
        assertThat(drops)
                .contains("punt-limit-rest")
                .doesNotContain("punt-limit-neighbour", "punt-limit-routing", "punt-limit-health");
    }

    @Test
    void theTwinsCarrierFollowsTheWire() {
        Namespace host = director.topology().director();
        director.topology().wires().ip("link", "set", "director", "down");
        Shell.await(
                "no carrier",
                Shell.SOON,
                () -> host.run("ip", "link", "show", "lan").out().contains("NO-CARRIER"));
        director.topology().wires().ip("link", "set", "director", "up");
        Shell.await(
                "carrier",
                Shell.SOON,
                () -> !host.run("ip", "link", "show", "lan").out().contains("NO-CARRIER"));
    }
}
