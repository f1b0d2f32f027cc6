package lvsd.dataplane;

import lvsd.dataplane.connection.Alias;
import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.connection.LocalPorts;
import lvsd.dataplane.connection.SctpStates;
import lvsd.dataplane.connection.TcpStates;
import lvsd.dataplane.connection.Template;
import lvsd.dataplane.connection.Timeouts;
import lvsd.dataplane.connection.TimerWheel;
import lvsd.dataplane.nat.TcpRewrite;
import lvsd.dataplane.net.Net;
import lvsd.dataplane.scheduler.DestinationCounts;
import lvsd.dataplane.scheduler.Flow;
import lvsd.dataplane.scheduler.Schedulers;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.LocalAddress;
import lvsd.dataplane.service.Service;
import lvsd.rules.ForwardingMethod;
import lvsd.wire.Checksum;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Tcp;
import lvsd.wire.TcpOptions;

/**
 * Makes connections, and ends them: chooses the server, the local address and port, fills the entry with everything that
 * its packets will need, and gives it all back. Owned by the worker.
 */
final class Connector {
    /** Local addresses tried for one connection before it is refused. */
    private static final int LOCAL_ADDRESS_TRIES = 16;

    /** How long a FULLNAT server's answer to a one-packet service's datagram is waited for. */
    private static final int ONE_PACKET_SECONDS = 10;

    /** Times a scheduler is asked again for another server than one that did not answer. */
    private static final int OTHER_TRIES = 16;

    private static final int TCP = Ipv4.PROTOCOL_TCP;
    private static final int FULLNAT = ForwardingMethod.FULLNAT.number();
    private static final int BYPASS = ForwardingMethod.BYPASS.number();

    private final Pipeline pipeline;
    private final Net net;
    private final Schedulers schedulers;
    private final LocalPorts ports;
    private final DestinationCounts counts;
    private final Flow flow = new Flow();
    private final Timeouts timeouts;
    private final InitialSequence sequences;
    /** The entry made last; {@link #opened}. */
    private int opened = ConnectionTable.NONE;

    private final Persistence persistence;
    private final SctpTracker sctp;
    private final MemoryDefence defence;
    /** Next local address of each service, by service index. */
    private final int[] cursor = new int[Service.MAXIMUM];

    private int local4;
    private long local6High;
    private long local6Low;
    private int localPort;
    /** Template link of the connection being opened. */
    private int link;
    /** Whether it is an ICMP error that opens it. */
    private boolean byError;
    /** Whether it is the SYN proxy. */
    private boolean proxied;

    Connector(Pipeline pipeline, WorkerParts parts) {
        this.pipeline = pipeline;
        this.net = parts.net();
        this.schedulers = parts.schedulers();
        this.ports = parts.ports();
        this.counts = parts.counts();
        this.timeouts = parts.timeouts();
        this.sequences = new InitialSequence(parts.seed0(), parts.seed1());
        this.persistence = new Persistence(pipeline, this, parts);
        this.sctp = new SctpTracker(pipeline, parts);
        this.defence = new MemoryDefence(pipeline, this, parts);
    }

    SctpTracker sctp() {
        return sctp;
    }

    /** Defences of memory. */
    MemoryDefence defence() {
        return defence;
    }

    Persistence persistence() {
        return persistence;
    }

    /** Sets the clock of schedulers and initial sequence numbers, nanoseconds. Once a cycle. */
    void clock(long nanos) {
        sequences.clock(nanos);
        flow.nanos = nanos;
        flow.lblcExpiration = pipeline.sysctls.lblcExpiration;
        flow.lblcrExpiration = pipeline.sysctls.lblcrExpiration;
    }

    /** Gives another's flow what is the same for all of this cycle. */
    void stamp(Flow other) {
        other.nanos = flow.nanos;
        other.lblcExpiration = flow.lblcExpiration;
        other.lblcrExpiration = flow.lblcrExpiration;
    }

    /** A valid TCP or UDP packet for {@code service} that belongs to no connection: opens one and forwards it. */
    int open(Packet p, Service service) {
        int source = net.sourceCheck(p);
        if (source != 0) {
            return source;
        }
        if (p.protocol == TCP && !opens(p.l4)) {
            return pipeline.sysctls.defenceTcpDrop ? Verdict.drop(DropReason.DEFENCE_TCP) : net.refuse(p);
        }
        if (p.protocol == Ipv4.PROTOCOL_SCTP && !sctp.opens(p)) {
            return net.refuse(p);
        }
        if (defence.drops(p.ipv6)) {
            return Verdict.drop(DropReason.DROP_PACKET);
        }
        if (service.persistent) {
            return persistence.open(p, service, flow(p));
        }
        int chosen = schedulers.pick(service, counts, flow(p));
        return chosen < 0 ? refuse(p, service, chosen) : connect(p, service, service.destinations[chosen], 0);
    }

