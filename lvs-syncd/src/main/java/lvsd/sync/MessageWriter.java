package lvsd.sync;

/**
 * Fills one message with entries until it is full. The bytes are the writer's own; whoever sends them does so before the
 * next {@link #begin}.
 */
final class MessageWriter {
    private final byte[] bytes = new byte[Message.MAX_LENGTH];
    private int limit;
    private int version;
    private int syncId;
    private int icv;
    private int at;
    private int count;

    /**
     * Begins a message.
     *
     * @param limit most bytes; one entry goes in even if it alone is longer, as with the kernel
     * @param icv bytes to leave for an ICV header
     */
    void begin(int version, int syncId, int limit, int icv) {
        this.version = version;
        this.syncId = syncId;
        this.limit = Math.min(limit, Message.MAX_LENGTH);
        this.icv = icv;
        at = Message.header(version) + icv;
        count = 0;
    }

    /** Adds an entry; false when the message is full and has to go first. */
    boolean add(SyncConnection connection) {
        int from = Bytes.align4(at);
        int size = EntryWriter.size(connection, version);
        if (count > 0 && (from + size > limit || count == Message.MAX_COUNT)) {
            return false;
        }
        Bytes.zero(bytes, at, from - at);
        at = EntryWriter.write(connection, version, bytes, from);
        count++;
        return true;
    }

    /** Writes the header; returns the length. The ICV header is the caller's. */
    int finish() {
        Message.write(bytes, 0, version, syncId, at, count);
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

    /** Offset of the ICV header. */
    int icvOffset() {
        return Message.header(version);
    }

    /** Offset of the first entry. */
    int firstEntry() {
        return Message.header(version) + icv;
    }

    /** Offset behind the last entry. */
    int end() {
        return at;
    }

    byte[] bytes() {
        return bytes;
    }
}
