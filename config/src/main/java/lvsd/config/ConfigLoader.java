package lvsd.config;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import lvsd.config.DaemonConfig.Connections;
import lvsd.config.DaemonConfig.Control;
import lvsd.config.DaemonConfig.Eal;
import lvsd.config.DaemonConfig.Persist;
import lvsd.config.DaemonConfig.Punt;
import lvsd.config.DaemonConfig.Workers;
import lvsd.config.Section.Problems;
import lvsd.rules.DirectorRole;
import lvsd.rules.Rule;
import lvsd.rules.RuleParser;
import lvsd.rules.RuleSyntaxException;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.ScalarNode;

/**
 * Reads the daemon file (YAML 1.2). All errors of a file are found in one run, each with line and column; a file with any
 * error yields no configuration. Reference of the format: docs/config.md.
 */
public final class ConfigLoader {
    /** Where the daemon file is unless told otherwise. */
    public static final Path DEFAULT_FILE = Path.of("/etc/lvsd/lvsd.yaml");

    /** Longest file in bytes. */
    public static final int MAX_SIZE = 1 << 20;

    /** What DPDK keeps per mbuf beside the data room: struct, headroom and pool header, rounded up. */
    private static final int MBUF_OVERHEAD = 128 + 128 + 64;

    private static final List<String> LOG_LEVELS = List.of("error", "warn", "info", "debug", "trace");
    private static final Pattern LISTEN = Pattern.compile("(\\[[0-9a-fA-F:.]+]|[0-9.]+|localhost|\\*):([0-9]{1,5})");

    private final Problems problems;
    private final Section top;

    private ConfigLoader(Problems problems, Section top) {
        this.problems = problems;
        this.top = top;
    }

    /**
     * Reads a file.
     *
     * @throws ConfigException where it cannot be read or is wrong
     */
    public static DaemonConfig load(Path file) throws ConfigException {
        String name = file.toString();
        try {
            if (Files.size(file) > MAX_SIZE) {
                throw single(name, "longer than " + MAX_SIZE + " bytes");
            }
            return parse(name, Files.readString(file, StandardCharsets.UTF_8));
        } catch (NoSuchFileException e) {
            throw single(name, "no such file; say --config FILE, or start from config/etc/lvsd.yaml");
        } catch (CharacterCodingException e) {
            throw single(name, "not UTF-8");
        } catch (IOException e) {
            throw single(name, "cannot be read: " + e.getMessage());
        }
    }

    private static ConfigException single(String file, String message) {
        return new ConfigException(List.of(new ConfigError(file, 1, 1, message)));
    }

    /**
     * Reads text.
     *
     * @param file name for messages
     * @throws ConfigException where it is wrong
     */
    public static DaemonConfig parse(String file, String text) throws ConfigException {
        Problems problems = new Problems(file);
        Optional<Node> root = compose(problems, file, text);
        ConfigLoader loader = new ConfigLoader(problems, new Section(problems, "", root));
        DaemonConfig config = loader.read();
        if (!problems.errors().isEmpty()) {
            List<ConfigError> errors = new ArrayList<>(problems.errors());
            errors.sort(Comparator.comparingInt(ConfigError::line).thenComparingInt(ConfigError::column));
            throw new ConfigException(errors);
        }
        return config;
    }

    private static Optional<Node> compose(Problems problems, String file, String text) throws ConfigException {
        LoadSettings settings = LoadSettings.builder()
                .setLabel(file)
                .setCodePointLimit(MAX_SIZE)
                .setMaxAliasesForCollections(16)
                .setAllowRecursiveKeys(false)
                .build();
        try {
            return new Compose(settings).composeString(text);
        } catch (MarkedYamlEngineException e) {
            problems.add(e.getProblemMark(), "not YAML: " + e.getProblem());
        } catch (YamlEngineException e) {
            problems.add(Optional.empty(), "not YAML: " + e.getMessage());
        } catch (IndexOutOfBoundsException e) {
            // The library's reader, at a lone surrogate on the edge of its buffer.
            problems.add(Optional.empty(), "not YAML: has characters that are none");
        }
        throw new ConfigException(problems.errors());
    }

    /** What a sync daemon may be told, and the option that says it. */
    private static final Map<String, String> SYNC_OPTIONS = syncOptions();

