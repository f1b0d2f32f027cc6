package lvsd.wire;

import lvsd.memory.Memory;

/**
 * The IPv6 header and its chain of extension headers (RFC 8200). Addresses are pairs of 64-bit values in wire form, the
 * rest host values.
 */
public final class Ipv6 {
    static final int VERSION_CLASS_FLOW = 0;
    static final int PAYLOAD_LENGTH = 4;
    static final int NEXT_HEADER = 6;
    static final int HOP_LIMIT = 7;
    static final int SOURCE = 8;
    static final int DESTINATION = 24;

    /** Bytes of the header without extensions. */
    public static final int SIZE = 40;

    /** Next header: hop-by-hop options. */
    public static final int NEXT_HOP_BY_HOP = 0;
    /** Next header: routing. */
    public static final int NEXT_ROUTING = 43;
    /** Next header: fragment. */
    public static final int NEXT_FRAGMENT = 44;
    /** Next header: encapsulating security payload, which ends what can be read. */
    public static final int NEXT_ESP = 50;
    /** Next header: authentication. */
    public static final int NEXT_AUTHENTICATION = 51;
    /** Protocol number of ICMPv6. */
    public static final int PROTOCOL_ICMPV6 = 58;
    /** Next header: nothing follows. */
    public static final int NEXT_NONE = 59;
    /** Next header: destination options. */
    public static final int NEXT_DESTINATION = 60;
    /** Next header: mobility (RFC 6275). */
    public static final int NEXT_MOBILITY = 135;
    /** Next header: host identity protocol (RFC 7401). */
    public static final int NEXT_HIP = 139;
    /** Next header: shim6 (RFC 5533). */
    public static final int NEXT_SHIM6 = 140;

    /** Most extension headers that {@link #walk} passes: as many as RFC 8200 allows in its recommended order. */
    public static final int MAX_EXTENSIONS = 8;

    /** Bytes of the fragment header. */
    public static final int FRAGMENT_SIZE = 8;

    private static final int MIN_EXTENSION = 8;

    private static final int PROTOCOL_SHIFT = 32;
    private static final long FLAG_FRAGMENT = 1L << 40;
    private static final long FLAG_LATER = 1L << 41;
    private static final long FLAG_ROUTED = 1L << 42;

    private Ipv6() {}

    /**
     * Judges the fixed header against the bytes there are. Afterwards {@code SIZE + payloadLength} bytes from {@code ip}
     * lie inside {@code available}. A jumbo payload (RFC 2675) counts as empty.
     *
     * @param available bytes from {@code ip} to the end of the frame
     * @return {@link #SIZE}, or {@link Check#TRUNCATED} or {@link Check#MALFORMED}
     */
    public static int check(long ip, int available) {
        int quoted = checkQuoted(ip, available);
        return quoted > 0 && SIZE + payloadLength(ip) > available ? Check.TRUNCATED : quoted;
    }

    /**
     * As {@link #check}, for a packet quoted in an ICMPv6 error: it may end anywhere behind its fixed header, whatever its
     * payload length says.
     */
    public static int checkQuoted(long ip, int available) {
        if (available < SIZE) {
            return Check.TRUNCATED;
        }
        return version(ip) == 6 ? SIZE : Check.MALFORMED;
    }

    /**
     * Walks the chain of extension headers to the transport header, or to the first header that cannot be passed (ESP, no
     * next header, an unknown one), or to the data of a later fragment. Needs {@link #checkQuoted}.
     *
     * <p>{@link Check#TRUNCATED}: an extension header does not lie inside {@code available}. {@link Check#MALFORMED}:
     * hop-by-hop options elsewhere than first (RFC 8200, section 4.1), or a second fragment header. {@link
     * Check#TOO_MANY}: more than {@link #MAX_EXTENSIONS}. The work is bounded by that number, whatever the packet says.
     *
     * @param available bytes from {@code ip} to the end of the packet by its own payload length (of a quoted packet: to
     *     the end of the quote)
     * @return negative on error, else a value for {@link #offset}, {@link #protocol}, {@link #isFragment}, {@link
     *     #isLaterFragment}, {@link #isRouted}
     */
    public static long walk(long ip, int available) {
        int next = nextHeader(ip);
        if (!isExtension(next)) {
            return ((long) next << PROTOCOL_SHIFT) | SIZE;
        }
        return walkExtensions(ip, available, next);
    }

