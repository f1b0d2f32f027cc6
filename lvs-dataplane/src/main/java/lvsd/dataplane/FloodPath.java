package lvsd.dataplane;

import java.util.Arrays;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.net.Net;
import lvsd.dataplane.service.Service;
import lvsd.dpdk.Mbuf;
import lvsd.memory.Memory;
import lvsd.synproxy.CookieLanes;
import lvsd.synproxy.Cookies;
import lvsd.synproxy.ProxyCounters.Counter;
import lvsd.synproxy.ProxySettings;
import lvsd.synproxy.Segment;
import lvsd.synproxy.SynAnswer;
import lvsd.synproxy.TcpOffer;
import lvsd.wire.Checksum;
import lvsd.wire.Ethernet;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Tcp;
import lvsd.wire.TcpOptions;
import lvsd.wire.WireForm;
import org.jspecify.annotations.Nullable;

/**
 * The short way of what floods are made of: SYNs of a proxied service, answered by a cookie, and acknowledgements, judged
 * by one. It takes those of a burst together, as they stand in its lines and before anything else is decided of it, and
 * hashes them at once. It asks nothing again that {@link SynProxy} has found out for another packet to the same address:
 * {@link #learn}. What it cannot end goes the long way, from the beginning. Owned by the worker.
 *
 * <p>What it ends are SYNs, and acknowledgements that hold no cookie. One that holds opens a connection, which the burst's
 * later packets may be of: so that, and from the first on all acknowledgements, are only judged here, and taken when
 * it is their turn ({@link #take}).
 */
final class FloodPath {
    /** The packet goes the long way. */
    static final int LONG_WAY = 0;
    /** It acknowledges a cookie that holds: {@link #service} and {@link #offer} say whose. */
    static final int PROVEN = -1;

    private static final int TCP4 = Burst.FAST4 | Ipv4.PROTOCOL_TCP << 8;
    private static final int TCP6 = Burst.FAST6 | Ipv4.PROTOCOL_TCP << 8;
    private static final int KIND_AND_PROTOCOL = 0xffff;
    private static final int DECISIVE = Tcp.SYN | Tcp.ACK_FLAG | Tcp.RST;

    // A note about a packet: the offer, or what is known of it, in the low bits.
    private static final int OFFER_MASK = 0xff_ffff;
    private static final int PLACE_SHIFT = 24;
    private static final int PLACE_MASK = FloodTargets.PLACES - 1;
    private static final int ACKNOWLEDGES = 1 << 31;
    private static final int STAMPED = 1 << 30;
    private static final int JUDGED = 1 << 29;
    private static final int BAD = 1 << 28;

    // Columns of the lanes.
    private static final int ROW = 0;
    /** The note, and above it the timestamp that a SYN bears or an acknowledgement echoes. */
    private static final int NOTE = CookieLanes.LANES;

    private static final int COOKIE = 2 * CookieLanes.LANES;

    private static final long LOW = 0xffff_ffffL;

    private final Pipeline pipeline;
    private final SynProxy proxy;
    private final Net net;
    private final Ownership ownership;
    private final Cookies cookies;
    private final CookieLanes lanes4;
    private final CookieLanes lanes6;
    private final FloodTargets targets = new FloodTargets();
    private final long[] columns = new long[3 * CookieLanes.LANES];
    /** What was judged, by the packet's place in the burst; 0: nothing. */
    private final int[] notes = new int[Burst.CAPACITY];

    private boolean staged;
    /** Verdicts of the burst so far, or-ed and and-ed. */
    private int all;

    private int shared;
    private @Nullable Service service;
    private int offer;

    FloodPath(Pipeline pipeline, SynProxy proxy, Cookies cookies, Net net, Ownership ownership) {
        this.pipeline = pipeline;
        this.proxy = proxy;
        this.net = net;
        this.ownership = ownership;
        this.cookies = cookies;
        this.lanes4 = new CookieLanes(cookies, false);
        this.lanes6 = new CookieLanes(cookies, true);
    }

    /** A cycle begins. */
    void clock() {
        targets.clock(pipeline.now, pipeline.services, net.config());
    }

    /** What was learned does not hold any more. */
    void forget() {
        targets.forget();
    }

    /** Whether there is an address to which SYNs go the short way. */
    boolean expects() {
        return !targets.isEmpty();
    }

