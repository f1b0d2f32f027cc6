package lvsd.config;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lvsd.config.DaemonConfig.Port;
import lvsd.config.DaemonConfig.Prefix;
import lvsd.config.DaemonConfig.ReversePath;
import lvsd.config.DaemonConfig.Route;
import lvsd.config.DaemonConfig.Vlan;
import lvsd.config.Section.Problems;
import lvsd.rules.Addresses;
import lvsd.rules.MarkRule;
import lvsd.rules.Protocol;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.ScalarNode;

/** Reads {@code ports} and {@code routes} of the daemon file, and checks them against each other. */
final class Network {
    /** Ethernet header, one VLAN tag and the FCS that some drivers keep: what a frame needs beyond its MTU. */
    private static final int FRAME_OVERHEAD = 14 + 4 + 4;

    private static final int MIN_MTU = 68;
    private static final int MIN_MTU_IPV6 = 1280;
    private static final int MAX_MTU = 9600;

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.:@-]{1,15}");
    private static final Pattern PCI =
            Pattern.compile("(?:[0-9a-fA-F]{4,8}:)?[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\\.[0-7](?:,[^\\s,]+)*");
    private static final Pattern VDEV = Pattern.compile("(net_[a-z0-9_]+|eth_[a-z0-9_]+)((?:,[^\\s,]+)*)");
    private static final Pattern INTERFACE = Pattern.compile(",iface=([^,]+)");
    private static final Pattern TAKES_OVER = Pattern.compile("net_af_(packet|xdp)"); // a kernel interface

    private final Problems problems;
    private final Section top;
    private final int mbufSize;
    private final Set<String> names = new HashSet<>();
    private final Map<String, String> devices = new HashMap<>();
    private final Map<InetAddress, String> addresses = new HashMap<>();
    private final Map<String, List<Prefix>> connected = new LinkedHashMap<>();

    Network(Problems problems, Section top, int mbufSize) {
        this.problems = problems;
        this.top = top;
        this.mbufSize = mbufSize;
    }

    List<Port> ports() {
        List<Port> ports = new ArrayList<>();
        List<Node> nodes = top.list("ports");
        if (nodes.isEmpty()) {
            top.error("ports", "'ports' is missing: name at least one port");
        }
        for (int i = 0; i < nodes.size(); i++) {
            ports.add(port(new Section(problems, "ports[" + i + "]", Optional.of(nodes.get(i)))));
        }
        return List.copyOf(ports);
    }

    private Port port(Section in) {
        String name = name(in);
        String device = in.required("device");
        checkDevice(in, name, device);
        int mtu = in.integer("mtu", 1500, MIN_MTU, MAX_MTU);
        if (mtu + FRAME_OVERHEAD > mbufSize) {
            in.error(
                    "mtu",
                    "an MTU of " + mtu + " needs 'eal.mbuf-size' of at least " + (mtu + FRAME_OVERHEAD) + ", it is "
                            + mbufSize);
        }
        List<Prefix> own = prefixes(in, name, mtu);
        List<Vlan> vlans = new ArrayList<>();
        Set<Integer> ids = new HashSet<>();
        List<Node> nodes = in.list("vlans");
        for (int i = 0; i < nodes.size(); i++) {
            Section vlan = new Section(problems, "vlans[" + i + "]", Optional.of(nodes.get(i)));
            vlans.add(vlan(vlan, name, mtu, ids));
        }
        Port port = new Port(
                name,
                device,
                mtu,
                own,
                floating(in, name, own),
                List.copyOf(vlans),
                reversePath(in),
                in.flag("twin", true),
                in.integer("rx-descriptors", 1024, 32, 32768),
                in.integer("tx-descriptors", 1024, 32, 32768));
        in.finish();
        return port;
    }

    private Vlan vlan(Section in, String port, int portMtu, Set<Integer> ids) {
        in.required("id");
        int id = in.integer("id", 1, 1, 4094);
        if (!ids.add(id)) {
            in.error("id", "VLAN " + id + " is given twice on port '" + port + "'");
        }
        String name = in.text("name").isPresent() ? name(in) : name(in, port + "." + id);
        int mtu = in.integer("mtu", portMtu, MIN_MTU, MAX_MTU);
        if (mtu > portMtu) {
            in.error("mtu", "MTU " + mtu + " of '" + name + "' is larger than " + portMtu + " of port '" + port + "'");
        }
        List<Prefix> own = prefixes(in, name, mtu);
        Vlan vlan = new Vlan(id, name, mtu, own, floating(in, name, own));
        in.finish();
        return vlan;
    }

    private String name(Section in) {
        return name(in, in.required("name"));
    }

    private String name(Section in, String name) {
        if (name.isEmpty()) {
            return name;
        }
        if (!NAME.matcher(name).matches() || name.equals(".") || name.equals("..")) {
            in.error(
                    "name",
                    "name '" + name + "' must have 1 to 15 characters out of letters, digits and _ . : @ -"
                            + " (the kernel's limit for an interface)");
        } else if (!names.add(name)) {
            in.error("name", "name '" + name + "' is given twice");
        }
        return name;
    }

    private void checkDevice(Section in, String port, String device) {
        if (device.isEmpty()) {
            return;
        }
        Matcher vdev = VDEV.matcher(device);
        boolean virtual = vdev.matches();
        if (!virtual && !PCI.matcher(device).matches()) {
            in.error(
                    "device",
                    "device '" + device + "' is neither a PCI address such as 0000:03:00.0 nor a vdev such as"
                            + " net_af_packet0,iface=eth1");
            return;
        }
        Matcher kernelInterface = INTERFACE.matcher(device);
        boolean named = kernelInterface.find();
        boolean takesOver = virtual && TAKES_OVER.matcher(vdev.group(1)).lookingAt();
        if (takesOver && !named) {
            in.error("device", "device '" + device + "' needs the interface: " + vdev.group(1) + ",iface=NAME");
        }
        claim(in, port, device.replaceFirst(",.*", ""), "device");
        if (named && takesOver) {
            claim(in, port, kernelInterface.group(1), "interface");
        }
    }

    private void claim(Section in, String port, String what, String kind) {
        String other = devices.putIfAbsent(kind + " " + what, port);
        if (other != null) {
            in.error("device", kind + " '" + what + "' is already used by port '" + other + "'");
        }
    }

    private static ReversePath reversePath(Section in) {
        String word = in.word("rp-filter", "off", List.of("off", "strict", "loose", "0", "1", "2", "false", "no"));
        return switch (word) {
            case "strict", "1" -> ReversePath.STRICT;
            case "loose", "2" -> ReversePath.LOOSE;
            default -> ReversePath.OFF;
        };
    }

    private List<Prefix> prefixes(Section in, String name, int mtu) {
        List<Prefix> prefixes = new ArrayList<>();
        for (Node node : in.list("addresses")) {
            String text = node instanceof ScalarNode scalar ? scalar.getValue() : "";
            Optional<Prefix> prefix = prefix(text);
            if (prefix.isEmpty()) {
                problems.add(node, "'" + text + "' is no address with prefix length, such as 192.0.2.1/24");
                continue;
            }
            InetAddress address = prefix.get().address();
            if (address.isAnyLocalAddress() || address.isMulticastAddress() || address.isLoopbackAddress()) {
                problems.add(node, "'" + text + "' cannot be the address of an interface");
            }
            String other = addresses.putIfAbsent(address, name);
            if (other != null) {
                problems.add(node, "address " + Addresses.format(address) + " is already on '" + other + "'");
            }
            if (address instanceof Inet6Address && mtu < MIN_MTU_IPV6) {
                problems.add(node, "IPv6 needs an MTU of at least " + MIN_MTU_IPV6 + ", '" + name + "' has " + mtu);
            }
            prefixes.add(prefix.get());
        }
        connected.put(name, prefixes);
        return List.copyOf(prefixes);
    }

    /** Addresses of networks that the interface is in already; an IPv6 link-local one needs none. */
    private List<InetAddress> floating(Section in, String name, List<Prefix> own) {
        List<InetAddress> floating = new ArrayList<>();
        for (Node node : in.list("floating")) {
            String text = node instanceof ScalarNode scalar ? scalar.getValue() : "";
            Optional<InetAddress> address = Addresses.parse(text);
            if (address.isEmpty()) {
                problems.add(node, "'" + text + "' is no address, such as 192.0.2.254");
                continue;
            }
            InetAddress one = address.get();
            boolean linkLocal = one instanceof Inet6Address && one.isLinkLocalAddress();
            boolean inside = own.stream()
                    .anyMatch(prefix -> prefix.address().getAddress().length == one.getAddress().length
                            && network(prefix).equals(network(new Prefix(one, prefix.length()))));
            if (!inside && !linkLocal) {
                problems.add(node, "floating address " + text + " is in no subnet of '" + name + "'");
            }
            String other = addresses.putIfAbsent(one, name);
            if (other != null) {
                problems.add(node, "address " + Addresses.format(one) + " is already on '" + other + "'");
            }
            floating.add(one);
        }
        return List.copyOf(floating);
    }

    /** {@code ADDRESS/LENGTH}. */
    static Optional<Prefix> prefix(String text) {
        int slash = text.indexOf('/');
        if (slash < 0) {
            return Optional.empty();
        }
        Optional<InetAddress> address = Addresses.parse(text.substring(0, slash));
        Optional<Integer> length = text.substring(slash + 1).matches("[0-9]{1,3}")
                ? Section.number(text.substring(slash + 1))
                : Optional.empty();
        if (address.isEmpty()
                || length.isEmpty()
                || length.get() > 8 * address.get().getAddress().length) {
            return Optional.empty();
        }
        return Optional.of(new Prefix(address.get(), length.get()));
    }

    List<Route> routes() {
        List<Route> routes = new ArrayList<>();
        Set<Prefix> seen = new HashSet<>();
        List<Node> nodes = top.list("routes");
        for (int i = 0; i < nodes.size(); i++) {
            Section in = new Section(problems, "routes[" + i + "]", Optional.of(nodes.get(i)));
            route(in).ifPresent(route -> {
                if (!seen.add(route.to())) {
                    in.error("to", "route to " + text(route.to()) + " is given twice");
                }
                routes.add(route);
            });
            in.finish();
        }
        return List.copyOf(routes);
    }

    List<MarkRule> marks() {
        List<MarkRule> marks = new ArrayList<>();
        List<Node> nodes = top.list("marks");
        for (int i = 0; i < nodes.size(); i++) {
            Section in = new Section(problems, "marks[" + i + "]", Optional.of(nodes.get(i)));
            mark(in).ifPresent(mark -> {
                if (marks.contains(mark)) {
                    in.error("mark", "this rule is given twice");
                }
                marks.add(mark);
            });
            in.finish();
        }
        return List.copyOf(marks);
    }

    private Optional<MarkRule> mark(Section in) {
        String number = in.required("mark");
        String to = in.required("to");
        String protocol = in.word("protocol", "any", List.of("tcp", "udp", "sctp", "any"));
        Optional<String> portsText = in.text("ports");
        Optional<String> port = in.text("port");
        if (!number.isEmpty() && (!number.matches("[1-9][0-9]{0,9}") || Long.parseLong(number) > 0xffff_ffffL)) {
            in.error("mark", "'" + number + "' is no firewall mark: a whole number from 1 to 4294967295");
            return Optional.empty();
        }
        Optional<InetAddress[]> range = MarkRule.range(to);
        if (range.isEmpty() && !to.isEmpty()) {
            in.error(
                    "to",
                    "'" + to + "' is no address, range such as 192.0.2.1-192.0.2.9, nor network such as 192.0.2.0/24");
        }
        int[] ports = portsText.map(MarkRule::ports).orElse(new int[] {0, 65535});
        if (ports.length == 0) {
            in.error("ports", "'" + portsText.orElse("") + "' is no port nor range such as 8000-8100");
        }
        if (port.isPresent() && !names.contains(port.get())) {
            in.error("port", "no port or VLAN is named '" + port.get() + "'" + Suggestion.clause(port.get(), names));
        }
        if (range.isEmpty() || ports.length == 0 || number.isEmpty()) {
            return Optional.empty();
        }
        Optional<Protocol> which = protocol.equals("any")
                ? Optional.empty()
                : Optional.of(Protocol.valueOf(protocol.toUpperCase(Locale.ROOT)));
        return Optional.of(new MarkRule(
                (int) Long.parseLong(number),
                which,
                range.get()[0],
                range.get()[1],
                ports[0],
                ports[1],
                port.orElse("")));
    }

    private Optional<Route> route(Section in) {
        String to = in.required("to");
        Optional<String> viaText = in.text("via");
        Optional<InetAddress> via = viaText.flatMap(Addresses::parse);
        Optional<String> port = in.text("port");
        if (viaText.isPresent() && via.isEmpty()) {
            in.error("via", "'" + viaText.get() + "' is not an address");
            return Optional.empty();
        }
        if (port.isPresent() && !names.contains(port.get())) {
            in.error("port", "no port or VLAN is named '" + port.get() + "'" + Suggestion.clause(port.get(), names));
            return Optional.empty();
        }
        if (via.isEmpty() && port.isEmpty()) {
            in.error("to", "route to '" + to + "' needs 'via', 'port' or both");
            return Optional.empty();
        }
        boolean six = via.isPresent() && via.get() instanceof Inet6Address;
        Optional<Prefix> target = to.equals("default") ? prefix(six ? "::/0" : "0.0.0.0/0") : prefix(to);
        if (target.isEmpty()) {
            if (!to.isEmpty()) {
                in.error("to", "'" + to + "' is no network such as 10.0.0.0/8, nor default");
            }
            return Optional.empty();
        }
        checkRoute(in, target.get(), via, port);
        return Optional.of(new Route(target.get(), via, port));
    }

    private void checkRoute(Section in, Prefix to, Optional<InetAddress> via, Optional<String> port) {
        Prefix network = new Prefix(network(to), to.length());
        if (!network.equals(to)) {
            in.error("to", text(to) + " has bits beyond its prefix length; " + text(network) + " is meant?");
        }
        if (via.isEmpty()) {
            return;
        }
        if (via.get().getAddress().length != to.address().getAddress().length) {
            in.error("via", "next hop " + Addresses.format(via.get()) + " is not of the family of " + text(to));
            return;
        }
        boolean linkLocal = via.get().isLinkLocalAddress() && via.get() instanceof Inet6Address;
        if (linkLocal && port.isEmpty()) {
            in.error("via", "a link-local next hop needs 'port'");
        } else if (!linkLocal && !reachable(via.get(), port)) {
            in.error(
                    "via",
                    "next hop " + Addresses.format(via.get()) + " is in no subnet of "
                            + port.map(name -> "'" + name + "'").orElse("any port"));
        }
    }

    private boolean reachable(InetAddress via, Optional<String> port) {
        for (Map.Entry<String, List<Prefix>> entry : connected.entrySet()) {
            if (port.isPresent() && !port.get().equals(entry.getKey())) {
                continue;
            }
            for (Prefix prefix : entry.getValue()) {
                boolean family = prefix.address().getAddress().length == via.getAddress().length;
                if (family && network(prefix).equals(network(new Prefix(via, prefix.length())))) {
                    return true;
                }
            }
        }
        return false;
    }

    private static InetAddress network(Prefix prefix) {
        byte[] bytes = prefix.address().getAddress();
        for (int bit = prefix.length(); bit < 8 * bytes.length; bit++) {
            bytes[bit >> 3] &= (byte) ~(0x80 >> (bit & 7));
        }
        return Addresses.address(bytes);
    }

    private static String text(Prefix prefix) {
        return Addresses.format(prefix.address()) + "/" + prefix.length();
    }
}
