package lvsd.dataplane.scheduler;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** SipHash-c-d of any bytes, word by word as in the paper (Aumasson, Bernstein 2012), for models to go by. */
final class SipHash {
    private long v0;
    private long v1;
    private long v2;
    private long v3;

    private SipHash(long k0, long k1) {
        v0 = k0 ^ 0x736f_6d65_7073_6575L;
        v1 = k1 ^ 0x646f_7261_6e64_6f6dL;
        v2 = k0 ^ 0x6c79_6765_6e65_7261L;
        v3 = k1 ^ 0x7465_6462_7974_6573L;
    }

    private void rounds(int count) {
        for (int i = 0; i < count; i++) {
            v0 += v1;
            v2 += v3;
            v1 = Long.rotateLeft(v1, 13) ^ v0;
            v3 = Long.rotateLeft(v3, 16) ^ v2;
            v0 = Long.rotateLeft(v0, 32);
            v2 += v1;
            v0 += v3;
            v1 = Long.rotateLeft(v1, 17) ^ v2;
            v3 = Long.rotateLeft(v3, 21) ^ v0;
            v2 = Long.rotateLeft(v2, 32);
        }
    }

    static long hash(int c, int d, long k0, long k1, byte[] message) {
        SipHash state = new SipHash(k0, k1);
        byte[] padded = new byte[message.length / 8 * 8 + 8];
        System.arraycopy(message, 0, padded, 0, message.length);
        padded[padded.length - 1] = (byte) message.length;
        ByteBuffer words = ByteBuffer.wrap(padded).order(ByteOrder.LITTLE_ENDIAN);
        while (words.hasRemaining()) {
            long word = words.getLong();
            state.v3 ^= word;
            state.rounds(c);
            state.v0 ^= word;
        }
        state.v2 ^= 0xff;
        state.rounds(d);
        return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
    }
}
