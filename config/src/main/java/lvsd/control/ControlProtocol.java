package lvsd.control;

import java.nio.file.Path;

/** Constants and framing of the control protocol, shared by both ends. See docs/control-protocol.md. */
public final class ControlProtocol {
    /** Where the daemon listens unless told otherwise. */
    public static final Path DEFAULT_SOCKET = Path.of("/run/lvsd/control.sock");

    /** Environment variable that names the socket for the tool. */
    public static final String SOCKET_VARIABLE = "LVSD_CONTROL";

    /** Longest request in bytes, line end not included. */
    public static final int MAX_REQUEST = 65536;

    /** Longest header line in bytes, line end included. */
    public static final int MAX_HEADER = 48;

    /** Most bytes of one frame's out or err part: pages of a long listing stay below it. */
    public static final int MAX_PART = 256 << 20;

    private ControlProtocol() {}

    /**
     * Header of a frame: {@code <exit> <outBytes> <errBytes>\n}, with {@code +} for the exit code where another frame
     * of the same reply follows.
     *
     * @param more whether this is not the last frame of the reply
     * @param exitCode 0 to 255, ignored if more follows
     */
    public static String header(boolean more, int exitCode, int outBytes, int errBytes) {
        return (more ? "+" : Integer.toString(exitCode)) + " " + outBytes + " " + errBytes + "\n";
    }
}
