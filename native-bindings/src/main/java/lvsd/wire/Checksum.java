package lvsd.wire;

import lvsd.memory.Memory;

/**
 * The internet checksum (RFC 1071) and its incremental update (RFC 1624, equation 3).
 *
 * <p>Everything is computed on 16-bit words in native byte order. The one's complement sum does not depend on byte order
 * (RFC 1071, section 2(B)), so a result stored in native order is right on the wire; no byte is ever swapped.
 *
 * <p>A <b>sum</b> is a one's complement sum not yet complemented, as an unsigned 64-bit number that {@link #fold} brings
 * to 16 bits; partial sums may be added as longs. A <b>checksum</b> is what lies in the header, in wire form.
 *
 * <p>A <b>delta</b> is the change that replacing words makes to a sum: {@code ~old + new}, folded to 16 bits and made
 * canonical: 1 to 0xffff, where 0xffff means "no change". (In one's complement 0x0000 and 0xffff are the same number;
 * only the second survives {@link #apply} as it must.) Zero is accepted as a delta too and leaves a checksum exactly as it
 * is, so that zeroed memory is a delta that does nothing.
 *
 * <p>Why canonical: the sum of a real header or pseudo header is never 0x0000, since not all of its words are zero;
 * computed afresh a checksum is therefore 0x0000 to 0xfffe, never 0xffff. {@code apply} of a canonical delta gives
 * exactly the value that a fresh computation gives, whichever of the two zeroes the packet carried.
 *
 * <p>UDP is special (RFC 768; RFC 8200, section 8.1): 0x0000 on the wire says "no checksum", and a computed 0x0000 is
 * sent as 0xffff: see {@link #applyUdp}.
 */
public final class Checksum {
    /** The delta of a replacement that changes nothing. */
    public static final int NO_CHANGE = 0xffff;

    private static final long LOW = 0xffff_ffffL;

    private Checksum() {}

    /**
     * The one's complement sum over {@code length} bytes from {@code address}, folded to 16 bits. A last odd byte counts
     * as if a zero byte followed it. Only those bytes are read.
     */
    public static int sum(long address, int length) {
        return fold(plainSum(address, length));
    }

    /** As {@link #sum}, not folded. */
    private static long plainSum(long address, int length) {
        long sum = 0;
        int whole = length & ~7;
        for (int i = 0; i < whole; i += 8) {
            long word = Memory.getLong(address + i, 8, 0);
            // Two 32-bit halves: 2^32 of them fit the accumulator, more than any packet has.
            sum += (word & LOW) + (word >>> 32);
        }
        return sum + tail(address + whole, length & 7);
    }

    /** The sum of the last zero to seven bytes. */
    private static long tail(long address, int length) {
        long sum = 0;
        long at = address;
        if ((length & 4) != 0) {
            sum = Memory.getInt(at, 4, 0) & LOW;
            at += 4;
        }
        if ((length & 2) != 0) {
            sum += Memory.getShort(at, 2, 0);
            at += 2;
        }
        if ((length & 1) != 0) {
            int last = Memory.getByte(at, 1, 0);
            sum += WireForm.LITTLE_ENDIAN ? last : last << 8;
        }
        return sum;
    }

    /** The sum of one 64-bit word, not folded. */
    public static long words(long word) {
        return (word & LOW) + (word >>> 32);
    }

    /** An unsigned 64-bit sum folded to 16 bits. Zero stays zero; anything else gives 1 to 0xffff. */
    public static int fold(long sum) {
        // The halves of a number and of the number turned by half are added in its upper half, with the carry of the
        // lower.
        int half = (int) ((sum + Long.rotateLeft(sum, 32)) >>> 32);
        return (half + Integer.rotateLeft(half, 16)) >>> 16;
    }

    /** The checksum that belongs to a sum: folded and complemented. */
    public static int finish(long sum) {
        return ~fold(sum) & 0xffff;
    }

    /**
     * The sum of the IPv4 pseudo header (RFC 793, section 3.1), not folded.
     *
     * @param ip the IPv4 header
     * @param protocol transport protocol, 0 to 255
     * @param l4Length bytes of the transport header and its data
     */
    public static long pseudo4(long ip, int protocol, int l4Length) {
        return words(Ipv4.addresses(ip)) + WireForm.short16(protocol) + WireForm.short16(l4Length);
    }

    /**
     * The sum of the IPv6 pseudo header (RFC 8200, section 8.1), not folded, over the addresses in the header. (With a
     * routing header that has segments left the last of those counts instead; {@link Ipv6#isRouted} tells.)
     *
     * @param ip the IPv6 header
     * @param protocol transport protocol, 0 to 255
     * @param l4Length bytes of the transport header and its data
     */
    public static long pseudo6(long ip, int protocol, int l4Length) {
        return words(Ipv6.sourceHigh(ip))
                + words(Ipv6.sourceLow(ip))
                + words(Ipv6.destinationHigh(ip))
                + words(Ipv6.destinationLow(ip))
                + WireForm.short16(protocol)
                + WireForm.short16(l4Length);
    }

    /** The delta of replacing one 16-bit word. */
    public static int delta(int oldWord, int newWord) {
        return canonical(fold((long) (~oldWord & 0xffff) + (newWord & 0xffff)));
    }

    /** The delta of replacing 32 bits that lie at an even offset of the summed bytes. */
    public static int deltaInt(int oldWords, int newWords) {
        return canonical(fold((~oldWords & LOW) + (newWords & LOW)));
    }

    /** The delta of replacing 64 bits that lie at an even offset of the summed bytes. */
    public static int deltaLong(long oldWords, long newWords) {
        return canonical(fold(words(~oldWords) + words(newWords)));
    }

