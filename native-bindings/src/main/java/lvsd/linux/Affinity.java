package lvsd.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import lvsd.memory.NativeFunction;

/** Where the calling thread runs, and what it is called. Works for platform threads; cold. */
public final class Affinity {
    private static final int MASK_BYTES = 1024;
    private static final int PR_SET_NAME = 15;
    private static final int NAME_BYTES = 16;

    private static final NativeFunction GETTID = NativeFunction.libc("gettid");
    private static final NativeFunction SET = NativeFunction.libc("sched_setaffinity");
    private static final NativeFunction GET = NativeFunction.libc("sched_getaffinity");
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
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mask = arena.allocate(MASK_BYTES, 8);
            MemorySegment.copy(MemorySegment.ofArray(cpus.toByteArray()), 0, mask, 0, cpus.toByteArray().length);
            if (SET.callInt(0, MASK_BYTES, mask.address()) != 0) {
                throw SET.failure("binding the thread to CPUs " + cpus + " (allowed are " + get()
                        + "; see workers.cores and the cgroup's cpuset)");
            }
        }
    }

    /** CPUs that the calling thread may run on. */
    public static BitSet get() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mask = arena.allocate(MASK_BYTES, 8);
            if (GET.callInt(0, MASK_BYTES, mask.address()) < 0) {
                throw GET.failure("reading the thread's CPUs");
            }
            return BitSet.valueOf(mask.asByteBuffer());
        }
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
