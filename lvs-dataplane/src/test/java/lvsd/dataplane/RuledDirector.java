package lvsd.dataplane;

import java.net.InetAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import lvsd.config.DaemonConfig;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.LocalityCache;
import lvsd.dataplane.service.Service;
import lvsd.rules.Addresses;
import lvsd.rules.DestinationSpec;
import lvsd.rules.Rule;
import lvsd.rules.RuleParser;
import lvsd.rules.RuleSyntaxException;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import org.jspecify.annotations.Nullable;

/** A {@link TestDirector} that is told what to do by rules, some of them in the course of time. */
final class RuledDirector implements AutoCloseable {
    private static final List<String> PORTS = List.of("client", "rs");

    private static final Map<Integer, String> PROTOCOLS = Map.of(6, "TCP", 17, "UDP", 132, "SCTP");

    /** What names a server. */
    private record Name(ServiceId service, InetAddress address, int port) {}

    private static final class Entry {
        final int index;
        final ServiceSpec spec;
        final List<Destination> servers = new ArrayList<>();
        final @Nullable LocalityCache cache;

        Entry(int index, ServiceSpec spec) {
            this.index = index;
            this.spec = spec;
            this.cache = LocalityCache.of(spec);
        }
    }

    private final TestDirector director;
    private final Deque<TrafficRecording.Step> steps;
    private final Map<ServiceId, Entry> services = new LinkedHashMap<>();
    /** Index of every server that there has been: one that comes back gets its own. */
    private final Map<Name, Integer> indexes = new HashMap<>();

    private final Map<String, String> settings = new HashMap<>();
    private final long start;
    private int nextService;
    private long revision;

    RuledDirector(List<TrafficRecording.Step> steps) {
        this.steps = new ArrayDeque<>(steps);
        int[] mtus = {1500, 1500};
        List<String> own = new ArrayList<>(List.of("198.18.10.1", "2001:db8:a::1"));
        for (TrafficRecording.Step step : steps) {
            String[] words = step.text().split(" ", -1);
            if (words[0].equals("mtu")) {
                mtus[PORTS.indexOf(words[1])] = Integer.parseInt(words[2]);
            } else if (words[0].equals("own")) {
                own.add(words[1]);
            }
        }
        DaemonConfig.Port wan = TestDirector.port("wan0", "net_null", mtus[0], List.of(), own.toArray(String[]::new));
        DaemonConfig.Port lan =
                TestDirector.port("lan0", "net_null", mtus[1], List.of(), "198.18.20.1", "2001:db8:b::1");
        director = new TestDirector(TestDirector.config(1, Map.of(), 1024, wan, lan));
        start = director.now;
        due(0);
    }

    TestDirector director() {
        return director;
    }

    /** Lets time pass, and does what is due meanwhile. */
    void advanceTo(long nanos) {
        due(nanos);
        pass(nanos);
    }

    private void pass(long nanos) {
        long left = start + nanos - director.now;
        if (left > 0) {
            director.advance(left / 1_000_000);
        }
    }

    private void due(long nanos) {
        while (!steps.isEmpty() && steps.getFirst().nanos() <= nanos) {
            TrafficRecording.Step step = steps.removeFirst();
            pass(step.nanos());
            tell(step.text());
        }
    }

    private void tell(String text) {
        String[] words = text.split("[ =]", -1);
        switch (words[0]) {
            case "sysctl" -> setting(words[1], words[2]);
            case "deaf" -> director.answering[PORTS.indexOf(words[1])] = false;
            case "flush" -> indexes.values().forEach(this::expire);
            case "mtu", "own" -> {}
            default -> rule(text);
        }
    }

    private void setting(String name, String value) {
        settings.put(name, value);
        director.setting(name, value);
    }

    /** Follows a rule. */
    void rule(String text) {
        try {
            apply(RuleParser.numeric().parseLine(text).orElseThrow());
        } catch (RuleSyntaxException wrong) {
            throw new IllegalArgumentException(text, wrong);
        }
        director.services(services.values().stream()
                .map(each -> new Service(each.index, each.spec, each.servers, List.of(), ++revision, each.cache))
                .toList());
    }

    private Entry service(ServiceId id) {
        return Objects.requireNonNull(services.get(id), id::toString);
    }

    private void apply(Rule rule) {
        switch (rule) {
            case Rule.AddService add -> services.put(add.service().id(), new Entry(nextService++, add.service()));
            case Rule.AddDestination add -> add(add.destination());
            case Rule.EditDestination edit -> {
                DestinationSpec spec = edit.destination();
                Entry service = service(spec.service());
                service.servers.replaceAll(
                        each -> name(each.spec).equals(name(spec)) ? destination(service, spec) : each);
            }
            case Rule.DeleteDestination delete -> {
                Name name = new Name(delete.service(), delete.address(), delete.port());
                service(delete.service())
                        .servers
                        .removeIf(each -> name(each.spec).equals(name));
                removed(name);
            }
            case Rule.DeleteService delete -> remove(delete.service());
            case Rule.Clear clear -> List.copyOf(services.keySet()).forEach(this::remove);
            default -> throw new IllegalArgumentException(rule.toString());
        }
    }

    private static Name name(DestinationSpec spec) {
        return new Name(spec.service(), spec.address(), spec.port());
    }

    private Destination destination(Entry service, DestinationSpec spec) {
        int index = indexes.computeIfAbsent(name(spec), unknown -> indexes.size());
        return new Destination(index, service.index, spec);
    }

    private void add(DestinationSpec spec) {
        Entry service = service(spec.service());
        service.servers.addFirst(destination(service, spec));
    }

    private void remove(ServiceId id) {
        Entry service = service(id);
        services.remove(id);
        service.servers.forEach(each -> removed(name(each.spec)));
    }

    private void removed(Name name) {
        if (!settings.getOrDefault("expire_nodest_conn", "0").equals("0")) {
            expire(Objects.requireNonNull(indexes.get(name)));
        }
    }

    private void expire(int index) {
        for (Worker worker : director.dataplane.workerList()) {
            ConnectionDump.expire(worker, false, 0, 4096, index);
            ConnectionDump.expire(worker, true, 0, 4096, index);
        }
    }

    /** Packets that went to the host's kernel, or would have with one. */
    long punted() {
        return director.drops(DropReason.NO_TWIN);
    }

    /** All connections as {@code ipvsadm -Lnc} lists them, without the time that is left and templates; sorted. */
    List<String> connections() {
        return director.connections().stream()
                .filter(row -> row.clientPort() != 0)
                .map(RuledDirector::line)
                .sorted()
                .toList();
    }

    private static String line(ConnectionRow row) {
        return String.format(
                Locale.ROOT,
                "%s %s %s %s %s",
                PROTOCOLS.get(row.protocol()),
                row.state(),
                endpoint(row.client(), row.clientPort()),
                endpoint(row.virtual(), row.virtualPort()),
                endpoint(row.server(), row.serverPort()));
    }

    private static String endpoint(InetAddress address, int port) {
        String text = Addresses.format(address);
        return (text.indexOf(':') < 0 ? text : '[' + text + ']') + ':' + port;
    }

    @Override
    public void close() {
        director.close();
    }
}
