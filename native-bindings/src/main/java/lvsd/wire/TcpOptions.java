package lvsd.wire;

import lvsd.memory.Memory;

/**
 * The options of a TCP header (RFC 9293, section 3.1).
 *
 * <p>Every method takes the header's address and its length as {@link Tcp#check} returned it, and touches nothing behind
 * that length whatever the options say. An option is named by its offset from the header's first byte; only offsets that
 * {@link #first}, {@link #next} or a finder returned are valid. A walk ends at the end-of-list option, at the end of the
 * header, or at the first option whose length is impossible: what lies behind cannot be known and counts as absent. An
 * option of a known kind with another length than its kind demands counts as absent too.
 *
 * <p>Setters that change words of a header whose checksum is right return the delta to {@link Tcp#applyDelta apply}, also
 * when the option lies at an odd offset; 0 when nothing changed.
 */
public final class TcpOptions {
    /** End of the list. */
    public static final int END = 0;
    /** One byte of padding. */
    public static final int NOP = 1;
    /** Maximum segment size. */
    public static final int MSS = 2;
    /** Window scale (RFC 7323). */
    public static final int WINDOW_SCALE = 3;
    /** Selective acknowledgements permitted (RFC 2018). */
    public static final int SACK_PERMITTED = 4;
    /** Selective acknowledgement blocks (RFC 2018). */
    public static final int SACK = 5;
    /** Timestamps (RFC 7323). */
    public static final int TIMESTAMPS = 8;
    /** The client's address for a real server behind FULLNAT (RFC 4727 experiment 2, as LVS uses it). */
    public static final int TOA = 254;

    /** Bytes of the maximum segment size option. */
    public static final int MSS_SIZE = 4;
    /** Bytes of the window scale option. */
    public static final int WINDOW_SCALE_SIZE = 3;
    /** Bytes of the selective acknowledgements permitted option. */
    public static final int SACK_PERMITTED_SIZE = 2;
    /** Bytes of the timestamps option. */
    public static final int TIMESTAMPS_SIZE = 10;
    /** Bytes of the client address option for IPv4: kind, length, port, address. */
    public static final int TOA4_SIZE = 8;
    /** Bytes of the client address option for IPv6: kind, length, port, address. */
    public static final int TOA6_SIZE = 20;
    /** Most blocks a selective acknowledgement can carry. */
    public static final int MAX_SACK_BLOCKS = 4;

    /** Window scales above this count as this (RFC 7323, section 2.3). */
    public static final int MAX_WINDOW_SCALE = 14;

    private static final int SACK_BLOCK = 8;
    /** Where most senders put timestamps: behind two NOPs, first of all; these are the first four bytes. */
    private static final int ALIGNED_TIMESTAMPS = WireForm.int32(0x0101_080a);

    private TcpOptions() {}

    /** Offset of the first option that is not padding, or -1. */
    public static int first(long tcp, int headerLength) {
        return skipPadding(tcp, headerLength, Tcp.SIZE);
    }

    /** Offset of the option behind the one at {@code offset}, or -1. */
    public static int next(long tcp, int headerLength, int offset) {
        return skipPadding(tcp, headerLength, offset + size(tcp, headerLength, offset));
    }

    /** The option at {@code offset} or, behind NOPs, after it; -1 at the end or when its length is impossible. */
    private static int skipPadding(long tcp, int headerLength, int offset) {
        for (int at = offset; at < headerLength; at++) {
            int kind = Memory.getByte(tcp, headerLength, at);
            if (kind != NOP) {
                return kind != END && fits(tcp, headerLength, at) ? at : -1;
            }
        }
        return -1;
    }

    private static boolean fits(long tcp, int headerLength, int offset) {
        if (headerLength - offset < 2) {
            return false;
        }
        int size = Memory.getByte(tcp, headerLength, offset + 1);
        return size >= 2 && size <= headerLength - offset;
    }

    /** Kind of the option at {@code offset}. */
    public static int kind(long tcp, int headerLength, int offset) {
        return Memory.getByte(tcp, headerLength, offset);
    }

    /** Bytes of the option at {@code offset}, kind and length included: at least 2, and inside the header. */
    public static int size(long tcp, int headerLength, int offset) {
        return Memory.getByte(tcp, headerLength, offset + 1);
    }

    /** Offset of the first option of a kind, or -1. */
    public static int find(long tcp, int headerLength, int kind) {
        int offset = first(tcp, headerLength);
        while (offset >= 0 && kind(tcp, headerLength, offset) != kind) {
            offset = next(tcp, headerLength, offset);
        }
        return offset;
    }

    /** Offset of the first option of a kind and size, or -1. */
    private static int find(long tcp, int headerLength, int kind, int size) {
        int offset = find(tcp, headerLength, kind);
        return offset >= 0 && size(tcp, headerLength, offset) == size ? offset : -1;
    }

