package lvsd.sync;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import lvsd.rules.Rule;
import lvsd.wire.SeededTest;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * One master and two backups on a group that loses, delays, repeats and parts, and directors that start again; time is
 * virtual. After a while of quiet all tables are the same.
 */
final class SimulationTest {
    private static final int RUNS = Integer.getInteger("sync.runs", 2_000);
    private static final String KEY = "0123456789abcdef0123456789abcdef";
    private static final int PORTS = 2;
    /** Milliseconds. */
    private static final int STEP = 5;

    private static final class Flight {
        private final long at;
        private final int from;
        private final int port;
        private final byte[] bytes;

        Flight(long at, int from, int port, byte[] bytes) {
            this.at = at;
            this.from = from;
            this.port = port;
            this.bytes = bytes;
        }

        long at() {
            return at;
        }

        int from() {
            return from;
        }

        int port() {
            return port;
        }

        byte[] bytes() {
            return bytes;
        }
    }

    /** The group. */
    private static final class Network {
        final RandomGenerator random;
        final List<Flight> flights = new ArrayList<>();
        final boolean[] cut = new boolean[3];
        final List<Flight> heard = new ArrayList<>();
        double loss;
        double repeat;
        int delay;
        long now = 1_795_262_565_000L;

        Network(RandomGenerator random) {
            this.random = random;
        }

        Link link(int node) {
            return (port, bytes, length) -> {
                byte[] copy = Arrays.copyOf(bytes, length);
                fly(node, port, copy);
                if (random.nextDouble() < repeat) {
                    fly(node, port, copy);
                }
                return true;
            };
        }

        private void fly(int node, int port, byte[] bytes) {
            flights.add(new Flight(now + 1 + (delay == 0 ? 0 : random.nextInt(delay)), node, port, bytes));
        }
    }

    /** One director. */
    private static final class Node {
        final int index;
        final Network network;
        final MemoryTable table;

        @Nullable
        Master master;

        @Nullable
        Backup backup;

        Node(int index, Network network, MemoryTable table) {
            this.index = index;
            this.network = network;
            this.table = table;
            long id = network.random.nextLong();
            Rule.Role role = index == 0 ? Rule.Role.MASTER : Rule.Role.BACKUP;
            DaemonSettings daemon = Writers.daemon(role, 7, 400);
            SyncSettings settings = new SyncSettings(PORTS, 1, 20, 5_000, 64, 0);
            Rings rings = new Rings(IcvAlgorithm.HMAC_SHA256_128, Writers.keys(KEY), daemon, PORTS);
            RandomGenerator random = new SplittableRandom(id);
            if (index == 0) {
                master = new Master(daemon, settings, rings, id, table, network.link(0), random, network.now);
            } else {
                backup = new Backup(
                        daemon, settings, rings, id, table, network.link(index), random, 1 << 10, network.now);
            }
        }

        void receive(Flight flight) {
            if (master != null) {
                master.receive(flight.port(), flight.bytes(), flight.bytes().length, network.now);
            }
            if (backup != null) {
                backup.receive(flight.port(), flight.bytes(), flight.bytes().length, network.now);
            }
        }

        void work() {
            if (master != null) {
                master.work(network.now);
            }
            if (backup != null) {
                backup.work(network.now);
            }
        }
    }

    private final Node[] nodes = new Node[3];
    /** A master that died may take ends of connections with it; backups then keep them until they time out. */
    private boolean masterRestarted;

    private void step(Network network) {
        network.now += STEP;
        List<Flight> due = network.flights.stream()
                .filter(flight -> flight.at() <= network.now)
                .toList();
        network.flights.removeAll(due);
        for (Flight flight : due) {
            network.heard.add(flight);
            for (Node node : nodes) {
                boolean reached = node.index != flight.from()
                        && !network.cut[node.index]
                        && !network.cut[flight.from()]
                        && network.random.nextDouble() >= network.loss;
                if (reached) {
                    node.receive(flight);
                }
            }
        }
        for (Node node : nodes) {
            node.work();
        }
    }

    private void traffic(Network network, int steps) {
        RandomGenerator random = network.random;
        MemoryTable table = nodes[0].table;
        for (int i = 0; i < steps; i++) {
            if (random.nextInt(2) == 0) {
                change(table, random);
            }
            if (random.nextInt(150) == 0) {
                restart(network, random.nextInt(3));
            }
            if (random.nextInt(100) == 0) {
                network.cut[random.nextInt(3)] ^= true;
            }
            if (random.nextInt(10) == 0 && !network.heard.isEmpty()) {
                replay(network);
            }
            step(network);
        }
    }

    /** An attacker sends again what was heard, from wherever. */
    private void replay(Network network) {
        Flight old = network.heard.get(network.random.nextInt(network.heard.size()));
        for (Node node : nodes) {
            node.receive(old);
        }
    }

    /** A backup that starts again has lost its table; a master has kept its own (its peers may not know all of it). */
    private void restart(Network network, int index) {
        masterRestarted |= index == 0;
        MemoryTable table = index == 0 ? nodes[0].table : new MemoryTable();
        nodes[index] = new Node(index, network, table);
    }

    private static void change(MemoryTable table, RandomGenerator random) {
        SyncConnection present = table.any(random);
        int what = random.nextInt(4);
        if (present != null && what == 0) {
            table.remove(present);
        } else if (present != null && what == 1) {
            present.state = 1 + random.nextInt(7);
            present.localPort = random.nextInt(65536);
            present.local = true;
            table.put(present);
        } else {
            SyncConnection made = EntryFuzzTest.random(random, 1);
            made.deleted = false;
            made.protocol = 6;
            made.local = true;
            table.put(made);
        }
    }

    @Test
    void tablesAgreeAfterQuiet() {
        SeededTest.run(RUNS, random -> {
            Network network = new Network(random);
            for (int i = 0; i < 3; i++) {
                nodes[i] = new Node(i, network, new MemoryTable());
            }
            masterRestarted = false;
            network.loss = random.nextInt(3) * 0.1;
            network.repeat = random.nextInt(3) * 0.1;
            network.delay = random.nextInt(3) * 15;
            traffic(network, 400);
            network.loss = 0;
            Arrays.fill(network.cut, false);
            for (int i = 0; i < 4_000 && (i < 200 || i % 100 != 0 || !quiet()); i++) {
                step(network);
            }
            for (int i = 1; i < 3; i++) {
                Map<String, String> missing = new TreeMap<>(nodes[0].table.content());
                Map<String, String> more = new TreeMap<>(nodes[i].table.content());
                missing.entrySet().removeAll(nodes[i].table.content().entrySet());
                more.entrySet().removeAll(nodes[0].table.content().entrySet());
                assertThat(missing).as("missing at backup " + i).isEmpty();
                if (!masterRestarted) {
                    assertThat(more).as("left over at backup " + i).isEmpty();
                }
            }
        });
    }

    private boolean quiet() {
        return nodes[1].table.content().equals(nodes[0].table.content())
                && nodes[2].table.content().equals(nodes[0].table.content());
    }
}
