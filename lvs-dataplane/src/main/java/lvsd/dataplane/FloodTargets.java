package lvsd.dataplane;

import lvsd.dataplane.net.NetConfig;
import lvsd.dataplane.service.Service;
import lvsd.dataplane.service.ServiceTable;
import org.jspecify.annotations.Nullable;

/**
 * Where SYNs are answered by cookies at the moment: addresses, ports and interfaces with the service that packets to them
 * are of, as {@link SynProxy} has found out for one of them. Firewall marks are taken into account in that. Good for a
 * tick of the clock, and only as long as no snapshot changes. Owned by the worker.
 */
final class FloodTargets {
    /** Not known. */
    static final int NONE = -1;
    /** Places there are: a power of two. */
    static final int PLACES = 8;

    private static final long UNUSED = -1;
    private static final int SHIFT = 61;
    private static final int IPV6_BIT = 32;

    private final long[] highs = new long[PLACES];
    private final long[] lows = new long[PLACES];
    /** Port in wire form, interface and IP version; {@link #UNUSED}. */
    private final long[] rests = new long[PLACES];

    private final @Nullable Service[] services = new Service[PLACES];
    private final int[] sizes = new int[PLACES];
    private boolean empty;
    private int tick;
    private ServiceTable table = ServiceTable.EMPTY;
    private @Nullable NetConfig config;

    FloodTargets() {
        forget();
    }

    /** Forgets what is not good any more; once a cycle. */
    void clock(int now, ServiceTable newest, NetConfig net) {
        if (!empty && (now != tick || newest != table || net != config)) {
            forget();
        }
        tick = now;
        table = newest;
        config = net;
    }

    /** Forgets all. */
    void forget() {
        for (int place = 0; place < PLACES; place++) {
            rests[place] = UNUSED;
            services[place] = null;
        }
        empty = true;
    }

    /** Whether there are none. */
    boolean isEmpty() {
        return empty;
    }

    /** The lower part of a key: port in wire form, interface. */
    static long rest(boolean ipv6, int port, int iface) {
        return (ipv6 ? 1L << IPV6_BIT : 0) | port | iface << 16;
    }

    private static int place(long high, long low, long rest) {
        return (int) (((high ^ low ^ rest << 32) * 0x9e3779b97f4a7c15L) >>> SHIFT);
    }

    /** Notes where SYNs are answered, with the largest segment to announce there. In the place of another, if need be. */
    void learn(long high, long low, long rest, Service service, int mss) {
        int place = place(high, low, rest);
        highs[place] = high;
        lows[place] = low;
        rests[place] = rest;
        services[place] = service;
        sizes[place] = mss;
        empty = false;
    }

    /** The place of an address, its halves in wire form (IPv4: 0 and the address), and {@link #rest}; or {@link #NONE}. */
    int find(long high, long low, long rest) {
        int place = place(high, low, rest);
        return rests[place] == rest && lows[place] == low && highs[place] == high ? place : NONE;
    }

    /** The service at a place. */
    @Nullable
    Service service(int place) {
        return services[place];
    }

    /** Largest segment to announce at a place. */
    int mss(int place) {
        return sizes[place];
    }
}