    /**
     * Opens the connection that {@code p}, made up after what an ICMP error quotes, would belong to, but sends nothing: 0, or
     * verdict on the error. It waits for a packet of its own for {@code timeout_icmp}; that of a one-packet service is not in
     * the table and ends by {@link #closeOnce}. {@link #opened} tells the entry.
     */
    int openByError(Packet p, Service service) {
        int source = net.sourceCheck(p);
        if (source != 0) {
            return source;
        }
        if (defence.drops(p.ipv6)) {
            return Verdict.drop(DropReason.DROP_PACKET);
        }
        byError = true;
        int verdict = openQuietly(p, service);
        byError = false;
        return verdict;
    }

    /** As {@link #openByError} with the server of a persistence template. */
    int openByError(Packet p, Service service, Destination destination, int template) {
        byError = true;
        int verdict = connect(p, service, destination, template);
        byError = false;
        return verdict;
    }

    private int openQuietly(Packet p, Service service) {
        if (service.persistent) {
            return persistence.openByError(p, service, flow(p));
        }
        int chosen = schedulers.pick(service, counts, flow(p));
        return chosen < 0
                ? Verdict.drop(DropReason.NO_DESTINATION)
                : connect(p, service, service.destinations[chosen], 0);
    }

    /**
     * No server: the client is told, or its packet goes on as if there were no service ({@code cache_bypass}; ports of FTP's
     * data connections). No template: the client is not told.
     */
    int refuse(Packet p, Service service, int why) {
        if (why == Persistence.FULL) {
            return Verdict.drop(DropReason.TABLE_FULL);
        }
        if (pipeline.sysctls.cacheBypass && service.mark != 0 && net.isElsewhere(p)) {
            return bypass(p, service);
        }
        if (service.port == Service.FTP && Tcp.destinationPort(p.l4) != Service.FTP) {
            return net.input(p);
        }
        net.portUnreachable(p);
        return Verdict.drop(DropReason.NO_DESTINATION);
    }

    /**
     * {@code cache_bypass}: a packet, and all that its client sends it after, goes where it is addressed to. That is a
     * connection too, as long as one with a server would be, so that it stays so when there are servers again.
     */
    private int bypass(Packet p, Service service) {
        ConnectionTable table = pipeline.table(p.ipv6);
        int entry = table.allocate();
        if (entry == ConnectionTable.NONE) {
            return Verdict.drop(DropReason.TABLE_FULL);
        }
        long hot = table.hot(entry);
        boolean once = service.onePacket && p.protocol == Ipv4.PROTOCOL_UDP;
        Connection.setPorts(hot, Connection.CLIENT_SIDE, Tcp.ports(p.l4));
        Connection.setProtocol(hot, p.protocol);
        Connection.setDestination(hot, Destination.NOWHERE);
        Connection.setFlags(hot, BYPASS | Connection.INACTIVE | (once ? Connection.ONE_PACKET : 0));
        if (p.ipv6) {
            long high = Ipv6.destinationHigh(p.l3);
            Connection.setDirectServer6(table.cold(entry), high, Ipv6.destinationLow(p.l3));
        } else {
            Connection.setDirectServer4(table.cold(entry), Ipv4.destination(p.l3));
        }
        fillStraight(p, table, entry);
        setDeltas(table, entry);
        if (once) {
            int verdict = forward(p, entry);
            table.remove(entry);
            return verdict;
        }
        if (table.insertClient(entry) != ConnectionTable.INSERTED) {
            table.remove(entry);
            return Verdict.drop(DropReason.TABLE_FULL);
        }
        pipeline.timers(p.ipv6).arm(entry, pipeline.now + timeout(table, entry));
        return forward(p, entry);
    }

    /**
     * Opens a connection to {@code destination} and forwards its first packet.
     *
     * @param template link to the persistence template that it hangs on (see {@link Persistence#control}); 0: none
     */
    int connect(Packet p, Service service, Destination destination, int template) {
        link = template;
        if (destination.ipv6 != p.ipv6 && destination.method != ForwardingMethod.TUNNEL.number()) {
            return Verdict.drop(DropReason.METHOD_NOT_AVAILABLE);
        }
        boolean once = service.onePacket && p.protocol == Ipv4.PROTOCOL_UDP;
        if (once && template > 0) {
            long hot = pipeline.table(p.ipv6).hot(template - 1);
            Connection.setPackets(hot, Connection.packets(hot) + 1); // what drop_entry goes by
        }
        if (destination.method == FULLNAT) {
            if (once && byError) {
                return Verdict.drop(DropReason.NO_CONNECTION); // the server has never heard of a local port
            }
            return openFullnat(p, service, destination, once);
        }
        return once ? once(p, service, destination) : openNat(p, service, destination);
    }

