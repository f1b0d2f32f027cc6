package lvsd.dpdk;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The native calls of the packet path, through function pointers as DPDK's inline functions make them. Any thread may
 * call; nothing is allocated and nothing thrown. The caller owes that function and arguments belong together.
 *
 * <p>Handles are plain, not {@code Linker.Option.critical}: drivers of kernel interfaces make system calls in their
 * burst functions, and for the others the difference is about 1 ns a burst (measured), below noise.
 */
final class FastCalls {
    private static final Linker LINKER = Linker.nativeLinker();
    /** {@code uint16_t burst(void *queue, struct rte_mbuf **packets, uint16_t count)}. */
    private static final MethodHandle BURST =
            LINKER.downcallHandle(FunctionDescriptor.of(JAVA_SHORT, JAVA_LONG, JAVA_LONG, JAVA_SHORT));
    /** {@code int dequeue(struct rte_mempool *, void **objects, unsigned count)}. */
    private static final MethodHandle DEQUEUE =
            LINKER.downcallHandle(FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
    /** {@code void rte_pktmbuf_free_bulk(struct rte_mbuf **packets, unsigned count)}. */
    private static final MethodHandle FREE_BULK = LINKER.downcallHandle(FunctionDescriptor.ofVoid(JAVA_LONG, JAVA_INT));

    private FastCalls() {}

    /**
     * A function pointer that is read again before every call, and hardly ever changes. A downcall wants a segment for it, and
     * one made at every call is an allocation wherever the JIT does not inline the call. Any thread may ask.
     */
    static final class Pointer {
        private MemorySegment latest = MemorySegment.NULL;

        /** The segment at {@code address}. */
        MemorySegment at(long address) {
            MemorySegment segment = latest;
            if (segment.address() != address) {
                segment = MemorySegment.ofAddress(address);
                latest = segment;
            }
            return segment;
        }
    }

    /** An RX or TX burst: how many packets went. */
    static int burst(MemorySegment function, long queue, long packets, int count) {
        try {
            return (short) BURST.invokeExact(function, queue, packets, (short) count) & 0xffff;
        } catch (Throwable impossible) {
            throw unexpected(impossible);
        }
    }

    /** Takes objects from a pool: 0, or a negative errno and none. */
    static int dequeue(MemorySegment function, long pool, long objects, int count) {
        try {
            return (int) DEQUEUE.invokeExact(function, pool, objects, count);
        } catch (Throwable impossible) {
            throw unexpected(impossible);
        }
    }

    /** Frees packets. */
    static void freeBulk(MemorySegment function, long packets, int count) {
        try {
            FREE_BULK.invokeExact(function, packets, count);
        } catch (Throwable impossible) {
            throw unexpected(impossible);
        }
    }

    private static RuntimeException unexpected(Throwable failure) {
        return new IllegalStateException("a downcall handle threw", failure);
    }
}
