package lvsd.sync;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.MembershipKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import lvsd.control.View;
import lvsd.rules.Rule;
import lvsd.wire.SeededTest;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Somebody on the segment who hears a master's datagrams and sends forged ones to the group, through real sockets: what has
 * another TTL than 255 never reaches the sync thread, the rest is dropped there, each by its reason, and all that is real
 * arrives. See {@link AttackTest} for more of them without sockets.
 */
class SocketAttackTest {
    private static final int FORGED = System.getProperty("long") == null ? 50_000 : 10_000_000;
    /** As many as surely fit into a socket's buffer. */
    private static final int BURST = 64;

    private static final int SYNCID = 150;
    private static final String KEY = "0123456789abcdef0123456789abcdef";
    private static final int[] TTLS = {1, 64, 254};
    private static final long PATIENCE_NANOS = 60_000_000_000L;

    /** How often the attacker listens, in bursts: reading all that it says itself would cost more than saying it. */
    private static final int LISTEN = 256;

    /** So many messages it remembers, old and new. */
    private static final int HEARD = 1000;

    /** Of a datagram that is read the sync threads may take so much CPU time, with room for a busy machine's cold caches. */
    private static final long NANOS_READ = 50_000;

    private final MemoryTable source = new MemoryTable();
    private final MemoryTable sink = new MemoryTable();
    private final List<byte[]> heard = new ArrayList<>();
    private final ByteBuffer datagram = ByteBuffer.allocateDirect(65_536);
    private final Map<Integer, DatagramChannel> mouths = new HashMap<>();

