package lvsd.dataplane.net;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import lvsd.config.DaemonConfig;
import lvsd.config.DaemonConfig.ReversePath;
import lvsd.dataplane.service.Wire;
import org.jspecify.annotations.Nullable;

/**
 * Interfaces, addresses and routes at one moment, immutable: made by the control thread, read by every worker.
 *
 * <p>Addresses are in wire form ({@link Wire}). An address has one kind; own addresses go before VIPs, VIPs before local
 * addresses (LIPs), so that a VIP that is also the port's address is served by the kernel where no service takes it.
 */
public final class NetConfig {
    /** Not an address of ours. */
    public static final int NONE = 0;
    /** An address of an interface, link-local ones included. */
    public static final int OWN = 1;
    /** A virtual service's address. */
    public static final int VIP = 2;
    /** A FULLNAT local address. */
    public static final int LIP = 3;
    /** A broadcast address of a connected network, or 255.255.255.255. */
    public static final int BROADCAST = 4;
    /** A multicast address. */
    public static final int MULTICAST = 5;

    /** A VIP, local or floating address of ours that another director has now. */
    public static final int STANDBY = 6;

    private static final int MULTICAST4_MASK = 0xf0;
    private static final int MULTICAST4 = 0xe0;

    private static final int KIND_MASK = 0x0f;
    private static final int ANSWER = 0x10;
    private static final int EVERYWHERE = 0x20;
    private static final int IFACE_SHIFT = 8;
    private static final int NO_IFACE = 0xffff;

    /** An address that is announced and answered on an interface. IPv4: {@code high} holds it, unsigned. */
    record Announced(int iface, boolean ipv6, long high, long low) {}

    /** Settings of this snapshot. */
    public final NetSettings settings;
    /** Whether packets that are neither ours nor balanced go to the kernel for forwarding. */
    public final boolean forward;
    /** Whether another director has VIPs, local and floating addresses, and forwards. */
    public final boolean standby;

    private final Interface[] interfaces;
    private final int[] portOf;
    private final long[] macs;
    private final long[] linkLocalLow;
    private final int[] untagged;
    private final AddressTable tagged = new AddressTable();
    private final AddressTable local4 = new AddressTable();
    private final AddressTable local6 = new AddressTable();
    /** Bits by {@link #localBit}: of IPv4 addresses without it none is in {@link #local4}. */
    private final long[] locals4 = new long[LOCAL_BITS >>> 6];

    private final RouteTable routes4;
    private final RouteTable routes6;
    private final Set<Announced> announced = new LinkedHashSet<>();
    private final List<DaemonConfig.Route> routes;

    /** So many that few sources of a flood meet the bit of a local address by chance: a power of two. */
    private static final int LOCAL_BITS = 1 << 13;

    private static final long[] EVERY_BIT = new long[LOCAL_BITS >>> 6];

    static {
        Arrays.fill(EVERY_BIT, -1);
    }

    private NetConfig(
            List<Interface> interfaces,
            List<DaemonConfig.Route> routes,
            Collection<InetAddress> vips,
            Collection<InetAddress> lips,
            NetSettings settings,
            boolean forward,
            boolean standby) {
        this.settings = settings;
        this.forward = forward;
        this.standby = standby;
        this.routes = List.copyOf(routes);
        this.interfaces = interfaces.toArray(Interface[]::new);
        this.macs = interfaces.stream().mapToLong(Interface::mac).toArray();
        this.portOf = interfaces.stream().mapToInt(Interface::port).toArray();
        this.linkLocalLow =
                Arrays.stream(macs).map(LinkLocal::interfaceIdentifier).toArray();
        int ports = interfaces.stream().mapToInt(Interface::port).max().orElse(-1) + 1;
        this.untagged = new int[ports];
        Arrays.fill(untagged, -1);
        for (Interface iface : interfaces) {
            if (iface.vlanId() < 0) {
                untagged[iface.port()] = iface.index();
            } else {
                tagged.put(tagKey(iface.port(), iface.vlanId()), 0, iface.index() + 1);
            }
        }
        List<RouteTable.Route> list4 = new ArrayList<>();
        List<RouteTable.Route> list6 = new ArrayList<>();
        connected(list4, list6);
        RouteTable connected4 = new RouteTable(false, list4);
        RouteTable connected6 = new RouteTable(true, list6);
        for (DaemonConfig.Route route : routes) {
            boolean ipv6 = isIpv6(route.to().address());
            (ipv6 ? list6 : list4).add(resolve(route, ipv6 ? connected6 : connected4));
        }
        routes4 = new RouteTable(false, list4);
        routes6 = new RouteTable(true, list6);
        broadcasts();
        lips.forEach(address -> service(address, LIP, connected4, connected6));
        floating();
        vips.forEach(address -> service(address, VIP, connected4, connected6));
        own();
    }

