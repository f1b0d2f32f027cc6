package lvsd.dataplane;

import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.connection.SctpStates;
import lvsd.dataplane.connection.Timeouts;
import lvsd.dataplane.scheduler.DestinationCounts;
import lvsd.dataplane.service.Destination;
import lvsd.wire.Sctp;

/** Moves SCTP associations from state to state. Owned by the worker. */
final class SctpTracker {
    private static final int NO_CHUNK = -1;

    private final Pipeline pipeline;
    private final Timeouts timeouts;
    private final DestinationCounts counts;

    SctpTracker(Pipeline pipeline, WorkerParts parts) {
        this.pipeline = pipeline;
        this.timeouts = parts.timeouts();
        this.counts = parts.counts();
    }

    /** The event of a packet, or -1 when it has no whole chunk. */
    private static int event(Packet p) {
        int chunk = Sctp.firstChunk(p.l4, p.l4Length);
        if (chunk < 0) {
            return NO_CHUNK;
        }
        int type = Sctp.chunkType(p.l4, chunk);
        if (type == Sctp.COOKIE_ECHO || type == Sctp.COOKIE_ACK) {
            int second = Sctp.nextChunk(p.l4, p.l4Length, chunk);
            type = second >= 0 && Sctp.chunkType(p.l4, second) == Sctp.ABORT ? Sctp.ABORT : type;
        }
        return SctpStates.event(type);
    }

    private static int firstType(Packet p) {
        int chunk = Sctp.firstChunk(p.l4, p.l4Length);
        return chunk < 0 ? NO_CHUNK : Sctp.chunkType(p.l4, chunk);
    }

    /** Whether a client's packet begins an association; with {@code sloppy_sctp} all but an ABORT will do. */
    boolean opens(Packet p) {
        int type = firstType(p);
        return type == Sctp.INIT || (pipeline.sysctls.sloppySctp && type != NO_CHUNK && type != Sctp.ABORT);
    }

    /**
     * Takes a packet of {@code side} into account. Returns true when it is an INIT that shall open a new association over
     * the old one.
     */
    boolean step(Packet p, ConnectionTable table, int entry, int side) {
        long hot = table.hot(entry);
        int state = Connection.state(hot);
        if (side == Connection.CLIENT_SIDE && firstType(p) == Sctp.INIT && reopens(table, entry, state)) {
            return true;
        }
        int event = event(p);
        int direction = Connection.isDirect(Connection.flags(hot)) ? 2 : side;
        int next = event == NO_CHUNK ? state : SctpStates.next(direction, state, event);
        if (next != state) {
            change(table, entry, state, next);
        }
        return false;
    }

    private boolean reopens(ConnectionTable table, int entry, int state) {
        Sysctls settings = pipeline.sysctls;
        Destination destination = pipeline.services.destination(Connection.destination(table.hot(entry)));
        if (settings.expireNodestConn && destination != null && destination.weight == 0) {
            return true;
        }
        return state == SctpStates.CLOSED && settings.connReuseMode != 0 && Connection.template(table.cold(entry)) == 0;
    }

    /** Takes a change of state into account: the destination's counts and the flag. */
    void activity(long hot, int from, int to) {
        int change = SctpStates.activeChange(from, to);
        if (change != 0) {
            counts.changed(Connection.destination(hot), change);
            int flags = Connection.flags(hot);
            Connection.setFlags(hot, change > 0 ? flags & ~Connection.INACTIVE : flags | Connection.INACTIVE);
        }
    }

    private void change(ConnectionTable table, int entry, int state, int next) {
        long hot = table.hot(entry);
        long cold = table.cold(entry);
        Connection.setState(hot, next);
        activity(hot, state, next);
        int template = Connection.template(cold);
        if (template != 0 && next == SctpStates.ESTABLISHED) {
            pipeline.misses().connector().persistence().assure(table.ipv6(), template);
        }
        int own = Connection.ownTimeout(cold);
        int ticks = own != 0 && next == SctpStates.ESTABLISHED ? own : timeouts.of(Connection.protocol(hot), next);
        pipeline.timers(table.ipv6()).armEarlier(entry, pipeline.now + ticks);
        pipeline.sync().changed(table, entry, state, next);
    }
}
