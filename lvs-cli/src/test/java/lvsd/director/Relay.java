package lvsd.director;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A bad network: bridges interfaces of its namespace in pairs, run there by {@code Relay SEED A B [C D]...}. Of the TCP
 * segments of each direction 0.5 % are lost, 0.5 % come twice and 1 % late, behind up to four of those that follow: twice as
 * many between two ends with a relay on either side of the director. What happens to the n-th segment of a direction is the seed's choice alone. Other frames pass. Prints {@code ready}, and at
 * the end of its standard input what it did.
 */
final class Relay implements Runnable {
    private static final int AF_PACKET = 17;
    private static final int SOCK_RAW = 3;
    private static final int SOL_SOCKET = 1;
    private static final int SO_RCVTIMEO = 20;
    private static final int SOL_PACKET = 263;
    private static final int PACKET_IGNORE_OUTGOING = 23;
    private static final int MILLIS = 1000;
    private static final int LATE_MICROSECONDS = 2 * MILLIS;
    private static final int ROOM = 4096;
    private static final int TCP = 6;
    private static final int ALL = 1000;
    /** Fates below this are losses, those from there to the next are repetitions, and so on. */
    private static final int LOST = 5;

    private static final int TWICE = 10;
    private static final int LATE = 20;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final MethodHandle SOCKET =
            function("socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle BIND =
            function("bind", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle SETSOCKOPT =
            function("setsockopt", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle RECV =
            function("recv", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
    private static final MethodHandle SEND =
            function("send", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));

    private final int from;
    private final int to;
    private final SplittableRandom random;
    private final MemorySegment frame = Arena.global().allocate(ROOM, 8);
    private final MemorySegment held = Arena.global().allocate(ROOM, 8);
    private long heldLength;
    private int heldFor;
    private final AtomicLong segments = new AtomicLong();
    private final AtomicLong lost = new AtomicLong();
    private final AtomicLong twice = new AtomicLong();
    private final AtomicLong late = new AtomicLong();

    private Relay(int from, int to, long seed) {
        this.from = from;
        this.to = to;
        this.random = new SplittableRandom(seed);
    }

    public static void main(String[] arguments) throws IOException {
        SplittableRandom seeds = new SplittableRandom(Long.parseLong(arguments[0]));
        List<Relay> relays = new ArrayList<>();
        for (int i = 1; i + 1 < arguments.length; i += 2) {
            int a = open(arguments[i]);
            int b = open(arguments[i + 1]);
            relays.add(new Relay(a, b, seeds.nextLong()));
            relays.add(new Relay(b, a, seeds.nextLong()));
        }
        relays.forEach(relay -> Thread.ofPlatform().daemon().start(relay));
        System.out.println("ready");
        while (System.in.read() >= 0) {
            // until whoever started it has had enough
        }
        relays.forEach(relay -> System.out.printf(
                "segments=%d lost=%d twice=%d late=%d%n",
                relay.segments.get(), relay.lost.get(), relay.twice.get(), relay.late.get()));
    }

    @Override
    public void run() {
        while (true) {
            long length = receive();
            if (length <= 0) {
                release();
            } else if (isTcp()) {
                segment(length);
            } else {
                send(frame, length);
            }
        }
    }

    private void segment(long length) {
        segments.incrementAndGet();
        int fate = random.nextInt(ALL);
        int behind = 1 + random.nextInt(4);
        if (fate < LOST) {
            lost.incrementAndGet();
            return;
        }
        if (fate < TWICE) {
            twice.incrementAndGet();
            send(frame, length);
        } else if (fate < LATE && heldLength == 0) {
            late.incrementAndGet();
            held.copyFrom(frame);
            heldLength = length;
            heldFor = behind;
            return;
        }
        send(frame, length);
        if (heldLength > 0 && --heldFor == 0) {
            release();
        }
    }

    private void release() {
        if (heldLength > 0) {
            send(held, heldLength);
            heldLength = 0;
        }
    }

    private boolean isTcp() {
        int type = (frame.get(ValueLayout.JAVA_BYTE, 12) & 0xff) << 8 | (frame.get(ValueLayout.JAVA_BYTE, 13) & 0xff);
        return switch (type) {
            case 0x0800 -> frame.get(ValueLayout.JAVA_BYTE, 23) == TCP;
            case 0x86dd -> frame.get(ValueLayout.JAVA_BYTE, 20) == TCP;
            default -> false;
        };
    }

    /** Bytes of the next frame, or a negative number when none came for a while. */
    private long receive() {
        try {
            return (long) RECV.invokeExact(from, frame, (long) ROOM, 0);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    private void send(MemorySegment what, long length) {
        try {
            long sent = (long) SEND.invokeExact(to, what, length, 0);
            if (sent != length) {
                lost.incrementAndGet();
            }
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** A packet socket that sees every frame that comes in by an interface, and none that leaves. */
    private static int open(String name) throws IOException {
        int all = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? 0x0300 : 0x0003;
        try (Arena arena = Arena.ofConfined()) {
            int descriptor = (int) SOCKET.invokeExact(AF_PACKET, SOCK_RAW, all);
            MemorySegment link = arena.allocate(20, 4);
            link.set(JAVA_SHORT, 0, (short) AF_PACKET);
            link.set(JAVA_SHORT, 2, (short) all);
            // Java knows interfaces with addresses only.
            String index = Files.readString(Path.of("/sys/class/net", name, "ifindex"));
            link.set(JAVA_INT, 4, Integer.parseInt(index.strip()));
            MemorySegment one = arena.allocateFrom(JAVA_INT, 1);
            MemorySegment wait = arena.allocateFrom(JAVA_LONG, 0, LATE_MICROSECONDS);
            int failed = (int) BIND.invokeExact(descriptor, link, 20)
                    | (int) SETSOCKOPT.invokeExact(descriptor, SOL_PACKET, PACKET_IGNORE_OUTGOING, one, 4)
                    | (int) SETSOCKOPT.invokeExact(descriptor, SOL_SOCKET, SO_RCVTIMEO, wait, 16);
            if (descriptor < 0 || failed != 0) {
                throw new IOException("no packet socket on " + name);
            }
            return descriptor;
        } catch (IOException e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    private static MethodHandle function(String name, FunctionDescriptor type) {
        return LINKER.downcallHandle(LINKER.defaultLookup().find(name).orElseThrow(), type);
    }
}
