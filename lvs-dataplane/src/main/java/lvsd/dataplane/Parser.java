package lvsd.dataplane;

import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.net.NetConfig;
import lvsd.dpdk.Mbuf;
import lvsd.memory.Memory;
import lvsd.wire.Checksum;
import lvsd.wire.Ethernet;
import lvsd.wire.Icmp;
import lvsd.wire.Icmpv6;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Sctp;
import lvsd.wire.Tcp;
import lvsd.wire.Udp;
import lvsd.wire.Vlan;

/**
 * Stage 1: checks every length of a frame against its mbuf, once, and fills the burst's columns.
 *
 * <p>{@link #fast} recognises what a balanced connection's packets look like and leaves everything else to
 * {@link #slow}. The lengths it accepts are what later accessors rely on: behind {@link Burst#FAST4} there are 20 bytes
 * of IP header and 20 (TCP) or 8 (UDP) of transport header inside the mbuf, behind {@link Burst#FAST6} 40 and 20 or 8.
 */
final class Parser {
    /** Shortest frame of the fast path: Ethernet, IPv4, UDP. */
    private static final int MINIMUM4 = Ethernet.SIZE + Ipv4.SIZE + Udp.SIZE;

    /** Bytes behind the Ethernet header of the shortest frame: what is shorter comes padded (IEEE 802.3). */
    private static final int MINIMUM_PAYLOAD = 46;

    /** Bytes of the headers of a segment without options. */
    private static final int PLAIN = Ethernet.SIZE + Ipv4.SIZE + Tcp.SIZE;

    private static final int MINIMUM6 = Ethernet.SIZE + Ipv6.SIZE + Udp.SIZE;

    private static final long MAC_MASK = 0xffff_ffff_ffffL;
    private static final int IPV4_NATIVE = 0x0008;
    private static final int IPV6_NATIVE = 0xdd86;
    /** Version, header length, more-fragments and fragment offset in the first eight bytes, as they lie in the packet. */
    private static final long PLAIN4_MASK = 0xff3f_0000_0000_00ffL;
    /** Version 4, no options, no fragment. */
    private static final long PLAIN4 = 0x45;

    private static final int PROTOCOL_TCP = 6;
    private static final int PROTOCOL_UDP = 17;

    private final Burst burst;
    private final long index4;
    private final long buckets4;
    private final ConnectionTable table6;
    private final long seed0;
    private final long seed1;

    Parser(Burst burst, ConnectionTable table4, ConnectionTable table6, long seed0, long seed1) {
        this.burst = burst;
        this.index4 = table4.index();
        this.buckets4 = table4.buckets();
        this.table6 = table6;
        this.seed0 = seed0;
        this.seed1 = seed1;
    }

    /**
     * Parses packets {@code from} to {@code to} - 1, received on a port with the given MAC (wire form), into the burst's
     * lines.
     *
     * @return the kinds that there are among them, or-ed
     */
    int fast(long[] packets, int from, int to, long mac) {
        int kinds = 0;
        for (int i = from; i < to; ) {
            int plain = stagePlain(packets, i, to, mac);
            kinds |= plain > i ? Burst.FAST4 : 0;
            i = plain;
            if (i < to) {
                int others = stageOthers(packets, i, to, mac);
                kinds |= others >>> 16;
                i = others & 0xffff;
            }
        }
        return (kinds & Burst.FAST6) == 0 ? kinds : stageParse6(from, to);
    }

    /**
     * Parses TCP segments over IPv4 without options and fragments, one after the other; returns where the first packet
     * stands that is anything else, with nothing noted of it. A loop without calls keeps what it needs in registers.
     */
    private int stagePlain(long[] packets, int from, int to, long mac) {
        long rows = Memory.address(burst.rows());
        long index = Memory.address(index4);
        long count = buckets4;
        long key0 = seed0;
        long key1 = seed1;
        int i = from;
        for (; i < to; i++) {
            long mbuf = Memory.address(packets[i]);
            int available = Mbuf.dataLength(mbuf) - Ethernet.SIZE;
            if (available < Ipv4.SIZE + Tcp.SIZE || Mbuf.segments(mbuf) != 1) {
                break;
            }
            long frame = Memory.address(Mbuf.data(mbuf));
            if ((Memory.getLong(frame, PLAIN, 0) & MAC_MASK) != mac
                    || Memory.getShort(frame, PLAIN, 12) != IPV4_NATIVE) {
                break;
            }
            long ip = frame + Ethernet.SIZE;
            long first = Memory.getLong(ip, PLAIN - Ethernet.SIZE, 0);
            long second = Memory.getLong(ip, PLAIN - Ethernet.SIZE, 8);
            int destination = Memory.getInt(ip, PLAIN - Ethernet.SIZE, 16);
            int length = Integer.reverseBytes((int) first) & 0xffff;
            if (!headerGood(first, second, destination, length, available)
                    || protocol(second) != PROTOCOL_TCP
                    || !tcpGood(ip + Ipv4.SIZE, length - Ipv4.SIZE)) {
                break;
            }
            long addresses = second >>> 32 | (long) destination << 32;
            int ports = Memory.getInt(ip, PLAIN - Ethernet.SIZE, Ipv4.SIZE);
            long row = Burst.row(rows, i);
            Burst.setMbuf(row, mbuf);
            Burst.setL3(row, ip);
            Burst.setAddresses(row, addresses);
            Burst.setBrief(row, ports, Burst.FAST4, PROTOCOL_TCP, length);
            long hash = ConnectionTable.hash4(addresses, ports, PROTOCOL_TCP, key0, key1);
            Burst.setHash(row, hash);
            Burst.setBucket(row, ConnectionTable.bucket(index, count, hash));
        }
        return i;
    }

