package lvsd.dpdk;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import lvsd.memory.Memory;
import lvsd.memory.NativeFunction;

/**
 * A pool of mbufs. It lives as long as the EAL. {@link #dequeue} and {@link #free} are for the packet path and for any
 * registered thread; the rest is cold.
 */
public final class Mempool {
    /** Bytes that every mbuf keeps free before the packet (RTE_PKTMBUF_HEADROOM as Debian builds it). */
    public static final int HEADROOM = 128;
    /** Largest per-thread cache that DPDK allows. */
    public static final int MAX_CACHE = 512;

    private final long address;
    private final int size;
    private final int bufferLength;
    private final FastCalls.Pointer dequeuePointer = new FastCalls.Pointer();
    private final long dequeueSlot;
    private final MemorySegment freeBulk;
    private final NativeFunction available;

    private Mempool(long address, int size, int bufferLength, DpdkLibrary library) {
        this.address = address;
        this.size = size;
        this.bufferLength = bufferLength;
        DpdkLayout.Pool layout = library.layout().pool();
        long table = library.symbol("rte_mempool_ops_table").address();
        int index = Memory.getInt(address, layout.size(), layout.opsIndex());
        int operations = Memory.getInt(table, 8, layout.opsCount());
        if (index < 0 || index >= operations || operations > 64) {
            throw new DpdkException(
                    "layout",
                    0,
                    "mempool operations " + index + " of " + operations,
                    "this DPDK (" + library.version() + ") has another rte_mempool than lvsd expects");
        }
        dequeueSlot = table + layout.opsTable() + (long) index * layout.opsStride() + layout.dequeue();
        freeBulk = MemorySegment.ofAddress(
                library.function("rte_pktmbuf_free_bulk").address());
        available = library.function("rte_mempool_avail_count");
    }

    /**
     * Makes a pool ({@code rte_pktmbuf_pool_create}).
     *
     * @param name name, unique in the process
     * @param count mbufs
     * @param cache mbufs that each registered thread may keep to itself, at most {@link #MAX_CACHE} and two thirds of
     *     {@code count}
     * @param dataRoom bytes for the packet, headroom not included
     * @throws DpdkException if there is not enough memory
     */
    public static Mempool create(Eal eal, String name, int count, int cache, int dataRoom) {
        DpdkLibrary library = eal.library();
        NativeFunction create = library.function("rte_pktmbuf_pool_create");
        int bufferLength = dataRoom + HEADROOM;
        try (Arena arena = Arena.ofConfined()) {
            long anySocket = -1;
            long address = create.call(arena.allocateFrom(name).address(), count, cache, 0, bufferLength, anySocket);
            if (address == 0) {
                throw library.failure(
                        create,
                        "making a pool of " + count + " mbufs of " + dataRoom
                                + " bytes (raise eal.memory, or lower eal.mbufs)");
            }
            return new Mempool(address, count, bufferLength, library);
        }
    }

    /** Address of the {@code rte_mempool}. */
    public long address() {
        return address;
    }

    /** Number of mbufs. */
    public int size() {
        return size;
    }

    /** Bytes of an mbuf's buffer, headroom included. */
    int bufferLength() {
        return bufferLength;
    }

    /** The function that takes mbufs out, as the pool's table of operations has it now. */
    long dequeueFunction() {
        return Memory.getLong(dequeueSlot, 8, 0);
    }

    /** The function that frees mbufs. */
    long freeFunction() {
        return freeBulk.address();
    }

    /** Mbufs that are free, those in the caches of threads included. Walks all caches: cold. */
    public int available() {
        return available.callInt(address);
    }

    /**
     * Takes {@code count} mbufs, or none, bypassing the caches of threads: take several at a time. They are as they
     * were freed; {@link Mbuf#reset} makes them empty packets.
     *
     * @param packets address of an array for {@code count} pointers
     * @return whether there were enough
     */
    public boolean dequeue(long packets, int count) {
        return FastCalls.dequeue(dequeuePointer.at(dequeueFunction()), address, packets, count) == 0;
    }

    /**
     * Frees packets of any pool, chained segments included ({@code rte_pktmbuf_free_bulk}).
     *
     * @param packets address of an array of {@code count} mbuf addresses
     */
    public void free(long packets, int count) {
        FastCalls.freeBulk(freeBulk, packets, count);
    }
}
