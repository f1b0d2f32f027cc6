package lvsd.wire;

import lvsd.memory.Memory;

/**
 * The SCTP common header and its chunks (RFC 9260). Ports in wire form, the rest host values. The checksum is a CRC32c
 * over the whole packet with its own field zero; it knows no pseudo header, so translating addresses leaves it alone but
 * translating ports does not.
 */
public final class Sctp {
    static final int PORTS = 0;
    static final int SOURCE_PORT = 0;
    static final int DESTINATION_PORT = 2;
    static final int TAG = 4;
    static final int CHECKSUM = 8;

    /** Bytes of the common header. */
    public static final int SIZE = 12;
    /** Bytes of a chunk header. */
    public static final int CHUNK_SIZE = 4;

    /** Chunk: data. */
    public static final int DATA = 0;
    /** Chunk: initiation. */
    public static final int INIT = 1;
    /** Chunk: initiation acknowledgement. */
    public static final int INIT_ACK = 2;
    /** Chunk: selective acknowledgement. */
    public static final int SACK = 3;
    /** Chunk: heartbeat request. */
    public static final int HEARTBEAT = 4;
    /** Chunk: heartbeat acknowledgement. */
    public static final int HEARTBEAT_ACK = 5;
    /** Chunk: abort. */
    public static final int ABORT = 6;
    /** Chunk: shutdown. */
    public static final int SHUTDOWN = 7;
    /** Chunk: shutdown acknowledgement. */
    public static final int SHUTDOWN_ACK = 8;
    /** Chunk: error. */
    public static final int ERROR = 9;
    /** Chunk: state cookie. */
    public static final int COOKIE_ECHO = 10;
    /** Chunk: cookie acknowledgement. */
    public static final int COOKIE_ACK = 11;
    /** Chunk: shutdown complete. */
    public static final int SHUTDOWN_COMPLETE = 14;

    /** CRC32c (Castagnoli), reflected polynomial. */
    private static final int POLYNOMIAL = 0x82f6_3b78;

    /** Eight tables of 256: table {@code k} advances a byte by {@code k} further zero bytes. */
    private static final int[] CRC_TABLES = crcTables();

    private Sctp() {}

    /**
     * Judges the common header against the bytes there are.
     *
     * @param available bytes from {@code sctp} to the end of the IP packet
     * @return {@link #SIZE}, or {@link Check#TRUNCATED}
     */
    public static int check(int available) {
        return available < SIZE ? Check.TRUNCATED : SIZE;
    }

    /** Source port, wire form. */
    public static int sourcePort(long sctp) {
        return Memory.getShort(sctp, SIZE, SOURCE_PORT);
    }

    /** Destination port, wire form. */
    public static int destinationPort(long sctp) {
        return Memory.getShort(sctp, SIZE, DESTINATION_PORT);
    }

    /** Both ports as one 32-bit value, wire form; see {@link Tcp#portPair}. */
    public static int ports(long sctp) {
        return Memory.getInt(sctp, SIZE, PORTS);
    }

    /** Verification tag. */
    public static int tag(long sctp) {
        return Memory.getIntBe(sctp, SIZE, TAG);
    }

    /** Checksum as {@link #computeChecksum} gives it. */
    public static int checksum(long sctp) {
        return Integer.reverseBytes(Memory.getIntBe(sctp, SIZE, CHECKSUM));
    }

    /**
     * Offset of the first chunk, or -1 when no whole chunk lies inside {@code available} (bytes of the SCTP packet).
     */
    public static int firstChunk(long sctp, int available) {
        return chunkAt(sctp, available, SIZE);
    }

    /** Offset of the chunk behind the one at {@code offset}, padding passed, or -1. */
    public static int nextChunk(long sctp, int available, int offset) {
        return chunkAt(sctp, available, offset + ((chunkLength(sctp, offset) + 3) & ~3));
    }

    private static int chunkAt(long sctp, int available, int offset) {
        if (available - offset < CHUNK_SIZE) {
            return -1;
        }
        int length = chunkLength(sctp, offset);
        return length >= CHUNK_SIZE && length <= available - offset ? offset : -1;
    }

