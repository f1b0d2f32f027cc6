package lvsd.daemon.bench;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import lvsd.dataplane.Dataplane;
import lvsd.dataplane.Worker;
import lvsd.dataplane.WorkerThread;
import lvsd.linux.Affinity;
import lvsd.linux.ThreadClock;
import lvsd.sync.IcvAlgorithm;
import lvsd.sync.IcvKeys;
import lvsd.sync.MemoryGroup;
import lvsd.sync.SyncConnection;
import lvsd.sync.SyncSink;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What connection sync does with a second of CPU: a master's messages made, a backup's read, and their connections taken
 * in by a worker; all that a director does but the system calls. Prints {@code name=value} lines: million connections a
 * second, least, median and most.
 */
@Command(name = "lvs-bench-sync", description = "Measures connection sync; lvs-bench starts it.")
public final class SyncMain implements Callable<Integer> {
    /** As many as a worker's queue holds. */
    private static final int CHUNK = 4096;
    /** A pass of fewer would be over before the JIT is done. */
    private static final int PASS = 1 << 18;

    private final PrintStream out;

    @Option(names = "--connections", description = "size of the table", defaultValue = "1048576")
    private int connections;

    @Option(names = "--rounds", description = "measurements of each kind", defaultValue = "5")
    private int rounds;

    @Option(names = "--cpu", required = true, description = "CPU of the worker, where it has a thread of its own")
    private int cpu;

    @Option(names = "--kinds", split = ",", description = "only these of nat4, fullnat4, nat6, fullnat6")
    private List<String> kinds = List.of();

    @Option(names = "--algorithms", split = ",", description = "only these of hmac-md5-96, hmac-sha256-128")
    private List<String> algorithms = List.of("hmac-md5-96", "hmac-sha256-128");

    private final Map<String, List<Double>> found = new LinkedHashMap<>();
    private final ThreadClock clock = ThreadClock.ofCurrentThread();
    private long millis = System.currentTimeMillis();

    private SyncMain(PrintStream out) {
        this.out = out;
    }

    /** Runs the measurement. */
    public static void main(String[] arguments) {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        int status = new CommandLine(new SyncMain(out)).execute(arguments);
        System.exit(status);
    }

    @Override
    public Integer call() throws Exception {
        for (SyncScenario kind : SyncScenario.ALL) {
            if (!kinds.isEmpty() && !kinds.contains(kind.label())) {
                continue;
            }
            for (String label : algorithms) {
                try (SyncScenario.Director director = kind.director(connections)) {
                    measure(kind, IcvAlgorithm.of(label).orElseThrow(), director);
                }
            }
        }
        found.forEach((name, speeds) -> {
            Collections.sort(speeds);
            out.printf(
                    Locale.ROOT,
                    "%s=%.2f / %.2f / %.2f%n",
                    name,
                    speeds.getFirst(),
                    speeds.get(speeds.size() / 2),
                    speeds.getLast());
        });
        return 0;
    }

    private void measure(SyncScenario kind, IcvAlgorithm algorithm, SyncScenario.Director director) throws Exception {
        Dataplane dataplane = director.dataplane();
        Worker worker = dataplane.workerList().getFirst();
        SyncSink sink = dataplane.sync().orElseThrow().sink();
        SyncUpdates updates = new SyncUpdates(kind);
        MemoryGroup group = new MemoryGroup(
                InetAddress.getByAddress(new byte[] {(byte) 224, 0, 0, 81}),
                algorithm,
                IcvKeys.of("0123456789abcdef0123456789abcdef".getBytes(StandardCharsets.US_ASCII)),
                updates,
                new Patient(sink),
                new Random(1),
                millis);
        while (!group.joined()) {
            group.work(millis += 10);
        }
        String name = algorithm.label() + "." + kind.label();
        Quiet quiet = new Quiet(500);
        while (!quiet.reached()) {
            round(group, updates, worker, null);
            pipeline(group, updates, dataplane, null);
        }
        for (int i = 0; i < rounds; i++) {
            round(group, updates, worker, name);
            pipeline(group, updates, dataplane, name);
        }
    }

