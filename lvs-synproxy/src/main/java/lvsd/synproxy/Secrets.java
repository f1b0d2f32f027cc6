package lvsd.synproxy;

import java.security.SecureRandom;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * What cookies are keyed with: secrets of 128 bits, each from some epoch on, and what brings the worker's clock to the one
 * that epochs are counted by. Immutable; made by the control thread, shared by all workers.
 *
 * <p>An epoch is 2^36 ns (69 s). Its key is derived from the secret that holds for it and its number, so that every epoch
 * has another key even where the secret stays. A new secret begins with an epoch; cookies of the epoch before are still
 * judged by the secret they were made with, and so no handshake notices.
 */
public final class Secrets {
    /** Nanoseconds of an epoch as a shift. */
    public static final int EPOCH_SHIFT = 36;

    private static final int HEX_DIGITS = 32;

    /** A secret and the first epoch it holds for. */
    private record Secret(long from, long key0, long key1) {}

    private final List<Secret> secrets;
    private final long offset;
    private final boolean shared;

    private Secrets(List<Secret> secrets, long offset, boolean shared) {
        this.secrets = List.copyOf(secrets);
        this.offset = offset;
        this.shared = shared;
    }

    /** Whether other directors may have them. */
    public boolean shared() {
        return shared;
    }

    /** A random secret that nobody else has, for cookies that no other director needs to accept. */
    public static Secrets random() {
        SecureRandom random = new SecureRandom();
        return new Secrets(List.of(new Secret(Long.MIN_VALUE, random.nextLong(), random.nextLong())), 0, false);
    }

    /**
     * Secrets from a key file, for directors that accept each other's cookies. A line is a secret of 32 hexadecimal
     * digits, and from the second on a time such as {@code 2026-12-01T00:00:00Z} from which it holds; {@code #} begins a
     * comment. Epochs are counted by the time of day, so the directors' clocks must agree to some seconds.
     *
     * @param text the file
     * @param offset what added to the worker's clock gives nanoseconds since 1970
     * @throws IllegalArgumentException if a line is wrong; the message names the line, and no secret
     */
    public static Secrets parse(String text, long offset) {
        List<Secret> secrets = new ArrayList<>();
        int number = 0;
        for (String line : text.lines().toList()) {
            number++;
            String bare = line.replaceFirst("#.*", "").strip();
            if (!bare.isEmpty()) {
                secrets.add(secret(bare.split("\\s+", -1), number, secrets));
            }
        }
        if (secrets.isEmpty()) {
            throw new IllegalArgumentException("no secret in it; a line is 32 hexadecimal digits");
        }
        return new Secrets(secrets, offset, true);
    }

    private static Secret secret(String[] words, int line, List<Secret> before) {
        if (words.length > 2 || words[0].length() != HEX_DIGITS || !words[0].matches("\\p{XDigit}*")) {
            throw new IllegalArgumentException(
                    "line " + line + ": expected 32 hexadecimal digits and, from the second line on, a time");
        }
        boolean first = before.isEmpty();
        if (first != (words.length == 1)) {
            throw new IllegalArgumentException("line " + line
                    + (first ? ": the first secret takes no time" : ": a second secret needs the time it holds from"));
        }
        long from = first ? Long.MIN_VALUE : epoch(words[1], line);
        if (!first && from <= before.getLast().from) {
            throw new IllegalArgumentException("line " + line + ": its time must be later than the line's before");
        }
        long key0 = HexFormat.fromHexDigitsToLong(words[0], 0, HEX_DIGITS / 2);
        long key1 = HexFormat.fromHexDigitsToLong(words[0], HEX_DIGITS / 2, HEX_DIGITS);
        return new Secret(from, key0, key1);
    }

    /** The first epoch that begins at a time or later. */
    private static long epoch(String time, int line) {
        try {
            Instant instant = Instant.parse(time);
            long nanos = Math.addExact(Math.multiplyExact(instant.getEpochSecond(), 1_000_000_000L), instant.getNano());
            return -(-nanos >> EPOCH_SHIFT);
        } catch (DateTimeException | ArithmeticException e) {
            throw new IllegalArgumentException(
                    "line " + line + ": '" + time + "' is no time such as 2026-12-01T00:00:00Z", e);
        }
    }

    /**
     * These with a fresh random secret from the epoch after the next on, and without those that no cookie alive was made
     * with.
     *
     * @param clock the worker's clock, nanoseconds
     */
    public Secrets rotated(long clock) {
        long from = epoch(clock) + 2;
        SecureRandom random = new SecureRandom();
        List<Secret> kept = new ArrayList<>();
        for (Secret each : secrets.subList(secrets.indexOf(secretOf(from - 3)), secrets.size())) {
            if (each.from < from) {
                kept.add(each);
            }
        }
        kept.add(new Secret(from, random.nextLong(), random.nextLong()));
        return new Secrets(kept, offset, shared);
    }

    /** The same with another distance between the worker's clock and the time of day. */
    public Secrets withOffset(long nanos) {
        return new Secrets(secrets, nanos, shared);
    }

    /** Nanoseconds by which epochs are counted, from the worker's clock. */
    long time(long clock) {
        return clock + offset;
    }

    private long epoch(long clock) {
        return time(clock) >> EPOCH_SHIFT;
    }

    private Secret secretOf(long epoch) {
        int at = secrets.size() - 1;
        while (at > 0 && secrets.get(at).from > epoch) {
            at--;
        }
        return secrets.get(at);
    }

    /** First half of an epoch's key. */
    long key0(long epoch) {
        Secret secret = secretOf(epoch);
        return SipHash.hash(secret.key0, secret.key1, 2 * epoch);
    }

    /** Second half of an epoch's key. */
    long key1(long epoch) {
        Secret secret = secretOf(epoch);
        return SipHash.hash(secret.key0, secret.key1, 2 * epoch + 1);
    }
}
