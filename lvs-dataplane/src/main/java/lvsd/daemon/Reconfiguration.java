package lvsd.daemon;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lvsd.config.DaemonConfig;
import lvsd.config.DaemonConfig.Port;

/** What of a changed daemon file can be applied while packets flow, and what needs a restart. */
final class Reconfiguration {
    private Reconfiguration() {}

    /**
     * Parts that differ and that only a start reads, as an operator finds them in the file.
     *
     * @param started the file at the start
     * @param now the file now
     */
    static List<String> needRestart(DaemonConfig started, DaemonConfig now) {
        List<String> names = new ArrayList<>();
        note(names, "eal", started.eal(), now.eal());
        note(names, "workers", started.workers(), now.workers());
        note(names, "connections", started.connections(), now.connections());
        note(names, "punt", started.punt(), now.punt());
        if (!samePorts(started, now)) {
            names.add("ports (one added, removed, renamed or moved; no address and no route is applied before that)");
            return names;
        }
        for (int i = 0; i < now.ports().size(); i++) {
            Port before = started.ports().get(i);
            Port after = now.ports().get(i);
            String port = "ports[" + i + "].";
            note(names, port + "device", before.device(), after.device());
            note(names, port + "mtu", before.mtu(), after.mtu());
            note(names, port + "twin", before.twin(), after.twin());
            note(names, port + "rx-descriptors", before.rxDescriptors(), after.rxDescriptors());
            note(names, port + "tx-descriptors", before.txDescriptors(), after.txDescriptors());
        }
        return names;
    }

    private static void note(List<String> names, String name, Object before, Object after) {
        if (!before.equals(after)) {
            names.add(name);
        }
    }

    private static boolean samePorts(DaemonConfig started, DaemonConfig now) {
        return started.ports().stream()
                .map(Port::name)
                .toList()
                .equals(now.ports().stream().map(Port::name).toList());
    }

    /**
     * The file at the start with the addresses, VLANs, reverse-path checks and routes of now; empty where the ports
     * themselves are others.
     */
    static Optional<DaemonConfig> network(DaemonConfig started, DaemonConfig now) {
        if (!samePorts(started, now)) {
            return Optional.empty();
        }
        List<Port> ports = new ArrayList<>();
        for (int i = 0; i < now.ports().size(); i++) {
            Port fixed = started.ports().get(i);
            Port after = now.ports().get(i);
            ports.add(new Port(
                    fixed.name(),
                    fixed.device(),
                    fixed.mtu(),
                    after.addresses(),
                    after.floating(),
                    after.vlans(),
                    after.reversePath(),
                    fixed.twin(),
                    fixed.rxDescriptors(),
                    fixed.txDescriptors()));
        }
        return Optional.of(started.withNetwork(List.copyOf(ports), now.routes()));
    }
}
