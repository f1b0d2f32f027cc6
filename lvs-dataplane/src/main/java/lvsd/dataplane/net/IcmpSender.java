package lvsd.dataplane.net;

import lvsd.config.DaemonConfig;
import lvsd.dataplane.DropReason;
import lvsd.dataplane.Packet;
import lvsd.dataplane.Verdict;
import lvsd.dpdk.Mbuf;
import lvsd.memory.Memory;
import lvsd.wire.Ethernet;
import lvsd.wire.Icmp;
import lvsd.wire.Icmpv6;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import org.jspecify.annotations.Nullable;

/** ICMP of the director's own: errors and echo replies. One per worker. */
final class IcmpSender {
    private static final int TTL = 64;
    private static final int TOS_ERROR = 0xc0;
    private static final int TOS_KEPT = 0x1e;
    /** RFC 1812, section 4.3.2.3: an error has at most 576 bytes in all. */
    private static final int LONGEST4 = 576;
    /** RFC 4443, section 2.4 (c): at most the minimum MTU. */
    private static final int LONGEST6 = 1280;

    private static final int ERROR_HEADER4 = Ipv4.SIZE + Icmp.SIZE;
    private static final int ERROR_HEADER6 = Ipv6.SIZE + Icmpv6.SIZE;
    private static final int OPTION_NOP = 1;

    private final Net net;
    private final Frames frames;
    private final Packet held = new Packet();
    private final TokenBucket errors;
    private final TokenBucket echoes;
    private int id;

    IcmpSender(Net net, Frames frames, NetSettings settings, int firstId) {
        this.net = net;
        this.frames = frames;
        this.id = firstId;
        errors = new TokenBucket(settings.icmpRate(), settings.icmpBurst(), 0);
        echoes = new TokenBucket(settings.icmpRate(), settings.icmpBurst(), 0);
    }

    void settings(NetSettings settings) {
        errors.set(settings.icmpRate(), settings.icmpBurst());
        echoes.set(settings.icmpRate(), settings.icmpBurst());
    }

    /** Takes a token of the error messages' rate limit. */
    boolean allowed() {
        return errors.take(net.now());
    }

    private boolean limited() {
        if (allowed()) {
            return false;
        }
        frames.count(DropReason.ICMP_RATE_LIMIT);
        return true;
    }

    /** See {@link Net#icmpError}. */
    boolean error(Packet p, int type, int code, int parameter) {
        if (p.ipv6) {
            return mayAnswer6(p, type) && !limited() && error6(p, type, code, parameter);
        }
        return mayAnswer4(p) && !limited() && error4(p, type, code, parameter);
    }

    /** Bytes of an error about {@code p}, its IP header included. */
    static int errorLength(Packet p) {
        return p.ipv6 ? Math.min(ERROR_HEADER6 + p.l3Length, LONGEST6) : Math.min(ERROR_HEADER4 + p.l3Length, LONGEST4);
    }

    /** RFC 1122, section 3.2.2: what no ICMP error may be sent about. */
    private boolean mayAnswer4(Packet p) {
        int source = Ipv4.source(p.l3);
        int kind = net.config().localKind4(Ipv4.destination(p.l3));
        if (p.groupFrame
                || p.laterFragment
                || kind == NetConfig.MULTICAST
                || kind == NetConfig.BROADCAST
                || Addresses.zero4(source)
                || Addresses.loopback4(source)
                || Addresses.multicast4(source)
                || Addresses.reserved4(source)
                || net.config().localKind4(source) != NetConfig.NONE) {
            return false;
        }
        return p.protocol != Ipv4.PROTOCOL_ICMP || (p.l4Length >= Icmp.SIZE && !Icmp.isError(Icmp.type(p.l4)));
    }

