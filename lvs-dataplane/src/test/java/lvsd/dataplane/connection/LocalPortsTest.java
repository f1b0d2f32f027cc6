package lvsd.dataplane.connection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;
import lvsd.dataplane.service.Wire;
import lvsd.wire.SeededTest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LocalPortsTest {
    private static final int TCP = 6;
    private static final int SERVER_PORT = Wire.port(8080);
    private static final long SERVER = 0x0114_12c6_0214_12c6L;

    private final long seed = Long.getLong("seed", SeededTest.base());
    private final String replay = "replay with -Dseed=" + seed;
    private final RandomGenerator random = SeededTest.random(seed);
    private final List<LocalPorts> opened = new ArrayList<>();

    @AfterEach
    void unmap() {
        opened.forEach(LocalPorts::close);
    }

    private LocalPorts ports(PortShare share, int pools) {
        LocalPorts ports = new LocalPorts(share, pools, random.nextLong(), random.nextLong(), false);
        opened.add(ports);
        return ports;
    }

    private LocalPorts ports(int first, int last) {
        LocalPorts ports = ports(PortShare.Modulo.ALL, 8);
        ports.setRange(first, last);
        return ports;
    }

    /** The port taken, in host order, or -1. */
    private static int acquire(LocalPorts ports, long server) {
        int port = ports.acquire4(3, server, SERVER_PORT, TCP);
        return port == LocalPorts.NONE ? -1 : Wire.port(port);
    }

    private static boolean claim(LocalPorts ports, long server, int serverSide) {
        return ports.claim4(ports.key4(server, serverSide, TCP), 3, server, serverSide);
    }

    private static boolean release(LocalPorts ports, long server, int port) {
        return ports.release4(server, SERVER_PORT | Wire.port(port) << 16, TCP);
    }

    @Test
    void shouldGiveOutEveryPortOfTheRangeOnceAndThenNone() {
        LocalPorts ports = ports(5000, 5999);
        Set<Integer> taken = new HashSet<>();
        for (int i = 0; i < 1000; i++) {
            taken.add(acquire(ports, SERVER));
        }
        assertThat(taken).hasSize(1000).allMatch(port -> port >= 5000 && port <= 5999);
        assertThat(ports.inUse(3)).isEqualTo(1000);
        assertThat(acquire(ports, SERVER)).isEqualTo(-1);
        assertThat(ports.exhausted(3)).isEqualTo(1);

        assertThat(release(ports, SERVER, 5500)).isTrue();
        assertThat(acquire(ports, SERVER)).isEqualTo(5500);
    }

    @Test
    void shouldServeSeveralServersWithTheSamePort() {
        LocalPorts ports = ports(5000, 5009);
        for (long server = SERVER; server < SERVER + 5; server++) {
            for (int i = 0; i < 10; i++) {
                assertThat(acquire(ports, server)).isNotEqualTo(-1);
            }
            assertThat(acquire(ports, server)).isEqualTo(-1);
        }
        assertThat(ports.acquire4(3, SERVER, SERVER_PORT, 17)).isNotEqualTo(LocalPorts.NONE);
        assertThat(ports.acquire4(3, SERVER, Wire.port(8081), TCP)).isNotEqualTo(LocalPorts.NONE);
    }

    /** As clients do who come one after the other: a server that holds TIME_WAIT for each is left alone for longest. */
    @Test
    void shouldReuseAPortOnlyAfterNearlyAllOthers() {
        LocalPorts ports = ports(2000, 2999);
        Map<Integer, Integer> lastUse = new HashMap<>();
        for (int i = 0; i < 100_000; i++) {
            int port = acquire(ports, SERVER);
            Integer before = lastUse.put(port, i);
            assertThat(before == null ? 1000 : i - before).as(replay).isGreaterThan(1000 - 17);
            assertThat(release(ports, SERVER, port)).isTrue();
        }
        assertThat(lastUse).hasSize(1000);
    }

    @Test
    void shouldTakeThoseFreeForLongestFirst() {
        LocalPorts ports = ports(2000, 2999);
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            order.add(acquire(ports, SERVER));
        }
        order.forEach(port -> release(ports, SERVER, port));
        for (int i = 0; i < 1000; i++) {
            assertThat(order.indexOf(acquire(ports, SERVER))).as(replay).isLessThan(i + 16);
        }
    }

    @Test
    void shouldNotBePredictable() {
        List<List<Integer>> sequences = new ArrayList<>();
        for (int instance = 0; instance < 2; instance++) {
            LocalPorts ports = ports(1025, 65535);
            List<Integer> sequence = new ArrayList<>();
            for (int i = 0; i < 400; i++) {
                sequence.add(acquire(ports, SERVER));
            }
            for (int quarter = 0; quarter < 4; quarter++) {
                int low = 1025 + quarter * 16128;
                assertThat(sequence.stream()
                                .filter(port -> port >= low && port < low + 16128)
                                .count())
                        .as(replay)
                        .isBetween(50L, 150L);
            }
            sequences.add(sequence);
        }
        assertThat(sequences.get(0)).isNotEqualTo(sequences.get(1));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 8})
    void shouldDivideTheRangeAmongWorkersByModulo(int workers) {
        Set<Integer> all = new HashSet<>();
        for (int worker = 0; worker < workers; worker++) {
            LocalPorts ports = ports(new PortShare.Modulo(worker, workers), 4);
            ports.setRange(3000, 4199);
            for (int port = acquire(ports, SERVER); port != -1; port = acquire(ports, SERVER)) {
                assertThat(port % workers).isEqualTo(worker);
                assertThat(all.add(port)).isTrue();
            }
        }
        assertThat(all).hasSize(1200);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 8})
    void shouldDivideTheRangeAmongWorkersAsTheNicDoes(int workers) {
        Toeplitz toeplitz = new Toeplitz(Toeplitz.defaultKey());
        int[] workerOf = new int[128];
        for (int i = 0; i < workerOf.length; i++) {
            workerOf[i] = i % workers;
        }
        Set<Integer> all4 = new HashSet<>();
        Set<Integer> all6 = new HashSet<>();
        for (int worker = 0; worker < workers; worker++) {
            LocalPorts ports = ports(new PortShare.Rss(toeplitz, workerOf, worker), 4);
            ports.setRange(3000, 4199);
            for (int port = acquire(ports, SERVER); port != -1; port = acquire(ports, SERVER)) {
                int hash = toeplitz.hash4(SERVER, SERVER_PORT | Wire.port(port) << 16);
                assertThat(workerOf[hash & 127]).isEqualTo(worker);
                assertThat(all4.add(port)).isTrue();
            }
            for (int wire = ports.acquire6(1, 1, 2, 3, 4, SERVER_PORT, TCP);
                    wire != LocalPorts.NONE;
                    wire = ports.acquire6(1, 1, 2, 3, 4, SERVER_PORT, TCP)) {
                int hash = toeplitz.hash6(1, 2, 3, 4, SERVER_PORT | wire << 16);
                assertThat(workerOf[hash & 127]).isEqualTo(worker);
                assertThat(all6.add(wire)).isTrue();
            }
        }
        assertThat(all4).hasSize(1200);
        assertThat(all6).hasSize(1200);
    }

    @Test
    void shouldIgnoreTheReleaseOfAPortThatIsNotTaken() {
        LocalPorts ports = ports(5000, 5003);
        assertThat(release(ports, SERVER, 5000)).isFalse();
        int port = acquire(ports, SERVER);
        assertThat(release(ports, SERVER, port)).isTrue();
        assertThat(release(ports, SERVER, port)).isFalse();
        assertThat(ports.inUse(3)).isZero();
    }

    @Test
    void shouldKeepAClaimedPortFromOthersUntilItIsReleased() {
        LocalPorts ports = ports(5000, 5003);
        int claimed = SERVER_PORT | Wire.port(5002) << 16;
        assertThat(claim(ports, SERVER, claimed)).isTrue();
        assertThat(claim(ports, SERVER, claimed)).isFalse();
        Set<Integer> taken = new HashSet<>();
        for (int i = 0; i < 4; i++) {
            taken.add(acquire(ports, SERVER));
        }
        assertThat(taken).containsExactlyInAnyOrder(5000, 5001, 5003, -1);
        assertThat(ports.release4(SERVER, claimed, TCP)).isTrue();
        assertThat(acquire(ports, SERVER)).isEqualTo(5002);
    }

    @Test
    void shouldSharePoolsWhenThereAreMoreServersThanPools() {
        LocalPorts ports = ports(PortShare.Modulo.ALL, 3);
        ports.setRange(5000, 5099);
        Map<Long, Set<Integer>> taken = new HashMap<>();
        int count = 0;
        for (int round = 0; round < 20; round++) {
            for (long server = 0; server < 10; server++) {
                int port = acquire(ports, server);
                if (port != -1) {
                    assertThat(taken.computeIfAbsent(server, s -> new HashSet<>())
                                    .add(port))
                            .isTrue();
                    count++;
                }
            }
        }
        assertThat(count).as(replay).isGreaterThan(100).isLessThanOrEqualTo(200);
        taken.forEach((server, set) -> set.forEach(port -> release(ports, server, port)));
        assertThat(ports.inUse(3)).isZero();

        for (int i = 0; i < 100; i++) { // the pools of idle servers come free for others
            assertThat(acquire(ports, 77)).isNotEqualTo(-1);
        }
    }

    @Test
    void shouldOutliveManyServersThatComeAndGo() {
        LocalPorts ports = ports(PortShare.Modulo.ALL, 4);
        ports.setRange(5000, 5009);
        for (long server = 0; server < 10_000; server++) {
            int port = acquire(ports, server);
            assertThat(port).as(replay).isNotEqualTo(-1);
            assertThat(release(ports, server, port)).isTrue();
        }
    }

    @Test
    void shouldAgreeWithSetsUnderRandomChanges() {
        LocalPorts ports = ports(PortShare.Modulo.ALL, 6);
        ports.setRange(5000, 5049);
        int low = 5000;
        Map<Long, Set<Integer>> taken = new HashMap<>();
        long total = 0;
        for (int step = 0; step < 100_000; step++) {
            long server = random.nextInt(5);
            Set<Integer> mine = taken.computeIfAbsent(server, s -> new HashSet<>());
            int port = low + random.nextInt(50);
            switch (random.nextInt(8)) {
                case 0, 1, 2 -> {
                    int got = acquire(ports, server);
                    if (got == -1) {
                        for (int p = low; p < low + 50; p++) {
                            assertThat(mine).as("step %d, %s", step, replay).contains(p);
                        }
                    } else {
                        assertThat(got).isBetween(low, low + 49);
                        assertThat(mine.add(got)).as(replay).isTrue();
                        total++;
                    }
                }
                case 3 -> {
                    boolean claimed = claim(ports, server, SERVER_PORT | Wire.port(port) << 16);
                    assertThat(claimed).as(replay).isEqualTo(mine.add(port));
                    total += claimed ? 1 : 0;
                }
                case 4, 5, 6 -> {
                    int old = mine.isEmpty() || random.nextBoolean()
                            ? port
                            : mine.iterator().next();
                    boolean released = release(ports, server, old);
                    assertThat(released).as("step %d, %s", step, replay).isEqualTo(mine.remove(old));
                    total -= released ? 1 : 0;
                }
                default -> {
                    if (random.nextInt(200) == 0) {
                        low = 5000 + random.nextInt(60);
                        ports.setRange(low, low + 49);
                    }
                }
            }
            assertThat(ports.inUse(3)).isEqualTo(total);
        }
    }

    @Test
    void shouldRefuseARangeThatIsNone() {
        LocalPorts ports = ports(1, 65535);
        assertThatThrownBy(() -> ports.setRange(0, 10)).hasMessageContaining("local port range 0 to 10");
        assertThatThrownBy(() -> ports.setRange(20, 10)).hasMessageContaining("local port range");
        assertThatThrownBy(() -> ports.setRange(20, 65536)).hasMessageContaining("local port range");
    }
}
