package lvsd.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Classic BPF programs for sockets ({@code SO_ATTACH_FILTER}, socket(7)), as the 16 bytes of {@code struct sock_fprog} that
 * setsockopt(2) takes. The instructions stay in memory for good; there is one such program for each kind. Any thread.
 */
public final class SocketFilter {
    /** Level of the option: {@code SOL_SOCKET}. */
    public static final int LEVEL = 1;
    /** The option: {@code SO_ATTACH_FILTER}. */
    public static final int OPTION = 26;
    /** Bytes of what {@link #hopLimit255} returns. */
    public static final int SIZE = 16;

    private static final int LOAD_BYTE = 0x30;
    private static final int JUMP_IF_EQUAL = 0x15;
    private static final int RETURN = 0x06;
    /** SKF_NET_OFF: offsets from here count from the network header. */
    private static final int NETWORK_HEADER = -0x100000;

    private static final int TTL = 8;
    private static final int HOP_LIMIT = 7;

    private static final MemorySegment IPV4 = hopLimitProgram(TTL, 255);
    private static final MemorySegment IPV6 = hopLimitProgram(HOP_LIMIT, 255);

    private SocketFilter() {}

    /** Takes datagrams with TTL or hop limit 255 only; others count among the socket's drops. */
    public static ByteBuffer hopLimit255(boolean ipv6) {
        MemorySegment program = ipv6 ? IPV6 : IPV4;
        ByteBuffer fprog = ByteBuffer.allocateDirect(SIZE).order(ByteOrder.nativeOrder());
        fprog.putShort(0, (short) (program.byteSize() / 8));
        fprog.putLong(8, program.address());
        return fprog;
    }

    private static MemorySegment hopLimitProgram(int offset, int wanted) {
        MemorySegment program = Arena.global().allocate(4 * 8, 8);
        instruction(program, 0, LOAD_BYTE, 0, 0, NETWORK_HEADER + offset);
        instruction(program, 1, JUMP_IF_EQUAL, 0, 1, wanted);
        instruction(program, 2, RETURN, 0, 0, -1);
        instruction(program, 3, RETURN, 0, 0, 0);
        return program;
    }

    private static void instruction(MemorySegment program, int index, int code, int ifTrue, int ifFalse, int operand) {
        long at = index * 8L;
        program.set(ValueLayout.JAVA_SHORT, at, (short) code);
        program.set(ValueLayout.JAVA_BYTE, at + 2, (byte) ifTrue);
        program.set(ValueLayout.JAVA_BYTE, at + 3, (byte) ifFalse);
        program.set(ValueLayout.JAVA_INT, at + 4, operand);
    }
}
