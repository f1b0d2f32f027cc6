package lvsd.dpdk;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import lvsd.memory.Memory;
import lvsd.memory.NativeFunction;

/**
 * DPDK's shared objects, loaded for the life of the process, and the layout that fits them. The libraries of the
 * {@code -dev} package are not needed. Immutable; any thread.
 */
public final class DpdkLibrary {
    private static final List<String> NEEDED = List.of("eal", "mempool", "mbuf", "ethdev");

    private final DpdkLayout layout;
    private final List<SymbolLookup> objects;
    private final NativeFunction strerror;
    private final String version;

    private DpdkLibrary(DpdkLayout layout, List<SymbolLookup> objects) {
        this.layout = layout;
        this.objects = objects;
        this.strerror = function("rte_strerror");
        this.version = string(function("rte_version").call());
    }

    /**
     * Loads DPDK.
     *
     * @param directory where the shared objects are; empty: where the system's loader looks
     * @throws DpdkException if there is none, or only releases that this build does not know
     */
    public static DpdkLibrary load(Optional<Path> directory) {
        for (DpdkLayout layout : DpdkLayout.KNOWN) {
            Optional<List<SymbolLookup>> objects = open(layout, directory);
            if (objects.isPresent()) {
                DpdkLibrary library = new DpdkLibrary(layout, objects.get());
                library.checkVersion();
                return library;
            }
        }
        throw notFound(directory);
    }

    private static Optional<List<SymbolLookup>> open(DpdkLayout layout, Optional<Path> directory) {
        List<SymbolLookup> objects = new ArrayList<>();
        for (String name : directory.isPresent() ? layout.libraries() : NEEDED) {
            Optional<SymbolLookup> object = open(name, layout.abi(), directory);
            if (object.isEmpty()) {
                return Optional.empty();
            }
            objects.add(object.get());
        }
        return Optional.of(List.copyOf(objects));
    }

    private static Optional<SymbolLookup> open(String name, int abi, Optional<Path> directory) {
        String object = "librte_" + name + ".so." + abi;
        try {
            return Optional.of(
                    directory.isPresent()
                            ? SymbolLookup.libraryLookup(directory.get().resolve(object), Arena.global())
                            : SymbolLookup.libraryLookup(object, Arena.global()));
        } catch (IllegalArgumentException absent) {
            return Optional.empty();
        }
    }

    private static DpdkException notFound(Optional<Path> directory) {
        String where = directory.map(path -> "in " + path).orElse("where the loader looks");
        List<Integer> others = IntStream.rangeClosed(20, 35)
                .filter(abi -> open("eal", abi, directory).isPresent())
                .boxed()
                .toList();
        String found =
                others.isEmpty() ? "" : "; found librte_eal.so." + others.getFirst() + ", which is another release";
        return new DpdkException(
                "dlopen",
                0,
                "no DPDK " + DpdkLayout.knownReleases() + " " + where + found,
                "loading DPDK (install the packages librte-*, for example by apt install dpdk; or set eal.library to"
                        + " the directory that holds librte_eal.so."
                        + DpdkLayout.KNOWN.getFirst().abi() + ")");
    }

    private void checkVersion() {
        if (!DpdkLayout.forVersion(version).equals(Optional.of(layout))) {
            throw new DpdkException(
                    "rte_version",
                    0,
                    "librte_eal.so." + layout.abi() + " says it is '" + version + "', not " + layout.release(),
                    "loading DPDK (this build knows the structures of " + DpdkLayout.knownReleases() + " only)");
        }
    }

    /** The layout of its structures. */
    public DpdkLayout layout() {
        return layout;
    }

    /** What {@code rte_version()} says, for example {@code DPDK 22.11.11}. */
    public String version() {
        return version;
    }

    /**
     * An exported function.
     *
     * @throws DpdkException if no object exports it
     */
    public NativeFunction function(String name) {
        return NativeFunction.at(name, symbol(name));
    }

    /**
     * An exported symbol. Looked up anew at every call, so a thread-local one is that of the calling thread.
     *
     * @throws DpdkException if no object exports it
     */
    MemorySegment symbol(String name) {
        for (SymbolLookup object : objects) {
            Optional<MemorySegment> found = object.find(name);
            if (found.isPresent()) {
                return found.get();
            }
        }
        throw new DpdkException("dlsym", 0, "no symbol " + name, "this is not the DPDK that lvsd was made for");
    }

    /** The string at {@code address}; empty for a null pointer. */
    static String string(long address) {
        return address == 0
                ? ""
                : MemorySegment.ofAddress(address).reinterpret(Long.MAX_VALUE).getString(0);
    }

    /** An exception for a call that returned {@code -code}. */
    DpdkException failure(NativeFunction function, int result, String what) {
        int code = Math.abs(result);
        return new DpdkException(function.name(), code, string(strerror.call(code)), what);
    }

    /** An exception for a call that left its reason in {@code rte_errno}. */
    DpdkException failure(NativeFunction function, String what) {
        return failure(function, Memory.getInt(symbol("per_lcore__rte_errno").address(), 4, 0), what);
    }
}
