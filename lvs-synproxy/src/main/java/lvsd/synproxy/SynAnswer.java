package lvsd.synproxy;

import lvsd.wire.Checksum;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Tcp;

/**
 * Turns a SYN into the SYN+ACK that answers it, in its own buffer. Nothing is remembered of it: what was agreed is in the
 * cookie. Static methods; the caller owes a checked packet, {@link Segment#MAX_SIZE} bytes from its IP header on, and the
 * Ethernet header's addresses.
 */
public final class SynAnswer {
    private SynAnswer() {}

    /** Whether the checksum is right: an option that arrived wrong would stay wrong for the whole connection. */
    public static boolean checksumValid(boolean ipv6, long ip, long tcp, int length) {
        return ipv6
                ? Checksum.verify6(ip, tcp, length, Ipv4.PROTOCOL_TCP)
                : Checksum.verify4(ip, tcp, length, Ipv4.PROTOCOL_TCP);
    }

    /**
     * Answers an IPv4 SYN.
     *
     * @param tcp its TCP header, checked
     * @param l4Length bytes of the TCP header and what follows it
     * @param mss largest segment to announce
     * @return length of the answer from its IP header on; 0, and nothing has changed, if the SYN's checksum is wrong
     */
    public static int answer4(long ip, long tcp, int l4Length, Cookies cookies, ProxySettings settings, int mss) {
        if (!Checksum.verify4(ip, tcp, l4Length, Ipv4.PROTOCOL_TCP)) {
            return 0;
        }
        int header = Tcp.headerLength(tcp);
        int isn = Tcp.seq(tcp);
        int ports = Tcp.ports(tcp);
        long addresses = Ipv4.addresses(ip);
        int offer = agreed(tcp, header, false, settings);
        int echo = echo(tcp, header, offer);
        int stamp = cookies.timestamp(offer);
        int cookie = cookies.make4(addresses, ports, isn, offer, stamp);
        int ours = ours(offer, settings.scale(), mss);
        int window = settings.window(mss);
        return write4(ip, addresses, ports, cookie, isn, ours, stamp, echo, settings.tos(), settings.ttl(), window);
    }

    /**
     * Writes the answer to an IPv4 SYN, IP header first.
     *
     * @param addresses of the SYN, as {@code Ipv4.addresses}
     * @param ports of the SYN, wire form
     * @param isn the client's initial sequence number
     * @param ours what we offer, {@link #ours}
     * @param stamp our timestamp, {@code echo} the client's; mean nothing where none are offered
     * @return its length
     */
    public static int write4(
            long ip,
            long addresses,
            int ports,
            int cookie,
            int isn,
            int ours,
            int stamp,
            int echo,
            int tos,
            int ttl,
            int window) {
        int length = Segment.synHeader(ours);
        long pseudo = Segment.head4(ip, Long.rotateLeft(addresses, 32), tos, ttl, length);
        write(ip + Ipv4.SIZE, pseudo, ports, cookie, isn, window, length, ours, stamp, echo);
        return Ipv4.SIZE + length;
    }

    /** As {@link #answer4} for IPv6; extension headers are left out of the answer. */
    public static int answer6(long ip, long tcp, int l4Length, Cookies cookies, ProxySettings settings, int mss) {
        if (!Checksum.verify6(ip, tcp, l4Length, Ipv4.PROTOCOL_TCP)) {
            return 0;
        }
        int header = Tcp.headerLength(tcp);
        int isn = Tcp.seq(tcp);
        int ports = Tcp.ports(tcp);
        int offer = agreed(tcp, header, true, settings);
        int echo = echo(tcp, header, offer);
        int stamp = cookies.timestamp(offer);
        long clientHigh = Ipv6.sourceHigh(ip);
        long clientLow = Ipv6.sourceLow(ip);
        long vipHigh = Ipv6.destinationHigh(ip);
        long vipLow = Ipv6.destinationLow(ip);
        int cookie = cookies.make6(clientHigh, clientLow, vipHigh, vipLow, ports, isn, offer, stamp);
        int ours = ours(offer, settings.scale(), mss);
        int window = settings.window(mss);
        int tos = settings.tos();
        int ttl = settings.ttl();
        return write6(
                ip, clientHigh, clientLow, vipHigh, vipLow, ports, cookie, isn, ours, stamp, echo, tos, ttl, window);
    }

    /** As {@link #write4} for IPv6, with the halves of both addresses in wire form. */
    public static int write6(
            long ip,
            long clientHigh,
            long clientLow,
            long vipHigh,
            long vipLow,
            int ports,
            int cookie,
            int isn,
            int ours,
            int stamp,
            int echo,
            int tos,
            int ttl,
            int window) {
        int length = Segment.synHeader(ours);
        long pseudo = Segment.head6(ip, vipHigh, vipLow, clientHigh, clientLow, tos, ttl, length);
        write(ip + Ipv6.SIZE, pseudo, ports, cookie, isn, window, length, ours, stamp, echo);
        return Ipv6.SIZE + length;
    }

    private static int agreed(long tcp, int header, boolean ipv6, ProxySettings settings) {
        int offer = TcpOffer.read(tcp, header, ipv6);
        return TcpOffer.agreed(offer, settings.scale(), settings.sack(), settings.timestamps());
    }

    private static int echo(long tcp, int header, int offer) {
        return TcpOffer.timestamps(offer) ? TcpOffer.timestamp(tcp, header) : 0;
    }

    /**
     * What we offer where {@code offer} was agreed.
     *
     * @param scale our window scale
     * @param mss largest segment to announce
     */
    public static int ours(int offer, int scale, int mss) {
        int ours = TcpOffer.withMss(offer, mss);
        return TcpOffer.scale(offer) == TcpOffer.NO_SCALE ? ours : TcpOffer.withScale(ours, scale);
    }

    private static void write(
            long tcp,
            long pseudo,
            int ports,
            int cookie,
            int isn,
            int window,
            int header,
            int offer,
            int stamp,
            int echo) {
        Segment.tcp(
                tcp,
                pseudo,
                Segment.swapPorts(ports),
                cookie,
                isn + 1,
                Tcp.SYN | Tcp.ACK_FLAG,
                window,
                header,
                Segment.mss(offer),
                Segment.second(offer, stamp),
                Segment.third(offer, echo));
    }
}
