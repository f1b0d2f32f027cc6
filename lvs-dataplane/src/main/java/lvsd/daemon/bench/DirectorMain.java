package lvsd.daemon.bench;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import lvsd.config.DaemonConfig;
import lvsd.daemon.bench.Scenario.Case;
import lvsd.daemon.bench.Scenario.Told;
import lvsd.dataplane.Dataplane;
import lvsd.dataplane.DropReason;
import lvsd.dataplane.Warmup;
import lvsd.dataplane.WorkerThread;
import lvsd.dataplane.io.DpdkIo;
import lvsd.dataplane.io.DpdkPorts;
import lvsd.linux.Affinity;
import lvsd.linux.ThreadClock;
import lvsd.rules.DirectorRole;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * One measurement of the director: ports, dataplane, worker and worker thread as {@code lvsd} has them, with
 * {@link ScatterIo} between worker and port. Prints {@code name=value} lines. The main thread steers.
 */
@Command(name = "lvs-bench-director", description = "One measurement of the director; lvs-bench starts it.")
public final class DirectorMain implements Callable<Integer> {
    private static final int EAL_MEGABYTES = 192;
    private static final int DESCRIPTORS = 512;
    private static final int LISTED = 20;
    private static final int SPEED_SAMPLE_MILLIS = 20;
    /** So short that there are some, and more than are noted. */
    private static final long WARM_UP_CYCLE_NANOS = 5_000;

    private final PrintStream out;

    @Option(names = "--case", required = true)
    private String label = "";

    @Option(names = "--connections", required = true)
    private int connections;

    @Option(names = "--input", required = true)
    private String input = "";

    @Option(names = "--scatter")
    private boolean scatter;

    @Option(names = "--cpu", required = true)
    private int cpu;

    /** Comparisons of a director with a sync master and one without. */
    private static final int TURNS = 25;

    private static final int TURN_MILLIS = 200;
    /** Connections made in one turn. */
    private static final int SETUP_TURN = 1 << 18;

    @Option(names = "--warmup")
    private double warmup = 1;

    @Option(names = "--seconds")
    private double seconds = 2;

    @Option(names = "--watch")
    private int watch;

    @Option(names = "--witness")
    private Path witness = Path.of("");

    @Option(names = "--witnessed", split = ",")
    private List<Integer> witnessed = List.of();

    @Option(names = "--standstills")
    private Path standstills = Path.of("");

    private volatile int workerTid;
    private volatile long workerThread;

    private DirectorMain(PrintStream out) {
        this.out = out;
    }

    /** Runs one measurement. */
    public static void main(String[] arguments) {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        int status = new CommandLine(new DirectorMain(out)).execute(arguments);
        System.exit(status);
    }

    @Override
    public Integer call() throws Exception {
        Case what = Case.of(label);
        DaemonConfig config = config();
        try (Warmup.Running warmup = Warmup.start(Warmup.MILLIS);
                DpdkPorts ports = DpdkPorts.open(config)) {
            print("ports_open_seconds", uptime() / 1e3);
            var _ = warmup.await();
            print("product_warm_up_ended_seconds", uptime() / 1e3);
            DpdkIo io = ports.io(0);
            ScatterIo.Input kind = ScatterIo.input(what, scatter);
            try (ScatterIo scattered = new ScatterIo(io, kind, connections)) {
                run(config, ports, scattered, what);
            }
            io.close();
        }
        return 0;
    }

    private void run(DaemonConfig config, DpdkPorts ports, ScatterIo io, Case what) throws Exception {
        ports.start();
        long[] macs = {mac(ports.mac(0))};
        try (Dataplane dataplane = new Dataplane(config, List.of(io), macs, ports::views)) {
            CountDownLatch registered = new CountDownLatch(1);
            Runnable register = () -> {
                ports.registerThread();
                workerTid = Affinity.threadId();
                workerThread = Thread.currentThread().threadId();
                io.onWorkerThread();
                registered.countDown();
            };
            try (WorkerThread thread =
                    new WorkerThread(dataplane.workerList().getFirst(), cpu, register, ports::unregisterThread)) {
                thread.start();
                registered.await();
                WorkerThread.reserve(List.of(cpu));
                measure(dataplane, io, what);
            }
        }
    }