    /**
     * One-packet scheduling with NAT: an entry that never enters the table takes the datagram through. What the server
     * answers is known by where it comes from: {@link #replyOnce}.
     */
    private int once(Packet p, Service service, Destination destination) {
        localIsClient(p);
        ConnectionTable table = pipeline.table(p.ipv6);
        int entry = table.allocate();
        if (entry == ConnectionTable.NONE) {
            return Verdict.drop(DropReason.TABLE_FULL);
        }
        fill(p, table, entry, service, destination);
        long hot = table.hot(entry);
        Connection.setFlags(hot, Connection.flags(hot) | Connection.ONE_PACKET);
        counts.opened(destination);
        if (byError) {
            opened = entry;
            return 0;
        }
        int verdict = forward(p, entry);
        closeOnce(table, entry);
        return verdict;
    }

    /** The one packet of such an entry has gone. */
    void closeOnce(ConnectionTable table, int entry) {
        int index = Connection.destination(table.hot(entry));
        counts.closed(index, pipeline.services.destination(index), false);
        table.remove(entry);
    }

    /** A datagram of a server of a one-packet service: goes to the client as the service's. */
    int replyOnce(Packet p, Destination sender) {
        Service service = pipeline.services.service(sender.service);
        ConnectionTable table = pipeline.table(p.ipv6);
        int source = net.sourceCheck(p);
        if (source != 0 || service == null) {
            return source != 0 ? source : Verdict.drop(DropReason.DESTINATION_GONE);
        }
        int entry = table.allocate();
        if (entry == ConnectionTable.NONE) {
            return Verdict.drop(DropReason.TABLE_FULL);
        }
        fillFromServer(p, table, entry, service, sender);
        long hot = table.hot(entry);
        Connection.setFlags(hot, Connection.flags(hot) | Connection.ONE_PACKET);
        int verdict = forward(p, entry | Integer.MIN_VALUE);
        table.remove(entry);
        return verdict;
    }

    /**
     * A datagram that a server of a service that goes by Call-IDs sends of its own: opens a connection from the client that
     * it goes to, whatever the server's weight, with the call's template. 0 when it is none for that.
     */
    int openFromServer(Packet p, Destination sender) {
        Service service = pipeline.services.service(sender.service);
        if (service == null || !service.byCall || p.protocol != Ipv4.PROTOCOL_UDP) {
            return 0;
        }
        int source = net.sourceCheck(p);
        if (source != 0) {
            return source;
        }
        int template = persistence.outgoing(p, service, sender, flowFromServer(p, service));
        if (template < 0) {
            return template == Persistence.NO_CALL_ID ? 0 : Verdict.drop(DropReason.TABLE_FULL);
        }
        ConnectionTable table = pipeline.table(p.ipv6);
        int entry = table.allocate();
        if (entry == ConnectionTable.NONE) {
            return Verdict.drop(DropReason.TABLE_FULL);
        }
        link = template;
        fillFromServer(p, table, entry, service, sender);
        return insertAndForward(p, table, entry, sender, Connection.SERVER_SIDE);
    }

    private Flow flowFromServer(Packet p, Service service) {
        flow.clientPort = Tcp.destinationPort(p.l4);
        flow.virtualPort = service.port != 0 ? service.port : Tcp.sourcePort(p.l4);
        flow.clientHigh = p.ipv6 ? Ipv6.destinationHigh(p.l3) : 0;
        flow.clientLow = p.ipv6 ? Ipv6.destinationLow(p.l3) : Integer.toUnsignedLong(Ipv4.destination(p.l3));
        flow.virtualHigh = service.address6High;
        flow.virtualLow = p.ipv6 ? service.address6Low : Integer.toUnsignedLong(service.address4);
        return flow;
    }

    /** Fills an entry from what a server sends to a client, with the service's address and port for the client. */
    private static void fillFromServer(
            Packet p, ConnectionTable table, int entry, Service service, Destination sender) {
        long hot = table.hot(entry);
        int server = Connection.SERVER_SIDE;
        int port = service.port != 0 ? service.port : Tcp.sourcePort(p.l4);
        Connection.setPorts(hot, server, Tcp.ports(p.l4));
        Connection.setPorts(hot, Connection.CLIENT_SIDE, Tcp.portPair(Tcp.destinationPort(p.l4), port));
        Connection.setProtocol(hot, p.protocol);
        Connection.setDestination(hot, sender.index);
        Connection.setFlags(hot, sender.method | Connection.INACTIVE);
        if (p.ipv6) {
            long at = table.addresses6(entry);
            Connection.setSource6(at, server, Ipv6.sourceHigh(p.l3), Ipv6.sourceLow(p.l3));
            Connection.setDestination6(at, server, Ipv6.destinationHigh(p.l3), Ipv6.destinationLow(p.l3));
            Connection.setSource6(at, Connection.CLIENT_SIDE, Ipv6.destinationHigh(p.l3), Ipv6.destinationLow(p.l3));
            Connection.setDestination6(at, Connection.CLIENT_SIDE, service.address6High, service.address6Low);
        } else {
            Connection.setAddresses(hot, server, Ipv4.addresses(p.l3));
            Connection.setAddresses(hot, Connection.CLIENT_SIDE, Ipv4.pair(Ipv4.destination(p.l3), service.address4));
        }
        setDeltas(table, entry);
    }

