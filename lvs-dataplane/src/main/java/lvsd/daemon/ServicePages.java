package lvsd.daemon;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import lvsd.control.View;
import lvsd.daemon.Model.DestinationEntry;
import lvsd.daemon.Model.ServiceEntry;

/**
 * A listing of services, made a page at a time so that its size is bounded however many servers there are. A service with
 * many servers goes over several pages, which name it again. What is removed meanwhile is left out, what is added is not
 * shown. Control thread only.
 */
final class ServicePages {
    /** Services and servers in a page: less than half a megabyte. */
    static final int PAGE = 1000;

    /** A service, with its servers at the beginning of the listing. */
    private record Chosen(ServiceEntry service, List<DestinationEntry> destinations, View.Stats buried) {}

    private final Director director;
    private final List<Chosen> chosen = new ArrayList<>();
    /** Where the next page begins: service, and server in it. */
    private int service;

    private int destination;

    ServicePages(Director director, Iterable<ServiceEntry> services, Map<ServiceEntry, View.Stats> buried) {
        this.director = director;
        for (ServiceEntry each : services) {
            chosen.add(new Chosen(each, List.copyOf(each.destinations), buried.getOrDefault(each, View.Stats.ZERO)));
        }
    }

    /** Whether another page follows. */
    boolean more() {
        return service < chosen.size();
    }

    /** The next page. */
    View.Services next() {
        List<View.Service> page = new ArrayList<>();
        int room = PAGE;
        while (room > 0 && more()) {
            room -= add(page, chosen.get(service), room);
        }
        return new View.Services(page);
    }

    /** Adds a service, with as many of its next servers as there is room for; returns the room taken. */
    private int add(List<View.Service> page, Chosen next, int room) {
        int end = Math.min(destination + room, next.destinations.size());
        if (director.has(next.service)) {
            List<View.Destination> views = new ArrayList<>(end - destination);
            for (DestinationEntry each : next.destinations.subList(destination, end)) {
                if (next.service.byEndpoint.get(each.endpoint()) == each) {
                    views.add(director.view(each));
                }
            }
            page.add(new View.Service(
                    next.service.spec,
                    director.stats(next.service, next.buried),
                    next.service.estimator.rates(),
                    views));
        }
        int taken = end - destination + 1;
        destination = end;
        if (end == next.destinations.size()) {
            service++;
            destination = 0;
        }
        return taken;
    }
}
