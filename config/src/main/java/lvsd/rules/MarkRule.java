package lvsd.rules;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which packets get a firewall mark: those whose protocol, destination address, destination port and ingress all match.
 * What netfilter's MARK target is to the kernel's fwmark services.
 *
 * @param mark 1 to 2^32-1 as an unsigned int
 * @param protocol empty: every protocol that is balanced
 * @param first lowest destination address
 * @param last highest destination address, of the same family
 * @param firstPort lowest destination port; 0 with {@code lastPort} 65535: every port
 * @param lastPort highest destination port
 * @param port name of the port or VLAN that the packet comes in by; empty: any
 */
public record MarkRule(
        int mark,
        Optional<Protocol> protocol,
        InetAddress first,
        InetAddress last,
        int firstPort,
        int lastPort,
        String port) {
    /** The highest port. */
    private static final int MAX_PORT = 65535;

    private static final Pattern TARGET =
            Pattern.compile("(?:\\[([^\\]]*)\\]|([0-9.]+)|([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*))"
                    + "(?:-(?:\\[([^\\]]*)\\]|([0-9.]+)|([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*))|/([0-9]{1,3}))?");
    private static final Pattern PORTS = Pattern.compile("([0-9]{1,5})(?:-([0-9]{1,5}))?");
    /** A port behind an IPv4 target or behind brackets or a prefix length, never the last group of a bare IPv6 address. */
    private static final Pattern WITH_PORTS = Pattern.compile("(\\[.*[\\]0-9]|[^:]+):([0-9-]+)");

    /** Destination addresses and ports. */
    record Target(InetAddress first, InetAddress last, int firstPort, int lastPort) {}

    /**
     * Reads {@code ADDRESS[-ADDRESS | /LENGTH][:PORT[-PORT]]}, IPv6 addresses in brackets where a port follows; empty where
     * it is none.
     */
    static Optional<Target> target(String text) {
        Matcher whole = WITH_PORTS.matcher(text);
        boolean withPorts = whole.matches();
        Optional<InetAddress[]> range = range(withPorts ? whole.group(1) : text);
        int[] ports = withPorts ? ports(whole.group(2)) : new int[] {0, MAX_PORT};
        return range.isEmpty() || ports.length == 0
                ? Optional.empty()
                : Optional.of(new Target(range.get()[0], range.get()[1], ports[0], ports[1]));
    }

    /** Reads {@code PORT[-PORT]} into lowest and highest; no element where it is none. */
    public static int[] ports(String text) {
        Matcher ports = PORTS.matcher(text);
        if (!ports.matches()) {
            return new int[0];
        }
        int first = Integer.parseInt(ports.group(1));
        int last = ports.group(2) == null ? first : Integer.parseInt(ports.group(2));
        return first > last || last > MAX_PORT || first == 0 ? new int[0] : new int[] {first, last};
    }

    /** Reads {@code ADDRESS[-ADDRESS | /LENGTH]} into lowest and highest; empty where it is none. */
    public static Optional<InetAddress[]> range(String text) {
        Matcher target = TARGET.matcher(text);
        if (!target.matches()) {
            return Optional.empty();
        }
        Optional<InetAddress> first = address(target, 1);
        if (target.group(7) != null) {
            int length = Integer.parseInt(target.group(7));
            return first.filter(address -> length <= 8 * address.getAddress().length)
                    .map(address -> new InetAddress[] {edge(address, length, 0), edge(address, length, 0xff)});
        }
        boolean single = target.group(4) == null && target.group(5) == null && target.group(6) == null;
        Optional<InetAddress> last = single ? first : address(target, 4);
        return first.isPresent() && last.isPresent() && ordered(first.get(), last.get())
                ? Optional.of(new InetAddress[] {first.get(), last.get()})
                : Optional.empty();
    }

    /** The address in one of three groups: in brackets, IPv4, bare IPv6. */
    private static Optional<InetAddress> address(Matcher target, int group) {
        if (target.group(group + 1) != null) {
            return Addresses.parse4Strict(target.group(group + 1));
        }
        return Addresses.parse6(target.group(target.group(group) != null ? group : group + 2));
    }

    private static boolean ordered(InetAddress first, InetAddress last) {
        byte[] low = first.getAddress();
        byte[] high = last.getAddress();
        return low.length == high.length && Arrays.compareUnsigned(low, high) <= 0;
    }

    /** The first ({@code fill} 0) or last (0xff) address of a network. */
    private static InetAddress edge(InetAddress address, int length, int fill) {
        byte[] bytes = address.getAddress();
        for (int bit = length; bit < 8 * bytes.length; bit++) {
            int single = 0x80 >>> (bit & 7);
            bytes[bit >>> 3] = (byte) ((bytes[bit >>> 3] & ~single) | (fill & single));
        }
        return Addresses.address(bytes);
    }

    /** Whether it is about IPv6 packets. */
    public boolean ipv6() {
        return first instanceof Inet6Address;
    }

    /** Whether every destination port matches. */
    public boolean everyPort() {
        return firstPort == 0 && lastPort == MAX_PORT;
    }

    /** Addresses and ports as {@link #target} reads them. */
    public String target() {
        String range = text(first) + (first.equals(last) ? "" : "-" + text(last));
        if (everyPort()) {
            return range;
        }
        return range + ":" + firstPort + (firstPort == lastPort ? "" : "-" + lastPort);
    }

    private String text(InetAddress address) {
        return ipv6() ? "[" + Addresses.format(address) + "]" : Addresses.format(address);
    }

    /** What follows {@code --add-mark}. */
    String line() {
        String word = protocol.map(which -> switch (which) {
                    case TCP -> "-t ";
                    case UDP -> "-u ";
                    case SCTP -> "--sctp-service ";
                })
                .orElse("--any ");
        return Integer.toUnsignedString(mark) + " " + word + target() + (port.isEmpty() ? "" : " -F " + port);
    }
}
