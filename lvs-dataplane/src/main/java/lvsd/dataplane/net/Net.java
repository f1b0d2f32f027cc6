package lvsd.dataplane.net;

import lvsd.dataplane.DropReason;
import lvsd.dataplane.Packet;
import lvsd.dataplane.Verdict;
import lvsd.dataplane.io.PacketIo;
import lvsd.dpdk.Mbuf;
import lvsd.wire.Ethernet;
import lvsd.wire.Icmp;
import lvsd.wire.Icmpv6;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Vlan;

/**
 * One worker's view of the networks: next hops for what is balanced, and everything that happens to what is not.
 *
 * <p>Owned by its worker. Addresses and MACs are in wire form. Packets given to {@link #input} or {@link #output} come
 * back as a verdict; packets of its own (ARP, ND, ICMP, held ones) leave through the {@link Emitter}.
 */
public final class Net implements AutoCloseable, Neighbours.Owner {
    /** Ticks of the worker's clock in a second. */
    public static final int TICKS_PER_SECOND = 250;
    /** No route to the destination. */
    public static final int NO_ROUTE = -1;
    /** No room for another neighbour. */
    public static final int TABLE_FULL = -2;

    private static final int UNKNOWN = -1;
    private static final int DEFAULT_MTU = 1500;
    private static final int SHARE_RATE = 1000;

    private final int worker;
    private final PacketIo io;
    private final Punter punter;
    private final Emitter emitter;
    private final UnreachableHandler unreachable;
    private NeighbourShare share = NeighbourShare.ALONE;
    private final TokenBucket shareLimit = new TokenBucket(SHARE_RATE, SHARE_RATE, 0);
    private final Frames frames;
    private final Neighbours neighbours;
    private final ArpHandler arp;
    private final NdHandler nd;
    private final IcmpSender icmp;
    private final ClosedPort closedPort;
    private final Announcer announcer;
    private final Fragmenter fragmenter;
    private final Packet held = new Packet();
    private NetConfig config;
    private int now;

    /**
     * @param worker the worker's index; worker 0 announces addresses
     * @param capacity neighbours at most; a power of two up to 65536
     * @param seed random per start
     * @param config first snapshot
     * @param io where mbufs come from
     * @param punter way to the kernel
     * @param drops counters by {@link DropReason} ordinal for packets that leave by no verdict; written by this worker
     * @param emitter where packets of our own leave
     * @param unreachable who restores held packets that failed
     */
    public Net(
            int worker,
            int capacity,
            long seed,
            NetConfig config,
            PacketIo io,
            Punter punter,
            long[] drops,
            Emitter emitter,
            UnreachableHandler unreachable) {
        this.worker = worker;
        this.config = config;
        this.io = io;
        this.punter = punter;
        this.emitter = emitter;
        this.unreachable = unreachable;
        this.frames = new Frames(io, emitter, drops);
        this.neighbours = new Neighbours(capacity, seed, config.settings, this);
        this.arp = new ArpHandler(this, frames);
        this.nd = new NdHandler(this, frames);
        this.icmp = new IcmpSender(this, frames, config.settings, (int) seed & 0xffff);
        this.closedPort = new ClosedPort(this, icmp);
        this.announcer = new Announcer(arp, nd, config.settings);
        this.fragmenter = new Fragmenter(this, frames, (int) (seed >>> 32));
        if (worker == 0) {
            announcer.all(config, UNKNOWN, 0);
        }
    }

    /** What the workers tell each other of neighbours; set before they start, when there are several. */
    public void share(NeighbourShare among) {
        share = among;
    }