    private void measure(Dataplane dataplane, ScatterIo io, Case what) throws Exception {
        Installation installation = new Installation(what);
        dataplane.publish(installation.services());
        while (dataplane.acknowledgedGeneration() < 1) {
            Thread.sleep(1);
        }
        long before = uptime();
        if (!what.bare()) {
            installation.connections(dataplane, dataplane.workerList().getFirst(), connections);
        }
        long installed = uptime();
        print("install_seconds", (installed - before) / 1e3);
        io.open();
        try (LoopbackMaster master = new LoopbackMaster(dataplane, what.told)) {
            if (what.passes()) {
                setup(dataplane, io, what);
            } else {
                if (watch > 0) {
                    // So that the JIT knows both ways in the watched loop: else a first long cycle has it compiled
                    // anew.
                    io.watch(new LongCycles(WARM_UP_CYCLE_NANOS));
                }
                steady(dataplane, io, installed - before);
                if (watch > 0) {
                    watch(dataplane, io);
                }
            }
            if (what.told != Told.NOBODY) {
                turns(dataplane, io, what, master);
            }
            master.counters().forEach(each -> print("sync." + each.name(), Long.toString(each.value())));
        }
        tableFacts(dataplane);
    }

    /** Warms up, then counts for a while. */
    private void steady(Dataplane dataplane, ScatterIo io, long installMillis) throws Exception {
        Speed speed = new Speed(dataplane, new ThreadClock(workerTid));
        Quiet quiet = new Quiet((long) (warmup * 1000));
        while (!quiet.reached()) {
            speed.follow(SPEED_SAMPLE_MILLIS);
            answerArp(io);
        }
        print("warm_up_seconds", quiet.millis() / 1e3);
        Thread.sleep(50);
        com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long[] drops = dataplane.drops();
        long allocated = threads.getThreadAllocatedBytes(workerThread);
        print("counting_from_ms", Long.toString(uptime()));
        Speed.Window window = speed.count((long) (seconds * 1000));
        print("counting_to_ms", Long.toString(uptime()));
        print("allocated_bytes", Long.toString(threads.getThreadAllocatedBytes(workerThread) - allocated));
        printDrops(drops, dataplane.drops());
        double mpps = window.mpps();
        print("mpps", mpps);
        print("packets", Long.toString(window.packets()));
        print("cpu_seconds", window.nanos() * 1e-9);
        long full = speed.reached(0.9 * mpps);
        print("start_to_full_speed_seconds", full < 0 ? "not-in-warm-up" : number((full - installMillis) / 1e3));
    }

    /** What it costs to tell others of connections: the same with a master and without, in turns. */
    private void turns(Dataplane dataplane, ScatterIo io, Case what, LoopbackMaster master) throws Exception {
        Turns turns = new Turns();
        while (turns.count() < TURNS) {
            master.stop();
            double before = turn(dataplane, io, what);
            master.start();
            double with = turn(dataplane, io, what);
            master.stop();
            double after = turn(dataplane, io, what);
            master.start();
            turns.add(before, with, after);
        }
        print("told_against_untold", turns.ratio());
        print("untold_against_untold", turns.control());
    }

    /** One turn: what was done per microsecond of CPU time. */
    private double turn(Dataplane dataplane, ScatterIo io, Case what) throws Exception {
        answerArp(io);
        Thread.sleep(20);
        if (!what.passes()) {
            return new Speed(dataplane, new ThreadClock(workerTid))
                    .count(TURN_MILLIS)
                    .mpps();
        }
        double nanos = 0;
        for (int done = 0; done < SETUP_TURN; done += connections) {
            for (int i = 0; i < Scenario.SERVERS; i++) {
                dataplane.expireDestination(i);
            }
            nanos += pass(io);
        }
        return 1 / nanos;
    }

