package lvsd.dataplane;

import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.nat.TcpRewrite;
import lvsd.dataplane.service.Service;
import lvsd.dpdk.Mbuf;
import lvsd.memory.Memory;
import lvsd.synproxy.Handshakes;
import lvsd.synproxy.Segment;
import lvsd.synproxy.TcpOffer;
import lvsd.wire.Ethernet;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Tcp;
import lvsd.wire.TcpOptions;
import lvsd.wire.WireForm;
import org.jspecify.annotations.Nullable;

/**
 * Writes the SYN proxy's own segments of one client's connection: those towards the server in the client's name, which the
 * packet path then rewrites as it does the client's, and those to the client in the VIP's name. First {@link #of} says whose
 * connection it is; what is written stands in {@link #packet}. Owned by the worker.
 */
final class OwnSegments {
    private static final int TTL = 64;

    private final Handshakes handshakes;
    /** The segment written last. */
    final Packet packet = new Packet();

    /** Whether the client is an IPv6 one. */
    boolean ipv6;

    private long addresses4;
    private long clientHigh;
    private long clientLow;
    private long vipHigh;
    private long vipLow;
    private int ports;

    OwnSegments(Handshakes handshakes) {
        this.handshakes = handshakes;
    }

    /** The connection of a client's packet. */
    void of(Packet p) {
        ipv6 = p.ipv6;
        ports = Tcp.ports(p.l4);
        if (ipv6) {
            of6(p.l3);
        } else {
            addresses4 = Ipv4.addresses(p.l3);
        }
    }

    private void of6(long ip) {
        clientHigh = Ipv6.sourceHigh(ip);
        clientLow = Ipv6.sourceLow(ip);
        vipHigh = Ipv6.destinationHigh(ip);
        vipLow = Ipv6.destinationLow(ip);
    }

    /** The connection of an entry. */
    void of(ConnectionTable table, int entry) {
        long hot = table.hot(entry);
        int side = Connection.CLIENT_SIDE;
        ipv6 = table.ipv6();
        ports = Connection.ports(hot, side);
        if (ipv6) {
            of6(table.addresses6(entry), side);
        } else {
            addresses4 = Connection.addresses(hot, side);
        }
    }

    private void of6(long at, int side) {
        clientHigh = Connection.sourceHigh(at, side);
        clientLow = Connection.sourceLow(at, side);
        vipHigh = Connection.destinationHigh(at, side);
        vipLow = Connection.destinationLow(at, side);
    }

    /** The service at the address that the client talks to; null where there is none any more. */
    @Nullable
    Service service(Pipeline pipeline) {
        int port = Tcp.pairDestination(ports);
        return ipv6
                ? pipeline.services.find6(Ipv4.PROTOCOL_TCP, vipHigh, vipLow, port)
                : pipeline.services.find4(Ipv4.PROTOCOL_TCP, Ipv4.pairDestination(addresses4), port);
    }

    /** The next hop to the client; negative as {@code Net.nextHop4} says. */
    int hopToClient(Pipeline pipeline) {
        return ipv6 ? pipeline.net.nextHop6(clientHigh, clientLow) : pipeline.net.nextHop4(Ipv4.pairSource(addresses4));
    }

    /** Writes the SYN that opens the connection at the server. */
    void syn(int handshake, long mbuf, long frame, long l3, int iface) {
        int offer = handshakes.offer(handshake);
        int window = (int) Math.min((long) handshakes.window(handshake) << TcpOffer.shift(offer), 0xffff);
        int header = Segment.synHeader(offer);
        int seq = handshakes.isn(handshake);
        long second = Segment.second(offer, handshakes.clientStamp(handshake));
        write(l3, false, seq, 0, Tcp.SYN, window, header, Segment.mss(offer), second, Segment.third(offer, 0));
        done(mbuf, frame, l3, header, iface);
    }

    /**
     * Makes an IPv4 acknowledgement, in its own buffer, as much of that SYN as one looks at who opens a connection for it: the
     * rest is to be written before it is sent.
     */
    void sketchSyn(int handshake, Packet p) {
        Tcp.setSeq(p.l4, handshakes.isn(handshake));
        Tcp.setFlags(p.l4, Tcp.SYN);
        done(p.mbuf, p.frame, p.l3, Segment.synHeader(handshakes.offer(handshake)), p.iface);
    }

