package lvsd.dataplane.connection;

import lvsd.memory.Memory;
import lvsd.wire.WireForm;

/**
 * The fields of a connection entry, by address: {@code hot} is {@link ConnectionTable#hot}, {@code cold} is
 * {@link ConnectionTable#cold}, {@code addresses6} is {@link ConnectionTable#addresses6}. The byte table is in
 * docs/architecture.md.
 *
 * <p>Addresses and ports are in wire form: as they lie in a packet, read in native byte order, source first. An entry has
 * two sides, each with the tuple of the packets that arrive from there: {@link #CLIENT_SIDE} (client to VIP) and
 * {@link #SERVER_SIDE} (RS to LIP, or RS to client with NAT). A packet of one side leaves with the swapped tuple of the
 * other: {@link #rewriteAddresses}, {@link #rewritePorts}.
 *
 * <p>The tuples and the protocol are keys: they may be written between {@link ConnectionTable#allocate} and
 * {@link ConnectionTable#insert}, and never while the entry is in the table.
 */
public final class Connection {
    /** Bytes of the hot line. */
    public static final int SIZE = 64;
    /** Bytes of the cold part. */
    public static final int COLD_SIZE = 44;
    /** Bytes of the addresses of an IPv6 entry. */
    public static final int ADDRESSES6_SIZE = 64;

    /** Packets from the client. */
    public static final int CLIENT_SIDE = 0;
    /** Packets from the real server. */
    public static final int SERVER_SIDE = 1;

    /** Forwarding method (number of {@code ForwardingMethod}). Bits up to {@link #ONE_PACKET} are the kernel's. */
    public static final int METHOD_MASK = 0x0007;
    /** An ISN is re-randomised: {@link #seqDelta} towards the server applies. Ours; never on the wire. */
    public static final int SEQ_TO_SERVER = 0x0008;
    /** {@link #timestampDelta} applies. Ours. */
    public static final int TIMESTAMP_DELTA = 0x0010;
    /** Came by sync. */
    public static final int SYNCED = 0x0020;
    /**
     * Packets may not go the short way: the client's address has not been told to the RS yet (TOA), the SYN proxy has to
     * see them, or they go into a tunnel. Ours: the kernel's bit means "hashed" there.
     */
    public static final int TOA_PENDING = 0x0040;
    /** No packet from the RS seen, and none expected to come this way (DR, tunnel). */
    public static final int NO_OUTPUT = 0x0080;
    /** Counted as inactive with its destination. */
    public static final int INACTIVE = 0x0100;
    /** Sequence numbers towards the client are shifted: {@link #seqDelta} towards the client applies. */
    public static final int SEQ_OUT = 0x0200;
    /** Sequence numbers towards the server are shifted by an application helper. */
    public static final int SEQ_IN = 0x0400;
    /** The client's port is not known yet. */
    public static final int NO_CLIENT_PORT = 0x0800;
    /** Persistence template. */
    public static final int TEMPLATE = 0x1000;
    /** Ends after one packet. */
    public static final int ONE_PACKET = 0x2000;
    /** Opened by the SYN proxy. */
    public static final int SYN_PROXY = 0x4000;
    /** Came by sync, and its destination is not known here (yet). Ours. */
    public static final int UNBOUND = 0x8000;

    /** In {@link #proxy}: the server has not answered the SYN proxy yet. */
    public static final int PENDING = 0x8000;
    /** In {@link #proxy}: the client's next acknowledgement may be that of a cookie. */
    public static final int WATCHED = 0x4000;
    /** In {@link #proxy}: the server says the same again and again. */
    public static final int STORM = 0x2000;

    /** The window shifts in {@link #proxy}. */
    private static final int WINDOW_SHIFTS = 0x0fff;

    private static final int STATE_AND_PROTOCOL = 0xffff_0000;
    private static final int PROTOCOL_BITS = 0xff00_0000;
    private static final int UDP = 17 << 24;
    private static final int ESTABLISHED_TCP = 6 << 24 | TcpStates.ESTABLISHED << 16;

    private static final int TUNNEL = 2;
    private static final int SERVER_TUPLE = 8;
    private static final int PORTS = 16;
    private static final int FLAGS = 24;
    /** The four bytes with {@link #state} and {@link #protocol}. */
    static final int STATE_WORD = FLAGS;

    private static final int STATE = 26;
    private static final int PROTOCOL = 27;
    private static final int LAST_SEEN = 28;
    private static final int DESTINATION = 32;
    private static final int PROXY = 34;
    private static final int DELTAS = 36;
    /** What {@link #fetch(long)} writes, four bytes. */
    static final int FETCH = 40;

