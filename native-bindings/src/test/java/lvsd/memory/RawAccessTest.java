package lvsd.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Both ways to reach memory do the same, at any alignment, and the JVM of the tests has the one that the launchers ask for. */
final class RawAccessTest {
    private static final int BYTES = 64;

    static Stream<Named<RawAccess>> ways() throws ReflectiveOperationException {
        return Stream.of(
                Named.of("intrinsics", RawAccess.intrinsics()),
                Named.of("segments", RawAccess.segments(MemorySegment.NULL.reinterpret(Long.MAX_VALUE))));
    }

    @ParameterizedTest
    @MethodSource("ways")
    void readsWhatOthersWroteAndWritesWhatTheyRead(RawAccess way) throws Throwable {
        Random random = new Random(1);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(BYTES);
            for (int offset = 0; offset <= BYTES - 8; offset++) {
                for (int i = 0; i < BYTES; i++) {
                    memory.set(ValueLayout.JAVA_BYTE, i, (byte) random.nextInt());
                }
                long at = memory.address() + offset;
                assertEquals(memory.get(ValueLayout.JAVA_BYTE, offset), (byte)
                        way.getByte().invokeExact(at));
                assertEquals(memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, offset), (short)
                        way.getShort().invokeExact(at));
                assertEquals(memory.get(ValueLayout.JAVA_INT_UNALIGNED, offset), (int)
                        way.getInt().invokeExact(at));
                assertEquals(memory.get(ValueLayout.JAVA_LONG_UNALIGNED, offset), (long)
                        way.getLong().invokeExact(at));
                written(way, memory, offset, random.nextLong());
            }
        }
    }

    /** Each store changes its own bytes and no other. */
    private static void written(RawAccess way, MemorySegment memory, int offset, long value) throws Throwable {
        long at = memory.address() + offset;
        byte[] expected = memory.toArray(ValueLayout.JAVA_BYTE);
        MemorySegment model = MemorySegment.ofArray(expected);
        way.setLong().invokeExact(at, value);
        model.set(ValueLayout.JAVA_LONG_UNALIGNED, offset, value);
        assertEquals(-1, model.mismatch(memory));
        way.setInt().invokeExact(at, (int) ~value);
        model.set(ValueLayout.JAVA_INT_UNALIGNED, offset, (int) ~value);
        assertEquals(-1, model.mismatch(memory));
        way.setShort().invokeExact(at, (short) (value >>> 7));
        model.set(ValueLayout.JAVA_SHORT_UNALIGNED, offset, (short) (value >>> 7));
        assertEquals(-1, model.mismatch(memory));
        way.setByte().invokeExact(at, (byte) (value >>> 3));
        model.set(ValueLayout.JAVA_BYTE, offset, (byte) (value >>> 3));
        assertEquals(-1, model.mismatch(memory));
    }

    @Test
    void theJvmIsToldToGiveAwayItsOwnAccess() {
        assertFalse(RawAccess.best().cut(), "started without " + RawAccess.OPTION);
    }

    @Test
    void outsideAnObjectNothingIsTouched() {
        Scratch memory = new Scratch(16, 8);
        assertThrows(IndexOutOfBoundsException.class, () -> Memory.getLong(memory.address(), 16, 9));
        assertThrows(IndexOutOfBoundsException.class, () -> Memory.setByte(memory.address(), 16, 16, 1));
        assertThrows(IndexOutOfBoundsException.class, () -> Memory.getInt(memory.address(), 16, -1));
    }

    @Test
    void networkOrderIsBigEndian() {
        Scratch memory = new Scratch(8, 8);
        Memory.setLongBe(memory.address(), 8, 0, 0x0102_0304_0506_0708L);
        assertEquals(0x01, Memory.getByte(memory.address(), 8, 0));
        assertEquals(0x0203, Memory.getShortBe(memory.address(), 8, 1));
        assertEquals(0x0405_0607, Memory.getIntBe(memory.address(), 8, 3));
        Memory.setShortBe(memory.address(), 8, 6, 0xfffe);
        assertEquals(0xfe, Memory.getByte(memory.address(), 8, 7));
        Memory.setIntBe(memory.address(), 8, 0, 0x8000_0001);
        assertEquals(0x8000_0001_0506_fffeL, Memory.getLongBe(memory.address(), 8, 0));
    }
}
