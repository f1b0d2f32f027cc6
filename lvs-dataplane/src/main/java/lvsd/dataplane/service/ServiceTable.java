package lvsd.dataplane.service;

import java.util.List;
import lvsd.rules.ServiceId;
import lvsd.rules.SynProxyMode;
import org.jspecify.annotations.Nullable;

/**
 * All services at one moment, immutable: what the control thread publishes with one release store and every worker reads
 * once a cycle.
 *
 * <p>Finding the service of a packet is one probe of an open-addressed table over (protocol, VIP, port), then, for ports that
 * FTP's data connections use, one with port 21, else one with port 0. Where there are mark rules, they come first, as in the
 * kernel.
 */
public final class ServiceTable {
    private static final int TCP = 6;
    private static final int FIRST_UNPRIVILEGED = 1024;

    /** A director without services. */
    public static final ServiceTable EMPTY = new ServiceTable(0, List.of());

    /** Counts publications; a worker acknowledges the newest it has seen. */
    public final long generation;

    /** Which packets have which firewall mark. */
    public final MarkTable marks;

    /**
     * Whether another director forwards. {@link #live()} has no destination then, so that every packet of a connection
     * takes the way of one whose server is gone.
     */
    public final boolean standby;

    /**
     * Whether what clients send passes the director by ({@code backup_only}): {@link #live()} has no destination then, either.
     */
    public final boolean backupOnly;

    private final @Nullable Service[] byIndex;
    private final @Nullable Destination[] destinations;
    private final long[] live = new long[Destination.MAXIMUM / Long.SIZE];
    private final Service[] services;
    private final int[] automatic;
    private final @Nullable Service[] slots;
    private final long[] keys;
    private final int mask;
    private final RealServers realServers;
    private final boolean serves4;
    private final boolean serves6;
    private final boolean ftp;

    /** A snapshot of an active director without marks, which knows those servers only that send without a connection. */
    public ServiceTable(long generation, List<Service> services) {
        this(generation, services, MarkTable.EMPTY, false, false, false);
    }

    /**
     * A snapshot of {@code services}; their indexes and those of their destinations must be distinct.
     *
     * @param marks which packets have which firewall mark
     * @param allRealServers whether {@link #realServer4} knows every NAT server, not those of services with one-packet
     *     scheduling or Call-IDs alone
     * @param standby whether the director is the standby of a pair
     * @param backupOnly whether it forwards nothing while it is a backup ({@code backup_only})
     */
    public ServiceTable(
            long generation,
            List<Service> services,
            MarkTable marks,
            boolean allRealServers,
            boolean standby,
            boolean backupOnly) {
        this.generation = generation;
        this.standby = standby;
        this.backupOnly = backupOnly;
        this.marks = marks;
        this.realServers = new RealServers(services, allRealServers);
        this.services = services.toArray(Service[]::new);
        this.serves4 = services.stream().anyMatch(service -> !service.id().ipv6());
        this.serves6 = services.stream().anyMatch(service -> service.id().ipv6());
        this.ftp = services.stream().anyMatch(service -> service.port == Service.FTP);
        this.automatic = services.stream()
                .filter(service -> service.synProxy == SynProxyMode.AUTO)
                .mapToInt(service -> service.index)
                .toArray();
        int highestService = -1;
        int highestDestination = -1;
        for (Service service : services) {
            highestService = Math.max(highestService, service.index);
            for (Destination destination : service.destinations) {
                highestDestination = Math.max(highestDestination, destination.index);
            }
        }
        this.byIndex = new Service[highestService + 1];
        this.destinations = new Destination[highestDestination + 1];
        int size = Integer.highestOneBit(Math.max(8, services.size() * 2)) * 2;
        this.mask = size - 1;
        this.slots = new Service[size];
        this.keys = new long[size * 3];
        for (Service service : services) {
            byIndex[service.index] = service;
            for (Destination destination : service.destinations) {
                destinations[destination.index] = destination;
                markLive(destination.index);
            }
            markLive(Destination.NOWHERE);
            switch (service.id()) {
                case ServiceId.Vip vip -> insert(service, vip);
                case ServiceId.Fwmark id ->
                    insert(service, Integer.toUnsignedLong(id.mark()), 0, restOfMark(id.ipv6()));
            }
        }
    }

    private void markLive(int destination) {
        live[destination / Long.SIZE] |= standby || backupOnly ? 0 : 1L << destination;
    }

    private void insert(Service service, ServiceId.Vip vip) {
        byte[] address = vip.address().getAddress();
        long high = vip.ipv6() ? Wire.long8(address, 0) : Integer.toUnsignedLong(Wire.int4(address));
        long low = vip.ipv6() ? Wire.long8(address, 8) : 0;
        insert(service, high, low, rest(vip.protocol().number(), Wire.port(vip.port()), vip.ipv6()));
    }

