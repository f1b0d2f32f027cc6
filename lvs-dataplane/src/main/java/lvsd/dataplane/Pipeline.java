package lvsd.dataplane;

import java.util.BitSet;
import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.connection.TcpStates;
import lvsd.dataplane.connection.TimerWheel;
import lvsd.dataplane.nat.TcpRewrite;
import lvsd.dataplane.net.Adjacency;
import lvsd.dataplane.net.Net;
import lvsd.dataplane.scheduler.DestinationCounters;
import lvsd.dataplane.service.ServiceTable;
import lvsd.memory.Memory;
import lvsd.wire.Checksum;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Tcp;
import lvsd.wire.Udp;

/**
 * The way of a burst: parse, probe, decide and rewrite. One instance per worker, called by that worker alone.
 *
 * <p>The stages run over the whole burst one after the other, so that the cache misses of its packets overlap: first all
 * bucket lines are touched, then all entry lines, and only then is anything decided. Packets of known connections never
 * leave this class; {@link Misses} has the rest.
 */
final class Pipeline {
    private static final int NONE = ConnectionTable.NONE;
    /** Flags of connections whose TCP headers need more than ports and checksum. */
    private static final int ADJUST = Connection.SEQ_TO_SERVER
            | Connection.SEQ_IN
            | Connection.SEQ_OUT
            | Connection.TIMESTAMP_DELTA
            | Connection.SYN_PROXY;

    private static final int PROTOCOL_TCP = 6;

    private final Burst burst = new Burst();
    private final long rows = burst.rows();
    private final Parser parser;
    final ConnectionTable table4;
    final ConnectionTable table6;
    final TimerWheel timers4;
    final TimerWheel timers6;
    final TcpTracker tracker4;
    final TcpTracker tracker6;
    final DestinationCounters counters;
    final Net net;
    private final BitSet partialChecksums;
    private final Misses misses;
    private final SyncFeed sync;

    /** Of {@link #table4}: here, as what follows, because a step to it is a barrier of the collector for every packet. */
    private final long hot4;

    private final long hot6;
    /** Of {@link #counters}. */
    private final long[] traffic;
    /** Of {@link #net}: where the lines of next hops begin, and which part of an id is the line's number. */
    private final long hops;

    private final int hopMask;

    /** Newest snapshot; see {@link #use}. */
    ServiceTable services = ServiceTable.EMPTY;
    /** Newest settings; set by the worker between cycles. */
    Sysctls sysctls = Sysctls.DEFAULT;
    /** Of {@link #services}. */
    private long[] live = services.live();
    /** Time of this cycle in ticks of 4 ms; set by the worker. */
    int now;
    /** All verdicts of the burst, or-ed. */
    private int allVerdicts;
    /** All verdicts of the burst, and-ed. */
    private int sharedVerdicts;
    /** Port by which the burst in hand came in. */
    int port;
    /** Interface by which the packet in hand came in. */
    int arrival;

    Pipeline(WorkerParts parts) {
        this.table4 = parts.table4();
        this.table6 = parts.table6();
        this.timers4 = parts.timers4();
        this.timers6 = parts.timers6();
        this.tracker4 = new TcpTracker(this, table4, timers4, parts);
        this.tracker6 = new TcpTracker(this, table6, timers6, parts);
        this.counters = parts.counters();
        this.hot4 = table4.hot(0);
        this.hot6 = table6.hot(0);
        this.traffic = counters.traffic();
        this.net = parts.net();
        this.hops = net.lines();
        this.hopMask = net.lineMask();
        this.partialChecksums = parts.partialChecksums();
        this.parser = new Parser(burst, table4, table6, parts.seed0(), parts.seed1());
        this.misses = new Misses(this, parts);
        this.sync = new SyncFeed(this, parts);
    }

    /** The way of connections to and from other directors. */
    SyncFeed sync() {
        return sync;
    }

