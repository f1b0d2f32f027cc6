package lvsd.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/**
 * Driver and offloads of a kernel interface in the calling thread's network namespace (ioctl SIOCETHTOOL). Cold; any
 * thread. Failures are {@link lvsd.memory.NativeException}.
 */
public final class Ethtool {
    private static final long SIOCETHTOOL = 0x8946;
    private static final int ETHTOOL_GDRVINFO = 3;
    private static final int ETHTOOL_GLINK = 0x0a;
    private static final int DRVINFO_BYTES = 196;
    private static final int DRIVER_OFFSET = 4;
    private static final int DRIVER_BYTES = 32;

    private Ethtool() {}

    /** An offload that can be read and switched. */
    public enum Feature {
        /** Receive checksums. */
        RX_CHECKSUM(0x14, 0x15),
        /** Transmit checksums: while on, a sender leaves them to the device. */
        TX_CHECKSUM(0x16, 0x17),
        /** TCP segmentation by the device. */
        TSO(0x1e, 0x1f),
        /** Generic segmentation late in the stack. */
        GSO(0x23, 0x24),
        /** Merging of received segments. */
        GRO(0x2b, 0x2c);

        private final int get;
        private final int set;

        Feature(int get, int set) {
            this.get = get;
            this.set = set;
        }
    }

    /** Name of the interface's driver, for example {@code veth}. */
    public static String driver(String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(DRVINFO_BYTES, 4);
            info.set(ValueLayout.JAVA_INT, 0, ETHTOOL_GDRVINFO);
            call(arena, name, info, "driver of " + name);
            byte[] text = info.asSlice(DRIVER_OFFSET, DRIVER_BYTES).toArray(ValueLayout.JAVA_BYTE);
            return new String(text, StandardCharsets.US_ASCII).split("\0", 2)[0];
        }
    }

    /**
     * Whether the interface has a carrier. Since Linux 6.9 asking also makes the kernel act on a change of carrier that
     * it had put off.
     */
    public static boolean link(String name) {
        try (Arena arena = Arena.ofConfined()) {
            return read(arena, name, ETHTOOL_GLINK, "link of " + name);
        }
    }

    /** Whether the feature is on. */
    public static boolean get(String name, Feature feature) {
        try (Arena arena = Arena.ofConfined()) {
            return read(arena, name, feature.get, feature + " of " + name);
        }
    }

    private static boolean read(Arena arena, String name, int command, String what) {
        MemorySegment value = arena.allocate(8, 4);
        value.set(ValueLayout.JAVA_INT, 0, command);
        call(arena, name, value, what);
        return value.get(ValueLayout.JAVA_INT, 4) != 0;
    }

    /** Switches the feature. */
    public static void set(String name, Feature feature, boolean on) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(8, 4);
            value.set(ValueLayout.JAVA_INT, 0, feature.set);
            value.set(ValueLayout.JAVA_INT, 4, on ? 1 : 0);
            call(arena, name, value, "switching " + feature + (on ? " on for " : " off for ") + name);
        }
    }

    private static void call(Arena arena, String name, MemorySegment command, String what) {
        MemorySegment request = Interfaces.request(arena, name);
        request.set(ValueLayout.ADDRESS, 16, command);
        Interfaces.ioctl(SIOCETHTOOL, request, what);
    }
}
