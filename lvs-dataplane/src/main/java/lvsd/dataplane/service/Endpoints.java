package lvsd.dataplane.service;

import java.util.Arrays;

/**
 * Which of some addresses and ports a given one is: an open-addressed table, filled by the control thread and immutable from
 * then on. Where one is there twice, the first counts.
 */
final class Endpoints {
    /** {@link #find}: none. */
    static final int NONE = -1;

    private static final int LONGS = 3;

    private final long[] keys;
    private final int[] places;
    private final int mask;

    /** Room for so many. */
    Endpoints(int most) {
        int size = Integer.highestOneBit(Math.max(4, most * 2)) * 2;
        mask = size - 1;
        keys = new long[size * LONGS];
        places = new int[size];
        Arrays.fill(places, NONE);
    }

    /** What else an endpoint is known by than its address: port in wire form, protocol (or 0) and IP version. */
    static long rest(int protocol, int port, boolean ipv6) {
        return (long) protocol << 32 | (ipv6 ? 1L << 40 : 0) | port;
    }

    /** Notes {@code place} (0 and above); false if another has that endpoint. */
    boolean put(long high, long low, long rest, int place) {
        int slot = slot(high, low, rest);
        if (places[slot] != NONE) {
            return false;
        }
        places[slot] = place;
        keys[slot * LONGS] = high;
        keys[slot * LONGS + 1] = low;
        keys[slot * LONGS + 2] = rest;
        return true;
    }

    /** The place noted, or {@link #NONE}. */
    int find(long high, long low, long rest) {
        return places[slot(high, low, rest)];
    }

    /** The slot that has the key, or the empty one where it belongs. */
    private int slot(long high, long low, long rest) {
        long mixed = (high ^ Long.rotateLeft(low, 29) ^ rest * 0x9e3779b97f4a7c15L) * 0xd6e8feb86659fd93L;
        int slot = (int) (mixed >>> 32) & mask;
        while (places[slot] != NONE
                && (keys[slot * LONGS] != high || keys[slot * LONGS + 1] != low || keys[slot * LONGS + 2] != rest)) {
            slot = slot + 1 & mask;
        }
        return slot;
    }
}
