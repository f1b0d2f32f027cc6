package lvsd.rules;

import java.io.Serial;

/** A rule that is wrong whatever the director holds. Carries what ipvsadm prints and the exit code it ends with. */
public final class RuleSyntaxException extends Exception {
    @Serial
    private static final long serialVersionUID = 1;

    private final String text;
    private final int exitCode;
    private final boolean endsRestore;

    private RuleSyntaxException(String text, int exitCode, boolean endsRestore) {
        super(text.strip(), null, false, false);
        this.text = text;
        this.exitCode = exitCode;
        this.endsRestore = endsRestore;
    }

    /** One of ipvsadm's own checks. */
    static RuleSyntaxException fail(String line) {
        return new RuleSyntaxException(line + "\n", 2, true);
    }

    /** No command, or none that is known. */
    static RuleSyntaxException tryHelp(String program) {
        return new RuleSyntaxException(
                "Try `" + program + " -h' or '" + program + " --help' for more information.\n", 255, true);
    }

    /** An option that the option parser refuses; alone among all, such a line does not end {@code -R}. */
    static RuleSyntaxException badOption(String option, String why) {
        return new RuleSyntaxException(option + ": " + why + "\n", 255, false);
    }

    /** What goes to standard error, byte for byte, line ends included. */
    public String text() {
        return text;
    }

    /** Exit code of the tool: 2 for ipvsadm's own checks, 255 for those of its option parser. */
    public int exitCode() {
        return exitCode;
    }

    /** Whether {@code -R} stops at such a line. */
    public boolean endsRestore() {
        return endsRestore;
    }
}
