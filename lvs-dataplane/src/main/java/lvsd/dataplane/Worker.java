package lvsd.dataplane;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.connection.LocalPorts;
import lvsd.dataplane.connection.Timeouts;
import lvsd.dataplane.connection.TimerWheel;
import lvsd.dataplane.io.LongRing;
import lvsd.dataplane.io.PacketIo;
import lvsd.dataplane.net.Net;
import lvsd.dataplane.net.NetConfig;
import lvsd.dataplane.scheduler.DestinationCounts;
import lvsd.dataplane.service.ServiceTable;
import lvsd.synproxy.Secrets;
import org.jspecify.annotations.Nullable;

/**
 * One worker: polls its queue of every port, runs the pipeline, sends, and does time's work in between. Shares nothing
 * that it writes: others publish immutable snapshots ({@link #publish}), send commands, or hand packets over by rings.
 *
 * <p>{@link #doWork} is one cycle and is driven by the worker's thread, or by a test's own hand with its own clock.
 */
public final class Worker {
    private static final VarHandle STATISTICS = MethodHandles.arrayElementVarHandle(long[].class);

    /** Cycles done. */
    static final int CYCLES = 0;
    /** Cycles without any work. */
    static final int IDLE = 1;
    /** Packets received from ports. */
    static final int PACKETS = 2;
    /** Longest cycle since start, nanoseconds. */
    static final int LONGEST = 3;
    /** Packets taken over from other workers. */
    static final int HANDOFFS_IN = 4;
    /** Packets handed to other workers. */
    static final int HANDOFFS_OUT = 5;
    /** Nanoseconds at which the last cycle began. */
    static final int CLOCK = 6;
    /** Generation of the service table in use. */
    static final int GENERATION = 7;
    /** 1 while memory is short for new connections, else 0. */
    static final int SHORT = 8;
    /** Connections and templates that {@code drop_entry} ended. */
    static final int ENDED = 9;
    /** How many statistics there are. */
    static final int COUNT = 10;

    private static final long NANOS_PER_TICK = Timeouts.TICK_MILLIS * 1_000_000L;
    private static final int TIMER_BUDGET = 64;
    /** Bursts of a port in one cycle, as long as they are full. */
    private static final int BURSTS = 4;

    private static final int SWEEP_BUDGET = 64;

    private final int index;
    private final PacketIo io;
    private final Net net;
    private final DestinationCounts counts;
    private final Timeouts timeouts;
    private final LocalPorts ports;
    private final Pipeline pipeline;
    private final Ownership ownership;
    private final long[] drops;
    private final long[] received = new long[PacketIo.BURST];
    private final int[] expired = new int[TIMER_BUDGET];
    private final Transmitter transmitter;
    private final TemplateMail mail;
    private final MemoryDefence defence;
    private final CommandQueue commands = new CommandQueue(1024);
    /** Rings from the other workers, by their index; null at the own. */
    private final @Nullable LongRing[] incoming;
    /** Rings to the other workers, by their index; null at the own. */
    private final @Nullable LongRing[] outgoing;

    private final long[] statistics = new long[COUNT];

    /** First entry that has not been looked at since timeouts changed; negative when all have. */
    private int sweepFrom = -1;

    private boolean sweepIpv6;

    private volatile ServiceTable newestServices = ServiceTable.EMPTY;
    private volatile Sysctls newestSysctls = Sysctls.DEFAULT;
    private volatile @Nullable Secrets newestSecrets;
    private volatile @Nullable NetConfig newestNet;

    Worker(
            int index,
            PacketIo io,
            WorkerParts parts,
            Transmitter transmitter,
            long[] drops,
            @Nullable LongRing[] incoming,
            @Nullable LongRing[] outgoing) {
        this.index = index;
        this.io = io;
        this.net = parts.net();
        this.counts = parts.counts();
        this.timeouts = parts.timeouts();
        this.ports = parts.ports();
        this.transmitter = transmitter;
        this.drops = drops;
        this.incoming = incoming;
        this.outgoing = outgoing;
        this.pipeline = new Pipeline(parts);
        this.ownership = parts.ownership();
        this.mail = pipeline.misses().connector().persistence().mail();
        this.defence = pipeline.misses().connector().defence();
        mail.resumed(this::dispatch);
    }

    /** The tick of a time in nanoseconds. */
    static int tick(long nanos) {
        return (int) (nanos / NANOS_PER_TICK);
    }

    /** Its index. */
    public int index() {
        return index;
    }

    /** The packet path. Worker thread only. */
    Pipeline pipeline() {
        return pipeline;
    }

