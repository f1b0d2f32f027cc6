package lvsd.dataplane;

import java.util.BitSet;
import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.nat.IcmpTranslation;
import lvsd.dataplane.net.Adjacency;
import lvsd.dataplane.net.Net;
import lvsd.dataplane.net.NetConfig;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.MarkTable;
import lvsd.dataplane.service.Service;
import lvsd.dataplane.service.ServiceTable;
import lvsd.dpdk.Mbuf;
import lvsd.wire.Ethernet;
import lvsd.wire.Icmpv6;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Sctp;
import lvsd.wire.Tcp;
import org.jspecify.annotations.Nullable;

/**
 * What is not simply a packet of a known connection: new connections, ICMP errors, options, fragments, packets for the
 * director itself, and known connections' packets that cannot go the short way. Handles one packet at a time; owned and
 * called by the worker.
 */
final class Misses {
    private static final int NONE = ConnectionTable.NONE;

    private final Pipeline pipeline;
    private final Packet packet = new Packet();
    private final Net net;
    private final Connector connector;
    private final SynProxy proxy;
    private final IcmpScheduler scheduler;
    private final Ownership ownership;
    private final Fragments fragments;
    private final Tunnels tunnels;
    private final BitSet partialChecksums;

    /** Set while packets of the hand-off ring are processed: they are never handed on again. */
    boolean handed;

    Misses(Pipeline pipeline, WorkerParts parts) {
        this.pipeline = pipeline;
        this.net = parts.net();
        this.ownership = parts.ownership();
        this.fragments = new Fragments(ownership.self(), ownership.workers(), parts.seed0(), parts.seed1());
        this.tunnels = new Tunnels(pipeline, parts);
        this.connector = new Connector(pipeline, parts);
        this.proxy = new SynProxy(pipeline, this, connector, parts);
        this.scheduler = new IcmpScheduler(connector, proxy);
        this.partialChecksums = parts.partialChecksums();
    }

    Connector connector() {
        return connector;
    }

    /** The SYN proxy. */
    SynProxy proxy() {
        return proxy;
    }

    /** A packet of no known connection, parsed by the fast parser into a line of the burst. */
    int fast(long row, int summary) {
        int flood = proxy.floods().take(row, summary);
        return flood > 0 ? flood : longWay(row, summary, flood);
    }

    private int longWay(long row, int summary, int flood) {
        fill(row, summary);
        Service proven = flood == FloodPath.PROVEN ? proxy.floods().service() : null;
        if (proven != null) {
            return proxy.proven(packet, proven, proxy.floods().offer());
        }
        return pipeline.services.standby ? standby(packet) : miss(packet);
    }

    /**
     * A packet that reaches a standby: nothing of a connection, service or shared address goes any further. For a moment the
     * addresses may still be, or already be, this director's.
     */
    private int standby(Packet p) {
        return balancedKind(localKind(p)) ? Verdict.drop(DropReason.STANDBY) : net.input(p);
    }

    private void fill(long row, int summary) {
        boolean ipv6 = Burst.kind(summary) == Burst.FAST6;
        long ip = Burst.l3(row);
        long l4 = ip + (ipv6 ? Ipv6.SIZE : Ipv4.SIZE);
        fill(packet, Burst.mbuf(row), ip, l4, Burst.length(summary), Burst.protocol(summary), ipv6);
    }

    private void fill(Packet p, long mbuf, long ip, long l4, int length, int protocol, boolean ipv6) {
        p.mbuf = mbuf;
        p.iface = pipeline.arrival;
        p.frame = Mbuf.data(mbuf);
        p.frameLength = Mbuf.dataLength(mbuf);
        p.etherType = ipv6 ? Ethernet.TYPE_IPV6 : Ethernet.TYPE_IPV4;
        p.l3 = ip;
        p.l3Length = length;
        p.ipv6 = ipv6;
        p.protocol = protocol;
        p.l4 = l4;
        p.l4Length = (int) (ip + length - l4);
        p.l4Valid = true;
        p.fragment = false;
        p.laterFragment = false;
        p.groupFrame = false;
    }

    /** A frame the fast parser did not recognise. */
    int slow(long mbuf, int port) {
        int parsed = Parser.slow(packet, mbuf, port, net.config());
        if (parsed != 0) {
            return parsed;
        }
        if (packet.l4Valid && !packet.fragment && partialChecksums.get(port)) {
            repair(packet);
        }
        int untagged = pipeline.arrival;
        pipeline.arrival = packet.iface;
        int verdict = slow(packet);
        pipeline.arrival = untagged;
        return verdict;
    }

