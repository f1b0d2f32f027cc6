package lvsd.dataplane.scheduler;

import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.Service;

/**
 * Picks the server of a new connection; one instance per service and worker, with its cursor. Destinations of weight 0
 * and overloaded ones are never picked. Of equals the first in {@link Service#destinations} wins.
 *
 * <p>{@link #pick} chooses the kind by a switch: a service's scheduler is one of many classes, and a virtual call would be
 * megamorphic.
 */
public abstract sealed class Scheduler permits Scheduler.Stateless, RoundRobin, WeightedRoundRobin, RandomChoices {
    /** No destination can be picked. */
    public static final int NONE = -1;

    private final Kind kind;
    private long revision = Long.MIN_VALUE;

    /** What {@link #pick} switches on. */
    enum Kind {
        NONE("none"),
        ROUND_ROBIN("rr"),
        WEIGHTED_ROUND_ROBIN("wrr"),
        LEAST_CONNECTION("lc"),
        WEIGHTED_LEAST_CONNECTION("wlc"),
        SHORTEST_EXPECTED_DELAY("sed"),
        NEVER_QUEUE("nq"),
        FAILOVER("fo"),
        OVERFLOW("ovf"),
        DESTINATION_HASHING("dh"),
        SOURCE_HASHING("sh"),
        MAGLEV("mh"),
        LOCALITY("lblc"),
        LOCALITY_WITH_REPLICATION("lblcr"),
        TWO_CHOICES("twos");

        final String label;

        Kind(String label) {
            this.label = label;
        }
    }

    Scheduler(Kind kind) {
        this.kind = kind;
    }

    /** The name by which operators choose it. */
    public final String name() {
        return kind.label;
    }

    /**
     * Picks a destination.
     *
     * @param service the service; always the same one by {@link Service#index}, in its newest form
     * @param counts this worker's view of connections
     * @param flow the packet
     * @return index into {@link Service#destinations}, or {@link #NONE}
     */
    public final int pick(Service service, DestinationCounts counts, Flow flow) {
        if (service.revision != revision) {
            revision = service.revision;
            serviceChanged(service.destinations);
        }
        return switch (kind) {
            case NONE -> NONE;
            case ROUND_ROBIN -> ((RoundRobin) this).next(service.destinations, counts);
            case WEIGHTED_ROUND_ROBIN -> ((WeightedRoundRobin) this).next(service.destinations, counts);
            case LEAST_CONNECTION -> LeastConnection.least(service, counts);
            case WEIGHTED_LEAST_CONNECTION -> LeastConnection.weightedLeast(service, counts);
            case SHORTEST_EXPECTED_DELAY -> ShortestDelay.least(service, counts, false);
            case NEVER_QUEUE -> ShortestDelay.least(service, counts, true);
            case FAILOVER -> Failover.highest(service.destinations, counts);
            case OVERFLOW -> Failover.overflow(service, counts);
            case DESTINATION_HASHING -> Hashing.destination(service, counts, flow);
            case SOURCE_HASHING -> Hashing.source(service, counts, flow);
            case MAGLEV -> Hashing.maglev(service, counts, flow);
            case LOCALITY -> Locality.one(service, counts, flow);
            case LOCALITY_WITH_REPLICATION -> Locality.several(service, counts, flow);
            case TWO_CHOICES -> ((RandomChoices) this).next(service, counts);
        };
    }

    /** Adapts the state to another list of destinations or other weights. Called before the first pick, too. */
    abstract void serviceChanged(Destination[] destinations);

    /** A scheduler that keeps nothing from one pick to the next; {@code none} picks nobody. */
    static final class Stateless extends Scheduler {
        Stateless(Kind kind) {
            super(kind);
        }

        @Override
        void serviceChanged(Destination[] destinations) {}
    }
}
