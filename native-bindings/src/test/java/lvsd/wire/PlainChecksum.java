package lvsd.wire;

/** Checksums as the RFCs describe them, byte by byte over arrays: what the quick ones are compared with. */
public final class PlainChecksum {
    private PlainChecksum() {}

    /** The folded one's complement sum over big-endian words (RFC 1071), on top of {@code start}. */
    public static int sum(int start, byte[] bytes, int from, int length) {
        int sum = start;
        for (int i = 0; i < length; i++) {
            int value = bytes[from + i] & 0xff;
            sum += i % 2 == 0 ? value << 8 : value;
            if (sum > 0xffff) {
                sum -= 0xffff;
            }
        }
        return sum;
    }

    /** The checksum over bytes, host value. */
    public static int checksum(byte[] bytes, int from, int length) {
        return ~sum(0, bytes, from, length) & 0xffff;
    }

    /**
     * The sum of a pseudo header.
     *
     * @param addresses source and destination, 8 or 32 bytes at {@code from}
     */
    public static int pseudo(byte[] bytes, int from, int addresses, int protocol, int l4Length) {
        byte[] rest = {
            0, 0, (byte) (l4Length >>> 8), (byte) l4Length, 0, (byte) protocol,
        };
        return sum(sum(0, bytes, from, addresses), rest, 0, rest.length);
    }

    /** CRC32c, bit by bit (RFC 9260, appendix A). */
    public static int crc32c(byte[] bytes, int from, int length) {
        int crc = ~0;
        for (int i = 0; i < length; i++) {
            crc ^= bytes[from + i] & 0xff;
            for (int bit = 0; bit < 8; bit++) {
                crc = crc >>> 1 ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
            }
        }
        return ~crc;
    }
}
