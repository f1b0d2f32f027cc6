package lvsd.dataplane.io;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A bounded queue of longs from one thread to one other: addresses of mbufs handed over, or packed messages.
 *
 * <p>Exactly one thread offers and one polls. An element that was offered is seen by the consumer together with
 * everything the producer wrote before (release and acquire), so that an mbuf's contents travel with its address. Both
 * ends keep a stale copy of the other's cursor and read the shared one only when the copy says full or empty. Nothing
 * blocks or allocates. 0 is no element: {@link #poll} returns it for "empty".
 */
public final class LongRing {
    private static final VarHandle CURSOR = MethodHandles.arrayElementVarHandle(long[].class);

    /** Places in {@link #cursors}, 16 longs (two cache lines) from each other and from the array's ends. */
    private static final int HEAD = 16;

    private static final int TAIL_SEEN = HEAD + 1;
    private static final int TAIL = 48;
    private static final int HEAD_SEEN = TAIL + 1;
    private static final int CURSORS = 72;

    private final long[] elements;
    private final int mask;
    private final long[] cursors = new long[CURSORS];

    /**
     * @param capacity most elements; a power of two, at least 2
     * @throws IllegalArgumentException if it is not
     */
    public LongRing(int capacity) {
        if (capacity < 2 || Integer.bitCount(capacity) != 1) {
            throw new IllegalArgumentException("ring capacity must be a power of two of at least 2, not " + capacity);
        }
        elements = new long[capacity];
        mask = capacity - 1;
    }

    /** Most elements. */
    public int capacity() {
        return elements.length;
    }

    /** Elements at this moment; exact for neither end while the other works. Any thread. */
    public int size() {
        long head = (long) CURSOR.getAcquire(cursors, HEAD);
        long tail = (long) CURSOR.getAcquire(cursors, TAIL);
        return (int) Math.max(0, Math.min(tail - head, elements.length));
    }

    /** Room the producer has for certain. Producer only. */
    private int room(int wanted) {
        long tail = cursors[TAIL];
        long room = elements.length - (tail - cursors[HEAD_SEEN]);
        if (room < wanted) {
            cursors[HEAD_SEEN] = (long) CURSOR.getAcquire(cursors, HEAD);
            room = elements.length - (tail - cursors[HEAD_SEEN]);
        }
        return (int) room;
    }

    /** Elements the consumer may take for certain. Consumer only. */
    private int ready() {
        long head = cursors[HEAD];
        long ready = cursors[TAIL_SEEN] - head;
        if (ready == 0) {
            cursors[TAIL_SEEN] = (long) CURSOR.getAcquire(cursors, TAIL);
            ready = cursors[TAIL_SEEN] - head;
        }
        return (int) ready;
    }

    /** Adds {@code element}, which is not 0; false when the ring is full. Producer only. */
    public boolean offer(long element) {
        if (room(1) < 1) {
            return false;
        }
        long tail = cursors[TAIL];
        elements[(int) tail & mask] = element;
        CURSOR.setRelease(cursors, TAIL, tail + 1);
        return true;
    }

    /** Adds as many of {@code from[first..first+count)} as there is room for, in order; returns how many. Producer only. */
    public int offer(long[] from, int first, int count) {
        int taken = Math.min(count, room(count));
        long tail = cursors[TAIL];
        for (int i = 0; i < taken; i++) {
            elements[(int) (tail + i) & mask] = from[first + i];
        }
        if (taken > 0) {
            CURSOR.setRelease(cursors, TAIL, tail + taken);
        }
        return taken;
    }

    /** Adds all of {@code from[0..count)} as one message, or nothing; false when there is no room. Producer only. */
    public boolean offerAll(long[] from, int count) {
        return room(count) >= count && offer(from, 0, count) == count;
    }

    /** The oldest element, removed; 0 when there is none. Consumer only. */
    public long poll() {
        if (ready() == 0) {
            return 0;
        }
        long head = cursors[HEAD];
        long element = elements[(int) head & mask];
        CURSOR.setRelease(cursors, HEAD, head + 1);
        return element;
    }

    /** Moves up to {@code most} of the oldest elements to {@code into[0..]}; returns how many. Consumer only. */
    public int drain(long[] into, int most) {
        int count = Math.min(most, ready());
        long head = cursors[HEAD];
        for (int i = 0; i < count; i++) {
            into[i] = elements[(int) (head + i) & mask];
        }
        if (count > 0) {
            CURSOR.setRelease(cursors, HEAD, head + count);
        }
        return count;
    }
}
