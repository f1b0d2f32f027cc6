package lvsd.control;

import static lvsd.control.View.Connection;
import static lvsd.control.View.Destination;
import static lvsd.control.View.LocalAddress;
import static lvsd.control.View.Port;
import static lvsd.control.View.Rates;
import static lvsd.control.View.Service;
import static lvsd.control.View.Stats;
import static lvsd.control.View.Worker;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;
import lvsd.rules.Addresses;
import lvsd.rules.DestinationSpec;
import lvsd.rules.DestinationSpec.Tunnel;
import lvsd.rules.DirectorRole;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.Protocol;
import lvsd.rules.Rule;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import lvsd.rules.SynProxyMode;

/**
 * Writes views as JSON and reads them back. A document is one object; its first member's name says what kind of view it
 * is. Members that a reader does not know are passed over, so that a newer daemon can add some.
 */
public final class Views {
    private static final InetAddress NO_ADDRESS = Addresses.address(new byte[4]);

    private Views() {}

    /** One JSON document, no line breaks in it. */
    public static String write(View view) {
        JsonWriter out = new JsonWriter(256);
        out.beginObject();
        switch (view) {
            case View.Services v -> array(out, "services", v.services(), Views::writeService);
            case View.Connections v -> array(out, "connections", v.connections(), Views::writeConnection);
            case View.Timeouts v ->
                out.name("timeouts")
                        .beginObject()
                        .member("tcp", v.tcp())
                        .member("tcp_fin", v.tcpFin())
                        .member("udp", v.udp())
                        .endObject();
            case View.Daemons v -> array(out, "daemons", v.daemons(), Views::writeDaemon);
            case View.Drops v -> array(out, "drops", v.drops(), Views::writeDrop);
            case View.Ports v -> array(out, "ports", v.ports(), Views::writePort);
            case View.Workers v -> array(out, "workers", v.workers(), Views::writeWorker);
            case View.LocalAddresses v -> array(out, "local_addresses", v.localAddresses(), Views::writeLocalAddress);
            case View.Marks v -> array(out, "marks", v.marks(), Views::writeMark);
            case View.SynProxies v -> array(out, "synproxy", v.services(), Views::writeSynProxy);
            case View.Role v -> out.member("role", v.role().label());
            case View.Settings v -> array(out, "settings", v.settings(), Views::writeSetting);
        }
        return out.endObject().toString();
    }

    private interface Writer<T> {
        void write(JsonWriter out, T value);
    }

    private static <T> void array(JsonWriter out, String name, List<T> values, Writer<T> writer) {
        out.name(name).beginArray();
        for (T value : values) {
            out.beginObject();
            writer.write(out, value);
            out.endObject();
        }
        out.endArray();
    }

    private static void writeId(JsonWriter out, ServiceId id) {
        switch (id) {
            case ServiceId.Vip vip ->
                out.member("protocol", label(vip.protocol()))
                        .member("address", Addresses.format(vip.address()))
                        .member("port", vip.port());
            case ServiceId.Fwmark mark ->
                out.member("fwmark", mark.mark() & 0xffff_ffffL).member("ipv6", mark.ipv6());
        }
    }

    private static String label(Protocol protocol) {
        return protocol.name().toLowerCase(Locale.ROOT);
    }

    private static void writeService(JsonWriter out, Service service) {
        ServiceSpec spec = service.spec();
        writeId(out, spec.id());
        out.member("scheduler", spec.scheduler()).name("scheduler_flags").beginArray();
        spec.schedulerFlags().forEach(out::value);
        out.endArray();
        spec.persistence().ifPresent(seconds -> out.member("persistence", seconds));
        if (spec.netmask() != -1) {
            out.member("netmask", spec.netmask());
        }
        if (!spec.persistenceEngine().isEmpty()) {
            out.member("persistence_engine", spec.persistenceEngine());
        }
        out.member("one_packet", spec.onePacket()).member("toa", spec.toa());
        if (spec.synProxy() != SynProxyMode.DISABLE) {
            out.member("synproxy", spec.synProxy().word());
        }
        if (!spec.sync()) {
            out.member("sync", false);
        }
        spec.connectionTimeout().ifPresent(seconds -> out.member("connection_timeout", seconds));
        writeStats(out, service.stats());
        writeRates(out, service.rates());
        array(out, "destinations", service.destinations(), Views::writeDestination);
    }

