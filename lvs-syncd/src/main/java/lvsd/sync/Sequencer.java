package lvsd.sync;

/**
 * Sequence numbers of a sender: each is one higher than the one before, and the first comes from the clock, so that a
 * sender that starts again begins above everything that it sent before. Owned by one thread.
 */
final class Sequencer {
    /**
     * {@code hmac-sha256-128}: the first number is the milliseconds since 1970 by 2^20. A sender that made more than a
     * million messages in every millisecond of its life could fall behind; none can.
     */
    private static final int SHA_SHIFT = 20;
    /**
     * {@code hmac-md5-96}: 16 numbers a second since 2024. The upper byte is even and not 0 in any case: with another one a
     * kernel without a key could take an ICV header for an entry.
     */
    private static final long MD5_EPOCH_MILLIS = 1_704_067_200_000L;

    private static final long MD5_MILLIS_PER_NUMBER = 1000 / 16;
    private static final long MD5_MINIMUM = 1L << 25;
    private static final long MD5_MAXIMUM = 0xfeff_ffffL;
    private static final long MD5_STEP = 1L << 24;

    private final boolean narrow;
    private long last;

    private Sequencer(boolean narrow, long first) {
        this.narrow = narrow;
        this.last = first - 1;
    }

    /** For messages of {@code algorithm}, at {@code millis} since 1970. */
    static Sequencer starting(IcvAlgorithm algorithm, long millis) {
        if (algorithm == IcvAlgorithm.HMAC_SHA256_128) {
            return new Sequencer(false, millis << SHA_SHIFT);
        }
        long units = (millis - MD5_EPOCH_MILLIS) / MD5_MILLIS_PER_NUMBER;
        return new Sequencer(true, Math.clamp(units, MD5_MINIMUM, MD5_MAXIMUM));
    }

    /** Whether there are numbers left; 32 bits come to an end and do not begin again. */
    boolean exhausted() {
        return narrow && last >= MD5_MAXIMUM;
    }

    /** The next number. */
    long next() {
        last++;
        if (narrow && (last & MD5_STEP) != 0) {
            last = (last & -MD5_STEP) + MD5_STEP;
        }
        return last;
    }

    /** The number given last. */
    long last() {
        return last;
    }

    /** Never again gives a number up to {@code heard}, which another sender of the same key has used. */
    void skip(long heard) {
        last = Math.max(last, heard);
    }
}
