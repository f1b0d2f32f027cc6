package lvsd.dataplane;

import lvsd.dataplane.io.PacketIo;
import lvsd.memory.Memory;
import lvsd.memory.Scratch;
import lvsd.wire.WireForm;

/**
 * What stage 1 learned of each packet of one burst, for the stages behind it: one cache line a packet, outside the heap.
 * One instance per worker, used by that worker alone; line {@code i} is valid from {@link Parser} to the dispatch of the
 * same burst.
 *
 * <p>Columns as arrays of the heap cost more than they hold: each is a reference to load through the collector's barrier
 * and a length to compare with, for every packet and column.
 *
 * <p>Addresses and ports are in wire form (see {@link lvsd.dataplane.service.Wire}).
 */
final class Burst {
    static final int CAPACITY = PacketIo.BURST;

    /** Parsed whole: IPv4 without options, unfragmented TCP or UDP, addressed to our MAC. */
    static final int FAST4 = 1;
    /** Parsed whole: IPv6 with TCP or UDP right behind the fixed header, addressed to our MAC. */
    static final int FAST6 = 2;
    /** Anything else: handled one at a time. */
    static final int SLOW = 4;

    /** Dealt with before its turn: no later stage touches it, and its verdict is there. */
    static final int DONE = 8;

    /** Bytes of a line as a shift. */
    static final int SHIFT = 6;

    private static final int SIZE = 1 << SHIFT;
    private static final int PROTOCOL_TCP = 6;
    private static final int PROTOCOL_UDP = 17;

    private static final int MBUF = 0;
    private static final int L3 = 8;
    private static final int ADDRESSES = 16;
    private static final int PORTS = 24;
    /** Kind in the low byte, protocol above, length in the upper half. */
    private static final int SUMMARY = 28;

    private static final int HASH = 32;
    private static final int BUCKET = 40;
    private static final int REFERENCE = 48;
    private static final int VERDICT = 52;

    /** Holds the memory for as long as the burst is reachable. */
    private final Scratch memory = new Scratch((long) CAPACITY * SIZE, SIZE);

    private final long rows = memory.address();

    /** Where the lines are, for {@link #row(long, int)}. For as long as this is reachable. */
    long rows() {
        return rows;
    }

    /** One bit for each packet from {@code from} to {@code to} - 1; 0 to {@link #CAPACITY}. */
    static long bits(int from, int to) {
        return from == to ? 0 : -1L >>> (CAPACITY - (to - from)) << from;
    }

    /** The line of packet {@code i}, 0 to {@link #CAPACITY} - 1: what the accessors take. */
    static long row(long rows, int i) {
        return rows + (long) (i & CAPACITY - 1) * SIZE;
    }

    /**
     * As {@link #row(long, int)}, {@link #CAPACITY} included: where a loop over lines begins and ends. Unlike there {@code i} is
     * taken as it is; no {@link PacketIo} receives more.
     */
    static long edge(long rows, int i) {
        return rows + (long) i * SIZE;
    }

    /** The line behind another. A loop that goes from line to line has nothing to calculate from a number. */
    static long next(long row) {
        return row + SIZE;
    }

    /** The packet whose line it is; of an {@link #edge}, too. */
    static int index(long rows, long row) {
        return (int) (row - rows) >> SHIFT;
    }

    /** Notes a packet that needs the long way; there is nothing of it to look up. */
    static void setSlow(long row) {
        Memory.setInt(row, SIZE, SUMMARY, SLOW);
        setBucket(row, row);
    }

    /** Notes that the packet needs no further stage. */
    static void setDone(long row) {
        Memory.setInt(row, SIZE, SUMMARY, DONE);
    }

    /** Notes what was parsed: kind, protocol, and the bytes of the IP packet by its own header. */
    static void setSummary(long row, int kind, int protocol, int length) {
        Memory.setInt(row, SIZE, SUMMARY, kind | protocol << 8 | length << 16);
    }

