package lvsd.director;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import lvsd.control.View;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** lvsd and the Linux kernel tell each other their connections, without a key; with one the kernel takes nothing. */
@Tag("privileged")
@Timeout(600)
class KernelSyncIT {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final String LINK = "kernel0";
    /** Both look at their clocks at other times; what a wrong timeout would be off by is twice as much. */
    private static final long SECONDS_APART = 140;

    private static final Pattern ROW = Pattern.compile(
            "^(TCP|UDP|IP) +(\\d+):(\\d+) +(\\S+) +(\\S+):(\\d+) +(\\S+):(\\d+) +(\\S+):(\\d+)", Pattern.MULTILINE);

    /** Through what connections go: a VIP of IPv4 or IPv6, and how many there are in the largest test: 1,000 in all. */
    private enum Way {
        NAT("203.0.113.80", "-m", "", 250),
        NAT6("2001:db8:3::80", "-m", "", 150),
        FULLNAT("203.0.113.81", "-b", "", 150),
        FULLNAT6("2001:db8:3::81", "-b", "", 150),
        STICKY("203.0.113.82", "-m", " -p 300", 100),
        STICKY6("2001:db8:3::82", "-m", " -p 300", 100),
        PROXIED("203.0.113.83", "-b", " -j enable", 60),
        PROXIED6("2001:db8:3::83", "-m", " -j enable", 40);

        private final String vip;
        private final String method;
        private final String options;
        private final int count;

        Way(String vip, String method, String options, int count) {
            this.vip = vip;
            this.method = method;
            this.options = options;
            this.count = count;
        }

        boolean ipv6() {
            return vip.contains(":");
        }

        /** An address of the client for each way and number. */
        String source(int number) {
            return (ipv6() ? "2001:db8:1::" : "192.0.2.") + (110 + 10 * number + ordinal());
        }

        String rules() {
            String at = "-t " + bracketed(vip) + ":80";
            StringBuilder rules = new StringBuilder("-A " + at + " -s rr" + options + "\n");
            for (int number = 1; number <= 2; number++) {
                String server = ipv6() ? Topology.address6(number) : Topology.address(number);
                rules.append("-a %s -r %s:80 %s%n".formatted(at, bracketed(server), method));
            }
            if (method.equals("-b")) {
                rules.append("-P %s -z %s%n".formatted(at, ipv6() ? Topology.LIP6 : Topology.LIP));
            }
            return rules.toString();
        }
    }

    @RegisterExtension
    static final Director director = Director.twoArm();

    private static @Nullable KernelGuest booted;
    private final List<Process> holds = new ArrayList<>();

    @BeforeAll
    static void boot() {
        booted = KernelGuest.boot(director.topology().director(), LINK);
        guest().script("kernel-director.sh", "kernel-server.pl", "kernel-client.pl");
        director.topology().director().ip("address", "add", "198.18.5.1/24", "dev", LINK);
        for (Way way : Way.values()) {
            way.rules().lines().forEach(director.lvsd()::ask);
            for (int number = 0; number < 6; number++) {
                String source = way.source(number) + (way.ipv6() ? "/64" : "/24");
                director.client().ip("address", "add", source, "dev", "eth0", "nodad");
            }
        }
        director.lvsd().ask("--sysctl timeout_timewait=600");
        // At once (the SYN proxy's have had one packet then), and what does not change only once.
        director.lvsd().ask("--sysctl sync_threshold=1,0");
    }

    @AfterAll
    static void end() {
        if (booted != null) {
            booted.close();
        }
    }

    private static KernelGuest guest() {
        return requireNonNull(booted);
    }

    @AfterEach
    void stop() {
        holds.forEach(Process::destroyForcibly);
        for (String role : List.of("master", "backup")) {
            director.lvsd().lvsadm("--stop-daemon", role);
            guest().run("ipvsadm --stop-daemon " + role + " || true");
        }
    }

    private static String bracketed(String address) {
        return address.contains(":") ? "[" + address + "]" : address;
    }

