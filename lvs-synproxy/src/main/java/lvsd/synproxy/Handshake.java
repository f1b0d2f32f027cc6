package lvsd.synproxy;

import lvsd.wire.Seq;
import lvsd.wire.Tcp;

/**
 * The handshake towards the real server as a table: what happens (an event) and what is done about it (an action). It
 * begins when a client has proved itself and our SYN is on its way, and ends with an answer of the server or without one.
 * Until then no segment passes in either direction.
 *
 * <p>Pure functions; numbers are as the client sees them, but for the server's acknowledgement, which its caller has
 * compared.
 */
public final class Handshake {
    // Events.

    /** The client's acknowledgement of our SYN+ACK, once more or with another window. */
    public static final int CLIENT_ACK = 0;
    /** A client's segment with data or FIN that belongs to the connection. */
    public static final int CLIENT_DATA = 1;
    /** A SYN of the client: it has not got our answer, or has begun anew. */
    public static final int CLIENT_SYN = 2;
    /** A reset of the client that lies in our window. */
    public static final int CLIENT_RST = 3;
    /** A segment of the client that acknowledges something else: of an older connection, a newer one, or forged. */
    public static final int CLIENT_OTHER = 4;
    /** The server accepts. */
    public static final int SERVER_SYN_ACK = 5;
    /** The server refuses. */
    public static final int SERVER_RST = 6;
    /** The server acknowledges something that we have not sent: it has an older connection of the same tuple. */
    public static final int SERVER_STALE = 7;
    /** Anything else of the server. */
    public static final int SERVER_OTHER = 8;
    /** No answer yet, and the SYN may be sent again. */
    public static final int TIMER = 9;
    /** No answer, and the SYN was sent as often as it may be. */
    public static final int LAST_TIMER = 10;

    private static final int EVENTS = 11;

    // Actions.

    /** Forget the segment. */
    public static final int DROP = 0;
    /** Note window and timestamp, forget the segment. */
    public static final int NOTE = 1;
    /** Keep the segment. */
    public static final int HOLD = 2;
    /** Answer the SYN by a cookie; what is under way goes on. */
    public static final int ANSWER = 3;
    /** Tell the server that the client is gone, and end. */
    public static final int ABORT = 4;
    /** Begin anew if it acknowledges a cookie, else forget it. */
    public static final int JUDGE = 5;
    /** Acknowledge, send what was kept, and get out of the way. */
    public static final int COMPLETE = 6;
    /** Another server if that is wanted, else the client gets the reset. */
    public static final int REFUSE = 7;
    /** Reset what the server has; the next SYN finds it free. */
    public static final int RESET_SERVER = 8;
    /** Send the SYN again and wait twice as long. */
    public static final int RESEND = 9;
    /** Another server if that is wanted, else the client gets a reset of ours. */
    public static final int GIVE_UP = 10;

    private static final int[] ACTIONS = new int[EVENTS];

    static {
        ACTIONS[CLIENT_ACK] = NOTE;
        ACTIONS[CLIENT_DATA] = HOLD;
        ACTIONS[CLIENT_SYN] = ANSWER;
        ACTIONS[CLIENT_RST] = ABORT;
        ACTIONS[CLIENT_OTHER] = JUDGE;
        ACTIONS[SERVER_SYN_ACK] = COMPLETE;
        ACTIONS[SERVER_RST] = REFUSE;
        ACTIONS[SERVER_STALE] = RESET_SERVER;
        ACTIONS[SERVER_OTHER] = DROP;
        ACTIONS[TIMER] = RESEND;
        ACTIONS[LAST_TIMER] = GIVE_UP;
    }

    /** No client sends more than this before it has heard of the server: the largest window of our SYN+ACK. */
    private static final int WINDOW = 1 << 16;

    private static final int DECISIVE = Tcp.SYN | Tcp.RST | Tcp.ACK_FLAG;

    private Handshake() {}

    /** What is done about an event. */
    public static int action(int event) {
        return ACTIONS[event];
    }

    /**
     * What a segment of the client is.
     *
     * @param flags its flags
     * @param length bytes of its data
     * @param isn the client's initial sequence number
     * @param cookie ours
     */
    public static int clientEvent(int flags, int seq, int ack, int length, int isn, int cookie) {
        if ((flags & DECISIVE) == Tcp.SYN) {
            return CLIENT_SYN;
        }
        boolean inWindow = Seq.inWindow(seq, isn + 1, WINDOW);
        if ((flags & Tcp.RST) != 0) {
            return inWindow ? CLIENT_RST : CLIENT_OTHER;
        }
        if ((flags & DECISIVE) != Tcp.ACK_FLAG || !inWindow || ack != cookie + 1) {
            return CLIENT_OTHER;
        }
        return length > 0 || (flags & Tcp.FIN) != 0 ? CLIENT_DATA : CLIENT_ACK;
    }

    /**
     * What a segment of the server is.
     *
     * @param flags its flags
     * @param acknowledges whether its acknowledgement number is the one behind our SYN
     */
    public static int serverEvent(int flags, boolean acknowledges) {
        if ((flags & Tcp.ACK_FLAG) == 0) {
            return SERVER_OTHER;
        }
        if ((flags & Tcp.RST) != 0) {
            return acknowledges ? SERVER_RST : SERVER_OTHER;
        }
        return acknowledges && (flags & Tcp.SYN) != 0 ? SERVER_SYN_ACK : SERVER_STALE;
    }

    /** What it is when no answer came, after the SYN was sent again {@code resent} times of {@code retries}. */
    public static int timerEvent(int resent, int retries) {
        return resent < retries ? TIMER : LAST_TIMER;
    }
}
