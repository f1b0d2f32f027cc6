package lvsd.dataplane;

import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.connection.LocalPorts;
import lvsd.dataplane.connection.TcpStates;
import lvsd.dataplane.connection.Timeouts;
import lvsd.dataplane.connection.TimerWheel;
import lvsd.dataplane.scheduler.DestinationCounts;
import lvsd.dataplane.service.Destination;
import lvsd.rules.ForwardingMethod;
import lvsd.wire.Tcp;

/** Moves TCP connections of one table from state to state. Owned by the worker. */
final class TcpTracker {
    private static final int FULLNAT = ForwardingMethod.FULLNAT.number();

    private final Pipeline pipeline;
    private final ConnectionTable table;
    private final TimerWheel timers;
    private final Timeouts timeouts;
    private final DestinationCounts counts;
    private final LocalPorts ports;
    /** {@link TcpStates#DEFENCE} while {@code secure_tcp} is at work, else 0. */
    private int defence;

    TcpTracker(Pipeline pipeline, ConnectionTable table, TimerWheel timers, WorkerParts parts) {
        this.pipeline = pipeline;
        this.table = table;
        this.timers = timers;
        this.timeouts = parts.timeouts();
        this.counts = parts.counts();
        this.ports = parts.ports();
    }

    /** Goes by the tables of {@code secure_tcp} from now on, or by the usual ones. */
    void secure(boolean on) {
        defence = on ? TcpStates.DEFENCE : 0;
    }

    /** The table of states for a packet of {@code side}: {@link TcpStates#INPUT_ONLY} is two behind IN, without a branch. */
    static int table(int side, int flags) {
        return side + ((flags & Connection.NO_OUTPUT) >>> 6);
    }

    /**
     * Takes a segment into account that {@link TcpStates#carriesOn} does not let pass. Returns what {@link #change} does.
     *
     * @param fields {@link Connection#summary}
     */
    boolean segment(int reference, long hot, int fields, int flags, int now) {
        int side = ConnectionTable.side(reference);
        int state = Connection.stateOf(fields);
        int next = TcpStates.nextByFlags(table(side, fields) + defence, state, flags);
        return ((next ^ state) | (flags & Tcp.SYN)) != 0
                && change(ConnectionTable.entry(reference), hot, state, next, side, flags, now);
    }

    /**
     * Moves a connection from {@code state} to {@code next} because of a segment of {@code side} with these TCP flags; to
     * be called for all SYNs, too. Returns true when it is a SYN that shall open a new connection over the old one: the
     * caller then starts anew.
     */
    boolean change(int entry, long hot, int state, int next, int side, int flags, int now) {
        if ((Connection.flags(hot) & Connection.SYN_PROXY) != 0) {
            if ((Connection.proxy(hot) & Connection.PENDING) != 0) {
                return false; // the proxy's table of the handshake has it
            }
            if (state == TcpStates.LAST_ACK && (Connection.proxy(hot) & Connection.WATCHED) != 0) {
                return false; // a new client's acknowledgement would look like the old one's last
            }
            if (side == Connection.CLIENT_SIDE && Tcp.opens(flags) && TcpStates.closing(state)) {
                return true;
            }
        }
        if (side == Connection.CLIENT_SIDE && Tcp.opens(flags) && reopens(entry, hot)) {
            return true;
        }
        if (next == state) {
            return false;
        }
        boolean fullnat = Connection.method(Connection.flags(hot)) == FULLNAT;
        if (fullnat && TcpStates.over(state) && !TcpStates.over(next)) {
            return false; // its port may be another connection's by now
        }
        moveTo(entry, hot, next, now);
        return false;
    }

    /** Moves a connection to state {@code next}, which must not be one of a life after its end. */
    void moveTo(int entry, long hot, int next, int now) {
        int state = Connection.state(hot);
        boolean fullnat = Connection.method(Connection.flags(hot)) == FULLNAT;
        if (fullnat && TcpStates.over(next) && !TcpStates.over(state)) {
            // The port of a connection that is over goes to the end of the queue now: the server takes a new connection
            // over one in TIME_WAIT, since its sequence numbers and timestamps rise (RFC 6191).
            Connector.releasePort(ports, table, entry);
        }
        Connection.setState(hot, next);
        activity(hot, state, next);
        int template = Connection.template(table.cold(entry));
        if (template != 0 && next == TcpStates.ESTABLISHED) {
            pipeline.misses().connector().persistence().assure(table.ipv6(), template);
        }
        timers.armEarlier(entry, now + timeout(table.cold(entry), next));
        pipeline.sync().changed(table, entry, state, next);
    }

    /** Whether a client's SYN on a connection begins another one. */
    boolean reopens(int entry, long hot) {
        int state = Connection.state(hot);
        Sysctls settings = pipeline.sysctls;
        int flags = Connection.flags(hot);
        if (Connection.method(flags) == FULLNAT && TcpStates.over(state)) {
            return true;
        }
        if (settings.expireNodestConn && quiesced(hot)) {
            return true;
        }
        boolean reusable = TcpStates.over(state)
                || ((settings.connReuseMode & 2) != 0
                        && state == TcpStates.FIN_WAIT
                        && (flags & Connection.NO_OUTPUT) != 0);
        return reusable && settings.connReuseMode != 0 && Connection.template(table.cold(entry)) == 0;
    }

    private boolean quiesced(long hot) {
        Destination destination = pipeline.services.destination(Connection.destination(hot));
        return destination != null && destination.weight == 0;
    }

    /** Takes a change of state into account: the destination's counts and the flag. */
    void activity(long hot, int from, int to) {
        int halfOpen = TcpStates.halfOpenChange(from, to);
        if (halfOpen != 0) {
            counts.halfOpen(Connection.destination(hot), halfOpen);
        }
        int change = TcpStates.activeChange(from, to);
        if (change != 0) {
            counts.changed(Connection.destination(hot), change);
            int flags = Connection.flags(hot);
            Connection.setFlags(hot, change > 0 ? flags & ~Connection.INACTIVE : flags | Connection.INACTIVE);
        }
    }

    /** Ticks that a connection in {@code state} may be silent. */
    private int timeout(long cold, int state) {
        int own = Connection.ownTimeout(cold);
        return state == TcpStates.ESTABLISHED && own != 0 ? own : timeouts.tcp(state);
    }
}
