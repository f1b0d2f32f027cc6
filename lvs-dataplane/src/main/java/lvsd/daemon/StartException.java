package lvsd.daemon;

import java.io.Serial;

/** The daemon cannot start; the message says why and what to do, the code is what the process ends with. */
final class StartException extends Exception {
    @Serial
    private static final long serialVersionUID = 1;

    /** Exit code for anything but configuration. */
    static final int FAILURE = 1;
    /** Exit code for bad configuration, sysexits' EX_CONFIG. */
    static final int CONFIGURATION = 78;

    private final int exitCode;

    /** A failure of the environment. */
    StartException(String message, Throwable cause) {
        super(message, cause);
        this.exitCode = FAILURE;
    }

    /**
     * A failure.
     *
     * @param exitCode {@link #FAILURE} or {@link #CONFIGURATION}
     */
    StartException(int exitCode, String message) {
        super(message);
        this.exitCode = exitCode;
    }

    /** What the process ends with. */
    int exitCode() {
        return exitCode;
    }
}
