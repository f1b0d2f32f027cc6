package lvsd.sync;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import lvsd.rules.Rule;
import lvsd.wire.SeededTest;
import org.junit.jupiter.api.Test;

/**
 * What the syncd strong authentication document leaves open, {@code hmac-sha256-128} closes: a gap a test. An attacker hears
 * everything and sends it again, to whom and when it likes; it has no key.
 */
class GapsTest {
    private static final String KEY = "0123456789abcdef0123456789abcdef";
    private static final String NEWER = "fedcba9876543210fedcba9876543210";
    private static final int SYNCID = 7;
    private static final int PORTS = 4;
    /** Milliseconds that a backup takes to know a master and have its table, at the most. */
    private static final int KNOWN = 6_000;

    /** A datagram, and the place of who sent it. */
    private static final class Sent {
        final int from;
        final int port;
        final byte[] bytes;

        Sent(int from, int port, byte[] bytes) {
            this.from = from;
            this.port = port;
            this.bytes = bytes;
        }
    }

    /** A group with directors, each a master or a backup; a millisecond is a step. */
    private static final class Segment {
        final RandomGenerator random;
        final List<Sent> flying = new ArrayList<>();
        final List<Sent> heard = new ArrayList<>();
        final List<Node> nodes = new ArrayList<>();
        boolean shuffled;
        long now = 1_795_262_565_000L;

        Segment(RandomGenerator random) {
            this.random = random;
        }

        Node master(MemoryTable table) {
            return add(new Node(this, nodes.size(), Rule.Role.MASTER, table));
        }

        Node backup() {
            return add(new Node(this, nodes.size(), Rule.Role.BACKUP, new MemoryTable()));
        }

        private Node add(Node node) {
            nodes.add(node);
            return node;
        }

        /** The node in place of another is a new process; {@code table} is what it has. */
        Node restart(Node old, MemoryTable table) {
            Node fresh = new Node(this, old.place, old.role, table);
            nodes.set(old.place, fresh);
            return fresh;
        }

        void pass(int millis) {
            for (int i = 0; i < millis; i++) {
                now++;
                nodes.forEach(Node::work);
                List<Sent> due = new ArrayList<>(flying);
                flying.clear();
                if (shuffled) {
                    // In any order, and some a step later.
                    Collections.shuffle(due, new java.util.Random(random.nextLong()));
                    int kept = due.size() - due.size() / 3;
                    flying.addAll(due.subList(kept, due.size()));
                    due = due.subList(0, kept);
                }
                for (Sent each : due) {
                    heard.add(each);
                    nodes.stream().filter(node -> node.place != each.from).forEach(node -> node.receive(each));
                }
            }
        }

        /** All that was heard so far, to all, as it was, mixed with a step of time now and then. */
        void replay() {
            List<Sent> old = List.copyOf(heard);
            for (int i = 0; i < old.size(); i++) {
                Sent each = old.get(i);
                nodes.forEach(node -> node.receive(each));
                if (i % 16 == 0) {
                    pass(1);
                }
            }
        }
    }

    /** A director. */
    private static final class Node {
        final Segment segment;
        final int place;
        final Rule.Role role;
        final MemoryTable table;
        final Rings rings;
        final Master master;
        final Backup backup;
        boolean off;

        Node(Segment segment, int place, Rule.Role role, MemoryTable table) {
            this.segment = segment;
            this.place = place;
            this.role = role;
            this.table = table;
            DaemonSettings daemon = Writers.daemon(role, SYNCID, 1400);
            SyncSettings settings = new SyncSettings(PORTS, 1, 20, 50_000, 4096, 0);
            rings = new Rings(IcvAlgorithm.HMAC_SHA256_128, Writers.keys(KEY), daemon, PORTS);
            RandomGenerator own = new SplittableRandom(segment.random.nextLong());
            long id = own.nextLong();
            Link link = (port, bytes, length) -> {
                if (!off) {
                    segment.flying.add(new Sent(place, port, Arrays.copyOf(bytes, length)));
                }
                return true;
            };
            // Either lies idle in a node of the other role.
            master = new Master(daemon, settings, rings, id, table, link, own, segment.now);
            backup = new Backup(daemon, settings, rings, id, table, link, own, 1 << 10, segment.now);
        }

        void work() {
            if (off) {
                return;
            }
            if (role == Rule.Role.MASTER) {
                master.work(segment.now);
            } else {
                backup.work(segment.now);
            }
        }

        void receive(Sent datagram) {
            if (off) {
                return;
            }
            byte[] copy = datagram.bytes.clone();
            if (role == Rule.Role.MASTER) {
                master.receive(datagram.port, copy, copy.length, segment.now);
            } else {
                backup.receive(datagram.port, copy, copy.length, segment.now);
            }
        }

