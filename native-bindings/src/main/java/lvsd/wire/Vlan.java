package lvsd.wire;

import lvsd.memory.Memory;

/**
 * The 802.1Q tag: four bytes between the Ethernet addresses and the type. Addresses here are those of the frame's first
 * byte; the methods that read a tag need {@link #VLAN_SIZE} bytes and {@link #isTagged}.
 */
public final class Vlan {
    static final int PROTOCOL = 12;
    static final int TCI = 14;
    static final int INNER_TYPE = 16;

    /** Bytes of a tag. */
    public static final int TAG_SIZE = 4;
    /** Bytes of an Ethernet header with one tag. */
    public static final int VLAN_SIZE = Ethernet.SIZE + TAG_SIZE;
    /** Largest VLAN identifier that names a VLAN; 0 marks a priority tag, 4095 is reserved. */
    public static final int MAX_ID = 4094;

    private Vlan() {}

    /** {@link #VLAN_SIZE} when the frame holds a tagged header, else {@link Check#TRUNCATED}. */
    public static int check(int available) {
        return available < VLAN_SIZE ? Check.TRUNCATED : VLAN_SIZE;
    }

    /** Whether an EtherType announces a tag (802.1Q or 802.1ad). */
    public static boolean isTag(int etherType) {
        return etherType == Ethernet.TYPE_VLAN || etherType == Ethernet.TYPE_QINQ;
    }

    /** Whether the frame has a tag. Needs {@link Ethernet#SIZE} bytes. */
    public static boolean isTagged(long frame) {
        return isTag(Ethernet.etherType(frame));
    }

    /** The whole tag control information, host value: priority (3 bits), drop eligible (1), identifier (12). */
    public static int tci(long frame) {
        return Memory.getShortBe(frame, VLAN_SIZE, TCI);
    }

    /** VLAN identifier, 0 to 4095. */
    public static int id(long frame) {
        return tci(frame) & 0xfff;
    }

    /** Priority code point, 0 to 7. */
    public static int priority(long frame) {
        return tci(frame) >>> 13;
    }

    /** Whether the frame may be dropped first under congestion. */
    public static boolean dropEligible(long frame) {
        return (tci(frame) & 0x1000) != 0;
    }

    /** Type of what follows the tag, host value. */
    public static int innerType(long frame) {
        return Memory.getShortBe(frame, VLAN_SIZE, INNER_TYPE);
    }

    /** Stores the tag control information, host value. */
    public static void setTci(long frame, int tci) {
        Memory.setShortBe(frame, VLAN_SIZE, TCI, tci);
    }

    /** Stores the type of what follows the tag, host value. */
    public static void setInnerType(long frame, int type) {
        Memory.setShortBe(frame, VLAN_SIZE, INNER_TYPE, type);
    }

    /**
     * Puts an 802.1Q tag into a frame by moving its addresses into the {@link #TAG_SIZE} bytes of headroom before it,
     * which the caller owes. Needs {@link Ethernet#SIZE} bytes of frame.
     *
     * @param tci tag control information, host value
     * @return the frame's new first byte, {@code frame - 4}
     */
    public static long insert(long frame, int tci) {
        long start = frame - TAG_SIZE;
        long destination = Ethernet.destination(frame);
        long source = Ethernet.source(frame);
        Ethernet.setAddresses(start, destination, source);
        Memory.setShortBe(start, VLAN_SIZE, PROTOCOL, Ethernet.TYPE_VLAN);
        Memory.setShortBe(start, VLAN_SIZE, TCI, tci);
        return start;
    }

    /**
     * Takes the first tag out of a tagged frame by moving its addresses.
     *
     * @return the frame's new first byte, {@code frame + 4}
     */
    public static long remove(long frame) {
        long start = frame + TAG_SIZE;
        long destination = Ethernet.destination(frame);
        long source = Ethernet.source(frame);
        Ethernet.setAddresses(start, destination, source);
        return start;
    }
}
