package lvsd.daemon;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import lvsd.control.View;
import lvsd.dataplane.DataplaneControl;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.LocalAddress;
import lvsd.dataplane.service.LocalityCache;
import lvsd.dataplane.service.Service;
import lvsd.rules.DestinationSpec;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import org.jspecify.annotations.Nullable;

/** The mutable things a {@link Director} consists of. Control thread only. */
final class Model {
    private Model() {}

    /** What names a server inside its service. */
    record Endpoint(InetAddress address, int port) {}

    /** What names a removed server, as the kernel looks for one to revive: the service's name counts, not its life. */
    record Grave(ServiceId service, Endpoint endpoint) {}

    /** A service: what the operator said, its servers newest first, its local addresses oldest first. */
    static final class ServiceEntry {
        final int index;
        final List<DestinationEntry> destinations = new ArrayList<>();
        final Map<Endpoint, DestinationEntry> byEndpoint = new HashMap<>();
        final List<Lease> leases = new ArrayList<>();
        final Estimator estimator = new Estimator();
        ServiceSpec spec;
        /** How many switches of the SYN proxy in mode {@code auto} were logged, and what the last said. */
        long switchesSaid;

        boolean saidOn;
        /** Counters of servers that are gone for good. */
        View.Stats retired = View.Stats.ZERO;

        private long revision;
        private @Nullable Service built;
        private @Nullable LocalityCache cache;
        private String cacheOf = "";

        ServiceEntry(int index, ServiceSpec spec) {
            this.index = index;
            this.spec = spec;
        }

        /** Makes the next {@link #build} give workers a new view with a new revision. */
        void touch() {
            built = null;
        }

        /** What the scheduler remembers; it begins anew with another scheduler. */
        private @Nullable LocalityCache localityCache() {
            if (!spec.scheduler().equals(cacheOf)) {
                cache = LocalityCache.of(spec);
                cacheOf = spec.scheduler();
            }
            return cache;
        }

        /** The workers' view; the same object until {@link #touch}. */
        Service build(long nextRevision) {
            Service present = built;
            if (present != null) {
                return present;
            }
            revision = nextRevision;
            List<Destination> views = new ArrayList<>(destinations.size());
            for (DestinationEntry entry : destinations) {
                views.add(entry.build());
            }
            List<LocalAddress> locals = new ArrayList<>(leases.size());
            for (Lease lease : leases) {
                locals.add(lease.local().view);
            }
            present = new Service(index, spec, views, locals, revision, localityCache());
            built = present;
            return present;
        }
    }

    /** A real server, live or removed. */
    static final class DestinationEntry {
        final int index;
        final Estimator estimator = new Estimator();
        ServiceEntry owner;
        DestinationSpec spec;
        /** The latest weight above 0 since it was added; {@code mh} goes by it. */
        int lastWeight;
        /** First generation without it, once removed. */
        long removedIn;

        private @Nullable Destination built;

        DestinationEntry(int index, ServiceEntry owner, DestinationSpec spec) {
            this.index = index;
            this.owner = owner;
            this.spec = spec;
            this.lastWeight = spec.weight();
        }

        Endpoint endpoint() {
            return new Endpoint(spec.address(), spec.port());
        }

        Grave grave() {
            return new Grave(spec.service(), endpoint());
        }

        /** Takes a new definition of the same owner over. */
        void define(DestinationSpec newSpec) {
            define(owner, newSpec, newSpec.weight() != 0 ? newSpec.weight() : lastWeight);
        }

        /** Takes a new definition or owner over, and what the last weight shall be. */
        void define(ServiceEntry newOwner, DestinationSpec newSpec, int newLastWeight) {
            owner = newOwner;
            spec = newSpec;
            lastWeight = newLastWeight;
            built = null;
        }

        Destination build() {
            Destination present = built;
            if (present == null) {
                present = new Destination(index, owner.index, spec, lastWeight);
                built = present;
            }
            return present;
        }
    }

    /** A local address, in use by {@link #leases} services. */
    static final class LocalEntry {
        final LocalAddress view;
        int leases;
        /** First generation in which no service uses it. */
        long removedIn;

        LocalEntry(LocalAddress view) {
            this.view = view;
        }
    }

    /** A local address as one service uses it; {@code port} is the port's name or empty. */
    record Lease(LocalEntry local, String port) {}

    /** A service index that waits for workers to forget it. */
    record RetiredIndex(int index, long removedIn) {}

    /** Adds two sums. */
    static View.Stats plus(View.Stats a, View.Stats b) {
        return new View.Stats(
                a.connections() + b.connections(),
                a.inPackets() + b.inPackets(),
                a.outPackets() + b.outPackets(),
                a.inBytes() + b.inBytes(),
                a.outBytes() + b.outBytes());
    }

    /** The counters among a destination's totals. */
    static View.Stats stats(DataplaneControl.Totals totals) {
        return new View.Stats(
                totals.connections(), totals.inPackets(), totals.outPackets(), totals.inBytes(), totals.outBytes());
    }
}