    /** RFC 4443, section 2.4 (e). */
    private boolean mayAnswer6(Packet p, int type) {
        long high = Ipv6.sourceHigh(p.l3);
        long low = Ipv6.sourceLow(p.l3);
        boolean group = p.groupFrame || Addresses.multicast6(Ipv6.destinationHigh(p.l3));
        if ((group && type != Icmpv6.PACKET_TOO_BIG)
                || Addresses.multicast6(high)
                || Addresses.unspecified6(high, low)
                || Addresses.loopback6(high, low)
                || net.ours6(p.iface, high, low)) {
            return false;
        }
        if (p.protocol != Ipv6.PROTOCOL_ICMPV6 || p.laterFragment) {
            return true;
        }
        int quoted = p.l4Length >= Icmpv6.SIZE ? Icmpv6.type(p.l4) : 0;
        return !Icmpv6.isError(quoted) && quoted != Icmpv6.REDIRECT;
    }

    private boolean error4(Packet p, int type, int code, int parameter) {
        int length = errorLength(p);
        int quote = length - ERROR_HEADER4;
        long mbuf = frames.begin(length);
        if (mbuf == 0) {
            return false;
        }
        long ip = Mbuf.data(mbuf);
        int destination = Ipv4.source(p.l3);
        Ipv4.setHeaderLength(ip, Ipv4.SIZE);
        Ipv4.setTos(ip, (Ipv4.tos(p.l3) & TOS_KEPT) | TOS_ERROR);
        Ipv4.setTotalLength(ip, length);
        Ipv4.setId(ip, id++ & 0xffff);
        Ipv4.setFlagsAndOffset(ip, 0);
        Ipv4.setTtl(ip, TTL);
        Ipv4.setProtocol(ip, Ipv4.PROTOCOL_ICMP);
        Ipv4.setSource(ip, source4(p));
        Ipv4.setDestination(ip, destination);
        Ipv4.updateChecksum(ip, Ipv4.SIZE);
        long icmp = ip + Ipv4.SIZE;
        Icmp.setTypeAndCode(icmp, type, code);
        Icmp.setRest(icmp, parameter);
        Memory.copy(p.l3, icmp + Icmp.SIZE, quote);
        Icmp.updateChecksum(icmp, Icmp.SIZE + quote);
        sendBack(p, mbuf, net.knownHop4(destination), Ethernet.TYPE_IPV4);
        return true;
    }

    /** The address the packet was sent to, if it is ours; else the one of the interface it came in by. */
    private int source4(Packet p) {
        int destination = Ipv4.destination(p.l3);
        return net.config().localKind4(destination) != NetConfig.NONE
                ? destination
                : net.config().source4(p.iface, Ipv4.source(p.l3));
    }

    private boolean error6(Packet p, int type, int code, int parameter) {
        int length = errorLength(p);
        int quote = length - ERROR_HEADER6;
        long mbuf = frames.begin(length);
        if (mbuf == 0) {
            return false;
        }
        long ip = Mbuf.data(mbuf);
        long high = Ipv6.sourceHigh(p.l3);
        long low = Ipv6.sourceLow(p.l3);
        Ipv6.setVersionClassFlow(ip, 0, 0);
        Ipv6.setPayloadLength(ip, Icmpv6.SIZE + quote);
        Ipv6.setNextHeader(ip, Ipv6.PROTOCOL_ICMPV6);
        Ipv6.setHopLimit(ip, TTL);
        setSource6(p, ip);
        Ipv6.setDestination(ip, high, low);
        long icmp = ip + Ipv6.SIZE;
        Icmpv6.setTypeAndCode(icmp, type, code);
        Icmpv6.setRest(icmp, parameter);
        Memory.copy(p.l3, icmp + Icmpv6.SIZE, quote);
        Icmpv6.updateChecksum(ip, icmp, Icmpv6.SIZE + quote);
        sendBack(p, mbuf, net.knownHop6(high, low), Ethernet.TYPE_IPV6);
        return true;
    }

    private void setSource6(Packet p, long ip) {
        NetConfig config = net.config();
        long high = Ipv6.destinationHigh(p.l3);
        long low = Ipv6.destinationLow(p.l3);
        if (!Addresses.multicast6(high) && net.ours6(p.iface, high, low)) {
            Ipv6.setSource(ip, high, low);
            return;
        }
        DaemonConfig.@Nullable Prefix own = config.source6(p.iface, Ipv6.sourceHigh(p.l3), Ipv6.sourceLow(p.l3));
        if (own == null || LinkLocal.is(Ipv6.sourceHigh(p.l3))) {
            Ipv6.setSource(ip, LinkLocal.PREFIX, config.linkLocalLow(p.iface));
        } else {
            Ipv6.setSource(ip, NetConfig.high(own.address()), NetConfig.low(own.address()));
        }
    }

