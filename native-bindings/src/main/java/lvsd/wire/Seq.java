package lvsd.wire;

/** TCP sequence numbers: 32-bit values compared modulo 2^32 (RFC 9293, section 3.4). Nothing else compares them. */
public final class Seq {
    private Seq() {}

    /** Whether {@code a} comes before {@code b}. Numbers exactly 2^31 apart: each is before the other. */
    public static boolean before(int a, int b) {
        return a - b < 0;
    }

    /** Whether {@code a} comes before {@code b} or is the same. */
    public static boolean beforeOrSame(int a, int b) {
        return a - b <= 0;
    }

    /** Whether {@code a} comes after {@code b}. */
    public static boolean after(int a, int b) {
        return b - a < 0;
    }

    /** Whether {@code a} comes after {@code b} or is the same. */
    public static boolean afterOrSame(int a, int b) {
        return b - a <= 0;
    }

    /** Whether {@code seq} lies in {@code [low, high]}, both ends included; the range may wrap. */
    public static boolean between(int seq, int low, int high) {
        return Integer.compareUnsigned(seq - low, high - low) <= 0;
    }

    /** Whether {@code seq} lies in the window of {@code size} numbers (unsigned) that begins at {@code start}. */
    public static boolean inWindow(int seq, int start, int size) {
        return Integer.compareUnsigned(seq - start, size) < 0;
    }
}
