package lvsd.dataplane.connection;

import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.util.Locale;

/**
 * What a look-up costs, without packets: bursts of 64 random tuples, staged as the pipeline stages them. Arguments: sizes
 * (65536 and 4194304 by default). Times are of the thread's own CPU time; connections are spread over all entries.
 */
public final class LookupBenchmark {
    private static final int BURST = 64;
    private static final int TCP = 6;
    private static final int ROUNDS = 5;
    private static final long ROUND_NANOS = 300_000_000;

    private final ConnectionTable table;
    private final int connections;
    private final long[] addresses = new long[BURST];
    private final int[] ports = new int[BURST];
    private final long[] hashes = new long[BURST];
    private final long[] buckets = new long[BURST];
    private final int[] references = new int[BURST];
    private long state = 0x1234_5678_9abc_def1L;
    private int touched;
    private int hits;

    private LookupBenchmark(int connections, boolean lock) {
        this.connections = connections;
        this.table = new ConnectionTable(false, connections, 0x1111_2222_3333_4445L, 0x9999_8888_7777_6661L, lock);
    }

    /** Runs all sizes. */
    public static void main(String[] arguments) {
        PrintStream out = System.out;
        int[] sizes = arguments.length == 0 ? new int[] {65_536, 4_194_304} : parse(arguments);
        boolean lock = Boolean.getBoolean("lock");
        for (int size : sizes) {
            LookupBenchmark benchmark = new LookupBenchmark(size, lock);
            long setup = cpu();
            benchmark.fill();
            setup = cpu() - setup;
            out.printf(Locale.ROOT, "%,d connections: insert %.0f ns each%n", size, (double) setup / size);
            for (String kind : new String[] {"hit", "reply", "miss", "single"}) {
                benchmark.report(out, kind);
            }
            benchmark.churn(out);
            out.printf(Locale.ROOT, "  (touched %d, hits %,d)%n", benchmark.touched & 1, benchmark.hits);
            benchmark.table.close();
        }
    }

    private static int[] parse(String[] words) {
        int[] numbers = new int[words.length];
        for (int i = 0; i < words.length; i++) {
            numbers[i] = Integer.parseInt(words[i]);
        }
        return numbers;
    }

    private static long cpu() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    private static long clientAddresses(int number) {
        return (0x0a00_0000L + (number >>> 4)) | (0x0a64_02c0L << 32);
    }

    private static int clientPorts(int number) {
        return (1024 + (number & 15) * 37) | (0x5000 << 16);
    }

    private static long serverAddresses(int number) {
        return (0x0164_12c6L + (number & 7)) | (0x0a65_02c0L << 32) + ((long) (number >>> 19) << 32);
    }

    private static int serverPorts(int number) {
        return 0x1f90 | ((number >>> 3 & 0xffff) << 16);
    }

    private void fill() {
        for (int number = 0; number < connections; number++) {
            if (!add(number)) {
                throw new IllegalStateException("connection " + number + " was refused");
            }
        }
    }

    private boolean add(int number) {
        int entry = table.allocate();
        long hot = table.hot(entry);
        Connection.setAddresses(hot, Connection.CLIENT_SIDE, clientAddresses(number));
        Connection.setPorts(hot, Connection.CLIENT_SIDE, clientPorts(number));
        Connection.setAddresses(hot, Connection.SERVER_SIDE, serverAddresses(number));
        Connection.setPorts(hot, Connection.SERVER_SIDE, serverPorts(number));
        Connection.setProtocol(hot, TCP);
        return table.insert(entry) == ConnectionTable.INSERTED;
    }

    private int random() {
        state ^= state << 13;
        state ^= state >>> 7;
        state ^= state << 17;
        return (int) (((state >>> 32) * connections) >>> 32);
    }

