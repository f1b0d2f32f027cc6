package lvsd.sync;

/**
 * Headers of sync messages, all fields big-endian.
 *
 * <p>v1, 8 bytes: 0 (where v0 has its count), syncid, size of the whole message (2), count, 1, 0 (2). v0, 4 bytes: count,
 * syncid, size of the whole message (2). Entries follow; with authentication an ICV header stands before the first.
 */
final class Message {
    /** Bytes of a v1 header. */
    static final int V1_HEADER = 8;
    /** Bytes of a v0 header. */
    static final int V0_HEADER = 4;
    /** Bytes of a v1 entry without options, IPv4. */
    static final int V1_ENTRY4 = 36;
    /** Bytes of a v1 entry without options, IPv6. */
    static final int V1_ENTRY6 = 72;
    /** Bytes of a v0 entry without sequence data. */
    static final int V0_ENTRY = 24;
    /** Most entries of a message: its count is one byte. */
    static final int MAX_COUNT = 255;
    /** Largest message: what a UDP datagram over IPv4 holds. */
    static final int MAX_LENGTH = 65_507;
    /** Largest entry: the size field has 12 bits, but the options that exist end far below. */
    static final int MAX_ENTRY = V1_ENTRY6
            + 6 * Option.HEADER
            + Option.SEQUENCE_SIZE
            + SyncConnection.MAX_ENGINE_DATA
            + SyncConnection.MAX_ENGINE_NAME
            + 18
            + 4
            + Option.EXTRAS_AND_SHIFT_SIZE
            + Option.HEADER
            + Option.HANDSHAKE_SIZE
            + Option.HEADER
            + 1;

    private Message() {}

    /** Bytes of the header of a version. */
    static int header(int version) {
        return version == 0 ? V0_HEADER : V1_HEADER;
    }

    /** The version of a message of at least four bytes: 1 only if everything says so, else 0. */
    static int version(byte[] bytes, int at, int length) {
        return length >= V1_HEADER
                        && Bytes.get1(bytes, at) == 0
                        && Bytes.get1(bytes, at + 5) == 1
                        && Bytes.get2(bytes, at + 6) == 0
                ? 1
                : 0;
    }

    static int syncId(byte[] bytes, int at) {
        return Bytes.get1(bytes, at + 1);
    }

    static int size(byte[] bytes, int at) {
        return Bytes.get2(bytes, at + 2);
    }

    static int count(byte[] bytes, int at, int version) {
        return Bytes.get1(bytes, version == 0 ? at : at + 4);
    }

    /** Writes a header. */
    static void write(byte[] bytes, int at, int version, int syncId, int size, int count) {
        Bytes.put1(bytes, at, version == 0 ? count : 0);
        Bytes.put1(bytes, at + 1, syncId);
        Bytes.put2(bytes, at + 2, size);
        if (version != 0) {
            Bytes.put1(bytes, at + 4, count);
            Bytes.put1(bytes, at + 5, 1);
            Bytes.put2(bytes, at + 6, 0);
        }
    }
}
