package lvsd.linux;

import lvsd.memory.NativeFunction;

/** Error numbers of Linux (asm-generic/errno.h) that callers tell apart. */
public final class Errno {
    /** Operation not permitted. */
    public static final int EPERM = 1;
    /** No such file or object. */
    public static final int ENOENT = 2;
    /** Interrupted by a signal. */
    public static final int EINTR = 4;
    /** Input/output error; a TAP write gives it while the interface is down. */
    public static final int EIO = 5;
    /** Would block. */
    public static final int EAGAIN = 11;
    /** Out of memory, or over the limit of locked memory. */
    public static final int ENOMEM = 12;
    /** In use. */
    public static final int EBUSY = 16;
    /** Exists already. */
    public static final int EEXIST = 17;
    /** No such device. */
    public static final int ENODEV = 19;
    /** Invalid argument. */
    public static final int EINVAL = 22;
    /** Not supported. */
    public static final int EOPNOTSUPP = 95;
    /** Address not there. */
    public static final int EADDRNOTAVAIL = 99;
    /** No buffer space. */
    public static final int ENOBUFS = 105;

    private Errno() {}

    /** What {@code strerror} says of {@code errno}. Cold. */
    public static String text(int errno) {
        return NativeFunction.errorText(errno);
    }
}
