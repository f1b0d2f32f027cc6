package lvsd.dataplane.net;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import lvsd.config.DaemonConfig;
import lvsd.linux.Netlink;
import lvsd.linux.Tap;
import lvsd.memory.NativeException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The kernel TAP twin of a port or of a VLAN on it: same name, MAC, MTU and carrier, with the daemon file's addresses and
 * routes, so that the host's programs speak through it. Made and configured by the control thread; {@link #read} and
 * {@link #write} are the punt thread's.
 */
public final class TapTwin implements Twin, AutoCloseable {
    /** Metric of routes on twins: the host's own routes go first. */
    private static final int METRIC = 1000;

    private static final Logger LOG = LoggerFactory.getLogger(TapTwin.class);

    private final Tap tap;
    private List<DaemonConfig.Prefix> addresses = List.of();
    /** Routes that are set in the kernel. */
    private final List<DaemonConfig.Route> routes = new ArrayList<>();

    private TapTwin(Tap tap) {
        this.tap = tap;
    }

    /**
     * Makes the twin of an interface and sets it up.
     *
     * @param iface a port's untagged interface, or a VLAN, whose frames have no tag on the twin
     * @param forward whether the kernel shall forward what comes in by it
     * @param routes the daemon file's routes; those that leave by this interface are set
     * @throws NativeException if the device cannot be made
     */
    public static TapTwin open(Interface iface, boolean forward, List<DaemonConfig.Route> routes) {
        Tap tap = Tap.open(iface.name());
        try {
            TapTwin twin = new TapTwin(tap);
            tap.mac(macBytes(iface.mac()));
            tap.mtu(iface.mtu());
            if (forward) {
                sysctl(tap.name(), "ipv4", "forwarding", "1");
                sysctl(tap.name(), "ipv6", "forwarding", "1");
            }
            tap.up(true);
            twin.network(iface, routes);
            return twin;
        } catch (RuntimeException failure) {
            tap.close();
            throw failure;
        }
    }

    /**
     * Makes the twin's addresses and routes what they are now; others that were set before are removed.
     *
     * @param iface the port's untagged interface
     * @param wanted the daemon file's routes; those that leave by this port are set
     */
    public void network(Interface iface, List<DaemonConfig.Route> wanted) {
        List<DaemonConfig.Route> here =
                wanted.stream().filter(route -> leaves(iface, route)).toList();
        boolean moved = !iface.addresses().equals(addresses);
        for (DaemonConfig.Route route : List.copyOf(routes)) {
            // An address that goes may take routes with it: all are set anew then.
            if (moved || !here.contains(route)) {
                remove(route);
            }
        }
        addresses(iface.addresses());
        for (DaemonConfig.Route route : here) {
            if (!routes.contains(route)) {
                add(route);
            }
        }
    }

    private void addresses(List<DaemonConfig.Prefix> wanted) {
        for (DaemonConfig.Prefix prefix : addresses) {
            if (!wanted.contains(prefix)) {
                tap.removeAddress(prefix.address(), prefix.length());
            }
        }
        for (DaemonConfig.Prefix prefix : wanted) {
            tap.addAddress(prefix.address(), prefix.length());
        }
        addresses = List.copyOf(wanted);
    }

    private static boolean leaves(Interface iface, DaemonConfig.Route route) {
        return route.port().isPresent()
                ? route.port().get().equals(iface.name())
                : route.via().isPresent() && connected(iface, route.via().get());
    }

    private void remove(DaemonConfig.Route route) {
        routes.remove(route);
        try {
            Netlink.removeRoute(
                    route.to().address(), route.to().length(), route.via().orElse(null), tap.name(), METRIC);
        } catch (NativeException failure) {
            LOG.debug("route {} was gone from the kernel: {}", route.to(), failure.getMessage());
        }
    }

    private void add(DaemonConfig.Route route) {
        InetAddress via = route.via().orElse(null);
        try {
            Netlink.addRoute(route.to().address(), route.to().length(), via, tap.name(), METRIC);
            routes.add(route);
        } catch (NativeException failure) {
            LOG.warn(
                    "route {}/{} not set in the kernel: {}",
                    route.to().address().getHostAddress(),
                    route.to().length(),
                    failure.getMessage());
        }
    }

    private static boolean connected(Interface iface, InetAddress via) {
        return iface.addresses().stream().anyMatch(prefix -> NetConfig.inside(prefix, via));
    }

    private static void sysctl(String name, String family, String setting, String value) {
        Path path = Path.of("/proc/sys/net", family, "conf", name, setting);
        try {
            Files.writeString(path, value);
        } catch (IOException failure) {
            LOG.warn("{} not set to {}: {}; set it by hand", path, value, failure.getMessage());
        }
    }

    private static byte[] macBytes(long mac) {
        byte[] eight = ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(mac)
                .array();
        return Arrays.copyOf(eight, 6);
    }

    /** The device's name. */
    public String name() {
        return tap.name();
    }

    /** Passes the port's link state on. */
    public void carrier(boolean up) {
        tap.carrier(up);
    }

    /** Sets the MTU in bytes. */
    public void mtu(int mtu) {
        tap.mtu(mtu);
    }

    @Override
    public int write(long address, int length) {
        return tap.write(address, length);
    }

    @Override
    public int read(long address, int capacity) {
        return tap.read(address, capacity);
    }

    @Override
    public int descriptor() {
        return tap.descriptor();
    }

    /** Removes the device and with it its addresses and routes. The punt thread has stopped. */
    @Override
    public void close() {
        tap.close();
    }
}
