package lvsd.dataplane.service;

import java.util.List;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;

/**
 * One virtual service as workers see it, immutable. {@link #index} is dense and stays the same through edits.
 *
 * <p>{@link #destinations} stand in the kernel's order: the one added last comes first (schedulers walk them so).
 */
public final class Service {
    /** Most services. */
    public static final int MAXIMUM = 1 << 14;

    /** Dense index, below {@link #MAXIMUM}. */
    public final int index;
    /** What the operator said. */
    public final ServiceSpec spec;
    /** Real servers, newest first. */
    public final Destination[] destinations;
    /** FULLNAT local addresses in the order they were added. */
    public final LocalAddress[] localAddresses;
    /** Changes whenever {@link #destinations} or the scheduler change; schedulers rebuild their state on it. */
    public final long revision;

    /** Own timeout of established connections in seconds; 0: none. */
    public final int connectionTimeout;
    /** Whether FULLNAT destinations are told the client's address in TCP option 254. */
    public final boolean toa;

    /** Makes the worker's view of {@code spec}. */
    public Service(
            int index,
            ServiceSpec spec,
            List<Destination> destinations,
            List<LocalAddress> localAddresses,
            long revision) {
        this.index = index;
        this.spec = spec;
        this.destinations = destinations.toArray(Destination[]::new);
        this.localAddresses = localAddresses.toArray(LocalAddress[]::new);
        this.revision = revision;
        this.connectionTimeout = spec.connectionTimeout().orElse(0);
        this.toa = spec.toa();
    }

    /** What names the service. */
    public ServiceId id() {
        return spec.id();
    }
}