    private static void repair(Packet p) {
        if (p.protocol == Ipv4.PROTOCOL_TCP || p.protocol == Ipv4.PROTOCOL_UDP) {
            PartialChecksums.repair(p.ipv6, p.l3, p.l4, p.l4Length, p.protocol);
        } else if (p.protocol == Ipv4.PROTOCOL_SCTP && Sctp.checksum(p.l4) == 0) {
            Sctp.updateChecksum(p.l4, p.l4Length);
        }
    }

    private int slow(Packet p) {
        if (p.etherType == Ethernet.TYPE_ARP || p.groupFrame) {
            return net.input(p);
        }
        if (pipeline.services.standby) {
            return standby(p);
        }
        if (IcmpTranslation.isError(p)) {
            int translated = translate(p);
            if (translated == 0) {
                translated = tunnels.error(p, handed);
            }
            if (translated != 0) {
                return translated;
            }
            if (pipeline.services.backupOnly) {
                return passBy(p);
            }
        }
        boolean balanced =
                p.protocol == Ipv4.PROTOCOL_TCP || p.protocol == Ipv4.PROTOCOL_UDP || p.protocol == Ipv4.PROTOCOL_SCTP;
        if (balanced && p.fragment) {
            if (pipeline.sysctls.defenceFragDrop && localKind(p) == NetConfig.VIP) {
                return Verdict.drop(DropReason.DEFENCE_FRAGMENT);
            }
            return p.protocol == Ipv4.PROTOCOL_SCTP ? fragmentOfSctp(p) : fragment(p);
        }
        if (!balanced || !p.l4Valid) {
            return net.input(p);
        }
        int reference = lookUp(p, Tcp.ports(p.l4));
        if (reference == NONE) {
            return miss(p);
        }
        return connector.forward(p, reference);
    }

    /** A CRC over the whole packet cannot be put right from a part of it. */
    private int fragmentOfSctp(Packet p) {
        return balancedKind(localKind(p)) ? Verdict.drop(DropReason.FRAGMENT) : net.input(p);
    }

    /** The connection of a packet with these ports, or {@link ConnectionTable#NONE}. */
    int lookUp(Packet p, int ports) {
        return lookUp(p, ports, p.protocol);
    }

    /** As {@link #lookUp(Packet, int)} with {@code protocol} in the place of the packet's. */
    int lookUp(Packet p, int ports, int protocol) {
        if (p.ipv6) {
            return pipeline.table6.find6(
                    Ipv6.sourceHigh(p.l3),
                    Ipv6.sourceLow(p.l3),
                    Ipv6.destinationHigh(p.l3),
                    Ipv6.destinationLow(p.l3),
                    ports,
                    protocol);
        }
        return pipeline.table4.find4(Ipv4.addresses(p.l3), ports, protocol);
    }

    /**
     * A fragment of TCP or UDP: of a connection it is forwarded as such, the later ones after the first; a first one of
     * UDP opens a connection; those of other traffic go on as any packet.
     */
    private int fragment(Packet p) {
        fragments.clock(pipeline.now);
        if (p.laterFragment) {
            return laterFragment(p);
        }
        if (!p.l4Valid || !Fragments.firstGood(p)) {
            return balancedKind(localKind(p)) ? Verdict.drop(DropReason.BAD_FRAGMENT) : net.input(p);
        }
        int reference = lookUp(p, Tcp.ports(p.l4));
        if (reference != NONE) {
            return firstFragment(p, reference);
        }
        Service service = service(p);
        if (!handed && ownership.workers() > 1) {
            int owner = ownership.owner(p, service, net.config());
            if (owner != ownership.self()) {
                fragments.remember(p, owner);
                return Verdict.handoff(owner);
            }
        }
        int holder = pipeline.sync().aliases().worker(p);
        if (holder != Aliases.NONE) {
            fragments.remember(p, holder);
            return Verdict.handoff(holder);
        }
        if (service != null && p.protocol == Ipv4.PROTOCOL_UDP && !service.onePacket) {
            return connector.open(p, service);
        }
        return balancedKind(localKind(p)) ? Verdict.drop(DropReason.FRAGMENT) : net.input(p);
    }

