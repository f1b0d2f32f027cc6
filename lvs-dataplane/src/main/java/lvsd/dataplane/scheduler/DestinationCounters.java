package lvsd.dataplane.scheduler;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import lvsd.dataplane.service.Destination;
import lvsd.memory.Memory;
import lvsd.memory.Scratch;

/**
 * One worker's counters of every destination, by {@link Destination#index}. Written by their worker only; any thread may
 * read, each value is whole but values may be of different moments.
 *
 * <p>Traffic and load are apart: workers read each other's load when they pick a server, and must not stumble over lines
 * that every packet writes. Load is one long: active connections above, inactive below.
 */
public final class DestinationCounters {
    private static final VarHandle LONGS = MethodHandles.arrayElementVarHandle(long[].class);

    /** Bytes of what is counted of a destination: one cache line. */
    private static final int SIZE = 64;

    private static final int CONNECTIONS = 0;
    private static final int IN_PACKETS = 8;
    private static final int OUT_PACKETS = 16;
    private static final int IN_BYTES = 24;
    private static final int OUT_BYTES = 32;
    private static final int PERSISTENT = 40;
    private static final int HALF_OPEN = 48;
    private static final int UNANSWERED = 56;
    private static final long ONE_ACTIVE = 1L << 32;
    private static final long ONE_INACTIVE = 1;

    /** Outside the heap: an array there has a length, which every access would be compared with. */
    private final Scratch memory = new Scratch((long) Destination.MAXIMUM * SIZE, SIZE);

    private final long lines = memory.address();
    private final long[] loads = new long[Destination.MAXIMUM];

    /** Counts a packet of {@code side} (0: from the client, 1: to the client) and its IP bytes. */
    public void count(int destination, int side, int bytes) {
        count(lines, destination, side, bytes);
    }

    /**
     * As {@link #count(int, int, int)}, given {@link #lines}. Plain stores: a 64-bit machine writes a long whole, and no
     * burst lasts so long that a reader could miss them.
     */
    public static void count(long lines, int destination, int side, int bytes) {
        long at = line(lines, destination) + side * 8L;
        Memory.setLong(at, SIZE - 8, IN_PACKETS, Memory.getLong(at, SIZE - 8, IN_PACKETS) + 1);
        Memory.setLong(at, SIZE - 8, IN_BYTES, Memory.getLong(at, SIZE - 8, IN_BYTES) + bytes);
    }

    private static long line(long lines, int destination) {
        return Memory.address(lines) + (long) (destination & Destination.MAXIMUM - 1) * SIZE;
    }

    /**
     * Where traffic is counted, for the packet path to keep at hand; to be given to {@link #count(long, int, int, int)}. For as
     * long as this is reachable.
     */
    public long lines() {
        return lines;
    }

    /** Counts several packets at once. */
    public void count(int destination, int inPackets, int inBytes, int outPackets, int outBytes) {
        add(destination, IN_PACKETS, inPackets);
        add(destination, IN_BYTES, inBytes);
        add(destination, OUT_PACKETS, outPackets);
        add(destination, OUT_BYTES, outBytes);
    }

    /** Counts a new connection, inactive as they all begin. */
    void opened(int destination) {
        add(destination, CONNECTIONS, 1);
        addLoad(destination, ONE_INACTIVE);
    }

    /** Counts a connection that begins to hang on the destination without being new: it came by sync. */
    void adopted(int destination, boolean active) {
        addLoad(destination, active ? ONE_ACTIVE : ONE_INACTIVE);
    }

    /** Counts a change: 1 from inactive to active, -1 back, 0 nothing. */
    void changed(int destination, int activeChange) {
        addLoad(destination, activeChange * (ONE_ACTIVE - ONE_INACTIVE));
    }

    /** Counts the end of a connection. */
    void closed(int destination, boolean active) {
        addLoad(destination, active ? -ONE_ACTIVE : -ONE_INACTIVE);
    }

    /** Counts persistence templates that begin (1) or end (-1). */
    void persistent(int destination, int change) {
        add(destination, PERSISTENT, change);
    }

    /** Counts TCP connections whose handshake begins (1) or is over (-1). */
    void halfOpen(int destination, int change) {
        add(destination, HALF_OPEN, change);
    }

    /** Counts a handshake of the SYN proxy that the destination did not answer. */
    void notAnswered(int destination) {
        add(destination, UNANSWERED, 1);
    }

    private void add(int destination, int counter, long change) {
        long line = line(lines, destination);
        Memory.setLong(line, SIZE, counter, Memory.getLong(line, SIZE, counter) + change);
    }

    private void addLoad(int destination, long change) {
        LONGS.setOpaque(loads, destination, loads[destination] + change);
    }

    /** Connections made. */
    public long connections(int destination) {
        return read(destination, CONNECTIONS);
    }

    /** Persistence templates. */
    public long persistent(int destination) {
        return read(destination, PERSISTENT);
    }

    /** TCP connections whose handshake is not over. */
    public long halfOpen(int destination) {
        return read(destination, HALF_OPEN);
    }

    /** Handshakes of the SYN proxy that the destination did not answer. */
    public long unanswered(int destination) {
        return read(destination, UNANSWERED);
    }

    /** Packets from clients. */
    public long inPackets(int destination) {
        return read(destination, IN_PACKETS);
    }

    /** Packets to clients. */
    public long outPackets(int destination) {
        return read(destination, OUT_PACKETS);
    }

    /** IP bytes from clients. */
    public long inBytes(int destination) {
        return read(destination, IN_BYTES);
    }

    /** IP bytes to clients. */
    public long outBytes(int destination) {
        return read(destination, OUT_BYTES);
    }

    private long read(int destination, int counter) {
        return Memory.getLong(line(lines, destination), SIZE, counter);
    }

    /** Both counts of connections in one: take apart with {@link #active(long)} and {@link #inactive(long)}. */
    public long load(int destination) {
        return (long) LONGS.getOpaque(loads, destination);
    }

    /** Active connections of a load, or of a sum of loads. */
    public static long active(long load) {
        return load >>> 32;
    }

    /** Inactive connections of a load, or of a sum of loads. */
    public static long inactive(long load) {
        return load & 0xffff_ffffL;
    }
}
