package lvsd.daemon;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import lvsd.config.DaemonConfig;
import lvsd.dataplane.ConnectionRow;
import lvsd.dataplane.DropReason;
import lvsd.dataplane.service.ServiceTable;
import lvsd.synproxy.ProxyCounters;
import lvsd.synproxy.Secrets;

/** Workers whose counters, connections and acknowledgements the test sets by hand, and that note what they are asked. */
final class FakeDataplane implements DataplaneFactory.Running {
    static final Totals NOTHING = new Totals(0, 0, 0, 0, 0, 0, 0, 0);

    final List<ServiceTable> tables = new ArrayList<>();
    final Map<Integer, Totals> totals = new HashMap<>();
    final Map<Integer, Long> localConnections = new HashMap<>();
    final List<String> asked = new ArrayList<>();
    final List<ConnectionRow> rows = new ArrayList<>();
    final List<PortView> ports = new ArrayList<>();
    final List<WorkerView> workers = new ArrayList<>();
    final long[] drops = new long[DropReason.count()];
    final Map<Integer, long[]> steps = new HashMap<>();
    Map<String, String> settings = Map.of();
    int published;
    long acknowledged;
    /** Whether every table is acknowledged as soon as it is published. */
    boolean prompt = true;

    boolean memoryShort;

    ServiceTable table() {
        return tables.isEmpty() ? ServiceTable.EMPTY : tables.getLast();
    }

    void count(int destination, long connections, long packets, long active, long inactive) {
        totals.put(
                destination,
                new Totals(connections, packets, packets, packets * 100, packets * 1000, active, inactive, 0));
    }

    @Override
    public void publish(ServiceTable table) {
        tables.add(table);
        if (prompt) {
            acknowledged = table.generation;
        }
    }

    @Override
    public boolean memoryShort() {
        return memoryShort;
    }

    @Override
    public void announce() {
        asked.add("announce");
    }

    @Override
    public long acknowledgedGeneration() {
        return acknowledged;
    }

    @Override
    public Totals totals(int destination) {
        return totals.getOrDefault(destination, NOTHING);
    }

    @Override
    public void zero(int destination) {
        asked.add("zero " + destination);
        Totals old = totals(destination);
        totals.put(destination, new Totals(0, 0, 0, 0, 0, old.active(), old.inactive(), 0));
    }

    @Override
    public long[] steps(int service) {
        return steps.getOrDefault(service, new long[ProxyCounters.steps()]).clone();
    }

    @Override
    public boolean proxyOn(int service) {
        return steps(service)[ProxyCounters.Counter.SWITCHED_ON.ordinal()]
                > steps(service)[ProxyCounters.Counter.SWITCHED_OFF.ordinal()];
    }

    @Override
    public void secrets(Secrets newer) {
        asked.add(newer.shared() ? "shared secrets" : "random secrets");
    }

    @Override
    public void zeroSteps(int service) {
        steps.remove(service);
    }

    @Override
    public ServerView server(int destination) {
        return new ServerView(destination, 2L * destination);
    }

    @Override
    public long[] drops() {
        return drops.clone();
    }

    @Override
    public List<PortView> ports() {
        return ports;
    }

    @Override
    public List<WorkerView> workers() {
        return workers;
    }

    @Override
    public LocalAddressView localAddress(int index) {
        return new LocalAddressView(index, localConnections.getOrDefault(index, 0L), 3);
    }

    @Override
    public Walk connections() {
        return new Walk() {
            private int at;

            @Override
            public boolean next(Consumer<ConnectionRow> sink) {
                int end = Math.min(at + 500, rows.size());
                rows.subList(at, end).forEach(sink);
                at = end;
                return at < rows.size();
            }
        };
    }

    @Override
    public void expireDestination(int destination) {
        asked.add("expire " + destination);
    }

    @Override
    public void settings(Map<String, String> inForce) {
        inForce.forEach((name, value) -> {
            if (!value.equals(settings.get(name))) {
                asked.add("setting " + name + "=" + value);
            }
        });
        settings = inForce;
        published++;
    }

    @Override
    public void open() {
        asked.add("open");
    }

    @Override
    public List<String> reconfigure(DaemonConfig now) {
        asked.add("reconfigure");
        return List.of("workers");
    }

    @Override
    public void close() {
        asked.add("close");
    }
}