    /** The way of connections to and from other directors: its queues for the control thread, all else the worker's. */
    SyncFeed sync() {
        return pipeline.sync();
    }

    /** Which worker owns what. Any thread. */
    Ownership ownership() {
        return ownership;
    }

    /** The services published last. Any thread. */
    ServiceTable services() {
        return newestServices;
    }

    /** Any thread: makes {@code table} what the worker uses from its next cycle on. */
    void publish(ServiceTable table) {
        newestServices = table;
    }

    /** Any thread: as {@link #publish(ServiceTable)} for settings. */
    void publish(Sysctls sysctls) {
        newestSysctls = sysctls;
    }

    /** Any thread: as {@link #publish(ServiceTable)} for the secrets of SYN cookies. */
    void publish(Secrets secrets) {
        newestSecrets = secrets;
    }

    /** Any thread: as {@link #publish(ServiceTable)} for layers 2 and 3. */
    void publish(NetConfig config) {
        newestNet = config;
    }

    /** The control thread: asks the worker to run {@code command}; false when its queue is full. */
    boolean offer(WorkerCommand command) {
        return commands.offer(command);
    }

    /** Any thread: one of the statistics above. */
    long statistic(int which) {
        return (long) STATISTICS.getOpaque(statistics, which);
    }

    /** Any thread: drops by reason. */
    long drops(int reason) {
        return (long) STATISTICS.getOpaque(drops, reason);
    }

    /** Takes over what was published, at {@code nanos}. Before its thread runs, on the thread that starts it. */
    void prepare(long nanos) {
        pipeline.now = tick(nanos);
        pipeline.misses().connector().clock(nanos);
        var _ = takeOver();
    }

    private void count(int which, long amount) {
        STATISTICS.setOpaque(statistics, which, statistics[which] + amount);
    }

    /**
     * One cycle at {@code nanos} (a monotonic clock): at most one command, one burst of every ring, some of every port
     * ({@link #poll}), some timers. Returns how much was done; 0 means idle.
     */
    public int doWork(long nanos) {
        STATISTICS.setOpaque(statistics, CLOCK, nanos);
        int now = tick(nanos);
        pipeline.now = now;
        counts.beginCycle();
        pipeline.misses().connector().clock(nanos);
        pipeline.misses().proxy().clock(nanos);
        int work = takeOver();
        int ended = defence.work(now);
        if (ended != 0) {
            count(ENDED, ended);
        }
        for (int port = 0; port < io.ports(); port++) {
            work += poll(port);
        }
        work += handedOver();
        work += mail.poll();
        work += expire(pipeline.table4, pipeline.timers4, false, now);
        work += expire(pipeline.table6, pipeline.timers6, true, now);
        work += pipeline.sync().work(now);
        if (sweepFrom >= 0) {
            sweep();
        }
        net.poll(now);
        transmitter.flush();
        STATISTICS.setOpaque(statistics, SHORT, defence.memoryShort() ? 1L : 0L);
        count(CYCLES, 1);
        if (work == 0) {
            count(IDLE, 1);
        }
        return work;
    }

    /** Notes how long a cycle took, nanoseconds. */
    void cycleTook(long nanos) {
        if (nanos > statistics[LONGEST]) {
            STATISTICS.setOpaque(statistics, LONGEST, nanos);
        }
    }

    /** The command is taken before the snapshots are looked at: what was published before it was sent is there then. */
    private int takeOver() {
        WorkerCommand command = commands.poll();
        ServiceTable services = newestServices;
        if (services != pipeline.services) {
            pipeline.use(services);
            STATISTICS.setOpaque(statistics, GENERATION, services.generation);
        }
        Sysctls sysctls = newestSysctls;
        if (sysctls != pipeline.sysctls) {
            pipeline.sysctls = sysctls;
            if (timeouts.set(sysctls.timeouts)) {
                sweepFrom = 0;
                sweepIpv6 = false;
            }
            defence.look();
            pipeline.misses().proxy().settings(sysctls.synProxy);
            ports.setRange(sysctls.firstLocalPort, sysctls.lastLocalPort);
        }
        Secrets secrets = newestSecrets;
        if (secrets != null && secrets != pipeline.misses().proxy().secrets()) {
            pipeline.misses().proxy().secrets(secrets);
        }
        NetConfig config = newestNet;
        if (config != null && config != net.config()) {
            net.config(config);
        }
        if (command == null) {
            return 0;
        }
        command.run(this);
        return 1;
    }

