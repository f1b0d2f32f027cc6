package lvsd.wire;

import java.util.Arrays;
import lvsd.memory.Memory;
import lvsd.memory.NativeFunction;
import lvsd.memory.OffHeap;

/**
 * Native memory for frames under test. {@link #put} surrounds a frame with 0xa5 and leaves headroom before it; {@link
 * #putAtEnd} makes it end at a page that may not be touched, and {@link #putAtStart} begin behind one, so that any access
 * outside the frame on that side ends the process instead of passing unseen.
 */
public final class PacketMemory implements AutoCloseable {
    /** Bytes before a frame that {@link #put} stored. */
    public static final int HEADROOM = 256;
    /** What untouched memory holds. */
    public static final int FILL = 0xa5;

    private static final int USABLE = 20 * (int) OffHeap.PAGE;
    private static final int PROT_NONE = 0;

    private final OffHeap region;
    private final long start;
    private final long end;
    private int dirtyAtEnd;
    private int dirtyAtStart;

    /** Maps the memory: a guard page, room for the largest frame, a guard page. */
    public PacketMemory() {
        region = OffHeap.map(USABLE + 2 * OffHeap.PAGE, false, false);
        start = region.address() + OffHeap.PAGE;
        end = start + USABLE;
        Memory.fill(start, USABLE, FILL);
        NativeFunction protect = NativeFunction.libc("mprotect");
        for (long guard : new long[] {region.address(), end}) {
            if (protect.callInt(guard, OffHeap.PAGE, PROT_NONE) != 0) {
                throw protect.failure("guard page");
            }
        }
    }

    /** Stores a frame amid 0xa5 and returns its address. */
    public long put(byte[] frame) {
        Memory.fill(start, USABLE, FILL);
        long address = start + HEADROOM;
        Memory.copyIn(frame, 0, address, frame.length);
        return address;
    }

    /** {@code length} bytes of 0xa5, and 0xa5 around them; returns their address. */
    public long blank(int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) FILL);
        return put(bytes);
    }

    /** Stores a frame so that its last byte is followed by a page that may not be touched; returns its address. */
    public long putAtEnd(byte[] frame) {
        // What an earlier frame left before this one's start would hide a read before it.
        if (dirtyAtEnd > frame.length) {
            Memory.fill(end - dirtyAtEnd, dirtyAtEnd - frame.length, FILL);
        }
        dirtyAtEnd = frame.length;
        long address = end - frame.length;
        Memory.copyIn(frame, 0, address, frame.length);
        return address;
    }

    /** Stores a frame so that its first byte is preceded by a page that may not be touched; returns its address. */
    public long putAtStart(byte[] frame) {
        if (dirtyAtStart > frame.length) {
            Memory.fill(start + frame.length, dirtyAtStart - frame.length, FILL);
        }
        dirtyAtStart = frame.length;
        Memory.copyIn(frame, 0, start, frame.length);
        return start;
    }

    /** The {@code length} bytes at an address. */
    public static byte[] bytes(long address, int length) {
        byte[] bytes = new byte[length];
        Memory.copyOut(address, bytes, 0, length);
        return bytes;
    }

    @Override
    public void close() {
        region.close();
    }
}
