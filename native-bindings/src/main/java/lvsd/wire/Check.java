package lvsd.wire;

/** What a length check answers when a header is not right. All are negative; a right header gives its length. */
public final class Check {
    /** The packet ends before its header says. */
    public static final int TRUNCATED = -1;
    /** The header contradicts itself. */
    public static final int MALFORMED = -2;
    /** A chain of headers or options is longer than we walk. */
    public static final int TOO_MANY = -3;

    private Check() {}
}
