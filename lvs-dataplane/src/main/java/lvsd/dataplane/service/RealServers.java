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
    private final Endpoints endpoints;
    private final Destination[] destinations;

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
        endpoints = new Endpoints(
                wanted.stream().mapToInt(service -> service.destinations.length).sum());
        List<Destination> entered = new ArrayList<>();
        for (Service service : wanted) {
            int protocol = ((ServiceId.Vip) service.id()).protocol().number();
            for (Destination each : service.destinations) {
                boolean same = each.ipv6 == service.id().ipv6();
                long rest = Endpoints.rest(protocol, each.port, each.ipv6);
                if (same
                        && each.method == ForwardingMethod.NAT.number()
                        && endpoints.put(each.high(), each.address6Low, rest, entered.size())) {
                    entered.add(each);
                }
            }
        }
        destinations = entered.toArray(Destination[]::new);
    }

    boolean isEmpty() {
        return destinations.length == 0;
    }

    /** The server at an address and port in wire form, else the one at that address with port 0, else null. */
    @Nullable
    Destination find(int protocol, long high, long low, int port, boolean ipv6) {
        int exact = endpoints.find(high, low, Endpoints.rest(protocol, port, ipv6));
        int place = exact != Endpoints.NONE ? exact : endpoints.find(high, low, Endpoints.rest(protocol, 0, ipv6));
        return place == Endpoints.NONE ? null : destinations[place];
    }
}