    /** Takes a packet of a known connection on its way. */
    int forward(Packet p, int reference) {
        if (p.protocol == Ipv4.PROTOCOL_SCTP) {
            return pipeline.misses().forwardSctp(p, reference);
        }
        return p.fragment
                ? pipeline.misses().firstFragment(p, reference)
                : pipeline.misses().known(p, reference);
    }

    /**
     * Opens a connection for a SYN of the SYN proxy's own, at another server than the one with index {@code avoided} where
     * there is one; {@link #opened} tells the entry. State, timer and the SYN itself are the proxy's affair. 0, or the drop
     * verdict.
     */
    int openProxied(Packet p, Service service, int avoided) {
        int chosen = schedulers.pick(service, counts, flow(p));
        for (int tries = 0; chosen >= 0 && tries < OTHER_TRIES; tries++) {
            if (service.destinations[chosen].index != avoided) {
                break;
            }
            chosen = schedulers.pick(service, counts, flow(p));
        }
        return chosen < 0
                ? Verdict.drop(DropReason.NO_DESTINATION)
                : openProxied(p, service, service.destinations[chosen], 0);
    }

    /** The entry that {@link #openProxied} or {@link #openByError} has made. */
    int opened() {
        return opened;
    }

    /**
     * As {@link #openProxied}, at the server of a persistence template.
     *
     * @param template link to it
     */
    int openProxied(Packet p, Service service, Destination destination, int template) {
        proxied = true;
        int verdict = connect(p, service, destination, template);
        proxied = false;
        return verdict;
    }

    /** What schedulers and persistence go by. */
    Flow flow(Packet p) {
        flow.clientPort = Tcp.sourcePort(p.l4);
        flow.virtualPort = Tcp.destinationPort(p.l4);
        flow.clientHigh = p.ipv6 ? Ipv6.sourceHigh(p.l3) : 0;
        flow.clientLow = p.ipv6 ? Ipv6.sourceLow(p.l3) : Integer.toUnsignedLong(Ipv4.source(p.l3));
        flow.virtualHigh = p.ipv6 ? Ipv6.destinationHigh(p.l3) : 0;
        flow.virtualLow = p.ipv6 ? Ipv6.destinationLow(p.l3) : Integer.toUnsignedLong(Ipv4.destination(p.l3));
        return flow;
    }

    /** Whether a segment opens a connection: any SYN, as in the kernel; with {@code sloppy_tcp} all but resets will do. */
    private boolean opens(long l4) {
        int flags = Tcp.flags(l4);
        return (flags & Tcp.RST) == 0 && (pipeline.sysctls.sloppyTcp || (flags & Tcp.SYN) != 0);
    }

    private void localIsClient(Packet p) {
        if (p.ipv6) {
            local6High = Ipv6.sourceHigh(p.l3);
            local6Low = Ipv6.sourceLow(p.l3);
        } else {
            local4 = Ipv4.source(p.l3);
        }
        localPort = Tcp.sourcePort(p.l4);
    }

    private int openNat(Packet p, Service service, Destination destination) {
        localIsClient(p);
        ConnectionTable table = pipeline.table(p.ipv6);
        int entry = table.allocate();
        if (entry == ConnectionTable.NONE) {
            return Verdict.drop(DropReason.TABLE_FULL);
        }
        fill(p, table, entry, service, destination);
        return insertAndForward(p, table, entry, destination, Connection.CLIENT_SIDE);
    }

    /** With one-packet scheduling the reply comes to a local port, too, which is kept for it for a while. */
    private int openFullnat(Packet p, Service service, Destination destination, boolean once) {
        ConnectionTable table = pipeline.table(p.ipv6);
        int entry = table.allocate();
        if (entry == ConnectionTable.NONE) {
            return Verdict.drop(DropReason.TABLE_FULL);
        }
        int reason = acquire(p, service, destination);
        if (reason != 0) {
            table.remove(entry);
            return reason;
        }
        fill(p, table, entry, service, destination);
        if (once) {
            long hot = table.hot(entry);
            Connection.setFlags(hot, Connection.flags(hot) | Connection.ONE_PACKET);
            Connection.setOwnTimeout(table.cold(entry), Timeouts.ticks(ONE_PACKET_SECONDS));
        }
        return insertAndForward(p, table, entry, destination, Connection.CLIENT_SIDE);
    }

    /** Chooses local address and port; 0, or the drop verdict. */
    private int acquire(Packet p, Service service, Destination destination) {
        LocalAddress[] candidates = service.localAddresses;
        int start = cursor[service.index]++;
        int tries = Math.min(candidates.length, LOCAL_ADDRESS_TRIES);
        boolean any = false;
        for (int i = 0; i < tries; i++) {
            LocalAddress candidate = candidates[Integer.remainderUnsigned(start + i, candidates.length)];
            if (candidate.ipv6 != p.ipv6) {
                continue;
            }
            any = true;
            int port = p.ipv6
                    ? acquire6(p, candidate, service, destination)
                    : acquire4(p, candidate, service, destination);
            if (port != LocalPorts.NONE) {
                localPort = port;
                return 0;
            }
        }
        return Verdict.drop(any ? DropReason.LOCAL_PORTS_EXHAUSTED : DropReason.NO_LOCAL_ADDRESS);
    }

