package lvsd.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import lvsd.memory.NativeFunction;

/**
 * Programs of two instructions for an interface, by bpf(2). A program is attached as long as its link's descriptor is
 * open, so that even a killed process leaves nothing behind. Cold.
 */
final class Bpf {
    /** Where a program sits, and what it says of every frame. */
    enum Program {
        /** In the driver, before anything else: let the frame pass. */
        XDP_PASS(6, 37, 2, 1 << 2),
        /** Behind packet sockets, before the protocol stack: drop the frame (Linux 6.6). */
        INGRESS_DROP(3, 46, 2, 0);

        private final int type;
        private final int attachment;
        private final int answer;
        private final int flags;

        Program(int type, int attachment, int answer, int flags) {
            this.type = type;
            this.attachment = attachment;
            this.answer = answer;
            this.flags = flags;
        }
    }

    private static final int BPF_PROG_LOAD = 5;
    private static final int BPF_LINK_CREATE = 28;
    private static final int ATTR_BYTES = 128;
    private static final byte MOVE_IMMEDIATE = (byte) 0xb7;
    private static final byte EXIT = (byte) 0x95;
    private static final int SYS_BPF = System.getProperty("os.arch", "").equals("aarch64") ? 280 : 321;

    private static final NativeFunction SYSCALL = NativeFunction.libc("syscall");
    private static final NativeFunction CLOSE = NativeFunction.libc("close");

    private Bpf() {}

    /**
     * Attaches a program.
     *
     * @return descriptor of the link, to be given to {@link #detach}
     * @throws lvsd.memory.NativeException if the kernel or the interface's driver cannot
     */
    static int attach(Program program, String name) {
        int loaded = load(program, name);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attributes = arena.allocate(ATTR_BYTES, 8);
            attributes.set(ValueLayout.JAVA_INT, 0, loaded);
            attributes.set(ValueLayout.JAVA_INT, 4, Interfaces.index(name));
            attributes.set(ValueLayout.JAVA_INT, 8, program.attachment);
            attributes.set(ValueLayout.JAVA_INT, 12, program.flags);
            int link = SYSCALL.callInt(SYS_BPF, BPF_LINK_CREATE, attributes.address(), ATTR_BYTES);
            if (link < 0) {
                throw SYSCALL.failure("attaching " + program + " to " + name);
            }
            return link;
        } finally {
            CLOSE.callInt(loaded);
        }
    }

    private static int load(Program program, String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment code = arena.allocate(16, 8);
            code.set(ValueLayout.JAVA_BYTE, 0, MOVE_IMMEDIATE);
            code.set(ValueLayout.JAVA_INT, 4, program.answer);
            code.set(ValueLayout.JAVA_BYTE, 8, EXIT);
            MemorySegment attributes = arena.allocate(ATTR_BYTES, 8);
            attributes.set(ValueLayout.JAVA_INT, 0, program.type);
            attributes.set(ValueLayout.JAVA_INT, 4, 2);
            attributes.set(ValueLayout.ADDRESS, 8, code);
            attributes.set(ValueLayout.ADDRESS, 16, arena.allocateFrom("Dual MIT/GPL"));
            int loaded = SYSCALL.callInt(SYS_BPF, BPF_PROG_LOAD, attributes.address(), ATTR_BYTES);
            if (loaded < 0) {
                throw SYSCALL.failure("loading " + program + " for " + name + " (needs CAP_BPF and CAP_NET_ADMIN)");
            }
            return loaded;
        }
    }

    /** Detaches what {@link #attach} attached. */
    static void detach(int link) {
        CLOSE.callInt(link);
    }
}
