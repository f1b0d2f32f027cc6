package lvsd.dataplane.scheduler;

import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.Service;
import org.jspecify.annotations.Nullable;

/**
 * Connections of destinations as one worker's schedulers see them: its own to the one, the other workers' as they were
 * in this cycle or later. Owned by that worker.
 *
 * <p>Also keeps which destinations are overloaded: set when the connections reach the upper threshold, cleared when they
 * fall below the lower (below three quarters of the upper where there is no lower), kept in between.
 */
public final class DestinationCounts {
    private final DestinationCounters own;
    private final DestinationCounters[] others;
    private final long[] othersLoads;
    private final int[] summedIn = new int[Service.MAXIMUM];
    private final Overloads overloads;
    private int cycle = 1;

    /**
     * The view of one worker.
     *
     * @param overloads which destinations are overloaded, the same for all workers
     * @param own its own counters
     * @param others those of the other workers
     */
    public DestinationCounts(Overloads overloads, DestinationCounters own, DestinationCounters... others) {
        this.overloads = overloads;
        this.own = own;
        this.others = others.clone();
        this.othersLoads = new long[others.length == 0 ? 0 : Destination.MAXIMUM];
    }

    /** Begins a worker's cycle: the others' counts are read anew where they are needed. */
    public void beginCycle() {
        cycle++;
    }

    /** Sums the others' counts of a service's destinations, if this cycle has not yet. */
    void refresh(Service service) {
        if (others.length != 0 && summedIn[service.index] != cycle) {
            summedIn[service.index] = cycle;
            for (Destination destination : service.destinations) {
                othersLoads[destination.index] = sumOthers(destination.index);
            }
        }
    }

    private long sumOthers(int destination) {
        long sum = 0;
        for (DestinationCounters other : others) {
            sum += other.load(destination);
        }
        return sum;
    }

    /** Active and inactive connections ({@link DestinationCounters#active(long)}) as of the last {@link #refresh}. */
    long load(int destination) {
        return own.load(destination) + (others.length == 0 ? 0 : othersLoads[destination]);
    }

    /** Whether the destination may be picked: weight above 0 and not overloaded. */
    public boolean usable(Destination destination) {
        return destination.weight > 0 && !isOverloaded(destination);
    }

    /** Whether the destination is overloaded now. */
    public boolean isOverloaded(Destination destination) {
        if (destination.upperThreshold == 0) {
            overloads.set(destination.index, false);
            return false;
        }
        return updateOverload(destination);
    }

    private boolean updateOverload(Destination destination) {
        int index = destination.index;
        long load = own.load(index) + sumOthers(index);
        long connections = DestinationCounters.active(load) + DestinationCounters.inactive(load);
        boolean cleared = destination.lowerThreshold != 0
                ? connections < destination.lowerThreshold
                : connections * 4 < destination.upperThreshold * 3L;
        boolean now = connections >= destination.upperThreshold || (overloads.get(index) && !cleared);
        overloads.set(index, now);
        return now;
    }

    /** Counts a new connection; it begins inactive. */
    public void opened(Destination destination) {
        own.opened(destination.index);
        noteLoad(destination);
    }

    /** Counts a connection that came by sync. */
    public void adopted(Destination destination, boolean active) {
        own.adopted(destination.index, active);
        noteLoad(destination);
    }

    /** Counts persistence templates of a destination that begin (1) or end (-1); they are no load. */
    public void persistent(int destination, int change) {
        own.persistent(destination, change);
    }

    /** Counts TCP connections of a destination whose handshake begins (1) or is over (-1). */
    public void halfOpen(int destination, int change) {
        own.halfOpen(destination, change);
    }

    /** Counts a handshake of the SYN proxy that the destination did not answer. */
    public void unanswered(int destination) {
        own.notAnswered(destination);
    }

    /** Counts a change of state: {@code activeChange} is 1 from inactive to active, -1 back, 0 neither. */
    public void changed(int destination, int activeChange) {
        own.changed(destination, activeChange);
    }

    /**
     * Counts the end of a connection.
     *
     * @param index index of its destination
     * @param destination the destination, null when it was removed
     * @param active whether the connection was counted as active
     */
    public void closed(int index, @Nullable Destination destination, boolean active) {
        own.closed(index, active);
        if (destination != null) {
            noteLoad(destination);
        }
    }

    /** Overload depends on the past: it is looked at whenever the sum changes. */
    private void noteLoad(Destination destination) {
        if (destination.upperThreshold != 0) {
            updateOverload(destination);
        }
    }
}
