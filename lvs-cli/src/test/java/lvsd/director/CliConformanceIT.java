package lvsd.director;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import lvsd.cli.AllowedDifference;
import lvsd.cli.Recording;
import lvsd.cli.Recording.Step;
import lvsd.cli.Replay;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * Every recorded step of ipvsadm and the kernel before a running lvsd, byte for byte: the whole of it by the tool in this
 * process, a part by the launcher with the names of the machine. The machine is the recordings': {@code eth0} with
 * 198.18.0.1/24 and an MTU of 1500. What may differ, and why, says {@link AllowedDifference}.
 */
@Tag("privileged")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CliConformanceIT {
    /** Scenarios that the launcher replays too: names both ways, standard input, errors of both kinds. */
    private static final Set<String> BY_LAUNCHER = Set.of("names-no-n", "restore", "restore-error-middle");

    private static final Duration STEP = Duration.ofSeconds(30);
    private final List<String> differences = new ArrayList<>();
    private Path directory = Path.of("");
    private Namespace namespace = new Namespace("none");
    private @Nullable LvsdProcess lvsd;

    @BeforeAll
    void start() throws IOException {
        Requirements.check();
        long pid = ProcessHandle.current().pid();
        directory = Files.createTempDirectory("lvsd-cli");
        Topology.removeLeftovers();
        namespace = Namespace.create(Topology.PREFIX + pid + "-cli");
        namespace.ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth0p");
        namespace.ip("link", "set", "eth0p", "up");
        namespace.ip("link", "set", "eth0", "up");
        namespace.ip("address", "add", "198.18.0.1/24", "dev", "eth0");
        Path files = Files.createDirectories(files());
        Files.writeString(files.resolve("hosts"), Recording.hosts());
        Files.writeString(files.resolve("services"), Recording.services());
        lvsd = LvsdProcess.start(namespace, directory, configuration(pid));
    }

    private static String configuration(long pid) {
        return """
                eal:
                  hugepages: off
                  memory: 96
                  file-prefix: lvst%d-cli
                  mbufs: 8192
                ports:
                  - name: null0
                    device: net_null0
                    addresses: [192.0.2.1/24]
                    twin: off
                connections:
                  ipv4: 65536
                  ipv6: 16384
                  lock-memory: off
                persist: none
                punt:
                  forward: off
                """.formatted(pid);
    }

    /** What {@code ip netns exec} puts in the place of files under /etc. */
    private Path files() {
        return Path.of("/etc/netns").resolve(namespace.name());
    }

    @AfterAll
    void stop() throws IOException {
        if (lvsd != null) {
            lvsd.close();
        }
        namespace.delete();
        Shell.delete(files());
        Shell.delete(directory);
    }

    @Test
    void shouldAnswerEveryRecordedScenarioAsIpvsadmBeforeTheKernel() {
        assertThat(replay("ipvsadm.jsonl")).isGreaterThan(800);
        assertThat(differences).as(String.join("\n", differences)).isEmpty();
    }

    @Test
    void shouldAnswerFurtherQuestionsAsIpvsadmBeforeTheKernel() {
        assertThat(replay("ipvsadm-more.jsonl")).isGreaterThan(2000);
        assertThat(differences).as(String.join("\n", differences)).isEmpty();
    }

    /** Options in every order, sync daemons on interfaces in every state, commands made up by chance. */
    @Test
    void shouldAnswerInEveryOrderAsIpvsadmBeforeTheKernel() {
        assertThat(replay("ipvsadm-order.jsonl")).isGreaterThan(900);
        assertThat(differences).as(String.join("\n", differences)).isEmpty();
    }

    /** Numbers, addresses, words and lines of every odd form; further commands made up by chance. */
    @Test
    void shouldAnswerOddWordsAsIpvsadmBeforeTheKernel() {
        assertThat(replay("ipvsadm-odd.jsonl")).isGreaterThan(2000);
        assertThat(differences).as(String.join("\n", differences)).isEmpty();
    }

    /** Words longer than a buffer of the original, bytes that are no UTF-8, zeros, blanks that are none. */
    @Test
    void shouldGiveBytesBackAsIpvsadmDoes() {
        assertThat(replay("ipvsadm-bytes.jsonl")).isGreaterThan(300);
        assertThat(differences).as(String.join("\n", differences)).isEmpty();
        // By the launcher, whose words a JVM decodes.
        String words = "ipvsadm -A -f \"$(printf '\\377a\\303\\244\\303')\" 2>&1 | od -An -c";
        assertThat(inNamespace("", List.of("sh", "-c", words)).stdout()).contains("377   a 303 244 303   '");
    }

    @Test
    void shouldAnswerTheSameByTheLauncher() {
        reset();
        String scenario = "";
        for (Step step : Recording.read("ipvsadm.jsonl")) {
            if (!BY_LAUNCHER.contains(step.scenario())) {
                continue;
            }
            if (!step.scenario().equals(scenario)) {
                reset();
                scenario = step.scenario();
            }
            List<String> words = new ArrayList<>(List.of("ipvsadm"));
            words.addAll(step.arguments());
            compare(step, inNamespace(step.stdin(), words));
        }
        assertThat(differences).as(String.join("\n", differences)).isEmpty();
    }

    private int replay(String recording) {
        // A recording may have taken addresses away; going up brings IPv6's back.
        namespace.ip("link", "set", "eth0", "down");
        namespace.ip("link", "set", "eth0", "up");
        namespace.ip("address", "replace", "198.18.0.1/24", "dev", "eth0");
        String scenario = "";
        int steps = 0;
        for (Step step : Recording.read(recording)) {
            if (!step.scenario().equals(scenario)) {
                reset();
                scenario = step.scenario();
            }
            if (!step.command().isEmpty()) {
                if (!AllowedDifference.onlyAKernelDoes(step)) {
                    compare(step, inNamespace("", List.of("sh", "-c", step.command())));
                }
            } else {
                compare(step, Replay.run(socket(), step));
            }
            steps++;
        }
        return steps;
    }

    private void compare(Step step, Replay.Result got) {
        String difference = Replay.difference(step, got);
        if (!difference.isEmpty()) {
            differences.add(difference);
        }
    }

    private Path socket() {
        return requireNonNull(lvsd).control();
    }

    /** Each scenario began with an empty table, no sync daemons and the usual timeouts. */
    private void reset() {
        for (String line : List.of("-C", "--stop-daemon master", "--stop-daemon backup", "--set 900 120 300")) {
            Replay.run(socket(), new Step("reset", 0, "", List.of(line.split(" ", -1)), "", "", "", ""));
        }
    }

    /** Runs words where {@code ipvsadm} is our launcher and asks our director. */
    private Replay.Result inNamespace(String stdin, List<String> words) {
        List<String> command = new ArrayList<>(List.of("ip", "netns", "exec", namespace.name(), "env"));
        command.add("PATH=" + Shell.ROOT.resolve("config/bin") + ":" + System.getenv("PATH"));
        command.add("LVSD_CONTROL=" + socket());
        command.addAll(words);
        Shell.Result result = Shell.run(STEP, command, stdin);
        return new Replay.Result(Integer.toString(result.exit()), result.out(), result.err());
    }
}
