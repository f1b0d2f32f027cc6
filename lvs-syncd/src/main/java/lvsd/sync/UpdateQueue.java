package lvsd.sync;

import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Connections on their way from one thread to one other, bounded: the sender fills a slot in place and never waits, the
 * receiver copies it out. Nothing is allocated after construction.
 */
public final class UpdateQueue {
    private final SyncConnection[] slots;
    private final int mask;
    private final AtomicLong written = new AtomicLong();
    private final AtomicLong read = new AtomicLong();
    private final AtomicLong dropped = new AtomicLong();
    /** The sender's copy of {@link #read}: looked at again only when the queue seems full. */
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
        long position = written.getPlain();
        if (position - readBefore > mask) {
            readBefore = read.getAcquire();
            if (position - readBefore > mask) {
                dropped.lazySet(dropped.getPlain() + 1);
                return null;
            }
        }
        return slots[(int) position & mask];
    }

    /** Sender: the slot claimed last is filled. */
    public void commit() {
        written.setRelease(written.getPlain() + 1);
    }

    /** Receiver: the oldest connection, which stays until {@link #remove}; null if there is none. */
    public @Nullable SyncConnection peek() {
        long position = read.getPlain();
        return position == written.getAcquire() ? null : slots[(int) position & mask];
    }

    /** Receiver: gives the slot of {@link #peek} back. */
    public void remove() {
        read.setRelease(read.getPlain() + 1);
    }

    /** Any thread: connections that found the queue full. */
    public long dropped() {
        return dropped.getOpaque();
    }
}
