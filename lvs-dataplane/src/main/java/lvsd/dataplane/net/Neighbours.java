package lvsd.dataplane.net;

import java.util.Arrays;
import lvsd.memory.OffHeap;

/**
 * One worker's neighbours, IPv4 and IPv6, by interface and address: their adjacency lines, their states (after RFC 4861,
 * section 7.3, for ARP too) and the packets that wait for them.
 *
 * <p>Everything is of fixed size: lines, held packets, and what one poll looks at. An id is the line's index in the low
 * 16 bits and a generation, never 0, above; a new generation makes all ids kept elsewhere invalid, which happens when
 * routes change or a line is taken for another neighbour.
 */
final class Neighbours implements AutoCloseable {
    /** Most lines. */
    static final int MAXIMUM = 1 << 16;
    /** Packets held for all neighbours together. */
    static final int HELD = 1024;

    private static final int NONE = -1;
    private static final int SWEEPS_PER_SECOND = 10;
    private static final int LEAST_SWEEP = 8;
    private static final int RECLAIM_LOOKS = 64;
    private static final int GENERATIONS = 0x7fff;

    /** What the table asks of its owner. */
    interface Owner {
        /** Asks who has the neighbour; unicast: asks the MAC that is known. */
        void ask(int index, boolean unicast);

        /** Sends a packet that was held, now that the neighbour is known. */
        void release(int index, long mbuf, long l3);

        /** Disposes of a packet whose neighbour did not answer, or whose place an other one took. */
        void discard(int index, long mbuf, long l3, boolean failed);

        /** A neighbour that had answered before did not answer now. */
        void lost(int index);
    }

    private final int capacity;
    private final OffHeap memory;
    private final long lines;
    private final long seed;
    private final Owner owner;

    private final long[] high;
    private final long[] low;
    private final boolean[] ipv6;
    private final int[] generation;
    private final int[] deadline;
    private final int[] tries;
    private final int[] chain;
    private final int[] buckets;
    private final int[] heldFirst;
    private final int[] heldLast;
    private final int[] heldCount;
    private final int[] free;
    private int freeCount;
    private int everUsed;
    private int sweep;
    private int clockHand;

    private final long[] heldMbuf = new long[HELD];
    private final long[] heldL3 = new long[HELD];
    private final int[] heldNext = new int[HELD];
    private int heldFree;

    private NetSettings settings;

    /**
     * @param capacity lines; a power of two, at most {@link #MAXIMUM}
     * @param seed random: keeps others from choosing colliding addresses
     */
    Neighbours(int capacity, long seed, NetSettings settings, Owner owner) {
        if (capacity < 2 || capacity > MAXIMUM || Integer.bitCount(capacity) != 1) {
            throw new IllegalArgumentException(
                    "neighbours must be a power of two from 2 to " + MAXIMUM + ", not " + capacity);
        }
        this.capacity = capacity;
        this.seed = seed;
        this.owner = owner;
        this.settings = settings;
        memory = OffHeap.map((long) capacity * Adjacency.SIZE, false, false);
        lines = memory.address();
        for (int i = 0; i < capacity; i++) {
            Adjacency.clear(line(i));
        }
        high = new long[capacity];
        low = new long[capacity];
        ipv6 = new boolean[capacity];
        generation = new int[capacity];
        deadline = new int[capacity];
        tries = new int[capacity];
        chain = new int[capacity];
        buckets = new int[capacity];
        heldFirst = new int[capacity];
        heldLast = new int[capacity];
        heldCount = new int[capacity];
        free = new int[capacity];
        Arrays.fill(generation, 1);
        Arrays.fill(buckets, NONE);
        Arrays.fill(heldFirst, NONE);
        for (int i = 0; i < HELD; i++) {
            heldNext[i] = i + 1 < HELD ? i + 1 : NONE;
        }
    }

    /** Which bits of an id are the line's index. */
    int mask() {
        return capacity - 1;
    }

    /** Address of the line with the given index or id. */
    long line(int id) {
        return lines + (long) (id & capacity - 1) * Adjacency.SIZE;
    }

    /** The current id of a line. */
    int id(int index) {
        return generation[index] << 16 | index;
    }

    /** The index in an id. */
    int index(int id) {
        return id & capacity - 1;
    }

    /** Whether an id still means the neighbour it was given for. */
    boolean current(int id) {
        return id(index(id)) == id;
    }

    /** First half of a neighbour's address. */
    long high(int index) {
        return high[index];
    }

    /** Second half of a neighbour's address. */
    long low(int index) {
        return low[index];
    }

    /** Whether a neighbour is an IPv6 one. */
    boolean ipv6(int index) {
        return ipv6[index];
    }

    /** Lines that were ever used: the bound of loops over them. */
    int everUsed() {
        return everUsed;
    }

