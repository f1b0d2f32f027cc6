package lvsd.sync;

/**
 * Fills messages of one port with entries, one message at a time, and computes their ICV as they grow. The bytes are the
 * writer's own; whoever sends them does so before the next {@link #begin}.
 */
final class MessageWriter {
    private final byte[] bytes;
    /** Headers and the longest body or entry. */
    private static final int LEAST = 1024;
    /** So many bytes go into the ICV at a time: many blocks of the digest in one call. */
    private static final int DIGESTED = 512;

    private final Signer signer;
    private final int port;
    private int limit;
    private int version;
    private int syncId;
    private int at;
    /** Up to here the bytes are in the ICV. */
    private int digested;

    private int count;

    /** A writer for the port with that index, of messages of up to {@code limit} bytes or one entry. */
    MessageWriter(Signer signer, int port, int limit) {
        this.bytes = new byte[Math.clamp(limit, LEAST, Message.MAX_LENGTH)];
        this.signer = signer;
        this.port = port;
    }

    /**
     * Begins a message.
     *
     * @param limit most bytes; one entry goes in even if it alone is longer, as with the kernel
     */
    void begin(int version, int syncId, int limit) {
        begin(version, syncId, limit, IcvHeader.CONNECTIONS, 0);
    }

    /** As {@link #begin(int, int, int)}; {@code kind} is the ICV header's, {@code body} bytes before the first entry. */
    void begin(int version, int syncId, int limit, int kind, int body) {
        this.version = version;
        this.syncId = syncId;
        this.limit = Math.min(limit, bytes.length);
        int header = Message.header(version);
        signer.begin(bytes, header, kind, port);
        at = header + signer.header() + body;
        digested = header + signer.header();
        count = 0;
    }

    private void digest() {
        signer.update(bytes, digested, at - digested, port);
        digested = at;
    }

    /** Adds an entry; false when the message is full and has to go first. */
    boolean add(SyncConnection connection) {
        int from = Bytes.align4(at);
        int size = EntryWriter.size(connection, version);
        if (count > 0 && (from + size > limit || count == Message.MAX_COUNT)) {
            return false;
        }
        Bytes.zero(bytes, at, from - at);
        int end = EntryWriter.write(connection, version, bytes, from);
        at = end;
        if (at - digested >= DIGESTED) {
            digest();
        }
        count++;
        return true;
    }

    /** Writes the header and the ICV; returns the length. */
    int finish() {
        digest();
        Message.write(bytes, 0, version, syncId, at, count);
        signer.finish(bytes, Message.header(version), port);
        return at;
    }

    boolean isEmpty() {
        return count == 0;
    }

    int count() {
        return count;
    }

    int version() {
        return version;
    }

    /** Offset behind the ICV header. */
    int firstByte() {
        return Message.header(version) + signer.header();
    }

    byte[] bytes() {
        return bytes;
    }
}
