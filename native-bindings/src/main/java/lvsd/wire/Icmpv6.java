package lvsd.wire;

import lvsd.memory.Memory;

/**
 * The ICMPv6 header (RFC 4443) and the messages of neighbour discovery (RFC 4861). Addresses, checksum, identifier and
 * sequence in wire form, the rest host values. The checksum covers the IPv6 pseudo header.
 */
public final class Icmpv6 {
    static final int TYPE = 0;
    static final int CODE = 1;
    static final int CHECKSUM = 2;
    static final int REST = 4;
    static final int TARGET = 8;
    static final int OPTION_ADDRESS = 2;

    /** Bytes of the header. */
    public static final int SIZE = 8;
    /** From the header to the packet that an error quotes. */
    public static final int QUOTE_OFFSET = 8;
    /** Bytes of a neighbour solicitation or advertisement without options. */
    public static final int NEIGHBOUR_SIZE = 24;
    /** Bytes of a router solicitation without options. */
    public static final int ROUTER_SOLICITATION_SIZE = 8;
    /** Bytes of a router advertisement without options. */
    public static final int ROUTER_ADVERTISEMENT_SIZE = 16;
    /** Bytes of a link-layer address option on Ethernet. */
    public static final int OPTION_SIZE = 8;
    /** Hop limit that every neighbour discovery message must have arrived with. */
    public static final int ND_HOP_LIMIT = 255;

    /** Destination unreachable. */
    public static final int UNREACHABLE = 1;
    /** Packet too big. */
    public static final int PACKET_TOO_BIG = 2;
    /** Time exceeded. */
    public static final int TIME_EXCEEDED = 3;
    /** Parameter problem. */
    public static final int PARAMETER_PROBLEM = 4;
    /** Echo request. */
    public static final int ECHO_REQUEST = 128;
    /** Echo reply. */
    public static final int ECHO_REPLY = 129;
    /** Router solicitation. */
    public static final int ROUTER_SOLICITATION = 133;
    /** Router advertisement. */
    public static final int ROUTER_ADVERTISEMENT = 134;
    /** Neighbour solicitation. */
    public static final int NEIGHBOUR_SOLICITATION = 135;
    /** Neighbour advertisement. */
    public static final int NEIGHBOUR_ADVERTISEMENT = 136;
    /** Redirect. */
    public static final int REDIRECT = 137;

    /** Unreachable: no route. */
    public static final int CODE_NO_ROUTE = 0;
    /** Unreachable: administratively prohibited. */
    public static final int CODE_PROHIBITED = 1;
    /** Unreachable: address. */
    public static final int CODE_ADDRESS = 3;
    /** Unreachable: port. */
    public static final int CODE_PORT = 4;
    /** Time exceeded: hop limit in transit. */
    public static final int CODE_HOP_LIMIT = 0;

    /** Advertisement flag: the sender is a router. */
    public static final int FLAG_ROUTER = 1 << 31;
    /** Advertisement flag: answers a solicitation. */
    public static final int FLAG_SOLICITED = 1 << 30;
    /** Advertisement flag: replaces a known link-layer address. */
    public static final int FLAG_OVERRIDE = 1 << 29;

    /** Option: link-layer address of the sender. */
    public static final int OPTION_SOURCE = 1;
    /** Option: link-layer address of the target. */
    public static final int OPTION_TARGET = 2;

    /** Most options that a walk passes. */
    private static final int MAX_OPTIONS = 16;

    private Icmpv6() {}

    /** {@link #SIZE} when the message holds the header, else {@link Check#TRUNCATED}. */
    public static int check(int available) {
        return available < SIZE ? Check.TRUNCATED : SIZE;
    }

    /**
     * Judges a neighbour discovery message (types 133 to 137) of {@code length} bytes: fixed part there, code zero, every
     * option with a length that is not zero and inside the message (RFC 4861, sections 6.1 and 7.1). Hop limit, checksum
     * and addresses are the caller's to judge.
     *
     * @return offset of the first option (the fixed part's size), or {@link Check#TRUNCATED}, {@link Check#MALFORMED} or
     *     {@link Check#TOO_MANY}
     */
    public static int checkNeighbourDiscovery(long icmp, int length) {
        if (length < SIZE) {
            return Check.TRUNCATED;
        }
        int fixed = fixedSize(type(icmp));
        if (fixed < 0 || code(icmp) != 0) {
            return Check.MALFORMED;
        }
        int offset = fixed;
        for (int count = 0; offset < length; count++) {
            if (count == MAX_OPTIONS) {
                return Check.TOO_MANY;
            }
            if (length - offset < 2) {
                return Check.TRUNCATED;
            }
            int size = optionLength(icmp + offset);
            if (size == 0) {
                return Check.MALFORMED;
            }
            offset += size;
        }
        return offset > length ? Check.TRUNCATED : fixed;
    }

    private static int fixedSize(int type) {
        return switch (type) {
            case ROUTER_SOLICITATION -> ROUTER_SOLICITATION_SIZE;
            case ROUTER_ADVERTISEMENT -> ROUTER_ADVERTISEMENT_SIZE;
            case NEIGHBOUR_SOLICITATION, NEIGHBOUR_ADVERTISEMENT -> NEIGHBOUR_SIZE;
            case REDIRECT -> 40;
            default -> Check.MALFORMED;
        };
    }

    /** Whether a type is an error, which quotes the packet it is about. */
    public static boolean isError(int type) {
        return type < 128;
    }

    /** Whether a type is a message of neighbour discovery. */
    public static boolean isNeighbourDiscovery(int type) {
        return type >= ROUTER_SOLICITATION && type <= REDIRECT;
    }

    /** Message type. */
    public static int type(long icmp) {
        return Memory.getByte(icmp, SIZE, TYPE);
    }

