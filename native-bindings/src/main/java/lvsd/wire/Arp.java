package lvsd.wire;

import lvsd.memory.Memory;

/** ARP for IPv4 over Ethernet (RFC 826). MAC and IPv4 addresses in wire form, the rest host values. */
public final class Arp {
    static final int HARDWARE_TYPE = 0;
    static final int PROTOCOL_TYPE = 2;
    static final int HARDWARE_LENGTH = 4;
    static final int PROTOCOL_LENGTH = 5;
    static final int OPERATION = 6;
    static final int SENDER_MAC = 8;
    static final int SENDER_IP = 14;
    static final int TARGET_MAC = 18;
    static final int TARGET_IP = 24;

    /** Bytes of the message. */
    public static final int SIZE = 28;

    /** Operation: who has the target address? */
    public static final int REQUEST = 1;
    /** Operation: the sender has the sender address. */
    public static final int REPLY = 2;

    /** Hardware type 1 (Ethernet), protocol type IPv4, lengths 6 and 4, as one big-endian value of the first six bytes. */
    private static final int ETHERNET_IPV4 = (1 << 16) | Ethernet.TYPE_IPV4;

    private static final int LENGTHS = (6 << 8) | 4;

    private Arp() {}

    /**
     * Judges a message: all there, and about IPv4 over Ethernet.
     *
     * @return {@link #SIZE}, or {@link Check#TRUNCATED} or {@link Check#MALFORMED}
     */
    public static int check(long arp, int available) {
        if (available < SIZE) {
            return Check.TRUNCATED;
        }
        boolean ours = Memory.getIntBe(arp, SIZE, HARDWARE_TYPE) == ETHERNET_IPV4
                && Memory.getShortBe(arp, SIZE, HARDWARE_LENGTH) == LENGTHS;
        return ours ? SIZE : Check.MALFORMED;
    }

    /** Operation. */
    public static int operation(long arp) {
        return Memory.getShortBe(arp, SIZE, OPERATION);
    }

    /** MAC address of the sender, wire form. */
    public static long senderMac(long arp) {
        return Ethernet.mac(Memory.getInt(arp, SIZE, SENDER_MAC), Memory.getShort(arp, SIZE, SENDER_MAC + 4));
    }

    /** IPv4 address of the sender, wire form. */
    public static int senderIp(long arp) {
        return Memory.getInt(arp, SIZE, SENDER_IP);
    }

    /** MAC address of the target, wire form. */
    public static long targetMac(long arp) {
        return Ethernet.mac(Memory.getInt(arp, SIZE, TARGET_MAC), Memory.getShort(arp, SIZE, TARGET_MAC + 4));
    }

    /** IPv4 address of the target, wire form. */
    public static int targetIp(long arp) {
        return Memory.getInt(arp, SIZE, TARGET_IP);
    }

    /** Stores hardware and protocol types, their lengths and the operation. */
    public static void setOperation(long arp, int operation) {
        Memory.setIntBe(arp, SIZE, HARDWARE_TYPE, ETHERNET_IPV4);
        Memory.setShortBe(arp, SIZE, HARDWARE_LENGTH, LENGTHS);
        Memory.setShortBe(arp, SIZE, OPERATION, operation);
    }

    /** Stores the sender, wire form. */
    public static void setSender(long arp, long mac, int ip) {
        Memory.setInt(arp, SIZE, SENDER_MAC, Ethernet.first4(mac));
        Memory.setShort(arp, SIZE, SENDER_MAC + 4, Ethernet.last2(mac));
        Memory.setInt(arp, SIZE, SENDER_IP, ip);
    }

    /** Stores the target, wire form. */
    public static void setTarget(long arp, long mac, int ip) {
        Memory.setInt(arp, SIZE, TARGET_MAC, Ethernet.first4(mac));
        Memory.setShort(arp, SIZE, TARGET_MAC + 4, Ethernet.last2(mac));
        Memory.setInt(arp, SIZE, TARGET_IP, ip);
    }
}
