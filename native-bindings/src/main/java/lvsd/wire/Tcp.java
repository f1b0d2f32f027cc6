package lvsd.wire;

import lvsd.memory.Memory;

/** The TCP header (RFC 9293). Ports and checksum in wire form, the rest host values. */
public final class Tcp {
    static final int PORTS = 0;
    static final int SOURCE_PORT = 0;
    static final int DESTINATION_PORT = 2;
    static final int SEQ = 4;
    static final int ACK = 8;
    static final int DATA_OFFSET = 12;
    static final int FLAGS = 13;
    static final int WINDOW = 14;
    static final int CHECKSUM = 16;
    static final int URGENT = 18;

    /** Bytes of the header without options. */
    public static final int SIZE = 20;
    /** Bytes of the longest header. */
    public static final int MAX_SIZE = 60;

    /** No more data from the sender. */
    public static final int FIN = 0x01;
    /** Synchronise sequence numbers. */
    public static final int SYN = 0x02;
    /** Reset the connection. */
    public static final int RST = 0x04;
    /** Push. */
    public static final int PSH = 0x08;
    /** The acknowledgement number counts. */
    public static final int ACK_FLAG = 0x10;
    /** The urgent pointer counts. */
    public static final int URG = 0x20;
    /** ECN echo (RFC 3168). */
    public static final int ECE = 0x40;
    /** Congestion window reduced (RFC 3168). */
    public static final int CWR = 0x80;

    private Tcp() {}

    /**
     * Judges the header against the bytes there are. Afterwards header and options may be read.
     *
     * @param available bytes from {@code tcp} to the end of the IP packet
     * @return header length in bytes with options (20 to 60), or {@link Check#TRUNCATED} or {@link Check#MALFORMED}
     */
    public static int check(long tcp, int available) {
        if (available < SIZE) {
            return Check.TRUNCATED;
        }
        int headerLength = headerLength(tcp);
        if (headerLength < SIZE) {
            return Check.MALFORMED;
        }
        return headerLength > available ? Check.TRUNCATED : headerLength;
    }

    /** Source port, wire form. */
    public static int sourcePort(long tcp) {
        return Memory.getShort(tcp, SIZE, SOURCE_PORT);
    }

    /** Destination port, wire form. */
    public static int destinationPort(long tcp) {
        return Memory.getShort(tcp, SIZE, DESTINATION_PORT);
    }

    /** Both ports as one 32-bit value, wire form; see {@link #portPair}. TCP, UDP and SCTP have them at the same place. */
    public static int ports(long tcp) {
        return Memory.getInt(tcp, SIZE, PORTS);
    }

    /** {@link #ports} of a header with these ports, all in wire form. */
    public static int portPair(int source, int destination) {
        return WireForm.LITTLE_ENDIAN
                ? (source & 0xffff) | (destination << 16)
                : (source << 16) | (destination & 0xffff);
    }

    /** The source port in a {@link #portPair}, wire form. */
    public static int pairSource(int pair) {
        return WireForm.LITTLE_ENDIAN ? pair & 0xffff : pair >>> 16;
    }

    /** The destination port in a {@link #portPair}, wire form. */
    public static int pairDestination(int pair) {
        return WireForm.LITTLE_ENDIAN ? pair >>> 16 : pair & 0xffff;
    }

    /** Sequence number, compared by {@link Seq}. */
    public static int seq(long tcp) {
        return Memory.getIntBe(tcp, SIZE, SEQ);
    }

    /** Acknowledgement number, compared by {@link Seq}. */
    public static int ack(long tcp) {
        return Memory.getIntBe(tcp, SIZE, ACK);
    }

    /** Header length in bytes with options, by its own field. */
    public static int headerLength(long tcp) {
        return Memory.getByte(tcp, SIZE, DATA_OFFSET) >>> 4 << 2;
    }

    /** The eight flag bits: {@link #FIN} and so on. */
    public static int flags(long tcp) {
        return Memory.getByte(tcp, SIZE, FLAGS);
    }

    /**
     * Data offset, flags, window, checksum and urgent pointer in one load: take apart with {@link #flagsOf},
     * {@link #headerLengthOf} and {@link #checksumOf}.
     */
    public static long rest(long tcp) {
        return Memory.getLong(tcp, SIZE, DATA_OFFSET);
    }

    /** Sequence and acknowledgement number in one load: take apart with {@link #seqOf} and {@link #ackOf}. */
    public static long numbers(long tcp) {
        return Memory.getLong(tcp, SIZE, SEQ);
    }

    /** The sequence number in the {@link #numbers}. */
    public static int seqOf(long numbers) {
        return (int) (WireForm.long64(numbers) >>> 32);
    }

    /** The acknowledgement number in the {@link #numbers}. */
    public static int ackOf(long numbers) {
        return (int) WireForm.long64(numbers);
    }

