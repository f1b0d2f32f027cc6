package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;
import lvsd.rules.Protocol;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import lvsd.rules.SynProxyMode;
import lvsd.sync.SyncConnection;
import lvsd.sync.UpdateQueue;
import lvsd.wire.PacketBuilder;
import lvsd.wire.SeededTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Which packets have a Linux director tell its backups of a connection, as recorded in {@code sync-told.txt}, and which
 * have this one tell kernels.
 */
class SyncToldTest {
    /** A timer looks that often whether a connection has had packets enough. */
    private static final int LOOK_MILLIS = 260;

    /**
     * A connection that was not established by the packet of the right number: the kernel waits for the next such packet,
     * here it is the one by which it is established.
     */
    private static final Map<String, Integer> SOONER = Map.of("a SYN three times", 5, "every other", 3);

    /** A template: when it is made, and when a connection of it is established, which the kernel tells of later. */
    private static final List<Integer> OF_TEMPLATES = List.of(1, 3);

    /** One case of the recording. */
    record Case(
            String name,
            Map<String, String> settings,
            boolean tcp,
            OptionalInt persistence,
            List<String> steps,
            List<Integer> told,
            List<Integer> toldOfTemplate,
            List<Integer> states) {
        static Case of(String line) {
            String[] words = line.split("\\|", -1);
            Map<String, String> settings = new HashMap<>();
            for (String setting : words[1].split(";", -1)) {
                settings.put(setting.substring(0, setting.indexOf('=')), setting.substring(setting.indexOf('=') + 1));
            }
            List<String> steps = new ArrayList<>();
            for (String word : words[4].split(" ", -1)) {
                int times = word.indexOf('x');
                List<String> some = List.of(word.substring(times + 1).split(",", -1));
                for (int i = times < 0 ? 1 : Integer.parseInt(word.substring(0, times)); i > 0; i--) {
                    steps.addAll(some);
                }
            }
            return new Case(
                    words[0],
                    settings,
                    words[2].equals("tcp"),
                    words[3].isEmpty() ? OptionalInt.empty() : OptionalInt.of(Integer.parseInt(words[3])),
                    steps,
                    numbers(words[5]),
                    numbers(words[6]),
                    numbers(words[7]));
        }

        private static List<Integer> numbers(String text) {
            return text.isEmpty()
                    ? List.of()
                    : Arrays.stream(text.split(" ", -1)).map(Integer::valueOf).toList();
        }

        boolean refreshed() {
            return !settings.getOrDefault("sync_refresh_period", "0").equals("0");
        }

        /** Whether the number of a packet decides. */
        boolean counted() {
            return !settings.getOrDefault("sync_threshold", "3 50").endsWith(" 0");
        }

        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Case> cases() {
        try (BufferedReader from = new BufferedReader(new InputStreamReader(
                Objects.requireNonNull(SyncToldTest.class.getResourceAsStream("sync-told.txt")),
                StandardCharsets.UTF_8))) {
            return from.lines().filter(line -> !line.startsWith("#")).map(Case::of).toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What this director tells of a case. */
    private static final class Run {
        final List<Integer> told = new ArrayList<>();
        final List<Integer> ofTemplate = new ArrayList<>();
        final List<Integer> states = new ArrayList<>();
        private final Case recorded;
        private final TestDirector director;
        private final UpdateQueue queue;
        private final Flow flow;
        private int number;
        private int clientSequence;
        private int serverSequence;

        Run(Case recorded) {
            this.recorded = recorded;
            director = new TestDirector(1, recorded.settings);
            SyncFeed feed = director.dataplane.workerList().getFirst().sync();
            queue = feed.out();
            feed.forKernels(true);
            Protocol protocol = recorded.tcp ? Protocol.TCP : Protocol.UDP;
            ServiceId id = new ServiceId.Vip(protocol, TestDirector.ip(Way.NAT4.vip()), Flow.VIRTUAL_PORT);
            ServiceSpec spec = new ServiceSpec(
                    id,
                    "rr",
                    Set.of(),
                    recorded.persistence,
                    -1,
                    "",
                    false,
                    true,
                    OptionalInt.empty(),
                    SynProxyMode.DISABLE,
                    true);
            director.service(spec, Way.NAT4.method, Way.NAT4.server() + ":" + Flow.SERVER_PORT);
            flow = new Flow(director, Way.NAT4, recorded.tcp, 40_000);
        }

        void play() {
            boolean timed = recorded.steps.stream().anyMatch(step -> step.startsWith("@"));
            for (String step : recorded.steps) {
                if (step.startsWith("@")) {
                    director.advance(Integer.parseInt(step.substring(1)));
                } else {
                    number++;
                    packet(step);
                    collect();
                    director.advance(timed ? 1 : LOOK_MILLIS);
                }
                collect();
            }
            director.advance(LOOK_MILLIS);
            collect();
            director.close();
        }

        private void packet(String step) {
            boolean client = step.startsWith("c");
            String flags = step.substring(1).replaceAll("[0-9]", "");
            String digits = step.replaceAll("[^0-9]", "");
            int payload = digits.isEmpty() ? 0 : Integer.parseInt(digits);
            if (flags.contains("S")) {
                clientSequence = client ? 1000 : clientSequence;
                serverSequence = client ? serverSequence : 2000;
            }
            PacketBuilder frame = client ? flow.fromClient() : flow.fromServer();
            if (recorded.tcp) {
                frame = frame.flags(flags).seq(client ? clientSequence : serverSequence);
                frame = flags.contains(".") ? frame.ack(client ? serverSequence : clientSequence) : frame;
            }
            director.send(client ? 0 : 1, frame.payload(payload).build());
            int more = payload + (flags.matches(".*[SF].*") ? 1 : 0);
            clientSequence += client ? more : 0;
            serverSequence += client ? 0 : more;
            while (director.sent(client ? 1 : 0) != null) {
                // It has been forwarded.
            }
        }

        private void collect() {
            SyncConnection next = new SyncConnection();
            while (queue.poll(next)) {
                if (next.deleted) {
                    // The kernel says nothing then.
                } else if (next.template()) {
                    ofTemplate.add(number);
                } else {
                    told.add(number);
                    states.add(next.state);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void othersAreToldWhenTheKernelWouldTellThem(Case recorded) {
        Run ours = new Run(recorded);
        ours.play();
        if (recorded.refreshed() && !recorded.counted()) {
            inTime(ours, recorded);
            return;
        }
        List<Integer> told = new ArrayList<>();
        List<Integer> states = new ArrayList<>();
        List<String> packets =
                recorded.steps.stream().filter(step -> !step.startsWith("@")).toList();
        Integer sooner = SOONER.get(recorded.name);
        if (sooner != null) {
            told.add(sooner);
            states.add(recorded.states.getFirst());
        }
        for (int i = 0; i < recorded.told.size(); i++) {
            int at = recorded.told.get(i);
            // What the server's packet changed is told with that, by the kernel with the client's next.
            boolean changed = i > 0 && packets.get(at - 2).matches("s[FR].*");
            told.add(changed ? at - 1 : at);
            states.add(recorded.states.get(i));
        }
        assertThat(ours.told).isEqualTo(told);
        assertThat(ours.states).isEqualTo(states);
        List<Integer> ofTemplate = recorded.tcp ? OF_TEMPLATES : OF_TEMPLATES.subList(0, 1);
        if (recorded.refreshed()) {
            assertThat(ours.ofTemplate.isEmpty()).isEqualTo(recorded.persistence.isEmpty());
        } else {
            assertThat(ours.ofTemplate).isEqualTo(recorded.persistence.isPresent() ? ofTemplate : List.of());
        }
    }

    /** With a period alone: as often as the kernel, and at the same time but for what its packets took longer than they should. */
    private static void inTime(Run ours, Case recorded) {
        assertThat(ours.told).hasSizeBetween(recorded.told.size() - 1, recorded.told.size());
        for (int i = 0; i < ours.told.size(); i++) {
            assertThat(ours.told.get(i))
                    .as("%s as %s", ours.told, recorded.told)
                    .isBetween(recorded.told.get(i) - 2, recorded.told.get(i) + 2);
            assertThat(ours.states.get(i)).isEqualTo(recorded.states.get(i));
        }
    }

    /** What the loop over usual packets asks of each is another calculation than what decides. */
    @Test
    void shouldMissNoPacketOfTheRightNumber() throws Exception {
        SeededTest.run(1000, random -> {
            int every = random.nextInt(1 << random.nextInt(1, 31));
            int after = random.nextInt(every == 0 ? 100 : Math.min(every, 1 << 20) + 1);
            Sysctls settings = Sysctls.of(Map.of("sync_threshold", after + " " + every));
            for (int i = 0; i < 1000; i++) {
                int packets = i < 200 ? i : random.nextInt();
                boolean right =
                        SyncFeed.behind(packets, settings.syncAfter, settings.syncEvery, settings.syncReciprocal) == 0;
                boolean may = SyncFeed.mayBeTold(packets, settings.syncAfter, settings.syncReciprocal);
                boolean begun = Integer.compareUnsigned(packets, settings.syncAfter) >= 0;
                String what = "packet " + packets + " of " + after + " " + every;
                assertThat(may || !right).as(what).isTrue();
                assertThat(may == right || !begun).as(what).isTrue();
            }
        });
    }
}