    private int acquire4(Packet p, LocalAddress candidate, Service service, Destination destination) {
        local4 = candidate.address4;
        long addresses = Ipv4.pair(destination.address4, local4);
        int serverPort = serverPort(destination, service, Tcp.destinationPort(p.l4));
        int port = ports.acquire4(candidate.index, addresses, serverPort, p.protocol);
        if (ports.upcoming() != LocalPorts.NONE) {
            pipeline.table4.fetchLater4(addresses, Tcp.portPair(serverPort, ports.upcoming()), p.protocol);
        }
        return port;
    }

    private int acquire6(Packet p, LocalAddress candidate, Service service, Destination destination) {
        local6High = candidate.address6High;
        local6Low = candidate.address6Low;
        return ports.acquire6(
                candidate.index,
                destination.address6High,
                destination.address6Low,
                local6High,
                local6Low,
                serverPort(destination, service, Tcp.destinationPort(p.l4)),
                p.protocol);
    }

    /**
     * The server's port in wire form: its own, or with port 0 the one the client asked for; that also where persistence
     * holds several ports of a service together.
     */
    private static int serverPort(Destination destination, Service service, int asked) {
        boolean together = service.persistent && service.port != asked;
        return destination.port != 0 && !together ? destination.port : asked;
    }

    /** Fills the entry's tuples, deltas and what TCP needs; nothing is in the index yet. */
    private void fill(Packet p, ConnectionTable table, int entry, Service service, Destination destination) {
        if (p.ipv6 || destination.isDirect()) {
            fillAny(p, table, entry, service, destination);
        } else {
            fill4(p, table, entry, service, destination);
        }
        if (service.connectionTimeout != 0) {
            Connection.setOwnTimeout(table.cold(entry), Timeouts.ticks(service.connectionTimeout));
        }
        if (p.protocol == TCP && destination.method == FULLNAT && (Tcp.flags(p.l4) & Tcp.SYN) != 0) {
            int server = p.ipv6 ? Long.hashCode(destination.address6Low) : destination.address4;
            fillTcp(p, table.hot(entry), table.cold(entry), service, server);
        }
    }

    /**
     * IPv4 with NAT or FULLNAT: a store for each eight bytes, since an access through a segment is some 600 nodes of the
     * compilation.
     */
    private void fill4(Packet p, ConnectionTable table, int entry, Service service, Destination destination) {
        long hot = table.hot(entry);
        long client = Ipv4.addresses(p.l3);
        long server = Ipv4.pair(destination.address4, local4);
        int clientPorts = Tcp.ports(p.l4);
        int serverPorts = Tcp.portPair(serverPort(destination, service, Tcp.pairDestination(clientPorts)), localPort);
        table.fetchServer4(server, serverPorts, p.protocol);
        int addresses = Checksum.deltaLong(client, server);
        int transport = Checksum.add(addresses, Checksum.deltaInt(clientPorts, serverPorts));
        Connection.setTuples4(hot, client, server, clientPorts, serverPorts);
        Connection.setSummary(hot, destination.method | Connection.INACTIVE, p.protocol);
        Connection.setBinding(hot, destination.index, addresses, transport);
    }

    private void fillAny(Packet p, ConnectionTable table, int entry, Service service, Destination destination) {
        long hot = table.hot(entry);
        int clientPorts = Tcp.ports(p.l4);
        int serverPorts = Tcp.portPair(serverPort(destination, service, Tcp.pairDestination(clientPorts)), localPort);
        Connection.setPorts(hot, Connection.CLIENT_SIDE, clientPorts);
        Connection.setPorts(hot, Connection.SERVER_SIDE, serverPorts);
        Connection.setProtocol(hot, p.protocol);
        Connection.setDestination(hot, destination.index);
        Connection.setFlags(hot, destination.method | Connection.INACTIVE);
        if (destination.isDirect()) {
            fillDirect(p, table, entry, destination);
        } else {
            fillAddresses6(p, table.addresses6(entry), destination);
        }
        setDeltas(table, entry);
    }

    /**
     * Direct routing and tunnels: packets keep the addresses and ports they came with, and go to the server's next hop.
     * Those that are wrapped go the long way.
     */
    private static void fillDirect(Packet p, ConnectionTable table, int entry, Destination destination) {
        long hot = table.hot(entry);
        int wrapped = Connection.isTunnel(destination.method) ? Connection.TOA_PENDING : 0;
        Connection.setFlags(hot, Connection.flags(hot) | wrapped);
        long cold = table.cold(entry);
        if (destination.ipv6) {
            Connection.setDirectServer6(cold, destination.address6High, destination.address6Low);
        } else {
            Connection.setDirectServer4(cold, destination.address4);
        }
        fillStraight(p, table, entry);
    }

