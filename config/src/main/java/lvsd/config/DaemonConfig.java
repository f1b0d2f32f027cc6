package lvsd.config;

import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lvsd.rules.DirectorRole;
import lvsd.rules.MarkRule;
import lvsd.rules.Rule;

/**
 * The daemon file, validated. What it says is what the machine is; what is balanced is said by rules.
 *
 * @param eal DPDK environment
 * @param ports director ports, numbered from 0 in this order
 * @param routes static routes
 * @param workers worker threads
 * @param connections size of the tables
 * @param control control socket
 * @param persist where acknowledged rule changes are kept
 * @param punt exception path
 * @param metricsListen {@code host:port} of the metrics server, if any
 * @param logLevel {@code error}, {@code warn}, {@code info}, {@code debug} or {@code trace}
 * @param role what this director does until {@code --role} says otherwise
 * @param marks rules that map packets to firewall marks, first match first
 * @param synProxyKeys file with the secrets of SYN cookies, if any
 * @param sync sync daemons that run from the start on
 * @param settings sysctl-like settings by IPVS name, raw text values already range-checked
 */
public record DaemonConfig(
        Eal eal,
        List<Port> ports,
        List<Route> routes,
        Workers workers,
        Connections connections,
        Control control,
        Persist persist,
        Punt punt,
        Optional<String> metricsListen,
        String logLevel,
        DirectorRole role,
        List<MarkRule> marks,
        Optional<Path> synProxyKeys,
        List<Rule.StartDaemon> sync,
        Map<String, String> settings) {

    /** One without a key file and sync daemons. */
    public DaemonConfig(
            Eal eal,
            List<Port> ports,
            List<Route> routes,
            Workers workers,
            Connections connections,
            Control control,
            Persist persist,
            Punt punt,
            Optional<String> metricsListen,
            String logLevel,
            DirectorRole role,
            List<MarkRule> marks,
            Map<String, String> settings) {
        this(
                eal,
                ports,
                routes,
                workers,
                connections,
                control,
                persist,
                punt,
                metricsListen,
                logLevel,
                role,
                marks,
                Optional.empty(),
                List.of(),
                settings);
    }

    /** The same with other settings, for instance those changed while running. */
    public DaemonConfig withSettings(Map<String, String> changed) {
        return new DaemonConfig(
                eal,
                ports,
                routes,
                workers,
                connections,
                control,
                persist,
                punt,
                metricsListen,
                logLevel,
                role,
                marks,
                synProxyKeys,
                sync,
                changed);
    }

    /** The same with other addresses and routes. */
    public DaemonConfig withNetwork(List<Port> changedPorts, List<Route> changedRoutes) {
        return new DaemonConfig(
                eal,
                changedPorts,
                changedRoutes,
                workers,
                connections,
                control,
                persist,
                punt,
                metricsListen,
                logLevel,
                role,
                marks,
                synProxyKeys,
                sync,
                settings);
    }

    /** The same with another control socket. */
    public DaemonConfig withSocket(Path socket) {
        Control changed = new Control(socket, control.group());
        return new DaemonConfig(
                eal,
                ports,
                routes,
                workers,
                connections,
                changed,
                persist,
                punt,
                metricsListen,
                logLevel,
                role,
                marks,
                synProxyKeys,
                sync,
                settings);
    }

    /**
     * DPDK environment.
     *
     * @param hugepages false: {@code --no-huge}
     * @param memoryMegabytes {@code -m}
     * @param filePrefix {@code --file-prefix}
     * @param pluginPath {@code -d}, if set
     * @param library directory of librte_*.so where the loader does not find them, if set
     * @param mbufs mbufs in the pool
     * @param mbufSize data room of an mbuf in bytes, headroom not included
     * @param arguments further EAL arguments, verbatim (for example {@code --vdev=net_bonding0,...})
     */
    public record Eal(
            boolean hugepages,
            int memoryMegabytes,
            String filePrefix,
            Optional<String> pluginPath,
            Optional<Path> library,
            int mbufs,
            int mbufSize,
            List<String> arguments) {}

    /** rp_filter of a port: as the kernel's 0, 1 and 2. */
    public enum ReversePath {
        OFF,
        STRICT,
        LOOSE
    }

    /**
     * A director port.
     *
     * @param name name for operators, and of its kernel TAP twin; at most 15 characters
     * @param device PCI address ({@code 0000:03:00.0}) or vdev with arguments ({@code net_af_packet0,iface=eth1})
     * @param mtu largest IP packet in bytes
     * @param addresses addresses of the untagged interface
     * @param floating addresses of the untagged interface's networks that the active director of a pair has
     * @param vlans tagged sub-interfaces
     * @param reversePath reverse-path check
     * @param twin whether it gets a kernel TAP twin
     * @param rxDescriptors receive descriptors per queue
     * @param txDescriptors transmit descriptors per queue
     */
    public record Port(
            String name,
            String device,
            int mtu,
            List<Prefix> addresses,
            List<InetAddress> floating,
            List<Vlan> vlans,
            ReversePath reversePath,
            boolean twin,
            int rxDescriptors,
            int txDescriptors) {}

    /**
     * A VLAN sub-interface.
     *
     * @param id 1 to 4094
     * @param name name for operators
     * @param mtu largest IP packet in bytes
     * @param addresses its addresses
     * @param floating as a port's
     */
    public record Vlan(int id, String name, int mtu, List<Prefix> addresses, List<InetAddress> floating) {}

    /** An address with its prefix length. */
    public record Prefix(InetAddress address, int length) {}

    /**
     * A static route.
     *
     * @param to destination network
     * @param via next hop, if not on link
     * @param port interface name (port or VLAN), if given; else found by {@code via}
     */
    public record Route(Prefix to, Optional<InetAddress> via, Optional<String> port) {}

    /**
     * Worker threads.
     *
     * @param count how many
     * @param cores CPU of each; empty: not pinned
     */
    public record Workers(int count, List<Integer> cores) {}

    /**
     * Sizes, per worker.
     *
     * @param ipv4 IPv4 connections
     * @param ipv6 IPv6 connections
     * @param lockMemory whether tables are locked in memory
     */
    public record Connections(int ipv4, int ipv6, boolean lockMemory) {}

    /**
     * Control socket.
     *
     * @param socket path
     * @param group group that owns it, if set; mode is 0660
     */
    public record Control(Path socket, Optional<String> group) {}

    /**
     * Persistence of rules.
     *
     * @param directory journal directory; empty: {@code persist: none}
     * @param rules the operator's rules file, read at first start
     * @param connectionSeconds how old connections kept at an end may be at the next start; 0: none are kept
     */
    public record Persist(Optional<Path> directory, Path rules, int connectionSeconds) {
        /** Without connections. */
        public Persist(Optional<Path> directory, Path rules) {
            this(directory, rules, 0);
        }
    }

    /**
     * Exception path.
     *
     * @param forward whether packets for neither a service nor an own address go to the kernel
     * @param neighbourRate packets per second and worker of ARP and ND
     * @param routingRate of routing protocols and VRRP
     * @param healthRate of replies to the director's own connections
     * @param restRate of everything else
     */
    public record Punt(boolean forward, int neighbourRate, int routingRate, int healthRate, int restRate) {}
}
