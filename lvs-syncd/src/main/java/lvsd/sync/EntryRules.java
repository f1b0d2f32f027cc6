package lvsd.sync;

/** Which well-formed entries a backup takes: protocols, their states, persistence engines. As the kernel's. */
final class EntryRules {
    private static final int TCP = 6;
    private static final int UDP = 17;
    private static final int ESP = 50;
    private static final int AH = 51;
    private static final int SCTP = 132;

    private static final int TCP_STATES = 11;
    private static final int SCTP_STATES = 14;
    private static final int TEMPLATE_STATES = 2;

    private EntryRules() {}

    static boolean acceptable(SyncConnection connection) {
        // The kernel makes a connection of one packet, and it is gone; it does not keep a template that waits for a
        // port.
        boolean gone = (connection.flags & SyncFlags.ONE_PACKET) != 0
                || (connection.template() && (connection.flags & SyncFlags.NO_CLIENT_PORT) != 0);
        if (gone || connection.state >= states(connection)) {
            return false;
        }
        return connection.engineDataLength == 0 || knownEngine(connection);
    }

    /** How many states there are; none of an unknown protocol. */
    private static int states(SyncConnection connection) {
        if (connection.template()) {
            return TEMPLATE_STATES;
        }
        return switch (connection.protocol) {
            case TCP -> TCP_STATES;
            case UDP, AH, ESP -> 1;
            case SCTP -> SCTP_STATES;
            default -> 0;
        };
    }

    /** The only persistence engine there is: {@code sip}. The name ends at a zero. */
    private static boolean knownEngine(SyncConnection connection) {
        return connection.engineNameLength >= 3
                && (connection.engineNameLength == 3 || connection.engineName[3] == 0)
                && connection.engineName[0] == 's'
                && connection.engineName[1] == 'i'
                && connection.engineName[2] == 'p';
    }
}
