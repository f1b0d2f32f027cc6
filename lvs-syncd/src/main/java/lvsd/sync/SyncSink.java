package lvsd.sync;

/** Where a backup brings what it received. The packet path implements it; the sync thread calls it. */
public interface SyncSink {
    /** {@link #take}: it came without a known sender (no key, or {@code hmac-md5-96}). */
    int NO_ORIGIN = 255;

    /**
     * Takes a connection over, or updates or ends the one it has, by the rules of {@link BackupRules}. It is the caller's
     * again when this returns. Does not wait: an implementation that hands it on may be full.
     *
     * @param origin which sender it came from, 0 to 31, or {@link #NO_ORIGIN}
     * @param millis time of the sync thread
     * @return false if it cannot be taken
     */
    boolean take(SyncConnection connection, int origin, long millis);

    /**
     * Everything that a sender has has been taken since {@code began}: what came from it before and has not come again since
     * is gone there.
     */
    void transferred(int origin, long began);
}
