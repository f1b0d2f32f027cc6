package lvsd.sync;

import org.jspecify.annotations.Nullable;

/**
 * The checks of a received datagram up to its first entry, in the order length, sequence, ICV (the TTL is the socket
 * filter's), so that what is cheap to refuse costs little. Nothing is remembered of a datagram before its ICV was good.
 * Owned by one thread.
 */
final class Verifier {
    /** Most senders known at once. */
    static final int MOST_SENDERS = 32;
    /** A sender silent for this long may give way to a new one. */
    private static final long SILENT_MILLIS = 5_000;

    /** A sender that has shown to be alive. */
    static final class Sender {
        final long id;
        final ReplayWindow window;
        /** Its number when it was confirmed. */
        final long floor;
        /** Messages taken. */
        long received;

        long heardMillis;

        Sender(long id, long floor, long millis) {
            this.id = id;
            this.floor = floor;
            this.window = new ReplayWindow(floor);
            this.heardMillis = millis;
        }

        /** Messages that never came, or have not come yet. */
        long lost() {
            return window.highest() - floor - received;
        }
    }

    private final @Nullable KeyRing keys;
    private final int syncId;
    private final long own;
    private final long[] copies;
    private final @Nullable Sender[] senders = new @Nullable Sender[MOST_SENDERS];

    private @Nullable Sender sender;

    /**
     * @param syncId own; 0 takes every one
     * @param own number of this director's own sender, whose messages do not count
     */
    Verifier(@Nullable KeyRing keys, int syncId, long own, int ports) {
        this.keys = keys;
        this.syncId = syncId;
        this.own = own;
        this.copies = new long[ports];
    }

    /** Bytes of the ICV header. */
    int header() {
        return keys == null ? 0 : keys.algorithm().header();
    }

    /** The known sender of the datagram that {@link #check} passed last; null if it is not known. */
    @Nullable
    Sender sender() {
        return sender;
    }

    /** The highest number heard on a port ({@code hmac-md5-96}). */
    long heard(int port) {
        return copies[port];
    }

    /**
     * What is wrong with a datagram that came to the port with that index; null if nothing. With {@code hmac-sha256-128} a
     * good one may still be of a sender that is not known: {@link #sender} is null then, and it may be a replay.
     */
    @Nullable
    SyncDrop check(byte[] bytes, int length, int port, long millis) {
        SyncDrop plain = Keyless.check(bytes, length, syncId);
        if (plain != null || keys == null) {
            return plain;
        }
        return keys.algorithm() == IcvAlgorithm.HMAC_MD5_96
                ? md5(keys, bytes, length, port)
                : sha(keys, bytes, length, port, millis);
    }

    private @Nullable SyncDrop md5(KeyRing ring, byte[] bytes, int length, int port) {
        int header = Message.header(Message.version(bytes, 0, length));
        if (length < header + IcvAlgorithm.HMAC_MD5_96.header()) {
            return SyncDrop.LENGTH;
        }
        long sequence = Integer.toUnsignedLong(Bytes.get4(bytes, header));
        if (sequence <= copies[port]) {
            return SyncDrop.REPLAY;
        }
        for (int secret = 0; secret < ring.count(); secret++) {
            if (ring.mac(secret, 0, port).verify(bytes, header, length)) {
                copies[port] = sequence;
                return null;
            }
        }
        return SyncDrop.ICV;
    }

    private @Nullable SyncDrop sha(KeyRing ring, byte[] bytes, int length, int port, long millis) {
        int header = Message.V1_HEADER;
        if (length < header + IcvAlgorithm.HMAC_SHA256_128.header()) {
            return SyncDrop.LENGTH;
        }
        if (Message.version(bytes, 0, length) != 1 || !IcvHeader.wellFormed(bytes, header)) {
            return SyncDrop.HEADER;
        }
        int keyId = IcvHeader.keyId(bytes, header);
        if (!known(ring, keyId)) {
            return SyncDrop.KEY;
        }
        long sequence = IcvHeader.sequence(bytes, header);
        long id = IcvHeader.sender(bytes, header);
        Sender from = find(id);
        if (id == own || (from != null && !from.window.isNew(sequence))) {
            return SyncDrop.REPLAY;
        }
        if (!verify(ring, keyId, bytes, length, port)) {
            return SyncDrop.ICV;
        }
        sender = from;
        if (from != null) {
            from.window.see(sequence);
            from.received++;
            from.heardMillis = millis;
        }
        return null;
    }

    private static boolean known(KeyRing ring, int keyId) {
        for (int secret = 0; secret < ring.count(); secret++) {
            if (ring.id(secret) == keyId) {
                return true;
            }
        }
        return false;
    }

    /** Two secrets may have the same id by chance. */
    private static boolean verify(KeyRing ring, int keyId, byte[] bytes, int length, int port) {
        int syncId = Message.syncId(bytes, 0);
        for (int secret = 0; secret < ring.count(); secret++) {
            if (ring.id(secret) == keyId && ring.mac(secret, syncId, port).verify(bytes, Message.V1_HEADER, length)) {
                return true;
            }
        }
        return false;
    }

    @Nullable
    Sender find(long id) {
        for (Sender each : senders) {
            if (each != null && each.id == id) {
                return each;
            }
        }
        return null;
    }

    /**
     * Knows a sender from now on: everything up to {@code floor} counts as seen.
     *
     * @return null if there are as many as may be and all have been heard lately
     */
    @Nullable
    Sender confirm(long id, long floor, long millis) {
        int place = 0;
        for (int i = 0; i < senders.length; i++) {
            Sender each = senders[i];
            Sender longest = senders[place];
            if (each == null) {
                place = i;
                break;
            }
            if (longest != null && each.heardMillis < longest.heardMillis) {
                place = i;
            }
        }
        Sender present = senders[place];
        if (present != null && millis - present.heardMillis < SILENT_MILLIS) {
            return null;
        }
        Sender confirmed = new Sender(id, floor, millis);
        senders[place] = confirmed;
        return confirmed;
    }
}