    private static Map<String, String> syncOptions() {
        Map<String, String> options = new LinkedHashMap<>();
        options.put("interface", "--mcast-interface");
        options.put("syncid", "--syncid");
        options.put("max-length", "--sync-maxlen");
        options.put("group", "--mcast-group");
        options.put("port", "--mcast-port");
        options.put("ttl", "--mcast-ttl");
        options.put("key-file", "--icv-key-file");
        options.put("algorithm", "--icv-algorithm");
        return options;
    }

    private DaemonConfig read() {
        Eal eal = eal(top.section("eal"));
        Network network = new Network(problems, top, eal.mbufSize());
        List<DaemonConfig.Port> ports = network.ports();
        DaemonConfig config = new DaemonConfig(
                eal,
                ports,
                network.routes(),
                workers(),
                connections(top.section("connections")),
                control(top.section("control")),
                persist(),
                punt(top.section("punt")),
                metrics(),
                top.word("log-level", "info", LOG_LEVELS),
                DirectorRole.of(top.word("role", "active", List.of("active", "standby")))
                        .orElse(DirectorRole.ACTIVE),
                network.marks(),
                synProxyKeys(top.section("synproxy")),
                sync(),
                settings());
        top.finish();
        return config;
    }

    private Eal eal(Section in) {
        Eal eal = new Eal(
                in.flag("hugepages", true),
                in.integer("memory", 512, 32, 1 << 20),
                in.text("file-prefix", "lvsd"),
                in.text("plugin-path"),
                in.text("library").map(Path::of),
                in.integer("mbufs", 65536, 1024, 1 << 24),
                in.integer("mbuf-size", 2048, 256, 16384),
                in.texts("arguments"));
        if (!eal.filePrefix().matches("[A-Za-z0-9_.-]{1,64}")) {
            in.error("file-prefix", "'eal.file-prefix' may have letters, digits, '_', '.' and '-' only");
        }
        long needed = ((long) eal.mbufs() * (eal.mbufSize() + MBUF_OVERHEAD)) >> 20;
        if (needed > eal.memoryMegabytes() * 9L / 10) {
            in.error(
                    "mbufs",
                    eal.mbufs() + " mbufs of " + eal.mbufSize() + " bytes need about " + needed
                            + " MB: raise 'eal.memory' (" + eal.memoryMegabytes() + ") above " + (needed * 10 / 9 + 1)
                            + " or lower 'eal.mbufs'");
        }
        for (String argument : eal.arguments()) {
            checkArgument(in, argument);
        }
        in.finish();
        return eal;
    }

    /** Arguments that the daemon gives itself must not come twice. */
    private static void checkArgument(Section in, String argument) {
        for (String own : List.of("--file-prefix", "--no-huge", "-m", "-d", "--lcores", "-l", "-c")) {
            boolean same = own.startsWith("--")
                    ? argument.equals(own) || argument.startsWith(own + "=")
                    : argument.startsWith(own);
            if (same) {
                in.error(
                        "arguments",
                        "EAL argument '" + argument + "' has a place of its own in 'eal' or 'workers'; use that");
            }
        }
    }

    private Workers workers() {
        Optional<Node> node = top.node("workers");
        if (node.isPresent() && node.get() instanceof ScalarNode) {
            return new Workers(top.integer("workers", 1, 1, 64), List.of());
        }
        Section in = top.section("workers");
        int count = in.integer("count", Math.max(1, in.list("cores").size()), 1, 64);
        List<Integer> cores = new ArrayList<>();
        List<String> texts = in.texts("cores");
        for (String text : texts) {
            Optional<Integer> core = Section.number(text).filter(value -> value >= 0 && value < 1024);
            if (core.isEmpty()) {
                in.error("cores", "'workers.cores': '" + text + "' is no CPU number from 0 to 1023");
            } else if (cores.contains(core.get())) {
                in.error("cores", "'workers.cores': CPU " + core.get() + " is given twice");
            } else {
                cores.add(core.get());
            }
        }
        if (!cores.isEmpty() && cores.size() == texts.size() && cores.size() != count) {
            in.error(
                    "cores",
                    "'workers.cores' names " + cores.size() + " CPUs for " + count
                            + " workers; give one each, or none");
        }
        in.finish();
        return new Workers(count, List.copyOf(cores));
    }

    private static Connections connections(Section in) {
        Connections connections = new Connections(
                in.integer("ipv4", 1 << 20, 1024, 1 << 28),
                in.integer("ipv6", 1 << 18, 1024, 1 << 28),
                in.flag("lock-memory", true));
        in.finish();
        return connections;
    }

