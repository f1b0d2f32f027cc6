package lvsd.dataplane.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.Service;
import lvsd.rules.DestinationSpec;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.Protocol;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import lvsd.wire.SeededTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SchedulerTest {
    private static final ServiceId ID = new ServiceId.Vip(Protocol.TCP, address(1), 80);

    private final long seed = Long.getLong("seed", SeededTest.base());
    private final String replay = "replay with -Dseed=" + seed;
    private final RandomGenerator random = SeededTest.random(seed);
    private final DestinationCounters own = new DestinationCounters();
    private final DestinationCounts counts = new DestinationCounts(new Overloads(), own);
    private final Schedulers schedulers = new Schedulers();
    private final Flow flow = new Flow();
    private long revision;

    private static InetAddress address(int last) {
        try {
            return InetAddress.getByAddress(new byte[] {(byte) 192, 0, 2, (byte) last});
        } catch (UnknownHostException impossible) {
            throw new AssertionError(impossible);
        }
    }

    private static Destination destination(int index, int weight, int upper, int lower) {
        return new Destination(
                index,
                5,
                new DestinationSpec(
                        ID,
                        address(index),
                        80,
                        ForwardingMethod.NAT,
                        weight,
                        upper,
                        lower,
                        DestinationSpec.Tunnel.IPIP));
    }

    /** Destinations newest first, as services hold them. */
    private Service service(String scheduler, Destination... newestFirst) {
        ServiceSpec spec = new ServiceSpec(
                ID, scheduler, Set.of(), OptionalInt.empty(), -1, "", false, false, OptionalInt.empty());
        return new Service(5, spec, List.of(newestFirst), List.of(), ++revision);
    }

    /** Servers 1 to n added in that order, with these weights. */
    private Service added(String scheduler, int... weights) {
        Destination[] newestFirst = IntStream.range(0, weights.length)
                .map(i -> weights.length - 1 - i)
                .mapToObj(i -> destination(i + 1, weights[i], 0, 0))
                .toArray(Destination[]::new);
        return service(scheduler, newestFirst);
    }

    /** Index of the destination picked, or -1. */
    private int pick(Service service) {
        int at = schedulers.pick(service, counts, flow);
        return at == Scheduler.NONE ? -1 : service.destinations[at].index;
    }

    private String series(Service service, int length) {
        StringBuilder picks = new StringBuilder();
        for (int i = 0; i < length; i++) {
            picks.append(pick(service)).append(' ');
        }
        return picks.toString().trim();
    }

    @ParameterizedTest
    @ValueSource(strings = {"rr", "wrr", "lc", "wlc"})
    void shouldPickNobodyWhenNobodyCanBePicked(String name) {
        assertThat(pick(added(name))).isEqualTo(-1);
        assertThat(pick(added(name, 0, 0))).isEqualTo(-1);
        Service full = service(name, destination(1, 1, 1, 0));
        counts.opened(full.destinations[0]);
        assertThat(pick(full)).isEqualTo(-1);
    }

    /** The kernel looks at thresholds when it gives an address to a server, and with {@code lblc} not again. */
    @Test
    void shouldLookAtThresholdsOfRememberedServersWithLblcrOnly() {
        for (String name : new String[] {"lblc", "lblcr"}) {
            Service service = service(name, destination(2, 1, 2, 0), destination(1, 1, 2, 0));
            int first = pick(service);
            Destination remembered = service.destinations[first == 2 ? 0 : 1];
            for (int i = 0; i < 3; i++) {
                counts.opened(remembered);
            }
            assertThat(counts.usable(remembered)).isFalse();
            assertThat(pick(service) == first).as(name).isEqualTo(name.equals("lblc"));
            flow.virtualLow++;
            assertThat(pick(service)).as("for another address").isNotEqualTo(first);
            for (int i = 0; i < 3; i++) {
                counts.closed(remembered.index, remembered, false);
            }
            flow.virtualLow++;
        }
    }

    /** {@code lblc_expiration}: afterwards an address goes to whoever has least to do. */
    @Test
    void shouldForgetAnAddressAfterTheTimeThatIsSet() {
        Service service = added("lblc", 1, 1);
        int first = pick(service);
        counts.opened(service.destinations[first == 2 ? 0 : 1]);
        flow.lblcExpiration = 60;
        flow.nanos += 60_000_000_000L;
        assertThat(pick(service)).isEqualTo(first);
        flow.nanos += 61_000_000_000L;
        assertThat(pick(service)).isNotEqualTo(first);
    }

    @Test
    void shouldPickNobodyWithoutScheduler() {
        assertThat(pick(added("none", 1, 1))).isEqualTo(-1);
        assertThat(pick(added("no-such", 1, 1))).isEqualTo(-1);
        assertThat(Schedulers.create("no-such")).isNull();
        assertThat(Objects.requireNonNull(Schedulers.create("wlc")).name()).isEqualTo("wlc");
    }

    @Test
    void shouldGoOnWithRoundRobinAfterChanges() {
        assertThat(series(added("rr", 1, 1, 1), 2)).isEqualTo("3 2");
        assertThat(series(added("rr", 1, 1, 1, 1), 4)).isEqualTo("1 4 3 2");
        Service withoutTwo = service("rr", destination(4, 1, 0, 0), destination(3, 1, 0, 0), destination(1, 1, 0, 0));
        assertThat(series(withoutTwo, 3)).isEqualTo("1 4 3");
        assertThat(series(service("rr", destination(4, 1, 0, 0)), 2)).isEqualTo("4 4");
        assertThat(series(added("rr"), 1)).isEqualTo("-1");
        assertThat(series(added("rr", 1, 1), 2)).isEqualTo("2 1");
    }

    @Test
    void shouldStartAnewWithAnotherScheduler() {
        assertThat(series(added("rr", 1, 1, 1), 2)).isEqualTo("3 2");
        assertThat(series(added("wrr", 1, 1, 1), 2)).isEqualTo("3 2");
    }

    /** The textbook form of wrr, a level at a time, as a model. */
    @Test
    void shouldWalkTheLevelsAsTheTextbookDoes() {
        for (int round = 0; round < 200; round++) {
            int[] weights = random.ints(1 + random.nextInt(6), 0, 1 + random.nextInt(30))
                    .toArray();
            int greatest = Arrays.stream(weights).max().orElse(0);
            int divisor = Arrays.stream(weights)
                    .reduce(
                            0,
                            (a, b) -> BigInteger.valueOf(a)
                                    .gcd(BigInteger.valueOf(b))
                                    .intValue());
            Service service = added("wrr", weights);
            List<Integer> cycle = new ArrayList<>();
            for (int level = greatest; level > 0; level -= divisor) {
                for (Destination destination : service.destinations) {
                    if (destination.weight >= level) {
                        cycle.add(destination.index);
                    }
                }
            }
            schedulers.pick(added("rr"), counts, flow); // forgets the state
            List<Integer> picks = new ArrayList<>();
            for (int i = 0; i < 2 * cycle.size(); i++) {
                picks.add(pick(service));
            }
            List<Integer> twice = new ArrayList<>(cycle);
            twice.addAll(cycle);
            twice.addAll(cycle);
            assertThat(twice)
                    .as("weights %s, %s", Arrays.toString(weights), replay)
                    .containsSequence(picks);
        }
    }

    @Test
    void shouldNotStepThroughTwoThousandMillionLevels() {
        Service service = service("wrr", destination(1, Integer.MAX_VALUE, 1, 0), destination(2, 1, 0, 0));
        counts.opened(service.destinations[0]);
        assertThat(series(service, 5)).isEqualTo("2 2 2 2 2");
    }

    @ParameterizedTest
    @ValueSource(strings = {"lc", "wlc"})
    void shouldPickTheLeastLoadedOfRandomServers(String name) {
        for (int round = 0; round < 300; round++) {
            int servers = 1 + random.nextInt(8);
            Destination[] destinations = new Destination[servers];
            BigInteger[] loads = new BigInteger[servers];
            for (int i = 0; i < servers; i++) {
                int weight = random.nextInt(4) == 0 ? 0 : 1 + random.nextInt(1 << random.nextInt(31));
                destinations[i] = destination(i + 1, weight, 0, 0);
                long active = random.nextInt(1 << random.nextInt(12));
                long inactive = random.nextInt(1 << random.nextInt(12));
                setLoad(i + 1, active, inactive);
                loads[i] = BigInteger.valueOf(active * 256 + inactive);
            }
            assertThat(pick(service(name, destinations)))
                    .as(replay)
                    .isEqualTo(least(destinations, loads, name.equals("wlc")));
        }
    }

    private void setLoad(int index, long active, long inactive) {
        for (long i = DestinationCounters.active(own.load(index)); i > 0; i--) {
            own.closed(index, true);
        }
        for (long i = DestinationCounters.inactive(own.load(index)); i > 0; i--) {
            own.closed(index, false);
        }
        for (long i = 0; i < active; i++) {
            own.adopted(index, true);
        }
        for (long i = 0; i < inactive; i++) {
            own.adopted(index, false);
        }
    }

    private static int least(Destination[] destinations, BigInteger[] loads, boolean weighted) {
        int best = -1;
        for (int i = 0; i < destinations.length; i++) {
            if (destinations[i].weight > 0) {
                BigInteger mine =
                        loads[i].multiply(BigInteger.valueOf(weighted && best >= 0 ? destinations[best].weight : 1));
                if (best < 0
                        || mine.compareTo(
                                        loads[best].multiply(BigInteger.valueOf(weighted ? destinations[i].weight : 1)))
                                < 0) {
                    best = i;
                }
            }
        }
        return best < 0 ? -1 : destinations[best].index;
    }

    @Test
    void shouldCompareLoadsExactlyWhenTheirProductsAreLong() {
        long load = (1L << 40) - 1;
        assertThat(LeastConnection.less(load, Integer.MAX_VALUE, load, Integer.MAX_VALUE - 1))
                .isTrue();
        assertThat(LeastConnection.less(load, Integer.MAX_VALUE - 1, load, Integer.MAX_VALUE))
                .isFalse();
        assertThat(LeastConnection.less(load - 1, Integer.MAX_VALUE, load, Integer.MAX_VALUE))
                .isTrue();
        assertThat(LeastConnection.less(load, 7, load, 7)).isFalse();
    }

    @Test
    void shouldKeepAServerOverloadedUntilItFallsBelowTheLowerThreshold() {
        Destination server = destination(1, 1, 10, 5);
        for (int i = 0; i < 9; i++) {
            counts.opened(server);
            assertThat(counts.usable(server)).isTrue();
        }
        counts.opened(server);
        assertThat(counts.usable(server)).isFalse();
        for (int left = 9; left >= 5; left--) {
            counts.closed(1, server, false);
            assertThat(counts.usable(server)).as("%d left", left).isFalse();
        }
        counts.closed(1, server, false);
        assertThat(counts.usable(server)).isTrue();
        for (int now = 5; now <= 9; now++) {
            counts.opened(server);
            assertThat(counts.usable(server)).isTrue();
        }
    }

    @Test
    void shouldTakeThreeQuartersOfTheUpperThresholdForTheLower() {
        Destination server = destination(1, 1, 8, 0);
        for (int i = 0; i < 8; i++) {
            counts.opened(server);
        }
        counts.closed(1, server, false);
        counts.closed(1, server, false);
        assertThat(counts.usable(server)).as("6 of 8").isFalse();
        counts.closed(1, server, false);
        assertThat(counts.usable(server)).as("5 of 8").isTrue();
    }

    @Test
    void shouldForgetOverloadWhenTheThresholdIsTakenAway() {
        Destination server = destination(1, 1, 2, 1);
        counts.opened(server);
        counts.opened(server);
        assertThat(counts.usable(server)).isFalse();
        assertThat(counts.usable(destination(1, 1, 0, 0))).isTrue();
        counts.closed(1, server, false);
        assertThat(counts.usable(server)).isTrue();
    }

    @Test
    void shouldSeeTheOtherWorkersConnectionsFromTheNextCycleOn() {
        DestinationCounters other = new DestinationCounters();
        DestinationCounts both = new DestinationCounts(new Overloads(), own, other);
        Service service = added("lc", 1, 1);
        assertThat(service.destinations[schedulers.pick(service, both, flow)].index)
                .isEqualTo(2);
        for (int i = 0; i < 3; i++) {
            other.opened(2);
        }
        other.changed(2, 1);
        both.beginCycle();
        assertThat(service.destinations[schedulers.pick(service, both, flow)].index)
                .isEqualTo(1);
        own.adopted(1, true);
        own.adopted(1, true);
        assertThat(service.destinations[schedulers.pick(service, both, flow)].index)
                .isEqualTo(2);
    }

    @Test
    void shouldKeepActiveAndInactiveApart() {
        Destination server = destination(9, 1, 0, 0);
        counts.opened(server);
        counts.opened(server);
        counts.changed(9, 1);
        counts.changed(9, 0);
        assertThat(DestinationCounters.active(own.load(9))).isEqualTo(1);
        assertThat(DestinationCounters.inactive(own.load(9))).isEqualTo(1);
        counts.changed(9, -1);
        counts.closed(9, null, false);
        assertThat(DestinationCounters.active(own.load(9))).isZero();
        assertThat(DestinationCounters.inactive(own.load(9))).isEqualTo(1);
        assertThat(own.connections(9)).isEqualTo(2);
    }

    @Test
    void shouldCountTraffic() {
        own.count(65_535, 0, 100);
        own.count(65_535, 1, 1500);
        own.count(65_535, 2, 80, 3, 120);
        assertThat(own.inPackets(65_535)).isEqualTo(3);
        assertThat(own.inBytes(65_535)).isEqualTo(180);
        assertThat(own.outPackets(65_535)).isEqualTo(4);
        assertThat(own.outBytes(65_535)).isEqualTo(1620);
        assertThat(own.inPackets(65_534)).isZero();
    }
}
