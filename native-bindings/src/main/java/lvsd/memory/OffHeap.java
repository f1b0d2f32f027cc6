package lvsd.memory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * An anonymous mapping: zeroed memory outside the heap, owned by whoever mapped it until {@link #close}.
 *
 * <p>Page-aligned; regions of {@value #HUGE_PAGE} bytes and more start at a multiple of that. Mapping and closing are
 * cold and may be done by any thread; the memory itself belongs to whom the owner says.
 */
public final class OffHeap implements AutoCloseable {
    /** Bytes of a huge page. */
    public static final long HUGE_PAGE = 2L << 20;
    /** Bytes of a normal page. */
    public static final long PAGE = 4096;

    private static final int PROT_READ_WRITE = 1 | 2;
    private static final int MAP_PRIVATE = 0x02;
    private static final int MAP_ANONYMOUS = 0x20;
    private static final int MAP_NORESERVE = 0x4000;
    private static final int MAP_POPULATE = 0x8000;
    private static final int MAP_HUGETLB = 0x40000;
    private static final int MAP_HUGE_2MB = 21 << 26;
    private static final int MADV_HUGEPAGE = 14;
    private static final Path THP_MODE = Path.of("/sys/kernel/mm/transparent_hugepage/enabled");

    private static final NativeFunction MMAP = NativeFunction.libc("mmap");
    private static final NativeFunction MUNMAP = NativeFunction.libc("munmap");
    private static final NativeFunction MADVISE = NativeFunction.libc("madvise");
    private static final NativeFunction MLOCK = NativeFunction.libc("mlock");

    /** What a region is made of. */
    public enum PageKind {
        /** Reserved 2 MB pages. */
        HUGE,
        /** Normal pages that the kernel was asked to merge into 2 MB pages, and may. */
        TRANSPARENT,
        /** Normal 4 KB pages. */
        NORMAL
    }

    private final long address;
    private final long bytes;
    private final PageKind kind;
    private boolean open = true;

    private OffHeap(long address, long bytes, PageKind kind) {
        this.address = address;
        this.bytes = bytes;
        this.kind = kind;
    }

    /**
     * Maps a region.
     *
     * @param bytes least size, positive
     * @param hugepages whether 2 MB pages are wanted: reserved ones if there are enough, else transparent ones
     * @param lock true: every page is there and locked in memory when this returns; false: pages come when touched
     * @throws NativeException if the kernel refuses; when the limit on locked memory is the reason the message says so
     */
    public static OffHeap map(long bytes, boolean hugepages, boolean lock) {
        if (bytes <= 0 || bytes > Long.MAX_VALUE - 2 * HUGE_PAGE) {
            throw new IllegalArgumentException("bytes to map: " + bytes);
        }
        if (hugepages) {
            OffHeap huge = mapHuge(roundUp(bytes, HUGE_PAGE), lock);
            if (huge != null) {
                return huge;
            }
        }
        OffHeap region = mapNormal(roundUp(bytes, PAGE), hugepages);
        if (lock) {
            region.lock();
        }
        return region;
    }

    private static @Nullable OffHeap mapHuge(long bytes, boolean populate) {
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB | (populate ? MAP_POPULATE : 0);
        long address = MMAP.call(0, bytes, PROT_READ_WRITE, flags, -1, 0);
        return address == -1 ? null : new OffHeap(address, bytes, PageKind.HUGE);
    }

    private static OffHeap mapNormal(long bytes, boolean merge) {
        long slack = bytes >= HUGE_PAGE ? HUGE_PAGE : 0;
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        long raw = MMAP.call(0, bytes + slack, PROT_READ_WRITE, flags, -1, 0);
        if (raw == -1) {
            throw MMAP.failure("mapping " + bytes + " bytes");
        }
        long address = slack == 0 ? raw : roundUp(raw, HUGE_PAGE);
        trim(raw, address - raw);
        trim(address + bytes, raw + slack - address);
        boolean merged =
                merge && bytes >= HUGE_PAGE && mergingAllowed() && MADVISE.callInt(address, bytes, MADV_HUGEPAGE) == 0;
        return new OffHeap(address, bytes, merged ? PageKind.TRANSPARENT : PageKind.NORMAL);
    }

    private static void trim(long address, long bytes) {
        if (bytes > 0 && MUNMAP.callInt(address, bytes) != 0) {
            throw MUNMAP.failure("trimming a mapping");
        }
    }

    private static boolean mergingAllowed() {
        try {
            return !Files.readString(THP_MODE).contains("[never]");
        } catch (IOException unreadable) {
            return false; // no transparent huge pages in this kernel
        }
    }

    private void lock() {
        if (MLOCK.callInt(address, bytes) == 0) {
            return;
        }
        NativeException failure = MLOCK.failure("locking " + bytes
                + " bytes in memory (raise the limit: LimitMEMLOCK=infinity in the unit, or ulimit -l unlimited; or do"
                + " not lock)");
        close();
        throw failure;
    }

    private static long roundUp(long value, long unit) {
        return (value + unit - 1) & -unit;
    }

    /** First byte; stays valid until {@link #close}. */
    public long address() {
        return address;
    }

    /** Size in bytes: what was asked for, rounded up to whole pages. */
    public long bytes() {
        return bytes;
    }

    /** What the region is made of. */
    public PageKind pageKind() {
        return kind;
    }

    /** Unmaps. Whoever still uses an address of the region afterwards crashes the process. Closing twice does nothing. */
    @Override
    public void close() {
        if (open) {
            open = false;
            if (MUNMAP.callInt(address, bytes) != 0) {
                throw MUNMAP.failure("unmapping " + bytes + " bytes");
            }
        }
    }
}