        /** Makes, changes and ends connections of its own for a while. */
        void live(int base, int times) {
            for (int i = 0; i < times; i++) {
                SyncConnection connection = Writers.connection(base + segment.random.nextInt(500));
                if (segment.random.nextInt(3) == 0) {
                    table.remove(connection);
                } else {
                    connection.state = 1 + segment.random.nextInt(7);
                    table.put(connection);
                }
                segment.pass(3);
            }
            segment.pass(100);
        }

        Map<String, String> content() {
            return table.content();
        }

        long drops(SyncDrop reason) {
            return backup.stats().drops(reason);
        }
    }

    /** A backup has these connections and no others; a failure shows the first of those that differ. */
    private static void assertSame(Node backup, Map<String, String> wanted) {
        List<String> differences = new ArrayList<>();
        new TreeMap<>(wanted).forEach((key, row) -> {
            if (!row.equals(backup.content().get(key))) {
                differences.add(
                        "missing " + row + ", there is " + backup.content().get(key));
            }
        });
        backup.content().forEach((key, row) -> {
            if (!wanted.containsKey(key)) {
                differences.add("left over " + row);
            }
        });
        assertThat(differences.stream().limit(3)).isEmpty();
    }

    private interface Case {
        void run(Segment segment) throws Exception;
    }

    private static void each(Case test) {
        SeededTest.run(20, random -> test.run(new Segment(random)));
    }

    @Test
    void aMasterThatStartsAgainIsHeardAtOnceAndWhatItSaidBeforeIsNot() {
        each(segment -> {
            Node master = segment.master(new MemoryTable());
            Node backup = segment.backup();
            segment.pass(KNOWN);
            master.live(1000, 200);
            // It lost all, its clock stood still, and it is back in the same moment.
            Node again = segment.restart(master, new MemoryTable());
            again.live(2000, 200);
            segment.pass(KNOWN);
            Map<String, String> before = backup.content();
            assertThat(before).containsAllEntriesOf(again.content());
            long taken = backup.backup.stats().connections;
            segment.replay();
            segment.pass(KNOWN);
            assertSame(backup, before);
            assertThat(backup.backup.stats().connections).isEqualTo(taken);
            assertThat(backup.drops(SyncDrop.REPLAY)).isPositive();
            assertThat(backup.drops(SyncDrop.SENDER))
                    .as("of the one that is no more")
                    .isPositive();
        });
    }

    @Test
    void aBackupThatStartsAgainTakesNothingOld() {
        each(segment -> {
            Node master = segment.master(new MemoryTable());
            Node backup = segment.backup();
            segment.pass(KNOWN);
            master.live(1000, 200);
            // The master is silent: all that there is are its old messages, its answers to old questions among them.
            master.off = true;
            Node again = segment.restart(backup, new MemoryTable());
            for (int i = 0; i < 3; i++) {
                segment.replay();
                segment.pass(KNOWN);
            }
            assertThat(again.content()).isEmpty();
            assertThat(again.backup.stats().senders).isZero();
            master.off = false;
            segment.pass(2 * KNOWN);
            assertSame(again, master.content());
            segment.replay();
            segment.pass(KNOWN);
            assertSame(again, master.content());
        });
    }

    @Test
    void mastersOfOneGroupDoNotShutEachOtherOut() {
        each(segment -> {
            Node one = segment.master(new MemoryTable());
            Node other = segment.master(new MemoryTable());
            Node backup = segment.backup();
            segment.pass(KNOWN);
            for (int i = 0; i < 5; i++) {
                one.live(1000, 30);
                other.live(2000, 30);
                segment.replay();
            }
            // A third one comes late, with numbers above those of the others.
            Node third = segment.master(new MemoryTable());
            segment.pass(KNOWN);
            third.live(3000, 30);
            one.live(1000, 30);
            segment.replay();
            segment.pass(KNOWN);
            Map<String, String> all = new TreeMap<>(one.content());
            all.putAll(other.content());
            all.putAll(third.content());
            assertSame(backup, all);
            assertThat(backup.backup.stats().senders).isEqualTo(3);
            assertThat(backup.backup.stats().lost).isZero();
        });
    }

    @Test
    void datagramsInAnyOrderAreTakenOnceEach() {
        each(segment -> {
            Node master = segment.master(new MemoryTable());
            Node backup = segment.backup();
            segment.pass(KNOWN);
            segment.shuffled = true;
            master.live(1000, 300);
            segment.shuffled = false;
            segment.pass(KNOWN);
            assertSame(backup, master.content());
            assertThat(backup.drops(SyncDrop.REPLAY)).isZero();
            assertThat(backup.backup.stats().lost).isZero();
            long taken = backup.backup.stats().messages;
            long old = segment.heard.stream()
                    .filter(each -> each.from == master.place)
                    .count();
            segment.replay();
            assertThat(backup.drops(SyncDrop.REPLAY)).isEqualTo(old);
            assertThat(backup.backup.stats().messages).as("only what is new").isLessThan(taken + segment.heard.size());
            assertSame(backup, master.content());
        });
    }