    /** Message code. */
    public static int code(long icmp) {
        return Memory.getByte(icmp, SIZE, CODE);
    }

    /** Checksum, wire form. */
    public static int checksum(long icmp) {
        return Memory.getShort(icmp, SIZE, CHECKSUM);
    }

    /** Identifier of an echo, wire form. */
    public static int id(long icmp) {
        return Memory.getShort(icmp, SIZE, REST);
    }

    /** Sequence number of an echo, wire form. */
    public static int sequence(long icmp) {
        return Memory.getShort(icmp, SIZE, REST + 2);
    }

    /** The four bytes behind the checksum, host value: MTU of a packet-too-big, pointer, flags of an advertisement. */
    public static int rest(long icmp) {
        return Memory.getIntBe(icmp, SIZE, REST);
    }

    /** First eight bytes of the target of a neighbour message, wire form. */
    public static long targetHigh(long icmp) {
        return Memory.getLong(icmp, NEIGHBOUR_SIZE, TARGET);
    }

    /** Last eight bytes of the target of a neighbour message, wire form. */
    public static long targetLow(long icmp) {
        return Memory.getLong(icmp, NEIGHBOUR_SIZE, TARGET + 8);
    }

    /**
     * Finds the link-layer address of an option in a message that {@link #checkNeighbourDiscovery} passed.
     *
     * @param kind {@link #OPTION_SOURCE} or {@link #OPTION_TARGET}
     * @param firstOption offset of the first option, as the check returned it
     * @return MAC address, wire form, or -1 when there is no such option of Ethernet's length
     */
    public static long linkLayerAddress(long icmp, int length, int firstOption, int kind) {
        int offset = firstOption;
        while (length - offset >= OPTION_SIZE) {
            long option = icmp + offset;
            int size = optionLength(option);
            if (size == 0) {
                return -1;
            }
            if (optionKind(option) == kind && size == OPTION_SIZE) {
                return optionAddress(option);
            }
            offset += size;
        }
        return -1;
    }

    private static int optionKind(long option) {
        return Memory.getByte(option, 2, 0);
    }

    /** Bytes of an option; zero is malformed. */
    private static int optionLength(long option) {
        return Memory.getByte(option, 2, 1) << 3;
    }

    private static long optionAddress(long option) {
        int first4 = Memory.getInt(option, OPTION_SIZE, OPTION_ADDRESS);
        return Ethernet.mac(first4, Memory.getShort(option, OPTION_SIZE, OPTION_ADDRESS + 4));
    }

    /** Stores type, code and a checksum of zero. */
    public static void setTypeAndCode(long icmp, int type, int code) {
        Memory.setByte(icmp, SIZE, TYPE, type);
        Memory.setByte(icmp, SIZE, CODE, code);
        Memory.setShort(icmp, SIZE, CHECKSUM, 0);
    }

    /** Stores the checksum, wire form. */
    public static void setChecksum(long icmp, int checksum) {
        Memory.setShort(icmp, SIZE, CHECKSUM, checksum);
    }

    /** Stores identifier and sequence number of an echo, wire form. */
    public static void setEcho(long icmp, int id, int sequence) {
        Memory.setShort(icmp, SIZE, REST, id);
        Memory.setShort(icmp, SIZE, REST + 2, sequence);
    }

    /** Stores the four bytes behind the checksum, host value. */
    public static void setRest(long icmp, int rest) {
        Memory.setIntBe(icmp, SIZE, REST, rest);
    }

    /** Stores the target of a neighbour message, wire form. */
    public static void setTarget(long icmp, long high, long low) {
        Memory.setLong(icmp, NEIGHBOUR_SIZE, TARGET, high);
        Memory.setLong(icmp, NEIGHBOUR_SIZE, TARGET + 8, low);
    }

    /**
     * Stores a link-layer address option of {@link #OPTION_SIZE} bytes.
     *
     * @param option the option's first byte
     * @param kind {@link #OPTION_SOURCE} or {@link #OPTION_TARGET}
     * @param mac wire form
     */
    public static void setOption(long option, int kind, long mac) {
        Memory.setByte(option, OPTION_SIZE, 0, kind);
        Memory.setByte(option, OPTION_SIZE, 1, 1);
        Memory.setInt(option, OPTION_SIZE, OPTION_ADDRESS, Ethernet.first4(mac));
        Memory.setShort(option, OPTION_SIZE, OPTION_ADDRESS + 4, Ethernet.last2(mac));
    }

    /** Turns an echo request into its reply and updates the checksum; exchanging the addresses does not change it. */
    public static void makeEchoReply(long icmp) {
        int oldWord = Memory.getShort(icmp, SIZE, TYPE);
        Memory.setByte(icmp, SIZE, TYPE, ECHO_REPLY);
        int newWord = Memory.getShort(icmp, SIZE, TYPE);
        applyDelta(icmp, Checksum.delta(oldWord, newWord));
    }

    /** Updates the checksum by a delta. */
    public static void applyDelta(long icmp, int delta) {
        setChecksum(icmp, Checksum.apply(checksum(icmp), delta));
    }

    /** Whether the checksum over a message of {@code length} bytes behind the IPv6 header {@code ip} is right. */
    public static boolean verifyChecksum(long ip, long icmp, int length) {
        return Checksum.verify6(ip, icmp, length, Ipv6.PROTOCOL_ICMPV6);
    }

    /** Computes and stores the checksum over a message of {@code length} bytes behind the IPv6 header {@code ip}. */
    public static void updateChecksum(long ip, long icmp, int length) {
        setChecksum(icmp, Checksum.transport6(ip, icmp, length, Ipv6.PROTOCOL_ICMPV6));
    }
}
