package lvsd.dataplane;

import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.connection.LocalPorts;
import lvsd.dataplane.connection.TcpStates;
import lvsd.dataplane.connection.Timeouts;
import lvsd.dataplane.connection.TimerWheel;
import lvsd.dataplane.scheduler.DestinationCounts;
import lvsd.memory.Memory;
import lvsd.rules.ForwardingMethod;
import lvsd.wire.Tcp;

/** Moves TCP connections of one table from state to state. Owned by the worker. */
final class TcpTracker {
    private static final int FULLNAT = ForwardingMethod.FULLNAT.number();

    private final ConnectionTable table;
    private final TimerWheel timers;
    private final Timeouts timeouts;
    private final DestinationCounts counts;
    private final LocalPorts ports;

    TcpTracker(
            ConnectionTable table, TimerWheel timers, Timeouts timeouts, DestinationCounts counts, LocalPorts ports) {
        this.table = table;
        this.timers = timers;
        this.timeouts = timeouts;
        this.counts = counts;
        this.ports = ports;
    }

    /**
     * Takes the segment at {@code l4} of {@code side} into account. Returns true when it is a SYN that opens a new
     * connection over one that is in TIME_WAIT ({@code conn_reuse_mode} 1): the caller then starts anew.
     */
    boolean step(int entry, long hot, long l4, int side, int now) {
        int flags = Memory.getByte(l4, Tcp.SIZE, 13);
        int state = Connection.state(hot);
        int next = TcpStates.next(side, state, TcpStates.event(flags));
        return next != state && change(entry, hot, state, next, side, flags, now);
    }

    private boolean change(int entry, long hot, int state, int next, int side, int flags, int now) {
        boolean over = TcpStates.over(state);
        boolean fullnat = Connection.method(Connection.flags(hot)) == FULLNAT;
        if (side == Connection.CLIENT_SIDE
                && (flags & (Tcp.SYN | Tcp.ACK_FLAG | Tcp.RST)) == Tcp.SYN
                && (state == TcpStates.TIME_WAIT || (over && fullnat))) {
            return true;
        }
        if (fullnat && over != TcpStates.over(next)) {
            if (over) {
                return false; // its port may be another connection's by now
            }
            // The port of a connection that is over goes to the end of the queue now: the server takes a new connection
            // over one in TIME_WAIT, since its sequence numbers and timestamps rise (RFC 6191).
            Connector.releasePort(ports, table, entry);
        }
        Connection.setState(hot, next);
        activity(hot, TcpStates.activeChange(state, next));
        timers.armEarlier(entry, now + timeout(table.cold(entry), next));
        return false;
    }

    private void activity(long hot, int change) {
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
