package lvsd.dataplane;

import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.connection.TcpStates;
import lvsd.dataplane.connection.Timeouts;
import lvsd.dataplane.service.Wire;
import lvsd.rules.ForwardingMethod;
import lvsd.sync.SyncConnection;
import lvsd.sync.SyncExtras;
import lvsd.sync.SyncFlags;
import lvsd.sync.SyncSource;
import lvsd.sync.UpdateQueue;
import lvsd.wire.Ipv4;
import lvsd.wire.Tcp;
import org.jspecify.annotations.Nullable;

/**
 * One worker's connections on their way to the sync thread, and those of others on their way in. Owned by the worker; the
 * sync thread has the other ends of the queues.
 *
 * <p>An update goes out when a TCP connection gets established and when it leaves that state, when a UDP connection is made,
 * when either ends, and again while it is in use, so that it does not time out elsewhere.
 */
final class SyncFeed {
    /** Updates that may wait for the sync thread, and connections that may wait for the worker. */
    private static final int CAPACITY = 4096;
    /** Taken in per cycle. */
    private static final int BATCH = 32;
    /** A connection in use is told again after this time. */
    private static final int REFRESH_TICKS = 60 * Timeouts.TICKS_PER_SECOND;
    /** In which time the table is walked once. */
    private static final int WALK_TICKS = 30 * Timeouts.TICKS_PER_SECOND;

    private static final int KERNEL_FLAGS = SyncFlags.METHOD_MASK
            | SyncFlags.NO_OUTPUT
            | SyncFlags.INACTIVE
            | SyncFlags.SEQUENCE
            | SyncFlags.NO_CLIENT_PORT
            | SyncFlags.TEMPLATE;
    private static final int FULLNAT = ForwardingMethod.FULLNAT.number();

    private final Pipeline pipeline;
    private final SyncTaker taker;
    /** What waits to be sent; null while no master runs. */
    private volatile @Nullable UpdateQueue out;
    /** What was received; null while no backup runs. */
    private volatile @Nullable UpdateQueue in;

    private int walked4;
    private int walked6;
    private int walkedTick;

    SyncFeed(Pipeline pipeline, WorkerParts parts) {
        this.pipeline = pipeline;
        this.taker = new SyncTaker(pipeline);
    }

    /** The queue of updates, made when first asked for. Control thread. */
    synchronized UpdateQueue out() {
        UpdateQueue queue = out;
        if (queue == null) {
            queue = new UpdateQueue(CAPACITY);
            out = queue;
        }
        return queue;
    }

    /** The queue of received connections, made when first asked for. Control thread. */
    synchronized UpdateQueue in() {
        UpdateQueue queue = in;
        if (queue == null) {
            queue = new UpdateQueue(CAPACITY);
            in = queue;
        }
        return queue;
    }

    /** Once a cycle: takes some of what was received, and tells again what is in use. */
    int work(int now) {
        UpdateQueue received = in;
        int work = received == null ? 0 : takeIn(received);
        if (out != null && now != walkedTick) {
            int ticks = Math.min(now - walkedTick, Timeouts.TICKS_PER_SECOND);
            walkedTick = now;
            walked4 = walk(pipeline.table4, walked4, ticks, now);
            walked6 = walk(pipeline.table6, walked6, ticks, now);
        }
        return work;
    }

    private int takeIn(UpdateQueue received) {
        int count = 0;
        SyncConnection next = received.peek();
        while (next != null) {
            taker.take(next);
            received.remove();
            next = ++count < BATCH ? received.peek() : null;
        }
        return count;
    }

    private int walk(ConnectionTable table, int from, int ticks, int now) {
        int limit = table.limit();
        if (limit == 0) {
            return 0;
        }
        int count = Math.clamp((long) limit * ticks / WALK_TICKS + 1, 1, limit);
        int entry = from;
        for (int i = 0; i < count; i++) {
            entry = entry + 1 < limit ? entry + 1 : 0;
            if (table.isUsed(entry) && due(table, entry, now)) {
                tell(table, entry, false);
            }
        }
        return entry;
    }

    private static boolean due(ConnectionTable table, int entry, int now) {
        long hot = table.hot(entry);
        int stamp = Connection.syncStamp(table.cold(entry));
        return now - stamp >= REFRESH_TICKS
                && Connection.lastSeen(hot) - stamp > 0
                && (Connection.protocol(hot) != Ipv4.PROTOCOL_TCP || sent(Connection.state(hot)));
    }

    /** As the kernel: TCP in these states only. */
    private static boolean sent(int state) {
        return state == TcpStates.ESTABLISHED
                || state == TcpStates.FIN_WAIT
                || state == TcpStates.TIME_WAIT
                || state == TcpStates.CLOSE
                || state == TcpStates.CLOSE_WAIT;
    }

    /** A TCP connection went from one state to another. */
    void changed(ConnectionTable table, int entry, int from, int to) {
        if (out != null && sent(to) && (to == TcpStates.ESTABLISHED || sent(from))) {
            tell(table, entry, false);
        }
    }

    /** A connection of another protocol was made. */
    void opened(ConnectionTable table, int entry) {
        if (out != null && Connection.protocol(table.hot(entry)) != Ipv4.PROTOCOL_TCP) {
            tell(table, entry, false);
        }
    }

    /** A connection ends; its entry is still there. */
    void gone(ConnectionTable table, int entry) {
        if (out != null
                && (Connection.protocol(table.hot(entry)) != Ipv4.PROTOCOL_TCP
                        || sent(Connection.state(table.hot(entry))))) {
            tell(table, entry, true);
        }
    }