    private static final int SEQ_DELTAS = 44;
    private static final int NEXT_HOPS = 52;
    private static final int PACKETS = 60;

    private static final int TIMER_NEXT = 0;
    private static final int TIMER_PREVIOUS = 4;
    private static final int DEADLINE = 8;
    private static final int OWN_TIMEOUT = 12;
    private static final int TEMPLATE_LINK = 16;
    private static final int SYNC_STAMP = 20;
    private static final int WINDOW_EDGES = 24;
    private static final int TIMESTAMP = 32;
    private static final int RATE = 36;
    private static final int PROXY_TIMESTAMP = 40;

    private Connection() {}

    /** Zeroes both parts of an entry. */
    static void clear(long hot, long cold) {
        for (int i = 0; i < SIZE; i += 8) {
            Memory.setLong(hot, SIZE, i, 0);
        }
        for (int i = 0; i < COLD_SIZE - 7; i += 8) {
            Memory.setLong(cold, COLD_SIZE, i, 0);
        }
        Memory.setInt(cold, COLD_SIZE, COLD_SIZE - 4, 0);
    }

    // ---- hot line: keys

    /** Source and destination address of packets of {@code side} (IPv4). */
    public static long addresses(long hot, int side) {
        return Memory.getLong(hot, SIZE, (long) side * SERVER_TUPLE);
    }

    /** Sets the addresses of {@code side} (IPv4). */
    public static void setAddresses(long hot, int side, long addresses) {
        Memory.setLong(hot, SIZE, (long) side * SERVER_TUPLE, addresses);
    }

    /** The IPv6 hash of {@code side}, kept where IPv4 keeps its addresses. */
    static long hash6(long hot, int side) {
        return Memory.getLong(hot, SIZE, (long) side * SERVER_TUPLE);
    }

    static void setHash6(long hot, int side, long hash) {
        Memory.setLong(hot, SIZE, (long) side * SERVER_TUPLE, hash);
    }

    /** Source and destination port of packets of {@code side}. */
    public static int ports(long hot, int side) {
        return Memory.getInt(hot, SIZE, PORTS + 4L * side);
    }

    /** Sets the ports of {@code side}. */
    public static void setPorts(long hot, int side, int ports) {
        Memory.setInt(hot, SIZE, PORTS + 4L * side, ports);
    }

    /** Sets addresses and ports of both sides (IPv4). */
    public static void setTuples4(long hot, long client, long server, int clientPorts, int serverPorts) {
        Memory.setLong(hot, SIZE, 0, client);
        Memory.setLong(hot, SIZE, SERVER_TUPLE, server);
        Memory.setLong(hot, SIZE, PORTS, pair(clientPorts, serverPorts));
    }

    /** Two fields of 32 bits that lie one behind the other, as one of 64. */
    private static long pair(int first, int second) {
        return WireForm.LITTLE_ENDIAN
                ? Integer.toUnsignedLong(first) | (long) second << 32
                : (long) first << 32 | Integer.toUnsignedLong(second);
    }

    /** IP protocol number. */
    public static int protocol(long hot) {
        return Memory.getByte(hot, SIZE, PROTOCOL);
    }

    /** Sets the IP protocol number. */
    public static void setProtocol(long hot, int protocol) {
        Memory.setByte(hot, SIZE, PROTOCOL, protocol);
    }

    /** What a packet of {@code side} leaves with as source and destination address (IPv4). */
    public static long rewriteAddresses(long hot, int side) {
        return Long.rotateLeft(addresses(hot, side ^ 1), 32);
    }

    /** What a packet of {@code side} leaves with as source and destination port. */
    public static int rewritePorts(long hot, int side) {
        return Integer.rotateLeft(ports(hot, side ^ 1), 16);
    }

    // ---- hot line: the rest

    /**
     * Flags, state and protocol in one load: {@link #flags(long)} in the low half; take the others with
     * {@link #stateOf} and {@link #protocolOf}.
     */
    public static int summary(long hot) {
        return Memory.getInt(hot, SIZE, FLAGS);
    }

    /** Sets flags and protocol; the state is 0. */
    public static void setSummary(long hot, int flags, int protocol) {
        Memory.setInt(hot, SIZE, FLAGS, flags | protocol << 24);
    }

    /** The state in a {@link #summary}. */
    public static int stateOf(int summary) {
        return summary >>> 16 & 0xff;
    }

    /** The protocol in a {@link #summary}. */
    public static int protocolOf(int summary) {
        return summary >>> 24;
    }

