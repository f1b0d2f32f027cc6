package lvsd.dataplane.scheduler;

import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.Service;

/**
 * {@code sed} and {@code nq}: the usable destination with the shortest expected delay, which is the active connections
 * with the new one by weight. {@code nq} never lets a connection queue while the first of the idle ones could take it.
 */
final class ShortestDelay {
    private ShortestDelay() {}

    static int least(Service service, DestinationCounts counts, boolean neverQueue) {
        counts.refresh(service);
        Destination[] destinations = service.destinations;
        int best = Scheduler.NONE;
        long shortest = 0;
        int weight = 0;
        for (int at = 0; at < destinations.length; at++) {
            Destination destination = destinations[at];
            long active = DestinationCounters.active(counts.load(destination.index));
            boolean idle = neverQueue && active == 0;
            boolean shorter =
                    best == Scheduler.NONE || LeastConnection.less(active + 1, destination.weight, shortest, weight);
            if ((idle || shorter) && counts.usable(destination)) {
                if (idle) {
                    return at;
                }
                best = at;
                shortest = active + 1;
                weight = destination.weight;
            }
        }
        return best;
    }
}
