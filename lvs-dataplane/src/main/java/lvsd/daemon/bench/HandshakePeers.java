package lvsd.daemon.bench;

import lvsd.dpdk.Mbuf;
import lvsd.memory.Memory;
import lvsd.synproxy.Segment;
import lvsd.wire.Ethernet;
import lvsd.wire.Ipv4;
import lvsd.wire.Tcp;

/**
 * The clients and the servers of handshakes through the SYN proxy: they note what the director sends them, and answer a
 * round trip later. Kept to what a handshake needs, since their work is counted as the director's. Worker thread, but for
 * {@link #finished}, which is read between passes.
 */
final class HandshakePeers {
    /** Handshakes under way between director and clients: 2.7 ms at 1.5 million a second. */
    private static final int CLIENTS_DELAY = 4096;
    /** As many between director and servers. */
    private static final int SERVERS_DELAY = 1024;

    private static final int HEADERS = Ethernet.SIZE + Ipv4.SIZE + Tcp.SIZE;
    private static final int ETHER_TYPE = 12;
    private static final int IP = Ethernet.SIZE;
    private static final int ADDRESSES = IP + 12;
    private static final int TCP = IP + Ipv4.SIZE;
    private static final int SYN_ACK = Tcp.SYN | Tcp.ACK_FLAG;
    private static final int TTL = 64;
    private static final int WINDOW = 0xffff;

    /** Segments that will be answered, oldest first; each with what its answer says. */
    private static final class Queue {
        private static final int ROOM = 1 << 16;
        /** Longs of a segment: addresses, ports, numbers. */
        private static final int STRIDE = 4;

        private final long[] rows = new long[ROOM * STRIDE];
        private int head;
        private int tail;

        int size() {
            return tail - head;
        }

        void add(long frame, int answerSeq, int answerAck) {
            if (size() == ROOM) {
                throw new IllegalStateException(ROOM + " segments wait for an answer: the director sends too many");
            }
            int at = (tail++ & (ROOM - 1)) * STRIDE;
            rows[at] = Long.rotateLeft(Memory.getLong(frame, HEADERS, ADDRESSES), 32);
            rows[at + 1] = Integer.rotateLeft(Memory.getInt(frame, HEADERS, TCP), 16);
            rows[at + 2] = (long) answerSeq << 32 | Integer.toUnsignedLong(answerAck);
        }

        /** Both headers, summed up while they are stored. */
        void write(long frame, int flags) {
            int at = (head++ & (ROOM - 1)) * STRIDE;
            long numbers = rows[at + 2];
            long pseudo = Segment.head4(frame + IP, rows[at], 0, TTL, Segment.BARE);
            int seq = (int) (numbers >>> 32);
            int ports = (int) rows[at + 1];
            Segment.tcp(frame + TCP, pseudo, ports, seq, (int) numbers, flags, WINDOW, Segment.BARE, 0, 0, 0);
        }
    }

    private final Queue clients = new Queue();
    private final Queue servers = new Queue();
    private int finished;

    /** Notes packets that the director sends. */
    void sent(long[] mbufs, int count) {
        for (int i = 0; i < count; i++) {
            sent(mbufs[i]);
        }
    }

    private void sent(long mbuf) {
        long frame = Memory.address(Mbuf.data(mbuf));
        if (Memory.getShortBe(frame, HEADERS, ETHER_TYPE) != Ethernet.TYPE_IPV4) {
            return;
        }
        long tcp = frame + TCP;
        int flags = Tcp.flags(tcp);
        if (flags == SYN_ACK) {
            clients.add(frame, Tcp.ack(tcp), Tcp.seq(tcp) + 1);
        } else if (flags == Tcp.SYN) {
            servers.add(frame, Tcp.seq(tcp) * 0x9e3779b1, Tcp.seq(tcp) + 1);
        } else if (flags == Tcp.ACK_FLAG) {
            finished++;
        }
    }

    /**
     * Makes of a frame the answer that is due next.
     *
     * @param draining whether there are no more SYNs: then answers come without delay
     * @return false if none is due
     */
    boolean answer(long frame, boolean draining) {
        if (servers.size() > (draining ? 0 : SERVERS_DELAY)) {
            servers.write(frame, SYN_ACK);
            return true;
        }
        if (clients.size() > (draining ? 0 : CLIENTS_DELAY)) {
            clients.write(frame, Tcp.ACK_FLAG);
            return true;
        }
        return false;
    }

    /** Whether nobody waits for an answer. */
    boolean quiet() {
        return clients.size() + servers.size() == 0;
    }

    /** Servers that have got the acknowledgement of their SYN+ACK, since the last {@link #begin}. */
    int finished() {
        return finished;
    }

    /** A pass begins. */
    void begin() {
        finished = 0;
    }
}