    /** 0 where a {@link #summary} is that of an established TCP connection whose packets may go the short way. */
    public static int differenceFromEstablished(int summary) {
        return (summary ^ ESTABLISHED_TCP) & (STATE_AND_PROTOCOL | TOA_PENDING);
    }

    /** 0 where a {@link #summary} is that of a UDP connection; its packets may go the short way in any state. */
    public static int differenceFromUdp(int summary) {
        return (summary ^ UDP) & (PROTOCOL_BITS | TOA_PENDING);
    }

    /** Flags: the constants of this class. */
    public static int flags(long hot) {
        return Memory.getShort(hot, SIZE, FLAGS);
    }

    /** Replaces the flags. */
    public static void setFlags(long hot, int flags) {
        Memory.setShort(hot, SIZE, FLAGS, flags);
    }

    /** Forwarding method number of {@code flags}. */
    public static int method(int flags) {
        return flags & METHOD_MASK;
    }

    /** Protocol state, {@link TcpStates} for TCP; 0 for UDP. */
    public static int state(long hot) {
        return Memory.getByte(hot, SIZE, STATE);
    }

    /** Sets the protocol state. */
    public static void setState(long hot, int state) {
        Memory.setByte(hot, SIZE, STATE, state);
    }

    /** Tick of the last packet. */
    public static int lastSeen(long hot) {
        return Memory.getInt(hot, SIZE, LAST_SEEN);
    }

    /** Notes a packet at {@code tick}. */
    public static void setLastSeen(long hot, int tick) {
        Memory.setInt(hot, SIZE, LAST_SEEN, tick);
    }

    /**
     * Destination, the SYN proxy's bits and the checksum deltas in one load: take apart with {@link #destinationOf},
     * {@link #windowsOf} and {@link #deltasOf}.
     */
    public static long binding(long hot) {
        return Memory.getLong(hot, SIZE, DESTINATION);
    }

    /** Sets the destination and the deltas of {@link #setDeltas}; the SYN proxy keeps nothing. */
    public static void setBinding(long hot, int destination, int ip, int transport) {
        Memory.setLong(hot, SIZE, DESTINATION, destination | (long) (ip | transport << 16) << 32);
    }

    /** The {@link #destination} in a {@link #binding}. */
    public static int destinationOf(long binding) {
        return (int) binding & 0xffff;
    }

    /** The {@link #deltas} of {@code side} in a {@link #binding}. */
    public static int deltasOf(long binding, int side) {
        return (int) (binding >>> 32) ^ -side;
    }

    /** What by a {@link #binding} the SYN proxy shifts windows by: 0 none. */
    public static int windowsOf(long binding) {
        return (int) (binding >>> 16) & WINDOW_SHIFTS;
    }

    /** Index of the destination, 16 bits. */
    public static int destination(long hot) {
        return Memory.getShort(hot, SIZE, DESTINATION);
    }

    /** Sets the index of the destination. */
    public static void setDestination(long hot, int destination) {
        Memory.setShort(hot, SIZE, DESTINATION, destination);
    }

    /**
     * What the SYN proxy keeps: the window shifts of {@code TcpRewrite.windowShifts} in the lower twelve bits,
     * {@link #PENDING}, {@link #WATCHED} and {@link #STORM}.
     */
    public static int proxy(long hot) {
        return Memory.getShort(hot, SIZE, PROXY);
    }

    /** Sets what the SYN proxy keeps. */
    public static void setProxy(long hot, int bits) {
        Memory.setShort(hot, SIZE, PROXY, bits);
    }

    /**
     * One's complement sums to add to the checksums of a packet of {@code side}: the IP header's in the low half, the
     * transport's in the high half. What the server's packets add is what the client's take away.
     */
    public static int deltas(long hot, int side) {
        return Memory.getInt(hot, SIZE, DELTAS) ^ -side;
    }

    /** Sets both checksum deltas of packets of the client, 16 bits each; the server's are their opposites. */
    public static void setDeltas(long hot, int ip, int transport) {
        Memory.setShort(hot, SIZE, DELTAS, ip);
        Memory.setShort(hot, SIZE, DELTAS + 2L, transport);
    }

    /** As {@link ConnectionTable#fetchBucket} for a hot line. */
    public static void fetch(long hot) {
        Memory.setInt(hot, SIZE, FETCH, 0);
    }

    /** As {@link #fetch(long)} for all lines of an entry that is free: its cold part may lie on two. */
    static void fetch(long hot, long cold) {
        fetch(hot);
        Memory.setInt(cold, COLD_SIZE, TIMER_NEXT, 0);
        Memory.setInt(cold, COLD_SIZE, PROXY_TIMESTAMP, 0);
    }

