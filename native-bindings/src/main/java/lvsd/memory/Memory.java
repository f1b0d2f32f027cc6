package lvsd.memory;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteOrder;

/**
 * Reads and writes native memory by address.
 *
 * <p>The strategy: an address as it is, and a check of our own that the field lies inside its object. With constant
 * offsets the check costs nothing. What reads and writes in the end is {@link RawAccess}. Slices of a segment over all
 * memory, one per access, were as fast in a bare loop, but in the whole pipeline the JIT left one of them per packet on
 * the heap, wherever the methods were cut; this never allocates, in any tier.
 *
 * <p>Where that goes through a segment over all memory, addresses are cut to {@value #ADDRESS_BITS} bits, more than a
 * process has: so the JIT knows that every access lies inside the segment and drops the check that it would make
 * otherwise, a compare and a branch per access.
 *
 * <p>{@code base} is the address of an object, {@code size} its length in bytes (a compile-time constant at every call
 * in the packet path), {@code offset} the field's place in it. An offset outside the object throws
 * {@link IndexOutOfBoundsException} instead of touching memory. What these methods cannot know is whether {@code base}
 * is mapped: whoever makes an address (mbuf, table, mapping) owes that.
 *
 * <p>Plain methods use native byte order; {@code ...Be} methods network byte order. Any alignment is allowed. Safe for
 * any thread; no ordering between threads is implied.
 */
public final class Memory {
    private static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final int ADDRESS_BITS = 48;
    private static final long ADDRESS = (1L << ADDRESS_BITS) - 1;
    private static final long USER_ADDRESS = ADDRESS >>> 1;

    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    private static final RawAccess RAW = RawAccess.best();
    private static final boolean CUT = RAW.cut();
    private static final boolean LITTLE_ENDIAN = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
    private static final MethodHandle GET_BYTE = RAW.getByte();
    private static final MethodHandle SET_BYTE = RAW.setByte();
    private static final MethodHandle GET_SHORT = RAW.getShort();
    private static final MethodHandle SET_SHORT = RAW.setShort();
    private static final MethodHandle GET_INT = RAW.getInt();
    private static final MethodHandle SET_INT = RAW.setInt();
    private static final MethodHandle GET_LONG = RAW.getLong();
    private static final MethodHandle SET_LONG = RAW.setLong();

    private Memory() {}

    /**
     * An address as an address: cut, where that is of use, to the 47 bits that one of user space has. What is cut once where
     * it is loaded, and what is reckoned from it by small amounts, the JIT need not cut again at every access.
     */
    public static long address(long value) {
        return CUT ? value & USER_ADDRESS : value;
    }

    /** The address of a field, checked against its object. */
    private static long place(long base, long size, long offset, int width) {
        if (offset < 0 || offset > size - width) {
            throw outside(size, offset, width);
        }
        return (CUT ? base & ADDRESS : base) + offset;
    }

    private static IndexOutOfBoundsException outside(long size, long offset, int width) {
        return new IndexOutOfBoundsException(width + " bytes at " + offset + " of an object of " + size);
    }

    private static RuntimeException impossible(Throwable failure) {
        return failure instanceof RuntimeException known ? known : new IllegalStateException(failure);
    }

    private static byte rawByte(long address) {
        try {
            return (byte) GET_BYTE.invokeExact(address);
        } catch (Throwable failure) {
            throw impossible(failure);
        }
    }

    private static void rawByte(long address, byte value) {
        try {
            SET_BYTE.invokeExact(address, value);
        } catch (Throwable failure) {
            throw impossible(failure);
        }
    }

    private static short rawShort(long address) {
        try {
            return (short) GET_SHORT.invokeExact(address);
        } catch (Throwable failure) {
            throw impossible(failure);
        }
    }

    private static void rawShort(long address, short value) {
        try {
            SET_SHORT.invokeExact(address, value);
        } catch (Throwable failure) {
            throw impossible(failure);
        }
    }

    private static int rawInt(long address) {
        try {
            return (int) GET_INT.invokeExact(address);
        } catch (Throwable failure) {
            throw impossible(failure);
        }
    }

    private static void rawInt(long address, int value) {
        try {
            SET_INT.invokeExact(address, value);
        } catch (Throwable failure) {
            throw impossible(failure);
        }
    }

    private static long rawLong(long address) {
        try {
            return (long) GET_LONG.invokeExact(address);
        } catch (Throwable failure) {
            throw impossible(failure);
        }
    }

