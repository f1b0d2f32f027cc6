package lvsd.dataplane.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CyclicBarrier;
import java.util.random.RandomGenerator;
import lvsd.dataplane.scheduler.Models.Model;
import lvsd.dataplane.scheduler.Models.Packet;
import lvsd.dataplane.scheduler.Models.Server;
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

/** Several workers balance one service, a burst at a time, and know of each other only what a cycle shows them. */
class SharesTest {
    private static final int[] WEIGHTS = {40, 10, 20, 30};
    private static final int BURST = 64;
    private static final int CONNECTIONS = 40_000;
    /** Connections alive at a time. */
    private static final int ALIVE = 2000;

    /** One worker's part of the schedulers. */
    private static final class Side {
        final DestinationCounts counts;
        final Schedulers schedulers = new Schedulers();
        final Flow flow = new Flow();
        /** Indexes of the destinations of its connections. */
        final List<Destination> alive = new ArrayList<>();

        Side(Overloads overloads, DestinationCounters own, DestinationCounters other) {
            this.counts = new DestinationCounts(overloads, own, other);
        }

        /** Opens a connection; false if there is nobody for it. */
        boolean open(Service service) {
            int place = schedulers.pick(service, counts, flow);
            if (place == Scheduler.NONE) {
                return false;
            }
            Destination destination = service.destinations[place];
            counts.opened(destination);
            counts.changed(destination.index, 1);
            alive.add(destination);
            return true;
        }

        void end(int which) {
            Destination last = alive.removeLast();
            Destination destination = which == alive.size() ? last : alive.set(which, last);
            counts.closed(destination.index, destination, true);
        }
    }

    private static List<Side> sides() {
        Overloads overloads = new Overloads();
        DestinationCounters one = new DestinationCounters();
        DestinationCounters other = new DestinationCounters();
        return List.of(new Side(overloads, one, other), new Side(overloads, other, one));
    }

    private static InetAddress address(int last) {
        try {
            return InetAddress.getByAddress(new byte[] {(byte) 192, 0, 2, (byte) last});
        } catch (UnknownHostException impossible) {
            throw new AssertionError(impossible);
        }
    }

    /** Servers 0, 1, ... added in that order. */
    private static Service service(String scheduler, int upperThreshold) {
        ServiceId id = new ServiceId.Vip(Protocol.TCP, address(100), 80);
        List<Destination> newestFirst = new ArrayList<>();
        for (int at = 0; at < WEIGHTS.length; at++) {
            DestinationSpec spec = new DestinationSpec(
                    id,
                    address(at + 1),
                    80,
                    ForwardingMethod.NAT,
                    WEIGHTS[at],
                    upperThreshold,
                    0,
                    DestinationSpec.Tunnel.IPIP);
            newestFirst.addFirst(new Destination(at, 2, spec));
        }
        ServiceSpec spec = new ServiceSpec(
                id, scheduler, Set.of(), OptionalInt.empty(), -1, "", false, false, OptionalInt.empty());
        return new Service(2, spec, newestFirst, List.of(), 1);
    }

    /** Shares of the servers when two workers take turns at random, in bursts of any size. */
    private static double[] twoWorkers(String scheduler, RandomGenerator random) {
        Service service = service(scheduler, 0);
        List<Side> sides = sides();
        double[] picks = new double[WEIGHTS.length];
        int opened = 0;
        while (opened < CONNECTIONS) {
            Side side = sides.get(random.nextInt(2));
            side.counts.beginCycle();
            for (int left = 1 + random.nextInt(BURST); left > 0; left--) {
                if (side.open(service)) {
                    picks[side.alive.getLast().index]++;
                    opened++;
                }
                if (side.alive.size() > ALIVE / 2) {
                    side.end(random.nextInt(side.alive.size()));
                }
            }
        }
        return shares(picks);
    }

    /** The same for the model, one connection after the other. */
    private static double[] model(String scheduler, RandomGenerator random) {
        Model model = Models.create(scheduler, false, false);
        for (int at = 0; at < WEIGHTS.length; at++) {
            model.added(new Server(at, at, WEIGHTS[at]));
        }
        List<Server> alive = new ArrayList<>();
        double[] picks = new double[WEIGHTS.length];
        int opened = 0;
        while (opened < CONNECTIONS) {
            Server server = model.pick(new Packet(1, 2, 3, 0));
            if (server != null) {
                server.active++;
                picks[server.index]++;
                alive.add(server);
                opened++;
            }
            if (alive.size() > ALIVE || server == null) {
                alive.remove(random.nextInt(alive.size())).active--;
            }
        }
        return shares(picks);
    }

    private static double[] shares(double[] picks) {
        double[] shares = new double[picks.length];
        for (int at = 0; at < picks.length; at++) {
            shares[at] = picks[at] / CONNECTIONS;
        }
        return shares;
    }

