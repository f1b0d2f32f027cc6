package lvsd.dataplane.nat;

import lvsd.dataplane.Packet;
import lvsd.dataplane.service.Destination;
import lvsd.wire.Ethernet;
import lvsd.wire.Gre;
import lvsd.wire.Gue;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Udp;

/** Finds the packet inside one that {@link Encapsulation} has wrapped, whole or as an ICMP error quotes it. */
public final class Unwrapping {
    /** Not a packet in a tunnel, or too little of it. */
    public static final int NONE = -1;

    /** What is needed of the inner transport header: its ports (RFC 792 quotes eight bytes). */
    private static final int TRANSPORT = 8;

    private Unwrapping() {}

    /**
     * Fills {@code inner} with the packet inside the one at {@code ip}, as far as it is there: addresses, lengths and
     * transport; {@link Packet#l4Valid} says that it is whole enough for its ports, of a protocol that is balanced.
     *
     * @param ipv6 whether the outer packet is IPv6
     * @param available bytes from {@code ip} on
     * @return the kind of tunnel ({@link Destination#TUNNEL_IPIP} and so on), or {@link #NONE}
     */
    public static int unwrap(boolean ipv6, long ip, int available, Packet inner) {
        int header = ipv6 ? Ipv6.checkQuoted(ip, available) : Ipv4.checkQuoted(ip, available);
        if (header < 0 || (!ipv6 && Ipv4.isLaterFragment(ip))) {
            return NONE;
        }
        int protocol = ipv6 ? Ipv6.nextHeader(ip) : Ipv4.protocol(ip);
        if (ipv6 && protocol == Ipv6.NEXT_FRAGMENT) {
            // Of those that we cut: the first one's header comes right behind the fixed one.
            long walked = Ipv6.walk(ip, available);
            if (walked < 0 || Ipv6.isLaterFragment(walked)) {
                return NONE;
            }
            header = Ipv6.offset(walked);
            protocol = Ipv6.protocol(walked);
        }
        return between(protocol, ip + header, available - header, inner);
    }

    private static int between(int protocol, long at, int available, Packet inner) {
        return switch (protocol) {
            case Ipv4.PROTOCOL_IPIP, Ipv4.PROTOCOL_IPV6 ->
                inside(protocol, at, available, inner) ? Destination.TUNNEL_IPIP : NONE;
            case Ipv4.PROTOCOL_GRE -> inGre(at, available, inner) ? Destination.TUNNEL_GRE : NONE;
            case Ipv4.PROTOCOL_UDP -> inGue(at, available, inner) ? Destination.TUNNEL_GUE : NONE;
            default -> NONE;
        };
    }

    private static boolean inGre(long at, int available, Packet inner) {
        int size = Gre.check(at, available);
        if (size < 0) {
            return false;
        }
        int type = Gre.protocolType(at);
        if (type == Ethernet.TYPE_IPV4) {
            return inside4(at + size, available - size, inner);
        }
        return type == Ethernet.TYPE_IPV6 && inside6(at + size, available - size, inner);
    }

    /** We send no extensions. */
    private static boolean inGue(long at, int available, Packet inner) {
        long gue = at + Udp.SIZE;
        int left = available - Udp.SIZE;
        return left >= 0
                && Gue.check(gue, left) == Gue.SIZE
                && inside(Gue.protocol(gue), gue + Gue.SIZE, left - Gue.SIZE, inner);
    }

    /** UDP destination port, wire form, of a packet in GUE that {@link #unwrap} has found. */
    public static int port(Packet inner) {
        return Udp.destinationPort(inner.l3 - Gue.SIZE - Udp.SIZE);
    }

    private static boolean inside(int protocol, long at, int available, Packet inner) {
        return switch (protocol) {
            case Ipv4.PROTOCOL_IPIP -> inside4(at, available, inner);
            case Ipv4.PROTOCOL_IPV6 -> inside6(at, available, inner);
            default -> false;
        };
    }

    private static boolean inside4(long ip, int available, Packet inner) {
        int header = Ipv4.checkQuoted(ip, available);
        if (header < 0) {
            return false;
        }
        fill(inner, false, ip, Math.min(available, Ipv4.totalLength(ip)), header, Ipv4.protocol(ip));
        inner.fragment = Ipv4.isFragment(ip);
        inner.laterFragment = Ipv4.isLaterFragment(ip);
        return true;
    }

    private static boolean inside6(long ip, int available, Packet inner) {
        if (Ipv6.checkQuoted(ip, available) < 0) {
            return false;
        }
        int length = Math.min(available, Ipv6.SIZE + Ipv6.payloadLength(ip));
        long walked = Ipv6.walk(ip, length);
        if (walked < 0) {
            return false;
        }
        fill(inner, true, ip, length, Ipv6.offset(walked), Ipv6.protocol(walked));
        inner.fragment = Ipv6.isFragment(walked);
        inner.laterFragment = Ipv6.isLaterFragment(walked);
        return true;
    }

    private static void fill(Packet inner, boolean ipv6, long ip, int length, int header, int protocol) {
        inner.ipv6 = ipv6;
        inner.etherType = ipv6 ? Ethernet.TYPE_IPV6 : Ethernet.TYPE_IPV4;
        inner.frame = ip;
        inner.frameLength = length;
        inner.l3 = ip;
        inner.l3Length = length;
        inner.l4 = ip + header;
        inner.l4Length = length - header;
        inner.protocol = protocol;
        inner.groupFrame = false;
        inner.iface = -1;
        boolean balanced =
                protocol == Ipv4.PROTOCOL_TCP || protocol == Ipv4.PROTOCOL_UDP || protocol == Ipv4.PROTOCOL_SCTP;
        inner.l4Valid = balanced && inner.l4Length >= TRANSPORT;
    }
}