    /**
     * Takes over a snapshot, between cycles. Neighbours stay; next hops kept elsewhere become invalid where interfaces,
     * addresses or routes have changed.
     */
    public void config(NetConfig newer) {
        NetConfig older = config;
        config = newer;
        neighbours.settings(newer.settings);
        if (!older.sameNetworks(newer)) {
            neighbours.reconfigure(newer, older.movedTo(newer));
        }
        icmp.settings(newer.settings);
        announcer.settings(newer.settings, now);
        if (newer.standby) {
            neighbours.discardAll();
        }
        if (worker == 0) {
            announcer.changed(older, newer, now);
        }
    }

    /** The snapshot in use. */
    public NetConfig config() {
        return config;
    }

    /** The tick of the last {@link #poll}. */
    int now() {
        return now;
    }

    /** The MAC of a port in wire form. */
    public long portMac(int port) {
        int iface = portInterface(port);
        return iface < 0 ? -1 : config.mac(iface);
    }

    /** The interface of a port's untagged frames. */
    public int portInterface(int port) {
        return config.ifaceOf(port, -1);
    }

    /**
     * The next hop towards an IPv4 address: route, then neighbour, made and asked for if it is new. The id may be kept
     * as long as {@link #valid} says so. {@link #NO_ROUTE} or {@link #TABLE_FULL} (both negative) when there is none.
     */
    public int nextHop4(int destination) {
        int found = config.localKind4(destination) == NetConfig.NONE ? config.route4(destination) : RouteTable.NONE;
        if (found == RouteTable.NONE) {
            return NO_ROUTE;
        }
        RouteTable.Route route = config.routes4().route(found);
        long hop = route.gateway() ? route.gatewayHigh() : Integer.toUnsignedLong(destination);
        return hop(neighbours.findOrCreate(false, config.iface(route.iface()), hop, 0, now));
    }

    /** As {@link #nextHop4} for an IPv6 address; link-local ones have no route. */
    public int nextHop6(long high, long low) {
        boolean routable = !LinkLocal.is(high) && config.localKind6(high, low) == NetConfig.NONE;
        int found = routable ? config.route6(high, low) : RouteTable.NONE;
        if (found == RouteTable.NONE) {
            return NO_ROUTE;
        }
        RouteTable.Route route = config.routes6().route(found);
        long hopHigh = route.gateway() ? route.gatewayHigh() : high;
        long hopLow = route.gateway() ? route.gatewayLow() : low;
        return hop(neighbours.findOrCreate(true, config.iface(route.iface()), hopHigh, hopLow, now));
    }

    private int hop(int index) {
        return index < 0 ? TABLE_FULL : neighbours.id(index);
    }

    /** As {@link #nextHop4}, but makes no neighbour and asks nobody. */
    int knownHop4(int destination) {
        int found = config.route4(destination);
        if (found == RouteTable.NONE) {
            return NO_ROUTE;
        }
        RouteTable.Route route = config.routes4().route(found);
        long hop = route.gateway() ? route.gatewayHigh() : Integer.toUnsignedLong(destination);
        return known(neighbours.find(false, route.iface(), hop, 0));
    }

    /** As {@link #knownHop4} for an IPv6 address. */
    int knownHop6(long high, long low) {
        int found = LinkLocal.is(high) ? RouteTable.NONE : config.route6(high, low);
        if (found == RouteTable.NONE) {
            return NO_ROUTE;
        }
        RouteTable.Route route = config.routes6().route(found);
        long hopHigh = route.gateway() ? route.gatewayHigh() : high;
        long hopLow = route.gateway() ? route.gatewayLow() : low;
        return known(neighbours.find(true, route.iface(), hopHigh, hopLow));
    }

    private int known(int index) {
        return index < 0 ? NO_ROUTE : neighbours.id(index);
    }

    /**
     * Whether a next hop kept from earlier (or any other int) still means the same neighbour, and that one is resolved:
     * the packet may then be sent by {@link Adjacency#writeHeader} on {@link Adjacency#port}. Otherwise ask
     * {@link #nextHop4} again and use {@link #output}.
     */
    public boolean valid(int nextHop) {
        return Adjacency.valid(neighbours.line(nextHop), nextHop);
    }

