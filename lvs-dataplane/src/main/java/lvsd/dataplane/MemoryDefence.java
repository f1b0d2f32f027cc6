package lvsd.dataplane;

import lvsd.dataplane.connection.Alias;
import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.connection.SctpStates;
import lvsd.dataplane.connection.TcpStates;
import lvsd.dataplane.connection.Template;
import lvsd.dataplane.connection.Timeouts;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.Service;
import lvsd.wire.Ipv4;

/**
 * The kernel's three defences of its memory against floods: {@code drop_entry}, {@code drop_packet} and {@code secure_tcp},
 * each never, always, or while memory is short. Owned by the worker.
 *
 * <p>What can run short here are entries of the connection tables, whose memory is fixed at start: a table is short while
 * its free entries take up fewer pages than {@code amemthresh}. Once a second this is looked at anew, for each worker and IP
 * version by itself: where there is room, nothing is given up.
 */
final class MemoryDefence {
    private static final int PAGE = 4096;
    private static final int SECOND = Timeouts.TICKS_PER_SECOND;
    /** A sweep looks at one in so many entries a second. */
    private static final int SHARE = 32;
    /** Entries of one cycle. */
    private static final int BUDGET = 32;
    /** Connections that have not been silent for so long are left alone. */
    private static final int SILENT = 60 * SECOND;
    /** So are those of which more packets have come in. */
    private static final int FEW = 8;

    private final Pipeline pipeline;
    private final Connector connector;
    private final Guard guard4;
    private final Guard guard6;
    /** Packets to the next that is dropped. */
    private int counter;

    private int next;
    /** Entries ended in this cycle. */
    private int ended;

    private long random;
    /** Of those silent connections of which so many packets came in, how many more are left alone. */
    private final int[] spared = new int[FEW + 1];

    MemoryDefence(Pipeline pipeline, Connector connector, WorkerParts parts) {
        this.pipeline = pipeline;
        this.connector = connector;
        this.random = parts.seed0() | 1;
        this.guard4 = new Guard(parts.table4());
        this.guard6 = new Guard(parts.table6());
    }

    /** What is at work for one IP version. */
    private static final class Guard {
        final ConnectionTable table;
        /** One opening packet in so many is dropped; 0: none. */
        int rate;

        boolean memoryShort;
        boolean sweeping;
        /** Entries that are still to be looked at this second. */
        int left;

        Guard(ConnectionTable table) {
            this.table = table;
        }

        /** Pages that free entries take up. */
        int available() {
            long entry = table.bytes() / table.capacity();
            return (int) ((table.capacity() - table.used()) * entry / PAGE);
        }

        boolean isAtWork(int mode) {
            return mode == Sysctls.ALWAYS || (mode != 0 && memoryShort);
        }
    }

    /** Whether a packet that would open a connection is dropped. Counts it. */
    boolean drops(boolean ipv6) {
        int rate = ipv6 ? guard6.rate : guard4.rate;
        if (rate == 0 || --counter > 0) {
            return false;
        }
        counter = rate;
        return true;
    }

    /** Whether memory is short for either IP version. */
    boolean memoryShort() {
        return guard4.memoryShort || guard6.memoryShort;
    }

    /** Once a cycle: a part of the sweep that is under way, and once a second a look at memory. Returns how many it ended. */
    int work(int now) {
        ended = 0;
        if (now - next >= 0 || next - now > SECOND) {
            look();
            next = now + SECOND;
            guard4.left = guard4.table.capacity() / SHARE;
            guard6.left = guard6.table.capacity() / SHARE;
        }
        if (guard4.sweeping && guard4.left > 0) {
            sweep(guard4);
        }
        if (guard6.sweeping && guard6.left > 0) {
            sweep(guard6);
        }
        return ended;
    }

    /** Adapts to memory and settings as they are. */
    void look() {
        look(guard4);
        look(guard6);
    }

