package lvsd.control;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import lvsd.rules.DestinationSpec;
import lvsd.rules.DirectorRole;
import lvsd.rules.Rule;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;

/**
 * What a listing request is answered with. The daemon writes it with {@link Views#write}, the tool reads it with
 * {@link Views#read} and renders it where names can be resolved; {@code lvsadm --json} prints it as it came.
 */
public sealed interface View {

    /** Counters since start or {@code -Z}; bytes are IP bytes. */
    record Stats(long connections, long inPackets, long outPackets, long inBytes, long outBytes) {
        /** Nothing counted. */
        public static final Stats ZERO = new Stats(0, 0, 0, 0, 0);
    }

    /** Estimated rates per second; bytes are IP bytes. */
    record Rates(long connections, long inPackets, long outPackets, long inBytes, long outBytes) {
        /** Nothing moves. */
        public static final Rates ZERO = new Rates(0, 0, 0, 0, 0);
    }

    /**
     * Answer to {@code -L} and {@code -S}, or a page of it; see {@link Services#plus}.
     *
     * @param services in the daemon's order ({@code --nosort})
     */
    record Services(List<Service> services) implements View {
        /** This page and the next: a service that the next begins with may be the last of this one, continued. */
        public Services plus(Services next) {
            List<Service> all = new ArrayList<>(services);
            for (Service service : next.services) {
                if (!all.isEmpty()
                        && all.getLast().spec().id().equals(service.spec().id())) {
                    List<Destination> destinations =
                            new ArrayList<>(all.removeLast().destinations());
                    destinations.addAll(service.destinations());
                    all.add(new Service(service.spec(), service.stats(), service.rates(), destinations));
                } else {
                    all.add(service);
                }
            }
            return new Services(all);
        }
    }

    /**
     * One service.
     *
     * @param spec what the operator said
     * @param stats its counters
     * @param rates its rates
     * @param destinations its servers, newest first ({@code --nosort})
     */
    record Service(ServiceSpec spec, Stats stats, Rates rates, List<Destination> destinations) {}

    /**
     * One real server.
     *
     * @param spec what the operator said
     * @param active active connections
     * @param inactive inactive connections
     * @param persistent persistence templates
     * @param stats its counters
     * @param rates its rates
     */
    record Destination(DestinationSpec spec, long active, long inactive, long persistent, Stats stats, Rates rates) {}

    /**
     * Answer to {@code -L -c}, one of several when there are many: see {@link ControlClient#request}.
     *
     * @param connections a page of them
     */
    record Connections(List<Connection> connections) implements View {}

    /**
     * One connection or persistence template.
     *
     * @param protocol IP protocol number; 0 for templates of fwmark services
     * @param client client address
     * @param clientPort client port; 0 for templates
     * @param virtual VIP; for templates of fwmark services the mark as an IPv4 address
     * @param virtualPort port of the service
     * @param local address towards the server: the LIP with FULLNAT, else the client's
     * @param localPort its port
     * @param server server address
     * @param serverPort server port
     * @param method forwarding method number
     * @param state state name as ipvsadm prints it
     * @param expiresMillis milliseconds until it expires
     * @param packets packets from the client
     * @param worker worker that owns it
     * @param engine persistence engine name, empty if none
     * @param engineData what the engine keyed on, as ipvsadm prints it
     */
    record Connection(
            int protocol,
            InetAddress client,
            int clientPort,
            InetAddress virtual,
            int virtualPort,
            InetAddress local,
            int localPort,
            InetAddress server,
            int serverPort,
            int method,
            String state,
            long expiresMillis,
            long packets,
            int worker,
            String engine,
            String engineData) {}

    /** Answer to {@code -L --timeout}: seconds of TCP established, TCP FIN_WAIT and UDP. */
    record Timeouts(int tcp, int tcpFin, int udp) implements View {}

    /** Answer to {@code -L --daemon}: none, master, backup or both, master first. */
    record Daemons(List<Daemon> daemons) implements View {}

