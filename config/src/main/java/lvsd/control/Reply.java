package lvsd.control;

/**
 * A reply of the daemon.
 *
 * @param exitCode exit code of the tool: 0, or as ipvsadm's
 * @param out what goes to standard output; with queries a JSON document
 * @param err what goes to standard error
 */
public record Reply(int exitCode, String out, String err) {
    /** Done, nothing to say. */
    public static final Reply OK = new Reply(0, "", "");

    /** What a query found. */
    public static Reply view(View view) {
        return new Reply(0, Views.write(view), "");
    }

    /** Refused, with one line of explanation (line end added here) and the exit code of errors of the kernel. */
    public static Reply refused(String line) {
        return new Reply(255, "", line + "\n");
    }
}
