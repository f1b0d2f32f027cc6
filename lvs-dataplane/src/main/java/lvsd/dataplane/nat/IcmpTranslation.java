package lvsd.dataplane.nat;

import lvsd.dataplane.Packet;
import lvsd.dataplane.connection.Connection;
import lvsd.memory.Memory;
import lvsd.rules.ForwardingMethod;
import lvsd.wire.Checksum;
import lvsd.wire.Icmp;
import lvsd.wire.Icmpv6;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Tcp;
import lvsd.wire.WireForm;

/**
 * ICMP errors about packets of balanced connections, translated both ways (RFC 5508, section 4.2): the error travels like a
 * packet of the side it came from, and what it quotes is shown as that side's peer sent it: addresses, ports, sequence
 * numbers and all checksums, the quoted ones included.
 *
 * <p>Static methods on packets of the calling worker.
 */
public final class IcmpTranslation {
    /** ICMPv6 types below it are errors (RFC 4443, section 2.1). */
    private static final int FIRST_INFORMATIONAL6 = 128;
    /** What every error quotes at least of the transport header (RFC 792): ports and, with TCP, the sequence number. */
    private static final int QUOTED_TRANSPORT = 8;
    /** Bytes of a TCP header up to the end of its flags. */
    private static final int FLAGS_END = 14;
    /** Bytes of a TCP header up to the end of its checksum. */
    private static final int CHECKSUM_END = 18;

    private static final int FULLNAT = ForwardingMethod.FULLNAT.number();
    private static final int ADJUSTED = Connection.SEQ_TO_SERVER
            | Connection.SEQ_IN
            | Connection.SEQ_OUT
            | Connection.TIMESTAMP_DELTA
            | Connection.SYN_PROXY;

    private IcmpTranslation() {}

    /** True for ICMP and ICMPv6 errors. A redirect quotes a packet too, but is for the one it was sent to alone. */
    public static boolean isError(Packet p) {
        if (!p.l4Valid || p.fragment) {
            return false;
        }
        int type = Icmp.type(p.l4);
        return p.ipv6
                ? p.protocol == Ipv6.PROTOCOL_ICMPV6 && type < FIRST_INFORMATIONAL6
                : p.protocol == Ipv4.PROTOCOL_ICMP && Icmp.isError(type) && type != Icmp.REDIRECT;
    }

    /** True when the ICMP checksum is right. */
    public static boolean checksumValid(Packet p) {
        return p.ipv6
                ? Checksum.verify6(p.l3, p.l4, p.l4Length, Ipv6.PROTOCOL_ICMPV6)
                : Icmp.verifyChecksum(p.l4, p.l4Length);
    }

    /**
     * Bytes of the quoted IP header with its options, or -1 when the quote is too short, a later fragment, or of a
     * transport that is not balanced.
     */
    public static int quotedHeader(Packet p) {
        long quote = p.l4 + Icmp.SIZE;
        int available = p.l4Length - Icmp.SIZE;
        if (p.ipv6) {
            if (available < Ipv6.SIZE + QUOTED_TRANSPORT || Ipv6.version(quote) != 6) {
                return -1;
            }
            return balanced(Ipv6.nextHeader(quote)) ? Ipv6.SIZE : -1;
        }
        if (available < Ipv4.SIZE) {
            return -1;
        }
        int header = (Memory.getByte(quote, Ipv4.SIZE, 0) & 0xf) * 4;
        if (Memory.getByte(quote, Ipv4.SIZE, 0) >>> 4 != 4
                || header < Ipv4.SIZE
                || available < header + QUOTED_TRANSPORT
                || Ipv4.fragmentOffset(quote) != 0) {
            return -1;
        }
        return balanced(Ipv4.protocol(quote)) ? header : -1;
    }

    private static boolean balanced(int protocol) {
        return protocol == Ipv4.PROTOCOL_TCP || protocol == Ipv4.PROTOCOL_UDP || protocol == Ipv4.PROTOCOL_SCTP;
    }

    /** Transport protocol of the quoted packet. */
    public static int quotedProtocol(Packet p) {
        long quote = p.l4 + Icmp.SIZE;
        return p.ipv6 ? Ipv6.nextHeader(quote) : Ipv4.protocol(quote);
    }