    /** Both sides' tuples where addresses and ports stay as they are, and answers go another way. */
    private static void fillStraight(Packet p, ConnectionTable table, int entry) {
        long hot = table.hot(entry);
        Connection.setFlags(hot, Connection.flags(hot) | Connection.NO_OUTPUT);
        Connection.setPorts(hot, Connection.SERVER_SIDE, Integer.rotateLeft(Tcp.ports(p.l4), 16));
        if (!p.ipv6) {
            long addresses = Ipv4.addresses(p.l3);
            Connection.setAddresses(hot, Connection.CLIENT_SIDE, addresses);
            Connection.setAddresses(hot, Connection.SERVER_SIDE, Long.rotateLeft(addresses, 32));
            return;
        }
        long at = table.addresses6(entry);
        int client = Connection.CLIENT_SIDE;
        int server = Connection.SERVER_SIDE;
        Connection.setSource6(at, client, Ipv6.sourceHigh(p.l3), Ipv6.sourceLow(p.l3));
        Connection.setDestination6(at, client, Ipv6.destinationHigh(p.l3), Ipv6.destinationLow(p.l3));
        Connection.setSource6(at, server, Ipv6.destinationHigh(p.l3), Ipv6.destinationLow(p.l3));
        Connection.setDestination6(at, server, Ipv6.sourceHigh(p.l3), Ipv6.sourceLow(p.l3));
    }

    private void fillAddresses6(Packet p, long addresses, Destination destination) {
        int client = Connection.CLIENT_SIDE;
        int server = Connection.SERVER_SIDE;
        Connection.setSource6(addresses, client, Ipv6.sourceHigh(p.l3), Ipv6.sourceLow(p.l3));
        Connection.setDestination6(addresses, client, Ipv6.destinationHigh(p.l3), Ipv6.destinationLow(p.l3));
        Connection.setSource6(addresses, server, destination.address6High, destination.address6Low);
        Connection.setDestination6(addresses, server, local6High, local6Low);
    }

    /** Computes both directions' checksum deltas from the entry's tuples. */
    static void setDeltas(ConnectionTable table, int entry) {
        long hot = table.hot(entry);
        int addresses = table.ipv6() ? addressDelta6(table.addresses6(entry)) : addressDelta4(hot);
        int clientPorts = Connection.ports(hot, Connection.CLIENT_SIDE);
        int serverPorts = Connection.ports(hot, Connection.SERVER_SIDE);
        int toServer = Checksum.add(addresses, Checksum.deltaInt(clientPorts, serverPorts));
        Connection.setDeltas(hot, addresses, toServer);
    }

    private static int addressDelta4(long hot) {
        return Checksum.deltaLong(
                Connection.addresses(hot, Connection.CLIENT_SIDE), Connection.addresses(hot, Connection.SERVER_SIDE));
    }

    private static int addressDelta6(long at) {
        int client = Connection.CLIENT_SIDE;
        int server = Connection.SERVER_SIDE;
        int delta = Checksum.deltaLong(Connection.sourceHigh(at, client), Connection.sourceHigh(at, server));
        delta = Checksum.add(
                delta, Checksum.deltaLong(Connection.sourceLow(at, client), Connection.sourceLow(at, server)));
        delta = Checksum.add(
                delta,
                Checksum.deltaLong(Connection.destinationHigh(at, client), Connection.destinationHigh(at, server)));
        return Checksum.add(
                delta,
                Checksum.deltaLong(Connection.destinationLow(at, client), Connection.destinationLow(at, server)));
    }

    /**
     * With FULLNAT the server sees many clients behind one address and port, one after the other. So that it accepts each
     * new one while it still holds the last in TIME_WAIT, sequence numbers (RFC 6528) and timestamps (RFC 7323, 5.8) that
     * rise per tuple replace the clients' own.
     */
    private void fillTcp(Packet p, long hot, long cold, Service service, int server) {
        int local = p.ipv6 ? Long.hashCode(local6Low) : local4;
        int tuple = sequences.tuple(Connection.ports(hot, Connection.SERVER_SIDE), local, server);
        int isn = sequences.isn(tuple);
        Connection.setSeqDelta(hot, Connection.CLIENT_SIDE, isn - Tcp.seq(p.l4));
        int flags = Connection.flags(hot) | Connection.SEQ_TO_SERVER;
        long timestamp = TcpRewrite.timestampValue(p.l4, Tcp.headerLength(p.l4));
        if (timestamp >= 0) {
            Connection.setTimestampDelta(cold, sequences.timestamp(tuple) - (int) timestamp);
            flags |= Connection.TIMESTAMP_DELTA;
        }
        if (service.toa) {
            flags |= Connection.TOA_PENDING;
            Connection.setWindowEdge(cold, Connection.CLIENT_SIDE, isn + 1);
        }
        Connection.setFlags(hot, flags);
    }

