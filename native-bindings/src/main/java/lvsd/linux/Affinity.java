package lvsd.linux;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Optional;
import java.util.stream.Stream;
import lvsd.memory.NativeFunction;

/**
 * Where the calling thread runs, and what it is called; and where the others run, and before whom. Works for platform threads;
 * cold.
 */
public final class Affinity {
    private static final int MASK_BYTES = 1024;
    private static final int PR_SET_NAME = 15;
    private static final int NAME_BYTES = 16;
    private static final int PRIO_PROCESS = 0;
    /** The calling thread, where the kernel wants the id of one. */
    private static final int CALLER = 0;
    /** The nice value of those who run first. */
    private static final int FIRST = -20;

    private static final NativeFunction GETTID = NativeFunction.libc("gettid");
    private static final NativeFunction SET = NativeFunction.libc("sched_setaffinity");
    private static final NativeFunction GET = NativeFunction.libc("sched_getaffinity");
    private static final NativeFunction SETPRIORITY = NativeFunction.libc("setpriority");
    private static final NativeFunction PRCTL = NativeFunction.libc("prctl");

    private Affinity() {}

    /** The kernel's id of the calling thread. */
    public static int threadId() {
        return GETTID.callInt();
    }

    /**
     * Binds the calling thread to one CPU.
     *
     * @throws lvsd.memory.NativeException if there is no such CPU or the process may not use it
     */
    public static void pin(int cpu) {
        BitSet only = new BitSet();
        only.set(cpu);
        set(only);
    }

    /** Lets the calling thread run on the given CPUs. */
    public static void set(BitSet cpus) {
        if (!set(CALLER, cpus)) {
            throw SET.failure("binding the thread to CPUs " + cpus + " (allowed are " + get()
                    + "; see workers.cores and the cgroup's cpuset)");
        }
    }

    private static boolean set(int tid, BitSet cpus) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mask = arena.allocate(MASK_BYTES, 8);
            mask.copyFrom(MemorySegment.ofArray(cpus.toByteArray()));
            return SET.callInt(tid, MASK_BYTES, mask.address()) == 0;
        }
    }

    /** CPUs that the calling thread may run on. */
    public static BitSet get() {
        return get(CALLER).orElseThrow(() -> GET.failure("reading the thread's CPUs"));
    }

    private static Optional<BitSet> get(int tid) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mask = arena.allocate(MASK_BYTES, 8);
            boolean known = GET.callInt(tid, MASK_BYTES, mask.address()) >= 0;
            return known ? Optional.of(BitSet.valueOf(mask.asByteBuffer())) : Optional.empty();
        }
    }

    /**
     * Keeps {@code cpus} for those threads of this process that may run nowhere else: takes them from all others, and so from
     * those that these will make. Threads that the JVM makes for itself are among them.
     */
    public static void reserve(BitSet cpus) {
        // Another time while a thread that still had them may have made one.
        boolean changed = true;
        while (changed) {
            changed = false;
            for (int tid : threads()) {
                changed |= take(tid, cpus);
            }
        }
    }

    private static int[] threads() {
        try (Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
            return tasks.mapToInt(task -> Integer.parseInt(task.getFileName().toString()))
                    .toArray();
        } catch (IOException e) {
            throw new UncheckedIOException("the threads of lvsd cannot be listed", e);
        }
    }

    /**
     * Lets the threads of this process that are called {@code name}, at most 15 bytes, run before others: nice -20. Without
     * CAP_SYS_NICE nothing changes.
     */
    public static void favour(String name) {
        for (int tid : threads()) {
            if (name.equals(nameOf(tid))) {
                var _ = SETPRIORITY.callInt(PRIO_PROCESS, tid, FIRST);
            }
        }
    }

    private static String nameOf(int tid) {
        try {
            return Files.readString(Path.of("/proc/self/task/" + tid + "/comm")).strip();
        } catch (IOException ended) {
            return "";
        }
    }

    /** Whether {@code cpus} were taken from a thread: not if it had none of them, has none but them or has ended. */
    private static boolean take(int tid, BitSet cpus) {
        BitSet left = get(tid).orElseGet(BitSet::new);
        boolean had = left.intersects(cpus);
        left.andNot(cpus);
        return had && !left.isEmpty() && set(tid, left);
    }

    /** Names the calling thread for top and ps; cut after 15 bytes. */
    public static void name(String name) {
        try (Arena arena = Arena.ofConfined()) {
            String shortName = name.length() < NAME_BYTES ? name : name.substring(0, NAME_BYTES - 1);
            if (PRCTL.callInt(PR_SET_NAME, arena.allocateFrom(shortName).address()) != 0) {
                throw PRCTL.failure("naming the thread " + name);
            }
        }
    }
}