    private void insert(Service service, long high, long low, long rest) {
        int slot = hash(high, low, rest) & mask;
        while (slots[slot] != null) {
            slot = slot + 1 & mask;
        }
        slots[slot] = service;
        keys[slot * 3] = high;
        keys[slot * 3 + 1] = low;
        keys[slot * 3 + 2] = rest;
    }

    private static long rest(int protocol, int port, boolean ipv6) {
        return (long) protocol << 32 | (ipv6 ? 1L << 40 : 0) | port;
    }

    private static long restOfMark(boolean ipv6) {
        return 1L << 41 | (ipv6 ? 1L << 40 : 0);
    }

    private static int hash(long high, long low, long rest) {
        long mixed = (high ^ Long.rotateLeft(low, 29) ^ rest * 0x9e3779b97f4a7c15L) * 0xd6e8feb86659fd93L;
        return (int) (mixed >>> 32);
    }

    /**
     * The service of {@code protocol} at an IPv4 address and port in wire form: the exact one, else the one with port 0,
     * else null. Where there is an FTP service, TCP's ports 20 and from 1024 on are its own if it is persistent, and nobody's
     * if it is not.
     */
    public @Nullable Service find4(int protocol, int address, int port) {
        return find(Integer.toUnsignedLong(address), 0, protocol, port, false);
    }

    /** As {@link #find4} for an IPv6 address in wire form. */
    public @Nullable Service find6(int protocol, long addressHigh, long addressLow, int port) {
        return find(addressHigh, addressLow, protocol, port, true);
    }

    private @Nullable Service find(long high, long low, int protocol, int port, boolean ipv6) {
        Service exact = probe(high, low, rest(protocol, port, ipv6));
        if (exact != null) {
            return exact;
        }
        if (ftp && protocol == TCP && mayBeFtpData(port)) {
            Service control = probe(high, low, rest(TCP, Service.FTP, ipv6));
            if (control != null) {
                return control.persistent ? control : null;
            }
        }
        return probe(high, low, rest(protocol, 0, ipv6));
    }

    private static boolean mayBeFtpData(int port) {
        return port == Service.FTP_DATA || Wire.port(port) >= FIRST_UNPRIVILEGED;
    }

    /** The service of a firewall mark, or null. */
    public @Nullable Service marked(int mark, boolean ipv6) {
        return mark == 0 ? null : probe(Integer.toUnsignedLong(mark), 0, restOfMark(ipv6));
    }

    private @Nullable Service probe(long high, long low, long rest) {
        int slot = hash(high, low, rest) & mask;
        while (true) {
            Service service = slots[slot];
            if (service == null) {
                return null;
            }
            int key = slot * 3;
            if (keys[key] == high && keys[key + 1] == low && keys[key + 2] == rest) {
                return service;
            }
            slot = slot + 1 & mask;
        }
    }

    /** Whether there is any service of that IP version. */
    public boolean serves(boolean ipv6) {
        return ipv6 ? serves6 : serves4;
    }

    /** Whether {@link #realServer4} or {@link #realServer6} may find anything. */
    public boolean knowsRealServers() {
        return !realServers.isEmpty();
    }

    /** The NAT server of {@code protocol} at an IPv4 address and port in wire form, or null. */
    public @Nullable Destination realServer4(int protocol, int address, int port) {
        return realServers.find(protocol, Integer.toUnsignedLong(address), 0, port, false);
    }

    /** As {@link #realServer4} for an IPv6 address in wire form. */
    public @Nullable Destination realServer6(int protocol, long addressHigh, long addressLow, int port) {
        return realServers.find(protocol, addressHigh, addressLow, port, true);
    }

    /** The services, in the order the control thread keeps them. Not to be changed. */
    public Service[] services() {
        return services;
    }

    /** Indexes of the services whose SYN proxy is in mode {@code auto}. Not to be changed. */
    public int[] automatic() {
        return automatic;
    }

    /** The service with the given index, or null. */
    public @Nullable Service service(int index) {
        return index < byIndex.length ? byIndex[index] : null;
    }

    /** The destination with the given index, or null when it was removed. */
    public @Nullable Destination destination(int index) {
        return index < destinations.length ? destinations[index] : null;
    }

    /** One bit for every destination whose packets are forwarded, 64 of them in a long. Not to be changed. */
    public long[] live() {
        return live;
    }

    /** Whether packets of connections with that destination are forwarded. */
    public boolean forwards(int destination) {
        return (live[destination >>> 6] >>> destination & 1) != 0;
    }
}
