package lvsd.dataplane.net;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import lvsd.config.DaemonConfig;
import lvsd.config.DaemonConfig.Prefix;
import lvsd.config.DaemonConfig.ReversePath;
import lvsd.dataplane.DropReason;
import lvsd.dataplane.Packet;
import lvsd.dataplane.Verdict;
import lvsd.dataplane.io.MemoryIo;
import lvsd.dataplane.io.PacketIo;
import lvsd.dpdk.Mbuf;
import lvsd.wire.Ethernet;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Vlan;
import org.jspecify.annotations.Nullable;

/**
 * A {@link Net} on memory ports, in virtual time. Port 0 ("client") is in 198.18.10.0/24 and 2001:db8:a::/64, port 1
 * ("rs") in 198.18.20.0/24 and 2001:db8:b::/64, its VLAN 5 ("rs.5") in 10.5.0.0/16; the director is .1 in each. The
 * default gateway is 198.18.10.254 and 2001:db8:a::fe; 203.0.113.0/24 lies behind 10.5.0.9.
 */
final class NetHarness implements AutoCloseable {
    static final String CLIENT_PORT_MAC = "02:00:00:00:00:02";
    static final String RS_PORT_MAC = "02:00:00:00:00:03";
    static final String PEER = "02:00:00:00:00:01";
    static final String SERVER = "02:00:00:00:00:22";
    static final String BROADCAST = "ff:ff:ff:ff:ff:ff";

    static final String CLIENT = "198.18.10.2";
    static final String CLIENT6 = "2001:db8:a::2";
    static final String OWN = "198.18.10.1";
    static final String OWN6 = "2001:db8:a::1";
    static final String RS = "198.18.20.2";
    static final String RS6 = "2001:db8:b::2";
    static final String VIP = "192.0.2.10";
    static final String VIP6 = "2001:db8:ff::10";
    static final String CONNECTED_VIP = "198.18.10.100";
    static final String CONNECTED_VIP6 = "2001:db8:a::100";
    static final String LIP = "198.18.20.50";

    private static final int NEIGHBOURS = 64;
    private static final int PACKETS = 4096;
    private static final DaemonConfig.Punt LIMITS = new DaemonConfig.Punt(true, 100, 100, 100, 100);

    final MemoryIo io = new MemoryIo(2, PACKETS);
    final long[] drops = new long[DropReason.count()];
    final Packet packet = new Packet();
    final Punter punter;
    final Net net;
    UnreachableHandler unreachable = UnreachableHandler.AS_IS;
    int now = 1000;

    NetHarness() {
        this(config().build());
    }

    NetHarness(NetConfig config) {
        this(config, LIMITS);
    }

    NetHarness(NetConfig config, DaemonConfig.Punt limits) {
        punter = new Punter(limits, new boolean[] {true, true, true}, true);
        net = new Net(0, NEIGHBOURS, 42, config, io, punter, drops, this::emit, p -> unreachable.restore(p));
        net.poll(now);
        announcementsDone();
    }

    /** Lets the announcements of the start pass. */
    private void announcementsDone() {
        advance(10);
        drain();
    }

    /** What a configuration is made of; tests change it before they build. */
    static final class Config {
        ReversePath reversePath = ReversePath.OFF;
        boolean forward = true;
        boolean standby;
        List<String> floating = List.of();
        NetSettings settings = NetSettings.DEFAULT;
        String clientMac = CLIENT_PORT_MAC;
        String rsMac = RS_PORT_MAC;
        int rsMtu = 1500;
        List<String> vips = List.of(VIP, VIP6, CONNECTED_VIP, CONNECTED_VIP6);
        List<String> lips = List.of(LIP);
        List<DaemonConfig.Route> routes = new ArrayList<>(List.of(
                route("0.0.0.0", 0, "198.18.10.254"),
                route("203.0.113.0", 24, "10.5.0.9"),
                route("::", 0, "2001:db8:a::fe")));

        NetConfig build() {
            List<Interface> interfaces = List.of(
                    new Interface(
                            0,
                            "client",
                            0,
                            -1,
                            PacketBuilder.mac(clientMac),
                            1500,
                            List.of(prefix(OWN, 24), prefix(OWN6, 64)),
                            List.of(),
                            reversePath),
                    new Interface(
                            1,
                            "rs",
                            1,
                            -1,
                            PacketBuilder.mac(rsMac),
                            rsMtu,
                            List.of(prefix("198.18.20.1", 24), prefix("2001:db8:b::1", 64)),
                            addresses(floating),
                            reversePath),
                    new Interface(
                            2,
                            "rs.5",
                            1,
                            5,
                            PacketBuilder.mac(rsMac),
                            1400,
                            List.of(prefix("10.5.0.1", 16)),
                            List.of(),
                            reversePath));
            return NetConfig.of(interfaces, routes, addresses(vips), addresses(lips), settings, forward, standby);
        }

        private static List<InetAddress> addresses(List<String> texts) {
            return texts.stream().map(NetHarness::address).toList();
        }
    }

    static Config config() {
        return new Config();
    }

