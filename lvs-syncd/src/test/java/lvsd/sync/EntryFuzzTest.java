package lvsd.sync;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import lvsd.wire.SeededTest;
import org.junit.jupiter.api.Test;

/** Datagrams of a real kernel, damaged; and random connections, written and read again. */
final class EntryFuzzTest {
    private static final int CASES = 20_000;
    private static final int[] INTERESTING = {0, 1, 2, 3, 23, 24, 35, 36, 37, 71, 72, 127, 128, 254, 255};

    private final List<byte[]> corpus = corpus();

    private static List<byte[]> corpus() {
        List<byte[]> all = new ArrayList<>(Recorded.all());
        Recorded.crafted("crafted.txt").forEach(each -> all.add(each.payload()));
        return all;
    }

    @Test
    void noDatagramMakesTheReaderThrowOrLookBeyondItsEnd() {
        EntryReader reader = new EntryReader();
        SyncConnection read = new SyncConnection();
        SeededTest.run(CASES, random -> {
            byte[] damaged = damage(corpus.get(random.nextInt(corpus.size())).clone(), random);
            // The array ends where the datagram does: reading on would throw.
            int icv = random.nextInt(4) == 0 ? 16 : 0;
            if (damaged.length >= Message.header(Message.version(damaged, 0, damaged.length)) + icv) {
                reader.begin(damaged, 0, damaged.length, icv);
                int entries = 0;
                int verdict = reader.next(read);
                while (verdict != EntryReader.END && verdict != EntryReader.BROKEN) {
                    entries++;
                    verdict = reader.next(read);
                }
                assertThat(entries).isLessThanOrEqualTo(damaged.length / Message.V0_ENTRY);
                assertThat(reader.next(read)).isEqualTo(EntryReader.END);
            }
        });
    }

    @Test
    void whatFollowsADatagramInTheBufferDoesNotMatter() {
        SeededTest.run(CASES / 4, random -> {
            byte[] damaged = damage(corpus.get(random.nextInt(corpus.size())).clone(), random);
            if (damaged.length < Message.V1_HEADER) {
                return;
            }
            byte[] buffer = new byte[damaged.length + 512];
            random.nextBytes(buffer);
            int offset = random.nextInt(256);
            System.arraycopy(damaged, 0, buffer, offset, damaged.length);
            assertThat(summary(buffer, offset, damaged.length)).isEqualTo(summary(damaged, 0, damaged.length));
        });
    }

    private static List<String> summary(byte[] buffer, int offset, int length) {
        EntryReader reader = new EntryReader();
        reader.begin(buffer, offset, length, 0);
        List<String> all = new ArrayList<>();
        SyncConnection read = new SyncConnection();
        int verdict = reader.next(read);
        while (verdict != EntryReader.END && verdict != EntryReader.BROKEN) {
            all.add(verdict == EntryReader.ENTRY ? Texts.row(read) + Texts.engine(read) + read.flags : "skipped");
            verdict = reader.next(read);
        }
        all.add(Integer.toString(verdict));
        return all;
    }

    /** Flips, sets, cuts, repeats or stretches some bytes, and mostly corrects the size field after that. */
    static byte[] damage(byte[] datagram, RandomGenerator random) {
        byte[] bytes = datagram;
        for (int i = random.nextInt(6); i >= 0 && bytes.length > 0; i--) {
            int at = random.nextInt(bytes.length);
            switch (random.nextInt(6)) {
                case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bytes[at] = (byte) INTERESTING[random.nextInt(INTERESTING.length)];
                case 2 -> bytes = Arrays.copyOf(bytes, at);
                case 3 -> bytes = Arrays.copyOf(bytes, bytes.length + random.nextInt(64));
                case 4 -> System.arraycopy(bytes, 0, bytes, at, bytes.length - at);
                default -> bytes[at] = (byte) random.nextInt();
            }
        }
        if (bytes.length >= 4 && random.nextInt(4) != 0) {
            Bytes.put2(bytes, 2, bytes.length);
        }
        return bytes;
    }

