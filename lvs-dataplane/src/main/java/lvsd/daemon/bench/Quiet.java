package lvsd.daemon.bench;

import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;

/**
 * Says when the JIT has done its work: on a busy machine that takes much longer than on one that has nothing else to do,
 * and what is measured is the director, not the compiler's luck. Steering thread.
 */
final class Quiet {
    private static final long QUIET_NANOS = 700_000_000;
    private static final long LIMIT_NANOS = 12_000_000_000L;

    private final CompilationMXBean compiler = ManagementFactory.getCompilationMXBean();
    private final long leastNanos;
    private final long start = System.nanoTime();
    private long lastTotal = -1;
    private long lastChange = start;

    /** Not before {@code leastMillis} have passed. */
    Quiet(long leastMillis) {
        leastNanos = leastMillis * 1_000_000;
    }

    /** Whether nothing was compiled for a while, or waiting for that has taken too long. To be asked again and again. */
    boolean reached() {
        long now = System.nanoTime();
        long total = compiler.getTotalCompilationTime();
        if (total != lastTotal) {
            lastTotal = total;
            lastChange = now;
        }
        long waited = now - start;
        return (waited >= leastNanos && now - lastChange >= QUIET_NANOS) || waited >= LIMIT_NANOS;
    }

    /** Milliseconds since it was made. */
    long millis() {
        return (System.nanoTime() - start) / 1_000_000;
    }
}
