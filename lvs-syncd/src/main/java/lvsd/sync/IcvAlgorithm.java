package lvsd.sync;

import java.util.Optional;

/** How messages are authenticated. The formats are in docs/sync-protocol.md. */
public enum IcvAlgorithm {
    /** The syncd strong authentication document, bit for bit: 32-bit sequence, HMAC-MD5 cut to 96 bits. */
    HMAC_MD5_96("hmac-md5-96", 16),
    /** Recommended: 64-bit sequence, sender, HMAC-SHA-256 cut to 128 bits, derived keys. */
    HMAC_SHA256_128("hmac-sha256-128", 40);

    private final String label;
    private final int header;

    IcvAlgorithm(String label, int header) {
        this.label = label;
        this.header = header;
    }

    /** The word of command lines and files. */
    public String label() {
        return label;
    }

    /** Bytes of its ICV header. */
    int header() {
        return header;
    }

    /** The algorithm of that name. */
    public static Optional<IcvAlgorithm> of(String label) {
        for (IcvAlgorithm each : values()) {
            if (each.label.equals(label)) {
                return Optional.of(each);
            }
        }
        return Optional.empty();
    }
}
