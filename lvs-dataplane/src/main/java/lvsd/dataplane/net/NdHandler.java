package lvsd.dataplane.net;

import lvsd.dataplane.DropReason;
import lvsd.dataplane.Packet;
import lvsd.dataplane.Verdict;
import lvsd.dpdk.Mbuf;
import lvsd.wire.Ethernet;
import lvsd.wire.Icmpv6;
import lvsd.wire.Ipv6;

/** IPv6 neighbour discovery (RFC 4861): answers, learns, asks, announces. One per worker. */
final class NdHandler {
    private static final int MESSAGE = Icmpv6.NEIGHBOUR_SIZE + Icmpv6.OPTION_SIZE;

    private final Net net;
    private final Frames frames;

    NdHandler(Net net, Frames frames) {
        this.net = net;
        this.frames = frames;
    }

    /** The verdict of an ICMPv6 message of types 133 to 137. */
    int input(Packet p) {
        int options = check(p);
        if (options < 0) {
            return Verdict.drop(DropReason.BAD_NEIGHBOUR_MESSAGE);
        }
        return switch (Icmpv6.type(p.l4)) {
            case Icmpv6.NEIGHBOUR_SOLICITATION -> solicitation(p, options);
            case Icmpv6.NEIGHBOUR_ADVERTISEMENT -> advertisement(p, options);
            default -> Verdict.punt(PuntClass.NEIGHBOUR.ordinal());
        };
    }

    /** RFC 4861, sections 6.1, 7.1 and 8.1: offset of the first option, or negative. */
    private static int check(Packet p) {
        if (!p.l4Valid
                || p.fragment
                || Ipv6.hopLimit(p.l3) != Icmpv6.ND_HOP_LIMIT
                || !Icmpv6.verifyChecksum(p.l3, p.l4, p.l4Length)) {
            return -1;
        }
        return Icmpv6.checkNeighbourDiscovery(p.l4, p.l4Length);
    }

    private int solicitation(Packet p, int options) {
        long high = Icmpv6.targetHigh(p.l4);
        long low = Icmpv6.targetLow(p.l4);
        long sourceHigh = Ipv6.sourceHigh(p.l3);
        long sourceLow = Ipv6.sourceLow(p.l3);
        long mac = Icmpv6.linkLayerAddress(p.l4, p.l4Length, options, Icmpv6.OPTION_SOURCE);
        boolean probe = Addresses.unspecified6(sourceHigh, sourceLow);
        boolean solicitedNode = Addresses.solicitedNode(Ipv6.destinationHigh(p.l3), Ipv6.destinationLow(p.l3));
        if (Addresses.multicast6(high) || (probe && (mac != -1 || !solicitedNode)) || badMac(mac)) {
            return Verdict.drop(DropReason.BAD_NEIGHBOUR_MESSAGE);
        }
        if (!probe && net.ours6(p.iface, sourceHigh, sourceLow)) {
            return Verdict.drop(DropReason.NEIGHBOUR_IGNORED);
        }
        if (!probe && mac != -1) {
            net.learned(true, p.iface, sourceHigh, sourceLow, mac, false, true);
        }
        if (net.config().answers6(p.iface, high, low)) {
            return answer(p, high, low, probe, mac);
        }
        if (net.ours6(p.iface, high, low)) {
            return Verdict.drop(DropReason.NEIGHBOUR_IGNORED);
        }
        if (net.config().localKind6(high, low) == NetConfig.STANDBY) {
            return Verdict.drop(DropReason.STANDBY);
        }
        return Verdict.punt(PuntClass.REST.ordinal());
    }

    private static boolean badMac(long mac) {
        return mac != -1 && (mac == 0 || Ethernet.isGroupAddress(mac));
    }

    private int answer(Packet p, long high, long low, boolean probe, long mac) {
        Interface iface = net.config().iface(p.iface);
        if (probe) {
            advertise(iface, high, low, Addresses.LINK_MULTICAST, Addresses.ALL_NODES_LOW, 0, allNodesMac());
        } else {
            long destination = mac != -1 ? mac : Ethernet.source(p.frame);
            int flags = Icmpv6.FLAG_SOLICITED;
            advertise(iface, high, low, Ipv6.sourceHigh(p.l3), Ipv6.sourceLow(p.l3), flags, destination);
        }
        frames.free(p.mbuf);
        return Verdict.KEPT;
    }

