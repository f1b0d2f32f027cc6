package lvsd.director;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Two directors tell each other their connections, and go on with those of the other. */
@Tag("privileged")
@Timeout(600)
class SyncIT {
    private static final List<Service> SERVICES = List.of(Service.NAT, Service.NAT6, Service.FULLNAT, Service.FULLNAT6);
    private static final int EACH = 8;
    private static final List<String> TIMEOUTS =
            List.of("established", "finwait", "timewait", "close", "closewait", "synsent", "synrecv", "lastack", "udp");

    @RegisterExtension
    static final DirectorPair pair = new DirectorPair(1, 2);

    private final List<Process> fetches = new ArrayList<>();

    @BeforeAll
    static void setRules() {
        pair.rules(SERVICES.stream()
                .map(service -> service.rules("-t") + service.rules("-u"))
                .collect(Collectors.joining()));
    }

    /** Every test begins with empty tables. */
    @AfterEach
    void stop() {
        fetches.forEach(Process::destroyForcibly);
        pair.director(1).lvsadm("--stop-daemon", "master");
        pair.director(2).lvsadm("--stop-daemon", "backup");
        for (int number = 1; number <= 2; number++) {
            for (String state : TIMEOUTS) {
                pair.director(number).ask("--sysctl timeout_" + state + "=1");
            }
        }
        Shell.await("all connections end", Shell.SOON, () -> told(1).isEmpty() && told(2).isEmpty());
        for (int number = 1; number <= 2; number++) {
            for (String state : TIMEOUTS) {
                pair.director(number).ask("--sysctl timeout_" + state + "=300");
            }
        }
    }

    private static void start(int number, String role, String link) {
        pair.director(number)
                .lvsadm(
                        "--start-daemon",
                        role,
                        "--mcast-interface",
                        link,
                        "--syncid",
                        "150",
                        "--icv-key-file",
                        pair.key().toString())
                .orFail();
    }

    /** Begins some fetches through each service. */
    private void fetch(String path) {
        for (Service service : SERVICES) {
            for (int i = 0; i < EACH; i++) {
                Path log = pair.directory().resolve("curl");
                fetches.add(pair.topology()
                        .client()
                        .start(
                                log,
                                "curl",
                                "-sgf",
                                "-m",
                                "400",
                                "--interface",
                                service.source(),
                                "-o",
                                "/dev/null",
                                service.url(path)));
            }
        }
    }

    private void awaitWhole() {
        for (Process each : fetches) {
            try {
                assertThat(each.waitFor()).as("exit code of curl").isZero();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException(e);
            }
        }
    }

    /** What both must agree in. */
    private static Set<String> told(int number) {
        return pair.director(number).connections().stream()
                .map(c -> c.protocol() + " " + c.client() + " " + c.clientPort() + " " + c.virtual() + " "
                        + c.virtualPort() + " " + c.local() + " " + c.localPort() + " " + c.server() + " "
                        + c.serverPort() + " " + c.method() + " " + c.state())
                .collect(Collectors.toCollection(HashSet::new));
    }

    private static void awaitEstablished(int number) {
        Shell.await(
                "connections of director " + number + " established",
                Shell.SOON,
                () -> pair.director(number).established() == (long) SERVICES.size() * EACH);
    }

    /** Waits until both tell the same. */
    private static void agree() {
        long end = System.nanoTime() + Shell.SOON.toNanos();
        Set<String> missing;
        Set<String> surplus;
        do {
            missing = told(1);
            surplus = told(2);
            Set<String> second = Set.copyOf(surplus);
            surplus.removeAll(missing);
            missing.removeAll(second);
        } while (!(missing.isEmpty() && surplus.isEmpty()) && System.nanoTime() < end);
        assertThat(missing).as("missing at the backup").isEmpty();
        assertThat(surplus).as("only at the backup").isEmpty();
    }

    /** What the master has counted under that name. */
    private static long counter(String name) {
        String daemons = pair.director(1).ask("-L --daemon");
        Matcher matcher = Pattern.compile("\"" + name + "\",\"value\":(\\d+)").matcher(daemons);
        assertThat(matcher.find()).as(daemons).isTrue();
        return Long.parseLong(matcher.group(1));
    }

    @ParameterizedTest
    @ValueSource(strings = {"eth4", "ha"})
    void connectionsOfTheMasterAreTheBackups(String link) {
        start(1, "master", link);
        start(2, "backup", link);
        fetch("/hang");
        for (Service service : SERVICES) {
            pair.topology()
                    .client()
                    .runJava(Shell.SOON, Datagrams.class, service.vip(), "80", "4", "100")
                    .orFail();
        }
        awaitEstablished(1);
        agree();
        assertThat(counter("dropped")).isZero();
        assertThat(counter("unsent")).isZero();
        fetches.forEach(Process::destroy);
        Shell.await("they are closed", Shell.SOON, () -> pair.director(1).established() == 0);
        agree();
        TIMEOUTS.forEach(state -> pair.director(1).ask("--sysctl timeout_" + state + "=1"));
        Shell.await("the master's ends", Shell.SOON, () -> told(1).isEmpty());
        agree();
    }

    @Test
    void aLateBackupGetsAll() {
        start(1, "master", "eth4");
        fetch("/hang");
        awaitEstablished(1);
        start(2, "backup", "eth4");
        agree();
    }

    @Test
    void aRestartCutsNothing() {
        fetch("/slow/150");
        awaitEstablished(1);
        pair.director(1).terminate();
        pair.restart(1);
        awaitWhole();
    }

    @Test
    void whatBeganThroughTheOneEndsThroughTheOther() {
        start(1, "master", "eth4");
        start(2, "backup", "eth4");
        fetch("/slow/150");
        awaitEstablished(1);
        awaitEstablished(2);
        pair.connect(2);
        awaitWhole();
        pair.connect(1);
    }
}
