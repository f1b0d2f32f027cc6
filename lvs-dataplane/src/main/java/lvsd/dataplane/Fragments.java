package lvsd.dataplane;

import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.memory.Memory;
import lvsd.rules.ForwardingMethod;
import lvsd.wire.Checksum;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Tcp;
import lvsd.wire.Udp;

/**
 * What is known of datagrams that come in fragments: the first fragment has the ports, the later ones follow it. Nothing
 * is reassembled and nothing held; a fragment that comes before the first one of its datagram is dropped.
 *
 * <p>A table of fixed size, four places in a set, keyed by addresses, identification and (IPv4) protocol; a datagram that
 * finds its set full takes the place of the oldest. An entry names ports, not a connection, so it never outlives one.
 * Owned by the worker; off the way of whole packets.
 */
final class Fragments {
    /** Ticks that a datagram's later fragments may take. */
    static final int LIFETIME = 5 * 250;

    private static final int SETS = 256;
    private static final int PLACES = 4;
    /** Longs of an entry: four of addresses, then key, value, deadline. */
    private static final int STRIDE = 8;

    private static final int KEY = 4;
    private static final int VALUE = 5;
    private static final int DEADLINE = 6;
    private static final long USED = 1L << 63;

    private static final int FULLNAT = ForwardingMethod.FULLNAT.number();
    private static final int NONE = -1;
    private static final int MAX_DATAGRAM = 65_535;

    private final long[] table = new long[SETS * PLACES * STRIDE];
    private final long[] wanted = new long[KEY + 1];
    private final long seed0;
    private final long seed1;
    private final int step;
    private int lastId;
    private int now;

    /** Ports of the datagram in hand, once {@link #later} has found it. */
    private int ports;
    /** Worker that the first fragment was handed to, or this one. */
    private int owner;
    /** Identification that the datagram in hand has on the way out with FULLNAT, IPv4. */
    private int id;

    /**
     * @param worker this worker
     * @param workers how many there are
     * @param seed0 first half of a secret
     * @param seed1 second half
     */
    Fragments(int worker, int workers, long seed0, long seed1) {
        this.seed0 = seed0;
        this.seed1 = seed1;
        this.step = workers;
        this.lastId = (int) (seed1 >>> 16 & 0xffff) / workers * workers + worker;
    }

    /** Ports that the first fragment of the datagram found last had, as they lie in the packet. */
    int ports() {
        return ports;
    }

    /** Worker of the datagram found last. */
    int owner() {
        return owner;
    }

    /**
     * Whether a first fragment is as it must be: a whole TCP header, and data in units of eight bytes where more follows
     * (RFC 1858, RFC 8200 section 4.5). The parser has seen the fixed header.
     */
    static boolean firstGood(Packet p) {
        if (p.protocol == Ipv4.PROTOCOL_TCP) {
            int header = Tcp.headerLength(p.l4);
            if (header < Tcp.SIZE || header > p.l4Length) {
                return false;
            }
        } else if (Memory.getShortBe(p.l4, Udp.SIZE, 4) < Udp.SIZE) {
            return false;
        }
        return !more(p) || fragmentBytes(p) % 8 == 0;
    }

    /** Remembers a first fragment, whose datagram {@code worker} forwards. */
    void remember(Packet p, int worker) {
        if (!more(p)) {
            return; // RFC 6946: an atomic fragment is alone
        }
        fillKey(p);
        int at = find();
        if (at == NONE) {
            at = place();
            lastId = (lastId + step) & 0xffff;
            id = lastId;
        } else {
            id = (int) (table[at + DEADLINE] >>> 32) & 0xffff;
        }
        System.arraycopy(wanted, 0, table, at, wanted.length);
        ports = Tcp.ports(p.l4);
        owner = worker;
        table[at + VALUE] = Integer.toUnsignedLong(ports) | (long) fragmentBytes(p) << 32 | (long) worker << 48;
        table[at + DEADLINE] = Integer.toUnsignedLong(now + LIFETIME) | (long) id << 32;
    }

    /** Sets the time, ticks. */
    void clock(int tick) {
        now = tick;
    }

    /**
     * Looks for the first fragment of a later one's datagram: 0 when it is there ({@link #ports}, {@link #owner}), else
     * the drop verdict, that of {@link DropReason#FRAGMENT} when it is not.
     */
    int later(Packet p) {
        fillKey(p);
        int at = find();
        if (at == NONE) {
            return Verdict.drop(DropReason.FRAGMENT);
        }
        long value = table[at + VALUE];
        int first = (int) (value >>> 32) & 0xffff;
        int from = offset(p);
        int bytes = fragmentBytes(p);
        boolean odd = more(p) && bytes % 8 != 0;
        if (odd || bytes == 0 || from < first || from + bytes > MAX_DATAGRAM) {
            return Verdict.drop(DropReason.BAD_FRAGMENT);
        }
        ports = (int) value;
        owner = (int) (value >>> 48);
        id = (int) (table[at + DEADLINE] >>> 32) & 0xffff;
        return 0;
    }

