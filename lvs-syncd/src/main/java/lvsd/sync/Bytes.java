package lvsd.sync;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/** Unsigned big-endian fields of a byte array. Any thread. */
final class Bytes {
    private static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    private Bytes() {}

    static int get1(byte[] bytes, int at) {
        return bytes[at] & 0xff;
    }

    static int get2(byte[] bytes, int at) {
        return (short) SHORT.get(bytes, at) & 0xffff;
    }

    static int get4(byte[] bytes, int at) {
        return (int) INT.get(bytes, at);
    }

    static long get8(byte[] bytes, int at) {
        return (long) LONG.get(bytes, at);
    }

    static void put1(byte[] bytes, int at, int value) {
        bytes[at] = (byte) value;
    }

    static void put2(byte[] bytes, int at, int value) {
        SHORT.set(bytes, at, (short) value);
    }

    static void put4(byte[] bytes, int at, int value) {
        INT.set(bytes, at, value);
    }

    static void put8(byte[] bytes, int at, long value) {
        LONG.set(bytes, at, value);
    }

    static void zero(byte[] bytes, int at, int count) {
        Arrays.fill(bytes, at, at + count, (byte) 0);
    }

    /** The next multiple of four. */
    static int align4(int length) {
        return (length + 3) & -4;
    }
}
