package lvsd.dataplane.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import lvsd.dataplane.scheduler.Models.Model;
import lvsd.dataplane.scheduler.Models.Packet;
import lvsd.dataplane.scheduler.Models.Server;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.LocalityCache;
import lvsd.dataplane.service.Service;
import lvsd.dataplane.service.Wire;
import lvsd.rules.DestinationSpec;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import lvsd.wire.SeededTest;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Long lives of a service: servers come and go, weights and thresholds change, connections begin and end. */
class SchedulerModelTest {
    private static final int STEPS = 6000;
    private static final long DAY_NANOS = 86_400_000_000_000L;

    /** What happens to the real scheduler and to its model, side by side. */
    private static final class Run {
        final RandomGenerator random;
        final ServiceSpec spec;
        final boolean ipv6;
        final Model model;
        final DestinationCounters counters = new DestinationCounters();
        final DestinationCounts counts = new DestinationCounts(new Overloads(), counters);
        final Schedulers schedulers = new Schedulers();
        final Flow flow = new Flow();
        final @Nullable LocalityCache cache;
        final List<Server> spare = new ArrayList<>();
        Service service;
        int nextIndex;
        long revision;
        int picked;

        Run(RandomGenerator random, String scheduler, String flags) {
            this.random = random;
            this.ipv6 = random.nextBoolean();
            Set<String> words = Arrays.stream(flags.split(" ", -1))
                    .filter(flag -> !flag.equals("-"))
                    .collect(Collectors.toSet());
            ServiceId id = new ServiceId.Fwmark(7, ipv6);
            this.spec = new ServiceSpec(
                    id, scheduler, words, OptionalInt.empty(), -1, "", false, false, OptionalInt.empty());
            this.model = Models.create(scheduler, flags.contains("fallback"), flags.contains("port"));
            this.cache = LocalityCache.of(spec);
            this.service = publish();
        }

        InetAddress address(int last) {
            byte[] bytes = new byte[ipv6 ? 16 : 4];
            bytes[0] = 0x20;
            bytes[1] = (byte) (last >> 4);
            bytes[bytes.length - 1] = (byte) last;
            try {
                return InetAddress.getByAddress(bytes);
            } catch (UnknownHostException impossible) {
                throw new AssertionError(impossible);
            }
        }

        private static int port(int index) {
            return 8000 + index % 3;
        }

        /** An address in host order, its words folded. */
        private static int folded(byte[] bytes) {
            ByteBuffer words = ByteBuffer.wrap(bytes);
            int folded = 0;
            while (words.hasRemaining()) {
                folded ^= words.getInt();
            }
            return folded;
        }

        Service publish() {
            List<Destination> views = model.servers.stream()
                    .map(server -> new Destination(
                            server.index,
                            3,
                            new DestinationSpec(
                                    spec.id(),
                                    address(server.index),
                                    port(server.index),
                                    ForwardingMethod.NAT,
                                    server.weight,
                                    server.upper,
                                    server.lower,
                                    DestinationSpec.Tunnel.IPIP),
                            server.lastWeight))
                    .toList();
            service = new Service(3, spec, views, List.of(), ++revision, cache);
            return service;
        }

        int weight() {
            return switch (random.nextInt(8)) {
                case 0 -> 0;
                case 1 -> 1 + random.nextInt(500);
                case 2 -> 100;
                default -> 1 + random.nextInt(6);
            };
        }

        Server any() {
            return model.servers.get(random.nextInt(model.servers.size()));
        }

        void add() {
            boolean revive = !spare.isEmpty() && random.nextBoolean();
            int index = revive ? spare.getFirst().index : nextIndex++;
            Server server = revive
                    ? spare.removeFirst()
                    : new Server(index, folded(address(index).getAddress()) + port(index), 0);
            server.weight = weight();
            server.lastWeight = server.weight;
            server.noteThresholds();
            model.added(server);
        }

        void change() {
            int what = random.nextInt(10);
            if (model.servers.isEmpty() || (what < 3 && model.servers.size() < 12)) {
                add();
            } else if (what == 3) {
                Server server = any();
                model.removed(server);
                spare.add(server);
            } else if (what < 8) {
                Server server = any();
                server.weight = weight();
                server.lastWeight = server.weight == 0 ? server.lastWeight : server.weight;
                model.changed();
            } else {
                Server server = any();
                server.upper = random.nextInt(3) == 0 ? 0 : 1 + random.nextInt(20);
                server.lower = random.nextBoolean() ? 0 : random.nextInt(server.upper + 1);
                model.changed();
            }
            publish();
            // The real one looks at thresholds when it is asked, and it is asked at once.
            model.servers.forEach(Server::noteThresholds);
            for (Destination each : service.destinations) {
                counts.isOverloaded(each);
            }
        }

        void traffic() {
            if (model.servers.isEmpty()) {
                return;
            }
            Server server = any();
            Destination destination = service.destinations[model.servers.indexOf(server)];
            boolean end = random.nextInt(5) < 3;
            if (end && server.active > 0 && random.nextBoolean()) {
                server.active--;
                counts.closed(server.index, destination, true);
            } else if (end && server.inactive > 0) {
                server.inactive--;
                counts.closed(server.index, destination, false);
            } else if (server.inactive > 0) {
                server.inactive--;
                server.active++;
                counts.changed(server.index, 1);
            }
            server.noteThresholds();
        }

