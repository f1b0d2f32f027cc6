package lvsd.sync;

/**
 * ICV headers, between the message header and the first entry, all fields big-endian.
 *
 * <p>{@code hmac-md5-96}, 16 bytes: sequence (4), ICV (12).
 *
 * <p>{@code hmac-sha256-128}, 40 bytes: 0xa2, key id (1), 0xf0, kind (1), zero (4), sequence (8), sender (8), ICV (16). Read
 * as an entry by a kernel without a key its type is impossible, its version unknown and its size too small.
 */
final class IcvHeader {
    static final int MD5_ICV = 4;
    static final int MD5_ICV_SIZE = 12;

    static final int MAGIC = 0xa2;
    static final int FILLER = 0xf0;
    static final int SEQUENCE = 8;
    static final int SENDER = 16;
    static final int SHA_ICV = 24;
    static final int SHA_ICV_SIZE = 16;

    /** Kind: entries follow, as in a message without authentication. */
    static final int CONNECTIONS = 0;
    /** Kind: {@link ControlMessage}: a backup asks every master to show that it is alive. */
    static final int CHALLENGE = 1;
    /** Kind: a master's answer. */
    static final int ANSWER = 2;
    /** Kind: a backup asks for all connections, or those from a point on. */
    static final int REQUEST = 3;
    /** Kind: a {@link BulkHeader}, then entries. */
    static final int BULK = 4;

    private IcvHeader() {}

    static int kind(byte[] bytes, int at) {
        return Bytes.get1(bytes, at + 3);
    }

    static int keyId(byte[] bytes, int at) {
        return Bytes.get1(bytes, at + 1);
    }

    static long sequence(byte[] bytes, int at) {
        return Bytes.get8(bytes, at + SEQUENCE);
    }

    static long sender(byte[] bytes, int at) {
        return Bytes.get8(bytes, at + SENDER);
    }

    /** Whether it is a header of {@code hmac-sha256-128} at all. */
    static boolean wellFormed(byte[] bytes, int at) {
        return Bytes.get1(bytes, at) == MAGIC
                && Bytes.get1(bytes, at + 2) == FILLER
                && kind(bytes, at) <= BULK
                && Bytes.get4(bytes, at + 4) == 0;
    }

    /** Writes a header of {@code hmac-sha256-128} with a zero ICV. */
    static void write(byte[] bytes, int at, int keyId, int kind, long sequence, long sender) {
        Bytes.put1(bytes, at, MAGIC);
        Bytes.put1(bytes, at + 1, keyId);
        Bytes.put1(bytes, at + 2, FILLER);
        Bytes.put1(bytes, at + 3, kind);
        Bytes.put4(bytes, at + 4, 0);
        Bytes.put8(bytes, at + SEQUENCE, sequence);
        Bytes.put8(bytes, at + SENDER, sender);
        Bytes.put8(bytes, at + SHA_ICV, 0);
        Bytes.put8(bytes, at + SHA_ICV + 8, 0);
    }
}
