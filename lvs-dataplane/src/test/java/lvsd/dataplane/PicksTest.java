package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lvsd.rules.DestinationSpec;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.Protocol;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import lvsd.wire.PacketBuilder;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The servers that a Linux 6.1 director picked, connection by connection, against those that packets reach here. picks.jsonl is
 * the recording as it was written.
 */
class PicksTest {
    private static final Pattern SERVER = Pattern.compile("\\[\"([0-9.]+)\", (\\d+), (\\d+)]");
    private static final Pattern STEP =
            Pattern.compile("\"src\": \"([0-9.]+)\", \"sport\": (\\d+), \"dst\": \"([0-9.]+)\","
                    + " \"dport\": (\\d+)(?:, \"error\": \"[^\"]*\")?(?:, \"then_closed\": \\[\"([0-9.]+)\", (\\d+)])?"
                    + "(?:, \"error\": \"[^\"]*\")?, \"rs\": (?:null|\"([0-9.:]+)\")");

    /** A series of the recording. */
    record Series(String name, ServiceSpec service, List<MatchResult> servers, int length, List<MatchResult> steps) {
        static Series parse(String line) {
            String scheduler = word(line, "sched");
            String flags = word(line, "flags");
            Protocol protocol = word(line, "proto").equals("tcp") ? Protocol.TCP : Protocol.UDP;
            List<MatchResult> steps = STEP.matcher(line).results().toList();
            ServiceId id = new ServiceId.Vip(
                    protocol,
                    TestDirector.ip(steps.getFirst().group(3)),
                    Integer.parseInt(steps.getFirst().group(4)));
            Set<String> words = Arrays.stream(flags.split(",", -1))
                    .filter(flag -> !flag.isEmpty())
                    .collect(Collectors.toSet());
            ServiceSpec spec = new ServiceSpec(
                    id, scheduler, words, OptionalInt.empty(), -1, "", false, false, OptionalInt.empty());
            String name = String.join(" ", scheduler, flags, word(line, "proto"), word(line, "label"));
            String servers = line.substring(line.indexOf("servers_in_order_added"), line.indexOf("\"steps\""));
            return new Series(
                    name,
                    spec,
                    SERVER.matcher(servers).results().toList(),
                    line.split("\"i\": ", -1).length - 1,
                    steps);
        }

        private static String word(String line, String key) {
            String start = '"' + key + "\": \"";
            int from = line.indexOf(start) + start.length();
            return line.substring(from, line.indexOf('"', from));
        }

        ServiceSpec serviceAt(String vip) {
            ServiceId.Vip id = (ServiceId.Vip) service.id();
            return new ServiceSpec(
                    new ServiceId.Vip(id.protocol(), TestDirector.ip(vip), id.port()),
                    service.scheduler(),
                    service.schedulerFlags(),
                    OptionalInt.empty(),
                    -1,
                    "",
                    false,
                    false,
                    OptionalInt.empty());
        }

