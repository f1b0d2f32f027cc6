package lvsd.dataplane;

import java.net.InetAddress;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Supplier;
import lvsd.config.DaemonConfig;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.connection.RssSpread;
import lvsd.dataplane.io.LongRing;
import lvsd.dataplane.io.PacketIo;
import lvsd.dataplane.net.NetConfig;
import lvsd.dataplane.net.NetSettings;
import lvsd.dataplane.net.PuntClass;
import lvsd.dataplane.net.Punter;
import lvsd.dataplane.scheduler.DestinationCounters;
import lvsd.dataplane.service.LocalAddress;
import lvsd.dataplane.service.Service;
import lvsd.dataplane.service.ServiceTable;
import lvsd.rules.DirectorRole;
import lvsd.rules.ServiceId;
import lvsd.sync.SyncConnection;
import lvsd.synproxy.Secrets;
import org.jspecify.annotations.Nullable;

/**
 * All workers of a director, put together from the daemon file and one {@link PacketIo} per worker, and what the control
 * plane may ask of them. Methods of {@link DataplaneControl} are for the control thread.
 */
public class Dataplane implements DataplaneControl, AutoCloseable {
    private static final int HANDOFF_RING = 1024;
    private static final int PAGE = 4096;
    /** Entries that a worker lists at a time: a tenth of a millisecond of its cycle. */
    private static final int LISTED = 512;

    private DaemonConfig config;
    private long[] macs;
    private Map<String, String> settings;
    private final List<Worker> workers = new ArrayList<>();
    private final List<Punter> punters = new ArrayList<>();
    private final DestinationCounters[] counters;
    private final WorkerBuilder builder;
    private final Supplier<List<PortView>> portViews;
    private final Map<Integer, Totals> zeroed = new HashMap<>();
    private final Map<Integer, Long> zeroedUnanswered = new HashMap<>();
    private final Map<Integer, long[]> zeroedSteps = new HashMap<>();
    private @Nullable SyncAccess syncAccess;
    private boolean restoring;
    private NetConfig net;
    private Set<InetAddress> vips = Set.of();
    private Set<InetAddress> lips = Set.of();
    private boolean standby;

    /**
     * Builds the workers; nothing runs yet.
     *
     * @param config the daemon file
     * @param ios one for each worker, all over the same ports
     * @param macs MAC of each port in wire form
     * @param portViews statistics of the ports
     */
    public Dataplane(
            DaemonConfig config, List<? extends PacketIo> ios, long[] macs, Supplier<List<PortView>> portViews) {
        this(config, ios, macs, portViews, null);
    }

    /**
     * As {@link #Dataplane(DaemonConfig, List, long[], Supplier)}.
     *
     * @param rss how the ports spread packets over the workers, or null when packets may arrive at any
     */
    public Dataplane(
            DaemonConfig config,
            List<? extends PacketIo> ios,
            long[] macs,
            Supplier<List<PortView>> portViews,
            @Nullable RssSpread rss) {
        this.config = config;
        this.macs = macs.clone();
        this.settings = config.settings();
        this.portViews = portViews;
        int count = ios.size();
        this.counters = new DestinationCounters[count];
        for (int i = 0; i < count; i++) {
            counters[i] = new DestinationCounters();
        }
        SecureRandom random = new SecureRandom();
        this.standby = config.role() == DirectorRole.STANDBY;
        this.net = netConfig();
        this.builder = new WorkerBuilder(config, net, counters, random.nextLong(), random.nextLong(), rss);
        @Nullable LongRing[][] rings = rings(count, HANDOFF_RING);
        @Nullable LongRing[][] mail = rings(count, TemplateMail.RING);
        for (int i = 0; i < count; i++) {
            Punter punter = builder.punter(i);
            punters.add(punter);
            TemplateMail.Post post = new TemplateMail.Post(column(mail, i), mail[i]);
            workers.add(builder.worker(i, ios.get(i), punter, post, column(rings, i), rings[i]));
        }
    }

    /** Rings between workers: {@code rings[from][to]}. */
    private static @Nullable LongRing[][] rings(int count, int capacity) {
        @Nullable LongRing[][] rings = new @Nullable LongRing[count][count];
        for (int from = 0; from < count; from++) {
            for (int to = 0; to < count; to++) {
                rings[from][to] = from == to ? null : new LongRing(capacity);
            }
        }
        return rings;
    }

    private static @Nullable LongRing[] column(@Nullable LongRing[][] rings, int to) {
        @Nullable LongRing[] column = new @Nullable LongRing[rings.length];
        for (int from = 0; from < rings.length; from++) {
            column[from] = rings[from][to];
        }
        return column;
    }

    private NetConfig netConfig() {
        return NetConfig.of(config.withSettings(settings), macs, vips, lips, standby);
    }

    /** Tells the workers the ports' MAC addresses (wire form), once they are known. Control thread. */
    protected final void macs(long[] known) {
        macs = known.clone();
        publishNet();
    }