        Packet packet() {
            byte[] client = new byte[ipv6 ? 16 : 4];
            random.nextBytes(client);
            byte[] virtual = address(random.nextInt(50)).getAddress();
            int port = random.nextInt(65_536);
            flow.clientHigh = ipv6 ? Wire.long8(client, 0) : 0;
            flow.clientLow = ipv6 ? Wire.long8(client, 8) : Integer.toUnsignedLong(Wire.int4(client));
            flow.clientPort = Wire.port(port);
            flow.virtualHigh = ipv6 ? Wire.long8(virtual, 0) : 0;
            flow.virtualLow = ipv6 ? Wire.long8(virtual, 8) : Integer.toUnsignedLong(Wire.int4(virtual));
            flow.nanos += random.nextInt(60) * 1_000_000_000L + (random.nextInt(200) == 0 ? DAY_NANOS : 0);
            return new Packet(folded(client), port, folded(virtual), flow.nanos / 1_000_000_000L);
        }

        void pick(int step) {
            Server expected = model.pick(packet());
            int place = schedulers.pick(service, counts, flow);
            int index = place == Scheduler.NONE ? -1 : service.destinations[place].index;
            assertThat(index).as("step %d", step).isEqualTo(expected == null ? -1 : expected.index);
            if (expected != null) {
                picked++;
                counts.opened(service.destinations[place]);
                expected.inactive++;
                expected.noteThresholds();
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "rr, -",
        "wrr, -",
        "lc, -",
        "wlc, -",
        "sed, -",
        "nq, -",
        "lblc, -",
        "lblcr, -",
        "fo, -",
        "ovf, -",
        "dh, -",
        "sh, -",
        "sh, sh-port",
        "sh, sh-fallback",
        "sh, sh-fallback sh-port",
        "mh, -",
        "mh, mh-port",
        "mh, mh-fallback",
        "mh, mh-fallback mh-port"
    })
    void shouldPickWhatTheModelPicks(String scheduler, String flags) {
        SeededTest.run(3, random -> {
            Run run = new Run(random, scheduler, flags);
            for (int step = 0; step < STEPS; step++) {
                if (random.nextInt(40) == 0) {
                    run.change();
                }
                for (int i = random.nextInt(4); i > 0; i--) {
                    run.traffic();
                }
                run.pick(step);
            }
            assertThat(run.picked).isGreaterThan(STEPS / 10);
        });
    }

    /** Vectors of the paper's appendix A, and of its reference implementation for no bytes at all. */
    @Test
    void shouldHashInTheModelAsThePaperSays() {
        byte[] message = new byte[15];
        for (int i = 0; i < message.length; i++) {
            message[i] = (byte) i;
        }
        long k0 = 0x0706_0504_0302_0100L;
        long k1 = 0x0f0e_0d0c_0b0a_0908L;
        assertThat(SipHash.hash(2, 4, k0, k1, message)).isEqualTo(0xa129_ca61_49be_45e5L);
        assertThat(SipHash.hash(2, 4, k0, k1, new byte[0])).isEqualTo(0x726f_db47_dd0e_0e31L);
    }

    /** twos is chance: its shares must be those that counting all pairs gives. */
    @Test
    void shouldPickTheBetterOfTwoAtRandom() {
        SeededTest.run(3, random -> {
            Run run = new Run(random, "rr", "-");
            while (run.model.servers.size() < 6) {
                run.add();
            }
            for (Server server : run.model.servers) {
                server.weight = server.index == 0 ? 2 : random.nextInt(5);
                server.active = random.nextInt(20);
                server.inactive = random.nextInt(20);
                for (int i = 0; i < server.active + server.inactive; i++) {
                    run.counters.adopted(server.index, i < server.active);
                }
            }
            Service rr = run.publish();
            ServiceSpec spec = new ServiceSpec(
                    rr.id(), "twos", Set.of(), OptionalInt.empty(), -1, "", false, false, OptionalInt.empty());
            Service twos = new Service(3, spec, List.of(rr.destinations), List.of(), ++run.revision);
            int[] picks = new int[6];
            int rounds = 40_000;
            for (int i = 0; i < rounds; i++) {
                picks[run.schedulers.pick(twos, run.counts, run.flow)]++;
            }
            double[] expected = pairs(run.model.servers);
            for (int at = 0; at < picks.length; at++) {
                assertThat((double) picks[at] / rounds).isBetween(expected[at] - 0.015, expected[at] + 0.015);
            }
        });
    }

    private static double[] pairs(List<Server> servers) {
        double sum = servers.stream().mapToInt(server -> server.weight).sum();
        double[] shares = new double[servers.size()];
        for (int one = 0; one < shares.length; one++) {
            for (int other = 0; other < shares.length; other++) {
                Server a = servers.get(one);
                Server b = servers.get(other);
                boolean better = (double) b.load() / b.weight < (double) a.load() / a.weight;
                if (a.weight > 0 && b.weight > 0) {
                    shares[better ? other : one] += a.weight / sum * (b.weight / sum);
                }
            }
        }
        return shares;
    }
}