    private static void answerArp(ScatterIo io) {
        for (byte[] reply : Frames.arpReplies()) {
            io.offer(reply);
        }
    }

    /** One pass after the other over an empty table; the first ones warm up. */
    private void setup(Dataplane dataplane, ScatterIo io, Case what) throws Exception {
        long wanted = Math.max(3, (2 << 20) / connections);
        long nanos = 0;
        long opened = 0;
        long allocated = 0;
        com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        Quiet quiet = new Quiet((long) (warmup * 1000));
        boolean warm = false;
        for (int pass = 0; pass < wanted || !warm; ) {
            for (int i = 0; i < Scenario.SERVERS; i++) {
                dataplane.expireDestination(i);
            }
            if (!warm && quiet.reached()) {
                warm = true;
                nanos = 0;
                opened = 0;
                allocated = 0;
                pass = 0;
            }
            long[] drops = dataplane.drops();
            long allocatedBefore = threads.getThreadAllocatedBytes(workerThread);
            long took = pass(io);
            allocated += threads.getThreadAllocatedBytes(workerThread) - allocatedBefore;
            long made = dataplane.workers().getFirst().connections();
            if (warm && what.proxied()) {
                made = Math.min(made, io.finishedHandshakes());
            }
            if (warm && made < connections) {
                printDrops(drops, dataplane.drops());
                throw new IllegalStateException("only " + made + " of " + connections + " connections were made");
            }
            nanos += took;
            opened += made;
            pass++;
        }
        print("allocated_bytes", Long.toString(allocated));
        print("mpps", opened * 1e3 / nanos);
        print("packets", Long.toString(opened));
        print("cpu_seconds", nanos * 1e-9);
    }

    private static long pass(ScatterIo io) throws InterruptedException {
        answerArp(io);
        while (io.framesWait()) {
            Thread.sleep(1);
        }
        io.startPass();
        long nanos = io.finishedPassNanos();
        while (nanos < 0) {
            Thread.sleep(1);
            nanos = io.finishedPassNanos();
        }
        return nanos;
    }

    /** A long look: cycles, and what disturbed them, while the control plane works and unusual packets come in. */
    private void watch(Dataplane dataplane, ScatterIo io) throws Exception {
        LongCycles cycles = new LongCycles(Standstill.MILLISECOND);
        Disturbance disturbance = new Disturbance(workerTid, cpu);
        long start;
        try (Witness _ = Witness.start(witness, witnessed, standstills)) {
            disturbance.sample();
            print("started_at_nanos", Long.toString(System.nanoTime() - uptime() * 1_000_000));
            print("watching_from_ms", Long.toString(uptime()));
            start = System.nanoTime();
            io.watch(cycles);
            disturb(dataplane, io, disturbance, start);
            io.watch(null);
            print("watching_to_ms", Long.toString(uptime()));
            Thread.sleep(20);
            disturbance.sample();
        }
        reportCycles(cycles, disturbance, Witness.read(standstills), start);
    }

    /** What may go on beside the traffic: changes, listings, neighbours' answers, and after half the time unusual packets. */
    private void disturb(Dataplane dataplane, ScatterIo io, Disturbance disturbance, long start) throws Exception {
        boolean unusual = false;
        int look = 0;
        for (long now = start; now - start < watch * 1_000_000_000L; now = System.nanoTime()) {
            Thread.sleep(4);
            disturbance.sample();
            if (++look % 50 == 0) {
                dataplane.publish(new Installation(Case.of(label)).services());
                dataplane.workers();
                answerArp(io);
            }
            if (!unusual && now - start > watch * 500_000_000L) {
                unusual = true;
                Frames.unusual().forEach(io::offer);
                print("unusual_packets_at_seconds", (now - start) * 1e-9);
            }
        }
    }

