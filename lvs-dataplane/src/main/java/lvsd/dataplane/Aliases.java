package lvsd.dataplane;

import lvsd.dataplane.connection.Alias;
import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.connection.TcpStates;
import lvsd.dataplane.connection.Template;
import lvsd.dataplane.connection.Timeouts;
import lvsd.sync.SyncConnection;
import lvsd.wire.Ipv4;
import lvsd.wire.Tcp;

/**
 * The {@link Alias aliases} of one worker: which other worker has a client's connection that came by sync. Owned by the
 * worker. Costs a load on a miss while there are none.
 */
final class Aliases {
    /** No worker. */
    static final int NONE = -1;

    /** An alias outlives its connection, whose other side it does not see. */
    private static final int LONGER_TICKS = 60 * Timeouts.TICKS_PER_SECOND;

    private final Pipeline pipeline;
    private final Timeouts timeouts;
    private int count;

    Aliases(Pipeline pipeline, WorkerParts parts) {
        this.pipeline = pipeline;
        this.timeouts = parts.timeouts();
    }

    /** Whether there are none. */
    boolean isEmpty() {
        return count == 0;
    }

    /** The worker that has the connection of a valid packet from a client; {@link #NONE} if none is known to. */
    int worker(Packet p) {
        if (count == 0) {
            return NONE;
        }
        int reference = pipeline.misses().lookUp(p, Tcp.ports(p.l4), Alias.key(p.protocol));
        if (reference == ConnectionTable.NONE) {
            return NONE;
        }
        long hot = pipeline.table(p.ipv6).hot(ConnectionTable.entry(reference));
        Connection.setLastSeen(hot, pipeline.now);
        return Alias.worker(hot);
    }

    /** As {@link #worker} for a client's tuple in wire form, IPv4: source and destination, and their ports. */
    int worker4(long addresses, int ports, int protocol) {
        return count == 0
                ? NONE
                : holder(pipeline.table4, pipeline.table4.find4(addresses, ports, Alias.key(protocol)));
    }

    /** As {@link #worker4} for IPv6. */
    int worker6(long clientHigh, long clientLow, long virtualHigh, long virtualLow, int ports, int protocol) {
        if (count == 0) {
            return NONE;
        }
        int key = Alias.key(protocol);
        ConnectionTable table = pipeline.table6;
        return holder(table, table.find6(clientHigh, clientLow, virtualHigh, virtualLow, ports, key));
    }

    private static int holder(ConnectionTable table, int reference) {
        return reference == ConnectionTable.NONE ? NONE : Alias.worker(table.hot(ConnectionTable.entry(reference)));
    }

    /** Notes that {@code worker} has the connection, or does not have it any more. False when there is no room. */
    boolean note(SyncConnection c, int worker) {
        ConnectionTable table = pipeline.table(c.ipv6);
        int reference = SyncTaker.find(pipeline, c, Alias.key(c.protocol));
        if (c.deleted) {
            if (reference != ConnectionTable.NONE) {
                remove(c.ipv6, ConnectionTable.entry(reference));
            }
            return true;
        }
        int entry = reference == ConnectionTable.NONE ? make(table, c) : ConnectionTable.entry(reference);
        if (entry == ConnectionTable.NONE) {
            return false;
        }
        Alias.setWorker(table.hot(entry), worker);
        Connection.setLastSeen(table.hot(entry), pipeline.now);
        Connection.setOwnTimeout(table.cold(entry), ticks(c));
        pipeline.timers(c.ipv6).armEarlier(entry, pipeline.now + ticks(c));
        return true;
    }

    private int ticks(SyncConnection c) {
        int usual = timeouts.of(c.protocol, c.protocol == Ipv4.PROTOCOL_TCP ? TcpStates.ESTABLISHED : c.state);
        int longest = Math.max(usual, Math.max(SyncTaker.ticks(c.timeout), SyncTaker.ticks(c.ownTimeout)));
        return longest + LONGER_TICKS;
    }

    private int make(ConnectionTable table, SyncConnection c) {
        int entry = table.allocate();
        if (entry == ConnectionTable.NONE) {
            return entry;
        }
        long hot = table.hot(entry);
        int client = Connection.CLIENT_SIDE;
        Connection.setPorts(hot, client, SyncTaker.clientPorts(c));
        Connection.setProtocol(hot, Alias.key(c.protocol));
        Connection.setFlags(hot, Alias.FLAGS);
        Connection.setDestination(hot, Template.NOWHERE);
        if (c.ipv6) {
            long at = table.addresses6(entry);
            Connection.setSource6(at, client, Long.reverseBytes(c.clientHigh), Long.reverseBytes(c.clientLow));
            Connection.setDestination6(at, client, Long.reverseBytes(c.virtualHigh), Long.reverseBytes(c.virtualLow));
        } else {
            Connection.setAddresses(hot, client, SyncTaker.pair(c.clientLow, c.virtualLow));
        }
        if (table.insertClient(entry) != ConnectionTable.INSERTED) {
            table.remove(entry);
            return ConnectionTable.NONE;
        }
        count++;
        pipeline.timers(c.ipv6).arm(entry, pipeline.now + ticks(c));
        return entry;
    }

    /** Forgets one. */
    void remove(boolean ipv6, int entry) {
        pipeline.timers(ipv6).disarm(entry);
        pipeline.table(ipv6).remove(entry);
        count--;
    }
}
