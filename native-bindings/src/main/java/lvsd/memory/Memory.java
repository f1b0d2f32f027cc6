package lvsd.memory;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Reads and writes native memory by address.
 *
 * <p>The strategy: one segment over all memory, and a check of our own that the field lies inside its object. With
 * constant offsets the check costs nothing. Slices of that segment, one per access, were as fast in a bare loop, but in
 * the whole pipeline the JIT left one of them per packet on the heap, wherever the methods were cut; this never
 * allocates, in any tier.
 *
 * <p>Addresses are cut to {@value #ADDRESS_BITS} bits, more than a process has. So the JIT knows that every access lies
 * inside that one segment and drops the check that it would make otherwise, a compare and a branch per access: one mask
 * per object instead, and methods with a hundred accesses still fit into one compilation.
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
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final ValueLayout.OfShort SHORT_BE = SHORT.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt INT_BE = INT.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong LONG_BE = LONG.withOrder(ByteOrder.BIG_ENDIAN);

    private static final java.lang.invoke.VarHandle BYTE_AT = BYTE.varHandle();
    private static final java.lang.invoke.VarHandle SHORT_AT = SHORT.varHandle();
    private static final java.lang.invoke.VarHandle INT_AT = INT.varHandle();
    private static final java.lang.invoke.VarHandle LONG_AT = LONG.varHandle();
    private static final java.lang.invoke.VarHandle SHORT_BE_AT = SHORT_BE.varHandle();
    private static final java.lang.invoke.VarHandle INT_BE_AT = INT_BE.varHandle();
    private static final java.lang.invoke.VarHandle LONG_BE_AT = LONG_BE.varHandle();

    private Memory() {}

    /**
     * An address as an address: cut to the 47 bits that one of user space has. What is cut once where it is loaded, and
     * what is reckoned from it by small amounts, the JIT need not cut again at every access.
     */
    public static long address(long value) {
        return value & USER_ADDRESS;
    }

    /** The address of a field, checked against its object. */
    private static long place(long base, long size, long offset, int width) {
        if (offset < 0 || offset > size - width) {
            throw outside(size, offset, width);
        }
        return (base & ADDRESS) + offset;
    }

    private static IndexOutOfBoundsException outside(long size, long offset, int width) {
        return new IndexOutOfBoundsException(width + " bytes at " + offset + " of an object of " + size);
    }

    /** The unsigned byte at {@code offset} of the object, 0 to 255. */
    public static int getByte(long base, long size, long offset) {
        return (byte) BYTE_AT.get(ALL, place(base, size, offset, 1)) & 0xff;
    }

    /** Stores the low eight bits of {@code value}. */
    public static void setByte(long base, long size, long offset, int value) {
        BYTE_AT.set(ALL, place(base, size, offset, 1), (byte) value);
    }

    /** The unsigned 16-bit value at {@code offset}, native byte order, 0 to 65535. */
    public static int getShort(long base, long size, long offset) {
        return (short) SHORT_AT.get(ALL, place(base, size, offset, 2)) & 0xffff;
    }

    /** Stores the low sixteen bits of {@code value}, native byte order. */
    public static void setShort(long base, long size, long offset, int value) {
        SHORT_AT.set(ALL, place(base, size, offset, 2), (short) value);
    }

    /** The unsigned 16-bit value at {@code offset}, network byte order, 0 to 65535. */
    public static int getShortBe(long base, long size, long offset) {
        return (short) SHORT_BE_AT.get(ALL, place(base, size, offset, 2)) & 0xffff;
    }

    /** Stores the low sixteen bits of {@code value}, network byte order. */
    public static void setShortBe(long base, long size, long offset, int value) {
        SHORT_BE_AT.set(ALL, place(base, size, offset, 2), (short) value);
    }

    /** The 32-bit value at {@code offset}, native byte order. */
    public static int getInt(long base, long size, long offset) {
        return (int) INT_AT.get(ALL, place(base, size, offset, 4));
    }

    /** Stores 32 bits, native byte order. */
    public static void setInt(long base, long size, long offset, int value) {
        INT_AT.set(ALL, place(base, size, offset, 4), value);
    }

    /** The 32-bit value at {@code offset}, network byte order. */
    public static int getIntBe(long base, long size, long offset) {
        return (int) INT_BE_AT.get(ALL, place(base, size, offset, 4));
    }

    /** Stores 32 bits, network byte order. */
    public static void setIntBe(long base, long size, long offset, int value) {
        INT_BE_AT.set(ALL, place(base, size, offset, 4), value);
    }

    /** The 64-bit value at {@code offset}, native byte order. */
    public static long getLong(long base, long size, long offset) {
        return (long) LONG_AT.get(ALL, place(base, size, offset, 8));
    }

    /** Stores 64 bits, native byte order. */
    public static void setLong(long base, long size, long offset, long value) {
        LONG_AT.set(ALL, place(base, size, offset, 8), value);
    }

    /** The 64-bit value at {@code offset}, network byte order. */
    public static long getLongBe(long base, long size, long offset) {
        return (long) LONG_BE_AT.get(ALL, place(base, size, offset, 8));
    }

    /** Stores 64 bits, network byte order. */
    public static void setLongBe(long base, long size, long offset, long value) {
        LONG_BE_AT.set(ALL, place(base, size, offset, 8), value);
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