    /** Tells worker 0 that a port's link came up, so that addresses are announced again. Any thread but workers'. */
    protected final void linkUp(int port) {
        send(workers.getFirst(), worker -> worker.linkUp(port));
    }

    /** The snapshot of layers 2 and 3 published last. */
    protected final NetConfig net() {
        return net;
    }

    /**
     * Makes addresses, VLANs, reverse-path checks and routes those of {@code now}, while packets flow. Connections stay; their
     * next hops are found anew. Control thread.
     *
     * @param now a daemon file with the ports that there are
     * @throws IllegalArgumentException if a route leads nowhere, in words; nothing has changed then
     */
    protected final void network(DaemonConfig now) {
        DaemonConfig before = config;
        config = before.withNetwork(now.ports(), now.routes());
        try {
            publishNet();
        } catch (IllegalArgumentException e) {
            config = before;
            throw e;
        }
    }

    /** The workers, in order. */
    public List<Worker> workerList() {
        return workers;
    }

    /** The workers' ends of the exception path, in order. */
    public List<Punter> punters() {
        return punters;
    }

    @Override
    public void publish(ServiceTable table) {
        Set<InetAddress> newVips = new HashSet<>();
        Set<InetAddress> newLips = new HashSet<>();
        Set<Integer> marks4 = new HashSet<>();
        Set<Integer> marks6 = new HashSet<>();
        for (Service service : table.services()) {
            switch (service.id()) {
                case ServiceId.Vip vip -> newVips.add(vip.address());
                case ServiceId.Fwmark id -> (id.ipv6() ? marks6 : marks4).add(id.mark());
            }
            for (LocalAddress local : service.localAddresses) {
                newLips.add(local.address);
            }
        }
        newVips.addAll(table.marks.virtualAddresses(marks4, marks6));
        boolean changed = !newVips.equals(vips) || !newLips.equals(lips) || table.standby != standby;
        vips = newVips;
        lips = newLips;
        standby = table.standby;
        // A standby gives up its addresses before it stops to forward, an active one forwards before it has them.
        if (standby && changed) {
            publishNet();
        }
        workers.forEach(worker -> worker.publish(table));
        if (!standby && changed) {
            publishNet();
        }
    }

    @Override
    public void announce() {
        send(workers.getFirst(), Worker::announce);
    }

    private void publishNet() {
        NetConfig newest = netConfig();
        net = newest;
        workers.forEach(worker -> worker.publish(newest));
    }

    @Override
    public long acknowledgedGeneration() {
        return workers.stream()
                .mapToLong(worker -> worker.statistic(Worker.GENERATION))
                .min()
                .orElse(Long.MAX_VALUE);
    }

    @Override
    public Totals totals(int destination) {
        Totals now = sum(destination);
        Totals base = zeroed.get(destination);
        if (base == null) {
            return now;
        }
        return new Totals(
                now.connections() - base.connections(),
                now.inPackets() - base.inPackets(),
                now.outPackets() - base.outPackets(),
                now.inBytes() - base.inBytes(),
                now.outBytes() - base.outBytes(),
                now.active(),
                now.inactive(),
                now.persistent());
    }

    @Override
    public long[] steps(int service) {
        long[] now = builder.proxySteps(service);
        long[] base = zeroedSteps.get(service);
        for (int i = 0; base != null && i < now.length; i++) {
            now[i] -= base[i];
        }
        return now;
    }

    @Override
    public boolean proxyOn(int service) {
        return builder.proxyOn(service);
    }

    @Override
    public void secrets(Secrets newer) {
        workers.forEach(worker -> worker.publish(newer));
    }

    @Override
    public void zeroSteps(int service) {
        zeroedSteps.put(service, builder.proxySteps(service));
    }

    @Override
    public ServerView server(int destination) {
        long halfOpen = 0;
        long unanswered = 0;
        for (DestinationCounters each : counters) {
            halfOpen += each.halfOpen(destination);
            unanswered += each.unanswered(destination);
        }
        return new ServerView(halfOpen, unanswered - zeroedUnanswered.getOrDefault(destination, 0L));
    }

    private Totals sum(int destination) {
        long connections = 0;
        long inPackets = 0;
        long outPackets = 0;
        long inBytes = 0;
        long outBytes = 0;
        long load = 0;
        long persistent = 0;
        for (DestinationCounters each : counters) {
            connections += each.connections(destination);
            inPackets += each.inPackets(destination);
            outPackets += each.outPackets(destination);
            inBytes += each.inBytes(destination);
            outBytes += each.outBytes(destination);
            load += each.load(destination);
            persistent += each.persistent(destination);
        }
        return new Totals(
                connections,
                inPackets,
                outPackets,
                inBytes,
                outBytes,
                DestinationCounters.active(load),
                DestinationCounters.inactive(load),
                persistent);
    }

