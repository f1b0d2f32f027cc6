package lvsd.daemon;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import lvsd.config.DaemonConfig;
import lvsd.dataplane.DropReason;
import lvsd.dataplane.service.ServiceTable;
import lvsd.synproxy.ProxyCounters;
import lvsd.synproxy.Secrets;

/** A packet path without packets: rules can be tried on it, which is how {@code --check} reads a rules file. */
final class NullDataplane implements DataplaneFactory.Running {
    private static final Totals NOTHING = new Totals(0, 0, 0, 0, 0, 0, 0, 0);

    private final List<PortView> ports = new ArrayList<>();
    private long generation;

    /** No ports. */
    NullDataplane() {}

    /** The ports of {@code config}, down for ever. */
    NullDataplane(DaemonConfig config) {
        for (DaemonConfig.Port port : config.ports()) {
            ports.add(
                    new PortView(port.name(), port.device(), "00:00:00:00:00:00", port.mtu(), false, 0, 0, 0, 0, 0, 0));
        }
    }

    @Override
    public void open() {}

    @Override
    public List<String> reconfigure(DaemonConfig now) {
        return List.of();
    }

    @Override
    public void close() {}

    @Override
    public void publish(ServiceTable table) {
        generation = table.generation;
    }

    @Override
    public void announce() {
        // There is no network.
    }

    @Override
    public long acknowledgedGeneration() {
        return generation;
    }

    @Override
    public Totals totals(int destination) {
        return NOTHING;
    }

    @Override
    public void zero(int destination) {}

    @Override
    public long[] steps(int service) {
        return new long[ProxyCounters.steps()];
    }

    @Override
    public boolean proxyOn(int service) {
        return false;
    }

    @Override
    public void secrets(Secrets newer) {}

    @Override
    public void zeroSteps(int service) {}

    @Override
    public ServerView server(int destination) {
        return new ServerView(0, 0);
    }

    @Override
    public long[] drops() {
        return new long[DropReason.count()];
    }

    @Override
    public List<PortView> ports() {
        return ports;
    }

    @Override
    public List<WorkerView> workers() {
        return List.of();
    }

    @Override
    public LocalAddressView localAddress(int index) {
        return new LocalAddressView(index, 0, 0);
    }

    @Override
    public Walk connections() {
        return sink -> false;
    }

    @Override
    public void expireDestination(int destination) {}

    @Override
    public void settings(Map<String, String> inForce) {}
}