    /**
     * Makes the snapshot for a daemon file.
     *
     * @param config the daemon file
     * @param macs MAC of each port in wire form, by port number
     * @param vips addresses of virtual services
     * @param lips FULLNAT local addresses
     * @param standby whether another director has those now
     * @throws IllegalArgumentException if a route's next hop or interface cannot be found; the message names the route
     */
    public static NetConfig of(
            DaemonConfig config,
            long[] macs,
            Collection<InetAddress> vips,
            Collection<InetAddress> lips,
            boolean standby) {
        List<Interface> interfaces = new ArrayList<>();
        for (int port = 0; port < config.ports().size(); port++) {
            DaemonConfig.Port spec = config.ports().get(port);
            interfaces.add(new Interface(
                    interfaces.size(),
                    spec.name(),
                    port,
                    -1,
                    macs[port],
                    spec.mtu(),
                    spec.addresses(),
                    spec.floating(),
                    spec.reversePath()));
            for (DaemonConfig.Vlan vlan : spec.vlans()) {
                interfaces.add(new Interface(
                        interfaces.size(),
                        vlan.name(),
                        port,
                        vlan.id(),
                        macs[port],
                        vlan.mtu(),
                        vlan.addresses(),
                        vlan.floating(),
                        spec.reversePath()));
            }
        }
        return of(
                interfaces,
                config.routes(),
                vips,
                lips,
                NetSettings.of(config.settings()),
                config.punt().forward(),
                standby);
    }

    /** As {@link #of(DaemonConfig, long[], Collection, Collection, boolean)}, from its parts. */
    public static NetConfig of(
            List<Interface> interfaces,
            List<DaemonConfig.Route> routes,
            Collection<InetAddress> vips,
            Collection<InetAddress> lips,
            NetSettings settings,
            boolean forward,
            boolean standby) {
        return new NetConfig(interfaces, routes, vips, lips, settings, forward, standby);
    }

    private void connected(List<RouteTable.Route> list4, List<RouteTable.Route> list6) {
        for (Interface iface : interfaces) {
            for (DaemonConfig.Prefix prefix : iface.addresses()) {
                InetAddress address = prefix.address();
                (isIpv6(address) ? list6 : list4)
                        .add(new RouteTable.Route(
                                high(address), low(address), prefix.length(), iface.index(), false, 0, 0));
            }
        }
    }

    private RouteTable.Route resolve(DaemonConfig.Route route, RouteTable connected) {
        DaemonConfig.Prefix to = route.to();
        String text = "route " + to.address().getHostAddress() + "/" + to.length();
        Optional<InetAddress> via = route.via();
        int iface = route.port().map(name -> named(name, text)).orElse(-1);
        if (via.isPresent() && isIpv6(via.get()) != isIpv6(to.address())) {
            throw new IllegalArgumentException(text + ": next hop is of the other family");
        }
        if (iface < 0) {
            int found = via.isPresent() ? connected.find(high(via.get()), low(via.get())) : RouteTable.NONE;
            if (found == RouteTable.NONE) {
                throw new IllegalArgumentException(text
                        + via.map(hop -> " via " + hop.getHostAddress()).orElse("")
                        + ": no interface has a network with the next hop; add an address to a port or name the port");
            }
            iface = connected.route(found).iface();
        }
        return new RouteTable.Route(
                high(to.address()),
                low(to.address()),
                to.length(),
                iface,
                via.isPresent(),
                via.map(NetConfig::high).orElse(0L),
                via.map(NetConfig::low).orElse(0L));
    }

