package lvsd.dataplane.connection;

import lvsd.memory.Memory;

/**
 * The entries of a table that were freed, the last one on top: a few in an array, the others in lists that lie in the hot
 * lines of some of themselves, {@value #GROUP} entries a line. So a whole group is known by one look, and the lines of all
 * its entries are fetched at once, long before they are needed; a list from entry to entry would fetch one after the other.
 * Owned by the table's worker.
 */
final class FreeEntries {
    /** Entries that a line lists, the one whose line it is included. */
    static final int GROUP = 14;

    /** Entries left when the next group is brought in, so that its lines have time to arrive. */
    private static final int LOW = 4;

    private static final int NEAR = 3 * GROUP;
    private static final int NONE = ConnectionTable.NONE;
    private static final int NEXT = 0;
    private static final int FIRST = 4;
    private static final int INT = 4;

    private final long hotBase;
    private final long coldBase;
    private final int[] near = new int[NEAR];
    private int count;
    /** The entry whose line lists the next group. */
    private int group = NONE;

    /** Free entries of the table with these parts. */
    FreeEntries(long hotBase, long coldBase) {
        this.hotBase = hotBase;
        this.coldBase = coldBase;
    }

    /** Takes the one put last, or {@link ConnectionTable#NONE}. */
    int take() {
        if (count <= LOW && group != NONE) {
            bringIn();
        }
        return count == 0 ? NONE : near[--count];
    }

    /** Puts one in; state and protocol in its line stay as they are, the rest may be written over. */
    void put(int entry) {
        if (count == NEAR) {
            sendOff();
        }
        near[count++] = entry;
    }

    private long hot(int entry) {
        return hotBase + (long) entry * Connection.SIZE;
    }

    /** The n-th place for a number in a line: they leave out state, protocol, and what {@link Connection#fetch} writes. */
    private static int place(int n) {
        int at = FIRST + n * INT;
        int behindState = at >= Connection.STATE_WORD ? at + INT : at;
        return behindState >= Connection.FETCH ? behindState + INT : behindState;
    }

    /** The oldest of those near become a group. */
    private void sendOff() {
        long line = hot(near[0]);
        Memory.setInt(line, Connection.SIZE, NEXT, group);
        for (int i = 1; i < GROUP; i++) {
            Memory.setInt(line, Connection.SIZE, place(i - 1), near[i]);
        }
        group = near[0];
        count -= GROUP;
        System.arraycopy(near, GROUP, near, 0, count);
    }

    /** The next group goes below those near. */
    private void bringIn() {
        System.arraycopy(near, 0, near, GROUP, count);
        count += GROUP;
        near[0] = group;
        long line = hot(group);
        for (int i = 1; i < GROUP; i++) {
            near[i] = Memory.getInt(line, Connection.SIZE, place(i - 1));
        }
        group = Memory.getInt(line, Connection.SIZE, NEXT);
        for (int i = 0; i < GROUP; i++) {
            Connection.fetch(hot(near[i]), coldBase + (long) near[i] * Connection.COLD_SIZE);
        }
        if (group != NONE) {
            Connection.fetch(hot(group));
        }
    }
}
