package lvsd.synproxy;

/**
 * Handshakes towards servers that are under way, and the clients' segments that wait for them. A fixed number of each,
 * made at start; owned by one worker. An index that {@link #open} gave is good until {@link #close}.
 */
public final class Handshakes {
    /** No handshake. */
    public static final int NONE = -1;

    private static final int PORT_SHIFT = 48;

    private final int[] isn;
    private final int[] cookie;
    private final int[] offer;
    private final int[] clientStamp;
    private final int[] ourStamp;
    private final int[] window;
    private final int[] iface;
    private final int[] scale;
    private final int[] resent;
    private final int[] servers;
    private final int[] stale;
    private final int[] heldCount;
    private final int[] firstHeld;
    private final int[] lastHeld;
    /** Free handshakes, as a list through {@link #firstHeld}; node 0 of the segments is none, so indexes are plus one. */
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
        isn = new int[capacity];
        cookie = new int[capacity];
        offer = new int[capacity];
        clientStamp = new int[capacity];
        ourStamp = new int[capacity];
        window = new int[capacity];
        iface = new int[capacity];
        scale = new int[capacity];
        resent = new int[capacity];
        servers = new int[capacity];
        stale = new int[capacity];
        heldCount = new int[capacity];
        firstHeld = new int[capacity];
        lastHeld = new int[capacity];
        for (int i = 0; i < capacity; i++) {
            firstHeld[i] = i + 2 <= capacity ? i + 2 : 0;
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
        freeHandshake = firstHeld[index];
        isn[index] = clientIsn;
        cookie[index] = ourIsn;
        offer[index] = agreed;
        resent[index] = 0;
        servers[index] = 1;
        stale[index] = 0;
        heldCount[index] = 0;
        firstHeld[index] = 0;
        lastHeld[index] = 0;
        used++;
        return index;
    }

    /** Ends one, from which all segments were {@link #take taken}. */
    public void close(int index) {
        firstHeld[index] = freeHandshake;
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
        return isn[index];
    }

    /** The initial sequence number that the client was given. */
    public int cookie(int index) {
        return cookie[index];
    }

    /** What was agreed with the client. */
    public int offer(int index) {
        return offer[index];
    }

    /** Notes the client's newest timestamp, the one of ours that it echoes, and its window in bytes, 16 bits at most. */
    public void note(int index, int timestamp, int echo, int bytes) {
        clientStamp[index] = timestamp;
        ourStamp[index] = echo;
        window[index] = bytes;
    }

    /** The client's newest timestamp. */
    public int clientStamp(int index) {
        return clientStamp[index];
    }

    /** Our timestamp that the client has. */
    public int ourStamp(int index) {
        return ourStamp[index];
    }

    /** The client's window in bytes, 16 bits at most. */
    public int window(int index) {
        return window[index];
    }

    /** The interface that the client's segments come in by. */
    public int iface(int index) {
        return iface[index];
    }

    /** The window scale that the client was told, where it has one. */
    public int scale(int index) {
        return scale[index];
    }

    /** Notes the interface that the client's segments come in by, and the window scale it was told. */
    public void arrived(int index, int number, int windowScale) {
        iface[index] = number;
        scale[index] = windowScale;
    }

    /** How often the SYN was sent again to the present server. */
    public int resent(int index) {
        return resent[index];
    }

    /** Notes that it was sent once more. */
    public void sentAgain(int index) {
        resent[index]++;
    }

    /** Counts an acknowledgement of the server that belongs to an older connection; how many there were. */
    public int stale(int index) {
        return ++stale[index];
    }

    /** How many servers were tried, the present one included. */
    public int servers(int index) {
        return servers[index];
    }

    /** Notes that another server is tried. */
    public void nextServer(int index) {
        servers[index]++;
        resent[index] = 0;
    }

    /** Whether another segment may be kept, {@code limit} for one client at most. */
    public boolean room(int index, int limit) {
        return heldCount[index] < limit && freeSegment != 0;
    }

    /** Keeps a segment, last of its client's; the caller owes {@link #room}. */
    public void hold(int index, long mbuf, int port) {
        int node = freeSegment;
        freeSegment = nextSegment[node];
        segment[node] = (long) port << PORT_SHIFT | mbuf;
        nextSegment[node] = 0;
        if (firstHeld[index] == 0) {
            firstHeld[index] = node;
        } else {
            nextSegment[lastHeld[index]] = node;
        }
        lastHeld[index] = node;
        heldCount[index]++;
        segments++;
    }

    /** Takes the client's first segment out; 0 when there is none. For {@link #mbuf} and {@link #port}. */
    public long take(int index) {
        int node = firstHeld[index];
        if (node == 0) {
            return 0;
        }
        firstHeld[index] = nextSegment[node];
        heldCount[index]--;
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
