package lvsd.dataplane.net;

import lvsd.dataplane.Packet;
import lvsd.dpdk.Mbuf;
import lvsd.memory.Memory;
import lvsd.wire.Ethernet;
import lvsd.wire.Icmp;
import lvsd.wire.Icmpv6;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Sctp;
import lvsd.wire.Tcp;
import lvsd.wire.Udp;

/** Parses once more a packet that was held: it passed the parser before, but has been rewritten since. */
final class HeldPacket {
    private HeldPacket() {}

    /** Fills {@code p}; its interface becomes unknown (-1). False when the packet makes no sense any more. */
    static boolean parse(Packet p, long mbuf, long l3) {
        p.mbuf = mbuf;
        p.frame = Mbuf.data(mbuf);
        p.frameLength = Mbuf.dataLength(mbuf);
        p.iface = -1;
        p.l3 = l3;
        p.groupFrame = false;
        int available = (int) (p.frame + p.frameLength - l3);
        if (available < Ipv4.SIZE) {
            return false;
        }
        p.ipv6 = Memory.getByte(l3, Ipv4.SIZE, 0) >>> 4 == 6;
        p.etherType = p.ipv6 ? Ethernet.TYPE_IPV6 : Ethernet.TYPE_IPV4;
        if (!(p.ipv6 ? parse6(p, available) : parse4(p, available))) {
            return false;
        }
        p.l4Valid = !p.laterFragment && p.l4Length >= minimum(p.protocol, p.ipv6);
        return true;
    }

    private static boolean parse4(Packet p, int available) {
        int header = Ipv4.check(p.l3, available);
        if (header < 0) {
            return false;
        }
        p.l3Length = Ipv4.totalLength(p.l3);
        p.protocol = Ipv4.protocol(p.l3);
        p.l4 = p.l3 + header;
        p.l4Length = p.l3Length - header;
        p.fragment = Ipv4.isFragment(p.l3);
        p.laterFragment = Ipv4.isLaterFragment(p.l3);
        return true;
    }

    private static boolean parse6(Packet p, int available) {
        if (Ipv6.check(p.l3, available) < 0) {
            return false;
        }
        p.l3Length = Ipv6.SIZE + Ipv6.payloadLength(p.l3);
        long walked = Ipv6.walk(p.l3, p.l3Length);
        if (walked < 0) {
            return false;
        }
        p.protocol = Ipv6.protocol(walked);
        p.l4 = p.l3 + Ipv6.offset(walked);
        p.l4Length = p.l3Length - Ipv6.offset(walked);
        p.fragment = Ipv6.isFragment(walked);
        p.laterFragment = Ipv6.isLaterFragment(walked);
        return true;
    }

    private static int minimum(int protocol, boolean ipv6) {
        return switch (protocol) {
            case Ipv4.PROTOCOL_TCP -> Tcp.SIZE;
            case Ipv4.PROTOCOL_UDP -> Udp.SIZE;
            case Ipv4.PROTOCOL_SCTP -> Sctp.SIZE;
            case Ipv4.PROTOCOL_ICMP -> ipv6 ? 0 : Icmp.SIZE;
            case Ipv6.PROTOCOL_ICMPV6 -> ipv6 ? Icmpv6.SIZE : 0;
            default -> 0;
        };
    }
}
