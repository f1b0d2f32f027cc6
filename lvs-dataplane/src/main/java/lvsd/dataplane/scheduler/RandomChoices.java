package lvsd.dataplane.scheduler;

import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.Service;

/**
 * {@code twos}: two usable destinations at random in proportion to weight, and of those the one with less connections by
 * weight (the power of two choices, Mitzenmacher 2001): unlike {@code wlc} it does not send everybody to a newcomer.
 */
final class RandomChoices extends Scheduler {
    /** Picks of a worker need not be hard to guess, only spread: xorshift64* (Vigna 2016). */
    private long random = System.nanoTime() | 1;

    RandomChoices() {
        super(Kind.TWO_CHOICES);
    }

    @Override
    void serviceChanged(Destination[] destinations) {}

    int next(Service service, DestinationCounts counts) {
        counts.refresh(service);
        Destination[] destinations = service.destinations;
        long weights = 0;
        for (Destination destination : destinations) {
            weights += counts.usable(destination) ? destination.weight : 0;
        }
        if (weights == 0) {
            return NONE;
        }
        int one = weighted(destinations, counts, below(weights));
        int other = weighted(destinations, counts, below(weights));
        if (one == NONE || other == NONE) {
            return Math.max(one, other);
        }
        return LeastConnection.lessLoaded(destinations[other], destinations[one], counts) ? other : one;
    }

    /**
     * The usable destination on which {@code ticket} falls when they share the range up to the sum of their weights; none
     * if another worker has filled one since the sum was made, and the ticket falls behind the last.
     */
    private static int weighted(Destination[] destinations, DestinationCounts counts, long ticket) {
        long left = ticket;
        for (int at = 0; at < destinations.length; at++) {
            if (counts.usable(destinations[at])) {
                left -= destinations[at].weight;
                if (left < 0) {
                    return at;
                }
            }
        }
        return NONE;
    }

    /** Evenly 0 to {@code bound} - 1; the bound is far below 2^64. */
    private long below(long bound) {
        random ^= random >>> 12;
        random ^= random << 25;
        random ^= random >>> 27;
        return Math.unsignedMultiplyHigh(random * 0x2545_f491_4f6c_dd1dL, bound);
    }
}