    private static long walkExtensions(long ip, int available, int firstNext) {
        int next = firstNext;
        int offset = SIZE;
        long flags = 0;
        for (int count = 0; isExtension(next); count++) {
            if (count == MAX_EXTENSIONS) {
                return Check.TOO_MANY;
            }
            if ((next == NEXT_HOP_BY_HOP && count != 0) || (next == NEXT_FRAGMENT && (flags & FLAG_FRAGMENT) != 0)) {
                return Check.MALFORMED;
            }
            if (available - offset < MIN_EXTENSION) {
                return Check.TRUNCATED;
            }
            long header = ip + offset;
            int length = extensionLength(header, next);
            if (length > available - offset) {
                return Check.TRUNCATED;
            }
            flags |= extensionFlags(header, next);
            next = Memory.getByte(header, MIN_EXTENSION, 0);
            offset += length;
            if ((flags & FLAG_LATER) != 0) {
                break;
            }
        }
        return flags | ((long) next << PROTOCOL_SHIFT) | offset;
    }

    /**
     * The fragment header of a packet that {@link #walk} has passed and {@link #isFragment} says it of: {@link
     * #FRAGMENT_SIZE} bytes from the address returned.
     */
    public static long fragmentHeader(long ip) {
        int next = nextHeader(ip);
        long header = ip + SIZE;
        while (next != NEXT_FRAGMENT) {
            int length = extensionLength(header, next);
            next = Memory.getByte(header, MIN_EXTENSION, 0);
            header += length;
        }
        return header;
    }

    /** Bytes of the extension header of kind {@code next} at {@code header}, whose first eight bytes are there. */
    private static int extensionLength(long header, int next) {
        int field = Memory.getByte(header, MIN_EXTENSION, 1);
        return switch (next) {
            case NEXT_FRAGMENT -> FRAGMENT_SIZE;
            // RFC 4302: in 4-byte units, not counting the first two.
            case NEXT_AUTHENTICATION -> Math.max((field + 2) << 2, MIN_EXTENSION);
            default -> (field + 1) << 3;
        };
    }

    private static long extensionFlags(long header, int next) {
        if (next == NEXT_FRAGMENT) {
            int offsetAndMore = Memory.getShortBe(header, MIN_EXTENSION, 2);
            return (offsetAndMore & 0xfff8) != 0 ? FLAG_FRAGMENT | FLAG_LATER : FLAG_FRAGMENT;
        }
        boolean routed = next == NEXT_ROUTING && Memory.getByte(header, MIN_EXTENSION, 3) != 0;
        return routed ? FLAG_ROUTED : 0;
    }

    /** Whether a next-header value names an extension header that {@link #walk} passes. */
    public static boolean isExtension(int nextHeader) {
        return switch (nextHeader) {
            case NEXT_HOP_BY_HOP,
                    NEXT_ROUTING,
                    NEXT_FRAGMENT,
                    NEXT_AUTHENTICATION,
                    NEXT_DESTINATION,
                    NEXT_MOBILITY,
                    NEXT_HIP,
                    NEXT_SHIM6 -> true;
            default -> false;
        };
    }

    /** Of a {@link #walk}: bytes from the IPv6 header to what follows the chain; at most {@code available}. */
    public static int offset(long walked) {
        return (int) walked;
    }

    /** Of a {@link #walk}: the last next-header value, the transport protocol. */
    public static int protocol(long walked) {
        return (int) (walked >>> PROTOCOL_SHIFT) & 0xff;
    }

    /** Of a {@link #walk}: whether there is a fragment header, atomic fragments (RFC 6946) included. */
    public static boolean isFragment(long walked) {
        return (walked & FLAG_FRAGMENT) != 0;
    }