    /**
     * Sends an error by the route to its receiver; where that is not resolved now, to the station that the packet came
     * from, so that spoofed senders fill no neighbour queue.
     */
    private void sendBack(Packet p, long mbuf, int nextHop, int etherType) {
        if (nextHop >= 0 && net.valid(nextHop)) {
            long line = net.line(nextHop);
            long l3 = Mbuf.data(mbuf);
            Memory.setShortBe(l3 - 2, 2, 0, etherType);
            Adjacency.writeHeader(line, mbuf, l3);
            net.emit(mbuf, Adjacency.port(line));
            return;
        }
        if (p.l3 - p.frame < Ethernet.SIZE) {
            ask(p, mbuf, etherType);
            return;
        }
        if (Ethernet.isGroupAddress(Ethernet.source(p.frame))) {
            frames.free(mbuf);
            return;
        }
        frames.send(mbuf, net.config().iface(p.iface), Ethernet.source(p.frame), etherType);
    }

    /** No station is known for the sender of {@code p}: its next hop is asked for, and the error waits. */
    private void ask(Packet p, long mbuf, int etherType) {
        held.mbuf = mbuf;
        held.l3 = Mbuf.data(mbuf);
        held.l3Length = Mbuf.dataLength(mbuf);
        held.ipv6 = p.ipv6;
        Memory.setShortBe(held.l3 - 2, 2, 0, etherType);
        int nextHop =
                p.ipv6 ? net.nextHop6(Ipv6.sourceHigh(p.l3), Ipv6.sourceLow(p.l3)) : net.nextHop4(Ipv4.source(p.l3));
        net.dispatch(mbuf, net.output(held, nextHop));
    }

    /** Turns a ping, in place, into its answer. */
    int echo4(Packet p) {
        if (!Icmp.verifyChecksum(p.l4, p.l4Length)) {
            return Verdict.drop(DropReason.BAD_TRANSPORT_CHECKSUM);
        }
        if (!echoes.take(net.now())) {
            return Verdict.drop(DropReason.ICMP_RATE_LIMIT);
        }
        int header = (int) (p.l4 - p.l3);
        Memory.fill(p.l3 + Ipv4.SIZE, header - Ipv4.SIZE, OPTION_NOP);
        int source = Ipv4.source(p.l3);
        Ipv4.setSource(p.l3, Ipv4.destination(p.l3));
        Ipv4.setDestination(p.l3, source);
        Ipv4.setTtl(p.l3, TTL);
        Ipv4.setId(p.l3, id++ & 0xffff);
        Ipv4.setFlagsAndOffset(p.l3, 0);
        Ipv4.updateChecksum(p.l3, header);
        Icmp.makeEchoReply(p.l4);
        return back(p);
    }

    /** Turns an IPv6 ping, in place, into its answer. */
    int echo6(Packet p) {
        if (!Icmpv6.verifyChecksum(p.l3, p.l4, p.l4Length)) {
            return Verdict.drop(DropReason.BAD_TRANSPORT_CHECKSUM);
        }
        if (!echoes.take(net.now())) {
            return Verdict.drop(DropReason.ICMP_RATE_LIMIT);
        }
        long high = Ipv6.sourceHigh(p.l3);
        long low = Ipv6.sourceLow(p.l3);
        Ipv6.setSource(p.l3, Ipv6.destinationHigh(p.l3), Ipv6.destinationLow(p.l3));
        Ipv6.setDestination(p.l3, high, low);
        Ipv6.setHopLimit(p.l3, TTL);
        Icmpv6.makeEchoReply(p.l4);
        return back(p);
    }

    /** The frame goes back to the station it came from. */
    int back(Packet p) {
        Ethernet.swapAddresses(p.frame);
        return Verdict.transmit(net.config().portOf(p.iface));
    }
}
