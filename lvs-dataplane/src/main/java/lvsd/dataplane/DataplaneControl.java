package lvsd.dataplane;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import lvsd.dataplane.net.PuntClass;
import lvsd.dataplane.service.ServiceTable;
import lvsd.sync.SyncConnection;
import lvsd.sync.SyncSink;
import lvsd.sync.SyncSource;
import lvsd.synproxy.ProxyCounters.Counter;
import lvsd.synproxy.Secrets;

/**
 * What the control plane may ask of the running workers. Implemented by {@code Dataplane}; control code and its tests
 * know only this. Called by the control thread; sums are over all workers and at most one cycle old.
 */
public interface DataplaneControl {
    /** Sums of one destination over all workers. Connections count entries made; bytes are IP bytes. */
    record Totals(
            long connections,
            long inPackets,
            long outPackets,
            long inBytes,
            long outBytes,
            long active,
            long inactive,
            long persistent) {}

    /** One port as {@code lvsadm --ports} shows it. */
    record PortView(
            String name,
            String device,
            String mac,
            int mtu,
            boolean linkUp,
            long inPackets,
            long outPackets,
            long inBytes,
            long outBytes,
            long inMissed,
            long errors) {}

    /** One worker as {@code lvsadm --workers} shows it; times in nanoseconds. */
    record WorkerView(
            int index,
            int core,
            long cycles,
            long idleCycles,
            long packets,
            long longestCycle,
            List<TableView> tables,
            long handoffsIn,
            long handoffsOut,
            long ended) {
        /** Connections of all tables. */
        public long connections() {
            return tables.stream().mapToLong(TableView::connections).sum();
        }
    }

    /**
     * One of a worker's connection tables.
     *
     * @param family {@code ipv4} or {@code ipv6}: each has a table of its own, which may be full while the other is empty
     * @param highWater most connections there ever were in it
     * @param longestProbe cache lines that the longest search has looked at
     * @param bytes its memory
     */
    record TableView(String family, long connections, long highWater, long capacity, long longestProbe, long bytes) {}

    /** One destination as {@code lvsadm --synproxy} shows it: open handshakes now, and those never answered. */
    record ServerView(long halfOpen, long unanswered) {}

    /** Use of one local address, as {@code -G} shows it. */
    record LocalAddressView(int index, long connections, long exhausted) {}

    /** Whether memory for new connections is short anywhere, as {@code amemthresh} says. */
    default boolean memoryShort() {
        return false;
    }

    /** Where sync gets connections from and brings them to. */
    record SyncAccess(SyncSource source, SyncSink sink) {}

    /** Both ends of sync, made when first asked for while workers run; empty if there is no packet path. */
    default Optional<SyncAccess> sync() {
        return Optional.empty();
    }

    /**
     * Takes in a connection of an earlier life of this director. Before the workers run, after services and settings were
     * published.
     *
     * @return false if it cannot be had
     */
    default boolean restore(SyncConnection connection) {
        return false;
    }

    /** Makes {@code table} what every worker uses from its next cycle on. */
    void publish(ServiceTable table);

    /** Announces all addresses again by gratuitous ARP and unsolicited neighbour advertisements. */
    void announce();

    /** The oldest generation that some worker may still be using. */
    long acknowledgedGeneration();

    /** Sums for the destination with the given index since start or {@link #zero}. */
    Totals totals(int destination);

    /** How often each step of a service's SYN proxy was taken since start or {@link #zeroSteps}, by {@link Counter}. */
    long[] steps(int service);

    /** Whether SYNs of a service in mode {@code auto} are answered by cookies now. */
    boolean proxyOn(int service);

    /** Makes {@code newer} the secrets of SYN cookies, of all workers from their next cycle on. */
    void secrets(Secrets newer);

    /** Restarts the counts of a service's SYN proxy. */
    void zeroSteps(int service);

    /** What the SYN proxy sees of a destination. */
    ServerView server(int destination);

    /** Restarts the sums of a destination (connections, packets, bytes; not active and inactive). */
    void zero(int destination);

    /** Drops by {@code DropReason} ordinal. */
    long[] drops();

    /** Packets given to the kernel's twins by {@code PuntClass} ordinal. */
    default long[] punted() {
        return new long[PuntClass.count()];
    }

    /** The ports in order. */
    List<PortView> ports();

    /** The workers in order. */
    List<WorkerView> workers();

    /** Use of the local address with the given index. */
    LocalAddressView localAddress(int index);

    /** A walk over all connections, some at a time, while traffic and everything else go on. Control thread. */
    interface Walk {
        /** Gives the next few, perhaps none, to {@code sink}; false if these were the last. */
        boolean next(Consumer<ConnectionRow> sink);
    }

    /** Begins a walk over the connections of all workers. */
    Walk connections();

    /** Ends all connections of a destination, as when it is removed with {@code expire_nodest_conn}. */
    void expireDestination(int destination);

    /**
     * Makes {@code inForce} the settings that workers use from their next cycle on; what it does not name has its default.
     *
     * @param inForce validated values in their normal form ({@code lvsd.config.Settings}), by name
     */
    void settings(Map<String, String> inForce);
}
