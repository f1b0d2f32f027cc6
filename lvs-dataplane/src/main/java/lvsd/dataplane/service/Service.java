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

    /** Whether every datagram is scheduled by itself ({@code -o}; UDP only). */
    public final boolean onePacket;
    /** Whether it is persistent. */
    public final boolean persistent;
    /** VIP in wire form ({@link Wire}); 0 for firewall marks. */
    public final int address4;
    /** Halves of an IPv6 VIP in wire form. */
    public final long address6High;

    public final long address6Low;
    /** Port in wire form; 0: any. */
    public final int port;

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
        this.onePacket = spec.onePacket();
        this.persistent = spec.persistence().isPresent();
        ServiceId.Vip vip = spec.id() instanceof ServiceId.Vip at ? at : null;
        byte[] bytes = vip == null ? new byte[16] : vip.address().getAddress();
        this.address4 = Wire.int4(bytes);
        this.address6High = bytes.length == 16 ? Wire.long8(bytes, 0) : 0;
        this.address6Low = bytes.length == 16 ? Wire.long8(bytes, 8) : 0;
        this.port = vip == null ? 0 : Wire.port(vip.port());
    }

    /** What names the service. */
    public ServiceId id() {
        return spec.id();
    }
}