    /** Where the adjacency lines begin: that of a next hop is number {@code nextHop &} {@link #lineMask}. For good. */
    public long lines() {
        return neighbours.line(0);
    }

    /** No {@link #lineMask} has bits beyond these. */
    public static final int LINES_MASK = Neighbours.MAXIMUM - 1;

    /** Which bits of a next hop are its line's number. */
    public int lineMask() {
        return neighbours.mask();
    }

    /** The adjacency line of a next hop. */
    public long line(int nextHop) {
        return neighbours.line(nextHop);
    }

    /**
     * Sends {@code p} to a next hop, which {@link #nextHop4} or {@link #nextHop6} has just returned (the negative ones
     * included): transmit verdict with the header written, or kept while the neighbour is asked, or a drop. The IP header
     * is final. An IPv4 packet longer than the MTU is sent in fragments (and is then kept) unless it forbids that; telling
     * the sender of a packet that is too big is the caller's, and so is telling that there is no route.
     */
    public int output(Packet p, int nextHop) {
        if (nextHop < 0) {
            return Verdict.drop(nextHop == TABLE_FULL ? DropReason.NEIGHBOUR_TABLE_FULL : DropReason.NO_ROUTE);
        }
        if (!neighbours.current(nextHop)) {
            return Verdict.drop(DropReason.NEIGHBOUR_FAILED);
        }
        int index = neighbours.index(nextHop);
        long line = neighbours.line(nextHop);
        int mtu = Adjacency.mtu(line);
        if (p.l3Length > mtu) {
            return Fragmenter.may(p, mtu) ? fragmenter.output(p, nextHop, mtu) : Verdict.drop(DropReason.TOO_BIG);
        }
        if (neighbours.prepare(index, now)) {
            Adjacency.writeHeader(line, p.mbuf, p.l3);
            return Verdict.transmit(Adjacency.port(line));
        }
        return neighbours.hold(index, p.mbuf, p.l3) ? Verdict.KEPT : Verdict.drop(DropReason.NEIGHBOUR_QUEUE_FULL);
    }

    /**
     * As {@link #output} for a packet whose IP header is ours, on a way that takes packets of {@code most} bytes: one that is
     * longer leaves in fragments, of IPv6 too.
     */
    public int outputOwn(Packet p, int nextHop, int most) {
        if (nextHop < 0 || p.l3Length <= most) {
            return output(p, nextHop);
        }
        if (p.ipv6) {
            return fragmenter.output6(p, nextHop, most);
        }
        return Fragmenter.may(p, most) ? fragmenter.output(p, nextHop, most) : output(p, nextHop);
    }

    /** Largest packet on the way to an IPv4 address, bytes; that of plain Ethernet where there is no way. */
    public int mtu4(int destination) {
        int found = config.route4(destination);
        return found == RouteTable.NONE
                ? DEFAULT_MTU
                : config.iface(config.routes4().route(found).iface()).mtu();
    }

    /** As {@link #mtu4} for an IPv6 address. */
    public int mtu6(long high, long low) {
        int found = config.route6(high, low);
        return found == RouteTable.NONE
                ? DEFAULT_MTU
                : config.iface(config.routes6().route(found).iface()).mtu();
    }

    /**
     * A new packet of {@code length} bytes for a segment of our own, its first byte being that of the IP header, with room
     * for a link header before it; 0 (counted) if there is none.
     */
    public long allocate(int length) {
        return frames.begin(length);
    }

    /** Frees a packet that goes nowhere. */
    public void free(long mbuf) {
        frames.free(mbuf);
    }

    /** Does what the verdict on a packet of our own, or on one that was kept, says. */
    public void dispatch(long mbuf, int verdict) {
        int kind = Verdict.kind(verdict);
        if (kind == Verdict.TRANSMIT) {
            emit(mbuf, Verdict.argument(verdict));
        } else if (kind != Verdict.KEPT) {
            frames.free(mbuf);
            frames.count(kind == Verdict.DROP ? DropReason.of(Verdict.argument(verdict)) : DropReason.NOT_SERVED);
        }
    }

