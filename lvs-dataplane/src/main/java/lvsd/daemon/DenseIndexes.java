package lvsd.daemon;

import java.util.BitSet;

/**
 * Hands out the smallest free number below a limit, so that arrays indexed by it stay short. Whoever returns a number
 * owes that no worker can still use it. Control thread only.
 */
final class DenseIndexes {
    private final BitSet used = new BitSet();
    private final int limit;

    /** Numbers 0 to {@code limit - 1}, all free. */
    DenseIndexes(int limit) {
        this.limit = limit;
    }

    /** A free number, now taken; -1 when there is none. */
    int take() {
        int index = used.nextClearBit(0);
        if (index >= limit) {
            return -1;
        }
        used.set(index);
        return index;
    }

    /** Makes {@code index} free again. */
    void release(int index) {
        used.clear(index);
    }

    /** How many are taken. */
    int size() {
        return used.cardinality();
    }
}
