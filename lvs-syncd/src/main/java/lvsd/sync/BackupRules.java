package lvsd.sync;

/** What a backup makes of a connection that was received, as the kernel does. For any thread. */
public final class BackupRules {
    /** Seconds that a template lives whose message does not say. */
    private static final int TEMPLATE_SECONDS = 180;

    private BackupRules() {}

    /**
     * Seconds, unsigned, that the connection may be silent; 0: what the backup's own table says for its state.
     */
    public static int timeout(SyncConnection connection) {
        int said = connection.timeout == SyncConnection.NO_TIMEOUT ? 0 : connection.timeout;
        return said == 0 && connection.template() ? TEMPLATE_SECONDS : said;
    }

    /** Flags of a new connection: what may come from a message, and that it came by sync. */
    public static int flags(SyncConnection connection) {
        return (connection.flags & SyncFlags.KEPT) | SyncFlags.SYNCED;
    }

    /** Flags of a connection that had {@code present} when the update came. */
    public static int updated(int present, SyncConnection update) {
        return (present & ~SyncFlags.UPDATED) | (update.flags & SyncFlags.UPDATED);
    }

    /** Whether an update that names another server replaces the connection; if not, it is ignored. */
    public static boolean replaces(SyncConnection update) {
        return (update.flags & SyncFlags.INACTIVE) == 0;
    }
}
