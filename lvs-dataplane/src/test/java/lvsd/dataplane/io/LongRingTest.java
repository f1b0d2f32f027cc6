package lvsd.dataplane.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import lvsd.wire.SeededTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LongRingTest {
    @Test
    void shouldPassElementsInOrderUntilFull() {
        LongRing ring = new LongRing(4);
        for (int i = 1; i <= 4; i++) {
            assertThat(ring.offer(i)).isTrue();
        }
        assertThat(ring.offer(5)).isFalse();
        assertThat(ring.size()).isEqualTo(4);
        for (int i = 1; i <= 4; i++) {
            assertThat(ring.poll()).isEqualTo(i);
        }
        assertThat(ring.poll()).isZero();
        assertThat(ring.size()).isZero();
    }

    @Test
    void shouldOfferAMessageWholeOrNotAtAll() {
        LongRing ring = new LongRing(4);
        assertThat(ring.offerAll(new long[] {1, 2, 3}, 3)).isTrue();
        assertThat(ring.offerAll(new long[] {4, 5}, 2)).isFalse();
        assertThat(ring.size()).isEqualTo(3);
        assertThat(ring.offer(new long[] {4, 5}, 0, 2)).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 0, 1, 3, 6})
    void shouldRefuseCapacitiesThatAreNoPowerOfTwo(int capacity) {
        assertThatThrownBy(() -> new LongRing(capacity))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("power of two");
    }

    @Test
    void shouldBehaveAsABoundedQueue() {
        SeededTest.run(200, random -> {
            LongRing ring = new LongRing(1 << random.nextInt(1, 6));
            ArrayDeque<Long> model = new ArrayDeque<>();
            long[] batch = new long[40];
            long next = 1;
            for (int step = 0; step < 500; step++) {
                int count = random.nextInt(40);
                if (random.nextBoolean()) {
                    for (int i = 0; i < count; i++) {
                        batch[i] = next + i;
                    }
                    int taken = ring.offer(batch, 0, count);
                    assertThat(taken).isEqualTo(Math.min(count, ring.capacity() - model.size()));
                    for (int i = 0; i < taken; i++) {
                        model.add(next++);
                    }
                } else {
                    int taken = ring.drain(batch, count);
                    assertThat(taken).isLessThanOrEqualTo(count);
                    if (count > 0) {
                        assertThat(taken > 0).isEqualTo(!model.isEmpty());
                    }
                    for (int i = 0; i < taken; i++) {
                        assertThat(batch[i]).isEqualTo(model.remove());
                    }
                }
                assertThat(ring.size()).isEqualTo(model.size());
            }
        });
    }

    @Test
    @Timeout(value = 60, unit = TimeUnit.SECONDS)
    void shouldLoseAndReorderNothingBetweenTwoThreads() throws InterruptedException {
        int count = 1_000_000;
        LongRing ring = new LongRing(256);
        AtomicReference<String> failure = new AtomicReference<>("consumer did not finish");
        Thread consumer = new Thread(() -> failure.set(consume(ring, count)));
        consumer.start();
        for (long i = 1; i <= count; i++) {
            while (!ring.offer(i)) {
                Thread.onSpinWait();
            }
        }
        consumer.join();
        assertThat(failure.get()).isEmpty();
    }

    private static String consume(LongRing ring, int count) {
        long[] batch = new long[64];
        long expected = 1;
        while (expected <= count) {
            int taken = ring.drain(batch, batch.length);
            for (int i = 0; i < taken; i++) {
                if (batch[i] != expected++) {
                    return "got " + batch[i] + ", expected " + (expected - 1);
                }
            }
            if (taken == 0) {
                Thread.onSpinWait();
            }
        }
        return "";
    }
}
