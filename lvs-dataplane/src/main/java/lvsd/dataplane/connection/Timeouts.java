package lvsd.dataplane.connection;

import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import lvsd.config.Settings;

/**
 * How long a connection lives without packets, by protocol and state, in ticks of {@value #TICK_MILLIS} ms. Owned by
 * one worker, which takes them over from each new snapshot of settings; a change holds for packets that come later.
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

    private static final int TCP = 6;
    private static final int UDP = 17;
    private static final int SCTP = 132;
    private static final int UDP_BY_ERROR = 1;

    private final int[] tcp = new int[16];
    private final int[] sctp = new int[16];
    private int udp;
    private int icmp;

    /** The kernel's defaults. */
    public Timeouts() {
        this(Settings.defaults());
    }

    /** Those of the {@code timeout_} settings, all of which must be there. */
    public Timeouts(Map<String, String> settings) {
        for (int state = 0; state < TcpStates.COUNT; state++) {
            String name = TcpStates.name(state).replace("_", "").toLowerCase(Locale.ROOT);
            tcp[state] = setting(settings, name);
        }
        for (int state = 0; state < Settings.SCTP_STATES.size(); state++) {
            sctp[state] = setting(settings, "sctp_" + Settings.SCTP_STATES.get(state));
        }
        udp = setting(settings, "udp");
        icmp = setting(settings, "icmp");
    }

    private static int setting(Map<String, String> settings, String name) {
        String seconds = settings.get("timeout_" + name);
        if (seconds == null) {
            throw new IllegalArgumentException("no setting timeout_" + name);
        }
        return ticks(Integer.parseInt(seconds));
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

    /** Ticks that a connection which an ICMP error opened waits for a packet of its own. */
    public int icmp() {
        return icmp;
    }

    /** Timeout in ticks of a connection in {@code state}; protocols without states use UDP's. */
    public int of(int protocol, int state) {
        return switch (protocol) {
            case TCP -> tcp[state & 15];
            case SCTP -> sctp[state & 15];
            default -> udp;
        };
    }

    /**
     * State of a connection that an ICMP error opened and no packet of its own has reached yet (its client's packets are 0).
     * What states there are, are left by the first packet; UDP has one only, so this is another.
     */
    public static int byError(int protocol) {
        return protocol == UDP ? UDP_BY_ERROR : 0;
    }

    /** Takes all of {@code others} over; whether any was another. */
    public boolean set(Timeouts others) {
        if (Arrays.equals(tcp, others.tcp)
                && Arrays.equals(sctp, others.sctp)
                && udp == others.udp
                && icmp == others.icmp) {
            return false;
        }
        System.arraycopy(others.tcp, 0, tcp, 0, tcp.length);
        System.arraycopy(others.sctp, 0, sctp, 0, sctp.length);
        udp = others.udp;
        icmp = others.icmp;
        return true;
    }

    /** State of a connection as {@code ipvsadm -Lc} prints it. */
    public static String stateName(int protocol, int state) {
        return switch (protocol) {
            case TCP -> TcpStates.name(state);
            case UDP -> "UDP";
            case SCTP -> SctpStates.name(state);
            default -> "NONE";
        };
    }
}
