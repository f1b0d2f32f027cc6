package lvsd.sync;

/** Bodies of the messages that carry no connections, and of what stands before the entries of a bulk message. */
final class ControlMessage {
    /** Bytes of a nonce. */
    static final int NONCE = 16;
    /** Most nonces of an answer. */
    static final int MOST_NONCES = 16;
    /** Bytes of a challenge: a nonce. */
    static final int CHALLENGE = NONCE;
    /** Bytes of an answer before its nonces: token (8), count (1), zero (7). */
    static final int ANSWER = 16;
    /** Bytes of a request: sender (8), token (8), cursor (8). */
    static final int REQUEST = 24;
    /**
     * Bytes of a bulk message before its entries: run (4), number in the run (4), cursor that the run began with (8), cursor to
     * go on with when all up to this one have come (8), total (4), sent before (4).
     */
    static final int BULK = 32;

    private ControlMessage() {}

    /** Whether a body of {@code length} bytes can be one of {@code kind}. */
    static boolean fits(int kind, byte[] bytes, int at, int length) {
        return switch (kind) {
            case IcvHeader.CHALLENGE -> length == CHALLENGE;
            case IcvHeader.ANSWER -> length >= ANSWER && length == ANSWER + Bytes.get1(bytes, at + 8) * NONCE;
            case IcvHeader.REQUEST -> length == REQUEST;
            case IcvHeader.BULK -> length >= BULK;
            default -> true;
        };
    }
}
