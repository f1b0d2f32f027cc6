package lvsd.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import lvsd.control.View;
import lvsd.rules.Rule;
import lvsd.rules.RuleFormatter;
import lvsd.rules.RuleParser;
import lvsd.rules.RuleSyntaxException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a kernel answered to the same commands on interfaces in the same states. */
final class SyncDaemonsTest {
    private static final SyncDaemons.Nic ETH0 = new SyncDaemons.Nic(1500, true, false, true);

    private final Map<String, SyncDaemons.Nic> nics = new HashMap<>(Map.of("eth0", ETH0));
    private final SyncDaemons daemons = new SyncDaemons(name -> Optional.ofNullable(nics.get(name)));

    private static Rule.StartDaemon rule(String line) {
        try {
            return (Rule.StartDaemon)
                    RuleParser.numeric().parseLine("--start-daemon " + line).orElseThrow();
        } catch (RuleSyntaxException e) {
            throw new AssertionError(e);
        }
    }

    private View.Daemon start(String line) throws Refusal {
        Rule.StartDaemon rule = rule(line);
        Runnable undo = daemons.start(rule, false);
        View.Daemon view = daemons.views().getFirst();
        undo.run();
        return view;
    }

    private void refuse(String line, String why) {
        assertThatThrownBy(() -> daemons.start(rule(line), false))
                .isInstanceOf(Refusal.class)
                .hasMessage(why);
    }

    @Test
    void shouldFillInTheKernelsDefaults() throws Refusal {
        View.Daemon daemon = start("master");
        assertThat(daemon.mcastInterface()).isEqualTo("eth0");
        assertThat(daemon.syncId()).isZero();
        assertThat(daemon.group().getHostAddress()).isEqualTo("224.0.0.81");
        assertThat(daemon.port()).isEqualTo(8848);
        assertThat(daemon.ttl()).isEqualTo(1);
    }

    @Test
    void shouldTakeTheLengthFromTheInterfaceAsTheKernelDoes() throws Refusal {
        for (int[] row : new int[][] {
            // MTU, master IPv4 and IPv6, backup IPv4 and IPv6
            {1280, 1472, 1452, 1472, 1452},
            {1500, 1472, 1452, 1472, 1452},
            {2000, 1472, 1452, 1972, 1952},
            {65535, 1472, 1452, 65507, 65487}
        }) {
            nics.put("eth0", new SyncDaemons.Nic(row[0], true, false, true));
            assertThat(List.of(
                            start("master").maxLength(),
                            start("master --mcast-group ff02::81").maxLength(),
                            start("backup").maxLength(),
                            start("backup --mcast-group ff02::81").maxLength()))
                    .as("MTU %d", row[0])
                    .containsExactly(row[1], row[2], row[3], row[4]);
        }
        assertThat(start("master --sync-maxlen 1").maxLength()).isEqualTo(1);
        assertThat(start("backup --sync-maxlen 100").maxLength()).isEqualTo(1024);
        assertThat(start("master --sync-maxlen 65507 --mcast-group ff02::81").maxLength())
                .isEqualTo(65487);
    }

    @Test
    void shouldRefuseInterfacesThatCannotCarryIt() throws Refusal {
        refuse("master --mcast-interface nosuch0", "No such device");
        nics.put("eth0", new SyncDaemons.Nic(1500, false, false, true));
        refuse("master", "Network is unreachable");
        assertThat(start("backup").maxLength()).isEqualTo(1472);
        nics.put("eth0", new SyncDaemons.Nic(1000, true, false, false));
        refuse("master --mcast-group ff02::81", "Network is unreachable");
        refuse("backup --mcast-group ff02::81", Refusal.INVALID);
        nics.put("eth0", new SyncDaemons.Nic(1500, true, false, false));
        refuse("master --mcast-group ff02::81", "Cannot assign requested address");
        nics.put("lo", new SyncDaemons.Nic(65536, true, true, true));
        refuse("master --mcast-interface lo --mcast-group ff02::81", "Network is unreachable");
        assertThat(start("backup --mcast-interface lo").maxLength()).isEqualTo(65507);
    }

    @Test
    void shouldRunOneOfEachRole() throws Refusal {
        var _ = daemons.start(rule("backup --syncid 9"), false);
        var _ = daemons.start(rule("master --syncid 7"), false);
        refuse("master", "Daemon has already run");
        refuse("master --mcast-interface nosuch", "No such device");
        assertThat(daemons.views()).extracting(View.Daemon::syncId).containsExactly(7, 9);
        assertThat(daemons.rules()).containsExactly(rule("master --syncid 7"), rule("backup --syncid 9"));
        Runnable undo = daemons.stop(Rule.Role.MASTER);
        assertThatThrownBy(() -> daemons.stop(Rule.Role.MASTER)).hasMessage("No daemon is running");
        undo.run();
        assertThat(daemons.views()).hasSize(2);
        assertThatThrownBy(() -> daemons.start(rule("backup"), true)).hasMessage(Refusal.INVALID);
    }