    private void report(PrintStream out, String kind) {
        double best = Double.MAX_VALUE;
        double worst = 0;
        for (int round = 0; round < ROUNDS; round++) {
            long start = cpu();
            long count = 0;
            while (cpu() - start < ROUND_NANOS) {
                for (int i = 0; i < 256; i++) {
                    burst(kind);
                }
                count += 256 * BURST;
            }
            double nanos = (double) (cpu() - start) / count;
            best = Math.min(best, nanos);
            worst = round == 0 ? worst : Math.max(worst, nanos);
        }
        out.printf(Locale.ROOT, "  %-7s %5.1f ns (%5.1f M/s), slowest round %.1f ns%n", kind, best, 1e3 / best, worst);
    }

    private void burst(String kind) {
        switch (kind) {
            case "hit" -> {
                chooseClients(0);
                staged();
            }
            case "reply" -> {
                chooseServers();
                staged();
            }
            case "miss" -> {
                chooseClients(1 << 28);
                staged();
            }
            default -> {
                chooseClients(0);
                single();
            }
        }
    }

    private void chooseClients(int offset) {
        for (int i = 0; i < BURST; i++) {
            int number = random() + offset;
            addresses[i] = clientAddresses(number);
            ports[i] = clientPorts(number);
        }
    }

    private void chooseServers() {
        for (int i = 0; i < BURST; i++) {
            int number = random();
            addresses[i] = serverAddresses(number);
            ports[i] = serverPorts(number);
        }
    }

    private void staged() {
        hash();
        touchBuckets();
        candidates();
        touchEntries();
        int found = 0;
        for (int i = 0; i < BURST; i++) {
            found += decide(i);
        }
        hits += found;
    }

    private void hash() {
        for (int i = 0; i < BURST; i++) {
            hashes[i] = table.hash4(addresses[i], ports[i], TCP);
        }
    }

    private void touchBuckets() {
        int sum = 0;
        for (int i = 0; i < BURST; i++) {
            long bucket = table.bucket(hashes[i]);
            buckets[i] = bucket;
            sum += ConnectionTable.touch(bucket);
        }
        touched += sum;
    }

    private void candidates() {
        for (int i = 0; i < BURST; i++) {
            references[i] = ConnectionTable.candidate(buckets[i], hashes[i]);
        }
    }

    private void touchEntries() {
        int sum = 0;
        for (int i = 0; i < BURST; i++) {
            int reference = references[i];
            if (reference != ConnectionTable.NONE) {
                sum += ConnectionTable.touch(table.hot(ConnectionTable.entry(reference)));
            }
        }
        touched += sum;
    }

    private int decide(int i) {
        int reference = references[i];
        if (reference == ConnectionTable.NONE || !table.matches4(reference, addresses[i], ports[i], TCP)) {
            reference = table.find4(hashes[i], addresses[i], ports[i], TCP);
        }
        return reference == ConnectionTable.NONE ? 0 : 1;
    }

    private void single() {
        int found = 0;
        for (int i = 0; i < BURST; i++) {
            long hash = table.hash4(addresses[i], ports[i], TCP);
            found += table.find4(hash, addresses[i], ports[i], TCP) == ConnectionTable.NONE ? 0 : 1;
        }
        hits += found;
    }

    /** Ends and opens random connections of a full table, timers included: what a setup costs the table. */
    private void churn(PrintStream out) {
        TimerWheel wheel = new TimerWheel(table, 0);
        for (int entry = 0; entry < connections; entry++) {
            wheel.arm(entry, 250 + (entry & 0xffff));
        }
        int rounds = 1_000_000;
        double best = Double.MAX_VALUE;
        for (int repeat = 0; repeat < 2; repeat++) {
            long start = cpu();
            for (int i = 0; i < rounds; i++) {
                replace(wheel, random());
            }
            best = Math.min(best, (double) (cpu() - start) / rounds);
        }
        out.printf(Locale.ROOT, "  replace %.0f ns, probes up to %d%n", best, table.longestProbe());
    }

    private void replace(TimerWheel wheel, int number) {
        int reference = table.find4(
                table.hash4(clientAddresses(number), clientPorts(number), TCP),
                clientAddresses(number),
                clientPorts(number),
                TCP);
        int entry = ConnectionTable.entry(reference);
        wheel.disarm(entry);
        table.remove(entry);
        add(number);
        wheel.arm(entry, 1000 + (number & 0xffff));
    }
}
