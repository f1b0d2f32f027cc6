package lvsd.dataplane;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * A bounded queue from one sending thread to one worker. The worker takes a few commands a cycle; the sender is told when
 * the queue is full and waits on its own side.
 */
final class CommandQueue {
    private final AtomicReferenceArray<@Nullable WorkerCommand> slots;
    private final AtomicLong written = new AtomicLong();
    private final int mask;
    /** Owned by the worker. */
    private long read;

    /** A queue of {@code capacity} commands, a power of two. */
    CommandQueue(int capacity) {
        slots = new AtomicReferenceArray<>(capacity);
        mask = capacity - 1;
    }

    /** Sender: adds {@code command}; false when the queue is full. */
    boolean offer(WorkerCommand command) {
        long position = written.get();
        int slot = (int) position & mask;
        if (slots.getAcquire(slot) != null) {
            return false;
        }
        slots.setRelease(slot, command);
        written.lazySet(position + 1);
        return true;
    }

    /** Worker: the next command, or null. */
    @Nullable
    WorkerCommand poll() {
        int slot = (int) read & mask;
        WorkerCommand command = slots.getAcquire(slot);
        if (command != null) {
            slots.setRelease(slot, null);
            read++;
        }
        return command;
    }
}
