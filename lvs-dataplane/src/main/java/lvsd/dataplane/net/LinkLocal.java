package lvsd.dataplane.net;

/** IPv6 link-local addresses made from a MAC (RFC 4291, appendix A), in wire form. */
final class LinkLocal {
    /** First half of fe80::/64. */
    static final long PREFIX = 0x80fe;

    private LinkLocal() {}

    /** The second half of the address that a MAC in wire form makes: modified EUI-64. */
    static long interfaceIdentifier(long mac) {
        long flipped = mac ^ 0x02;
        return (flipped & 0xff_ffffL) | 0xff_000000L | 0xfe_0000_0000L | (flipped & 0xffff_ff00_0000L) << 16;
    }

    /** Whether an address whose first half is {@code high} is in fe80::/10. */
    static boolean is(long high) {
        return (high & 0xff) == 0xfe && (high >>> 8 & 0xc0) == 0x80;
    }
}
