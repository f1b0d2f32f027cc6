package lvsd.sync;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The keys of one daemon as its messages need them: with {@code hmac-md5-96} the bytes typed, with
 * {@code hmac-sha256-128} one derived key for each secret, syncid and port of the group. Derived when first needed; at most
 * two secrets by 256 syncids by 64 ports. Owned by one thread.
 */
final class KeyRing {
    private final IcvAlgorithm algorithm;
    private IcvKeys secrets;
    private final byte[] group;
    private final int basePort;
    private int[] ids = new int[0];
    private @Nullable MessageMac[] macs = new @Nullable MessageMac[0];
    private final int ports;

    /**
     * @param group address of the group, 4 or 16 bytes
     * @param basePort the first UDP port
     * @param ports how many
     */
    KeyRing(IcvAlgorithm algorithm, IcvKeys secrets, byte[] group, int basePort, int ports) {
        this.algorithm = algorithm;
        this.secrets = secrets;
        this.group = group.clone();
        this.basePort = basePort;
        this.ports = ports;
        change(secrets);
    }

    /** Other secrets from now on. No message may be open. */
    final void change(IcvKeys newest) {
        secrets = newest;
        ids = new int[newest.count()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = id(newest.key(i));
        }
        boolean derived = algorithm == IcvAlgorithm.HMAC_SHA256_128;
        macs = new @Nullable MessageMac[newest.count() * ports * (derived ? 256 : 1)];
    }

    /** The one byte that tells a receiver which key to try. */
    private static int id(byte[] secret) {
        return Hkdf.derive(secret, "id".getBytes(StandardCharsets.US_ASCII), 1)[0] & 0xff;
    }

    IcvAlgorithm algorithm() {
        return algorithm;
    }

    /** How many secrets there are. */
    int count() {
        return ids.length;
    }

    /** Key id of a secret. */
    int id(int secret) {
        return ids[secret];
    }

    /** The MAC of a secret for messages of {@code syncId} on the port with that index. */
    MessageMac mac(int secret, int syncId, int port) {
        boolean derived = algorithm == IcvAlgorithm.HMAC_SHA256_128;
        int slot = derived ? (secret * 256 + syncId) * ports + port : secret * ports + port;
        MessageMac mac = macs[slot];
        if (mac == null) {
            byte[] key = secrets.key(secret);
            if (derived) {
                key = Hkdf.derive(key, Hkdf.info("icv", syncId, group, basePort + port), 32);
            }
            mac = new MessageMac(algorithm, key);
            macs[slot] = mac;
        }
        return mac;
    }
}
