package lvsd.dataplane.scheduler;

import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.Service;

/**
 * {@code lc} and {@code wlc}: the usable destination with the least connections, an active one weighing as much as
 * {@value #ACTIVE_WEIGHT} inactive; {@code wlc} by weight.
 */
final class LeastConnection {
    private static final int ACTIVE_WEIGHT = 256;

    private LeastConnection() {}

    static int least(Service service, DestinationCounts counts) {
        counts.refresh(service);
        Destination[] destinations = service.destinations;
        int best = Scheduler.NONE;
        long least = Long.MAX_VALUE;
        for (int at = 0; at < destinations.length; at++) {
            long overhead = overhead(counts.load(destinations[at].index));
            if (overhead < least && counts.usable(destinations[at])) {
                best = at;
                least = overhead;
            }
        }
        return best;
    }

    static int weightedLeast(Service service, DestinationCounts counts) {
        counts.refresh(service);
        Destination[] destinations = service.destinations;
        int best = Scheduler.NONE;
        long least = 0;
        int weight = 0;
        for (int at = 0; at < destinations.length; at++) {
            Destination destination = destinations[at];
            long overhead = overhead(counts.load(destination.index));
            if ((best == Scheduler.NONE || less(overhead, destination.weight, least, weight))
                    && counts.usable(destination)) {
                best = at;
                least = overhead;
                weight = destination.weight;
            }
        }
        return best;
    }

    private static long overhead(long load) {
        return DestinationCounters.active(load) * ACTIVE_WEIGHT + DestinationCounters.inactive(load);
    }

    /** Whether {@code a} has less connections by weight than {@code b}; their weights are above 0. */
    static boolean lessLoaded(Destination a, Destination b, DestinationCounts counts) {
        return less(overhead(counts.load(a.index)), a.weight, overhead(counts.load(b.index)), b.weight);
    }

    /** Whether {@code a / weightA < b / weightB}, exactly: the products may need 72 bits. */
    static boolean less(long a, long weightA, long b, long weightB) {
        long highA = Math.multiplyHigh(a, weightB);
        long highB = Math.multiplyHigh(b, weightA);
        return highA != highB ? highA < highB : Long.compareUnsigned(a * weightB, b * weightA) < 0;
    }
}
