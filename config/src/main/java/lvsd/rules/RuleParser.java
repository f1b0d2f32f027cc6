package lvsd.rules;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import lvsd.rules.DestinationSpec.Tunnel;
import org.jspecify.annotations.Nullable;

/**
 * Reads the ipvsadm grammar: {@code ipvsadm} 1.31 to the byte of every message and exit code, and our additions. The same
 * parser serves the command line, {@code -R}, the rules file, the journal and the control socket. Immutable.
 */
public final class RuleParser {
    /** Of {@code -p} and {@code --set}, in seconds: 31 days. */
    private static final long MAX_SECONDS = 31L * 86400;

    private static final int DEFAULT_PERSISTENCE = 360;
    /** Of {@code --conn-timeout}, in seconds: that of the timeouts among the settings. */
    private static final long MAX_TIMEOUT = 8589933;
    /** What sysctl(8) writes before the names of IPVS. */
    private static final String SYSCTL_FOLDER = "net.ipv4.vs.";

    private final String program;
    private final Names names;

    /**
     * Makes a parser.
     *
     * @param program name that messages use, {@code ipvsadm} or {@code lvsadm}
     * @param names resolves host and service names
     */
    public RuleParser(String program, Names names) {
        this.program = program;
        this.names = names;
    }

    /** A parser for rules without names, as the daemon needs it. */
    public static RuleParser numeric() {
        return new RuleParser("ipvsadm", Names.NUMERIC);
    }

    /**
     * Reads one line: words separated by blanks, tabs or carriage returns, no quoting, each ending at a zero character if it
     * has one, as strings of C do; leading words that name the program are passed over.
     *
     * @return the rule; empty where the line says nothing
     */
    public Optional<Rule> parseLine(String line) throws RuleSyntaxException {
        List<String> words = new ArrayList<>();
        int start = -1;
        for (int i = 0; i <= line.length(); i++) {
            boolean blank = i == line.length() || " \t\r\n".indexOf(line.charAt(i)) >= 0;
            if (blank && start >= 0) {
                int nul = line.indexOf('\0', start);
                words.add(line.substring(start, nul < 0 ? i : Math.min(nul, i)));
                start = -1;
            } else if (!blank && start < 0) {
                start = i;
            }
        }
        while (!words.isEmpty()
                && (words.getFirst().equals("ipvsadm") || words.getFirst().equals(program))) {
            words.removeFirst();
        }
        return words.isEmpty() ? Optional.empty() : Optional.of(parse(words));
    }

    /** Reads the arguments of a command line; none at all means {@code -L}. */
    public Rule parse(List<String> arguments) throws RuleSyntaxException {
        return arguments.isEmpty()
                ? new Rule.ListServices(Optional.empty(), Rule.Columns.DEFAULT, false, false, true)
                : new Run(arguments).rule();
    }

    /** Everything that one command line said so far. */
    private final class Run {
        private final OptionScanner scanner;
        private final Set<Option> given = EnumSet.noneOf(Option.class);
        private Command command = Command.LIST;
        private Rule.Role role = Rule.Role.MASTER;
        private String setting = "";

        private @Nullable Protocol protocol;
        private @Nullable InetAddress vip;
        private int vport;
        private int mark;
        private MarkRule.@Nullable Target target;
        private boolean ipv6;

        private String scheduler = "";
        private String engine = "";
        private String schedulerFlags = "";
        private Set<String> flags = Set.of();
        private OptionalInt persistence = OptionalInt.empty();
        private int netmask = -1;
        private boolean netmaskIpv6;
        private boolean toa = true;
        private boolean sync = true;
        private SynProxyMode synProxy = SynProxyMode.DISABLE;
        private OptionalInt connectionTimeout = OptionalInt.empty();

        private @Nullable InetAddress server;
        private int serverPort;
        private ForwardingMethod method = ForwardingMethod.ROUTE;
        private int weight = 1;
        private int upper;
        private int lower;
        private String tunnelType = "ipip";
        private int tunnelPort;
        private String tunnelChecksum = "";

        private Optional<DirectorRole> directorRole = Optional.empty();
        private @Nullable InetAddress laddr;
        private String ifname = "";

