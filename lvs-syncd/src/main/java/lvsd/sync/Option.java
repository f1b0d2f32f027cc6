package lvsd.sync;

/**
 * Options behind a v1 entry: one byte of type, one of length (without these two), data. A backup skips a type it does not
 * know if {@link #SKIPPABLE} is set, else it refuses the entry. The kernel looks at the lower six bits of a type only to
 * find those it knows, so ours avoid 1, 2 and 3 there.
 */
final class Option {
    /** Type and length. */
    static final int HEADER = 2;
    /** Bit of types that may be skipped. */
    static final int SKIPPABLE = 0x40;

    /** Sequence data, 24 bytes: towards the server, then towards the client, each initial, delta, previous delta. */
    static final int SEQUENCE = 1;

    static final int SEQUENCE_SIZE = 24;
    /** Persistence-engine data, 1 to 255 bytes. */
    static final int ENGINE_DATA = 2;
    /** Persistence-engine name, 1 to 16 bytes. */
    static final int ENGINE_NAME = 3;

    /** Ours: local port (2 bytes), then the local address (4 or 16; 8: of IPv6 the lower half, the upper is the server's). */
    static final int LOCAL = SKIPPABLE | 4;
    /** Ours: own timeout in seconds (4 bytes). */
    static final int OWN_TIMEOUT = SKIPPABLE | 5;
    /**
     * Ours: bits of {@link SyncExtras} (2 bytes), timestamp delta (4 bytes); where nothing else is in the sequence data the
     * shift towards the server (4 bytes) in their place.
     */
    static final int EXTRAS = SKIPPABLE | 6;

    static final int EXTRAS_SIZE = 6;
    /** With the shift towards the server. */
    static final int EXTRAS_AND_SHIFT_SIZE = 10;
    /** Ours: the connection is gone; one byte, 1. */
    static final int DELETED = SKIPPABLE | 7;

    /**
     * Ours: sequence numbers up to which the server and the client know nothing of the client's address yet (4 bytes each),
     * what is added to the server's timestamps (4), shifts of windows (2), zero (2).
     */
    static final int HANDSHAKE = SKIPPABLE | 8;

    static final int HANDSHAKE_SIZE = 16;

    private Option() {}
}