    /** Type of the chunk at {@code offset}. */
    public static int chunkType(long sctp, int offset) {
        return Memory.getByte(sctp + offset, CHUNK_SIZE, 0);
    }

    /** Flags of the chunk at {@code offset}. */
    public static int chunkFlags(long sctp, int offset) {
        return Memory.getByte(sctp + offset, CHUNK_SIZE, 1);
    }

    /** Bytes of the chunk at {@code offset}, its header included, padding not. */
    public static int chunkLength(long sctp, int offset) {
        return Memory.getShortBe(sctp + offset, CHUNK_SIZE, 2);
    }

    /** Stores both ports, laid out as {@link Tcp#portPair}. */
    public static void setPorts(long sctp, int ports) {
        Memory.setInt(sctp, SIZE, PORTS, ports);
    }

    /** Stores the verification tag. */
    public static void setTag(long sctp, int tag) {
        Memory.setIntBe(sctp, SIZE, TAG, tag);
    }

    /** Stores the checksum as {@link #computeChecksum} gives it. */
    public static void setChecksum(long sctp, int checksum) {
        Memory.setIntBe(sctp, SIZE, CHECKSUM, Integer.reverseBytes(checksum));
    }

    /** Whether the checksum over a packet of {@code length} bytes, at least {@link #SIZE}, is right. */
    public static boolean verifyChecksum(long sctp, int length) {
        return checksum(sctp) == computeChecksum(sctp, length);
    }

    /** Computes and stores the checksum over a packet of {@code length} bytes, at least {@link #SIZE}. */
    public static void updateChecksum(long sctp, int length) {
        setChecksum(sctp, computeChecksum(sctp, length));
    }

    /** The checksum that belongs into a packet of {@code length} bytes, whatever lies in its field now. */
    public static int computeChecksum(long sctp, int length) {
        int crc = crc32c(~0, sctp, CHECKSUM);
        for (int i = 0; i < SIZE - CHECKSUM; i++) {
            crc = step(crc, 0);
        }
        return ~crc32c(crc, sctp + SIZE, length - SIZE);
    }

    /**
     * CRC32c over memory, eight bytes a step, without the first and the last complement.
     *
     * @param crc what the bytes before gave, {@code ~0} at the start; the last result is complemented
     */
    public static int crc32c(int crc, long address, int length) {
        int result = crc;
        int whole = length & ~7;
        for (int i = 0; i < whole; i += 8) {
            long word = Memory.getLong(address + i, 8, 0);
            result = step8(result, WireForm.LITTLE_ENDIAN ? word : Long.reverseBytes(word));
        }
        for (int i = whole; i < length; i++) {
            result = step(result, Memory.getByte(address + i, 1, 0));
        }
        return result;
    }

    private static int step(int crc, int next) {
        return crc >>> 8 ^ CRC_TABLES[(crc ^ next) & 0xff];
    }

    /** Advances over eight bytes, the first of them in the lowest bits of {@code next}. */
    private static int step8(int crc, long next) {
        int low = (int) next ^ crc;
        int high = (int) (next >>> 32);
        return table(7, low)
                ^ table(6, low >>> 8)
                ^ table(5, low >>> 16)
                ^ table(4, low >>> 24)
                ^ table(3, high)
                ^ table(2, high >>> 8)
                ^ table(1, high >>> 16)
                ^ table(0, high >>> 24);
    }

    private static int table(int zeroes, int value) {
        return CRC_TABLES[(zeroes << 8) + (value & 0xff)];
    }

    private static int[] crcTables() {
        int[] tables = new int[8 << 8];
        for (int value = 0; value < 256; value++) {
            int crc = value;
            for (int bit = 0; bit < 8; bit++) {
                crc = crc >>> 1 ^ ((crc & 1) != 0 ? POLYNOMIAL : 0);
            }
            tables[value] = crc;
        }
        for (int i = 256; i < tables.length; i++) {
            int before = tables[i - 256];
            tables[i] = before >>> 8 ^ tables[before & 0xff];
        }
        return tables;
    }
}
