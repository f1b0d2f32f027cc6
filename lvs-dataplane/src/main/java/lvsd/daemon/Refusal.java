package lvsd.daemon;

import java.io.Serial;

/** A well-formed rule that the director cannot follow in its present state. Carries what ipvsadm prints and returns. */
final class Refusal extends Exception {
    @Serial
    private static final long serialVersionUID = 1;

    /** Exit code of ipvsadm for what the kernel refuses. */
    static final int KERNEL = 255;

    /** What ipvsadm says where the kernel finds an argument invalid. */
    static final String INVALID = "Invalid operation.  Possibly wrong module version, address not unicast, ...";

    private final int exitCode;

    /** Refuses with the kernel's exit code. */
    Refusal(String message) {
        this(KERNEL, message);
    }

    /**
     * Refuses.
     *
     * @param exitCode what the tool ends with
     * @param message one line without line end
     */
    Refusal(int exitCode, String message) {
        super(message, null, false, false);
        this.exitCode = exitCode;
    }

    /** What the tool ends with. */
    int exitCode() {
        return exitCode;
    }

    /** One line without line end. */
    String text() {
        return String.valueOf(getMessage());
    }
}