    /** Opens connections through the director and leaves them open. */
    private void hold(int number, Map<Way, Integer> counts) throws IOException {
        String[] arguments = counts.entrySet().stream()
                .map(each -> each.getKey().vip + "," + each.getKey().source(number) + "," + each.getValue())
                .toArray(String[]::new);
        Process process = director.client().startPipedJava(Holds.class, arguments);
        holds.add(process);
        assertThat(process.inputReader().readLine()).isEqualTo("ready");
    }

    private static String address(String text) {
        try {
            String plain = text.startsWith("[") ? text.substring(1, text.length() - 1) : text;
            return InetAddress.getByName(plain).getHostAddress();
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }

    /** Seconds left of each connection of a client whose address is one of {@code clients}; by all else that both show. */
    private static Map<String, Long> ours(Set<String> clients) {
        Map<String, Long> rows = new TreeMap<>();
        for (View.Connection c : director.lvsd().connections()) {
            if (clients.contains(c.client().getHostAddress())) {
                String row = row(
                        c.state(),
                        c.client().getHostAddress() + " " + c.clientPort(),
                        c.virtual().getHostAddress() + " " + c.virtualPort(),
                        c.server().getHostAddress() + " " + c.serverPort());
                rows.put(row, c.expiresMillis() / 1000);
            }
        }
        return rows;
    }

    private static Map<String, Long> kernels(Set<String> clients) {
        Map<String, Long> rows = new TreeMap<>();
        Matcher matcher = ROW.matcher(guest().run("ipvsadm -Lnc"));
        while (matcher.find()) {
            if (clients.contains(address(matcher.group(5)))) {
                String row = row(
                        matcher.group(4),
                        address(matcher.group(5)) + " " + matcher.group(6),
                        address(matcher.group(7)) + " " + matcher.group(8),
                        address(matcher.group(9)) + " " + matcher.group(10));
                rows.put(row, Long.parseLong(matcher.group(2)) * 60 + Long.parseLong(matcher.group(3)));
            }
        }
        return rows;
    }

    private static String row(String state, String client, String virtual, String server) {
        return String.format(Locale.ROOT, "%s %s %s %s", state, client, virtual, server);
    }

    private static Set<String> clients(List<String> addresses) {
        return addresses.stream().map(KernelSyncIT::address).collect(Collectors.toSet());
    }

    /** Waits until {@code size} connections of the clients are there as here. */
    private static void agree(Set<String> clients, int size, boolean timeouts) {
        Map<String, Long> ours = ours(clients);
        Map<String, Long> theirs = kernels(clients);
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!(ours.keySet().equals(theirs.keySet()) && ours.size() == size) && System.nanoTime() < end) {
            Shell.pause(Duration.ofMillis(200));
            ours = ours(clients);
            theirs = kernels(clients);
        }
        assertThat(theirs.keySet()).as("the kernel's").containsExactlyInAnyOrderElementsOf(ours.keySet());
        assertThat(ours).hasSize(size);
        for (Map.Entry<String, Long> each : ours.entrySet()) {
            if (timeouts) {
                assertThat(theirs.get(each.getKey()))
                        .as("the kernel's seconds of %s", each.getKey())
                        .isBetween(each.getValue() - SECONDS_APART, each.getValue() + SECONDS_APART);
            }
        }
    }

    private static void start(String role, String more) {
        List<String> words =
                new ArrayList<>(List.of("--start-daemon", role, "--mcast-interface", LINK, "--syncid", "150"));
        more.lines().forEach(words::add);
        director.lvsd().lvsadm(words.toArray(String[]::new)).orFail();
    }

