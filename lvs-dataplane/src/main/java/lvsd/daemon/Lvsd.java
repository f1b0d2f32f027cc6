package lvsd.daemon;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import lvsd.config.ConfigException;
import lvsd.config.ConfigLoader;
import lvsd.config.DaemonConfig;
import lvsd.linux.SdNotify;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * The daemon's main: command line, signals, and the order of a life. Exit codes: 0 stopped as asked, 1 cannot run, 2 bad
 * command line, 78 bad configuration.
 */
@Command(
        name = "lvsd",
        description = "User-space LVS director. Balances what lvsadm tells it, on the ports of its daemon file.",
        mixinStandardHelpOptions = true,
        versionProvider = Lvsd.Version.class,
        sortOptions = false)
final class Lvsd implements Callable<Integer> {
    private static final Logger LOG = LoggerFactory.getLogger(Lvsd.class);
    /** Longest a stop may take once connections are drained. */
    private static final long STOP_MILLIS = 1900;

    private static final Path RUN_DIRECTORY = Path.of("/run/lvsd");

    private enum Event {
        RELOAD,
        STOP
    }

    @Spec
    @SuppressWarnings("NullAway.Init") // set by Picocli
    private CommandSpec spec;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "daemon file (default: ${DEFAULT-VALUE})",
            defaultValue = "/etc/lvsd/lvsd.yaml")
    private Path file = ConfigLoader.DEFAULT_FILE;

    @Option(names = "--control", paramLabel = "SOCKET", description = "control socket, in place of the file's")
    private @Nullable Path socket;

    @Option(names = "--check", description = "check daemon file and rules file; exit 78 and file:line:column if bad")
    private boolean check;

    @Option(names = "--selftest", description = "check libraries, structure layouts and memory of this machine")
    private boolean selfTest;

    @Option(names = "--restore", description = "begin with the rules file, not with the journal")
    private boolean restore;

    @Option(
            names = "--drain",
            paramLabel = "SECONDS",
            arity = "0..1",
            fallbackValue = "60",
            description = "when told to stop, take no new connections and wait for the others, at most so long"
                    + " (default: 60)")
    private int drainSeconds;

    private final DataplaneFactory factory;
    private final LinkedBlockingQueue<Event> events = new LinkedBlockingQueue<>();

    /** A daemon that balances with what {@code factory} makes. */
    Lvsd(DataplaneFactory factory) {
        this.factory = factory;
    }

    /** Entry point. */
    public static void main(String[] args) {
        System.exit(run(new DpdkDataplaneFactory(), args));
    }

    /** A whole life, up to the exit code. */
    static int run(DataplaneFactory factory, String... args) {
        int code = new CommandLine(new Lvsd(factory)).execute(args);
        Logging.flush();
        return code;
    }

    @Override
    public Integer call() throws InterruptedException {
        PrintWriter err = spec.commandLine().getErr();
        try {
            if (selfTest && !spec.commandLine().getParseResult().hasMatchedOption("--config")) {
                return test(Optional.empty());
            }
            DaemonConfig config = withOptions(ConfigLoader.load(file));
            if (selfTest) {
                return test(Optional.of(config));
            }
            RulesFile.resolve(
                    config.persist().rules(), RulesFile.read(config.persist().rules()), config);
            if (config.synProxyKeys().isPresent()) {
                CookieKeys.read(config.synProxyKeys().get(), 0);
            }
            if (check) {
                spec.commandLine().getOut().println(file + ": ok");
                return 0;
            }
            Logging.level(config.logLevel());
            return run(config);
        } catch (ConfigException e) {
            err.println(e.getMessage());
            return StartException.CONFIGURATION;
        } catch (StartException e) {
            // Errors of files begin with the file's name, as compilers' do.
            err.println(e.exitCode() == StartException.CONFIGURATION ? e.getMessage() : "lvsd: " + e.getMessage());
            return e.exitCode();
        }
    }

    private int test(Optional<DaemonConfig> config) {
        PrintWriter out = spec.commandLine().getOut();
        boolean well = factory.selfTest(config, out);
        out.flush();
        return well ? 0 : StartException.FAILURE;
    }

    private DaemonConfig withOptions(DaemonConfig config) {
        Path given = socket;
        return given == null ? config : config.withSocket(given);
    }

    private int run(DaemonConfig config) throws StartException, InterruptedException {
        Signals.handle("TERM", () -> events.add(Event.STOP));
        Signals.handle("INT", () -> events.add(Event.STOP));
        Signals.handle("HUP", () -> events.add(Event.RELOAD));
        SdNotify manager = SdNotify.fromEnvironment();
        Daemon daemon = new Daemon(file, config, factory, RUN_DIRECTORY);
        daemon.start(restore);
        spec.commandLine().getErr().println("ready");
        manager.ready("balancing");
        while (events.take() == Event.RELOAD) {
            manager.reloading();
            daemon.reload(this::withOptions);
            manager.ready("balancing");
        }
        manager.stopping();
        LOG.atInfo().log("stopping");
        if (drainSeconds > 0) {
            daemon.drain(drainSeconds, () -> !events.contains(Event.STOP));
        }
        daemon.keepConnections();
        haltLater();
        daemon.stop();
        return 0;
    }

    /** A stop that hangs must not keep the machine from what comes next. */
    private static void haltLater() {
        Thread.ofPlatform().daemon().name("lvsd-halt").start(() -> {
            try {
                TimeUnit.MILLISECONDS.sleep(STOP_MILLIS);
            } catch (InterruptedException e) {
                return;
            }
            LOG.atError().addKeyValue("millis", STOP_MILLIS).log("stop took too long, giving up");
            Logging.flush();
            Runtime.getRuntime().halt(1);
        });
    }

    /** Version of the jar. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Lvsd.class.getPackage().getImplementationVersion();
            return new String[] {"lvsd " + (version == null ? "(development build)" : version)};
        }
    }
}