        private String mcastInterface = "";
        private OptionalInt syncId = OptionalInt.empty();
        private OptionalInt maxLength = OptionalInt.empty();
        private Optional<InetAddress> group = Optional.empty();
        private OptionalInt mcastPort = OptionalInt.empty();
        private OptionalInt ttl = OptionalInt.empty();
        private String icvKey = "";
        private String icvKeyFile = "";
        private String icvAlgorithm = "";

        Run(List<String> arguments) {
            scanner = new OptionScanner(arguments);
        }

        Rule rule() throws RuleSyntaxException {
            readCommand();
            if (command == Command.HELP) {
                return new Rule.Help();
            }
            if (command == Command.VERSION) {
                return new Rule.Version();
            }
            for (Word word = scanner.next(command); word != null; word = scanner.next(command)) {
                if (word.command() != null) {
                    throw RuleSyntaxException.fail("invalid option `" + scanner.shown() + "'");
                }
                Option option = word.option();
                if (option != null && !given.add(option)) {
                    throw RuleSyntaxException.fail("multiple '" + option.label() + "' options specified");
                }
                readOption(word, scanner.value());
            }
            return build();
        }

        private void readCommand() throws RuleSyntaxException {
            Word word;
            try {
                word = scanner.next(null);
            } catch (RuleSyntaxException e) {
                throw RuleSyntaxException.tryHelp(program);
            }
            Command found = word == null ? null : word.command();
            if (found == null) {
                throw RuleSyntaxException.tryHelp(program);
            }
            command = found;
            if (command == Command.START_DAEMON) {
                role = role("illegal start-daemon parameter specified");
            } else if (command == Command.STOP_DAEMON) {
                role = role("illegal start_daemon specified");
            } else if (command == Command.SYSCTL) {
                setting = scanner.value();
            } else if (command == Command.ROLE && scanner.hasValue()) {
                directorRole = Optional.of(DirectorRole.of(scanner.value())
                        .orElseThrow(
                                () -> RuleSyntaxException.fail("illegal role specified, must be active or standby")));
            } else if (isMarkRule()) {
                mark = readMark(scanner.value());
            }
        }

        private boolean isMarkRule() {
            return command == Command.ADD_MARK || command == Command.DELETE_MARK;
        }

        private static int readMark(String value) throws RuleSyntaxException {
            return (int) number(value, 1, 0xffff_ffffL, quoted("invalid fwmark value", value));
        }

        private Rule.Role role(String message) throws RuleSyntaxException {
            for (Rule.Role each : Rule.Role.values()) {
                if (each.label().equals(scanner.value())) {
                    return each;
                }
            }
            throw RuleSyntaxException.fail(message);
        }

        private void readOption(Word word, String value) throws RuleSyntaxException {
            switch (word) {
                case TCP_SERVICE -> readService(Protocol.TCP, value);
                case UDP_SERVICE -> readService(Protocol.UDP, value);
                case SCTP_SERVICE -> readService(Protocol.SCTP, value);
                case FWMARK_SERVICE -> readFwmark(value);
                case ANY_PROTOCOL -> readTarget(Optional.empty(), value);
                case IPV6 -> {
                    if (mark == 0) {
                        throw RuleSyntaxException.fail("-6 used before -f\n");
                    }
                    ipv6 = true;
                }
                case SCHEDULER -> scheduler = value;
                case ENGINE -> engine = value;
                case PERSISTENT ->
                    persistence = OptionalInt.of(
                            scanner.hasValue()
                                    ? (int) number(value, 1, MAX_SECONDS, quoted("invalid timeout value", value))
                                    : DEFAULT_PERSISTENCE);
                case NETMASK -> readNetmask(value);
                case SCHED_FLAGS -> schedulerFlags = value;
                case TOA -> toa = readSwitch("toa", value);
                case SYNC -> sync = readSwitch("sync", value);
                case SYN_PROXY ->
                    synProxy = SynProxyMode.of(value)
                            .orElseThrow(() -> RuleSyntaxException.fail(
                                    "illegal synproxy specified, must be enable, disable or auto"));
                case CONN_TIMEOUT ->
                    connectionTimeout =
                            OptionalInt.of((int) number(value, 1, MAX_TIMEOUT, quoted("invalid timeout value", value)));
                default -> readServerOption(word, value);
            }
        }

