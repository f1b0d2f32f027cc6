package lvsd.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import lvsd.memory.NativeException;
import lvsd.memory.NativeFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SdNotifyTest {
    @Test
    void shouldDoNothingWithoutASocket() {
        SdNotify none = new SdNotify(Map.of());
        assertThat(none.enabled()).isFalse();
        none.ready("up");
        assertThat(none.watchdogMicros()).isEmpty();
    }

    @Test
    void shouldReachASocketInTheFileSystem(@TempDir Path directory) {
        String path = directory.resolve("notify").toString();
        try (Receiver receiver = new Receiver(path, false)) {
            new SdNotify(Map.of("NOTIFY_SOCKET", path)).ready("forwarding");
            assertThat(receiver.next()).isEqualTo("READY=1\nSTATUS=forwarding");
        }
    }

    @Test
    void shouldReachAnAbstractSocket() {
        String name = "lvsd-test-" + ProcessHandle.current().pid();
        try (Receiver receiver = new Receiver(name, true)) {
            SdNotify notify = new SdNotify(Map.of("NOTIFY_SOCKET", "@" + name));
            notify.stopping();
            notify.watchdog();
            assertThat(receiver.next()).isEqualTo("STOPPING=1");
            assertThat(receiver.next()).isEqualTo("WATCHDOG=1");
        }
    }

    @Test
    void shouldNameTheSocketThatIsNotThere() {
        SdNotify notify = new SdNotify(Map.of("NOTIFY_SOCKET", "/nonexistent/notify"));
        assertThatThrownBy(() -> notify.status("x"))
                .isInstanceOf(NativeException.class)
                .hasMessageContaining("/nonexistent/notify");
    }

    @Test
    void shouldKnowWhoseWatchdogItIs() {
        String own = Long.toString(ProcessHandle.current().pid());
        assertThat(new SdNotify(Map.of("WATCHDOG_USEC", "3000000", "WATCHDOG_PID", own)).watchdogMicros())
                .hasValue(3_000_000);
        assertThat(new SdNotify(Map.of("WATCHDOG_USEC", "3000000", "WATCHDOG_PID", "1")).watchdogMicros())
                .isEmpty();
        assertThat(new SdNotify(Map.of("WATCHDOG_USEC", "soon")).watchdogMicros())
                .isEmpty();
    }

    /** A bound AF_UNIX datagram socket; Java has none. */
    private static final class Receiver implements AutoCloseable {
        private final Arena arena = Arena.ofConfined();
        private final int socket = NativeFunction.libc("socket").callInt(1, 2 | 0x800, 0);

        Receiver(String path, boolean isAbstract) {
            byte[] bytes = path.getBytes(StandardCharsets.UTF_8);
            MemorySegment address = arena.allocate(110, 2);
            address.set(ValueLayout.JAVA_SHORT, 0, (short) 1);
            int start = isAbstract ? 3 : 2;
            MemorySegment.copy(bytes, 0, address, ValueLayout.JAVA_BYTE, start, bytes.length);
            int length = 3 + bytes.length;
            NativeFunction bind = NativeFunction.libc("bind");
            if (bind.callInt(socket, address.address(), length) != 0) {
                throw bind.failure(path);
            }
        }

        String next() {
            MemorySegment buffer = arena.allocate(4096);
            int length = (int) NativeFunction.libc("recv").call(socket, buffer.address(), 4096, 0);
            return length < 0
                    ? "nothing"
                    : new String(buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
        }

        @Override
        public void close() {
            NativeFunction.libc("close").callInt(socket);
            arena.close();
        }
    }
}
