package lvsd.dataplane.net;

/**
 * Lets so many pass per second, and so many at once. Integer arithmetic on ticks; one owner thread.
 */
final class TokenBucket {
    private long rate;
    private long limit;
    private long credit;
    private int last;

    /**
     * A full bucket.
     *
     * @param rate how many per second; 0: none
     * @param burst how many at once after a pause
     * @param now current tick
     */
    TokenBucket(int rate, int burst, int now) {
        set(rate, burst);
        this.credit = limit;
        this.last = now;
    }

    /** Changes rate and burst; what was saved stays, up to the new burst. */
    void set(int rate, int burst) {
        this.rate = rate;
        this.limit = rate == 0 ? 0 : (long) Math.max(1, burst) * Net.TICKS_PER_SECOND;
        this.credit = Math.min(credit, limit);
    }

    /** Takes one token; false when there is none. {@code now} is in ticks and may wrap. */
    boolean take(int now) {
        int elapsed = now - last;
        if (elapsed > 0) {
            last = now;
            credit = Math.min(limit, credit + elapsed * rate);
        }
        if (credit < Net.TICKS_PER_SECOND) {
            return false;
        }
        credit -= Net.TICKS_PER_SECOND;
        return true;
    }
}