        private void readServerOption(Word word, String value) throws RuleSyntaxException {
            switch (word) {
                case SERVER -> {
                    Endpoint endpoint = endpoint(value, "illegal real server address[:port] specified");
                    server = endpoint.address;
                    // The service's, if that was named before the server.
                    serverPort = endpoint.port.orElse(vport);
                }
                case MASQUERADING -> method = ForwardingMethod.NAT;
                case IPIP -> method = ForwardingMethod.TUNNEL;
                case GATEWAYING -> method = ForwardingMethod.ROUTE;
                case FULLNAT -> method = ForwardingMethod.FULLNAT;
                case WEIGHT -> weight = integer(value, 0, Integer.MAX_VALUE, "illegal weight specified");
                case UPPER -> upper = integer(value, 0, Integer.MAX_VALUE, "illegal u_threshold specified");
                case LOWER -> lower = integer(value, 0, Integer.MAX_VALUE, "illegal l_threshold specified");
                case TUN_TYPE -> {
                    if (!Set.of("ipip", "gue", "gre").contains(value)) {
                        throw RuleSyntaxException.fail("illegal tunnel type specified");
                    }
                    tunnelType = value;
                }
                case TUN_PORT -> tunnelPort = integer(value, 1, 65535, "illegal tunnel port specified");
                case TUN_NOCSUM -> tunnelChecksum = "nocsum";
                case TUN_CSUM -> tunnelChecksum = "csum";
                case TUN_REMCSUM -> tunnelChecksum = "remcsum";
                case LADDR ->
                    laddr = Addresses.parse(value)
                            .orElseThrow(() -> RuleSyntaxException.fail("illegal local address specified"));
                case IFNAME, MARK_IFNAME -> {
                    if (!value.matches("[A-Za-z0-9_.:@-]{1,15}")) {
                        throw RuleSyntaxException.fail("illegal ifname specified");
                    }
                    ifname = value;
                }
                default -> readDaemonOption(word, value);
            }
        }

        /** Options of the sync daemons; all that are left only show in {@link #given}. */
        private void readDaemonOption(Word word, String value) throws RuleSyntaxException {
            switch (word) {
                case MCAST_INTERFACE -> mcastInterface = value;
                case SYNCID -> syncId = OptionalInt.of(integer(value, 0, 255, "illegal syncid specified"));
                case SYNC_MAXLEN ->
                    maxLength = OptionalInt.of(integer(value, 1, 65507, "illegal sync-maxlen specified"));
                case MCAST_GROUP -> group = Optional.of(multicast(value));
                case MCAST_PORT -> mcastPort = OptionalInt.of(integer(value, 1, 65535, "illegal mcast-port specified"));
                case ICV_KEY -> icvKey = said(value, "illegal icv-key specified");
                case ICV_KEY_FILE -> icvKeyFile = said(value, "illegal icv-key-file specified");
                case ICV_ALGORITHM -> {
                    if (!value.equals("hmac-md5-96") && !value.equals("hmac-sha256-128")) {
                        throw RuleSyntaxException.fail("illegal icv-algorithm specified");
                    }
                    icvAlgorithm = value;
                }
                case MCAST_TTL -> ttl = OptionalInt.of(integer(value, 1, 255, "illegal mcast-ttl specified"));
                default -> {
                    // Says all it has to say by being given.
                }
            }
        }

        private void readFwmark(String value) throws RuleSyntaxException {
            if (isMarkRule()) {
                throw RuleSyntaxException.fail("the mark stands behind --" + command.label()
                        + ", its packets behind -t," + " -u, --sctp-service or --any");
            }
            mark = readMark(value);
        }

        /** What a mark rule matches. */
        private void readTarget(Optional<Protocol> which, String value) throws RuleSyntaxException {
            protocol = which.orElse(null);
            target = MarkRule.target(value)
                    .orElseThrow(() -> RuleSyntaxException.fail("illegal addresses or ports `" + value
                            + "', must be like 192.0.2.1-192.0.2.9:80-443 or" + " [2001:db8::]/64:80"));
        }

