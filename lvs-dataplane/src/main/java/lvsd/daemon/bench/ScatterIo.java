package lvsd.daemon.bench;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import lvsd.dataplane.io.PacketIo;
import lvsd.dataplane.service.Wire;
import lvsd.dpdk.Mbuf;
import lvsd.linux.ThreadClock;
import lvsd.memory.Memory;
import lvsd.memory.OffHeap;
import lvsd.wire.Checksum;
import lvsd.wire.Tcp;
import org.jspecify.annotations.Nullable;

/**
 * The input of the benchmark: what {@code net_pcap} loops, with ports overwritten so that a small file reaches millions
 * of connections. {@code config/bench/twin.c} does the same; what it costs is measured and reported.
 *
 * <p>Inputs: the file as it is; its frames with the one free port replaced by that of a random connection of the
 * frame's pair; SYNs of which the n-th opens the n-th connection of a permutation, after which nothing more comes until
 * the next {@link #startPass}; these SYNs mixed with what clients and servers answer to the SYN proxy. In all of them the steering thread may slip in frames of its own ({@link #offer}), each in
 * the place of a received packet. Nothing comes in before {@link #open}.
 *
 * <p>Once watched, the time between two calls of {@link #receive} on one port, a cycle, is noted when it is long.
 *
 * <p>The {@link PacketIo} methods belong to the worker, {@link #offer} and {@link #startPass} to one steering thread.
 */
final class ScatterIo implements PacketIo, AutoCloseable {
    /** Bytes of a slot for an offered frame, and the most a frame may have. */
    static final int SLOT = 512;

    private static final int SLOTS = 64;
    private static final int SOURCE = 26;
    private static final int DESTINATION = 30;
    private static final int PORTS = 34;
    private static final int HEADERS = 42;
    private static final VarHandle OFFERED = handle("offered");
    private static final VarHandle PASSES = handle("passes");
    private static final VarHandle OPEN = handle("opened", boolean.class);
    private static final VarHandle WATCHED = handle("watched", LongCycles.class);
    private static final VarHandle TAKEN = handle("published");
    private static final VarHandle DONE_PASSES = handle("donePasses");

    /** What becomes of the file's frames. */
    enum Input {
        FILE,
        SCATTERED,
        /** Scattered with the TCP checksum kept right. */
        VERIFIED,
        SYNS,
        HANDSHAKES
    }

    private final PacketIo io;
    private final Input input;
    private final int portMask;
    private final int connections;
    private final int vip = Wire.int4(Scenario.vip());
    private final long[] clients = new long[Scenario.PAIRS];
    private final HandshakePeers peers = new HandshakePeers();
    private final OffHeap frames = OffHeap.map((long) SLOTS * SLOT, false, false);

    private @Nullable ThreadClock clock;
    private long random = 1;
    private int next;
    private int taken;
    private int pass;
    private long passStart;

    @SuppressWarnings("UnusedVariable") // through OPEN
    private boolean opened;

    @SuppressWarnings("UnusedVariable") // through WATCHED
    private @Nullable LongCycles watched;

    @SuppressWarnings("UnusedVariable") // through OFFERED
    private int offered;

    @SuppressWarnings("UnusedVariable") // through PASSES
    private int passes;

    @SuppressWarnings("UnusedVariable") // through TAKEN
    private int published;

    @SuppressWarnings("UnusedVariable") // through DONE_PASSES
    private int donePasses;

    /** CPU time of the worker in the last finished pass, nanoseconds; published by {@link #donePasses}. */
    private long passNanos;

    /** Wraps {@code io}; {@code connections} is a power of two and at least the number of pairs. */
    ScatterIo(PacketIo io, Input input, int connections) {
        this.io = io;
        this.input = input;
        this.connections = connections;
        this.portMask = connections / Scenario.PAIRS - 1;
        this.next = connections;
        for (int pair = 0; pair < clients.length; pair++) {
            clients[pair] = Integer.toUnsignedLong(Wire.int4(Scenario.client(pair))) | (long) vip << 32;
        }
    }

    private static VarHandle handle(String field) {
        return handle(field, int.class);
    }

    private static VarHandle handle(String field, Class<?> type) {
        try {
            return MethodHandles.lookup().findVarHandle(ScatterIo.class, field, type);
        } catch (ReflectiveOperationException impossible) {
            throw new ExceptionInInitializerError(impossible);
        }
    }

