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
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.ServiceTable;
import lvsd.memory.Memory;
import lvsd.memory.Scratch;
import lvsd.wire.Checksum;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Tcp;
import lvsd.wire.Udp;

/**
 * The way of a burst: parse, probe, decide and rewrite. One instance per worker, called by that worker alone.
 *
 * <p>The stages run over the whole burst one after the other, so that the cache misses of its packets overlap: first all
 * bucket lines are fetched, then all entry lines, and only then is anything decided. Packets of known connections never
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
    /** Next hops of destinations that are remembered: a power of two. */
    private static final int SERVER_HOPS = 1024;

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
    private final FloodPath floods;
    private final SyncFeed sync;

    /** Of {@link #table4}: here, as what follows, because a step to it is a barrier of the collector for every packet. */
    private final long hot4;

    private final long hot6;
    /** Of {@link #counters}. */
    private final long traffic;
    /** Of {@link #net}: where the lines of next hops begin, and which part of an id is the line's number. */
    private final long hops;

    private final int hopMask;

    /** The newest next hop of some destinations (low half), with the address that it is for. */
    private final long[] serverHops = new long[SERVER_HOPS];

    /** Newest snapshot; see {@link #use}. */
    ServiceTable services = ServiceTable.EMPTY;
    /** Newest settings; set by the worker between cycles. */
    Sysctls sysctls = Sysctls.DEFAULT;
    /** A byte for each destination: 0 if it is live in {@link #services}, else 1. A packet needs one load for it. */
    private final Scratch goneMemory = new Scratch(Destination.MAXIMUM, Long.BYTES);

    private final long gone = goneMemory.address();
    /** Time of this cycle in ticks of 4 ms; set by the worker. */
    int now;
    /** {@link ConnectionTable#insertions} of the tables when candidates were looked for. */
    private int insertions4;

    private int insertions6;
    /** All verdicts of the burst, or-ed. */
    private int allVerdicts;
    /** All verdicts of the burst, and-ed. */
    private int sharedVerdicts;
    /** Packets of the burst that may have their connections told of, one bit each: see {@link SyncFeed#counted}. */
    private long countedRows;
    /** The packet of the next burst that is sampled. */
    private int sampled;
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
        this.traffic = counters.lines();
        this.net = parts.net();
        this.hops = net.lines();
        this.hopMask = net.lineMask();
        this.partialChecksums = parts.partialChecksums();
        this.parser = new Parser(burst, table4, table6, parts.seed0(), parts.seed1());
        this.misses = new Misses(this, parts);
        this.floods = misses.proxy().floods();
        this.sync = new SyncFeed(this, parts);
        Memory.fill(gone, Destination.MAXIMUM, 1);
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
        long[] before = services.live();
        long[] live = newest.live();
        services = newest;
        for (int i = 0; i < live.length; i++) {
            if (live[i] != before[i]) {
                noteGone(i * Long.SIZE, live[i]);
            }
        }
    }

    private void noteGone(int first, long present) {
        for (int i = 0; i < Long.SIZE; i++) {
            Memory.setByte(gone, Destination.MAXIMUM, first + i, (int) (~present >>> i) & 1);
        }
    }

    /** 0 if the destination is there, else 1. */
    private static int gone(long gone, int destination) {
        return Memory.getByte(gone + (destination & Destination.MAXIMUM - 1), 1, 0);
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
        countedRows = 0;
        int kinds = parse(packets, count, net.portMac(port));
        this.port = port;
        insertions4 = table4.insertions();
        insertions6 = table6.insertions();
        if (partialChecksums.get(port)) {
            stageRepair(count);
        }
        long seconds = stageCandidates(count);
        if (seconds != 0) {
            stageSeconds(seconds);
        }
        floods.stage(rows, kinds, count);
        if ((kinds & Burst.FAST4) != 0) {
            decide4(count);
        }
        if ((kinds & Burst.FAST6) != 0) {
            stageDecide6(count);
            countedRows = Burst.bits(0, count);
        }
        if ((kinds & Burst.SLOW) != 0) {
            stageSlow(count, port);
        }
        if (sync.counts()) {
            sync.counted(rows, countedRows, count);
        }
        stageSample(count);
    }

    /** Hands one packet of each burst, each time another, to whom watches over what no single packet shows. */
    private void stageSample(int count) {
        int i = sampled < count ? sampled : 0;
        sampled = i + 1;
        long row = Burst.row(rows, i);
        misses.sample(row, Burst.summary(row));
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

    /** Parses the first half while nothing is fetched yet, the second while the buckets of the first are. */
    private int parse(long[] packets, int count, long mac) {
        int half = count >>> 1;
        int kinds = parser.fast(packets, 0, half, mac);
        stageFetchBuckets(0, half);
        kinds |= parser.fast(packets, half, count, mac);
        stageFetchBuckets(half, count);
        return kinds;
    }

    /**
     * Has the lines of buckets fetched. A loop of its own: a core has room for some sixty stores that wait, and they leave
     * it in order, so every other store between two of these makes the fetches that are under way fewer.
     */
    private void stageFetchBuckets(int from, int to) {
        long base = Memory.address(rows);
        long end = Burst.edge(base, to);
        for (long row = Burst.edge(base, from); row != end; row = Burst.next(row)) {
            ConnectionTable.fetchBucket(Burst.bucket(row));
        }
    }

    /**
     * Finds a candidate for every packet in its first bucket, and has its entry fetched; where there is none and the bucket
     * has overflowed, the second bucket. Returns which these are, one bit each.
     */
    private long stageCandidates(int count) {
        long base = Memory.address(rows);
        long end = Burst.edge(base, count);
        long seconds = 0;
        for (long row = base; row != end; row = Burst.next(row)) {
            int kind = Burst.kind(Burst.summary(row));
            if (kind != Burst.SLOW) {
                long bucket = Burst.bucket(row);
                int reference = ConnectionTable.candidate(bucket, Burst.hash(row));
                Burst.setReference(row, reference);
                if (reference != NONE) {
                    Connection.fetch(hot(kind == Burst.FAST4 ? hot4 : hot6, reference));
                } else if (ConnectionTable.overflowed(bucket)) {
                    long second = (kind == Burst.FAST4 ? table4 : table6).secondBucket(Burst.hash(row));
                    Burst.setBucket(row, second);
                    ConnectionTable.fetchBucket(second);
                    seconds |= 1L << Burst.index(base, row);
                }
            }
        }
        return seconds;
    }

    /** As {@link #stageCandidates} in the second bucket, for the few packets that have none so far. */
    private void stageSeconds(long which) {
        long base = Memory.address(rows);
        for (long left = which; left != 0; left &= left - 1) {
            long row = Burst.row(base, Long.numberOfTrailingZeros(left));
            int reference = ConnectionTable.candidate(Burst.bucket(row), Burst.hash(row));
            Burst.setReference(row, reference);
            if (reference != NONE) {
                Connection.fetch(hot(Burst.kind(Burst.summary(row)) == Burst.FAST4 ? hot4 : hot6, reference));
            }
        }
    }

    /** Or and and of some verdicts of the burst: alike in all bits where all verdicts are the same. */
    void note(int all, int shared) {
        allVerdicts |= all;
        sharedVerdicts &= shared;
    }

    /** Packets that nothing is to be said about in loops of their own, one for each protocol, which the others interrupt. */
    private void decide4(int count) {
        long base = Memory.address(rows);
        for (int i = 0; i < count; ) {
            boolean udp = Burst.isUdp4(Burst.brief(Burst.row(base, i)));
            int end = udp ? stageDatagrams4(i, count) : stagePlain4(i, count);
            i = end;
            if (end < count && udp == Burst.isUdp4(Burst.brief(Burst.row(base, end)))) {
                i = stageOthers4(end, count);
                countedRows |= Burst.bits(end, i);
            }
        }
    }

    /** {@link #plain4} for TCP segments of established connections. */
    private int stagePlain4(int from, int count) {
        return plain4(from, count, false);
    }

    /** {@link #plain4} for UDP datagrams with a checksum. */
    private int stageDatagrams4(int from, int count) {
        return plain4(from, count, true);
    }

    /**
     * Forwards packets of one protocol that change nothing of their IPv4 connections, packet after packet, from {@code from} on;
     * returns where the first one stands that is not of that kind, with nothing done to it.
     *
     * <p>It is found out by one branch for all that may be different, before anything is written. A loop without a call and
     * with one way out keeps everything in registers. {@code udp} is a constant where this is inlined.
     */
    private int plain4(int from, int count, boolean udp) {
        long base = Memory.address(rows);
        long connections = Memory.address(hot4);
        long lines = Memory.address(hops);
        int lineMask = hopMask & Net.LINES_MASK;
        long gone = Memory.address(this.gone);
        long traffic = Memory.address(this.traffic);
        int now = this.now;
        boolean counts = sync.counts();
        int after = sysctls.syncAfter;
        long reciprocal = sysctls.syncReciprocal;
        int all = 0;
        int shared = -1;
        long row = Burst.edge(base, from);
        long end = Burst.edge(base, count);
        for (; row != end; row = Burst.next(row)) {
            long brief = Burst.brief(row);
            int reference = Burst.reference(row);
            if (!(udp ? Burst.isUdp4(brief) : Burst.isTcp4(brief)) || reference == NONE) {
                break;
            }
            int side = ConnectionTable.side(reference);
            long hot = hot(connections, reference);
            long ip = Burst.l3(row);
            int fields = Connection.summary(hot);
            long binding = Connection.binding(hot);
            long middle = Ipv4.middle(ip);
            long rest = udp ? 0 : Tcp.rest(ip + Ipv4.SIZE);
            int checksum = udp ? Udp.checksum(ip + Ipv4.SIZE) : Tcp.checksumOf(rest);
            int nextHop = Connection.nextHop(hot, side);
            long line = lines + (long) (nextHop & lineMask) * Adjacency.SIZE;
            int length = Burst.length(Burst.summaryOf(brief));
            long different = ConnectionTable.difference4(hot, side, Burst.addresses(row), Burst.portsOf(brief))
                    | (udp
                            ? Connection.differenceFromUdp(fields) | ((checksum - 1) >> 31)
                            : Connection.differenceFromEstablished(fields)
                                    | TcpStates.differenceFromData(Tcp.flagsOf(rest)))
                    | Adjacency.difference(line, nextHop)
                    | gone(gone, Connection.destinationOf(binding))
                    | (Ipv4.ttlOf(middle) - 2 | Adjacency.plainMtu(line) - length) >> 31;
            boolean adjusts = !udp && (fields & ADJUST) != 0;
            if (different != 0
                    || (adjusts && ((Tcp.headerLengthOf(rest) ^ Tcp.SIZE) | Connection.windowsOf(binding)) != 0)) {
                break;
            }
            if (counts && SyncFeed.mayBeTold(Connection.packets(hot) + 1, after, reciprocal) && side == 0) {
                countedRows |= 1L << Burst.index(base, row);
            }
            seen(hot, side, now);
            DestinationCounters.count(traffic, Connection.destinationOf(binding), side, length);
            int deltas = Connection.deltasOf(binding, side);
            Ipv4.rewrite(
                    ip,
                    middle,
                    Connection.rewriteAddresses(hot, side),
                    Connection.rewritePorts(hot, side),
                    deltas & 0xffff);
            long sum = Integer.toUnsignedLong(deltas >>> 16);
            if (adjusts) {
                long sequences = Connection.seqDeltas(hot, side);
                int others = -(int) (sequences >>> 32);
                sum += TcpRewrite.sequence(ip + Ipv4.SIZE, Tcp.ACK_FLAG, (int) sequences, others);
            }
            if (udp) {
                Udp.setChecksum(ip + Ipv4.SIZE, Checksum.applyUdp(checksum, sum));
            } else {
                Tcp.setChecksum(ip + Ipv4.SIZE, Checksum.apply(checksum, sum));
            }
            Adjacency.overwriteHeader(line, ip);
            int verdict = Verdict.transmit(Adjacency.port(line));
            Burst.setVerdict(row, verdict);
            all |= verdict;
            shared &= verdict;
        }
        note(all, shared);
        return Burst.index(base, row);
    }

    /** The packet {@code from}, and those after it up to the next of IPv4 with TCP or UDP; returns where it stopped. */
    private int stageOthers4(int from, int count) {
        long base = Memory.address(rows);
        int all = 0;
        int shared = -1;
        int i = from;
        do {
            long row = Burst.row(base, i);
            long brief = Burst.brief(row);
            if (Burst.kind(Burst.summaryOf(brief)) == Burst.FAST4) {
                int verdict = decide4(row, brief);
                Burst.setVerdict(row, verdict);
                all |= verdict;
                shared &= verdict;
            }
            i++;
        } while (i < count && !Burst.isTcpOrUdp4(Burst.brief(Burst.row(base, i))));
        note(all, shared);
        return i;
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

    /**
     * Where the candidate was not the one: the whole look-up. Where there was none, only if there may be one by now,
     * another packet of the burst having opened the connection.
     */
    private int second4(long row, int summary) {
        if (Burst.reference(row) == NONE && table4.insertions() == insertions4) {
            return misses.fast(row, summary);
        }
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
        if (Burst.reference(row) == NONE && table6.insertions() == insertions6) {
            return misses.fast(row, summary);
        }
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
     * <p>Fields that lie together are loaded together: an access through a segment is some 600 nodes of the compilation.
     */
    private int forward4(long row, int summary, int reference) {
        long hot = hot(hot4, reference);
        long binding = Connection.binding(hot);
        if (gone(gone, Connection.destinationOf(binding)) != 0) {
            return misses.gone(row, summary, reference);
        }
        long ip = Burst.l3(row);
        long middle = Ipv4.middle(ip);
        long rest = 0;
        int fields = Connection.summary(hot);
        if (Connection.protocolOf(fields) == PROTOCOL_TCP) {
            rest = Tcp.rest(ip + Ipv4.SIZE);
            if (!TcpStates.carriesOn(Connection.stateOf(fields), Tcp.flagsOf(rest))) {
                return stageSegment4(row, summary, reference, ip, middle, rest);
            }
        }
        return pass4(row, summary, reference, ip, middle, rest, fields, binding);
    }

    /**
     * As {@link #forward4} where the segment may change the connection's state. A call with nothing behind it: what was
     * live across it would be kept in memory by all packets, those that never come here too.
     */
    private int stageSegment4(long row, int summary, int reference, long ip, long middle, long rest) {
        long hot = hot(hot4, reference);
        if (tracker4.segment(reference, hot, Connection.summary(hot), Tcp.flagsOf(rest), now)) {
            return misses.reused(row, summary, reference);
        }
        return pass4(row, summary, reference, ip, middle, rest, Connection.summary(hot), Connection.binding(hot));
    }

    /** The second half of {@link #forward4}: the state is up to date. */
    private int pass4(long row, int summary, int reference, long ip, long middle, long rest, int fields, long binding) {
        int side = ConnectionTable.side(reference);
        long hot = hot(hot4, reference);
        seen(hot, side, now);
        int nextHop = Connection.nextHop(hot, side);
        long line = Memory.address(hops) + (long) (nextHop & hopMask & Net.LINES_MASK) * Adjacency.SIZE;
        int length = Burst.length(summary);
        if (!Adjacency.valid(line, nextHop)
                || (fields & Connection.TOA_PENDING) != 0
                || Ipv4.ttlOf(middle) <= 1
                || length > Adjacency.plainMtu(line)) {
            return misses.forwardSlow(row, summary, reference);
        }
        DestinationCounters.count(traffic, Connection.destinationOf(binding), side, length);
        Ipv4.rewrite(
                ip,
                middle,
                Connection.rewriteAddresses(hot, side),
                Connection.rewritePorts(hot, side),
                Connection.deltasOf(binding, side) & 0xffff);
        rewriteTransport4(ip, ip + Ipv4.SIZE, rest, reference, hot, fields, binding);
        Adjacency.overwriteHeader(line, ip);
        return Verdict.transmit(Adjacency.port(line));
    }

    /** As {@link #forward4} for IPv6. */
    private int forward6(long row, int summary, int reference) {
        long hot = hot(hot6, reference);
        if (gone(gone, Connection.destination(hot)) != 0) {
            return misses.gone(row, summary, reference);
        }
        long ip = Burst.l3(row);
        long rest = 0;
        int fields = Connection.summary(hot);
        if (Connection.protocolOf(fields) == PROTOCOL_TCP) {
            rest = Tcp.rest(ip + Ipv6.SIZE);
            if (!TcpStates.carriesOn(Connection.stateOf(fields), Tcp.flagsOf(rest))) {
                return stageSegment6(row, summary, reference, ip, rest);
            }
        }
        return pass6(row, summary, reference, ip, rest, fields);
    }

    private int stageSegment6(long row, int summary, int reference, long ip, long rest) {
        long hot = hot(hot6, reference);
        if (tracker6.segment(reference, hot, Connection.summary(hot), Tcp.flagsOf(rest), now)) {
            return misses.reused(row, summary, reference);
        }
        return pass6(row, summary, reference, ip, rest, Connection.summary(hot));
    }

    private int pass6(long row, int summary, int reference, long ip, long rest, int fields) {
        int side = ConnectionTable.side(reference);
        long hot = hot(hot6, reference);
        seen(hot, side, now);
        int nextHop = Connection.nextHop(hot, side);
        long line = Memory.address(hops) + (long) (nextHop & hopMask & Net.LINES_MASK) * Adjacency.SIZE;
        int length = Burst.length(summary);
        if (!Adjacency.valid(line, nextHop)
                || (fields & Connection.TOA_PENDING) != 0
                || Ipv6.hopLimit(ip) <= 1
                || length > Adjacency.plainMtu(line)) {
            return misses.forwardSlow(row, summary, reference);
        }
        DestinationCounters.count(traffic, Connection.destination(hot), side, length);
        stageSend6(ip, rest, reference, fields, line);
        return Verdict.transmit(Adjacency.port(line));
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
     * Makes an IPv4 packet what the other side's peer expects: TTL, addresses, ports, TCP fields. The TTL is above 1.
     *
     * @param rest of the TCP header, from {@link Tcp#rest}; of no meaning with UDP
     * @param fields {@link Connection#summary}
     */
    void rewrite4(long ip, long l4, long rest, int reference, long hot, int fields) {
        int side = ConnectionTable.side(reference);
        rewriteNetwork4(ip, hot, side);
        Memory.setInt(l4, Udp.SIZE, 0, Connection.rewritePorts(hot, side));
        rewriteTransport4(ip, l4, rest, reference, hot, fields, Connection.binding(hot));
    }

    /** What {@link #rewrite4} does behind the ports; {@code binding} is {@link Connection#binding}. */
    private void rewriteTransport4(long ip, long l4, long rest, int reference, long hot, int fields, long binding) {
        int delta = Connection.deltasOf(binding, ConnectionTable.side(reference)) >>> 16;
        if (Connection.protocolOf(fields) == PROTOCOL_TCP) {
            long sum = delta + adjust(false, l4, rest, reference, hot, fields, binding);
            Tcp.setChecksum(l4, Checksum.apply(Tcp.checksumOf(rest), sum));
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
        long binding = Connection.binding(hot);
        long delta = Integer.toUnsignedLong(Connection.deltasOf(binding, side) >>> 16);
        if (Connection.protocolOf(fields) == PROTOCOL_TCP) {
            long sum = delta + adjust(true, l4, rest, reference, hot, fields, binding);
            Tcp.setChecksum(l4, Checksum.apply(Tcp.checksumOf(rest), sum));
        } else {
            Memory.setShort(l4, Udp.SIZE, 6, Checksum.applyUdp(Memory.getShort(l4, Udp.SIZE, 6), delta));
        }
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

    /** Sequence numbers, and what else of the TCP header changes; returns what that adds to the checksum's sum. */
    private long adjust(boolean ipv6, long l4, long rest, int reference, long hot, int fields, long binding) {
        if ((fields & ADJUST) == 0) {
            return 0;
        }
        long deltas = Connection.seqDeltas(hot, ConnectionTable.side(reference));
        int others = -(int) (deltas >>> 32);
        long sum = TcpRewrite.sequence(l4, Tcp.flagsOf(rest), (int) deltas, others);
        boolean plain = Tcp.headerLengthOf(rest) == Tcp.SIZE
                && ((fields & Connection.SYN_PROXY) == 0 || Connection.windowsOf(binding) == 0);
        return plain ? sum : sum + stageOptions(table(ipv6), l4, rest, reference, hot, fields, others);
    }

    /** Window, SACK edges and timestamps; returns what that adds to the checksum's sum. */
    private static long stageOptions(
            ConnectionTable table, long l4, long rest, int reference, long hot, int fields, int others) {
        int side = ConnectionTable.side(reference);
        boolean proxied = (fields & Connection.SYN_PROXY) != 0;
        long sum = proxied ? TcpRewrite.window(l4, Connection.proxy(hot), side) : 0;
        int header = Tcp.headerLengthOf(rest);
        if (header > Tcp.SIZE) {
            long cold = table.cold(ConnectionTable.entry(reference));
            int up = (fields & Connection.TIMESTAMP_DELTA) != 0 ? Connection.timestampDelta(cold) : 0;
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
            found = Connection.isDirectServer6(cold)
                    ? net.nextHop6(Connection.directServerHigh(cold), Connection.directServerLow(cold))
                    : net.nextHop4(Connection.directServer4(cold));
        } else if (table.ipv6()) {
            long addresses = table.addresses6(entry);
            found = net.nextHop6(Connection.sourceHigh(addresses, 1 - side), Connection.sourceLow(addresses, 1 - side));
        } else {
            found = side == Connection.CLIENT_SIDE
                    ? serverHop4(Connection.destination(hot), Ipv4.pairSource(Connection.addresses(hot, 1)))
                    : net.nextHop4(Ipv4.pairSource(Connection.addresses(hot, 0)));
        }
        if (found >= 0) {
            Connection.setNextHop(hot, side, found);
        }
        return found;
    }

    /** As {@link Net#nextHop4}, of a server: for every new connection the same, so it is remembered by destination, too. */
    private int serverHop4(int destination, int address) {
        int at = destination & SERVER_HOPS - 1;
        long known = serverHops[at];
        if ((int) (known >>> 32) == address && net.valid((int) known)) {
            return (int) known;
        }
        int found = net.nextHop4(address);
        serverHops[at] = (long) address << 32 | Integer.toUnsignedLong(found);
        return found;
    }
}
