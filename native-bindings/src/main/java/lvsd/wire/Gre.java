package lvsd.wire;

import lvsd.memory.Memory;

/** The GRE header with or without checksum (RFC 2784); keys and sequence numbers (RFC 2890) are not for us. */
public final class Gre {
    /** Bytes of the header without checksum. */
    public static final int SIZE = 4;
    /** Bytes of the header with checksum. */
    public static final int CHECKSUM_SIZE = 8;

    private static final int FLAGS = 0;
    private static final int TYPE = 2;
    private static final int CHECKSUM = 4;
    private static final int CHECKSUM_PRESENT = 0x8000;
    /** Everything but the checksum bit: version, and what would make the header longer. */
    private static final int UNKNOWN = 0x7fff;

    private Gre() {}

    /** Bytes of the header. */
    public static int size(boolean checksum) {
        return checksum ? CHECKSUM_SIZE : SIZE;
    }

    /**
     * Judges the header against the bytes there are.
     *
     * @param available bytes from {@code gre} on
     * @return the header's length, or {@link Check#TRUNCATED} or {@link Check#MALFORMED}
     */
    public static int check(long gre, int available) {
        if (available < SIZE) {
            return Check.TRUNCATED;
        }
        int flags = Memory.getShortBe(gre, SIZE, FLAGS);
        if ((flags & UNKNOWN) != 0) {
            return Check.MALFORMED;
        }
        int size = size((flags & CHECKSUM_PRESENT) != 0);
        return size > available ? Check.TRUNCATED : size;
    }

    /** EtherType of what is inside. */
    public static int protocolType(long gre) {
        return Memory.getShortBe(gre, SIZE, TYPE);
    }

    /**
     * Writes the header before a packet.
     *
     * @param etherType of the packet
     * @param checksum whether header and packet get a checksum
     * @param length bytes of header and packet
     */
    public static void write(long gre, int etherType, boolean checksum, int length) {
        Memory.setShortBe(gre, SIZE, FLAGS, checksum ? CHECKSUM_PRESENT : 0);
        Memory.setShortBe(gre, SIZE, TYPE, etherType);
        if (checksum) {
            Memory.setInt(gre, CHECKSUM_SIZE, CHECKSUM, 0);
            Memory.setShort(gre, CHECKSUM_SIZE, CHECKSUM, Checksum.finish(Checksum.sum(gre, length)));
        }
    }
}
