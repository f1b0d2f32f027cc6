package lvsd.dataplane.scheduler;

import lvsd.dataplane.service.Destination;

/** {@code rr}: the usable destination after the one served last. */
final class RoundRobin extends Scheduler {
    /** Position of the destination served last, -1 before the first. */
    private int position = -1;
    /** Its index, by which it is found again in a changed list. */
    private int last = -1;

    RoundRobin() {
        super(Kind.ROUND_ROBIN);
    }

    /** Goes on behind the destination served last, or where it stood if it is gone. */
    @Override
    void serviceChanged(Destination[] destinations) {
        for (int at = 0; at < destinations.length; at++) {
            if (destinations[at].index == last) {
                position = at;
                return;
            }
        }
        position = Math.max(-1, Math.min(position, destinations.length) - 1);
    }

    int next(Destination[] destinations, DestinationCounts counts) {
        int at = position;
        for (int step = 0; step < destinations.length; step++) {
            at = at + 1 < destinations.length ? at + 1 : 0;
            if (counts.usable(destinations[at])) {
                position = at;
                last = destinations[at].index;
                return at;
            }
        }
        return NONE;
    }
}