    /** What is added to sequence numbers of packets of {@code side}, and taken from acknowledgements of the other. */
    public static int seqDelta(long hot, int side) {
        return Memory.getInt(hot, SIZE, SEQ_DELTAS + 4L * side);
    }

    /** Both sequence deltas in one load: that of packets of {@code side} in the low half, the other's above. */
    public static long seqDeltas(long hot, int side) {
        return Long.rotateRight(Memory.getLong(hot, SIZE, SEQ_DELTAS), side << 5);
    }

    /** Sets the sequence delta of packets of {@code side}. */
    public static void setSeqDelta(long hot, int side, int delta) {
        Memory.setInt(hot, SIZE, SEQ_DELTAS + 4L * side, delta);
    }

    /** Next hop of packets of {@code side} (so {@link #CLIENT_SIDE}: towards the server); meaning by the worker. */
    public static int nextHop(long hot, int side) {
        return Memory.getInt(hot, SIZE, NEXT_HOPS + 4L * side);
    }

    /** Sets the next hop of packets of {@code side}. */
    public static void setNextHop(long hot, int side, int nextHop) {
        Memory.setInt(hot, SIZE, NEXT_HOPS + 4L * side, nextHop);
    }

    /** Packets from the client, modulo 2^32. */
    public static int packets(long hot) {
        return Memory.getInt(hot, SIZE, PACKETS);
    }

    /** Sets the packet count. */
    public static void setPackets(long hot, int packets) {
        Memory.setInt(hot, SIZE, PACKETS, packets);
    }

    // ---- cold part

    static int timerNext(long cold) {
        return Memory.getInt(cold, COLD_SIZE, TIMER_NEXT);
    }

    static void setTimerNext(long cold, int link) {
        Memory.setInt(cold, COLD_SIZE, TIMER_NEXT, link);
    }

    static int timerPrevious(long cold) {
        return Memory.getInt(cold, COLD_SIZE, TIMER_PREVIOUS);
    }

    static void setTimerPrevious(long cold, int link) {
        Memory.setInt(cold, COLD_SIZE, TIMER_PREVIOUS, link);
    }

    /** Tick at which the timer looks at the entry; valid while it is armed. */
    public static int deadline(long cold) {
        return Memory.getInt(cold, COLD_SIZE, DEADLINE);
    }

    static void setDeadline(long cold, int tick) {
        Memory.setInt(cold, COLD_SIZE, DEADLINE, tick);
    }

    /** Timeout of its own in ticks; 0: the state's. */
    public static int ownTimeout(long cold) {
        return Memory.getInt(cold, COLD_SIZE, OWN_TIMEOUT);
    }

    /** Sets a timeout of its own, ticks. */
    public static void setOwnTimeout(long cold, int ticks) {
        Memory.setInt(cold, COLD_SIZE, OWN_TIMEOUT, ticks);
    }

    /** Entry of the persistence template that controls it, plus one; 0: none. */
    public static int template(long cold) {
        return Memory.getInt(cold, COLD_SIZE, TEMPLATE_LINK);
    }

    /** Sets the template link (entry plus one, 0: none). */
    public static void setTemplate(long cold, int link) {
        Memory.setInt(cold, COLD_SIZE, TEMPLATE_LINK, link);
    }

    /** When and what was last told to the backup; meaning by the sync source. */
    public static int syncStamp(long cold) {
        return Memory.getInt(cold, COLD_SIZE, SYNC_STAMP);
    }

    /** Sets the sync stamp. */
    public static void setSyncStamp(long cold, int stamp) {
        Memory.setInt(cold, COLD_SIZE, SYNC_STAMP, stamp);
    }

    /** Highest sequence number that {@code side} may send: the other's acknowledgement plus window. */
    public static int windowEdge(long cold, int side) {
        return Memory.getInt(cold, COLD_SIZE, WINDOW_EDGES + 4L * (side ^ 1));
    }

    /** Sets the window edge of {@code side}. */
    public static void setWindowEdge(long cold, int side, int edge) {
        Memory.setInt(cold, COLD_SIZE, WINDOW_EDGES + 4L * (side ^ 1), edge);
    }

    /** What is added to TCP timestamps of the client on their way to the RS. */
    public static int timestampDelta(long cold) {
        return Memory.getInt(cold, COLD_SIZE, TIMESTAMP);
    }

