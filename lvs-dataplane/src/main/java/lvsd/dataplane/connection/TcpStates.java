package lvsd.dataplane.connection;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * TCP as a director sees it: the states, transition tables of IPVS.
 *
 * <p>A director sees both directions, or one only (DR, tunnel), and cannot tell which segments arrive; so the tables are
 * its own and not those of RFC 9293. {@link #next} takes a table, a state and an event and is two array loads. Numbers
 * are those of the sync protocol.
 */
public final class TcpStates {
    // States, numbered as on the wire of the sync protocol.

    public static final int NONE = 0;
    public static final int ESTABLISHED = 1;
    public static final int SYN_SENT = 2;
    public static final int SYN_RECV = 3;
    public static final int FIN_WAIT = 4;
    public static final int TIME_WAIT = 5;
    public static final int CLOSE = 6;
    public static final int CLOSE_WAIT = 7;
    public static final int LAST_ACK = 8;
    public static final int LISTEN = 9;
    public static final int SYNACK = 10;
    /** How many states there are. */
    public static final int COUNT = 11;

    /** Segments from the client. */
    public static final int IN = 0;
    /** Segments from the real server. */
    public static final int OUT = 1;
    /** Segments from the client when the server's do not come this way. */
    public static final int INPUT_ONLY = 2;
    /** Added to a table's number: its variant under {@code secure_tcp}. */
    public static final int DEFENCE = 3;

    /** Events in order of precedence: the first flag that is set decides. */
    public static final int RST = 0;

    public static final int SYN = 1;
    public static final int FIN = 2;
    public static final int ACK = 3;
    /** None of the four flags: leads to {@link #CLOSE}. */
    public static final int OTHER = 4;

    private static final String[] NAMES = {
        "NONE",
        "ESTABLISHED",
        "SYN_SENT",
        "SYN_RECV",
        "FIN_WAIT",
        "TIME_WAIT",
        "CLOSE",
        "CLOSE_WAIT",
        "LAST_ACK",
        "LISTEN",
        "SYNACK"
    };

    /**
     * States that count as active with their destination: since Linux 4.8 those before ES too. Asked of 6.1.192: a SYN
     * without answer is listed as SYN_RECV and ActiveConn 1, under {@code secure_tcp} with DR as SYNACK and ActiveConn 1, and
     * sed and wlc choose accordingly.
     */
    private static final int ACTIVE = 1 << ESTABLISHED | 1 << SYN_SENT | 1 << SYN_RECV | 1 << SYNACK;

    private static final int HALF_OPEN = 1 << SYN_SENT | 1 << SYN_RECV | 1 << SYNACK;

    private static final int CLOSING = 1 << FIN_WAIT | 1 << TIME_WAIT | 1 << CLOSE | 1 << CLOSE_WAIT | 1 << LAST_ACK;

    /** From top to bottom: table, event, and the next state for each state named in the head line. */
    private static final String TRANSITIONS = """
            from             NO ES SS SR FW TW CL CW LA LI SA
            in          syn  SR ES ES SR SR SR SR SR SR SR SR
            in          fin  CL CW SS TW TW TW CL CW LA LI TW
            in          ack  ES ES SS ES FW TW CL CW CL LI ES
            in          rst  CL CL CL SR CL CL CL CL LA LI SR
            out         syn  SS ES SS SR SS SS SS SS SS LI SR
            out         fin  TW FW SS TW FW TW CL TW LA LI TW
            out         ack  ES ES SS ES FW TW CL CW LA ES ES
            out         rst  CL CL SS CL CL TW CL CL CL CL CL
            input-only  syn  SR ES ES SR SR SR SR SR SR SR SR
            input-only  fin  CL FW SS TW FW TW CL CW LA LI TW
            input-only  ack  ES ES SS ES FW TW CL CW CL LI ES
            input-only  rst  CL CL CL SR CL CL CL CL LA LI CL
            defence-in  syn  SR ES ES SR SR SR SR SR SR SR SA
            defence-in  fin  CL CW SS TW TW TW CL CW LA LI SA
            defence-in  ack  ES ES SS SR FW TW CL CW CL LI SA
            defence-in  rst  CL CL CL SR CL CL CL CL LA LI CL
            defence-out syn  SS ES SS SA SS SS SS SS SS LI SA
            defence-out fin  TW FW SS TW FW TW CL TW LA LI TW
            defence-out ack  ES ES SS ES FW TW CL CW LA ES ES
            defence-out rst  CL CL SS CL CL TW CL CL CL CL CL
            defence-in1 syn  SA ES ES SR SA SA SA SA SA SA SA
            defence-in1 fin  CL FW SS TW FW TW CL CW LA LI TW
            defence-in1 ack  ES ES SS ES FW TW CL CW CL LI ES
            defence-in1 rst  CL CL CL SR CL CL CL CL LA LI CL
            """;

    private static final List<String> TABLES =
            List.of("in", "out", "input-only", "defence-in", "defence-out", "defence-in1");
    private static final List<String> SHORT_NAMES =
            List.of("NO", "ES", "SS", "SR", "FW", "TW", "CL", "CW", "LA", "LI", "SA");
    private static final List<String> EVENTS = List.of("rst", "syn", "fin", "ack");

    /** Flags that are events. */
    private static final int DECISIVE = 0x17;

    private static final int ACKNOWLEDGING = 0x10;

    private static final byte[] NEXT = parse(TRANSITIONS);
    private static final byte[] EVENT_OF_FLAGS = eventsOfFlags();
    private static final byte[] NEXT_BY_FLAGS = byFlags();

    private TcpStates() {}

    private static byte[] parse(String text) {
        byte[] next = new byte[TABLES.size() * 8 * 16];
        Arrays.fill(next, (byte) CLOSE);
        List<String> lines = text.lines().toList();
        List<String> head = List.of(lines.getFirst().split(" +", -1));
        for (String line : lines.subList(1, lines.size())) {
            String[] words = line.split(" +", -1);
            int row = row(TABLES.indexOf(words[0]), EVENTS.indexOf(words[1]));
            for (int column = 1; column < head.size(); column++) {
                next[row + SHORT_NAMES.indexOf(head.get(column))] = (byte) SHORT_NAMES.indexOf(words[column + 1]);
            }
        }
        return next;
    }

    private static byte[] eventsOfFlags() {
        byte[] events = new byte[32];
        for (int flags = 0; flags < events.length; flags++) {
            int event = OTHER;
            event = (flags & 0x10) != 0 ? ACK : event;
            event = (flags & 0x01) != 0 ? FIN : event;
            event = (flags & 0x02) != 0 ? SYN : event;
            event = (flags & 0x04) != 0 ? RST : event;
            events[flags] = (byte) event;
        }
        return events;
    }

    /** {@link #next} by the flags themselves, for the tables of the packet path: one load, no check. */
    private static byte[] byFlags() {
        byte[] next = new byte[8 * 32 * 16];
        for (int i = 0; i < next.length; i++) {
            int table = i >>> 9;
            int state = i & 15;
            boolean is = state < COUNT && table < TABLES.size();
            next[i] = (byte) (is ? next(table, state, EVENT_OF_FLAGS[i >>> 4 & 31]) : state);
        }
        return next;
    }

    /**
     * The state after a segment with the given TCP flags (byte 13 of the header).
     *
     * @param table {@link #IN}, {@link #OUT} or {@link #INPUT_ONLY}, plus {@link #DEFENCE} under {@code secure_tcp}
     */
    public static int nextByFlags(int table, int state, int flags) {
        return NEXT_BY_FLAGS[((table << 9) + ((flags & 31) << 4) + (state & 15)) & 4095];
    }

    /**
     * Whether a segment with these flags changes nothing because the connection is established: nearly all are such, under
     * {@code secure_tcp} too.
     */
    public static boolean carriesOn(int state, int flags) {
        return state == ESTABLISHED && differenceFromData(flags) == 0;
    }

    /** 0 where a segment with these flags {@link #carriesOn carries on} what is established. */
    public static int differenceFromData(int flags) {
        return (flags & DECISIVE) ^ ACKNOWLEDGING;
    }

    private static int row(int table, int event) {
        return (table << 3 | event) << 4;
    }

    /** The event of a segment with these TCP flags (byte 13 of the header). */
    public static int event(int flags) {
        return EVENT_OF_FLAGS[flags & 0x1f];
    }

    /**
     * The state after {@code event}.
     *
     * @param table {@link #IN}, {@link #OUT} or {@link #INPUT_ONLY}, plus {@link #DEFENCE} under {@code secure_tcp}
     * @param state 0 to {@link #COUNT} - 1
     * @param event {@link #RST} to {@link #OTHER}
     */
    public static int next(int table, int state, int event) {
        return NEXT[row(table, event) + state];
    }

    /** 1 if a connection in {@code state} counts as active with its destination, else 0 (inactive). */
    public static int active(int state) {
        return ACTIVE >>> state & 1;
    }

    /** What a change of state does to its destination's active count (and the opposite to the inactive): -1, 0 or 1. */
    public static int activeChange(int from, int to) {
        return active(to) - active(from);
    }

    /** What a change of state does to its destination's count of connections whose handshake is not over: -1, 0 or 1. */
    public static int halfOpenChange(int from, int to) {
        return halfOpen(to) - halfOpen(from);
    }

    /** 1 if the handshake of a connection in {@code state} is not over, else 0. */
    public static int halfOpen(int state) {
        return HALF_OPEN >>> state & 1;
    }

    /** Whether a connection in {@code state} is over: closed by both sides or reset, and only remembered. */
    public static boolean over(int state) {
        return state == TIME_WAIT || state == CLOSE;
    }

    /** Whether a connection in {@code state} is over or about to be: at least one side has closed. */
    public static boolean closing(int state) {
        return (CLOSING >>> state & 1) != 0;
    }

    /** The name as {@code ipvsadm -Lc} prints it; numbers that are no state give {@code ERR!}. */
    public static String name(int state) {
        return state >= 0 && state < COUNT ? NAMES[state] : "ERR!";
    }

    /** The state with that name in any case, or -1. */
    public static int byName(String name) {
        return List.of(NAMES).indexOf(name.toUpperCase(Locale.ROOT));
    }
}