        /** A word without blanks, which a line could not hold. */
        private static String said(String value, String otherwise) throws RuleSyntaxException {
            if (value.isEmpty() || value.chars().anyMatch(c -> c <= ' ' || c == 0x7f)) {
                throw RuleSyntaxException.fail(otherwise);
            }
            return value;
        }

        private void readService(Protocol which, String value) throws RuleSyntaxException {
            if (isMarkRule()) {
                readTarget(Optional.of(which), value);
                return;
            }
            protocol = which;
            Endpoint endpoint = endpoint(value, "illegal virtual server address[:port] specified");
            vip = endpoint.address;
            vport = endpoint.port.orElse(0);
            ipv6 = endpoint.address.getAddress().length == 16;
        }

        private void readNetmask(String value) throws RuleSyntaxException {
            netmaskIpv6 = ipv6;
            if (ipv6) {
                netmask = leadingInteger(value);
                if (netmask < 1 || netmask > 128) {
                    throw RuleSyntaxException.fail("illegal ipv6 netmask specified");
                }
            } else {
                // Read as any IPv4 address, so a host's name will do.
                byte[] mask = host4(value)
                        .orElseThrow(() -> RuleSyntaxException.fail("illegal virtual server persistent mask specified"))
                        .getAddress();
                netmask = ByteBuffer.wrap(mask).getInt();
            }
        }

        private static boolean readSwitch(String name, String value) throws RuleSyntaxException {
            if (!value.equals("on") && !value.equals("off")) {
                throw RuleSyntaxException.fail("illegal " + name + " specified, must be on or off");
            }
            return value.equals("on");
        }

        private InetAddress multicast(String value) throws RuleSyntaxException {
            boolean six = value.indexOf(':') >= 0;
            Optional<InetAddress> address = six ? Addresses.parse6(value) : Addresses.parse4Strict(value);
            return address.filter(InetAddress::isMulticastAddress)
                    .orElseThrow(() ->
                            RuleSyntaxException.fail("invalid IPv" + (six ? 6 : 4) + " mcast-group `" + value + "'"));
        }

        /** An address with its port, where one was said. */
        private record Endpoint(InetAddress address, OptionalInt port) {}

        /**
         * Reads {@code host[:port]} or {@code [v6]:port}. As in ipvsadm, brackets must be followed by a port, around an
         * IPv4 host they cost it its port, and IPv6 without brackets is all address.
         */
        private Endpoint endpoint(String text, String message) throws RuleSyntaxException {
            String host = text;
            String port = null;
            boolean bracket = text.startsWith("[");
            if (bracket) {
                int close = text.indexOf(']');
                if (close < 0 || close + 1 >= text.length() || text.charAt(close + 1) != ':') {
                    throw RuleSyntaxException.fail(message);
                }
                host = text.substring(1, close);
                port = text.substring(close + 2);
            }
            Optional<InetAddress> six = Addresses.parse6(host);
            if (six.isEmpty() && bracket) {
                port = null;
            } else if (six.isEmpty()) {
                int colon = text.indexOf(':');
                host = colon < 0 ? text : text.substring(0, colon);
                port = colon < 0 ? null : text.substring(colon + 1);
            }
            Optional<InetAddress> address = six.isPresent() ? six : host4(host);
            // A number alone is a port to ipvsadm, and a port alone is nothing.
            if (address.isEmpty() || number(text).isPresent()) {
                throw RuleSyntaxException.fail(message);
            }
            return new Endpoint(
                    address.get(), port == null ? OptionalInt.empty() : OptionalInt.of(port(port, message)));
        }

        private Optional<InetAddress> host4(String host) {
            Optional<InetAddress> numeric = Addresses.parse4(host);
            return numeric.isPresent() || host.isEmpty() ? numeric : names.host4(host);
        }

        private int port(String text, String message) throws RuleSyntaxException {
            OptionalLong numeric = number(text);
            if (numeric.isPresent() && numeric.getAsLong() >= 0 && numeric.getAsLong() <= 65535) {
                return (int) numeric.getAsLong();
            }
            // Port names mean something once a service was named; those of a firewall mark are TCP's.
            Protocol which = protocol == null && mark != 0 ? Protocol.TCP : protocol;
            return (text.isEmpty() || which == null ? OptionalInt.empty() : names.port(text, which))
                    .orElseThrow(() -> RuleSyntaxException.fail(message));
        }