    /**
     * Takes what waits on a port, {@link #BURSTS} bursts at most: while they come in full, what else a cycle does is done for
     * several of them.
     */
    private int poll(int port) {
        int total = 0;
        int count;
        do {
            count = io.receive(port, received);
            if (count > 0) {
                count(PACKETS, count);
                process(port, count);
            }
            total += count;
        } while (count == PacketIo.BURST && total < BURSTS * PacketIo.BURST);
        return total;
    }

    private void process(int port, int count) {
        pipeline.process(port, received, count);
        int common = pipeline.commonVerdict();
        if (Verdict.kind(common) == Verdict.TRANSMIT) {
            transmitter.send(received, count, Verdict.argument(common));
        } else if (Verdict.kind(common) == Verdict.DROP) {
            transmitter.drop(received, count, Verdict.argument(common));
        } else {
            dispatch(port, count);
        }
        transmitter.flush();
    }

    private void dispatch(int port, int count) {
        for (int i = 0; i < count; i++) {
            dispatch(received[i], port, pipeline.verdict(i));
        }
    }

    private void dispatch(long mbuf, int port, int verdict) {
        if (Verdict.kind(verdict) == Verdict.TRANSMIT) {
            transmitter.send(mbuf, Verdict.argument(verdict));
        } else {
            dispatchRare(mbuf, port, verdict);
        }
    }

    private void dispatchRare(long mbuf, int port, int verdict) {
        int kind = Verdict.kind(verdict);
        int fate = verdict;
        if (kind == Verdict.PUNT) {
            fate = net.punt(mbuf, port, Verdict.argument(verdict));
        } else if (kind == Verdict.HANDOFF) {
            fate = handOver(mbuf, port, Verdict.argument(verdict));
        }
        if (Verdict.kind(fate) == Verdict.DROP) {
            transmitter.drop(mbuf, Verdict.argument(fate));
        }
    }

    /** A ring's element is the mbuf's address with the port in the upper 16 bits. */
    private int handOver(long mbuf, int port, int worker) {
        LongRing ring = outgoing[worker];
        if (ring == null || !ring.offer((long) port << 48 | mbuf)) {
            return Verdict.drop(DropReason.HANDOFF_FULL);
        }
        count(HANDOFFS_OUT, 1);
        return Verdict.KEPT;
    }

    private int handedOver() {
        int work = 0;
        for (LongRing ring : incoming) {
            if (ring != null) {
                work += handedOver(ring);
            }
        }
        return work;
    }

    private int handedOver(LongRing ring) {
        Misses misses = pipeline.misses();
        misses.handed = true;
        int count = 0;
        while (count < PacketIo.BURST) {
            long element = ring.poll();
            if (element == 0) {
                break;
            }
            received[0] = element & 0xffff_ffff_ffffL;
            process((int) (element >>> 48), 1);
            count++;
        }
        misses.handed = false;
        count(HANDOFFS_IN, count);
        return count;
    }

    /** Ends what has been silent for longer than its timeout; what has not is looked at again when it would be. */
    private int expire(ConnectionTable table, TimerWheel timers, boolean ipv6, int now) {
        int count = timers.advance(now, TIMER_BUDGET, expired);
        Connector connector = pipeline.misses().connector();
        ServerHandshakes handshakes = pipeline.misses().proxy().handshakes();
        for (int i = 0; i < count; i++) {
            Connection.fetch(table.hot(expired[i]));
        }
        for (int i = 0; i < count; i++) {
            int entry = expired[i];
            if (handshakes.timer(table, entry)) {
                continue;
            }
            int deadline = Connection.lastSeen(table.hot(entry)) + connector.timeout(table, entry);
            if (deadline - now > 0) {
                timers.arm(entry, deadline);
                pipeline.sync().looked(table, entry);
            } else {
                connector.expired(ipv6, entry);
            }
        }
        return count;
    }

    /** A part of the connections, each cycle, after timeouts have changed: timers that are now too late are armed earlier. */
    private void sweep() {
        sweepFrom = ConnectionDump.rearm(this, sweepIpv6, sweepFrom, SWEEP_BUDGET);
        if (sweepFrom < 0 && !sweepIpv6) {
            sweepIpv6 = true;
            sweepFrom = 0;
        }
    }

    /** Worker thread: a port's link came up. */
    void linkUp(int port) {
        net.linkUp(port);
    }

    /** Worker thread: all addresses are announced again. */
    void announce() {
        net.announce();
    }

    /** Worker thread: takes over a connection made elsewhere; false when it cannot. */
    public boolean adopt(SyncedConnection synced) {
        return sync().taker().adopt(synced);
    }

    /** Frees what it holds; the worker's thread has ended. */
    void close() {
        mail.close();
        transmitter.flush();
        net.close();
    }
}