    @Test
    void anyConnectionIsReadAsItWasWritten() {
        SeededTest.run(5_000, random -> {
            SyncConnection[] written = new SyncConnection[1 + random.nextInt(6)];
            MessageWriter writer = new MessageWriter(Writers.keyless(), 0, 4096);
            Arrays.fill(writer.bytes(), (byte) 0xa5);
            int version = random.nextInt(4) == 0 ? 0 : 1;
            writer.begin(version, random.nextInt(256), 3000);
            for (int i = 0; i < written.length; i++) {
                written[i] = random(random, version);
                assertThat(EntryWriter.size(written[i], version)).isLessThanOrEqualTo(Message.MAX_ENTRY);
                assertThat(writer.add(written[i])).isTrue();
            }
            byte[] message = Arrays.copyOf(writer.bytes(), writer.finish());
            assertThat(Keyless.check(message, message.length, 0)).isNull();
            List<SyncConnection> read = RecordedTest.decode(message);
            assertThat(read).hasSameSizeAs(written);
            for (int i = 0; i < written.length; i++) {
                assertThat(read.get(i).same(written[i]))
                        .as(Texts.row(written[i]))
                        .isTrue();
            }
        });
    }

    /** A connection that an entry of {@code version} can hold. */
    static SyncConnection random(RandomGenerator random, int version) {
        SyncConnection c = new SyncConnection();
        c.ipv6 = version == 1 && random.nextBoolean();
        c.protocol = new int[] {6, 17, 132}[random.nextInt(3)];
        c.state = c.protocol == 17 ? 0 : random.nextInt(11);
        c.flags = random.nextInt(version == 0 ? 1 << 12 : 1 << 17) & ~(SyncFlags.TEMPLATE | SyncFlags.ONE_PACKET);
        c.clientPort = random.nextInt(65536);
        c.virtualPort = random.nextInt(65536);
        c.serverPort = random.nextInt(65536);
        c.fwmark = version == 0 ? 0 : random.nextInt();
        c.timeout = version == 0 ? SyncConnection.NO_TIMEOUT : random.nextInt(1 << 30);
        c.clientHigh = c.ipv6 ? random.nextLong() : 0;
        c.clientLow = address(random, c.ipv6);
        c.virtualHigh = c.ipv6 ? random.nextLong() : 0;
        c.virtualLow = address(random, c.ipv6);
        c.serverHigh = c.ipv6 ? random.nextLong() : 0;
        c.serverLow = address(random, c.ipv6);
        c.sequence = version == 0 ? (c.flags & SyncFlags.SEQUENCE) != 0 : random.nextBoolean();
        if (c.sequence) {
            c.inDelta = random.nextInt();
        }
        if (c.sequence && random.nextBoolean()) {
            c.inInitial = random.nextInt();
            c.inPrevious = random.nextInt();
            c.outInitial = random.nextInt();
            c.outDelta = random.nextInt();
            c.outPrevious = random.nextInt();
        }
        if (version == 1) {
            options(c, random);
        }
        return c;
    }

    private static void options(SyncConnection c, RandomGenerator random) {
        if (random.nextInt(4) == 0) {
            c.engineDataLength = 1 + random.nextInt(SyncConnection.MAX_ENGINE_DATA);
            random.nextBytes(c.engineData);
            c.engineNameLength = 3;
            c.engineName[0] = 's';
            c.engineName[1] = 'i';
            c.engineName[2] = 'p';
        }
        if (random.nextBoolean()) {
            c.local = true;
            // Mostly of the server's network, as in a data centre.
            c.localHigh = random.nextInt(3) != 0 ? c.serverHigh : c.ipv6 ? random.nextLong() : 0;
            c.localLow = address(random, c.ipv6);
            c.localPort = random.nextInt(65536);
        }
        c.ownTimeout = random.nextBoolean() ? random.nextInt() : 0;
        c.extras = random.nextBoolean() ? random.nextInt(16) : 0;
        c.timestampDelta = random.nextBoolean() ? random.nextInt() : 0;
        c.deleted = random.nextInt(4) == 0;
    }

    private static long address(RandomGenerator random, boolean ipv6) {
        return ipv6 ? random.nextLong() : Integer.toUnsignedLong(random.nextInt());
    }
}