        private Rule build() throws RuleSyntaxException {
            List<String> leftovers = scanner.leftovers();
            int wanted = command == Command.SET ? 3 : 0;
            if (leftovers.size() < wanted) {
                throw RuleSyntaxException.fail("--set option requires 3 timeout values");
            }
            Rule set = command == Command.SET ? timeouts(leftovers) : new Rule.Clear();
            if (leftovers.size() > wanted) {
                throw RuleSyntaxException.fail("unexpected argument " + leftovers.get(wanted));
            }
            flags = SchedulerFlags.parse(scheduler, schedulerFlags);
            Option.check(command, given);
            return switch (command) {
                case ADD_SERVICE -> new Rule.AddService(service());
                case EDIT_SERVICE -> new Rule.EditService(service());
                case DELETE_SERVICE -> new Rule.DeleteService(serviceId());
                case CLEAR, SET -> set;
                case ADD_SERVER -> new Rule.AddDestination(destination());
                case EDIT_SERVER -> new Rule.EditDestination(destination());
                case DELETE_SERVER -> {
                    ServiceId id = serviceId();
                    yield new Rule.DeleteDestination(id, server(), serverPort);
                }
                case LIST -> list();
                case RESTORE -> new Rule.Restore();
                case SAVE -> new Rule.Save(given.contains(Option.NUMERIC));
                case ZERO -> new Rule.Zero(optionalService());
                case START_DAEMON ->
                    new Rule.StartDaemon(
                            role,
                            mcastInterface,
                            syncId,
                            maxLength,
                            group,
                            mcastPort,
                            ttl,
                            new Rule.Icv(icvKey, icvKeyFile, icvAlgorithm));
                case STOP_DAEMON -> new Rule.StopDaemon(role, syncId);
                default -> buildOurs();
            };
        }

        private Rule buildOurs() throws RuleSyntaxException {
            return switch (command) {
                case ADD_LADDR -> new Rule.AddLocalAddress(localAddress());
                case DELETE_LADDR -> new Rule.DeleteLocalAddress(localAddress());
                case GET_LADDR -> new Rule.GetLocalAddresses(optionalService(), given.contains(Option.NUMERIC));
                case DROPS -> new Rule.Drops();
                case PORTS -> new Rule.Ports();
                case WORKERS -> new Rule.Workers();
                case SYN_PROXIES -> new Rule.SynProxies(optionalService(), given.contains(Option.NUMERIC));
                case SYSCTL -> settings();
                case ADD_MARK -> new Rule.AddMark(markRule());
                case DELETE_MARK -> new Rule.DeleteMark(markRule());
                case MARKS -> new Rule.ListMarks();
                case ROLE -> directorRole.<Rule>map(Rule.ChangeRole::new).orElseGet(Rule.ShowRole::new);
                default -> throw RuleSyntaxException.tryHelp(program);
            };
        }

        private Rule timeouts(List<String> values) throws RuleSyntaxException {
            int[] seconds = new int[3];
            for (int i = 0; i < 3; i++) {
                seconds[i] =
                        (int) number(values.get(i), 0, MAX_SECONDS, quoted("invalid timeout value", values.get(i)));
            }
            return new Rule.SetTimeouts(seconds[0], seconds[1], seconds[2]);
        }

        private MarkRule markRule() throws RuleSyntaxException {
            MarkRule.Target which = target;
            if (which == null) {
                throw RuleSyntaxException.tryHelp(program);
            }
            return new MarkRule(
                    mark,
                    Optional.ofNullable(protocol),
                    which.first(),
                    which.last(),
                    which.firstPort(),
                    which.lastPort(),
                    ifname);
        }

