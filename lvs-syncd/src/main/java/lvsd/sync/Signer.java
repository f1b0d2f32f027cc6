package lvsd.sync;

import org.jspecify.annotations.Nullable;

/** Makes messages of one daemon, with an ICV if there are keys. Owned by one thread. */
final class Signer {
    private final @Nullable KeyRing keys;
    private final int syncId;
    private final long sender;
    private final Sequencer[] sequencers;

    /**
     * @param keys a ring of its own
     * @param sender a number that no other sender has
     * @param sequencers one for all ports, or one for each ({@link #sequencers})
     */
    Signer(@Nullable KeyRing keys, int syncId, long sender, Sequencer[] sequencers) {
        this.keys = keys;
        this.syncId = syncId;
        this.sender = sender;
        this.sequencers = sequencers.clone();
    }

    /** New ones, at {@code millis} since 1970: one for all ports; with {@code hmac-md5-96} one for each. */
    static Sequencer[] sequencers(@Nullable IcvAlgorithm algorithm, int ports, long millis) {
        IcvAlgorithm used = algorithm == null ? IcvAlgorithm.HMAC_SHA256_128 : algorithm;
        boolean each = used == IcvAlgorithm.HMAC_MD5_96;
        Sequencer[] sequencers = new Sequencer[each ? ports : 1];
        for (int i = 0; i < sequencers.length; i++) {
            sequencers[i] = Sequencer.starting(used, millis);
        }
        return sequencers;
    }

    long sender() {
        return sender;
    }

    /** Whether messages are authenticated with {@code hmac-sha256-128}, which alone has control messages. */
    boolean controls() {
        return keys != null && keys.algorithm() == IcvAlgorithm.HMAC_SHA256_128;
    }

    /** Bytes of the ICV header. */
    int header() {
        return keys == null ? 0 : keys.algorithm().header();
    }

    /** The numbers of a port. */
    Sequencer sequencer(int port) {
        return sequencers[Math.min(port, sequencers.length - 1)];
    }

    /** Whether there is a number for another message on a port. */
    boolean exhausted(int port) {
        return keys != null && sequencer(port).exhausted();
    }

    /** Writes the ICV header of a message and begins its ICV. */
    void begin(byte[] bytes, int at, int kind, int port) {
        if (keys == null) {
            return;
        }
        long sequence = sequencer(port).next();
        if (keys.algorithm() == IcvAlgorithm.HMAC_MD5_96) {
            Bytes.put4(bytes, at, (int) sequence);
            Bytes.zero(bytes, at + IcvHeader.MD5_ICV, IcvHeader.MD5_ICV_SIZE);
        } else {
            IcvHeader.write(bytes, at, keys.id(0), kind, sequence, sender);
        }
        keys.mac(0, syncId, port).begin(bytes, at);
    }

    /** Adds bytes of the entries. */
    void update(byte[] bytes, int at, int length, int port) {
        if (keys != null) {
            keys.mac(0, syncId, port).update(bytes, at, length);
        }
    }

    /** Ends with the message header of {@code header} bytes and writes the ICV behind it. */
    void finish(byte[] bytes, int header, int port) {
        if (keys != null) {
            keys.mac(0, syncId, port).finish(bytes, 0, header, header);
        }
    }
}
