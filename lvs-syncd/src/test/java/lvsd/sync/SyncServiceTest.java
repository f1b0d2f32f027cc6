package lvsd.sync;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import lvsd.control.View;
import lvsd.rules.Rule;
import org.junit.jupiter.api.Test;

/** The sync thread and its daemons, on the loopback interface. */
class SyncServiceTest {
    private static final int PORT = 18_880;
    private static final int SENT = 60;

    /** A sink that does not return from the first connection until it may. */
    private static final class Slow implements SyncSink {
        final CountDownLatch began = new CountDownLatch(1);
        final CountDownLatch may = new CountDownLatch(1);

        @Override
        public boolean take(SyncConnection connection, int origin, long millis) {
            began.countDown();
            try {
                return may.await(60, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void transferred(int origin, long began) {}
    }

    /** Without a key there is no filter: what the socket drops had no room. */
    @Test
    void whatAFullBufferDropsIsCountedAsThat() throws IOException, InterruptedException {
        InetAddress group = InetAddress.getByAddress(Writers.GROUP);
        Slow slow = new Slow();
        try (SyncService service = new SyncService(new Guarded(new MemoryTable()), slow);
                DatagramChannel mouth = DatagramChannel.open()) {
            SyncSettings settings = new SyncSettings(1, 1, 20, 1000, 16, 4096);
            service.start(new DaemonSettings(Rule.Role.BACKUP, "lo", 0, 1500, group, PORT, 1), settings, null, null);
            mouth.setOption(StandardSocketOptions.IP_MULTICAST_IF, NetworkInterface.getByName("lo"));
            byte[] message = Writers.message(Writers.keyless(), 1, 1, 0, Writers.connection(40_000));
            mouth.send(ByteBuffer.wrap(message), new InetSocketAddress(group, PORT));
            assertThat(slow.began.await(60, TimeUnit.SECONDS)).isTrue();
            for (int i = 1; i < SENT; i++) {
                mouth.send(ByteBuffer.wrap(message), new InetSocketAddress(group, PORT));
            }
            slow.may.countDown();
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
            while (counter(service, "messages") + counter(service, "drop_buffer") < SENT) {
                assertThat(System.nanoTime()).as("%s", counters(service)).isLessThan(end);
                Thread.sleep(10);
            }
            assertThat(counter(service, "drop_buffer")).isBetween(SENT / 2L, SENT - 1L);
            assertThat(counters(service)).doesNotContainKey("drop_ttl").containsEntry("drop_refused", 0L);
        }
    }

    private static long counter(SyncService service, String name) {
        return counters(service).getOrDefault(name, 0L);
    }

    private static Map<String, Long> counters(SyncService service) {
        return service.status().getFirst().counters().stream()
                .collect(Collectors.toMap(View.Counter::name, View.Counter::value));
    }
}