    private static void rawLong(long address, long value) {
        try {
            SET_LONG.invokeExact(address, value);
        } catch (Throwable failure) {
            throw impossible(failure);
        }
    }

    private static short swap(short value) {
        return LITTLE_ENDIAN ? Short.reverseBytes(value) : value;
    }

    private static int swap(int value) {
        return LITTLE_ENDIAN ? Integer.reverseBytes(value) : value;
    }

    private static long swap(long value) {
        return LITTLE_ENDIAN ? Long.reverseBytes(value) : value;
    }

    /** The unsigned byte at {@code offset} of the object, 0 to 255. */
    public static int getByte(long base, long size, long offset) {
        return rawByte(place(base, size, offset, 1)) & 0xff;
    }

    /** Stores the low eight bits of {@code value}. */
    public static void setByte(long base, long size, long offset, int value) {
        rawByte(place(base, size, offset, 1), (byte) value);
    }

    /** The unsigned 16-bit value at {@code offset}, native byte order, 0 to 65535. */
    public static int getShort(long base, long size, long offset) {
        return rawShort(place(base, size, offset, 2)) & 0xffff;
    }

    /** Stores the low sixteen bits of {@code value}, native byte order. */
    public static void setShort(long base, long size, long offset, int value) {
        rawShort(place(base, size, offset, 2), (short) value);
    }

    /** The unsigned 16-bit value at {@code offset}, network byte order, 0 to 65535. */
    public static int getShortBe(long base, long size, long offset) {
        return swap(rawShort(place(base, size, offset, 2))) & 0xffff;
    }

    /** Stores the low sixteen bits of {@code value}, network byte order. */
    public static void setShortBe(long base, long size, long offset, int value) {
        rawShort(place(base, size, offset, 2), swap((short) value));
    }

    /** The 32-bit value at {@code offset}, native byte order. */
    public static int getInt(long base, long size, long offset) {
        return rawInt(place(base, size, offset, 4));
    }

    /** Stores 32 bits, native byte order. */
    public static void setInt(long base, long size, long offset, int value) {
        rawInt(place(base, size, offset, 4), value);
    }

    /** The 32-bit value at {@code offset}, network byte order. */
    public static int getIntBe(long base, long size, long offset) {
        return swap(rawInt(place(base, size, offset, 4)));
    }

    /** Stores 32 bits, network byte order. */
    public static void setIntBe(long base, long size, long offset, int value) {
        rawInt(place(base, size, offset, 4), swap(value));
    }

    /** The 64-bit value at {@code offset}, native byte order. */
    public static long getLong(long base, long size, long offset) {
        return rawLong(place(base, size, offset, 8));
    }

    /** Stores 64 bits, native byte order. */
    public static void setLong(long base, long size, long offset, long value) {
        rawLong(place(base, size, offset, 8), value);
    }

    /** The 64-bit value at {@code offset}, network byte order. */
    public static long getLongBe(long base, long size, long offset) {
        return swap(rawLong(place(base, size, offset, 8)));
    }

    /** Stores 64 bits, network byte order. */
    public static void setLongBe(long base, long size, long offset, long value) {
        rawLong(place(base, size, offset, 8), swap(value));
    }

    /** Copies {@code length} bytes; the areas may overlap. Both areas must be mapped. */
    public static void copy(long from, long to, long length) {
        MemorySegment.copy(ALL, from, ALL, to, length);
    }

    /** Copies {@code length} bytes of {@code from}, beginning at {@code fromIndex}, to native memory. */
    public static void copyIn(byte[] from, int fromIndex, long to, int length) {
        MemorySegment.copy(from, fromIndex, ALL, BYTE, to, length);
    }

    /** Copies {@code length} bytes of native memory into {@code to}, beginning at {@code toIndex}. */
    public static void copyOut(long from, byte[] to, int toIndex, int length) {
        MemorySegment.copy(ALL, BYTE, from, to, toIndex, length);
    }

    /** Sets {@code length} bytes to {@code value}. */
    public static void fill(long base, long length, int value) {
        ALL.asSlice(base, length, 1).fill((byte) value);
    }

    /** A segment over {@code length} bytes, for calls that want one. It does not own the memory. */
    public static MemorySegment segment(long base, long length) {
        return ALL.asSlice(base, length, 1);
    }
}
