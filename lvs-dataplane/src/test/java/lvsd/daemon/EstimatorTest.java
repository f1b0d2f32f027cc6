package lvsd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import lvsd.control.View;
import org.junit.jupiter.api.Test;

final class EstimatorTest {
    private final Estimator estimator = new Estimator();

    private static View.Stats stats(long value) {
        return new View.Stats(value, value * 10, value * 20, value * 1000, value * 2000);
    }

    @Test
    void shouldMoveAQuarterOfTheWayEveryPeriod() {
        estimator.sample(stats(800));
        // 400 a second now; a quarter of it is shown after the first period
        assertThat(estimator.rates()).isEqualTo(new View.Rates(100, 1000, 2000, 100_000, 200_000));
        estimator.sample(stats(1600));
        assertThat(estimator.rates().connections()).isEqualTo(175);
    }

    @Test
    void shouldReachASteadyRateAndFallBackToNothing() {
        long sum = 0;
        for (int period = 0; period < 100; period++) {
            sum += 246;
            estimator.sample(stats(sum));
        }
        assertThat(estimator.rates()).isEqualTo(new View.Rates(123, 1230, 2460, 123_000, 246_000));
        for (int period = 0; period < 100; period++) {
            estimator.sample(stats(sum));
        }
        assertThat(estimator.rates()).isEqualTo(View.Rates.ZERO);
    }

    @Test
    void shouldTakeASmallerSumForARestartedOne() {
        estimator.sample(stats(1_000_000));
        estimator.reset();
        assertThat(estimator.rates()).isEqualTo(View.Rates.ZERO);
        estimator.sample(stats(8));
        estimator.sample(stats(4));
        assertThat(estimator.rates().connections()).isBetween(0L, 2L);
    }
}
