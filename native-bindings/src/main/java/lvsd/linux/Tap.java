package lvsd.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import lvsd.memory.NativeFunction;

/**
 * A kernel TAP device: whole Ethernet frames without a packet-information header, checksums complete in both directions
 * (no offloads are announced, so the kernel finishes its frames before it hands them over).
 *
 * <p>The device lives as long as this object (or the process). It is made in the network namespace of the thread that
 * opens it, which must also be the caller's namespace later. {@link #read}, {@link #write} and {@link #poll} belong to
 * one thread and allocate nothing; the rest is cold and may be called by any one thread at a time. Cold calls fail with
 * {@link lvsd.memory.NativeException}.
 */
public final class Tap implements AutoCloseable {
    private static final int O_RDWR_NONBLOCK_CLOEXEC = 2 | 0x800 | 0x80000;
    private static final long TUNSETIFF = 0x400454caL;
    private static final long TUNSETCARRIER = 0x400454e2L;
    private static final int IFF_TAP = 2;
    private static final int IFF_NO_PI = 0x1000;
    private static final int POLLIN = 1;

    private static final NativeFunction OPEN = NativeFunction.libc("open");
    private static final NativeFunction IOCTL = NativeFunction.libc("ioctl");
    private static final NativeFunction READ = NativeFunction.libc("read");
    private static final NativeFunction WRITE = NativeFunction.libc("write");
    private static final NativeFunction POLL = NativeFunction.libc("poll");
    private static final NativeFunction CLOSE = NativeFunction.libc("close");

    private final Arena arena;
    private final MemorySegment pollRequest;
    private final MemorySegment carrier;
    private final String name;
    private final int descriptor;
    private final int index;

    private Tap(Arena arena, String name, int descriptor) {
        this.arena = arena;
        this.name = name;
        this.descriptor = descriptor;
        pollRequest = arena.allocate(8, 4);
        pollRequest.set(ValueLayout.JAVA_INT, 0, descriptor);
        pollRequest.set(ValueLayout.JAVA_SHORT, 4, (short) POLLIN);
        carrier = arena.allocate(4, 4);
        index = Interfaces.index(name);
    }

    /**
     * Makes the device.
     *
     * @param name 1 to 15 bytes; {@code %d} in it is replaced by a free number
     * @throws lvsd.memory.NativeException if /dev/net/tun is missing, the name is taken, or the process lacks
     *     CAP_NET_ADMIN
     */
    public static Tap open(String name) {
        int descriptor = openDevice(name);
        Arena arena = Arena.ofShared();
        try {
            MemorySegment request = Interfaces.request(arena, name);
            request.set(ValueLayout.JAVA_SHORT, 16, (short) (IFF_TAP | IFF_NO_PI));
            if (IOCTL.callInt(descriptor, TUNSETIFF, request.address()) < 0) {
                throw IOCTL.failure("making the TAP device " + name
                        + " (needs CAP_NET_ADMIN and a name that no other interface or process uses)");
            }
            byte[] given = request.asSlice(0, 16).toArray(ValueLayout.JAVA_BYTE);
            return new Tap(arena, new String(given, StandardCharsets.UTF_8).split("\0", 2)[0], descriptor);
        } catch (RuntimeException failure) {
            CLOSE.callInt(descriptor);
            arena.close();
            throw failure;
        }
    }

    private static int openDevice(String name) {
        try (Arena arena = Arena.ofConfined()) {
            long path = arena.allocateFrom("/dev/net/tun").address();
            int descriptor = OPEN.callInt(path, O_RDWR_NONBLOCK_CLOEXEC);
            if (descriptor < 0) {
                throw OPEN.failure("opening /dev/net/tun for " + name + " (is the tun module there?)");
            }
            return descriptor;
        }
    }

    /** The interface's name. */
    public String name() {
        return name;
    }

    /** The interface's index. */
    public int index() {
        return index;
    }

    /** The file descriptor, for a poll over several devices. It stays ours. */
    public int descriptor() {
        return descriptor;
    }

    /** The MAC address, six bytes. */
    public byte[] mac() {
        return Interfaces.mac(name);
    }

    /** Sets the MAC address, six bytes. */
    public void mac(byte[] mac) {
        Interfaces.mac(name, mac);
    }

    /** The MTU in bytes. */
    public int mtu() {
        return Interfaces.mtu(name);
    }

    /** Sets the MTU in bytes. */
    public void mtu(int mtu) {
        Interfaces.mtu(name, mtu);
    }

    /** Sets the interface up or down. */
    public void up(boolean up) {
        Interfaces.up(name, up);
    }

    /** Whether the interface is up. */
    public boolean up() {
        return Interfaces.up(name);
    }

    /** Sets the carrier, as the kernel sees it. */
    public void carrier(boolean on) {
        carrier.set(ValueLayout.JAVA_INT, 0, on ? 1 : 0);
        if (IOCTL.callInt(descriptor, TUNSETCARRIER, carrier.address()) < 0) {
            throw IOCTL.failure("setting the carrier of " + name + (on ? " on" : " off"));
        }
    }

    /** Adds an IPv4 or IPv6 address; one that is there already is left. */
    public void addAddress(InetAddress address, int prefix) {
        Netlink.addAddress(name, address, prefix);
    }

    /** Removes an address; one that is not there is no error. */
    public void removeAddress(InetAddress address, int prefix) {
        Netlink.removeAddress(name, address, prefix);
    }

    /**
     * Reads the next frame that the kernel sent to the device.
     *
     * @param address where to
     * @param capacity room there; a longer frame is cut
     * @return bytes of the frame; 0 when there is none; {@code -errno} on failure ({@code -EIO}: interface is down)
     */
    public int read(long address, int capacity) {
        long bytes = READ.call(descriptor, address, capacity);
        return bytes >= 0 ? (int) bytes : failure();
    }

    /**
     * Gives the kernel a frame as if it had come in by this interface.
     *
     * @return {@code length} when taken; 0 when the kernel has no room now; {@code -errno} on failure ({@code -EIO}:
     *     interface is down, {@code -EINVAL}: shorter than an Ethernet header)
     */
    public int write(long address, int length) {
        long bytes = WRITE.call(descriptor, address, length);
        return bytes >= 0 ? (int) bytes : failure();
    }

    private static int failure() {
        int errno = NativeFunction.errno();
        return errno == Errno.EAGAIN || errno == Errno.EINTR ? 0 : -errno;
    }

    /**
     * Waits until a frame can be read.
     *
     * @param millis longest wait; 0 only looks
     * @return whether one can
     */
    public boolean poll(int millis) {
        return POLL.callInt(pollRequest.address(), 1, millis) > 0;
    }

    /** Removes the device. */
    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            CLOSE.callInt(descriptor);
            arena.close();
        }
    }
}
