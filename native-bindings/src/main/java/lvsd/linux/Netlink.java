package lvsd.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import lvsd.memory.NativeException;
import lvsd.memory.NativeFunction;
import org.jspecify.annotations.Nullable;

/**
 * Addresses and routes of the kernel's interfaces, by rtnetlink(7): one request, one acknowledgement. Cold; any thread;
 * acts on the calling thread's network namespace. Failures are {@link NativeException} with what was asked for.
 */
public final class Netlink {
    private static final int AF_INET = 2;
    private static final int AF_INET6 = 10;
    private static final int AF_NETLINK = 16;
    private static final int SOCK_RAW_CLOEXEC = 3 | 0x80000;

    private static final short RTM_NEWADDR = 20;
    private static final short RTM_DELADDR = 21;
    private static final short RTM_NEWROUTE = 24;
    private static final short RTM_DELROUTE = 25;

    private static final short REQUEST_ACK = 1 | 4;
    private static final short REPLACE_CREATE = 0x100 | 0x400;
    private static final short NLMSG_ERROR = 2;

    private static final short IFA_ADDRESS = 1;
    private static final short IFA_LOCAL = 2;
    private static final byte IFA_F_NODAD = 2;

    private static final short RTA_DST = 1;
    private static final short RTA_OIF = 4;
    private static final short RTA_GATEWAY = 5;
    private static final short RTA_PRIORITY = 6;
    private static final byte RT_TABLE_MAIN = (byte) 254;
    private static final byte RTPROT_STATIC = 4;
    private static final byte RT_SCOPE_LINK = (byte) 253;
    private static final byte RTN_UNICAST = 1;

    private static final int HEADER = 16;
    private static final int BUFFER = 1024;

    private static final NativeFunction SOCKET = NativeFunction.libc("socket");
    private static final NativeFunction SEND = NativeFunction.libc("send");
    private static final NativeFunction RECV = NativeFunction.libc("recv");
    private static final NativeFunction CLOSE = NativeFunction.libc("close");

    private Netlink() {}

    /**
     * Gives the interface an address. IPv6 addresses skip duplicate address detection: the director answers for them
     * itself. An address that is there already is left as it is.
     */
    public static void addAddress(String name, InetAddress address, int prefix) {
        ByteBuffer message = addressMessage(RTM_NEWADDR, REPLACE_CREATE, name, address, prefix);
        exchange(message, "adding " + address.getHostAddress() + "/" + prefix + " to " + name);
    }

    /** Takes an address from the interface; one that is not there is no error. */
    public static void removeAddress(String name, InetAddress address, int prefix) {
        ByteBuffer message = addressMessage(RTM_DELADDR, (short) 0, name, address, prefix);
        try {
            exchange(message, "removing " + address.getHostAddress() + "/" + prefix + " from " + name);
        } catch (NativeException failure) {
            if (failure.errno() != Errno.EADDRNOTAVAIL) {
                throw failure;
            }
        }
    }

    /**
     * Adds or replaces a route in the main table.
     *
     * @param to network
     * @param prefix its length; 0 for the default route
     * @param via next hop, or null when the network is on the link
     * @param name interface
     * @param metric priority; 0 for the kernel's default
     */
    public static void addRoute(InetAddress to, int prefix, @Nullable InetAddress via, String name, int metric) {
        ByteBuffer message = routeMessage(RTM_NEWROUTE, REPLACE_CREATE, to, prefix, via, name, metric);
        exchange(message, "adding the route to " + to.getHostAddress() + "/" + prefix + " by " + name);
    }

    /** Removes a route that {@link #addRoute} added. */
    public static void removeRoute(InetAddress to, int prefix, @Nullable InetAddress via, String name, int metric) {
        ByteBuffer message = routeMessage(RTM_DELROUTE, (short) 0, to, prefix, via, name, metric);
        exchange(message, "removing the route to " + to.getHostAddress() + "/" + prefix + " by " + name);
    }

    private static int family(InetAddress address) {
        return address.getAddress().length == 4 ? AF_INET : AF_INET6;
    }

    private static ByteBuffer addressMessage(short type, short flags, String name, InetAddress address, int prefix) {
        ByteBuffer message = begin(type, flags);
        message.put((byte) family(address)).put((byte) prefix).put(IFA_F_NODAD).put((byte) 0);
        message.putInt(Interfaces.index(name));
        attribute(message, IFA_LOCAL, address.getAddress());
        attribute(message, IFA_ADDRESS, address.getAddress());
        return message;
    }

    private static ByteBuffer routeMessage(
            short type, short flags, InetAddress to, int prefix, @Nullable InetAddress via, String name, int metric) {
        ByteBuffer message = begin(type, flags);
        message.put((byte) family(to)).put((byte) prefix).put((byte) 0).put((byte) 0);
        message.put(RT_TABLE_MAIN).put(RTPROT_STATIC);
        message.put(via == null ? RT_SCOPE_LINK : (byte) 0).put(RTN_UNICAST).putInt(0);
        attribute(message, RTA_DST, to.getAddress());
        attribute(message, RTA_OIF, intBytes(Interfaces.index(name)));
        if (via != null) {
            attribute(message, RTA_GATEWAY, via.getAddress());
        }
        if (metric != 0) {
            attribute(message, RTA_PRIORITY, intBytes(metric));
        }
        return message;
    }

    private static byte[] intBytes(int value) {
        return ByteBuffer.allocate(4)
                .order(ByteOrder.nativeOrder())
                .putInt(value)
                .array();
    }

    private static ByteBuffer begin(short type, short flags) {
        ByteBuffer message = ByteBuffer.allocate(BUFFER).order(ByteOrder.nativeOrder());
        return message.putInt(0)
                .putShort(type)
                .putShort((short) (REQUEST_ACK | flags))
                .putInt(1)
                .putInt(0);
    }

    private static void attribute(ByteBuffer message, short type, byte[] value) {
        message.putShort((short) (4 + value.length)).putShort(type).put(value);
        message.position((message.position() + 3) & -4);
    }

    private static void exchange(ByteBuffer message, String what) {
        int length = message.position();
        message.putInt(0, length).flip();
        int socket = SOCKET.callInt(AF_NETLINK, SOCK_RAW_CLOEXEC, 0);
        if (socket < 0) {
            throw SOCKET.failure(what);
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(BUFFER, 8);
            buffer.copyFrom(MemorySegment.ofBuffer(message));
            if (SEND.call(socket, buffer.address(), length, 0) < 0) {
                throw SEND.failure(what);
            }
            long received = RECV.call(socket, buffer.address(), BUFFER, 0);
            if (received < 0) {
                throw RECV.failure(what);
            }
            check(buffer, received, what);
        } finally {
            CLOSE.callInt(socket);
        }
    }

    private static void check(MemorySegment reply, long length, String what) {
        if (length < HEADER + 4 || reply.get(ValueLayout.JAVA_SHORT, 4) != NLMSG_ERROR) {
            throw new IllegalStateException(what + ": rtnetlink gave no acknowledgement");
        }
        int error = reply.get(ValueLayout.JAVA_INT, HEADER);
        if (error != 0) {
            throw new NativeException("rtnetlink", -error, what);
        }
    }
}
