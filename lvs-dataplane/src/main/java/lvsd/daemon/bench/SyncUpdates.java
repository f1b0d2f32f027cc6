package lvsd.daemon.bench;

import lvsd.sync.SyncConnection;
import lvsd.sync.SyncSource;

/** Connections for a master to tell of, as many as it is told to. Owned by one thread. */
final class SyncUpdates implements SyncSource {
    private final SyncScenario kind;
    private int next;
    private int end;
    private boolean deleted;

    SyncUpdates(SyncScenario kind) {
        this.kind = kind;
    }

    /** Tells of {@code count} connections from number {@code from} on; {@code ended}: that they are gone. */
    void begin(int from, int count, boolean ended) {
        next = from;
        end = from + count;
        deleted = ended;
    }

    @Override
    public boolean poll(SyncConnection into) {
        if (next == end) {
            return false;
        }
        kind.fill(into, next++);
        into.deleted = deleted;
        return true;
    }

    @Override
    public long dropped() {
        return 0;
    }

    @Override
    public long size() {
        return 0;
    }

    @Override
    public void page(long cursor, Page page) {
        page.complete(END);
    }
}