    /**
     * Parses packet {@code from}, whatever it is, and those after it up to the next TCP segment over IPv4, of IPv6 only that they
     * are; returns where it stopped and, 16 bits above, the kinds.
     */
    private int stageOthers(long[] packets, int from, int to, long mac) {
        long rows = Memory.address(burst.rows());
        int kinds = 0;
        int i = from;
        boolean tcp;
        do {
            long row = Burst.row(rows, i);
            long mbuf = Memory.address(packets[i]);
            Burst.setMbuf(row, mbuf);
            int kind = kind(row, mbuf, mac);
            if (kind == Burst.SLOW) {
                Burst.setSlow(row);
            }
            kinds |= kind;
            tcp = Burst.isTcp4(Burst.brief(row));
            i++;
        } while (i < to && !tcp);
        return i | kinds << 16;
    }

    /** The packets that {@link #stageOthers} took for IPv6. Returns the kinds of all. */
    private int stageParse6(int from, int to) {
        long rows = Memory.address(burst.rows());
        int kinds = 0;
        for (int i = from; i < to; i++) {
            long row = Burst.row(rows, i);
            int kind = Burst.kind(Burst.summary(row));
            if (kind == Burst.FAST6) {
                kind = kind6(row, Burst.l3(row), Burst.length(Burst.summary(row)));
                if (kind == Burst.SLOW) {
                    Burst.setSlow(row);
                }
            }
            kinds |= kind;
        }
        return kinds;
    }

    private int kind(long row, long mbuf, long mac) {
        int length = Mbuf.dataLength(mbuf);
        if (length < MINIMUM4 || Mbuf.segments(mbuf) != 1) {
            return Burst.SLOW;
        }
        long frame = Memory.address(Mbuf.data(mbuf));
        if ((Memory.getLong(frame, MINIMUM4, 0) & MAC_MASK) != mac) {
            return Burst.SLOW;
        }
        int type = Memory.getShort(frame, MINIMUM4, 12);
        if (type == IPV4_NATIVE) {
            return kind4(row, frame + Ethernet.SIZE, length - Ethernet.SIZE);
        }
        if (type != IPV6_NATIVE || length < MINIMUM6) {
            return Burst.SLOW;
        }
        Burst.setL3(row, frame + Ethernet.SIZE);
        Burst.setSummary(row, Burst.FAST6, 0, length - Ethernet.SIZE);
        Burst.setBucket(row, row);
        return Burst.FAST6;
    }

    private int kind4(long row, long ip, int available) {
        long first = Memory.getLong(ip, MINIMUM4 - Ethernet.SIZE, 0);
        long second = Memory.getLong(ip, MINIMUM4 - Ethernet.SIZE, 8);
        int destination = Memory.getInt(ip, MINIMUM4 - Ethernet.SIZE, 16);
        int length = Integer.reverseBytes((int) first) & 0xffff;
        long l4 = ip + Ipv4.SIZE;
        int protocol = protocol(second);
        if (!headerGood(first, second, destination, length, available)
                || !transportGood(l4, protocol, length - Ipv4.SIZE)) {
            return Burst.SLOW;
        }
        long addresses = second >>> 32 | (long) destination << 32;
        int ports = Memory.getInt(l4, Udp.SIZE, 0);
        long hash = ConnectionTable.hash4(addresses, ports, protocol, seed0, seed1);
        Burst.setL3(row, ip);
        Burst.setAddresses(row, addresses);
        Burst.setBrief(row, ports, Burst.FAST4, protocol, length);
        Burst.setHash(row, hash);
        long bucket = ConnectionTable.bucket(index4, buckets4, hash);
        Burst.setBucket(row, bucket);
        return Burst.FAST4;
    }

    /** The protocol in the second eight bytes of an IPv4 header. */
    private static int protocol(long second) {
        return (int) (second >>> 8) & 0xff;
    }