    /** One thread does everything, in turns: what each step costs. */
    private void round(MemoryGroup group, SyncUpdates updates, Worker worker, @Nullable String name) {
        long[] first = pass(group, updates, worker, false);
        long[] again = pass(group, updates, worker, false);
        long[] ended = pass(group, updates, worker, true);
        if (name == null) {
            return;
        }
        note("encode." + name, first[0]);
        note("decode." + name, first[1]);
        note("insert." + name, first[2]);
        note("decode_and_insert." + name, first[1] + first[2]);
        note("update." + name, again[2]);
        note("end." + name, ended[2]);
    }

    /** CPU time of making, reading and taking in. */
    private long[] pass(MemoryGroup group, SyncUpdates updates, Worker worker, boolean deleted) {
        long[] took = new long[3];
        long taken = 0;
        for (int from = 0; from < PASS; from += CHUNK) {
            updates.begin(from, CHUNK, deleted);
            millis++;
            long began = clock.cpuNanos();
            var _ = group.send(millis);
            long made = clock.cpuNanos();
            taken += group.receive(millis);
            long read = clock.cpuNanos();
            while (worker.doWork(System.nanoTime()) > 0) {
                // A cycle takes some.
            }
            took[0] += made - began;
            took[1] += read - made;
            took[2] += clock.cpuNanos() - read;
        }
        if (taken != PASS) {
            throw new IllegalStateException("only " + taken + " of " + PASS + " connections arrived");
        }
        return took;
    }

    /**
     * The worker has its own thread, as in a director: how fast connections go through both. What is measured comes after
     * the same once before, so that the worker's memory is near its CPU, and not the one that made the last measurement.
     */
    private void pipeline(MemoryGroup group, SyncUpdates updates, Dataplane dataplane, @Nullable String name)
            throws Exception {
        Worker worker = dataplane.workerList().getFirst();
        int[] tid = new int[1];
        CountDownLatch runs = new CountDownLatch(1);
        Runnable register = () -> {
            tid[0] = Affinity.threadId();
            runs.countDown();
        };
        try (WorkerThread thread = new WorkerThread(worker, cpu, register, () -> {})) {
            thread.start();
            runs.await();
            ThreadClock other = new ThreadClock(tid[0]);
            through(group, updates, dataplane, other, false);
            through(group, updates, dataplane, other, true);
            long took = through(group, updates, dataplane, other, false);
            through(group, updates, dataplane, other, true);
            if (name != null) {
                note("receive." + name, took);
            }
        }
    }

    /** CPU time of the slower of both threads. */
    private long through(
            MemoryGroup group, SyncUpdates updates, Dataplane dataplane, ThreadClock other, boolean deleted) {
        updates.begin(0, PASS, deleted);
        var _ = group.send(++millis);
        long began = clock.cpuNanos();
        long otherBegan = other.cpuNanos();
        long taken = group.receive(millis);
        long read = clock.cpuNanos();
        int wanted = deleted ? 0 : PASS;
        while (dataplane.workers().getFirst().connections() != wanted) {
            Thread.onSpinWait();
        }
        long all = other.cpuNanos() - otherBegan;
        if (taken != PASS) {
            throw new IllegalStateException("only " + taken + " of " + PASS + " connections arrived");
        }
        return Math.max(all, read - began);
    }

    private void note(String name, long nanos) {
        found.computeIfAbsent(name, key -> new ArrayList<>()).add(PASS * 1e3 / nanos);
    }

    /** Waits for the worker where a director would drop: else nothing could be said of how fast it is. */
    private record Patient(SyncSink sink) implements SyncSink {
        @Override
        public boolean take(SyncConnection connection, int origin, long millis) {
            while (!sink.take(connection, origin, millis)) {
                Thread.onSpinWait();
            }
            return true;
        }

        @Override
        public void transferred(int origin, long began) {
            sink.transferred(origin, began);
        }
    }
}
