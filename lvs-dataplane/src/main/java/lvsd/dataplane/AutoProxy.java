package lvsd.dataplane;

import java.util.List;
import lvsd.dataplane.connection.Timeouts;
import lvsd.dataplane.scheduler.DestinationCounters;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.Service;
import lvsd.dataplane.service.ServiceTable;
import lvsd.rules.SynProxyMode;
import lvsd.synproxy.AutoSwitch;
import lvsd.synproxy.ProxyCounters;
import lvsd.synproxy.ProxyCounters.Counter;
import org.jspecify.annotations.Nullable;

/**
 * Watches services whose SYN proxy is in mode {@code auto} and switches it on and off, for all workers, by what all workers
 * count. Worker 0 owns and drives it, a few services a cycle, so that an attack is noticed within a tenth of a second; the
 * control thread is too slow for that.
 */
final class AutoProxy {
    private static final int WINDOW = AutoSwitch.SAMPLE_MILLIS / Timeouts.TICK_MILLIS;
    /** Services looked at in one cycle. */
    private static final int BUDGET = 16;

    private final AutoSwitch switches;
    private final List<ProxyCounters> counters;
    private final ProxyCounters own;
    private final List<DestinationCounters> destinations;

    private ServiceTable seen = ServiceTable.EMPTY;
    /** Indexes of services in mode auto. */
    private int[] watched = {};
    /** Where the present round is; at the end of {@link #watched} it waits for the next. */
    private int next;

    private int roundBegan;

    /**
     * @param switches what is switched
     * @param counters of all workers
     * @param own counters of this worker, which count how often it switched
     * @param destinations counters of all workers
     */
    AutoProxy(
            AutoSwitch switches,
            List<ProxyCounters> counters,
            ProxyCounters own,
            List<DestinationCounters> destinations) {
        this.switches = switches;
        this.counters = List.copyOf(counters);
        this.own = own;
        this.destinations = List.copyOf(destinations);
    }

    /** Once a cycle. */
    void work(int now, ServiceTable services, Sysctls settings) {
        if (services != seen) {
            watch(services);
        }
        if (next >= watched.length) {
            if (now - roundBegan < WINDOW) {
                return;
            }
            roundBegan = now;
            next = 0;
        }
        int end = Math.min(watched.length, next + BUDGET);
        while (next < end) {
            look(services.service(watched[next]), now, settings);
            next++;
        }
    }

    private void watch(ServiceTable services) {
        seen = services;
        for (int index : watched) {
            Service service = services.service(index);
            if (service == null || service.synProxy != SynProxyMode.AUTO) {
                switches.reset(index);
            }
        }
        watched = services.automatic();
        next = Math.min(next, watched.length);
    }

    private void look(@Nullable Service service, int now, Sysctls settings) {
        if (service == null) {
            return;
        }
        long syns = 0;
        for (int i = 0; i < counters.size(); i++) {
            ProxyCounters each = counters.get(i);
            syns += each.get(service.index, Counter.SYNS) + each.get(service.index, Counter.PASSED);
        }
        long halfOpen = 0;
        long load = 0;
        for (Destination destination : service.destinations) {
            for (int i = 0; i < destinations.size(); i++) {
                DestinationCounters each = destinations.get(i);
                halfOpen += each.halfOpen(destination.index);
                load += each.load(destination.index);
            }
        }
        long connections = DestinationCounters.active(load) + DestinationCounters.inactive(load);
        int change = switches.sample(service.index, syns, halfOpen, connections, now, settings.autoProxy);
        if (change != 0) {
            own.count(service.index, change > 0 ? Counter.SWITCHED_ON : Counter.SWITCHED_OFF, 1);
        }
    }
}
