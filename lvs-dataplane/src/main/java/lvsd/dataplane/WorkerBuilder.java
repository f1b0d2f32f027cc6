package lvsd.dataplane;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import lvsd.config.DaemonConfig;
import lvsd.dataplane.connection.CallIds;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.connection.LocalPorts;
import lvsd.dataplane.connection.PortShare;
import lvsd.dataplane.connection.RssSpread;
import lvsd.dataplane.connection.Timeouts;
import lvsd.dataplane.connection.TimerWheel;
import lvsd.dataplane.io.LongRing;
import lvsd.dataplane.io.PacketIo;
import lvsd.dataplane.net.NeighbourShare;
import lvsd.dataplane.net.Net;
import lvsd.dataplane.net.NetConfig;
import lvsd.dataplane.net.Punter;
import lvsd.dataplane.scheduler.DestinationCounters;
import lvsd.dataplane.scheduler.DestinationCounts;
import lvsd.dataplane.scheduler.Overloads;
import lvsd.dataplane.scheduler.Schedulers;
import lvsd.dataplane.service.Service;
import lvsd.synproxy.AutoSwitch;
import lvsd.synproxy.ProxyCounters;
import lvsd.synproxy.Secrets;
import org.jspecify.annotations.Nullable;

/** Makes workers and keeps what the control plane reads of their parts. Starting and control thread. */
final class WorkerBuilder implements AutoCloseable {
    private static final int NEIGHBOURS = 4096;
    /** Pools of local ports per worker: (LIP, RS) pairs beyond it share. */
    private static final int PORT_POOLS = 256;

    private final DaemonConfig config;
    private final NetConfig net;
    private final DestinationCounters[] counters;
    private final Overloads overloads = new Overloads();
    private final long seed0;
    private final long seed1;
    private final @Nullable RssSpread rss;
    private final NeighbourShare neighbours;
    private final Secrets secrets = Secrets.random();
    private final List<ProxyCounters> proxyCounters = new ArrayList<>();
    private final AutoSwitch switches = new AutoSwitch(Service.MAXIMUM);
    private final List<LocalPorts> ports = new ArrayList<>();
    private final List<ConnectionTable> tables = new ArrayList<>();
    private final List<CallIds> callIds = new ArrayList<>();

    WorkerBuilder(
            DaemonConfig config,
            NetConfig net,
            DestinationCounters[] counters,
            long seed0,
            long seed1,
            @Nullable RssSpread rss) {
        this.rss = rss;
        this.config = config;
        this.net = net;
        this.counters = counters;
        this.neighbours = new NeighbourShare(counters.length);
        for (int i = 0; i < counters.length; i++) {
            proxyCounters.add(new ProxyCounters(Service.MAXIMUM));
        }
        this.seed0 = seed0;
        this.seed1 = seed1;
    }

    Punter punter(int index) {
        boolean[] twins = new boolean[net.interfaces()];
        for (int iface = 0; iface < twins.length; iface++) {
            twins[iface] = config.ports().get(net.iface(iface).port()).twin();
        }
        return new Punter(config.punt(), twins, index == 0);
    }

    Worker worker(
            int index,
            PacketIo io,
            Punter punter,
            TemplateMail.Post post,
            @Nullable LongRing[] incoming,
            @Nullable LongRing[] outgoing) {
        int count = counters.length;
        long[] drops = new long[DropReason.count()];
        Transmitter transmitter = new Transmitter(io, drops);
        boolean lock = config.connections().lockMemory();
        ConnectionTable table4 = table(false, config.connections().ipv4(), lock);
        ConnectionTable table6 = table(true, config.connections().ipv6(), lock);
        int now = Worker.tick(System.nanoTime());
        PortShare share = rss != null ? rss.share(index) : new PortShare.Modulo(index, count);
        LocalPorts localPorts = new LocalPorts(share, PORT_POOLS, seed0 + index, seed1 - index, false);
        ports.add(localPorts);
        // One seed for all workers: a call has the same key everywhere.
        CallIds calls = new CallIds(seed0 ^ Long.rotateLeft(seed1, 17));
        callIds.add(calls);
        HeldPackets held = new HeldPackets();
        Net own = new Net(index, NEIGHBOURS, seed0 ^ seed1, net, io, punter, drops, transmitter, held);
        own.share(neighbours);
        WorkerParts parts = new WorkerParts(
                table4,
                table6,
                new TimerWheel(table4, now),
                new TimerWheel(table6, now),
                new Timeouts(),
                counters[index],
                new DestinationCounts(overloads, counters[index], others(index)),
                new Schedulers(),
                localPorts,
                own,
                new Ownership(index, count, Long.rotateLeft(seed0, 32) ^ seed1, rss),
                post,
                calls,
                partialChecksums(),
                proxyParts(index),
                seed0,
                seed1);
        held.tables(table4, table6);
        Worker worker = new Worker(index, io, parts, transmitter, drops, incoming, outgoing);
        worker.publish(Sysctls.of(config.settings()));
        return worker;
    }

    private ProxyParts proxyParts(int index) {
        ProxyCounters own = proxyCounters.get(index);
        AutoProxy auto = index == 0 ? new AutoProxy(switches, proxyCounters, own, List.of(counters)) : null;
        return new ProxyParts(secrets, own, switches, auto);
    }

    /** Whether SYNs of a service in mode {@code auto} are answered by cookies now. */
    boolean proxyOn(int service) {
        return switches.on(service);
    }

    /** How often each step of a service's SYN proxy was taken, all workers together. */
    long[] proxySteps(int service) {
        long[] sums = new long[ProxyCounters.steps()];
        for (ProxyCounters each : proxyCounters) {
            for (ProxyCounters.Counter counter : ProxyCounters.Counter.values()) {
                sums[counter.ordinal()] += each.get(service, counter);
            }
        }
        return sums;
    }

    private BitSet partialChecksums() {
        BitSet partial = new BitSet();
        for (int port = 0; port < config.ports().size(); port++) {
            partial.set(port, PartialChecksums.possible(config.ports().get(port).device()));
        }
        return partial;
    }

    private ConnectionTable table(boolean ipv6, int capacity, boolean lock) {
        ConnectionTable table = new ConnectionTable(ipv6, capacity, seed0, seed1, lock);
        tables.add(table);
        return table;
    }

    private DestinationCounters[] others(int index) {
        List<DestinationCounters> others = new ArrayList<>(List.of(counters));
        others.remove(index);
        return others.toArray(DestinationCounters[]::new);
    }

    DataplaneControl.LocalAddressView localAddress(int index) {
        long connections = 0;
        long exhausted = 0;
        for (LocalPorts each : ports) {
            connections += each.inUse(index);
            exhausted += each.exhausted(index);
        }
        return new DataplaneControl.LocalAddressView(index, connections, exhausted);
    }

    @Override
    public void close() {
        ports.forEach(LocalPorts::close);
        tables.forEach(ConnectionTable::close);
        callIds.forEach(CallIds::close);
    }
}