    /**
     * Notes that for now any SYN to where this packet goes is answered by a cookie, and any acknowledgement judged.
     *
     * @param largest MSS to announce, bytes
     */
    void learn(Packet p, Service active, int largest) {
        long rest = FloodTargets.rest(p.ipv6, Tcp.destinationPort(p.l4), p.iface);
        long high = p.ipv6 ? Ipv6.destinationHigh(p.l3) : 0;
        targets.learn(high, p.ipv6 ? Ipv6.destinationLow(p.l3) : Ipv4.destination(p.l3), rest, active, largest);
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

    /**
     * Goes over a burst, candidates having been looked for: answers SYNs, drops bad acknowledgements, and takes the lines of
     * both out of the burst ({@link Burst#setDone}); notes of the other acknowledgements what they are.
     *
     * @param kinds that there are in the burst
     */
    void stage(long rows, int kinds, int count) {
        staged = !targets.isEmpty();
        if (!staged) {
            return;
        }
        Arrays.fill(notes, 0);
        all = 0;
        shared = -1;
        if ((kinds & Burst.FAST4) != 0) {
            int lanes = stageGather4(rows, count);
            if (lanes != 0) {
                lanes4.hash(lanes);
                stageAnswer4(lanes);
            }
        }
        if ((kinds & Burst.FAST6) != 0) {
            int lanes = stageGather6(rows, count);
            if (lanes != 0) {
                lanes6.hash(lanes);
                stageAnswer6(lanes);
            }
        }
        pipeline.note(all, shared);
    }

    /** A packet of the burst without a connection, in its turn: its verdict, {@link #LONG_WAY} or {@link #PROVEN}. */
    int take(long row, int summary) {
        int note = staged ? notes[at(row)] : 0;
        if (note == 0) {
            return LONG_WAY;
        }
        service = targets.service(note >>> PLACE_SHIFT & PLACE_MASK);
        if ((note & BAD) == 0) {
            offer = note & OFFER_MASK;
            return PROVEN;
        }
        return service == null ? LONG_WAY : bad(row, Burst.kind(summary) == Burst.FAST6, service.index);
    }

    /** Where a line is in the burst. */
    private static int at(long row) {
        return (int) (row >>> Burst.SHIFT) & Burst.CAPACITY - 1;
    }

    // ---- lanes are filled

    /**
     * Floods are alike: what most of their packets are (a bare header, to where the packet before went, from an ordinary
     * address) is done without a call.
     */
    private int stageGather4(long rows, int count) {
        long base = Memory.address(rows);
        CookieLanes lanes = lanes4;
        long[] column = columns;
        ProxySettings settings = proxy.settings();
        long[] sources = net.sources4(pipeline.arrival);
        boolean alone = ownership.workers() == 1;
        boolean judges = !proxy.deferred(0, 0) && !proxy.refuses();
        int agreed = agreed(TcpOffer.none(false), settings);
        long options = lanes.options(agreed, 0);
        int place = FloodTargets.NONE;
        long target = 0;
        int lane = 0;
        for (int i = 0; i < count; i++) {
            long row = Burst.row(base, i);
            long brief = Burst.brief(row);
            int summary = Burst.summaryOf(brief);
            if ((summary & KIND_AND_PROTOCOL) != TCP4 || Burst.reference(row) != ConnectionTable.NONE) {
                continue;
            }
            int ports = Burst.portsOf(brief);
            long addresses = Burst.addresses(row);
            long ip = Burst.l3(row);
            long tcp = ip + Ipv4.SIZE;
            long rest = Tcp.rest(tcp);
            int flags = Tcp.flagsOf(rest) & DECISIVE;
            boolean plain = place != FloodTargets.NONE
                    && target == target(addresses, ports)
                    && alone
                    && Burst.length(summary) == Ipv4.SIZE + Tcp.SIZE
                    && Tcp.headerLengthOf(rest) == Tcp.SIZE
                    && Tcp.pairSource(ports) != Service.FTP_DATA
                    && Net.isOrdinary4(sources, Ipv4.pairSource(addresses));
            if (plain && flags == Tcp.SYN) {
                long numbers = Tcp.numbers(tcp);
                if (isSound4(addresses, ports, numbers, rest) && Mbuf.room(Burst.mbuf(row), ip) >= Segment.MAX_SIZE) {
                    lanes.addresses4(lane, addresses);
                    lanes.make(lane, ports, Tcp.seqOf(numbers), options);
                    column[lane + ROW] = row;
                    column[lane + NOTE] = (long) place << PLACE_SHIFT | agreed;
                    lane++;
                }
            } else if (plain && flags == Tcp.ACK_FLAG) {
                if (judges) {
                    long numbers = Tcp.numbers(tcp);
                    int cookie = Tcp.ackOf(numbers) - 1;
                    lanes.addresses4(lane, addresses);
                    lanes.open(lane, ports, Tcp.seqOf(numbers) - 1, cookie, false, 0);
                    column[lane + ROW] = row;
                    column[lane + NOTE] = (ACKNOWLEDGES | place << PLACE_SHIFT) & LOW;
                    column[lane + COOKIE] = cookie;
                    lane++;
                }
            } else if (!plain && gather4(row, brief, rest, settings, lane)) {
                place = (int) column[lane + NOTE] >>> PLACE_SHIFT & PLACE_MASK;
                target = target(addresses, ports);
                lane++;
            }
        }
        return lane;
    }

    private static long target(long addresses, int ports) {
        return (long) Ipv4.pairDestination(addresses) << 16 | Tcp.pairDestination(ports);
    }

    /** Whether the checksum of a bare TCP header over IPv4 is right. */
    private static boolean isSound4(long addresses, int ports, long numbers, long rest) {
        long sum = Checksum.words(addresses)
                + WireForm.short16(Ipv4.PROTOCOL_TCP)
                + WireForm.short16(Tcp.SIZE)
                + (ports & LOW)
                + Checksum.words(numbers)
                + Checksum.words(rest);
        return Checksum.fold(sum) == 0xffff;
    }

    /** Puts any packet that it may into a lane; false if the packet goes the long way. */
    private boolean gather4(long row, long brief, long rest, ProxySettings settings, int lane) {
        int ports = Burst.portsOf(brief);
        long addresses = Burst.addresses(row);
        int port = Tcp.pairDestination(ports);
        int place = targets.find(0, Ipv4.pairDestination(addresses), FloodTargets.rest(false, port, pipeline.arrival));
        int flags = Tcp.flagsOf(rest) & DECISIVE;
        long ip = Burst.l3(row);
        if (place == FloodTargets.NONE
                || Tcp.pairSource(ports) == Service.FTP_DATA
                || (flags != Tcp.SYN && flags != Tcp.ACK_FLAG)
                || !isMine4(ip, addresses, ports, place)
                || net.sourceCheck4(ip, pipeline.arrival) != 0) {
            return false;
        }
        long tcp = ip + Ipv4.SIZE;
        int length = Burst.length(Burst.summaryOf(brief)) - Ipv4.SIZE;
        lanes4.addresses4(lane, addresses);
        if (flags == Tcp.ACK_FLAG) {
            return acknowledgement(lanes4, row, tcp, rest, ports, length, place, lane);
        }
        return SynAnswer.checksumValid(false, ip, tcp, length)
                && Mbuf.room(Burst.mbuf(row), ip) >= Segment.MAX_SIZE
                && syn(lanes4, false, row, tcp, rest, ports, place, settings, lane);
    }

    private boolean isMine4(long ip, long addresses, int ports, int place) {
        if (ownership.workers() == 1) {
            return true;
        }
        Service known = targets.service(place);
        if (known == null) {
            return false;
        }
        boolean owned =
                pipeline.misses().handed || ownership.owner4(ip, ports, known, net.config()) == ownership.self();
        return owned && pipeline.sync().aliases().worker4(addresses, ports, Ipv4.PROTOCOL_TCP) == Aliases.NONE;
    }

    private int stageGather6(long rows, int count) {
        long base = Memory.address(rows);
        ProxySettings settings = proxy.settings();
        int lane = 0;
        for (int i = 0; i < count; i++) {
            long row = Burst.row(base, i);
            long brief = Burst.brief(row);
            if ((Burst.summaryOf(brief) & KIND_AND_PROTOCOL) == TCP6 && Burst.reference(row) == ConnectionTable.NONE) {
                lane += gather6(row, brief, settings, lane) ? 1 : 0;
            }
        }
        return lane;
    }

    private boolean gather6(long row, long brief, ProxySettings settings, int lane) {
        int ports = Burst.portsOf(brief);
        long ip = Burst.l3(row);
        long high = Ipv6.destinationHigh(ip);
        long low = Ipv6.destinationLow(ip);
        int place = targets.find(high, low, FloodTargets.rest(true, Tcp.pairDestination(ports), pipeline.arrival));
        if (place == FloodTargets.NONE || Tcp.pairSource(ports) == Service.FTP_DATA) {
            return false;
        }
        long tcp = ip + Ipv6.SIZE;
        long rest = Tcp.rest(tcp);
        int flags = Tcp.flagsOf(rest) & DECISIVE;
        if ((flags != Tcp.SYN && flags != Tcp.ACK_FLAG) || !isMine6(ip, ports, place)) {
            return false;
        }
        if (net.sourceCheck6(ip, pipeline.arrival) != 0) {
            return false;
        }
        int length = Burst.length(Burst.summaryOf(brief)) - Ipv6.SIZE;
        lanes6.addresses6(lane, Ipv6.sourceHigh(ip), Ipv6.sourceLow(ip), high, low);
        if (flags == Tcp.ACK_FLAG) {
            return acknowledgement(lanes6, row, tcp, rest, ports, length, place, lane);
        }
        return SynAnswer.checksumValid(true, ip, tcp, length)
                && Mbuf.room(Burst.mbuf(row), ip) >= Segment.MAX_SIZE
                && syn(lanes6, true, row, tcp, rest, ports, place, settings, lane);
    }

    private boolean isMine6(long ip, int ports, int place) {
        if (ownership.workers() == 1) {
            return true;
        }
        Service known = targets.service(place);
        if (known == null) {
            return false;
        }
        boolean owned =
                pipeline.misses().handed || ownership.owner6(ip, ports, known, net.config()) == ownership.self();
        return owned
                && pipeline.sync()
                                .aliases()
                                .worker6(
                                        Ipv6.sourceHigh(ip),
                                        Ipv6.sourceLow(ip),
                                        Ipv6.destinationHigh(ip),
                                        Ipv6.destinationLow(ip),
                                        ports,
                                        Ipv4.PROTOCOL_TCP)
                        == Aliases.NONE;
    }

    private boolean syn(
            CookieLanes lanes,
            boolean ipv6,
            long row,
            long tcp,
            long rest,
            int ports,
            int place,
            ProxySettings settings,
            int lane) {
        int header = Tcp.headerLengthOf(rest);
        int agreed = agreed(TcpOffer.read(tcp, header, ipv6), settings);
        int stamp = TcpOffer.timestamps(agreed) ? TcpOffer.timestamp(tcp, header) : 0;
        lanes.make(lane, ports, Tcp.seq(tcp), agreed, cookies.timestamp(agreed));
        long[] column = columns;
        column[lane + ROW] = row;
        column[lane + NOTE] = (long) stamp << 32 | (long) place << PLACE_SHIFT | agreed;
        return true;
    }

    private static int agreed(int offer, ProxySettings settings) {
        return TcpOffer.agreed(offer, settings.scale(), settings.sack(), settings.timestamps());
    }

    private boolean acknowledgement(
            CookieLanes lanes, long row, long tcp, long rest, int ports, int length, int place, int lane) {
        int header = Tcp.headerLengthOf(rest);
        if (proxy.deferred(length, header) || proxy.refuses()) {
            return false;
        }
        long numbers = Tcp.numbers(tcp);
        int stamps = header == Tcp.SIZE ? -1 : TcpOptions.timestamps(tcp, header);
        int echo = stamps < 0 ? 0 : TcpOptions.tsecr(tcp, header, stamps);
        int cookie = Tcp.ackOf(numbers) - 1;
        lanes.open(lane, ports, Tcp.seqOf(numbers) - 1, cookie, stamps >= 0, echo);
        long[] column = columns;
        column[lane + ROW] = row;
        column[lane + NOTE] =
                (long) echo << 32 | ((ACKNOWLEDGES | place << PLACE_SHIFT | (stamps >= 0 ? STAMPED : 0)) & LOW);
        column[lane + COOKIE] = cookie;
        return true;
    }

    // ---- and their packets answered

    private void stageAnswer4(int lanes) {
        ProxySettings settings = proxy.settings();
        int tos = settings.tos();
        int ttl = settings.ttl();
        int scale = settings.scale();
        long[] column = columns;
        int verdict = Verdict.transmit(net.portOf(pipeline.arrival));
        int place = -1;
        int mss = 0;
        int window = 0;
        int answered = 0;
        boolean opens = false;
        for (int lane = 0; lane < lanes; lane++) {
            long row = Memory.address(column[lane + ROW]);
            long note = column[lane + NOTE];
            if (((int) note & ACKNOWLEDGES) != 0) {
                opens |= judge(lanes4, row, note, (int) column[lane + COOKIE], lane, opens);
                continue;
            }
            int its = (int) note >>> PLACE_SHIFT;
            if (its != place) {
                answered(place, answered);
                answered = 0;
                place = its;
                mss = targets.mss(its);
                window = settings.window(mss);
            }
            long ip = Burst.l3(row);
            int agreed = (int) note & OFFER_MASK;
            int length = SynAnswer.write4(
                    ip,
                    lanes4.address(lane, 0),
                    lanes4.ports(lane),
                    lanes4.made(lane),
                    lanes4.isn(lane),
                    SynAnswer.ours(agreed, scale, mss),
                    cookies.timestamp(agreed),
                    (int) (note >>> 32),
                    tos,
                    ttl,
                    window);
            send(row, ip, length, verdict);
            answered++;
        }
        answered(place, answered);
    }

    private void stageAnswer6(int lanes) {
        ProxySettings settings = proxy.settings();
        int tos = settings.tos();
        int ttl = settings.ttl();
        int scale = settings.scale();
        long[] column = columns;
        int verdict = Verdict.transmit(net.portOf(pipeline.arrival));
        boolean opens = false;
        for (int lane = 0; lane < lanes; lane++) {
            long row = Memory.address(column[lane + ROW]);
            long note = column[lane + NOTE];
            if (((int) note & ACKNOWLEDGES) != 0) {
                opens |= judge(lanes6, row, note, (int) column[lane + COOKIE], lane, opens);
                continue;
            }
            int place = (int) note >>> PLACE_SHIFT;
            int mss = targets.mss(place);
            long ip = Burst.l3(row);
            int agreed = (int) note & OFFER_MASK;
            int length = SynAnswer.write6(
                    ip,
                    lanes6.address(lane, 0),
                    lanes6.address(lane, 1),
                    lanes6.address(lane, 2),
                    lanes6.address(lane, 3),
                    lanes6.ports(lane),
                    lanes6.made(lane),
                    lanes6.isn(lane),
                    SynAnswer.ours(agreed, scale, mss),
                    cookies.timestamp(agreed),
                    (int) (note >>> 32),
                    tos,
                    ttl,
                    settings.window(mss));
            send(row, ip, length, verdict);
            answered(place, 1);
        }
    }

    private void answered(int place, int count) {
        Service known = count == 0 ? null : targets.service(place);
        if (known != null) {
            proxy.answered(known.index, count);
        }
    }

    private void send(long row, long ip, int length, int verdict) {
        long mbuf = Burst.mbuf(row);
        long frame = Memory.address(Mbuf.data(mbuf));
        Mbuf.setLength(mbuf, (int) (ip - frame) + length);
        Ethernet.swapAddresses(frame);
        end(row, verdict);
    }

    private void end(long row, int verdict) {
        Burst.setDone(row);
        Burst.setVerdict(row, verdict);
        all |= verdict;
        shared &= verdict;
    }

    /** Judges an acknowledgement; whether it opens a connection. One that is bad is ended here before the first that does. */
    private boolean judge(CookieLanes lanes, long row, long note, int cookie, int lane, boolean opens) {
        int found = lanes.opened(lane, cookie, (note & STAMPED) != 0, (int) (note >>> 32));
        int place = (int) note & (PLACE_MASK << PLACE_SHIFT);
        if (found != Cookies.INVALID) {
            notes[at(row)] = JUDGED | place | found;
            return true;
        }
        Service known = targets.service(place >>> PLACE_SHIFT);
        if (opens || known == null) {
            notes[at(row)] = JUDGED | BAD | place;
        } else {
            end(row, bad(row, lanes == lanes6, known.index));
        }
        return false;
    }

    /** A bad acknowledgement, in a line of the burst. */
    private int bad(long row, boolean ipv6, int index) {
        if (!proxy.looksTwice()) {
            proxy.count(index, Counter.BAD);
            return SynProxy.BAD_COOKIE;
        }
        long ip = Burst.l3(row);
        return proxy.badTwice(index, ipv6, ip, ip + (ipv6 ? Ipv6.SIZE : Ipv4.SIZE));
    }
}
