package lvsd.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.OptionalLong;
import lvsd.memory.NativeFunction;
import org.jspecify.annotations.Nullable;

/**
 * The service manager's notification socket (sd_notify(3)): a datagram to the AF_UNIX address in {@code NOTIFY_SOCKET},
 * a path or, with a leading {@code @}, an abstract name. Without that variable every call does nothing. Any thread.
 */
public final class SdNotify {
    private static final int AF_UNIX = 1;
    private static final int SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int MAX_PATH = 107;

    private static final NativeFunction SOCKET = NativeFunction.libc("socket");
    private static final NativeFunction SENDTO = NativeFunction.libc("sendto");
    private static final NativeFunction CLOSE = NativeFunction.libc("close");

    private final @Nullable String address;
    private final OptionalLong watchdogMicros;

    /**
     * @param environment environment variables; {@code NOTIFY_SOCKET}, {@code WATCHDOG_USEC} and {@code WATCHDOG_PID}
     *     are looked at
     */
    public SdNotify(Map<String, String> environment) {
        String socket = environment.get("NOTIFY_SOCKET");
        boolean usable = socket != null && (socket.startsWith("/") || socket.startsWith("@"));
        this.address = usable ? socket : null;
        this.watchdogMicros = watchdog(environment);
    }

    /** The socket that this process was started with, if any. */
    public static SdNotify fromEnvironment() {
        return new SdNotify(System.getenv());
    }

    private static OptionalLong watchdog(Map<String, String> environment) {
        String micros = environment.getOrDefault("WATCHDOG_USEC", "");
        String own = Long.toString(ProcessHandle.current().pid());
        boolean ours = environment.getOrDefault("WATCHDOG_PID", own).equals(own);
        boolean valid = ours && micros.matches("[0-9]{1,18}") && Long.parseLong(micros) > 0;
        return valid ? OptionalLong.of(Long.parseLong(micros)) : OptionalLong.empty();
    }

    /** Whether somebody listens for notifications. */
    public boolean enabled() {
        return address != null;
    }

    /** The watchdog's period in microseconds, if the manager wants {@link #watchdog} within it. */
    public OptionalLong watchdogMicros() {
        return watchdogMicros;
    }

    /** Start-up is over; {@code status} is one line for humans. */
    public void ready(String status) {
        send("READY=1\nSTATUS=" + status);
    }

    /** A reload begins (SIGHUP); {@link #ready} ends it. */
    public void reloading() {
        send("RELOADING=1\nMONOTONIC_USEC=" + System.nanoTime() / 1000);
    }

    /** The process is about to end. */
    public void stopping() {
        send("STOPPING=1");
    }

    /** One line on what the service is doing. */
    public void status(String status) {
        send("STATUS=" + status);
    }

    /** The service is alive. */
    public void watchdog() {
        send("WATCHDOG=1");
    }

    /**
     * Sends newline-separated assignments.
     *
     * @throws lvsd.memory.NativeException if the socket named by the environment does not take them
     */
    public void send(String state) {
        if (address == null) {
            return;
        }
        byte[] path = address.getBytes(StandardCharsets.UTF_8);
        if (path.length > MAX_PATH) {
            throw new IllegalArgumentException("NOTIFY_SOCKET is longer than " + MAX_PATH + " bytes: " + address);
        }
        if (path[0] == '@') {
            path[0] = 0;
        }
        int socket = SOCKET.callInt(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
        if (socket < 0) {
            throw SOCKET.failure("notifying the service manager");
        }
        try {
            sendDatagram(socket, path, state.getBytes(StandardCharsets.UTF_8));
        } finally {
            CLOSE.callInt(socket);
        }
    }

    private void sendDatagram(int socket, byte[] path, byte[] text) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment target = arena.allocate(2 + MAX_PATH + 1, 2);
            target.set(ValueLayout.JAVA_SHORT, 0, (short) AF_UNIX);
            MemorySegment.copy(path, 0, target, ValueLayout.JAVA_BYTE, 2, path.length);
            // An abstract name ends with the address; a path with the zero behind it.
            int length = 2 + path.length + (path[0] == 0 ? 0 : 1);
            MemorySegment message = arena.allocate(Math.max(1, text.length));
            MemorySegment.copy(text, 0, message, ValueLayout.JAVA_BYTE, 0, text.length);
            long sent = SENDTO.call(socket, message.address(), text.length, MSG_NOSIGNAL, target.address(), length);
            if (sent < 0) {
                throw SENDTO.failure("notifying the service manager at " + address);
            }
        }
    }
}
