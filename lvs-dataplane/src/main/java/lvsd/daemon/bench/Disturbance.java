package lvsd.daemon.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import lvsd.linux.ThreadClock;
import org.jspecify.annotations.Nullable;

/**
 * What took the CPU from the worker, and when: the thread's run delay, its switches, and the time in which it did not run
 * although it never sleeps, sampled some hundred times a second; and what a {@link Witness} saw. Used by one thread that is not
 * the worker.
 *
 * <p>The kernel takes stolen time off a thread's CPU time (CONFIG_PARAVIRT_TIME_ACCOUNTING): what a worker that never sleeps
 * lacks of the time on the wall is run delay and stolen time. A worker that did sleep, for a safepoint say, is to blame for that
 * itself. And a worker that had page faults may have held up the witness, by what the kernel did for it.
 */
final class Disturbance {
    /** A sample whose two clocks were read further apart, since its own thread was disturbed, is none. */
    private static final long ASUNDER_NANOS = 50_000;

    private record Sample(long at, long ran, ThreadClock.Scheduling scheduling) {}

    private final ThreadClock clock;
    private final int cpu;
    private final List<Sample> samples = new ArrayList<>();

    /** Observes the thread {@code tid} on {@code cpu}. */
    Disturbance(int tid, int cpu) {
        this.clock = new ThreadClock(tid);
        this.cpu = cpu;
    }

    /** Takes a sample. */
    void sample() throws IOException {
        ThreadClock.Scheduling now = clock.scheduling();
        long at = System.nanoTime();
        long ran = clock.cpuNanos();
        if (System.nanoTime() - at < ASUNDER_NANOS) {
            samples.add(new Sample(at, ran, now));
        }
    }

    /** What disturbed {@code cycle}, or null when that does not account for it; {@code seen}: by the witness. */
    @Nullable
    String during(LongCycles.Cycle cycle, List<Standstill> seen) {
        long begun = cycle.ended() - cycle.nanos();
        Sample before = samples.getFirst();
        for (Sample sample : samples) {
            if (sample.at >= cycle.ended()) {
                return difference(cycle.nanos(), before, sample, Standstill.within(seen, cpu, begun, cycle.ended()));
            }
            before = sample.at <= begun ? sample : before;
        }
        return null;
    }

    private static @Nullable String difference(long cycle, Sample before, Sample after, long stoodStill) {
        long waited = after.scheduling.waitNanos() - before.scheduling.waitNanos();
        long slept = after.scheduling.voluntary() - before.scheduling.voluntary();
        long preempted = after.scheduling.involuntary() - before.scheduling.involuntary();
        long faults = after.scheduling.faults() - before.scheduling.faults();
        long absent = after.at - before.at - (after.ran - before.ran);
        long explained = Math.max(slept == 0 ? absent : waited, faults == 0 ? stoodStill : 0);
        if (!Standstill.accounts(explained, cycle)) {
            return null;
        }
        return String.format(
                Locale.ROOT,
                "CPU stood still for %.0f us; in these samples not running for %.0f us, run delay %.0f us, "
                        + "voluntary switches %d, involuntary %d, page faults %d",
                stoodStill / 1e3,
                absent / 1e3,
                waited / 1e3,
                slept,
                preempted,
                faults);
    }
}
