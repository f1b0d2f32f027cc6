package lvsd.dataplane.net;

/**
 * From an address to a small positive int, by open addressing over primitive arrays. Filled by the control thread, then
 * never changed; any thread reads.
 *
 * <p>An IPv6 address is its two halves in wire form. An IPv4 address is {@code high} alone (unsigned), with {@code low}
 * 0; the two families have tables of their own, so they cannot meet.
 */
final class AddressTable {
    private long[] high = new long[16];
    private long[] low = new long[16];
    private int[] values = new int[16];
    private int used;

    /** Sets the value of an address; {@code value} is not 0. */
    void put(long addressHigh, long addressLow, int value) {
        if (used * 2 >= values.length) {
            grow();
        }
        int slot = slot(addressHigh, addressLow);
        if (values[slot] == 0) {
            used++;
        }
        high[slot] = addressHigh;
        low[slot] = addressLow;
        values[slot] = value;
    }

    /** The value of an address; 0 when it has none. */
    int get(long addressHigh, long addressLow) {
        return values[slot(addressHigh, addressLow)];
    }

    /** How many addresses have a value. */
    int size() {
        return used;
    }

    private int slot(long addressHigh, long addressLow) {
        int mask = values.length - 1;
        int slot = hash(addressHigh, addressLow) & mask;
        while (values[slot] != 0 && (high[slot] != addressHigh || low[slot] != addressLow)) {
            slot = slot + 1 & mask;
        }
        return slot;
    }

    private void grow() {
        long[] oldHigh = high;
        long[] oldLow = low;
        int[] oldValues = values;
        high = new long[oldHigh.length * 2];
        low = new long[oldLow.length * 2];
        values = new int[oldValues.length * 2];
        used = 0;
        for (int i = 0; i < oldValues.length; i++) {
            if (oldValues[i] != 0) {
                put(oldHigh[i], oldLow[i], oldValues[i]);
            }
        }
    }

    /** Mixes an address into 32 bits. */
    static int hash(long high, long low) {
        long mixed = (high ^ Long.rotateLeft(low, 29) * 0x9e3779b97f4a7c15L) * 0xd6e8feb86659fd93L;
        return (int) (mixed >>> 32);
    }
}
