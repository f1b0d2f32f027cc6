package lvsd.memory;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;

/**
 * How {@link Memory} reads and writes an address: eight handles of the shapes {@code (long)value} and
 * {@code (long, value)void}, native byte order, any alignment.
 *
 * <p>There are two ways with the same effect. {@link #intrinsics} are the JVM's own: the JIT has one node for each. They
 * are to be had where the JVM was told {@value #OPTION}, as the launchers tell it. {@link #segments} go through the
 * foreign-memory API, which every JVM has; there the JIT takes some six hundred nodes for an access before it finds that
 * one or two instructions are left of it, and a compilation may have 18000.
 *
 * @param cut whether addresses have to be cut to those of a process before they are used
 */
record RawAccess(
        MethodHandle getByte,
        MethodHandle setByte,
        MethodHandle getShort,
        MethodHandle setShort,
        MethodHandle getInt,
        MethodHandle setInt,
        MethodHandle getLong,
        MethodHandle setLong,
        boolean cut) {
    /** What lets the JVM give away its own access. */
    static final String OPTION = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED";

    private static final String INTRINSICS = "jdk.internal.misc.Unsafe";

    /** The faster way of the two that this JVM has. */
    static RawAccess best() {
        try {
            return intrinsics();
        } catch (ReflectiveOperationException notExported) {
            return segments(MemorySegment.NULL.reinterpret(Long.MAX_VALUE));
        }
    }

    /** @throws ReflectiveOperationException if the JVM was not told {@value #OPTION} */
    static RawAccess intrinsics() throws ReflectiveOperationException {
        Class<?> type = Class.forName(INTRINSICS);
        Object access = type.getMethod("getUnsafe").invoke(null);
        return new RawAccess(
                getter(access, "getByte", byte.class),
                setter(access, "putByte", byte.class),
                getter(access, "getShort", short.class),
                setter(access, "putShort", short.class),
                getter(access, "getInt", int.class),
                setter(access, "putInt", int.class),
                getter(access, "getLong", long.class),
                setter(access, "putLong", long.class),
                false);
    }

    /** All memory, through {@code all}, a segment that begins at address 0. */
    static RawAccess segments(MemorySegment all) {
        return new RawAccess(
                of(all, ValueLayout.JAVA_BYTE, VarHandle.AccessMode.GET),
                of(all, ValueLayout.JAVA_BYTE, VarHandle.AccessMode.SET),
                of(all, ValueLayout.JAVA_SHORT_UNALIGNED, VarHandle.AccessMode.GET),
                of(all, ValueLayout.JAVA_SHORT_UNALIGNED, VarHandle.AccessMode.SET),
                of(all, ValueLayout.JAVA_INT_UNALIGNED, VarHandle.AccessMode.GET),
                of(all, ValueLayout.JAVA_INT_UNALIGNED, VarHandle.AccessMode.SET),
                of(all, ValueLayout.JAVA_LONG_UNALIGNED, VarHandle.AccessMode.GET),
                of(all, ValueLayout.JAVA_LONG_UNALIGNED, VarHandle.AccessMode.SET),
                true);
    }

    private static MethodHandle of(MemorySegment all, ValueLayout layout, VarHandle.AccessMode mode) {
        return MethodHandles.insertArguments(layout.varHandle().toMethodHandle(mode), 0, all);
    }

    private static MethodHandle getter(Object access, String name, Class<?> value) throws ReflectiveOperationException {
        return MethodHandles.lookup().bind(access, name, MethodType.methodType(value, long.class));
    }

    private static MethodHandle setter(Object access, String name, Class<?> value) throws ReflectiveOperationException {
        return MethodHandles.lookup().bind(access, name, MethodType.methodType(void.class, long.class, value));
    }
}
