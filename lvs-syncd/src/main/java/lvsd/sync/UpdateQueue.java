package lvsd.sync;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * Connections on their way from one thread to one other, bounded: the sender fills a slot in place and never waits, the
 * receiver copies it out. Nothing is allocated after construction.
 */
public final class UpdateQueue {
    private static final VarHandle AT = MethodHandles.arrayElementVarHandle(long[].class);
    /** Longs of two cache lines, which are fetched together. */
    private static final int LINE = 16;

    private static final int LINES = 4;
    private static final int WRITTEN = LINE;
    private static final int READ = 2 * LINE;
    /** Beside what is written: by the same thread. */
    private static final int DROPPED = WRITTEN + 1;

    private final SyncConnection[] slots;
    private final int mask;
    /** What is written and what is read stand on cache lines of their own, or each end would slow down the other. */
    private final long[] positions = new long[LINES * LINE];
    /** The sender's copy of what is read: looked at again only when the queue seems full. */
    private long readBefore;

    /** A queue of {@code capacity} connections, a power of two. */
    public UpdateQueue(int capacity) {
        if (Integer.bitCount(capacity) != 1) {
            throw new IllegalArgumentException("a power of two wanted, not " + capacity);
        }
        slots = new SyncConnection[capacity];
        for (int i = 0; i < capacity; i++) {
            slots[i] = new SyncConnection();
        }
        mask = capacity - 1;
    }

    /** Sender: the slot to fill; null, and counted, when the queue is full. */
    public @Nullable SyncConnection claim() {
        long position = positions[WRITTEN];
        if (position - readBefore > mask) {
            readBefore = (long) AT.getAcquire(positions, READ);
            if (position - readBefore > mask) {
                AT.setRelease(positions, DROPPED, positions[DROPPED] + 1);
                return null;
            }
        }
        return slots[(int) position & mask];
    }

    /** Sender: the slot claimed last is filled. */
    public void commit() {
        AT.setRelease(positions, WRITTEN, positions[WRITTEN] + 1);
    }

    /** Receiver: the oldest connection, which stays until {@link #remove}; null if there is none. */
    public @Nullable SyncConnection peek() {
        long position = positions[READ];
        return position == (long) AT.getAcquire(positions, WRITTEN) ? null : slots[(int) position & mask];
    }

    /** Receiver: gives the slot of {@link #peek} back. */
    public void remove() {
        AT.setRelease(positions, READ, positions[READ] + 1);
    }

    /** Receiver: how many wait at least. */
    public int waiting() {
        return (int) ((long) AT.getAcquire(positions, WRITTEN) - positions[READ]);
    }

    /** Receiver: the connection behind {@code index} older ones, of those {@link #waiting}. */
    public SyncConnection peek(int index) {
        return slots[(int) (positions[READ] + index) & mask];
    }

    /** Receiver: gives the slots of the {@code count} oldest connections back. */
    public void remove(int count) {
        AT.setRelease(positions, READ, positions[READ] + count);
    }

    /** Any thread: connections that found the queue full. */
    public long dropped() {
        return (long) AT.getOpaque(positions, DROPPED);
    }
}
