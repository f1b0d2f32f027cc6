package lvsd.dataplane.net;

import lvsd.dataplane.DropReason;
import lvsd.dataplane.Packet;
import lvsd.dataplane.Verdict;
import lvsd.dataplane.io.PacketIo;

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

    final int worker;
    private final PacketIo io;
    private final Punter punter;
    final long[] drops;
    private final Emitter emitter;
    final UnreachableHandler unreachable;
    private final Neighbours neighbours;
    private NetConfig config;
    private int now;

    /**
     * @param worker the worker's index
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
        this.drops = drops;
        this.emitter = emitter;
        this.unreachable = unreachable;
        this.neighbours = new Neighbours(capacity, seed, this);
    }

    /** Takes over a snapshot, between cycles. Neighbours stay; next hops kept elsewhere become invalid. */
    public void config(NetConfig newer) {
        config = newer;
    }

    /** The snapshot in use. */
    public NetConfig config() {
        return config;
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
        return NO_ROUTE;
    }

    /** As {@link #nextHop4} for an IPv6 address. */
    public int nextHop6(long high, long low) {
        return NO_ROUTE;
    }

    /**
     * Whether a next hop kept from earlier (or any other int) still means the same neighbour, and that one is resolved:
     * the packet may then be sent by {@link Adjacency#writeHeader} on {@link Adjacency#port}. Otherwise ask
     * {@link #nextHop4} again and use {@link #output}.
     */
    public boolean valid(int nextHop) {
        return Adjacency.valid(neighbours.line(nextHop), nextHop);
    }

    /** The adjacency line of a next hop. */
    public long line(int nextHop) {
        return neighbours.line(nextHop);
    }

    /**
     * Sends {@code p} to a next hop, which {@link #nextHop4} or {@link #nextHop6} has just returned (the negative ones
     * included): transmit verdict with the header written, or kept while the neighbour is asked, or a drop. The IP header
     * is final. The MTU is the caller's to check.
     */
    public int output(Packet p, int nextHop) {
        return Verdict.drop(DropReason.NO_ROUTE);
    }

    /**
     * What becomes of a parsed packet that is neither of a known connection nor for a service. A punt verdict is carried
     * out by {@link #punt}.
     */
    public int input(Packet p) {
        return Verdict.drop(DropReason.UNKNOWN_ETHERTYPE);
    }

    /**
     * Checks an IP packet's source address, and that it came in by the right interface. Returns 0, or the drop verdict.
     */
    public int sourceCheck(Packet p) {
        return 0;
    }

    /**
     * Carries out a punt verdict: {@link Verdict#KEPT}, or a drop verdict (rate limit, queue full, no twin), and then the
     * packet is the caller's to free.
     */
    public int punt(long mbuf, int port, int puntClass) {
        return punter.punt(mbuf, port, puntClass, now);
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
        return false;
    }

    /** Tells the sender that there is no route: net unreachable or no route to destination. */
    public boolean noRoute(Packet p) {
        return false;
    }

    /** Tells the sender that the TTL or hop limit ran out. */
    public boolean timeExceeded(Packet p) {
        return false;
    }

    /** Tells the sender the MTU of the way: fragmentation needed or packet too big. */
    public boolean tooBig(Packet p, int mtu) {
        return false;
    }

    /** Tells the sender that nobody serves the port. */
    public boolean portUnreachable(Packet p) {
        return false;
    }

    /**
     * Answers as a host without a listener: a TCP segment is turned, in place, into the RST that answers it; anything else
     * is told port or protocol unreachable. The source check has been made. Returns the packet's verdict.
     */
    public int refuse(Packet p) {
        return Verdict.drop(DropReason.NO_CONNECTION);
    }

    /** A port's link came up: its addresses are announced again. */
    public void linkUp(int port) {}

    /**
     * Time's work: questions repeated, neighbours aged, addresses announced, packets from the kernel sent. Called once a
     * cycle with the current tick.
     */
    public void poll(int tick) {
        now = tick;
        neighbours.poll(tick);
        punter.poll(io, emitter);
    }

    @Override
    public void ask(int index, boolean unicast) {}

    @Override
    public void release(int index, long mbuf, long l3) {}

    @Override
    public void discard(int index, long mbuf, long l3, boolean failed) {
        io.free(mbuf);
    }

    @Override
    public void lost(int index) {}

    /** Frees what is held and the lines. The worker has stopped. */
    @Override
    public void close() {
        neighbours.discardAll();
        neighbours.close();
    }
}