    /** Writes the client's acknowledgement of the server's SYN+ACK, numbers as the client has them. */
    void acknowledgement(int handshake, long mbuf, long frame, long l3, int iface) {
        int seq = handshakes.isn(handshake) + 1;
        int ack = handshakes.cookie(handshake) + 1;
        boolean stamped = TcpOffer.timestamps(handshakes.offer(handshake));
        long stamps = Segment.stamps(handshakes.clientStamp(handshake), handshakes.ourStamp(handshake));
        int header = plain(l3, false, seq, ack, Tcp.ACK_FLAG, handshakes.window(handshake), stamped, stamps);
        done(mbuf, frame, l3, header, iface);
    }

    /**
     * As {@link #syn}, already as the server is to get it: what {@link Pipeline#rewrite4} would make of the other. Returns the
     * length of its TCP header.
     */
    int translatedSyn(int handshake, long l3, long hot, long cold) {
        int offer = handshakes.offer(handshake);
        int window = (int) Math.min((long) handshakes.window(handshake) << TcpOffer.shift(offer), 0xffff);
        int header = Segment.synHeader(offer);
        int seq = handshakes.isn(handshake) + Connection.seqDelta(hot, Connection.CLIENT_SIDE);
        long second = Segment.second(offer, handshakes.clientStamp(handshake) + stampDelta(hot, cold));
        translated(l3, hot, seq, 0, Tcp.SYN, window, header, Segment.mss(offer), second, Segment.third(offer, 0));
        return header;
    }

    /**
     * As {@link #acknowledgement}, already as the server is to get it, with the client's address in a TOA option if
     * {@code toa}. Returns the length of its TCP header.
     */
    int translatedAcknowledgement(int handshake, long l3, long hot, long cold, boolean toa) {
        long deltas = Connection.seqDeltas(hot, Connection.CLIENT_SIDE);
        int seq = handshakes.isn(handshake) + 1 + (int) deltas;
        int ack = handshakes.cookie(handshake) + 1 - (int) (deltas >>> 32);
        int scaled = TcpRewrite.clientWindow(handshakes.window(handshake), Connection.proxy(hot));
        boolean stamped = TcpOffer.timestamps(handshakes.offer(handshake));
        long stamps = stamped
                ? Segment.stamps(
                        handshakes.clientStamp(handshake) + stampDelta(hot, cold),
                        handshakes.ourStamp(handshake) - Connection.proxyTimestamp(cold))
                : 0;
        int header = stamped ? Segment.STAMPED_HEADER : Segment.BARE;
        int word = stamped ? Segment.STAMPED : 0;
        if (!toa) {
            translated(l3, hot, seq, ack, Tcp.ACK_FLAG, scaled, header, word, stamps, 0);
            return header;
        }
        int client = WireForm.int32(Ipv4.pairSource(addresses4));
        int first = Segment.toa4(WireForm.short16(Tcp.pairSource(ports)));
        long second = ((long) client << 32) | Integer.toUnsignedLong(word);
        int longer = header + TcpOptions.TOA4_SIZE;
        translated(l3, hot, seq, ack, Tcp.ACK_FLAG, scaled, longer, first, second, stamps);
        return longer;
    }

    private static int stampDelta(long hot, long cold) {
        return (Connection.flags(hot) & Connection.TIMESTAMP_DELTA) != 0 ? Connection.timestampDelta(cold) : 0;
    }

    private static void translated(
            long l3,
            long hot,
            int seq,
            int ack,
            int flags,
            int window,
            int header,
            int first,
            long second,
            long third) {
        long pseudo = Segment.head4(l3, Connection.rewriteAddresses(hot, Connection.CLIENT_SIDE), 0, TTL - 1, header);
        int pair = Connection.rewritePorts(hot, Connection.CLIENT_SIDE);
        Segment.tcp(l3 + Ipv4.SIZE, pseudo, pair, seq, ack, flags, window, header, first, second, third);
    }

