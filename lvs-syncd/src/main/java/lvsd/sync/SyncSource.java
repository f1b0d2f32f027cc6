package lvsd.sync;

import org.jspecify.annotations.Nullable;

/**
 * Where a master gets connections from. The packet path implements it; the sync thread calls it. Nothing here ever makes
 * the packet path wait: what it cannot hand over it counts in {@link #dropped}.
 */
public interface SyncSource {
    /** {@link Page#complete}: the end of the table. */
    long END = -1L;

    /**
     * Whether kernels may be listening: then a connection is told of when {@code sync_threshold} says so, else as soon as it
     * is established. Told before a master starts.
     */
    default void forKernels(boolean kernels) {}

    /** Whether anybody polls from now on: a master runs. What was noted before is forgotten. Sync thread. */
    default void listened(boolean now) {}

    /** Fills {@code into} with the next update that waits, oldest first; false if none waits. */
    boolean poll(SyncConnection into);

    /** Updates lost so far because the queue was full. */
    long dropped();

    /** Connections in the table, roughly. */
    long size();

    /**
     * Asks for connections from {@code cursor} on (0: from the start; else what a page completed with). The answer comes
     * later, from whatever thread: it fills the page's rows, then calls {@link Page#complete}. One page is asked for at a
     * time.
     */
    void page(long cursor, Page page);

    /** Room for some connections. Handed to and fro between two threads; {@link #complete} publishes what was filled. */
    final class Page {
        private final SyncConnection[] rows;
        private int count;
        private long next;
        private volatile boolean done;
        private final boolean whole;

        /** A page of so many rows. */
        public Page(int capacity) {
            this(capacity, false);
        }

        /** As {@link #Page(int)}; {@code whole}: with what {@code sync_persist_mode} leaves out, too. */
        public Page(int capacity, boolean whole) {
            this.whole = whole;
            rows = new SyncConnection[capacity];
            for (int i = 0; i < capacity; i++) {
                rows[i] = new SyncConnection();
            }
        }

        /** The row to fill next; null when the page is full. */
        public @Nullable SyncConnection add() {
            return count < rows.length ? rows[count++] : null;
        }

        /** Takes back the row given last. */
        public void remove() {
            count--;
        }

        /** Whether settings leave nothing out. */
        public boolean isWhole() {
            return whole;
        }

        /** Rows free. */
        public int free() {
            return rows.length - count;
        }

        /** Ends the page; the next one begins at {@code cursor}, or {@link SyncSource#END}. */
        public void complete(long cursor) {
            next = cursor;
            done = true;
        }

        /** Empties the page before it is asked for. */
        public void reset() {
            count = 0;
            done = false;
        }

        boolean done() {
            return done;
        }

        /** Rows filled. */
        public int count() {
            return count;
        }

        /** A row that was filled. */
        public SyncConnection row(int index) {
            return rows[index];
        }

        /** Where the next page begins. */
        public long next() {
            return next;
        }
    }
}
