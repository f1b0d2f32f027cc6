package lvsd.director;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * A flood of SYNs with made-up sources at a service with the SYN proxy: nothing is left of it, and real clients are served.
 * How much the port takes without loss is found first; it is the port (AF_PACKET on a veth), not the director, that
 * sets the bound. Beside it, in the same run and reported only, the SYN proxy of the host's kernel under the same flood.
 */
@Tag("privileged")
@Timeout(600)
class SynFloodIT {
    private static final long SECONDS = Director.LONG ? 60 : 6;
    private static final int CURLS = Director.LONG ? 2000 : 100;
    private static final long SLOWEST = 2000;
    private static final long FASTEST = 2_000_000;
    /** How near the highest rate without loss is come to: the next one tried is at most so much higher. */
    private static final double PRECISION = 1.15;

    private static final String RULES = """
            table ip flood {
              chain before {
                type filter hook prerouting priority raw;
                tcp dport 80 tcp flags syn notrack
              }
              chain through {
                type filter hook forward priority filter;
                tcp dport 80 ct state invalid,untracked synproxy mss 1460 wscale 7 timestamp sack-perm
                ct state invalid drop
              }
            }
            """;

    @RegisterExtension
    static final Director director = Director.twoArm();

    /**
     * Where a flood goes, and real clients meanwhile.
     *
     * @param name for the report
     * @param port the client's interface
     * @param mac the station behind which it is
     * @param clients what the made-up clients' addresses begin with
     * @param target address flooded
     * @param source address of real clients
     */
    private record Target(String name, String port, String mac, String clients, String target, String source) {
        /** Sends SYNs, as many a second as wanted or as can be made. */
        Sent flood(long rate, long seconds) {
            String[] arguments = {port, mac, clients, target, Long.toString(rate), Long.toString(seconds)};
            Duration patience = Duration.ofSeconds(60 + 10 * seconds);
            String[] said = director.client()
                    .runJava(patience, SynFlood.class, arguments)
                    .orFail()
                    .out()
                    .strip()
                    .split(" ", 2);
            return new Sent(Long.parseLong(said[0]), Long.parseLong(said[1]));
        }

        /** Frames that have come back so far. */
        long received() {
            String file = "/sys/class/net/" + port + "/statistics/rx_packets";
            return Long.parseLong(
                    director.client().run("cat", file).orFail().out().strip());
        }

        /** Whether a rate can be made and is answered. */
        boolean answered(long rate) {
            long before = received();
            Sent sent = flood(rate, 1);
            Shell.pause(Duration.ofMillis(200));
            return sent.rate() > 0.9 * rate && received() - before >= 0.999 * sent.count();
        }

        /** As {@link #answered}, at the second try at the latest: a shared machine is away at times. */
        boolean lossless(long rate) {
            boolean good = false;
            for (int i = 0; i < 2 && !good; i++) {
                good = answered(rate);
            }
            return good;
        }

        /** The highest rate found that can be made and is answered: doubled until it is too much, then narrowed down. */
        long bound() {
            long good = SLOWEST;
            long bad = 2 * SLOWEST;
            while (bad < FASTEST && lossless(bad)) {
                good = bad;
                bad *= 2;
            }
            while (bad > good * PRECISION) {
                long middle = (good + bad) / 2;
                if (lossless(middle)) {
                    good = middle;
                } else {
                    bad = middle;
                }
            }
            return good;
        }

        /** Real clients' requests, four at a time, each answered within 10 s; how many were. */
        long curls() {
            String command =
                    "seq %d | xargs -P 4 -I{} curl -s -m 10 --interface %s -o /dev/null -w '%%{http_code}\\n' 'http://%s/?{}'"
                            .formatted(CURLS, source, target);
            Duration patience = Duration.ofSeconds(60 + 10 * CURLS / 4);
            String served = director.client().run(patience, "sh", "-c", command).out();
            return served.lines().filter("200"::equals).count();
        }

        /** Floods while clients come; what was found, and how many of them were served. */
        Outcome flooded(long rate) {
            long before = received();
            CompletableFuture<Sent> under = CompletableFuture.supplyAsync(() -> flood(rate, SECONDS));
            long good = curls();
            Sent sent = under.join();
            Shell.pause(Duration.ofMillis(200));
            String found = "%s: flood of %d SYNs at %d a second; %d frames back; %d of %d clients served"
                    .formatted(name, sent.count(), sent.rate(), received() - before, good, CURLS);
            return new Outcome(good, found);
        }
    }

    private record Outcome(long served, String found) {}

    private record Sent(long count, long millis) {
        long rate() {
            return count * 1000 / Math.max(1, millis);
        }
    }

    private static String mac(Namespace namespace) {
        return namespace
                .run("cat", "/sys/class/net/eth1/address")
                .orFail()
                .out()
                .strip();
    }

    /** Addresses of clients that have a connection. */
    private static List<String> clients() {
        String text = director.lvsd().lvsadm("-Lcn").orFail().out();
        return text.lines()
                .filter(line -> line.startsWith("TCP"))
                .map(line -> line.split(" +", -1)[3])
                .toList();
    }

    /** Kilobytes of memory that lvsd has. */
    private static long resident() throws IOException {
        Namespace namespace = director.topology().director();
        String pids =
                Shell.run("ip", "netns", "pids", namespace.name()).orFail().out();
        String status =
                Files.readString(Path.of("/proc", pids.lines().findFirst().orElseThrow(), "status"));
        Matcher size = Pattern.compile("VmRSS:\\s+(\\d+) kB").matcher(status);
        assertThat(size.find()).as(status).isTrue();
        return Long.parseLong(size.group(1));
    }

    /** The SYN proxy of the host's kernel, as nftables sets it up, on another way to server 1. */
    private static String kernel(long rate) throws IOException {
        Namespace router = director.topology().bypass();
        router.sysctl("net/ipv4/tcp_syncookies", "1");
        Path rules = Files.writeString(director.directory().resolve("flood.nft"), RULES);
        Shell.Result loaded = router.run("nft", "-f", rules.toString());
        if (loaded.exit() != 0) {
            return "kernel: this one has no SYN proxy: " + loaded.err();
        }
        router.sysctl("net/netfilter/nf_conntrack_tcp_loose", "0");
        Target target = new Target("kernel", "eth1", mac(router), "198.18.6.0", Topology.address(1), "198.18.5.2");
        return target.flooded(rate).found();
    }

    @Test
    void nothingIsLeftOfAFloodAndRealClientsAreServedMeanwhile() throws IOException {
        Requirements.checkTools("nft");
        Service service = Service.FULLNAT;
        director.rules(service.rules("-t").replace(" -s rr", " -s rr -j enable"));
        Transfers.curls(director, service, 5, 1, Duration.ofMinutes(1));
        String mac = mac(director.topology().director());
        Target target = new Target("lvsd", "eth0", mac, "192.0.2.128", service.vip(), service.source());
        target.flood(SLOWEST, 1);
        long memory = resident();
        long rate = target.bound();
        Outcome outcome = target.flooded(rate);
        long grown = resident() - memory;
        String found = "highest rate found without loss: %d%n%s; memory %+d kB%n%s"
                .formatted(rate, outcome.found(), grown, kernel(rate));
        System.out.println(found);
        assertThat(outcome.served()).as(found).isGreaterThanOrEqualTo(CURLS * 99L / 100);
        assertThat(clients()).as(found).isNotEmpty().allMatch(client -> client.startsWith(service.source() + ":"));
        assertThat(grown).as(found).isLessThan(16 << 10);
    }
}