    /** Writes a reset to the server; {@code seq} as the client counts. */
    void resetServer(int seq, long mbuf, long frame, long l3, int iface) {
        done(mbuf, frame, l3, plain(l3, false, seq, 0, Tcp.RST, 0, false, 0), iface);
    }

    /** Writes the reset that ends what the client takes for a connection. */
    void resetClient(int handshake, long mbuf, long frame, long l3, int iface) {
        int seq = handshakes.cookie(handshake) + 1;
        int ack = handshakes.isn(handshake) + 1;
        done(mbuf, frame, l3, plain(l3, true, seq, ack, Tcp.RST | Tcp.ACK_FLAG, 0, false, 0), iface);
    }

    /** Writes the segment that opens the client's window to {@code window}, 16 bits as its scale has it. */
    void openWindow(int handshake, int window, long mbuf, long l3, int iface) {
        int seq = handshakes.cookie(handshake) + 1;
        int ack = handshakes.isn(handshake) + 1;
        boolean stamped = TcpOffer.timestamps(handshakes.offer(handshake));
        long stamps = Segment.stamps(handshakes.ourStamp(handshake), handshakes.clientStamp(handshake));
        done(mbuf, l3, l3, plain(l3, true, seq, ack, Tcp.ACK_FLAG, window, stamped, stamps), iface);
    }

    /** Writes a segment that is no SYN; returns the length of its TCP header. */
    private int plain(
            long l3, boolean toClient, int seq, int ack, int flags, int window, boolean stamped, long stamps) {
        int header = stamped ? Segment.STAMPED_HEADER : Segment.BARE;
        write(l3, toClient, seq, ack, flags, window, header, stamped ? Segment.STAMPED : 0, stamped ? stamps : 0, 0);
        return header;
    }

    private void write(
            long l3,
            boolean toClient,
            int seq,
            int ack,
            int flags,
            int window,
            int header,
            int first,
            long second,
            long third) {
        // A frame of our own has no header yet, and who sends it looks for the type right before the packet.
        Memory.setShortBe(l3 - 2, 2, 0, ipv6 ? Ethernet.TYPE_IPV6 : Ethernet.TYPE_IPV4);
        long pseudo = head(l3, toClient, header);
        long tcp = l3 + (ipv6 ? Ipv6.SIZE : Ipv4.SIZE);
        int pair = toClient ? Integer.rotateLeft(ports, 16) : ports;
        Segment.tcp(tcp, pseudo, pair, seq, ack, flags, window, header, first, second, third);
    }

    private long head(long l3, boolean toClient, int header) {
        if (!ipv6) {
            return Segment.head4(l3, toClient ? Long.rotateLeft(addresses4, 32) : addresses4, 0, TTL, header);
        }
        return toClient
                ? Segment.head6(l3, vipHigh, vipLow, clientHigh, clientLow, 0, TTL, header)
                : Segment.head6(l3, clientHigh, clientLow, vipHigh, vipLow, 0, TTL, header);
    }

    private void done(long mbuf, long frame, long l3, int header, int iface) {
        int network = ipv6 ? Ipv6.SIZE : Ipv4.SIZE;
        int length = network + header;
        Packet p = packet;
        p.mbuf = mbuf;
        p.frame = frame;
        p.frameLength = (int) (l3 - frame) + length;
        p.iface = iface;
        p.etherType = ipv6 ? Ethernet.TYPE_IPV6 : Ethernet.TYPE_IPV4;
        p.l3 = l3;
        p.l3Length = length;
        p.ipv6 = ipv6;
        p.protocol = Ipv4.PROTOCOL_TCP;
        p.l4 = l3 + network;
        p.l4Length = header;
        p.l4Valid = true;
        p.fragment = false;
        p.laterFragment = false;
        p.groupFrame = false;
        Mbuf.setLength(mbuf, (int) (l3 - Mbuf.data(mbuf)) + length);
    }

    /** Whether any segment of ours fits a packet's buffer from its IP header on. */
    static boolean room(Packet p) {
        return Mbuf.room(p.mbuf, p.l3) >= Segment.MAX_SIZE;
    }
}
