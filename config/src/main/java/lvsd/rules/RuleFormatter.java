package lvsd.rules;

import java.net.InetAddress;
import java.util.Optional;
import java.util.OptionalInt;
import lvsd.rules.DestinationSpec.Tunnel;

/**
 * Writes rules as lines of the ipvsadm grammar, in the words and order of {@code ipvsadm -S -n}, and complete: also what
 * ipvsadm loses (thresholds) and what is ours. {@link RuleParser} reads every line back to an equal rule.
 */
public final class RuleFormatter {
    /** Prints addresses with ports: numbers for machines, names for {@code -S} without {@code -n}. */
    public interface Endpoints {
        /** Always numbers. */
        Endpoints NUMERIC =
                (address, port, service) -> RuleFormatter.endpoint(Addresses.format(address), port, address);

        /** {@code host:port}, IPv6 hosts in brackets; {@code service} says whose protocol names the port. */
        String text(InetAddress address, int port, ServiceId service);
    }

    private RuleFormatter() {}

    private static String endpoint(String host, int port, InetAddress address) {
        return (address.getAddress().length == 16 ? "[" + host + "]" : host) + ":" + port;
    }

    /** One line, numeric, without line end. */
    public static String line(Rule rule) {
        // Spares a tool that only lists the linking of the switch below, several milliseconds.
        return rule instanceof Rule.ListServices list ? list(list) : anyLine(rule);
    }

    private static String anyLine(Rule rule) {
        return switch (rule) {
            case Rule.AddService r -> "-A " + service(r.service(), Endpoints.NUMERIC);
            case Rule.EditService r -> "-E " + service(r.service(), Endpoints.NUMERIC);
            case Rule.DeleteService r -> "-D " + id(r.service(), Endpoints.NUMERIC);
            case Rule.AddDestination r -> "-a " + destination(r.destination(), Endpoints.NUMERIC);
            case Rule.EditDestination r -> "-e " + destination(r.destination(), Endpoints.NUMERIC);
            case Rule.DeleteDestination r ->
                "-d " + id(r.service(), Endpoints.NUMERIC) + " -r "
                        + Endpoints.NUMERIC.text(r.address(), r.port(), r.service());
            case Rule.AddLocalAddress r -> "-P " + localAddress(r.localAddress());
            case Rule.DeleteLocalAddress r -> "-Q " + localAddress(r.localAddress());
            case Rule.GetLocalAddresses r -> "-G" + optional(r.service()) + (r.numeric() ? " -n" : "");
            case Rule.AddMark r -> "--add-mark " + r.mark().line();
            case Rule.DeleteMark r -> "--del-mark " + r.mark().line();
            case Rule.ListMarks _ -> "--marks";
            case Rule.ChangeRole r -> "--role " + r.role().label();
            case Rule.ShowRole _ -> "--role";
            case Rule.Clear _ -> "-C";
            case Rule.Zero r -> "-Z" + optional(r.service());
            case Rule.SetTimeouts r -> "--set " + r.tcp() + " " + r.tcpFin() + " " + r.udp();
            case Rule.StartDaemon r -> startDaemon(r);
            case Rule.StopDaemon r -> "--stop-daemon " + r.role().label() + number(" --syncid ", r.syncId());
            case Rule.ListServices r -> list(r);
            case Rule.ListConnections r ->
                "-L -c" + (r.numeric() ? " -n" : "") + (r.persistent() ? " --persistent-conn" : "");
            case Rule.ListTimeouts _ -> "-L --timeout";
            case Rule.ListDaemons _ -> "-L --daemon";
            case Rule.Save r -> r.numeric() ? "-S -n" : "-S";
            case Rule.Drops _ -> "--drops";
            case Rule.Ports _ -> "--ports";
            case Rule.Workers _ -> "--workers";
            case Rule.SynProxies r -> "--synproxy" + optional(r.service()) + (r.numeric() ? " -n" : "");
            case Rule.ShowSettings r ->
                "--sysctl" + r.name().map(name -> "=" + word(name)).orElse("");
            case Rule.ChangeSetting r -> "--sysctl=" + word(r.name()) + "=" + word(r.value());
            case Rule.Restore _ -> "-R";
            case Rule.Help _ -> "-h";
            case Rule.Version _ -> "-v";
        };
    }

    /** {@code -t host:port} and the like. */
    public static String id(ServiceId id, Endpoints endpoints) {
        return switch (id) {
            case ServiceId.Vip vip ->
                switch (vip.protocol()) {
                            case TCP -> "-t ";
                            case UDP -> "-u ";
                            case SCTP -> "--sctp-service ";
                        }
                        + endpoints.text(vip.address(), vip.port(), vip);
            case ServiceId.Fwmark mark -> "-f " + Integer.toUnsignedString(mark.mark()) + (mark.ipv6() ? " -6" : "");
        };
    }

    private static String optional(Optional<ServiceId> id) {
        return id.map(service -> " " + id(service, Endpoints.NUMERIC)).orElse("");
    }

    /** What follows {@code -A}; flags by names the parser knows. */
    public static String service(ServiceSpec service, Endpoints endpoints) {
        return service(service, endpoints, String.join(",", service.schedulerFlags()));
    }

