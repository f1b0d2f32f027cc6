package lvsd.dataplane.scheduler;

import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.Weights;

/**
 * {@code wrr}: walks the list in turns; in each turn those whose weight reaches the level are served. The level begins at
 * the least number that only the greatest weight reaches and falls by the weights' greatest common divisor each turn.
 */
final class WeightedRoundRobin extends Scheduler {
    private static final int TRIES = 8;

    /** Position of the destination served last, -1 at the start of a turn. */
    private int position = -1;

    private Destination[] known = {};
    private int level;
    private int step = 1;
    private int greatest;
    /** The level of a first turn: what the greatest weight serves and a weight less by one step does not. */
    private int top;

    WeightedRoundRobin() {
        super(Kind.WEIGHTED_ROUND_ROBIN);
    }

    /**
     * Begins a turn anew and keeps the level as near as the weights allow; one added destination after the other, as the
     * kernel sees them: so a series depends on the order in which they came, even when they came before the first pick.
     */
    @Override
    void serviceChanged(Destination[] destinations) {
        int added = 0;
        while (added < destinations.length && !knew(destinations[added])) {
            added++;
        }
        int divisor = 0;
        greatest = 0;
        for (int at = added; at < destinations.length; at++) {
            divisor = Weights.divisor(divisor, destinations[at].weight);
            greatest = Math.max(greatest, destinations[at].weight);
        }
        adjustLevel(divisor);
        for (int at = added - 1; at >= 0; at--) {
            divisor = Weights.divisor(divisor, destinations[at].weight);
            greatest = Math.max(greatest, destinations[at].weight);
            adjustLevel(divisor);
        }
        position = -1;
        known = destinations;
    }

    private boolean knew(Destination destination) {
        for (Destination old : known) {
            if (old.index == destination.index) {
                return true;
            }
        }
        return false;
    }

    private void adjustLevel(int divisor) {
        step = Math.max(1, divisor);
        top = greatest == 0 ? 0 : greatest - step + 1;
        if (level == 0 || level > top) {
            level = top;
        } else if (step > 1) {
            level = level / step * step + 1;
        }
    }

    int next(Destination[] destinations, DestinationCounts counts) {
        int found = rest(destinations, counts);
        if (found != NONE) {
            return found;
        }
        // The rest of this turn had none; a whole turn at a level that somebody reaches has one, unless another worker
        // has
        // filled that one meanwhile. Levels that nobody reaches are passed over at once: weights go to two thousand
        // millions.
        for (int tries = 0; tries < TRIES && found == NONE; tries++) {
            int reached = greatestUsable(destinations, counts);
            if (reached == 0) {
                return NONE;
            }
            level = level > step ? level - step : top;
            level = Math.min(level, reached - step + 1);
            position = -1;
            found = rest(destinations, counts);
        }
        return found;
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
