package lvsd.daemon;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lvsd.config.Settings;
import lvsd.control.View;
import lvsd.control.Views;
import lvsd.dataplane.ConnectionRow;
import lvsd.dataplane.DataplaneControl;
import lvsd.dataplane.DropReason;
import lvsd.rules.Rule;
import lvsd.rules.RuleFormatter;
import lvsd.rules.RuleParser;
import lvsd.rules.RuleSyntaxException;
import lvsd.rules.ServiceId;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Follows rules: reads a line, asks the director, journals, answers as ipvsadm would. Control thread only. */
final class Requests implements RequestHandler {
    private static final Logger LOG = LoggerFactory.getLogger(Requests.class);
    private static final RuleParser PARSER = RuleParser.numeric();
    /** Steps of a walk over connections that make a page. */
    private static final int STEPS = 4;
    /** Services of the SYN proxy that make a page. */
    private static final int PROXIES = 100;

    private final Director director;
    private final DataplaneControl dataplane;
    private final @Nullable Journal journal;
    /** Accepted since the last commit. */
    private final List<String> batch = new ArrayList<>();

    private boolean closing;

    /**
     * Rules for {@code director}.
     *
     * @param journal where they are kept, or null with {@code persist: none}
     */
    Requests(Director director, DataplaneControl dataplane, @Nullable Journal journal) {
        this.director = director;
        this.dataplane = dataplane;
        this.journal = journal;
    }

    /** From now on changes are refused: the daemon ends. */
    void closing() {
        closing = true;
    }

    @Override
    public Answer execute(String line) {
        try {
            Optional<Rule> rule = PARSER.parseLine(line);
            if (rule.isEmpty()) {
                return new Answer(new Spool().frame(false, 0, "", ""), false);
            }
            return switch (rule.get()) {
                case Rule.Change change -> {
                    follow(change);
                    yield new Answer(new Spool().frame(false, 0, "", note(change)), true);
                }
                case Rule.Query query -> answer(query);
                case Rule.Local local -> throw new Refusal(2, "the daemon does not know this command");
            };
        } catch (RuleSyntaxException e) {
            return new Answer(new Spool().frame(false, e.exitCode(), "", e.text()), false);
        } catch (Refusal e) {
            return new Answer(new Spool().frame(false, e.exitCode(), "", e.text() + "\n"), false);
        } catch (RuntimeException e) {
            LOG.atError().addKeyValue("request", withoutKey(line)).setCause(e).log("internal error");
            return new Answer(
                    new Spool().frame(false, Refusal.KERNEL, "", "internal error, see the daemon's log: " + e + "\n"),
                    false);
        }
    }

    /** A line as it may be logged. */
    static String withoutKey(String line) {
        return line.replaceAll("--icv-key[=\\s].*", "--icv-key ***");
    }

    // Changes -------------------------------------------------------------------------------------------------------

    /** Follows one change; it counts only after {@link #commit}. */
    void follow(Rule.Change change) throws Refusal {
        if (closing) {
            throw new Refusal("the daemon is stopping");
        }
        apply(director, change);
        if (!(change instanceof Rule.Zero) && !(change instanceof Rule.ChangeRole)) {
            String line =
                    RuleFormatter.line(change instanceof Rule.StartDaemon daemon ? director.kept(daemon) : change);
            batch.add(line);
            LOG.atDebug().addKeyValue("rule", line).log("rule");
        }
    }

    /** Asks {@code director} for one change. */
    static void apply(Director director, Rule.Change change) throws Refusal {
        switch (change) {
            case Rule.AddService(var service) -> director.addService(service);
            case Rule.EditService(var service) -> director.editService(service);
            case Rule.DeleteService(ServiceId service) -> director.deleteService(service);
            case Rule.AddDestination(var destination) -> director.addDestination(destination);
            case Rule.EditDestination(var destination) -> director.editDestination(destination);
            case Rule.DeleteDestination(var service, var address, var port) ->
                director.deleteDestination(service, address, port);
            case Rule.AddLocalAddress(var localAddress) -> director.addLocalAddress(localAddress);
            case Rule.DeleteLocalAddress(var localAddress) -> director.deleteLocalAddress(localAddress);
            case Rule.AddMark(var mark) -> director.addMark(mark);
            case Rule.DeleteMark(var mark) -> director.deleteMark(mark);
            case Rule.ChangeRole(var role) -> director.changeRole(role);
            case Rule.Clear() -> director.clear();
            case Rule.Zero(var service) -> director.zero(service);
            case Rule.SetTimeouts(int tcp, int tcpFin, int udp) -> director.setTimeouts(tcp, tcpFin, udp);
            case Rule.ChangeSetting(String name, String value) -> changeSetting(director, name, value);
            case Rule.StartDaemon daemon -> director.startDaemon(daemon);
            case Rule.StopDaemon daemon -> director.stopDaemon(daemon.role());
        }
    }