    private int advertisement(Packet p, int options) {
        long high = Icmpv6.targetHigh(p.l4);
        long low = Icmpv6.targetLow(p.l4);
        int flags = Icmpv6.rest(p.l4);
        boolean solicited = (flags & Icmpv6.FLAG_SOLICITED) != 0;
        boolean group = Addresses.multicast6(Ipv6.destinationHigh(p.l3));
        long mac = Icmpv6.linkLayerAddress(p.l4, p.l4Length, options, Icmpv6.OPTION_TARGET);
        if (Addresses.multicast6(high) || (group && solicited) || badMac(mac)) {
            return Verdict.drop(DropReason.BAD_NEIGHBOUR_MESSAGE);
        }
        if (net.ours6(p.iface, high, low)) {
            return Verdict.drop(DropReason.NEIGHBOUR_IGNORED);
        }
        long learned = mac == -1 ? net.knownMac6(p.iface, high, low) : mac;
        if (learned != 0) {
            boolean override = (flags & Icmpv6.FLAG_OVERRIDE) != 0;
            net.learned(true, p.iface, high, low, learned, solicited, override);
        }
        return Verdict.punt((group ? PuntClass.REST : PuntClass.NEIGHBOUR).ordinal());
    }

    /** Asks who has an address: by its solicited-node group, or the MAC to confirm ({@code destination} not 0). */
    void ask(Interface iface, long high, long low, long destination) {
        long mbuf = frames.begin(Ipv6.SIZE + MESSAGE);
        if (mbuf == 0) {
            return;
        }
        long ip = Mbuf.data(mbuf);
        long group = Addresses.solicitedNodeLow(low);
        header(ip, LinkLocal.PREFIX, net.config().linkLocalLow(iface.index()));
        if (destination == 0) {
            Ipv6.setDestination(ip, Addresses.LINK_MULTICAST, group);
        } else {
            Ipv6.setDestination(ip, high, low);
        }
        message(ip, Icmpv6.NEIGHBOUR_SOLICITATION, 0, high, low, Icmpv6.OPTION_SOURCE, iface.mac());
        long mac = destination == 0 ? Addresses.multicastMac6(group) : destination;
        frames.send(mbuf, iface, mac, Ethernet.TYPE_IPV6);
    }

    /** Announces an address to all nodes (RFC 4861, section 7.2.6). */
    void announce(Interface iface, long high, long low) {
        advertise(iface, high, low, Addresses.LINK_MULTICAST, Addresses.ALL_NODES_LOW, 0, allNodesMac());
    }

    private static long allNodesMac() {
        return Addresses.multicastMac6(Addresses.ALL_NODES_LOW);
    }

    private void advertise(Interface iface, long high, long low, long toHigh, long toLow, int solicited, long mac) {
        long mbuf = frames.begin(Ipv6.SIZE + MESSAGE);
        if (mbuf == 0) {
            return;
        }
        long ip = Mbuf.data(mbuf);
        header(ip, high, low);
        Ipv6.setDestination(ip, toHigh, toLow);
        int flags = solicited | Icmpv6.FLAG_OVERRIDE | (net.config().forward ? Icmpv6.FLAG_ROUTER : 0);
        message(ip, Icmpv6.NEIGHBOUR_ADVERTISEMENT, flags, high, low, Icmpv6.OPTION_TARGET, iface.mac());
        frames.send(mbuf, iface, mac, Ethernet.TYPE_IPV6);
    }

    private static void header(long ip, long sourceHigh, long sourceLow) {
        Ipv6.setVersionClassFlow(ip, 0, 0);
        Ipv6.setPayloadLength(ip, MESSAGE);
        Ipv6.setNextHeader(ip, Ipv6.PROTOCOL_ICMPV6);
        Ipv6.setHopLimit(ip, Icmpv6.ND_HOP_LIMIT);
        Ipv6.setSource(ip, sourceHigh, sourceLow);
    }

    private static void message(long ip, int type, int flags, long high, long low, int option, long mac) {
        long icmp = ip + Ipv6.SIZE;
        Icmpv6.setTypeAndCode(icmp, type, 0);
        Icmpv6.setRest(icmp, flags);
        Icmpv6.setTarget(icmp, high, low);
        Icmpv6.setOption(icmp + Icmpv6.NEIGHBOUR_SIZE, option, mac);
        Icmpv6.updateChecksum(ip, icmp, MESSAGE);
    }
}
