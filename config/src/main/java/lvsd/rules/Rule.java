package lvsd.rules;

import java.net.InetAddress;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * One command of the ipvsadm grammar, parsed and checked as far as that is possible without knowing what the director
 * holds. Every rule has a line form ({@link RuleFormatter}) that {@link RuleParser} reads back to an equal rule; the
 * command line, the rules file, the journal and the control socket all speak it.
 */
public sealed interface Rule {

    /** Rules that change the director; all others only look. The journal keeps a subset of these. */
    sealed interface Change extends Rule {}

    /** Rules that the daemon answers with a {@code lvsd.control.View} as JSON. */
    sealed interface Query extends Rule {}

    /** Rules that only the command line tool knows: they never reach the daemon. */
    sealed interface Local extends Rule {}

    /** {@code -A}. */
    record AddService(ServiceSpec service) implements Change {}

    /** {@code -E}: everything not said goes back to its default. */
    record EditService(ServiceSpec service) implements Change {}

    /** {@code -D}. */
    record DeleteService(ServiceId service) implements Change {}

    /** {@code -a}. */
    record AddDestination(DestinationSpec destination) implements Change {}

    /** {@code -e}: everything not said goes back to its default. */
    record EditDestination(DestinationSpec destination) implements Change {}

    /** {@code -d}. */
    record DeleteDestination(ServiceId service, InetAddress address, int port) implements Change {}

    /** {@code -P}, ours (DPVS letter): adds a FULLNAT local address. */
    record AddLocalAddress(LocalAddressSpec localAddress) implements Change {}

    /** {@code -Q}, ours: removes a FULLNAT local address. */
    record DeleteLocalAddress(LocalAddressSpec localAddress) implements Change {}

    /** {@code --add-mark}, ours: maps packets to a firewall mark; the first rule that matches counts. */
    record AddMark(MarkRule mark) implements Change {}

    /** {@code --del-mark}, ours. */
    record DeleteMark(MarkRule mark) implements Change {}

    /** {@code --role active|standby}, ours: who forwards is decided elsewhere, so the journal does not keep it. */
    record ChangeRole(DirectorRole role) implements Change {}

    /** {@code -C}: all services; timeouts, daemons, settings and mark rules stay. */
    record Clear() implements Change {}

    /** {@code -Z}: restarts the counters of one service or of all. */
    record Zero(Optional<ServiceId> service) implements Change {}

    /**
     * {@code --set}: timeouts of TCP established, TCP FIN_WAIT and UDP in seconds; 0 keeps the present value.
     *
     * @param tcp 0 to 2678400
     * @param tcpFin 0 to 2678400
     * @param udp 0 to 2678400
     */
    record SetTimeouts(int tcp, int tcpFin, int udp) implements Change {}

    /** Which end of connection synchronisation. */
    enum Role {
        MASTER("master"),
        BACKUP("backup");

        private final String label;

        Role(String label) {
            this.label = label;
        }

        /** The word of the command line. */
        public String label() {
            return label;
        }
    }

    /**
     * {@code --start-daemon}. What is empty was not said: the daemon puts in its default (interface {@code eth0},
     * syncid 0, length from the interface's MTU, group 224.0.0.81, port 8848, TTL 1).
     *
     * @param role master or backup
     * @param mcastInterface network interface, empty if not said
     * @param syncId 0 to 255
     * @param maxLength 1 to 65507, bytes of a sync message
     * @param group multicast group
     * @param port 1 to 65535
     * @param ttl 1 to 255
     * @param icv ours: authentication
     */
    record StartDaemon(
            Role role,
            String mcastInterface,
            OptionalInt syncId,
            OptionalInt maxLength,
            Optional<InetAddress> group,
            OptionalInt port,
            OptionalInt ttl,
            Icv icv)
            implements Change {
        /** As ipvsadm's: no word about authentication. */
        public StartDaemon(
                Role role,
                String mcastInterface,
                OptionalInt syncId,
                OptionalInt maxLength,
                Optional<InetAddress> group,
                OptionalInt port,
                OptionalInt ttl) {
            this(role, mcastInterface, syncId, maxLength, group, port, ttl, Icv.NONE);
        }
    }