    /** The part that handles what is not a packet of a known connection. */
    Misses misses() {
        return misses;
    }

    /** The connections of an IP version. */
    ConnectionTable table(boolean ipv6) {
        return ipv6 ? table6 : table4;
    }

    /** The timers of an IP version. */
    TimerWheel timers(boolean ipv6) {
        return ipv6 ? timers6 : timers4;
    }

    /** The states of an IP version. */
    TcpTracker tracker(boolean ipv6) {
        return ipv6 ? tracker6 : tracker4;
    }

    /** Takes over a snapshot, between cycles. */
    void use(ServiceTable newest) {
        services = newest;
        live = newest.live();
    }

    /**
     * Takes {@code count} packets received on {@code port} through all stages; {@link #verdict} has their fates
     * afterwards, those of {@link Verdict#TRANSMIT} with complete frames.
     *
     * <p>Every stage is a compilation of its own: the launchers forbid the JIT to inline them here ({@code dontinline}),
     * since beyond some 18,000 nodes it stops inlining in the middle of a packet's way. IPv4, IPv6 and the rest have a
     * loop each; packets of one connection are of one kind, so none overtakes another of its own.
     */
    void process(int port, long[] packets, int count) {
        arrival = net.portInterface(port);
        allVerdicts = 0;
        sharedVerdicts = -1;
        int kinds = parser.fast(packets, count, net.portMac(port));
        this.port = port;
        if (partialChecksums.get(port)) {
            stageRepair(count);
        }
        stageTouch(count);
        stageCandidates(count);
        stageTouch(count);
        if ((kinds & Burst.FAST4) != 0) {
            stageDecide4(count);
        }
        if ((kinds & Burst.FAST6) != 0) {
            stageDecide6(count);
        }
        if ((kinds & Burst.SLOW) != 0) {
            stageSlow(count, port);
        }
    }

    /** The fate of all packets of the last burst if it is the same for all, else 0. */
    int commonVerdict() {
        return allVerdicts == sharedVerdicts ? allVerdicts : 0;
    }

    /** The fate of packet {@code i} of the last burst. */
    int verdict(int i) {
        return Burst.verdict(Burst.row(rows, i));
    }

    private void stageRepair(int count) {
        long base = Memory.address(rows);
        for (int i = 0; i < count; i++) {
            long row = Burst.row(base, i);
            int summary = Burst.summary(row);
            if (Burst.kind(summary) != Burst.SLOW) {
                boolean ipv6 = Burst.kind(summary) == Burst.FAST6;
                int header = ipv6 ? Ipv6.SIZE : Ipv4.SIZE;
                long ip = Burst.l3(row);
                PartialChecksums.repair(ipv6, ip, ip + header, Burst.length(summary) - header, Burst.protocol(summary));
            }
        }
    }

    /**
     * First touches the lines of buckets, then those of entries. A loop that does nothing but touch keeps some twenty
     * misses in flight, one that also computes only as many as its instructions leave room for: 48 against 85 ns a
     * look-up at four million connections.
     */
    private void stageTouch(int count) {
        long base = Memory.address(rows);
        int touched = 0;
        for (int i = 0; i < count; i++) {
            touched += ConnectionTable.touch(Burst.line(Burst.row(base, i)));
        }
        burst.touched += touched;
    }

    private void stageCandidates(int count) {
        long base = Memory.address(rows);
        for (int i = 0; i < count; i++) {
            long row = Burst.row(base, i);
            int kind = Burst.kind(Burst.summary(row));
            if (kind != Burst.SLOW) {
                int reference = ConnectionTable.candidate(Burst.line(row), Burst.hash(row));
                Burst.setReference(row, reference);
                Burst.setLine(
                        row,
                        reference == NONE
                                ? (kind == Burst.FAST4 ? table4 : table6).secondBucket(Burst.hash(row))
                                : hot(kind == Burst.FAST4 ? hot4 : hot6, reference));
            }
        }
    }

