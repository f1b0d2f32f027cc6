package lvsd.dataplane;

/**
 * A packet's fate in one int: kind in the low byte, its argument (port, worker or reason) above.
 */
public final class Verdict {
    /** Send on the port in the argument; the frame is complete. */
    public static final int TRANSMIT = 1;
    /** Count the reason in the argument and free. */
    public static final int DROP = 2;
    /** Pass to the worker in the argument. */
    public static final int HANDOFF = 3;
    /** Pass to the kernel; the argument is the punt class. */
    public static final int PUNT = 4;
    /** Kept (held for a neighbour, or consumed): nobody frees it now. */
    public static final int KEPT = 5;

    private Verdict() {}

    /** Send on {@code port}. */
    public static int transmit(int port) {
        return TRANSMIT | port << 8;
    }

    /** Drop for {@code reason}. */
    public static int drop(DropReason reason) {
        return DROP | reason.ordinal() << 8;
    }

    /** Hand to {@code worker}. */
    public static int handoff(int worker) {
        return HANDOFF | worker << 8;
    }

    /** Hand to the kernel in punt class {@code puntClass}. */
    public static int punt(int puntClass) {
        return PUNT | puntClass << 8;
    }

    /** The kind: one of the constants above. */
    public static int kind(int verdict) {
        return verdict & 0xff;
    }

    /** The argument: port, worker, reason or class. */
    public static int argument(int verdict) {
        return verdict >>> 8;
    }

    /** Text for traces and test failures. */
    public static String describe(int verdict) {
        int argument = argument(verdict);
        return switch (kind(verdict)) {
            case TRANSMIT -> "transmit port " + argument;
            case DROP -> "drop " + DropReason.of(argument).label();
            case HANDOFF -> "hand-off to worker " + argument;
            case PUNT -> "punt class " + argument;
            case KEPT -> "kept";
            default -> "verdict " + verdict;
        };
    }
}