    private int named(String name, String route) {
        for (Interface iface : interfaces) {
            if (iface.name().equals(name)) {
                return iface.index();
            }
        }
        throw new IllegalArgumentException(route + ": there is no port or VLAN named " + name);
    }

    private void service(InetAddress address, int kind, RouteTable connected4, RouteTable connected6) {
        boolean ipv6 = isIpv6(address);
        RouteTable connected = ipv6 ? connected6 : connected4;
        int found = connected.find(high(address), low(address));
        int iface = found == RouteTable.NONE ? -1 : connected.route(found).iface();
        if (standby) {
            put(ipv6, high(address), low(address), STANDBY, iface);
            return;
        }
        int value = kind | (iface >= 0 ? ANSWER : 0);
        if (kind == VIP && settings.arpEveryVip()) {
            value |= ANSWER | EVERYWHERE;
            for (Interface each : interfaces) {
                announced.add(new Announced(each.index(), ipv6, high(address), low(address)));
            }
        } else if (iface >= 0) {
            announced.add(new Announced(iface, ipv6, high(address), low(address)));
        }
        put(ipv6, high(address), low(address), value, iface);
    }

    /** Behave as VIPs: answered, announced, pinged; nothing listens there. */
    private void floating() {
        for (Interface iface : interfaces) {
            for (InetAddress address : iface.floating()) {
                long high = high(address);
                long low = low(address);
                put(isIpv6(address), high, low, standby ? STANDBY : VIP | ANSWER, iface.index());
                if (!standby) {
                    announced.add(new Announced(iface.index(), isIpv6(address), high, low));
                }
            }
        }
    }

    private void broadcasts() {
        for (Interface iface : interfaces) {
            for (DaemonConfig.Prefix prefix : iface.addresses()) {
                if (!isIpv6(prefix.address()) && prefix.length() < 31) {
                    long mask = WireMask.mask4(prefix.length());
                    long network = high(prefix.address()) & mask;
                    put(false, network, 0, BROADCAST, iface.index());
                    put(false, network | (~mask & 0xffff_ffffL), 0, BROADCAST, iface.index());
                }
            }
        }
        put(false, 0xffff_ffffL, 0, BROADCAST, -1);
    }

    private void own() {
        for (Interface iface : interfaces) {
            put(true, LinkLocal.PREFIX, linkLocalLow[iface.index()], OWN | ANSWER, iface.index());
            for (DaemonConfig.Prefix prefix : iface.addresses()) {
                InetAddress address = prefix.address();
                put(isIpv6(address), high(address), low(address), OWN | ANSWER, iface.index());
                announced.add(new Announced(iface.index(), isIpv6(address), high(address), low(address)));
            }
        }
    }

    private void put(boolean ipv6, long high, long low, int value, int iface) {
        int index = iface < 0 ? NO_IFACE : iface;
        (ipv6 ? local6 : local4).put(high, low, value | index << IFACE_SHIFT);
        if (!ipv6) {
            int bit = localBit((int) high);
            locals4[bit >>> 6] |= 1L << bit;
        }
    }

    private static long tagKey(int port, int vlanId) {
        return (long) port << 12 | vlanId;
    }

    private static boolean isIpv6(InetAddress address) {
        return address.getAddress().length == 16;
    }

    /** An IPv4 address, or an IPv6 address's first half, as tables take it. */
    static long high(InetAddress address) {
        byte[] bytes = address.getAddress();
        return bytes.length == 16 ? Wire.long8(bytes, 0) : Integer.toUnsignedLong(Wire.int4(bytes));
    }

