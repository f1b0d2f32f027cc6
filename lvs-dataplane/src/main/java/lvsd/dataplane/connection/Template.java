package lvsd.dataplane.connection;

import lvsd.memory.Memory;

/**
 * A persistence template: the entry that says which server a client (or a network of clients, or a call) goes to. It lies
 * in a {@link ConnectionTable} like a connection, with {@link Connection#TEMPLATE} among its flags, so that timers,
 * capacity and listings are the connections' own.
 *
 * <p>It is in the index under its client's side only: masked client, VIP (or firewall mark), port 0, virtual port, and
 * {@link #key} in the place of the protocol, which no packet can have. Its own fields lie where a connection keeps
 * sequence deltas, window edges, timestamp and rate.
 *
 * <p>A {@link #SHADOW} is what a worker keeps in its IPv4 table for a template of another worker on which connections of
 * its own hang; it only counts them, has no timer and is never listed.
 */
public final class Template {
    /** Bit of the state: a connection of this template was established, or its server has answered. */
    public static final int ASSURED = 1;
    /** Bit of the state: goes as soon as nothing hangs on it. Ours. */
    public static final int ENDING = 2;
    /** In the place of the protocol in an entry that counts connections on another worker's template. */
    public static final int SHADOW = 0x3f;
    /** Virtual and server port of a template that is no longer used (as the kernel lists it). */
    public static final int INVALID_PORT = 0xffff;
    /** Destination of a shadow: none. */
    public static final int NOWHERE = Integer.MAX_VALUE;

    /** Turns 0, 6, 17 and 132 into numbers that are no protocol which is balanced. */
    private static final int KEY = 0x40;
    /** The same for templates of a call: their key has a hash of the Call-ID in the place of both ports. */
    private static final int CALL_KEY = 0x20;

    private static final int CONTROLLED = 24;
    private static final int STAMP = 28;
    private static final int WORKERS = 32;

    private Template() {}

    /** What stands in the place of the protocol in a template of {@code protocol} (0 for firewall marks). */
    public static int key(int protocol) {
        return protocol ^ KEY;
    }

    /** As {@link #key} for a template of a call. */
    public static int callKey(int protocol) {
        return protocol ^ CALL_KEY;
    }

    /** Number of its Call-ID in {@link CallIds}; 0: none. */
    public static int callId(long cold) {
        return Connection.template(cold);
    }

    /** Sets the number of its Call-ID. */
    public static void setCallId(long cold, int number) {
        Connection.setTemplate(cold, number);
    }

    /** Sets protocol and virtual port (wire form) as listings show them. */
    public static void define(long hot, int protocol, int virtualPort) {
        Connection.setSeqDelta(hot, Connection.CLIENT_SIDE, virtualPort << 16 | protocol);
    }

    /** Protocol, 0 for firewall marks. */
    public static int protocol(long hot) {
        return Connection.seqDelta(hot, Connection.CLIENT_SIDE) & 0xffff;
    }

    /** Virtual port, wire form: 0 where any is meant, {@link #INVALID_PORT} once it is not used any more. */
    public static int virtualPort(long hot) {
        return Connection.seqDelta(hot, Connection.CLIENT_SIDE) >>> 16;
    }

    /** Whether an entry is a template or a shadow of one. */
    public static boolean is(long hot) {
        return (Connection.flags(hot) & Connection.TEMPLATE) != 0;
    }

    /** Whether an entry is a shadow. */
    public static boolean isShadow(long hot) {
        return Connection.protocol(hot) == SHADOW;
    }

    /** Connections of this worker that hang on it. */
    public static int controlled(long cold) {
        return Memory.getInt(cold, Connection.COLD_SIZE, CONTROLLED);
    }

    /** Sets the number of connections that hang on it. */
    public static void setControlled(long cold, int connections) {
        Memory.setInt(cold, Connection.COLD_SIZE, CONTROLLED, connections);
    }

    /** Tells a template from others that had the same entry. */
    public static int stamp(long cold) {
        return Memory.getInt(cold, Connection.COLD_SIZE, STAMP);
    }

    /** Sets the stamp. */
    public static void setStamp(long cold, int stamp) {
        Memory.setInt(cold, Connection.COLD_SIZE, STAMP, stamp);
    }

    /** Other workers that may have connections hanging on it, one bit each. */
    public static long workers(long cold) {
        return Memory.getLong(cold, Connection.COLD_SIZE, WORKERS);
    }

    /** Sets the other workers. */
    public static void setWorkers(long cold, long workers) {
        Memory.setLong(cold, Connection.COLD_SIZE, WORKERS, workers);
    }

    /** State as {@code ipvsadm -Lc} prints it. */
    public static String stateName(int state) {
        return (state & ASSURED) != 0 ? "ASSURED" : "NONE";
    }
}
