package lvsd.director;

import static java.util.Objects.requireNonNull;

import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The wires of a test: namespaces client, director, rs1 and rs2, and a switch (a Linux bridge) where a wire has more
 * than two ends; of {@link Arms#PAIR} a second director that is wired as the first. All addresses are the documentation's: 192.0.2.0/24 and 2001:db8:1::/64 towards clients,
 * 198.51.100.0/24 and 2001:db8:2::/64 towards servers, 203.0.113.0/24 and 2001:db8:3::/64 routed VIPs.
 *
 * <p>The interfaces eth1 (client side) and eth2 (server side) of the director's namespace are for its ports. The
 * kernel behind them is told to keep quiet, for it sees every frame too.
 */
final class Topology implements AutoCloseable {
    static final String CLIENT = "192.0.2.2";
    static final String CLIENT6 = "2001:db8:1::2";
    static final String DIRECTOR_WAN = "192.0.2.1";
    static final String DIRECTOR_WAN6 = "2001:db8:1::1";
    static final String DIRECTOR_LAN = "198.51.100.1";
    static final String DIRECTOR_LAN6 = "2001:db8:2::1";
    static final String VIP = "203.0.113.80";
    static final String VIP6 = "2001:db8:3::80";
    static final String LIP = "198.51.100.200";
    static final String LIP6 = "2001:db8:2::200";

    static final String PREFIX = "lvst";
    private static final Pattern OURS = Pattern.compile("^" + PREFIX + "(\\d+)-\\S+", Pattern.MULTILINE);

    /**
     * How many ports the director has: clients and servers on one wire, or on two; or two directors with two ports each,
     * and between them a wire for a third port (eth3) and one for the kernel (eth4).
     */
    enum Arms {
        ONE,
        TWO,
        PAIR
    }

    /** Whether neighbours' veths keep the offloads the kernel gives them: partial checksums, frames beyond the MTU. */
    enum Offloads {
        KERNEL_DEFAULT,
        OFF
    }

    /** Whether a {@link Relay} is to sit on either side of the director: then nothing passes until it runs. */
    enum Wires {
        GOOD,
        RELAYED
    }

    /** Pairs of interfaces in the switch's namespace that a relay has to bridge. */
    static final List<String> RELAYED = List.of("client", "wan", "director", "servers");

    private final List<Namespace> namespaces = new ArrayList<>();
    private final String prefix = PREFIX + ProcessHandle.current().pid() + "-";
    private final Namespace client;
    private final Namespace director;
    private final @Nullable Namespace second;
    private final Namespace ether;
    private final List<Namespace> servers = new ArrayList<>();
    private final Arms arms;
    private final Offloads offloads;
    private final Wires wires;

    private Topology(Arms arms, Offloads offloads, Wires wires) {
        this.wires = wires;
        this.arms = arms;
        this.offloads = offloads;
        client = namespace("client");
        director = namespace("director");
        second = arms == Arms.PAIR ? namespace("director2") : null;
        ether = namespace("switch");
    }

    /** Makes the wires, after clearing what an earlier, killed run left. */
    static Topology create(Arms arms, Offloads offloads) {
        return create(arms, offloads, Wires.GOOD);
    }

    /** As {@link #create(Arms, Offloads)}; relays only with two arms. */
    static Topology create(Arms arms, Offloads offloads, Wires wires) {
        removeLeftovers();
        Topology topology = new Topology(arms, offloads, wires);
        try {
            topology.wire();
            return topology;
        } catch (RuntimeException | Error e) {
            topology.close();
            throw e;
        }
    }

    Namespace client() {
        return client;
    }

    Namespace director() {
        return director;
    }

    /** Where the wires that have more than two ends come together. */
    Namespace wires() {
        return ether;
    }

    /** The second director of {@link Arms#PAIR}. */
    Namespace second() {
        return requireNonNull(second);
    }

    Arms arms() {
        return arms;
    }

    /**
     * Connects one director of {@link Arms#PAIR} to clients and servers, and cuts the other off; both may have the same
     * addresses. Clients and servers forget who had them.
     */
    void connect(Namespace active) {
        for (Namespace each : List.of(director, second())) {
            String end = each.name().substring(prefix.length());
            for (String wire : List.of("1", "2")) {
                if (each.equals(active)) {
                    ether.ip("link", "set", end + "-" + wire, "master", "br" + (wire.equals("1") ? "1" : "0"));
                } else {
                    ether.ip("link", "set", end + "-" + wire, "nomaster");
                }
            }
        }
        client.ip("neigh", "flush", "all");
        servers.forEach(server -> server.ip("neigh", "flush", "all"));
    }

    /** Real server {@code number}, from 1. */
    Namespace server(int number) {
        return servers.get(number - 1);
    }

    /** Address of real server {@code number}. */
    static String address(int number) {
        return "198.51.100." + (10 + number);
    }

    /** IPv6 address of real server {@code number}. */
    static String address6(int number) {
        return "2001:db8:2::" + (10 + number);
    }

    /**
     * Another way from the client to server 1, past the director: a namespace whose kernel routes. The client is
     * 198.18.5.2 there (eth1), and what is for 198.18.6.0/24 is sent to it, too.
     */
    Namespace bypass() {
        Namespace router = namespace("bypass");
        veth(router, "eth1", client, "eth1");
        veth(router, "eth2", ether, "bypass");
        plug("bypass");
        router.sysctl("net/ipv4/ip_forward", "1");
        router.ip("address", "add", "198.18.5.1/24", "dev", "eth1");
        router.ip("address", "add", "198.51.100.250/24", "dev", "eth2");
        router.ip("route", "add", "198.18.6.0/24", "via", "198.18.5.2");
        client.ip("address", "add", "198.18.5.2/24", "dev", "eth1");
        client.ip("route", "add", address(1) + "/32", "via", "198.18.5.1");
        server(1).ip("route", "add", "198.18.5.0/24", "via", "198.51.100.250");
        return router;
    }

    /** Removes the namespaces, and ends whatever still runs in them. */
    @Override
    public void close() {
        namespaces.forEach(Namespace::delete);
        namespaces.clear();
    }

    /** Sets the MTU of the servers' and the director's interfaces on the servers' wire. */
    void serverMtu(int mtu) {
        director.ip("link", "set", ports().getLast(), "mtu", Integer.toString(mtu));
        ether.ip("link", "set", "director", "mtu", Integer.toString(mtu));
        servers.forEach(server -> server.ip("link", "set", "eth0", "mtu", Integer.toString(mtu)));
    }

    /** Lets the director's kernel route between the two sides: proves the wires and the programs without lvsd. */
    void routeByKernel() {
        director.sysctl("net/ipv4/ip_forward", "1");
        director.sysctl("net/ipv6/conf/all/forwarding", "1");
        for (String port : ports()) {
            director.sysctl("net/ipv4/conf/" + port + "/forwarding", "1");
            director.sysctl("net/ipv4/conf/" + port + "/arp_ignore", "0");
            director.sysctl("net/ipv6/conf/" + port + "/disable_ipv6", "0");
        }
        director.ip("address", "add", DIRECTOR_WAN + "/24", "dev", "eth1");
        director.ip("address", "add", DIRECTOR_WAN6 + "/64", "dev", "eth1", "nodad");
        director.ip("address", "add", DIRECTOR_LAN + "/24", "dev", ports().getLast());
        director.ip("address", "add", DIRECTOR_LAN6 + "/64", "dev", ports().getLast(), "nodad");
    }

    private List<String> ports() {
        return switch (arms) {
            case ONE -> List.of("eth1");
            case TWO -> List.of("eth1", "eth2");
            case PAIR -> List.of("eth1", "eth2", "eth3");
        };
    }

    private void wire() {
        bridge("br0");
        director.sysctl("net/ipv4/ip_forward", "1");
        director.sysctl("net/ipv6/conf/all/forwarding", "1");
        if (arms == Arms.PAIR) {
            wirePair();
        } else if (wires == Wires.RELAYED) {
            veth(director, "eth1", ether, "wan");
            veth(client, "eth0", ether, "client");
            veth(director, "eth2", ether, "director");
            veth(ether, "servers", ether, "bridged");
            plug("bridged");
            RELAYED.forEach(each -> ether.sysctl("net/ipv6/conf/" + each + "/disable_ipv6", "1"));
        } else if (arms == Arms.TWO) {
            veth(director, "eth1", client, "eth0");
            veth(director, "eth2", ether, "director");
            plug("director");
        } else {
            veth(director, "eth1", ether, "director");
            veth(client, "eth0", ether, "client");
            plug("director");
            plug("client");
        }
        address(client, CLIENT + "/24", CLIENT6 + "/64");
        for (Service service : Service.values()) {
            client.ip("address", "add", service.source() + (service.ipv6() ? "/64" : "/24"), "dev", "eth0", "nodad");
        }
        gateway(client, DIRECTOR_WAN, DIRECTOR_WAN6);
        for (int number = 1; number <= 2; number++) {
            Namespace server = namespace("rs" + number);
            servers.add(server);
            veth(server, "eth0", ether, "rs" + number);
            plug("rs" + number);
            address(server, address(number) + "/24", address6(number) + "/64");
            gateway(server, DIRECTOR_LAN, DIRECTOR_LAN6);
        }
        for (String port : ports()) {
            quieten(director, port);
            if (second != null) {
                quieten(second, port);
            }
        }
    }

    private void bridge(String name) {
        ether.ip("link", "add", name, "type", "bridge", "mcast_snooping", "0");
        ether.ip("link", "set", name, "up");
    }

    private void wirePair() {
        bridge("br1");
        veth(client, "eth0", ether, "client");
        ether.ip("link", "set", "client", "master", "br1");
        for (Namespace each : List.of(director, second())) {
            String end = each.name().substring(prefix.length());
            veth(each, "eth1", ether, end + "-1");
            veth(each, "eth2", ether, end + "-2");
        }
        veth(director, "eth3", second(), "eth3");
        veth(director, "eth4", second(), "eth4");
        director.ip("address", "add", "198.18.4.1/24", "dev", "eth4");
        second().ip("address", "add", "198.18.4.2/24", "dev", "eth4");
        connect(director);
    }

    private Namespace namespace(String role) {
        Namespace namespace = Namespace.create(prefix + role);
        namespaces.add(namespace);
        return namespace;
    }

    private void veth(Namespace a, String nameA, Namespace b, String nameB) {
        veth(a, nameA, b, nameB, offloads);
    }

    static void veth(Namespace a, String nameA, Namespace b, String nameB, Offloads offloads) {
        a.ip("link", "add", nameA, "type", "veth", "peer", "name", nameB, "netns", b.name());
        for (var end : List.of(new String[] {a.name(), nameA}, new String[] {b.name(), nameB})) {
            Namespace namespace = new Namespace(end[0]);
            namespace.ip("link", "set", end[1], "up");
            if (offloads == Offloads.OFF) {
                namespace
                        .run("ethtool", "-K", end[1], "tx", "off", "tso", "off", "gso", "off", "gro", "off")
                        .orFail();
            }
        }
    }

    private void plug(String interfaceName) {
        ether.ip("link", "set", interfaceName, "master", "br0");
    }

    static void address(Namespace namespace, String ipv4, String ipv6) {
        namespace.ip("address", "add", ipv4, "dev", "eth0");
        namespace.ip("address", "add", ipv6, "dev", "eth0", "nodad");
    }

    static void gateway(Namespace namespace, String ipv4, String ipv6) {
        namespace.ip("route", "add", "default", "via", ipv4);
        namespace.ip("-6", "route", "add", "default", "via", ipv6, "dev", "eth0");
    }

    /** The kernel gets a copy of each frame on a port's interface and must neither answer nor forward it. */
    static void quieten(Namespace where, String interfaceName) {
        where.sysctl("net/ipv6/conf/" + interfaceName + "/disable_ipv6", "1");
        String ipv4 = "net/ipv4/conf/" + interfaceName;
        where.sysctl(ipv4 + "/forwarding", "0");
        where.sysctl(ipv4 + "/arp_ignore", "8");
        where.sysctl(ipv4 + "/rp_filter", "1");
    }

    static void removeLeftovers() {
        Matcher names = OURS.matcher(Shell.run("ip", "netns", "list").out());
        while (names.find()) {
            if (ProcessHandle.of(Long.parseLong(names.group(1))).isEmpty()) {
                new Namespace(names.group().toLowerCase(Locale.ROOT)).delete();
            }
        }
        removeLeftFiles();
    }

    /** What {@code ip netns exec} was told to put in the place of files under /etc. */
    private static void removeLeftFiles() {
        File[] directories = new File("/etc/netns").listFiles();
        for (File directory : directories == null ? new File[0] : directories) {
            Matcher name = OURS.matcher(directory.getName());
            if (name.find() && ProcessHandle.of(Long.parseLong(name.group(1))).isEmpty()) {
                File[] files = directory.listFiles();
                for (File file : files == null ? new File[0] : files) {
                    file.delete();
                }
                directory.delete();
            }
        }
    }
}
