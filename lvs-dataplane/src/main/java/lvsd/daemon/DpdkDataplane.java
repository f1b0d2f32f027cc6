package lvsd.daemon;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import lvsd.config.DaemonConfig;
import lvsd.dataplane.Dataplane;
import lvsd.dataplane.Worker;
import lvsd.dataplane.WorkerThread;
import lvsd.dataplane.io.DpdkIo;
import lvsd.dataplane.io.DpdkPorts;
import lvsd.dataplane.net.Interface;
import lvsd.dataplane.net.PuntThread;
import lvsd.dataplane.net.TapTwin;
import lvsd.dpdk.DpdkException;
import lvsd.memory.NativeException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The packet path on DPDK ports: worker threads, the kernel's twins and the thread that feeds them, and a watch over
 * links and tables that logs what an operator should know. Made by {@link DpdkDataplaneFactory}.
 */
final class DpdkDataplane extends Dataplane implements DataplaneFactory.Running {
    private static final Logger LOG = LoggerFactory.getLogger(DpdkDataplane.class);
    private static final int WATCH_MILLIS = 500;

    private final DaemonConfig config;
    private final DpdkPorts ports;
    private final List<DpdkIo> ios;
    private final List<WorkerThread> threads = new ArrayList<>();
    private final List<@Nullable TapTwin> twins = new ArrayList<>();
    private @Nullable PuntThread puntThread;
    private @Nullable Thread watch;
    private volatile boolean closing;
    private boolean[] linkUp = new boolean[0];
    private final TableWatch tables = new TableWatch();

    /** Over ports that are configured, but not started. */
    static DpdkDataplane over(DaemonConfig config, DpdkPorts ports) {
        List<DpdkIo> ios =
                IntStream.range(0, config.workers().count()).mapToObj(ports::io).toList();
        return new DpdkDataplane(config, ports, ios);
    }

    private DpdkDataplane(DaemonConfig config, DpdkPorts ports, List<DpdkIo> ios) {
        super(config, ios, new long[config.ports().size()], ports::views, ports.rss());
        this.config = config;
        this.ports = ports;
        this.ios = ios;
    }

    @Override
    public void open() throws StartException {
        try {
            ports.start();
            long[] macs = new long[ports.count()];
            for (int port = 0; port < macs.length; port++) {
                macs[port] = mac(ports.mac(port));
            }
            macs(macs);
            openTwins();
        } catch (DpdkException | NativeException e) {
            throw new StartException(String.valueOf(e.getMessage()), e);
        }
        linkUp = new boolean[ports.count()];
        List<Integer> cores = config.workers().cores();
        for (Worker worker : workerList()) {
            int core = worker.index() < cores.size() ? cores.get(worker.index()) : -1;
            WorkerThread thread = new WorkerThread(worker, core, ports::registerThread, ports::unregisterThread);
            threads.add(thread);
            thread.start();
        }
        WorkerThread.reserve(cores);
        watch = Thread.ofPlatform().daemon().name("lvs-watch").start(this::watch);
    }

    private void watch() {
        try {
            while (!closing) {
                look();
                Thread.sleep(WATCH_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            LOG.error("links and tables are no longer watched", e);
        }
    }

    /** Six address bytes as they lie in a frame, read as a native 48-bit number. */
    private static long mac(byte[] bytes) {
        long mac = 0;
        for (int i = 5; i >= 0; i--) {
            mac = mac << 8 | (bytes[i] & 0xff);
        }
        return mac;
    }

    private void openTwins() {
        for (int i = 0; i < net().interfaces(); i++) {
            Interface iface = net().iface(i);
            boolean wanted = config.ports().get(iface.port()).twin();
            twins.add(wanted ? TapTwin.open(iface, config.punt().forward(), config.routes()) : null);
        }
        PuntThread thread = new PuntThread(punters(), twins, net());
        puntThread = thread;
        thread.start();
    }

    /** Looks at links and tables; the watch's thread. */
    private void look() {
        for (int port = 0; port < linkUp.length; port++) {
            boolean up = ports.link(port).up();
            if (up != linkUp[port]) {
                linkUp[port] = up;
                linkChanged(port, up);
            }
        }
        tables.look(workers());
    }

    private void linkChanged(int port, boolean up) {
        LOG.atInfo()
                .addKeyValue("port", config.ports().get(port).name())
                .addKeyValue("up", up)
                .log("link");
        for (int i = 0; i < twins.size(); i++) {
            TapTwin twin = twins.get(i);
            if (twin != null && net().iface(i).port() == port) {
                twin.carrier(up);
            }
        }
        if (up) {
            linkUp(port);
        }
    }

    @Override
    public List<String> reconfigure(DaemonConfig now) {
        List<String> restart = new ArrayList<>(Reconfiguration.needRestart(config, now));
        Optional<DaemonConfig> network = Reconfiguration.network(config, now);
        try {
            network.ifPresent(this::network);
            network.ifPresent(this::twins);
        } catch (IllegalArgumentException e) {
            LOG.atError().addKeyValue("cause", e.getMessage()).log("addresses and routes not applied");
        }
        return restart;
    }

    /** The kernel's side of addresses and routes. */
    private void twins(DaemonConfig now) {
        for (int port = 0; port < twins.size(); port++) {
            TapTwin twin = twins.get(port);
            if (twin != null) {
                try {
                    twin.network(net().iface(net().ifaceOf(port, -1)), now.routes());
                } catch (NativeException e) {
                    LOG.atError()
                            .addKeyValue("port", twin.name())
                            .addKeyValue("cause", e.getMessage())
                            .log("addresses of the twin not changed");
                }
            }
        }
        PuntThread thread = puntThread;
        if (thread != null) {
            thread.config(net());
        }
    }

    private void stopWatch() {
        Thread watching = watch;
        if (watching != null) {
            watching.interrupt();
            try {
                watching.join(WATCH_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public void close() {
        closing = true;
        stopWatch();
        threads.forEach(WorkerThread::close);
        if (puntThread != null) {
            puntThread.close();
        }
        for (TapTwin twin : twins) {
            if (twin != null) {
                twin.close();
            }
        }
        super.close();
        ios.forEach(DpdkIo::close);
        ports.close();
    }
}
