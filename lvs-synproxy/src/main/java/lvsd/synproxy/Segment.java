package lvsd.synproxy;

import lvsd.memory.Memory;
import lvsd.wire.Checksum;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Tcp;
import lvsd.wire.TcpOptions;

/**
 * Writes TCP segments without data, IP header first: every segment that the SYN proxy sends of its own. First
 * {@link #head4} or {@link #head6}, then {@link #tcp}, then {@link #synOptions} or {@link #timestamps} or neither, then
 * {@link #finish}. The caller owes {@link #MAX_SIZE} bytes. Addresses and ports are in wire form.
 */
public final class Segment {
    /** Most bytes that a segment takes from its IP header on. */
    public static final int MAX_SIZE = Ipv6.SIZE + Tcp.MAX_SIZE;
    /** Bytes of the header without options, as {@link #finish} wants it. */
    public static final int BARE = Tcp.SIZE;

    private static final int OPTIONS = Tcp.SIZE;
    private static final int MSS_HEAD = TcpOptions.MSS << 24 | TcpOptions.MSS_SIZE << 16;
    private static final int SCALE_HEAD =
            TcpOptions.NOP << 24 | TcpOptions.WINDOW_SCALE << 16 | TcpOptions.WINDOW_SCALE_SIZE << 8;
    private static final int TIMESTAMPS_HEAD = TcpOptions.TIMESTAMPS << 8 | TcpOptions.TIMESTAMPS_SIZE;
    private static final int SACK_HEAD = TcpOptions.SACK_PERMITTED << 24 | TcpOptions.SACK_PERMITTED_SIZE << 16;
    private static final int NOPS_HEAD = TcpOptions.NOP << 24 | TcpOptions.NOP << 16;
    private static final int SACK_ALONE = TcpOptions.NOP << 24
            | TcpOptions.NOP << 16
            | TcpOptions.SACK_PERMITTED << 8
            | TcpOptions.SACK_PERMITTED_SIZE;
    private static final int VERSION4 = 4;

    private Segment() {}

    /** Writes an IPv4 header that forbids fragments; returns where the TCP header goes. */
    public static long head4(long ip, long addresses, int tos, int ttl) {
        Ipv4.setHeaderLength(ip, Ipv4.SIZE);
        Ipv4.setTos(ip, tos);
        Ipv4.setId(ip, 0);
        Ipv4.setFlagsAndOffset(ip, Ipv4.DONT_FRAGMENT);
        Ipv4.setTtl(ip, ttl);
        Ipv4.setProtocol(ip, Ipv4.PROTOCOL_TCP);
        Ipv4.setAddresses(ip, addresses);
        return ip + Ipv4.SIZE;
    }

    /** Writes an IPv6 header; returns where the TCP header goes. */
    public static long head6(
            long ip,
            long sourceHigh,
            long sourceLow,
            long destinationHigh,
            long destinationLow,
            int trafficClass,
            int hopLimit) {
        Ipv6.setVersionClassFlow(ip, trafficClass, 0);
        Ipv6.setNextHeader(ip, Ipv4.PROTOCOL_TCP);
        Ipv6.setHopLimit(ip, hopLimit);
        Ipv6.setSource(ip, sourceHigh, sourceLow);
        Ipv6.setDestination(ip, destinationHigh, destinationLow);
        return ip + Ipv6.SIZE;
    }

    /** Writes the fixed TCP header. */
    public static void tcp(long tcp, int ports, int seq, int ack, int flags, int window) {
        Memory.setInt(tcp, Tcp.SIZE, 12, 0);
        Memory.setInt(tcp, Tcp.SIZE, 16, 0);
        Tcp.setPorts(tcp, ports);
        Tcp.setSeq(tcp, seq);
        Tcp.setAck(tcp, ack);
        Tcp.setFlags(tcp, flags);
        Tcp.setWindow(tcp, window);
    }

    /** Writes the options of a SYN or SYN+ACK that makes {@code offer}; returns the header's length. */
    public static int synOptions(long tcp, int offer, int timestamp, int echo) {
        int at = OPTIONS;
        Memory.setIntBe(tcp, Tcp.MAX_SIZE, at, MSS_HEAD | TcpOffer.mss(offer));
        at += 4;
        if (TcpOffer.timestamps(offer)) {
            putTimestamps(tcp, at, TcpOffer.sack(offer) ? SACK_HEAD : NOPS_HEAD, timestamp, echo);
            at += 12;
        } else if (TcpOffer.sack(offer)) {
            Memory.setIntBe(tcp, Tcp.MAX_SIZE, at, SACK_ALONE);
            at += 4;
        }
        if (TcpOffer.scale(offer) != TcpOffer.NO_SCALE) {
            Memory.setIntBe(tcp, Tcp.MAX_SIZE, at, SCALE_HEAD | TcpOffer.scale(offer));
            at += 4;
        }
        return at;
    }

    /** Writes the timestamps of a segment that is no SYN; returns the header's length. */
    public static int timestamps(long tcp, int timestamp, int echo) {
        putTimestamps(tcp, OPTIONS, NOPS_HEAD, timestamp, echo);
        return OPTIONS + 12;
    }

    private static void putTimestamps(long tcp, int at, int head, int timestamp, int echo) {
        Memory.setIntBe(tcp, Tcp.MAX_SIZE, at, head | TIMESTAMPS_HEAD);
        Memory.setIntBe(tcp, Tcp.MAX_SIZE, at + 4, timestamp);
        Memory.setIntBe(tcp, Tcp.MAX_SIZE, at + 8, echo);
    }

    /** Stores lengths and checksums; {@code header} is the TCP header's length. Returns the IP packet's length. */
    public static int finish(long ip, long tcp, int header) {
        Tcp.setHeaderLength(tcp, header);
        int length = (int) (tcp - ip) + header;
        if (Ipv4.version(ip) == VERSION4) {
            Ipv4.setTotalLength(ip, length);
            Ipv4.updateChecksum(ip, Ipv4.SIZE);
            Tcp.setChecksum(tcp, Checksum.transport4(ip, tcp, header, Ipv4.PROTOCOL_TCP));
        } else {
            Ipv6.setPayloadLength(ip, header);
            Tcp.setChecksum(tcp, Checksum.transport6(ip, tcp, header, Ipv4.PROTOCOL_TCP));
        }
        return length;
    }

    /** Source and destination of an address or port pair exchanged. */
    static int swapPorts(int ports) {
        return Integer.rotateLeft(ports, 16);
    }

    /** A window of {@code bytes} as a segment with window scale {@code shift} says it, never too large. */
    public static int window(long bytes, int shift) {
        return (int) Math.min(bytes >>> shift, 0xffff);
    }
}
