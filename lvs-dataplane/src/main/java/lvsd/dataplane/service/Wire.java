package lvsd.dataplane.service;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import lvsd.wire.WireForm;

/**
 * Addresses and ports "as they lie in a packet, read in native byte order": the form in which the packet path compares
 * them, so that it never swaps bytes.
 */
public final class Wire {
    private Wire() {}

    /** Four address bytes as a native int. */
    public static int int4(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).getInt();
    }

    /** Eight address bytes from {@code offset} as a native long. */
    public static long long8(byte[] bytes, int offset) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).getLong(offset);
    }

    /** A port number (0 to 65535) in wire form. The mapping is its own inverse. */
    public static int port(int port) {
        return WireForm.short16(port);
    }

    /** The four bytes of a wire-form IPv4 address. */
    public static byte[] bytes4(int address) {
        return ByteBuffer.allocate(4)
                .order(ByteOrder.nativeOrder())
                .putInt(address)
                .array();
    }

    /** The sixteen bytes of a wire-form IPv6 address. */
    public static byte[] bytes16(long high, long low) {
        return ByteBuffer.allocate(16)
                .order(ByteOrder.nativeOrder())
                .putLong(high)
                .putLong(low)
                .array();
    }
}
