package lvsd.dpdk;

import lvsd.memory.Memory;

/**
 * The fields of an {@code rte_mbuf} that the pipeline touches. A packet is named by the address of its mbuf; the header
 * is two cache lines, {@value #SIZE} bytes.
 *
 * <p>These offsets are the same in every DPDK ABI that {@code DpdkLayout} knows; {@code DpdkAbi} refuses to start on a
 * library where they differ. Memory-backed packets of the tests use the same layout, so that one pipeline serves both.
 * Values are in native byte order. An mbuf is owned by one worker at a time.
 */
public final class Mbuf {
    /** Bytes of the mbuf header. */
    public static final int SIZE = 128;

    /** Offset of {@code buf_addr}, the start of the buffer (8 bytes). */
    public static final int BUF_ADDR = 0;
    /** Offset of {@code data_off} (2 bytes). {@code data_off, refcnt, nb_segs, port} are eight contiguous bytes. */
    public static final int DATA_OFF = 16;
    /** Offset of {@code refcnt} (2 bytes). */
    public static final int REFCNT = 18;
    /** Offset of {@code nb_segs} (2 bytes). */
    public static final int NB_SEGS = 20;
    /** Offset of the input port (2 bytes). */
    public static final int PORT = 22;
    /** Offset of {@code ol_flags} (8 bytes). */
    public static final int OL_FLAGS = 24;
    /** Offset of {@code pkt_len} (4 bytes). */
    public static final int PKT_LEN = 36;
    /** Offset of {@code data_len} (2 bytes). */
    public static final int DATA_LEN = 40;
    /** Offset of the stripped VLAN tag (2 bytes). */
    public static final int VLAN_TCI = 42;
    /** Offset of the RSS hash (4 bytes). */
    public static final int RSS_HASH = 44;
    /** Offset of {@code buf_len} (2 bytes). */
    public static final int BUF_LEN = 54;
    /** Offset of the mempool (8 bytes). */
    public static final int POOL = 56;
    /** Offset of the next segment (8 bytes). */
    public static final int NEXT = 64;

    private static final int NO_PORT = 0xffff;
    private static final int HEADROOM = 128;
    /** {@code data_off, refcnt, nb_segs, port} of an empty packet as one little-endian value. */
    private static final long REARM = HEADROOM | 1L << 16 | 1L << 32 | (long) NO_PORT << 48;
    /** Offset of {@code packet_type, pkt_len}. */
    static final int PACKET_TYPE = 32;
    /** Offset of {@code vlan_tci_outer}. */
    static final int VLAN_TCI_OUTER = 52;
    /** Offset of {@code tx_offload}. */
    static final int TX_OFFLOAD = 72;

    private Mbuf() {}

    /**
     * Makes a free mbuf an empty packet of one segment with the usual headroom ({@code rte_pktmbuf_reset} and the
     * invariants of a raw mbuf).
     */
    public static void reset(long mbuf) {
        Memory.setLong(mbuf, SIZE, DATA_OFF, REARM);
        Memory.setLong(mbuf, SIZE, OL_FLAGS, 0);
        Memory.setLong(mbuf, SIZE, PACKET_TYPE, 0);
        Memory.setInt(mbuf, SIZE, DATA_LEN, 0);
        Memory.setShort(mbuf, SIZE, VLAN_TCI_OUTER, 0);
        Memory.setLong(mbuf, SIZE, NEXT, 0);
        Memory.setLong(mbuf, SIZE, TX_OFFLOAD, 0);
    }

    /** Address of the packet's first byte. */
    public static long data(long mbuf) {
        return Memory.getLong(mbuf, SIZE, BUF_ADDR) + Memory.getShort(mbuf, SIZE, DATA_OFF);
    }

    /** Bytes in the first segment. */
    public static int dataLength(long mbuf) {
        return Memory.getShort(mbuf, SIZE, DATA_LEN);
    }

    /** Bytes of the whole packet. */
    public static int packetLength(long mbuf) {
        return Memory.getInt(mbuf, SIZE, PKT_LEN);
    }

    /** Number of segments; the pipeline takes packets of one. */
    public static int segments(long mbuf) {
        return Memory.getShort(mbuf, SIZE, NB_SEGS);
    }

    /** The DPDK port the packet came in by. */
    public static int port(long mbuf) {
        return Memory.getShort(mbuf, SIZE, PORT);
    }

    /** Free bytes before the packet's first byte. */
    public static int headroom(long mbuf) {
        return Memory.getShort(mbuf, SIZE, DATA_OFF);
    }

    /** Free bytes behind the packet's last byte in a single-segment mbuf. */
    public static int tailroom(long mbuf) {
        return Memory.getShort(mbuf, SIZE, BUF_LEN) - headroom(mbuf) - dataLength(mbuf);
    }

    /** Bytes from {@code address}, which lies in the buffer, to the buffer's end. */
    public static int room(long mbuf, long address) {
        return Memory.getShort(mbuf, SIZE, BUF_LEN) - (int) (address - Memory.getLong(mbuf, SIZE, BUF_ADDR));
    }

    /** Sets the length of a single-segment packet. The caller owes {@code length <= dataLength + tailroom}. */
    public static void setLength(long mbuf, int length) {
        Memory.setShort(mbuf, SIZE, DATA_LEN, length);
        Memory.setInt(mbuf, SIZE, PKT_LEN, length);
    }

    /**
     * Moves the packet's first byte by {@code delta} bytes (negative: into the headroom) and changes its length to
     * match. The caller owes that headroom and length suffice.
     */
    public static void moveStart(long mbuf, int delta) {
        Memory.setShort(mbuf, SIZE, DATA_OFF, headroom(mbuf) + delta);
        setLength(mbuf, dataLength(mbuf) - delta);
    }
}
