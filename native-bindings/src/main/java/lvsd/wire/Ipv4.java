package lvsd.wire;

import lvsd.memory.Memory;

/** The IPv4 header (RFC 791). Addresses and checksum in wire form, the rest host values. */
public final class Ipv4 {
    static final int VERSION_IHL = 0;
    static final int TOS = 1;
    static final int TOTAL_LENGTH = 2;
    static final int ID = 4;
    static final int FLAGS_OFFSET = 6;
    static final int TTL = 8;
    // Where fields lie in {@link #middle}.
    private static final int TTL_SHIFT = WireForm.LITTLE_ENDIAN ? 0 : 56;
    private static final int TTL_PROTOCOL_SHIFT = WireForm.LITTLE_ENDIAN ? 0 : 48;
    private static final int CHECKSUM_SHIFT = WireForm.LITTLE_ENDIAN ? 16 : 32;
    static final int PROTOCOL = 9;
    static final int CHECKSUM = 10;
    static final int SOURCE = 12;
    static final int DESTINATION = 16;

    /** Bytes of the header without options. */
    public static final int SIZE = 20;
    /** Bytes of the longest header. */
    public static final int MAX_SIZE = 60;

    /** Protocol number of ICMP. */
    public static final int PROTOCOL_ICMP = 1;
    /** Protocol number of IGMP. */
    public static final int PROTOCOL_IGMP = 2;
    /** Protocol number of IPv4 in IP. */
    public static final int PROTOCOL_IPIP = 4;
    /** Protocol number of TCP. */
    public static final int PROTOCOL_TCP = 6;
    /** Protocol number of UDP. */
    public static final int PROTOCOL_UDP = 17;
    /** Protocol number of IPv6 in IP. */
    public static final int PROTOCOL_IPV6 = 41;
    /** Protocol number of GRE. */
    public static final int PROTOCOL_GRE = 47;
    /** Protocol number of OSPF. */
    public static final int PROTOCOL_OSPF = 89;
    /** Protocol number of VRRP. */
    public static final int PROTOCOL_VRRP = 112;
    /** Protocol number of SCTP. */
    public static final int PROTOCOL_SCTP = 132;

    /** The "do not fragment" bit of {@link #flagsAndOffset}. */
    public static final int DONT_FRAGMENT = 0x4000;
    /** The "more fragments" bit of {@link #flagsAndOffset}. */
    public static final int MORE_FRAGMENTS = 0x2000;
    /** The fragment offset in {@link #flagsAndOffset}, units of 8 bytes. */
    public static final int OFFSET_MASK = 0x1fff;

    /**
     * What decrementing the TTL does to the header's sum, always the same: a connection's IP delta includes it by
     * {@link Checksum#add}, and the packet path then decrements with {@link #setTtl} alone.
     */
    public static final int TTL_DELTA = WireForm.LITTLE_ENDIAN ? 0xfffe : 0xfeff;

    private Ipv4() {}

    /**
     * Judges the header against the bytes there are: version, header length, total length. Afterwards the header may be
     * read in full, and {@code totalLength} bytes from {@code ip} lie inside {@code available}.
     *
     * @param available bytes from {@code ip} to the end of the frame
     * @return header length in bytes (20 to 60), or {@link Check#TRUNCATED} or {@link Check#MALFORMED}
     */
    public static int check(long ip, int available) {
        if (available < SIZE) {
            return Check.TRUNCATED;
        }
        int versionAndLength = Memory.getByte(ip, SIZE, VERSION_IHL);
        int headerLength = (versionAndLength & 0xf) << 2;
        int total = totalLength(ip);
        if (versionAndLength >>> 4 != 4 || headerLength < SIZE || total < headerLength) {
            return Check.MALFORMED;
        }
        return total > available ? Check.TRUNCATED : headerLength;
    }

    /**
     * As {@link #check}, for a packet quoted in an ICMP error: it may end anywhere behind its header, whatever its total
     * length says.
     */
    public static int checkQuoted(long ip, int available) {
        if (available < SIZE) {
            return Check.TRUNCATED;
        }
        int versionAndLength = Memory.getByte(ip, SIZE, VERSION_IHL);
        int headerLength = (versionAndLength & 0xf) << 2;
        if (versionAndLength >>> 4 != 4 || headerLength < SIZE || totalLength(ip) < headerLength) {
            return Check.MALFORMED;
        }
        return headerLength > available ? Check.TRUNCATED : headerLength;
    }

    /** First byte: version in the high, header length in words in the low four bits. 0x45 is a header without options. */
    public static int versionAndLength(long ip) {
        return Memory.getByte(ip, SIZE, VERSION_IHL);
    }

