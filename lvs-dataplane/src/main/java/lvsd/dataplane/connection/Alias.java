package lvsd.dataplane.connection;

/**
 * What the worker that a client's packets belong to keeps of a connection that came by sync and lies with another worker,
 * because the server's answers come there. It lies in a {@link ConnectionTable} like a connection, under the client's side
 * only, and with {@link #key} in the place of the protocol, which no packet can have; it is found on misses alone, has a
 * timer, and is never listed.
 */
public final class Alias {
    /** Flags of an alias; no connection and no template has them together. */
    public static final int FLAGS = Connection.TEMPLATE | Connection.ONE_PACKET | Connection.INACTIVE;

    private static final int MARKS = Connection.TEMPLATE | Connection.ONE_PACKET;
    /** Turns 6, 17 and 132 into numbers that are no protocol which is balanced. */
    private static final int KEY = 0x80;

    private Alias() {}

    /** What stands in the place of the protocol. */
    public static int key(int protocol) {
        return protocol ^ KEY;
    }

    /** Whether an entry is an alias. */
    public static boolean is(long hot) {
        return (Connection.flags(hot) & MARKS) == MARKS;
    }

    /** The worker that has the connection. */
    public static int worker(long hot) {
        return Connection.ports(hot, Connection.SERVER_SIDE);
    }

    /** Sets the worker that has the connection. */
    public static void setWorker(long hot, int worker) {
        Connection.setPorts(hot, Connection.SERVER_SIDE, worker);
    }
}