    /** The packet, answered in place, goes back to the station that it came from. */
    public int back(Packet p) {
        return icmp.back(p);
    }

    /**
     * What becomes of a parsed packet that is neither of a known connection nor for a service. A punt verdict is carried
     * out by {@link #punt}.
     */
    public int input(Packet p) {
        return switch (p.etherType) {
            case Ethernet.TYPE_ARP -> arp.input(p);
            case Ethernet.TYPE_IPV4 -> input4(p);
            case Ethernet.TYPE_IPV6 -> input6(p);
            default ->
                p.groupFrame ? Verdict.punt(PuntClass.REST.ordinal()) : Verdict.drop(DropReason.UNKNOWN_ETHERTYPE);
        };
    }

    /** Whether a packet is addressed to one host, and not to this one. */
    public boolean isElsewhere(Packet p) {
        if (!p.ipv6) {
            int address = Ipv4.destination(p.l3);
            boolean special = Addresses.zero4(address)
                    || Addresses.loopback4(address)
                    || Addresses.multicast4(address)
                    || Addresses.reserved4(address);
            return !special && !p.groupFrame && config.localKind4(address) == NetConfig.NONE;
        }
        long high = Ipv6.destinationHigh(p.l3);
        long low = Ipv6.destinationLow(p.l3);
        boolean special = Addresses.unspecified6(high, low)
                || Addresses.loopback6(high, low)
                || Addresses.multicast6(high)
                || Addresses.mapped4(high, low)
                || LinkLocal.is(high);
        return !special && !p.groupFrame && config.localKind6(high, low) == NetConfig.NONE;
    }

    /** As {@link #input} for a packet to an address of a service which is the host's kernel's affair. */
    public int pass(Packet p) {
        int check = sourceCheck(p);
        return check != 0 ? check : puntClassified(p);
    }

    private int input4(Packet p) {
        int destination = Ipv4.destination(p.l3);
        if (Addresses.zero4(destination) || Addresses.loopback4(destination)) {
            return Verdict.drop(DropReason.MARTIAN_DESTINATION);
        }
        int check = sourceCheck(p);
        if (check != 0) {
            return check;
        }
        int kind = config.localKind4(destination);
        boolean ping = p.protocol == Ipv4.PROTOCOL_ICMP && p.l4Valid && Icmp.type(p.l4) == Icmp.ECHO_REQUEST;
        return switch (kind) {
            case NetConfig.NONE -> forward(p);
            case NetConfig.VIP, NetConfig.LIP -> ping ? echo(p, config.settings.echoVip()) : closedPort.refuse(p);
            case NetConfig.OWN -> ping && !p.fragment ? echo(p, config.settings.echoOwn()) : puntClassified(p);
            case NetConfig.STANDBY -> Verdict.drop(DropReason.STANDBY);
            default -> puntClassified(p);
        };
    }

    private int input6(Packet p) {
        long high = Ipv6.destinationHigh(p.l3);
        long low = Ipv6.destinationLow(p.l3);
        if (Addresses.unspecified6(high, low) || Addresses.loopback6(high, low) || Addresses.mapped4(high, low)) {
            return Verdict.drop(DropReason.MARTIAN_DESTINATION);
        }
        int check = sourceCheck(p);
        if (check != 0) {
            return check;
        }
        boolean control = p.protocol == Ipv6.PROTOCOL_ICMPV6 && p.l4Valid;
        if (control && Icmpv6.isNeighbourDiscovery(Icmpv6.type(p.l4))) {
            return nd.input(p);
        }
        boolean ping = control && Icmpv6.type(p.l4) == Icmpv6.ECHO_REQUEST;
        return switch (config.localKind6(high, low)) {
            case NetConfig.NONE -> LinkLocal.is(high) ? puntClassified(p) : forward(p);
            case NetConfig.VIP, NetConfig.LIP -> ping ? echo(p, config.settings.echoVip()) : closedPort.refuse(p);
            case NetConfig.OWN -> ping && !p.fragment ? echo(p, config.settings.echoOwn()) : puntClassified(p);
            case NetConfig.STANDBY -> Verdict.drop(DropReason.STANDBY);
            default -> puntClassified(p);
        };
    }

