package lvsd.synproxy;

/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed pseudo-random function with 128 bits of key and 64 of result, made
 * for short inputs that an attacker chooses. Here over one to six 64-bit words, which are what the reference reads from
 * eight bytes, low byte first. Allocates nothing; any thread.
 */
public final class SipHash {
    private static final long INIT0 = 0x736f6d6570736575L;
    private static final long INIT1 = 0x646f72616e646f6dL;
    private static final long INIT2 = 0x6c7967656e657261L;
    private static final long INIT3 = 0x7465646279746573L;

    private SipHash() {}

    /** The hash of one word. */
    public static long hash(long key0, long key1, long a) {
        return hash(key0, key1, 1, a, 0, 0, 0, 0, 0);
    }

    /** The hash of three words. */
    public static long hash(long key0, long key1, long a, long b, long c) {
        return hash(key0, key1, 3, a, b, c, 0, 0, 0);
    }

    /** The hash of six words. */
    public static long hash(long key0, long key1, long a, long b, long c, long d, long e, long f) {
        return hash(key0, key1, 6, a, b, c, d, e, f);
    }

    /** One loop over all blocks, the last of which is the length: the four state words never leave their registers. */
    private static long hash(long key0, long key1, int words, long a, long b, long c, long d, long e, long f) {
        long v0 = key0 ^ INIT0;
        long v1 = key1 ^ INIT1;
        long v2 = key0 ^ INIT2;
        long v3 = key1 ^ INIT3;
        int last = 2 * words + 2;
        long block = 0;
        for (int round = 0; round < last + 4; round++) {
            if (round == last) {
                v0 ^= block;
                v2 ^= 0xff;
            } else if (round < last && (round & 1) == 0) {
                v0 ^= block;
                block = round >>> 1 == words ? (long) words << 59 : word(round >>> 1, a, b, c, d, e, f);
                v3 ^= block;
            }
            v0 += v1;
            v2 += v3;
            v1 = Long.rotateLeft(v1, 13) ^ v0;
            v3 = Long.rotateLeft(v3, 16) ^ v2;
            v0 = Long.rotateLeft(v0, 32);
            v2 += v1;
            v0 += v3;
            v1 = Long.rotateLeft(v1, 17) ^ v2;
            v3 = Long.rotateLeft(v3, 21) ^ v0;
            v2 = Long.rotateLeft(v2, 32);
        }
        return v0 ^ v1 ^ v2 ^ v3;
    }

    private static long word(int index, long a, long b, long c, long d, long e, long f) {
        return switch (index) {
            case 0 -> a;
            case 1 -> b;
            case 2 -> c;
            case 3 -> d;
            case 4 -> e;
            default -> f;
        };
    }
}