    private void reportCycles(LongCycles cycles, Disturbance disturbance, List<Standstill> seen, long start) {
        print("watched_cycles", Long.toString(cycles.cycles()));
        print("longest_cycle_us", cycles.longest() / 1e3);
        List<String> unexplained = new ArrayList<>();
        List<String> setAside = new ArrayList<>();
        for (LongCycles.Cycle cycle : cycles.noted()) {
            String why = disturbance.during(cycle, seen);
            String text = String.format(
                    Locale.ROOT, "%.0f us at %.3f s", cycle.nanos() / 1e3, (cycle.ended() - start) * 1e-9);
            if (why == null) {
                unexplained.add(text);
            } else {
                setAside.add(text + " (" + why + ")");
            }
        }
        print("cycles_over_1ms_unexplained", Integer.toString(unexplained.size()));
        print("cycles_over_1ms_set_aside", Integer.toString(setAside.size()));
        list("unexplained", unexplained);
        list("set_aside", setAside);
    }

    private void list(String name, List<String> cycles) {
        for (int i = 0; i < Math.min(LISTED, cycles.size()); i++) {
            print(name + "." + i, cycles.get(i));
        }
    }

    private void tableFacts(Dataplane dataplane) {
        var ipv4 = dataplane.workers().getFirst().tables().getFirst();
        print("connections", Long.toString(ipv4.connections()));
        print("bytes_per_connection", ipv4.bytes() / (double) connections);
    }

    private void printDrops(long[] before, long[] after) {
        for (int reason = 0; reason < after.length; reason++) {
            if (after[reason] > before[reason]) {
                print("drop." + DropReason.of(reason).label(), Long.toString(after[reason] - before[reason]));
            }
        }
    }

    private DaemonConfig config() {
        DaemonConfig.Port port = new DaemonConfig.Port(
                "bench0",
                "net_pcap0,rx_pcap=" + input + ",infinite_rx=1",
                1500,
                List.of(new DaemonConfig.Prefix(Scenario.inet(Scenario.own()), 16)),
                List.of(),
                List.of(),
                DaemonConfig.ReversePath.OFF,
                false,
                DESCRIPTORS,
                DESCRIPTORS);
        DaemonConfig.Route gateway = new DaemonConfig.Route(
                new DaemonConfig.Prefix(Scenario.inet(new byte[4]), 0),
                Optional.of(Scenario.inet(Scenario.gateway())),
                Optional.empty());
        return new DaemonConfig(
                new DaemonConfig.Eal(
                        true,
                        EAL_MEGABYTES,
                        "lvs-bench",
                        Optional.empty(),
                        Optional.empty(),
                        Machine.MBUFS,
                        Machine.MBUF_DATA,
                        List.of("--in-memory", "--no-telemetry")),
                List.of(port),
                List.of(gateway),
                new DaemonConfig.Workers(1, List.of(cpu)),
                new DaemonConfig.Connections(connections, 16, true),
                new DaemonConfig.Control(Path.of("bench.sock"), Optional.empty()),
                new DaemonConfig.Persist(Optional.empty(), Path.of("rules")),
                new DaemonConfig.Punt(false, 1000, 1000, 1000, 1000),
                Optional.empty(),
                "info",
                DirectorRole.ACTIVE,
                List.of(),
                Map.of());
    }

    private static long mac(byte[] bytes) {
        long mac = 0;
        for (int i = 5; i >= 0; i--) {
            mac = mac << 8 | (bytes[i] & 0xff);
        }
        return mac;
    }

    private static long uptime() {
        return ManagementFactory.getRuntimeMXBean().getUptime();
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.3f", value);
    }

    private void print(String name, double value) {
        print(name, number(value));
    }

    private void print(String name, String value) {
        out.println(name + "=" + value);
    }
}