    static DaemonConfig.Route route(String network, int length, String via) {
        return new DaemonConfig.Route(prefix(network, length), Optional.of(address(via)), Optional.empty());
    }

    static Prefix prefix(String address, int length) {
        return new Prefix(address(address), length);
    }

    static InetAddress address(String text) {
        try {
            return InetAddress.getByName(text);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(text, e);
        }
    }

    private void emit(long mbuf, int port) {
        transmit(mbuf, port);
    }

    private void transmit(long mbuf, int port) {
        if (io.transmit(port, new long[] {mbuf}, 1) != 1) {
            throw new IllegalStateException("port " + port + " full");
        }
    }

    /** Receives a frame and parses it; the packet is then the caller's. */
    Packet receive(int port, byte[] frame) {
        io.inject(port, frame);
        long[] received = new long[PacketIo.BURST];
        if (io.receive(port, received) != 1) {
            throw new IllegalStateException("one frame goes in at a time");
        }
        long mbuf = received[0];
        long data = Mbuf.data(mbuf);
        boolean tagged = Ethernet.etherType(data) == Ethernet.TYPE_VLAN;
        long l3 = data + (tagged ? Vlan.VLAN_SIZE : Ethernet.SIZE);
        int etherType = tagged ? Vlan.innerType(data) : Ethernet.etherType(data);
        if (etherType == Ethernet.TYPE_IPV4 || etherType == Ethernet.TYPE_IPV6) {
            if (!HeldPacket.parse(packet, mbuf, l3)) {
                throw new IllegalStateException("the parser would have refused it");
            }
        } else {
            packet.mbuf = mbuf;
            packet.frame = data;
            packet.frameLength = frame.length;
            packet.l3 = l3;
            packet.l3Length = (int) (data + frame.length - l3);
            packet.l4Valid = false;
        }
        packet.etherType = etherType;
        packet.iface = net.config().ifaceOf(port, tagged ? Vlan.tci(data) : -1);
        packet.groupFrame = Ethernet.isGroup(data);
        return packet;
    }

    /** Receives a frame, carries its verdict out as the worker does, and describes it. */
    String input(int port, PacketBuilder frame) {
        Packet p = receive(port, frame.build());
        return dispatch(p, net.input(p));
    }

    /** Carries a verdict out. Punt verdicts say what became of them. */
    String dispatch(Packet p, int verdict) {
        int fate = verdict;
        switch (Verdict.kind(verdict)) {
            case Verdict.TRANSMIT -> transmit(p.mbuf, Verdict.argument(verdict));
            case Verdict.PUNT -> {
                fate = net.punt(p.mbuf, net.config().iface(p.iface).port(), Verdict.argument(verdict));
                if (Verdict.kind(fate) == Verdict.KEPT) {
                    return "punt " + PuntClass.of(Verdict.argument(verdict));
                }
            }
            default -> {}
        }
        if (Verdict.kind(fate) == Verdict.DROP) {
            drops[Verdict.argument(fate)]++;
            io.free(p.mbuf);
        }
        return Verdict.describe(fate);
    }

    /** Sends a frame, as if its connection had just been looked up, to an IPv4 destination. */
    String send(PacketBuilder frame, String destination) {
        Packet p = receive(0, frame.build());
        return dispatch(p, net.output(p, net.nextHop4(PacketBuilder.ip4(destination))));
    }

    /** As {@link #send} to an IPv6 destination. */
    String send6(PacketBuilder frame, String destination) {
        Packet p = receive(0, frame.build());
        int nextHop = net.nextHop6(PacketBuilder.ip6High(destination), PacketBuilder.ip6Low(destination));
        return dispatch(p, net.output(p, nextHop));
    }

    /** Lets seconds pass, polling every tick. */
    void advance(double seconds) {
        int ticks = (int) Math.round(seconds * Net.TICKS_PER_SECOND);
        for (int i = 0; i < ticks; i++) {
            net.poll(++now);
        }
    }

    /** The next frame sent on a port, or null. */
    byte @Nullable [] sent(int port) {
        return io.sent(port);
    }

    /** The next frame sent on a port; there must be one. */
    byte[] next(int port) {
        return Objects.requireNonNull(io.sent(port), () -> "nothing was sent on port " + port);
    }

    /** Throws away what was sent. */
    void drain() {
        for (int port = 0; port < 2; port++) {
            while (io.sentCount(port) > 0) {
                next(port);
            }
        }
    }

    /** How often a reason was counted. */
    long drops(DropReason reason) {
        return drops[reason.ordinal()];
    }

    /** Packets waiting for the punt thread, freed as it would. */
    int punted(PuntClass puntClass) {
        int count = 0;
        while (true) {
            long element = punter.toKernel(puntClass.ordinal()).poll();
            if (element == 0) {
                return count;
            }
            io.free(Punter.mbuf(element));
            count++;
        }
    }

    /** Packets held by nobody that should: everything out of the pool, less what the punter was supplied with. */
    int leaked() {
        for (PuntClass each : PuntClass.values()) {
            punted(each);
        }
        int supplied = punter.supply().size();
        net.close();
        return io.outstanding() - supplied;
    }

    @Override
    public void close() {
        io.close();
    }
}