    /** The longs of the key that {@link #find} looks for. */
    private void fillKey(Packet p) {
        if (p.ipv6) {
            wanted[0] = Ipv6.sourceHigh(p.l3);
            wanted[1] = Ipv6.sourceLow(p.l3);
            wanted[2] = Ipv6.destinationHigh(p.l3);
            wanted[3] = Ipv6.destinationLow(p.l3);
            wanted[KEY] = USED
                    | 1L << 40
                    | Integer.toUnsignedLong(Memory.getIntBe(Ipv6.fragmentHeader(p.l3), Ipv6.FRAGMENT_SIZE, 4));
        } else {
            wanted[0] = Ipv4.addresses(p.l3);
            wanted[1] = 0;
            wanted[2] = 0;
            wanted[3] = 0;
            wanted[KEY] = USED | (long) p.protocol << 32 | Ipv4.id(p.l3);
        }
    }

    private int set() {
        long hash = seed0;
        for (long word : wanted) {
            hash = (hash ^ word) * 0x9e3779b97f4a7c15L;
            hash ^= hash >>> 29;
        }
        hash = (hash ^ seed1) * 0xd6e8feb86659fd93L;
        return (int) (hash >>> 56) * PLACES * STRIDE;
    }

    private boolean alive(int at) {
        return table[at + KEY] != 0 && (int) table[at + DEADLINE] - now > 0;
    }

    private int find() {
        int set = set();
        for (int at = set; at < set + PLACES * STRIDE; at += STRIDE) {
            if (table[at + KEY] == wanted[KEY]
                    && table[at] == wanted[0]
                    && table[at + 1] == wanted[1]
                    && table[at + 2] == wanted[2]
                    && table[at + 3] == wanted[3]
                    && alive(at)) {
                return at;
            }
        }
        return NONE;
    }

    /** A place for the key: a free one, else that of the oldest. */
    private int place() {
        int set = set();
        int oldest = set;
        for (int at = set; at < set + PLACES * STRIDE; at += STRIDE) {
            if (!alive(at)) {
                return at;
            }
            if ((int) table[at + DEADLINE] - (int) table[oldest + DEADLINE] < 0) {
                oldest = at;
            }
        }
        return oldest;
    }

    private static boolean more(Packet p) {
        return p.ipv6
                ? (Memory.getShortBe(Ipv6.fragmentHeader(p.l3), Ipv6.FRAGMENT_SIZE, 2) & 1) != 0
                : Ipv4.moreFragments(p.l3);
    }

    /** Bytes from the beginning of the datagram's fragmentable part to that of this fragment. */
    private static int offset(Packet p) {
        return p.ipv6
                ? Memory.getShortBe(Ipv6.fragmentHeader(p.l3), Ipv6.FRAGMENT_SIZE, 2) & 0xfff8
                : Ipv4.fragmentOffset(p.l3);
    }

    /** Bytes of the datagram in this fragment. */
    private static int fragmentBytes(Packet p) {
        return p.ipv6
                ? (int) (p.l3 + p.l3Length - Ipv6.fragmentHeader(p.l3)) - Ipv6.FRAGMENT_SIZE
                : p.l3Length - Ipv4.headerLength(p.l3);
    }

    /**
     * Rewrites a fragment of an IPv4 connection. With FULLNAT it gets an identification of ours: datagrams of several
     * clients leave with one address now, and must not be put together into one (RFC 6864, section 5.2). Otherwise it
     * keeps its own, as in the kernel.
     */
    void rewrite4(Pipeline pipeline, Packet p, long rest, int reference, long hot) {
        int side = ConnectionTable.side(reference);
        if (!p.laterFragment && !uncheckedUdp(p)) {
            pipeline.rewrite4(p.l3, p.l4, rest, reference, hot, Connection.summary(hot));
        } else {
            Pipeline.rewriteNetwork4(p.l3, hot, side);
            if (!p.laterFragment) {
                Memory.setInt(p.l4, Udp.SIZE, 0, Connection.rewritePorts(hot, side));
            }
        }
        if (Connection.method(Connection.flags(hot)) == FULLNAT) {
            renumber(p);
        }
    }

    private void renumber(Packet p) {
        int old = Memory.getShort(p.l3, Ipv4.SIZE, 4);
        Ipv4.setId(p.l3, id);
        int delta = Checksum.delta(old, Memory.getShort(p.l3, Ipv4.SIZE, 4));
        Memory.setShort(p.l3, Ipv4.SIZE, 10, Checksum.apply(Memory.getShort(p.l3, Ipv4.SIZE, 10), delta));
    }

    /** A UDP checksum of zero stays: one over the whole datagram cannot be had from its first part. */
    private static boolean uncheckedUdp(Packet p) {
        return p.protocol == Ipv4.PROTOCOL_UDP && Memory.getShort(p.l4, Udp.SIZE, 6) == 0;
    }
}
