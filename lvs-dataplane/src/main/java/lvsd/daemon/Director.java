package lvsd.daemon;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import lvsd.config.Settings;
import lvsd.control.View;
import lvsd.daemon.Model.DestinationEntry;
import lvsd.daemon.Model.Endpoint;
import lvsd.daemon.Model.Grave;
import lvsd.daemon.Model.Lease;
import lvsd.daemon.Model.LocalEntry;
import lvsd.daemon.Model.RetiredIndex;
import lvsd.daemon.Model.ServiceEntry;
import lvsd.dataplane.DataplaneControl;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.LocalAddress;
import lvsd.dataplane.service.MarkTable;
import lvsd.dataplane.service.Service;
import lvsd.dataplane.service.ServiceTable;
import lvsd.rules.Addresses;
import lvsd.rules.DestinationSpec;
import lvsd.rules.DirectorRole;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.LocalAddressSpec;
import lvsd.rules.MarkRule;
import lvsd.rules.Protocol;
import lvsd.rules.Rule;
import lvsd.rules.RuleFormatter;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import lvsd.rules.SynProxyMode;
import lvsd.sync.SyncService;
import lvsd.synproxy.ProxyCounters;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * What the operator asked for: services, servers, local addresses, timeouts and settings, with the kernel's semantics and
 * messages. Control thread only.
 *
 * <p>Changes gather until {@link #publish} hands all of them to the workers as one immutable table, or {@link #rollback}
 * takes all of them back. Asking the data plane for something is put off until then too, so that a change that could not
 * be journalled leaves no trace.
 *
 * <p>A removed server keeps its dense index, its counters and its connections: it waits in the graveyard, where adding it
 * again revives it. Its index is given to another server only after every worker has acknowledged a table without it and
 * its connections are gone.
 */
final class Director {
    /** Most local addresses of all services together. */
    static final int MAXIMUM_LOCAL_ADDRESSES = 1 << 12;

    private static final String SERVICE_NOT_DEFINED = "Service not defined";
    private static final String NO_SUCH_SERVICE = "No such service";
    private static final String NO_SUCH_DESTINATION = "No such destination";

    /** The timeouts of {@code --set}, seconds. */
    record Timeouts(int established, int finWait, int udp) {}

    private static final Logger LOG = LoggerFactory.getLogger(Director.class);

    /** Settings that services and servers are published anew for. */
    private static final Set<String> STEER_TABLE = Set.of("nat_icmp_send", "backup_only");

    private static final List<String> DEFENCES = Settings.ALL.stream()
            .filter(setting -> setting.kind() == Settings.Kind.DEFENCE)
            .map(Settings.Setting::name)
            .toList();

    private final DataplaneControl dataplane;
    private Set<String> interfaces;
    private final Map<ServiceId, ServiceEntry> services = new LinkedHashMap<>();
    private final Map<Grave, DestinationEntry> graveyard = new LinkedHashMap<>();
    private final Map<InetAddress, LocalEntry> locals = new LinkedHashMap<>();
    private final Deque<RetiredIndex> retiredServices = new ArrayDeque<>();
    private final DenseIndexes serviceIndexes = new DenseIndexes(Service.MAXIMUM);
    private final DenseIndexes destinationIndexes = new DenseIndexes(Destination.NOWHERE);
    private final DenseIndexes localIndexes = new DenseIndexes(MAXIMUM_LOCAL_ADDRESSES);
    /** Of the daemon file. */
    private List<MarkRule> fileMarks = List.of();
    /** Of {@code --add-mark}. */
    private final List<MarkRule> marks = new ArrayList<>();

    private final Map<String, String> baseSettings;
    private final Map<String, String> changedSettings = new TreeMap<>();
    private final SyncRunner sync;
    private final SyncDaemons daemons = new SyncDaemons(SyncDaemons::ofKernel);
    private final Broadcasts broadcasts = new Broadcasts();
    private final List<Runnable> undo = new ArrayList<>();
    private final List<Runnable> effects = new ArrayList<>();

    /** Counters of servers and services that are gone for good. */
    private View.Stats retired = View.Stats.ZERO;

    private DirectorRole role;
    private long generation;
    private boolean tableChanged;
    private boolean settingsChanged;
    private boolean defending;

    /**
     * An empty director.
     *
     * @param dataplane the workers
     * @param settings settings of the daemon file, by name
     * @param interfaces names that {@code -F} may use
     */
    Director(DataplaneControl dataplane, Map<String, String> settings, Set<String> interfaces) {
        this(dataplane, settings, interfaces, DirectorRole.ACTIVE);
    }

    /**
     * As {@link #Director(DataplaneControl, Map, Set)}.
     *
     * @param role what it begins as
     */
    Director(DataplaneControl dataplane, Map<String, String> settings, Set<String> interfaces, DirectorRole role) {
        this.role = role;
        this.dataplane = dataplane;
        this.sync = new SyncRunner(dataplane);
        this.baseSettings = new TreeMap<>(settings);
        this.interfaces = Set.copyOf(interfaces);
    }

    /** Takes over the names that {@code -F} may use from now on. */
    void interfaces(Set<String> names) {
        interfaces = Set.copyOf(names);
    }

    // Services ------------------------------------------------------------------------------------------------------

    /** {@code -A}. */
    void addService(ServiceSpec spec) throws Refusal {
        if (services.containsKey(spec.id())) {
            throw new Refusal("Service already exists");
        }
        checkScheduler(spec);
        int index = serviceIndexes.take();
        if (index < 0) {
            throw new Refusal("Too many services: the limit is " + Service.MAXIMUM
                    + ", removed ones count until every worker has let go of them");
        }
        ServiceEntry service = new ServiceEntry(index, spec);
        services.put(spec.id(), service);
        effects.add(() -> dataplane.zeroSteps(index));
        changed(() -> {
            services.remove(spec.id());
            serviceIndexes.release(index);
        });
    }

    /** {@code -E}: the new definition replaces the old one whole. */
    void editService(ServiceSpec spec) throws Refusal {
        ServiceEntry service = existing(spec.id(), NO_SUCH_SERVICE);
        checkScheduler(spec);
        for (DestinationEntry destination : service.destinations) {
            checkSynProxy(spec, destination.spec);
        }
        ServiceSpec before = service.spec;
        service.spec = spec;
        service.touch();
        changed(() -> {
            service.spec = before;
            service.touch();
        });
    }

    private static void checkScheduler(ServiceSpec spec) throws Refusal {
        if (!SchedulerNames.known(spec.scheduler()) || !SchedulerNames.knownEngine(spec.persistenceEngine())) {
            throw new Refusal("Scheduler or persistence engine not found");
        }
    }

    /** {@code -D}: its servers go to the graveyard. */
    void deleteService(ServiceId id) throws Refusal {
        delete(existing(id, NO_SUCH_SERVICE));
    }

    /** {@code -C}: all services; timeouts and settings stay. */
    void clear() {
        for (ServiceEntry service : List.copyOf(services.values())) {
            delete(service);
        }
    }

    private void delete(ServiceEntry service) {
        for (int place = service.destinations.size() - 1; place >= 0; place--) {
            bury(service, place);
        }
        for (Lease lease : List.copyOf(service.leases)) {
            release(service, lease);
        }
        ServiceId id = service.spec.id();
        services.remove(id);
        RetiredIndex retiredIndex = new RetiredIndex(service.index, generation + 1);
        retiredServices.addLast(retiredIndex);
        View.Stats before = retired;
        retired = Model.plus(retired, service.retired);
        changed(() -> {
            retired = before;
            retiredServices.removeLastOccurrence(retiredIndex);
            services.put(id, service);
        });
    }

    private ServiceEntry existing(ServiceId id, String otherwise) throws Refusal {
        ServiceEntry service = services.get(id);
        if (service == null) {
            throw new Refusal(otherwise);
        }
        return service;
    }

    // Real servers --------------------------------------------------------------------------------------------------

    /** {@code -a}: goes to the head of the service's list; a server of the same name that was removed comes back. */
    void addDestination(DestinationSpec spec) throws Refusal {
        ServiceEntry service = existing(spec.service(), SERVICE_NOT_DEFINED);
        checkFamily(spec);
        checkThresholds(spec);
        checkSynProxy(service.spec, spec);
        Endpoint endpoint = new Endpoint(spec.address(), spec.port());
        if (service.byEndpoint.containsKey(endpoint)) {
            throw new Refusal("Destination already exists");
        }
        if (!Addresses.isUnicast(spec.address()) || broadcasts.contains(spec.address())) {
            throw new Refusal(Refusal.INVALID);
        }
        DestinationEntry buried = graveyard.get(new Grave(spec.service(), endpoint));
        if (buried != null) {
            revive(service, buried, spec);
            return;
        }
        int index = destinationIndexes.take();
        if (index < 0) {
            throw new Refusal("Too many real servers: the limit is " + Destination.NOWHERE + ", " + graveyard.size()
                    + " removed ones wait for their connections to end");
        }
        DestinationEntry destination = new DestinationEntry(index, service, spec);
        insert(service, destination);
        changed(() -> {
            withdraw(service, destination);
            destinationIndexes.release(index);
        });
    }

    private void revive(ServiceEntry service, DestinationEntry destination, DestinationSpec spec) {
        ServiceEntry formerOwner = destination.owner;
        DestinationSpec formerSpec = destination.spec;
        int formerLastWeight = destination.lastWeight;
        graveyard.remove(destination.grave());
        destination.define(service, spec, spec.weight());
        insert(service, destination);
        if (formerOwner != service) {
            effects.add(() -> restart(destination));
        }
        changed(() -> {
            withdraw(service, destination);
            destination.define(formerOwner, formerSpec, formerLastWeight);
            graveyard.put(destination.grave(), destination);
        });
    }

    private static void checkThresholds(DestinationSpec spec) throws Refusal {
        if (spec.lowerThreshold() > spec.upperThreshold()) {
            throw new Refusal("Numerical result out of range");
        }
    }

    /** Sync messages cannot tell a server of another family than its service's. */
    private void checkFamily(DestinationSpec spec) throws Refusal {
        if (daemons.any() && mixed(spec)) {
            throw new Refusal(Refusal.INVALID);
        }
    }

    private static boolean mixed(DestinationSpec spec) {
        return spec.service().ipv6() != spec.address() instanceof Inet6Address;
    }

    /** The SYN proxy answers in the server's place, so the server's segments must come back this way. */
    private static void checkSynProxy(ServiceSpec service, DestinationSpec destination) throws Refusal {
        ForwardingMethod method = destination.method();
        if (service.synProxy() != SynProxyMode.DISABLE
                && method != ForwardingMethod.NAT
                && method != ForwardingMethod.FULLNAT) {
            throw new Refusal("SYN proxy needs -m or -b: server " + Addresses.format(destination.address()) + ":"
                    + destination.port() + " has " + method.option());
        }
    }

    private static void insert(ServiceEntry service, DestinationEntry destination) {
        service.destinations.addFirst(destination);
        service.byEndpoint.put(destination.endpoint(), destination);
        service.touch();
    }

    private static void withdraw(ServiceEntry service, DestinationEntry destination) {
        service.destinations.remove(destination);
        service.byEndpoint.remove(destination.endpoint());
        service.touch();
    }

    /** {@code -e}: the new definition replaces the old one whole; place and connections stay. */
    void editDestination(DestinationSpec spec) throws Refusal {
        ServiceEntry service = existing(spec.service(), SERVICE_NOT_DEFINED);
        checkFamily(spec);
        checkThresholds(spec);
        checkSynProxy(service.spec, spec);
        DestinationEntry destination = service.byEndpoint.get(new Endpoint(spec.address(), spec.port()));
        if (destination == null) {
            throw new Refusal(NO_SUCH_DESTINATION);
        }
        DestinationSpec before = destination.spec;
        int lastWeight = destination.lastWeight;
        destination.define(spec);
        service.touch();
        changed(() -> {
            destination.define(service, before, lastWeight);
            service.touch();
        });
    }

    /** {@code -d}. */
    void deleteDestination(ServiceId id, InetAddress address, int port) throws Refusal {
        ServiceEntry service = existing(id, SERVICE_NOT_DEFINED);
        DestinationEntry destination = service.byEndpoint.get(new Endpoint(address, port));
        if (destination == null) {
            throw new Refusal(NO_SUCH_DESTINATION);
        }
        bury(service, service.destinations.indexOf(destination));
    }

    private void bury(ServiceEntry service, int place) {
        DestinationEntry destination = service.destinations.remove(place);
        service.byEndpoint.remove(destination.endpoint());
        service.touch();
        destination.removedIn = generation + 1;
        graveyard.put(destination.grave(), destination);
        effects.add(() -> {
            if (flag("expire_nodest_conn") && graveyard.get(destination.grave()) == destination) {
                dataplane.expireDestination(destination.index);
            }
        });
        changed(() -> {
            graveyard.remove(destination.grave());
            service.destinations.add(place, destination);
            service.byEndpoint.put(destination.endpoint(), destination);
            service.touch();
        });
    }

    // Local addresses -----------------------------------------------------------------------------------------------

    /** {@code -P}. Services that name the same address share it and its ports. */
    void addLocalAddress(LocalAddressSpec spec) throws Refusal {
        ServiceEntry service = existing(spec.service(), SERVICE_NOT_DEFINED);
        if (!spec.port().isEmpty() && !interfaces.contains(spec.port())) {
            throw new Refusal("No such device");
        }
        if (lease(service, spec.address()) != null) {
            throw new Refusal("Local address already exists");
        }
        LocalEntry local = locals.get(spec.address());
        if (local == null) {
            int index = localIndexes.take();
            if (index < 0) {
                throw new Refusal("Too many local addresses: the limit is " + MAXIMUM_LOCAL_ADDRESSES);
            }
            local = new LocalEntry(new LocalAddress(index, spec.address()));
            locals.put(spec.address(), local);
        }
        LocalEntry entry = local;
        entry.leases++;
        Lease lease = new Lease(entry, spec.port());
        service.leases.add(lease);
        service.touch();
        changed(() -> {
            service.leases.remove(lease);
            service.touch();
            entry.leases--;
        });
    }

    /** {@code -Q}. */
    void deleteLocalAddress(LocalAddressSpec spec) throws Refusal {
        ServiceEntry service = existing(spec.service(), SERVICE_NOT_DEFINED);
        Lease lease = lease(service, spec.address());
        if (lease == null) {
            throw new Refusal("No such local address");
        }
        release(service, lease);
    }

    private void release(ServiceEntry service, Lease lease) {
        int place = service.leases.indexOf(lease);
        service.leases.remove(place);
        service.touch();
        lease.local().leases--;
        lease.local().removedIn = generation + 1;
        changed(() -> {
            lease.local().leases++;
            service.leases.add(place, lease);
            service.touch();
        });
    }

    private static @Nullable Lease lease(ServiceEntry service, InetAddress address) {
        for (Lease lease : service.leases) {
            if (lease.local().view.address.equals(address)) {
                return lease;
            }
        }
        return null;
    }

    // Counters, timeouts, settings ----------------------------------------------------------------------------------

    /** {@code -Z}, of one service or of all. Takes effect at once: counters do not outlive the daemon anyway. */
    void zero(Optional<ServiceId> id) throws Refusal {
        if (id.isPresent()) {
            zero(existing(id.get(), NO_SUCH_SERVICE));
            return;
        }
        services.values().forEach(this::zero);
        graveyard.values().forEach(this::restart);
        retired = View.Stats.ZERO;
    }

    private void zero(ServiceEntry service) {
        retired = Model.plus(retired, service.retired);
        service.retired = View.Stats.ZERO;
        service.estimator.reset();
        watchProxies();
        dataplane.zeroSteps(service.index);
        service.switchesSaid = 0;
        for (DestinationEntry destination : service.destinations) {
            restart(destination);
        }
        for (DestinationEntry destination : graveyard.values()) {
            if (destination.owner == service) {
                restart(destination);
            }
        }
    }

    private void restart(DestinationEntry destination) {
        retired = Model.plus(retired, Model.stats(dataplane.totals(destination.index)));
        dataplane.zero(destination.index);
        destination.estimator.reset();
    }

    /** {@code --add-mark}: tried after all others. */
    void addMark(MarkRule mark) throws Refusal {
        if (!mark.port().isEmpty() && !interfaces.contains(mark.port())) {
            throw new Refusal("No such device");
        }
        if (marks.contains(mark) || fileMarks.contains(mark)) {
            throw new Refusal("Mark rule already exists");
        }
        if (marks.size() + fileMarks.size() >= MarkTable.MAXIMUM) {
            throw new Refusal("Too many mark rules: the limit is " + MarkTable.MAXIMUM);
        }
        marks.add(mark);
        changed(() -> marks.remove(mark));
    }

    /** {@code --del-mark}. */
    void deleteMark(MarkRule mark) throws Refusal {
        int place = marks.indexOf(mark);
        if (place < 0) {
            throw new Refusal(
                    fileMarks.contains(mark)
                            ? "The daemon file has this mark rule, change it there"
                            : "No such mark rule");
        }
        marks.remove(place);
        changed(() -> marks.add(place, mark));
    }

    /** Takes over the mark rules of the daemon file: they are tried first, and an equal one of {@code --add-mark} goes. */
    void baseMarks(List<MarkRule> rules) {
        List<MarkRule> before = fileMarks;
        List<MarkRule> added = List.copyOf(marks);
        fileMarks = List.copyOf(rules);
        marks.removeAll(fileMarks);
        changed(() -> {
            fileMarks = before;
            marks.clear();
            marks.addAll(added);
        });
    }

    /** All mark rules, in the order in which they are tried. */
    View.Marks marks() {
        List<View.Mark> views = new ArrayList<>();
        fileMarks.forEach(mark -> views.add(view(mark, true)));
        marks.forEach(mark -> views.add(view(mark, false)));
        return new View.Marks(views);
    }

    private static View.Mark view(MarkRule mark, boolean file) {
        return new View.Mark(
                Integer.toUnsignedLong(mark.mark()),
                mark.protocol().map(Protocol::name).orElse("any").toLowerCase(Locale.ROOT),
                mark.target(),
                mark.port(),
                file);
    }

    /** {@code --set}: seconds; 0 keeps one. Another way to say three of the settings. */
    void setTimeouts(int established, int finWait, int udp) {
        setTimeout("timeout_established", established);
        setTimeout("timeout_finwait", finWait);
        setTimeout("timeout_udp", udp);
    }

    private void setTimeout(String name, int seconds) {
        if (seconds != 0) {
            changeSetting(name, Integer.toString(seconds));
        }
    }

    /** Changes a setting at run time; the value has been checked and is in its normal form. It outlives the daemon. */
    void changeSetting(String name, String value) {
        String before = changedSettings.put(name, value);
        tableChanged |= STEER_TABLE.contains(name);
        settingsChanged = true;
        undo.add(() -> restore(changedSettings, name, before));
    }

    /** Takes over what the daemon file now says of a setting; a change made at run time gives way to it. */
    void baseSetting(String name, String value) {
        String base = baseSettings.put(name, value);
        String changed = changedSettings.remove(name);
        tableChanged |= STEER_TABLE.contains(name);
        settingsChanged = true;
        undo.add(() -> {
            restore(baseSettings, name, base);
            restore(changedSettings, name, changed);
        });
    }

    private static void restore(Map<String, String> settings, String name, @Nullable String before) {
        if (before == null) {
            settings.remove(name);
        } else {
            settings.put(name, before);
        }
    }

    /**
     * The settings in force that were said somewhere, by name; all others have their defaults. A defence that waits for
     * memory to be short shows 2 while it is.
     */
    Map<String, String> settings() {
        Map<String, String> all = new TreeMap<>(baseSettings);
        all.putAll(changedSettings);
        if (dataplane.memoryShort()) {
            DEFENCES.forEach(name -> all.replace(name, "1", "2"));
        }
        return all;
    }

    private int setting(String name) {
        String value = changedSettings.get(name);
        if (value == null) {
            value = baseSettings.get(name);
        }
        return Integer.parseInt(
                value == null ? Settings.find(name).orElseThrow().fallback() : value);
    }

    /** Seconds after which a random secret of SYN cookies gives way to another. */
    int secretLifetime() {
        return setting("synproxy_secret_lifetime");
    }

    private boolean flag(String name) {
        return setting(name) != 0;
    }

    /** Timeouts in force. */
    Timeouts timeouts() {
        return new Timeouts(setting("timeout_established"), setting("timeout_finwait"), setting("timeout_udp"));
    }

    // Role ----------------------------------------------------------------------------------------------------------

    /**
     * {@code --role}. An active director that is told so again announces its addresses again: the other one may have had them
     * meanwhile.
     */
    void changeRole(DirectorRole wanted) {
        DirectorRole before = role;
        if (wanted == before) {
            if (wanted == DirectorRole.ACTIVE) {
                effects.add(dataplane::announce);
            }
            return;
        }
        role = wanted;
        effects.add(() -> LOG.atInfo()
                .addKeyValue("from", before.label())
                .addKeyValue("to", wanted.label())
                .log("role"));
        changed(() -> role = before);
    }

    /** Whether this director forwards. */
    DirectorRole role() {
        return role;
    }

    // Sync daemons --------------------------------------------------------------------------------------------------

    /** {@code --start-daemon}. */
    void startDaemon(Rule.StartDaemon daemon) throws Refusal {
        startDaemon(daemon, false);
    }

    /** Starts a daemon that the daemon file asks for, unless one of that role runs. */
    void startDaemonOfFile(Rule.StartDaemon daemon) throws Refusal {
        if (daemons.find(daemon.role()).isEmpty()) {
            startDaemon(daemon, true);
        }
    }

    private void startDaemon(Rule.StartDaemon daemon, boolean file) throws Refusal {
        boolean mixed = services.values().stream()
                .flatMap(service -> service.destinations.stream())
                .anyMatch(destination -> mixed(destination.spec));
        undo.add(daemons.start(daemon, mixed, file));
        tableChanged |= daemon.role() == Rule.Role.BACKUP;
        effects.add(() -> daemons.find(daemon.role())
                .ifPresent(running -> sync.start(running.view(), settings(), running.icv())));
    }

    /** What the journal keeps of {@code daemon}, which runs: how it is authenticated, and no key. */
    Rule.StartDaemon kept(Rule.StartDaemon daemon) {
        return daemons.find(daemon.role()).map(SyncDaemons.Running::asked).orElse(daemon);
    }

    /** The sync daemons themselves. */
    SyncRunner sync() {
        return sync;
    }

    /** {@code --stop-daemon}. */
    void stopDaemon(Rule.Role role) throws Refusal {
        undo.add(daemons.stop(role));
        tableChanged |= role == Rule.Role.BACKUP;
        effects.add(() -> sync.stop(role));
    }

    /** The sync daemons that run, master first. */
    View.Daemons daemons() {
        List<SyncService.Status> done = sync.status();
        return new View.Daemons(
                daemons.views().stream().map(view -> with(view, done)).toList());
    }

    private static View.Daemon with(View.Daemon view, List<SyncService.Status> done) {
        return new View.Daemon(
                view.role(),
                view.mcastInterface(),
                view.syncId(),
                view.maxLength(),
                view.group(),
                view.port(),
                view.ttl(),
                done.stream()
                        .filter(each -> each.role() == view.role())
                        .flatMap(each -> each.counters().stream())
                        .toList());
    }

    // Publication ---------------------------------------------------------------------------------------------------

    private void changed(Runnable takeBack) {
        undo.add(takeBack);
        tableChanged = true;
    }

    /** Whether something waits for {@link #publish}. */
    boolean pending() {
        return !undo.isEmpty() || !effects.isEmpty();
    }

    /** Makes everything since the last call take effect: workers use it from their next cycle on. */
    void publish() {
        if (tableChanged) {
            generation++;
            dataplane.publish(table(generation));
            tableChanged = false;
        }
        if (settingsChanged) {
            dataplane.settings(settings());
            sync.settings(settings());
            Logging.debug(setting("debug_level"));
            settingsChanged = false;
        }
        List<Runnable> due = List.copyOf(effects);
        effects.clear();
        undo.clear();
        due.forEach(Runnable::run);
    }

    /** Takes back everything since the last {@link #publish}. */
    void rollback() {
        for (Runnable step : undo.reversed()) {
            step.run();
        }
        undo.clear();
        effects.clear();
        tableChanged = false;
        settingsChanged = false;
    }

    private ServiceTable table(long number) {
        List<Service> views = new ArrayList<>(services.size());
        for (ServiceEntry service : services.values()) {
            views.add(service.build(number));
        }
        List<MarkRule> rules = new ArrayList<>(fileMarks);
        rules.addAll(marks);
        boolean passive = flag("backup_only") && daemons.find(Rule.Role.BACKUP).isPresent();
        return new ServiceTable(
                number, views, new MarkTable(rules), flag("nat_icmp_send"), role == DirectorRole.STANDBY, passive);
    }

    /** Publishes the present services with every weight 0: established connections go on, no new one is taken. */
    void quiesce() {
        for (ServiceEntry service : services.values()) {
            for (DestinationEntry destination : service.destinations) {
                DestinationSpec spec = destination.spec;
                destination.define(new DestinationSpec(
                        spec.service(),
                        spec.address(),
                        spec.port(),
                        spec.method(),
                        0,
                        spec.upperThreshold(),
                        spec.lowerThreshold(),
                        spec.tunnel()));
            }
            service.touch();
        }
        tableChanged = true;
        publish();
    }

    // Housekeeping --------------------------------------------------------------------------------------------------

    /** Frees indexes that no worker and no connection can still hold. Called about once a second. */
    void reclaim() {
        long acknowledged = dataplane.acknowledgedGeneration();
        Iterator<DestinationEntry> graves = graveyard.values().iterator();
        while (graves.hasNext()) {
            DestinationEntry destination = graves.next();
            if (acknowledged >= destination.removedIn && idle(destination)) {
                retire(destination);
                graves.remove();
            }
        }
        while (!retiredServices.isEmpty()
                && acknowledged >= retiredServices.getFirst().removedIn()) {
            serviceIndexes.release(retiredServices.removeFirst().index());
        }
        Iterator<LocalEntry> idleLocals = locals.values().iterator();
        while (idleLocals.hasNext()) {
            LocalEntry local = idleLocals.next();
            int index = local.view.index;
            if (local.leases == 0
                    && acknowledged >= local.removedIn
                    && dataplane.localAddress(index).connections() == 0) {
                localIndexes.release(index);
                idleLocals.remove();
            }
        }
    }

    /**
     * Says once of each change that memory for connections is short, or no longer, where a defence waits for it. About once a
     * second.
     */
    void watchDefences() {
        boolean now = dataplane.memoryShort() && DEFENCES.stream().anyMatch(name -> setting(name) == 1);
        if (now != defending) {
            defending = now;
            LOG.atLevel(now ? Level.WARN : Level.INFO)
                    .log(now ? "memory for connections is short, defences are at work" : "defences rest");
        }
    }

    /** Says once of each switch that the SYN proxy of a service in mode {@code auto} went on or off. About once a second. */
    void watchProxies() {
        for (ServiceEntry service : services.values()) {
            if (service.spec.synProxy() == SynProxyMode.AUTO) {
                watchProxy(service);
            } else {
                service.switchesSaid = switches(service);
                service.saidOn = false;
            }
        }
    }

    private void watchProxy(ServiceEntry service) {
        for (long now = switches(service); service.switchesSaid < now; service.switchesSaid++) {
            service.saidOn = !service.saidOn;
            LOG.atWarn()
                    .addKeyValue("service", RuleFormatter.id(service.spec.id(), RuleFormatter.Endpoints.NUMERIC))
                    .log(service.saidOn ? "service looks attacked, SYN proxy on" : "attack is over, SYN proxy off");
        }
    }

    private long switches(ServiceEntry service) {
        long[] steps = dataplane.steps(service.index);
        return steps[ProxyCounters.Counter.SWITCHED_ON.ordinal()] + steps[ProxyCounters.Counter.SWITCHED_OFF.ordinal()];
    }

    private boolean idle(DestinationEntry destination) {
        DataplaneControl.Totals totals = dataplane.totals(destination.index);
        return totals.active() == 0 && totals.inactive() == 0 && totals.persistent() == 0;
    }

    private void retire(DestinationEntry destination) {
        View.Stats last = Model.stats(dataplane.totals(destination.index));
        ServiceEntry owner = destination.owner;
        if (services.get(owner.spec.id()) == owner) {
            owner.retired = Model.plus(owner.retired, last);
        } else {
            retired = Model.plus(retired, last);
        }
        dataplane.zero(destination.index);
        destinationIndexes.release(destination.index);
    }

    /** Moves all rate estimates on, unless {@code run_estimation} is 0. Called every {@link Estimator#PERIOD_SECONDS}. */
    void estimate() {
        if (!flag("run_estimation")) {
            return;
        }
        Map<ServiceEntry, View.Stats> buried = buriedStats();
        for (ServiceEntry service : services.values()) {
            View.Stats sum = Model.plus(service.retired, buried.getOrDefault(service, View.Stats.ZERO));
            for (DestinationEntry destination : service.destinations) {
                View.Stats stats = Model.stats(dataplane.totals(destination.index));
                destination.estimator.sample(stats);
                sum = Model.plus(sum, stats);
            }
            service.estimator.sample(sum);
        }
    }

    private Map<ServiceEntry, View.Stats> buriedStats() {
        Map<ServiceEntry, View.Stats> buried = new HashMap<>();
        for (DestinationEntry destination : graveyard.values()) {
            buried.merge(destination.owner, Model.stats(dataplane.totals(destination.index)), Model::plus);
        }
        return buried;
    }

    // Views ---------------------------------------------------------------------------------------------------------

    /** Begins a listing of the services asked for, in the order they were added. */
    ServicePages listing(Optional<ServiceId> id) throws Refusal {
        Iterable<ServiceEntry> chosen = services.values();
        if (id.isPresent()) {
            ServiceEntry service = services.get(id.get());
            if (service == null) {
                throw new Refusal(1, NO_SUCH_SERVICE);
            }
            chosen = List.of(service);
        }
        return new ServicePages(this, chosen, buriedStats());
    }

    /** The whole of a listing. */
    View.Services services(Optional<ServiceId> id) throws Refusal {
        ServicePages pages = listing(id);
        View.Services all = pages.next();
        while (pages.more()) {
            all = all.plus(pages.next());
        }
        return all;
    }

    /** How many services there are. */
    int serviceCount() {
        return services.size();
    }

    /** Whether the service is still there. */
    boolean has(ServiceEntry service) {
        return services.get(service.spec.id()) == service;
    }

    /** A server as listings show it. */
    View.Destination view(DestinationEntry destination) {
        DataplaneControl.Totals totals = dataplane.totals(destination.index);
        return new View.Destination(
                destination.spec,
                totals.active(),
                totals.inactive(),
                totals.persistent(),
                Model.stats(totals),
                destination.estimator.rates());
    }

    /** Counters of a service: those of its servers, and of removed ones whose sum is {@code buried}. */
    View.Stats stats(ServiceEntry service, View.Stats buried) {
        View.Stats sum = Model.plus(service.retired, buried);
        for (DestinationEntry destination : service.destinations) {
            sum = Model.plus(sum, Model.stats(dataplane.totals(destination.index)));
        }
        return sum;
    }

    /** Sums of everything that was ever balanced, since start or {@code -Z}. */
    View.Stats grandTotal() {
        View.Stats sum = retired;
        for (ServiceEntry service : services.values()) {
            sum = Model.plus(sum, service.retired);
            for (DestinationEntry destination : service.destinations) {
                sum = Model.plus(sum, Model.stats(dataplane.totals(destination.index)));
            }
        }
        for (View.Stats stats : buriedStats().values()) {
            sum = Model.plus(sum, stats);
        }
        return sum;
    }

    /**
     * What the SYN proxy has done: of one service, or of all that have it switched on or had. The views are made one at a
     * time as they are asked for.
     */
    Stream<View.SynProxy> synProxies(Optional<ServiceId> id) throws Refusal {
        if (id.isPresent()) {
            return Stream.of(synProxy(existing(id.get(), NO_SUCH_SERVICE)));
        }
        return List.copyOf(services.values()).stream()
                .filter(each -> each.spec.synProxy() != SynProxyMode.DISABLE
                        || Arrays.stream(dataplane.steps(each.index)).anyMatch(count -> count != 0))
                .map(this::synProxy);
    }

    private View.SynProxy synProxy(ServiceEntry service) {
        long[] counts = dataplane.steps(service.index);
        List<View.ProxyStep> steps = new ArrayList<>();
        for (ProxyCounters.Counter step : ProxyCounters.Counter.values()) {
            steps.add(new View.ProxyStep(step.label(), counts[step.ordinal()], step.help()));
        }
        List<View.ProxyServer> servers = new ArrayList<>();
        for (DestinationEntry each : service.destinations) {
            DataplaneControl.ServerView seen = dataplane.server(each.index);
            servers.add(
                    new View.ProxyServer(each.spec.address(), each.spec.port(), seen.halfOpen(), seen.unanswered()));
        }
        SynProxyMode mode = service.spec.synProxy();
        int level = switch (mode) {
            case ENABLE -> 2;
            case AUTO -> dataplane.proxyOn(service.index) ? 1 : 0;
            case DISABLE -> 0;
        };
        return new View.SynProxy(service.spec.id(), mode.word(), level, steps, servers);
    }

    /** Local addresses of one service or of all, with their use. */
    View.LocalAddresses localAddresses(Optional<ServiceId> id) throws Refusal {
        Iterable<ServiceEntry> chosen = services.values();
        if (id.isPresent()) {
            chosen = List.of(existing(id.get(), NO_SUCH_SERVICE));
        }
        List<View.LocalAddress> views = new ArrayList<>();
        for (ServiceEntry service : chosen) {
            for (Lease lease : service.leases) {
                DataplaneControl.LocalAddressView use = dataplane.localAddress(lease.local().view.index);
                views.add(new View.LocalAddress(
                        service.spec.id(),
                        lease.local().view.address,
                        lease.port(),
                        use.connections(),
                        use.exhausted()));
            }
        }
        return new View.LocalAddresses(views);
    }

    /** Removed servers whose connections go on. */
    int buried() {
        return graveyard.size();
    }

    /** Connections of all servers, removed ones included. */
    long connections() {
        long sum = 0;
        for (ServiceEntry service : services.values()) {
            for (DestinationEntry destination : service.destinations) {
                sum += connections(destination);
            }
        }
        for (DestinationEntry destination : graveyard.values()) {
            sum += connections(destination);
        }
        return sum;
    }

    private long connections(DestinationEntry destination) {
        DataplaneControl.Totals totals = dataplane.totals(destination.index);
        return totals.active() + totals.inactive();
    }

    /**
     * Rules that make an empty director equal to this one, the order of servers included: settings changed at run time,
     * mark rules, then each service with its local addresses and its servers, oldest first, then sync daemons.
     */
    List<Rule.Change> rules() {
        List<Rule.Change> rules = new ArrayList<>();
        changedSettings.forEach((name, value) -> rules.add(new Rule.ChangeSetting(name, value.replace(' ', ','))));
        marks.forEach(mark -> rules.add(new Rule.AddMark(mark)));
        for (ServiceEntry service : services.values()) {
            rules.add(new Rule.AddService(service.spec));
            for (Lease lease : service.leases) {
                rules.add(new Rule.AddLocalAddress(
                        new LocalAddressSpec(service.spec.id(), lease.local().view.address, lease.port())));
            }
            for (DestinationEntry destination : service.destinations.reversed()) {
                rules.add(new Rule.AddDestination(destination.spec));
            }
        }
        rules.addAll(daemons.rules());
        return rules;
    }
}