    /** The input of a case. */
    static Input input(Scenario.Case what, boolean scatter) {
        if (what.passes()) {
            return what.traffic == Scenario.Traffic.HANDSHAKES ? Input.HANDSHAKES : Input.SYNS;
        }
        return !scatter ? Input.FILE : what.verified() ? Input.VERIFIED : Input.SCATTERED;
    }

    /** Lets {@code frame} come in soon, whole, in the place of a received packet; false when too many wait already. */
    boolean offer(byte[] frame) {
        int position = (int) OFFERED.getAcquire(this);
        if (frame.length > SLOT - 2) {
            throw new IllegalArgumentException("frame of " + frame.length + " bytes to slip in; at most " + (SLOT - 2));
        }
        if (position - (int) TAKEN.getAcquire(this) >= SLOTS) {
            return false;
        }
        long slot = slot(position);
        Memory.setShort(slot, SLOT, 0, frame.length);
        Memory.copyIn(frame, 0, slot + 2, frame.length);
        OFFERED.setRelease(this, position + 1);
        return true;
    }

    /** Whether frames that were offered have not come in yet. */
    boolean framesWait() {
        return (int) TAKEN.getAcquire(this) != (int) OFFERED.getAcquire(this);
    }

    /** Lets the input flow. */
    void open() {
        OPEN.setRelease(this, true);
    }

    /** Notes cycles from here on, in {@code into}; null ends it. */
    void watch(@Nullable LongCycles into) {
        WATCHED.setRelease(this, into);
    }

    /** To be called on the worker's thread before the first cycle. */
    void onWorkerThread() {
        clock = ThreadClock.ofCurrentThread();
    }

    /** Begins to send one SYN for each connection. Only when no pass is under way. */
    void startPass() {
        PASSES.setRelease(this, (int) PASSES.getAcquire(this) + 1);
    }

    /** CPU nanoseconds of the pass begun last, or -1 while it is under way. */
    long finishedPassNanos() {
        return (int) DONE_PASSES.getAcquire(this) == (int) PASSES.getAcquire(this) ? passNanos : -1;
    }

    @Override
    public int receive(int port, long[] into) {
        LongCycles cycles = (LongCycles) WATCHED.getOpaque(this);
        if (cycles != null) {
            cycles.next(System.nanoTime());
        }
        if (!(boolean) OPEN.getOpaque(this)) {
            return 0;
        }
        if (isBetween()) {
            return 0;
        }
        int count = io.receive(port, into);
        if (input == Input.SYNS) {
            return syns(into, count);
        }
        if (input == Input.HANDSHAKES) {
            return handshakes(into, count);
        }
        if (input == Input.SCATTERED) {
            scatter(into, count);
        } else if (input == Input.VERIFIED) {
            scatterVerified(into, count);
        }
        if (count > 0 && frameWaits()) {
            slipIn(into[0]);
        }
        return count;
    }

    private boolean frameWaits() {
        return taken != (int) OFFERED.getAcquire(this);
    }

    private void scatter(long[] packets, int count) {
        long state = random;
        for (int i = 0; i < count; i++) {
            state = state * 6364136223846793005L + 1442695040888963407L;
            int port = Wire.port(Scenario.FIRST_PORT + ((int) (state >>> 40) & portMask));
            setFreePort(Memory.address(Mbuf.data(packets[i])), port);
        }
        random = state;
    }

    private void scatterVerified(long[] packets, int count) {
        for (int i = 0; i < count; i++) {
            random = random * 6364136223846793005L + 1442695040888963407L;
            int port = Wire.port(Scenario.FIRST_PORT + ((int) (random >>> 40) & portMask));
            long frame = Mbuf.data(packets[i]);
            int before = Memory.getShort(frame, HEADERS, PORTS);
            Memory.setShort(frame, HEADERS, PORTS, port);
            long tcp = frame + PORTS;
            Tcp.setChecksum(tcp, Checksum.apply(Tcp.checksum(tcp), Checksum.delta(before, port)));
        }
    }

    /** The client's port in a frame to the VIP, else the port it is sent to; without a branch that would be guessed. */
    private void setFreePort(long frame, int port) {
        int other = Memory.getInt(frame, HEADERS, DESTINATION) ^ vip;
        int shift = ((other | -other) >>> 31) << 4;
        int ports = Memory.getInt(frame, HEADERS, PORTS);
        Memory.setInt(frame, HEADERS, PORTS, (ports & ~(0xffff << shift)) | (port << shift));
    }

