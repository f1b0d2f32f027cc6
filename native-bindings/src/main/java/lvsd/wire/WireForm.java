package lvsd.wire;

import java.nio.ByteOrder;

/** Conversion between wire form (bytes as they lie in the packet, read in native order) and host values. */
public final class WireForm {
    /** Whether this machine stores the low byte first. */
    public static final boolean LITTLE_ENDIAN = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;

    private WireForm() {}

    /** A 16-bit value (0 to 65535) from host to wire form or back: the mapping is its own inverse. */
    public static int short16(int value) {
        return LITTLE_ENDIAN ? Integer.reverseBytes(value) >>> 16 : value & 0xffff;
    }

    /** A 32-bit value from host to wire form or back: the mapping is its own inverse. */
    public static int int32(int value) {
        return LITTLE_ENDIAN ? Integer.reverseBytes(value) : value;
    }

    /** A 64-bit value from host to wire form or back: the mapping is its own inverse. */
    public static long long64(long value) {
        return LITTLE_ENDIAN ? Long.reverseBytes(value) : value;
    }

    /** A 48-bit value (a MAC address) from host to wire form or back: the mapping is its own inverse. */
    public static long mac48(long value) {
        return LITTLE_ENDIAN ? Long.reverseBytes(value) >>> 16 : value & 0xffff_ffff_ffffL;
    }
}
