package lvsd.dataplane.nat;

import lvsd.dataplane.Packet;
import lvsd.dataplane.service.Destination;
import lvsd.dpdk.Mbuf;
import lvsd.memory.Memory;
import lvsd.wire.Checksum;
import lvsd.wire.Ethernet;
import lvsd.wire.Gre;
import lvsd.wire.Gue;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Tcp;
import lvsd.wire.Udp;

/**
 * The tunnel method: a packet gets an IP header in front, with GUE a UDP and a GUE header and with GRE a GRE header between
 * the two, all in the headroom of its mbuf (RFC 2003, RFC 2473, RFC 4213, RFC 2784, draft-ietf-intarea-gue).
 *
 * <p>Static methods on packets of the calling worker. The outer header takes traffic class and TTL from the inner one, whose
 * own TTL the caller has counted down; ECN is that of RFC 6040 in normal mode, "congestion experienced" apart, which stays
 * inside.
 */
public final class Encapsulation {
    /** Longest link header that has to fit before the outer one. */
    private static final int LINK = 18;

    private static final int LONGEST = 65_535;
    private static final int ECN = 3;
    private static final int CONGESTION = 3;
    private static final int CAPABLE = 2;

    private Encapsulation() {}

    /** Bytes that a tunnel puts before a packet. */
    public static int overhead(Destination destination) {
        return (destination.ipv6 ? Ipv6.SIZE : Ipv4.SIZE) + between(destination);
    }

    private static int between(Destination destination) {
        return switch (destination.tunnel) {
            case Destination.TUNNEL_GUE -> Udp.SIZE + Gue.SIZE;
            case Destination.TUNNEL_GRE -> Gre.size(destination.tunnelChecksum);
            default -> 0;
        };
    }

    /**
     * Wraps {@code p} for an IPv4 {@code destination}; it is the outer packet then.
     *
     * @param source own address, wire form
     * @param id identification, for a packet that may be fragmented
     * @param whole whether the outer packet must not be fragmented
     * @param port source port of GUE's UDP, wire form
     * @return false when there is no room; nothing has changed then
     */
    public static boolean wrap4(Packet p, Destination destination, int source, int id, boolean whole, int port) {
        int trafficClass = trafficClass(p);
        int ttl = ttl(p);
        if (!prepare(p, destination, port)) {
            return false;
        }
        Ipv4.setHeaderLength(p.l3, Ipv4.SIZE);
        Ipv4.setTos(p.l3, trafficClass);
        Ipv4.setTotalLength(p.l3, p.l3Length);
        Ipv4.setId(p.l3, whole ? 0 : id);
        Ipv4.setFlagsAndOffset(p.l3, whole ? Ipv4.DONT_FRAGMENT : 0);
        Ipv4.setTtl(p.l3, ttl);
        Ipv4.setProtocol(p.l3, p.protocol);
        Ipv4.setAddresses(p.l3, Ipv4.pair(source, destination.address4));
        Ipv4.updateChecksum(p.l3, Ipv4.SIZE);
        checksum(p, destination);
        return true;
    }

    /** As {@link #wrap4} for an IPv6 {@code destination}; the source address is given as its two halves. */
    public static boolean wrap6(Packet p, Destination destination, long sourceHigh, long sourceLow, int port) {
        int trafficClass = trafficClass(p);
        int ttl = ttl(p);
        if (!prepare(p, destination, port)) {
            return false;
        }
        Ipv6.setVersionClassFlow(p.l3, trafficClass, 0);
        Ipv6.setPayloadLength(p.l3, p.l4Length);
        Ipv6.setNextHeader(p.l3, p.protocol);
        Ipv6.setHopLimit(p.l3, ttl);
        Ipv6.setSource(p.l3, sourceHigh, sourceLow);
        Ipv6.setDestination(p.l3, destination.address6High, destination.address6Low);
        checksum(p, destination);
        return true;
    }

    private static int trafficClass(Packet p) {
        int inner = p.ipv6 ? Ipv6.trafficClass(p.l3) : Ipv4.tos(p.l3);
        return (inner & ECN) == CONGESTION ? (inner & ~ECN) | CAPABLE : inner;
    }

    private static int ttl(Packet p) {
        return p.ipv6 ? Ipv6.hopLimit(p.l3) : Ipv4.ttl(p.l3);
    }

    /** Makes room, writes what stands between the IP headers, and makes {@code p} the outer packet. */
    private static boolean prepare(Packet p, Destination destination, int port) {
        int overhead = overhead(destination);
        int room = Mbuf.headroom(p.mbuf) + (int) (p.l3 - Mbuf.data(p.mbuf));
        if (room < overhead + LINK || p.l3Length + overhead > LONGEST) {
            return false;
        }
        // What lay behind the packet does not belong behind the outer one.
        Mbuf.setLength(p.mbuf, (int) (p.l3 - Mbuf.data(p.mbuf)) + p.l3Length);
        int protocol = p.ipv6 ? Ipv4.PROTOCOL_IPV6 : Ipv4.PROTOCOL_IPIP;
        int etherType = p.ipv6 ? Ethernet.TYPE_IPV6 : Ethernet.TYPE_IPV4;
        int between = between(destination);
        p.l4 = p.l3 - between;
        p.l4Length = p.l3Length + between;
        p.l3 -= overhead;
        p.l3Length += overhead;
        p.ipv6 = destination.ipv6;
        p.etherType = p.ipv6 ? Ethernet.TYPE_IPV6 : Ethernet.TYPE_IPV4;
        p.fragment = false;
        p.laterFragment = false;
        p.protocol = header(p, destination, port, protocol, etherType);
        Memory.setShortBe(p.l3 - 2, 2, 0, p.etherType);
        return true;
    }

    /** Writes what stands between, and returns its protocol number. */
    private static int header(Packet p, Destination destination, int port, int protocol, int etherType) {
        if (destination.tunnel == Destination.TUNNEL_GUE) {
            Udp.setPorts(p.l4, Tcp.portPair(port, destination.tunnelPort));
            Udp.setLength(p.l4, p.l4Length);
            Udp.setChecksum(p.l4, 0);
            Gue.write(p.l4 + Udp.SIZE, protocol);
            return Ipv4.PROTOCOL_UDP;
        }
        if (destination.tunnel == Destination.TUNNEL_GRE) {
            Gre.write(p.l4, etherType, destination.tunnelChecksum, p.l4Length);
            return Ipv4.PROTOCOL_GRE;
        }
        return protocol;
    }

    /** UDP's checksum is over the outer addresses too. */
    private static void checksum(Packet p, Destination destination) {
        if (destination.tunnel == Destination.TUNNEL_GUE && destination.tunnelChecksum) {
            int checksum = p.ipv6
                    ? Checksum.transport6(p.l3, p.l4, p.l4Length, Ipv4.PROTOCOL_UDP)
                    : Checksum.transport4(p.l3, p.l4, p.l4Length, Ipv4.PROTOCOL_UDP);
            Udp.setChecksum(p.l4, checksum);
        }
    }
}