    /** The flags in the {@link #rest}. */
    public static int flagsOf(long rest) {
        return WireForm.LITTLE_ENDIAN ? (int) rest >>> 8 & 0xff : (int) (rest >>> 48) & 0xff;
    }

    /** Whether a segment with these flags is the first of a handshake: SYN without ACK and RST. */
    public static boolean opens(int flags) {
        return (flags & (SYN | ACK_FLAG | RST)) == SYN;
    }

    /** The header length in the {@link #rest}, 0 to 60 bytes. */
    public static int headerLengthOf(long rest) {
        return WireForm.LITTLE_ENDIAN ? (int) rest >>> 2 & 0x3c : (int) (rest >>> 58) & 0x3c;
    }

    /** The checksum in the {@link #rest}, wire form. */
    public static int checksumOf(long rest) {
        return (int) (WireForm.LITTLE_ENDIAN ? rest >>> 32 : rest >>> 16) & 0xffff;
    }

    /** The four bits between data offset and flags; the lowest is accurate ECN's AE (RFC 9768). */
    public static int reserved(long tcp) {
        return Memory.getByte(tcp, SIZE, DATA_OFFSET) & 0xf;
    }

    /** Window, not scaled. */
    public static int window(long tcp) {
        return Memory.getShortBe(tcp, SIZE, WINDOW);
    }

    /** Checksum, wire form. */
    public static int checksum(long tcp) {
        return Memory.getShort(tcp, SIZE, CHECKSUM);
    }

    /** Urgent pointer. */
    public static int urgent(long tcp) {
        return Memory.getShortBe(tcp, SIZE, URGENT);
    }

    /** Stores both ports, laid out as {@link #portPair}. */
    public static void setPorts(long tcp, int ports) {
        Memory.setInt(tcp, SIZE, PORTS, ports);
    }

    /** Stores the source port, wire form. */
    public static void setSourcePort(long tcp, int port) {
        Memory.setShort(tcp, SIZE, SOURCE_PORT, port);
    }

    /** Stores the destination port, wire form. */
    public static void setDestinationPort(long tcp, int port) {
        Memory.setShort(tcp, SIZE, DESTINATION_PORT, port);
    }

    /** Stores the sequence number. */
    public static void setSeq(long tcp, int seq) {
        Memory.setIntBe(tcp, SIZE, SEQ, seq);
    }

    /** Stores the acknowledgement number. */
    public static void setAck(long tcp, int ack) {
        Memory.setIntBe(tcp, SIZE, ACK, ack);
    }

    /** Stores the header length in bytes (a multiple of 4, 20 to 60) and keeps the reserved bits; it must fit. */
    public static void setHeaderLength(long tcp, int headerLength) {
        Memory.setByte(tcp, SIZE, DATA_OFFSET, (headerLength >>> 2 << 4) | reserved(tcp));
    }

    /** Stores the flags. */
    public static void setFlags(long tcp, int flags) {
        Memory.setByte(tcp, SIZE, FLAGS, flags);
    }

    /** Stores the four bits between data offset and flags. */
    public static void setReserved(long tcp, int reserved) {
        int dataOffset = Memory.getByte(tcp, SIZE, DATA_OFFSET) & 0xf0;
        Memory.setByte(tcp, SIZE, DATA_OFFSET, dataOffset | (reserved & 0xf));
    }

    /** Stores the window. */
    public static void setWindow(long tcp, int window) {
        Memory.setShortBe(tcp, SIZE, WINDOW, window);
    }

    /** Stores the checksum, wire form. */
    public static void setChecksum(long tcp, int checksum) {
        Memory.setShort(tcp, SIZE, CHECKSUM, checksum);
    }

    /** Stores the urgent pointer. */
    public static void setUrgent(long tcp, int urgent) {
        Memory.setShortBe(tcp, SIZE, URGENT, urgent);
    }

    /** Updates the checksum by a delta. */
    public static void applyDelta(long tcp, int delta) {
        setChecksum(tcp, Checksum.apply(checksum(tcp), delta));
    }

    /** Adds {@code delta} to the sequence number and updates the checksum. */
    public static void addToSeq(long tcp, int delta) {
        addTo(tcp, SEQ, delta);
    }

    /** Adds {@code delta} to the acknowledgement number and updates the checksum. */
    public static void addToAck(long tcp, int delta) {
        addTo(tcp, ACK, delta);
    }

    private static void addTo(long tcp, int field, int delta) {
        int oldWords = Memory.getInt(tcp, SIZE, field);
        int newWords = WireForm.int32(WireForm.int32(oldWords) + delta);
        Memory.setInt(tcp, SIZE, field, newWords);
        applyDelta(tcp, Checksum.deltaInt(oldWords, newWords));
    }
}