    /** The quoted IPv4 addresses reversed: the tuple of the side that the error came from. */
    public static long reversedAddresses4(Packet p) {
        return Long.rotateLeft(Ipv4.addresses(p.l4 + Icmp.SIZE), 32);
    }

    /** The quoted ports reversed. */
    public static int reversedPorts(Packet p, int quotedHeader) {
        return Integer.rotateLeft(Memory.getInt(p.l4 + Icmp.SIZE + quotedHeader, QUOTED_TRANSPORT, 0), 16);
    }

    /**
     * Translates an IPv4 error that came from {@code side} (0: the client's) of the connection at {@code hot} and
     * {@code cold}. TTL goes down by one.
     */
    public static void translate4(Packet p, int quotedHeader, long hot, long cold, int side) {
        restore4(p.l4 + Icmp.SIZE, quotedHeader, p.l4Length - Icmp.SIZE - quotedHeader, hot, cold, side);
        // The outer header: as every packet of this side, but the source is that of the side's peer towards the
        // receiver.
        int receiver = Ipv4.pairSource(Connection.addresses(hot, 1 - side));
        int source = side == 0 ? outerSource4(p, hot) : Ipv4.pairDestination(Connection.addresses(hot, 0));
        Ipv4.setAddresses(p.l3, Ipv4.pair(source, receiver));
        Ipv4.setTtl(p.l3, Ipv4.ttl(p.l3) - 1);
        Ipv4.updateChecksum(p.l3, (int) (p.l4 - p.l3));
        Icmp.updateChecksum(p.l4, p.l4Length);
    }

    /** Towards the server the error keeps its source with NAT and shows the local address with FULLNAT. */
    private static int outerSource4(Packet p, long hot) {
        boolean fullnat = Connection.method(Connection.flags(hot)) == FULLNAT;
        return fullnat ? Ipv4.pairDestination(Connection.addresses(hot, 1)) : Ipv4.source(p.l3);
    }

    /**
     * Turns an IPv4 packet that was rewritten and sent to {@code side} back into what the other side's peer sent, but for
     * TTL and a TOA option: addresses, ports, sequence numbers, options, and all checksums that are there. The packet may
     * be a quote and end anywhere behind the first eight bytes of its transport header.
     *
     * @param ip the packet
     * @param header bytes of its IP header
     * @param available bytes of it that are there behind the IP header, at least 8
     */
    public static void restore4(long ip, int header, int available, long hot, long cold, int side) {
        long addresses = Connection.addresses(hot, 1 - side);
        int delta = Checksum.deltaLong(Ipv4.addresses(ip), addresses);
        Ipv4.setAddresses(ip, addresses);
        Ipv4.setChecksum(ip, Checksum.apply(Ipv4.checksum(ip), delta));
        restoreTransport(ip + header, available, Ipv4.protocol(ip), hot, cold, side, delta);
    }

    /** As {@link #translate4} for IPv6; {@code addresses} is the address part of the entry: client, VIP, RS, local. */
    public static void translate6(Packet p, long hot, long cold, long addresses, int side) {
        long quote = p.l4 + Icmpv6.SIZE;
        int available = p.l4Length - Icmpv6.SIZE - Ipv6.SIZE;
        restore6(quote, quote + Ipv6.SIZE, available, Ipv6.nextHeader(quote), hot, cold, addresses, side);

        boolean fullnat = Connection.method(Connection.flags(hot)) == FULLNAT;
        if (side == 1) {
            Memory.copy(addresses + 16, p.l3 + 8, 16);
            Memory.copy(addresses, p.l3 + 24, 16);
        } else {
            if (fullnat) {
                Memory.copy(addresses + 48, p.l3 + 8, 16);
            }
            Memory.copy(addresses + 32, p.l3 + 24, 16);
        }
        Ipv6.decrementHopLimit(p.l3);
        Memory.setShort(p.l4, Icmpv6.SIZE, 2, Checksum.transport6(p.l3, p.l4, p.l4Length, Ipv6.PROTOCOL_ICMPV6));
    }

