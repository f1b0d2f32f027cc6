package lvsd.dataplane.net;

import lvsd.dataplane.Packet;
import lvsd.wire.Icmp;
import lvsd.wire.Icmpv6;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Tcp;
import lvsd.wire.Udp;
import lvsd.wire.WireForm;

/** Sorts packets for the director's own kernel into punt classes. */
final class Classifier {
    private static final int EIGRP = 88;
    private static final int PIM = 103;
    private static final int BGP = 179;
    private static final int RIP = 520;
    private static final int RIPNG = 521;
    private static final int BFD = 3784;
    private static final int BFD_ECHO = 3785;
    private static final int BFD_MULTIHOP = 4784;
    private static final int MLD_FIRST = 130;
    private static final int MLD_LAST = 132;
    private static final int MLD2_REPORT = 143;

    private Classifier() {}

    /** The class of a packet for an own or a group address. */
    static int classify(NetSettings settings, Packet p) {
        return (routing(p) ? PuntClass.ROUTING : health(settings, p) ? PuntClass.HEALTH : PuntClass.REST).ordinal();
    }

    private static boolean routing(Packet p) {
        return switch (p.protocol) {
            case Ipv4.PROTOCOL_OSPF, Ipv4.PROTOCOL_VRRP, EIGRP, PIM -> true;
            case Ipv4.PROTOCOL_IGMP -> !p.ipv6;
            case Ipv4.PROTOCOL_TCP ->
                p.l4Valid
                        && (WireForm.short16(Tcp.destinationPort(p.l4)) == BGP
                                || WireForm.short16(Tcp.sourcePort(p.l4)) == BGP);
            case Ipv4.PROTOCOL_UDP -> p.l4Valid && routingPort(WireForm.short16(Udp.destinationPort(p.l4)));
            case Ipv6.PROTOCOL_ICMPV6 -> p.ipv6 && p.l4Valid && mld(Icmpv6.type(p.l4));
            default -> false;
        };
    }

    private static boolean routingPort(int port) {
        return switch (port) {
            case RIP, RIPNG, BFD, BFD_ECHO, BFD_MULTIHOP -> true;
            default -> false;
        };
    }

    private static boolean mld(int type) {
        return (type >= MLD_FIRST && type <= MLD_LAST) || type == MLD2_REPORT;
    }

    /** What answers a connection that the director's host has opened. */
    private static boolean health(NetSettings settings, Packet p) {
        if (!p.l4Valid) {
            return false;
        }
        return switch (p.protocol) {
            case Ipv4.PROTOCOL_TCP ->
                (Tcp.flags(p.l4) & (Tcp.SYN | Tcp.ACK_FLAG)) != Tcp.SYN
                        && settings.localPort(WireForm.short16(Tcp.destinationPort(p.l4)));
            case Ipv4.PROTOCOL_UDP -> settings.localPort(WireForm.short16(Udp.destinationPort(p.l4)));
            case Ipv4.PROTOCOL_ICMP -> !p.ipv6 && Icmp.type(p.l4) == Icmp.ECHO_REPLY;
            case Ipv6.PROTOCOL_ICMPV6 -> p.ipv6 && Icmpv6.type(p.l4) == Icmpv6.ECHO_REPLY;
            default -> false;
        };
    }
}
