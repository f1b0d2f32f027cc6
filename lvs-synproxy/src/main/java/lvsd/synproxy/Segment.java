package lvsd.synproxy;

import lvsd.memory.Memory;
import lvsd.wire.Checksum;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Tcp;
import lvsd.wire.TcpOptions;
import lvsd.wire.WireForm;

/**
 * Writes TCP segments without data, IP header first: every segment that the SYN proxy sends of its own. The caller owes
 * {@link #MAX_SIZE} bytes, of which some behind the segment may be cleared. Addresses and ports are in wire form.
 *
 * <p>Options lie in three words behind the fixed header: {@code first} 32 bits, {@code second} and {@code third} 64 each.
 * Of a SYN or SYN+ACK that makes an offer they are {@link #mss}, {@link #second} and {@link #third}, with
 * {@link #synHeader} the header's length. Headers are stored in words of eight bytes and summed up on the way: what was
 * just stored in smaller pieces cannot be loaded as a whole without waiting for the cache.
 */
public final class Segment {
    /** Most bytes that a segment takes from its IP header on. */
    public static final int MAX_SIZE = Ipv6.SIZE + Tcp.MAX_SIZE;
    /** Bytes of a TCP header without options. */
    public static final int BARE = Tcp.SIZE;
    /** Bytes of a TCP header with timestamps alone: {@link #STAMPED} first, then {@link #stamps}. */
    public static final int STAMPED_HEADER = Tcp.SIZE + 12;

    private static final int MSS_HEAD = TcpOptions.MSS << 24 | TcpOptions.MSS_SIZE << 16;
    private static final int SCALE_HEAD =
            TcpOptions.NOP << 24 | TcpOptions.WINDOW_SCALE << 16 | TcpOptions.WINDOW_SCALE_SIZE << 8;
    private static final int TIMESTAMPS_HEAD = TcpOptions.TIMESTAMPS << 8 | TcpOptions.TIMESTAMPS_SIZE;
    private static final int SACK_HEAD = TcpOptions.SACK_PERMITTED << 24 | TcpOptions.SACK_PERMITTED_SIZE << 16;
    private static final int NOPS_HEAD = TcpOptions.NOP << 24 | TcpOptions.NOP << 16;
    private static final int SACK_ALONE = NOPS_HEAD | TcpOptions.SACK_PERMITTED << 8 | TcpOptions.SACK_PERMITTED_SIZE;

    /** First word of options of a segment with timestamps alone. */
    public static final int STAMPED = NOPS_HEAD | TIMESTAMPS_HEAD;

    /** Bytes of a TCP header that {@link #tcp} stores: the longest that a SYN needs. */
    private static final int STORED = 40;

    private static final long LOW = 0xffff_ffffL;

    private Segment() {}

    // ---- options

    /** Length of a SYN's header. */
    public static int synHeader(int offer) {
        int middle = TcpOffer.timestamps(offer) ? 12 : TcpOffer.sack(offer) ? 4 : 0;
        return Tcp.SIZE + 4 + middle + (TcpOffer.scale(offer) != TcpOffer.NO_SCALE ? 4 : 0);
    }

    /** First word of a SYN's options. */
    public static int mss(int offer) {
        return MSS_HEAD | TcpOffer.mss(offer);
    }

    /** Second word of a SYN's options. */
    public static long second(int offer, int timestamp) {
        if (TcpOffer.timestamps(offer)) {
            return pair((TcpOffer.sack(offer) ? SACK_HEAD : NOPS_HEAD) | TIMESTAMPS_HEAD, timestamp);
        }
        return TcpOffer.sack(offer) ? pair(SACK_ALONE, scale(offer)) : pair(scale(offer), 0);
    }

    /** Third word of a SYN's options. */
    public static long third(int offer, int echo) {
        return TcpOffer.timestamps(offer) ? pair(echo, scale(offer)) : 0;
    }

    /** Second word of the options of a segment with timestamps alone. */
    public static long stamps(int timestamp, int echo) {
        return pair(timestamp, echo);
    }