    private int laterFragment(Packet p) {
        int verdict = fragments.later(p);
        if (verdict == Verdict.drop(DropReason.FRAGMENT)) {
            return balancedKind(localKind(p)) ? verdict : net.input(p);
        }
        if (verdict != 0) {
            return verdict;
        }
        if (fragments.owner() != ownership.self()) {
            boolean alias = handed && !pipeline.sync().aliases().isEmpty();
            return handed && !alias ? Verdict.drop(DropReason.FRAGMENT) : Verdict.handoff(fragments.owner());
        }
        int reference = lookUp(p, fragments.ports());
        return reference == NONE ? Verdict.drop(DropReason.FRAGMENT) : forwardFragment(p, reference);
    }

    /** Forwards the first fragment of a datagram, and remembers the datagram. */
    int firstFragment(Packet p, int reference) {
        if (p.protocol == Ipv4.PROTOCOL_TCP && (Tcp.flags(p.l4) & Tcp.SYN) != 0) {
            return Verdict.drop(DropReason.FRAGMENT);
        }
        fragments.remember(p, ownership.self());
        return known(p, reference);
    }

    /** Forwards a later fragment: there are no ports in it, and nothing for the states. */
    private int forwardFragment(Packet p, int reference) {
        ConnectionTable table = pipeline.table(p.ipv6);
        long hot = table.hot(ConnectionTable.entry(reference));
        if (isStranded(p, hot, reference)) {
            return pipeline.services.backupOnly ? passBy(p) : Verdict.drop(DropReason.DESTINATION_GONE);
        }
        Pipeline.seen(hot, ConnectionTable.side(reference), pipeline.now);
        return forwardSlow(p, table, reference);
    }

    private static boolean balancedKind(int kind) {
        return kind == NetConfig.VIP || kind == NetConfig.LIP;
    }

    private int localKind(Packet p) {
        NetConfig config = net.config();
        return p.ipv6
                ? config.localKind6(Ipv6.destinationHigh(p.l3), Ipv6.destinationLow(p.l3))
                : config.localKind4(Ipv4.destination(p.l3));
    }

    /** A valid TCP or UDP packet of no connection that this worker knows. */
    private int miss(Packet p) {
        Service service = service(p);
        Destination sender = service == null ? realServer(p) : null;
        if (sender != null && isOnePacket(p, sender)) {
            return connector.replyOnce(p, sender);
        }
        if (!handed && ownership.workers() > 1) {
            int owner = ownership.owner(p, service, net.config());
            if (owner != ownership.self()) {
                return Verdict.handoff(owner);
            }
        }
        int holder = pipeline.sync().aliases().worker(p);
        if (holder != Aliases.NONE) {
            return Verdict.handoff(holder);
        }
        if (service != null) {
            boolean proxied = p.protocol == Ipv4.PROTOCOL_TCP && proxy.concerns(service);
            return proxied ? proxy.miss(p, service) : connector.open(p, service);
        }
        int opened = sender != null ? connector.openFromServer(p, sender) : 0;
        if (opened != 0) {
            return opened;
        }
        if (sender != null && pipeline.sysctls.natIcmpSend) {
            return strayReply(p);
        }
        if (pipeline.services.backupOnly) {
            return passBy(p);
        }
        int defended = defended(p);
        return defended != 0 ? defended : net.input(p);
    }

    /** The defences at the edge: what nobody wants is not worth an answer either. 0 when they do not object. */
    private int defended(Packet p) {
        Sysctls settings = pipeline.sysctls;
        boolean tcp = settings.defenceTcpDrop && p.protocol == Ipv4.PROTOCOL_TCP && !Tcp.opens(Tcp.flags(p.l4));
        boolean udp = settings.defenceUdpDrop && p.protocol == Ipv4.PROTOCOL_UDP;
        if (!(tcp || udp) || localKind(p) != NetConfig.VIP) {
            return 0;
        }
        return Verdict.drop(tcp ? DropReason.DEFENCE_TCP : DropReason.DEFENCE_UDP);
    }

    /** The NAT real server that a packet comes from, as far as anybody needs to know. */
    private @Nullable Destination realServer(Packet p) {
        if (!pipeline.services.knowsRealServers() || localKind(p) != NetConfig.NONE) {
            return null;
        }
        int port = Tcp.sourcePort(p.l4);
        return p.ipv6
                ? pipeline.services.realServer6(p.protocol, Ipv6.sourceHigh(p.l3), Ipv6.sourceLow(p.l3), port)
                : pipeline.services.realServer4(p.protocol, Ipv4.source(p.l3), port);
    }

