package lvsd.dataplane;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import lvsd.config.DaemonConfig;
import lvsd.dataplane.connection.RssSpread;
import lvsd.dataplane.io.MemoryIo;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.LocalAddress;
import lvsd.dataplane.service.MarkTable;
import lvsd.dataplane.service.Service;
import lvsd.dataplane.service.ServiceTable;
import lvsd.rules.DestinationSpec;
import lvsd.rules.DirectorRole;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.Protocol;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import lvsd.rules.SynProxyMode;
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
    private static final long SECOND = 1_000_000_000;

    final Dataplane dataplane;
    final List<MemoryIo> ios = new ArrayList<>();
    private final List<Service> services = new ArrayList<>();
    private final List<Destination> destinations = new ArrayList<>();
    private long generation;
    private int nextDestination;
    private int nextLocal;
    /**
     * Clock of the director, nanoseconds; begins no earlier than the timer wheels do, which would be late by the difference, and
     * with a second, so that what is rounded to seconds is so in every run alike. */
    long now;
    /** Whether the hosts behind a port answer ARP and ND. */
    final boolean[] answering = {true, true};

    private boolean allRealServers;
    private boolean standby;
    private boolean backupOnly;
    private final int idle;

    private final Map<String, String> settings = new HashMap<>();
    /** Which packets have which firewall mark; counts from the next {@link #publish} on. */
    MarkTable marks = MarkTable.EMPTY;

    TestDirector() {
        this(1, Map.of());
    }

    TestDirector(int workers, Map<String, String> settings) {
        this(config(workers, settings, 1024));
    }

    TestDirector(DaemonConfig config) {
        this(config, null);
    }

    TestDirector(DaemonConfig config, @Nullable RssSpread rss) {
        int workers = config.workers().count();
        settings.putAll(config.settings());
        ios.add(new MemoryIo(2, PACKETS));
        for (int i = 1; i < workers; i++) {
            ios.add(ios.getFirst().another());
        }
        long[] macs = {PacketBuilder.mac(MACS[0]), PacketBuilder.mac(MACS[1])};
        dataplane = new Dataplane(config, ios, macs, List::of, rss);
        now = Math.ceilDiv(System.nanoTime(), SECOND) * SECOND;
        publish();
        run();
        idle = ios.getFirst().outstanding();
    }

    static DaemonConfig config(int workers, Map<String, String> settings, int connections) {
        DaemonConfig.Port wan = port("wan0", "net_null", 1500, List.of(), "198.18.10.1", "2001:db8:a::1");
        DaemonConfig.Port lan = port("lan0", "net_null", 1500, List.of(), "198.18.20.1", "2001:db8:b::1");
        return config(workers, settings, connections, wan, lan);
    }

    static DaemonConfig config(
            int workers, Map<String, String> settings, int connections, DaemonConfig.Port wan, DaemonConfig.Port lan) {
        return new DaemonConfig(
                new DaemonConfig.Eal(false, 64, "test", Optional.empty(), Optional.empty(), 1024, 2048, List.of()),
                List.of(wan, lan),
                List.of(),
                new DaemonConfig.Workers(workers, List.of()),
                new DaemonConfig.Connections(connections, connections, false),
                new DaemonConfig.Control(Path.of("control.sock"), Optional.empty()),
                new DaemonConfig.Persist(Optional.empty(), Path.of("rules")),
                new DaemonConfig.Punt(true, 1000, 1000, 1000, 1000),
                Optional.empty(),
                "info",
                DirectorRole.ACTIVE,
                List.of(),
                settings);
    }

    static DaemonConfig.Port port(
            String name, String device, int mtu, List<DaemonConfig.Vlan> vlans, String... addresses) {
        return new DaemonConfig.Port(
                name,
                device,
                mtu,
                prefixes(addresses),
                List.of(),
                vlans,
                DaemonConfig.ReversePath.OFF,
                false,
                1024,
                1024);
    }

    /** Addresses with the prefix lengths that all networks here have. */
    static List<DaemonConfig.Prefix> prefixes(String... addresses) {
        return Arrays.stream(addresses)
                .map(text -> new DaemonConfig.Prefix(ip(text), text.indexOf(':') < 0 ? 24 : 64))
                .toList();
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

    /** As {@link #spec} with persistence of so many seconds and that netmask (-1: every client for itself). */
    static ServiceSpec persistent(Protocol protocol, String vip, int port, int seconds, int netmask) {
        ServiceId id = new ServiceId.Vip(protocol, ip(vip), port);
        return new ServiceSpec(
                id, "rr", Set.of(), OptionalInt.of(seconds), netmask, "", false, false, OptionalInt.empty());
    }

    /** A persistent UDP service that goes by Call-IDs. */
    static ServiceSpec byCall(String vip, int port, int seconds) {
        ServiceId id = new ServiceId.Vip(Protocol.UDP, ip(vip), port);
        return new ServiceSpec(
                id, "rr", Set.of(), OptionalInt.of(seconds), -1, "sip", false, false, OptionalInt.empty());
    }

    /** As {@link #spec} with one-packet scheduling. */
    static ServiceSpec onePacket(String vip, int port) {
        ServiceId id = new ServiceId.Vip(Protocol.UDP, ip(vip), port);
        return new ServiceSpec(id, "rr", Set.of(), OptionalInt.empty(), -1, "", true, false, OptionalInt.empty());
    }

    Service service(ServiceSpec spec, ForwardingMethod method, String... servers) {
        return service(
                spec,
                Arrays.stream(servers)
                        .map(server -> server(spec.id(), method, server, 1, 0, 0))
                        .toList());
    }

    /** The server {@code address:port} of a service. */
    static DestinationSpec server(
            ServiceId service, ForwardingMethod method, String server, int weight, int upper, int lower) {
        int colon = server.lastIndexOf(':');
        InetAddress address = ip(server.substring(0, colon));
        int port = Integer.parseInt(server.substring(colon + 1));
        return new DestinationSpec(service, address, port, method, weight, upper, lower, DestinationSpec.Tunnel.IPIP);
    }

    /** Adds a service with servers in the order they are added; with FULLNAT it gets the local address of its family. */
    Service service(ServiceSpec spec, List<DestinationSpec> servers) {
        int index = services.size();
        List<Destination> mine = new ArrayList<>();
        for (DestinationSpec server : servers) {
            mine.addFirst(new Destination(nextDestination++, index, server));
        }
        destinations.addAll(mine);
        boolean fullnat = servers.stream().anyMatch(server -> server.method() == ForwardingMethod.FULLNAT);
        List<LocalAddress> locals =
                fullnat ? List.of(new LocalAddress(nextLocal++, ip(spec.id().ipv6() ? LIP6 : LIP))) : List.of();
        Service service = new Service(index, spec, mine, locals, ++generation);
        services.add(service);
        publish();
        return service;
    }

    /** Takes all destinations of a service away. */
    void withoutDestinations(Service service) {
        replace(service, List.of());
    }

    /** Gives a service the destinations it had at first. */
    void withDestinations(Service service) {
        replace(service, List.of(service.destinations));
    }

    /** Sets the weight of all destinations of a service to 0. */
    void quiesce(Service service) {
        weights(service, "", 0);
    }

    /** Sets the weight of the destination at {@code address} to 0, and the others' to 1. */
    void quiesce(Service service, String address) {
        weights(service, address, 0);
    }

    private void weights(Service service, String address, int weight) {
        List<Destination> servers = new ArrayList<>();
        for (Destination each : service.destinations) {
            DestinationSpec spec = each.spec;
            boolean meant = address.isEmpty() || spec.address().equals(ip(address));
            servers.add(new Destination(
                    each.index,
                    each.service,
                    new DestinationSpec(
                            spec.service(),
                            spec.address(),
                            spec.port(),
                            spec.method(),
                            meant ? weight : 1,
                            0,
                            0,
                            spec.tunnel())));
        }
        replace(service, servers);
    }

    /** Takes the destination at {@code address} away from a service, and gives it the others that it had at first. */
    void without(Service service, String address) {
        replace(
                service,
                Arrays.stream(service.destinations)
                        .filter(each -> !each.spec.address().equals(ip(address)))
                        .toList());
    }

    /** Takes all local addresses of a service away. */
    void withoutLocalAddresses(Service service) {
        replace(service, List.of(service.destinations), List.of());
    }

    private void replace(Service service, List<Destination> servers) {
        replace(service, servers, List.of(service.localAddresses));
    }

    private void replace(Service service, List<Destination> servers, List<LocalAddress> locals) {
        services.set(
                service.index,
                new Service(service.index, service.spec, servers, locals, ++generation, service.localityCache));
        publish();
        run();
    }

    /** Switches a service's SYN proxy. */
    void mode(Service service, SynProxyMode mode) {
        services.set(
                service.index,
                new Service(
                        service.index,
                        service.spec.withSynProxy(mode),
                        List.of(service.destinations),
                        List.of(service.localAddresses),
                        ++generation));
        publish();
        run();
    }

    /** Gives it other services, instead of all that it has. */
    void services(List<Service> others) {
        services.clear();
        services.addAll(others);
        publish();
        run();
    }

    /** The service that was added first. */
    Service first() {
        return services.getFirst();
    }

    void publish() {
        dataplane.publish(new ServiceTable(++generation, services, marks, allRealServers, standby, backupOnly));
    }

    /** Makes the director the active or the standby one of a pair. */
    void standby(boolean now) {
        standby = now;
        publish();
        run();
    }

    /** Begins or ends what {@code backup_only} means while a backup daemon runs. */
    void backupOnly(boolean now) {
        backupOnly = now;
        publish();
        run();
    }

    /** Changes a setting while the director runs. */
    void setting(String name, String value) {
        allRealServers |= name.equals("nat_icmp_send");
        settings.put(name, value);
        dataplane.settings(settings);
        publish();
        run();
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

    /** Puts frames into the director, one burst at most, and lets all workers do their part, without time passing. */
    void sendTogether(int port, List<byte[]> frames) {
        frames.forEach(frame -> ios.getFirst().inject(port, frame));
        for (int i = 0; i < 2; i++) {
            dataplane.workerList().forEach(worker -> worker.doWork(now));
        }
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

    /** Whether a frame other than ARP or ND left by {@code port}; takes it out. */
    boolean any(int port) {
        return sent(port) != null;
    }

    /** Takes out all frames that left by {@code port}; how many. */
    int drain(int port) {
        int count = 0;
        while (any(port)) {
            count++;
        }
        return count;
    }

    /** Fails if a frame other than ARP or ND leaves by {@code port}. */
    void expectNothing(int port) {
        byte[] frame = sent(port);
        if (frame != null) {
            throw new AssertionError("left by port " + port + ": " + lvsd.wire.Packets.print(frame));
        }
    }

    /** As {@link #expect}; null if nothing left. */
    byte @Nullable [] sent(int port) {
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

    /** Answers ARP and ND, tagged as the question; true when the frame was one of those. */
    private boolean answer(int port, byte[] frame) {
        boolean tagged = frame[12] == (byte) 0x81 && frame[13] == 0;
        int vlan = tagged ? ((frame[14] & 0xf) << 8) | (frame[15] & 0xff) : 0;
        int l3 = tagged ? 18 : 14;
        if (frame[l3 - 2] == 8 && frame[l3 - 1] == 6) {
            boolean announcement = dotted(frame, l3 + 14).equals(dotted(frame, l3 + 24));
            if (frame[l3 + 7] == 1 && !announcement && answering[port]) {
                send(port, arpReply(port, vlan, dotted(frame, l3 + 24), dotted(frame, l3 + 14)));
            }
            return true;
        }
        boolean icmp6 = frame[l3 - 2] == (byte) 0x86 && frame[l3 + 6] == 58;
        if (icmp6 && frame[l3 + 40] == (byte) 135) {
            if (answering[port]) {
                send(port, advertisement(port, vlan, six(frame, l3 + 48), six(frame, l3 + 8)));
            }
            return true;
        }
        return icmp6 && frame[l3 + 40] == (byte) 136;
    }

    private static PacketBuilder host(int port, int vlan) {
        PacketBuilder frame = PacketBuilder.eth(PEERS[port], MACS[port]);
        return vlan == 0 ? frame : frame.vlan(vlan);
    }

    private static byte[] arpReply(int port, int vlan, String host, String asker) {
        return host(port, vlan).arp(2, PEERS[port], host, MACS[port], asker).build();
    }

    private static byte[] advertisement(int port, int vlan, String host, String asker) {
        return host(port, vlan)
                .ipv6(host, asker)
                .ttl(255)
                .rest(0x6000_0000)
                .neighbourAdvertisement(host, PEERS[port])
                .build();
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

    /** Drops by reason, those that happened; but for ARP and ND answers, which go to the kernel too and find no twin. */
    String drops() {
        StringBuilder text = new StringBuilder();
        long[] drops = dataplane.drops();
        for (int i = 0; i < drops.length; i++) {
            if (drops[i] != 0 && i != DropReason.NO_TWIN.ordinal()) {
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
