package lvsd.dataplane.connection;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;
import java.util.random.RandomGenerator;
import lvsd.memory.Memory;
import lvsd.memory.Scratch;
import lvsd.wire.SeededTest;
import org.junit.jupiter.api.Test;

class FreeEntriesTest {
    private static final int ENTRIES = 1000;
    private static final int FREE = 0xff;

    private final long seed = Long.getLong("seed", SeededTest.base());
    private final String replay = "replay with -Dseed=" + seed;
    private final RandomGenerator random = SeededTest.random(seed);
    private final Scratch hot = new Scratch((long) ENTRIES * Connection.SIZE, Connection.SIZE);
    private final Scratch cold = new Scratch((long) ENTRIES * Connection.COLD_SIZE, Connection.SIZE);
    private final FreeEntries free = new FreeEntries(hot.address(), cold.address());

    private void put(int entry) {
        long line = hot.address() + (long) entry * Connection.SIZE;
        Memory.fill(line, Connection.SIZE, 0xa5);
        Connection.setState(line, FREE);
        Connection.setProtocol(line, 0);
        free.put(entry);
    }

    @Test
    void shouldGiveBackWhatWasPutLastWhileItIsNear() {
        Deque<Integer> put = new ArrayDeque<>();
        for (int entry = 0; entry < FreeEntries.GROUP; entry++) {
            put(entry);
            put.push(entry);
        }
        while (!put.isEmpty()) {
            assertThat(free.take()).isEqualTo(put.pop());
        }
        assertThat(free.take()).isEqualTo(ConnectionTable.NONE);
    }

    @Test
    void shouldGiveOutEveryEntryOnceAndLeaveWhatMarksItAsFree() {
        List<Integer> mine = new ArrayList<>();
        BitSet inside = new BitSet();
        for (int entry = 0; entry < ENTRIES; entry++) {
            mine.add(entry);
        }
        for (int round = 0; round < 400; round++) {
            int count = random.nextInt(ENTRIES);
            boolean puts = random.nextBoolean();
            for (int i = 0; i < count && (puts ? !mine.isEmpty() : !inside.isEmpty()); i++) {
                if (puts) {
                    int at = random.nextInt(mine.size());
                    int entry = mine.set(at, mine.getLast());
                    mine.removeLast();
                    put(entry);
                    inside.set(entry);
                } else {
                    int entry = free.take();
                    assertThat(inside.get(entry)).as(replay).isTrue();
                    long line = hot.address() + (long) entry * Connection.SIZE;
                    assertThat(Connection.state(line)).as(replay).isEqualTo(FREE);
                    assertThat(Connection.protocol(line)).as(replay).isZero();
                    inside.clear(entry);
                    mine.add(entry);
                }
            }
        }
        while (!inside.isEmpty()) {
            inside.clear(free.take());
        }
        assertThat(free.take()).as(replay).isEqualTo(ConnectionTable.NONE);
    }
}