    private boolean isOnePacket(Packet p, Destination sender) {
        Service service = pipeline.services.service(sender.service);
        return p.protocol == Ipv4.PROTOCOL_UDP && service != null && service.onePacket;
    }

    /** {@code nat_icmp_send}: a server that sends without a connection is told so, unless that is what it says. */
    private int strayReply(Packet p) {
        int source = net.sourceCheck(p);
        if (source != 0) {
            return source;
        }
        if (p.protocol != Ipv4.PROTOCOL_TCP || (Tcp.flags(p.l4) & Tcp.RST) == 0) {
            // The kernel asks on the way out, and the quote shows it.
            p.countDown();
            net.portUnreachable(p);
            return Verdict.drop(DropReason.NO_CONNECTION);
        }
        return net.input(p);
    }

    /**
     * The service of a packet: by its firewall mark, else by where it goes. As in the kernel none for what comes from the port
     * of FTP's data, and none under {@code backup_only}.
     */
    @Nullable
    Service service(Packet p) {
        if (Tcp.sourcePort(p.l4) == Service.FTP_DATA || pipeline.services.backupOnly) {
            return null;
        }
        int port = Tcp.destinationPort(p.l4);
        if (!pipeline.services.marks.isEmpty()) {
            Service marked = marked(p, port);
            if (marked != null) {
                return marked;
            }
        }
        return p.ipv6
                ? pipeline.services.find6(p.protocol, Ipv6.destinationHigh(p.l3), Ipv6.destinationLow(p.l3), port)
                : pipeline.services.find4(p.protocol, Ipv4.destination(p.l3), port);
    }

    private @Nullable Service marked(Packet p, int port) {
        String iface = net.config().iface(p.iface).name();
        MarkTable marks = pipeline.services.marks;
        int mark = p.ipv6
                ? marks.find6(p.protocol, Ipv6.destinationHigh(p.l3), Ipv6.destinationLow(p.l3), port, iface)
                : marks.find4(p.protocol, Ipv4.destination(p.l3), port, iface);
        return pipeline.services.marked(mark, p.ipv6);
    }

    /** Translates an ICMP error about a known connection; 0 when it is about none. */
    private int translate(Packet p) {
        int quoted = IcmpTranslation.quotedHeader(p);
        if (quoted < 0) {
            return balancedKind(localKind(p)) ? Verdict.drop(DropReason.ICMP_QUOTE) : 0;
        }
        int ports = IcmpTranslation.reversedPorts(p, quoted);
        int protocol = IcmpTranslation.quotedProtocol(p);
        int reference = lookUpQuoted(p, ports, protocol);
        if (reference == NONE) {
            int other = elsewhere(p, ports, protocol);
            return other != 0 || !pipeline.sysctls.scheduleIcmp ? other : schedule(p, quoted, ports, protocol);
        }
        return translateKnown(p, quoted, reference);
    }

    private int translateKnown(Packet p, int quoted, int reference) {
        int ttl = p.ipv6 ? Ipv6.hopLimit(p.l3) : Ipv4.ttl(p.l3);
        if (ttl <= 1) {
            return Verdict.drop(DropReason.TTL_EXCEEDED);
        }
        boolean good = IcmpTranslation.checksumValid(p);
        return good ? translate(p, quoted, reference) : Verdict.drop(DropReason.BAD_TRANSPORT_CHECKSUM);
    }

    private int translate(Packet p, int quoted, int reference) {
        ConnectionTable table = pipeline.table(p.ipv6);
        int entry = ConnectionTable.entry(reference);
        long hot = table.hot(entry);
        int side = ConnectionTable.side(reference);
        if (isStranded(p, hot, reference)) {
            return pipeline.services.backupOnly ? passBy(p) : Verdict.drop(DropReason.DESTINATION_GONE);
        }
        int nextHop = pipeline.nextHop(table, entry, hot, side);
        if (nextHop < 0) {
            return noRoute(nextHop);
        }
        boolean wrapped = Connection.isTunnel(Connection.flags(hot));
        if (!wrapped && p.l3Length > Adjacency.mtu(net.line(nextHop))) {
            return Verdict.drop(DropReason.TOO_BIG);
        }
        if (p.ipv6) {
            IcmpTranslation.translate6(p, hot, table.cold(entry), table.addresses6(entry), side);
        } else {
            IcmpTranslation.translate4(p, quoted, hot, table.cold(entry), side);
        }
        pipeline.counters.count(Connection.destination(hot), side, p.l3Length);
        return wrapped ? tunnels.sendError(p, table, entry, nextHop) : net.output(p, nextHop);
    }

