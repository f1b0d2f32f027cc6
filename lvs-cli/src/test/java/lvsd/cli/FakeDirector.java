package lvsd.cli;

import java.io.IOException;
import java.net.InetAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import lvsd.control.Control;
import lvsd.control.Reply;
import lvsd.control.View;
import lvsd.rules.Addresses;
import lvsd.rules.DestinationSpec;
import lvsd.rules.Rule;
import lvsd.rules.RuleParser;
import lvsd.rules.RuleSyntaxException;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import org.jspecify.annotations.Nullable;

/** The least that answers as the kernel did in the recordings: no packets, no files. Speaks request lines and replies. */
final class FakeDirector implements Control {
    private static final Set<String> SCHEDULERS =
            Set.of("rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf", "none");

    private final Map<ServiceId, ServiceSpec> services = new LinkedHashMap<>();
    private final Map<ServiceId, List<DestinationSpec>> servers = new LinkedHashMap<>();
    private final Map<Rule.Role, View.Daemon> daemons = new LinkedHashMap<>();
    private final Deque<Reply> replies = new ArrayDeque<>();
    private int[] timeouts = {900, 120, 300};
    /** Whether the one network interface is up, and its MTU. */
    boolean up = true;

    int mtu = 1500;

    @Override
    public void send(String line) throws IOException {
        try {
            Optional<Rule> rule = RuleParser.numeric().parseLine(line);
            replies.add(rule.map(this::answer).orElse(Reply.OK));
        } catch (RuleSyntaxException e) {
            replies.add(new Reply(e.exitCode(), "", e.text()));
        }
    }

    @Override
    public Reply receive(Consumer<String> page) {
        return replies.remove();
    }

    @Override
    public void close() {}

    private Reply answer(Rule rule) {
        return switch (rule) {
            case Rule.AddService r -> add(r.service());
            case Rule.EditService r -> edit(r.service());
            case Rule.DeleteService r -> {
                servers.remove(r.service());
                yield services.remove(r.service()) == null ? Reply.refused("No such service") : Reply.OK;
            }
            case Rule.AddDestination r -> server(r.destination(), false);
            case Rule.EditDestination r -> server(r.destination(), true);
            case Rule.DeleteDestination r -> delete(r);
            case Rule.Clear _ -> {
                services.clear();
                servers.clear();
                yield Reply.OK;
            }
            case Rule.Zero r ->
                r.service().isPresent() && !services.containsKey(r.service().get())
                        ? Reply.refused("No such service")
                        : Reply.OK;
            case Rule.SetTimeouts r -> {
                int[] wanted = {r.tcp(), r.tcpFin(), r.udp()};
                for (int i = 0; i < 3; i++) {
                    timeouts[i] = wanted[i] == 0 ? timeouts[i] : wanted[i];
                }
                yield Reply.OK;
            }
            case Rule.ListServices r -> list(r.service());
            case Rule.Save _ -> list(Optional.empty());
            case Rule.ListConnections _ -> Reply.view(new View.Connections(List.of()));
            case Rule.ListTimeouts _ -> Reply.view(new View.Timeouts(timeouts[0], timeouts[1], timeouts[2]));
            case Rule.ListDaemons _ -> {
                List<View.Daemon> running = new ArrayList<>();
                for (Rule.Role role : Rule.Role.values()) {
                    if (daemons.containsKey(role)) {
                        running.add(daemons.get(role));
                    }
                }
                yield Reply.view(new View.Daemons(running));
            }
            case Rule.StartDaemon r -> start(r);
            case Rule.StopDaemon r ->
                daemons.remove(r.role()) == null ? Reply.refused("No daemon is running") : Reply.OK;
            default -> throw new AssertionError("not in the recordings: " + rule);
        };
    }

    private static @Nullable Reply checked(ServiceSpec spec) {
        boolean engine =
                spec.persistenceEngine().isEmpty() || spec.persistenceEngine().equals("sip");
        return engine && SCHEDULERS.contains(spec.scheduler())
                ? null
                : Reply.refused("Scheduler or persistence engine not found");
    }