    private int puntClassified(Packet p) {
        return Verdict.punt(Classifier.classify(config.settings, p));
    }

    private int echo(Packet p, boolean answered) {
        if (!answered || p.groupFrame) {
            return Verdict.drop(DropReason.ECHO_OFF);
        }
        if (p.fragment) {
            return Verdict.drop(DropReason.FRAGMENT);
        }
        return p.ipv6 ? icmp.echo6(p) : icmp.echo4(p);
    }

    /** RFC 1122, section 3.3.6: what came by a group frame is not forwarded. */
    private int forward(Packet p) {
        if (p.groupFrame) {
            return Verdict.drop(DropReason.NOT_OUR_MAC);
        }
        if (config.standby) {
            return Verdict.drop(DropReason.STANDBY);
        }
        return config.forward ? Verdict.punt(PuntClass.REST.ordinal()) : Verdict.drop(DropReason.FORWARD_OFF);
    }

    /**
     * Checks an IP packet's source address, and that it came in by the right interface. Returns 0, or the drop verdict.
     */
    public int sourceCheck(Packet p) {
        return SourceCheck.check(config, p);
    }

    /** As {@link #sourceCheck} for the packet with an IPv4 header, come in by an interface. */
    public int sourceCheck4(long ip, int iface) {
        return SourceCheck.check4(config, ip, iface);
    }

    /** For {@link #isOrdinary4}: what is to be known of sources that come in by an interface. */
    public long[] sources4(int iface) {
        return config.sources4(iface);
    }

    /** Whether {@link #sourceCheck4} surely has nothing against a source; false means that it has to be asked. */
    public static boolean isOrdinary4(long[] sources, int source) {
        return NetConfig.isOrdinary4(sources, source);
    }

    /** As {@link #sourceCheck4} of IPv6. */
    public int sourceCheck6(long ip, int iface) {
        return SourceCheck.check6(config, ip, iface);
    }

    /** The port of an interface. */
    public int portOf(int iface) {
        return config.portOf(iface);
    }

    /**
     * Carries out a punt verdict: {@link Verdict#KEPT}, or a drop verdict (rate limit, queue full, no twin), and then the
     * packet is the caller's to free.
     */
    public int punt(long mbuf, int port, int puntClass) {
        long frame = Mbuf.data(mbuf);
        boolean tagged = Mbuf.dataLength(mbuf) >= Vlan.VLAN_SIZE && Ethernet.etherType(frame) == Ethernet.TYPE_VLAN;
        int iface = config.ifaceOf(port, tagged ? Vlan.tci(frame) : UNKNOWN);
        if (iface < 0) {
            return Verdict.drop(DropReason.UNKNOWN_VLAN);
        }
        if (tagged) {
            // The twin of a VLAN is an interface of its own, without tags.
            Vlan.remove(frame);
            Mbuf.moveStart(mbuf, Vlan.TAG_SIZE);
        }
        return punter.punt(mbuf, iface, puntClass, now);
    }

    /** Sends what the kernel has sent by the twin of {@code iface}, tagged if that is a VLAN's. */
    void fromKernel(long mbuf, int iface) {
        Interface from = config.iface(iface);
        if (from.vlanId() >= 0) {
            Vlan.insert(Mbuf.data(mbuf), from.vlanId());
            Mbuf.moveStart(mbuf, -Vlan.TAG_SIZE);
        }
        emitter.emit(mbuf, from.port());
    }