    /** {@code schedule_icmp}; 0 when the error is for no service, or for one that no error opens connections to. */
    private int schedule(Packet p, int quoted, int ports, int protocol) {
        Service service = quotedService(p.ipv6, protocol, p.l4 + Icmpv6.SIZE, ports);
        int opened = service == null ? IcmpScheduler.NOT_FOR : scheduler.open(p, quoted, service, protocol);
        if (service == null || opened != 0) {
            return opened == IcmpScheduler.NOT_FOR ? 0 : opened;
        }
        return translateOpened(p, quoted, service, protocol);
    }

    private int translateOpened(Packet p, int quoted, Service service, int protocol) {
        int entry = connector.opened();
        int verdict = translateKnown(p, quoted, entry);
        if (service.onePacket && protocol == Ipv4.PROTOCOL_UDP) {
            connector.closeOnce(pipeline.table(p.ipv6), entry);
        }
        return verdict;
    }

    /** An ICMP error that has waited for its client's persistence template: see {@link #resume}. */
    private int resumeError(Packet p, int destination, int template) {
        int quoted = IcmpTranslation.quotedHeader(p);
        int ports = IcmpTranslation.reversedPorts(p, quoted);
        int protocol = IcmpTranslation.quotedProtocol(p);
        int reference = lookUpQuoted(p, ports, protocol);
        if (reference != NONE) {
            return translateKnown(p, quoted, reference);
        }
        Service service = quotedService(p.ipv6, protocol, p.l4 + Icmpv6.SIZE, ports);
        Destination server = destination < 0 ? null : pipeline.services.destination(destination);
        if (service == null || !service.persistent) {
            return net.input(p);
        }
        if (server == null) {
            boolean full = destination == Persistence.FULL;
            return Verdict.drop(full ? DropReason.TABLE_FULL : DropReason.NO_DESTINATION);
        }
        int opened = scheduler.resume(p, quoted, service, protocol, server, template);
        return opened != 0 ? opened : translateOpened(p, quoted, service, protocol);
    }

    /** An error about a connection that this worker does not know: another may; 0 when none does. */
    private int elsewhere(Packet p, int ports, int protocol) {
        if (handed || ownership.workers() == 1) {
            int holder = quotedHolder(p, ports, protocol);
            return holder == Aliases.NONE ? 0 : Verdict.handoff(holder);
        }
        long quote = p.l4 + Icmpv6.SIZE;
        Service service = quotedService(p.ipv6, protocol, quote, ports);
        int owner = ownership.ownerOfQuoted(p.ipv6, quote, ports, service, net.config());
        if (owner != ownership.self()) {
            return Verdict.handoff(owner);
        }
        int holder = quotedHolder(p, ports, protocol);
        return holder == Aliases.NONE ? 0 : Verdict.handoff(holder);
    }

    /** The service that a quoted reply came from, as far as its addresses tell: which port its client's came in by is gone. */
    private @Nullable Service quotedService(boolean ipv6, int protocol, long quote, int ports) {
        ServiceTable services = pipeline.services;
        int port = Tcp.pairDestination(ports);
        if (Tcp.pairSource(ports) == Service.FTP_DATA || services.backupOnly) {
            return null;
        }
        int mark = ipv6
                ? services.marks.find6(protocol, Ipv6.sourceHigh(quote), Ipv6.sourceLow(quote), port, null)
                : services.marks.find4(protocol, Ipv4.source(quote), port, null);
        Service marked = services.marked(mark, ipv6);
        if (marked != null) {
            return marked;
        }
        return ipv6
                ? services.find6(protocol, Ipv6.sourceHigh(quote), Ipv6.sourceLow(quote), port)
                : services.find4(protocol, Ipv4.source(quote), port);
    }

    private int quotedHolder(Packet p, int ports, int protocol) {
        Aliases aliases = pipeline.sync().aliases();
        if (!p.ipv6) {
            return aliases.worker4(IcmpTranslation.reversedAddresses4(p), ports, protocol);
        }
        long quote = p.l4 + Icmpv6.SIZE;
        long clientHigh = Ipv6.destinationHigh(quote);
        long clientLow = Ipv6.destinationLow(quote);
        long virtualHigh = Ipv6.sourceHigh(quote);
        long virtualLow = Ipv6.sourceLow(quote);
        return aliases.worker6(clientHigh, clientLow, virtualHigh, virtualLow, ports, protocol);
    }

