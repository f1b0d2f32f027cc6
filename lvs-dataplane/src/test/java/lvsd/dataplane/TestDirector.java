package lvsd.dataplane;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import lvsd.config.DaemonConfig;
import lvsd.dataplane.io.MemoryIo;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.LocalAddress;
import lvsd.dataplane.service.Service;
import lvsd.dataplane.service.ServiceTable;
import lvsd.rules.DestinationSpec;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.Protocol;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import lvsd.wire.PacketBuilder;
import org.jspecify.annotations.Nullable;

/**
 * A director on plain memory: port 0 towards clients (198.18.10.1/24, 2001:db8:a::1/64), port 1 towards servers
 * (198.18.20.1/24, 2001:db8:b::1/64); the hosts behind both answer ARP and ND. Its time moves only by {@link #advance}.
 */
final class TestDirector implements AutoCloseable {
    static final String CLIENT = "198.18.10.2";
    static final String CLIENT6 = "2001:db8:a::2";
    static final String VIP = "192.0.2.10";
    static final String VIP6 = "2001:db8:ff::10";
    static final String RS1 = "198.18.20.2";
    static final String RS2 = "198.18.20.3";
    static final String RS1_6 = "2001:db8:b::2";
    static final String LIP = "198.18.20.100";
    static final String LIP6 = "2001:db8:b::100";
    static final String[] MACS = {"02:00:00:00:00:02", "02:00:00:00:00:03"};
    static final String[] PEERS = {"02:00:00:00:00:0a", "02:00:00:00:00:0b"};

    private static final int PACKETS = 1024;

    final Dataplane dataplane;
    final List<MemoryIo> ios = new ArrayList<>();
    private final List<Service> services = new ArrayList<>();
    private final List<Destination> destinations = new ArrayList<>();
    private long generation;
    private int nextDestination;
    private int nextLocal;
    /** Wall of the director, nanoseconds. */
    long now = 1_000_000_000_000L;

    private final int idle;

    TestDirector() {
        this(1, Map.of());
    }

    TestDirector(int workers, Map<String, String> settings) {
        this(config(workers, settings, 1024));
    }

    TestDirector(DaemonConfig config) {
        int workers = config.workers().count();
        ios.add(new MemoryIo(2, PACKETS));
        for (int i = 1; i < workers; i++) {
            ios.add(ios.getFirst().another());
        }
        long[] macs = {PacketBuilder.mac(MACS[0]), PacketBuilder.mac(MACS[1])};
        dataplane = new Dataplane(config, ios, macs, List::of);
        publish();
        run();
        idle = ios.getFirst().outstanding();
    }

    static DaemonConfig config(int workers, Map<String, String> settings, int connections) {
        return new DaemonConfig(
                new DaemonConfig.Eal(false, 64, "test", Optional.empty(), Optional.empty(), 1024, 2048, List.of()),
                List.of(port("wan0", "198.18.10.1", "2001:db8:a::1"), port("lan0", "198.18.20.1", "2001:db8:b::1")),
                List.of(),
                new DaemonConfig.Workers(workers, List.of()),
                new DaemonConfig.Connections(connections, connections, false),
                new DaemonConfig.Control(Path.of("control.sock"), Optional.empty()),
                new DaemonConfig.Persist(Optional.empty(), Path.of("rules")),
                new DaemonConfig.Punt(true, 1000, 1000, 1000, 1000),
                Optional.empty(),
                "info",
                settings);
    }

    private static DaemonConfig.Port port(String name, String address4, String address6) {
        return new DaemonConfig.Port(
                name,
                "net_null",
                1500,
                List.of(new DaemonConfig.Prefix(ip(address4), 24), new DaemonConfig.Prefix(ip(address6), 64)),
                List.of(),
                DaemonConfig.ReversePath.OFF,
                false,
                1024,
                1024);
    }

    static InetAddress ip(String text) {
        try {
            return InetAddress.getByName(text);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(text, e);
        }
    }

    /** Adds a service with servers {@code address:port}; FULLNAT services get the local address of their family. */
    Service service(Protocol protocol, String vip, int port, ForwardingMethod method, String... servers) {
        return service(spec(protocol, vip, port, true), method, servers);
    }

    static ServiceSpec spec(Protocol protocol, String vip, int port, boolean toa) {
        ServiceId id = new ServiceId.Vip(protocol, ip(vip), port);
        return new ServiceSpec(id, "rr", Set.of(), OptionalInt.empty(), -1, "", false, toa, OptionalInt.empty());
    }

    Service service(ServiceSpec spec, ForwardingMethod method, String... servers) {
        int index = services.size();
        List<Destination> mine = new ArrayList<>();
        for (String server : servers) {
            int colon = server.lastIndexOf(':');
            mine.addFirst(new Destination(
                    nextDestination++,
                    index,
                    new DestinationSpec(
                            spec.id(),
                            ip(server.substring(0, colon)),
                            Integer.parseInt(server.substring(colon + 1)),
                            method,
                            1,
                            0,
                            0,
                            DestinationSpec.Tunnel.IPIP)));
        }
        destinations.addAll(mine);
        List<LocalAddress> locals = method == ForwardingMethod.FULLNAT
                ? List.of(new LocalAddress(nextLocal++, ip(spec.id().ipv6() ? LIP6 : LIP)))
                : List.of();
        Service service = new Service(index, spec, mine, locals, ++generation);
        services.add(service);
        publish();
        return service;
    }

