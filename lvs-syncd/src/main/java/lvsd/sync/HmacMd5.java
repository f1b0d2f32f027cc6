package lvsd.sync;

import java.security.DigestException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;

/**
 * HMAC-MD5 whose digests of the padded key are kept (RFC 2104, section 4): the JDK's makes them anew for each message, two
 * blocks of the some twenty that a message has. Owned by one thread.
 */
final class HmacMd5 implements MessageMac.Hmac {
    private static final String NAME = "MD5";
    private static final int BLOCK = 64;
    private static final int LENGTH = 16;
    private static final byte INNER = 0x36;
    private static final byte OUTER = 0x5c;

    private final MessageDigest innerKey;
    private final MessageDigest outerKey;
    private final byte[] digest = new byte[LENGTH];
    private MessageDigest inner;

    HmacMd5(byte[] key) throws NoSuchAlgorithmException {
        byte[] atMostABlock =
                key.length > BLOCK ? MessageDigest.getInstance(NAME).digest(key) : key;
        byte[] padded = Arrays.copyOf(atMostABlock, BLOCK);
        innerKey = keyed(padded, INNER);
        outerKey = keyed(padded, OUTER);
        inner = copy(innerKey);
    }

    private static MessageDigest keyed(byte[] key, byte pad) throws NoSuchAlgorithmException {
        MessageDigest digest = MessageDigest.getInstance(NAME);
        for (byte each : key) {
            digest.update((byte) (each ^ pad));
        }
        return digest;
    }

    private static MessageDigest copy(MessageDigest digest) {
        try {
            return (MessageDigest) digest.clone();
        } catch (CloneNotSupportedException e) {
            throw new IllegalStateException("the JDK's " + NAME + " cannot be copied", e);
        }
    }

    @Override
    public int length() {
        return LENGTH;
    }

    @Override
    public void update(byte[] bytes, int at, int length) {
        inner.update(bytes, at, length);
    }

    @Override
    public void end(byte[] to) throws DigestException {
        inner.digest(digest, 0, LENGTH);
        inner = copy(innerKey);
        MessageDigest outer = copy(outerKey);
        outer.update(digest, 0, LENGTH);
        outer.digest(to, 0, LENGTH);
    }
}