    /** The connection of a packet the other way than the one that an ICMP error quotes, or {@link ConnectionTable#NONE}. */
    private int lookUpQuoted(Packet p, int ports, int protocol) {
        if (!p.ipv6) {
            return pipeline.table4.find4(IcmpTranslation.reversedAddresses4(p), ports, protocol);
        }
        long quote = p.l4 + Icmpv6.SIZE;
        long sourceHigh = Ipv6.destinationHigh(quote);
        long sourceLow = Ipv6.destinationLow(quote);
        long destinationHigh = Ipv6.sourceHigh(quote);
        long destinationLow = Ipv6.sourceLow(quote);
        return pipeline.table6.find6(sourceHigh, sourceLow, destinationHigh, destinationLow, ports, protocol);
    }

    private static int noRoute(int nextHop) {
        return Verdict.drop(nextHop == Net.TABLE_FULL ? DropReason.NEIGHBOUR_TABLE_FULL : DropReason.NO_ROUTE);
    }

    /** One packet of a burst that is done with, if it was forwarded the short way: see {@link AckStorms}. */
    void sample(long row, int summary) {
        int reference = Burst.reference(row);
        int kind = Burst.kind(summary);
        if (reference == NONE || kind == Burst.SLOW || pipeline.sysctls.ackStorm == 0) {
            return;
        }
        ConnectionTable table = pipeline.table(kind == Burst.FAST6);
        boolean forwarded = Verdict.kind(Burst.verdict(row)) == Verdict.TRANSMIT;
        if (forwarded
                && Burst.protocol(summary) == Ipv4.PROTOCOL_TCP
                && table.isUsed(ConnectionTable.entry(reference))) {
            proxy.handshakes().storms().sample(table, reference, Burst.l3(row), Burst.length(summary));
        }
    }

    /** A packet of a known connection that {@link Pipeline} has counted with it, but cannot send the short way. */
    int forwardSlow(long row, int summary, int reference) {
        fill(row, summary);
        return forwardSlow(packet, pipeline.table(packet.ipv6), reference);
    }

    /** A packet of a known connection that did not come the short way: what {@link Pipeline} does, one at a time. */
    int known(Packet p, int reference) {
        ConnectionTable table = pipeline.table(p.ipv6);
        int entry = ConnectionTable.entry(reference);
        int side = ConnectionTable.side(reference);
        long hot = table.hot(entry);
        if (isStranded(p, hot, reference)) {
            return gone(p, reference);
        }
        if (p.protocol == Ipv4.PROTOCOL_TCP) {
            int flags = Tcp.flags(p.l4);
            TcpTracker tracker = pipeline.tracker(p.ipv6);
            if (tracker.segment(reference, hot, Connection.summary(hot), flags, pipeline.now)) {
                return reused(p, reference);
            }
        }
        Pipeline.seen(hot, side, pipeline.now);
        return forwardSlow(p, table, reference);
    }

    /** As the kernel does: towards the server the TTL has gone down before the MTU is looked at, and the quote shows it. */
    private void tooBig(Packet p, int side, int mtu) {
        if (side == Connection.CLIENT_SIDE) {
            p.countDown();
        }
        net.tooBig(p, mtu);
    }

    private int forwardSlow(Packet p, ConnectionTable table, int reference) {
        int entry = ConnectionTable.entry(reference);
        int side = ConnectionTable.side(reference);
        if ((Connection.flags(table.hot(entry)) & Connection.SYN_PROXY) != 0) {
            int proxied = proxy.handshakes().step(p, table, entry, side);
            if (proxied != 0) {
                return proxied;
            }
        }
        return sendOn(p, table, reference);
    }