    /** Takes all destinations of a service away. */
    void withoutDestinations(Service service) {
        services.set(
                service.index,
                new Service(service.index, service.spec, List.of(), List.of(service.localAddresses), ++generation));
        publish();
    }

    void publish() {
        dataplane.publish(new ServiceTable(++generation, services));
    }

    /** Puts a frame into the director and lets it work, ARP and ND included. */
    void send(int port, byte[] frame) {
        send(0, port, frame);
    }

    /** As {@link #send(int, byte[])} on the queue of {@code worker}. */
    void send(int worker, int port, byte[] frame) {
        ios.get(worker).inject(port, frame);
        run();
    }

    /** Lets time pass in steps of a tick or more. */
    void advance(long millis) {
        long end = now + millis * 1_000_000;
        long step = Math.max(4_000_000, millis * 1_000_000 / 4000);
        while (now < end) {
            now = Math.min(end, now + step);
            dataplane.workerList().forEach(worker -> worker.doWork(now));
        }
    }

    /** Cycles of all workers until nothing happens. */
    void run() {
        for (int i = 0; i < 8; i++) {
            now += 1000;
            dataplane.workerList().forEach(worker -> worker.doWork(now));
        }
    }

    /** The next frame that left by {@code port} and is not ARP or ND, which are answered here; null if none. */
    byte[] expect(int port) {
        byte[] frame = sent(port);
        if (frame == null) {
            throw new AssertionError("nothing left by port " + port + "; drops: " + drops());
        }
        return frame;
    }

    /** Fails if a frame other than ARP or ND leaves by {@code port}. */
    void expectNothing(int port) {
        byte[] frame = sent(port);
        if (frame != null) {
            throw new AssertionError("left by port " + port + ": " + lvsd.wire.Packets.print(frame));
        }
    }

    private byte @Nullable [] sent(int port) {
        for (int i = 0; i < 64; i++) {
            boolean any = false;
            for (MemoryIo io : ios) {
                byte[] frame = io.sent(port);
                if (frame != null) {
                    any = true;
                    if (!answer(port, frame)) {
                        return frame;
                    }
                }
            }
            if (!any) {
                return null;
            }
        }
        return null;
    }

    private boolean answer(int port, byte[] frame) {
        if (frame[12] == 8 && frame[13] == 6) {
            boolean announcement = dotted(frame, 28).equals(dotted(frame, 38));
            if (frame[21] == 1 && !announcement) {
                send(
                        port,
                        PacketBuilder.eth(PEERS[port], MACS[port])
                                .arp(2, PEERS[port], dotted(frame, 38), MACS[port], dotted(frame, 28))
                                .build());
            }
            return true;
        }
        boolean icmp6 = frame[12] == (byte) 0x86 && frame[20] == 58;
        if (icmp6 && frame[54] == (byte) 135) {
            String target = six(frame, 62);
            send(
                    port,
                    PacketBuilder.eth(PEERS[port], MACS[port])
                            .ipv6(target, six(frame, 22))
                            .ttl(255)
                            .neighbourAdvertisement(target, PEERS[port])
                            .build());
            return true;
        }
        return icmp6 && frame[54] == (byte) 136;
    }

    private static String dotted(byte[] frame, int at) {
        return (frame[at] & 0xff) + "." + (frame[at + 1] & 0xff) + "." + (frame[at + 2] & 0xff) + "."
                + (frame[at + 3] & 0xff);
    }

    private static String six(byte[] frame, int at) {
        byte[] address = new byte[16];
        System.arraycopy(frame, at, address, 0, 16);
        try {
            return InetAddress.getByAddress(address).getHostAddress();
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Drops by reason, those that happened. */
    String drops() {
        StringBuilder text = new StringBuilder();
        long[] drops = dataplane.drops();
        for (int i = 0; i < drops.length; i++) {
            if (drops[i] != 0) {
                text.append(DropReason.of(i).label())
                        .append('=')
                        .append(drops[i])
                        .append(' ');
            }
        }
        return text.toString();
    }

    long drops(DropReason reason) {
        return dataplane.drops()[reason.ordinal()];
    }

    /** All connections. The workers are driven while they are asked for. */
    List<ConnectionRow> connections() {
        List<ConnectionRow> rows = new ArrayList<>();
        for (Worker worker : dataplane.workerList()) {
            for (boolean ipv6 : new boolean[] {false, true}) {
                int from = 0;
                while (from >= 0) {
                    from = ConnectionDump.page(worker, ipv6, from, 4096, rows);
                }
            }
        }
        return rows;
    }

    DataplaneControl.Totals totals(Service service, int destination) {
        return dataplane.totals(service.destinations[destination].index);
    }

    /** Packets that neither the pool nor a queue has, those set aside for the kernel's side not counted. */
    int outstanding() {
        return ios.getFirst().outstanding() - idle;
    }

    @Override
    public void close() {
        dataplane.close();
        ios.reversed().forEach(MemoryIo::close);
    }
}