    private int bucket(int iface, long addressHigh, long addressLow) {
        return AddressTable.hash(addressHigh ^ seed, addressLow + iface) & capacity - 1;
    }

    /** The index of a neighbour, or -1. */
    int find(boolean isIpv6, int iface, long addressHigh, long addressLow) {
        int index = buckets[bucket(iface, addressHigh, addressLow)];
        while (index != NONE) {
            if (high[index] == addressHigh
                    && low[index] == addressLow
                    && ipv6[index] == isIpv6
                    && Adjacency.iface(line(index)) == iface) {
                return index;
            }
            index = chain[index];
        }
        return NONE;
    }

    /** The index of a neighbour, made and asked for if it is new; -1 when no line can be had. */
    int findOrCreate(boolean isIpv6, Interface iface, long addressHigh, long addressLow, int now) {
        int index = find(isIpv6, iface.index(), addressHigh, addressLow);
        if (index != NONE) {
            return index;
        }
        index = take();
        if (index == NONE) {
            return NONE;
        }
        high[index] = addressHigh;
        low[index] = addressLow;
        ipv6[index] = isIpv6;
        Adjacency.initialise(line(index), iface);
        link(index, iface.index());
        resolve(index, now);
        return index;
    }

    private void link(int index, int iface) {
        int bucket = bucket(iface, high[index], low[index]);
        chain[index] = buckets[bucket];
        buckets[bucket] = index;
    }

    private void unlink(int index) {
        int bucket = bucket(Adjacency.iface(line(index)), high[index], low[index]);
        int before = NONE;
        int at = buckets[bucket];
        while (at != index) {
            before = at;
            at = chain[at];
        }
        if (before == NONE) {
            buckets[bucket] = chain[index];
        } else {
            chain[before] = chain[index];
        }
    }

    private int take() {
        if (everUsed < capacity) {
            return everUsed++;
        }
        if (freeCount == 0) {
            reclaim();
        }
        return freeCount == 0 ? NONE : free[--freeCount];
    }

    /** Frees a line that nobody needs now, among the next few: an unresolved or unused one. */
    private void reclaim() {
        for (int i = 0; i < RECLAIM_LOOKS && i < capacity; i++) {
            clockHand = clockHand + 1 & capacity - 1;
            int state = Adjacency.state(line(clockHand));
            if (state == Adjacency.FAILED || state == Adjacency.STALE) {
                remove(clockHand);
                return;
            }
        }
    }

    private void remove(int index) {
        discardHeld(index, false);
        unlink(index);
        renew(index);
        setState(index, Adjacency.FREE);
        free[freeCount++] = index;
    }

    /** A new generation of a line: ids kept elsewhere become invalid. */
    private void renew(int index) {
        generation[index] = generation[index] == GENERATIONS ? 1 : generation[index] + 1;
    }

    private void setState(int index, int state) {
        Adjacency.setState(line(index), state, id(index));
    }

    private void resolve(int index, int now) {
        setState(index, Adjacency.INCOMPLETE);
        tries[index] = 1;
        deadline[index] = now + Net.TICKS_PER_SECOND;
        owner.ask(index, false);
    }

    private void probe(int index, int now) {
        setState(index, Adjacency.PROBE);
        tries[index] = 1;
        deadline[index] = now + Net.TICKS_PER_SECOND;
        owner.ask(index, true);
    }

    /**
     * Makes ready to send to a neighbour: true when the line is resolved (a stale one is used and asked to confirm);
     * false when packets must be held, the question being out.
     */
    boolean prepare(int index, int now) {
        switch (Adjacency.state(line(index))) {
            case Adjacency.REACHABLE, Adjacency.PROBE:
                return true;
            case Adjacency.STALE:
                probe(index, now);
                return true;
            case Adjacency.INCOMPLETE:
                return false;
            default:
                resolve(index, now);
                return false;
        }
    }

    /** Holds a packet for an unresolved neighbour; the oldest held goes when its queue is full. False: no room at all. */
    boolean hold(int index, long mbuf, long l3) {
        if (heldCount[index] >= settings.queue()) {
            discardOldest(index);
        }
        if (heldFree == NONE || settings.queue() == 0) {
            return false;
        }
        int place = heldFree;
        heldFree = heldNext[place];
        heldMbuf[place] = mbuf;
        heldL3[place] = l3;
        heldNext[place] = NONE;
        if (heldFirst[index] == NONE) {
            heldFirst[index] = place;
        } else {
            heldNext[heldLast[index]] = place;
        }
        heldLast[index] = place;
        heldCount[index]++;
        return true;
    }

    private int takeHeld(int index) {
        int place = heldFirst[index];
        if (place != NONE) {
            heldFirst[index] = heldNext[place];
            heldCount[index]--;
            heldNext[place] = heldFree;
            heldFree = place;
        }
        return place;
    }

