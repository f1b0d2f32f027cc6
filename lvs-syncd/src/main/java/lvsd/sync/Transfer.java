package lvsd.sync;

import java.util.Arrays;
import lvsd.sync.Verifier.Sender;

/**
 * How far a backup has come with fetching one sender's table. The messages of a run are numbered; they may come in any order
 * within {@value #WINDOW}. Owned by the sync thread.
 */
final class Transfer {
    private static final int WINDOW = 1024;

    final Sender sender;
    /** Number of the sender for the sink. */
    final int origin;

    /** The sender's latest token. */
    long token;
    /** The token was not yet used. */
    boolean ready;
    /** Where to go on; {@link SyncSource#END} when all is there. */
    long cursor;

    boolean running;
    /** When it was begun, last got on, ended last. */
    long beganMillis;

    long heardMillis;
    long endedMillis;
    /** Messages known to be lost when it was begun. */
    long lostBefore;

    private int run;
    private int expected;
    /** By number modulo the window: number and one of those that have come, cursor behind them. */
    private final int[] come = new int[WINDOW];

    private final long[] behind = new long[WINDOW];

    Transfer(Sender sender, int origin) {
        this.sender = sender;
        this.origin = origin;
    }

    /** From the start, at {@code millis}. */
    void restart(long millis) {
        running = true;
        beganMillis = millis;
        heardMillis = 0;
        lostBefore = sender.lost();
        cursor = 0;
        begin(run);
    }

    private void begin(int newest) {
        run = newest;
        expected = 0;
        Arrays.fill(come, 0);
    }

    /** Takes note of message {@code number} of a run that began at cursor {@code start}; false if it is of no use. */
    boolean take(int of, int number, long start, long next, long millis) {
        boolean newer = of - run > 0;
        if (newer && (start == cursor || start == 0)) {
            cursor = start;
            begin(of);
        }
        if (of != run || number < expected || number - expected >= WINDOW) {
            return false;
        }
        come[number & (WINDOW - 1)] = number + 1;
        behind[number & (WINDOW - 1)] = next;
        while (come[expected & (WINDOW - 1)] == expected + 1) {
            cursor = behind[expected & (WINDOW - 1)];
            expected++;
        }
        heardMillis = millis;
        return true;
    }
}
