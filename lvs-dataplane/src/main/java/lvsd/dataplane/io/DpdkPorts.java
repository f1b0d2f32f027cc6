package lvsd.dataplane.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import lvsd.config.DaemonConfig;
import lvsd.dataplane.DataplaneControl;
import lvsd.dataplane.connection.RssSpread;
import lvsd.dpdk.DpdkAbi;
import lvsd.dpdk.DpdkException;
import lvsd.dpdk.DpdkLibrary;
import lvsd.dpdk.Eal;
import lvsd.dpdk.EthPort;
import lvsd.dpdk.Mempool;
import lvsd.dpdk.QueuePair;
import lvsd.linux.Affinity;
import lvsd.linux.InterfaceGuard;
import lvsd.linux.Interfaces;
import lvsd.memory.NativeException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ports of the daemon file, over DPDK: opens the EAL, makes the pool, verifies DPDK's structures, configures every
 * port, and hands each worker its {@link DpdkIo}. Opened, started and closed by the control thread; {@link #views} and
 * {@link #link} may be called by any.
 *
 * <p>Order: {@link #open}, {@link #start}, workers call {@link #registerThread} and poll; at the end workers stop and
 * call {@link #unregisterThread}, their IOs are closed, then {@link #close}.
 */
public final class DpdkPorts implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DpdkPorts.class);

    /** Longest Toeplitz key of a driver (i40e, ice) in bytes. */
    private static final int KEY_BYTES = 52;

    private static final int CACHE = 256;

    private static final int LOCALLY_ADMINISTERED = 2;

    private final DaemonConfig config;
    private final Eal eal;
    private final Mempool pool;
    private final byte[] rssKey = new byte[KEY_BYTES];
    private final List<Port> ports = new ArrayList<>();
    private final List<InterfaceGuard> guards;
    private boolean started;

    /** A port and what was settled about it. */
    private static final class Port {
        final DaemonConfig.Port config;
        final EthPort device;
        final EthPort.Setup setup;
        final String driver;
        final TxLock[] locks;
        byte[] mac = new byte[6];
        /** Entries of the redirection table, if the port can spread as {@link #rss} says; else 0. */
        final int rssTable;

        boolean promiscuous;

        Port(DaemonConfig.Port config, EthPort device, EthPort.Setup setup, String driver, int rssTable, int workers) {
            this.config = config;
            this.rssTable = rssTable;
            this.device = device;
            this.setup = setup;
            this.driver = driver;
            this.locks = new TxLock[setup.txQueues()];
            for (int i = 0; i < locks.length; i++) {
                locks[i] = workers > locks.length ? new TxLock() : TxLock.NONE;
            }
        }
    }

    private DpdkPorts(DaemonConfig config, List<InterfaceGuard> guards, Eal eal, Mempool pool) {
        this.config = config;
        this.guards = guards;
        this.eal = eal;
        this.pool = pool;
        new SecureRandom().nextBytes(rssKey);
    }

    /**
     * Opens DPDK and configures all ports. They receive nothing before {@link #start}.
     *
     * <p>The kernel interface under a net_af_packet or net_af_xdp port is prepared first (see {@link InterfaceGuard}): it is up, the
     * kernel's own stack sees none of its frames when the port has a twin, and a veth's peer stops sending frames larger
     * than the MTU. {@link #close} puts it back.
     *
     * @throws DpdkException if DPDK is missing, another release, short of memory, or refuses a port; the message says
     *     which and what to do
     */
    public static DpdkPorts open(DaemonConfig config) {
        checkInterfaces(config);
        DpdkLibrary library = DpdkLibrary.load(config.eal().library());
        checkHugepages(config.eal());
        Eal.logToStandardError(library);
        // Before EAL: net_af_packet binds its sockets when it is probed, and a socket on an interface that is down
        // fails.
        List<InterfaceGuard> guards = new ArrayList<>();
        try {
            config.ports().forEach(port -> guard(port, guards));
            return open(config, library, guards);
        } catch (RuntimeException failure) {
            guards.forEach(InterfaceGuard::close);
            throw failure;
        }
    }

    private static DpdkPorts open(DaemonConfig config, DpdkLibrary library, List<InterfaceGuard> guards) {
        Eal eal = Eal.init(library, EalArguments.of(config, Affinity.get()));
        try {
            DaemonConfig.Eal wanted = config.eal();
            int cache = Math.min(CACHE, wanted.mbufs() / (2 * (config.workers().count() + 1)));
            Mempool pool = Mempool.create(eal, "lvsd", wanted.mbufs(), cache, wanted.mbufSize());
            DpdkAbi.verify(eal, pool);
            DpdkPorts ports = new DpdkPorts(config, guards, eal, pool);
            config.ports().forEach(ports::configure);
            return ports;
        } catch (RuntimeException failure) {
            eal.close();
            throw failure;
        }
    }

    /**
     * An interface under net_af_packet is ours alone; without a twin the kernel stays the host there. So is one under
     * net_af_xdp, whose frames of the queues it does not serve the kernel would have.
     */
    private static void guard(DaemonConfig.Port port, List<InterfaceGuard> guards) {
        EalArguments.kernelInterface(port.device()).ifPresent(name -> {
            InterfaceGuard guard =
                    InterfaceGuard.take(name, port.twin(), port.device().startsWith("net_af_xdp"));
            guards.add(guard);
            guard.warnings().forEach(warning -> LOG.warn("port={} {}", port.name(), warning));
        });
    }

    /** A driver that finds no interface only writes a line to EAL's log, and the port is missing later. */
    private static void checkInterfaces(DaemonConfig config) {
        for (DaemonConfig.Port port : config.ports()) {
            Optional<String> kernel = EalArguments.kernelInterface(port.device());
            if (kernel.isPresent() && !Interfaces.exists(kernel.get())) {
                throw new DpdkException(
                        "configuration",
                        0,
                        "there is no interface " + kernel.get() + " in this network namespace (ip link shows them)",
                        "port " + port.name() + " with device " + port.device());
            }
        }
    }

    /** EAL's own message about missing hugepages names neither how many nor what to do. */
    private static void checkHugepages(DaemonConfig.Eal eal) {
        long free = freeHugeMegabytes();
        if (eal.hugepages() && free < eal.memoryMegabytes()) {
            throw new DpdkException(
                    "hugepages",
                    0,
                    free + " MB are free",
                    "DPDK needs " + eal.memoryMegabytes() + " MB of hugepages (reserve them: sysctl vm.nr_hugepages="
                            + (eal.memoryMegabytes() + 1) / 2 + "; or lower eal.memory; or set eal.hugepages: false)");
        }
    }

    private static long freeHugeMegabytes() {
        Path sizes = Path.of("/sys/kernel/mm/hugepages");
        long kilobytes = 0;
        try (var directories = Files.newDirectoryStream(sizes, "hugepages-*kB")) {
            for (Path directory : directories) {
                String name = String.valueOf(directory.getFileName());
                long size = Long.parseLong(name.replaceAll("[^0-9]", ""));
                kilobytes += size
                        * Long.parseLong(Files.readString(directory.resolve("free_hugepages"))
                                .trim());
            }
        } catch (IOException | NumberFormatException unreadable) {
            return Long.MAX_VALUE; // let EAL find out
        }
        return kilobytes / 1024;
    }

    private void configure(DaemonConfig.Port port) {
        int workers = config.workers().count();
        EthPort device = EthPort.find(eal, EalArguments.deviceName(port.device()));
        EthPort.Info info = device.info();
        int rx = Math.clamp(workers, 1, Math.max(1, info.maxRxQueues()));
        int tx = Math.clamp(workers, 1, Math.max(1, info.maxTxQueues()));
        EthPort.Setup setup = new EthPort.Setup(rx, tx, port.rxDescriptors(), port.txDescriptors(), port.mtu());
        device.configure(setup, rssKey, pool);
        // Only hardware hashes as we configure it; vdevs accept key and table and then do as they like.
        int table = rx == workers && EalArguments.isPci(port.device()) ? EthPort.rssTable(info, rssKey.length) : 0;
        ports.add(new Port(port, device, setup, info.driver(), table, workers));
    }

    /**
     * Starts all ports, in order.
     *
     * @throws DpdkException if one does not start, or is not as DPDK's structures should have it
     */
    public void start() {
        started = true;
        for (int i = 0; i < ports.size(); i++) {
            Port port = ports.get(i);
            port.device.start();
            DpdkAbi.verifyPort(eal, port.device, pool, port.setup);
            port.mac = mac(port.device, i);
            if (!port.device.allMulticast(true)) {
                port.promiscuous = port.device.promiscuous(true); // ND, VRRP, routing protocols need group frames
            }
            if (port.rssTable > 0 && !port.device.spread(port.rssTable, port.setup.rxQueues())) {
                LOG.warn(
                        "port={} the driver does not let its RSS table be written; workers hand packets over,"
                                + " which costs speed",
                        port.config.name());
            }
        }
    }

    /** The port's MAC address; ports without one (net_null, net_ring) get a locally administered one. */
    private static byte[] mac(EthPort device, int index) {
        byte[] mac = device.mac();
        if (Arrays.equals(mac, new byte[6])) {
            mac[0] = LOCALLY_ADMINISTERED;
            mac[5] = (byte) index;
        }
        return mac;
    }

    /** Number of ports. */
    public int count() {
        return ports.size();
    }

    /** MAC address of a started port, six bytes. */
    public byte[] mac(int port) {
        return ports.get(port).mac.clone();
    }

    /** Name of the driver of a port, for example {@code net_af_packet}. */
    public String driver(int port) {
        return ports.get(port).driver;
    }

    /** State of the link of a started port. */
    public EthPort.Link link(int port) {
        return link(ports.get(port));
    }

    /** net_af_packet and net_af_xdp say that their link is up whatever happens to the interface under it. */
    private static EthPort.Link link(Port port) {
        EthPort.Link link = port.device.link();
        boolean gone = link.up()
                && EalArguments.kernelInterface(port.config.device())
                        .filter(DpdkPorts::withoutCarrier)
                        .isPresent();
        return gone ? new EthPort.Link(false, link.megabits()) : link;
    }

    private static boolean withoutCarrier(String kernelInterface) {
        try {
            return !Interfaces.running(kernelInterface);
        } catch (NativeException absent) {
            return true;
        }
    }

    /**
     * How packets are spread over the workers, when all ports do it alike and by a table of ours: with one worker, or
     * vdevs, or drivers without RSS, there is no such thing, and packets need a hand-off. The key is random at every
     * start.
     */
    public @Nullable RssSpread rss() {
        int workers = config.workers().count();
        int table = ports.isEmpty() ? 0 : ports.getFirst().rssTable;
        boolean alike = ports.stream().allMatch(port -> port.rssTable == table);
        return workers > 1 && alike && table > 0 ? new RssSpread(rssKey, table, workers) : null;
    }

    /** Number of RX queues of the port; less than the number of workers when the driver has no more. */
    public int rxQueues(int port) {
        return ports.get(port).setup.rxQueues();
    }

    /**
     * The IO of a worker. RX queue {@code q} of a port with a queue for each worker belongs to worker {@code q}; of one
     * with fewer, they go round, beginning at the worker with the port's number.
     *
     * @param worker 0 to the configured number of workers
     */
    public DpdkIo io(int worker) {
        int workers = config.workers().count();
        QueuePair[] queues = new QueuePair[ports.size()];
        TxLock[] locks = new TxLock[ports.size()];
        for (int i = 0; i < queues.length; i++) {
            Port port = ports.get(i);
            int rxQueues = port.setup.rxQueues();
            int rx = rxQueues == workers ? worker : Math.floorMod(worker - i, workers);
            int tx = worker % port.setup.txQueues();
            queues[i] = port.device.queues(rx < rxQueues ? rx : -1, tx);
            locks[i] = port.locks[tx];
        }
        return new DpdkIo(queues, locks, pool);
    }

    /** To be called by each worker thread before it polls. */
    public void registerThread() {
        eal.registerThread();
    }

    /** To be called by each worker thread before it ends. */
    public void unregisterThread() {
        eal.unregisterThread();
    }

    /** DPDK's version, for the log and {@code --version}. */
    public String version() {
        return eal.library().version();
    }

    /** Mbufs in the pool. */
    public int mbufs() {
        return pool.size();
    }

    /** Mbufs that are free now. */
    public int freeMbufs() {
        return pool.available();
    }

    /** The ports as {@code lvsadm --ports} shows them. */
    public List<DataplaneControl.PortView> views() {
        return ports.stream().map(DpdkPorts::view).toList();
    }

    private static DataplaneControl.PortView view(Port port) {
        EthPort.Stats stats = port.device.stats();
        return new DataplaneControl.PortView(
                port.config.name(),
                port.config.device(),
                HexFormat.ofDelimiter(":").formatHex(port.mac),
                port.config.mtu(),
                link(port).up(),
                stats.inPackets(),
                stats.outPackets(),
                stats.inBytes(),
                stats.outBytes(),
                stats.missed() + stats.noMbuf(),
                stats.inErrors() + stats.outErrors());
    }

    /**
     * Stops and closes the ports and DPDK. Workers must have ended. What fails (an interface that has gone meanwhile)
     * is logged and left, so that the rest is put back.
     */
    @Override
    public void close() {
        for (Port port : ports) {
            if (port.promiscuous) {
                quietly(port, () -> port.device.promiscuous(false)); // net_af_packet leaves the interface as it is
            }
            if (started) {
                quietly(port, port.device::stop);
            }
            quietly(port, port.device::close);
        }
        ports.clear();
        guards.forEach(InterfaceGuard::close);
        guards.clear();
        eal.close();
    }

    private static void quietly(Port port, Runnable step) {
        try {
            step.run();
        } catch (DpdkException failure) {
            LOG.warn("port={} closing: {}", port.config.name(), failure.getMessage());
        }
    }
}