    /**
     * How sync messages are authenticated, as far as it was said.
     *
     * @param key {@code --icv-key}, empty if not said
     * @param keyFile {@code --icv-key-file}, empty if not said
     * @param algorithm {@code --icv-algorithm}, empty if not said
     */
    record Icv(String key, String keyFile, String algorithm) {
        /** Nothing was said. */
        public static final Icv NONE = new Icv("", "", "");

        /** Not the key. */
        @Override
        public String toString() {
            return "Icv[key=" + (key.isEmpty() ? "" : "***") + ", keyFile=" + keyFile + ", algorithm=" + algorithm
                    + "]";
        }
    }

    /** {@code --stop-daemon}; the syncid is accepted and means nothing, as in ipvsadm. */
    record StopDaemon(Role role, OptionalInt syncId) implements Change {}

    /** What a listing of services shows. */
    enum Columns {
        DEFAULT(""),
        STATS("--stats"),
        RATE("--rate"),
        THRESHOLDS("--thresholds"),
        PERSISTENT("--persistent-conn"),
        TUNNEL("--tun-info");

        private final String option;

        Columns(String option) {
            this.option = option;
        }

        /** The option that asks for it; empty for the default. */
        public String option() {
            return option;
        }
    }

    /**
     * {@code -L}. The daemon answers with everything it knows about the services asked for; all other fields are for
     * the tool that prints it.
     *
     * @param service one service, or all
     * @param columns which columns
     * @param numeric addresses and ports as numbers
     * @param exact numbers not shortened
     * @param sort sorted; false: in the daemon's order
     */
    record ListServices(Optional<ServiceId> service, Columns columns, boolean numeric, boolean exact, boolean sort)
            implements Query {}

    /**
     * {@code -L -c}.
     *
     * @param numeric addresses and ports as numbers
     * @param persistent with the persistence engine's data ({@code --persistent-conn})
     */
    record ListConnections(boolean numeric, boolean persistent) implements Query {}

    /** {@code -L --timeout}. */
    record ListTimeouts() implements Query {}

    /**
     * {@code -L --daemon}.
     *
     * @param stats with what they have done: ours, for the tool
     */
    record ListDaemons(boolean stats) implements Query {
        /** {@code -L --daemon} as in ipvsadm. */
        public ListDaemons() {
            this(false);
        }
    }

    /** {@code -S}: the daemon answers as to {@code -L}, the tool prints rules. */
    record Save(boolean numeric) implements Query {}

    /** {@code -G}, ours: local addresses of one service or of all and their use. */
    record GetLocalAddresses(Optional<ServiceId> service, boolean numeric) implements Query {}

    /** {@code --marks}, ours: rules that map packets to firewall marks. */
    record ListMarks() implements Query {}

    /** {@code --role}, ours: whether this director forwards. */
    record ShowRole() implements Query {}

    /** {@code --drops}, ours: packets dropped, by reason. */
    record Drops() implements Query {}

    /** {@code --ports}, ours: ports, links and counters. */
    record Ports() implements Query {}

    /** {@code --workers}, ours: worker threads and their tables. */
    record Workers() implements Query {}

    /** {@code --synproxy}, ours: what the SYN proxy has done, of one service or of all that have one. */
    record SynProxies(Optional<ServiceId> service, boolean numeric) implements Query {}

    /** {@code --sysctl [name]}, ours: one setting or all. */
    record ShowSettings(Optional<String> name) implements Query {}

    /** {@code --sysctl name=value}, ours. */
    record ChangeSetting(String name, String value) implements Change {}

    /** {@code -R}: rules from standard input. */
    record Restore() implements Local {}

    /** {@code -h}. */
    record Help() implements Local {}

    /** {@code -v}. */
    record Version() implements Local {}
}
