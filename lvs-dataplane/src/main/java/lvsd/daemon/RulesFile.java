package lvsd.daemon;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import lvsd.config.DaemonConfig;
import lvsd.rules.DestinationSpec;
import lvsd.rules.LocalAddressSpec;
import lvsd.rules.MarkRule;
import lvsd.rules.Rule;
import lvsd.rules.RuleParser;
import lvsd.rules.RuleSyntaxException;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;

/**
 * The operator's rules file: lines as {@code ipvsadm -S} prints them, blank lines and lines that begin with {@code #}
 * passed over. Control thread, or the starting thread before there is one.
 */
final class RulesFile {
    private static final RuleParser PARSER = RuleParser.numeric();

    private RulesFile() {}

    /** The lines of the file; none where there is no file. */
    static List<String> read(Path file) throws StartException {
        try {
            return Files.readAllLines(file, StandardCharsets.UTF_8);
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (CharacterCodingException e) {
            throw new StartException(StartException.CONFIGURATION, file + ":1:1: not UTF-8");
        } catch (IOException e) {
            throw new StartException(StartException.CONFIGURATION, file + ":1:1: cannot be read: " + e.getMessage());
        }
    }

    /**
     * Follows all lines on an empty director and says what comes out, in the order of {@link Director#rules}.
     *
     * @throws StartException with one line {@code file:line:column: what} for each wrong line
     */
    static List<Rule.Change> resolve(Path file, List<String> lines, DaemonConfig config) throws StartException {
        Director scratch = new Director(new NullDataplane(), Daemon.settings(config), interfaces(config));
        scratch.baseMarks(config.marks());
        List<String> errors = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            if (line.isBlank() || line.stripLeading().startsWith("#")) {
                continue;
            }
            String problem = follow(scratch, line);
            if (!problem.isEmpty()) {
                int column = line.length() - line.stripLeading().length() + 1;
                errors.add(file + ":" + (i + 1) + ":" + column + ": " + problem);
            }
        }
        if (!errors.isEmpty()) {
            throw new StartException(StartException.CONFIGURATION, String.join("\n", errors));
        }
        return scratch.rules();
    }

    private static String follow(Director director, String line) {
        try {
            if (PARSER.parseLine(line).orElse(null) instanceof Rule.Change change) {
                Requests.apply(director, change);
                return "";
            }
            return "only rules that change something may stand here";
        } catch (RuleSyntaxException e) {
            return e.text().strip().replace('\n', ' ');
        } catch (Refusal e) {
            return e.text();
        }
    }

    /** Names that {@code -F} may use: ports and their VLANs. */
    static Set<String> interfaces(DaemonConfig config) {
        Set<String> names = new TreeSet<>();
        for (DaemonConfig.Port port : config.ports()) {
            names.add(port.name());
            port.vlans().forEach(vlan -> names.add(vlan.name()));
        }
        return names;
    }

    /** What one list of rules as {@link #resolve} gives it consists of, by name. */
    private record Parts(
            Map<ServiceId, ServiceSpec> services,
            Map<Object, DestinationSpec> destinations,
            Map<Object, LocalAddressSpec> locals,
            Map<Rule.Role, Rule.StartDaemon> daemons,
            Set<MarkRule> marks,
            Map<String, Rule.Change> others) {
        private record Member(ServiceId service, InetAddress address, int port) {}

        static Parts of(List<Rule.Change> rules) {
            Parts parts = new Parts(
                    new LinkedHashMap<>(),
                    new LinkedHashMap<>(),
                    new LinkedHashMap<>(),
                    new LinkedHashMap<>(),
                    new LinkedHashSet<>(),
                    new LinkedHashMap<>());
            for (Rule.Change rule : rules) {
                switch (rule) {
                    case Rule.AddService(ServiceSpec spec) -> parts.services.put(spec.id(), spec);
                    case Rule.AddDestination(DestinationSpec spec) ->
                        parts.destinations.put(new Member(spec.service(), spec.address(), spec.port()), spec);
                    case Rule.AddLocalAddress(LocalAddressSpec spec) ->
                        parts.locals.put(new Member(spec.service(), spec.address(), 0), spec);
                    case Rule.AddMark mark -> parts.marks.add(mark.mark());
                    case Rule.ChangeSetting setting -> parts.others.put(setting.name(), setting);
                    case Rule.StartDaemon daemon -> parts.daemons.put(daemon.role(), daemon);
                    default -> parts.others.put(rule.getClass().getSimpleName(), rule);
                }
            }
            return parts;
        }
    }

    /** The changes that lead from one list of rules to another, both as {@link #resolve} gives them. */
    static List<Rule.Change> difference(List<Rule.Change> from, List<Rule.Change> to) {
        Parts old = Parts.of(from);
        Parts now = Parts.of(to);
        List<Rule.Change> changes = new ArrayList<>();
        now.others.forEach((name, rule) -> {
            if (!rule.equals(old.others.get(name))) {
                changes.add(rule);
            }
        });
        old.marks.stream()
                .filter(mark -> !now.marks.contains(mark))
                .forEach(mark -> changes.add(new Rule.DeleteMark(mark)));
        now.marks.stream()
                .filter(mark -> !old.marks.contains(mark))
                .forEach(mark -> changes.add(new Rule.AddMark(mark)));
        old.services.forEach((id, spec) -> {
            if (!now.services.containsKey(id)) {
                changes.add(new Rule.DeleteService(id));
            }
        });
        now.services.forEach((id, spec) -> {
            ServiceSpec before = old.services.get(id);
            if (before == null) {
                changes.add(new Rule.AddService(spec));
            } else if (!before.equals(spec)) {
                changes.add(new Rule.EditService(spec));
            }
        });
        members(old, now, changes);
        daemons(old, now, changes);
        return changes;
    }

    private static void daemons(Parts old, Parts now, List<Rule.Change> changes) {
        old.daemons.forEach((role, daemon) -> {
            if (!daemon.equals(now.daemons.get(role))) {
                changes.add(new Rule.StopDaemon(role, OptionalInt.empty()));
            }
        });
        now.daemons.forEach((role, daemon) -> {
            if (!daemon.equals(old.daemons.get(role))) {
                changes.add(daemon);
            }
        });
    }

    private static void members(Parts old, Parts now, List<Rule.Change> changes) {
        old.locals.forEach((name, spec) -> {
            if (!spec.equals(now.locals.get(name)) && now.services.containsKey(spec.service())) {
                changes.add(new Rule.DeleteLocalAddress(spec));
            }
        });
        now.locals.forEach((name, spec) -> {
            if (!spec.equals(old.locals.get(name))) {
                changes.add(new Rule.AddLocalAddress(spec));
            }
        });
        old.destinations.forEach((name, spec) -> {
            if (!now.destinations.containsKey(name) && now.services.containsKey(spec.service())) {
                changes.add(new Rule.DeleteDestination(spec.service(), spec.address(), spec.port()));
            }
        });
        now.destinations.forEach((name, spec) -> {
            DestinationSpec before = old.destinations.get(name);
            if (before == null) {
                changes.add(new Rule.AddDestination(spec));
            } else if (!before.equals(spec)) {
                changes.add(new Rule.EditDestination(spec));
            }
        });
    }
}