    @ParameterizedTest
    @ValueSource(strings = {"rr", "wrr", "lc", "wlc", "sed", "nq", "fo"})
    void shouldShareAsOneWorkerWould(String scheduler) {
        SeededTest.run(3, random -> {
            double[] two = twoWorkers(scheduler, random);
            double[] one = model(scheduler, random);
            for (int at = 0; at < one.length; at++) {
                assertThat(two[at]).as("share of server %d", at).isBetween(one[at] - 0.02, one[at] + 0.02);
            }
        });
    }

    /** A worker that is in the middle of its burst does not see the other's: what two real threads do to shares. */
    @ParameterizedTest
    @ValueSource(strings = {"wlc", "sed", "twos"})
    void shouldShareByWeightWhenWorkersRunAtTheSameTime(String scheduler) throws Exception {
        Service service = service(scheduler, 0);
        List<Side> sides = sides();
        together(sides, side -> {
            for (int opened = 0; opened < CONNECTIONS / 2; opened += BURST) {
                side.counts.beginCycle();
                for (int i = 0; i < BURST; i++) {
                    side.open(service);
                }
            }
        });
        double[] picks = new double[WEIGHTS.length];
        sides.forEach(side -> side.alive.forEach(destination -> picks[destination.index]++));
        for (int at = 0; at < WEIGHTS.length; at++) {
            assertThat(shares(picks)[at]).isBetween(WEIGHTS[at] / 100.0 - 0.02, WEIGHTS[at] / 100.0 + 0.02);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"rr", "wrr", "lc", "wlc", "sed", "nq", "fo", "ovf", "lblcr", "twos"})
    void shouldNotPassAnUpperThresholdByMoreThanABurst(String scheduler) throws Exception {
        int threshold = 3000;
        Service service = service(scheduler, threshold);
        List<Side> sides = sides();
        together(sides, side -> {
            for (int cycle = 0; cycle < 200; cycle++) {
                side.counts.beginCycle();
                for (int i = 0; i < BURST; i++) {
                    side.open(service);
                }
            }
        });
        long[] connections = new long[WEIGHTS.length];
        sides.forEach(side -> side.alive.forEach(destination -> connections[destination.index]++));
        assertThat(Arrays.stream(connections).max().orElseThrow()).isLessThanOrEqualTo(threshold + BURST);
        if (!scheduler.equals("ovf")) {
            assertThat(Arrays.stream(connections).min().orElseThrow())
                    .as("all were needed")
                    .isPositive();
        }
    }

    private interface Work {
        void run(Side side);
    }

    private static void together(List<Side> sides, Work work) throws Exception {
        CyclicBarrier start = new CyclicBarrier(sides.size());
        List<Throwable> failures = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (Side side : sides) {
            Thread thread = new Thread(() -> {
                try {
                    start.await();
                } catch (Exception interrupted) {
                    throw new IllegalStateException(interrupted);
                }
                work.run(side);
            });
            thread.setUncaughtExceptionHandler((who, failure) -> {
                synchronized (failures) {
                    failures.add(failure);
                }
            });
            threads.add(thread);
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(failures).isEmpty();
    }

    /** Between the thresholds a server is what it was, whoever saw it become so. */
    @Test
    void shouldAgreeOnWhoIsOverloaded() {
        List<Side> sides = sides();
        Service service = service("rr", 10);
        Destination server = service.destinations[0];
        for (int i = 0; i < 5; i++) {
            sides.get(0).counts.opened(server);
            sides.get(1).counts.opened(server);
        }
        assertThat(sides.get(0).counts.usable(server)).isFalse();
        assertThat(sides.get(1).counts.usable(server)).isFalse();
        for (int i = 0; i < 2; i++) {
            sides.get(1).counts.closed(server.index, server, false);
        }
        assertThat(sides.get(0).counts.usable(server)).as("8 of 10").isFalse();
        sides.get(1).counts.closed(server.index, server, false);
        assertThat(sides.get(1).counts.usable(server)).as("7 of 10").isTrue();
        assertThat(sides.get(0).counts.usable(server)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"lblc", "lblcr", "sh", "dh", "mh"})
    void shouldGiveAnAddressTheSameServerOnEveryWorker(String scheduler) {
        SeededTest.run(20, random -> {
            Service service = service(scheduler, 0);
            List<Side> sides = sides();
            for (Side side : sides) {
                side.flow.virtualLow = 0x0a01_0203;
                side.flow.clientLow = random.nextInt();
            }
            sides.get(1).flow.clientLow = sides.get(0).flow.clientLow;
            assertThat(sides.get(0).open(service)).isTrue();
            Destination first = sides.get(0).alive.getFirst();
            for (int i = 0; i < 5; i++) {
                Side side = sides.get(random.nextInt(2));
                assertThat(side.open(service)).isTrue();
                assertThat(side.alive.getLast()).isSameAs(first);
            }
        });
    }
}
