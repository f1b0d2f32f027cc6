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

    /**
     * Whether what a bulk transfer says of a connection that is known here goes: it may be from before a standby's sleep, or
     * from before its last packets came here. The later packet wins, and where both have seen the same, an active director
     * that has packets, or the same state, keeps its own.
     *
     * @param silentThere how long no packet had come there when the message was made
     * @param silentHere how long none has come here
     * @param keeps whether this director keeps its own where both have seen the same: it is active, and had packets since it
     *     last heard of the connection, or has it in the same state
     * @param slack how wrong {@code silentThere} may be
     */
    public static boolean isNews(int silentThere, int silentHere, boolean keeps, int slack) {
        return keeps ? silentThere + slack < silentHere : silentThere <= silentHere + slack;
    }

    /**
     * Whether what a bulk transfer says of a connection that is not known here is of one that is over: the sender has it
     * from another director, and this one has been active since before its last sign of life, so it would know it.
     *
     * @param silentThere how long no packet had come there
     * @param active for how long this director has been active; 0: it is not
     * @param slack how wrong {@code silentThere} may be
     */
    public static boolean isOver(SyncConnection bulk, int silentThere, int active, int slack) {
        return (bulk.extras & SyncExtras.SECOND_HAND) != 0 && active > silentThere + slack;
    }

    /** Whether an update that names another server replaces the connection; if not, it is ignored. */
    public static boolean replaces(SyncConnection update) {
        return (update.flags & SyncFlags.INACTIVE) == 0;
    }
}