        boolean tcp() {
            return ((ServiceId.Vip) service.id()).protocol() == Protocol.TCP;
        }

        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Series> recordings() {
        var stream = Objects.requireNonNull(PicksTest.class.getResourceAsStream("scheduler/picks.jsonl"));
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
            return reader.lines().map(Series::parse).toList().stream();
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    static Stream<Series> sharedByWorkers() {
        return recordings().filter(series -> !List.of("rr", "wrr").contains(series.service.scheduler()));
    }

    @ParameterizedTest
    @MethodSource("recordings")
    void shouldPickWhatTheKernelPicked(Series series) {
        replay(series, 1);
    }

    /** Only the turns of rr and wrr are each worker's own. */
    @ParameterizedTest
    @MethodSource("sharedByWorkers")
    void shouldPickTheSameWithTwoWorkers(Series series) {

        replay(series, 2);
    }

    private static void replay(Series series, int workers) {
        assertThat(series.steps).hasSize(series.length);
        try (TestDirector director = new TestDirector(workers, Map.of())) {
            series.steps.stream()
                    .map(step -> step.group(3))
                    .distinct()
                    .forEach(vip -> addService(director, series, vip));
            List<String> kernel = new ArrayList<>();
            List<String> ours = new ArrayList<>();
            for (MatchResult step : series.steps) {
                kernel.add(String.valueOf(step.group(7)));
                ours.add(String.valueOf(connect(director, series.tcp(), step)));
                if (step.group(5) != null) {
                    int which = closed(series, step);
                    close(director, series.steps.get(which), ours.get(which));
                }
            }
            assertThat(ours).isEqualTo(kernel);
        }
    }

    private static void addService(TestDirector director, Series series, String vip) {
        ServiceSpec spec = series.serviceAt(vip);
        List<DestinationSpec> servers = series.servers.stream()
                .map(server -> TestDirector.server(
                        spec.id(),
                        ForwardingMethod.NAT,
                        server.group(1) + ':' + server.group(2),
                        Integer.parseInt(server.group(3)),
                        0,
                        0))
                .toList();
        director.service(spec, servers);
    }

    /** Opens a connection, to its end the handshake with TCP; returns the server it reached, null if it was refused. */
    private static @Nullable String connect(TestDirector director, boolean tcp, MatchResult step) {
        PacketBuilder first = up(step, tcp);
        director.send(queue(director, step), 0, (tcp ? first.flags("S").seq(100) : first.payload(9)).build());
        if (!director.any(1)) {
            director.expect(0); // the refusal
            return null;
        }
        ConnectionRow row = row(director, step);
        String server = row.server().getHostAddress() + ':' + row.serverPort();
        if (tcp) {
            director.send(1, down(step, server).flags("S.").seq(500).ack(101).build());
            director.expect(0);
            director.send(0, up(step, true).flags(".").seq(101).ack(501).build());
            director.expect(1);
        }
        return server;
    }

    /** Client and server side of a connection arrive on whatever queue. */
    private static int queue(TestDirector director, MatchResult step) {
        return Integer.parseInt(step.group(2)) / 7 % director.ios.size();
    }

    private static ConnectionRow row(TestDirector director, MatchResult step) {
        return director.connections().stream()
                .filter(row -> row.client().getHostAddress().equals(step.group(1))
                        && row.clientPort() == Integer.parseInt(step.group(2)))
                .findFirst()
                .orElseThrow();
    }

    private static PacketBuilder up(MatchResult step, boolean tcp) {
        PacketBuilder ip = Way.NAT4.arriving(0, step.group(1), step.group(3));
        int source = Integer.parseInt(step.group(2));
        int destination = Integer.parseInt(step.group(4));
        return tcp ? ip.tcp(source, destination) : ip.udp(source, destination);
    }

    private static PacketBuilder down(MatchResult step, String server) {
        int colon = server.indexOf(':');
        return Way.NAT4
                .arriving(1, server.substring(0, colon), step.group(1))
                .tcp(Integer.parseInt(server.substring(colon + 1)), Integer.parseInt(step.group(2)));
    }

    /** The step whose connection is closed after {@code step}. */
    private static int closed(Series series, MatchResult step) {
        for (int at = 0; at < series.steps.size(); at++) {
            MatchResult each = series.steps.get(at);
            if (each.group(1).equals(step.group(5)) && each.group(2).equals(step.group(6))) {
                return at;
            }
        }
        throw new AssertionError("nothing to close");
    }

    private static void close(TestDirector director, MatchResult step, String server) {
        director.send(0, up(step, true).flags("F.").seq(101).ack(501).build());
        director.expect(1);
        director.send(1, down(step, server).flags("F.").seq(501).ack(102).build());
        director.expect(0);
        director.send(0, up(step, true).flags(".").seq(102).ack(502).build());
        director.expect(1);
    }
}