    private static Control control(Section in) {
        Path socket = Path.of(in.text("socket", "/run/lvsd/control.sock"));
        if (socket.toString().getBytes(StandardCharsets.UTF_8).length > 107) {
            in.error("socket", "'control.socket' is longer than the 107 bytes of a Unix socket's name");
        }
        Control control = new Control(socket, in.text("group"));
        in.finish();
        return control;
    }

    private Persist persist() {
        Optional<Node> node = top.node("persist");
        Path rules = Path.of("/etc/lvsd/rules");
        if (node.isPresent() && node.get() instanceof ScalarNode scalar) {
            if (!scalar.getValue().equals("none")) {
                top.error("persist", "'persist' must be none, or have 'directory' and 'rules'");
            }
            return new Persist(Optional.empty(), rules);
        }
        Section in = top.section("persist");
        String directory = in.text("directory", "/var/lib/lvsd");
        Persist persist = new Persist(
                directory.equals("none") ? Optional.empty() : Optional.of(Path.of(directory)),
                Path.of(in.text("rules", rules.toString())),
                in.integer("connections", 300, 0, 86_400));
        in.finish();
        return persist;
    }

    /** Sync daemons, said as on the command line. */
    private List<Rule.StartDaemon> sync() {
        List<Rule.StartDaemon> daemons = new ArrayList<>();
        List<Node> nodes = top.list("sync");
        for (int i = 0; i < nodes.size(); i++) {
            Section in = new Section(problems, "sync[" + i + "]", Optional.of(nodes.get(i)));
            sync(in).ifPresent(daemon -> {
                if (daemons.stream().anyMatch(other -> other.role() == daemon.role())) {
                    in.error("role", "this role is given twice");
                }
                daemons.add(daemon);
            });
            in.finish();
        }
        return List.copyOf(daemons);
    }

    private static Optional<Rule.StartDaemon> sync(Section in) {
        String role = in.word("role", "", List.of("master", "backup"));
        List<String> words = new ArrayList<>(List.of("--start-daemon", role));
        for (Map.Entry<String, String> option : SYNC_OPTIONS.entrySet()) {
            in.text(option.getKey()).ifPresent(value -> {
                words.add(option.getValue());
                words.add(value);
            });
        }
        if (role.isEmpty()) {
            return Optional.empty();
        }
        try {
            if (RuleParser.numeric().parse(words) instanceof Rule.StartDaemon daemon) {
                return Optional.of(daemon);
            }
        } catch (RuleSyntaxException e) {
            in.error("role", e.text().strip());
        }
        return Optional.empty();
    }

    private static Punt punt(Section in) {
        int most = 100_000_000;
        Punt punt = new Punt(
                in.flag("forward", true),
                in.integer("neighbour-rate", 2000, 0, most),
                in.integer("routing-rate", 2000, 0, most),
                in.integer("health-rate", 20_000, 0, most),
                in.integer("rest-rate", 200_000, 0, most));
        in.finish();
        return punt;
    }

    private static Optional<Path> synProxyKeys(Section in) {
        Optional<Path> file = in.text("key-file").map(Path::of);
        in.finish();
        return file;
    }

    private Optional<String> metrics() {
        Optional<String> listen = top.text("metrics").filter(text -> !text.equals("none"));
        if (listen.isPresent()) {
            var match = LISTEN.matcher(listen.get());
            if (!match.matches() || Integer.parseInt(match.group(2)) > 65535) {
                top.error(
                        "metrics",
                        "'metrics' must be ADDRESS:PORT such as 127.0.0.1:9482, or none, not '" + listen.get() + "'");
            }
        }
        return listen;
    }

    private Map<String, String> settings() {
        Section in = top.section("settings");
        Map<String, String> values = new LinkedHashMap<>();
        boolean wrong = false;
        for (String name : in.names()) {
            Optional<String> value = in.text(name);
            Optional<String> problem = value.isEmpty()
                    ? Optional.of("setting '" + name + "' has no value")
                    : Settings.check(name, value.get(), Map.of());
            problem.ifPresent(message -> in.error(name, message));
            wrong |= problem.isPresent();
            if (problem.isEmpty()) {
                values.put(name, Settings.normal(name, value.orElseThrow(), Map.of()));
            }
        }
        if (!wrong) {
            Settings.checkTogether(values)
                    .ifPresent(message -> in.error(
                            in.names().contains("fullnat_lport_min") ? "fullnat_lport_min" : "fullnat_lport_max",
                            message));
        }
        return Map.copyOf(values);
    }
}