    /** Sets the timestamp delta. */
    public static void setTimestampDelta(long cold, int delta) {
        Memory.setInt(cold, COLD_SIZE, TIMESTAMP, delta);
    }

    /**
     * What is added to TCP timestamps of the RS on their way to a client that the SYN proxy gave its own; while
     * {@link #PENDING} the number of the handshake.
     */
    public static int proxyTimestamp(long cold) {
        return Memory.getInt(cold, COLD_SIZE, PROXY_TIMESTAMP);
    }

    /** Sets the proxy's timestamp delta. */
    public static void setProxyTimestamp(long cold, int delta) {
        Memory.setInt(cold, COLD_SIZE, PROXY_TIMESTAMP, delta);
    }

    /**
     * Whether the server's packets do not come this way: its side's tuple is then the client's reversed, so that packets
     * leave as they came, and its address stands apart.
     */
    public static boolean isDirect(int flags) {
        return (flags & NO_OUTPUT) != 0;
    }

    /** Whether packets of a direct connection are wrapped. */
    public static boolean isTunnel(int flags) {
        return method(flags) == TUNNEL;
    }

    /** Whether the server of a direct connection has an IPv6 address: with a tunnel it need not be of the client's family. */
    public static boolean isDirectServer6(long cold) {
        return proxyTimestamp(cold) != 0;
    }

    /** IPv4 address of the server of a direct connection ({@link #isDirect}), which has no use for window edges. */
    public static int directServer4(long cold) {
        return Memory.getInt(cold, COLD_SIZE, WINDOW_EDGES);
    }

    /** Sets the server of a direct connection. */
    public static void setDirectServer4(long cold, int address) {
        Memory.setInt(cold, COLD_SIZE, WINDOW_EDGES, address);
        setProxyTimestamp(cold, 0);
    }

    /** First half of the server's address of a direct connection ({@link #isDirectServer6}). */
    public static long directServerHigh(long cold) {
        return Memory.getLong(cold, COLD_SIZE, WINDOW_EDGES);
    }

    /** Second half of the server's address of a direct connection ({@link #isDirectServer6}). */
    public static long directServerLow(long cold) {
        return Memory.getLong(cold, COLD_SIZE, TIMESTAMP);
    }

    /** Sets the server of a direct connection, an IPv6 address. */
    public static void setDirectServer6(long cold, long high, long low) {
        Memory.setLong(cold, COLD_SIZE, WINDOW_EDGES, high);
        Memory.setLong(cold, COLD_SIZE, TIMESTAMP, low);
        setProxyTimestamp(cold, 1);
    }

    /** State of the rate limiter; meaning by the limiter. */
    public static int rate(long cold) {
        return Memory.getInt(cold, COLD_SIZE, RATE);
    }

    /** Sets the state of the rate limiter. */
    public static void setRate(long cold, int rate) {
        Memory.setInt(cold, COLD_SIZE, RATE, rate);
    }

    // ---- addresses of an IPv6 entry: 16 bytes each of client, VIP, RS, local

    /** First half of the source address of packets of {@code side} (IPv6). */
    public static long sourceHigh(long addresses6, int side) {
        return Memory.getLong(addresses6, ADDRESSES6_SIZE, 32L * side);
    }

    /** Second half of the source address of packets of {@code side} (IPv6). */
    public static long sourceLow(long addresses6, int side) {
        return Memory.getLong(addresses6, ADDRESSES6_SIZE, 32L * side + 8);
    }

    /** First half of the destination address of packets of {@code side} (IPv6). */
    public static long destinationHigh(long addresses6, int side) {
        return Memory.getLong(addresses6, ADDRESSES6_SIZE, 32L * side + 16);
    }

    /** Second half of the destination address of packets of {@code side} (IPv6). */
    public static long destinationLow(long addresses6, int side) {
        return Memory.getLong(addresses6, ADDRESSES6_SIZE, 32L * side + 24);
    }

    /** Sets the source address of packets of {@code side} (IPv6). */
    public static void setSource6(long addresses6, int side, long high, long low) {
        Memory.setLong(addresses6, ADDRESSES6_SIZE, 32L * side, high);
        Memory.setLong(addresses6, ADDRESSES6_SIZE, 32L * side + 8, low);
    }

    /** Sets the destination address of packets of {@code side} (IPv6). */
    public static void setDestination6(long addresses6, int side, long high, long low) {
        Memory.setLong(addresses6, ADDRESSES6_SIZE, 32L * side + 16, high);
        Memory.setLong(addresses6, ADDRESSES6_SIZE, 32L * side + 24, low);
    }
}