    private void look(Guard guard) {
        Sysctls settings = pipeline.sysctls;
        int available = guard.available();
        guard.memoryShort = available < settings.memoryThreshold;
        guard.sweeping = guard.isAtWork(settings.dropEntry);
        if (settings.dropPacket == Sysctls.ALWAYS) {
            guard.rate = settings.dropRate;
        } else if (guard.isAtWork(settings.dropPacket)) {
            guard.rate = settings.memoryThreshold / (settings.memoryThreshold - available);
            counter = guard.rate;
        } else {
            guard.rate = 0;
        }
        pipeline.tracker(guard.table.ipv6()).secure(guard.isAtWork(settings.secureTcp));
    }

    private void sweep(Guard guard) {
        ConnectionTable table = guard.table;
        int count = Math.min(guard.left, BUDGET);
        guard.left -= count;
        for (int i = 0; i < count; i++) {
            int entry = (int) ((Integer.toUnsignedLong(draw()) * table.capacity()) >>> 32);
            if (entry < table.limit() && table.isUsed(entry) && gives(table, entry)) {
                drop(table, entry);
            }
        }
    }

    private int draw() {
        random ^= random << 13;
        random ^= random >>> 7;
        random ^= random << 17;
        return (int) (random >>> 16);
    }

    /** Whether an entry that was drawn gives way. */
    private boolean gives(ConnectionTable table, int entry) {
        long hot = table.hot(entry);
        if (Template.is(hot)) {
            return !Template.isShadow(hot) && templateGives(table, entry);
        }
        if (Alias.is(hot) || ServerHandshakes.pending(hot)) {
            return false; // the client of a pending handshake has proved itself
        }
        int state = Connection.state(hot);
        return switch (Connection.protocol(hot)) {
            case Ipv4.PROTOCOL_TCP ->
                state == TcpStates.SYN_RECV
                        || state == TcpStates.SYNACK
                        || (state == TcpStates.ESTABLISHED && isStale(hot));
            case Ipv4.PROTOCOL_SCTP ->
                state == SctpStates.INIT1
                        || state == SctpStates.INIT
                        || (state == SctpStates.ESTABLISHED && isStale(hot));
            default -> isStale(hot);
        };
    }

    /** One on which nothing hangs, and that no connection was established by. */
    private boolean templateGives(ConnectionTable table, int entry) {
        long hot = table.hot(entry);
        long cold = table.cold(entry);
        if (Template.controlled(cold) != 0 || Template.workers(cold) != 0) {
            return false;
        }
        Destination destination = pipeline.services.destination(Connection.destination(hot));
        Service service = destination == null ? null : pipeline.services.service(destination.service);
        boolean onePacket = service != null && service.onePacket;
        return onePacket ? isStale(hot) : (Connection.state(hot) & Template.ASSURED) == 0;
    }

    /** Silent for a while, few packets, and as many of its kind were spared before as it has packets. */
    private boolean isStale(long hot) {
        int packets = Connection.packets(hot);
        if (pipeline.now - Connection.lastSeen(hot) < SILENT || packets <= 0 || packets > FEW) {
            return false;
        }
        if (--spared[packets] > 0) {
            return false;
        }
        spared[packets] = packets;
        return true;
    }

    /** Ends an entry; its template goes too, if nothing else hangs on it and no connection was established by it. */
    private void drop(ConnectionTable table, int entry) {
        boolean ipv6 = table.ipv6();
        int link = Template.is(table.hot(entry)) ? 0 : Connection.template(table.cold(entry));
        connector.end(ipv6, entry);
        ended++;
        if (link > 0) {
            int template = link - 1;
            long cold = table.cold(template);
            boolean idle = Template.controlled(cold) == 0 && Template.workers(cold) == 0;
            if (idle && (Connection.state(table.hot(template)) & Template.ASSURED) == 0) {
                connector.end(ipv6, template);
                ended++;
            }
        }
    }
}