    /** Whether no pass is under way or begins, and nothing was offered: then nobody needs packets. */
    private boolean isBetween() {
        boolean passes = input == Input.SYNS || input == Input.HANDSHAKES;
        return passes && isOver() && !nextPass((int) PASSES.getAcquire(this)) && !frameWaits();
    }

    private boolean isOver() {
        return next == connections && peers.quiet();
    }

    private int syns(long[] packets, int count) {
        if (isOver()) {
            return between(packets, count);
        }
        int used = Math.min(count, connections - next);
        for (int i = 0; i < used; i++) {
            setClient(Mbuf.data(packets[i]), (next++ * 0x9e3779b1) & (connections - 1));
        }
        for (int i = used; i < count; i++) {
            io.free(packets[i]);
        }
        return used;
    }

    /** A third of the packets are SYNs; a pass ends when the last of its handshakes has. */
    private int handshakes(long[] packets, int count) {
        if (isOver()) {
            return between(packets, count);
        }
        int used = 0;
        while (used < count && handshake(Memory.address(Mbuf.data(packets[used])))) {
            used++;
        }
        for (int i = used; i < count; i++) {
            io.free(packets[i]);
        }
        return used;
    }

    private boolean handshake(long frame) {
        if (peers.answer(frame, next == connections)) {
            return true;
        }
        if (next == connections) {
            return false;
        }
        // Clients' addresses have one sum, so the port alone changes the checksum.
        long tcp = frame + PORTS;
        int before = Tcp.ports(tcp);
        setClient(frame, (next++ * 0x9e3779b1) & (connections - 1));
        Tcp.setChecksum(tcp, Checksum.apply(Tcp.checksum(tcp), Checksum.deltaInt(before, Tcp.ports(tcp))));
        return true;
    }

    /** Handshakes finished in the last pass; while none is under way. */
    int finishedHandshakes() {
        return peers.finished();
    }

    /** Between passes nothing comes in but what is offered; within one, every packet is a SYN. */
    private int between(long[] packets, int count) {
        int used = count > 0 && frameWaits() ? 1 : 0;
        if (used == 1) {
            slipIn(packets[0]);
        }
        for (int i = used; i < count; i++) {
            io.free(packets[i]);
        }
        return used;
    }

    /** The last SYN was handled in the cycle before: closes the books of its pass, and begins the next one if wanted. */
    private boolean nextPass(int wanted) {
        long now = clock == null ? 0 : clock.cpuNanos();
        if (pass != (int) DONE_PASSES.getOpaque(this)) {
            passNanos = now - passStart;
            DONE_PASSES.setRelease(this, pass);
        }
        if (pass == wanted) {
            return false;
        }
        pass = wanted;
        peers.begin();
        passStart = now;
        next = 0;
        return true;
    }

    private void setClient(long frame, int connection) {
        Memory.setLong(frame, HEADERS, SOURCE, clients[Scenario.pair(connection)]);
        int ports = Wire.port(Scenario.portOf(connection)) | Wire.port(Scenario.SERVICE_PORT) << 16;
        Memory.setInt(frame, HEADERS, PORTS, ports);
    }

    private void slipIn(long mbuf) {
        long slot = slot(taken);
        int length = Memory.getShort(slot, SLOT, 0);
        Memory.copy(slot + 2, Mbuf.data(mbuf), length);
        Mbuf.setLength(mbuf, length);
        taken++;
        TAKEN.setRelease(this, taken);
    }

    private long slot(int position) {
        return frames.address() + (long) (position & (SLOTS - 1)) * SLOT;
    }

    @Override
    public int ports() {
        return io.ports();
    }

    @Override
    public int transmit(int port, long[] packets, int count) {
        if (input == Input.HANDSHAKES) {
            peers.sent(packets, count);
        }
        return io.transmit(port, packets, count);
    }

    @Override
    public void free(long[] packets, int count) {
        io.free(packets, count);
    }

    @Override
    public void free(long packet) {
        io.free(packet);
    }

    @Override
    public long allocate() {
        return io.allocate();
    }

    /** Gives the slots back; the worker must have stopped. */
    @Override
    public void close() {
        frames.close();
    }
}