    private static void await(String what, BooleanSupplier condition) {
        long end = System.nanoTime() + PATIENCE_NANOS;
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime() - end).as(what).isNegative();
            LockSupport.parkNanos(50_000);
        }
    }

    private static Map<String, Long> counters(SyncService service) {
        return service.status().getFirst().counters().stream()
                .collect(Collectors.toMap(View.Counter::name, View.Counter::value));
    }

    /** Datagrams that the sync thread has read and dropped. */
    private static long dropped(Map<String, Long> counters) {
        return counters.entrySet().stream()
                .filter(each ->
                        each.getKey().startsWith("drop_") && !each.getKey().equals("drop_ttl"))
                .mapToLong(Map.Entry::getValue)
                .sum();
    }

    private void put(int number) {
        synchronized (source) {
            source.put(Writers.connection(number));
        }
    }

    @AfterEach
    void close() throws IOException {
        for (DatagramChannel mouth : mouths.values()) {
            mouth.close();
        }
    }

    @ParameterizedTest
    @EnumSource
    void nothingForgedIsTakenAndNothingRealIsLost(IcvAlgorithm algorithm) throws IOException {
        InetAddress group = InetAddress.getByAddress(Writers.GROUP);
        int port = 18_870 + algorithm.ordinal();
        SyncSettings settings = new SyncSettings(1, 1, 0, 50_000, 4096, 1 << 20);
        for (int ttl : TTLS) {
            mouths.put(ttl, mouth(group, port, ttl));
        }
        mouths.put(255, mouth(group, port, 255));
        try (SyncService master = new SyncService(new Guarded(source), new Guarded(new MemoryTable()));
                SyncService backup = new SyncService(new Guarded(new MemoryTable()), new Guarded(sink));
                DatagramChannel ear = open(port)) {
            ear.configureBlocking(false);
            backup.start(daemon(Rule.Role.BACKUP, group, port), settings, algorithm, Writers.keys(KEY));
            master.start(daemon(Rule.Role.MASTER, group, port), settings, algorithm, Writers.keys(KEY));
            put(0);
            await("the backup takes what the master sends", this::same);
            SeededTest.run(1, random -> new Attack(backup, ear, group, algorithm, random).run());
        }
    }

    private static DatagramChannel open(int port) throws IOException {
        DatagramChannel channel = DatagramChannel.open(StandardProtocolFamily.INET);
        channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
        channel.setOption(StandardSocketOptions.IP_MULTICAST_IF, NetworkInterface.getByName("lo"));
        channel.bind(new InetSocketAddress(port));
        return channel;
    }

    private static DatagramChannel mouth(InetAddress group, int port, int ttl) throws IOException {
        DatagramChannel channel = open(0);
        channel.setOption(StandardSocketOptions.IP_MULTICAST_TTL, ttl);
        return channel.connect(new InetSocketAddress(group, port));
    }

    private static DaemonSettings daemon(Rule.Role role, InetAddress group, int port) {
        return new DaemonSettings(role, "lo", SYNCID, 1452, group, port, 255);
    }

    private boolean same() {
        synchronized (source) {
            synchronized (sink) {
                return sink.content().equals(source.content());
            }
        }
    }

    /** CPU time of the sync threads, the master's and the backup's. */
    private static long cpuNanos() {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        return Arrays.stream(threads.getThreadInfo(threads.getAllThreadIds()))
                .filter(each -> each != null && each.getThreadName().startsWith("lvsd-sync"))
                .mapToLong(each -> threads.getThreadCpuTime(each.getThreadId()))
                .sum();
    }

    private final class Attack {
        private final SyncService backup;
        private final DatagramChannel ear;
        private final InetAddress group;
        private final RandomGenerator random;
        private final Signer stranger;
        private final long before;
        /** Sent with another TTL, and with 255. */
        private long far;

        private long near;
        private int real = 1;

        Attack(
                SyncService backup,
                DatagramChannel ear,
                InetAddress group,
                IcvAlgorithm algorithm,
                RandomGenerator random) {
            this.backup = backup;
            this.ear = ear;
            this.group = group;
            this.random = random;
            stranger = Writers.signer(
                    Writers.ring(algorithm, 4, "another key of good length"),
                    SYNCID,
                    1,
                    System.currentTimeMillis() + 1000);
            before = dropped(counters(backup));
        }

        void run() {
            long began = System.nanoTime();
            listen();
            int third = FORGED / 3;
            long expected = flood(third / 2, false, before); // the JIT's time is not the attack's
            long cpu = cpuNanos();
            flood(third, true, expected);
            long farNanos = (cpuNanos() - cpu) / third;
            assertThat(dropped(counters(backup))).as("read of another TTL").isEqualTo(expected);
            long nearBefore = near;
            cpu = cpuNanos();
            flood(FORGED - third - third / 2, false, expected);
            long nearNanos = (cpuNanos() - cpu) / (near - nearBefore);
            await("everything real arrives", SocketAttackTest.this::same);
            await("the socket's drops are counted", () -> counters(backup).getOrDefault("drop_ttl", 0L) >= far);
            Map<String, Long> counters = counters(backup);
            System.out.printf(
                    "attack: %d forged, %d of them with another TTL, %d real updates, %d s; sync threads' CPU: %d ns a datagram"
                            + " of another TTL, %d ns of one that is read; %s%n",
                    far + near, far, real, (System.nanoTime() - began) / 1_000_000_000, farNanos, nearNanos, counters);
            assertThat(dropped(counters)).as("read and dropped").isEqualTo(before + near);
            assertThat(counters).containsEntry("drop_ttl", far).containsEntry("connections", (long) real);
            assertThat(counters.getOrDefault("lost", 0L)).isZero();
            assertThat(nearNanos).as("CPU time of a datagram that is read").isLessThan(NANOS_READ);
            // The clock's ticks and what is real cost something, too.
            assertThat(farNanos).as("CPU time of one that is not").isLessThan(Math.max(2_000, nearNanos / 2));
        }

        /** Sends so many, while real ones go on; returns how many will have been dropped. */
        private long flood(int count, boolean onlyFar, long dropped) {
            long expected = dropped;
            for (int sent = 0, burst = 1; sent < count; burst++) {
                long earlier = expected;
                for (int i = 0; i < BURST && sent < count; i++, sent++) {
                    boolean passes = !onlyFar && random.nextInt(16) != 0;
                    send(passes ? 255 : TTLS[random.nextInt(TTLS.length)], forged());
                    near += passes ? 1 : 0;
                    far += passes ? 0 : 1;
                    expected += passes ? 1 : 0;
                }
                put(real++ % 60_000);
                if (!onlyFar) {
                    // One burst on its way while the next one is made.
                    await("all that arrives is read", () -> dropped(counters(backup)) >= earlier);
                }
                if (burst % LISTEN == 0) {
                    long all = expected;
                    await("all that arrives is read", () -> dropped(counters(backup)) >= all);
                    listen();
                }
            }
            long all = expected;
            await("all that arrives is read", () -> dropped(counters(backup)) >= all);
            return expected;
        }

        /** Hears some real messages that name connections. */
        private void listen() {
            try {
                MembershipKey membership = ear.join(group, NetworkInterface.getByName("lo"));
                int[] count = {0};
                await("messages are heard", () -> {
                    put(real++ % 60_000);
                    for (byte[] message = hear(); message != null; message = hear()) {
                        if (message.length > 50 && Message.count(message, 0, 1) > 0) {
                            keep(message);
                            count[0]++;
                        }
                    }
                    return count[0] >= 4;
                });
                membership.drop();
                while (hear() != null) {
                    // What came meanwhile.
                }
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }

        private void keep(byte[] message) {
            if (heard.size() < HEARD) {
                heard.add(message);
            } else {
                heard.set(random.nextInt(HEARD), message);
            }
        }

        private byte @Nullable [] hear() {
            try {
                if (ear.receive(datagram.clear()) == null) {
                    return null;
                }
                byte[] bytes = new byte[datagram.flip().remaining()];
                datagram.get(bytes);
                return bytes;
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }

        /** Genuine ones are among those of another TTL, and replays among the others. */
        private byte[] forged() {
            byte[] genuine = heard.get(random.nextInt(heard.size())).clone();
            switch (random.nextInt(6)) {
                case 0 -> genuine[random.nextInt(genuine.length)] ^= (byte) (1 << random.nextInt(8));
                case 1 -> {
                    return Arrays.copyOf(genuine, 1 + random.nextInt(genuine.length - 1));
                }
                case 2 -> genuine[1] = (byte) (genuine[1] + 1 + random.nextInt(255));
                case 3 -> {
                    return Writers.message(Writers.keyless(), 1, SYNCID, 0, evil());
                }
                case 4 -> {
                    return Writers.message(stranger, 1, SYNCID, 0, evil());
                }
                default -> {
                    // As it was heard: a replay, old or new.
                }
            }
            return genuine;
        }

        private SyncConnection evil() {
            SyncConnection evil = Writers.connection(random.nextInt(65_536));
            evil.serverLow = 0x0666_0666L;
            return evil;
        }

        private void send(int ttl, byte[] bytes) {
            DatagramChannel mouth = Objects.requireNonNull(mouths.get(ttl));
            try {
                mouth.write(datagram.clear().put(bytes).flip());
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }
    }
}
