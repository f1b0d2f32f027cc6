package lvsd.wire;

import lvsd.memory.Memory;

/** The ICMP header (RFC 792). Checksum, identifier and sequence in wire form, the rest host values. */
public final class Icmp {
    static final int TYPE = 0;
    static final int CODE = 1;
    static final int CHECKSUM = 2;
    static final int ID = 4;
    static final int SEQUENCE = 6;
    static final int REST = 4;
    static final int MTU = 6;

    /** Bytes of the header. */
    public static final int SIZE = 8;
    /** From the header to the packet that an error quotes. */
    public static final int QUOTE_OFFSET = 8;

    /** Echo reply. */
    public static final int ECHO_REPLY = 0;
    /** Destination unreachable. */
    public static final int UNREACHABLE = 3;
    /** Source quench, obsolete (RFC 6633). */
    public static final int SOURCE_QUENCH = 4;
    /** Redirect. */
    public static final int REDIRECT = 5;
    /** Echo request. */
    public static final int ECHO_REQUEST = 8;
    /** Time exceeded. */
    public static final int TIME_EXCEEDED = 11;
    /** Parameter problem. */
    public static final int PARAMETER_PROBLEM = 12;

    /** Unreachable: network. */
    public static final int CODE_NET = 0;
    /** Unreachable: host. */
    public static final int CODE_HOST = 1;
    /** Unreachable: protocol. */
    public static final int CODE_PROTOCOL = 2;
    /** Unreachable: port. */
    public static final int CODE_PORT = 3;
    /** Unreachable: fragmentation needed and DF set; {@link #mtu} says how large (RFC 1191). */
    public static final int CODE_FRAGMENTATION_NEEDED = 4;
    /** Unreachable: administratively prohibited (RFC 1812). */
    public static final int CODE_PROHIBITED = 13;
    /** Time exceeded: in transit. */
    public static final int CODE_TTL = 0;

    private Icmp() {}

    /** {@link #SIZE} when the message holds the header, else {@link Check#TRUNCATED}. */
    public static int check(int available) {
        return available < SIZE ? Check.TRUNCATED : SIZE;
    }

    /** Whether a type is an error, which quotes the packet it is about. */
    public static boolean isError(int type) {
        return switch (type) {
            case UNREACHABLE, SOURCE_QUENCH, REDIRECT, TIME_EXCEEDED, PARAMETER_PROBLEM -> true;
            default -> false;
        };
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
        return Memory.getShort(icmp, SIZE, ID);
    }

    /** Sequence number of an echo, wire form. */
    public static int sequence(long icmp) {
        return Memory.getShort(icmp, SIZE, SEQUENCE);
    }

    /** MTU of the next hop in {@link #CODE_FRAGMENTATION_NEEDED}, bytes; 0 from old routers. */
    public static int mtu(long icmp) {
        return Memory.getShortBe(icmp, SIZE, MTU);
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
        Memory.setShort(icmp, SIZE, ID, id);
        Memory.setShort(icmp, SIZE, SEQUENCE, sequence);
    }

    /** Stores the four bytes behind the checksum, host value: zero, or with an MTU in the low half. */
    public static void setRest(long icmp, int rest) {
        Memory.setIntBe(icmp, SIZE, REST, rest);
    }

    /** Turns an echo request into its reply and updates the checksum. */
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

    /** Whether the checksum over a message of {@code length} bytes is right. */
    public static boolean verifyChecksum(long icmp, int length) {
        return Checksum.sum(icmp, length) == 0xffff;
    }

    /** Computes and stores the checksum over a message of {@code length} bytes. */
    public static void updateChecksum(long icmp, int length) {
        setChecksum(icmp, 0);
        setChecksum(icmp, Checksum.finish(Checksum.sum(icmp, length)));
    }
}
