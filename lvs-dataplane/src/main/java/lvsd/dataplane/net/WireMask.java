package lvsd.dataplane.net;

import lvsd.dataplane.service.Wire;

/** Prefix masks in wire form: to be combined with addresses in wire form by {@code &}. */
final class WireMask {
    private WireMask() {}

    /** The mask of an IPv4 prefix of {@code length} bits, unsigned. */
    static long mask4(int length) {
        return Integer.toUnsignedLong(Wire.int4(bytes(4, length)));
    }

    /** The first half of the mask of an IPv6 prefix. */
    static long high6(int length) {
        return Wire.long8(bytes(16, length), 0);
    }

    /** The second half of the mask of an IPv6 prefix. */
    static long low6(int length) {
        return Wire.long8(bytes(16, length), 8);
    }

    private static byte[] bytes(int size, int length) {
        if (length < 0 || length > size * 8) {
            throw new IllegalArgumentException("prefix length " + length + " of a " + size + "-byte address");
        }
        byte[] mask = new byte[size];
        for (int bit = 0; bit < length; bit++) {
            mask[bit >> 3] |= (byte) (0x80 >> (bit & 7));
        }
        return mask;
    }
}
