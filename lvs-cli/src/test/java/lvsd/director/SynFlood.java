package lvsd.director;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/**
 * SYNs of clients that do not exist, run inside a namespace by {@code SynFlood INTERFACE MAC CLIENTS TARGET RATE SECONDS}: RATE
 * of them a second to port 80 of TARGET behind the station MAC, each of another of the 126 addresses behind CLIENTS, port
 * and sequence number. Prints how many were sent, and in how many milliseconds: who cannot make as many sends fewer.
 */
final class SynFlood {
    private static final int AF_PACKET = 17;
    private static final int SOCK_RAW = 3;
    private static final int LENGTH = 60;
    private static final int IP = 14;
    private static final int TCP = 34;
    /** SYNs between two looks at the clock. */
    private static final int BATCH = 32;

    private SynFlood() {}

    public static void main(String[] arguments) throws Throwable {
        NetworkInterface iface = NetworkInterface.getByName(arguments[0]);
        int clients = ByteBuffer.wrap(InetAddress.getByName(arguments[2]).getAddress())
                .getInt();
        byte[] target = InetAddress.getByName(arguments[3]).getAddress();
        long rate = Long.parseLong(arguments[4]);
        long end = Long.parseLong(arguments[5]) * 1_000_000_000L;
        MethodHandle socket = function("socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
        MethodHandle bind = function("bind", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
        MethodHandle send = function("send", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
        int descriptor = (int) socket.invokeExact(AF_PACKET, SOCK_RAW, 0);
        MemorySegment link = Arena.global().allocate(20, 4);
        link.set(JAVA_SHORT, 0, (short) AF_PACKET);
        link.set(JAVA_INT, 4, iface.getIndex());
        if ((int) bind.invokeExact(descriptor, link, 20) != 0) {
            throw new IllegalStateException("no packet socket on " + arguments[0]);
        }
        MemorySegment memory = Arena.global().allocate(LENGTH);
        ByteBuffer frame = memory.asByteBuffer();
        byte[] station = HexFormat.ofDelimiter(":").parseHex(arguments[1]);
        frame.put(station).put(iface.getHardwareAddress()).putShort((short) 0x0800);
        SplittableRandom random = new SplittableRandom(1);
        long start = System.nanoTime();
        long sent = 0;
        long passed = 0;
        for (long i = 0; passed < end; i++) {
            syn(frame, clients + random.nextInt(1, 127), target, random);
            sent += (long) send.invokeExact(descriptor, memory, (long) LENGTH, 0) == LENGTH ? 1 : 0;
            if (i % BATCH == 0) {
                passed = System.nanoTime() - start;
                long ahead = i * 1_000_000_000L / rate - passed;
                if (ahead > 0) {
                    LockSupport.parkNanos(ahead);
                }
            }
        }
        System.out.println(sent + " " + (System.nanoTime() - start) / 1_000_000);
    }

    private static void syn(ByteBuffer frame, int client, byte[] target, SplittableRandom random) {
        frame.putLong(IP, 0x4500_0028_0000_4000L).putInt(IP + 8, 0x4006_0000);
        frame.putInt(IP + 12, client).put(IP + 16, target);
        frame.putShort(IP + 10, (short) ~sum(frame, IP, 20, 0));
        frame.putShort(TCP, (short) (1024 + random.nextInt(64_000))).putShort(TCP + 2, (short) 80);
        frame.putInt(TCP + 4, random.nextInt()).putInt(TCP + 8, 0).putInt(TCP + 12, 0x5002_ffff);
        frame.putInt(TCP + 16, 0);
        frame.putShort(TCP + 16, (short) ~sum(frame, TCP, 20, sum(frame, IP + 12, 8, 6 + 20)));
    }

    private static int sum(ByteBuffer frame, int from, int length, int start) {
        int sum = start;
        for (int i = from; i < from + length; i += 2) {
            sum += frame.getShort(i) & 0xffff;
        }
        sum = (sum & 0xffff) + (sum >>> 16);
        return (sum & 0xffff) + (sum >>> 16);
    }

    private static MethodHandle function(String name, FunctionDescriptor type) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().find(name).orElseThrow(), type);
    }
}