    // Keys: ours ----------------------------------------------------------------------------------------------------

    private void run(String line) throws Refusal {
        daemons.start(rule(line), false);
    }

    private SyncDaemons.Running running(Rule.Role role) {
        return daemons.find(role).orElseThrow();
    }

    @Test
    void theSecondDaemonTakesOverTheKeyOfTheFirst() throws Refusal {
        run("master --syncid 150 --icv-key toto234");
        run("backup --syncid 150");
        SyncRunner.Icv first = Objects.requireNonNull(running(Rule.Role.MASTER).icv());
        assertThat(running(Rule.Role.BACKUP).icv()).isEqualTo(first);
        assertThat(first.algorithm().label()).isEqualTo("hmac-sha256-128");
        assertThat(daemons.views()).allMatch(view -> view.ttl() == 255);
    }

    @Test
    void theSameKeyMayBeSaidTwiceAndNoOther() throws Refusal {
        run("backup --icv-key toto234 --icv-algorithm hmac-md5-96");
        refuse("master --icv-key toto235", "The backup daemon uses another ICV key: both use the same one");
        refuse(
                "master --icv-algorithm hmac-sha256-128",
                "The backup daemon uses hmac-md5-96: both use the same algorithm");
        run("master --icv-key toto234");
        assertThat(running(Rule.Role.MASTER).icv())
                .isEqualTo(running(Rule.Role.BACKUP).icv());
    }

    @Test
    void thereIsNoMixedMode() throws Refusal {
        run("master");
        refuse(
                "backup --icv-key toto234",
                "The master daemon runs without an ICV key: both have one or none. Stop it first");
        run("backup");
        assertThat(running(Rule.Role.BACKUP).icv()).isNull();
    }

    @Test
    void withAKeyTheTtlIs255() throws Refusal {
        refuse("master --icv-key toto234 --mcast-ttl 1", "With an ICV key the TTL is 255, not 1");
        run("master --icv-key toto234 --mcast-ttl 255");
        refuse("backup --mcast-ttl 64", "With an ICV key the TTL is 255, not 64");
    }

    @Test
    void anAlgorithmNeedsAKey() {
        refuse("master --icv-algorithm hmac-md5-96", "--icv-algorithm needs a key: give --icv-key-file or --icv-key");
    }

    @Test
    void whatIsKeptHasNoKeyAndDoesNotStartWithoutOne() throws Refusal {
        run("master --icv-key toto234");
        run("backup");
        assertThat(daemons.rules().toString()).doesNotContain("toto234");
        for (Rule.Change kept : daemons.rules()) {
            String line = RuleFormatter.line(kept);
            assertThat(line).doesNotContain("toto234").contains("--icv-algorithm hmac-sha256-128");
            SyncDaemons others = new SyncDaemons(name -> Optional.ofNullable(nics.get(name)));
            assertThatThrownBy(() -> others.start((Rule.StartDaemon) kept, false))
                    .isInstanceOf(Refusal.class);
        }
    }

    @Test
    void aKeyFileIsReadAndKept(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("key");
        Files.writeString(file, "0123456789abcdef0123456789abcdef\n");
        run("master --icv-key-file " + file);
        assertThat(running(Rule.Role.MASTER).asked().icv().keyFile()).isEqualTo(file.toString());
        refuse(
                "backup --icv-key-file " + directory.resolve("none"),
                "ICV key file " + directory.resolve("none") + " cannot be read: " + directory.resolve("none"));
    }

    /** {@code LoadCredential=sync.key:/etc/lvsd/sync.key}. */
    @Test
    void aNameWithoutASlashIsACredentialOfSystemd() {
        String directory = "/run/credentials/lvsd.service";
        assertThat(IcvRules.file("sync.key", directory)).isEqualTo(Path.of(directory, "sync.key"));
        assertThat(IcvRules.file("/etc/lvsd/sync.key", directory)).isEqualTo(Path.of("/etc/lvsd/sync.key"));
        assertThat(IcvRules.file("./sync.key", directory)).isEqualTo(Path.of("./sync.key"));
        assertThat(IcvRules.file("sync.key", null)).isEqualTo(Path.of("sync.key"));
    }

    @Test
    void aRequestIsLoggedWithoutItsKey() {
        assertThat(Requests.withoutKey("--start-daemon master --icv-key toto234"))
                .isEqualTo("--start-daemon master --icv-key ***");
        assertThat(rule("master --icv-key toto234").toString()).doesNotContain("toto");
    }
}
