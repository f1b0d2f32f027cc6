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
 * What took the CPU from the worker, and when: the thread's run delay and involuntary switches and the CPU's stolen time
 * and interrupts, sampled some hundred times a second. Used by one thread that is not the worker.
 */
final class Disturbance {
    private static final long NANOS_PER_TICK = 10_000_000;

    private record Sample(long at, long waited, long involuntary, long stolen) {}

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
        samples.add(new Sample(System.nanoTime(), now.waitNanos(), now.involuntary(), stolen()));
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
                return difference(before, sample);
            }
            before = sample.at <= cycle.ended() - cycle.nanos() ? sample : before;
        }
        return null;
    }

    private static @Nullable String difference(Sample before, Sample after) {
        long waited = after.waited - before.waited;
        long switches = after.involuntary - before.involuntary;
        long stolen = after.stolen - before.stolen;
        if (waited < 100_000 && switches == 0 && stolen == 0) {
            return null;
        }
        return String.format(
                Locale.ROOT,
                "run delay %.0f us, involuntary switches %d, stolen %.0f us",
                waited / 1e3,
                switches,
                stolen / 1e3);
    }
}
