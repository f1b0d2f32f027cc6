package lvsd.sync;

/** A table of one thread and the sync thread. */
record Guarded(MemoryTable table) implements SyncSource, SyncSink {
    @Override
    public boolean poll(SyncConnection into) {
        synchronized (table) {
            return table.poll(into);
        }
    }

    @Override
    public long dropped() {
        return 0;
    }

    @Override
    public long size() {
        synchronized (table) {
            return table.size();
        }
    }

    @Override
    public void page(long cursor, Page page) {
        synchronized (table) {
            table.page(cursor, page);
        }
    }

    @Override
    public boolean take(SyncConnection connection, int origin, long millis) {
        synchronized (table) {
            return table.take(connection, origin, millis);
        }
    }

    @Override
    public void transferred(int origin, long began) {
        synchronized (table) {
            table.transferred(origin, began);
        }
    }
}
