package lvsd.dataplane.net;

import lvsd.dpdk.Mbuf;
import lvsd.memory.Memory;

/**
 * The fields of a next hop's line: {@value #SIZE} bytes outside the heap, all that the packet path needs to send there.
 *
 * <p>The header lies as it will lie in the frame, so that sending copies it. A line belongs to one worker.
 *
 * <table>
 * <caption>Layout</caption>
 * <tr><td>0..5</td><td>destination MAC</td></tr>
 * <tr><td>6..11</td><td>source MAC</td></tr>
 * <tr><td>12..15</td><td>VLAN tag as in the frame (81 00, TCI), or 0</td></tr>
 * <tr><td>16</td><td>port, 16 bits</td></tr>
 * <tr><td>18</td><td>bytes of the Ethernet header: 14, or 18 with a tag; 16 bits</td></tr>
 * <tr><td>20</td><td>MTU in bytes</td></tr>
 * <tr><td>24</td><td>the MTU again, or 0 with a tag</td></tr>
 * <tr><td>28</td><td>state, see the constants</td></tr>
 * <tr><td>32</td><td>1: something was sent there since the last look</td></tr>
 * <tr><td>36</td><td>interface</td></tr>
 * <tr><td>40</td><td>the next-hop id that is valid now; while unresolved one that nobody has</td></tr>
 * </table>
 */
public final class Adjacency {
    /** Bytes of a line. */
    public static final int SIZE = 64;

    /** Not in use; an index kept by a connection is out of date. */
    static final int FREE = 0;
    /** Asked for, no answer yet; packets are held. */
    static final int INCOMPLETE = 1;
    /** Did not answer; the next packet asks again. */
    static final int FAILED = 2;
    /** Known, but unused and unconfirmed for a while: the next packet goes there and has it confirmed. */
    static final int STALE = 3;
    /** Known and confirmed. From here on the packet path may send. */
    static final int REACHABLE = 4;
    /** Known, in use, being asked for confirmation. */
    static final int PROBE = 5;

    private static final int DESTINATION = 0;
    private static final int SOURCE = 6;
    private static final int TAG = 12;
    private static final int PORT = 16;
    private static final int HEADER = 18;
    private static final int MTU = 20;
    private static final int PLAIN_MTU = 24;
    private static final int STATE = 28;
    private static final int USED = 32;
    private static final int IFACE = 36;
    private static final int ID = 40;
    /** No id: neither 0, what a new connection remembers, nor the negative results of a look-up. */
    private static final int UNRESOLVED = Integer.MIN_VALUE;

    private static final int UNTAGGED = 14;
    private static final int TAGGED = 18;

    private Adjacency() {}

    /** Whether the header is complete, so that packets may be sent without asking anybody. */
    public static boolean resolved(long line) {
        return Memory.getInt(line, SIZE, STATE) >= REACHABLE;
    }

    /** Whether {@code nextHop}, kept from earlier, still means this line, and the line is resolved. */
    public static boolean valid(long line, int nextHop) {
        return difference(line, nextHop) == 0;
    }

    /** 0 where the line is {@link #valid}. */
    public static int difference(long line, int nextHop) {
        return Memory.getInt(line, SIZE, ID) ^ nextHop;
    }

    /** Largest IP packet, in bytes, that may be sent there without a VLAN tag; 0 where there has to be one. */
    public static int plainMtu(long line) {
        return Memory.getInt(line, SIZE, PLAIN_MTU);
    }

    /** The port to send on. */
    public static int port(long line) {
        return Memory.getShort(line, SIZE, PORT);
    }

    /** Largest IP packet, in bytes, that may be sent there. */
    public static int mtu(long line) {
        return Memory.getInt(line, SIZE, MTU);
    }

    /** The interface it is on. */
    public static int iface(long line) {
        return Memory.getInt(line, SIZE, IFACE);
    }

