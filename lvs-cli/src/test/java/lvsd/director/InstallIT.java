package lvsd.director;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** What {@code lvs-install} puts where, and that it works from there: the tool under both names, save, restore, completion. */
@Tag("privileged")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class InstallIT {
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final String RULES = """
            -A -t 192.0.2.80:80 -s wlc
            -a -t 192.0.2.80:80 -r 198.18.1.1:80 -m -w 1
            -a -t 192.0.2.80:80 -r 198.18.1.2:8080 -m -w 5
            -A -u 192.0.2.80:53 -s rr -o
            -A -f 7 -s rr -p 300
            """;

    private Path root = Path.of("");
    private Namespace namespace = new Namespace("none");
    private @Nullable LvsdProcess lvsd;

    @BeforeAll
    void install() throws IOException {
        Requirements.check();
        Topology.removeLeftovers();
        root = Files.createTempDirectory("lvsd-install");
        // Twice: what is there is replaced.
        for (int i = 0; i < 2; i++) {
            String program = Shell.ROOT.resolve("config/bin/lvs-install").toString();
            Shell.run(LIMIT, List.of("env", "DESTDIR=" + root, program, "/usr")).orFail();
        }
        long pid = ProcessHandle.current().pid();
        namespace = Namespace.create(Topology.PREFIX + pid + "-inst");
        Path run = Files.createDirectories(root.resolve("run"));
        lvsd = LvsdProcess.start(namespace, run, """
                eal: { hugepages: off, memory: 96, file-prefix: lvst%d-inst, mbufs: 8192 }
                ports: [ { name: null0, device: net_null0, addresses: [ 192.0.2.1/24 ], twin: off } ]
                connections: { ipv4: 65536, ipv6: 16384, lock-memory: off }
                persist: none
                punt: { forward: off }
                """.formatted(pid));
    }

    @AfterAll
    void remove() throws IOException {
        if (lvsd != null) {
            lvsd.close();
        }
        namespace.delete();
        Shell.delete(root);
    }

    @BeforeEach
    void clear() {
        installed("", "ipvsadm", "-C").orFail();
    }

    /** Runs an installed program before the director. */
    private Shell.Result installed(String stdin, String program, String... arguments) {
        List<String> words = new ArrayList<>(List.of(
                "env",
                "LVSD_CONTROL=" + requireNonNull(lvsd).control(),
                root.resolve("usr/bin").resolve(program).toString()));
        words.addAll(Arrays.asList(arguments));
        return Shell.run(LIMIT, words, stdin);
    }

    @Test
    void allIsWhereItBelongs() throws IOException {
        List<String> files;
        try (Stream<Path> all = Files.walk(root)) {
            files = all.filter(file -> !Files.isDirectory(file) && !file.startsWith(root.resolve("run")))
                    .map(file -> root.relativize(file).toString())
                    .filter(file -> !file.endsWith(".jar"))
                    .sorted()
                    .toList();
        }
        assertThat(files)
                .containsExactly(
                        "etc/lvsd/lvsd.yaml",
                        "usr/bin/ipvsadm",
                        "usr/bin/ipvsadm-restore",
                        "usr/bin/ipvsadm-save",
                        "usr/bin/lvsadm",
                        "usr/bin/lvsd",
                        "usr/lib/lvsd/lvs-cli/lvsadm.aot",
                        "usr/lib/lvsd/lvs-lib.sh",
                        "usr/lib/systemd/system/lvsd.service",
                        "usr/share/bash-completion/completions/ipvsadm",
                        "usr/share/bash-completion/completions/lvsadm");
        assertThat(Files.readString(root.resolve("usr/lib/systemd/system/lvsd.service")))
                .contains("ExecStart=/usr/bin/lvsd ");
        assertThat(installed("", "lvsd", "--version").orFail().out()).startsWith("lvsd ");
    }

    /** What there is of the operator's own stays. */
    @Test
    void theDaemonFileIsNotReplaced() throws IOException {
        Path file = root.resolve("etc/lvsd/lvsd.yaml");
        String before = Files.readString(file);
        Files.writeString(file, "# mine\n");
        String program = Shell.ROOT.resolve("config/bin/lvs-install").toString();
        Shell.run(LIMIT, List.of("env", "DESTDIR=" + root, program, "/usr")).orFail();
        assertThat(Files.readString(file)).isEqualTo("# mine\n");
        Files.writeString(file, before);
    }

    @Test
    void theToolAnswersAsTheNameThatItIsCalledBy() throws IOException {
        assertThat(installed("", "ipvsadm", "-v").orFail().out())
                .startsWith("ipvsadm of lvsd ")
                .contains("ipvsadm v1.31");
        assertThat(installed("", "lvsadm", "-v").orFail().out()).startsWith("lvsadm");
        assertThat(installed("", "ipvsadm", "--foo").err()).contains("ipvsadm -h");
        // By a link from anywhere else, as /usr/sbin/ipvsadm may be one.
        Path link = root.resolve("run/ipvsadm");
        Files.deleteIfExists(link);
        Files.createSymbolicLink(link, root.resolve("usr/bin/lvsadm"));
        Shell.Result version = Shell.run(LIMIT, List.of(link.toString(), "-v"));
        assertThat(version.orFail().out()).startsWith("ipvsadm of lvsd ").contains("ipvsadm v1.31");
    }

    @Test
    void whatIsSavedIsWhatWasRestored() {
        assertThat(installed(RULES, "ipvsadm-restore").orFail().out()).isEmpty();
        assertThat(installed("", "ipvsadm-save", "-n").orFail().out()).isEqualTo(RULES);
        assertThat(installed("", "ipvsadm-save").orFail().out())
                .contains("-A -t ")
                .contains(":http");
        assertThat(installed("", "ipvsadm", "-Sn").orFail().out()).isEqualTo(RULES);
        installed("-A -t 192.0.2.99:80\n", "ipvsadm", "-R").orFail();
        // In the place of what there is, as in Debian.
        String withName = "# saved\n" + RULES.replaceAll("(?m)^", "ipvsadm ");
        assertThat(installed(withName, "ipvsadm-restore").orFail().out()).isEmpty();
        assertThat(installed("", "ipvsadm-save", "--numeric").orFail().out()).isEqualTo(RULES);
    }

    @Test
    void wrongUseIsSaid() {
        assertThat(installed("", "ipvsadm-save", "-x").exit()).isEqualTo(1);
        assertThat(installed("", "ipvsadm-save", "-x").err()).startsWith("usage: ipvsadm-save");
        assertThat(installed("", "ipvsadm-restore", "--help").orFail().out()).startsWith("usage: ipvsadm-restore");
        Shell.Result wrong = installed("-A -t 192.0.2.80:80\nfoo\n", "ipvsadm-restore");
        assertThat(wrong.exit()).isNotZero();
        assertThat(installed("", "ipvsadm-save", "-n").orFail().out()).isEqualTo("-A -t 192.0.2.80:80 -s wlc\n");
    }

    // ---- completion

    /** What bash would offer for a line that ends at the cursor. */
    private List<String> offered(String line) {
        String script = """
                . "$1"
                COMP_WORDS=(ipvsadm) COMP_LINE=$2 COMP_POINT=${#2} COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
                _lvsadm
                printf '%s\\n' "${COMPREPLY[@]}"
                """;
        List<String> words = List.of(
                "env",
                "LVSD_CONTROL=" + requireNonNull(lvsd).control(),
                "PATH=" + root.resolve("usr/bin") + ":" + System.getenv("PATH"),
                "bash",
                "-c",
                script,
                "bash",
                root.resolve("usr/share/bash-completion/completions/ipvsadm").toString(),
                line);
        return Shell.run(LIMIT, words)
                .orFail()
                .out()
                .lines()
                .filter(word -> !word.isEmpty())
                .toList();
    }

    @Test
    void bashCompletesCommandsOptionsAndWhatTheDirectorKnows() {
        installed(RULES, "ipvsadm-restore").orFail();
        assertThat(offered("ipvsadm ")).contains("-A", "-L", "--start-daemon", "--drops");
        assertThat(offered("ipvsadm --add-s")).containsExactly("--add-service", "--add-server");
        assertThat(offered("ipvsadm -A -t 192.0.2.80:80 -s l")).containsExactly("lc", "lblc", "lblcr");
        // Bash takes a colon for the end of a word, so what is before it is not repeated.
        assertThat(offered("ipvsadm -D -t ")).containsExactly("192.0.2.80:80");
        assertThat(offered("ipvsadm -D -t 192.0.2.80:")).containsExactly("80");
        assertThat(offered("ipvsadm -D -u ")).containsExactly("192.0.2.80:53");
        assertThat(offered("ipvsadm -D -f ")).containsExactly("7");
        assertThat(offered("ipvsadm -d -t 192.0.2.80:80 -r ")).containsExactly("198.18.1.1:80", "198.18.1.2:8080");
        assertThat(offered("ipvsadm -a -t 192.0.2.80:80 -r 198.18.1.3 --tun-type g"))
                .containsExactly("gue", "gre");
        assertThat(offered("ipvsadm -L --ra")).containsExactly("--rate");
        assertThat(offered("ipvsadm --sysctl conn_reuse")).anyMatch(word -> word.startsWith("conn_reuse_mode="));
        assertThat(offered("ipvsadm --start-daemon m")).containsExactly("master");
    }
}
