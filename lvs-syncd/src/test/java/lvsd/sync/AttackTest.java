package lvsd.sync;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import lvsd.rules.Rule;
import lvsd.wire.SeededTest;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Somebody on the segment who hears everything and has not the key, while a master tells a backup of its connections: all
 * that is forged is dropped, and all that is real arrives. What has another TTL than 255 the socket drops: see
 * {@link GroupSocketsTest}.
 */
class AttackTest {
    private static final int FORGED = System.getProperty("long") == null ? 250_000 : 5_000_000;
    private static final String KEY = "0123456789abcdef0123456789abcdef";
    private static final int SYNCID = 7;
    private static final int KEPT = 512;

    /** A datagram on its way. */
    private static final class Datagram {
        final int port;
        final byte[] bytes;

        Datagram(int port, byte[] bytes) {
            this.port = port;
            this.bytes = bytes;
        }
    }

    private static final class Attack {
        final IcvAlgorithm algorithm;
        final RandomGenerator random;
        final MemoryTable source = new MemoryTable();
        final MemoryTable sink = new MemoryTable();
        final Deque<Datagram> toBackup = new ArrayDeque<>();
        final Deque<Datagram> toMaster = new ArrayDeque<>();
        final List<Datagram> heard = new ArrayList<>();
        final Signer stranger;
        final Signer elsewhere;
        final Master master;
        final Backup backup;
        long now = 1_795_262_565_000L;

        Attack(IcvAlgorithm algorithm, RandomGenerator random) {
            this.algorithm = algorithm;
            this.random = random;
            RandomGenerator own = new SplittableRandom(random.nextLong());
            SyncSettings settings = new SyncSettings(1, 1, 20, 50_000, 4096, 0);
            master = new Master(
                    Writers.daemon(Rule.Role.MASTER, SYNCID, 1400),
                    settings,
                    rings(),
                    1,
                    source,
                    link(toBackup),
                    own,
                    now);
            backup = new Backup(
                    Writers.daemon(Rule.Role.BACKUP, SYNCID, 1400),
                    settings,
                    rings(),
                    2,
                    sink,
                    link(toMaster),
                    own,
                    1 << 12,
                    now);
            stranger = Writers.signer(Writers.ring(algorithm, 4, "another key of good length"), SYNCID, 1, now);
            // The same key, for another group's port.
            elsewhere = new Signer(
                    new KeyRing(algorithm, Writers.keys(KEY), Writers.GROUP, 9000, 4),
                    SYNCID,
                    1,
                    Signer.sequencers(algorithm, 4, now + 1_000_000));
        }

        private Rings rings() {
            return new Rings(algorithm, Writers.keys(KEY), Writers.daemon(Rule.Role.MASTER, SYNCID, 1400), 1);
        }

        private Link link(Deque<Datagram> to) {
            return (port, bytes, length) -> {
                Datagram datagram = new Datagram(port, Arrays.copyOf(bytes, length));
                to.add(datagram);
                if (heard.size() < KEPT) {
                    heard.add(datagram);
                } else {
                    heard.set(random.nextInt(KEPT), datagram);
                }
                return true;
            };
        }

        /** A millisecond: what is real arrives. */
        void pass() {
            now++;
            master.work(now);
            backup.work(now);
            for (Datagram each = toBackup.poll(); each != null; each = toBackup.poll()) {
                backup.receive(each.port, each.bytes, each.bytes.length, now);
            }
            for (Datagram each = toMaster.poll(); each != null; each = toMaster.poll()) {
                master.receive(each.port, each.bytes, each.bytes.length, now);
            }
        }

        private byte[] forged() {
            byte[] real = heard.get(random.nextInt(heard.size())).bytes.clone();
            switch (random.nextInt(7)) {
                case 0 -> real[random.nextInt(real.length)] ^= (byte) (1 << random.nextInt(8));
                case 1 -> {
                    return Arrays.copyOf(real, random.nextInt(real.length));
                }
                case 2 -> {
                    // A replay, old or new.
                }
                case 3 -> real[1] = (byte) (real[1] + 1 + random.nextInt(255));
                case 4 -> {
                    return Writers.message(Writers.keyless(), 1, SYNCID, 0, evil());
                }
                case 5 -> {
                    return Writers.message(stranger, 1, SYNCID, 0, evil());
                }
                default -> {
                    return algorithm == IcvAlgorithm.HMAC_SHA256_128
                            ? Writers.message(elsewhere, 1, SYNCID, 0, evil())
                            : noise();
                }
            }
            return real;
        }

        private byte[] noise() {
            byte[] noise = new byte[random.nextInt(200)];
            random.nextBytes(noise);
            return noise;
        }

        private SyncConnection evil() {
            SyncConnection evil = Writers.connection(random.nextInt(65_536));
            evil.serverLow = 0x0666_0666L;
            return evil;
        }
    }

    @ParameterizedTest
    @EnumSource
    void nothingForgedIsTakenAndNothingRealIsLost(IcvAlgorithm algorithm) {
        SeededTest.run(1, random -> attack(new Attack(algorithm, random)));
    }

    private static void attack(Attack attack) {
        // The backup gets to know the master, and the attacker hears the first messages.
        for (int i = 0; i < 3_000; i++) {
            attack.pass();
        }
        attack.source.put(Writers.connection(60_000));
        for (int i = 0; i < 100; i++) {
            attack.pass();
        }
        long connections = 0;
        for (int i = 0; i < FORGED; i++) {
            if (i % 100 == 0) {
                attack.source.put(Writers.connection((int) (connections++ % 60_000)));
                attack.pass();
            }
            byte[] forged = attack.forged();
            attack.backup.receive(0, forged, forged.length, attack.now);
            attack.master.receive(0, forged, forged.length, attack.now);
        }
        for (int i = 0; i < 100; i++) {
            attack.pass();
        }
        assertThat(attack.sink.content()).isEqualTo(attack.source.content());
        assertThat(attack.backup.stats().connections)
                .as("every real update, once")
                .isEqualTo(connections + 1);
        assertThat(attack.backup.stats().lost).isZero();
        long dropped = Arrays.stream(SyncDrop.values())
                .mapToLong(attack.backup.stats()::drops)
                .sum();
        // What a backup itself once said is none of its drops.
        assertThat(dropped).as("forged ones, counted").isBetween(FORGED * 9L / 10, (long) FORGED);
    }
}
