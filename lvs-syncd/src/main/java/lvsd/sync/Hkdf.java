package lvsd.sync;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import javax.crypto.KDF;
import javax.crypto.spec.HKDFParameterSpec;

/** Keys from keys: HKDF with SHA-256 (RFC 5869), salt {@value #SALT}. Cold. */
final class Hkdf {
    /** The salt, ASCII. */
    static final String SALT = "lvsd sync 1";

    private Hkdf() {}

    static byte[] derive(byte[] key, byte[] info, int length) {
        try {
            HKDFParameterSpec spec = HKDFParameterSpec.ofExtract()
                    .addIKM(key)
                    .addSalt(SALT.getBytes(StandardCharsets.US_ASCII))
                    .thenExpand(info, length);
            return KDF.getInstance("HKDF-SHA256").deriveData(spec);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("the JDK has no HKDF-SHA256", e);
        }
    }

    /**
     * What keys of messages are bound to: the ASCII word, syncid (1 byte), group (16 bytes, IPv4 as ::ffff:a.b.c.d) and
     * port (2 bytes).
     */
    static byte[] info(String word, int syncId, byte[] group, int port) {
        byte[] ascii = word.getBytes(StandardCharsets.US_ASCII);
        byte[] info = new byte[ascii.length + 19];
        System.arraycopy(ascii, 0, info, 0, ascii.length);
        int at = ascii.length;
        Bytes.put1(info, at, syncId);
        if (group.length == 4) {
            Bytes.put2(info, at + 11, 0xffff);
            System.arraycopy(group, 0, info, at + 13, 4);
        } else {
            System.arraycopy(group, 0, info, at + 1, 16);
        }
        Bytes.put2(info, at + 17, port);
        return info;
    }
}