    private static void writeDestination(JsonWriter out, Destination destination) {
        DestinationSpec spec = destination.spec();
        out.member("address", Addresses.format(spec.address()))
                .member("port", spec.port())
                .member("method", spec.method().label())
                .member("weight", spec.weight())
                .member("upper_threshold", spec.upperThreshold())
                .member("lower_threshold", spec.lowerThreshold());
        if (spec.method() == ForwardingMethod.TUNNEL) {
            out.name("tunnel")
                    .beginObject()
                    .member("type", spec.tunnel().type())
                    .member("port", spec.tunnel().port())
                    .member("checksum", spec.tunnel().checksum())
                    .endObject();
        }
        out.member("active", destination.active())
                .member("inactive", destination.inactive())
                .member("persistent", destination.persistent());
        writeStats(out, destination.stats());
        writeRates(out, destination.rates());
    }

    private static void writeStats(JsonWriter out, Stats stats) {
        out.name("stats").beginObject();
        writeCounters(
                out, stats.connections(), stats.inPackets(), stats.outPackets(), stats.inBytes(), stats.outBytes());
        out.endObject();
    }

    private static void writeRates(JsonWriter out, Rates rates) {
        out.name("rates").beginObject();
        writeCounters(
                out, rates.connections(), rates.inPackets(), rates.outPackets(), rates.inBytes(), rates.outBytes());
        out.endObject();
    }

    private static void writeCounters(
            JsonWriter out, long connections, long inPackets, long outPackets, long inBytes, long outBytes) {
        out.member("connections", connections)
                .member("in_packets", inPackets)
                .member("out_packets", outPackets)
                .member("in_bytes", inBytes)
                .member("out_bytes", outBytes);
    }

    private static void writeConnection(JsonWriter out, Connection c) {
        out.member("protocol", c.protocol())
                .member("client", Addresses.format(c.client()))
                .member("client_port", c.clientPort())
                .member("virtual", Addresses.format(c.virtual()))
                .member("virtual_port", c.virtualPort())
                .member("local", Addresses.format(c.local()))
                .member("local_port", c.localPort())
                .member("server", Addresses.format(c.server()))
                .member("server_port", c.serverPort())
                .member("method", c.method())
                .member("state", c.state())
                .member("expires_ms", c.expiresMillis())
                .member("packets", c.packets())
                .member("worker", c.worker());
        if (!c.engine().isEmpty()) {
            out.member("engine", c.engine()).member("engine_data", c.engineData());
        }
    }

    private static void writeCounter(JsonWriter out, View.Counter counter) {
        out.member("name", counter.name()).member("value", counter.value()).member("help", counter.help());
    }

    private static void writeDaemon(JsonWriter out, View.Daemon daemon) {
        out.member("role", daemon.role().label())
                .member("interface", daemon.mcastInterface())
                .member("syncid", daemon.syncId())
                .member("max_length", daemon.maxLength())
                .member("group", Addresses.format(daemon.group()))
                .member("port", daemon.port())
                .member("ttl", daemon.ttl());
        array(out, "counters", daemon.counters(), Views::writeCounter);
    }

    private static void writeDrop(JsonWriter out, View.Drop drop) {
        out.member("reason", drop.reason())
                .member("packets", drop.packets())
                .member("help", drop.help())
                .member("remedy", drop.remedy());
    }

    private static void writePort(JsonWriter out, Port port) {
        out.member("name", port.name())
                .member("device", port.device())
                .member("mac", port.mac())
                .member("mtu", port.mtu())
                .member("link_up", port.linkUp())
                .member("in_packets", port.inPackets())
                .member("out_packets", port.outPackets())
                .member("in_bytes", port.inBytes())
                .member("out_bytes", port.outBytes())
                .member("in_missed", port.inMissed())
                .member("errors", port.errors());
    }

