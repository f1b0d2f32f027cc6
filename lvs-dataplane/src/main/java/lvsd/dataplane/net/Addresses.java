package lvsd.dataplane.net;

/** What an address in wire form is by itself, whatever the configuration. */
final class Addresses {
    private static final int FIRST_BYTE = 0xff;

    private Addresses() {}

    /** 127.0.0.0/8. */
    static boolean loopback4(int address) {
        return (address & FIRST_BYTE) == 127;
    }

    /** 0.0.0.0/8: "this network" (RFC 1122, section 3.2.1.3). */
    static boolean zero4(int address) {
        return (address & FIRST_BYTE) == 0;
    }

    /** 224.0.0.0/4. */
    static boolean multicast4(int address) {
        return (address & 0xf0) == 0xe0;
    }

    /** 240.0.0.0/4, 255.255.255.255 included: no host has one. */
    static boolean reserved4(int address) {
        return (address & 0xf0) == 0xf0;
    }

    /** 255.255.255.255. */
    static boolean broadcast4(int address) {
        return address == -1;
    }

    /** ff00::/8. */
    static boolean multicast6(long high) {
        return (high & 0xff) == 0xff;
    }

    /** The unspecified address. */
    static boolean unspecified6(long high, long low) {
        return high == 0 && low == 0;
    }

    /** ::1. */
    static boolean loopback6(long high, long low) {
        return high == 0 && low == 1L << 56;
    }

    /** ::ffff:0:0/96: an IPv4 address that has no business in an IPv6 header. */
    static boolean mapped4(long high, long low) {
        return high == 0 && (low & 0xffff_ffffL) == 0xffff_0000L;
    }

    /** First half of ff02::/64. */
    static final long LINK_MULTICAST = 0x02ff;

    /** Second half of ff02::1, all nodes. */
    static final long ALL_NODES_LOW = 1L << 56;

    /** Second half of the solicited-node multicast address (RFC 4291, section 2.7.1) of an address. */
    static long solicitedNodeLow(long low) {
        return 0xff_0100_0000L | (low & 0xffff_ff00_0000_0000L);
    }

    /** Whether an address is a solicited-node multicast address. */
    static boolean solicitedNode(long high, long low) {
        return high == LINK_MULTICAST && low == solicitedNodeLow(low);
    }

    /** The Ethernet address of an IPv6 multicast address (RFC 2464, section 7), in wire form. */
    static long multicastMac6(long low) {
        return 0x3333 | (low >>> 32 << 16);
    }
}
