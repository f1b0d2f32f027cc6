package lvsd.daemon;

import java.util.Arrays;
import lvsd.control.View;

/**
 * Smoothed rates as the kernel shows them ({@code ipvsadm -L --rate}): every {@value #PERIOD_SECONDS} s each average
 * moves a quarter of the way to the rate just seen, about 8 s of memory. Averages are kept in fixed point, connections
 * and packets with ten fractional bits and bytes with five, and shown rounded. Control thread only.
 */
final class Estimator {
    /** Seconds between two calls of {@link #sample}. */
    static final int PERIOD_SECONDS = 2;

    private static final int COUNT_BITS = 10;
    private static final int BYTE_BITS = 5;

    private final long[] last = new long[5];
    private final long[] average = new long[5];

    /** Takes the present sums in. A sum smaller than the last one was restarted in between. */
    void sample(View.Stats now) {
        move(0, now.connections(), COUNT_BITS);
        move(1, now.inPackets(), COUNT_BITS);
        move(2, now.outPackets(), COUNT_BITS);
        move(3, now.inBytes(), BYTE_BITS);
        move(4, now.outBytes(), BYTE_BITS);
    }

    private void move(int i, long now, int bits) {
        long delta = now >= last[i] ? now - last[i] : now;
        last[i] = now;
        long rate = (delta << bits) / PERIOD_SECONDS;
        average[i] += (rate - average[i]) >> 2;
    }

    /** Begins again at zero sums and rates, after {@code -Z}. */
    void reset() {
        Arrays.fill(last, 0);
        Arrays.fill(average, 0);
    }

    /** The rates per second. */
    View.Rates rates() {
        return new View.Rates(
                shown(0, COUNT_BITS),
                shown(1, COUNT_BITS),
                shown(2, COUNT_BITS),
                shown(3, BYTE_BITS),
                shown(4, BYTE_BITS));
    }

    private long shown(int i, int bits) {
        return (average[i] + (1L << (bits - 1)) - 1) >> bits;
    }
}
