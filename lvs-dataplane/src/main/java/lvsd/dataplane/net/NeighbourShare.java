package lvsd.dataplane.net;

import lvsd.dataplane.io.LongRing;

/**
 * Hands what one worker learned of a neighbour to the others: the answer to a question reaches one queue only, whoever
 * asked. One ring per pair of workers; made once for all of them.
 */
public final class NeighbourShare {
    /** Of a worker without others. */
    static final NeighbourShare ALONE = new NeighbourShare(1);

    private static final int MESSAGE = 4;
    private static final int RING = 64 * MESSAGE;

    private static final long IPV6 = 1L << 16;
    private static final long CONFIRMED = 1L << 17;
    private static final long OVERRIDE = 1L << 18;

    private final LongRing[][] rings;
    private final long[][] scratch;

    /** Rings between {@code workers} workers. */
    public NeighbourShare(int workers) {
        rings = new LongRing[workers][workers];
        scratch = new long[workers][MESSAGE];
        for (LongRing[] row : rings) {
            for (int to = 0; to < workers; to++) {
                row[to] = new LongRing(RING);
            }
        }
    }

    /** Tells all workers but {@code from}. Lost when a ring is full: the others then ask for themselves. */
    void tell(int from, boolean ipv6, int iface, long high, long low, long mac, boolean confirmed, boolean override) {
        long[] message = scratch[from];
        message[0] = iface | (ipv6 ? IPV6 : 0) | (confirmed ? CONFIRMED : 0) | (override ? OVERRIDE : 0);
        message[1] = high;
        message[2] = low;
        message[3] = mac;
        for (int to = 0; to < rings.length; to++) {
            if (to != from) {
                rings[from][to].offerAll(message, MESSAGE);
            }
        }
    }

    /** Takes at most one message from each other worker. */
    void receive(int worker, Net net) {
        long[] message = scratch[worker];
        for (int from = 0; from < rings.length; from++) {
            if (from != worker && rings[from][worker].drain(message, MESSAGE) == MESSAGE) {
                boolean ipv6 = (message[0] & IPV6) != 0;
                boolean confirmed = (message[0] & CONFIRMED) != 0;
                boolean override = (message[0] & OVERRIDE) != 0;
                int iface = (int) message[0] & 0xffff;
                net.learnedElsewhere(ipv6, iface, message[1], message[2], message[3], confirmed, override);
            }
        }
    }
}
