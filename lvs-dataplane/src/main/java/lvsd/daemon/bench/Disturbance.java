package lvsd.daemon.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import lvsd.linux.ThreadClock;
import org.jspecify.annotations.Nullable;

/**
 * What took the CPU from the worker, and when: the thread's run delay, its involuntary switches, and the time in which it did
 * not run although it never sleeps, sampled some hundred times a second. Used by one thread that is not the worker.
 *
 * <p>The kernel counts the CPU's stolen time in ticks of 10 ms, too coarse for cycles of some milliseconds. But it takes that time
 * off a thread's CPU time by the nanosecond (CONFIG_PARAVIRT_TIME_ACCOUNTING): what a worker that never sleeps lacks of the time
 * on the wall is run delay and stolen time.
 */
final class Disturbance {
    private static final long NANOS_PER_TICK = 10_000_000;
    /** A sample whose two clocks were read further apart, since its own thread was disturbed, is none. */
    private static final long ASUNDER_NANOS = 50_000;

    private record Sample(long at, long ran, long waited, long involuntary, long stolen) {}

    private final ThreadClock clock;
    private final String cpu;
    private final List<Sample> samples = new ArrayList<>();

    /** Observes the thread {@code tid} on {@code cpu}. */
    Disturbance(int tid, int cpu) {
        this.clock = new ThreadClock(tid);
        this.cpu = "cpu" + cpu + " ";
    }

    /** Takes a sample. */
    void sample() throws IOException {
        ThreadClock.Scheduling now = clock.scheduling();
        long stolen = stolen();
        long at = System.nanoTime();
        long ran = clock.cpuNanos();
        if (System.nanoTime() - at < ASUNDER_NANOS) {
            samples.add(new Sample(at, ran, now.waitNanos(), now.involuntary(), stolen));
        }
    }

    private long stolen() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/stat"))) {
            if (line.startsWith(cpu)) {
                return Long.parseLong(line.trim().split(" +", -1)[8]) * NANOS_PER_TICK;
            }
        }
        return 0;
    }

    /** What disturbed {@code cycle}, or null when nothing did as far as the kernel knows. */
    @Nullable
    String during(LongCycles.Cycle cycle) {
        Sample before = samples.getFirst();
        for (Sample sample : samples) {
            if (sample.at >= cycle.ended()) {
                return difference(cycle.nanos(), before, sample);
            }
            before = sample.at <= cycle.ended() - cycle.nanos() ? sample : before;
        }
        return null;
    }

    private static @Nullable String difference(long cycle, Sample before, Sample after) {
        long waited = after.waited - before.waited;
        long switches = after.involuntary - before.involuntary;
        long stolen = after.stolen - before.stolen;
        long absent = after.at - before.at - (after.ran - before.ran);
        if (waited < 100_000 && switches == 0 && stolen == 0 && absent < cycle / 2) {
            return null;
        }
        return String.format(
                Locale.ROOT,
                "not running for %.0f us: run delay %.0f us, involuntary switches %d, stolen ticks %d",
                absent / 1e3,
                waited / 1e3,
                switches,
                stolen / NANOS_PER_TICK);
    }
}
