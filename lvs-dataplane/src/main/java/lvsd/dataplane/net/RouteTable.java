package lvsd.dataplane.net;

import java.util.Arrays;
import java.util.List;

/**
 * Routes of one family with longest-prefix match: one hash probe per prefix length in use, longest first. Immutable; any
 * thread reads.
 *
 * <p>A look-up happens once per connection and next hop, not per packet. Tables of directors have a handful of lengths;
 * the cost is that of as many cache misses, whatever the number of routes.
 *
 * <p>Addresses are in wire form; an IPv4 address is the upper half's low 32 bits, see {@link AddressTable}.
 */
final class RouteTable {
    /** No route matches. */
    static final int NONE = -1;

    /**
     * One route.
     *
     * @param high network, first half (IPv4: the whole address, unsigned)
     * @param low network, second half
     * @param length prefix length
     * @param iface interface it leaves by
     * @param gateway whether there is a gateway; else the destination itself is on link
     * @param gatewayHigh gateway's first half
     * @param gatewayLow gateway's second half
     */
    record Route(long high, long low, int length, int iface, boolean gateway, long gatewayHigh, long gatewayLow) {}

    private final Route[] routes;
    private final int[] lengths;
    private final long[] masksHigh;
    private final long[] masksLow;
    private final int[] slots;

    /**
     * @param ipv6 the family
     * @param list routes, network bits beyond the prefix are ignored; of two for the same network the first wins
     */
    RouteTable(boolean ipv6, List<Route> list) {
        routes = list.toArray(Route[]::new);
        lengths = Arrays.stream(routes)
                .mapToInt(route -> -route.length())
                .sorted()
                .distinct()
                .map(n -> -n)
                .toArray();
        masksHigh = new long[lengths.length];
        masksLow = new long[lengths.length];
        for (int i = 0; i < lengths.length; i++) {
            masksHigh[i] = ipv6 ? WireMask.high6(lengths[i]) : WireMask.mask4(lengths[i]);
            masksLow[i] = ipv6 ? WireMask.low6(lengths[i]) : 0;
        }
        slots = new int[Integer.highestOneBit(Math.max(8, routes.length * 2)) * 2];
        Arrays.fill(slots, NONE);
        for (int i = 0; i < routes.length; i++) {
            insert(i);
        }
    }

    private void insert(int index) {
        Route route = routes[index];
        int position = 0;
        while (lengths[position] != route.length()) {
            position++;
        }
        long high = route.high() & masksHigh[position];
        long low = route.low() & masksLow[position];
        routes[index] = new Route(
                high, low, route.length(), route.iface(), route.gateway(), route.gatewayHigh(), route.gatewayLow());
        int slot = AddressTable.hash(high, low + route.length()) & slots.length - 1;
        while (slots[slot] != NONE) {
            if (same(slots[slot], high, low, route.length())) {
                return;
            }
            slot = slot + 1 & slots.length - 1;
        }
        slots[slot] = index;
    }

    private boolean same(int index, long high, long low, int length) {
        Route route = routes[index];
        return route.high() == high && route.low() == low && route.length() == length;
    }

    /** The index of the most specific route to an address, or {@link #NONE}. */
    int find(long high, long low) {
        for (int i = 0; i < lengths.length; i++) {
            int found = probe(high & masksHigh[i], low & masksLow[i], lengths[i]);
            if (found != NONE) {
                return found;
            }
        }
        return NONE;
    }

    private int probe(long high, long low, int length) {
        int slot = AddressTable.hash(high, low + length) & slots.length - 1;
        while (slots[slot] != NONE) {
            if (same(slots[slot], high, low, length)) {
                return slots[slot];
            }
            slot = slot + 1 & slots.length - 1;
        }
        return NONE;
    }

    /** The route with the given index. */
    Route route(int index) {
        return routes[index];
    }

    /** How many routes there are. */
    int size() {
        return routes.length;
    }
}