    private void discardOldest(int index) {
        int place = takeHeld(index);
        if (place != NONE) {
            owner.discard(index, heldMbuf[place], heldL3[place], false);
        }
    }

    private void discardHeld(int index, boolean failed) {
        for (int place = takeHeld(index); place != NONE; place = takeHeld(index)) {
            owner.discard(index, heldMbuf[place], heldL3[place], failed);
        }
    }

    private void releaseHeld(int index) {
        for (int place = takeHeld(index); place != NONE; place = takeHeld(index)) {
            owner.release(index, heldMbuf[place], heldL3[place]);
        }
    }

    /** Packets held for a neighbour. */
    int held(int index) {
        return heldCount[index];
    }

    /**
     * A neighbour's MAC as it was told.
     *
     * @param confirmed the message answers a question of ours, so the neighbour hears us
     * @param override whether a MAC that differs replaces the known one
     */
    void learn(int index, long mac, boolean confirmed, boolean override, int now) {
        long line = line(index);
        int state = Adjacency.state(line);
        boolean same = Adjacency.destination(line) == mac;
        if (state >= Adjacency.STALE && !same && !override) {
            if (state == Adjacency.REACHABLE) {
                setState(index, Adjacency.STALE);
                deadline[index] = now + expire();
            }
            return;
        }
        Adjacency.setDestination(line, mac);
        if (state < Adjacency.STALE || confirmed) {
            reachable(index, now);
        } else if (!same) {
            probe(index, now);
        }
        if (state == Adjacency.INCOMPLETE) {
            releaseHeld(index);
        }
    }

    private void reachable(int index, int now) {
        setState(index, Adjacency.REACHABLE);
        int base = settings.reachableSeconds() * Net.TICKS_PER_SECOND;
        int spread = Math.floorMod(AddressTable.hash(high[index] + now, low[index] ^ seed), base / 2 + 1);
        deadline[index] = now + base - base / 4 + spread;
        tries[index] = 0;
    }

    private int expire() {
        return settings.expireSeconds() * Net.TICKS_PER_SECOND;
    }

    /** Looks at some lines: repeats questions, gives up, has used ones confirmed, forgets unused ones. */
    void poll(int now) {
        int looks = Math.min(everUsed, LEAST_SWEEP + everUsed * SWEEPS_PER_SECOND / Net.TICKS_PER_SECOND);
        for (int i = 0; i < looks; i++) {
            sweep = sweep + 1 < everUsed ? sweep + 1 : 0;
            if (deadline[sweep] - now <= 0) {
                due(sweep, now);
            }
        }
    }

    private void due(int index, int now) {
        switch (Adjacency.state(line(index))) {
            case Adjacency.INCOMPLETE -> again(index, now, false);
            case Adjacency.PROBE -> again(index, now, true);
            case Adjacency.REACHABLE -> confirm(index, now);
            case Adjacency.STALE, Adjacency.FAILED -> remove(index);
            default -> deadline[index] = now + expire();
        }
    }

    private void again(int index, int now, boolean unicast) {
        if (tries[index] >= settings.retries()) {
            setState(index, Adjacency.FAILED);
            deadline[index] = now + expire();
            discardHeld(index, true);
            if (unicast) {
                owner.lost(index);
            }
            return;
        }
        tries[index]++;
        deadline[index] = now + Net.TICKS_PER_SECOND;
        owner.ask(index, unicast);
    }

    private void confirm(int index, int now) {
        if (Adjacency.takeUsed(line(index))) {
            probe(index, now);
        } else {
            setState(index, Adjacency.STALE);
            deadline[index] = now + expire();
        }
    }

    /** Takes over settings. */
    void settings(NetSettings newer) {
        settings = newer;
    }

    /**
     * Takes over interfaces. {@code moved[i]} is the new index of the interface that was {@code i}, or -1.
     */
    void reconfigure(NetConfig config, int[] moved) {
        for (int i = 0; i < everUsed; i++) {
            int state = Adjacency.state(line(i));
            if (state != Adjacency.FREE) {
                moveTo(i, moved[Adjacency.iface(line(i))], state, config);
            }
        }
    }

    private void moveTo(int index, int iface, int state, NetConfig config) {
        if (iface == NONE) {
            remove(index);
            return;
        }
        long line = line(index);
        long mac = Adjacency.destination(line);
        boolean used = Adjacency.takeUsed(line);
        unlink(index);
        Adjacency.initialise(line, config.iface(iface));
        Adjacency.setDestination(line, mac);
        if (used) {
            Adjacency.setUsed(line);
        }
        renew(index);
        setState(index, state);
        link(index, iface);
    }

    /** Frees the lines. Held packets must have been given back by {@link #discardAll}. */
    @Override
    public void close() {
        memory.close();
    }

    /** Gives every held packet back to the owner. */
    void discardAll() {
        for (int i = 0; i < everUsed; i++) {
            discardHeld(i, false);
        }
    }
}
