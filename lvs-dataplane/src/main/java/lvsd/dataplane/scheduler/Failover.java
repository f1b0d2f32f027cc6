package lvsd.dataplane.scheduler;

import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.Service;

/**
 * {@code fo} and {@code ovf}: the usable destination with the greatest weight; {@code ovf} passes over those that have
 * more active connections than weight, and refuses when all have.
 */
final class Failover {
    private Failover() {}

    static int highest(Destination[] destinations, DestinationCounts counts) {
        int best = Scheduler.NONE;
        int weight = 0;
        for (int at = 0; at < destinations.length; at++) {
            if (destinations[at].weight > weight && counts.usable(destinations[at])) {
                best = at;
                weight = destinations[at].weight;
            }
        }
        return best;
    }

    static int overflow(Service service, DestinationCounts counts) {
        counts.refresh(service);
        Destination[] destinations = service.destinations;
        int best = Scheduler.NONE;
        int weight = 0;
        for (int at = 0; at < destinations.length; at++) {
            Destination destination = destinations[at];
            if (destination.weight > weight
                    && DestinationCounters.active(counts.load(destination.index)) <= destination.weight
                    && counts.usable(destination)) {
                best = at;
                weight = destination.weight;
            }
        }
        return best;
    }
}
