package lvsd.synproxy;

/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed pseudo-random function with 128 bits of key and 64 of result, made
 * for short inputs that an attacker chooses. Here over 64-bit words, which are what the reference reads from eight bytes,
 * low byte first; the last one may be of seven bytes, which saves a block. Allocates nothing; any thread.
 */
public final class SipHash {
    static final long INIT0 = 0x736f6d6570736575L;
    static final long INIT1 = 0x646f72616e646f6dL;
    static final long INIT2 = 0x6c7967656e657261L;
    static final long INIT3 = 0x7465646279746573L;
    /** Where the length is in the last word. */
    private static final int LENGTH = 56;

    private static final long SEVEN = (1L << LENGTH) - 1;
    /** Pairs of rounds behind the last block. */
    private static final int FINAL = 2;

    private SipHash() {}

    /** The hash of one word. */
    public static long hash(long key0, long key1, long a) {
        return hash(key0, key1, 1, a, 0, 0, 0, 0, 8L << LENGTH);
    }

    /** The hash of two words and the low seven bytes of {@code rest}: 23 bytes. */
    public static long hash(long key0, long key1, long a, long b, long rest) {
        return hash(key0, key1, 2, a, b, 0, 0, 0, last23(rest));
    }

    /** The hash of five words and the low seven bytes of {@code rest}: 47 bytes. */
    public static long hash(long key0, long key1, long a, long b, long c, long d, long e, long rest) {
        return hash(key0, key1, 5, a, b, c, d, e, last47(rest));
    }

    /** The last word of a message of 23 bytes that ends with the low seven of {@code rest}. */
    static long last23(long rest) {
        return (rest & SEVEN) | 23L << LENGTH;
    }

    /** As {@link #last23} of 47 bytes. */
    static long last47(long rest) {
        return (rest & SEVEN) | 47L << LENGTH;
    }

    /**
     * One loop over all blocks, and over empty ones at the end: the four state words never leave their registers.
     *
     * @param last the block with the length
     */
    private static long hash(long key0, long key1, int words, long a, long b, long c, long d, long e, long last) {
        long v0 = key0 ^ INIT0;
        long v1 = key1 ^ INIT1;
        long v2 = key0 ^ INIT2;
        long v3 = key1 ^ INIT3;
        int end = words + 1 + FINAL;
        for (int i = 0; i < end; i++) {
            long block = i < words ? word(i, a, b, c, d, e) : i == words ? last : 0;
            v3 ^= block;
            v2 ^= i == words + 1 ? 0xff : 0;
            v0 += v1;
            v2 += v3;
            v1 = Long.rotateLeft(v1, 13) ^ v0;
            v3 = Long.rotateLeft(v3, 16) ^ v2;
            v0 = Long.rotateLeft(v0, 32) + v3;
            v2 += v1;
            v1 = Long.rotateLeft(v1, 17) ^ v2;
            v3 = Long.rotateLeft(v3, 21) ^ v0;
            v2 = Long.rotateLeft(v2, 32);
            v0 += v1;
            v2 += v3;
            v1 = Long.rotateLeft(v1, 13) ^ v0;
            v3 = Long.rotateLeft(v3, 16) ^ v2;
            v0 = Long.rotateLeft(v0, 32) + v3;
            v2 += v1;
            v1 = Long.rotateLeft(v1, 17) ^ v2;
            v3 = Long.rotateLeft(v3, 21) ^ v0;
            v2 = Long.rotateLeft(v2, 32);
            v0 ^= block;
        }
        return v0 ^ v1 ^ v2 ^ v3;
    }

    /** The hash of {@code words} words, the last with the length, that lie in {@code from} at a stride; the key's places. */
    static long hash(long[] from, int key0, int key1, int message, int stride, int words) {
        return switch (words) {
            case 3 ->
                hash(
                        from[key0],
                        from[key1],
                        2,
                        from[message],
                        from[message + stride],
                        0,
                        0,
                        0,
                        from[message + 2 * stride]);
            default ->
                hash(
                        from[key0],
                        from[key1],
                        5,
                        from[message],
                        from[message + stride],
                        from[message + 2 * stride],
                        from[message + 3 * stride],
                        from[message + 4 * stride],
                        from[message + 5 * stride]);
        };
    }

    private static long word(int index, long a, long b, long c, long d, long e) {
        return switch (index) {
            case 0 -> a;
            case 1 -> b;
            case 2 -> c;
            case 3 -> d;
            default -> e;
        };
    }
}
