package lvsd.dataplane.connection;

import java.util.List;

/**
 * SCTP as a director sees it: states, transitions and names of IPVS, which knows an association by the first chunk of each
 * packet alone. The tables were read off a running Linux 6.1, chunk by chunk and state by state; states that one direction
 * alone cannot reach go on as with both. Numbers are those of the sync protocol.
 */
public final class SctpStates {
    public static final int NONE = 0;
    public static final int INIT1 = 1;
    public static final int INIT = 2;
    public static final int ESTABLISHED = 8;
    public static final int REJECTED = 12;
    public static final int CLOSED = 13;
    /** How many states there are. */
    public static final int COUNT = 14;

    /** Event: data, and every chunk that has no row of its own. */
    public static final int DATA = 0;
    /** Event: ABORT, also behind COOKIE ECHO or COOKIE ACK. */
    public static final int ABORT = 9;

    private static final String[] NAMES = {
        "NONE",
        "INIT1",
        "INIT",
        "C-SENT",
        "C-REPLIED",
        "C-WAIT",
        "COOKIE",
        "C-ECHOED",
        "ESTABLISHED",
        "S-SENT",
        "S-RECEIVED",
        "S-ACK-SENT",
        "REJECTED",
        "CLOSED"
    };

    /** From top to bottom: table, chunk, and the next state for each state named in the head line. */
    private static final String TRANSITIONS = """
            from             NO I1 IN CS CR CW CO CE ES SS SR SA RJ CL
            in         data  ES I1 IN CS CR CW CO CE ES SS SR SA RJ CL
            in         init  I1 IN IN CS CR CW CO CE ES SS SR SA IN IN
            in         iack  CW CW CW CS CR CO CO CE ES SS SR SA RJ CL
            in         cecho CR IN IN CR CR CW CO CE ES SS SR SA RJ CL
            in         cack  ES I1 IN CS CR CW CO ES ES SS SR SA RJ CL
            in         shut  SR I1 IN CS CR CW CO CE SR SS SR SA RJ CL
            in         sack  CL IN IN CS CR CW CO CE ES CL SR CL RJ CL
            in         scomp CL CL CL CS CR CW CO CE ES SS SR CL RJ CL
            in         err   CL I1 IN CS CR CW CO CL ES SS SR SA RJ CL
            in         abort CL CL CL CL CL RJ CL CL CL CL CL CL CL CL
            out        data  ES I1 IN CS CR CW CO CE ES SS SR SA RJ CL
            out        init  CW CW CW CW CW CW CW CW ES CW CW CW CW CW
            out        iack  CS CS CS CS CR CW CO CE ES SS SR SA RJ CL
            out        cecho CE CE CE CE CE CE CE CE ES SS SR SA RJ CL
            out        cack  ES ES ES ES ES ES ES ES ES SS SR SA RJ CL
            out        shut  SS SS SS SS SS SS SS SS SS SS SR SA RJ CL
            out        sack  SA SA SA SA SA CW CO CE ES SA SA SA RJ CL
            out        scomp CL I1 IN CS CR CW CO CE ES SS SR SA RJ CL
            out        err   CL CL CL CL CL CW CO CE ES SS SR SA RJ CL
            out        abort CL RJ CL CL CL CL CL CL CL CL CL CL CL CL
            input-only data  ES I1 IN CS CR CW CO CE ES SS SR SA RJ CL
            input-only init  I1 IN IN CS CR CW CO CE ES SS SR SA IN IN
            input-only iack  CE CE CE CS CR CO CO CE ES SS SR SA RJ CL
            input-only cecho ES ES ES CR CR CW CO CE ES SS SR SA RJ CL
            input-only cack  ES I1 IN CS CR CW CO ES ES SS SR SA RJ CL
            input-only shut  SR I1 IN CS CR CW CO CE SR SS SR SA RJ CL
            input-only sack  CL IN IN CS CR CW CO CE CL CL SR CL RJ CL
            input-only scomp CL CL CL CS CR CW CO CE ES SS CL CL RJ CL
            input-only err   CL I1 IN CS CR CW CO CE ES SS SR SA RJ CL
            input-only abort CL CL CL CL CL CL CL CL CL CL CL CL CL CL
            """;

    private static final List<String> TABLES = List.of("in", "out", "input-only");
    private static final List<String> EVENTS =
            List.of("data", "init", "iack", "cecho", "cack", "shut", "sack", "scomp", "err", "abort");
    private static final List<String> SHORT_NAMES =
            List.of("NO", "I1", "IN", "CS", "CR", "CW", "CO", "CE", "ES", "SS", "SR", "SA", "RJ", "CL");
    private static final byte[] NEXT = parse();

    private SctpStates() {}

    private static byte[] parse() {
        byte[] next = new byte[TABLES.size() * 16 * 16];
        List<String> lines = TRANSITIONS.lines().toList();
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

    private static int row(int table, int event) {
        return (table << 4 | event) << 4;
    }

    /** The event of a packet by the type of its first chunk (RFC 9260, 3.2). */
    public static int event(int chunkType) {
        return switch (chunkType) {
            case 1 -> 1;
            case 2 -> 2;
            case 10 -> 3;
            case 11 -> 4;
            case 7 -> 5;
            case 8 -> 6;
            case 14 -> 7;
            case 9 -> 8;
            case 6 -> ABORT;
            default -> DATA;
        };
    }

    /** The state after {@code event}; {@code table} is {@link TcpStates#IN}, OUT or INPUT_ONLY. */
    public static int next(int table, int state, int event) {
        return NEXT[row(table, event) + state];
    }

    /** What a change of state does to its destination's active count: -1, 0 or 1. */
    public static int activeChange(int from, int to) {
        return (to == ESTABLISHED ? 1 : 0) - (from == ESTABLISHED ? 1 : 0);
    }

    /** Whether backups are told of an association in {@code state}: established, shutting down or closed. */
    public static boolean synced(int state) {
        return (state >= ESTABLISHED && state < REJECTED) || state == CLOSED;
    }

    /** The name as {@code ipvsadm -Lc} prints it. */
    public static String name(int state) {
        return state >= 0 && state < COUNT ? NAMES[state] : "?";
    }
}