    /** An IPv6 address's second half; 0 for IPv4. */
    static long low(InetAddress address) {
        byte[] bytes = address.getAddress();
        return bytes.length == 16 ? Wire.long8(bytes, 8) : 0;
    }

    /** Whether an address is of a prefix's network. */
    static boolean inside(DaemonConfig.Prefix prefix, InetAddress address) {
        return isIpv6(address) == isIpv6(prefix.address()) && inside(prefix, high(address), low(address));
    }

    /** As {@link #inside(DaemonConfig.Prefix, InetAddress)} for an address of the same family as tables take it. */
    private static boolean inside(DaemonConfig.Prefix prefix, long high, long low) {
        boolean ipv6 = isIpv6(prefix.address());
        long maskHigh = ipv6 ? WireMask.high6(prefix.length()) : WireMask.mask4(prefix.length());
        long maskLow = ipv6 ? WireMask.low6(prefix.length()) : 0;
        return ((high ^ high(prefix.address())) & maskHigh) == 0 && ((low ^ low(prefix.address())) & maskLow) == 0;
    }

    /** How many interfaces there are. */
    public int interfaces() {
        return interfaces.length;
    }

    /** The interface with the given index. */
    public Interface iface(int index) {
        return interfaces[index];
    }

    /** Whether the interface with the given index is the same station of the same network in both snapshots. */
    boolean sameInterface(NetConfig other, int index) {
        if (index >= interfaces.length || index >= other.interfaces.length) {
            return false;
        }
        Interface mine = interfaces[index];
        Interface its = other.interfaces[index];
        return mine.port() == its.port() && mine.vlanId() == its.vlanId() && mine.mac() == its.mac();
    }

    /** Whether both have the same interfaces, addresses and routes, so that every next hop stays what it is. */
    boolean sameNetworks(NetConfig other) {
        return Arrays.equals(interfaces, other.interfaces) && routes.equals(other.routes);
    }

    /** The index, in {@code newer}, of each interface of this snapshot; -1 where it is gone. */
    int[] movedTo(NetConfig newer) {
        int[] moved = new int[interfaces.length];
        for (int i = 0; i < moved.length; i++) {
            moved[i] = newer.ifaceOf(interfaces[i].port(), interfaces[i].vlanId());
        }
        return moved;
    }

    /** The MAC of an interface in wire form. */
    public long mac(int iface) {
        return macs[iface];
    }

    /**
     * The interface of a packet: {@code tci} is the VLAN tag's control field (priority bits are ignored; VLAN 0 is
     * untagged), or -1 without a tag. -1 when the port has no such VLAN.
     */
    public int ifaceOf(int port, int tci) {
        if (tci <= 0 || (tci & 0xfff) == 0) {
            return port < untagged.length ? untagged[port] : -1;
        }
        return tagged.get(tagKey(port, tci & 0xfff), 0) - 1;
    }

    /** The kind of an IPv4 address in wire form: one of the constants of this class. */
    public int localKind4(int address) {
        if ((address & MULTICAST4_MASK) == MULTICAST4) {
            return MULTICAST;
        }
        return local4.get(Integer.toUnsignedLong(address), 0) & KIND_MASK;
    }

    private static int localBit(int address) {
        return (address * 0x9e3779b1) >>> (Integer.SIZE - Integer.numberOfTrailingZeros(LOCAL_BITS));
    }

    /** What tells quickly that a source that came in by {@code iface} is an ordinary one: for {@link #isOrdinary4}. */
    long[] sources4(int iface) {
        return interfaces[iface].reversePath() == ReversePath.OFF ? locals4 : EVERY_BIT;
    }

    /** Whether {@link SourceCheck} surely has nothing against an IPv4 source. */
    static boolean isOrdinary4(long[] sources, int source) {
        int bit = localBit(source);
        return (sources[bit >>> 6] >>> bit & 1) == 0
                && !Addresses.zero4(source)
                && !Addresses.loopback4(source)
                && !Addresses.broadcast4(source)
                && (source & MULTICAST4_MASK) != MULTICAST4;
    }

