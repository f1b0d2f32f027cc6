package lvsd.daemon.bench;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import lvsd.config.DaemonConfig;
import lvsd.dataplane.Dataplane;
import lvsd.dataplane.connection.TcpStates;
import lvsd.dataplane.io.MemoryIo;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.LocalAddress;
import lvsd.dataplane.service.Service;
import lvsd.dataplane.service.ServiceTable;
import lvsd.rules.DestinationSpec;
import lvsd.rules.DirectorRole;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.Protocol;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import lvsd.sync.SyncConnection;
import lvsd.sync.SyncExtras;
import lvsd.sync.SyncFlags;

/**
 * Whose connections are synchronised in a measurement: those of {@link Scenario}, established, in an order in which
 * neither clients nor ports follow each other; FULLNAT's with sequence numbers and timestamps shifted.
 */
final class SyncScenario {
    /** IPv6 addresses begin with it. */
    private static final long SITE = 0x2001_0db8_0000_0000L;

    private static final int SECONDS = 900;
    /** Odd: what is multiplied by it modulo a power of two takes every value once. */
    private static final int STRIDE = 0x9e37_79b1;

    /** All there are. */
    static final List<SyncScenario> ALL = List.of(
            new SyncScenario("nat4", false, false),
            new SyncScenario("fullnat4", true, false),
            new SyncScenario("nat6", false, true),
            new SyncScenario("fullnat6", true, true));

    private final String label;
    private final boolean fullnat;
    private final boolean ipv6;
    private final long high;
    private final long virtual;
    private final long[] clients = new long[Scenario.PAIRS];
    private final long[] servers = new long[Scenario.SERVERS];
    private final long[] locals = new long[Scenario.LOCALS];

    private SyncScenario(String label, boolean fullnat, boolean ipv6) {
        this.label = label;
        this.fullnat = fullnat;
        this.ipv6 = ipv6;
        high = ipv6 ? SITE : 0;
        virtual = low(Scenario.vip());
        Arrays.setAll(clients, pair -> low(Scenario.client(pair)));
        Arrays.setAll(servers, server -> low(Scenario.server(server)));
        Arrays.setAll(locals, local -> low(Scenario.local(local)));
    }

    /** Its name in reports and on the command line. */
    String label() {
        return label;
    }

    /** A director on plain memory with the scenario's service and nobody to send packets. */
    record Director(Dataplane dataplane, MemoryIo io) implements AutoCloseable {
        @Override
        public void close() {
            dataplane.close();
            io.close();
        }
    }

    /** Such a director, whose tables have room for so many connections, in hugepages where there are any. */
    Director director(int connections) {
        MemoryIo io = new MemoryIo(1, 64);
        Dataplane dataplane = new Dataplane(config(connections), List.of(io), new long[] {1L << 40 | 2}, List::of);
        dataplane.publish(new ServiceTable(1, List.of(service())));
        return new Director(dataplane, io);
    }

    private InetAddress inet(byte[] ipv4) {
        return Scenario.inet(
                ipv6 ? ByteBuffer.allocate(16).putLong(SITE).putInt(1).put(ipv4).array() : ipv4);
    }

    private Service service() {
        ServiceId id = new ServiceId.Vip(Protocol.TCP, inet(Scenario.vip()), Scenario.SERVICE_PORT);
        ServiceSpec spec =
                new ServiceSpec(id, "rr", Set.of(), OptionalInt.empty(), -1, "", false, true, OptionalInt.empty());
        ForwardingMethod method = fullnat ? ForwardingMethod.FULLNAT : ForwardingMethod.NAT;
        List<Destination> destinations = new ArrayList<>();
        List<LocalAddress> addresses = new ArrayList<>();
        for (int i = 0; i < Scenario.SERVERS; i++) {
            DestinationSpec server = new DestinationSpec(
                    id, inet(Scenario.server(i)), Scenario.SERVER_PORT, method, 1, 0, 0, DestinationSpec.Tunnel.IPIP);
            destinations.add(new Destination(i, 0, server));
        }
        for (int i = 0; i < Scenario.LOCALS && fullnat; i++) {
            addresses.add(new LocalAddress(i, inet(Scenario.local(i))));
        }
        return new Service(0, spec, destinations, addresses, 1);
    }

    private DaemonConfig config(int connections) {
        DaemonConfig.Port port = new DaemonConfig.Port(
                "bench0",
                "net_null",
                1500,
                List.of(new DaemonConfig.Prefix(Scenario.inet(Scenario.own()), 16)),
                List.of(),
                List.of(),
                DaemonConfig.ReversePath.OFF,
                false,
                64,
                64);
        return new DaemonConfig(
                new DaemonConfig.Eal(false, 64, "", Optional.empty(), Optional.empty(), 1024, 2048, List.of()),
                List.of(port),
                List.of(),
                new DaemonConfig.Workers(1, List.of()),
                new DaemonConfig.Connections(ipv6 ? 16 : connections, ipv6 ? connections : 16, true),
                new DaemonConfig.Control(Path.of("bench.sock"), Optional.empty()),
                new DaemonConfig.Persist(Optional.empty(), Path.of("rules")),
                new DaemonConfig.Punt(false, 1000, 1000, 1000, 1000),
                Optional.empty(),
                "info",
                DirectorRole.ACTIVE,
                List.of(),
                Map.of());
    }

    /** Fills in the connection with that number. */
    void fill(SyncConnection c, int number) {
        int i = (number * STRIDE) & (Scenario.MAXIMUM - 1);
        c.clear();
        c.ipv6 = ipv6;
        c.protocol = 6;
        c.state = TcpStates.ESTABLISHED;
        c.timeout = SECONDS;
        c.clientPort = Scenario.portOf(i);
        c.virtualPort = Scenario.SERVICE_PORT;
        c.serverPort = Scenario.SERVER_PORT;
        c.clientHigh = high;
        c.clientLow = clients[Scenario.pair(i)];
        c.virtualHigh = high;
        c.virtualLow = virtual;
        c.serverHigh = high;
        c.serverLow = servers[Scenario.serverOf(i)];
        if (fullnat) {
            c.flags = SyncFlags.FULLNAT;
            c.local = true;
            c.localHigh = high;
            c.localLow = locals[Scenario.localOf(i)];
            c.localPort = Scenario.portOf(i);
            c.sequence = true;
            c.inDelta = i * STRIDE;
            c.extras = SyncExtras.SEQUENCE_TO_SERVER | SyncExtras.TIMESTAMPS;
            c.timestampDelta = i;
        }
    }

    private long low(byte[] ipv4) {
        long low = Integer.toUnsignedLong(ByteBuffer.wrap(ipv4).getInt());
        return ipv6 ? 1L << 32 | low : low;
    }
}
