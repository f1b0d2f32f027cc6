package lvsd.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class OffHeapTest {
    @Test
    void shouldMapZeroedPageAlignedMemory() {
        try (OffHeap region = OffHeap.map(5000, false, false)) {
            assertThat(region.bytes()).isEqualTo(8192);
            assertThat(region.address() % OffHeap.PAGE).isZero();
            assertThat(region.pageKind()).isEqualTo(OffHeap.PageKind.NORMAL);
            for (long offset = 0; offset < region.bytes(); offset += 8) {
                assertThat(Memory.getLong(region.address(), region.bytes(), offset))
                        .isZero();
            }
            Memory.setLong(region.address(), region.bytes(), 8184, 42);
            assertThat(Memory.getLong(region.address(), region.bytes(), 8184)).isEqualTo(42);
        }
    }

    @Test
    void shouldAlignBigRegionsToHugePagesWhateverTheyAreMadeOf() {
        try (OffHeap wanted = OffHeap.map(5 << 20, true, false);
                OffHeap normal = OffHeap.map(5 << 20, false, false)) {
            assertThat(wanted.address() % OffHeap.HUGE_PAGE).isZero();
            assertThat(normal.address() % OffHeap.HUGE_PAGE).isZero();
            assertThat(wanted.bytes()).isGreaterThanOrEqualTo(5 << 20);
            Memory.setLong(wanted.address(), wanted.bytes(), wanted.bytes() - 8, 1);
        }
    }

    @Test
    void shouldLockMemoryWhenAsked() throws IOException {
        long before = statusKilobytes("VmLck:");
        try (OffHeap region = OffHeap.map(1 << 20, false, true)) {
            assertThat(statusKilobytes("VmLck:") - before).isEqualTo(region.bytes() / 1024);
        }
        assertThat(statusKilobytes("VmLck:")).isEqualTo(before);
    }

    @Test
    void shouldLeavePagesUntouchedWhenNotLocked() throws IOException {
        long before = statusKilobytes("VmRSS:");
        try (OffHeap region = OffHeap.map(1L << 30, false, false)) {
            assertThat(region.bytes()).isEqualTo(1L << 30);
            assertThat(statusKilobytes("VmRSS:") - before).isLessThan(512 << 10);
        }
    }

    @Test
    void shouldSayWhyTheKernelRefuses() {
        assertThatThrownBy(() -> OffHeap.map(1L << 60, false, false))
                .isInstanceOf(NativeException.class)
                .hasMessage("mapping 1152921504606846976 bytes: mmap: Cannot allocate memory (errno 12)");
        assertThatThrownBy(() -> OffHeap.map(0, false, false)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void shouldAllowClosingTwice() {
        OffHeap region = OffHeap.map(1, false, false);
        region.close();
        region.close();
        assertThat(region.bytes()).isEqualTo(OffHeap.PAGE);
    }

    private static long statusKilobytes(String key) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith(key)) {
                return Long.parseLong(line.replaceAll("[^0-9]", ""));
            }
        }
        throw new AssertionError("no " + key);
    }
}
