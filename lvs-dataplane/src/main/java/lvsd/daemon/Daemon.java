package lvsd.daemon;

import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;
import lvsd.config.ConfigException;
import lvsd.config.ConfigLoader;
import lvsd.config.DaemonConfig;
import lvsd.config.Settings;
import lvsd.dataplane.DataplaneControl;
import lvsd.rules.Rule;
import lvsd.rules.RuleFormatter;
import lvsd.rules.RuleParser;
import lvsd.rules.RuleSyntaxException;
import lvsd.sync.Snapshot;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One running director, from its locks to its last reply. The thread that calls {@link #start}, {@link #reload} and
 * {@link #stop} is the process's main thread, one call at a time; everything in between happens on the control thread,
 * which {@link #start} makes before anything can be pinned.
 */
final class Daemon {
    private static final Logger LOG = LoggerFactory.getLogger(Daemon.class);
    private static final RuleParser PARSER = RuleParser.numeric();
    private static final long DRAIN_POLL_MILLIS = 100;

    /** What is running. */
    private record Parts(
            DataplaneFactory.Running dataplane,
            Director director,
            @Nullable Journal journal,
            Requests requests,
            CookieKeys cookieKeys) {}

    private final Path file;
    private final DataplaneFactory factory;
    private final Path lockDirectory;
    private final long startMillis = System.currentTimeMillis();
    private final MultiThreadIoEventLoopGroup group =
            new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory("lvsd-control"), NioIoHandler.newFactory());
    private final EventLoop loop = group.next();
    private final List<AutoCloseable> opened = new ArrayList<>();

    private DaemonConfig config;
    private @Nullable Parts parts;
    private @Nullable ControlServer control;
    private @Nullable MetricsServer metrics;
    private @Nullable SyncRunner syncing;
    /** Rules about sync daemons, until the ports are there. */
    private final List<Rule.Change> syncLater = new ArrayList<>();
    /** What the rules file said when it was last applied. */
    private List<String> base = List.of();

    /**
     * A daemon that is not yet started.
     *
     * @param file the daemon file, read again by {@link #reload}
     * @param config what it says, the command line's changes included
     * @param lockDirectory where locks of ports lie
     */
    Daemon(Path file, DaemonConfig config, DataplaneFactory factory, Path lockDirectory) {
        this.file = file;
        this.config = config;
        this.factory = factory;
        this.lockDirectory = lockDirectory;
    }

    // Start ---------------------------------------------------------------------------------------------------------

    /**
     * Locks, makes the packet path, loads rules, opens ports, then the control socket and the metrics server. When it
     * returns the director balances; when it throws nothing is left.
     *
     * @param restore take the rules file even though there is a journal
     */
    void start(boolean restore) throws StartException {
        try {
            begin(restore);
        } catch (StartException e) {
            closeAll();
            throw e;
        } catch (IOException | RuntimeException e) {
            closeAll();
            throw new StartException("cannot start: " + e.getMessage(), e);
        }
    }

    private void begin(boolean restore) throws StartException, IOException {
        // The control thread must exist before EAL pins a thread: a new thread inherits its maker's affinity.
        onLoop(() -> true);
        InstanceLock lock = InstanceLock.acquire(config, lockDirectory);
        opened.add(lock);
        DataplaneFactory.Running dataplane = create();
        opened.add(dataplane);
        Map<String, String> settings = settings(config);
        Logging.debug(Integer.parseInt(settings.getOrDefault("debug_level", "0")));
        Director director = new Director(dataplane, settings, RulesFile.interfaces(config), config.role());
        director.baseMarks(config.marks());
        syncing = director.sync();
        Journal journal = onLoop(() -> load(director, restore));
        if (journal != null) {
            opened.add(journal);
        }
        Requests requests = new Requests(director, dataplane, journal);
        restoreConnections(dataplane);
        CookieKeys cookieKeys = new CookieKeys(dataplane);
        cookieKeys.use(config.synProxyKeys());
        dataplane.open();
        onLoop(() -> {
            startSync(director);
            return true;
        });
        parts = new Parts(dataplane, director, journal, requests, cookieKeys);
        control = ControlServer.open(
                loop, requests, config.control().socket(), config.control().group());
        openMetrics(config);
        var _ = loop.scheduleAtFixedRate(guarded(this::housekeeping), 1, 1, TimeUnit.SECONDS);
        var _ = loop.scheduleAtFixedRate(
                guarded(director::estimate), Estimator.PERIOD_SECONDS, Estimator.PERIOD_SECONDS, TimeUnit.SECONDS);
        LOG.atInfo()
                .addKeyValue("socket", config.control().socket())
                .addKeyValue("ports", config.ports().size())
                .addKeyValue("workers", config.workers().count())
                .addKeyValue("services", onLoop(director::serviceCount))
                .addKeyValue("millis", System.currentTimeMillis() - startMillis)
                .log("started");
    }

    /** Takes in the connections that were there when the daemon ended, before the first packet comes. */
    private void restoreConnections(DataplaneFactory.Running dataplane) {
        Optional<Path> snapshot = snapshot();
        if (snapshot.isEmpty()) {
            return;
        }
        long[] refused = new long[1];
        long most = TimeUnit.SECONDS.toMillis(config.persist().connectionSeconds());
        try {
            long count = Snapshot.read(
                    snapshot.get(),
                    System.currentTimeMillis(),
                    most,
                    connection -> refused[0] += dataplane.restore(connection) ? 0 : 1);
            if (count >= 0) {
                LOG.atInfo()
                        .addKeyValue("connections", count - refused[0])
                        .addKeyValue("refused", refused[0])
                        .log("connections of the last run taken in");
            }
        } catch (IOException e) {
            LOG.atWarn()
                    .addKeyValue("file", snapshot.get())
                    .addKeyValue("cause", e.getMessage())
                    .log("connections of the last run left out");
        }
    }

    /** Where connections are kept between two runs; empty where they are not. */
    private Optional<Path> snapshot() {
        return config.persist().connectionSeconds() == 0
                ? Optional.empty()
                : config.persist().directory().map(directory -> directory.resolve("connections"));
    }

    /** Settings with the defaults of those that the file does not name. */
    static Map<String, String> settings(DaemonConfig config) {
        Map<String, String> all = new LinkedHashMap<>(Settings.defaults());
        all.putAll(config.settings());
        return all;
    }

    /** EAL pins the thread that initialises it, so that is one which does nothing else. */
    private DataplaneFactory.Running create() throws StartException {
        FutureTask<DataplaneFactory.Running> task = new FutureTask<>(() -> factory.create(config));
        Thread.ofPlatform().name("lvsd-eal").start(task);
        try {
            return task.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof StartException cause) {
                throw cause;
            }
            throw new StartException("cannot start the packet path: " + e.getCause(), e);
        } catch (InterruptedException e) {
            throw new StartException("interrupted", e);
        }
    }

    /** Fills the director from the journal or the rules file; control thread. */
    private @Nullable Journal load(Director director, boolean restore) throws StartException, IOException {
        List<String> lines = RulesFile.read(config.persist().rules());
        Optional<Path> directory = config.persist().directory();
        boolean replay = directory.isPresent() && Journal.exists(directory.get()) && !restore;
        if (replay) {
            replay(director, directory.get());
            List<String> kept = Journal.base(directory.get());
            base = kept == null ? lines : kept;
            if (!base.equals(lines)) {
                LOG.atWarn()
                        .addKeyValue("file", config.persist().rules())
                        .log("rules file changed while the daemon was down, the journal wins; SIGHUP applies the"
                                + " change, --restore begins again from the file");
            }
        } else {
            for (Rule.Change rule : RulesFile.resolve(config.persist().rules(), lines, config)) {
                followAtStart(director, rule, RuleFormatter.line(rule));
            }
            base = lines;
        }
        director.publish();
        if (directory.isEmpty()) {
            return null;
        }
        List<String> present = new ArrayList<>(Requests.lines(director));
        syncLater.forEach(change -> present.add(RuleFormatter.line(change)));
        Journal journal = Journal.create(directory.get(), present);
        Journal.keepBase(directory.get(), base);
        return journal;
    }

    private void replay(Director director, Path directory) throws IOException {
        Journal.Content content = Journal.read(directory);
        if (content.torn() > 0) {
            LOG.atWarn()
                    .addKeyValue("bytes", content.torn())
                    .log("journal ends in changes that were never acknowledged, left out");
        }
        for (String line : content.rules()) {
            try {
                if (PARSER.parseLine(line).orElse(null) instanceof Rule.Change change) {
                    followAtStart(director, change, line);
                }
            } catch (RuleSyntaxException e) {
                LOG.atError()
                        .addKeyValue("rule", line)
                        .addKeyValue("cause", e.text().strip())
                        .log("journalled rule left out");
            }
        }
    }

    /** Sync daemons may sit on the twins of our ports, which are there from now on. */
    private void startSync(Director director) {
        syncLater.forEach(change -> tryToFollow(director, change, RuleFormatter.line(change)));
        syncLater.clear();
        for (Rule.StartDaemon daemon : config.sync()) {
            try {
                director.startDaemonOfFile(daemon);
            } catch (Refusal e) {
                LOG.atError()
                        .addKeyValue("role", daemon.role().label())
                        .addKeyValue("cause", e.text())
                        .log("sync daemon of the daemon file left out");
            }
        }
        director.publish();
        director.sync().open();
    }

    /** Follows a rule; one about sync daemons when the ports are there. */
    private void followAtStart(Director director, Rule.Change change, String line) {
        if (change instanceof Rule.StartDaemon || change instanceof Rule.StopDaemon) {
            syncLater.add(change);
        } else {
            tryToFollow(director, change, line);
        }
    }

    private static void tryToFollow(Director director, Rule.Change change, String line) {
        try {
            Requests.apply(director, change);
        } catch (Refusal e) {
            LOG.atError()
                    .addKeyValue("rule", line)
                    .addKeyValue("cause", e.text())
                    .log("journalled rule left out");
        }
    }

    private void openMetrics(DaemonConfig wanted) throws StartException {
        if (wanted.metricsListen().isPresent()) {
            Parts running = running();
            metrics = MetricsServer.open(
                    loop,
                    new MetricsText(running.director, running.dataplane, startMillis),
                    wanted.metricsListen().get());
        }
    }

    private void housekeeping() {
        Parts running = running();
        running.director.reclaim();
        running.director.watchProxies();
        running.director.watchDefences();
        running.cookieKeys.tick(running.director.secretLifetime());
        running.requests.compactIfWorthWhile();
    }

    /** A periodic task that throws once would never run again. */
    private static Runnable guarded(Runnable task) {
        return () -> {
            try {
                task.run();
            } catch (RuntimeException e) {
                LOG.atError().setCause(e).log("internal error");
            }
        };
    }

    private Parts running() {
        Parts running = parts;
        if (running == null) {
            throw new IllegalStateException("not started");
        }
        return running;
    }

    // Reload --------------------------------------------------------------------------------------------------------

    /** Reads daemon file and rules file again and applies what differs; a bad file changes nothing. */
    void reload(UnaryOperator<DaemonConfig> commandLine) {
        try {
            DaemonConfig now = commandLine.apply(ConfigLoader.load(file));
            List<String> lines = RulesFile.read(now.persist().rules());
            List<Rule.Change> before = RulesFile.resolve(now.persist().rules(), base, config);
            List<Rule.Change> after = RulesFile.resolve(now.persist().rules(), lines, config);
            if (onLoop(() -> apply(now, RulesFile.difference(before, after), lines))) {
                reopenMetrics(now);
                config = now;
            }
        } catch (ConfigException | StartException e) {
            LOG.atError().addKeyValue("cause", e.getMessage()).log("reload refused, nothing changed");
        } catch (IOException | RuntimeException e) {
            LOG.atError().setCause(e).log("reload failed");
        }
    }

    /** Control thread; whether the changes could be kept. */
    private boolean apply(DaemonConfig now, List<Rule.Change> changes, List<String> lines) throws IOException {
        Parts running = running();
        List<String> fixed = new ArrayList<>(unchangeable(config, now));
        fixed.addAll(running.dataplane.reconfigure(now));
        for (String name : fixed) {
            LOG.atWarn().addKeyValue("part", name).log("changed in the daemon file, takes effect at the next start");
        }
        try {
            running.cookieKeys.use(now.synProxyKeys());
        } catch (StartException e) {
            LOG.atError().addKeyValue("cause", e.getMessage()).log("secrets of SYN cookies not taken over");
        }
        running.director.interfaces(RulesFile.interfaces(now));
        Logging.level(now.logLevel());
        Map<String, String> old = settings(config);
        settings(now).forEach((name, value) -> {
            if (!value.equals(old.get(name))) {
                running.director.baseSetting(name, value);
            }
        });
        if (!now.marks().equals(config.marks())) {
            running.director.baseMarks(now.marks());
        }
        int refused = 0;
        for (Rule.Change change : changes) {
            refused += follow(running, change) ? 0 : 1;
        }
        Optional<String> failure = running.requests.commit();
        if (failure.isPresent()) {
            LOG.atError().addKeyValue("cause", failure.get()).log("reload failed");
            return false;
        }
        base = lines;
        if (running.journal != null) {
            running.requests.compact();
            Journal.keepBase(config.persist().directory().orElseThrow(), base);
        }
        LOG.atInfo()
                .addKeyValue("changes", changes.size() - refused)
                .addKeyValue("refused", refused)
                .log("reloaded");
        return true;
    }

    /** Follows a change of the rules file, whatever an operator may have done to the same thing meanwhile. */
    private static boolean follow(Parts running, Rule.Change change) {
        Rule.Change otherwise = switch (change) {
            case Rule.AddService(var spec) -> new Rule.EditService(spec);
            case Rule.EditService(var spec) -> new Rule.AddService(spec);
            case Rule.AddDestination(var spec) -> new Rule.EditDestination(spec);
            case Rule.EditDestination(var spec) -> new Rule.AddDestination(spec);
            default -> change;
        };
        try {
            running.requests.follow(change);
            return true;
        } catch (Refusal first) {
            try {
                running.requests.follow(otherwise);
                return true;
            } catch (Refusal e) {
                LOG.atWarn()
                        .addKeyValue("rule", RuleFormatter.line(change))
                        .addKeyValue("cause", e.text())
                        .log("rule of the rules file not applied");
                return false;
            }
        }
    }

    /** Parts of the daemon file that only a start reads, where they differ. */
    static List<String> unchangeable(DaemonConfig old, DaemonConfig now) {
        List<String> names = new ArrayList<>();
        note(names, "control.socket", old.control().socket(), now.control().socket());
        note(names, "control.group", old.control().group(), now.control().group());
        note(names, "persist", old.persist(), now.persist());
        note(names, "sync", old.sync(), now.sync());
        note(names, "role", old.role(), now.role());
        return names;
    }

    private static void note(List<String> names, String name, Object old, Object now) {
        if (!old.equals(now)) {
            names.add(name);
        }
    }

    private void reopenMetrics(DaemonConfig now) {
        if (now.metricsListen().equals(config.metricsListen())) {
            return;
        }
        MetricsServer old = metrics;
        metrics = null;
        if (old != null) {
            old.close();
        }
        try {
            openMetrics(now);
        } catch (StartException e) {
            LOG.atError().addKeyValue("cause", e.getMessage()).log("no metrics");
        }
    }

    // Stop ----------------------------------------------------------------------------------------------------------

    /**
     * Takes no new connections and waits until there are none, at most so long; changes are refused from now on.
     *
     * @param goOn asked now and then; false ends the wait
     */
    void drain(long seconds, BooleanSupplier goOn) throws InterruptedException {
        Parts running = running();
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        onLoopUnchecked(() -> {
            running.requests.closing();
            running.director.quiesce();
            return true;
        });
        long left = 0;
        while (goOn.getAsBoolean() && System.nanoTime() < end) {
            left = onLoopUnchecked(running.director::connections);
            if (left == 0) {
                break;
            }
            Thread.sleep(DRAIN_POLL_MILLIS);
        }
        LOG.atInfo().addKeyValue("connections", left).log("drained");
    }

    /**
     * Writes the connections down for the next start, while packets flow; what changes from here on is added by
     * {@link #stop}. Sync daemons end before.
     */
    void keepConnections() {
        Optional<Path> file = snapshot();
        Optional<DataplaneControl.SyncAccess> access =
                file.isEmpty() ? Optional.empty() : running().dataplane.sync();
        if (access.isEmpty()) {
            return;
        }
        endSync();
        try {
            Snapshot.Writer writer =
                    new Snapshot.Writer(file.get(), access.get().source(), System.currentTimeMillis());
            // Behind the packet path, before the lock.
            opened.add(
                    1,
                    () -> LOG.atInfo()
                            .addKeyValue("connections", writer.finish())
                            .log("connections kept for the next start"));
        } catch (IOException e) {
            LOG.atError()
                    .addKeyValue("file", file.get())
                    .addKeyValue("cause", e.getMessage())
                    .log("connections are not kept");
        }
    }

    /** Ends the sync daemons, on the control thread. */
    private void endSync() {
        SyncRunner runner = syncing;
        syncing = null;
        if (runner != null) {
            close(() -> onLoop(() -> {
                runner.close();
                return true;
            }));
        }
    }

    /** Closes everything, in the opposite order of the start. */
    void stop() {
        closeAll();
        LOG.atInfo().log("stopped");
    }

    private void closeAll() {
        ControlServer listener = control;
        if (listener != null) {
            close(listener);
        }
        MetricsServer exporter = metrics;
        if (exporter != null) {
            close(exporter);
        }
        endSync();
        // What is left may be in use by a task of the control thread until that has ended.
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
        opened.reversed().forEach(Daemon::close);
        opened.clear();
        control = null;
        metrics = null;
        parts = null;
    }

    private static void close(AutoCloseable part) {
        try {
            part.close();
        } catch (Exception e) {
            LOG.atError().setCause(e).log("error while stopping");
        }
    }

    // The control thread --------------------------------------------------------------------------------------------

    private <T extends @Nullable Object> T onLoop(Callable<T> task) throws StartException, IOException {
        try {
            return loop.submit(task).get();
        } catch (ExecutionException e) {
            switch (Objects.requireNonNull(e.getCause())) {
                case StartException cause -> throw cause;
                case IOException cause -> throw cause;
                default -> throw new IllegalStateException(e);
            }
        } catch (InterruptedException e) {
            throw new StartException("interrupted", e);
        }
    }

    private <T> T onLoopUnchecked(Callable<T> task) {
        try {
            return onLoop(task);
        } catch (StartException | IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
