package lvsd.sync;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Connections on their way from one thread to one other, bounded; neither end ever waits. What goes from one core to the
 * other are two cache lines a connection, not the four of a {@link SyncConnection}. Nothing is allocated after construction.
 */
public final class UpdateQueue {
    private static final VarHandle AT = MethodHandles.arrayElementVarHandle(long[].class);
    /** Longs of two cache lines, which are fetched together. */
    private static final int LINE = 16;

    private static final int LINES = 4;
    private static final int WRITTEN = LINE;
    private static final int READ = 2 * LINE;
    /** Beside what is written: by the same thread. */
    private static final int DROPPED = WRITTEN + 1;

    /** Longs of a connection. */
    private static final int SLOT = 16;

    private static final long LOW = 0xffff_ffffL;
    // What the last long of a slot says.
    private static final int IPV6 = 1;
    private static final int SEQUENCE = 1 << 1;
    private static final int LOCAL = 1 << 2;
    private static final int DELETED = 1 << 3;
    private static final int BULK = 1 << 4;
    /** The rest is in {@link #rare}. */
    private static final int RARE = 1 << 5;

    private final long[] slots;
    /** What few connections have: whole connections, in the places of their slots. */
    private final SyncConnection[] rare;

    private final int mask;
    /** What is written and what is read stand on cache lines of their own, or each end would slow down the other. */
    private final long[] positions = new long[LINES * LINE];
    /** The sender's copy of what is read: looked at again only when the queue seems full. */
    private long readBefore;

    /** A queue of {@code capacity} connections, a power of two. */
    public UpdateQueue(int capacity) {
        if (Integer.bitCount(capacity) != 1) {
            throw new IllegalArgumentException("a power of two wanted, not " + capacity);
        }
        slots = new long[capacity * SLOT];
        rare = new SyncConnection[capacity];
        for (int i = 0; i < capacity; i++) {
            rare[i] = new SyncConnection();
        }
        mask = capacity - 1;
    }

    /** Sender: puts a copy of {@code connection} in; false, and counted, when the queue is full. */
    public boolean offer(SyncConnection connection) {
        long position = positions[WRITTEN];
        if (position - readBefore > mask) {
            readBefore = (long) AT.getAcquire(positions, READ);
            if (position - readBefore > mask) {
                AT.setRelease(positions, DROPPED, positions[DROPPED] + 1);
                return false;
            }
        }
        pack(connection, (int) position & mask);
        AT.setRelease(positions, WRITTEN, position + 1);
        return true;
    }

    /** Receiver: takes the oldest connection; false if there is none. */
    public boolean poll(SyncConnection into) {
        long position = positions[READ];
        if (position == (long) AT.getAcquire(positions, WRITTEN)) {
            return false;
        }
        unpack((int) position & mask, into);
        AT.setRelease(positions, READ, position + 1);
        return true;
    }

    /**
     * Receiver: takes up to {@code into.length} of the oldest connections, in their order; returns how many. Cheaper than one
     * after the other: what was read is told once.
     */
    public int poll(SyncConnection[] into) {
        long position = positions[READ];
        int count = (int) Math.min((long) AT.getAcquire(positions, WRITTEN) - position, into.length);
        for (int i = 0; i < count; i++) {
            unpack((int) (position + i) & mask, into[i]);
        }
        if (count != 0) {
            AT.setRelease(positions, READ, position + count);
        }
        return count;
    }

    /** Receiver: forgets all that waits. */
    public void clear() {
        AT.setRelease(positions, READ, (long) AT.getAcquire(positions, WRITTEN));
    }

    /** Any thread: connections that found the queue full. */
    public long dropped() {
        return (long) AT.getOpaque(positions, DROPPED);
    }

    private void pack(SyncConnection c, int place) {
        long[] to = slots;
        int at = place * SLOT;
        boolean isRare =
                (c.inInitial | c.inPrevious | c.outInitial | c.outPrevious | c.engineDataLength | c.engineNameLength)
                        != 0;
        to[at] = c.clientHigh;
        to[at + 1] = c.clientLow;
        to[at + 2] = c.virtualHigh;
        to[at + 3] = c.virtualLow;
        to[at + 4] = c.serverHigh;
        to[at + 5] = c.serverLow;
        to[at + 6] = c.localHigh;
        to[at + 7] = c.localLow;
        to[at + 8] = pair((c.clientPort << 16) | c.virtualPort, (c.serverPort << 16) | c.localPort);
        to[at + 9] = pair(c.flags, c.timeout);
        to[at + 10] = pair(c.fwmark, c.ownTimeout);
        to[at + 11] = pair(c.inDelta, c.outDelta);
        to[at + 12] = pair(c.timestampDelta, c.proxyTimestampDelta);
        to[at + 13] = pair(c.clientEdge, c.serverEdge);
        to[at + 14] = pair(c.extras, (c.state << 16) | c.windowShifts);
        int bits = (c.ipv6 ? IPV6 : 0)
                | (c.sequence ? SEQUENCE : 0)
                | (c.local ? LOCAL : 0)
                | (c.deleted ? DELETED : 0)
                | (c.bulk ? BULK : 0)
                | (isRare ? RARE : 0);
        to[at + 15] = pair(c.protocol, bits);
        if (isRare) {
            rare[place].copy(c);
        }
    }

    private void unpack(int place, SyncConnection c) {
        long[] from = slots;
        int at = place * SLOT;
        int bits = second(from[at + 15]);
        if ((bits & RARE) != 0) {
            c.copy(rare[place]);
            return;
        }
        c.clearOptions();
        c.clientHigh = from[at];
        c.clientLow = from[at + 1];
        c.virtualHigh = from[at + 2];
        c.virtualLow = from[at + 3];
        c.serverHigh = from[at + 4];
        c.serverLow = from[at + 5];
        c.localHigh = from[at + 6];
        c.localLow = from[at + 7];
        long ports = from[at + 8];
        c.clientPort = (int) (ports >>> 48);
        c.virtualPort = (int) (ports >>> 32) & 0xffff;
        c.serverPort = (int) ports >>> 16;
        c.localPort = (int) ports & 0xffff;
        c.flags = first(from[at + 9]);
        c.timeout = second(from[at + 9]);
        c.fwmark = first(from[at + 10]);
        c.ownTimeout = second(from[at + 10]);
        c.inDelta = first(from[at + 11]);
        c.outDelta = second(from[at + 11]);
        c.timestampDelta = first(from[at + 12]);
        c.proxyTimestampDelta = second(from[at + 12]);
        c.clientEdge = first(from[at + 13]);
        c.serverEdge = second(from[at + 13]);
        c.extras = first(from[at + 14]);
        int small = second(from[at + 14]);
        c.state = small >>> 16;
        c.windowShifts = small & 0xffff;
        c.protocol = first(from[at + 15]);
        c.ipv6 = (bits & IPV6) != 0;
        c.sequence = (bits & SEQUENCE) != 0;
        c.local = (bits & LOCAL) != 0;
        c.deleted = (bits & DELETED) != 0;
        c.bulk = (bits & BULK) != 0;
    }

    private static long pair(int first, int second) {
        return ((long) first << 32) | (second & LOW);
    }

    private static int first(long pair) {
        return (int) (pair >>> 32);
    }

    private static int second(long pair) {
        return (int) pair;
    }
}
