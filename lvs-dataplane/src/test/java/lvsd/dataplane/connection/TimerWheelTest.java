package lvsd.dataplane.connection;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.random.RandomGenerator;
import lvsd.wire.SeededTest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TimerWheelTest {
    private static final int ENTRIES = 500;
    private static final int PLENTY = Integer.MAX_VALUE;
    private static final int DAY = 24 * 3600 * Timeouts.TICKS_PER_SECOND;

    private final long seed = Long.getLong("seed", SeededTest.base());
    private final String replay = "replay with -Dseed=" + seed;
    private final RandomGenerator random = SeededTest.random(seed);
    private final ConnectionTable table = new ConnectionTable(false, ENTRIES, 1, 2, false);
    private final int[] expired = new int[ENTRIES];

    @AfterEach
    void unmap() {
        table.close();
    }

    private record Timer(int entry, long deadline) {}

    /** Against a priority queue; ticks of the model are 64-bit, the wheel sees their low half, wraps included. */
    @ParameterizedTest
    @ValueSource(longs = {0, 0x7fff_ff00L, 0xffff_ff00L, 0xffff_ffffL, 12_345_678})
    void shouldHandOutWhatAPriorityQueueWould(long start) {
        TimerWheel wheel = new TimerWheel(table, (int) start);
        PriorityQueue<Timer> model = new PriorityQueue<>(Comparator.comparingLong(Timer::deadline));
        Map<Integer, Timer> armed = new HashMap<>();
        long now = start;
        for (int step = 0; step < 3000; step++) {
            for (int i = random.nextInt(10); i > 0; i--) {
                change(wheel, model, armed, now);
            }
            now += ahead() >>> random.nextInt(20);
            List<Integer> wanted = new ArrayList<>();
            while (!model.isEmpty() && model.peek().deadline() <= now) {
                wanted.add(model.remove().entry());
            }
            armed.keySet().removeAll(wanted);
            assertThat(drain(wheel, (int) now))
                    .as("step %d, %s", step, replay)
                    .containsExactlyInAnyOrderElementsOf(wanted);
            assertThat(wheel.armed()).isEqualTo(armed.size());
        }
    }

    private void change(TimerWheel wheel, PriorityQueue<Timer> model, Map<Integer, Timer> armed, long now) {
        int entry = random.nextInt(ENTRIES);
        Timer old = armed.get(entry);
        assertThat(wheel.isArmed(entry)).isEqualTo(old != null);
        int kind = random.nextInt(10);
        if (kind == 0) {
            wheel.disarm(entry);
            armed.remove(entry);
            model.remove(old);
            return;
        }
        Timer timer = new Timer(entry, now + 1 + ahead());
        if (kind < 4) {
            wheel.armEarlier(entry, (int) timer.deadline());
            if (old != null && old.deadline() <= timer.deadline()) {
                return;
            }
        } else {
            wheel.arm(entry, (int) timer.deadline());
        }
        model.remove(old);
        model.add(timer);
        armed.put(entry, timer);
    }

    /** Of every magnitude, mostly short. */
    private long ahead() {
        return (long) random.nextInt(1 << random.nextInt(20)) + (random.nextInt(50) == 0 ? random.nextInt(1 << 24) : 0);
    }

    private List<Integer> drain(TimerWheel wheel, int now) {
        int count = wheel.advance(now, PLENTY, expired);
        List<Integer> entries = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            entries.add(expired[i]);
        }
        assertThat(wheel.lag(now)).isZero();
        return entries;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 64})
    void shouldDoNoMoreThanItsBudgetAndLoseNothing(int budget) {
        TimerWheel wheel = new TimerWheel(table, -1000);
        Map<Integer, Integer> deadlines = new HashMap<>();
        int[] few = new int[2];
        int now = -1000;
        for (int entry = 0; entry < ENTRIES; entry++) {
            int deadline = now + random.nextInt(70_000);
            wheel.arm(entry, deadline);
            deadlines.put(entry, deadline);
        }
        for (int call = 0; !deadlines.isEmpty(); call++) {
            now += call % 3 == 0 ? 1 : 0;
            int count = wheel.advance(now, budget, few);
            assertThat(count).isLessThanOrEqualTo(Math.min(budget, few.length));
            for (int i = 0; i < count; i++) {
                assertThat(now - deadlines.getOrDefault(few[i], Integer.MAX_VALUE))
                        .as(replay)
                        .isNotNegative();
                deadlines.remove(few[i]);
            }
            if (call % 7 == 0 && call < 5000 && !deadlines.isEmpty()) {
                int entry = deadlines.keySet().iterator().next();
                int deadline = now + 256 * random.nextInt(300);
                wheel.arm(entry, deadline);
                deadlines.put(entry, deadline);
            }
            assertThat(call).isLessThan(10_000_000);
        }
        assertThat(wheel.armed()).isZero();
    }

    /** The longest persistence: 31 days, to the tick, across the wrap of the tick counter. */
    @Test
    void shouldKeepThirtyOneDays() {
        int start = Integer.MIN_VALUE - 5 * DAY;
        TimerWheel wheel = new TimerWheel(table, start);
        int deadline = start + 31 * DAY;
        wheel.arm(1, deadline);
        wheel.arm(2, start + DAY);
        assertThat(drain(wheel, start + DAY - 1)).isEmpty();
        assertThat(drain(wheel, start + DAY)).containsExactly(2);
        assertThat(drain(wheel, deadline - 1)).isEmpty();
        assertThat(drain(wheel, deadline)).containsExactly(1);
    }

    /** Beyond the wheel's span of 49 days, as {@code --set} allows. */
    @Test
    void shouldKeepTheLongestTimeoutThereIs() {
        TimerWheel wheel = new TimerWheel(table, 7);
        int deadline = 7 + Timeouts.ticks(Timeouts.MAXIMUM_SECONDS);
        wheel.arm(1, deadline);
        assertThat(drain(wheel, deadline - 1)).isEmpty();
        assertThat(drain(wheel, deadline)).containsExactly(1);
    }

    @Test
    void shouldHandOutAPassedDeadlineAtTheNextTick() {
        TimerWheel wheel = new TimerWheel(table, 100);
        assertThat(drain(wheel, 200)).isEmpty();
        wheel.arm(4, 150);
        assertThat(drain(wheel, 200)).isEmpty();
        assertThat(drain(wheel, 201)).containsExactly(4);
    }

    @Test
    void shouldIgnoreTimeThatGoesBack() {
        TimerWheel wheel = new TimerWheel(table, 100);
        wheel.arm(4, 150);
        assertThat(drain(wheel, 149)).isEmpty();
        assertThat(drain(wheel, 90)).isEmpty();
        assertThat(drain(wheel, 150)).containsExactly(4);
    }
}