    /** Whether every option has a possible length, up to the end of the list. */
    public static boolean isWellFormed(long tcp, int headerLength) {
        int at = Tcp.SIZE;
        while (at < headerLength) {
            int kind = Memory.getByte(tcp, headerLength, at);
            if (kind == END) {
                return true;
            }
            if (kind != NOP && !fits(tcp, headerLength, at)) {
                return false;
            }
            at += kind == NOP ? 1 : size(tcp, headerLength, at);
        }
        return true;
    }

    /** Maximum segment size in bytes, or -1 without the option. */
    public static int mss(long tcp, int headerLength) {
        int offset = find(tcp, headerLength, MSS, MSS_SIZE);
        return offset < 0 ? -1 : Memory.getShortBe(tcp, headerLength, offset + 2);
    }

    /** Changes the maximum segment size where the option is there; returns the delta, or 0. */
    public static int setMss(long tcp, int headerLength, int mss) {
        int offset = find(tcp, headerLength, MSS, MSS_SIZE);
        return offset < 0 ? 0 : replaceShort(tcp, headerLength, offset + 2, mss);
    }

    /** Lowers the maximum segment size to {@code limit} where the option is there and higher; returns the delta, or 0. */
    public static int clampMss(long tcp, int headerLength, int limit) {
        return mss(tcp, headerLength) > limit ? setMss(tcp, headerLength, limit) : 0;
    }

    /** Window scale as sent (values above {@link #MAX_WINDOW_SCALE} count as that), or -1 without the option. */
    public static int windowScale(long tcp, int headerLength) {
        int offset = find(tcp, headerLength, WINDOW_SCALE, WINDOW_SCALE_SIZE);
        return offset < 0 ? -1 : Memory.getByte(tcp, headerLength, offset + 2);
    }

    /** Whether selective acknowledgements are permitted. */
    public static boolean sackPermitted(long tcp, int headerLength) {
        return find(tcp, headerLength, SACK_PERMITTED, SACK_PERMITTED_SIZE) >= 0;
    }

    /** Offset of the timestamps option, or -1. Looks first where most senders put it. */
    public static int timestamps(long tcp, int headerLength) {
        if (headerLength >= Tcp.SIZE + 2 + TIMESTAMPS_SIZE
                && Memory.getInt(tcp, headerLength, Tcp.SIZE) == ALIGNED_TIMESTAMPS) {
            return Tcp.SIZE + 2;
        }
        return find(tcp, headerLength, TIMESTAMPS, TIMESTAMPS_SIZE);
    }

    /** The sender's timestamp in the {@link #timestamps} option at {@code offset}. */
    public static int tsval(long tcp, int headerLength, int offset) {
        return Memory.getIntBe(tcp, headerLength, offset + 2);
    }

    /** The echoed timestamp in the {@link #timestamps} option at {@code offset}. */
    public static int tsecr(long tcp, int headerLength, int offset) {
        return Memory.getIntBe(tcp, headerLength, offset + 6);
    }

    /** Changes the sender's timestamp in the {@link #timestamps} option at {@code offset}; returns the delta. */
    public static int setTsval(long tcp, int headerLength, int offset, int tsval) {
        return replaceInt(tcp, headerLength, offset + 2, tsval);
    }

    /** Changes the echoed timestamp in the {@link #timestamps} option at {@code offset}; returns the delta. */
    public static int setTsecr(long tcp, int headerLength, int offset, int tsecr) {
        return replaceInt(tcp, headerLength, offset + 6, tsecr);
    }

    /** Offset of the selective acknowledgement option, or -1 without one of one to four whole blocks. */
    public static int sack(long tcp, int headerLength) {
        int offset = find(tcp, headerLength, SACK);
        if (offset < 0) {
            return -1;
        }
        int blocks = size(tcp, headerLength, offset) - 2;
        return blocks > 0 && blocks % SACK_BLOCK == 0 ? offset : -1;
    }

    /** Number of blocks in the {@link #sack} option at {@code offset}, 1 to {@link #MAX_SACK_BLOCKS}. */
    public static int sackBlocks(long tcp, int headerLength, int offset) {
        return (size(tcp, headerLength, offset) - 2) / SACK_BLOCK;
    }

    /** First sequence number of block {@code index} of the {@link #sack} option at {@code offset}. */
    public static int sackLeft(long tcp, int headerLength, int offset, int index) {
        return Memory.getIntBe(tcp, headerLength, offset + 2 + index * SACK_BLOCK);
    }

    /** Sequence number behind block {@code index} of the {@link #sack} option at {@code offset}. */
    public static int sackRight(long tcp, int headerLength, int offset, int index) {
        return Memory.getIntBe(tcp, headerLength, offset + 6 + index * SACK_BLOCK);
    }

