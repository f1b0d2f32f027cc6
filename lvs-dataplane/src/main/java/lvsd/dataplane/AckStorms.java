package lvsd.dataplane;

import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.connection.Timeouts;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Tcp;
import lvsd.wire.TcpOptions;

/**
 * Ends acknowledgement storms on connections of the SYN proxy: two ends that disagree about numbers answer each other's
 * acknowledgements for ever, as fast as the path carries them. Of a server's bare acknowledgements with the same numbers and
 * window so many are passed on as {@code synproxy_ack_storm_thresh} says, further ones not, until a second has passed
 * without any. Owned by the worker.
 *
 * <p>Answers to window probes and keep-alives are further apart than that; duplicates with SACK blocks mean loss and are not
 * counted.
 *
 * <p>The packet path knows nothing of it: one packet of each burst is looked at. A storm is many packets, so it is seen
 * soon, and its connection then takes the long way, where every packet is.
 */
final class AckStorms {
    private static final int SLOTS = 256;
    private static final int PAUSE = Timeouts.TICKS_PER_SECOND;
    private static final int FLAGS = Tcp.SYN | Tcp.FIN | Tcp.RST | Tcp.ACK_FLAG;
    private static final int SPREAD = 0x9e37_79b1;
    private static final int MOST = 1 << 20;
    /** The window of a sample is not known: it was rewritten. */
    private static final int ANY_WINDOW = -1;

    private final Pipeline pipeline;
    private final int[] entries = new int[SLOTS];
    private final long[] numbers = new long[SLOTS];
    private final int[] windows = new int[SLOTS];
    private final int[] counts = new int[SLOTS];
    private final int[] seen = new int[SLOTS];

    AckStorms(Pipeline pipeline) {
        this.pipeline = pipeline;
    }

    /**
     * A packet of the burst that was forwarded the short way, rewritten already: if it is the second of its kind, its
     * connection takes the long way from now on.
     *
     * @param ip its IP header
     * @param length from there to its end
     */
    void sample(ConnectionTable table, int reference, long ip, int length) {
        int entry = ConnectionTable.entry(reference);
        long hot = table.hot(entry);
        int flags = Connection.flags(hot);
        int wanted = Connection.SYN_PROXY | Connection.TOA_PENDING;
        long tcp = ip + (table.ipv6() ? Ipv6.SIZE : Ipv4.SIZE);
        if (ConnectionTable.side(reference) != Connection.SERVER_SIDE
                || (flags & wanted) != Connection.SYN_PROXY
                || !isBare(tcp, (int) (ip + length - tcp))) {
            return;
        }
        int seq = Tcp.seq(tcp) - Connection.seqDelta(hot, Connection.SERVER_SIDE);
        int ack = Tcp.ack(tcp) + Connection.seqDelta(hot, Connection.CLIENT_SIDE);
        if (note(table.ipv6(), entry, seq, ack, ANY_WINDOW) > 1) {
            Connection.setFlags(hot, flags | Connection.TOA_PENDING);
            Connection.setProxy(hot, Connection.proxy(hot) | Connection.STORM);
        }
    }

    /** A segment of a server on the long way, as it came; a drop verdict, or 0 when it may pass. */
    int check(Packet p, ConnectionTable table, int entry) {
        int limit = pipeline.sysctls.ackStorm;
        int count = limit != 0 && isBare(p.l4, p.l4Length)
                ? note(table.ipv6(), entry, Tcp.seq(p.l4), Tcp.ack(p.l4), Tcp.window(p.l4))
                : 0;
        if (count > limit) {
            return Verdict.drop(DropReason.ACK_STORM);
        }
        long hot = table.hot(entry);
        int bits = Connection.proxy(hot);
        if (count <= 1 && (bits & Connection.STORM) != 0) {
            Connection.setProxy(hot, bits & ~Connection.STORM);
            if ((bits & Connection.WATCHED) == 0) {
                Connection.setFlags(hot, Connection.flags(hot) & ~Connection.TOA_PENDING);
            }
        }
        return 0;
    }

    /** An acknowledgement and nothing else. */
    private static boolean isBare(long tcp, int length) {
        int header = Tcp.headerLength(tcp);
        return (Tcp.flags(tcp) & FLAGS) == Tcp.ACK_FLAG && length == header && TcpOptions.sack(tcp, header) < 0;
    }

    /** Counts a bare acknowledgement; how many there were of its kind, one after the other. */
    private int note(boolean ipv6, int entry, int seq, int ack, int window) {
        int key = ipv6 ? ~entry : entry;
        int slot = (key * SPREAD) >>> 24;
        long both = ((long) seq << 32) | Integer.toUnsignedLong(ack);
        boolean same = counts[slot] != 0
                && entries[slot] == key
                && numbers[slot] == both
                && (windows[slot] == window || (windows[slot] | window) == ANY_WINDOW)
                && pipeline.now - seen[slot] < PAUSE;
        entries[slot] = key;
        numbers[slot] = both;
        windows[slot] = window;
        seen[slot] = pipeline.now;
        counts[slot] = same ? Math.min(counts[slot] + 1, MOST) : 1;
        return counts[slot];
    }
}