    private int insertAndForward(Packet p, ConnectionTable table, int entry, Destination destination, int side) {
        int inserted = insert(table, entry);
        if (inserted == ConnectionTable.SERVER_EXISTS && endPredecessor(table, entry)) {
            inserted = insert(table, entry);
        }
        if (inserted != ConnectionTable.INSERTED) {
            if (destination.method == FULLNAT) {
                releasePort(ports, table, entry);
            }
            table.remove(entry);
            boolean full = inserted == ConnectionTable.FULL;
            return Verdict.drop(full ? DropReason.TABLE_FULL : DropReason.TUPLE_CONFLICT);
        }
        opened = entry;
        if (link != 0) {
            Connection.setTemplate(table.cold(entry), link);
            persistence.control(table.ipv6(), link);
        }
        counts.opened(destination);
        if (proxied) {
            return 0;
        }
        TimerWheel timers = pipeline.timers(p.ipv6);
        if (byError) {
            Connection.setLastSeen(table.hot(entry), pipeline.now);
            Connection.setState(table.hot(entry), Timeouts.byError(p.protocol));
            timers.arm(entry, pipeline.now + timeouts.icmp());
            return 0;
        }
        timers.arm(entry, pipeline.now + timeout(table, entry));
        pipeline.sync().opened(table, entry);
        return forward(p, entry | (side << 31));
    }

    /**
     * A client's next datagram to a one-packet service is a new one: such entries are known to the server's side only.
     * Where the server's packets do not come this way, to the client's only.
     */
    private static int insert(ConnectionTable table, int entry) {
        int flags = Connection.flags(table.hot(entry));
        if (Connection.isDirect(flags)) {
            return table.insertClient(entry);
        }
        return (flags & Connection.ONE_PACKET) != 0 ? table.insertServer(entry) : table.insert(entry);
    }

    /**
     * TOA for a segment of a connection that still owes it, and the bookkeeping of when it no longer does: the server has
     * the client's address once it has acknowledged data, or the client has acknowledged data of the server.
     */
    void toa(Packet p, ConnectionTable table, int entry, int side, int mtu) {
        long hot = table.hot(entry);
        long cold = table.cold(entry);
        int flags = Tcp.flags(p.l4);
        if (side == Connection.SERVER_SIDE) {
            toaReply(p, hot, cold, flags);
            return;
        }
        // A client that names itself somebody else must not be believed.
        int forged = TcpOptions.blankAll(p.l4, Tcp.headerLength(p.l4), TcpOptions.TOA);
        if (forged != 0) {
            Tcp.applyDelta(p.l4, forged);
        }
        if ((flags & (Tcp.SYN | Tcp.RST | Tcp.ACK_FLAG)) != Tcp.ACK_FLAG) {
            return;
        }
        int bytes = toaSize(p.ipv6);
        if (Tcp.ack(p.l4) != Connection.windowEdge(cold, Connection.SERVER_SIDE)) {
            Connection.setFlags(hot, Connection.flags(hot) & ~Connection.TOA_PENDING);
        } else if (p.l3Length + bytes <= mtu && insertToa(p, table, entry)) {
            p.frame -= bytes;
            p.frameLength += bytes;
            p.l3 -= bytes;
            p.l3Length += bytes;
            p.l4 -= bytes;
            p.l4Length += bytes;
        }
    }

    private void toaReply(Packet p, long hot, long cold, int flags) {
        int header = Tcp.headerLength(p.l4);
        if ((flags & Tcp.SYN) != 0) {
            int seq = Tcp.seq(p.l4) + Connection.seqDelta(hot, Connection.SERVER_SIDE);
            Connection.setWindowEdge(cold, Connection.SERVER_SIDE, seq + 1);
            int delta = TcpRewrite.lowerMss(p.l4, header, toaSize(p.ipv6));
            if (delta != 0) {
                Tcp.applyDelta(p.l4, delta);
            }
        } else if ((flags & Tcp.ACK_FLAG) != 0
                && Tcp.ack(p.l4) != Connection.windowEdge(cold, Connection.CLIENT_SIDE)) {
            Connection.setFlags(hot, Connection.flags(hot) & ~Connection.TOA_PENDING);
        }
    }

    /** Bytes of the TOA option. */
    static int toaSize(boolean ipv6) {
        return ipv6 ? TcpOptions.TOA6_SIZE : TcpOptions.TOA4_SIZE;
    }

    private static boolean insertToa(Packet p, ConnectionTable table, int entry) {
        int header = Tcp.headerLength(p.l4);
        int port = Tcp.sourcePort(p.l4);
        if (!p.ipv6) {
            return TcpRewrite.insertToa4(p.mbuf, p.l3, p.l4, header, Ipv4.source(p.l3), port);
        }
        long addresses = table.addresses6(entry);
        return TcpRewrite.insertToa6(
                p.mbuf,
                p.l3,
                p.l4,
                header,
                Connection.sourceHigh(addresses, Connection.CLIENT_SIDE),
                Connection.sourceLow(addresses, Connection.CLIENT_SIDE),
                port);
    }

