package lvsd.sync;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import lvsd.rules.Rule;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** When a master sends what its source has, and what its settings do. */
class MasterTest {
    private static final long NOW = 1_795_262_565_000L;

    private final MemoryTable source = new MemoryTable();
    private final List<byte[]> sent = new ArrayList<>();
    private final List<Integer> ports = new ArrayList<>();
    private boolean full;

    private Master master(Map<String, String> settings) {
        Link link = (port, bytes, length) -> {
            if (!full) {
                sent.add(Arrays.copyOf(bytes, length));
                ports.add(port);
            }
            return !full;
        };
        try {
            DaemonSettings daemon = new DaemonSettings(
                    Rule.Role.MASTER, "eth0", 7, 1400, InetAddress.getByAddress(Writers.GROUP), Writers.PORT, 1);
            return new Master(daemon, SyncSettings.of(settings), null, 1, source, link, new Random(1), NOW);
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e);
        }
    }

    private static SyncConnection ipv6(int port) {
        SyncConnection c = Writers.connection(port);
        c.ipv6 = true;
        c.clientHigh = 0x2001_0db8_0000_0000L;
        return c;
    }

    /** The sync thread looks every {@link SyncService#WORK_MILLIS}; an update comes at any moment between. */
    @ParameterizedTest
    @ValueSource(strings = {"", "0", "20", "95"})
    void anUpdateIsOnTheWireInTime(String delay) {
        int most = (delay.isEmpty() ? 20 : Integer.parseInt(delay)) + SyncService.WORK_MILLIS;
        assertThat(most).as("with the default and every delay up to 95").isLessThanOrEqualTo(100);
        for (int phase = 0; phase < SyncService.WORK_MILLIS; phase++) {
            Master master = master(delay.isEmpty() ? Map.of() : Map.of("sync_delay_ms", delay));
            sent.clear();
            long put = NOW + 1000 + phase;
            long left = 0;
            for (long now = NOW; now < NOW + 2000 && left == 0; now++) {
                if (now == put) {
                    source.put(Writers.connection(40_000));
                }
                if ((now - NOW) % SyncService.WORK_MILLIS == 0) {
                    master.work(now);
                }
                left = sent.isEmpty() ? 0 : now;
            }
            assertThat(left - put).as("milliseconds, phase %d", phase).isBetween(0L, (long) most);
        }
    }

    @Test
    void version0LeavesIpv6Out() {
        for (String version : List.of("0", "1")) {
            sent.clear();
            Master master = master(Map.of("sync_version", version));
            source.put(Writers.connection(1));
            source.put(ipv6(2));
            master.work(NOW);
            master.flush(NOW);
            assertThat(sent).hasSize(1);
            assertThat(Message.version(sent.getFirst(), 0, sent.getFirst().length))
                    .isEqualTo(Integer.parseInt(version));
            assertThat(Message.count(sent.getFirst(), 0, Integer.parseInt(version)))
                    .isEqualTo(version.equals("0") ? 1 : 2);
        }
    }

    @Test
    void aConnectionAlwaysTakesTheSamePortAndAllPortsAreTaken() {
        Master master = master(Map.of("sync_ports", "4"));
        Map<Integer, Integer> taken = new HashMap<>();
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < 64; i++) {
                sent.clear();
                ports.clear();
                source.put(Writers.connection(1000 + i));
                master.work(NOW);
                master.flush(NOW);
                Integer before = taken.put(i, ports.getFirst());
                assertThat(ports).hasSize(1);
                assertThat(before).isIn(null, ports.getFirst());
            }
        }
        assertThat(taken.values()).contains(0, 1, 2, 3);
    }

    @Test
    void whatTheSocketDoesNotTakeIsCountedAndNotSentLater() {
        Master master = master(Map.of());
        full = true;
        source.put(Writers.connection(1));
        master.work(NOW);
        master.flush(NOW);
        full = false;
        assertThat(master.stats().unsent).isEqualTo(1);
        source.put(Writers.connection(2));
        master.work(NOW + 1);
        master.flush(NOW + 1);
        assertThat(sent).hasSize(1);
        assertThat(Message.count(sent.getFirst(), 0, 1)).isEqualTo(1);
    }
}