    private static void startInGuest(KernelGuest guest, String role) {
        guest.run("ipvsadm --start-daemon " + role + " --mcast-interface eth0 --syncid 150");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 0})
    void theKernelsConnectionsAreOurs(int version) throws Exception {
        KernelGuest guest = guest();
        guest.run("echo " + version + " >/proc/sys/net/ipv4/vs/sync_version");
        start("backup", "");
        startInGuest(guest, "master");
        String[] own = version == 1 ? new String[] {"100", "101"} : new String[] {"102", "103"};
        String load = version == 1
                ? "203.0.113.80,192.0.2.%1$s,450 2001:db8:3::80,2001:db8:1::%1$s,350"
                        + " 203.0.113.82,192.0.2.%2$s,100 2001:db8:3::82,2001:db8:1::%2$s,100"
                : "203.0.113.80,192.0.2.%1$s,100 203.0.113.82,192.0.2.%2$s,20";
        guest.run("""
                set -e
                ulimit -n 8192
                ip netns exec c setsid perl /run/share/kernel-client.pl %s >/tmp/client.log 2>&1 </dev/null &
                until grep -q ready /tmp/client.log; do
                  sleep 0.2
                  kill -0 $! || { cat /tmp/client.log; exit 1; }
                done
                """.formatted(load.formatted(own[0], own[1])));
        Set<String> clients = clients(
                List.of("192.0.2." + own[0], "192.0.2." + own[1], "2001:db8:1::" + own[0], "2001:db8:1::" + own[1]));
        // Version 0 has no timeouts; a backup takes its own.
        agree(clients, version == 1 ? 1002 : 121, version == 1);
    }

    @Test
    void ourConnectionsAreTheKernels() throws Exception {
        startInGuest(guest(), "backup");
        director.lvsd().ask("--sysctl sync_version=1");
        start("master", "");
        Map<Way, Integer> counts = new TreeMap<>();
        for (Way way : Way.values()) {
            counts.put(way, way.count);
        }
        hold(0, counts);
        Set<String> clients =
                clients(counts.keySet().stream().map(way -> way.source(0)).toList());
        agree(clients, 1002, true);
    }

    @Test
    void ourConnectionsAreTheKernelsInTheOldFormat() throws Exception {
        startInGuest(guest(), "backup");
        director.lvsd().ask("--sysctl sync_version=0");
        start("master", "");
        Map<Way, Integer> counts = new TreeMap<>(Map.of(Way.NAT, 60, Way.FULLNAT, 20, Way.STICKY, 20, Way.PROXIED, 20));
        hold(1, counts);
        agree(clients(counts.keySet().stream().map(way -> way.source(1)).toList()), 121, false);
    }

    /** What comes without a key after the rest shows that the rest has been heard. */
    @Test
    void withAKeyTheKernelTakesNothing() throws Exception {
        Path key = Files.writeString(director.directory().resolve("sync.key"), "a key of some length for tests\n");
        startInGuest(guest(), "backup");
        director.lvsd().ask("--sysctl sync_version=1");
        Map<Way, Integer> counts = new TreeMap<>(Map.of(Way.NAT, 20, Way.FULLNAT6, 20, Way.STICKY, 10));
        int number = 2;
        for (String algorithm : List.of("hmac-sha256-128", "hmac-md5-96")) {
            start("master", "--icv-key-file\n" + key + "\n--icv-algorithm\n" + algorithm);
            hold(number++, counts);
            Shell.await("sent with " + algorithm, PATIENCE, () -> sent() >= 51);
            director.lvsd().lvsadm("--stop-daemon", "master").orFail();
        }
        start("master", "");
        hold(number, counts);
        int plain = number;
        agree(clients(counts.keySet().stream().map(way -> way.source(plain)).toList()), 51, true);
        for (int keyed = 2; keyed < plain; keyed++) {
            int from = keyed;
            assertThat(kernels(clients(counts.keySet().stream()
                            .map(way -> way.source(from))
                            .toList())))
                    .isEmpty();
        }
    }

    /** Updates of connections that the master has sent. */
    private static long sent() {
        Matcher matcher = Pattern.compile("\"connections\",\"value\":(\\d+)")
                .matcher(director.lvsd().ask("-L --daemon"));
        return matcher.find() ? Long.parseLong(matcher.group(1)) : 0;
    }
}