    /** Rewrites a packet of a connection and sends it on, whatever hinders it. */
    int sendOn(Packet p, ConnectionTable table, int reference) {
        int entry = ConnectionTable.entry(reference);
        int side = ConnectionTable.side(reference);
        long hot = table.hot(entry);
        if (side == Connection.CLIENT_SIDE) {
            // The kernel counts what comes for a server whatever becomes of it, and of its answers those that go on.
            pipeline.counters.count(Connection.destination(hot), side, p.l3Length);
        }
        int ttl = p.ipv6 ? Ipv6.hopLimit(p.l3) : Ipv4.ttl(p.l3);
        if (ttl <= 1) {
            net.timeExceeded(p);
            return Verdict.drop(DropReason.TTL_EXCEEDED);
        }
        int nextHop = pipeline.nextHop(table, entry, hot, side);
        if (nextHop < 0) {
            net.noRoute(p);
            return noRoute(nextHop);
        }
        if (Connection.isTunnel(Connection.flags(hot))) {
            return tunnels.send(p, table, entry, nextHop);
        }
        int mtu = Adjacency.mtu(net.line(nextHop));
        if (p.l3Length > mtu && (p.ipv6 || Ipv4.dontFragment(p.l3))) {
            tooBig(p, side, mtu);
            return Verdict.drop(DropReason.TOO_BIG);
        }
        // The proxy sets the flag for its own ends, too.
        int ownEnds = Connection.PENDING | Connection.WATCHED | Connection.STORM;
        boolean toa = (Connection.proxy(hot) & ownEnds) == 0;
        if (toa
                && (Connection.flags(hot) & Connection.TOA_PENDING) != 0
                && p.protocol == Ipv4.PROTOCOL_TCP
                && !p.fragment) {
            connector.toa(p, table, entry, side, mtu);
        }
        if (side == Connection.SERVER_SIDE) {
            if (p.protocol == Ipv4.PROTOCOL_UDP) {
                answered(table, entry);
            }
            pipeline.counters.count(Connection.destination(hot), side, p.l3Length);
        }
        rewrite(p, reference, hot);
        return net.output(p, nextHop);
    }

    /** A server's first answer comes this way always, since no way to the client is known before it. */
    private void answered(ConnectionTable table, int entry) {
        Connection.setState(table.hot(entry), 0); // no longer one that an error opened
        int template = Connection.template(table.cold(entry));
        if (template != 0) {
            connector.persistence().assure(table.ipv6(), template);
        }
    }

    /** A packet of a known association. */
    int forwardSctp(Packet p, int reference) {
        int entry = ConnectionTable.entry(reference);
        int side = ConnectionTable.side(reference);
        ConnectionTable table = pipeline.table(p.ipv6);
        long hot = table.hot(entry);
        if (isStranded(p, hot, reference)) {
            return gone(p, reference);
        }
        // A new checksum over a broken packet would hide that it is broken.
        if (Connection.rewritePorts(hot, side) != Sctp.ports(p.l4) && !Sctp.verifyChecksum(p.l4, p.l4Length)) {
            return Verdict.drop(DropReason.BAD_TRANSPORT_CHECKSUM);
        }
        if (connector.sctp().step(p, table, entry, side)) {
            connector.release(p.ipv6, entry);
            return miss(p);
        }
        Pipeline.seen(hot, side, pipeline.now);
        return forwardSlow(p, table, reference);
    }

    /** The CRC knows no addresses, and is computed anew only if ports change. */
    private void rewriteSctp(Packet p, int reference, long hot) {
        int side = ConnectionTable.side(reference);
        if (p.ipv6) {
            pipeline.rewriteNetwork6(p.l3, ConnectionTable.entry(reference), side);
        } else {
            Pipeline.rewriteNetwork4(p.l3, hot, side);
        }
        int ports = Connection.rewritePorts(hot, side);
        if (ports != Sctp.ports(p.l4)) {
            Sctp.setPorts(p.l4, ports);
            Sctp.updateChecksum(p.l4, p.l4Length);
        }
    }

    private void rewrite(Packet p, int reference, long hot) {
        if (p.protocol == Ipv4.PROTOCOL_SCTP) {
            rewriteSctp(p, reference, hot);
            return;
        }
        int fields = Connection.summary(hot);
        long rest = p.protocol == Ipv4.PROTOCOL_TCP && !p.laterFragment ? Tcp.rest(p.l4) : 0;
        if (p.fragment && !p.ipv6) {
            fragments.rewrite4(pipeline, p, rest, reference, hot);
        } else if (p.laterFragment) {
            // The identification, of 32 bits and the sender's choice, stays.
            pipeline.rewriteNetwork6(p.l3, ConnectionTable.entry(reference), ConnectionTable.side(reference));
        } else if (p.ipv6) {
            pipeline.rewrite6(p.l3, p.l4, rest, reference, hot, fields);
        } else {
            pipeline.rewrite4(p.l3, p.l4, rest, reference, hot, fields);
        }
    }

    /** A SYN that begins anew on an old connection's tuple: the old entry goes, the SYN opens a new one. */
    int reused(long row, int summary, int reference) {
        fill(row, summary);
        return reused(packet, reference);
    }