    /** Whether an IPv4 address is one that this director has now. */
    boolean ours4(int address) {
        return ours(localKind4(address));
    }

    /** As {@link #ours4} for an IPv6 address. */
    boolean ours6(long high, long low) {
        return ours(localKind6(high, low));
    }

    private static boolean ours(int kind) {
        return kind == OWN || kind == VIP || kind == LIP;
    }

    /** The port of an interface. */
    int portOf(int iface) {
        return portOf[iface];
    }

    /** The kind of an IPv6 address in wire form: one of the constants of this class, never {@link #BROADCAST}. */
    public int localKind6(long high, long low) {
        return (high & 0xff) == 0xff ? MULTICAST : local6.get(high, low) & KIND_MASK;
    }

    /** Whether ARP questions for an address that come in by {@code iface} are answered. */
    boolean answers4(int iface, int address) {
        return answers(local4.get(Integer.toUnsignedLong(address), 0), iface);
    }

    /** Whether neighbour solicitations for an address that come in by {@code iface} are answered. */
    boolean answers6(int iface, long high, long low) {
        if (high == LinkLocal.PREFIX) {
            return linkLocalLow[iface] == low || answers(local6.get(high, low), iface);
        }
        return answers(local6.get(high, low), iface);
    }

    private static boolean answers(int value, int iface) {
        return (value & ANSWER) != 0 && ((value & EVERYWHERE) != 0 || value >>> IFACE_SHIFT == iface);
    }

    /** The second half of an interface's link-local address; the first is {@link LinkLocal#PREFIX}. */
    long linkLocalLow(int iface) {
        return linkLocalLow[iface];
    }

    /** The route to an IPv4 address, or {@link RouteTable#NONE}. */
    int route4(int address) {
        return routes4.find(Integer.toUnsignedLong(address), 0);
    }

    /** The route to an IPv6 address, or {@link RouteTable#NONE}. Link-local addresses have none. */
    int route6(long high, long low) {
        return routes6.find(high, low);
    }

    /** IPv4 routes. */
    RouteTable routes4() {
        return routes4;
    }

    /** IPv6 routes. */
    RouteTable routes6() {
        return routes6;
    }

    /** Addresses to announce by gratuitous ARP or unsolicited neighbour advertisement. */
    Set<Announced> announced() {
        return announced;
    }

    /**
     * The own IPv4 address to speak from on {@code iface} towards {@code peer}: the one whose network holds the peer,
     * else the interface's first, else any; 0 when the director has none.
     */
    public int source4(int iface, int peer) {
        int first = 0;
        for (DaemonConfig.Prefix prefix : interfaces[iface].addresses()) {
            if (!isIpv6(prefix.address())) {
                long address = high(prefix.address());
                if (inside(prefix, Integer.toUnsignedLong(peer), 0)) {
                    return (int) address;
                }
                first = first == 0 ? (int) address : first;
            }
        }
        return first != 0 ? first : anySource4();
    }

    private int anySource4() {
        for (Interface iface : interfaces) {
            for (DaemonConfig.Prefix prefix : iface.addresses()) {
                if (!isIpv6(prefix.address())) {
                    return (int) high(prefix.address());
                }
            }
        }
        return 0;
    }

    /** The own IPv6 address to speak from on {@code iface} towards a global peer; null: use the link-local one. */
    public DaemonConfig.@Nullable Prefix source6(int iface, long peerHigh, long peerLow) {
        DaemonConfig.Prefix first = null;
        for (DaemonConfig.Prefix prefix : interfaces[iface].addresses()) {
            InetAddress address = prefix.address();
            if (isIpv6(address) && !address.isLinkLocalAddress()) {
                if (inside(prefix, peerHigh, peerLow)) {
                    return prefix;
                }
                first = first == null ? prefix : first;
            }
        }
        return first;
    }
}
