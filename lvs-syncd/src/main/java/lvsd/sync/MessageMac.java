package lvsd.sync;

import java.security.GeneralSecurityException;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The ICV of one key: an HMAC over the ICV header with a zero ICV, then every byte from the first entry to the end, then
 * the message header, which is known only when the message is full. Owned by one thread.
 */
final class MessageMac {
    private static final byte[] ZEROS = new byte[IcvHeader.SHA_ICV_SIZE];

    private final Hmac hmac;
    private final IcvAlgorithm algorithm;
    private final int icvOffset;
    private final int icvSize;
    private final byte[] full;

    MessageMac(IcvAlgorithm algorithm, byte[] key) {
        this.algorithm = algorithm;
        boolean md5 = algorithm == IcvAlgorithm.HMAC_MD5_96;
        icvOffset = md5 ? IcvHeader.MD5_ICV : IcvHeader.SHA_ICV;
        icvSize = md5 ? IcvHeader.MD5_ICV_SIZE : IcvHeader.SHA_ICV_SIZE;
        try {
            hmac = md5 ? new HmacMd5(key) : new Provided("HmacSHA256", key);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("the JDK has no digest for " + algorithm.label(), e);
        }
        full = new byte[hmac.length()];
    }

    /** An HMAC of a message at a time. */
    interface Hmac {
        int length();

        void update(byte[] bytes, int at, int length);

        /** Writes the HMAC of what came since the last call. */
        void end(byte[] to) throws GeneralSecurityException;
    }

    /** The JDK's. */
    private record Provided(Mac mac) implements Hmac {
        Provided(String name, byte[] key) throws GeneralSecurityException {
            this(Mac.getInstance(name));
            mac.init(new SecretKeySpec(key, name));
        }

        @Override
        public int length() {
            return mac.getMacLength();
        }

        @Override
        public void update(byte[] bytes, int at, int length) {
            mac.update(bytes, at, length);
        }

        @Override
        public void end(byte[] to) throws GeneralSecurityException {
            mac.doFinal(to, 0);
        }
    }

    /** Begins with the ICV header at {@code at}, whatever its ICV is. */
    void begin(byte[] bytes, int at) {
        hmac.update(bytes, at, icvOffset);
        hmac.update(ZEROS, 0, icvSize);
        if (icvOffset + icvSize != algorithm.header()) {
            throw new IllegalStateException("an ICV header ends with its ICV");
        }
    }

    /** The next bytes of the entries. */
    void update(byte[] bytes, int at, int length) {
        hmac.update(bytes, at, length);
    }

    /** Ends with the message header and leaves the ICV in {@link #full}. */
    private void end(byte[] bytes, int header, int length) {
        hmac.update(bytes, header, length);
        try {
            hmac.end(full);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("an HMAC longer than its own length", e);
        }
    }

    /** Ends with the message header and writes the ICV into the ICV header at {@code icv}. */
    void finish(byte[] bytes, int header, int length, int icv) {
        end(bytes, header, length);
        System.arraycopy(full, 0, bytes, icv + icvOffset, icvSize);
    }

    /**
     * Whether the ICV of a whole message is right. How long that takes does not tell how much of it is.
     *
     * @param length of the message header
     * @param size of the message
     */
    boolean verify(byte[] bytes, int length, int size) {
        begin(bytes, length);
        int first = length + algorithm.header();
        update(bytes, first, size - first);
        end(bytes, 0, length);
        int difference = 0;
        for (int i = 0; i < icvSize; i++) {
            difference |= full[i] ^ bytes[length + icvOffset + i];
        }
        return difference == 0;
    }
}
