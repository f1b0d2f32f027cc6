package lvsd.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import lvsd.memory.NativeException;
import lvsd.memory.NativeFunction;

/**
 * Properties of the kernel's interfaces in the calling thread's network namespace, by ioctl (netdevice(7)). Cold; any
 * thread. Every method throws {@link NativeException} naming the interface when the kernel refuses.
 */
public final class Interfaces {
    /** Longest interface name in bytes. */
    public static final int MAX_NAME = 15;

    private static final int AF_INET = 2;
    private static final int SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
    private static final int ARPHRD_ETHER = 1;
    private static final int IFF_UP = 1;
    private static final int IFF_LOOPBACK = 8;
    private static final int IFF_RUNNING = 0x40;

    private static final long SIOCGIFFLAGS = 0x8913;
    private static final long SIOCSIFFLAGS = 0x8914;
    private static final long SIOCGIFMTU = 0x8921;
    private static final long SIOCSIFMTU = 0x8922;
    private static final long SIOCSIFHWADDR = 0x8924;
    private static final long SIOCGIFHWADDR = 0x8927;
    private static final long SIOCGIFINDEX = 0x8933;

    /** struct ifreq: 16 bytes of name, 24 bytes of union. */
    static final int IFREQ = 40;

    private static final int UNION = 16;

    private static final NativeFunction SOCKET = NativeFunction.libc("socket");
    private static final NativeFunction IOCTL = NativeFunction.libc("ioctl");
    private static final NativeFunction CLOSE = NativeFunction.libc("close");

    private Interfaces() {}

    /** Whether there is an interface of that name. */
    public static boolean exists(String name) {
        try {
            index(name);
            return true;
        } catch (NativeException absent) {
            if (absent.errno() == Errno.ENODEV) {
                return false;
            }
            throw absent;
        }
    }

    /** The interface's index. */
    public static int index(String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = request(arena, name);
            ioctl(SIOCGIFINDEX, request, "index of " + name);
            return request.get(ValueLayout.JAVA_INT, UNION);
        }
    }

    /** The MAC address, six bytes. */
    public static byte[] mac(String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = request(arena, name);
            ioctl(SIOCGIFHWADDR, request, "MAC address of " + name);
            return request.asSlice(UNION + 2, 6).toArray(ValueLayout.JAVA_BYTE);
        }
    }

    /** Sets the MAC address, six bytes. */
    public static void mac(String name, byte[] mac) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = request(arena, name);
            request.set(ValueLayout.JAVA_SHORT, UNION, (short) ARPHRD_ETHER);
            MemorySegment.copy(mac, 0, request, ValueLayout.JAVA_BYTE, UNION + 2, 6);
            ioctl(SIOCSIFHWADDR, request, "setting the MAC address of " + name);
        }
    }

    /** The MTU in bytes. */
    public static int mtu(String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = request(arena, name);
            ioctl(SIOCGIFMTU, request, "MTU of " + name);
            return request.get(ValueLayout.JAVA_INT, UNION);
        }
    }

    /** Sets the MTU in bytes. */
    public static void mtu(String name, int mtu) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = request(arena, name);
            request.set(ValueLayout.JAVA_INT, UNION, mtu);
            ioctl(SIOCSIFMTU, request, "setting MTU " + mtu + " of " + name);
        }
    }

    /** Whether the interface is administratively up. */
    public static boolean up(String name) {
        return (flags(name) & IFF_UP) != 0;
    }

    /** Whether the interface is up and has carrier. */
    public static boolean running(String name) {
        return (flags(name) & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
    }

    /** Whether the interface is the loopback. */
    public static boolean loopback(String name) {
        return (flags(name) & IFF_LOOPBACK) != 0;
    }

    /** Sets the interface up or down. */
    public static void up(String name, boolean up) {
        try (Arena arena = Arena.ofConfined()) {
            int flags = flags(name);
            MemorySegment request = request(arena, name);
            request.set(ValueLayout.JAVA_SHORT, UNION, (short) (up ? flags | IFF_UP : flags & ~IFF_UP));
            ioctl(SIOCSIFFLAGS, request, "setting " + name + (up ? " up" : " down"));
        }
    }

    private static int flags(String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = request(arena, name);
            ioctl(SIOCGIFFLAGS, request, "flags of " + name);
            return request.get(ValueLayout.JAVA_SHORT, UNION) & 0xffff;
        }
    }

    /** A zeroed ifreq with the name in it. */
    static MemorySegment request(Arena arena, String name) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        if (bytes.length == 0 || bytes.length > MAX_NAME) {
            throw new IllegalArgumentException("interface name of 1 to " + MAX_NAME + " bytes wanted: '" + name + "'");
        }
        MemorySegment request = arena.allocate(IFREQ, 8);
        MemorySegment.copy(bytes, 0, request, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return request;
    }

    /** Issues an ioctl with {@code request} on a socket made for it. */
    static void ioctl(long command, MemorySegment request, String what) {
        int socket = SOCKET.callInt(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
        if (socket < 0) {
            throw SOCKET.failure(what);
        }
        try {
            if (IOCTL.callInt(socket, command, request.address()) < 0) {
                throw IOCTL.failure(what);
            }
        } finally {
            CLOSE.callInt(socket);
        }
    }
}