    /**
     * Tells the sender of {@code p} of an error: an ICMP or ICMPv6 message that quotes the packet as it is now, unless the
     * rules (RFC 1122, section 3.2.2; RFC 4443, section 2.4) or the rate limit forbid it. Source is the packet's
     * destination if that is an address of ours (a VIP), else the interface's. The packet stays the caller's.
     *
     * @param type ICMP type, or ICMPv6 type if {@code p} is IPv6
     * @param code code
     * @param parameter second word of the message: MTU, or 0
     * @return whether the error was sent
     */
    public boolean icmpError(Packet p, int type, int code, int parameter) {
        return icmp.error(p, type, code, parameter);
    }

    /** Tells the sender that there is no route: net unreachable or no route to destination. */
    public boolean noRoute(Packet p) {
        return p.ipv6
                ? icmp.error(p, Icmpv6.UNREACHABLE, Icmpv6.CODE_NO_ROUTE, 0)
                : icmp.error(p, Icmp.UNREACHABLE, Icmp.CODE_NET, 0);
    }

    /** Tells the sender that the TTL or hop limit ran out. */
    public boolean timeExceeded(Packet p) {
        return p.ipv6
                ? icmp.error(p, Icmpv6.TIME_EXCEEDED, Icmpv6.CODE_HOP_LIMIT, 0)
                : icmp.error(p, Icmp.TIME_EXCEEDED, Icmp.CODE_TTL, 0);
    }

    /** Tells the sender the MTU of the way: fragmentation needed or packet too big. */
    public boolean tooBig(Packet p, int mtu) {
        return p.ipv6
                ? icmp.error(p, Icmpv6.PACKET_TOO_BIG, 0, mtu)
                : icmp.error(p, Icmp.UNREACHABLE, Icmp.CODE_FRAGMENTATION_NEEDED, mtu);
    }

    /**
     * Tells the sender of a packet that was sent on before, and has no frame any more, of an error; the way to it is found
     * anew, and asked for. {@code p} may be part of a packet: what an ICMP error has quoted. Returns the IP bytes of what
     * was sent, 0 if nothing was.
     */
    public int errorAgain(Packet p, int type, int code) {
        p.iface = sourceInterface(p);
        return p.iface >= 0 && icmp.error(p, type, code, 0) ? IcmpSender.errorLength(p) : 0;
    }

    /** As {@link #errorAgain} with the MTU of the way. */
    public int tooBigAgain(Packet p, int mtu) {
        p.iface = sourceInterface(p);
        return p.iface >= 0 && tooBig(p, mtu) ? IcmpSender.errorLength(p) : 0;
    }

    /** Tells the sender that nobody serves the port. */
    public boolean portUnreachable(Packet p) {
        return p.ipv6
                ? icmp.error(p, Icmpv6.UNREACHABLE, Icmpv6.CODE_PORT, 0)
                : icmp.error(p, Icmp.UNREACHABLE, Icmp.CODE_PORT, 0);
    }

    /**
     * Answers as a host without a listener: a TCP segment is turned, in place, into the RST that answers it; anything else
     * is told port unreachable. The source check has been made. Returns the packet's verdict.
     */
    public int refuse(Packet p) {
        return closedPort.refuse(p);
    }

    /** A port's link came up: its addresses are announced again. */
    public void linkUp(int port) {
        if (worker == 0) {
            announcer.all(config, port, now);
        }
    }

    /** All addresses are announced again, as if they were new. */
    public void announce() {
        if (worker == 0) {
            announcer.all(config, UNKNOWN, now);
        }
    }

    /**
     * Time's work: questions repeated, neighbours aged, addresses announced, packets from the kernel sent. Called once a
     * cycle with the current tick.
     */
    public void poll(int tick) {
        if (tick != now) {
            now = tick;
            neighbours.poll(tick);
            if (worker == 0) {
                announcer.poll(config, tick);
            }
        }
        if (share != NeighbourShare.ALONE) {
            share.receive(worker, this);
        }
        punter.poll(io, this);
    }