    /** As {@link #setSummary}, with source and destination port, in one store. */
    static void setBrief(long row, int ports, int kind, int protocol, int length) {
        int summary = kind | protocol << 8 | length << 16;
        long low = Integer.toUnsignedLong(WireForm.LITTLE_ENDIAN ? ports : summary);
        Memory.setLong(row, SIZE, PORTS, low | (long) (WireForm.LITTLE_ENDIAN ? summary : ports) << 32);
    }

    /** Ports and summary in one load: take apart with {@link #portsOf} and {@link #summaryOf}. */
    static long brief(long row) {
        return Memory.getLong(row, SIZE, PORTS);
    }

    static int portsOf(long brief) {
        return (int) (WireForm.LITTLE_ENDIAN ? brief : brief >>> 32);
    }

    static int summaryOf(long brief) {
        return (int) (WireForm.LITTLE_ENDIAN ? brief >>> 32 : brief);
    }

    /** Whether by a {@link #brief} the packet is a {@link #FAST4} one with TCP. */
    static boolean isTcp4(long brief) {
        return (summaryOf(brief) & 0xffff) == (FAST4 | PROTOCOL_TCP << 8);
    }

    /** As {@link #isTcp4} for UDP. */
    static boolean isUdp4(long brief) {
        return (summaryOf(brief) & 0xffff) == (FAST4 | PROTOCOL_UDP << 8);
    }

    /** Whether {@link #isTcp4} or {@link #isUdp4}. */
    static boolean isTcpOrUdp4(long brief) {
        return isTcp4(brief) || isUdp4(brief);
    }

    /** Kind, protocol and length in one: take apart with {@link #kind}, {@link #protocol} and {@link #length}. */
    static int summary(long row) {
        return Memory.getInt(row, SIZE, SUMMARY);
    }

    /** {@link #FAST4}, {@link #FAST6}, {@link #SLOW} or {@link #DONE}. */
    static int kind(int summary) {
        return summary & 0xff;
    }

    static int protocol(int summary) {
        return summary >>> 8 & 0xff;
    }

    /** Bytes of the IP packet by its own header. */
    static int length(int summary) {
        return summary >>> 16;
    }

    static long mbuf(long row) {
        return Memory.getLong(row, SIZE, MBUF);
    }

    static void setMbuf(long row, long mbuf) {
        Memory.setLong(row, SIZE, MBUF, mbuf);
    }

    /** First byte of the IP header. */
    static long l3(long row) {
        return Memory.address(Memory.getLong(row, SIZE, L3));
    }

    static void setL3(long row, long l3) {
        Memory.setLong(row, SIZE, L3, l3);
    }

    /** IPv4 source and destination as one 64-bit load. */
    static long addresses(long row) {
        return Memory.getLong(row, SIZE, ADDRESSES);
    }

    static void setAddresses(long row, long addresses) {
        Memory.setLong(row, SIZE, ADDRESSES, addresses);
    }

    /** Source and destination port as one 32-bit load. */
    static int ports(long row) {
        return Memory.getInt(row, SIZE, PORTS);
    }

    static long hash(long row) {
        return Memory.getLong(row, SIZE, HASH);
    }

    static void setHash(long row, long hash) {
        Memory.setLong(row, SIZE, HASH, hash);
    }

    /** First bucket of the hash. */
    static long bucket(long row) {
        return Memory.address(Memory.getLong(row, SIZE, BUCKET));
    }

    static void setBucket(long row, long bucket) {
        Memory.setLong(row, SIZE, BUCKET, bucket);
    }

    /** Candidate reference from the connection table, or -1. */
    static int reference(long row) {
        return Memory.getInt(row, SIZE, REFERENCE);
    }

    static void setReference(long row, int reference) {
        Memory.setInt(row, SIZE, REFERENCE, reference);
    }

    static int verdict(long row) {
        return Memory.getInt(row, SIZE, VERDICT);
    }

    static void setVerdict(long row, int verdict) {
        Memory.setInt(row, SIZE, VERDICT, verdict);
    }
}