    /** Bytes of the Ethernet header: 14, or 18 with a VLAN tag. */
    public static int headerLength(long line) {
        return Memory.getShort(line, SIZE, HEADER);
    }

    /**
     * Puts the Ethernet header in front of the IP header at {@code l3} and makes it the packet's start, whatever header
     * the packet came with. The EtherType lies right before {@code l3} with a tag and without, so it is already there.
     *
     * <p>The caller owes a resolved line, and {@code l3} inside the mbuf with 18 bytes of buffer before it.
     */
    public static void writeHeader(long line, long mbuf, long l3) {
        int header = headerLength(line);
        long start = l3 - header;
        long data = Mbuf.data(mbuf);
        if (start != data) {
            Mbuf.moveStart(mbuf, (int) (start - data));
        }
        if (header == UNTAGGED) {
            writeUntagged(line, start);
        } else {
            writeTagged(line, start);
        }
        setUsed(line);
    }

    /** As {@link #writeHeader} where neither the packet's header nor the line's has a tag: it is overwritten in place. */
    public static void overwriteHeader(long line, long l3) {
        writeUntagged(line, l3 - UNTAGGED);
        setUsed(line);
    }

    private static void writeUntagged(long line, long start) {
        Memory.setLong(start, UNTAGGED, 0, Memory.getLong(line, SIZE, 0));
        Memory.setInt(start, UNTAGGED, 8, Memory.getInt(line, SIZE, 8));
    }

    private static void writeTagged(long line, long start) {
        Memory.setLong(start, TAGGED, 0, Memory.getLong(line, SIZE, 0));
        Memory.setLong(start, TAGGED, 8, Memory.getLong(line, SIZE, 8));
    }

    /** Makes the line one that no next hop means. */
    static void clear(long line) {
        Memory.setInt(line, SIZE, ID, UNRESOLVED);
    }

    /** Fills a line for an interface; the destination stays unknown. */
    static void initialise(long line, Interface iface) {
        Memory.fill(line, SIZE, 0);
        clear(line);
        setMac(line, SOURCE, iface.mac());
        if (iface.vlanId() >= 0) {
            Memory.setIntBe(line, SIZE, TAG, 0x8100 << 16 | iface.vlanId());
        }
        Memory.setShort(line, SIZE, PORT, iface.port());
        Memory.setShort(line, SIZE, HEADER, iface.vlanId() >= 0 ? TAGGED : UNTAGGED);
        Memory.setInt(line, SIZE, MTU, iface.mtu());
        Memory.setInt(line, SIZE, PLAIN_MTU, iface.vlanId() >= 0 ? 0 : iface.mtu());
        Memory.setInt(line, SIZE, IFACE, iface.index());
    }

    private static void setMac(long line, int offset, long mac) {
        Memory.setInt(line, SIZE, offset, (int) mac);
        Memory.setShort(line, SIZE, offset + 4, (int) (mac >>> 32));
    }

    /** The destination MAC in wire form. */
    static long destination(long line) {
        return Memory.getLong(line, SIZE, DESTINATION) & 0xffff_ffff_ffffL;
    }

    /** Sets the destination MAC. */
    static void setDestination(long line, long mac) {
        setMac(line, DESTINATION, mac);
    }

    /** One of the states above. */
    static int state(long line) {
        return Memory.getInt(line, SIZE, STATE);
    }

    /** Sets the state; {@code nextHop} is the line's current id. */
    static void setState(long line, int state, int nextHop) {
        Memory.setInt(line, SIZE, STATE, state);
        Memory.setInt(line, SIZE, ID, state >= REACHABLE ? nextHop : UNRESOLVED);
    }

    /** Notes that something was sent there. */
    static void setUsed(long line) {
        Memory.setByte(line, SIZE, USED, 1);
    }

    /** Whether something was sent there since the last call. */
    static boolean takeUsed(long line) {
        boolean used = Memory.getByte(line, SIZE, USED) != 0;
        Memory.setByte(line, SIZE, USED, 0);
        return used;
    }
}
