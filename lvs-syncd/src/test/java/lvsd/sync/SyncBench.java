package lvsd.sync;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How many updates of connections a CPU second one thread turns into authenticated messages, and back; run by hand. Messages
 * are 1452 bytes long, connections IPv4, half of them FULLNAT behind the SYN proxy.
 */
final class SyncBench {
    private static final int CONNECTIONS = 4096;
    private static final int ROUNDS = 500;
    private static final int WARMUP = 200;
    private static final long NOW = 1_795_262_565_004L;

    private SyncBench() {}

    @SuppressWarnings("SystemOut") // a program whose output is its answer
    public static void main(String[] arguments) {
        for (IcvAlgorithm algorithm : IcvAlgorithm.values()) {
            for (boolean large : new boolean[] {false, true}) {
                System.out.printf(
                        "%s %s: %.2f M/s made, %.2f M/s read%n",
                        algorithm.label(), large ? "FULLNAT" : "NAT", made(algorithm, large), read(algorithm, large));
            }
        }
    }

    private static SyncConnection[] connections(boolean large) {
        SyncConnection[] all = new SyncConnection[CONNECTIONS];
        for (int i = 0; i < all.length; i++) {
            SyncConnection c = Writers.connection(1024 + i);
            if (large) {
                c.flags = SyncFlags.FULLNAT;
                c.local = true;
                c.localLow = 0xc633_64c8L;
                c.localPort = 2048 + i;
                c.sequence = true;
                c.inDelta = i * 0x9e37_79b1;
                c.extras = SyncExtras.SEQUENCE_TO_SERVER | SyncExtras.TIMESTAMPS;
                c.timestampDelta = i;
            }
            all[i] = c;
        }
        return all;
    }

    private static Signer signer(IcvAlgorithm algorithm, long millis) {
        return Writers.signer(Writers.ring(algorithm, 1, "0123456789abcdef0123456789abcdef"), 7, 1, millis);
    }

    /** Messages of one round; {@code keep}, if any, gets copies. */
    private static void round(MessageWriter writer, SyncConnection[] all, @Nullable List<byte[]> keep) {
        boolean open = false;
        for (SyncConnection each : all) {
            if (!open || !writer.add(each)) {
                if (open) {
                    finish(writer, keep);
                }
                writer.begin(1, 7, 1452);
                open = true;
                writer.add(each);
            }
        }
        finish(writer, keep);
    }

    private static void finish(MessageWriter writer, @Nullable List<byte[]> keep) {
        int length = writer.finish();
        if (keep != null) {
            keep.add(Arrays.copyOf(writer.bytes(), length));
        }
    }

    /** CPU time of this thread: what else runs on the machine does not count. */
    private static long cpuNanos() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    private static double made(IcvAlgorithm algorithm, boolean large) {
        SyncConnection[] all = connections(large);
        MessageWriter writer = new MessageWriter(signer(algorithm, NOW), 0, 1452);
        long began = 0;
        for (int i = 0; i < WARMUP + ROUNDS; i++) {
            if (i == WARMUP) {
                began = cpuNanos();
            }
            round(writer, all, null);
        }
        return (double) ROUNDS * CONNECTIONS * 1e3 / (cpuNanos() - began);
    }

    private static double read(IcvAlgorithm algorithm, boolean large) {
        SyncConnection[] all = connections(large);
        MessageWriter writer = new MessageWriter(signer(algorithm, NOW), 0, 1452);
        List<byte[]> messages = new ArrayList<>();
        for (int i = 0; i < (WARMUP + ROUNDS) / 10; i++) {
            round(writer, all, messages);
        }
        Verifier verifier = new Verifier(Writers.ring(algorithm, 1, "0123456789abcdef0123456789abcdef"), 7, 99, 1);
        var _ = verifier.confirm(1, (NOW << 20) - 1, NOW);
        EntryReader reader = new EntryReader();
        SyncConnection entry = new SyncConnection();
        long began = 0;
        long count = 0;
        for (int i = 0; i < messages.size(); i++) {
            if (i == messages.size() * 2 / 7) {
                began = cpuNanos();
                count = 0;
            }
            byte[] message = messages.get(i);
            if (verifier.check(message, message.length, 0, NOW) != null) {
                throw new IllegalStateException("refused");
            }
            reader.begin(message, 0, message.length, verifier.header());
            while (reader.next(entry) == EntryReader.ENTRY) {
                count++;
            }
        }
        return count * 1e3 / (cpuNanos() - began);
    }
}
