package lvsd.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import lvsd.config.ConfigException;
import lvsd.config.ConfigLoader;
import lvsd.config.DaemonConfig;
import lvsd.control.ControlClient;
import lvsd.control.Reply;
import lvsd.rules.RuleFormatter;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A daemon inside the test's own process, on workers that the test moves by hand. */
@Timeout(60)
final class DaemonTest {
    @TempDir
    private Path directory = Path.of("");

    private final FakeDataplane dataplane = new FakeDataplane();

    /** Gives out the test's workers, or fails. */
    private final class Factory implements DataplaneFactory {
        private final String failure;

        Factory(String failure) {
            this.failure = failure;
        }

        @Override
        public Running create(DaemonConfig config) throws StartException {
            if (!failure.isEmpty()) {
                throw new StartException(StartException.FAILURE, failure);
            }
            dataplane.asked.add("create on " + Thread.currentThread().getName());
            return dataplane;
        }

        @Override
        public boolean selfTest(Optional<DaemonConfig> config, Appendable out) {
            return true;
        }
    }

    private Path file() {
        return directory.resolve("lvsd.yaml");
    }

    @BeforeEach
    void files() throws IOException {
        write("net_af_packet0,iface=daemontest0");
        Files.writeString(
                directory.resolve("rules"), "-A -t 192.0.2.1:80\n-a -t 192.0.2.1:80 -r 198.18.0.1:80 -m -w 4\n");
    }

    private void write(String device) throws IOException {
        Files.writeString(file(), """
                eal:
                  hugepages: false
                ports:
                  - name: lan
                    device: %2$s
                control:
                  socket: %1$s/control.sock
                persist:
                  directory: %1$s/journal
                  rules: %1$s/rules
                """.formatted(directory, device));
    }

    private Daemon daemon(String failure) {
        try {
            return new Daemon(file(), ConfigLoader.load(file()), new Factory(failure), directory.resolve("locks"));
        } catch (ConfigException e) {
            throw new AssertionError(e);
        }
    }

    private ControlClient client() throws IOException {
        return new ControlClient(directory.resolve("control.sock"), Duration.ofMinutes(1));
    }

    @Test
    void shouldPublishRulesBeforePortsAreOpenedAndCloseInTheEnd() throws Exception {
        Daemon daemon = daemon("");
        daemon.start(false);
        assertThat(dataplane.asked).containsExactly("create on lvsd-eal", "open");
        assertThat(dataplane.tables).hasSize(1);
        assertThat(dataplane.table().services()).hasSize(1);
        daemon.stop();
        assertThat(dataplane.asked).endsWith("close");
        assertThat(directory.resolve("control.sock")).doesNotExist();
        assertThat(Journal.read(directory.resolve("journal")).rules())
                .containsExactly("-A -t 192.0.2.1:80 -s wlc", "-a -t 192.0.2.1:80 -r 198.18.0.1:80 -m -w 4");
    }

    private String role(String line) throws IOException {
        try (ControlClient client = client()) {
            Reply reply = client.request(line);
            return reply.out().strip() + reply.err().strip();
        }
    }

    @Test
    void shouldBeginInTheRoleOfTheFileAndForgetAnother() throws Exception {
        Files.writeString(file(), Files.readString(file()) + "role: standby\n");
        for (int start = 0; start < 2; start++) {
            Daemon daemon = daemon("");
            daemon.start(false);
            assertThat(dataplane.table().standby).isTrue();
            assertThat(role("--role")).isEqualTo("{\"role\":\"standby\"}");
            assertThat(role("--role active")).isEmpty();
            assertThat(dataplane.table().standby).isFalse();
            assertThat(role("--role")).isEqualTo("{\"role\":\"active\"}");
            assertThat(dataplane.asked).doesNotContain("announce");
            assertThat(role("--role active")).isEmpty();
            assertThat(dataplane.asked).contains("announce");
            dataplane.asked.clear();
            assertThat(role("--role master")).contains("illegal role specified, must be active or standby");
            daemon.reload(config -> config);
            assertThat(dataplane.table().standby).isFalse();
            daemon.stop();
            assertThat(Journal.read(directory.resolve("journal")).rules()).noneMatch(line -> line.contains("role"));
        }
    }