    @Override
    public void zero(int destination) {
        zeroed.put(destination, sum(destination));
        zeroedUnanswered.merge(destination, server(destination).unanswered(), Long::sum);
    }

    @Override
    public long[] drops() {
        long[] sums = new long[DropReason.count()];
        for (int reason = 0; reason < sums.length; reason++) {
            for (Worker worker : workers) {
                sums[reason] += worker.drops(reason);
            }
        }
        return sums;
    }

    @Override
    public long[] punted() {
        long[] sums = new long[PuntClass.count()];
        for (Punter punter : punters) {
            for (int each = 0; each < sums.length; each++) {
                sums[each] += punter.punted()[each];
            }
        }
        return sums;
    }

    @Override
    public List<PortView> ports() {
        return portViews.get();
    }

    @Override
    public List<WorkerView> workers() {
        List<WorkerView> views = new ArrayList<>();
        for (Worker worker : workers) {
            views.add(view(worker));
        }
        return views;
    }

    private WorkerView view(Worker worker) {
        Pipeline pipeline = worker.pipeline();
        List<Integer> cores = config.workers().cores();
        int index = worker.index();
        return new WorkerView(
                index,
                index < cores.size() ? cores.get(index) : -1,
                worker.statistic(Worker.CYCLES),
                worker.statistic(Worker.IDLE),
                worker.statistic(Worker.PACKETS),
                worker.statistic(Worker.LONGEST),
                List.of(view("ipv4", pipeline.table4), view("ipv6", pipeline.table6)),
                worker.statistic(Worker.HANDOFFS_IN),
                worker.statistic(Worker.HANDOFFS_OUT),
                worker.statistic(Worker.ENDED));
    }

    private static TableView view(String family, ConnectionTable table) {
        return new TableView(
                family, table.used(), table.highWater(), table.capacity(), table.longestProbe(), table.bytes());
    }

    @Override
    public boolean memoryShort() {
        return workers.stream().anyMatch(worker -> worker.statistic(Worker.SHORT) != 0);
    }

    @Override
    public LocalAddressView localAddress(int index) {
        return builder.localAddress(index);
    }

    @Override
    public Walk connections() {
        return new Walk() {
            private int worker;
            private boolean ipv6;
            private int from;

            @Override
            public boolean next(Consumer<ConnectionRow> sink) {
                List<ConnectionRow> rows = new ArrayList<>();
                int at = from;
                boolean table6 = ipv6;
                from = ask(workers.get(worker), w -> ConnectionDump.page(w, table6, at, LISTED, rows));
                rows.forEach(sink);
                if (from < 0) {
                    from = 0;
                    worker += ipv6 ? 1 : 0;
                    ipv6 = !ipv6;
                }
                return worker < workers.size();
            }
        };
    }

    /** Something a worker answers with a number. */
    @FunctionalInterface
    interface Question {
        /** Runs on the worker's thread. */
        int answer(Worker worker);
    }

    /** Asks a worker and waits for the answer. */
    int ask(Worker worker, Question question) {
        CompletableFuture<Integer> answer = new CompletableFuture<>();
        send(worker, w -> answer.complete(question.answer(w)));
        return answer.join();
    }

    @Override
    public Optional<SyncAccess> sync() {
        if (syncAccess == null) {
            SyncEnds ends = new SyncEnds(workers);
            ends.open();
            syncAccess = new SyncAccess(ends, ends);
        }
        return Optional.of(syncAccess);
    }

    @Override
    public boolean restore(SyncConnection connection) {
        if (!restoring) {
            restoring = true;
            long now = System.nanoTime();
            workers.forEach(worker -> worker.prepare(now));
        }
        return SyncEnds.restore(workers, connection);
    }

    /** Sends a command, waiting while the worker's queue is full. */
    public final void send(Worker worker, WorkerCommand command) {
        synchronized (worker) {
            while (!worker.offer(command)) {
                LockSupport.parkNanos(50_000);
            }
        }
    }

    @Override
    public void expireDestination(int destination) {
        if (workers.stream().allMatch(worker -> worker.statistic(Worker.CYCLES) == 0)) {
            return; // None runs yet, while a journal is followed: there is nothing to end, and none would answer.
        }
        for (Worker worker : workers) {
            for (boolean ipv6 : new boolean[] {false, true}) {
                int from = 0;
                while (from >= 0) {
                    int at = from;
                    from = ask(worker, w -> ConnectionDump.expire(w, ipv6, at, PAGE, destination));
                }
            }
        }
    }

    @Override
    public void settings(Map<String, String> inForce) {
        boolean netChanged = !NetSettings.of(inForce).equals(NetSettings.of(settings));
        settings = Map.copyOf(inForce);
        Sysctls newest = Sysctls.of(settings);
        workers.forEach(worker -> worker.publish(newest));
        if (netChanged) {
            publishNet();
        }
    }

    /** Gives tables and what workers hold back; no worker runs any more. */
    @Override
    public void close() {
        workers.forEach(Worker::close);
        builder.close();
    }
}
