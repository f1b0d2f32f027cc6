package lvsd.sync;

/**
 * Which message last spoke of a connection, for the connections heard of lately: datagrams come in another order, and what
 * an older one says must not undo what a newer one said. A connection that another one has displaced here is one that
 * nobody spoke of for a while. Owned by one thread.
 */
final class Latest {
    /** What a director needs: more than it hears in the time by which a datagram may be late. */
    static final int SLOTS = 1 << 16;

    /** Places of a set: a connection is in one of them, so that one neighbour does not displace it. */
    private static final int WAYS = 4;

    /** Hash and sequence of each place in turn, so that a set is one cache line. */
    private final long[] places;

    private final int sets;

    @SuppressWarnings("UnusedVariable") // keeps the loads of fetch
    private long fetched;

    /** Room for so many connections, a power of two. */
    Latest(int slots) {
        places = new long[2 * slots];
        sets = slots / WAYS;
    }

    /** A number for a connection's tuple; two tuples hardly ever have the same. */
    static long hash(SyncConnection c) {
        long hash = mix(c.clientLow + 0x9e37_79b9_7f4a_7c15L * (c.clientPort + 1L));
        hash = mix(hash ^ (c.virtualLow + 0xc2b2_ae3d_27d4_eb4fL * (c.virtualPort + 1L)));
        hash = mix(hash ^ ((c.protocol << 1) | (c.ipv6 ? 1 : 0)));
        return c.ipv6 ? mix(hash ^ mix(c.clientHigh) ^ c.virtualHigh) : hash;
    }

    private static long mix(long value) {
        long z = (value ^ (value >>> 30)) * 0xbf58_476d_1ce4_e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d0_49bb_1331_11ebL;
        return z ^ (z >>> 31);
    }

    /** Has the places of the first {@code count} hashes fetched: loads that nothing waits for. */
    void fetch(long[] hashes, int count) {
        long sum = 0;
        for (int i = 0; i < count; i++) {
            sum += places[set(hashes[i])];
        }
        fetched = sum;
    }

    private int set(long hash) {
        return ((int) hash & (sets - 1)) * 2 * WAYS;
    }

    /**
     * Notes that message {@code sequence} speaks of the connection with that {@link #hash}, in the place of the one in its set
     * not spoken of for longest. False, and nothing is noted, if a newer message has spoken of it.
     */
    boolean see(long hash, long sequence) {
        int set = set(hash);
        int place = set;
        for (int i = set; i < set + 2 * WAYS; i += 2) {
            if (places[i] == hash) {
                if (Long.compareUnsigned(places[i + 1], sequence) > 0) {
                    return false;
                }
                place = i;
                break;
            }
            if (Long.compareUnsigned(places[i + 1], places[place + 1]) < 0) {
                place = i;
            }
        }
        places[place] = hash;
        places[place + 1] = sequence;
        return true;
    }
}
