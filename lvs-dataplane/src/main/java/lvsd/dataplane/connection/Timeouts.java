package lvsd.dataplane.connection;

/**
 * How long a connection lives without packets, by protocol and state, in ticks of {@value #TICK_MILLIS} ms. Owned by
 * one worker, which changes it on command ({@code ipvsadm --set}); a change holds for packets that come later.
 *
 * <p>A connection's own timeout, where set, is the owner's business.
 */
public final class Timeouts {
    /** Milliseconds of a tick. */
    public static final int TICK_MILLIS = 4;
    /** Ticks of a second. */
    public static final int TICKS_PER_SECOND = 1000 / TICK_MILLIS;
    /** Longest timeout in seconds: what 31 bits of ticks hold, and the kernel's own bound. */
    public static final int MAXIMUM_SECONDS = Integer.MAX_VALUE / TICKS_PER_SECOND;

    private static final int UDP_SECONDS = 300;
    /** SCTP: NONE, INIT1, INIT, six cookie states, ESTABLISHED, three shutdown states, REJECTED, CLOSED. */
    private static final int[] SCTP_SECONDS = {2, 4, 61, 61, 61, 61, 61, 61, 900, 61, 61, 61, 4, 61};

    private static final int TCP = 6;
    private static final int UDP = 17;
    private static final int SCTP = 132;

    private final int[] tcp = new int[16];
    private final int[] sctp = new int[16];
    private int udp = ticks(UDP_SECONDS);

    /** The kernel's defaults. */
    public Timeouts() {
        for (int state = 0; state < TcpStates.COUNT; state++) {
            tcp[state] = ticks(TcpStates.defaultSeconds(state));
        }
        for (int state = 0; state < SCTP_SECONDS.length; state++) {
            sctp[state] = ticks(SCTP_SECONDS[state]);
        }
    }

    /** Seconds (0 to {@link #MAXIMUM_SECONDS}, longer ones count as that) in ticks. */
    public static int ticks(int seconds) {
        return Math.min(seconds, MAXIMUM_SECONDS) * TICKS_PER_SECOND;
    }

    /** Timeout in ticks of a TCP state. */
    public int tcp(int state) {
        return tcp[state & 15];
    }

    /** Timeout in ticks of a UDP connection. */
    public int udp() {
        return udp;
    }

    /** Timeout in ticks of a connection in {@code state}; protocols without states use UDP's. */
    public int of(int protocol, int state) {
        return switch (protocol) {
            case TCP -> tcp[state & 15];
            case SCTP -> sctp[state & 15];
            default -> udp;
        };
    }

    /** Sets a TCP state's timeout, seconds. */
    public void setTcp(int state, int seconds) {
        tcp[state] = ticks(seconds);
    }

    /** What {@code --set} sets, in seconds: TCP established, TCP FIN_WAIT, UDP; 0 keeps one. */
    public void set(int established, int finWait, int udpSeconds) {
        if (established > 0) {
            setTcp(TcpStates.ESTABLISHED, established);
        }
        if (finWait > 0) {
            setTcp(TcpStates.FIN_WAIT, finWait);
        }
        if (udpSeconds > 0) {
            udp = ticks(udpSeconds);
        }
    }

    /** State of a connection as {@code ipvsadm -Lc} prints it. */
    public static String stateName(int protocol, int state) {
        return switch (protocol) {
            case TCP -> TcpStates.name(state);
            case UDP -> "UDP";
            default -> "NONE";
        };
    }
}