        private Rule settings() throws RuleSyntaxException {
            int equals = setting.indexOf('=');
            if (setting.isEmpty()) {
                return new Rule.ShowSettings(Optional.empty());
            }
            String whole = (equals < 0 ? setting : setting.substring(0, equals)).strip();
            String name =
                    whole.replace('/', '.').startsWith(SYSCTL_FOLDER) ? whole.substring(SYSCTL_FOLDER.length()) : whole;
            if (!name.matches("[a-z0-9_]{1,64}")) {
                throw RuleSyntaxException.fail("illegal setting name `" + name + "'");
            }
            if (equals < 0) {
                return new Rule.ShowSettings(Optional.of(name));
            }
            // A pair (sync_threshold) has a blank, which a rule's line cannot have within a word.
            String value = setting.substring(equals + 1).strip().replaceAll("[ \t]+", ",");
            if (!value.matches("[!-~]{1,256}")) {
                throw RuleSyntaxException.fail("illegal value `" + value + "' of setting `" + name + "'");
            }
            return new Rule.ChangeSetting(name, value);
        }

        private ServiceId serviceId() {
            if (vip == null || protocol == null) {
                return new ServiceId.Fwmark(mark, ipv6);
            }
            return new ServiceId.Vip(protocol, vip, vport);
        }

        private Optional<ServiceId> optionalService() {
            return given.contains(Option.SERVICE) ? Optional.of(serviceId()) : Optional.empty();
        }

        private static int port(ServiceId id) {
            return id instanceof ServiceId.Vip vip ? vip.port() : 0;
        }

        private ServiceSpec service() throws RuleSyntaxException {
            ServiceId id = serviceId();
            boolean udp = !(id instanceof ServiceId.Vip vip) || vip.protocol() == Protocol.UDP;
            if (id instanceof ServiceId.Vip vip && vip.port() == 0 && persistence.isEmpty()) {
                throw RuleSyntaxException.fail("Zero port specified for non-persistent service");
            }
            if (given.contains(Option.ONE_PACKET) && !udp) {
                throw RuleSyntaxException.fail("One-Packet Scheduling is only for UDP virtual services");
            }
            boolean tcp = id instanceof ServiceId.Vip vip && vip.protocol() == Protocol.TCP;
            if (synProxy != SynProxyMode.DISABLE && !tcp) {
                throw RuleSyntaxException.fail("SYN proxy is only for TCP virtual services");
            }
            String name = scheduler.isEmpty() ? "wlc" : scheduler;
            boolean masked = persistence.isPresent() && netmaskIpv6 == id.ipv6() && !(id.ipv6() && netmask == 128);
            return new ServiceSpec(
                    id,
                    name,
                    flags,
                    persistence,
                    masked ? netmask : -1,
                    engine,
                    given.contains(Option.ONE_PACKET),
                    toa,
                    connectionTimeout,
                    synProxy,
                    sync);
        }

        private InetAddress server() {
            // The table of options has made sure that there is one.
            return server == null ? Addresses.address(new byte[4]) : server;
        }

        private DestinationSpec destination() throws RuleSyntaxException {
            ServiceId id = serviceId();
            InetAddress address = server();
            boolean tunnel = method == ForwardingMethod.TUNNEL;
            if (id.ipv6() != (address.getAddress().length == 16) && !tunnel) {
                throw RuleSyntaxException.fail("Different address family is allowed only for tunneling servers");
            }
            if (!tunnel && given.stream().anyMatch(option -> option.name().startsWith("TUN_"))) {
                throw RuleSyntaxException.fail("Tunnel options conflict with forward method");
            }
            if (tunnel) {
                Option.checkTunnel(tunnelType, given);
            }
            // Without address translation a packet's port cannot change.
            boolean samePort = id instanceof ServiceId.Vip && (tunnel || method == ForwardingMethod.ROUTE);
            String checksum = tunnelType.equals("ipip") || !tunnelChecksum.isEmpty() ? tunnelChecksum : "nocsum";
            return new DestinationSpec(
                    id,
                    address,
                    samePort ? port(id) : serverPort,
                    method,
                    weight,
                    upper,
                    lower,
                    new Tunnel(tunnelType, tunnelPort, checksum));
        }

        private LocalAddressSpec localAddress() {
            InetAddress address = laddr == null ? Addresses.address(new byte[4]) : laddr;
            return new LocalAddressSpec(serviceId(), address, ifname);
        }