    /** Adds {@code delta} to every edge of the {@link #sack} option at {@code offset}; returns the checksum delta. */
    public static int addToSack(long tcp, int headerLength, int offset, int delta) {
        int sumDelta = Checksum.NO_CHANGE;
        int end = offset + size(tcp, headerLength, offset);
        for (int at = offset + 2; at < end; at += 4) {
            int edge = Memory.getIntBe(tcp, headerLength, at);
            sumDelta = Checksum.add(sumDelta, replaceInt(tcp, headerLength, at, edge + delta));
        }
        return sumDelta;
    }

    /** Replaces the option at {@code offset} by NOPs; returns the delta. */
    public static int blank(long tcp, int headerLength, int offset) {
        int size = size(tcp, headerLength, offset);
        int oldSum = Checksum.sum(tcp + offset, size);
        Memory.fill(tcp + offset, size, NOP);
        return aligned(Checksum.delta(oldSum, Checksum.sum(tcp + offset, size)), offset);
    }

    /** Replaces every option of a kind by NOPs, as against a client that sends {@link #TOA} itself; returns the delta. */
    public static int blankAll(long tcp, int headerLength, int kind) {
        int sumDelta = 0;
        int offset = find(tcp, headerLength, kind);
        while (offset >= 0) {
            sumDelta = Checksum.add(sumDelta, blank(tcp, headerLength, offset));
            offset = find(tcp, headerLength, kind);
        }
        return sumDelta;
    }

    /** Whether {@code size} more bytes of options fit the header. */
    public static boolean hasRoom(int headerLength, int size) {
        return headerLength + size <= Tcp.MAX_SIZE;
    }

    /**
     * Opens a gap of {@code size} bytes before the first option, by moving everything from the frame's first byte to the
     * end of the fixed header into the headroom, and stores the new header length. The caller owes {@link #hasRoom},
     * {@code size} bytes of headroom, a size that is a multiple of 4, what to put into the gap (at offset {@link
     * Tcp#SIZE}), IP lengths, and checksums ({@link #insertedDelta}).
     *
     * @param frame first byte of the frame that holds the header
     * @return the header's new address, {@code tcp - size}; the frame begins at {@code frame - size}
     */
    public static long insertFront(long frame, long tcp, int headerLength, int size) {
        Memory.copy(frame, frame - size, tcp + Tcp.SIZE - frame);
        long moved = tcp - size;
        Tcp.setHeaderLength(moved, headerLength + size);
        return moved;
    }

    /**
     * What {@link #insertFront} and the bytes stored into its gap do to the TCP checksum: the bytes themselves, the data
     * offset, and the length in the pseudo header.
     */
    public static int insertedDelta(long tcp, int size) {
        int dataOffset = WireForm.short16(size >>> 2 << 12);
        return Checksum.deltaAdded((long) Checksum.sum(tcp + Tcp.SIZE, size) + dataOffset + WireForm.short16(size));
    }

    /**
     * Stores the client address option for IPv4, {@link #TOA4_SIZE} bytes, at {@code offset}.
     *
     * @param port wire form
     * @param address wire form
     */
    public static void putToa4(long tcp, int headerLength, int offset, int port, int address) {
        putToaHead(tcp, headerLength, offset, TOA4_SIZE, port);
        Memory.setInt(tcp, headerLength, offset + 4, address);
    }

    /**
     * Stores the client address option for IPv6, {@link #TOA6_SIZE} bytes, at {@code offset}.
     *
     * @param port wire form
     * @param high first half of the address, wire form
     * @param low second half of the address, wire form
     */
    public static void putToa6(long tcp, int headerLength, int offset, int port, long high, long low) {
        putToaHead(tcp, headerLength, offset, TOA6_SIZE, port);
        Memory.setLong(tcp, headerLength, offset + 4, high);
        Memory.setLong(tcp, headerLength, offset + 12, low);
    }

    private static void putToaHead(long tcp, int headerLength, int offset, int size, int port) {
        Memory.setByte(tcp, headerLength, offset, TOA);
        Memory.setByte(tcp, headerLength, offset + 1, size);
        Memory.setShort(tcp, headerLength, offset + 2, port);
    }

    private static int replaceShort(long tcp, int headerLength, int offset, int value) {
        int oldWord = Memory.getShort(tcp, headerLength, offset);
        int newWord = WireForm.short16(value);
        Memory.setShort(tcp, headerLength, offset, newWord);
        return aligned(Checksum.delta(oldWord, newWord), offset);
    }

    private static int replaceInt(long tcp, int headerLength, int offset, int value) {
        int oldWords = Memory.getInt(tcp, headerLength, offset);
        int newWords = WireForm.int32(value);
        Memory.setInt(tcp, headerLength, offset, newWords);
        return aligned(Checksum.deltaInt(oldWords, newWords), offset);
    }

    private static int aligned(int delta, int offset) {
        return (offset & 1) == 0 ? delta : Checksum.swap(delta);
    }
}
