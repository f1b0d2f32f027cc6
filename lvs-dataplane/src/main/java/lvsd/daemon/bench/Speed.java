package lvsd.daemon.bench;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import lvsd.dataplane.Dataplane;
import lvsd.linux.ThreadClock;

/** Packets against CPU time of the one worker of a dataplane. Steering thread. */
final class Speed {
    /** What was counted: packets, and nanoseconds of the worker's CPU time. */
    record Window(long packets, long nanos) {
        /** Packets per microsecond of CPU time. */
        double mpps() {
            return packets * 1e3 / Math.max(1, nanos);
        }
    }

    private record Sample(long uptime, double mpps) {}

    private final Dataplane dataplane;
    private final ThreadClock clock;
    private final List<Sample> samples = new ArrayList<>();

    Speed(Dataplane dataplane, ThreadClock clock) {
        this.dataplane = dataplane;
        this.clock = clock;
    }

    /** Counts for {@code millis} and remembers when it was how much. */
    void follow(long millis) throws InterruptedException {
        double mpps = count(millis).mpps();
        samples.add(new Sample(ManagementFactory.getRuntimeMXBean().getUptime(), mpps));
    }

    /** Counts for {@code millis}. */
    Window count(long millis) throws InterruptedException {
        long packets = packets();
        long nanos = clock.cpuNanos();
        Thread.sleep(millis);
        return new Window(packets() - packets, clock.cpuNanos() - nanos);
    }

    private long packets() {
        return dataplane.workers().getFirst().packets();
    }

    /** Milliseconds after the start of the JVM at which {@code mpps} was reached first, or -1. */
    long reached(double mpps) {
        return samples.stream()
                .filter(sample -> sample.mpps >= mpps)
                .mapToLong(Sample::uptime)
                .findFirst()
                .orElse(-1);
    }
}
