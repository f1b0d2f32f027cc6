package lvsd.daemon.bench;

import java.util.ArrayList;
import java.util.List;

/**
 * The worker's long cycles: when each ended and how long it took. Written by the worker without allocation, read by
 * another thread after the worker was told to stop writing and has begun another cycle.
 */
final class LongCycles {
    private static final int ROOM = 4096;

    /** One cycle, nanoseconds of {@link System#nanoTime}. */
    record Cycle(long ended, long nanos) {}

    private final long threshold;
    private final long[] ends = new long[ROOM];
    private final long[] lengths = new long[ROOM];
    private int count;
    private long last;
    private long longest;
    private long cycles;

    /** Notes cycles of at least {@code threshold} nanoseconds, up to {@value #ROOM}; the longest in any case. */
    LongCycles(long threshold) {
        this.threshold = threshold;
    }

    /** A cycle begins at {@code now}, so another has ended. Worker thread. */
    void next(long now) {
        long nanos = now - last;
        last = now;
        if (cycles++ == 0) {
            return;
        }
        if (nanos > longest) {
            longest = nanos;
        }
        if (nanos >= threshold && count < ROOM) {
            ends[count] = now;
            lengths[count] = nanos;
            count++;
        }
    }

    /** How many cycles began. */
    long cycles() {
        return cycles;
    }

    /** The longest, nanoseconds. */
    long longest() {
        return longest;
    }

    /** Those over the threshold, in order. */
    List<Cycle> noted() {
        List<Cycle> noted = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            noted.add(new Cycle(ends[i], lengths[i]));
        }
        return noted;
    }
}
