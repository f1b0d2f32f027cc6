package lvsd.dataplane.service;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import org.jspecify.annotations.Nullable;

/**
 * Where {@code lblc} and {@code lblcr} remember which servers packets for an address go to. All workers share one cache of
 * a service, so that an address has the same servers whichever worker its clients fall to; it outlives changes of the
 * servers, which it names by {@link Destination#index}.
 *
 * <p>Nobody waits for anybody: reading takes no lock, and a worker that finds another one changing the same set of entries
 * goes on without leaving a trace, which the next connection does. What a reader sees in the middle of a change is at
 * worst a server of another address; it is checked against the service's servers like any other.
 *
 * <p>Memory is taken by the control thread once: one entry for a service with one address, {@value #ENTRIES} with a
 * firewall mark. An entry that is needed takes the place of the one of its set that was idle longest, so neither a flood
 * of addresses nor time makes it grow.
 */
public final class LocalityCache {
    /** No entry. */
    public static final int NONE = -1;

    private static final int ENTRIES = 4096;
    /** Entries of a set, which is searched whole. */
    private static final int WAYS = 8;
    /** Servers of an entry, most: of a service with many addresses, and of one with a single address. */
    private static final int SERVERS_OF_MANY = 16;

    private static final int SERVERS_OF_ONE = 256;

    // Words of an entry.
    private static final int SIZE = 0;
    private static final int LAST_USE = 1;
    private static final int LAST_CHANGE = 2;
    private static final int SERVERS = 3;

    private static final VarHandle INTS = MethodHandles.arrayElementVarHandle(int[].class);
    private static final VarHandle LONGS = MethodHandles.arrayElementVarHandle(long[].class);

    private final int ways;
    private final int sets;
    private final int capacity;
    private final int stride;
    private final int[] words;
    private final long[] addresses;
    private final int[] locks;

    LocalityCache(boolean manyAddresses, boolean manyServers) {
        this.ways = manyAddresses ? WAYS : 1;
        this.sets = manyAddresses ? ENTRIES / WAYS : 1;
        this.capacity = !manyServers ? 1 : manyAddresses ? SERVERS_OF_MANY : SERVERS_OF_ONE;
        this.stride = SERVERS + capacity;
        this.words = new int[ways * sets * stride];
        this.addresses = new long[ways * sets * 2];
        this.locks = new int[sets];
    }

    /** The cache that a service with {@code spec} needs, null if it needs none. */
    public static @Nullable LocalityCache of(ServiceSpec spec) {
        boolean manyServers = spec.scheduler().equals("lblcr");
        boolean needed = manyServers || spec.scheduler().equals("lblc");
        return needed ? new LocalityCache(spec.id() instanceof ServiceId.Fwmark, manyServers) : null;
    }

    private int setOf(long high, long low) {
        long mixed = (high ^ Long.rotateLeft(low, 29)) * 0x9e37_79b9_7f4a_7c15L;
        return (int) Math.unsignedMultiplyHigh(mixed, sets);
    }

    /**
     * The entry of an address, or {@link #NONE}. Any worker.
     *
     * @param high upper half in wire form, 0 for IPv4
     * @param low lower half, or the IPv4 address
     * @param seconds now, by a clock that goes evenly
     * @param expiration seconds after which an entry that nobody used is forgotten
     */
    public int find(long high, long low, int seconds, int expiration) {
        int first = setOf(high, low) * ways;
        for (int entry = first; entry < first + ways; entry++) {
            if (size(entry) > 0 && isOf(entry, high, low)) {
                return used(entry, seconds, expiration) ? entry : NONE;
            }
        }
        return NONE;
    }

    private boolean isOf(int entry, long high, long low) {
        return (long) LONGS.getOpaque(addresses, entry * 2) == high
                && (long) LONGS.getOpaque(addresses, entry * 2 + 1) == low;
    }

    /** Notes that an entry is used now; false if it has been idle for too long. */
    private boolean used(int entry, int seconds, int expiration) {
        int last = word(entry, LAST_USE);
        if (last != seconds) {
            if (seconds - last > expiration) {
                return false;
            }
            set(entry, LAST_USE, seconds); // seldom: all workers read the line
        }
        return true;
    }

    /** How many servers an entry has. */
    public int size(int entry) {
        return Math.min((int) INTS.getAcquire(words, entry * stride + SIZE), capacity);
    }

    /** Index of a server of an entry; the one added last is number 0. */
    public int server(int entry, int number) {
        return word(entry, SERVERS + Math.max(0, size(entry) - 1 - number));
    }

    /** Seconds since the entry's servers changed. */
    public int unchanged(int entry, int seconds) {
        return seconds - word(entry, LAST_CHANGE);
    }

    /** Makes {@code server} the only one of an address. Any worker. */
    public void put(long high, long low, int server, int seconds) {
        int set = setOf(high, low);
        if (!lock(set)) {
            return;
        }
        int entry = place(set * ways, high, low);
        resize(entry, 0);
        LONGS.setOpaque(addresses, entry * 2, high);
        LONGS.setOpaque(addresses, entry * 2 + 1, low);
        set(entry, LAST_USE, seconds);
        set(entry, LAST_CHANGE, seconds);
        set(entry, SERVERS, server);
        resize(entry, 1);
        unlock(set);
    }

    /** The entry of the address, else a free one, else the one idle longest. */
    private int place(int first, long high, long low) {
        int oldest = first;
        for (int entry = first; entry < first + ways; entry++) {
            if (size(entry) > 0 && isOf(entry, high, low)) {
                return entry;
            }
            boolean older = word(entry, LAST_USE) - word(oldest, LAST_USE) < 0;
            if (size(oldest) > 0 && (size(entry) == 0 || older)) {
                oldest = entry;
            }
        }
        return oldest;
    }

    /** Adds a server to an entry that does not have it yet; the one that came first gives way where there is no room. */
    public void add(int entry, int server, int seconds) {
        int set = entry / ways;
        if (!lock(set)) {
            return;
        }
        int size = size(entry);
        if (size > 0 && !has(entry, size, server)) {
            if (size == capacity) {
                erase(entry, 0, size);
                size--;
            }
            set(entry, SERVERS + size, server);
            resize(entry, size + 1);
            set(entry, LAST_CHANGE, seconds);
        }
        unlock(set);
    }

    /** Takes a server out of an entry that has others. */
    public void remove(int entry, int server, int seconds) {
        int set = entry / ways;
        if (!lock(set)) {
            return;
        }
        int size = size(entry);
        for (int at = 0; at < size && size > 1; at++) {
            if (word(entry, SERVERS + at) == server) {
                erase(entry, at, size);
                set(entry, LAST_CHANGE, seconds);
                break;
            }
        }
        unlock(set);
    }

    private boolean has(int entry, int size, int server) {
        for (int at = 0; at < size; at++) {
            if (word(entry, SERVERS + at) == server) {
                return true;
            }
        }
        return false;
    }

    private void erase(int entry, int at, int size) {
        for (int next = at + 1; next < size; next++) {
            set(entry, SERVERS + next - 1, word(entry, SERVERS + next));
        }
        resize(entry, size - 1);
    }

    private boolean lock(int set) {
        return INTS.compareAndSet(locks, set, 0, 1);
    }

    private void unlock(int set) {
        INTS.setRelease(locks, set, 0);
    }

    private int word(int entry, int which) {
        return (int) INTS.getOpaque(words, entry * stride + which);
    }

    private void set(int entry, int which, int value) {
        INTS.setOpaque(words, entry * stride + which, value);
    }

    private void resize(int entry, int size) {
        INTS.setRelease(words, entry * stride + SIZE, size);
    }
}
