package lvsd.dataplane.connection;

import java.util.Random;

/** Random numbers for tests, replayable with {@code -Dseed=N}; every test says its seed when it fails. */
public final class Seeded extends Random {
    private static final long serialVersionUID = 1;

    private final long seed;

    private Seeded(long seed) {
        super(seed);
        this.seed = seed;
    }

    /** A generator with the seed of the command line, or a new one. */
    public static Seeded random() {
        return new Seeded(Long.getLong("seed", System.nanoTime()));
    }

    /** For assertion messages: how to get the same numbers again. */
    public String replay() {
        return "replay with -Dseed=" + seed;
    }
}
