package lvsd.daemon;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lvsd.control.View;
import lvsd.linux.Interfaces;
import lvsd.memory.NativeException;
import lvsd.rules.Addresses;
import lvsd.rules.Rule;
import org.jspecify.annotations.Nullable;

/**
 * Which sync daemons were started, and with what: the kernel's checks, defaults and messages for {@code --start-daemon}
 * and {@code --stop-daemon}. Control thread only.
 *
 * <p>Interfaces are those of the kernel, TAP twins of our ports among them: sync messages leave by the kernel's sockets.
 */
final class SyncDaemons {
    private static final String DEFAULT_INTERFACE = "eth0";
    private static final InetAddress DEFAULT_GROUP = Addresses.address(new byte[] {(byte) 224, 0, 0, 81});
    private static final int DEFAULT_PORT = 8848;

    /** Bytes of IPv4 or IPv6 header with UDP header. */
    private static final int HEADERS4 = 28;

    private static final int HEADERS6 = 48;
    /** A message of the master fits the usual MTU; a backup takes what an interface can bring. */
    private static final int USUAL_MTU = 1500;

    private static final int MAXIMUM_PACKET = 65535;
    private static final int LEAST_BACKUP_LENGTH = 1024;
    /** Below it the kernel has no IPv6 on an interface (RFC 8200 section 5). */
    private static final int LEAST_IPV6_MTU = 1280;

    /**
     * What decides whether a daemon can start on an interface.
     *
     * @param mtu bytes of an IP packet
     * @param up whether it is up
     * @param loopback whether it is the loopback
     * @param ipv6 whether it has an IPv6 address
     */
    record Nic(int mtu, boolean up, boolean loopback, boolean ipv6) {}

    /** Finds interfaces by name. */
    interface Nics {
        /** The interface; empty if there is none of that name. */
        Optional<Nic> find(String name);
    }

    /**
     * A daemon that runs.
     *
     * @param asked what starts it again; of its authentication the algorithm and the key file, never the key
     * @param view as it is
     * @param icv its authentication, null if none
     * @param file whether the daemon file asks for it, which then starts it again
     */
    record Running(Rule.StartDaemon asked, View.Daemon view, SyncRunner.@Nullable Icv icv, boolean file) {}

    private final Nics nics;
    private final Map<Rule.Role, Running> running = new EnumMap<>(Rule.Role.class);

    /** None running. */
    SyncDaemons(Nics nics) {
        this.nics = nics;
    }

    /** The interfaces of the daemon's network namespace. */
    static Optional<Nic> ofKernel(String name) {
        // What follows a colon is the label of an address, which questions about interfaces overlook.
        if (name.isEmpty() || name.length() > Interfaces.MAX_NAME || name.indexOf(':') >= 0) {
            return Optional.empty();
        }
        try {
            return Optional.of(new Nic(
                    Interfaces.mtu(name), Interfaces.up(name), Interfaces.loopback(name), hasIpv6Address(name)));
        } catch (NativeException e) {
            // There is none, or it went between two questions.
            return Optional.empty();
        }
    }

    private static boolean hasIpv6Address(String name) {
        try {
            NetworkInterface addressed = NetworkInterface.getByName(name);
            return addressed != null && addressed.inetAddresses().anyMatch(Inet6Address.class::isInstance);
        } catch (SocketException e) {
            return false;
        }
    }

    /**
     * {@code --start-daemon}.
     *
     * @param mixed whether some server is of another family than its service, which sync messages cannot say
     * @return what takes it back
     */
    Runnable start(Rule.StartDaemon asked, boolean mixed) throws Refusal {
        return start(asked, mixed, false);
    }

    /** As {@link #start(Rule.StartDaemon, boolean)}; {@code file}: the daemon file asks for it. */
    Runnable start(Rule.StartDaemon asked, boolean mixed, boolean file) throws Refusal {
        if (mixed) {
            throw new Refusal(Refusal.INVALID);
        }
        String name = asked.mcastInterface().isEmpty() ? DEFAULT_INTERFACE : asked.mcastInterface();
        Nic nic = nics.find(name).orElseThrow(() -> new Refusal("No such device"));
        if (running.containsKey(asked.role())) {
            throw new Refusal("Daemon has already run");
        }
        InetAddress group = asked.group().orElse(DEFAULT_GROUP);
        boolean ipv6 = group instanceof Inet6Address;
        check(asked.role(), nic, ipv6);
        SyncRunner.Icv icv = IcvRules.of(asked, running.values());
        running.put(
                asked.role(),
                new Running(
                        IcvRules.kept(asked, icv),
                        new View.Daemon(
                                asked.role(),
                                name,
                                asked.syncId().orElse(0),
                                length(asked, nic.mtu, ipv6 ? HEADERS6 : HEADERS4),
                                group,
                                asked.port().orElse(DEFAULT_PORT),
                                asked.ttl().orElse(icv == null ? 1 : IcvRules.TTL)),
                        icv,
                        file));
        return () -> running.remove(asked.role());
    }

    private static void check(Rule.Role role, Nic nic, boolean ipv6) throws Refusal {
        boolean master = role == Rule.Role.MASTER;
        if (master && (!nic.up || (ipv6 && (nic.loopback || nic.mtu < LEAST_IPV6_MTU)))) {
            throw new Refusal("Network is unreachable");
        }
        if (ipv6 && nic.mtu < LEAST_IPV6_MTU) {
            throw new Refusal(Refusal.INVALID);
        }
        if (master && ipv6 && !nic.ipv6) {
            throw new Refusal("Cannot assign requested address");
        }
    }

    private static int length(Rule.StartDaemon asked, int mtu, int headers) {
        boolean master = asked.role() == Rule.Role.MASTER;
        if (asked.maxLength().isPresent()) {
            return Math.clamp(asked.maxLength().getAsInt(), master ? 1 : LEAST_BACKUP_LENGTH, MAXIMUM_PACKET - headers);
        }
        return (master ? USUAL_MTU : Math.clamp(mtu, USUAL_MTU, MAXIMUM_PACKET)) - headers;
    }

    /** {@code --stop-daemon}; returns what takes it back. */
    Runnable stop(Rule.Role role) throws Refusal {
        Running stopped = running.remove(role);
        if (stopped == null) {
            throw new Refusal("No daemon is running");
        }
        return () -> running.put(role, stopped);
    }

    /** The one of that role, if it runs. */
    Optional<Running> find(Rule.Role role) {
        return Optional.ofNullable(running.get(role));
    }

    /** Whether any runs. */
    boolean any() {
        return !running.isEmpty();
    }

    /** Those that run, master first. */
    List<View.Daemon> views() {
        return running.values().stream().map(Running::view).toList();
    }

    /** Rules that start those again that the daemon file does not start. */
    List<Rule.Change> rules() {
        List<Rule.Change> rules = new ArrayList<>();
        running.values().stream().filter(daemon -> !daemon.file).forEach(daemon -> rules.add(daemon.asked));
        return rules;
    }
}
