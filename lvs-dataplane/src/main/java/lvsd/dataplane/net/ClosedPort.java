package lvsd.dataplane.net;

import lvsd.dataplane.DropReason;
import lvsd.dataplane.Packet;
import lvsd.dataplane.Verdict;
import lvsd.dpdk.Mbuf;
import lvsd.memory.Memory;
import lvsd.wire.Checksum;
import lvsd.wire.Icmp;
import lvsd.wire.Icmpv6;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Tcp;

/** Answers as a host does where nobody listens, as the kernel does for VIPs. One per worker. */
final class ClosedPort {
    private static final int TTL = 64;
    private static final int CODE_UNKNOWN_NEXT_HEADER = 1;
    /** Where in an IPv6 header the next header is named. */
    private static final int NEXT_HEADER_AT = 6;

    private final Net net;
    private final IcmpSender icmp;

    ClosedPort(Net net, IcmpSender icmp) {
        this.net = net;
        this.icmp = icmp;
    }

    /** See {@link Net#refuse}. */
    int refuse(Packet p) {
        if (p.groupFrame || p.fragment) {
            return Verdict.drop(DropReason.NOT_SERVED);
        }
        switch (p.protocol) {
            case Ipv4.PROTOCOL_TCP -> {
                return p.l4Valid ? reset(p) : Verdict.drop(DropReason.NOT_SERVED);
            }
            case Ipv4.PROTOCOL_UDP -> {
                if (p.l4Valid) {
                    net.portUnreachable(p);
                }
            }
            case Ipv4.PROTOCOL_ICMP, Ipv6.PROTOCOL_ICMPV6 -> {}
            default -> protocolUnreachable(p);
        }
        return Verdict.drop(DropReason.NOT_SERVED);
    }

    /** Nothing but TCP, UDP and ICMP is spoken here (RFC 1122, section 3.2.2.1; RFC 4443, section 3.4). */
    private void protocolUnreachable(Packet p) {
        if (!p.ipv6) {
            net.icmpError(p, Icmp.UNREACHABLE, Icmp.CODE_PROTOCOL, 0);
        } else if (Ipv6.nextHeader(p.l3) == p.protocol) {
            net.icmpError(p, Icmpv6.PARAMETER_PROBLEM, CODE_UNKNOWN_NEXT_HEADER, NEXT_HEADER_AT);
        }
    }

    /** RFC 9293, section 3.10.7.1: the answer of a closed port, made of the segment itself. */
    private int reset(Packet p) {
        boolean good = p.ipv6
                ? Checksum.verify6(p.l3, p.l4, p.l4Length, Ipv4.PROTOCOL_TCP)
                : Checksum.verify4(p.l3, p.l4, p.l4Length, Ipv4.PROTOCOL_TCP);
        if (!good) {
            return Verdict.drop(DropReason.BAD_TRANSPORT_CHECKSUM);
        }
        int flags = Tcp.flags(p.l4);
        if ((flags & Tcp.RST) != 0) {
            return Verdict.drop(DropReason.NOT_SERVED);
        }
        if (!icmp.allowed()) {
            return Verdict.drop(DropReason.ICMP_RATE_LIMIT);
        }
        return answer(p, flags);
    }

    private int answer(Packet p, int flags) {
        int ports = Tcp.ports(p.l4);
        int seq = 0;
        int ack = 0;
        int answer = Tcp.RST;
        if ((flags & Tcp.ACK_FLAG) != 0) {
            seq = Tcp.ack(p.l4);
        } else {
            int counted = ((flags & Tcp.SYN) != 0 ? 1 : 0) + ((flags & Tcp.FIN) != 0 ? 1 : 0);
            ack = Tcp.seq(p.l4) + p.l4Length - Tcp.headerLength(p.l4) + counted;
            answer |= Tcp.ACK_FLAG;
        }
        long tcp = p.ipv6 ? resetHeader6(p) : resetHeader4(p);
        clear(tcp);
        Tcp.setPorts(tcp, Tcp.portPair(Tcp.pairDestination(ports), Tcp.pairSource(ports)));
        Tcp.setSeq(tcp, seq);
        Tcp.setAck(tcp, ack);
        Tcp.setHeaderLength(tcp, Tcp.SIZE);
        Tcp.setFlags(tcp, answer);
        Tcp.setChecksum(tcp, transport(p, tcp));
        Mbuf.setLength(p.mbuf, (int) (tcp + Tcp.SIZE - p.frame));
        return icmp.back(p);
    }

    /** Stores, where a fill would leave a segment object on the heap. */
    private static void clear(long tcp) {
        Memory.setLong(tcp, Tcp.SIZE, 0, 0);
        Memory.setLong(tcp, Tcp.SIZE, 8, 0);
        Memory.setInt(tcp, Tcp.SIZE, 16, 0);
    }

    private static int transport(Packet p, long tcp) {
        return p.ipv6
                ? Checksum.transport6(p.l3, tcp, Tcp.SIZE, Ipv4.PROTOCOL_TCP)
                : Checksum.transport4(p.l3, tcp, Tcp.SIZE, Ipv4.PROTOCOL_TCP);
    }

    private static long resetHeader4(Packet p) {
        int source = Ipv4.source(p.l3);
        Ipv4.setHeaderLength(p.l3, Ipv4.SIZE);
        Ipv4.setTos(p.l3, 0);
        Ipv4.setTotalLength(p.l3, Ipv4.SIZE + Tcp.SIZE);
        Ipv4.setId(p.l3, 0);
        Ipv4.setFlagsAndOffset(p.l3, Ipv4.DONT_FRAGMENT);
        Ipv4.setTtl(p.l3, TTL);
        Ipv4.setSource(p.l3, Ipv4.destination(p.l3));
        Ipv4.setDestination(p.l3, source);
        Ipv4.updateChecksum(p.l3, Ipv4.SIZE);
        return p.l3 + Ipv4.SIZE;
    }

    private static long resetHeader6(Packet p) {
        long high = Ipv6.sourceHigh(p.l3);
        long low = Ipv6.sourceLow(p.l3);
        Ipv6.setVersionClassFlow(p.l3, 0, Ipv6.flowLabel(p.l3));
        Ipv6.setPayloadLength(p.l3, Tcp.SIZE);
        Ipv6.setNextHeader(p.l3, Ipv4.PROTOCOL_TCP);
        Ipv6.setHopLimit(p.l3, TTL);
        Ipv6.setSource(p.l3, Ipv6.destinationHigh(p.l3), Ipv6.destinationLow(p.l3));
        Ipv6.setDestination(p.l3, high, low);
        return p.l3 + Ipv6.SIZE;
    }
}