    private void tell(ConnectionTable table, int entry, boolean deleted) {
        UpdateQueue queue = out;
        // What a standby has heard is not its to tell, or two directors would keep each other's connections alive.
        SyncConnection slot = queue == null || pipeline.services.standby ? null : queue.claim();
        if (queue == null || slot == null || (Connection.flags(table.hot(entry)) & Connection.ONE_PACKET) != 0) {
            return;
        }
        Connection.setSyncStamp(table.cold(entry), pipeline.now);
        fill(slot, table, entry);
        slot.deleted = deleted;
        queue.commit();
    }

    /**
     * Fills {@code page} with connections from {@code cursor} on, whose lower 32 bits are an entry and whose next one says
     * IPv6; the worker's number stands above them.
     */
    void page(long cursor, SyncSource.Page page, long after) {
        boolean ipv6 = ((cursor >>> 32) & 1) != 0;
        ConnectionTable table = pipeline.table(ipv6);
        int entry = (int) cursor;
        int limit = table.limit();
        int end = Math.min(limit, entry + 4096);
        while (entry < end && page.free() > 0) {
            SyncConnection row = table.isUsed(entry) && told(table, entry) ? page.add() : null;
            if (row != null) {
                fill(row, table, entry);
            }
            entry++;
        }
        long base = cursor & ~0xffff_ffffL;
        if (entry < limit) {
            page.complete(base | entry);
        } else {
            page.complete(ipv6 ? after : base | (1L << 32));
        }
    }

    private static boolean told(ConnectionTable table, int entry) {
        long hot = table.hot(entry);
        return (Connection.flags(hot) & Connection.ONE_PACKET) == 0
                && (Connection.protocol(hot) != Ipv4.PROTOCOL_TCP || sent(Connection.state(hot)));
    }

    private void fill(SyncConnection to, ConnectionTable table, int entry) {
        to.clear();
        long hot = table.hot(entry);
        long cold = table.cold(entry);
        int flags = Connection.flags(hot);
        to.ipv6 = table.ipv6();
        to.protocol = Connection.protocol(hot);
        to.state = to.protocol == Ipv4.PROTOCOL_TCP ? Connection.state(hot) : 0;
        to.flags = flags & KERNEL_FLAGS;
        to.timeout = pipeline.misses().connector().timeout(table, entry) / Timeouts.TICKS_PER_SECOND;
        int client = Connection.ports(hot, Connection.CLIENT_SIDE);
        int server = Connection.ports(hot, Connection.SERVER_SIDE);
        to.clientPort = Wire.port(Tcp.pairSource(client));
        to.virtualPort = Wire.port(Tcp.pairDestination(client));
        to.serverPort = Wire.port(Tcp.pairSource(server));
        to.localPort = Wire.port(Tcp.pairDestination(server));
        addresses(to, table, entry);
        to.local = Connection.method(flags) == FULLNAT;
        if (!to.local) {
            to.localPort = 0;
            to.localHigh = 0;
            to.localLow = 0;
        }
        to.ownTimeout = Connection.ownTimeout(cold) / Timeouts.TICKS_PER_SECOND;
        shifts(to, hot, cold, flags);
    }

    private static void shifts(SyncConnection to, long hot, long cold, int flags) {
        int ours = Connection.SEQ_TO_SERVER | Connection.SEQ_OUT | Connection.SEQ_IN;
        if ((flags & ours) != 0) {
            to.sequence = true;
            to.inDelta = Connection.seqDelta(hot, Connection.CLIENT_SIDE);
            to.outDelta = Connection.seqDelta(hot, Connection.SERVER_SIDE);
        }
        to.extras = ((flags & Connection.SEQ_TO_SERVER) != 0 ? SyncExtras.SEQUENCE_TO_SERVER : 0)
                | ((flags & Connection.TIMESTAMP_DELTA) != 0 ? SyncExtras.TIMESTAMPS : 0)
                | ((flags & Connection.SYN_PROXY) != 0 ? SyncExtras.SYN_PROXY : 0)
                | ((flags & Connection.TOA_PENDING) != 0 ? SyncExtras.ADDRESS_PENDING : 0);
        if ((flags & Connection.TIMESTAMP_DELTA) != 0) {
            to.timestampDelta = Connection.timestampDelta(cold);
        }
    }

    private static void addresses(SyncConnection to, ConnectionTable table, int entry) {
        if (!to.ipv6) {
            long client = Connection.addresses(table.hot(entry), Connection.CLIENT_SIDE);
            long server = Connection.addresses(table.hot(entry), Connection.SERVER_SIDE);
            to.clientLow = number((int) client);
            to.virtualLow = number((int) (client >>> 32));
            to.serverLow = number((int) server);
            to.localLow = number((int) (server >>> 32));
            return;
        }
        long at = table.addresses6(entry);
        to.clientHigh = Long.reverseBytes(Connection.sourceHigh(at, Connection.CLIENT_SIDE));
        to.clientLow = Long.reverseBytes(Connection.sourceLow(at, Connection.CLIENT_SIDE));
        to.virtualHigh = Long.reverseBytes(Connection.destinationHigh(at, Connection.CLIENT_SIDE));
        to.virtualLow = Long.reverseBytes(Connection.destinationLow(at, Connection.CLIENT_SIDE));
        to.serverHigh = Long.reverseBytes(Connection.sourceHigh(at, Connection.SERVER_SIDE));
        to.serverLow = Long.reverseBytes(Connection.sourceLow(at, Connection.SERVER_SIDE));
        to.localHigh = Long.reverseBytes(Connection.destinationHigh(at, Connection.SERVER_SIDE));
        to.localLow = Long.reverseBytes(Connection.destinationLow(at, Connection.SERVER_SIDE));
    }

    /** An address in wire form as a number in network byte order. */
    private static long number(int address) {
        return Integer.toUnsignedLong(Integer.reverseBytes(address));
    }
}
