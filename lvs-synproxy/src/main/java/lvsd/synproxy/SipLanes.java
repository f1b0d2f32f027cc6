package lvsd.synproxy;

/**
 * {@link SipHash} of many messages of one length at a time, each with a key of its own. A hash alone is one chain of
 * additions and rotations, each of which waits for the one before; those of other messages fit beside it. Owned by one
 * worker; allocates nothing.
 *
 * <p>Every step is a loop over all messages: the JIT makes vector instructions of such a loop as long as it is no longer
 * than one round. All columns lie in one array, since only then does it know that they are apart.
 */
final class SipLanes {
    /** Messages at a time, at most. */
    static final int LANES = 64;
    /** Most words of a message, the one with the length included. */
    static final int WORDS = 6;
    /** Messages below which one hash after the other is faster. */
    private static final int FEW = 10;

    private static final int FINAL_ROUNDS = 4;
    private static final long FINAL = 0xff;
    private static final int KEY0 = 4 * LANES;
    private static final int KEY1 = 5 * LANES;
    /** The word of each message in hand. */
    private static final int BLOCK = 6 * LANES;

    private static final int MESSAGE = 7 * LANES;

    /** The four words of state, the two of the key, the one in hand, then the message. */
    private final long[] columns = new long[(7 + WORDS) * LANES];

    /** Sets the key of a message. */
    void key(int lane, long key0, long key1) {
        columns[KEY0 + lane] = key0;
        columns[KEY1 + lane] = key1;
    }

    /** Sets a word of a message; the last one has the length in its highest byte. */
    void word(int lane, int index, long word) {
        columns[MESSAGE + index * LANES + lane] = word;
    }

    /** A word of a message. */
    long word(int lane, int index) {
        return columns[MESSAGE + index * LANES + lane];
    }

    /** The hash of a message, after {@link #run}. */
    long hash(int lane) {
        long[] all = columns;
        return all[lane] ^ all[lane + LANES] ^ all[lane + 2 * LANES] ^ all[lane + 3 * LANES];
    }

    /** Hashes the first {@code lanes} messages, which are of {@code words} words. */
    void run(int lanes, int words) {
        long[] all = columns;
        if (lanes < FEW) {
            for (int lane = 0; lane < lanes; lane++) {
                all[lane] = SipHash.hash(all, KEY0 + lane, KEY1 + lane, MESSAGE + lane, LANES, words);
                all[lane + LANES] = 0;
                all[lane + 2 * LANES] = 0;
                all[lane + 3 * LANES] = 0;
            }
            return;
        }
        begin(all, lanes);
        for (int word = 0; word < words; word++) {
            System.arraycopy(all, MESSAGE + word * LANES, all, BLOCK, lanes);
            absorb(all, lanes);
            round(all, lanes);
            round(all, lanes);
            release(all, lanes);
        }
        flip(all, lanes);
        for (int i = 0; i < FINAL_ROUNDS; i++) {
            round(all, lanes);
        }
    }

    private static void begin(long[] all, int lanes) {
        for (int i = 0; i < lanes; i++) {
            long key0 = all[i + KEY0];
            long key1 = all[i + KEY1];
            all[i] = key0 ^ SipHash.INIT0;
            all[i + LANES] = key1 ^ SipHash.INIT1;
            all[i + 2 * LANES] = key0 ^ SipHash.INIT2;
            all[i + 3 * LANES] = key1 ^ SipHash.INIT3;
        }
    }

    /** Takes the word in hand in, before its two rounds. */
    private static void absorb(long[] all, int lanes) {
        for (int i = 0; i < lanes; i++) {
            all[i + 3 * LANES] ^= all[i + BLOCK];
        }
    }

    /** And behind them. */
    private static void release(long[] all, int lanes) {
        for (int i = 0; i < lanes; i++) {
            all[i] ^= all[i + BLOCK];
        }
    }

    /** A round. */
    private static void round(long[] all, int lanes) {
        for (int i = 0; i < lanes; i++) {
            long v0 = all[i];
            long v1 = all[i + LANES];
            long v2 = all[i + 2 * LANES];
            long v3 = all[i + 3 * LANES];
            v0 += v1;
            v2 += v3;
            v1 = Long.rotateLeft(v1, 13) ^ v0;
            v3 = Long.rotateLeft(v3, 16) ^ v2;
            v0 = Long.rotateLeft(v0, 32) + v3;
            v2 += v1;
            all[i] = v0;
            all[i + LANES] = Long.rotateLeft(v1, 17) ^ v2;
            all[i + 2 * LANES] = Long.rotateLeft(v2, 32);
            all[i + 3 * LANES] = Long.rotateLeft(v3, 21) ^ v0;
        }
    }

    private static void flip(long[] all, int lanes) {
        for (int i = 0; i < lanes; i++) {
            all[i + 2 * LANES] ^= FINAL;
        }
    }
}
