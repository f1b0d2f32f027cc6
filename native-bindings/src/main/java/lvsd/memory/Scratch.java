package lvsd.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A small piece of native memory for one owner, zeroed, that is there for as long as this object is reachable: nobody has
 * to close it. For what is large, locked or shared there is {@link OffHeap}.
 */
public final class Scratch {
    private final MemorySegment memory;

    /**
     * @param bytes size
     * @param alignment of the address, bytes; a power of two
     */
    public Scratch(long bytes, long alignment) {
        memory = Arena.ofAuto().allocate(bytes, alignment);
    }

    /** Where it begins. */
    public long address() {
        return memory.address();
    }
}
