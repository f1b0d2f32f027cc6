package lvsd.dataplane.service;

import java.util.List;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import lvsd.rules.SynProxyMode;
import lvsd.wire.WireForm;
import org.jspecify.annotations.Nullable;

/**
 * One virtual service as workers see it, immutable. {@link #index} is dense and stays the same through edits.
 *
 * <p>{@link #destinations} stand in the kernel's order: the one added last comes first (schedulers walk them so).
 */
public final class Service {
    /** Most services. */
    public static final int MAXIMUM = 1 << 14;
    /** Port of FTP's control connections, wire form. */
    public static final int FTP = Wire.port(21);

    /** Port of FTP's data connections at the server, wire form. */
    public static final int FTP_DATA = Wire.port(20);

    /** Dense index, below {@link #MAXIMUM}. */
    public final int index;
    /** What the operator said. */
    public final ServiceSpec spec;
    /** Real servers, newest first. */
    public final Destination[] destinations;
    /** What a hashing scheduler looks up, null with another or where there is nobody to pick. */
    public final @Nullable HashTable hashTable;
    /** What {@code lblc} and {@code lblcr} remember, null with another scheduler. */
    public final @Nullable LocalityCache localityCache;
    /** Whether hashing schedulers look further when the destination found cannot be picked. */
    public final boolean hashFallback;
    /** Whether hashing schedulers hash the client's port too. */
    public final boolean hashPort;
    /** FULLNAT local addresses in the order they were added. */
    public final LocalAddress[] localAddresses;

    private final Endpoints servers;
    private final Endpoints locals;

    /** Changes whenever {@link #destinations} or the scheduler change; schedulers rebuild their state on it. */
    public final long revision;

    /** Own timeout of established connections in seconds; 0: none. */
    public final int connectionTimeout;
    /** Whether all destinations are FULLNAT. */
    public final boolean fullnatOnly;
    /** Whether FULLNAT destinations are told the client's address in TCP option 254. */
    public final boolean toa;

    /** Whether other directors are told of its connections and templates. */
    public final boolean synced;

    /** Whether every datagram is scheduled by itself ({@code -o}; UDP only). */
    public final boolean onePacket;
    /** Whether it is persistent. */
    public final boolean persistent;
    /** Seconds that persistence holds a client; 0: none. */
    public final int persistence;
    /** Whether persistence goes by the Call-ID too ({@code --pe sip}). */
    public final boolean byCall;
    /** Bits of an IPv4 client's address that count for persistence, wire form. */
    public final int mask4;
    /** Halves of the same for IPv6. */
    public final long maskHigh;

    public final long maskLow;
    /** Firewall mark, its highest byte first as in an address, wire form; 0 for VIPs. */
    public final int mark;
    /** VIP in wire form ({@link Wire}); 0 for firewall marks. */
    public final int address4;
    /** Halves of an IPv6 VIP in wire form. */
    public final long address6High;

    public final long address6Low;
    /** Port in wire form; 0: any. */
    public final int port;

    /** Whether SYNs are answered by cookies; TCP only. */
    public final SynProxyMode synProxy;

    /** Makes the worker's view of {@code spec}. */
    public Service(
            int index,
            ServiceSpec spec,
            List<Destination> destinations,
            List<LocalAddress> localAddresses,
            long revision) {
        this(index, spec, destinations, localAddresses, revision, LocalityCache.of(spec));
    }

    /** As before, for a service that goes on with what its scheduler remembers. */
    public Service(
            int index,
            ServiceSpec spec,
            List<Destination> destinations,
            List<LocalAddress> localAddresses,
            long revision,
            @Nullable LocalityCache localityCache) {
        this.index = index;
        this.spec = spec;
        this.destinations = destinations.toArray(Destination[]::new);
        this.hashTable = HashTable.of(spec.scheduler(), this.destinations);
        this.localityCache = localityCache;
        this.hashFallback = spec.schedulerFlags().stream().anyMatch(flag -> flag.endsWith("-fallback"));
        this.hashPort = spec.schedulerFlags().stream().anyMatch(flag -> flag.endsWith("-port"));
        this.localAddresses = localAddresses.toArray(LocalAddress[]::new);
        this.servers = new Endpoints(this.destinations.length);
        for (int i = 0; i < this.destinations.length; i++) {
            Destination each = this.destinations[i];
            var _ = servers.put(each.high(), each.address6Low, Endpoints.rest(0, each.port, each.ipv6), i);
        }
        this.locals = new Endpoints(this.localAddresses.length);
        for (int i = 0; i < this.localAddresses.length; i++) {
            LocalAddress each = this.localAddresses[i];
            var _ = locals.put(each.high(), each.address6Low, Endpoints.rest(0, 0, each.ipv6), i);
        }
        this.revision = revision;
        this.connectionTimeout = spec.connectionTimeout().orElse(0);
        this.fullnatOnly = destinations.stream().allMatch(each -> each.method == ForwardingMethod.FULLNAT.number());
        this.toa = spec.toa();
        this.synced = spec.sync();
        this.onePacket = spec.onePacket();
        this.persistence = spec.persistence().orElse(0);
        this.persistent = persistence != 0;
        this.byCall = persistent && spec.persistenceEngine().equals("sip");
        int prefix = spec.netmask() < 0 ? 128 : spec.netmask();
        this.mask4 = WireForm.int32(spec.netmask());
        this.maskHigh = WireForm.long64(leadingOnes(Math.min(prefix, 64)));
        this.maskLow = WireForm.long64(leadingOnes(Math.max(0, prefix - 64)));
        this.mark = spec.id() instanceof ServiceId.Fwmark byMark ? WireForm.int32(byMark.mark()) : 0;
        ServiceId.Vip vip = spec.id() instanceof ServiceId.Vip at ? at : null;
        byte[] bytes = vip == null ? new byte[16] : vip.address().getAddress();
        this.address4 = Wire.int4(bytes);
        this.address6High = bytes.length == 16 ? Wire.long8(bytes, 0) : 0;
        this.address6Low = bytes.length == 16 ? Wire.long8(bytes, 8) : 0;
        this.port = vip == null ? 0 : Wire.port(vip.port());
        this.synProxy = spec.synProxy();
    }

    /**
     * The server at an address and port, else the one at that address with port 0, else null.
     *
     * @param high first half of an IPv6 address in wire form, or an IPv4 address in wire form, unsigned
     * @param low second half, 0 for IPv4
     * @param port in wire form
     */
    public @Nullable Destination server(boolean ipv6, long high, long low, int port) {
        int exact = servers.find(high, low, Endpoints.rest(0, port, ipv6));
        int place = exact != Endpoints.NONE ? exact : servers.find(high, low, Endpoints.rest(0, 0, ipv6));
        return place == Endpoints.NONE ? null : destinations[place];
    }

    /** Index of the local address ({@link LocalAddress#index}), given as to {@link #server}; -1 if it has none such. */
    public int localAddress(boolean ipv6, long high, long low) {
        int place = locals.find(high, low, Endpoints.rest(0, 0, ipv6));
        return place == Endpoints.NONE ? -1 : localAddresses[place].index;
    }

    private static long leadingOnes(int count) {
        return count == 0 ? 0 : -1L << (64 - count);
    }

    /** What names the service. */
    public ServiceId id() {
        return spec.id();
    }
}
