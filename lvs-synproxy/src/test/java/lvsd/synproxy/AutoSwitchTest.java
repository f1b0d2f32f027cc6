package lvsd.synproxy;

import static lvsd.synproxy.AutoSwitch.ATTACK;
import static lvsd.synproxy.AutoSwitch.BUSY;
import static lvsd.synproxy.AutoSwitch.CALM;
import static lvsd.synproxy.AutoSwitch.OFF;
import static lvsd.synproxy.AutoSwitch.ON;
import static lvsd.synproxy.AutoSwitch.QUIET;
import static lvsd.synproxy.AutoSwitch.WANING;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The automatic half of the defence levels: a table, and what samples mean. Time is in milliseconds here. */
class AutoSwitchTest {
    private static final AutoSettings SETTINGS = new AutoSettings(1000, 50, 100, 50, 30_000);

    private final AutoSwitch switches = new AutoSwitch(4);
    private int now = Integer.MAX_VALUE - 5_000;
    private long syns = 77;

    /** So many SYNs a second for so long; how often it switched. */
    private int rate(int perSecond, int millis) {
        int changes = 0;
        for (int end = now + millis; now - end < 0; now += AutoSwitch.SAMPLE_MILLIS) {
            syns += perSecond / 10;
            changes += Math.abs(switches.sample(1, syns, 0, 0, now, SETTINGS));
        }
        return changes;
    }

    @Test
    void shouldGoFromStateToStateAsTheTableSays() {
        int[][] table = {
            {OFF, CALM, OFF},
            {OFF, QUIET, OFF},
            {OFF, BUSY, OFF},
            {OFF, ATTACK, ON},
            {ON, CALM, WANING},
            {ON, QUIET, WANING},
            {ON, BUSY, ON},
            {ON, ATTACK, ON},
            {WANING, CALM, WANING},
            {WANING, QUIET, OFF},
            {WANING, BUSY, ON},
            {WANING, ATTACK, ON},
        };
        for (int[] row : table) {
            assertThat(AutoSwitch.next(row[0], row[1]))
                    .as("%d at %d", row[1], row[0])
                    .isEqualTo(row[2]);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "1000, 0, 0, ATTACK",
        "999, 0, 0, BUSY",
        "500, 0, 0, BUSY",
        "499, 0, 0, CALM",
        "0, 100, 200, ATTACK",
        "0, 99, 99, BUSY",
        "0, 100, 201, BUSY",
        "0, 100, 400, BUSY",
        "0, 100, 401, CALM",
        "0, 49, 49, CALM",
        "0, 0, 0, CALM",
        "0, 3000000000, 6000000000, ATTACK",
        "4000000000, 0, 0, ATTACK",
    })
    void shouldTellAnAttackFromCalm(long rate, long halfOpen, long connections, String event) {
        int expected = switch (event) {
            case "ATTACK" -> ATTACK;
            case "BUSY" -> BUSY;
            default -> CALM;
        };
        assertThat(AutoSwitch.event(rate, halfOpen, connections, SETTINGS)).isEqualTo(expected);
    }

    @Test
    void shouldCountOnlyWhatIsToCount() {
        assertThat(AutoSwitch.event(1 << 30, 0, 0, new AutoSettings(0, 50, 100, 50, 1)))
                .isEqualTo(CALM);
        assertThat(AutoSwitch.event(0, 1 << 30, 1 << 30, new AutoSettings(1000, 0, 1, 50, 1)))
                .isEqualTo(CALM);
    }

    @Test
    void shouldGoOnAtOnceAndOffAfterALongCalm() {
        assertThat(rate(900, 10_000)).isZero();
        assertThat(switches.on(1)).isFalse();
        assertThat(rate(100_000, 200)).as("within two samples").isEqualTo(1);
        assertThat(switches.state(1)).isEqualTo(ON);
        assertThat(rate(100_000, 60_000)).isZero();
        assertThat(rate(600, 60_000)).as("between the thresholds").isZero();
        assertThat(rate(400, 20_000)).isZero();
        assertThat(switches.state(1)).isEqualTo(WANING);
        assertThat(rate(600, 5_000)).isZero();
        assertThat(switches.state(1)).as("the calm begins anew").isEqualTo(ON);
        assertThat(rate(400, 30_000)).isZero();
        assertThat(rate(400, 2_000)).isEqualTo(1);
        assertThat(switches.on(1)).isFalse();
    }

    @Test
    void shouldNotTakeABurstOfATenthForASecondOfIt() {
        rate(0, 2_000);
        syns += 999;
        assertThat(switches.sample(1, syns, 0, 0, now, SETTINGS)).isZero();
        now += 100;
        assertThat(switches.sample(1, syns + 1, 0, 0, now, SETTINGS)).isEqualTo(1);
    }

    @Test
    void shouldNotTakeOldSynsForNewOnes() {
        assertThat(switches.sample(2, 1_000_000, 0, 0, now, SETTINGS)).isZero();
        assertThat(switches.sample(2, 1_000_500, 0, 0, now + 100, SETTINGS)).isZero();
    }

    @Test
    void shouldBeginAnewWithAnotherService() {
        rate(100_000, 1_000);
        assertThat(switches.on(1)).isTrue();
        switches.reset(1);
        assertThat(switches.on(1)).isFalse();
        syns = 1 << 30;
        assertThat(rate(900, 3_000)).isZero();
    }
}
