package lvsd.sync;

/**
 * How a director of ours handles a connection beyond what the kernel's flags can say, 16 bits:
 * {@link SyncConnection#extras}.
 */
public final class SyncExtras {
    /** The client's initial sequence number is re-randomised towards the server. */
    public static final int SEQUENCE_TO_SERVER = 0x01;
    /** TCP timestamps are shifted. */
    public static final int TIMESTAMPS = 0x02;
    /** The handshake was the SYN proxy's. */
    public static final int SYN_PROXY = 0x04;
    /** The server has not been told the client's address yet (TOA). */
    public static final int ADDRESS_PENDING = 0x08;

    /** In a bulk transfer: the sender has it from another director, and no packet of it has come there since. */
    public static final int SECOND_HAND = 0x10;

    /** Any of those that come with numbers of the handshake. */
    static final int HANDSHAKE = SYN_PROXY | ADDRESS_PENDING;

    private SyncExtras() {}
}