    /** The delta of putting words with the given sum where there were none (a summed length that grows). */
    public static int deltaAdded(long sum) {
        return canonical(fold(sum));
    }

    /** The delta of two replacements together. */
    public static int add(int deltaA, int deltaB) {
        return canonical(fold((long) deltaA + deltaB));
    }

    /** The delta that undoes a delta. */
    public static int negate(int delta) {
        return canonical(~delta & 0xffff);
    }

    /** The delta of a replacement at an odd offset, from the one of the same bytes at an even offset, or back. */
    public static int swap(int delta) {
        return ((delta << 8) | (delta >>> 8)) & 0xffff;
    }

    private static int canonical(int folded) {
        return folded == 0 ? NO_CHANGE : folded;
    }

    /**
     * What replacing 64 bits at an even offset adds to a sum, neither folded nor canonical: several may be added as longs,
     * and deltas too. For {@link #apply(int, long)}, which folds once what the packet path has added up.
     */
    public static long change(long oldWords, long newWords) {
        return words(~oldWords) + words(newWords);
    }

    /** As {@link #apply(int, int)} with a sum of deltas and {@link #change changes}, below 2^62. */
    public static int apply(int checksum, long changes) {
        return ~fold((~checksum & 0xffff) + changes) & 0xffff;
    }

    /** The checksum after a replacement. Works with either zero in {@code checksum}, and with a delta of zero. */
    public static int apply(int checksum, int delta) {
        int sum = (~checksum & 0xffff) + delta;
        return ~((sum + Integer.rotateLeft(sum, 16)) >>> 16) & 0xffff;
    }

    /** As {@link #applyUdp(int, int)} with a sum of deltas and {@link #change changes}, below 2^62. */
    public static int applyUdp(int checksum, long changes) {
        if (checksum == 0) {
            return 0;
        }
        int applied = apply(checksum, changes);
        return applied == 0 ? 0xffff : applied;
    }

    /**
     * The UDP checksum after a replacement: 0x0000 (no checksum) stays, and a result of 0x0000 is written 0xffff.
     *
     * @param delta a canonical delta or zero
     */
    public static int applyUdp(int checksum, int delta) {
        if (checksum == 0) {
            return 0;
        }
        int applied = apply(checksum, delta);
        return applied == 0 ? 0xffff : applied;
    }

    /**
     * The checksum that belongs into a transport header over IPv4, whatever lies in its checksum field now. Protocols:
     * TCP, UDP, ICMP (which has no pseudo header) and all that have theirs where TCP, UDP or ICMP have; others give 0.
     *
     * @param ip the IPv4 header
     * @param l4 the transport header; its fixed part must lie inside {@code l4Length}
     * @param l4Length bytes of the transport header and its data; for UDP what {@link Udp#check} returned, which may be
     *     less than the IP packet holds
     * @param protocol transport protocol
     * @return wire form, ready to store
     */
    public static int transport4(long ip, long l4, int l4Length, int protocol) {
        long pseudo = protocol == Ipv4.PROTOCOL_ICMP ? 0 : pseudo4(ip, protocol, l4Length);
        return transport(pseudo, l4, l4Length, protocol);
    }

    /** As {@link #transport4}, over IPv6: TCP, UDP and ICMPv6. */
    public static int transport6(long ip, long l4, int l4Length, int protocol) {
        return transport(pseudo6(ip, protocol, l4Length), l4, l4Length, protocol);
    }

    private static int transport(long pseudo, long l4, int l4Length, int protocol) {
        int field = fieldOffset(protocol);
        if (field < 0) {
            return 0;
        }
        // Adding the complement of what lies in the field takes it out of the sum.
        int present = Memory.getShort(l4 + field, 2, 0);
        int checksum = finish(pseudo + plainSum(l4, l4Length) + (~present & 0xffff));
        return checksum == 0 && protocol == Ipv4.PROTOCOL_UDP ? 0xffff : checksum;
    }

    /**
     * Whether the checksum of a transport header over IPv4 is right: TCP, UDP (0x0000: none was sent, RFC 768) and ICMP.
     * Other protocols: true. Lengths as in {@link #transport4}.
     */
    public static boolean verify4(long ip, long l4, int l4Length, int protocol) {
        if (fieldOffset(protocol) < 0 || (protocol == Ipv4.PROTOCOL_UDP && Udp.checksum(l4) == 0)) {
            return true;
        }
        long pseudo = protocol == Ipv4.PROTOCOL_ICMP ? 0 : pseudo4(ip, protocol, l4Length);
        return fold(pseudo + plainSum(l4, l4Length)) == 0xffff;
    }

    /**
     * Whether the checksum of a transport header over IPv6 is right: TCP, UDP (0x0000 is wrong, RFC 8200, section 8.1) and
     * ICMPv6. Other protocols: true.
     */
    public static boolean verify6(long ip, long l4, int l4Length, int protocol) {
        if (fieldOffset(protocol) < 0) {
            return true;
        }
        boolean none = protocol == Ipv4.PROTOCOL_UDP && Udp.checksum(l4) == 0;
        return !none && fold(pseudo6(ip, protocol, l4Length) + plainSum(l4, l4Length)) == 0xffff;
    }

    private static int fieldOffset(int protocol) {
        return switch (protocol) {
            case Ipv4.PROTOCOL_TCP -> Tcp.CHECKSUM;
            case Ipv4.PROTOCOL_UDP -> Udp.CHECKSUM;
            case Ipv4.PROTOCOL_ICMP, Ipv6.PROTOCOL_ICMPV6 -> Icmp.CHECKSUM;
            default -> -1;
        };
    }
}
