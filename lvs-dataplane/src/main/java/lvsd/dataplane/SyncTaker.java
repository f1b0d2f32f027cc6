package lvsd.dataplane;

import java.net.InetAddress;
import java.net.UnknownHostException;
import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.connection.TcpStates;
import lvsd.dataplane.connection.Timeouts;
import lvsd.dataplane.service.Wire;
import lvsd.rules.ForwardingMethod;
import lvsd.sync.BackupRules;
import lvsd.sync.SyncConnection;
import lvsd.sync.SyncExtras;
import lvsd.sync.SyncFlags;
import lvsd.wire.Ipv4;
import lvsd.wire.Tcp;

/** Brings received connections into a worker's tables. Worker thread, between bursts. */
final class SyncTaker {
    private static final int FULLNAT = ForwardingMethod.FULLNAT.number();

    private final Pipeline pipeline;

    SyncTaker(Pipeline pipeline) {
        this.pipeline = pipeline;
    }

    /** Makes, updates or ends a connection as {@code c} says. False when it is none that can be had here. */
    boolean take(SyncConnection c) {
        if (c.template() || (c.protocol != Ipv4.PROTOCOL_TCP && c.protocol != Ipv4.PROTOCOL_UDP)) {
            return false;
        }
        ConnectionTable table = pipeline.table(c.ipv6);
        int reference = find(c);
        if (reference == ConnectionTable.NONE) {
            return c.deleted || make(table, c);
        }
        int entry = ConnectionTable.entry(reference);
        if (c.deleted) {
            pipeline.misses().connector().release(c.ipv6, entry);
            return true;
        }
        if (sameServer(table, entry, c)) {
            update(table, entry, c);
            return true;
        }
        if (!BackupRules.replaces(c)) {
            return false;
        }
        pipeline.misses().connector().release(c.ipv6, entry);
        return make(table, c);
    }

    private int find(SyncConnection c) {
        int ports = Tcp.portPair(Wire.port(c.clientPort), Wire.port(c.virtualPort));
        if (!c.ipv6) {
            long addresses = Ipv4.pair(wire(c.clientLow), wire(c.virtualLow));
            return pipeline.table4.find4(addresses, ports, c.protocol);
        }
        return pipeline.table6.find6(
                Long.reverseBytes(c.clientHigh),
                Long.reverseBytes(c.clientLow),
                Long.reverseBytes(c.virtualHigh),
                Long.reverseBytes(c.virtualLow),
                ports,
                c.protocol);
    }

    private static int wire(long address) {
        return Integer.reverseBytes((int) address);
    }

    private static boolean sameServer(ConnectionTable table, int entry, SyncConnection c) {
        long hot = table.hot(entry);
        int ports = Connection.ports(hot, Connection.SERVER_SIDE);
        if (Tcp.pairSource(ports) != Wire.port(c.serverPort)
                || (c.local && Tcp.pairDestination(ports) != Wire.port(c.localPort))) {
            return false;
        }
        if (!c.ipv6) {
            return (int) Connection.addresses(hot, Connection.SERVER_SIDE) == wire(c.serverLow);
        }
        long at = table.addresses6(entry);
        return Connection.sourceHigh(at, Connection.SERVER_SIDE) == Long.reverseBytes(c.serverHigh)
                && Connection.sourceLow(at, Connection.SERVER_SIDE) == Long.reverseBytes(c.serverLow);
    }

    private void update(ConnectionTable table, int entry, SyncConnection c) {
        long hot = table.hot(entry);
        if (ServerHandshakes.pending(hot)) {
            return; // what another director says is older than the handshake that is under way here
        }
        if (c.protocol == Ipv4.PROTOCOL_TCP) {
            int before = Connection.state(hot);
            boolean over = TcpStates.over(before);
            if (Connection.method(Connection.flags(hot)) == FULLNAT && over != TcpStates.over(c.state)) {
                if (over) {
                    return; // its port may be another connection's by now
                }
                pipeline.misses().connector().releasePort(table, entry);
            }
            Connection.setState(hot, c.state);
            pipeline.tracker(c.ipv6).activity(hot, before, c.state);
        }
        shifts(hot, table.cold(entry), c);
        Connection.setLastSeen(hot, pipeline.now);
        int deadline = pipeline.now + pipeline.misses().connector().timeout(table, entry);
        pipeline.timers(c.ipv6).armEarlier(entry, deadline);
    }

    private boolean make(ConnectionTable table, SyncConnection c) {
        boolean fullnat = (c.flags & SyncFlags.METHOD_MASK) == SyncFlags.FULLNAT;
        if (fullnat != c.local) {
            return false;
        }
        SyncedConnection synced = new SyncedConnection(
                c.protocol,
                address(c.ipv6, c.clientHigh, c.clientLow),
                c.clientPort,
                address(c.ipv6, c.virtualHigh, c.virtualLow),
                c.virtualPort,
                fullnat ? address(c.ipv6, c.localHigh, c.localLow) : address(c.ipv6, c.clientHigh, c.clientLow),
                fullnat ? c.localPort : c.clientPort,
                address(c.ipv6, c.serverHigh, c.serverLow),
                c.serverPort,
                c.state,
                0,
                0);
        int entry = pipeline.misses().adopter().adopt(synced);
        if (entry == ConnectionTable.NONE) {
            return false;
        }
        long hot = table.hot(entry);
        Connection.setFlags(hot, Connection.flags(hot) | Connection.SYNCED);
        Connection.setSyncStamp(table.cold(entry), pipeline.now);
        if (c.ownTimeout != 0) {
            Connection.setOwnTimeout(table.cold(entry), Timeouts.ticks(c.ownTimeout));
        }
        shifts(hot, table.cold(entry), c);
        return true;
    }

    private static void shifts(long hot, long cold, SyncConnection c) {
        int flags = Connection.flags(hot);
        if (c.sequence) {
            Connection.setSeqDelta(hot, Connection.CLIENT_SIDE, c.inDelta);
            Connection.setSeqDelta(hot, Connection.SERVER_SIDE, c.outDelta);
        }
        flags |= (c.extras & SyncExtras.SEQUENCE_TO_SERVER) != 0 ? Connection.SEQ_TO_SERVER : 0;
        flags |= (c.extras & SyncExtras.SYN_PROXY) != 0 ? Connection.SYN_PROXY : 0;
        flags |= (c.flags & SyncFlags.OUT_SEQUENCE) != 0 ? Connection.SEQ_OUT : 0;
        if ((c.extras & SyncExtras.TIMESTAMPS) != 0) {
            flags |= Connection.TIMESTAMP_DELTA;
            Connection.setTimestampDelta(cold, c.timestampDelta);
        }
        Connection.setFlags(hot, flags);
    }

    private static InetAddress address(boolean ipv6, long high, long low) {
        byte[] bytes = ipv6 ? Wire.bytes16(Long.reverseBytes(high), Long.reverseBytes(low)) : Wire.bytes4(wire(low));
        try {
            return InetAddress.getByAddress(bytes);
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address of " + bytes.length + " bytes", e);
        }
    }
}