    private int reused(Packet p, int reference) {
        ConnectionTable table = pipeline.table(p.ipv6);
        int entry = ConnectionTable.entry(reference);
        long hot = table.hot(entry);
        if ((Connection.flags(hot) & Connection.SYN_PROXY) != 0) {
            int proxied = proxy.synOnEntry(p, table, entry);
            if (proxied != 0) {
                return proxied;
            }
            TcpTracker tracker = pipeline.tracker(p.ipv6);
            if (!tracker.reopens(entry, hot)) {
                return sendOn(p, table, reference);
            }
        }
        int old = Connection.destination(hot);
        connector.release(p.ipv6, entry);
        Destination stays = pipeline.sysctls.connReuseMode == 0 ? pipeline.services.destination(old) : null;
        if (stays != null && (stays.weight != 0 || !pipeline.sysctls.expireNodestConn)) {
            Service service = service(p);
            if (service != null && service.index == stays.service && !service.persistent && !proxy.concerns(service)) {
                return connector.connect(p, service, stays, 0);
            }
        }
        return miss(p);
    }

    /**
     * A packet of a connection whose server was removed: dropped, or the connection ends and the packet is a new one. As
     * in the kernel nobody looks at connections any more once the last service is gone.
     */
    int gone(long row, int summary, int reference) {
        fill(row, summary);
        return outlives(packet, reference) ? known(packet, reference) : gone(packet, reference);
    }

    /** Whether a packet of a connection is not forwarded because of where the connection leads. */
    private boolean isStranded(Packet p, long hot, int reference) {
        return !pipeline.services.forwards(Connection.destination(hot)) && !outlives(p, reference);
    }

    /**
     * What a removed server still sends reaches its clients, as in the kernel, while its connections are kept; what any server
     * sends does under {@code backup_only}.
     */
    private boolean outlives(Packet p, int reference) {
        ServiceTable services = pipeline.services;
        return ConnectionTable.side(reference) == Connection.SERVER_SIDE
                && (services.backupOnly || !pipeline.sysctls.expireNodestConn)
                && !services.standby
                && services.serves(p.ipv6);
    }

    /** What the director leaves to the host: with an address that only services have, too. */
    private int passBy(Packet p) {
        return localKind(p) == NetConfig.VIP ? net.pass(p) : net.input(p);
    }

    private int gone(Packet p, int reference) {
        if (pipeline.services.standby) {
            return Verdict.drop(DropReason.STANDBY);
        }
        if (pipeline.services.backupOnly) {
            return passBy(p);
        }
        if (!pipeline.services.serves(p.ipv6)) {
            return net.input(p);
        }
        if (!pipeline.sysctls.expireNodestConn) {
            return Verdict.drop(DropReason.DESTINATION_GONE);
        }
        connector.release(p.ipv6, ConnectionTable.entry(reference));
        if (ConnectionTable.side(reference) == Connection.SERVER_SIDE) {
            return Verdict.drop(DropReason.DESTINATION_GONE);
        }
        return miss(p);
    }

    /**
     * A packet that has waited for its persistence template goes on, unless its connection was opened meanwhile.
     *
     * @param destination index of the template's server, or what {@link Persistence#find} said
     * @param template link for the connection
     */
    int resume(long mbuf, int port, int destination, int template) {
        Packet p = packet;
        int parsed = Parser.slow(p, mbuf, port, net.config());
        if (parsed != 0 || !p.l4Valid) {
            return parsed != 0 ? parsed : Verdict.drop(DropReason.TRUNCATED);
        }
        if (pipeline.services.standby) {
            return Verdict.drop(DropReason.STANDBY);
        }
        pipeline.port = port;
        pipeline.arrival = p.iface;
        if (IcmpTranslation.isError(p)) {
            return resumeError(p, destination, template);
        }
        int reference = lookUp(p, Tcp.ports(p.l4));
        if (reference != NONE) {
            return connector.forward(p, reference);
        }
        Service service = service(p);
        if (service == null || !service.persistent) {
            return service == null ? net.input(p) : connector.open(p, service);
        }
        if (p.protocol == Ipv4.PROTOCOL_TCP && proxy.judges(p, service)) {
            return proxy.resume(p, service, destination, template);
        }
        if (destination < 0) {
            return connector.refuse(p, service, destination);
        }
        Destination server = pipeline.services.destination(destination);
        // The two workers' service tables may be of different age for a moment: then the question is asked again.
        return server == null ? connector.open(p, service) : connector.connect(p, service, server, template);
    }
}