    /**
     * Whether an IPv4 header is right, has no options and is no fragment's, and its packet of {@code length} bytes fits into
     * those that are {@code available}, with no more behind it than padding.
     */
    private static boolean headerGood(long first, long second, int destination, int length, int available) {
        return (first & PLAIN4_MASK) == PLAIN4
                && length <= available
                && available <= Math.max(length, MINIMUM_PAYLOAD)
                && checksumGood(first, second, destination);
    }

    /** RFC 791: the one's complement sum of a header without options is all ones. */
    private static boolean checksumGood(long first, long second, int destination) {
        long sum = (first & 0xffff_ffffL)
                + (first >>> 32)
                + (second & 0xffff_ffffL)
                + (second >>> 32)
                + Integer.toUnsignedLong(destination);
        return Checksum.fold(sum) == 0xffff;
    }

    /**
     * Whether the packet is TCP or UDP and its fixed header, TCP's data offset or UDP's length lie inside the bytes that
     * are there: {@code length}, which may be negative.
     */
    private static boolean transportGood(long l4, int protocol, int length) {
        return protocol == PROTOCOL_TCP ? tcpGood(l4, length) : protocol == PROTOCOL_UDP && udpGood(l4, length);
    }

    private static boolean tcpGood(long l4, int length) {
        if (length < Tcp.SIZE) {
            return false;
        }
        int offset = Memory.getByte(l4, Tcp.SIZE, 12) >>> 2 & 0x3c;
        return offset >= Tcp.SIZE && offset <= length;
    }

    private static boolean udpGood(long l4, int length) {
        if (length < Udp.SIZE) {
            return false;
        }
        int udp = Memory.getShortBe(l4, Udp.SIZE, 4);
        return udp >= Udp.SIZE && udp <= length;
    }

    private int kind6(long row, long ip, int available) {
        int version = Memory.getByte(ip, Ipv6.SIZE, 0) >>> 4;
        int payload = Memory.getShortBe(ip, Ipv6.SIZE, 4);
        int protocol = Memory.getByte(ip, Ipv6.SIZE, 6);
        if (version != 6
                || payload > available - Ipv6.SIZE
                || available > Math.max(Ipv6.SIZE + payload, MINIMUM_PAYLOAD)) {
            return Burst.SLOW;
        }
        long l4 = ip + Ipv6.SIZE;
        if (!transportGood(l4, protocol, payload)) {
            return Burst.SLOW;
        }
        int ports = Memory.getInt(l4, Udp.SIZE, 0);
        long hash = hash6(ip, ports, protocol);
        Burst.setL3(row, ip);
        Burst.setBrief(row, ports, Burst.FAST6, protocol, Ipv6.SIZE + payload);
        Burst.setHash(row, hash);
        long bucket = table6.bucket(hash);
        Burst.setBucket(row, bucket);
        return Burst.FAST6;
    }

    private long hash6(long ip, int ports, int protocol) {
        return ConnectionTable.hash6(
                Memory.getLong(ip, Ipv6.SIZE, 8),
                Memory.getLong(ip, Ipv6.SIZE, 16),
                Memory.getLong(ip, Ipv6.SIZE, 24),
                Memory.getLong(ip, Ipv6.SIZE, 32),
                ports,
                protocol,
                seed0,
                seed1);
    }

    /**
     * Parses any frame into {@code p}. Returns 0 when the packet may go on, else the drop verdict. {@code port} is the
     * port it came in by.
     */
    static int slow(Packet p, long mbuf, int port, NetConfig config) {
        p.mbuf = mbuf;
        if (Mbuf.segments(mbuf) != 1) {
            return Verdict.drop(DropReason.MULTI_SEGMENT);
        }
        p.frame = Mbuf.data(mbuf);
        p.frameLength = Mbuf.dataLength(mbuf);
        p.l3Length = 0;
        p.l4Length = 0;
        p.l4Valid = false;
        p.fragment = false;
        p.laterFragment = false;
        p.ipv6 = false;
        p.protocol = -1;
        if (p.frameLength < Ethernet.SIZE) {
            return Verdict.drop(DropReason.TRUNCATED);
        }
        int header = Ethernet.SIZE;
        int tci = -1;
        p.etherType = Ethernet.etherType(p.frame);
        if (p.etherType == Ethernet.TYPE_VLAN) {
            if (p.frameLength < Vlan.VLAN_SIZE) {
                return Verdict.drop(DropReason.TRUNCATED);
            }
            tci = Memory.getShortBe(p.frame, Vlan.VLAN_SIZE, 14);
            p.etherType = Memory.getShortBe(p.frame, Vlan.VLAN_SIZE, 16);
            header = Vlan.VLAN_SIZE;
        }
        p.iface = config.ifaceOf(port, tci);
        if (p.iface < 0) {
            return Verdict.drop(DropReason.UNKNOWN_VLAN);
        }
        p.l3 = p.frame + header;
        p.groupFrame = Ethernet.isGroup(p.frame);
        if (!p.groupFrame && Ethernet.destination(p.frame) != config.mac(p.iface)) {
            return Verdict.drop(DropReason.NOT_OUR_MAC);
        }
        int parsed = slowNetwork(p, p.frameLength - header);
        if (parsed == 0 && p.l3Length > 0) {
            trim(p, header);
        }
        return parsed;
    }