    @Test
    void shouldLeaveNothingBehindAFailedStart() throws Exception {
        assertThatThrownBy(() -> daemon("no such device").start(false)).hasMessage("no such device");
        Daemon daemon = daemon("");
        daemon.start(false);
        daemon.stop();
    }

    @Test
    void shouldRefuseAPortThatAnotherInstanceHas() throws Exception {
        Daemon first = daemon("");
        first.start(false);
        Files.writeString(
                file(),
                Files.readString(file()).replace("control.sock", "other.sock").replace("journal", "other"));
        assertThatThrownBy(() -> daemon("").start(false))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("another lvsd uses port device net_af_packet0,iface=daemontest0");
        first.stop();
        Daemon second = daemon("");
        second.start(false);
        second.stop();
    }

    @Test
    void shouldKnowWhichDevicesCannotBeShared() throws IOException {
        assertThat(InstanceLock.exclusive("0000:03:00.1")).contains("pci-03-00.1");
        assertThat(InstanceLock.exclusive("net_tap0,iface=tap7"))
                .get()
                .asString()
                .endsWith("-tap7");
        assertThat(InstanceLock.exclusive("net_null0")).isEmpty();
        assertThat(InstanceLock.exclusive("net_pcap0,rx_pcap=/tmp/a.pcap,infinite_rx=1"))
                .isEmpty();
    }

    @Test
    void shouldDrainUntilConnectionsAreGoneAndRefuseChangesMeanwhile() throws Exception {
        Daemon daemon = daemon("");
        daemon.start(false);
        dataplane.count(0, 3, 3, 1, 2);
        int[] rounds = new int[1];
        daemon.drain(30, () -> {
            rounds[0]++;
            if (rounds[0] == 3) {
                try (ControlClient client = client()) {
                    assertThat(client.request("-A -t 192.0.2.2:80")).isEqualTo(Reply.refused("the daemon is stopping"));
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
                dataplane.totals.clear();
            }
            return true;
        });
        assertThat(rounds[0]).isEqualTo(3);
        assertThat(dataplane.table().services()[0].destinations[0].weight).isZero();
        daemon.stop();
        assertThat(Journal.read(directory.resolve("journal")).rules())
                .contains("-a -t 192.0.2.1:80 -r 198.18.0.1:80 -m -w 4");
    }

    @Test
    void shouldNameWhatAReloadCannotChangeAndChangeTheRest() throws Exception {
        Daemon daemon = daemon("");
        daemon.start(false);
        Files.writeString(file(), Files.readString(file()) + "settings:\n  neighbour_queue: 12\n");
        Files.writeString(directory.resolve("rules"), "-A -t 192.0.2.1:80\n");
        daemon.reload(config -> config);
        assertThat(dataplane.asked).contains("reconfigure", "setting neighbour_queue=12");
        assertThat(dataplane.table().services()[0].destinations).isEmpty();
        assertThat(Daemon.unchangeable(ConfigLoader.load(file()), ConfigLoader.load(file())))
                .isEmpty();
        daemon.stop();
    }

    @Test
    void shouldFindTheShortestWayFromOneRulesFileToAnother() throws Exception {
        DaemonConfig config = ConfigLoader.load(file());
        Path name = directory.resolve("rules");
        var from = RulesFile.resolve(
                name,
                List.of(
                        "-A -t 192.0.2.1:80",
                        "-a -t 192.0.2.1:80 -r 198.18.0.1:80 -m",
                        "-P -t 192.0.2.1:80 -z 198.18.1.1",
                        "-A -t 192.0.2.2:80",
                        "-a -t 192.0.2.2:80 -r 198.18.0.1:80 -m"),
                config);
        var to = RulesFile.resolve(
                name,
                List.of(
                        "-A -t 192.0.2.1:80 -s rr",
                        "-a -t 192.0.2.1:80 -r 198.18.0.2:80 -m",
                        "-P -t 192.0.2.1:80 -z 198.18.1.1"),
                config);
        assertThat(RulesFile.difference(from, from)).isEmpty();
        assertThat(RulesFile.difference(from, to).stream().map(RuleFormatter::line))
                .containsExactly(
                        "-D -t 192.0.2.2:80",
                        "-E -t 192.0.2.1:80 -s rr",
                        "-d -t 192.0.2.1:80 -r 198.18.0.1:80",
                        "-a -t 192.0.2.1:80 -r 198.18.0.2:80 -m -w 1");
    }
}
