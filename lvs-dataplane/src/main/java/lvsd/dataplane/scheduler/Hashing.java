package lvsd.dataplane.scheduler;

import lvsd.dataplane.service.AddressHash;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.HashTable;
import lvsd.dataplane.service.Service;
import lvsd.dataplane.service.Wire;

/**
 * {@code dh}, {@code sh} and {@code mh}: where the packet's destination or source address falls in the service's
 * {@link HashTable}. All workers and all directors with the same servers, added in the same order, choose alike.
 *
 * <p>A destination that cannot be picked leaves its clients with nobody, unless {@code sh-fallback} or
 * {@code mh-fallback} let them try elsewhere.
 */
final class Hashing {
    private Hashing() {}

    static int destination(Service service, DestinationCounts counts, Flow flow) {
        HashTable table = service.hashTable;
        if (table == null) {
            return Scheduler.NONE;
        }
        int place = table.place(AddressHash.bucket(AddressHash.fold(flow.virtualHigh, flow.virtualLow)));
        return counts.usable(service.destinations[place]) ? place : Scheduler.NONE;
    }

    static int source(Service service, DestinationCounts counts, Flow flow) {
        HashTable table = service.hashTable;
        if (table == null) {
            return Scheduler.NONE;
        }
        int first = AddressHash.bucket(client(service, flow));
        int place = table.place(first);
        if (counts.usable(service.destinations[place])) {
            return place;
        }
        return service.hashFallback ? otherBucket(service, table, counts, first) : Scheduler.NONE;
    }

    /** Tries every bucket, from twice the first on: so the kernel goes round. */
    private static int otherBucket(Service service, HashTable table, DestinationCounts counts, int first) {
        for (int tries = 0; tries < table.size(); tries++) {
            int place = table.place((2 * first + tries) % table.size());
            if (counts.usable(service.destinations[place])) {
                return place;
            }
        }
        return Scheduler.NONE;
    }

    static int maglev(Service service, DestinationCounts counts, Flow flow) {
        HashTable table = service.hashTable;
        if (table == null) {
            return Scheduler.NONE;
        }
        int client = client(service, flow);
        int first = AddressHash.slot(client, table.size());
        int place = table.place(first);
        if (counts.usable(service.destinations[place])) {
            return place;
        }
        return service.hashFallback ? otherSlot(service, table, counts, client, first) : Scheduler.NONE;
    }

    private static int otherSlot(Service service, HashTable table, DestinationCounts counts, int client, int first) {
        if (!anyUsable(service.destinations, counts)) {
            return Scheduler.NONE; // without thousands of hashes for every packet of a flood
        }
        for (int tries = 0; tries < table.size(); tries++) {
            int place = table.place(AddressHash.slot(client + (first + tries) % table.size(), table.size()));
            if (counts.usable(service.destinations[place])) {
                return place;
            }
        }
        return Scheduler.NONE;
    }

    private static boolean anyUsable(Destination[] destinations, DestinationCounts counts) {
        for (Destination destination : destinations) {
            if (counts.usable(destination)) {
                return true;
            }
        }
        return false;
    }

    /** The client as one number: its address, with {@code sh-port} and {@code mh-port} plus its port. */
    private static int client(Service service, Flow flow) {
        int address = AddressHash.fold(flow.clientHigh, flow.clientLow);
        return service.hashPort ? address + Wire.port(flow.clientPort) : address;
    }
}