    /** Version, 4 in a right header. */
    public static int version(long ip) {
        return versionAndLength(ip) >>> 4;
    }

    /** Header length in bytes, by its own field. */
    public static int headerLength(long ip) {
        return (versionAndLength(ip) & 0xf) << 2;
    }

    /** Type of service: DSCP and ECN. */
    public static int tos(long ip) {
        return Memory.getByte(ip, SIZE, TOS);
    }

    /** Bytes of header and payload. */
    public static int totalLength(long ip) {
        return Memory.getShortBe(ip, SIZE, TOTAL_LENGTH);
    }

    /** Identification. */
    public static int id(long ip) {
        return Memory.getShortBe(ip, SIZE, ID);
    }

    /** Flags (three high bits) and fragment offset in units of 8 bytes (thirteen low bits). */
    public static int flagsAndOffset(long ip) {
        return Memory.getShortBe(ip, SIZE, FLAGS_OFFSET);
    }

    /** Whether the packet must not be fragmented. */
    public static boolean dontFragment(long ip) {
        return (flagsAndOffset(ip) & DONT_FRAGMENT) != 0;
    }

    /** Whether more fragments follow this one. */
    public static boolean moreFragments(long ip) {
        return (flagsAndOffset(ip) & MORE_FRAGMENTS) != 0;
    }

    /** Place of this fragment in the whole payload, bytes. */
    public static int fragmentOffset(long ip) {
        return (flagsAndOffset(ip) & OFFSET_MASK) << 3;
    }

    /** Whether this is a fragment, first or later. */
    public static boolean isFragment(long ip) {
        return (flagsAndOffset(ip) & (MORE_FRAGMENTS | OFFSET_MASK)) != 0;
    }

    /** Whether this is a fragment without a transport header. */
    public static boolean isLaterFragment(long ip) {
        return (flagsAndOffset(ip) & OFFSET_MASK) != 0;
    }

    /** Time to live. */
    public static int ttl(long ip) {
        return Memory.getByte(ip, SIZE, TTL);
    }

    /** Transport protocol. */
    public static int protocol(long ip) {
        return Memory.getByte(ip, SIZE, PROTOCOL);
    }

    /** Header checksum, wire form. */
    public static int checksum(long ip) {
        return Memory.getShort(ip, SIZE, CHECKSUM);
    }

    /** Source address, wire form. */
    public static int source(long ip) {
        return Memory.getInt(ip, SIZE, SOURCE);
    }

    /** Destination address, wire form. */
    public static int destination(long ip) {
        return Memory.getInt(ip, SIZE, DESTINATION);
    }

    /** Source and destination as one 64-bit value, wire form: what a connection's tuple is compared with. */
    public static long addresses(long ip) {
        return Memory.getLong(ip, SIZE, SOURCE);
    }

    /** {@link #addresses} of a header with this source and destination, all in wire form. */
    public static long pair(int source, int destination) {
        return WireForm.LITTLE_ENDIAN
                ? (source & 0xffff_ffffL) | ((long) destination << 32)
                : ((long) source << 32) | (destination & 0xffff_ffffL);
    }

    /** The source address in a {@link #pair}. */
    public static int pairSource(long pair) {
        return (int) (WireForm.LITTLE_ENDIAN ? pair : pair >>> 32);
    }

    /** The destination address in a {@link #pair}. */
    public static int pairDestination(long pair) {
        return (int) (WireForm.LITTLE_ENDIAN ? pair >>> 32 : pair);
    }

    /** Stores version 4 and a header length in bytes (a multiple of 4, 20 to 60); the caller owes that it fits. */
    public static void setHeaderLength(long ip, int headerLength) {
        Memory.setByte(ip, SIZE, VERSION_IHL, 0x40 | (headerLength >>> 2));
    }

    /** Stores the type of service. */
    public static void setTos(long ip, int tos) {
        Memory.setByte(ip, SIZE, TOS, tos);
    }

    /** Stores the bytes of header and payload; the caller owes that they are there. */
    public static void setTotalLength(long ip, int totalLength) {
        Memory.setShortBe(ip, SIZE, TOTAL_LENGTH, totalLength);
    }

    /** Stores the identification. */
    public static void setId(long ip, int id) {
        Memory.setShortBe(ip, SIZE, ID, id);
    }

    /** Stores flags and fragment offset, laid out as {@link #flagsAndOffset}. */
    public static void setFlagsAndOffset(long ip, int flagsAndOffset) {
        Memory.setShortBe(ip, SIZE, FLAGS_OFFSET, flagsAndOffset);
    }

