package lvsd.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import lvsd.memory.NativeFunction;

/**
 * CPU time and scheduling of one thread of this process, as the kernel counts them. Made and used by one thread, which
 * need not be the one observed. {@link #cpuNanos} allocates nothing; {@link #scheduling} reads /proc and is cold.
 */
public final class ThreadClock {
    private static final NativeFunction CLOCK_GETTIME = NativeFunction.libc("clock_gettime");
    /** Low bits of a clock id that mean: of a thread, by scheduler time (clock_getcpuclockid). */
    private static final int PER_THREAD_SCHED = 4 | 2;

    private final int tid;
    private final int clock;
    private final MemorySegment timespec = Arena.ofAuto().allocate(16, 8);

    /**
     * What the scheduler did to a thread since it began.
     *
     * @param runNanos time on a CPU
     * @param waitNanos time runnable but waiting for a CPU (run delay)
     * @param voluntary voluntary context switches
     * @param involuntary involuntary context switches (preempted)
     * @param faults page faults, minor and major
     */
    public record Scheduling(long runNanos, long waitNanos, long voluntary, long involuntary, long faults) {}

    /** A clock of the thread with the given kernel id ({@link Affinity#threadId()}). */
    public ThreadClock(int tid) {
        this.tid = tid;
        this.clock = ~tid << 3 | PER_THREAD_SCHED;
    }

    /** A clock of the calling thread. */
    public static ThreadClock ofCurrentThread() {
        return new ThreadClock(Affinity.threadId());
    }

    /** CPU time of the thread in nanoseconds, or -1 when it has ended. */
    public long cpuNanos() {
        if (CLOCK_GETTIME.callInt(clock, timespec.address()) != 0) {
            return -1;
        }
        return timespec.get(ValueLayout.JAVA_LONG, 0) * 1_000_000_000L + timespec.get(ValueLayout.JAVA_LONG, 8);
    }

    /**
     * What the scheduler did to the thread so far.
     *
     * @throws IOException if the thread has ended
     */
    public Scheduling scheduling() throws IOException {
        Path task = Path.of("/proc/self/task/" + tid);
        String[] stat = Files.readString(task.resolve("schedstat")).trim().split(" ", -1);
        String status = Files.readString(task.resolve("status"));
        long voluntary = number(status, "\nvoluntary_ctxt_switches:");
        long involuntary = number(status, "\nnonvoluntary_ctxt_switches:");
        return new Scheduling(Long.parseLong(stat[0]), Long.parseLong(stat[1]), voluntary, involuntary, faults(task));
    }

    /** Fields 10 and 12 of stat, proc(5), counted after the thread's name, which may hold anything. */
    private static long faults(Path task) throws IOException {
        String stat = Files.readString(task.resolve("stat"));
        String[] afterName = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        return Long.parseLong(afterName[7]) + Long.parseLong(afterName[9]);
    }

    private static long number(String status, String label) {
        int start = status.indexOf(label) + label.length();
        return Long.parseLong(
                status.substring(start, status.indexOf('\n', start)).trim());
    }
}
