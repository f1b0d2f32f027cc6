package lvsd.synproxy;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Maximum segment sizes that fit a cookie: four classes per family where there is no room for more, 128 where the other
 * options ride in a timestamp. A size is rounded down to its class; one below the lowest class counts as that.
 */
final class MssClasses {
    /**
     * Ethernet; PPPoE and single tunnels; longer chains of headers; and the lowest for embedded stacks, 536 included, which
     * few of today's clients announce.
     */
    private static final int[] COARSE4 = {216, 1300, 1440, 1460};
    /** The lowest is what RFC 8200 guarantees; 1420 also takes PPPoE. */
    private static final int[] COARSE6 = {1220, 1380, 1420, 1440};

    /** Exact where multiples of four between 1204 and 1500 are, 36 apart below, and some that jumbo frames have. */
    private static final int[] FINE = fine();

    private static final int FINE_CLASSES = 128;

    private MssClasses() {}

    private static int[] fine() {
        int[] small = {64, 88, 128, 216, 256, 384, 512};
        int[] jumbo = {
            1600, 1748, 1960, 2008, 2948, 3960, 4052, 4056, 4312, 4352, 5960, 7960, 8152, 8260, 8900, 8928, 8940, 8948,
            8960, 9140, 9160, 16_316, 16_344, 32_728, 65_475, 65_483, 65_495
        };
        int[] middle =
                IntStream.iterate(536, mss -> mss < 1204, mss -> mss + 36).toArray();
        int rest = FINE_CLASSES - small.length - jumbo.length - middle.length;
        int[] exact =
                IntStream.range(0, rest).map(i -> 1460 - 4 * (rest - 11 - i)).toArray();
        int[] all = Arrays.copyOf(small, FINE_CLASSES);
        System.arraycopy(middle, 0, all, small.length, middle.length);
        System.arraycopy(exact, 0, all, small.length + middle.length, rest);
        System.arraycopy(jumbo, 0, all, FINE_CLASSES - jumbo.length, jumbo.length);
        return all;
    }

    /** The class of a size, 0 to 3. */
    static int coarse(int mss, boolean ipv6) {
        int[] classes = ipv6 ? COARSE6 : COARSE4;
        // Without a branch that a mixture of clients would make unpredictable.
        return 3 - ((mss - classes[1]) >>> 31) - ((mss - classes[2]) >>> 31) - ((mss - classes[3]) >>> 31);
    }

    /** The size of a coarse class. */
    static int coarseMss(int index, boolean ipv6) {
        return (ipv6 ? COARSE6 : COARSE4)[index];
    }

    /** The fine class of a size, 0 to 127. */
    static int fine(int mss) {
        int low = 0;
        int high = FINE.length;
        while (high - low > 1) {
            int middle = (low + high) >>> 1;
            if (FINE[middle] <= mss) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** The size of a fine class. */
    static int fineMss(int index) {
        return FINE[index];
    }
}