    private static void writeWorker(JsonWriter out, Worker worker) {
        out.member("index", worker.index())
                .member("core", worker.core())
                .member("cycles", worker.cycles())
                .member("idle_cycles", worker.idleCycles())
                .member("packets", worker.packets())
                .member("longest_cycle_ns", worker.longestCycle());
        array(
                out,
                "tables",
                worker.tables(),
                (to, table) -> to.member("family", table.family())
                        .member("connections", table.connections())
                        .member("high_water", table.highWater())
                        .member("capacity", table.capacity())
                        .member("longest_probe", table.longestProbe())
                        .member("bytes", table.bytes()));
        out.member("handoffs_in", worker.handoffsIn())
                .member("handoffs_out", worker.handoffsOut())
                .member("entries_ended", worker.ended());
    }

    private static void writeLocalAddress(JsonWriter out, LocalAddress local) {
        out.name("service").beginObject();
        writeId(out, local.service());
        out.endObject()
                .member("address", Addresses.format(local.address()))
                .member("port", local.port())
                .member("connections", local.connections())
                .member("exhausted", local.exhausted());
    }

    private static void writeMark(JsonWriter out, View.Mark mark) {
        out.member("mark", mark.mark())
                .member("protocol", mark.protocol())
                .member("target", mark.target())
                .member("port", mark.port())
                .member("file", mark.file());
    }

    private static void writeSynProxy(JsonWriter out, View.SynProxy proxy) {
        out.name("service").beginObject();
        writeId(out, proxy.service());
        out.endObject().member("mode", proxy.mode()).member("level", proxy.level());
        array(
                out,
                "steps",
                proxy.steps(),
                (to, step) -> to.member("step", step.step())
                        .member("count", step.count())
                        .member("help", step.help()));
        array(
                out,
                "servers",
                proxy.servers(),
                (to, server) -> to.member("address", Addresses.format(server.address()))
                        .member("port", server.port())
                        .member("half_open", server.halfOpen())
                        .member("unanswered", server.unanswered()));
    }

    private static void writeSetting(JsonWriter out, View.Setting setting) {
        out.member("name", setting.name())
                .member("value", setting.value())
                .member("default", setting.fallback())
                .member("range", setting.range())
                .member("effect", setting.effect());
    }

    /**
     * Reads one document.
     *
     * @throws ViewException where it is not one that {@link #write} could have written
     */
    public static View read(String json) {
        return read(json, true);
    }

    /**
     * As {@link #read(String)}; without {@code counters} those of services and servers are passed over, and 0: in a listing
     * of ten thousand servers that shows none they would be most of the work.
     */
    public static View read(String json, boolean counters) {
        JsonReader in = new JsonReader(json, counters);
        in.beginObject();
        String kind = in.nextName();
        View view = switch (kind) {
            case "services" -> new View.Services(list(in, Views::readService));
            case "connections" -> new View.Connections(list(in, Views::readConnection));
            case "timeouts" -> readTimeouts(in);
            case "daemons" -> new View.Daemons(list(in, Views::readDaemon));
            case "drops" -> new View.Drops(list(in, Views::readDrop));
            case "ports" -> new View.Ports(list(in, Views::readPort));
            case "workers" -> new View.Workers(list(in, Views::readWorker));
            case "local_addresses" -> new View.LocalAddresses(list(in, Views::readLocalAddress));
            case "marks" -> new View.Marks(list(in, Views::readMark));
            case "synproxy" -> new View.SynProxies(list(in, Views::readSynProxy));
            case "role" -> readRole(in);
            case "settings" -> new View.Settings(list(in, Views::readSetting));
            default -> throw in.wrong("unknown kind of view '" + kind + "'");
        };
        while (!in.nextName().isEmpty()) {
            in.skip();
        }
        in.end();
        return view;
    }

    private static View.Role readRole(JsonReader in) {
        String label = in.string();
        return new View.Role(DirectorRole.of(label).orElseThrow(() -> in.wrong("unknown role '" + label + "'")));
    }

    private interface Reader<T> {
        T read(JsonReader in);
    }

    private static <T> List<T> list(JsonReader in, Reader<T> reader) {
        List<T> values = new ArrayList<>();
        in.beginArray();
        while (in.nextElement()) {
            values.add(reader.read(in));
        }
        return values;
    }

