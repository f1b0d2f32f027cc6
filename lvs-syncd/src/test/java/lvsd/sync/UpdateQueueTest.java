package lvsd.sync;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Random;
import org.junit.jupiter.api.Test;

class UpdateQueueTest {
    private static SyncConnection random(Random random) {
        SyncConnection c = new SyncConnection();
        c.ipv6 = random.nextBoolean();
        c.protocol = random.nextInt(256);
        c.flags = random.nextInt();
        c.state = random.nextInt(1 << 16);
        c.clientPort = random.nextInt(1 << 16);
        c.virtualPort = random.nextInt(1 << 16);
        c.serverPort = random.nextInt(1 << 16);
        c.localPort = random.nextInt(1 << 16);
        c.fwmark = random.nextInt();
        c.timeout = random.nextInt();
        c.clientHigh = random.nextLong();
        c.clientLow = random.nextLong();
        c.virtualHigh = random.nextLong();
        c.virtualLow = random.nextLong();
        c.serverHigh = random.nextLong();
        c.serverLow = random.nextLong();
        c.localHigh = random.nextLong();
        c.localLow = random.nextLong();
        c.sequence = random.nextBoolean();
        c.inDelta = random.nextInt();
        c.outDelta = random.nextInt();
        c.local = random.nextBoolean();
        c.ownTimeout = random.nextInt();
        c.timestampDelta = random.nextInt();
        c.extras = random.nextInt();
        c.windowShifts = random.nextInt(1 << 16);
        c.proxyTimestampDelta = random.nextInt();
        c.clientEdge = random.nextInt();
        c.serverEdge = random.nextInt();
        c.deleted = random.nextBoolean();
        c.bulk = random.nextBoolean();
        rare(random, c);
        return c;
    }

    private static void rare(Random random, SyncConnection c) {
        switch (random.nextInt(12)) {
            case 0 -> c.inInitial = random.nextInt();
            case 1 -> c.inPrevious = random.nextInt();
            case 2 -> c.outInitial = random.nextInt();
            case 3 -> c.outPrevious = random.nextInt();
            case 4 -> {
                c.engineDataLength = 1 + random.nextInt(SyncConnection.MAX_ENGINE_DATA);
                random.nextBytes(c.engineData);
            }
            case 5 -> {
                c.engineNameLength = 1 + random.nextInt(SyncConnection.MAX_ENGINE_NAME);
                random.nextBytes(c.engineName);
            }
            default -> {
                // What most connections are: without any of them.
            }
        }
    }

    /** What goes in comes out, in its order, one by one or several at a time, into whatever was in the receiver's hands. */
    @Test
    void whatGoesInComesOut() {
        Random random = new Random(7);
        UpdateQueue queue = new UpdateQueue(16);
        Deque<SyncConnection> sent = new ArrayDeque<>();
        SyncConnection[] rows = new SyncConnection[5];
        Arrays.setAll(rows, i -> random(random));
        long refused = 0;
        for (int i = 0; i < 20_000; i++) {
            SyncConnection offered = random(random);
            if (queue.offer(offered)) {
                sent.add(offered);
            } else {
                refused++;
                assertThat(sent).hasSize(16);
            }
            int count = switch (random.nextInt(6)) {
                case 0 -> queue.poll(rows);
                case 1 -> queue.poll(rows[0]) ? 1 : 0;
                default -> 0;
            };
            for (int j = 0; j < count; j++) {
                SyncConnection expected = sent.remove();
                assertThat(rows[j].same(expected) && rows[j].bulk == expected.bulk)
                        .isTrue();
            }
        }
        assertThat(refused).isPositive().isEqualTo(queue.dropped());
        queue.clear();
        assertThat(queue.poll(rows)).isZero();
        assertThat(queue.poll(rows[0])).isFalse();
    }
}
