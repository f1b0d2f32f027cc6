package lvsd.sync;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * The secrets of a director: the first makes messages, all are accepted. Immutable. Nothing that this class prints tells a
 * key; two directors can compare {@link #fingerprint}.
 */
public final class IcvKeys {
    /** Keys shorter than this, bytes, deserve a warning. */
    public static final int SHORT = 16;
    /** Most keys at once: the one used and the one before or after it. */
    public static final int MOST = 2;

    private final List<byte[]> keys;

    private IcvKeys(List<byte[]> keys) {
        this.keys = keys;
    }

    /** One key, its bytes as they are (UTF-8 of what was typed). */
    public static IcvKeys of(byte[] key) {
        return of(List.of(key));
    }

    /**
     * Keys, the one that is used first.
     *
     * @throws IllegalArgumentException if there is none, an empty one or more than {@link #MOST}
     */
    public static IcvKeys of(List<byte[]> keys) {
        if (keys.isEmpty() || keys.size() > MOST || keys.stream().anyMatch(key -> key.length == 0)) {
            throw new IllegalArgumentException("one or " + MOST + " keys wanted, none of them empty");
        }
        return new IcvKeys(keys.stream().map(byte[]::clone).toList());
    }

    /**
     * Keys of a key file: a key a line, the one that is used first; blank lines and lines that begin with {@code #} do not
     * count.
     *
     * @return empty if there is no key or more than {@link #MOST}
     */
    public static Optional<IcvKeys> parse(String file) {
        List<byte[]> keys = file.lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                .map(line -> line.getBytes(StandardCharsets.UTF_8))
                .toList();
        return keys.isEmpty() || keys.size() > MOST ? Optional.empty() : Optional.of(new IcvKeys(keys));
    }

    /** How many there are. */
    int count() {
        return keys.size();
    }

    /** A copy of one. */
    byte[] key(int index) {
        return keys.get(index).clone();
    }

    /** Whether a key is shorter than {@link #SHORT}. */
    public boolean anyShort() {
        return keys.stream().anyMatch(key -> key.length < SHORT);
    }

    /** Whether both make messages with the same key. */
    public boolean sameKey(IcvKeys other) {
        return MessageDigest.isEqual(keys.getFirst(), other.keys.getFirst());
    }

    /** Eight hex digits that tell the key that is used from others, and nothing else about it. */
    public String fingerprint() {
        byte[] digest = Hkdf.derive(keys.getFirst(), "fingerprint".getBytes(StandardCharsets.US_ASCII), 4);
        return HexFormat.of().formatHex(digest);
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof IcvKeys that) || keys.size() != that.keys.size()) {
            return false;
        }
        boolean equal = true;
        for (int i = 0; i < keys.size(); i++) {
            equal &= MessageDigest.isEqual(keys.get(i), that.keys.get(i));
        }
        return equal;
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(keys.getFirst());
    }

    /** No key. */
    @Override
    public String toString() {
        return keys.size() + " key(s)";
    }
}