    /** Runs {@code member} for the name of every member of an object. */
    private static void members(JsonReader in, MemberReader member) {
        in.beginObject();
        for (String name = in.nextName(); !name.isEmpty(); name = in.nextName()) {
            member.read(name);
        }
    }

    private interface MemberReader {
        void read(String name);
    }

    private static InetAddress address(JsonReader in) {
        String text = in.string();
        return Addresses.parse(text).orElseThrow(() -> in.wrong("'" + text + "' is not an address"));
    }

    private static <E> E constant(JsonReader in, E[] values, Function<E, String> label) {
        String wanted = in.string();
        for (E value : values) {
            if (label.apply(value).equals(wanted)) {
                return value;
            }
        }
        throw in.wrong("unknown word '" + wanted + "'");
    }

    /** Members of a service's name, in whatever order they come. */
    private static final class IdFields {
        private Protocol protocol = Protocol.TCP;
        private InetAddress address = NO_ADDRESS;
        private int port;
        private int mark;
        private boolean ipv6;

        /** Takes the member if it is one of a service's name. */
        boolean take(JsonReader in, String name) {
            switch (name) {
                case "protocol" -> protocol = constant(in, Protocol.values(), Views::label);
                case "address" -> address = address(in);
                case "port" -> port = in.integer();
                case "fwmark" -> mark = (int) in.number();
                case "ipv6" -> ipv6 = in.bool();
                default -> {
                    return false;
                }
            }
            return true;
        }

        ServiceId id() {
            return mark != 0 ? new ServiceId.Fwmark(mark, ipv6) : new ServiceId.Vip(protocol, address, port);
        }
    }

    private static Service readService(JsonReader in) {
        var f = new Object() {
            final IdFields id = new IdFields();
            String scheduler = "";
            final Set<String> flags = new LinkedHashSet<>();
            OptionalInt persistence = OptionalInt.empty();
            int netmask = -1;
            String engine = "";
            boolean onePacket;
            boolean toa;
            boolean sync = true;
            SynProxyMode synProxy = SynProxyMode.DISABLE;
            OptionalInt connectionTimeout = OptionalInt.empty();
            Stats stats = Stats.ZERO;
            Rates rates = Rates.ZERO;
            final List<DestinationFields> destinations = new ArrayList<>();
        };
        members(in, name -> {
            if (f.id.take(in, name)) {
                return;
            }
            switch (name) {
                case "scheduler" -> f.scheduler = in.string();
                case "scheduler_flags" -> f.flags.addAll(list(in, JsonReader::string));
                case "persistence" -> f.persistence = OptionalInt.of(in.integer());
                case "netmask" -> f.netmask = in.integer();
                case "persistence_engine" -> f.engine = in.string();
                case "one_packet" -> f.onePacket = in.bool();
                case "toa" -> f.toa = in.bool();
                case "sync" -> f.sync = in.bool();
                case "synproxy" -> f.synProxy = SynProxyMode.of(in.string()).orElse(SynProxyMode.DISABLE);
                case "connection_timeout" -> f.connectionTimeout = OptionalInt.of(in.integer());
                case "stats" -> f.stats = readCounters(in, Stats::new, Stats.ZERO);
                case "rates" -> f.rates = readCounters(in, Rates::new, Rates.ZERO);
                case "destinations" -> f.destinations.addAll(list(in, Views::readDestination));
                default -> in.skip();
            }
        });
        ServiceId id = f.id.id();
        ServiceSpec spec = new ServiceSpec(
                id,
                f.scheduler,
                f.flags,
                f.persistence,
                f.netmask,
                f.engine,
                f.onePacket,
                f.toa,
                f.connectionTimeout,
                f.synProxy,
                f.sync);
        List<Destination> destinations = new ArrayList<>(f.destinations.size());
        for (DestinationFields destination : f.destinations) {
            destinations.add(destination.of(id));
        }
        return new Service(spec, f.stats, f.rates, destinations);
    }