    /** Sends a complete frame. */
    void emit(long mbuf, int port) {
        emitter.emit(mbuf, port);
    }

    /** Whether an IPv6 address is one of ours. */
    boolean ours6(int iface, long high, long low) {
        return config.ours6(high, low) || config.answers6(iface, high, low);
    }

    /** The MAC that is known of an IPv6 neighbour, or 0. */
    long knownMac6(int iface, long high, long low) {
        int index = neighbours.find(true, iface, high, low);
        return index < 0 ? 0 : Adjacency.destination(neighbours.line(index));
    }

    /** What a frame has told of a neighbour: noted if it is known here, and passed on to the other workers. */
    void learned(boolean ipv6, int iface, long high, long low, long mac, boolean confirmed, boolean override) {
        learnedElsewhere(ipv6, iface, high, low, mac, confirmed, override);
        if (share != NeighbourShare.ALONE && shareLimit.take(now)) {
            share.tell(worker, ipv6, iface, high, low, mac, confirmed, override);
        }
    }

    /** What another worker has been told of a neighbour. */
    void learnedElsewhere(boolean ipv6, int iface, long high, long low, long mac, boolean confirmed, boolean override) {
        int index = neighbours.find(ipv6, iface, high, low);
        if (index >= 0) {
            neighbours.learn(index, mac, confirmed, override, now);
        }
    }

    @Override
    public void ask(int index, boolean unicast) {
        long line = neighbours.line(index);
        Interface iface = config.iface(Adjacency.iface(line));
        if (neighbours.ipv6(index)) {
            nd.ask(iface, neighbours.high(index), neighbours.low(index), unicast ? Adjacency.destination(line) : 0);
        } else {
            arp.ask(iface, (int) neighbours.high(index), unicast ? Adjacency.destination(line) : Ethernet.BROADCAST);
        }
    }

    @Override
    public void release(int index, long mbuf, long l3) {
        long line = neighbours.line(index);
        Adjacency.writeHeader(line, mbuf, l3);
        emitter.emit(mbuf, Adjacency.port(line));
    }

    @Override
    public void discard(int index, long mbuf, long l3, boolean failed) {
        frames.count(failed ? DropReason.NEIGHBOUR_FAILED : DropReason.NEIGHBOUR_QUEUE_FULL);
        if (failed && HeldPacket.parse(held, mbuf, l3) && unreachable.restore(held)) {
            hostUnreachable();
        }
        io.free(mbuf);
    }

    private void hostUnreachable() {
        if (held.iface < 0) {
            held.iface = sourceInterface(held);
        }
        if (held.iface < 0) {
            return;
        }
        if (held.ipv6) {
            icmp.error(held, Icmpv6.UNREACHABLE, Icmpv6.CODE_ADDRESS, 0);
        } else {
            icmp.error(held, Icmp.UNREACHABLE, Icmp.CODE_HOST, 0);
        }
    }

    private int sourceInterface(Packet p) {
        RouteTable table = p.ipv6 ? config.routes6() : config.routes4();
        int route =
                p.ipv6 ? config.route6(Ipv6.sourceHigh(p.l3), Ipv6.sourceLow(p.l3)) : config.route4(Ipv4.source(p.l3));
        return route == RouteTable.NONE ? UNKNOWN : table.route(route).iface();
    }

    @Override
    public void lost(int index) {
        int iface = Adjacency.iface(neighbours.line(index));
        punter.lost(neighbours.ipv6(index), iface, neighbours.high(index), neighbours.low(index));
    }

    /** Frees what is held and the lines. The worker has stopped. */
    @Override
    public void close() {
        neighbours.discardAll();
        neighbours.close();
    }
}
