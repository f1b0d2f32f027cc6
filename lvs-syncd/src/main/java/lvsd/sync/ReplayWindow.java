package lvsd.sync;

import java.util.Arrays;

/**
 * Which of the latest {@value #SIZE} sequence numbers were seen (after RFC 6479); what is older counts as seen. Sequence
 * numbers are unsigned. Owned by one thread.
 */
final class ReplayWindow {
    /** How far a datagram may come late. */
    static final int SIZE = 1024;

    private static final int WORDS = SIZE / Long.SIZE;

    private final long[] seen = new long[WORDS];
    private long highest;

    /** A window in which everything up to {@code floor} was seen. */
    ReplayWindow(long floor) {
        highest = floor;
        Arrays.fill(seen, -1L);
    }

    /** The highest number seen. */
    long highest() {
        return highest;
    }

    /** Whether {@code sequence} is new. Changes nothing. */
    boolean isNew(long sequence) {
        if (Long.compareUnsigned(sequence, highest) > 0) {
            return true;
        }
        return Long.compareUnsigned(highest - sequence, SIZE) < 0 && (seen[word(sequence)] & bit(sequence)) == 0;
    }

    /** Notes that {@code sequence}, which is new, was seen. */
    void see(long sequence) {
        if (Long.compareUnsigned(sequence, highest) > 0) {
            advance(sequence);
        }
        seen[word(sequence)] |= bit(sequence);
    }

    private void advance(long sequence) {
        long distance = sequence - highest;
        if (distance >= SIZE || distance < 0) {
            Arrays.fill(seen, 0);
        } else {
            for (long each = highest + 1; each != sequence; each++) {
                seen[word(each)] &= ~bit(each);
            }
            seen[word(sequence)] &= ~bit(sequence);
        }
        highest = sequence;
    }

    private static int word(long sequence) {
        return (int) (sequence >>> 6) & (WORDS - 1);
    }

    private static long bit(long sequence) {
        return 1L << sequence;
    }
}