    private static void changeSetting(Director director, String name, String value) throws Refusal {
        Map<String, String> all = new LinkedHashMap<>(director.settings());
        Optional<String> wrong = Settings.check(name, value, all);
        if (wrong.isEmpty()) {
            all.put(name, Settings.normal(name, value, all));
            wrong = Settings.checkTogether(all);
        }
        if (wrong.isPresent()) {
            throw new Refusal(2, wrong.get());
        }
        director.changeSetting(name, all.getOrDefault(name, value));
    }

    /** What is to be told of a change that is done: a setting that steers nothing, or not at once. */
    private static String note(Rule.Change change) {
        if (change instanceof Rule.ChangeSetting(String name, String value)) {
            Settings.Setting setting = Settings.find(name).orElseThrow();
            return switch (setting.effect()) {
                case LIVE -> "";
                case START -> "note: " + name + " takes effect when a sync daemon is started\n";
                case NOTHING -> "note: " + name + " is kept, but has no effect here\n";
            };
        }
        return "";
    }

    @Override
    public Optional<String> commit() {
        if (batch.isEmpty() && !director.pending()) {
            return Optional.empty();
        }
        List<String> rules = List.copyOf(batch);
        batch.clear();
        Journal file = journal;
        if (file != null && !rules.isEmpty()) {
            try {
                file.append(rules);
            } catch (IOException e) {
                director.rollback();
                LOG.atError().addKeyValue("cause", e.toString()).log("journal not written, change taken back");
                return Optional.of("nothing changed: cannot write the journal: " + e.getMessage());
            }
        }
        director.publish();
        return Optional.empty();
    }

    /** Shortens the journal when that is worth while. Between commits only. */
    void compactIfWorthWhile() {
        Journal file = journal;
        if (file != null && file.wantsCompaction() && !director.pending() && !closing) {
            compact();
        }
    }

    /** Replaces the journal by the present state. Between commits only. */
    void compact() {
        Journal file = journal;
        if (file == null) {
            return;
        }
        try {
            file.compact(lines(director));
        } catch (IOException e) {
            LOG.atError().addKeyValue("cause", e.toString()).log("journal not compacted");
        }
    }

    /** The rules that make up {@code director}, as lines. */
    static List<String> lines(Director director) {
        return director.rules().stream().map(RuleFormatter::line).toList();
    }

    // Queries -------------------------------------------------------------------------------------------------------

    private Answer answer(Rule.Query query) throws Refusal {
        Pages pages = pages(query);
        Spool first = new Spool();
        boolean more = pages.next(first);
        return new Answer(first, false, more ? pages : null);
    }

    private Pages pages(Rule.Query query) throws Refusal {
        return switch (query) {
            case Rule.ListServices list -> services(list.service());
            case Rule.Save save -> services(Optional.empty());
            case Rule.ListConnections list -> connections();
            case Rule.ListTimeouts() -> {
                Director.Timeouts now = director.timeouts();
                yield page(new View.Timeouts(now.established(), now.finWait(), now.udp()));
            }
            case Rule.ListDaemons _ -> page(director.daemons());
            case Rule.GetLocalAddresses get -> page(director.localAddresses(get.service()));
            case Rule.ListMarks() -> page(director.marks());
            case Rule.SynProxies list -> synProxies(list.service());
            case Rule.ShowRole() -> page(new View.Role(director.role()));
            case Rule.Drops() -> page(drops());
            case Rule.Ports() -> page(ports());
            case Rule.Workers() -> page(workers());
            case Rule.ShowSettings show -> page(settings(show.name()));
        };
    }

