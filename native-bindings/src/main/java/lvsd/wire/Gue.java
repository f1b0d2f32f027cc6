package lvsd.wire;

import lvsd.memory.Memory;

/** The header of Generic UDP Encapsulation, version 0, for data (draft-ietf-intarea-gue-09, section 3.1). */
public final class Gue {
    /** Bytes of the header without extensions. */
    public static final int SIZE = 4;

    private static final int VERSION_CONTROL_LENGTH = 0;
    private static final int PROTOCOL = 1;
    private static final int FLAGS = 2;
    /** Version and the bit of control messages. */
    private static final int NOT_DATA = 0xe0;

    private static final int WORDS = 0x1f;

    private Gue() {}

    /**
     * Judges the header against the bytes there are.
     *
     * @param available bytes from {@code gue} on
     * @return the header's length with its extensions, or {@link Check#TRUNCATED} or {@link Check#MALFORMED}
     */
    public static int check(long gue, int available) {
        if (available < SIZE) {
            return Check.TRUNCATED;
        }
        int first = Memory.getByte(gue, SIZE, VERSION_CONTROL_LENGTH);
        if ((first & NOT_DATA) != 0) {
            return Check.MALFORMED;
        }
        int size = SIZE + (first & WORDS) * 4;
        return size > available ? Check.TRUNCATED : size;
    }

    /** IP protocol number of what is inside. */
    public static int protocol(long gue) {
        return Memory.getByte(gue, SIZE, PROTOCOL);
    }

    /** Writes the header, without extensions, of a packet with the given IP protocol number. */
    public static void write(long gue, int protocol) {
        Memory.setByte(gue, SIZE, VERSION_CONTROL_LENGTH, 0);
        Memory.setByte(gue, SIZE, PROTOCOL, protocol);
        Memory.setShort(gue, SIZE, FLAGS, 0);
    }
}
