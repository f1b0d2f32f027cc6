package lvsd.memory;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;

/**
 * A C function of at most six parameters, each an integer or a pointer: all that libc and DPDK ask of us off the packet
 * path.
 *
 * <p>Such parameters travel in registers on every 64-bit Linux we run on, whatever their width, and the callee looks at
 * the bits its type has. So all functions share one call shape of six longs, which the JVM spins once instead of once
 * per signature (some milliseconds each at start). What the callee does not take is passed as 0. Results of type
 * {@code int} come back with undefined upper bits: use {@link #callInt}.
 *
 * <p>After a call {@link #errno} gives the errno of the calling thread. Any thread may call; a call allocates nothing.
 */
public final class NativeFunction {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final Linker.Option ERRNO_OPTION = Linker.Option.captureCallState("errno");
    private static final FunctionDescriptor SHAPE =
            FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle CALL = LINKER.downcallHandle(SHAPE, ERRNO_OPTION);
    private static final MemoryLayout STATE = Linker.Option.captureStateLayout();
    private static final long ERRNO_OFFSET = STATE.byteOffset(MemoryLayout.PathElement.groupElement("errno"));
    private static final ThreadLocal<MemorySegment> CAPTURED =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(STATE));
    private static final MethodHandle STRERROR = MethodHandles.insertArguments(
            LINKER.downcallHandle(FunctionDescriptor.of(ValueLayout.ADDRESS, JAVA_INT)), 0, symbol("strerror"));

    private final String name;
    private final MemorySegment target;

    private NativeFunction(String name, MemorySegment target) {
        this.name = name;
        this.target = target;
    }

    /**
     * The libc function called {@code name}.
     *
     * @throws UnsatisfiedLinkError if libc has none
     */
    public static NativeFunction libc(String name) {
        return new NativeFunction(name, symbol(name));
    }

    /** The function at {@code address}; {@code name} is for messages. The caller owes that code lives there. */
    public static NativeFunction at(String name, MemorySegment address) {
        return new NativeFunction(name, address);
    }

    private static MemorySegment symbol(String name) {
        return LINKER.defaultLookup()
                .find(name)
                .orElseThrow(() -> new UnsatisfiedLinkError("libc has no function " + name));
    }

    /** The name, for messages. */
    public String name() {
        return name;
    }

    /** Where its code is. */
    public long address() {
        return target.address();
    }

    /** Calls with six arguments; the result as 64 bits. */
    public long call(long a, long b, long c, long d, long e, long f) {
        try {
            return (long) CALL.invokeExact(target, CAPTURED.get(), a, b, c, d, e, f);
        } catch (RuntimeException | Error failure) {
            throw failure;
        } catch (Throwable failure) {
            throw new IllegalStateException(name, failure);
        }
    }

    /** Calls without arguments; the result as 64 bits. */
    public long call() {
        return call(0, 0, 0, 0, 0, 0);
    }

    /** Calls with one argument; the result as 64 bits. */
    public long call(long a) {
        return call(a, 0, 0, 0, 0, 0);
    }

    /** Calls with two arguments; the result as 64 bits. */
    public long call(long a, long b) {
        return call(a, b, 0, 0, 0, 0);
    }

    /** Calls with three arguments; the result as 64 bits. */
    public long call(long a, long b, long c) {
        return call(a, b, c, 0, 0, 0);
    }

    /** Calls with four arguments; the result as 64 bits. */
    public long call(long a, long b, long c, long d) {
        return call(a, b, c, d, 0, 0);
    }

    /** Calls with five arguments; the result as 64 bits. */
    public long call(long a, long b, long c, long d, long e) {
        return call(a, b, c, d, e, 0);
    }

    /** Calls without arguments; the result as an {@code int}. */
    public int callInt() {
        return (int) call(0, 0, 0, 0, 0, 0);
    }

    /** Calls with one argument; the result as an {@code int}. */
    public int callInt(long a) {
        return (int) call(a, 0, 0, 0, 0, 0);
    }

    /** Calls with two arguments; the result as an {@code int}. */
    public int callInt(long a, long b) {
        return (int) call(a, b, 0, 0, 0, 0);
    }

    /** Calls with three arguments; the result as an {@code int}. */
    public int callInt(long a, long b, long c) {
        return (int) call(a, b, c, 0, 0, 0);
    }

    /** Calls with four arguments; the result as an {@code int}. */
    public int callInt(long a, long b, long c, long d) {
        return (int) call(a, b, c, d, 0, 0);
    }

    /** Calls with five arguments; the result as an {@code int}. */
    public int callInt(long a, long b, long c, long d, long e) {
        return (int) call(a, b, c, d, e, 0);
    }

    /** Calls with six arguments; the result as an {@code int}. */
    public int callInt(long a, long b, long c, long d, long e, long f) {
        return (int) call(a, b, c, d, e, f);
    }

    /** The errno that this thread's last call through this class left behind. */
    public static int errno() {
        return CAPTURED.get().get(JAVA_INT, ERRNO_OFFSET);
    }

    /** What {@code strerror} says of an errno. Cold. */
    public static String errorText(int errno) {
        try {
            MemorySegment text = (MemorySegment) STRERROR.invokeExact(errno);
            return text.reinterpret(Long.MAX_VALUE).getString(0);
        } catch (RuntimeException | Error failure) {
            throw failure;
        } catch (Throwable failure) {
            throw new IllegalStateException("strerror", failure);
        }
    }

    /** An exception that names this function, {@code what} it was called for, and this thread's errno. */
    public NativeException failure(String what) {
        return new NativeException(name, errno(), what);
    }
}
