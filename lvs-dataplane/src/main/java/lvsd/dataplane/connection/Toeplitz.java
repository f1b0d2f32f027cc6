package lvsd.dataplane.connection;

/**
 * The Toeplitz hash by which NICs spread packets over queues (RSS), in software: so that a local port can be chosen whose
 * answers arrive at the worker that chose it.
 *
 * <p>The hash is linear: it is the XOR of what each input byte contributes, and each of those is one array load here.
 * Tuples are in wire form on a little-endian machine: the lowest byte is the first in the packet. Immutable; any thread.
 */
public final class Toeplitz {
    /** Bytes of a key. */
    public static final int KEY_BYTES = 40;

    private static final int TUPLE6_BYTES = 36;
    private static final int DESTINATION_PORT4 = 10;
    private static final int DESTINATION_PORT6 = 34;

    /** The key that the verification suite of the RSS specification uses, and many drivers by default. */
    private static final int[] DEFAULT_KEY = {
        0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca,
                0x2b,
        0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe,
                0xac,
        0x01, 0xfa
    };

    /** Contribution of value v of byte i at {@code i << 8 | v}. */
    private final int[] contributions = new int[TUPLE6_BYTES << 8];

    /** A hash with {@code key}, {@value #KEY_BYTES} bytes. */
    public Toeplitz(byte[] key) {
        if (key.length != KEY_BYTES) {
            throw new IllegalArgumentException("RSS key must have " + KEY_BYTES + " bytes, not " + key.length);
        }
        for (int position = 0; position < TUPLE6_BYTES; position++) {
            for (int bit = 0; bit < 8; bit++) {
                int window = window(key, position * 8 + bit);
                int mask = 0x80 >>> bit;
                for (int value = 0; value < 256; value++) {
                    contributions[position << 8 | value] ^= (value & mask) != 0 ? window : 0;
                }
            }
        }
    }

    /** A copy of the default key. */
    public static byte[] defaultKey() {
        byte[] key = new byte[KEY_BYTES];
        for (int i = 0; i < KEY_BYTES; i++) {
            key[i] = (byte) DEFAULT_KEY[i];
        }
        return key;
    }

    /** The 32 key bits from {@code bit} on. */
    private static int window(byte[] key, int bit) {
        long five = 0;
        for (int i = 0; i < 5; i++) {
            int at = (bit >>> 3) + i;
            five = five << 8 | (at < key.length ? key[at] & 0xff : 0);
        }
        return (int) (five >>> (8 - (bit & 7)));
    }

    /** Hash of an IPv4 tuple of TCP or UDP. */
    public int hash4(long addresses, int ports) {
        return eight(0, addresses) ^ two(8, ports) ^ two(DESTINATION_PORT4, ports >>> 16);
    }

    /** Hash of an IPv6 tuple of TCP or UDP. */
    public int hash6(long sourceHigh, long sourceLow, long destinationHigh, long destinationLow, int ports) {
        return eight(0, sourceHigh)
                ^ eight(8, sourceLow)
                ^ eight(16, destinationHigh)
                ^ eight(24, destinationLow)
                ^ two(32, ports)
                ^ two(DESTINATION_PORT6, ports >>> 16);
    }

    /** What a destination port in wire form contributes to the hash of an IPv4 or IPv6 tuple. */
    public int destinationPort(boolean ipv6, int port) {
        return two(ipv6 ? DESTINATION_PORT6 : DESTINATION_PORT4, port);
    }

    private int eight(int position, long bytes) {
        int hash = 0;
        for (int i = 0; i < 8; i++) {
            hash ^= contributions[(position + i) << 8 | ((int) (bytes >>> (8 * i)) & 0xff)];
        }
        return hash;
    }

    private int two(int position, int bytes) {
        return contributions[position << 8 | (bytes & 0xff)]
                ^ contributions[(position + 1) << 8 | (bytes >>> 8 & 0xff)];
    }
}
