package lvsd.dataplane;

import lvsd.dataplane.net.Net;
import lvsd.dataplane.service.Service;
import lvsd.dpdk.Mbuf;
import lvsd.synproxy.Cookies;
import lvsd.synproxy.Segment;
import lvsd.wire.Ethernet;
import lvsd.wire.Ipv4;
import lvsd.wire.Tcp;
import org.jspecify.annotations.Nullable;

/**
 * The short way of what floods are made of: IPv4 SYNs of a proxied service, answered by a cookie, and acknowledgements,
 * judged by one. It takes them as they stand in the burst's line, without a {@link Packet}, and asks nothing again that
 * {@link SynProxy} has found out in the same cycle for another packet of the same service: {@link #learn}. What it cannot
 * end goes the long way, from the beginning. Owned by the worker.
 */
final class FloodPath {
    /** The packet goes the long way. */
    static final int LONG_WAY = 0;
    /** It acknowledges a cookie that holds: {@link #service} and {@link #offer} say whose. */
    static final int PROVEN = -1;

    /** No address and port: port 0 of 0.0.0.0. */
    private static final long NOBODY = 0;

    private static final int TCP4 = Burst.FAST4 | Ipv4.PROTOCOL_TCP << 8;
    private static final int KIND_AND_PROTOCOL = 0xffff;
    private static final int DECISIVE = Tcp.SYN | Tcp.ACK_FLAG | Tcp.RST;

    private final Pipeline pipeline;
    private final SynProxy proxy;
    private final Net net;
    private final Ownership ownership;
    /** Address and port at which {@link #service} was asked for; good for one cycle. */
    private long at = NOBODY;

    private @Nullable Service service;
    private int index;
    private int mss;
    private int offer;

    FloodPath(Pipeline pipeline, SynProxy proxy, Net net, Ownership ownership) {
        this.pipeline = pipeline;
        this.proxy = proxy;
        this.net = net;
        this.ownership = ownership;
    }

    /** A cycle begins: what was learned may not hold any more. */
    void forget() {
        at = NOBODY;
        service = null;
    }

    /**
     * Notes that in this cycle any SYN of an IPv4 packet's service is answered by a cookie, and any acknowledgement judged.
     *
     * @param largest MSS to announce, bytes
     */
    void learn(Packet p, Service active, int largest) {
        at = at(Ipv4.addresses(p.l3), Tcp.ports(p.l4));
        service = active;
        index = active.index;
        mss = largest;
    }

    private static long at(long addresses, int ports) {
        return (long) Ipv4.pairDestination(addresses) << 16 | Tcp.pairDestination(ports);
    }

    /** The service of the packet that was {@link #PROVEN}. */
    @Nullable
    Service service() {
        return service;
    }

    /** What was agreed with the client of the packet that was {@link #PROVEN}. */
    int offer() {
        return offer;
    }

    /** A packet without a connection, in a line of the burst: its verdict, {@link #LONG_WAY} or {@link #PROVEN}. */
    int take(long row, int summary) {
        int ports = Burst.ports(row);
        if ((summary & KIND_AND_PROTOCOL) != TCP4
                || at(Burst.addresses(row), ports) != at
                || Tcp.pairSource(ports) == Service.FTP_DATA) {
            return LONG_WAY;
        }
        long ip = Burst.l3(row);
        if (ownership.workers() > 1 && !isMine(ip, ports)) {
            return LONG_WAY;
        }
        long tcp = ip + Ipv4.SIZE;
        int length = Burst.length(summary) - Ipv4.SIZE;
        int flags = Tcp.flags(tcp) & DECISIVE;
        if (flags == Tcp.SYN) {
            return answer(Burst.mbuf(row), ip, tcp, length);
        }
        return flags == Tcp.ACK_FLAG ? judge(ip, tcp, length) : LONG_WAY;
    }

    private boolean isMine(long ip, int ports) {
        Service known = service;
        return pipeline.misses().handed
                || (known != null && ownership.owner4(ip, ports, known, net.config()) == ownership.self());
    }

    private int answer(long mbuf, long ip, long tcp, int length) {
        if (Mbuf.room(mbuf, ip) < Segment.MAX_SIZE) {
            return LONG_WAY;
        }
        int source = net.sourceCheck4(ip, pipeline.arrival);
        if (source != 0) {
            return source;
        }
        int written = proxy.answer4(ip, tcp, length, mss);
        if (written == 0) {
            return Verdict.drop(DropReason.BAD_TRANSPORT_CHECKSUM);
        }
        long frame = Mbuf.data(mbuf);
        Mbuf.setLength(mbuf, (int) (ip - frame) + written);
        Ethernet.swapAddresses(frame);
        proxy.answered(index);
        return Verdict.transmit(net.portOf(pipeline.arrival));
    }

    private int judge(long ip, long tcp, int length) {
        int header = Tcp.headerLength(tcp);
        if (proxy.deferred(length, header) || proxy.refuses()) {
            return LONG_WAY;
        }
        int source = net.sourceCheck4(ip, pipeline.arrival);
        if (source != 0) {
            return source;
        }
        offer = proxy.judge4(ip, tcp, header);
        return offer == Cookies.INVALID ? proxy.bad4(index, ip, tcp, header) : PROVEN;
    }
}