    private static final class DestinationFields {
        private InetAddress address = NO_ADDRESS;
        private int port;
        private ForwardingMethod method = ForwardingMethod.ROUTE;
        private int weight;
        private int upper;
        private int lower;
        private Tunnel tunnel = Tunnel.IPIP;
        private long active;
        private long inactive;
        private long persistent;
        private Stats stats = Stats.ZERO;
        private Rates rates = Rates.ZERO;

        Destination of(ServiceId service) {
            return new Destination(
                    new DestinationSpec(service, address, port, method, weight, upper, lower, tunnel),
                    active,
                    inactive,
                    persistent,
                    stats,
                    rates);
        }
    }

    private static DestinationFields readDestination(JsonReader in) {
        DestinationFields f = new DestinationFields();
        members(in, name -> {
            switch (name) {
                case "address" -> f.address = address(in);
                case "port" -> f.port = in.integer();
                case "method" -> f.method = constant(in, ForwardingMethod.values(), ForwardingMethod::label);
                case "weight" -> f.weight = in.integer();
                case "upper_threshold" -> f.upper = in.integer();
                case "lower_threshold" -> f.lower = in.integer();
                case "tunnel" -> f.tunnel = readTunnel(in);
                case "active" -> f.active = in.number();
                case "inactive" -> f.inactive = in.number();
                case "persistent" -> f.persistent = in.number();
                case "stats" -> f.stats = readCounters(in, Stats::new, Stats.ZERO);
                case "rates" -> f.rates = readCounters(in, Rates::new, Rates.ZERO);
                default -> in.skip();
            }
        });
        return f;
    }

    private static Tunnel readTunnel(JsonReader in) {
        var f = new Object() {
            String type = "";
            int port;
            String checksum = "";
        };
        members(in, name -> {
            switch (name) {
                case "type" -> f.type = in.string();
                case "port" -> f.port = in.integer();
                case "checksum" -> f.checksum = in.string();
                default -> in.skip();
            }
        });
        return new Tunnel(f.type, f.port, f.checksum);
    }

    private interface Counters<T> {
        T of(long connections, long inPackets, long outPackets, long inBytes, long outBytes);
    }

    private static <T> T readCounters(JsonReader in, Counters<T> counters, T zero) {
        if (!in.counters()) {
            in.skipNumbers();
            return zero;
        }
        long[] f = new long[5];
        members(in, name -> {
            switch (name) {
                case "connections" -> f[0] = in.number();
                case "in_packets" -> f[1] = in.number();
                case "out_packets" -> f[2] = in.number();
                case "in_bytes" -> f[3] = in.number();
                case "out_bytes" -> f[4] = in.number();
                default -> in.skip();
            }
        });
        return counters.of(f[0], f[1], f[2], f[3], f[4]);
    }

    private static Connection readConnection(JsonReader in) {
        InetAddress[] addresses = {NO_ADDRESS, NO_ADDRESS, NO_ADDRESS, NO_ADDRESS};
        int[] ints = new int[7];
        long[] longs = new long[2];
        String[] texts = {"", "", ""};
        members(in, name -> {
            switch (name) {
                case "protocol" -> ints[0] = in.integer();
                case "client" -> addresses[0] = address(in);
                case "client_port" -> ints[1] = in.integer();
                case "virtual" -> addresses[1] = address(in);
                case "virtual_port" -> ints[2] = in.integer();
                case "local" -> addresses[2] = address(in);
                case "local_port" -> ints[3] = in.integer();
                case "server" -> addresses[3] = address(in);
                case "server_port" -> ints[4] = in.integer();
                case "method" -> ints[5] = in.integer();
                case "state" -> texts[0] = in.string();
                case "expires_ms" -> longs[0] = in.number();
                case "packets" -> longs[1] = in.number();
                case "worker" -> ints[6] = in.integer();
                case "engine" -> texts[1] = in.string();
                case "engine_data" -> texts[2] = in.string();
                default -> in.skip();
            }
        });
        return new Connection(
                ints[0],
                addresses[0],
                ints[1],
                addresses[1],
                ints[2],
                addresses[2],
                ints[3],
                addresses[3],
                ints[4],
                ints[5],
                texts[0],
                longs[0],
                longs[1],
                ints[6],
                texts[1],
                texts[2]);
    }

