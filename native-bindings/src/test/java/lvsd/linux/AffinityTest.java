package lvsd.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.concurrent.atomic.AtomicReference;
import lvsd.memory.NativeException;
import org.junit.jupiter.api.Test;

class AffinityTest {
    @Test
    void shouldPinAndNameTheCallingThreadOnly() throws Exception {
        BitSet before = Affinity.get();
        AtomicReference<BitSet> pinned = new AtomicReference<>(new BitSet());
        AtomicReference<String> name = new AtomicReference<>("");
        Thread thread = Thread.ofPlatform().start(() -> {
            Affinity.pin(before.nextSetBit(0));
            Affinity.name("lvs-worker-with-a-long-name");
            pinned.set(Affinity.get());
            name.set(read("/proc/self/task/" + Affinity.threadId() + "/comm"));
        });
        thread.join();

        assertThat(pinned).hasValueMatching(cpus -> cpus.cardinality() == 1);
        assertThat(name.get()).isEqualTo("lvs-worker-with\n");
        assertThat(Affinity.get()).isEqualTo(before);
    }

    @Test
    void shouldNameTheCpuThatIsNotThere() {
        assertThatThrownBy(() -> Affinity.pin(8000))
                .isInstanceOf(NativeException.class)
                .hasMessageContaining("{8000}")
                .hasMessageContaining("workers.cores");
    }

    @Test
    void shouldReadCpuTimeAndSchedulingOfAThread() throws Exception {
        ThreadClock clock = ThreadClock.ofCurrentThread();
        long first = clock.cpuNanos();
        long sum = 0;
        for (int i = 0; i < 5_000_000; i++) {
            sum += Integer.toString(i).length();
        }
        assertThat(sum).isPositive();
        assertThat(clock.cpuNanos()).isGreaterThan(first);
        assertThat(clock.scheduling().runNanos()).isPositive();
        assertThat(clock.scheduling().voluntary()).isNotNegative();
        assertThat(clock.scheduling().faults()).isPositive();
        assertThat(new ThreadClock(Integer.MAX_VALUE >> 4).cpuNanos()).isEqualTo(-1);
    }

    private static String read(String path) {
        try {
            return Files.readString(Path.of(path));
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }
}