    /** Or and and of some verdicts of the burst: alike in all bits where all verdicts are the same. */
    private void note(int all, int shared) {
        allVerdicts |= all;
        sharedVerdicts &= shared;
    }

    private void stageDecide4(int count) {
        long base = Memory.address(rows);
        int all = 0;
        int shared = -1;
        for (int i = 0; i < count; i++) {
            long row = Burst.row(base, i);
            long brief = Burst.brief(row);
            if (Burst.kind(Burst.summaryOf(brief)) == Burst.FAST4) {
                int verdict = decide4(row, brief);
                Burst.setVerdict(row, verdict);
                all |= verdict;
                shared &= verdict;
            }
        }
        note(all, shared);
    }

    private void stageDecide6(int count) {
        long base = Memory.address(rows);
        int all = 0;
        int shared = -1;
        for (int i = 0; i < count; i++) {
            long row = Burst.row(base, i);
            int summary = Burst.summary(row);
            if (Burst.kind(summary) == Burst.FAST6) {
                int verdict = decide6(row, summary);
                Burst.setVerdict(row, verdict);
                all |= verdict;
                shared &= verdict;
            }
        }
        note(all, shared);
    }

    private void stageSlow(int count, int port) {
        long base = Memory.address(rows);
        int all = 0;
        int shared = -1;
        for (int i = 0; i < count; i++) {
            long row = Burst.row(base, i);
            if (Burst.kind(Burst.summary(row)) == Burst.SLOW) {
                int verdict = misses.slow(Burst.mbuf(row), port);
                Burst.setVerdict(row, verdict);
                all |= verdict;
                shared &= verdict;
            }
        }
        note(all, shared);
    }

    private int decide4(long row, long brief) {
        int reference = Burst.reference(row);
        int summary = Burst.summaryOf(brief);
        long hot = hot(hot4, reference);
        int side = ConnectionTable.side(reference);
        if (reference == NONE
                || !ConnectionTable.matches4(
                        hot, side, Burst.addresses(row), Burst.portsOf(brief), Burst.protocol(summary))) {
            return second4(row, summary);
        }
        return forward4(row, summary, reference);
    }

    /** Where the candidate was not the one: the whole look-up. */
    private int second4(long row, int summary) {
        int protocol = Burst.protocol(summary);
        int reference = table4.find4(Burst.hash(row), Burst.addresses(row), Burst.ports(row), protocol);
        return reference == NONE ? misses.fast(row, summary) : forward4(row, summary, reference);
    }

    private int decide6(long row, int summary) {
        int reference = Burst.reference(row);
        if (reference == NONE
                || !matches6(reference, Burst.hash(row), Burst.l3(row), Burst.ports(row), Burst.protocol(summary))) {
            return second6(row, summary);
        }
        return forward6(row, summary, reference);
    }

    private int second6(long row, int summary) {
        int reference = find6(Burst.hash(row), Burst.l3(row), Burst.ports(row), Burst.protocol(summary));
        return reference == NONE ? misses.fast(row, summary) : forward6(row, summary, reference);
    }

    private boolean matches6(int reference, long hash, long ip, int ports, int protocol) {
        return table6.matches6(
                reference,
                hash,
                Memory.getLong(ip, Ipv6.SIZE, 8),
                Memory.getLong(ip, Ipv6.SIZE, 16),
                Memory.getLong(ip, Ipv6.SIZE, 24),
                Memory.getLong(ip, Ipv6.SIZE, 32),
                ports,
                protocol);
    }

    private int find6(long hash, long ip, int ports, int protocol) {
        return table6.find6(
                hash,
                Memory.getLong(ip, Ipv6.SIZE, 8),
                Memory.getLong(ip, Ipv6.SIZE, 16),
                Memory.getLong(ip, Ipv6.SIZE, 24),
                Memory.getLong(ip, Ipv6.SIZE, 32),
                ports,
                protocol);
    }

