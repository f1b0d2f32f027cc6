package lvsd.dpdk;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import lvsd.linux.Affinity;
import lvsd.memory.NativeFunction;

/**
 * DPDK's environment. There is one a process, once: DPDK can neither be initialised twice nor again after
 * {@link #close}. Made and closed by one thread; {@link #registerThread} is called by every worker.
 */
public final class Eal implements AutoCloseable {
    private static final AtomicBoolean USED = new AtomicBoolean();

    private final DpdkLibrary library;
    private final NativeFunction register;
    private final NativeFunction unregister;
    private boolean open = true;

    private Eal(DpdkLibrary library) {
        this.library = library;
        register = library.function("rte_thread_register");
        unregister = library.function("rte_thread_unregister");
    }

    /**
     * Initialises DPDK ({@code rte_eal_init}). EAL may bind the calling thread to a CPU; its affinity is restored.
     *
     * @param arguments EAL arguments without the program's name
     * @throws DpdkException if EAL refuses them; EAL has then written why to its log
     * @throws IllegalStateException if the process had an EAL before
     */
    public static Eal init(DpdkLibrary library, List<String> arguments) {
        if (USED.getAndSet(true)) {
            throw new IllegalStateException("DPDK can be initialised once a process");
        }
        NativeFunction init = library.function("rte_eal_init");
        BitSet cpus = Affinity.get();
        // EAL permutes the array and keeps pointers to the strings.
        MemorySegment argv = Arena.global().allocate(ValueLayout.ADDRESS, arguments.size() + 2L);
        argv.setAtIndex(ValueLayout.ADDRESS, 0, Arena.global().allocateFrom("lvsd"));
        for (int i = 0; i < arguments.size(); i++) {
            argv.setAtIndex(ValueLayout.ADDRESS, i + 1L, Arena.global().allocateFrom(arguments.get(i)));
        }
        int result = init.callInt(arguments.size() + 1L, argv.address());
        Affinity.set(cpus);
        if (result < 0) {
            throw library.failure(
                    init, "initialising DPDK with arguments " + arguments + " (EAL says why in the lines before this)");
        }
        return new Eal(library);
    }

    /** Sends DPDK's log to a file, appending. Before {@link #init} to catch everything. */
    public static void logTo(DpdkLibrary library, Path file) {
        NativeFunction fopen = NativeFunction.libc("fopen");
        try (Arena arena = Arena.ofConfined()) {
            long stream = fopen.call(
                    arena.allocateFrom(file.toString()).address(),
                    arena.allocateFrom("a").address());
            if (stream == 0) {
                throw fopen.failure("opening DPDK's log " + file);
            }
            logToStream(library, stream);
        }
    }

    /** Sends DPDK's log to standard error and not to syslog, where EAL would put it too. */
    public static void logToStandardError(DpdkLibrary library) {
        NativeFunction fdopen = NativeFunction.libc("fdopen");
        try (Arena arena = Arena.ofConfined()) {
            long stream = fdopen.call(2, arena.allocateFrom("a").address());
            if (stream == 0) {
                throw fdopen.failure("DPDK's log on standard error");
            }
            logToStream(library, stream);
        }
    }

    private static void logToStream(DpdkLibrary library, long stream) {
        NativeFunction.libc("setlinebuf").call(stream);
        NativeFunction open = library.function("rte_openlog_stream");
        int result = open.callInt(stream);
        if (result < 0) {
            throw library.failure(open, result, "redirecting DPDK's log");
        }
    }

    /** The library that was initialised. */
    public DpdkLibrary library() {
        return library;
    }

    /**
     * Makes the calling thread one that DPDK knows: it gets an lcore id and with it a cache in every mempool, without
     * which each burst costs half as much again. Call once at the start of a worker, {@link #unregisterThread} at its
     * end.
     *
     * @throws DpdkException if there are more threads than DPDK was built for
     */
    public void registerThread() {
        if (register.callInt() != 0) {
            throw library.failure(
                    register, "registering " + Thread.currentThread().getName() + " with DPDK");
        }
    }

    /** Gives back the calling thread's lcore id and flushes nothing: its cached mbufs stay in its cache. */
    public void unregisterThread() {
        unregister.call();
    }

    /**
     * Releases what DPDK holds, and the directory under /var/run/dpdk that it leaves behind. Ports must be closed and
     * workers ended before. Closing twice does nothing.
     */
    @Override
    public void close() {
        if (open) {
            open = false;
            Path directory = Path.of(DpdkLibrary.string(
                    library.function("rte_eal_get_runtime_dir").call()));
            library.function("rte_eal_cleanup").callInt();
            remove(directory);
        }
    }

    private static void remove(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.deleteIfExists(file);
            }
            Files.deleteIfExists(directory);
        } catch (IOException left) {
            // Only tidiness: another process of the same prefix may use it, and the next start takes it over.
            return;
        }
    }
}
