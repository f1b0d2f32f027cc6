package lvsd.dataplane.connection;

/**
 * Deadlines of a table's entries: a hierarchical wheel of lists through their cold parts, four levels of 256, 256, 256
 * and 64 slots, which span 2^30 ticks (49 days). Nothing is allocated; arming and disarming are constant work.
 *
 * <p>A packet does not touch the wheel, it only stores {@code lastSeen}. When {@link #advance} hands an entry out, its
 * owner looks whether {@code lastSeen} plus timeout is later, and if so arms it again. A change that shortens an
 * entry's timeout calls {@link #armEarlier}.
 *
 * <p>Ticks are 32-bit and wrap: all comparisons are of differences. A deadline may lie up to 2^31 - 1 ticks ahead; one
 * beyond the span of the wheel only costs an additional move. Owned by the worker that owns the table.
 */
public final class TimerWheel {
    private static final int LEVELS = 4;
    private static final int LEVEL_BITS = 8;
    private static final int LEVEL_SLOTS = 1 << LEVEL_BITS;
    private static final int TOP_SLOTS = 64;
    private static final int LISTS = 3 * LEVEL_SLOTS + TOP_SLOTS;
    private static final int LEVEL_WORDS = LEVEL_SLOTS / Long.SIZE;
    private static final int SPAN = 1 << 30;

    private final ConnectionTable table;
    /** First entry of each list plus one; 0: empty. An entry's links hold the same, or the list as {@code ~list}. */
    private final int[] heads = new int[LISTS];
    /** A bit for each list that is not empty. */
    private final long[] busy = new long[LISTS / Long.SIZE];
    /** The tick whose list is drained next. */
    private int current;

    private int armed;

    /** A wheel over the entries of {@code table}, whose first tick is {@code now}. */
    public TimerWheel(ConnectionTable table, int now) {
        this.table = table;
        this.current = now;
    }

    /** Sets the entry's deadline, armed or not. One that has passed is handed out by the next {@link #advance}. */
    public void arm(int entry, int deadline) {
        long cold = table.cold(entry);
        unlink(cold);
        Connection.setDeadline(cold, deadline);
        link(entry, cold, list(deadline));
    }

    /** As {@link #arm}, unless the entry is armed for that tick or an earlier one already. */
    public void armEarlier(int entry, int deadline) {
        long cold = table.cold(entry);
        if (Connection.timerPrevious(cold) == 0 || deadline - Connection.deadline(cold) < 0) {
            arm(entry, deadline);
        }
    }

    /** Forgets the entry's deadline, if it has one. */
    public void disarm(int entry) {
        unlink(table.cold(entry));
    }

    /** Whether the entry has a deadline. */
    public boolean isArmed(int entry) {
        return Connection.timerPrevious(table.cold(entry)) != 0;
    }

    /** Entries with a deadline. */
    public int armed() {
        return armed;
    }

    /** Ticks up to {@code now} that the wheel has not passed yet: 0 after an {@link #advance} whose budget sufficed. */
    public int lag(int now) {
        return Math.max(0, now - current + 1);
    }

    private int list(int deadline) {
        int ahead = Math.clamp((long) (deadline - current), 0, SPAN - 1);
        int tick = current + ahead;
        int level = ahead < LEVEL_SLOTS ? 0 : (31 - Integer.numberOfLeadingZeros(ahead)) / LEVEL_BITS;
        return slotList(level, tick);
    }

    private static int slotList(int level, int tick) {
        int slots = level == LEVELS - 1 ? TOP_SLOTS : LEVEL_SLOTS;
        return level * LEVEL_SLOTS + (tick >>> (level * LEVEL_BITS) & slots - 1);
    }

    private void setHead(int list, int head) {
        heads[list] = head;
        long bit = 1L << list;
        busy[list >>> 6] = head != 0 ? busy[list >>> 6] | bit : busy[list >>> 6] & ~bit;
    }

    private void link(int entry, long cold, int list) {
        int next = heads[list];
        Connection.setTimerNext(cold, next);
        Connection.setTimerPrevious(cold, ~list);
        if (next != 0) {
            Connection.setTimerPrevious(table.cold(next - 1), entry + 1);
        }
        setHead(list, entry + 1);
        armed++;
    }

    private void unlink(long cold) {
        int previous = Connection.timerPrevious(cold);
        if (previous == 0) {
            return;
        }
        int next = Connection.timerNext(cold);
        if (previous < 0) {
            setHead(~previous, next);
        } else {
            Connection.setTimerNext(table.cold(previous - 1), next);
        }
        if (next != 0) {
            Connection.setTimerPrevious(table.cold(next - 1), previous);
        }
        Connection.setTimerPrevious(cold, 0);
        armed--;
    }

    /**
     * Moves the wheel towards {@code now} and takes out entries whose deadline has passed.
     *
     * @param now the tick; one before the last is ignored
     * @param budget most steps: an entry moved or taken out, or a run of ticks without entries passed. What is left
     *     over is done by later calls
     * @param expired receives the entries, which are disarmed
     * @return how many entries were written to {@code expired}
     */
    public int advance(int now, int budget, int[] expired) {
        int count = 0;
        int steps = budget;
        while (steps > 0 && count < expired.length && now - current >= 0) {
            steps--;
            int level = busyLevel();
            int list = slotList(level, current);
            if (level > 0) {
                moveDown(list);
            } else if (heads[list] != 0) {
                int entry = heads[list] - 1;
                unlink(table.cold(entry));
                expired[count++] = entry;
            } else {
                int next = nextBusyTick();
                current = next - now > 1 ? now + 1 : next;
            }
        }
        return count;
    }

    /** The next tick at which a list of the lowest level must be drained, or one of a higher level moved down. */
    private int nextBusyTick() {
        int slot = current & (LEVEL_SLOTS - 1);
        for (int word = slot >>> 6; word < LEVEL_WORDS; word++) {
            long lists = busy[word] & (word == slot >>> 6 ? -1L << slot : -1L);
            if (lists != 0) {
                return current - slot + (word << 6) + Long.numberOfTrailingZeros(lists);
            }
        }
        int level = 0;
        while (level < LEVELS - 2 && isEmpty(level) && isEmpty(level + 1)) {
            level++;
        }
        return (current | ((1 << ((level + 1) * LEVEL_BITS)) - 1)) + 1;
    }

    private boolean isEmpty(int level) {
        long lists = 0;
        for (int word = 0; word < LEVEL_WORDS; word++) {
            lists |= busy[level * LEVEL_WORDS + word];
        }
        return lists == 0;
    }

    /** The highest level whose slot begins at the current tick and still has entries to move down; 0: none. */
    private int busyLevel() {
        for (int level = LEVELS - 1; level > 0; level--) {
            int below = (1 << (level * LEVEL_BITS)) - 1;
            if ((current & below) == 0 && heads[slotList(level, current)] != 0) {
                return level;
            }
        }
        return 0;
    }

    private void moveDown(int list) {
        int entry = heads[list] - 1;
        long cold = table.cold(entry);
        unlink(cold);
        link(entry, cold, list(Connection.deadline(cold)));
    }
}