    /**
     * A rule as {@code -S} prints it: names by {@code endpoints}, and two things as ipvsadm has them although it cannot
     * read them back: firewall marks from 2^31 on are negative, the third flag of sh and mh has no word.
     */
    public static String saved(ServiceSpec service, Endpoints endpoints) {
        return "-A " + signed(service.id(), service(service, endpoints, SchedulerFlags.text(service)));
    }

    /** A server as {@code -S} prints it. */
    public static String saved(DestinationSpec destination, Endpoints endpoints) {
        return "-a " + signed(destination.service(), destination(destination, endpoints));
    }

    private static String signed(ServiceId id, String line) {
        if (!(id instanceof ServiceId.Fwmark mark) || mark.mark() >= 0) {
            return line;
        }
        int end = "-f ".length() + Integer.toUnsignedString(mark.mark()).length();
        return "-f " + mark.mark() + line.substring(end);
    }

    /** Scheduler flags as listings show them. */
    public static String flags(ServiceSpec service) {
        return SchedulerFlags.text(service);
    }

    private static String service(ServiceSpec service, Endpoints endpoints, String flags) {
        StringBuilder line = new StringBuilder(id(service.id(), endpoints));
        line.append(" -s ").append(word(service.scheduler()));
        line.append(number(" -p ", service.persistence()));
        if (service.netmask() != -1) {
            line.append(" -M ").append(netmask(service));
        }
        if (!service.persistenceEngine().isEmpty()) {
            line.append(" --pe ").append(word(service.persistenceEngine()));
        }
        if (service.onePacket()) {
            line.append(" -o");
        }
        if (!service.schedulerFlags().isEmpty()) {
            line.append(" -b ").append(flags);
        }
        line.append(number(" --conn-timeout ", service.connectionTimeout()));
        if (!service.toa()) {
            line.append(" --toa off");
        }
        if (!service.sync()) {
            line.append(" --sync off");
        }
        if (service.synProxy() != SynProxyMode.DISABLE) {
            line.append(" -j ").append(service.synProxy().word());
        }
        return line.toString();
    }

    /** Persistence mask: dotted quad for IPv4, prefix length for IPv6. */
    public static String netmask(ServiceSpec service) {
        int mask = service.netmask();
        return service.id().ipv6()
                ? Integer.toString(mask)
                : (mask >>> 24) + "." + (mask >>> 16 & 0xff) + "." + (mask >>> 8 & 0xff) + "." + (mask & 0xff);
    }

    /** What follows {@code -a}. */
    public static String destination(DestinationSpec destination, Endpoints endpoints) {
        StringBuilder line = new StringBuilder(id(destination.service(), endpoints));
        line.append(" -r ").append(endpoints.text(destination.address(), destination.port(), destination.service()));
        line.append(' ').append(destination.method().option());
        line.append(" -w ").append(destination.weight());
        if (destination.upperThreshold() != 0) {
            line.append(" -x ").append(destination.upperThreshold());
        }
        if (destination.lowerThreshold() != 0) {
            line.append(" -y ").append(destination.lowerThreshold());
        }
        if (destination.method() == ForwardingMethod.TUNNEL) {
            tunnel(line, destination.tunnel());
        }
        return line.toString();
    }

    private static void tunnel(StringBuilder line, Tunnel tunnel) {
        line.append(" --tun-type ").append(tunnel.type());
        if (tunnel.port() != 0) {
            line.append(" --tun-port ").append(tunnel.port());
        }
        if (!tunnel.checksum().isEmpty()) {
            line.append(" --tun-").append(tunnel.checksum());
        }
    }

    private static String localAddress(LocalAddressSpec local) {
        return id(local.service(), Endpoints.NUMERIC) + " -z " + Addresses.format(local.address())
                + (local.port().isEmpty() ? "" : " -F " + word(local.port()));
    }

    private static String startDaemon(Rule.StartDaemon daemon) {
        return "--start-daemon " + daemon.role().label()
                + (daemon.mcastInterface().isEmpty() ? "" : " --mcast-interface " + word(daemon.mcastInterface()))
                + number(" --syncid ", daemon.syncId())
                + number(" --sync-maxlen ", daemon.maxLength())
                + daemon.group()
                        .map(group -> " --mcast-group " + Addresses.format(group))
                        .orElse("")
                + number(" --mcast-port ", daemon.port())
                + number(" --mcast-ttl ", daemon.ttl())
                + text(" --icv-key ", daemon.icv().key())
                + text(" --icv-key-file ", daemon.icv().keyFile())
                + text(" --icv-algorithm ", daemon.icv().algorithm());
    }

    private static String text(String option, String value) {
        return value.isEmpty() ? "" : option + word(value);
    }

    private static String list(Rule.ListServices list) {
        return "-L" + optional(list.service())
                + (list.numeric() ? " -n" : "")
                + (list.columns() == Rule.Columns.DEFAULT
                        ? ""
                        : " " + list.columns().option())
                + (list.exact() ? " --exact" : "")
                + (list.sort() ? "" : " --nosort");
    }

    private static String number(String prefix, OptionalInt value) {
        return value.isPresent() ? prefix + value.getAsInt() : "";
    }

    /** A name as one word: nothing in it may end the word or the line. No name that exists has such characters. */
    private static String word(String name) {
        StringBuilder word = new StringBuilder(name);
        for (int i = 0; i < word.length(); i++) {
            if (word.charAt(i) <= ' ' || word.charAt(i) == 0x7f) {
                word.setCharAt(i, '?');
            }
        }
        return word.isEmpty() ? "?" : word.toString();
    }
}
