package lvsd.wire;

import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * Runs a test body over many random cases, each from a seed of its own. A failure names the seed; {@code -Dseed=N} runs
 * that case alone. The seeds are the same in every run unless {@code -Dseed.base=N} moves them. While a case runs its
 * thread is named after the seed, so that the report of a JVM that crashed tells it too.
 */
public final class SeededTest {
    /** One case. */
    @FunctionalInterface
    public interface Case {
        /** Runs the case; throws or asserts when it fails. */
        void run(RandomGenerator random) throws Exception;
    }

    private static final long DEFAULT_BASE = 20_261_121L;

    private SeededTest() {}

    /** Runs {@code cases} cases, or the one that {@code -Dseed} names. */
    public static void run(int cases, Case body) {
        Long only = Long.getLong("seed");
        if (only != null) {
            runCase(only, body);
            return;
        }
        long base = base();
        for (int i = 0; i < cases; i++) {
            runCase(base + i, body);
        }
    }

    /** The first seed of a run; that of case {@code i} is {@code i} higher. */
    public static long base() {
        return Long.getLong("seed.base", DEFAULT_BASE);
    }

    /** The generator of one seed. */
    public static RandomGenerator random(long seed) {
        return new SplittableRandom(seed);
    }

    private static void runCase(long seed, Case body) {
        Thread thread = Thread.currentThread();
        String name = thread.getName();
        thread.setName("seed " + seed);
        try {
            body.run(random(seed));
        } catch (Exception | AssertionError failure) {
            throw new AssertionError("seed " + seed + " (run it alone: -Dseed=" + seed + "): " + failure, failure);
        } finally {
            thread.setName(name);
        }
    }
}