    @Test
    void aMessageOfOnePortIsNothingOnAnother() {
        each(segment -> {
            Node master = segment.master(new MemoryTable());
            Node backup = segment.backup();
            segment.pass(KNOWN);
            master.live(1000, 100);
            Node late = segment.backup();
            long ports = segment.heard.stream()
                    .mapToInt(each -> each.port)
                    .distinct()
                    .count();
            assertThat(ports).as("ports in use").isEqualTo(PORTS);
            int messages = 0;
            for (Sent each : List.copyOf(segment.heard)) {
                for (int port = 0; port < PORTS; port++) {
                    if (port != each.port && each.from == master.place) {
                        late.receive(new Sent(each.from, port, each.bytes));
                        messages++;
                    }
                }
            }
            assertThat(late.drops(SyncDrop.ICV)).isEqualTo(messages);
            assertThat(late.content()).isEmpty();
            assertSame(backup, master.content());
        });
    }

    @Test
    void theSameKeyInAnotherGroupOrSyncidIsAnotherKey() {
        each(segment -> {
            Node master = segment.master(new MemoryTable());
            Node backup = segment.backup();
            segment.pass(KNOWN);
            master.live(1000, 50);
            byte[] group = Writers.GROUP.clone();
            group[3]++;
            KeyRing elsewhere =
                    new KeyRing(IcvAlgorithm.HMAC_SHA256_128, Writers.keys(KEY), group, Writers.PORT, PORTS);
            KeyRing here = Writers.ring(IcvAlgorithm.HMAC_SHA256_128, PORTS, KEY);
            byte[] ofGroup = Writers.message(
                    Writers.signer(elsewhere, SYNCID, 1, segment.now), 1, SYNCID, 0, Writers.connection(9));
            byte[] ofSyncid = Writers.message(
                    Writers.signer(here, SYNCID + 1, 1, segment.now), 1, SYNCID + 1, 0, Writers.connection(9));
            byte[] renamed = ofSyncid.clone();
            renamed[1] = SYNCID;
            long wrong = backup.drops(SyncDrop.ICV);
            long others = backup.drops(SyncDrop.SYNCID);
            for (byte[] each : List.of(ofGroup, ofSyncid, renamed)) {
                backup.receive(new Sent(-1, 0, each));
            }
            assertThat(backup.drops(SyncDrop.ICV) - wrong).isEqualTo(2);
            assertThat(backup.drops(SyncDrop.SYNCID) - others).isEqualTo(1);
            assertSame(backup, master.content());
        });
    }

    @Test
    void theKeyChangesWhileConnectionsAreTold() {
        each(segment -> {
            Node master = segment.master(new MemoryTable());
            Node backup = segment.backup();
            segment.pass(KNOWN);
            List<IcvKeys> steps = List.of(Writers.keys(KEY, NEWER), Writers.keys(NEWER, KEY), Writers.keys(NEWER));
            for (IcvKeys step : steps) {
                master.live(1000, 50);
                backup.rings.change(step);
                master.live(1000, 50);
                master.rings.change(step);
                master.live(1000, 50);
            }
            segment.pass(KNOWN);
            assertSame(backup, master.content());
            assertThat(backup.backup.stats().lost).isZero();
            assertThat(backup.drops(SyncDrop.KEY) + backup.drops(SyncDrop.ICV)).isZero();
            byte[] old = Writers.message(
                    Writers.signer(
                            Writers.ring(IcvAlgorithm.HMAC_SHA256_128, PORTS, KEY), SYNCID, 1, segment.now + 1000),
                    1,
                    SYNCID,
                    0,
                    Writers.connection(9));
            backup.receive(new Sent(-1, 0, old));
            assertThat(backup.drops(SyncDrop.KEY) + backup.drops(SyncDrop.ICV))
                    .as("the old key is none any more")
                    .isEqualTo(1);
        });
    }

    /** The year 2248: what 64 bits say of the time then has its highest bit set. */
    @Test
    void numbersGoOnOverTheSign() {
        each(segment -> {
            segment.now = (1L << 43) - KNOWN - 300;
            Node master = segment.master(new MemoryTable());
            Node backup = segment.backup();
            segment.pass(KNOWN);
            master.live(1000, 200);
            Node again = segment.restart(master, master.table);
            segment.pass(KNOWN);
            again.live(1000, 200);
            segment.pass(KNOWN);
            assertSame(backup, again.content());
            segment.replay();
            segment.pass(KNOWN);
            assertSame(backup, again.content());
        });
    }
}
