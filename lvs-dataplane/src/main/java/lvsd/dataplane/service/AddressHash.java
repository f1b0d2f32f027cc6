package lvsd.dataplane.service;

import lvsd.wire.WireForm;

/**
 * The hashes by which {@code dh}, {@code sh} and {@code mh} choose: those of the kernel, with its constants, so that a
 * kernel director and ours behind one VIP (ECMP) pick the same server for a client. They are no secret and are used for
 * nothing else.
 */
public final class AddressHash {
    /** 2^32 divided by the golden ratio, negated: the multiplier of the kernel's 32-bit hash. */
    private static final int GOLDEN_RATIO = 0x61c8_8647;

    /** Keys of Maglev's first hash (where a server begins and where a client falls) and second (a server's step). */
    static final long FIRST_KEY = 2_654_435_761L;

    static final long SECOND_KEY = 2_654_446_892L;

    private AddressHash() {}

    /**
     * An address as one number in host order; an IPv6 address is folded by exclusive or of its four words.
     *
     * @param high upper half in wire form, 0 for IPv4
     * @param low lower half in wire form, or an IPv4 address in the low 32 bits
     */
    public static int fold(long high, long low) {
        long both = high ^ low;
        return WireForm.int32((int) both ^ (int) (both >>> 32));
    }

    /** Bucket, 0 to 255, of a folded address (plus a port, if ports count). */
    public static int bucket(int folded) {
        return (folded * GOLDEN_RATIO) >>> 24;
    }

    /** The slot of Maglev's table, below {@code size}, that a folded address (plus port, plus tries) falls on. */
    public static int slot(int folded, int size) {
        return Integer.remainderUnsigned(sip(folded, FIRST_KEY), size);
    }

    /** SipHash-1-3 of four bytes with both halves of the key alike, its lower 32 bits. */
    static int sip(int value, long key) {
        long v0 = 0x736f_6d65_7073_6575L ^ key;
        long v1 = 0x646f_7261_6e64_6f6dL ^ key;
        long v2 = 0x6c79_6765_6e65_7261L ^ key;
        long v3 = 0x7465_6462_7974_6573L ^ key;
        long block = (4L << 56) | Integer.toUnsignedLong(value);
        v3 ^= block;
        for (int round = 0; round < 4; round++) {
            v0 += v1;
            v1 = Long.rotateLeft(v1, 13) ^ v0;
            v0 = Long.rotateLeft(v0, 32);
            v2 += v3;
            v3 = Long.rotateLeft(v3, 16) ^ v2;
            v0 += v3;
            v3 = Long.rotateLeft(v3, 21) ^ v0;
            v2 += v1;
            v1 = Long.rotateLeft(v1, 17) ^ v2;
            v2 = Long.rotateLeft(v2, 32);
            if (round == 0) {
                v0 ^= block;
                v2 ^= 0xff;
            }
        }
        return (int) (v0 ^ v1 ^ v2 ^ v3);
    }
}
