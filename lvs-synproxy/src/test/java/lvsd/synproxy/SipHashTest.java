package lvsd.synproxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

/** Vectors of the reference implementation: key 00 01 .. 0f, message 00 01 .., which the paper's appendix begins with. */
class SipHashTest {
    private static final long KEY0 = 0x0706050403020100L;
    private static final long KEY1 = 0x0f0e0d0c0b0a0908L;

    private static long word(int first) {
        ByteBuffer bytes = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < 8; i++) {
            bytes.put((byte) (first + i));
        }
        return bytes.getLong(0);
    }

    private static long result(long bytes) {
        return Long.reverseBytes(bytes);
    }

    @Test
    void shouldHashEightBytesAsTheReferenceDoes() {
        assertThat(SipHash.hash(KEY0, KEY1, word(0))).isEqualTo(result(0x6224939a79f5f593L));
    }

    @Test
    void shouldHashTwentyThreeBytesAsTheReferenceDoes() {
        assertThat(SipHash.hash(KEY0, KEY1, word(0), word(8), word(16))).isEqualTo(result(0xc8ce5ccd8c030ca8L));
    }

    @Test
    void shouldHashFortySevenBytesAsTheReferenceDoes() {
        assertThat(SipHash.hash(KEY0, KEY1, word(0), word(8), word(16), word(24), word(32), word(40)))
                .isEqualTo(result(0xeb75095ccd986cd0L));
    }
}