    /**
     * Forwards a packet of a known IPv4 connection. What keeps it from the short way (TTL, MTU, next hop, tag, options to
     * insert) is tested before anything of the packet is changed; {@link Misses#known} has the long way.
     *
     * <p>Fields that lie together are loaded together: every access here is some 600 nodes of the compilation.
     */
    private int forward4(long row, int summary, int reference) {
        int side = ConnectionTable.side(reference);
        long hot = hot(hot4, reference);
        int destination = Connection.destination(hot);
        if (!ServiceTable.live(live, destination)) {
            return misses.gone(row, summary, reference);
        }
        long ip = Burst.l3(row);
        long middle = Ipv4.middle(ip);
        long rest = 0;
        int fields = Connection.summary(hot);
        if (Burst.protocol(summary) == PROTOCOL_TCP) {
            rest = Tcp.rest(ip + Ipv4.SIZE);
            int state = Connection.stateOf(fields);
            int next = TcpStates.nextByFlags(TcpTracker.table(side, fields), state, Tcp.flagsOf(rest));
            if (((next ^ state) | (Tcp.flagsOf(rest) & Tcp.SYN)) != 0
                    && tracker4.change(
                            ConnectionTable.entry(reference), hot, state, next, side, Tcp.flagsOf(rest), now)) {
                return misses.reused(row, summary, reference);
            }
        }
        seen(hot, side, now);
        int nextHop = Connection.nextHop(hot, side);
        long line = Memory.address(hops) + (long) (nextHop & hopMask & Net.LINES_MASK) * Adjacency.SIZE;
        long outlet = Adjacency.outlet(line);
        int length = Burst.length(summary);
        if (!Adjacency.valid(line, nextHop)
                || (fields & Connection.TOA_PENDING) != 0
                || Ipv4.ttlOf(middle) <= 1
                || length > Adjacency.mtu(line)
                || !Adjacency.untagged(outlet)) {
            return misses.forwardSlow(row, summary, reference);
        }
        DestinationCounters.count(traffic, destination, side, length);
        stageSend4(ip, middle, rest, reference, fields, line);
        return Verdict.transmit(Adjacency.portOf(outlet));
    }

    private void stageSend4(long ip, long middle, long rest, int reference, int fields, long line) {
        long packet = Memory.address(ip);
        rewrite4(packet, packet + Ipv4.SIZE, middle, rest, reference, hot(hot4, reference), fields);
        Adjacency.overwriteHeader(Memory.address(line), packet);
    }

    /** As {@link #forward4} for IPv6. */
    private int forward6(long row, int summary, int reference) {
        int side = ConnectionTable.side(reference);
        long hot = hot(hot6, reference);
        int destination = Connection.destination(hot);
        if (!ServiceTable.live(live, destination)) {
            return misses.gone(row, summary, reference);
        }
        long ip = Burst.l3(row);
        long rest = 0;
        int fields = Connection.summary(hot);
        if (Burst.protocol(summary) == PROTOCOL_TCP) {
            rest = Tcp.rest(ip + Ipv6.SIZE);
            int state = Connection.stateOf(fields);
            int next = TcpStates.nextByFlags(TcpTracker.table(side, fields), state, Tcp.flagsOf(rest));
            if (((next ^ state) | (Tcp.flagsOf(rest) & Tcp.SYN)) != 0
                    && tracker6.change(
                            ConnectionTable.entry(reference), hot, state, next, side, Tcp.flagsOf(rest), now)) {
                return misses.reused(row, summary, reference);
            }
        }
        seen(hot, side, now);
        int nextHop = Connection.nextHop(hot, side);
        long line = Memory.address(hops) + (long) (nextHop & hopMask & Net.LINES_MASK) * Adjacency.SIZE;
        long outlet = Adjacency.outlet(line);
        int length = Burst.length(summary);
        if (!Adjacency.valid(line, nextHop)
                || (fields & Connection.TOA_PENDING) != 0
                || Ipv6.hopLimit(ip) <= 1
                || length > Adjacency.mtu(line)
                || !Adjacency.untagged(outlet)) {
            return misses.forwardSlow(row, summary, reference);
        }
        DestinationCounters.count(traffic, destination, side, length);
        stageSend6(ip, rest, reference, fields, line);
        return Verdict.transmit(Adjacency.portOf(outlet));
    }