    /** Takes off what lies behind the packet, padding of the shortest frame excepted: it is no part of it. */
    private static void trim(Packet p, int header) {
        int length = Math.max(header + p.l3Length, Ethernet.SIZE + MINIMUM_PAYLOAD);
        if (p.frameLength > length) {
            Mbuf.setLength(p.mbuf, length);
            p.frameLength = length;
        }
    }

    private static int slowNetwork(Packet p, int available) {
        switch (p.etherType) {
            case Ethernet.TYPE_IPV4:
                return slow4(p, available);
            case Ethernet.TYPE_IPV6:
                return slow6(p, available);
            case Ethernet.TYPE_ARP:
                p.l3Length = available;
                return 0;
            default:
                // Group frames of any kind (LLDP, say) are for the kernel's programs.
                return p.groupFrame ? 0 : Verdict.drop(DropReason.UNKNOWN_ETHERTYPE);
        }
    }

    private static int slow4(Packet p, int available) {
        if (available < Ipv4.SIZE) {
            return Verdict.drop(DropReason.TRUNCATED);
        }
        int header = Ipv4.check(p.l3, available);
        if (header < 0) {
            boolean truncated = Ipv4.totalLength(p.l3) > available;
            return Verdict.drop(truncated ? DropReason.TRUNCATED : DropReason.BAD_IP_HEADER);
        }
        if (!Ipv4.verifyChecksum(p.l3, header)) {
            return Verdict.drop(DropReason.BAD_IP_CHECKSUM);
        }
        p.l3Length = Ipv4.totalLength(p.l3);
        p.protocol = Ipv4.protocol(p.l3);
        p.l4 = p.l3 + header;
        p.l4Length = p.l3Length - header;
        p.laterFragment = Ipv4.fragmentOffset(p.l3) != 0;
        p.fragment = p.laterFragment || Ipv4.moreFragments(p.l3);
        return slowTransport(p);
    }

    private static int slow6(Packet p, int available) {
        p.ipv6 = true;
        if (available < Ipv6.SIZE) {
            return Verdict.drop(DropReason.TRUNCATED);
        }
        int total = Ipv6.SIZE + Ipv6.payloadLength(p.l3);
        if (Ipv6.version(p.l3) != 6) {
            return Verdict.drop(DropReason.BAD_IP_HEADER);
        }
        if (total > available) {
            return Verdict.drop(DropReason.TRUNCATED);
        }
        long walked = Ipv6.walk(p.l3, total);
        if (walked < 0) {
            return Verdict.drop(DropReason.IPV6_EXTENSION);
        }
        p.l3Length = total;
        p.protocol = Ipv6.protocol(walked);
        p.l4 = p.l3 + Ipv6.offset(walked);
        p.l4Length = total - Ipv6.offset(walked);
        p.laterFragment = Ipv6.isLaterFragment(walked);
        p.fragment = Ipv6.isFragment(walked);
        return slowTransport(p);
    }

    private static int slowTransport(Packet p) {
        if (p.laterFragment) {
            return 0;
        }
        int minimum = minimum(p.protocol, p.ipv6);
        if (minimum == 0) {
            return 0;
        }
        if (p.l4Length < minimum) {
            return Verdict.drop(p.fragment ? DropReason.BAD_FRAGMENT : DropReason.TRUNCATED);
        }
        boolean transport = p.protocol == PROTOCOL_TCP || p.protocol == PROTOCOL_UDP;
        if (transport && !p.fragment && !transportGood(p.l4, p.protocol, p.l4Length)) {
            return Verdict.drop(DropReason.BAD_TRANSPORT_HEADER);
        }
        p.l4Valid = true;
        return 0;
    }

    /** Bytes of the fixed header of a transport that is looked into; 0 for any other. */
    private static int minimum(int protocol, boolean ipv6) {
        return switch (protocol) {
            case PROTOCOL_TCP -> Tcp.SIZE;
            case PROTOCOL_UDP -> Udp.SIZE;
            case 132 -> Sctp.SIZE;
            case 1 -> ipv6 ? 0 : Icmp.SIZE;
            case 58 -> ipv6 ? Icmpv6.SIZE : 0;
            default -> 0;
        };
    }
}
