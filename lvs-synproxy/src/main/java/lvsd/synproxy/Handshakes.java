package lvsd.synproxy;

/**
 * Handshakes towards servers that are under way, and the clients' segments that wait for them. A fixed number of each,
 * made at start; owned by one worker. An index that {@link #open} gave is good until {@link #close}.
 */
public final class Handshakes {
    /** No handshake. */
    public static final int NONE = -1;

    private static final int PORT_SHIFT = 48;

    private static final int ISN = 0;
    private static final int COOKIE = 1;
    private static final int OFFER = 2;
    private static final int CLIENT_STAMP = 3;
    private static final int OUR_STAMP = 4;
    private static final int WINDOW = 5;
    private static final int IFACE = 6;
    private static final int SCALE = 7;
    private static final int RESENT = 8;
    private static final int SERVERS = 9;
    private static final int STALE = 10;
    private static final int HELD_COUNT = 11;
    private static final int FIRST_HELD = 12;
    private static final int LAST_HELD = 13;
    private static final int FIELDS = 16;

    /** A row of {@link #FIELDS} for each handshake: one line or two of the cache, where a field each would be as many. */
    private final int[] rows;

    /** Free handshakes, as a list through {@link #FIRST_HELD}; node 0 of the segments is none, so indexes are plus one. */
    private int freeHandshake;

    private final long[] segment;
    private final int[] nextSegment;
    private int freeSegment;
    private int used;
    private int segments;

    /**
     * @param capacity most handshakes at a time
     * @param held most segments kept for all of them together
     */
    public Handshakes(int capacity, int held) {
        rows = new int[capacity * FIELDS];
        for (int i = 0; i < capacity; i++) {
            rows[i * FIELDS + FIRST_HELD] = i + 2 <= capacity ? i + 2 : 0;
        }
        freeHandshake = capacity > 0 ? 1 : 0;
        segment = new long[held + 1];
        nextSegment = new int[held + 1];
        for (int i = 1; i < held; i++) {
            nextSegment[i] = i + 1;
        }
        freeSegment = held > 0 ? 1 : 0;
    }

    /** Begins one; {@link #NONE} when all are taken. */
    public int open(int clientIsn, int ourIsn, int agreed) {
        if (freeHandshake == 0) {
            return NONE;
        }
        int index = freeHandshake - 1;
        int row = index * FIELDS;
        freeHandshake = rows[row + FIRST_HELD];
        rows[row + ISN] = clientIsn;
        rows[row + COOKIE] = ourIsn;
        rows[row + OFFER] = agreed;
        rows[row + RESENT] = 0;
        rows[row + SERVERS] = 1;
        rows[row + STALE] = 0;
        rows[row + HELD_COUNT] = 0;
        rows[row + FIRST_HELD] = 0;
        used++;
        return index;
    }

    /** Ends one, from which all segments were {@link #take taken}. */
    public void close(int index) {
        rows[index * FIELDS + FIRST_HELD] = freeHandshake;
        freeHandshake = index + 1;
        used--;
    }

    /** Handshakes under way. */
    public int used() {
        return used;
    }

    /** Segments kept. */
    public int segments() {
        return segments;
    }

    /** The client's initial sequence number. */
    public int isn(int index) {
        return rows[index * FIELDS + ISN];
    }

    /** The initial sequence number that the client was given. */
    public int cookie(int index) {
        return rows[index * FIELDS + COOKIE];
    }

    /** What was agreed with the client. */
    public int offer(int index) {
        return rows[index * FIELDS + OFFER];
    }

    /** Notes the client's newest timestamp, the one of ours that it echoes, and its window in bytes, 16 bits at most. */
    public void note(int index, int timestamp, int echo, int bytes) {
        rows[index * FIELDS + CLIENT_STAMP] = timestamp;
        rows[index * FIELDS + OUR_STAMP] = echo;
        rows[index * FIELDS + WINDOW] = bytes;
    }

    /** The client's newest timestamp. */
    public int clientStamp(int index) {
        return rows[index * FIELDS + CLIENT_STAMP];
    }

    /** Our timestamp that the client has. */
    public int ourStamp(int index) {
        return rows[index * FIELDS + OUR_STAMP];
    }

    /** The client's window in bytes, 16 bits at most. */
    public int window(int index) {
        return rows[index * FIELDS + WINDOW];
    }

    /** The interface that the client's segments come in by. */
    public int iface(int index) {
        return rows[index * FIELDS + IFACE];
    }

    /** The window scale that the client was told, where it has one. */
    public int scale(int index) {
        return rows[index * FIELDS + SCALE];
    }

    /** Notes the interface that the client's segments come in by, and the window scale it was told. */
    public void arrived(int index, int number, int windowScale) {
        rows[index * FIELDS + IFACE] = number;
        rows[index * FIELDS + SCALE] = windowScale;
    }

    /** How often the SYN was sent again to the present server. */
    public int resent(int index) {
        return rows[index * FIELDS + RESENT];
    }

    /** Notes that it was sent once more. */
    public void sentAgain(int index) {
        rows[index * FIELDS + RESENT]++;
    }

    /** Counts an acknowledgement of the server that belongs to an older connection; how many there were. */
    public int stale(int index) {
        return ++rows[index * FIELDS + STALE];
    }

    /** How many servers were tried, the present one included. */
    public int servers(int index) {
        return rows[index * FIELDS + SERVERS];
    }

    /** Notes that another server is tried. */
    public void nextServer(int index) {
        rows[index * FIELDS + SERVERS]++;
        rows[index * FIELDS + RESENT] = 0;
    }

    /** Whether another segment may be kept, {@code limit} for one client at most. */
    public boolean room(int index, int limit) {
        return rows[index * FIELDS + HELD_COUNT] < limit && freeSegment != 0;
    }

    /** Keeps a segment, last of its client's; the caller owes {@link #room}. */
    public void hold(int index, long mbuf, int port) {
        int node = freeSegment;
        freeSegment = nextSegment[node];
        segment[node] = (long) port << PORT_SHIFT | mbuf;
        nextSegment[node] = 0;
        if (rows[index * FIELDS + FIRST_HELD] == 0) {
            rows[index * FIELDS + FIRST_HELD] = node;
        } else {
            nextSegment[rows[index * FIELDS + LAST_HELD]] = node;
        }
        rows[index * FIELDS + LAST_HELD] = node;
        rows[index * FIELDS + HELD_COUNT]++;
        segments++;
    }

    /** Whether there is a segment to {@link #take}. */
    public boolean holds(int index) {
        return rows[index * FIELDS + FIRST_HELD] != 0;
    }

    /** Takes the client's first segment out; 0 when there is none. For {@link #mbuf} and {@link #port}. */
    public long take(int index) {
        int node = rows[index * FIELDS + FIRST_HELD];
        if (node == 0) {
            return 0;
        }
        rows[index * FIELDS + FIRST_HELD] = nextSegment[node];
        rows[index * FIELDS + HELD_COUNT]--;
        nextSegment[node] = freeSegment;
        freeSegment = node;
        segments--;
        return segment[node];
    }

    /** The mbuf of a segment. */
    public static long mbuf(long element) {
        return element & (1L << PORT_SHIFT) - 1;
    }

    /** The port it came in by. */
    public static int port(long element) {
        return (int) (element >>> PORT_SHIFT);
    }
}
