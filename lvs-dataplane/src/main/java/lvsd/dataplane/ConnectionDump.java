package lvsd.dataplane;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import lvsd.dataplane.connection.Alias;
import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.connection.Template;
import lvsd.dataplane.connection.Timeouts;
import lvsd.dataplane.connection.TimerWheel;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.Wire;
import lvsd.wire.Tcp;

/** Walks over a worker's connections a page at a time, on the worker's thread, for listings and expiry. */
final class ConnectionDump {
    private ConnectionDump() {}

    /**
     * Adds the connections among entries {@code from} to {@code from + count} to {@code rows}.
     *
     * @return where the next page begins, or -1 behind the last entry in use
     */
    static int page(Worker worker, boolean ipv6, int from, int count, List<ConnectionRow> rows) {
        ConnectionTable table = worker.pipeline().table(ipv6);
        int end = Math.min(from + count, table.limit());
        for (int entry = from; entry < end; entry++) {
            if (table.isUsed(entry) && isListed(table.hot(entry))) {
                rows.add(row(worker, table, entry));
            }
        }
        return end < table.limit() ? end : -1;
    }

    /** What a worker keeps for itself is neither a connection nor a template. */
    static boolean isListed(long hot) {
        return !Template.isShadow(hot) && !Alias.is(hot);
    }

    /** Ends the connections of {@code destination} among a page's entries; returns as {@link #page}. */
    static int expire(Worker worker, boolean ipv6, int from, int count, int destination) {
        ConnectionTable table = worker.pipeline().table(ipv6);
        Connector connector = worker.pipeline().misses().connector();
        int end = Math.min(from + count, table.limit());
        for (int entry = from; entry < end; entry++) {
            long hot = table.hot(entry);
            if (table.isUsed(entry) && isListed(hot) && Connection.destination(hot) == destination) {
                connector.end(ipv6, entry);
            }
        }
        return end < table.limit() ? end : -1;
    }

    /** Arms the timers of a page's entries for the timeouts of now, where that is earlier; returns as {@link #page}. */
    static int rearm(Worker worker, boolean ipv6, int from, int count) {
        Pipeline pipeline = worker.pipeline();
        ConnectionTable table = worker.pipeline().table(ipv6);
        TimerWheel timers = pipeline.timers(ipv6);
        Connector connector = pipeline.misses().connector();
        int end = Math.min(from + count, table.limit());
        for (int entry = from; entry < end; entry++) {
            long hot = table.hot(entry);
            // The timer of a handshake of the SYN proxy is that of its next SYN; a shadow has none.
            if (table.isUsed(entry) && !ServerHandshakes.pending(hot) && !Template.isShadow(hot)) {
                int deadline = Connection.lastSeen(table.hot(entry)) + connector.timeout(table, entry);
                timers.armEarlier(entry, deadline - pipeline.now > 0 ? deadline : pipeline.now + 1);
            }
        }
        return end < table.limit() ? end : -1;
    }

    private static ConnectionRow row(Worker worker, ConnectionTable table, int entry) {
        long hot = table.hot(entry);
        int client = Connection.ports(hot, Connection.CLIENT_SIDE);
        int server = Connection.ports(hot, Connection.SERVER_SIDE);
        boolean template = Template.is(hot);
        int protocol = template ? Template.protocol(hot) : Connection.protocol(hot);
        int virtualPort = template ? Template.virtualPort(hot) : Tcp.pairDestination(client);
        int state = Connection.state(hot);
        Persistence persistence = worker.pipeline().misses().connector().persistence();
        String call = template ? persistence.callId(table.cold(entry)) : "";
        int clientPort = template ? 0 : Tcp.pairSource(client);
        int timeout = worker.pipeline().misses().connector().timeout(table, entry);
        int left = Connection.lastSeen(hot) + timeout - worker.pipeline().now;
        return new ConnectionRow(
                worker.index(),
                protocol,
                address(table, entry, Connection.CLIENT_SIDE, false),
                Wire.port(clientPort),
                address(table, entry, Connection.CLIENT_SIDE, true),
                Wire.port(virtualPort),
                address(table, entry, Connection.SERVER_SIDE, true),
                Wire.port(Tcp.pairDestination(server)),
                server(table, entry),
                isBypass(hot) ? 0 : Wire.port(Tcp.pairSource(server)),
                Connection.method(Connection.flags(hot)),
                template ? Template.stateName(state) : Timeouts.stateName(protocol, state),
                Math.max(0, left) * (long) Timeouts.TICK_MILLIS,
                Integer.toUnsignedLong(Connection.packets(hot)),
                call.isEmpty() ? "" : "sip",
                call);
    }

    /** As in the kernel such a connection has no server. */
    private static boolean isBypass(long hot) {
        return Connection.destination(hot) == Destination.NOWHERE && (Connection.flags(hot) & Connection.UNBOUND) == 0;
    }

    private static InetAddress server(ConnectionTable table, int entry) {
        long cold = table.cold(entry);
        if (isBypass(table.hot(entry))) {
            return address(table.ipv6() ? new byte[16] : new byte[4]);
        }
        boolean template = Template.is(table.hot(entry));
        if (template || !Connection.isDirect(Connection.flags(table.hot(entry)))) {
            return address(table, entry, Connection.SERVER_SIDE, false);
        }
        return address(
                Connection.isDirectServer6(cold)
                        ? Wire.bytes16(Connection.directServerHigh(cold), Connection.directServerLow(cold))
                        : Wire.bytes4(Connection.directServer4(cold)));
    }

    private static InetAddress address(ConnectionTable table, int entry, int side, boolean destination) {
        byte[] bytes;
        if (table.ipv6()) {
            long at = table.addresses6(entry);
            bytes = destination
                    ? Wire.bytes16(Connection.destinationHigh(at, side), Connection.destinationLow(at, side))
                    : Wire.bytes16(Connection.sourceHigh(at, side), Connection.sourceLow(at, side));
        } else {
            long addresses = Connection.addresses(table.hot(entry), side);
            bytes = Wire.bytes4((int) (destination ? addresses >>> 32 : addresses));
        }
        return address(bytes);
    }

    private static InetAddress address(byte[] bytes) {
        try {
            return InetAddress.getByAddress(bytes);
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address of " + bytes.length + " bytes", e);
        }
    }
}