    /**
     * First word of options that begin with a client's IPv4 address (TOA): the upper half of the second word is the address,
     * behind it may stand {@link #STAMPED} and, as third word, {@link #stamps}.
     *
     * @param port the client's, host value
     */
    public static int toa4(int port) {
        return TcpOptions.TOA << 24 | TcpOptions.TOA4_SIZE << 16 | port;
    }

    private static int scale(int offer) {
        int scale = TcpOffer.scale(offer);
        return scale == TcpOffer.NO_SCALE ? 0 : SCALE_HEAD | scale;
    }

    private static long pair(int high, int low) {
        return (long) high << 32 | (low & LOW);
    }

    // ---- headers

    /**
     * Writes an IPv4 header that forbids fragments, before a TCP header of {@code header} bytes. Returns the sum of the
     * pseudo header for {@link #tcp}.
     */
    public static long head4(long ip, long addresses, int tos, int ttl, int header) {
        int total = Ipv4.SIZE + header;
        long start = WireForm.long64(((0x4500L | tos) << 48) | ((long) total << 32) | Ipv4.DONT_FRAGMENT);
        long sum = Checksum.words(addresses);
        int middle = WireForm.int32(ttl << 24 | Ipv4.PROTOCOL_TCP << 16);
        int checksum = Checksum.finish(Checksum.words(start) + (middle & LOW) + sum);
        Memory.setLong(ip, Ipv4.SIZE, 0, start);
        Memory.setInt(ip, Ipv4.SIZE, 8, middle | (WireForm.LITTLE_ENDIAN ? checksum << 16 : checksum));
        Memory.setLong(ip, Ipv4.SIZE, 12, addresses);
        return sum + WireForm.short16(Ipv4.PROTOCOL_TCP) + WireForm.short16(header);
    }

    /** As {@link #head4}, an IPv6 header. */
    public static long head6(
            long ip,
            long sourceHigh,
            long sourceLow,
            long destinationHigh,
            long destinationLow,
            int trafficClass,
            int hopLimit,
            int header) {
        long start = 6L << 60 | (long) trafficClass << 52 | (long) header << 16 | Ipv4.PROTOCOL_TCP << 8 | hopLimit;
        Memory.setLongBe(ip, Ipv6.SIZE, 0, start);
        Memory.setLong(ip, Ipv6.SIZE, 8, sourceHigh);
        Memory.setLong(ip, Ipv6.SIZE, 16, sourceLow);
        Memory.setLong(ip, Ipv6.SIZE, 24, destinationHigh);
        Memory.setLong(ip, Ipv6.SIZE, 32, destinationLow);
        return Checksum.words(sourceHigh)
                + Checksum.words(sourceLow)
                + Checksum.words(destinationHigh)
                + Checksum.words(destinationLow)
                + WireForm.short16(Ipv4.PROTOCOL_TCP)
                + WireForm.short16(header);
    }

    /**
     * Writes a TCP header of {@code header} bytes; options that it does not have are 0.
     *
     * @param pseudo the sum of the pseudo header
     */
    public static void tcp(
            long tcp,
            long pseudo,
            int ports,
            int seq,
            int ack,
            int flags,
            int window,
            int header,
            int first,
            long second,
            long third) {
        long a = WireForm.long64(pair(WireForm.int32(ports), seq));
        long b = WireForm.long64(pair(ack, header << 26 | flags << 16 | window));
        long c = WireForm.long64(first & LOW);
        long d = WireForm.long64(second);
        long e = WireForm.long64(third);
        long sum = pseudo
                + Checksum.words(a)
                + Checksum.words(b)
                + Checksum.words(c)
                + Checksum.words(d)
                + Checksum.words(e);
        int checksum = Checksum.finish(sum);
        Memory.setLong(tcp, STORED, 0, a);
        Memory.setLong(tcp, STORED, 8, b);
        Memory.setLong(tcp, STORED, 16, c | (WireForm.LITTLE_ENDIAN ? checksum : (long) checksum << 48));
        Memory.setLong(tcp, STORED, 24, d);
        Memory.setLong(tcp, STORED, 32, e);
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
