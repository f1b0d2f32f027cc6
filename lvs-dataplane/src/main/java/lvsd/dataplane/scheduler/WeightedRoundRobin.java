package lvsd.dataplane.scheduler;

import lvsd.dataplane.service.Destination;

/**
 * {@code wrr}: walks the list in turns; in each turn those whose weight reaches the level are served. The level begins at
 * the greatest weight and falls by the weights' greatest common divisor each turn.
 */
final class WeightedRoundRobin extends Scheduler {
    /** Position of the destination served last, -1 at the start of a turn. */
    private int position = -1;

    private int level;
    private int step = 1;
    private int greatest;

    WeightedRoundRobin() {
        super(Kind.WEIGHTED_ROUND_ROBIN);
    }

    /** Begins a turn anew; keeps the level as near as the new weights allow. */
    @Override
    void serviceChanged(Destination[] destinations) {
        int lowestServed = level - step + 1;
        int divisor = 0;
        greatest = 0;
        for (Destination destination : destinations) {
            divisor = divisor(divisor, destination.weight);
            greatest = Math.max(greatest, destination.weight);
        }
        step = Math.max(1, divisor);
        long kept = (Math.max(1L, lowestServed) + step - 1) / step * step;
        level = level == 0 || kept > greatest ? greatest : (int) kept;
        position = -1;
    }

    private static int divisor(int a, int b) {
        while (b != 0) {
            int rest = a % b;
            a = b;
            b = rest;
        }
        return a;
    }

    int next(Destination[] destinations, DestinationCounts counts) {
        int found = rest(destinations, counts);
        if (found != NONE) {
            return found;
        }
        // The rest of this turn had none; a whole turn at a level that somebody reaches has one. Levels that nobody
        // reaches are passed over at once: weights go to two thousand millions.
        int reached = greatestUsable(destinations, counts);
        if (reached == 0) {
            return NONE;
        }
        level = level > step ? level - step : greatest;
        level = Math.min(level, reached);
        position = -1;
        return rest(destinations, counts);
    }

    private int rest(Destination[] destinations, DestinationCounts counts) {
        for (int at = position + 1; at < destinations.length; at++) {
            if (destinations[at].weight >= level && counts.usable(destinations[at])) {
                position = at;
                return at;
            }
        }
        return NONE;
    }

    private static int greatestUsable(Destination[] destinations, DestinationCounts counts) {
        int weight = 0;
        for (Destination destination : destinations) {
            if (destination.weight > weight && counts.usable(destination)) {
                weight = destination.weight;
            }
        }
        return weight;
    }
}
