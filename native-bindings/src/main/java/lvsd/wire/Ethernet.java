package lvsd.wire;

import lvsd.memory.Memory;

/**
 * The Ethernet II header (IEEE 802.3). MAC addresses are 48-bit values in wire form ({@link WireForm#mac48} converts), types
 * are host values.
 */
public final class Ethernet {
    static final int DESTINATION = 0;
    static final int SOURCE = 6;
    static final int TYPE = 12;

    /** Bytes of the header. */
    public static final int SIZE = 14;

    /** EtherType of IPv4. */
    public static final int TYPE_IPV4 = 0x0800;
    /** EtherType of ARP. */
    public static final int TYPE_ARP = 0x0806;
    /** EtherType of IPv6. */
    public static final int TYPE_IPV6 = 0x86dd;
    /** EtherType of an 802.1Q tag. */
    public static final int TYPE_VLAN = 0x8100;
    /** EtherType of an 802.1ad service tag. */
    public static final int TYPE_QINQ = 0x88a8;
    /** Values below this are lengths of 802.3 frames, not types. */
    public static final int TYPE_MIN = 0x0600;

    /** The broadcast address; the same in wire form and as a host value. */
    public static final long BROADCAST = 0xffff_ffff_ffffL;

    /** The bit that marks group addresses: the lowest of the first byte. */
    private static final long GROUP = WireForm.mac48(0x0100_0000_0000L);

    private Ethernet() {}

    /** {@link #SIZE} when the frame holds the header, else {@link Check#TRUNCATED}. */
    public static int check(int available) {
        return available < SIZE ? Check.TRUNCATED : SIZE;
    }

    /** Destination MAC address, wire form. */
    public static long destination(long eth) {
        return mac(Memory.getInt(eth, SIZE, DESTINATION), Memory.getShort(eth, SIZE, DESTINATION + 4));
    }

    /** Source MAC address, wire form. */
    public static long source(long eth) {
        return mac(Memory.getInt(eth, SIZE, SOURCE), Memory.getShort(eth, SIZE, SOURCE + 4));
    }

    /** Type of what follows, host value; a length when below {@link #TYPE_MIN}. */
    public static int etherType(long eth) {
        return Memory.getShortBe(eth, SIZE, TYPE);
    }

    /** Whether the frame is for a group (multicast or broadcast). */
    public static boolean isGroup(long eth) {
        return (Memory.getByte(eth, SIZE, DESTINATION) & 1) != 0;
    }

    /** Whether a MAC address in wire form is a group address. */
    public static boolean isGroupAddress(long mac) {
        return (mac & GROUP) != 0;
    }

    /** Stores both addresses, wire form. */
    public static void setAddresses(long eth, long destination, long source) {
        if (WireForm.LITTLE_ENDIAN) {
            Memory.setLong(eth, SIZE, DESTINATION, (destination & BROADCAST) | (source << 48));
            Memory.setInt(eth, SIZE, SOURCE + 2, (int) (source >>> 16));
        } else {
            Memory.setLong(eth, SIZE, DESTINATION, (destination << 16) | (source >>> 32 & 0xffff));
            Memory.setInt(eth, SIZE, SOURCE + 2, (int) source);
        }
    }

    /** Stores the destination, wire form. */
    public static void setDestination(long eth, long mac) {
        Memory.setInt(eth, SIZE, DESTINATION, first4(mac));
        Memory.setShort(eth, SIZE, DESTINATION + 4, last2(mac));
    }

    /** Stores the source, wire form. */
    public static void setSource(long eth, long mac) {
        Memory.setInt(eth, SIZE, SOURCE, first4(mac));
        Memory.setShort(eth, SIZE, SOURCE + 4, last2(mac));
    }

    /** Stores the type, host value. */
    public static void setEtherType(long eth, int type) {
        Memory.setShortBe(eth, SIZE, TYPE, type);
    }

    /** Copies both addresses and the type from one header to another; they must not overlap partly. */
    public static void copy(long from, long to) {
        long first = Memory.getLong(from, SIZE, 0);
        long last = Memory.getLong(from, SIZE, SIZE - 8);
        Memory.setLong(to, SIZE, 0, first);
        Memory.setLong(to, SIZE, SIZE - 8, last);
    }

    /** Exchanges destination and source, as an answer does. */
    public static void swapAddresses(long eth) {
        long first8 = Memory.getLongBe(eth, SIZE, 0);
        long destination = first8 >>> 16;
        long source = (first8 & 0xffff) << 32 | (Memory.getIntBe(eth, SIZE, 8) & 0xffff_ffffL);
        Memory.setLongBe(eth, SIZE, 0, source << 16 | destination >>> 32);
        Memory.setIntBe(eth, SIZE, 8, (int) destination);
    }

    /** A MAC address in wire form from its first four and last two bytes in native order. */
    static long mac(int first4, int last2) {
        return WireForm.LITTLE_ENDIAN
                ? (first4 & 0xffff_ffffL) | ((long) last2 << 32)
                : ((first4 & 0xffff_ffffL) << 16) | last2;
    }

    static int first4(long mac) {
        return (int) (WireForm.LITTLE_ENDIAN ? mac : mac >>> 16);
    }

    static int last2(long mac) {
        return (int) (WireForm.LITTLE_ENDIAN ? mac >>> 32 : mac) & 0xffff;
    }
}
