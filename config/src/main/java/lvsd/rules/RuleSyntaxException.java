package lvsd.rules;

import java.io.Serial;

/** A rule that is wrong whatever the director holds. Carries what ipvsadm prints and the exit code it ends with. */
public final class RuleSyntaxException extends Exception {
    @Serial
    private static final long serialVersionUID = 1;

    private final int exitCode;

    /**
     * Made by the parser.
     *
     * @param text what goes to standard error, line ends included
     * @param exitCode 2 for ipvsadm's own checks, 255 for those of its option parser
     */
    RuleSyntaxException(String text, int exitCode) {
        super(text, null, false, false);
        this.exitCode = exitCode;
    }

    /** What goes to standard error, byte for byte, line ends included. */
    public String text() {
        return String.valueOf(getMessage());
    }

    /** Exit code of the tool. */
    public int exitCode() {
        return exitCode;
    }
}
