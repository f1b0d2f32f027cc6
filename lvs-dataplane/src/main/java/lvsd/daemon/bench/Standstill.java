package lvsd.daemon.bench;

import java.util.List;

/**
 * Time in which a CPU ran nobody, as a {@link Witness} saw it.
 *
 * @param cpu the CPU
 * @param from its start, nanoseconds of {@link System#nanoTime}; up to 250 us later than it was
 * @param nanos its length
 */
record Standstill(int cpu, long from, long nanos) {
    /** The longest that a cycle or a pause may take, nanoseconds. */
    static final long MILLISECOND = 1_000_000;

    /** How long {@code cpu} stood still between {@code from} and {@code to}, nanoseconds. */
    static long within(List<Standstill> seen, int cpu, long from, long to) {
        long sum = 0;
        for (Standstill each : seen) {
            if (each.cpu == cpu) {
                sum += Math.max(0, Math.min(to, each.from + each.nanos) - Math.max(from, each.from));
            }
        }
        return sum;
    }

    /**
     * Whether {@code explained} nanoseconds, for which others are to blame, account for something that took {@code whole}:
     * for most of it, and without them it would have been short.
     */
    static boolean accounts(long explained, long whole) {
        return 2 * explained >= whole && whole - explained < MILLISECOND;
    }
}
