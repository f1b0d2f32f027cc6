package lvsd.sync;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import lvsd.control.View;
import lvsd.rules.Rule;
import lvsd.wire.SeededTest;
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

    private final MemoryTable source = new MemoryTable();
    private final MemoryTable sink = new MemoryTable();
    private final List<byte[]> heard = new ArrayList<>();
    private final ByteBuffer datagram = ByteBuffer.allocate(65_536);

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

    @ParameterizedTest
    @EnumSource
    void nothingForgedIsTakenAndNothingRealIsLost(IcvAlgorithm algorithm) throws IOException {
        InetAddress group = InetAddress.getByAddress(Writers.GROUP);
        int port = 18_870 + algorithm.ordinal();
        SyncSettings settings = new SyncSettings(1, 1, 0, 50_000, 4096, 0);
        try (SyncService master = new SyncService(new Guarded(source), new Guarded(new MemoryTable()));
                SyncService backup = new SyncService(new Guarded(new MemoryTable()), new Guarded(sink));
                DatagramChannel ear = open(port);
                DatagramChannel mouth = open(0)) {
            NetworkInterface lo = NetworkInterface.getByName("lo");
            ear.join(group, lo);
            ear.configureBlocking(false);
            backup.start(daemon(Rule.Role.BACKUP, group, port), settings, algorithm, Writers.keys(KEY));
            master.start(daemon(Rule.Role.MASTER, group, port), settings, algorithm, Writers.keys(KEY));
            put(0);
            await("the backup takes what the master sends", () -> same() && listen(ear));
            SeededTest.run(
                    1, random -> attack(backup, ear, mouth, new InetSocketAddress(group, port), algorithm, random));
        }
    }

    private static DatagramChannel open(int port) throws IOException {
        DatagramChannel channel = DatagramChannel.open(StandardProtocolFamily.INET);
        channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
        channel.setOption(StandardSocketOptions.IP_MULTICAST_IF, NetworkInterface.getByName("lo"));
        channel.bind(new InetSocketAddress(port));
        return channel;
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

    /** Remembers messages of the master that name connections; whether there is one. */
    private boolean listen(DatagramChannel ear) {
        try {
            while (ear.receive(datagram.clear()) != null) {
                byte[] bytes = Arrays.copyOf(datagram.array(), datagram.position());
                if (bytes.length > 50 && Message.count(bytes, 0, 1) > 0 && heard.size() < 1000) {
                    heard.add(bytes);
                }
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return !heard.isEmpty();
    }

    private void attack(
            SyncService backup,
            DatagramChannel ear,
            DatagramChannel mouth,
            InetSocketAddress group,
            IcvAlgorithm algorithm,
            RandomGenerator random) {
        Signer stranger = Writers.signer(
                Writers.ring(algorithm, 4, "another key of good length"), SYNCID, 1, System.currentTimeMillis() + 1000);
        long before = dropped(counters(backup));
        long far = 0;
        long near = 0;
        int real = 1;
        for (int sent = 0; sent < FORGED; ) {
            for (int i = 0; i < BURST; i++, sent++) {
                // One of three with another TTL, genuine or not: it must not even be read.
                int ttl = random.nextInt(3) == 0 ? TTLS[random.nextInt(TTLS.length)] : 255;
                send(mouth, group, ttl, forged(stranger, random));
                far += ttl == 255 ? 0 : 1;
                near += ttl == 255 ? 1 : 0;
            }
            put(real++ % 60_000);
            listen(ear);
            long expected = before + near;
            await("all that arrives is read", () -> dropped(counters(backup)) >= expected);
        }
        await("everything real arrives", this::same);
        long expectedFar = far;
        await("the socket's drops are counted", () -> counters(backup).getOrDefault("drop_ttl", 0L) >= expectedFar);
        Map<String, Long> counters = counters(backup);
        assertThat(dropped(counters)).as("read and dropped").isEqualTo(before + near);
        assertThat(counters).containsEntry("drop_ttl", far).containsEntry("connections", (long) real);
        assertThat(counters.getOrDefault("lost", 0L)).isZero();
    }

    private byte[] forged(Signer stranger, RandomGenerator random) {
        byte[] genuine = heard.get(random.nextInt(heard.size())).clone();
        switch (random.nextInt(6)) {
            case 0 -> genuine[random.nextInt(genuine.length)] ^= (byte) (1 << random.nextInt(8));
            case 1 -> {
                return Arrays.copyOf(genuine, random.nextInt(genuine.length));
            }
            case 2 -> genuine[1] = (byte) (genuine[1] + 1 + random.nextInt(255));
            case 3 -> {
                return Writers.message(Writers.keyless(), 1, SYNCID, 0, evil(random));
            }
            case 4 -> {
                return Writers.message(stranger, 1, SYNCID, 0, evil(random));
            }
            default -> {
                // As it was heard: a replay, old or new.
            }
        }
        return genuine;
    }

    private static SyncConnection evil(RandomGenerator random) {
        SyncConnection evil = Writers.connection(random.nextInt(65_536));
        evil.serverLow = 0x0666_0666L;
        return evil;
    }

    private static void send(DatagramChannel mouth, InetSocketAddress group, int ttl, byte[] bytes) {
        try {
            mouth.setOption(StandardSocketOptions.IP_MULTICAST_TTL, ttl);
            mouth.send(ByteBuffer.wrap(bytes), group);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