    /**
     * A running sync daemon.
     *
     * @param role master or backup
     * @param mcastInterface network interface
     * @param syncId 0 to 255
     * @param maxLength bytes of a sync message
     * @param group multicast group
     * @param port UDP port
     * @param ttl multicast TTL or hop limit
     * @param counters what it has done since it was started
     */
    record Daemon(
            Rule.Role role,
            String mcastInterface,
            int syncId,
            int maxLength,
            InetAddress group,
            int port,
            int ttl,
            List<Counter> counters) {
        /** One that has not done anything. */
        public Daemon(
                Rule.Role role,
                String mcastInterface,
                int syncId,
                int maxLength,
                InetAddress group,
                int port,
                int ttl) {
            this(role, mcastInterface, syncId, maxLength, group, port, ttl, List.of());
        }
    }

    /**
     * A number that counts something.
     *
     * @param name what
     * @param value how much
     * @param help what it counts, in words
     */
    record Counter(String name, long value, String help) {}

    /** Answer to {@code --drops}, every reason, also those with nothing counted. */
    record Drops(List<Drop> drops) implements View {}

    /**
     * Packets dropped for one reason.
     *
     * @param help what the reason means
     * @param remedy what to do about it
     */
    record Drop(String reason, long packets, String help, String remedy) {}

    /** Answer to {@code --ports}. */
    record Ports(List<Port> ports) implements View {}

    /** One port; see {@code DataplaneControl.PortView}. */
    record Port(
            String name,
            String device,
            String mac,
            int mtu,
            boolean linkUp,
            long inPackets,
            long outPackets,
            long inBytes,
            long outBytes,
            long inMissed,
            long errors) {}

    /** Answer to {@code --workers}. */
    record Workers(List<Worker> workers) implements View {}

    /** One worker; times in nanoseconds; see {@code DataplaneControl.WorkerView}. */
    record Worker(
            int index,
            int core,
            long cycles,
            long idleCycles,
            long packets,
            long longestCycle,
            List<Table> tables,
            long handoffsIn,
            long handoffsOut,
            long ended) {}

    /** One connection table of a worker, memory in bytes; see {@code DataplaneControl.TableView}. */
    record Table(String family, long connections, long highWater, long capacity, long longestProbe, long bytes) {}

    /** Answer to {@code -G}. */
    record LocalAddresses(List<LocalAddress> localAddresses) implements View {}

    /**
     * A local address of one service.
     *
     * @param service the service
     * @param address the LIP
     * @param port name of the port it belongs to, empty if found by its subnet
     * @param connections connections of all services that use it now
     * @param exhausted connections refused because no port of it was free
     */
    record LocalAddress(ServiceId service, InetAddress address, String port, long connections, long exhausted) {}

    /** Answer to {@code --role}. */
    record Role(DirectorRole role) implements View {}

    /** Answer to {@code --marks}: first match first. */
    record Marks(List<Mark> marks) implements View {}

    /**
     * One rule that maps packets to a firewall mark.
     *
     * @param mark 1 to 2^32-1
     * @param protocol {@code tcp}, {@code udp}, {@code sctp} or {@code any}
     * @param target addresses and ports as {@code --add-mark} takes them
     * @param port name of the port that packets come in by; empty: any
     * @param file whether it is the daemon file's
     */
    record Mark(long mark, String protocol, String target, String port, boolean file) {}

    /** Answer to {@code --synproxy}, one of several when there are many services. */
    record SynProxies(List<SynProxy> services) implements View {}

    /**
     * A service whose SYN proxy does something or has done something.
     *
     * @param service the service
     * @param mode what the operator said: {@code enable}, {@code disable}, {@code auto}
     * @param level 0: SYNs go to servers; 1: they are answered by cookies because of an attack; 2: always
     * @param steps every step, also those never taken
     * @param servers its servers
     */
    record SynProxy(ServiceId service, String mode, int level, List<ProxyStep> steps, List<ProxyServer> servers) {}

    /** How often a step was taken since start or {@code -Z}. */
    record ProxyStep(String step, long count, String help) {}

    /**
     * One real server.
     *
     * @param halfOpen connections now whose handshake is not over
     * @param unanswered handshakes of the SYN proxy that it never answered, since start or {@code -Z}
     */
    record ProxyServer(InetAddress address, int port, long halfOpen, long unanswered) {}

    /** Answer to {@code --sysctl}. */
    record Settings(List<Setting> settings) implements View {}

    /**
     * One setting.
     *
     * @param name its name
     * @param value its value
     * @param fallback the value where nobody has said anything
     * @param range values that it takes, in words
     * @param effect when it changes what the director does: {@code at once}, {@code not yet} or {@code never}
     */
    record Setting(String name, String value, String fallback, String range, String effect) {}
}
