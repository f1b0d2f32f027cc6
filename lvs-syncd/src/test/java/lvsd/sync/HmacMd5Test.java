package lvsd.sync;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Random;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;

class HmacMd5Test {
    /** RFC 2202, section 2, test case 2. */
    @Test
    void theStandardsExample() throws Exception {
        HmacMd5 hmac = new HmacMd5("Jefe".getBytes(StandardCharsets.US_ASCII));
        byte[] data = "what do ya want for nothing?".getBytes(StandardCharsets.US_ASCII);
        byte[] found = new byte[hmac.length()];
        hmac.update(data, 0, data.length);
        hmac.end(found);
        assertThat(HexFormat.of().formatHex(found)).isEqualTo("750c783e6ab0b503eaa86e310a5db738");
    }

    /** Keys shorter and longer than a block, one message after the other, in pieces. */
    @Test
    void itIsTheJdks() throws Exception {
        Random random = new Random(3);
        for (int length = 1; length < 150; length++) {
            byte[] key = new byte[length];
            random.nextBytes(key);
            Mac mac = Mac.getInstance("HmacMD5");
            mac.init(new SecretKeySpec(key, "HmacMD5"));
            HmacMd5 hmac = new HmacMd5(key);
            for (int message = 0; message < 5; message++) {
                for (int piece = random.nextInt(4); piece > 0; piece--) {
                    byte[] bytes = new byte[random.nextInt(200)];
                    random.nextBytes(bytes);
                    mac.update(bytes);
                    hmac.update(bytes, 0, bytes.length);
                }
                byte[] found = new byte[hmac.length()];
                hmac.end(found);
                assertThat(found).isEqualTo(mac.doFinal());
            }
        }
    }
}
