package lvsd.memory;

/** A system call that failed: which, for what, and why (errno). */
public final class NativeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String function;
    private final int errno;

    /**
     * @param function the libc function
     * @param errno its errno
     * @param what the object it was called for and, where there is one, the remedy
     */
    public NativeException(String function, int errno, String what) {
        super(what + ": " + function + ": " + NativeFunction.errorText(errno) + " (errno " + errno + ")");
        this.function = function;
        this.errno = errno;
    }

    /** The libc function. */
    public String function() {
        return function;
    }

    /** Its errno. */
    public int errno() {
        return errno;
    }
}