    private static View.Timeouts readTimeouts(JsonReader in) {
        int[] f = new int[3];
        members(in, name -> {
            switch (name) {
                case "tcp" -> f[0] = in.integer();
                case "tcp_fin" -> f[1] = in.integer();
                case "udp" -> f[2] = in.integer();
                default -> in.skip();
            }
        });
        return new View.Timeouts(f[0], f[1], f[2]);
    }

    private static View.Daemon readDaemon(JsonReader in) {
        var f = new Object() {
            Rule.Role role = Rule.Role.MASTER;
            String mcastInterface = "";
            InetAddress group = NO_ADDRESS;
        };
        int[] ints = new int[4];
        List<View.Counter> counters = new ArrayList<>();
        members(in, name -> {
            switch (name) {
                case "counters" -> counters.addAll(list(in, Views::readCounter));
                case "role" -> f.role = constant(in, Rule.Role.values(), Rule.Role::label);
                case "interface" -> f.mcastInterface = in.string();
                case "syncid" -> ints[0] = in.integer();
                case "max_length" -> ints[1] = in.integer();
                case "group" -> f.group = address(in);
                case "port" -> ints[2] = in.integer();
                case "ttl" -> ints[3] = in.integer();
                default -> in.skip();
            }
        });
        return new View.Daemon(
                f.role, f.mcastInterface, ints[0], ints[1], f.group, ints[2], ints[3], List.copyOf(counters));
    }

    private static View.Counter readCounter(JsonReader in) {
        String[] texts = {"", ""};
        long[] value = new long[1];
        members(in, name -> {
            switch (name) {
                case "name" -> texts[0] = in.string();
                case "value" -> value[0] = in.number();
                case "help" -> texts[1] = in.string();
                default -> in.skip();
            }
        });
        return new View.Counter(texts[0], value[0], texts[1]);
    }

    private static View.Drop readDrop(JsonReader in) {
        String[] texts = {"", "", ""};
        long[] packets = new long[1];
        members(in, name -> {
            switch (name) {
                case "reason" -> texts[0] = in.string();
                case "packets" -> packets[0] = in.number();
                case "help" -> texts[1] = in.string();
                case "remedy" -> texts[2] = in.string();
                default -> in.skip();
            }
        });
        return new View.Drop(texts[0], packets[0], texts[1], texts[2]);
    }

    private static Port readPort(JsonReader in) {
        String[] texts = {"", "", ""};
        long[] f = new long[7];
        boolean[] up = new boolean[1];
        members(in, name -> {
            switch (name) {
                case "name" -> texts[0] = in.string();
                case "device" -> texts[1] = in.string();
                case "mac" -> texts[2] = in.string();
                case "mtu" -> f[0] = in.integer();
                case "link_up" -> up[0] = in.bool();
                case "in_packets" -> f[1] = in.number();
                case "out_packets" -> f[2] = in.number();
                case "in_bytes" -> f[3] = in.number();
                case "out_bytes" -> f[4] = in.number();
                case "in_missed" -> f[5] = in.number();
                case "errors" -> f[6] = in.number();
                default -> in.skip();
            }
        });
        return new Port(texts[0], texts[1], texts[2], (int) f[0], up[0], f[1], f[2], f[3], f[4], f[5], f[6]);
    }

    private static Worker readWorker(JsonReader in) {
        int[] ints = new int[2];
        long[] f = new long[7];
        List<View.Table> tables = new ArrayList<>();
        members(in, name -> {
            switch (name) {
                case "index" -> ints[0] = in.integer();
                case "core" -> ints[1] = in.integer();
                case "cycles" -> f[0] = in.number();
                case "idle_cycles" -> f[1] = in.number();
                case "packets" -> f[2] = in.number();
                case "longest_cycle_ns" -> f[3] = in.number();
                case "tables" -> tables.addAll(list(in, Views::readTable));
                case "handoffs_in" -> f[4] = in.number();
                case "handoffs_out" -> f[5] = in.number();
                case "entries_ended" -> f[6] = in.number();
                default -> in.skip();
            }
        });
        return new Worker(ints[0], ints[1], f[0], f[1], f[2], f[3], List.copyOf(tables), f[4], f[5], f[6]);
    }

