package lvsd.director;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.net.NetworkInterface;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/**
 * Sends frames as they are, run inside a namespace by {@code RawFrames INTERFACE}: one frame in hexadecimal a line on
 * standard input, one line {@code sent} for each on standard output.
 */
final class RawFrames {
    private static final int AF_PACKET = 17;
    private static final int SOCK_RAW = 3;

    private RawFrames() {}

    public static void main(String[] arguments) throws Throwable {
        int index = NetworkInterface.getByName(arguments[0]).getIndex();
        MethodHandle socket = function("socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
        MethodHandle sendto = function(
                "sendto", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
        int descriptor = (int) socket.invokeExact(AF_PACKET, SOCK_RAW, 0);
        try (Arena arena = Arena.ofConfined()) {
            // struct sockaddr_ll: family, protocol, interface, the rest of no use to a sender of whole frames.
            MemorySegment link = arena.allocate(20, 4);
            link.set(JAVA_SHORT, 0, (short) AF_PACKET);
            link.set(JAVA_INT, 4, index);
            MemorySegment frame = arena.allocate(2048);
            for (String line = read(); line != null; line = read()) {
                byte[] bytes = HexFormat.of().parseHex(line);
                MemorySegment.copy(bytes, 0, frame, JAVA_BYTE, 0, bytes.length);
                long sent = (long) sendto.invokeExact(descriptor, frame, (long) bytes.length, 0, link, 20);
                System.out.println(sent == bytes.length ? "sent" : "failed");
            }
        }
    }

    private static final BufferedReader IN =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));

    private static String read() throws IOException {
        return IN.readLine();
    }

    private static MethodHandle function(String name, FunctionDescriptor type) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().find(name).orElseThrow(), type);
    }
}
