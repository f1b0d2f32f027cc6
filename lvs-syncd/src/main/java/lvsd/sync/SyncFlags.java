package lvsd.sync;

/** Flags of a connection as they are on the wire: the kernel's numbers. */
public final class SyncFlags {
    /** Forwarding method: 0 NAT, 1 local, 2 tunnel, 3 DR, 4 bypass, 5 FULLNAT (ours and Alibaba's). */
    public static final int METHOD_MASK = 0x0007;
    /** {@link #METHOD_MASK} of FULLNAT. */
    public static final int FULLNAT = 5;
    /** Came by sync. Never sent. */
    public static final int SYNCED = 0x0020;
    /** In the table. Never sent. */
    public static final int HASHED = 0x0040;
    /** Packets of the server do not come through the director. */
    public static final int NO_OUTPUT = 0x0080;
    /** Counted as inactive with its server. */
    public static final int INACTIVE = 0x0100;
    /** Sequence numbers towards the client are shifted. */
    public static final int OUT_SEQUENCE = 0x0200;
    /** Sequence numbers towards the server are shifted. */
    public static final int IN_SEQUENCE = 0x0400;
    /** Either of the two. */
    public static final int SEQUENCE = IN_SEQUENCE | OUT_SEQUENCE;
    /** The client's port is not known yet. */
    public static final int NO_CLIENT_PORT = 0x0800;
    /** Persistence template. */
    public static final int TEMPLATE = 0x1000;
    /** Ends after one packet; never sent. */
    public static final int ONE_PACKET = 0x2000;

    /** What a backup keeps of a new connection; all else a message says is ignored. */
    public static final int KEPT = METHOD_MASK | NO_OUTPUT | INACTIVE | SEQUENCE | NO_CLIENT_PORT | TEMPLATE;
    /** What a backup takes over when it has the connection already. */
    public static final int UPDATED = INACTIVE | SEQUENCE;

    private SyncFlags() {}
}