    private void stageSend6(long ip, long rest, int reference, int fields, long line) {
        long packet = Memory.address(ip);
        rewrite6(packet, packet + Ipv6.SIZE, rest, reference, hot(hot6, reference), fields);
        Adjacency.overwriteHeader(Memory.address(line), packet);
    }

    /** As {@link ConnectionTable#hot}. */
    private static long hot(long base, int reference) {
        return Memory.address(base) + (reference & Integer.MAX_VALUE & -1L) * Connection.SIZE;
    }

    /** Both sides refresh the connection; packets count on the client's side only. */
    static void seen(long hot, int side, int now) {
        Connection.setLastSeen(hot, now);
        Connection.setPackets(hot, Connection.packets(hot) + 1 - side);
    }

    /**
     * Makes an IPv4 packet what the other side's peer expects: TTL, addresses, ports, TCP fields.
     *
     * @param middle of the IP header, from {@link Ipv4#middle}; the TTL is above 1
     * @param rest of the TCP header, from {@link Tcp#rest}; of no meaning with UDP
     * @param fields {@link Connection#summary}
     */
    void rewrite4(long ip, long l4, long middle, long rest, int reference, long hot, int fields) {
        int side = ConnectionTable.side(reference);
        int deltas = Connection.deltas(hot, side);
        Ipv4.rewrite(ip, middle, Connection.rewriteAddresses(hot, side), deltas & 0xffff);
        Memory.setInt(l4, Udp.SIZE, 0, Connection.rewritePorts(hot, side));
        long delta = Integer.toUnsignedLong(deltas >>> 16);
        if (Connection.protocolOf(fields) == PROTOCOL_TCP) {
            rewriteTcp(l4, rest, hot, table4.cold(ConnectionTable.entry(reference)), side, fields, delta);
        } else {
            stageUdp4(ip, l4, delta, fields);
        }
    }

    /** As {@link #rewrite4} for IPv6, whose addresses lie apart from the hot line. */
    void rewrite6(long ip, long l4, long rest, int reference, long hot, int fields) {
        int side = ConnectionTable.side(reference);
        int entry = ConnectionTable.entry(reference);
        rewriteNetwork6(ip, entry, side);
        Memory.setInt(l4, Udp.SIZE, 0, Connection.rewritePorts(hot, side));
        long delta = Integer.toUnsignedLong(Connection.deltas(hot, side) >>> 16);
        if (Connection.protocolOf(fields) == PROTOCOL_TCP) {
            rewriteTcp(l4, rest, hot, table6.cold(entry), side, fields, delta);
        } else {
            Memory.setShort(l4, Udp.SIZE, 6, Checksum.applyUdp(Memory.getShort(l4, Udp.SIZE, 6), delta));
        }
    }

    /** Sequence numbers, SACK edges, timestamps and the checksum; {@code delta} is what addresses and ports add to that. */
    private static void rewriteTcp(long l4, long rest, long hot, long cold, int side, int fields, long delta) {
        long sum = (fields & ADJUST) == 0 ? delta : delta + adjust(l4, rest, hot, cold, side, fields);
        Tcp.setChecksum(l4, Checksum.apply(Tcp.checksumOf(rest), sum));
    }

    /** The IP header's part of {@link #rewrite4}, for what has no ports that are rewritten there. */
    static void rewriteNetwork4(long ip, long hot, int side) {
        int delta = Connection.deltas(hot, side) & 0xffff;
        Ipv4.rewrite(ip, Ipv4.middle(ip), Connection.rewriteAddresses(hot, side), delta);
    }