        private Rule list() throws RuleSyntaxException {
            boolean numeric = given.contains(Option.NUMERIC);
            boolean table =
                    given.contains(Option.STATS) || given.contains(Option.RATE) || given.contains(Option.THRESHOLDS);
            boolean special = given.contains(Option.TIMEOUT) || given.contains(Option.DAEMON);
            boolean persistent = given.contains(Option.PERSISTENT_CONN);
            if (!program.equals("ipvsadm") && isDaemonStats()) {
                return new Rule.ListDaemons(true);
            }
            if ((table && (special || given.contains(Option.CONNECTION))) || (persistent && special)) {
                throw RuleSyntaxException.fail("options conflicts in the list command");
            }
            if (given.contains(Option.TIMEOUT)) {
                return new Rule.ListTimeouts();
            }
            if (given.contains(Option.DAEMON)) {
                return new Rule.ListDaemons(false);
            }
            if (given.contains(Option.CONNECTION)) {
                return new Rule.ListConnections(numeric, persistent);
            }
            return new Rule.ListServices(
                    optionalService(),
                    columns(),
                    numeric,
                    given.contains(Option.EXACT),
                    !given.contains(Option.NOSORT));
        }

        /** {@code -L --daemon --stats}, which ipvsadm refuses. */
        private boolean isDaemonStats() {
            return given.contains(Option.DAEMON)
                    && given.contains(Option.STATS)
                    && !given.contains(Option.RATE)
                    && !given.contains(Option.THRESHOLDS)
                    && !given.contains(Option.CONNECTION)
                    && !given.contains(Option.TIMEOUT)
                    && !given.contains(Option.PERSISTENT_CONN);
        }

        private Rule.Columns columns() {
            if (given.contains(Option.STATS)) {
                return Rule.Columns.STATS;
            }
            if (given.contains(Option.RATE)) {
                return Rule.Columns.RATE;
            }
            if (given.contains(Option.THRESHOLDS)) {
                return Rule.Columns.THRESHOLDS;
            }
            if (given.contains(Option.PERSISTENT_CONN)) {
                return Rule.Columns.PERSISTENT;
            }
            return given.contains(Option.TUN_INFO) ? Rule.Columns.TUNNEL : Rule.Columns.DEFAULT;
        }
    }

    private static String quoted(String what, String value) {
        return what + " `" + value + "' specified";
    }

    private static int integer(String text, int min, int max, String message) throws RuleSyntaxException {
        return (int) number(text, min, max, message);
    }

    private static long number(String text, long min, long max, String message) throws RuleSyntaxException {
        OptionalLong value = number(text);
        if (value.isEmpty() || value.getAsLong() < min || value.getAsLong() > max) {
            throw RuleSyntaxException.fail(message);
        }
        return value.getAsLong();
    }

    /** As strtol(3) with base 10 that must use up the text: leading white space and a sign are allowed. */
    private static OptionalLong number(String text) {
        int at = skipSpace(text);
        boolean signed = at < text.length() && (text.charAt(at) == '-' || text.charAt(at) == '+');
        int digits = signed ? at + 1 : at;
        if (digits == text.length()) {
            return OptionalLong.empty();
        }
        long value = 0;
        for (int i = digits; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < '0' || c > '9') {
                return OptionalLong.empty();
            }
            value = Math.min(value * 10 + c - '0', 1L << 40);
        }
        return OptionalLong.of(signed && text.charAt(at) == '-' ? -value : value);
    }

    /** As atoi(3): the number the text begins with, 0 if none. */
    private static int leadingInteger(String text) {
        int end = skipSpace(text);
        int start = end;
        if (end < text.length() && (text.charAt(end) == '-' || text.charAt(end) == '+')) {
            end++;
        }
        while (end < text.length() && text.charAt(end) >= '0' && text.charAt(end) <= '9') {
            end++;
        }
        return Math.clamp(number(text.substring(start, end)).orElse(0), Integer.MIN_VALUE, Integer.MAX_VALUE);
    }

    private static int skipSpace(String text) {
        int at = 0;
        while (at < text.length() && " \t\n\u000b\f\r".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        return at;
    }
}
