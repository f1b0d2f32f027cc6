package lvsd.daemon.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a witness's account says of a long cycle. */
final class StandstillTest {
    private static final List<Standstill> SEEN =
            List.of(new Standstill(1, 1000, 300), new Standstill(0, 1200, 5000), new Standstill(1, 2000, 500));

    @Test
    void shouldAddWhatOneCpuStoodStillWithinATime() {
        assertThat(Standstill.within(SEEN, 1, 900, 3000)).isEqualTo(800);
        assertThat(Standstill.within(SEEN, 1, 1100, 2100)).isEqualTo(200 + 100);
        assertThat(Standstill.within(SEEN, 1, 1300, 2000)).isZero();
        assertThat(Standstill.within(SEEN, 0, 1000, 2000)).isEqualTo(800);
        assertThat(Standstill.within(SEEN, 2, 0, 9000)).isZero();
    }

    @Test
    void shouldAccountForMostOfACycleAndLeaveLessThanAMillisecond() {
        assertThat(Standstill.accounts(1_800_000, 2_000_000)).isTrue();
        assertThat(Standstill.accounts(600_000, 1_100_000)).isTrue();
        assertThat(Standstill.accounts(500_000, 1_100_000)).isFalse();
        assertThat(Standstill.accounts(4_000_000, 5_000_000)).isFalse();
        assertThat(Standstill.accounts(0, 1_000_000)).isFalse();
    }

    @Test
    void shouldReadAWitnessesAccount(@TempDir Path directory) throws Exception {
        Path account = Files.writeString(directory.resolve("account"), "1 1000 300\n0 1200 5000\n1 2000 500\n");

        assertThat(Witness.read(account)).isEqualTo(SEEN);
    }
}
