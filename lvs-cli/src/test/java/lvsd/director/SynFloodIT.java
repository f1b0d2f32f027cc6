package lvsd.director;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * A flood of SYNs with made-up sources at a service with the SYN proxy: nothing is left of it, and real clients are served.
 * How much the port takes without loss is measured first; it is the port (AF_PACKET on a veth), not the director, that
 * sets the bound.
 */
@Tag("privileged")
@Timeout(600)
class SynFloodIT {
    private static final long SECONDS = Director.LONG ? 60 : 8;
    private static final int CURLS = Director.LONG ? 2000 : 100;
    private static final long[] RATES = {2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000, 400_000};

    @RegisterExtension
    static final Director director = Director.twoArm();

    private static long flood(String mac, long rate, long seconds) {
        Shell.Result result = director.client()
                .runJava(
                        Duration.ofSeconds(60 + 4 * seconds),
                        SynFlood.class,
                        "eth0",
                        mac,
                        Service.FULLNAT.vip(),
                        Long.toString(rate),
                        Long.toString(seconds))
                .orFail();
        return Long.parseLong(result.out().split(" ", 2)[0]);
    }

    /** SYNs that were answered by a cookie so far. */
    private static long answered() {
        String text = director.lvsd().lvsadm("--synproxy", "-n").orFail().out();
        Matcher count =
                Pattern.compile("^\\s*(\\d+)\\s+syns\\s", Pattern.MULTILINE).matcher(text);
        return count.find() ? Long.parseLong(count.group(1)) : 0;
    }

    private static long entries() {
        String text = director.lvsd().lvsadm("-Lcn").orFail().out();
        return text.lines().filter(line -> line.startsWith("TCP")).count();
    }

    /** Kilobytes of memory that lvsd has. */
    private static long resident() throws IOException {
        String pids = director.topology()
                .director()
                .run(
                        "sh",
                        "-c",
                        "ip netns pids " + director.topology().director().name() + " | head -1")
                .orFail()
                .out();
        String status = Files.readString(Path.of("/proc", pids.strip(), "status"));
        Matcher size = Pattern.compile("VmRSS:\\s+(\\d+) kB").matcher(status);
        assertThat(size.find()).as(status).isTrue();
        return Long.parseLong(size.group(1));
    }

    @Test
    void nothingIsLeftOfAFloodAndRealClientsAreServedMeanwhile() throws IOException {
        director.rules(Service.FULLNAT.rules("-t").replace(" -s rr", " -s rr -j enable"));
        String mac = director.topology()
                .director()
                .run("cat", "/sys/class/net/eth1/address")
                .orFail()
                .out()
                .strip();
        Transfers.curls(director, Service.FULLNAT, 5, 1, Duration.ofMinutes(1));
        long lossless = RATES[0];
        for (long rate : RATES) {
            long before = answered();
            long sent = flood(mac, rate, 1);
            Shell.pause(Duration.ofMillis(100));
            if (answered() - before < sent * 0.999) {
                break;
            }
            lossless = rate;
        }
        long known = entries();
        long memory = resident();
        long before = answered();
        long rate = lossless;
        CompletableFuture<Long> under = CompletableFuture.supplyAsync(() -> flood(mac, rate, SECONDS));
        String command = "seq %d | xargs -P 4 -I{} curl -s -m 10 --interface %s -o /dev/null -w '%%{http_code}\\n' '%s'"
                .formatted(CURLS, Service.FULLNAT.source(), Service.FULLNAT.url("/?{}"));
        String served = director.client()
                .run(Duration.ofSeconds(60 + 2 * SECONDS), "sh", "-c", command)
                .out();
        long good = served.lines().filter("200"::equals).count();
        long sent = under.join();
        String found =
                ("flood of %d SYNs at %d a second, the highest rate tried without loss; %d answered; %d of %d clients served;"
                                + " memory %+d kB")
                        .formatted(sent, rate, answered() - before, good, CURLS, resident() - memory);
        System.out.println(found);
        assertThat(good).as(found).isGreaterThanOrEqualTo(CURLS * 99L / 100);
        assertThat(entries() - known).as(found).isLessThanOrEqualTo(CURLS);
        assertThat(resident() - memory).as(found).isLessThan(16 << 10);
    }
}