    private static View.Table readTable(JsonReader in) {
        String[] family = {""};
        long[] f = new long[5];
        members(in, name -> {
            switch (name) {
                case "family" -> family[0] = in.string();
                case "connections" -> f[0] = in.number();
                case "high_water" -> f[1] = in.number();
                case "capacity" -> f[2] = in.number();
                case "longest_probe" -> f[3] = in.number();
                case "bytes" -> f[4] = in.number();
                default -> in.skip();
            }
        });
        return new View.Table(family[0], f[0], f[1], f[2], f[3], f[4]);
    }

    private static LocalAddress readLocalAddress(JsonReader in) {
        IdFields id = new IdFields();
        var f = new Object() {
            InetAddress address = NO_ADDRESS;
            String port = "";
            long connections;
            long exhausted;
        };
        members(in, name -> {
            switch (name) {
                case "service" ->
                    members(in, part -> {
                        if (!id.take(in, part)) {
                            in.skip();
                        }
                    });
                case "address" -> f.address = address(in);
                case "port" -> f.port = in.string();
                case "connections" -> f.connections = in.number();
                case "exhausted" -> f.exhausted = in.number();
                default -> in.skip();
            }
        });
        return new LocalAddress(id.id(), f.address, f.port, f.connections, f.exhausted);
    }

    private static View.Mark readMark(JsonReader in) {
        String[] texts = {"", "", ""};
        var f = new Object() {
            long mark;
            boolean file;
        };
        members(in, name -> {
            switch (name) {
                case "mark" -> f.mark = in.number();
                case "protocol" -> texts[0] = in.string();
                case "target" -> texts[1] = in.string();
                case "port" -> texts[2] = in.string();
                case "file" -> f.file = in.bool();
                default -> in.skip();
            }
        });
        return new View.Mark(f.mark, texts[0], texts[1], texts[2], f.file);
    }

    private static View.SynProxy readSynProxy(JsonReader in) {
        IdFields id = new IdFields();
        var f = new Object() {
            String mode = "";
            int level;
            List<View.ProxyStep> steps = List.of();
            List<View.ProxyServer> servers = List.of();
        };
        members(in, name -> {
            switch (name) {
                case "service" ->
                    members(in, part -> {
                        if (!id.take(in, part)) {
                            in.skip();
                        }
                    });
                case "mode" -> f.mode = in.string();
                case "level" -> f.level = in.integer();
                case "steps" -> f.steps = list(in, Views::readProxyStep);
                case "servers" -> f.servers = list(in, Views::readProxyServer);
                default -> in.skip();
            }
        });
        return new View.SynProxy(id.id(), f.mode, f.level, f.steps, f.servers);
    }

    private static View.ProxyStep readProxyStep(JsonReader in) {
        String[] texts = {"", ""};
        long[] count = new long[1];
        members(in, name -> {
            switch (name) {
                case "step" -> texts[0] = in.string();
                case "count" -> count[0] = in.number();
                case "help" -> texts[1] = in.string();
                default -> in.skip();
            }
        });
        return new View.ProxyStep(texts[0], count[0], texts[1]);
    }

    private static View.ProxyServer readProxyServer(JsonReader in) {
        var f = new Object() {
            InetAddress address = NO_ADDRESS;
            int port;
        };
        long[] counts = new long[2];
        members(in, name -> {
            switch (name) {
                case "address" -> f.address = address(in);
                case "port" -> f.port = in.integer();
                case "half_open" -> counts[0] = in.number();
                case "unanswered" -> counts[1] = in.number();
                default -> in.skip();
            }
        });
        return new View.ProxyServer(f.address, f.port, counts[0], counts[1]);
    }

    private static View.Setting readSetting(JsonReader in) {
        String[] texts = {"", "", "", "", ""};
        members(in, name -> {
            switch (name) {
                case "name" -> texts[0] = in.string();
                case "value" -> texts[1] = in.string();
                case "default" -> texts[2] = in.string();
                case "range" -> texts[3] = in.string();
                case "effect" -> texts[4] = in.string();
                default -> in.skip();
            }
        });
        return new View.Setting(texts[0], texts[1], texts[2], texts[3], texts[4]);
    }
}