    /** Stores the time to live. */
    public static void setTtl(long ip, int ttl) {
        Memory.setByte(ip, SIZE, TTL, ttl);
    }

    /** Stores the transport protocol. */
    public static void setProtocol(long ip, int protocol) {
        Memory.setByte(ip, SIZE, PROTOCOL, protocol);
    }

    /** Stores the header checksum, wire form. */
    public static void setChecksum(long ip, int checksum) {
        Memory.setShort(ip, SIZE, CHECKSUM, checksum);
    }

    /** Stores the source address, wire form. */
    public static void setSource(long ip, int address) {
        Memory.setInt(ip, SIZE, SOURCE, address);
    }

    /** Stores the destination address, wire form. */
    public static void setDestination(long ip, int address) {
        Memory.setInt(ip, SIZE, DESTINATION, address);
    }

    /** Stores both addresses at once, laid out as {@link #pair}. */
    public static void setAddresses(long ip, long addresses) {
        Memory.setLong(ip, SIZE, SOURCE, addresses);
    }

    /** TTL, protocol, checksum and source in one load: for {@link #ttlOf} and {@link #rewrite}. */
    public static long middle(long ip) {
        return Memory.getLong(ip, SIZE, TTL);
    }

    /** The TTL in the {@link #middle}. */
    public static int ttlOf(long middle) {
        return (int) (middle >>> TTL_SHIFT) & 0xff;
    }

    /**
     * Takes one off the TTL and puts other addresses in.
     *
     * @param middle what {@link #middle} gave; its TTL is not 0
     * @param addresses source and destination in wire form, as {@link #addresses} gives them
     * @param delta checksum delta of the addresses, canonical or zero
     */
    public static void rewrite(long ip, long middle, long addresses, int delta) {
        Memory.setLong(ip, SIZE, TTL, rewritten(middle, addresses, delta));
        Memory.setInt(ip, SIZE, DESTINATION, (int) (WireForm.LITTLE_ENDIAN ? addresses >>> 32 : addresses));
    }

    /** As {@link #rewrite(long, long, long, int)}, and other ports: for headers without options before TCP or UDP. */
    public static void rewrite(long ip, long middle, long addresses, int ports, int delta) {
        Memory.setLong(ip, SIZE, TTL, rewritten(middle, addresses, delta));
        long behind = Integer.toUnsignedLong(ports);
        long tail = WireForm.LITTLE_ENDIAN ? addresses >>> 32 | behind << 32 : addresses << 32 | behind;
        Memory.setLong(ip, SIZE + Udp.SIZE, DESTINATION, tail);
    }

    /** The {@link #middle} with one taken off the TTL, its checksum, and another source. */
    private static long rewritten(long middle, long addresses, int delta) {
        int checksum = Checksum.apply((int) (middle >>> CHECKSUM_SHIFT) & 0xffff, delta + TTL_DELTA);
        long first = middle - (1L << TTL_SHIFT) & 0xffffL << TTL_PROTOCOL_SHIFT;
        long source = WireForm.LITTLE_ENDIAN ? addresses << 32 : addresses >>> 32;
        return first | (long) checksum << CHECKSUM_SHIFT | source;
    }

    /** Decrements the time to live, which must not be zero, and updates the checksum. */
    public static void decrementTtl(long ip) {
        setTtl(ip, ttl(ip) - 1);
        setChecksum(ip, Checksum.apply(checksum(ip), TTL_DELTA));
    }

    /** The sum over a header of {@code headerLength} bytes, folded; 0xffff when its checksum is right. */
    private static int sum(long ip, int headerLength) {
        if (headerLength != SIZE) {
            return Checksum.sum(ip, headerLength);
        }
        return Checksum.fold(Checksum.words(Memory.getLong(ip, SIZE, 0))
                + Checksum.words(Memory.getLong(ip, SIZE, 8))
                + (Memory.getInt(ip, SIZE, 16) & 0xffff_ffffL));
    }

    /** Whether the header checksum is right. */
    public static boolean verifyChecksum(long ip, int headerLength) {
        return sum(ip, headerLength) == 0xffff;
    }

    /** The checksum that belongs into the header, whatever lies there now; wire form. */
    public static int computeChecksum(long ip, int headerLength) {
        return Checksum.finish((long) sum(ip, headerLength) + (~checksum(ip) & 0xffff));
    }

    /** Computes and stores the header checksum. */
    public static void updateChecksum(long ip, int headerLength) {
        setChecksum(ip, computeChecksum(ip, headerLength));
    }
}