    private static Pages page(View view) {
        return to -> {
            to.frame(false, 0, Views.write(view), "");
            return false;
        };
    }

    private Pages services(Optional<ServiceId> service) throws Refusal {
        ServicePages listing = director.listing(service);
        return to -> {
            View.Services page = listing.next();
            to.frame(listing.more(), 0, Views.write(page), "");
            return listing.more();
        };
    }

    private Pages synProxies(Optional<ServiceId> service) throws Refusal {
        Iterator<View.SynProxy> proxies = director.synProxies(service).iterator();
        return to -> {
            List<View.SynProxy> page = new ArrayList<>();
            while (page.size() < PROXIES && proxies.hasNext()) {
                page.add(proxies.next());
            }
            to.frame(proxies.hasNext(), 0, Views.write(new View.SynProxies(page)), "");
            return proxies.hasNext();
        };
    }

    private Pages connections() {
        DataplaneControl.Walk walk = dataplane.connections();
        return to -> {
            List<View.Connection> page = new ArrayList<>();
            boolean more = true;
            for (int step = 0; step < STEPS && more; step++) {
                more = walk.next(row -> page.add(connection(row)));
            }
            if (!page.isEmpty() || !more) {
                to.frame(more, 0, Views.write(new View.Connections(page)), "");
            }
            return more;
        };
    }

    private static View.Connection connection(ConnectionRow row) {
        return new View.Connection(
                row.protocol(),
                row.client(),
                row.clientPort(),
                row.virtual(),
                row.virtualPort(),
                row.local(),
                row.localPort(),
                row.server(),
                row.serverPort(),
                row.method(),
                row.state(),
                row.expiresMillis(),
                row.packets(),
                row.worker(),
                row.engine(),
                row.engineData());
    }

    private View.Drops drops() {
        long[] counts = dataplane.drops();
        List<View.Drop> drops = new ArrayList<>();
        for (DropReason reason : DropReason.values()) {
            drops.add(new View.Drop(reason.label(), counts[reason.ordinal()], reason.help(), reason.remedy()));
        }
        return new View.Drops(drops);
    }

    private View.Ports ports() {
        List<View.Port> ports = new ArrayList<>();
        for (DataplaneControl.PortView port : dataplane.ports()) {
            ports.add(new View.Port(
                    port.name(),
                    port.device(),
                    port.mac(),
                    port.mtu(),
                    port.linkUp(),
                    port.inPackets(),
                    port.outPackets(),
                    port.inBytes(),
                    port.outBytes(),
                    port.inMissed(),
                    port.errors()));
        }
        return new View.Ports(ports);
    }

    private View.Workers workers() {
        List<View.Worker> workers = new ArrayList<>();
        for (DataplaneControl.WorkerView worker : dataplane.workers()) {
            workers.add(new View.Worker(
                    worker.index(),
                    worker.core(),
                    worker.cycles(),
                    worker.idleCycles(),
                    worker.packets(),
                    worker.longestCycle(),
                    worker.tables().stream().map(Requests::table).toList(),
                    worker.handoffsIn(),
                    worker.handoffsOut(),
                    worker.ended()));
        }
        return new View.Workers(workers);
    }

    private static View.Table table(DataplaneControl.TableView table) {
        return new View.Table(
                table.family(),
                table.connections(),
                table.highWater(),
                table.capacity(),
                table.longestProbe(),
                table.bytes());
    }

    private View.Settings settings(Optional<String> name) throws Refusal {
        Map<String, String> all = director.settings();
        List<View.Setting> settings = new ArrayList<>();
        Optional<String> unknown = name.flatMap(Settings::checkName);
        if (unknown.isPresent()) {
            throw new Refusal(1, unknown.get());
        }
        for (Settings.Setting setting : Settings.ALL) {
            if (name.isEmpty() || name.get().equals(setting.name())) {
                settings.add(new View.Setting(
                        setting.name(),
                        all.getOrDefault(setting.name(), setting.fallback()),
                        setting.fallback(),
                        setting.range(),
                        setting.effect().label()));
            }
        }
        return new View.Settings(settings);
    }
}