    /** An entry has been silent for its time. */
    void expired(boolean ipv6, int entry) {
        long hot = pipeline.table(ipv6).hot(entry);
        if (Alias.is(hot)) {
            pipeline.sync().aliases().remove(ipv6, entry);
        } else if (Template.is(hot)) {
            persistence.expired(ipv6, entry);
        } else {
            release(ipv6, entry);
        }
    }

    /** Ends an entry of a listing: a connection, or a template as soon as nothing hangs on it. */
    void end(boolean ipv6, int entry) {
        if (Template.is(pipeline.table(ipv6).hot(entry))) {
            persistence.end(ipv6, entry);
        } else {
            release(ipv6, entry);
        }
    }

    /** Ends a connection: timer, port, counts and entry go. */
    void release(boolean ipv6, int entry) {
        ConnectionTable table = pipeline.table(ipv6);
        pipeline.timers(ipv6).disarm(entry);
        pipeline.sync().gone(table, entry);
        pipeline.misses().proxy().handshakes().released(table, entry);
        long hot = table.hot(entry);
        int flags = Connection.flags(hot);
        int index = Connection.destination(hot);
        int template = Connection.template(table.cold(entry));
        if (template != 0) {
            persistence.uncontrol(ipv6, template);
        }
        if (index != Destination.NOWHERE) {
            counts.closed(index, pipeline.services.destination(index), (flags & Connection.INACTIVE) == 0);
        }
        if (Connection.protocol(hot) == TCP && TcpStates.halfOpen(Connection.state(hot)) != 0) {
            counts.halfOpen(index, -1);
        }
        if (Connection.method(flags) == FULLNAT && !isOver(hot)) {
            releasePort(ports, table, entry);
        }
        table.remove(entry);
    }

    /** Gives the local port of a FULLNAT connection back. */
    void releasePort(ConnectionTable table, int entry) {
        releasePort(ports, table, entry);
    }

    /** Whether an entry's connection is over; its local port was given back then. */
    private static boolean isOver(long hot) {
        return Connection.protocol(hot) == TCP && TcpStates.over(Connection.state(hot));
    }

    /** Ends the connection that has the server's side of {@code entry}, if it is over; whether it was. */
    private boolean endPredecessor(ConnectionTable table, int entry) {
        int reference = holder(table, entry);
        int predecessor = ConnectionTable.entry(reference);
        if (reference == ConnectionTable.NONE || !isOver(table.hot(predecessor))) {
            return false;
        }
        release(table.ipv6(), predecessor);
        return true;
    }

    /** The reference under which the server's side of {@code entry} is in the index. */
    private static int holder(ConnectionTable table, int entry) {
        long hot = table.hot(entry);
        int side = Connection.SERVER_SIDE;
        int serverPorts = Connection.ports(hot, side);
        int protocol = Connection.protocol(hot);
        if (!table.ipv6()) {
            long addresses = Connection.addresses(hot, side);
            return table.find4(addresses, serverPorts, protocol);
        }
        long at = table.addresses6(entry);
        long rsHigh = Connection.sourceHigh(at, side);
        long rsLow = Connection.sourceLow(at, side);
        long localHigh = Connection.destinationHigh(at, side);
        long localLow = Connection.destinationLow(at, side);
        return table.find6(rsHigh, rsLow, localHigh, localLow, serverPorts, protocol);
    }

    /** Gives the local port of a FULLNAT entry back. */
    static void releasePort(LocalPorts ports, ConnectionTable table, int entry) {
        long hot = table.hot(entry);
        int serverPorts = Connection.ports(hot, Connection.SERVER_SIDE);
        int protocol = Connection.protocol(hot);
        if (!table.ipv6()) {
            ports.release4(Connection.addresses(hot, Connection.SERVER_SIDE), serverPorts, protocol);
            return;
        }
        long addresses = table.addresses6(entry);
        ports.release6(
                Connection.sourceHigh(addresses, Connection.SERVER_SIDE),
                Connection.sourceLow(addresses, Connection.SERVER_SIDE),
                Connection.destinationHigh(addresses, Connection.SERVER_SIDE),
                Connection.destinationLow(addresses, Connection.SERVER_SIDE),
                serverPorts,
                protocol);
    }

    /** Ticks that the connection may be silent. */
    int timeout(ConnectionTable table, int entry) {
        long hot = table.hot(entry);
        int own = Connection.ownTimeout(table.cold(entry));
        int state = Connection.state(hot);
        int protocol = Connection.protocol(hot);
        if (state == Timeouts.byError(protocol) && Connection.packets(hot) == 0 && !Template.is(hot)) {
            return timeouts.icmp();
        }
        return timeout(protocol, state, own);
    }

    /** Ticks that one of that protocol and state may be silent; {@code own}: its own time once it is established, 0 none. */
    int timeout(int protocol, int state, int own) {
        boolean established = switch (protocol) {
            case TCP -> state == TcpStates.ESTABLISHED;
            case Ipv4.PROTOCOL_SCTP -> state == SctpStates.ESTABLISHED;
            default -> true;
        };
        return own != 0 && established ? own : timeouts.of(protocol, state);
    }
}
