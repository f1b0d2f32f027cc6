package lvsd.dataplane;

import java.net.InetAddress;
import java.util.Arrays;
import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.connection.LocalPorts;
import lvsd.dataplane.connection.TcpStates;
import lvsd.dataplane.connection.Timeouts;
import lvsd.dataplane.scheduler.DestinationCounts;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.Service;
import lvsd.dataplane.service.Wire;
import lvsd.rules.ForwardingMethod;
import lvsd.wire.Ipv4;
import lvsd.wire.Tcp;
import org.jspecify.annotations.Nullable;

/** Takes over connections that were made elsewhere. Worker thread, between bursts. */
final class Adopter {
    private static final int FULLNAT = ForwardingMethod.FULLNAT.number();

    private final Pipeline pipeline;
    private final DestinationCounts counts;
    private final LocalPorts ports;

    Adopter(Pipeline pipeline, WorkerParts parts) {
        this.pipeline = pipeline;
        this.counts = parts.counts();
        this.ports = parts.ports();
    }

    /**
     * Enters {@code synced} into the table, and returns its entry; {@link ConnectionTable#NONE} when its service, server
     * or local address is not known here, the table is full, or a tuple or local port is taken.
     */
    int adopt(SyncedConnection synced) {
        Service service = service(synced);
        Destination destination = service == null ? null : destination(service, synced);
        if (service == null || destination == null) {
            return ConnectionTable.NONE;
        }
        boolean ipv6 = destination.ipv6;
        ConnectionTable table = pipeline.table(ipv6);
        int entry = table.allocate();
        if (entry == ConnectionTable.NONE) {
            return ConnectionTable.NONE;
        }
        fill(table, entry, synced, destination);
        boolean claims = destination.method == FULLNAT && !TcpStates.over(synced.state());
        if (claims && !claim(table, entry, service, synced)) {
            table.remove(entry);
            return ConnectionTable.NONE;
        }
        if (table.insert(entry) != ConnectionTable.INSERTED) {
            if (claims) {
                Connector.releasePort(ports, table, entry);
            }
            table.remove(entry);
            return ConnectionTable.NONE;
        }
        boolean active = synced.protocol() == Ipv4.PROTOCOL_TCP && TcpStates.active(synced.state()) != 0;
        counts.adopted(destination, active);
        if (synced.protocol() == Ipv4.PROTOCOL_TCP && TcpStates.halfOpen(synced.state()) != 0) {
            counts.halfOpen(destination.index, 1);
        }
        if (service.connectionTimeout != 0) {
            Connection.setOwnTimeout(table.cold(entry), Timeouts.ticks(service.connectionTimeout));
        }
        int deadline = pipeline.now + pipeline.misses().connector().timeout(table, entry);
        pipeline.timers(ipv6).arm(entry, deadline);
        return entry;
    }

    private @Nullable Service service(SyncedConnection synced) {
        byte[] address = synced.virtual().getAddress();
        int port = Wire.port(synced.virtualPort());
        return address.length == 4
                ? pipeline.services.find4(synced.protocol(), Wire.int4(address), port)
                : pipeline.services.find6(synced.protocol(), Wire.long8(address, 0), Wire.long8(address, 8), port);
    }

    private static @Nullable Destination destination(Service service, SyncedConnection synced) {
        int port = Wire.port(synced.serverPort());
        for (Destination each : service.destinations) {
            if (each.spec.address().equals(synced.server()) && (each.port == port || each.port == 0)) {
                return each;
            }
        }
        return null;
    }

    private void fill(ConnectionTable table, int entry, SyncedConnection synced, Destination destination) {
        long hot = table.hot(entry);
        int clientPorts = Tcp.portPair(Wire.port(synced.clientPort()), Wire.port(synced.virtualPort()));
        int serverPorts = Tcp.portPair(Wire.port(synced.serverPort()), Wire.port(synced.localPort()));
        Connection.setPorts(hot, Connection.CLIENT_SIDE, clientPorts);
        Connection.setPorts(hot, Connection.SERVER_SIDE, serverPorts);
        Connection.setProtocol(hot, synced.protocol());
        Connection.setDestination(hot, destination.index);
        Connection.setState(hot, synced.state());
        Connection.setLastSeen(hot, pipeline.now);
        boolean active = synced.protocol() == Ipv4.PROTOCOL_TCP && TcpStates.active(synced.state()) != 0;
        int sequenced = synced.sequenceDelta() == 0 ? 0 : Connection.SEQ_TO_SERVER;
        int proxied = synced.proxyDelta() == 0 ? 0 : Connection.SYN_PROXY | Connection.SEQ_OUT;
        Connection.setFlags(hot, destination.method | (active ? 0 : Connection.INACTIVE) | sequenced | proxied);
        Connection.setSeqDelta(hot, Connection.CLIENT_SIDE, synced.sequenceDelta());
        Connection.setSeqDelta(hot, Connection.SERVER_SIDE, synced.proxyDelta());
        addresses(table, entry, synced);
        Connector.setDeltas(table, entry);
    }

    private static void addresses(ConnectionTable table, int entry, SyncedConnection synced) {
        byte[] client = synced.client().getAddress();
        byte[] virtual = synced.virtual().getAddress();
        byte[] server = synced.server().getAddress();
        byte[] local = synced.local().getAddress();
        if (!table.ipv6()) {
            long hot = table.hot(entry);
            Connection.setAddresses(hot, Connection.CLIENT_SIDE, Ipv4.pair(Wire.int4(client), Wire.int4(virtual)));
            Connection.setAddresses(hot, Connection.SERVER_SIDE, Ipv4.pair(Wire.int4(server), Wire.int4(local)));
            return;
        }
        long at = table.addresses6(entry);
        Connection.setSource6(at, Connection.CLIENT_SIDE, Wire.long8(client, 0), Wire.long8(client, 8));
        Connection.setDestination6(at, Connection.CLIENT_SIDE, Wire.long8(virtual, 0), Wire.long8(virtual, 8));
        Connection.setSource6(at, Connection.SERVER_SIDE, Wire.long8(server, 0), Wire.long8(server, 8));
        Connection.setDestination6(at, Connection.SERVER_SIDE, Wire.long8(local, 0), Wire.long8(local, 8));
    }

    private boolean claim(ConnectionTable table, int entry, Service service, SyncedConnection synced) {
        int local = localIndex(service, synced.local());
        if (local < 0) {
            return false;
        }
        long hot = table.hot(entry);
        int serverPorts = Connection.ports(hot, Connection.SERVER_SIDE);
        if (!table.ipv6()) {
            long addresses = Connection.addresses(hot, Connection.SERVER_SIDE);
            return ports.claim4(local, addresses, serverPorts, synced.protocol());
        }
        long at = table.addresses6(entry);
        return ports.claim6(
                local,
                Connection.sourceHigh(at, Connection.SERVER_SIDE),
                Connection.sourceLow(at, Connection.SERVER_SIDE),
                Connection.destinationHigh(at, Connection.SERVER_SIDE),
                Connection.destinationLow(at, Connection.SERVER_SIDE),
                serverPorts,
                synced.protocol());
    }

    private static int localIndex(Service service, InetAddress address) {
        return Arrays.stream(service.localAddresses)
                .filter(each -> each.address.equals(address))
                .mapToInt(each -> each.index)
                .findFirst()
                .orElse(-1);
    }
}
