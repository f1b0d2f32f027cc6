package lvsd.dataplane.scheduler;

import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.LocalityCache;
import lvsd.dataplane.service.Service;

/**
 * {@code lblc} and {@code lblcr}, made for caches: packets for one address go on to the server that had them last, or with
 * {@code lblcr} to the least loaded of several, until it has more active connections than its weight while another has
 * less than half of its own. Then {@code wlc} chooses: {@code lblc} moves the address, {@code lblcr} adds a server to it,
 * and takes the most loaded away when nothing was added for {@code lblcr_expiration}.
 *
 * <p>As in the kernel, the server that {@code lblc} remembers keeps its address at its upper threshold too: thresholds are
 * looked at when an address is given to a server. {@code lblcr} passes servers over that have reached theirs.
 */
final class Locality {
    private Locality() {}

    static int one(Service service, DestinationCounts counts, Flow flow) {
        LocalityCache cache = service.localityCache;
        if (cache == null) {
            return Scheduler.NONE;
        }
        counts.refresh(service);
        int seconds = flow.seconds();
        int entry = cache.find(flow.virtualHigh, flow.virtualLow, seconds, flow.lblcExpiration);
        if (entry != LocalityCache.NONE) {
            int place = place(service.destinations, cache.server(entry, 0));
            if (place != Scheduler.NONE && canTake(service, counts, place)) {
                return place;
            }
        }
        int chosen = LeastConnection.weightedLeast(service, counts);
        if (chosen != Scheduler.NONE) {
            cache.put(flow.virtualHigh, flow.virtualLow, service.destinations[chosen].index, seconds);
        }
        return chosen;
    }

    static int several(Service service, DestinationCounts counts, Flow flow) {
        LocalityCache cache = service.localityCache;
        if (cache == null) {
            return Scheduler.NONE;
        }
        counts.refresh(service);
        int seconds = flow.seconds();
        int entry = cache.find(flow.virtualHigh, flow.virtualLow, seconds, flow.lblcrExpiration);
        if (entry != LocalityCache.NONE) {
            int least = least(service, counts, cache, entry);
            if (cache.size(entry) > 1 && cache.unchanged(entry, seconds) > flow.lblcrExpiration) {
                removeMostLoaded(service, counts, cache, entry, seconds);
            }
            if (least != Scheduler.NONE && !spills(service, counts, least)) {
                return least;
            }
        }
        int chosen = LeastConnection.weightedLeast(service, counts);
        if (chosen == Scheduler.NONE) {
            return Scheduler.NONE;
        }
        int index = service.destinations[chosen].index;
        if (entry != LocalityCache.NONE) {
            cache.add(entry, index, seconds);
        } else {
            cache.put(flow.virtualHigh, flow.virtualLow, index, seconds);
        }
        return chosen;
    }

    private static boolean canTake(Service service, DestinationCounts counts, int place) {
        return service.destinations[place].weight > 0 && !spills(service, counts, place);
    }

    /** Whether a server has more to do than it should while another has less than half. */
    private static boolean spills(Service service, DestinationCounts counts, int place) {
        Destination destination = service.destinations[place];
        if (DestinationCounters.active(counts.load(destination.index)) <= destination.weight) {
            return false;
        }
        for (Destination other : service.destinations) {
            if (DestinationCounters.active(counts.load(other.index)) * 2 < other.weight) {
                return true;
            }
        }
        return false;
    }

    /** The usable one with the least connections by weight among an entry's servers, the one added last first. */
    private static int least(Service service, DestinationCounts counts, LocalityCache cache, int entry) {
        Destination[] destinations = service.destinations;
        int best = Scheduler.NONE;
        for (int number = 0; number < cache.size(entry); number++) {
            int place = place(destinations, cache.server(entry, number));
            if (place != Scheduler.NONE
                    && counts.usable(destinations[place])
                    && (best == Scheduler.NONE
                            || LeastConnection.lessLoaded(destinations[place], destinations[best], counts))) {
                best = place;
            }
        }
        return best;
    }

    private static void removeMostLoaded(
            Service service, DestinationCounts counts, LocalityCache cache, int entry, int seconds) {
        Destination[] destinations = service.destinations;
        int most = Scheduler.NONE;
        for (int number = 0; number < cache.size(entry); number++) {
            int place = place(destinations, cache.server(entry, number));
            if (place != Scheduler.NONE
                    && destinations[place].weight > 0
                    && (most == Scheduler.NONE
                            || LeastConnection.lessLoaded(destinations[most], destinations[place], counts))) {
                most = place;
            }
        }
        if (most != Scheduler.NONE) {
            cache.remove(entry, destinations[most].index, seconds);
        }
    }

    private static int place(Destination[] destinations, int index) {
        for (int at = 0; at < destinations.length; at++) {
            if (destinations[at].index == index) {
                return at;
            }
        }
        return Scheduler.NONE;
    }
}