    /** Of a {@link #walk}: whether this fragment has an offset and so no transport header. */
    public static boolean isLaterFragment(long walked) {
        return (walked & FLAG_LATER) != 0;
    }

    /** Of a {@link #walk}: whether a routing header has segments left, so that the destination is not the last one. */
    public static boolean isRouted(long walked) {
        return (walked & FLAG_ROUTED) != 0;
    }

    /** Version, 6 in a right header. */
    public static int version(long ip) {
        return Memory.getByte(ip, SIZE, VERSION_CLASS_FLOW) >>> 4;
    }

    /** Traffic class: DSCP and ECN. */
    public static int trafficClass(long ip) {
        return Memory.getShortBe(ip, SIZE, VERSION_CLASS_FLOW) >>> 4 & 0xff;
    }

    /** Flow label, 20 bits. */
    public static int flowLabel(long ip) {
        return Memory.getIntBe(ip, SIZE, VERSION_CLASS_FLOW) & 0xf_ffff;
    }

    /** Bytes behind the fixed header, extension headers included. */
    public static int payloadLength(long ip) {
        return Memory.getShortBe(ip, SIZE, PAYLOAD_LENGTH);
    }

    /** Kind of the header that follows. */
    public static int nextHeader(long ip) {
        return Memory.getByte(ip, SIZE, NEXT_HEADER);
    }

    /** Hop limit. */
    public static int hopLimit(long ip) {
        return Memory.getByte(ip, SIZE, HOP_LIMIT);
    }

    /** First eight bytes of the source address, wire form. */
    public static long sourceHigh(long ip) {
        return Memory.getLong(ip, SIZE, SOURCE);
    }

    /** Last eight bytes of the source address, wire form. */
    public static long sourceLow(long ip) {
        return Memory.getLong(ip, SIZE, SOURCE + 8);
    }

    /** First eight bytes of the destination address, wire form. */
    public static long destinationHigh(long ip) {
        return Memory.getLong(ip, SIZE, DESTINATION);
    }

    /** Last eight bytes of the destination address, wire form. */
    public static long destinationLow(long ip) {
        return Memory.getLong(ip, SIZE, DESTINATION + 8);
    }

    /** Stores version 6, traffic class (8 bits) and flow label (20 bits). */
    public static void setVersionClassFlow(long ip, int trafficClass, int flowLabel) {
        int word = (6 << 28) | ((trafficClass & 0xff) << 20) | (flowLabel & 0xf_ffff);
        Memory.setIntBe(ip, SIZE, VERSION_CLASS_FLOW, word);
    }

    /** Stores the bytes behind the fixed header; the caller owes that they are there. */
    public static void setPayloadLength(long ip, int payloadLength) {
        Memory.setShortBe(ip, SIZE, PAYLOAD_LENGTH, payloadLength);
    }

    /** Stores the kind of the header that follows. */
    public static void setNextHeader(long ip, int nextHeader) {
        Memory.setByte(ip, SIZE, NEXT_HEADER, nextHeader);
    }

    /** Stores the hop limit. */
    public static void setHopLimit(long ip, int hopLimit) {
        Memory.setByte(ip, SIZE, HOP_LIMIT, hopLimit);
    }

    /** Decrements the hop limit, which must not be zero. There is no checksum to update. */
    public static void decrementHopLimit(long ip) {
        setHopLimit(ip, hopLimit(ip) - 1);
    }

    /** Stores the source address, wire form. */
    public static void setSource(long ip, long high, long low) {
        Memory.setLong(ip, SIZE, SOURCE, high);
        Memory.setLong(ip, SIZE, SOURCE + 8, low);
    }

    /** Stores the destination address, wire form. */
    public static void setDestination(long ip, long high, long low) {
        Memory.setLong(ip, SIZE, DESTINATION, high);
        Memory.setLong(ip, SIZE, DESTINATION + 8, low);
    }
}