    private Reply add(ServiceSpec spec) {
        if (services.containsKey(spec.id())) {
            return Reply.refused("Service already exists");
        }
        Reply wrong = checked(spec);
        if (wrong != null) {
            return wrong;
        }
        services.put(spec.id(), spec);
        servers.put(spec.id(), new ArrayList<>());
        return Reply.OK;
    }

    private Reply edit(ServiceSpec spec) {
        if (!services.containsKey(spec.id())) {
            return Reply.refused("No such service");
        }
        Reply wrong = checked(spec);
        if (wrong != null) {
            return wrong;
        }
        services.put(spec.id(), spec);
        return Reply.OK;
    }

    private Reply server(DestinationSpec spec, boolean edit) {
        List<DestinationSpec> list = servers.get(spec.service());
        if (list == null) {
            return Reply.refused("Service not defined");
        }
        if (spec.lowerThreshold() > spec.upperThreshold()) {
            return Reply.refused("Numerical result out of range");
        }
        int place = find(list, spec.address(), spec.port());
        if (edit && place < 0) {
            return Reply.refused("No such destination");
        }
        if (!edit && place >= 0) {
            return Reply.refused("Destination already exists");
        }
        if (!edit && !Addresses.isUnicast(spec.address())) {
            return Reply.refused("Invalid operation.  Possibly wrong module version, address not unicast, ...");
        }
        if (edit) {
            list.set(place, spec);
        } else {
            list.addFirst(spec);
        }
        return Reply.OK;
    }

    private Reply delete(Rule.DeleteDestination rule) {
        List<DestinationSpec> list = servers.get(rule.service());
        if (list == null) {
            return Reply.refused("Service not defined");
        }
        int place = find(list, rule.address(), rule.port());
        if (place < 0) {
            return Reply.refused("No such destination");
        }
        list.remove(place);
        return Reply.OK;
    }

    private static int find(List<DestinationSpec> list, InetAddress address, int port) {
        for (int i = 0; i < list.size(); i++) {
            if (list.get(i).address().equals(address) && list.get(i).port() == port) {
                return i;
            }
        }
        return -1;
    }

    private Reply start(Rule.StartDaemon rule) {
        String name = rule.mcastInterface().isEmpty() ? "eth0" : rule.mcastInterface();
        if (daemons.containsKey(rule.role())) {
            return Reply.refused("Daemon has already run");
        }
        if (!name.equals("eth0")) {
            return Reply.refused("No such device");
        }
        if (!up && rule.role() == Rule.Role.MASTER) {
            return Reply.refused("Network is unreachable");
        }
        boolean six = rule.group().isPresent() && rule.group().get().getAddress().length == 16;
        int headers = six ? 48 : 28;
        int length = rule.role() == Rule.Role.MASTER
                ? rule.maxLength().orElse(1500 - headers)
                : Math.max(1024, rule.maxLength().orElse(Math.max(mtu, 1500) - headers));
        daemons.put(
                rule.role(),
                new View.Daemon(
                        rule.role(),
                        name,
                        rule.syncId().orElse(0),
                        length,
                        rule.group().orElse(Addresses.parse("224.0.0.81").orElseThrow()),
                        rule.port().orElse(8848),
                        rule.ttl().orElse(1)));
        return Reply.OK;
    }

    /** What a save and restore by the original does. */
    void loseThresholds() {
        servers.values()
                .forEach(list -> list.replaceAll(spec -> new DestinationSpec(
                        spec.service(),
                        spec.address(),
                        spec.port(),
                        spec.method(),
                        spec.weight(),
                        0,
                        0,
                        spec.tunnel())));
    }

    private Reply list(Optional<ServiceId> one) {
        if (one.isPresent() && !services.containsKey(one.get())) {
            return new Reply(1, "", "No such service\n");
        }
        List<View.Service> views = new ArrayList<>();
        for (ServiceSpec spec : services.values()) {
            if (one.isEmpty() || one.get().equals(spec.id())) {
                List<View.Destination> destinations = new ArrayList<>();
                for (DestinationSpec server : servers.getOrDefault(spec.id(), List.of())) {
                    destinations.add(new View.Destination(server, 0, 0, 0, View.Stats.ZERO, View.Rates.ZERO));
                }
                views.add(new View.Service(spec, View.Stats.ZERO, View.Rates.ZERO, destinations));
            }
        }
        return Reply.view(new View.Services(views));
    }
}