    /** As {@link #rewriteNetwork4} for IPv6. */
    void rewriteNetwork6(long ip, int entry, int side) {
        rewriteAddresses6(ip, table6.addresses6(entry), 1 - side);
        Memory.setByte(ip, Ipv6.SIZE, 7, Memory.getByte(ip, Ipv6.SIZE, 7) - 1);
    }

    /** Source and destination of {@code other}, reversed. */
    private static void rewriteAddresses6(long ip, long addresses, int other) {
        Memory.setLong(ip, Ipv6.SIZE, 8, Connection.destinationHigh(addresses, other));
        Memory.setLong(ip, Ipv6.SIZE, 16, Connection.destinationLow(addresses, other));
        Memory.setLong(ip, Ipv6.SIZE, 24, Connection.sourceHigh(addresses, other));
        Memory.setLong(ip, Ipv6.SIZE, 32, Connection.sourceLow(addresses, other));
    }

    /** A UDP packet without checksum gets one (as the kernel's NAT does) if it changes at all; others are updated. */
    private static void stageUdp4(long ip, long l4, long delta, int flags) {
        int checksum = Memory.getShort(l4, Udp.SIZE, 6);
        if (checksum == 0 && Connection.isDirect(flags)) {
            return;
        }
        int fresh = checksum == 0
                ? Checksum.transport4(ip, l4, Memory.getShortBe(l4, Udp.SIZE, 4), Ipv4.PROTOCOL_UDP)
                : Checksum.applyUdp(checksum, delta);
        Memory.setShort(l4, Udp.SIZE, 6, fresh);
    }

    /** Sequence numbers, SACK edges and timestamps; returns what that adds to the checksum's sum. */
    private static long adjust(long l4, long rest, long hot, long cold, int side, int flags) {
        long deltas = Connection.seqDeltas(hot, side);
        int others = -(int) (deltas >>> 32);
        long sum = TcpRewrite.sequence(l4, Tcp.flagsOf(rest), (int) deltas, others);
        boolean proxied = (flags & Connection.SYN_PROXY) != 0;
        if (proxied) {
            sum += TcpRewrite.window(l4, Connection.proxy(hot), side);
        }
        int header = Tcp.headerLengthOf(rest);
        if (header > Tcp.SIZE) {
            int up = (flags & Connection.TIMESTAMP_DELTA) != 0 ? Connection.timestampDelta(cold) : 0;
            int down = proxied ? Connection.proxyTimestamp(cold) : 0;
            int value = side == Connection.CLIENT_SIDE ? up : down;
            int echo = side == Connection.CLIENT_SIDE ? -down : -up;
            sum += TcpRewrite.options(l4, header, value, echo, others);
        }
        return sum;
    }

    /**
     * The next hop of packets of {@code side}: the remembered one while it holds, else found anew and remembered;
     * negative as {@link Net#nextHop4} says.
     */
    int nextHop(ConnectionTable table, int entry, long hot, int side) {
        int remembered = Connection.nextHop(hot, side);
        if (net.valid(remembered)) {
            return remembered;
        }
        int found;
        if (Connection.isDirect(Connection.flags(hot))) {
            long cold = table.cold(entry);
            found = table.ipv6()
                    ? net.nextHop6(Connection.directServerHigh(cold), Connection.directServerLow(cold))
                    : net.nextHop4(Connection.directServer4(cold));
        } else if (table.ipv6()) {
            long addresses = table.addresses6(entry);
            found = net.nextHop6(Connection.sourceHigh(addresses, 1 - side), Connection.sourceLow(addresses, 1 - side));
        } else {
            found = net.nextHop4((int) Connection.addresses(hot, 1 - side));
        }
        if (found >= 0) {
            Connection.setNextHop(hot, side, found);
        }
        return found;
    }
}