    /** As {@link #restore4} for IPv6, whose transport header of {@code protocol} is at {@code l4}. */
    public static void restore6(
            long ip, long l4, int available, int protocol, long hot, long cold, long addresses, int side) {
        // What was sent to one side came with the addresses of the other side's tuple: source, then destination.
        int delta = copyAddresses(addresses + (side == 0 ? 32 : 0), ip);
        restoreTransport(l4, available, protocol, hot, cold, side, delta);
    }

    /** Copies 32 bytes of addresses into an IPv6 header and returns their checksum delta. */
    private static int copyAddresses(long from, long ip) {
        int delta = 0;
        for (int at = 0; at < 32; at += 8) {
            long old = Memory.getLong(ip, Ipv6.SIZE, 8 + at);
            long fresh = Memory.getLong(from, 32, at);
            Memory.setLong(ip, Ipv6.SIZE, 8 + at, fresh);
            delta = Checksum.add(delta, Checksum.deltaLong(old, fresh));
        }
        return delta;
    }

    private static void restoreTransport(
            long l4, int available, int protocol, long hot, long cold, int side, int addressDelta) {
        int ports = Connection.ports(hot, 1 - side);
        int delta = Checksum.add(addressDelta, Checksum.deltaInt(Memory.getInt(l4, QUOTED_TRANSPORT, 0), ports));
        Memory.setInt(l4, QUOTED_TRANSPORT, 0, ports);
        if (protocol == Ipv4.PROTOCOL_SCTP) {
            return; // its checksum is over the whole packet, of which a quote has a part
        }
        if (protocol == Ipv4.PROTOCOL_UDP) {
            Memory.setShort(
                    l4, QUOTED_TRANSPORT, 6, Checksum.applyUdp(Memory.getShort(l4, QUOTED_TRANSPORT, 6), delta));
            return;
        }
        if ((Connection.flags(hot) & ADJUSTED) != 0) {
            delta = Checksum.add(delta, unadjust(l4, available, hot, cold, side));
        }
        if (available >= CHECKSUM_END) {
            int checksum = Memory.getShort(l4, CHECKSUM_END, 16);
            Memory.setShort(l4, CHECKSUM_END, 16, Checksum.apply(checksum, delta));
        }
    }

    /** Takes back what {@link TcpRewrite} did to the segment when it went out to {@code side}; returns the delta. */
    private static int unadjust(long l4, int available, long hot, long cold, int side) {
        int sequence = -Connection.seqDelta(hot, 1 - side);
        int acknowledgement = Connection.seqDelta(hot, side);
        if (available < Tcp.SIZE) {
            return unadjustShort(l4, available, sequence, acknowledgement);
        }
        int delta = Checksum.deltaAdded(TcpRewrite.sequence(l4, Tcp.flags(l4), sequence, acknowledgement));
        int header = Tcp.headerLength(l4);
        if (header <= Tcp.SIZE || header > available) {
            return delta;
        }
        int flags = Connection.flags(hot);
        int up = (flags & Connection.TIMESTAMP_DELTA) != 0 ? Connection.timestampDelta(cold) : 0;
        int down = (flags & Connection.SYN_PROXY) != 0 ? Connection.proxyTimestamp(cold) : 0;
        int value = side == Connection.SERVER_SIDE ? -up : -down;
        int echo = side == Connection.SERVER_SIDE ? down : up;
        return Checksum.add(delta, TcpRewrite.options(l4, header, value, echo, acknowledgement));
    }

    private static int unadjustShort(long l4, int available, int sequence, int acknowledgement) {
        int delta = add(l4 + 4, sequence);
        boolean acknowledges =
                available >= FLAGS_END && (Memory.getByte(l4, FLAGS_END, FLAGS_END - 1) & Tcp.ACK_FLAG) != 0;
        return acknowledges ? Checksum.add(delta, add(l4 + 8, acknowledgement)) : delta;
    }

    private static int add(long field, int amount) {
        int old = Memory.getInt(field, 4, 0);
        int fresh = WireForm.int32(WireForm.int32(old) + amount);
        Memory.setInt(field, 4, 0, fresh);
        return Checksum.deltaInt(old, fresh);
    }
}
