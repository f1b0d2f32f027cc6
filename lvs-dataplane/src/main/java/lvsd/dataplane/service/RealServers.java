package lvsd.dataplane.service;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.ServiceId;
import org.jspecify.annotations.Nullable;

/**
 * Real servers by protocol, address and port: which service a packet belongs to that comes from a NAT server and from no
 * known connection. Immutable. Where several services have the same server, one-packet services come first, then the one
 * that was added first.
 */
final class RealServers {
    private final @Nullable Destination[] slots;
    private final long[] keys;
    private final int mask;
    private final int count;

    /**
     * Collects the NAT servers of {@code services}.
     *
     * @param all whether all count, not those of services with one-packet scheduling or Call-IDs alone
     */
    RealServers(List<Service> services, boolean all) {
        List<Service> wanted = new ArrayList<>();
        for (Service service : services) {
            if ((all || service.onePacket || service.byCall) && service.id() instanceof ServiceId.Vip) {
                wanted.add(service);
            }
        }
        wanted.sort(Comparator.comparing(service -> !service.onePacket));
        int most =
                wanted.stream().mapToInt(service -> service.destinations.length).sum();
        int size = Integer.highestOneBit(Math.max(4, most * 2)) * 2;
        this.mask = size - 1;
        this.slots = new Destination[size];
        this.keys = new long[size * 3];
        int entered = 0;
        for (Service service : wanted) {
            int protocol = ((ServiceId.Vip) service.id()).protocol().number();
            for (Destination destination : service.destinations) {
                boolean same = destination.ipv6 == service.id().ipv6();
                if (same && destination.method == ForwardingMethod.NAT.number() && insert(destination, protocol)) {
                    entered++;
                }
            }
        }
        this.count = entered;
    }

    private boolean insert(Destination destination, int protocol) {
        long high = destination.ipv6 ? destination.address6High : Integer.toUnsignedLong(destination.address4);
        long rest = rest(protocol, destination.port, destination.ipv6);
        int slot = slot(high, destination.address6Low, rest);
        if (slots[slot] != null) {
            return false;
        }
        slots[slot] = destination;
        keys[slot * 3] = high;
        keys[slot * 3 + 1] = destination.address6Low;
        keys[slot * 3 + 2] = rest;
        return true;
    }

    private static long rest(int protocol, int port, boolean ipv6) {
        return (long) protocol << 32 | (ipv6 ? 1L << 40 : 0) | port;
    }

    /** The slot that has the key, or the empty one where it belongs. */
    private int slot(long high, long low, long rest) {
        long mixed = (high ^ Long.rotateLeft(low, 29) ^ rest * 0x9e3779b97f4a7c15L) * 0xd6e8feb86659fd93L;
        int slot = (int) (mixed >>> 32) & mask;
        while (slots[slot] != null
                && (keys[slot * 3] != high || keys[slot * 3 + 1] != low || keys[slot * 3 + 2] != rest)) {
            slot = slot + 1 & mask;
        }
        return slot;
    }

    boolean isEmpty() {
        return count == 0;
    }

    /** The server at an address and port in wire form, else the one at that address with port 0, else null. */
    @Nullable
    Destination find(int protocol, long high, long low, int port, boolean ipv6) {
        Destination exact = slots[slot(high, low, rest(protocol, port, ipv6))];
        return exact != null ? exact : slots[slot(high, low, rest(protocol, 0, ipv6))];
    }
}
