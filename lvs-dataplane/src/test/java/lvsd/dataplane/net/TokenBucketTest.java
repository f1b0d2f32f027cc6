package lvsd.dataplane.net;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenBucketTest {
    private static int taken(TokenBucket bucket, int from, int ticks, int triesPerTick) {
        int taken = 0;
        for (int tick = 1; tick <= ticks; tick++) {
            for (int i = 0; i < triesPerTick; i++) {
                taken += bucket.take(from + tick) ? 1 : 0;
            }
        }
        return taken;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 249, 250, 251, 1000, 99_999})
    void shouldLetItsRatePassWhateverTheDemand(int rate) {
        TokenBucket bucket = new TokenBucket(rate, 1000, 0);
        for (int i = 0; i < 1000; i++) {
            bucket.take(0);
        }
        assertThat(taken(bucket, 0, 10 * Net.TICKS_PER_SECOND, 500)).isEqualTo(10 * rate);
    }

    @Test
    void shouldSaveNoMoreThanItsBurst() {
        TokenBucket bucket = new TokenBucket(100, 20, 0);
        assertThat(taken(bucket, 1_000_000, 1, 500)).isEqualTo(20);
    }

    @Test
    void shouldLetNothingPassAtRateZero() {
        assertThat(taken(new TokenBucket(0, 20, 0), 0, 5000, 2)).isZero();
    }

    @Test
    void shouldSurviveTheWrapOfTheClock() {
        TokenBucket bucket = new TokenBucket(10, 1, Integer.MAX_VALUE - 100);
        bucket.take(Integer.MAX_VALUE - 100);
        assertThat(taken(bucket, Integer.MAX_VALUE - 100, 10 * Net.TICKS_PER_SECOND, 3))
                .isEqualTo(100);
    }
}
