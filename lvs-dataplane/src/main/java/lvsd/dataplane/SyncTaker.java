package lvsd.dataplane;

import java.net.InetAddress;
import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.connection.LocalPorts;
import lvsd.dataplane.connection.SctpStates;
import lvsd.dataplane.connection.TcpStates;
import lvsd.dataplane.connection.Timeouts;
import lvsd.dataplane.scheduler.DestinationCounts;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.Service;
import lvsd.dataplane.service.ServiceTable;
import lvsd.dataplane.service.Wire;
import lvsd.rules.ForwardingMethod;
import lvsd.sync.BackupRules;
import lvsd.sync.SyncConnection;
import lvsd.sync.SyncExtras;
import lvsd.sync.SyncFlags;
import lvsd.wire.Ipv4;
import lvsd.wire.Tcp;
import org.jspecify.annotations.Nullable;

/** Brings connections that were made elsewhere into a worker's tables. Worker thread, between bursts; allocates nothing. */
final class SyncTaker {
    private static final int NAT = ForwardingMethod.NAT.number();
    private static final int TUNNEL = ForwardingMethod.TUNNEL.number();
    private static final int ROUTE = ForwardingMethod.ROUTE.number();
    private static final int FULLNAT = ForwardingMethod.FULLNAT.number();
    /** Longest time taken over, so that a tick is never mistaken for one of the past. */
    private static final int LONGEST_SECONDS = Timeouts.MAXIMUM_SECONDS / 2;

    /** How wrong the time may be for which a connection of a bulk transfer was silent: whole seconds, and its way here. */
    private static final int SLACK_TICKS = 2 * Timeouts.TICKS_PER_SECOND;

    /** Most connections between {@link #fetch} and {@link #take(SyncConnection, int)}. */
    static final int BATCH = 32;

    private final Pipeline pipeline;
    private final SyncFeed feed;
    private final Ownership ownership;
    private final DestinationCounts counts;
    private final LocalPorts ports;
    private final Aliases aliases;

    // By place in a batch: hashes of both sides' tuples.
    private final long[] clientHashes = new long[BATCH];
    private final long[] serverHashes = new long[BATCH];
    /** Of FULLNAT: {@link LocalPorts#key4}. */
    private final long[] portKeys = new long[BATCH];
    /** Those of the connection that is being taken. */
    private long clientHash;

    private long serverHash;
    private long portKey;

    SyncTaker(Pipeline pipeline, SyncFeed feed, WorkerParts parts) {
        this.pipeline = pipeline;
        this.feed = feed;
        this.ownership = parts.ownership();
        this.counts = parts.counts();
        this.ports = parts.ports();
        this.aliases = new Aliases(pipeline, parts);
    }

    Aliases aliases() {
        return aliases;
    }

    // ---- numbers of a message in wire form

    /** Two IPv4 addresses as {@link Connection#addresses} has them. */
    static long pair(long source, long destination) {
        return Ipv4.pair(Integer.reverseBytes((int) source), Integer.reverseBytes((int) destination));
    }

    /** The client's side's ports. */
    static int clientPorts(SyncConnection c) {
        return Tcp.portPair(Wire.port(c.clientPort), Wire.port(c.virtualPort));
    }

    /** The server's side's ports, where packets are translated. */
    private static int serverPorts(SyncConnection c) {
        return Tcp.portPair(Wire.port(c.serverPort), Wire.port(c.local ? c.localPort : c.clientPort));
    }

    /** Whether the server's packets do not come this way. */
    private static boolean isDirect(SyncConnection c) {
        int method = c.flags & SyncFlags.METHOD_MASK;
        return method != NAT && method != FULLNAT;
    }

    /** Unsigned seconds in ticks, within bounds. */
    static int ticks(int seconds) {
        return Timeouts.ticks((int) Math.min(Integer.toUnsignedLong(seconds), LONGEST_SECONDS));
    }

    /** The service of a connection: by its firewall mark, else by where it goes; null if it is not known here. */
    static @Nullable Service service(ServiceTable services, SyncConnection c) {
        if (c.fwmark != 0) {
            Service marked = services.marked(c.fwmark, c.ipv6);
            if (marked != null) {
                return marked;
            }
        }
        int port = Wire.port(c.virtualPort);
        return c.ipv6
                ? services.find6(c.protocol, Long.reverseBytes(c.virtualHigh), Long.reverseBytes(c.virtualLow), port)
                : services.find4(c.protocol, Integer.reverseBytes((int) c.virtualLow), port);
    }

    // ---- taking

    /**
     * Has the memory fetched that {@link #take(SyncConnection, int)} will look at, where both sides' tuples are in the index
     * and whether the local port is taken: to be called for several connections before the first is taken, so that all wait
     * for memory at once.
     *
     * @param place where its hashes are kept, below {@link #BATCH}
     */
    void fetch(SyncConnection c, int place) {
        hash(c, place);
        ConnectionTable table = pipeline.table(c.ipv6);
        ConnectionTable.fetchBucket(table.bucket(clientHashes[place]));
        if (isDirect(c)) {
            return;
        }
        ConnectionTable.fetchBucket(table.bucket(serverHashes[place]));
        if (c.local) {
            ports.fetch(portKeys[place], serverPorts(c));
        }
    }

    private long portKey(SyncConnection c) {
        if (!c.ipv6) {
            return ports.key4(pair(c.serverLow, c.localLow), serverPorts(c), c.protocol);
        }
        return ports.key6(
                Long.reverseBytes(c.serverHigh),
                Long.reverseBytes(c.serverLow),
                Long.reverseBytes(c.localHigh),
                Long.reverseBytes(c.localLow),
                serverPorts(c),
                c.protocol);
    }

    private void hash(SyncConnection c, int place) {
        if (c.local) {
            portKeys[place] = portKey(c);
        }
        if (!c.ipv6) {
            ConnectionTable table = pipeline.table4;
            long server = pair(c.serverLow, c.local ? c.localLow : c.clientLow);
            clientHashes[place] = table.hash4(pair(c.clientLow, c.virtualLow), clientPorts(c), c.protocol);
            serverHashes[place] = table.hash4(server, serverPorts(c), c.protocol);
            return;
        }
        ConnectionTable table = pipeline.table6;
        long clientHigh = Long.reverseBytes(c.clientHigh);
        long clientLow = Long.reverseBytes(c.clientLow);
        long virtualHigh = Long.reverseBytes(c.virtualHigh);
        long virtualLow = Long.reverseBytes(c.virtualLow);
        clientHashes[place] = table.hash6(clientHigh, clientLow, virtualHigh, virtualLow, clientPorts(c), c.protocol);
        serverHashes[place] = table.hash6(
                Long.reverseBytes(c.serverHigh),
                Long.reverseBytes(c.serverLow),
                c.local ? Long.reverseBytes(c.localHigh) : clientHigh,
                c.local ? Long.reverseBytes(c.localLow) : clientLow,
                serverPorts(c),
                c.protocol);
    }

    /** Makes, updates or ends a connection as {@code c} says. False when it is none that can be had here. */
    boolean take(SyncConnection c) {
        hash(c, 0);
        return take(c, 0);
    }

    /** As {@link #take(SyncConnection)} for one that {@link #fetch} was called with. */
    boolean take(SyncConnection c, int place) {
        choose(place);
        if (c.template()) {
            return pipeline.misses().connector().persistence().take(c);
        }
        if (c.protocol != Ipv4.PROTOCOL_TCP && c.protocol != Ipv4.PROTOCOL_UDP && c.protocol != Ipv4.PROTOCOL_SCTP) {
            return false;
        }
        int home = ownership.home(c);
        return home == ownership.self() ? keep(c) : aliases.note(c, home);
    }

    private void choose(int place) {
        clientHash = clientHashes[place];
        serverHash = serverHashes[place];
        portKey = portKeys[place];
    }

    private boolean keep(SyncConnection c) {
        ConnectionTable table = pipeline.table(c.ipv6);
        int reference = find(table, c, clientHash, c.protocol);
        if (reference == ConnectionTable.NONE) {
            return c.deleted || (c.bulk && isOver(c)) || make(table, c);
        }
        int entry = ConnectionTable.entry(reference);
        if (c.bulk && !isNews(table, entry, c)) {
            return true;
        }
        if (c.deleted) {
            if (pipeline.services.standby || SyncFeed.isTheirs(table, entry)) {
                pipeline.misses().connector().release(c.ipv6, entry);
            }
            return true; // one that has packets here is not the other's to end
        }
        if (sameServer(table, entry, c)) {
            update(table, entry, c);
            bind(table, entry, c);
            return true;
        }
        if (!BackupRules.replaces(c)) {
            return false;
        }
        pipeline.misses().connector().release(c.ipv6, entry);
        return make(table, c);
    }

    /** {@link BackupRules#isNews} of a connection that is here. */
    boolean isNews(ConnectionTable table, int entry, SyncConnection c) {
        int silentHere = pipeline.now - Connection.lastSeen(table.hot(entry));
        int silentThere = silent(c);
        // The same again would only live longer by the rounding.
        boolean same = Connection.state(table.hot(entry)) == c.state;
        boolean keeps = !pipeline.services.standby && (same || !SyncFeed.isTheirs(table, entry));
        return BackupRules.isNews(silentThere, silentHere, keeps, SLACK_TICKS);
    }

    /** {@link BackupRules#isOver}: this director, active, would know it. */
    boolean isOver(SyncConnection c) {
        return BackupRules.isOver(c, silent(c), pipeline.now - feed.activeSince(), SLACK_TICKS);
    }

    /** Ticks for which no packet of {@code c} had come to who tells of it. */
    private int silent(SyncConnection c) {
        int left = ticks(BackupRules.timeout(c));
        return Math.max(0, usual(c) - left);
    }

    private int usual(SyncConnection c) {
        if (c.template()) {
            Service service = pipeline.misses().connector().persistence().service(c);
            return service == null ? 0 : Timeouts.ticks(service.persistence);
        }
        return pipeline.misses().connector().timeout(c.protocol, c.state, ticks(c.ownTimeout));
    }

    /** What the worker has under the client's side's tuple, with {@code protocol} in it; {@link ConnectionTable#NONE}. */
    static int find(Pipeline pipeline, SyncConnection c, int protocol) {
        ConnectionTable table = pipeline.table(c.ipv6);
        if (!c.ipv6) {
            return find(table, c, table.hash4(pair(c.clientLow, c.virtualLow), clientPorts(c), protocol), protocol);
        }
        long hash = table.hash6(
                Long.reverseBytes(c.clientHigh),
                Long.reverseBytes(c.clientLow),
                Long.reverseBytes(c.virtualHigh),
                Long.reverseBytes(c.virtualLow),
                clientPorts(c),
                protocol);
        return find(table, c, hash, protocol);
    }

    private static int find(ConnectionTable table, SyncConnection c, long hash, int protocol) {
        if (!c.ipv6) {
            return table.find4(hash, pair(c.clientLow, c.virtualLow), clientPorts(c), protocol);
        }
        return table.find6(
                hash,
                Long.reverseBytes(c.clientHigh),
                Long.reverseBytes(c.clientLow),
                Long.reverseBytes(c.virtualHigh),
                Long.reverseBytes(c.virtualLow),
                clientPorts(c),
                protocol);
    }

    private static boolean sameServer(ConnectionTable table, int entry, SyncConnection c) {
        long hot = table.hot(entry);
        int ports = Connection.ports(hot, Connection.SERVER_SIDE);
        if (Connection.isDirect(Connection.flags(hot))) {
            return sameDirectServer(table, entry, c);
        }
        if (Tcp.pairSource(ports) != Wire.port(c.serverPort)
                || (c.local && Tcp.pairDestination(ports) != Wire.port(c.localPort))) {
            return false;
        }
        if (!c.ipv6) {
            return (int) Connection.addresses(hot, Connection.SERVER_SIDE) == Integer.reverseBytes((int) c.serverLow);
        }
        long at = table.addresses6(entry);
        return Connection.sourceHigh(at, Connection.SERVER_SIDE) == Long.reverseBytes(c.serverHigh)
                && Connection.sourceLow(at, Connection.SERVER_SIDE) == Long.reverseBytes(c.serverLow);
    }

    private static boolean sameDirectServer(ConnectionTable table, int entry, SyncConnection c) {
        long cold = table.cold(entry);
        return c.ipv6
                ? Connection.directServerHigh(cold) == Long.reverseBytes(c.serverHigh)
                        && Connection.directServerLow(cold) == Long.reverseBytes(c.serverLow)
                : Connection.directServer4(cold) == Integer.reverseBytes((int) c.serverLow);
    }

    private void update(ConnectionTable table, int entry, SyncConnection c) {
        long hot = table.hot(entry);
        if (ServerHandshakes.pending(hot)) {
            return; // what another director says is older than the handshake that is under way here
        }
        int before = Connection.state(hot);
        if (c.protocol == Ipv4.PROTOCOL_TCP) {
            boolean over = TcpStates.over(before);
            if (Connection.method(Connection.flags(hot)) == FULLNAT && over != TcpStates.over(c.state)) {
                if (over) {
                    return; // its port may be another connection's by now
                }
                pipeline.misses().connector().releasePort(table, entry);
            }
        }
        Connection.setState(hot, c.state);
        if (c.protocol == Ipv4.PROTOCOL_TCP) {
            pipeline.tracker(c.ipv6).activity(hot, before, c.state);
        } else if (c.protocol == Ipv4.PROTOCOL_SCTP) {
            pipeline.misses().connector().sctp().activity(hot, before, c.state);
        }
        Connection.setFlags(hot, Connection.flags(hot) | Connection.SYNCED);
        extras(hot, table.cold(entry), c);
        live(table, entry, c);
    }

    private static int active(int protocol, int state) {
        return switch (protocol) {
            case Ipv4.PROTOCOL_TCP -> TcpStates.active(state);
            case Ipv4.PROTOCOL_SCTP -> state == SctpStates.ESTABLISHED ? 1 : 0;
            default -> 0;
        };
    }

    /**
     * It lives as long as the message says, until a packet comes: then this director's own timeouts count, as in the
     * kernel. The time of its last packet is set so that both come out.
     */
    private void live(ConnectionTable table, int entry, SyncConnection c) {
        long cold = table.cold(entry);
        if (c.ownTimeout != 0) {
            Connection.setOwnTimeout(cold, ticks(c.ownTimeout));
        }
        int usual = pipeline.misses().connector().timeout(table, entry);
        int seconds = BackupRules.timeout(c);
        int silent = seconds == 0 ? usual : ticks(seconds);
        int seen = pipeline.now + silent - usual;
        Connection.setLastSeen(table.hot(entry), seen);
        Connection.setSyncStamp(cold, seen);
        pipeline.timers(c.ipv6).armEarlier(entry, pipeline.now + silent);
    }

    private boolean make(ConnectionTable table, SyncConnection c) {
        Service service = service(pipeline.services, c);
        Destination destination = service == null ? null : destination(service, c);
        int method = c.flags & SyncFlags.METHOD_MASK;
        if (service == null || destination == null) {
            return makeUnbound(table, c, method);
        }
        if (destination.method != method || (method == FULLNAT) != c.local) {
            return false;
        }
        int entry = table.allocate();
        if (entry == ConnectionTable.NONE) {
            return false;
        }
        fill(table, entry, c, destination.isDirect());
        Connection.setDestination(table.hot(entry), destination.index);
        boolean over = c.protocol == Ipv4.PROTOCOL_TCP && TcpStates.over(c.state);
        boolean claims = c.local && !over;
        if (claims && !claim(table, entry, service, c)) {
            table.remove(entry);
            return false;
        }
        if (!insert(table, entry, destination.isDirect())) {
            if (claims) {
                Connector.releasePort(ports, table, entry);
            }
            table.remove(entry);
            return false;
        }
        count(table, entry, service, destination);
        extras(table.hot(entry), table.cold(entry), c);
        live(table, entry, c);
        return true;
    }

    /**
     * As the kernel: a connection whose service or server is not known here is kept, and forwarded to where it went; it is
     * nobody's load until an update finds both. One of FULLNAT cannot go on without the service's local addresses.
     */
    private boolean makeUnbound(ConnectionTable table, SyncConnection c, int method) {
        if (c.local || (method != NAT && method != TUNNEL && method != ROUTE)) {
            return false;
        }
        int entry = table.allocate();
        if (entry == ConnectionTable.NONE) {
            return false;
        }
        fill(table, entry, c, method != NAT);
        long hot = table.hot(entry);
        Connection.setDestination(hot, Destination.NOWHERE);
        Connection.setFlags(hot, Connection.flags(hot) | Connection.UNBOUND);
        if (!insert(table, entry, method != NAT)) {
            table.remove(entry);
            return false;
        }
        extras(hot, table.cold(entry), c);
        live(table, entry, c);
        return true;
    }

    /** Looks for the server of a connection that has none yet. */
    private void bind(ConnectionTable table, int entry, SyncConnection c) {
        long hot = table.hot(entry);
        if ((Connection.flags(hot) & Connection.UNBOUND) == 0) {
            return;
        }
        Service service = service(pipeline.services, c);
        Destination destination = service == null ? null : destination(service, c);
        if (service != null && destination != null && destination.method == Connection.method(Connection.flags(hot))) {
            Connection.setDestination(hot, destination.index);
            Connection.setFlags(hot, Connection.flags(hot) & ~Connection.UNBOUND);
            count(table, entry, service, destination);
        }
    }

    /** Whether both service and server of a connection are known here. */
    boolean isKnown(SyncConnection c) {
        Service service = service(pipeline.services, c);
        return c.template() || (service != null && destination(service, c) != null);
    }

    /** Counts a connection with its server, whose service's time is its own. */
    private void count(ConnectionTable table, int entry, Service service, Destination destination) {
        long hot = table.hot(entry);
        counts.adopted(destination, (Connection.flags(hot) & Connection.INACTIVE) == 0);
        if (Connection.protocol(hot) == Ipv4.PROTOCOL_TCP && TcpStates.halfOpen(Connection.state(hot)) != 0) {
            counts.halfOpen(destination.index, 1);
        }
        if (service.connectionTimeout != 0) {
            Connection.setOwnTimeout(table.cold(entry), Timeouts.ticks(service.connectionTimeout));
        }
    }

    private boolean insert(ConnectionTable table, int entry, boolean direct) {
        int inserted = direct ? table.insertClient(entry) : table.insert(entry, clientHash, serverHash);
        return inserted == ConnectionTable.INSERTED;
    }

    /** The server that {@code c} names, a template perhaps without a port; null if the service has none such. */
    static @Nullable Destination destination(Service service, SyncConnection c) {
        int port = Wire.port(c.serverPort);
        if (port != 0 || !c.template()) {
            return service.server(c.ipv6, high(c.ipv6, c.serverHigh, c.serverLow), low(c.ipv6, c.serverLow), port);
        }
        for (Destination each : service.destinations) {
            if (each.ipv6 == c.ipv6 && isAt(each, c)) {
                return each;
            }
        }
        return null;
    }

    /** First half of an address as {@link Service#server} wants it. */
    private static long high(boolean ipv6, long high, long low) {
        return ipv6 ? Long.reverseBytes(high) : Integer.toUnsignedLong(Integer.reverseBytes((int) low));
    }

    /** Second half. */
    private static long low(boolean ipv6, long low) {
        return ipv6 ? Long.reverseBytes(low) : 0;
    }

    private static boolean isAt(Destination destination, SyncConnection c) {
        return c.ipv6
                ? destination.address6High == Long.reverseBytes(c.serverHigh)
                        && destination.address6Low == Long.reverseBytes(c.serverLow)
                : destination.address4 == Integer.reverseBytes((int) c.serverLow);
    }

    private void fill(ConnectionTable table, int entry, SyncConnection c, boolean direct) {
        long hot = table.hot(entry);
        int method = c.flags & SyncFlags.METHOD_MASK;
        int clientPorts = clientPorts(c);
        Connection.setPorts(hot, Connection.CLIENT_SIDE, clientPorts);
        Connection.setPorts(hot, Connection.SERVER_SIDE, direct ? Integer.rotateLeft(clientPorts, 16) : serverPorts(c));
        Connection.setProtocol(hot, c.protocol);
        Connection.setState(hot, c.state);
        Connection.setFlags(
                hot,
                method
                        | Connection.SYNCED
                        | (direct ? Connection.NO_OUTPUT : 0)
                        | (Connection.isTunnel(method) ? Connection.TOA_PENDING : 0)
                        | (active(c.protocol, c.state) != 0 ? 0 : Connection.INACTIVE));
        if (c.ipv6) {
            addresses6(table.addresses6(entry), c, direct);
        } else {
            long client = pair(c.clientLow, c.virtualLow);
            Connection.setAddresses(hot, Connection.CLIENT_SIDE, client);
            Connection.setAddresses(
                    hot,
                    Connection.SERVER_SIDE,
                    direct ? Long.rotateLeft(client, 32) : pair(c.serverLow, c.local ? c.localLow : c.clientLow));
        }
        if (!direct) {
            Connector.setDeltas(table, entry);
        } else if (c.ipv6) {
            Connection.setDirectServer6(
                    table.cold(entry), Long.reverseBytes(c.serverHigh), Long.reverseBytes(c.serverLow));
        } else {
            Connection.setDirectServer4(table.cold(entry), Integer.reverseBytes((int) c.serverLow));
        }
    }

    private static void addresses6(long at, SyncConnection c, boolean direct) {
        int client = Connection.CLIENT_SIDE;
        int server = Connection.SERVER_SIDE;
        long clientHigh = Long.reverseBytes(c.clientHigh);
        long clientLow = Long.reverseBytes(c.clientLow);
        long virtualHigh = Long.reverseBytes(c.virtualHigh);
        long virtualLow = Long.reverseBytes(c.virtualLow);
        Connection.setSource6(at, client, clientHigh, clientLow);
        Connection.setDestination6(at, client, virtualHigh, virtualLow);
        if (direct) {
            Connection.setSource6(at, server, virtualHigh, virtualLow);
            Connection.setDestination6(at, server, clientHigh, clientLow);
            return;
        }
        Connection.setSource6(at, server, Long.reverseBytes(c.serverHigh), Long.reverseBytes(c.serverLow));
        if (c.local) {
            Connection.setDestination6(at, server, Long.reverseBytes(c.localHigh), Long.reverseBytes(c.localLow));
        } else {
            Connection.setDestination6(at, server, clientHigh, clientLow);
        }
    }

    private static void extras(long hot, long cold, SyncConnection c) {
        int flags = Connection.flags(hot);
        if (c.sequence) {
            Connection.setSeqDelta(hot, Connection.CLIENT_SIDE, c.inDelta);
            Connection.setSeqDelta(hot, Connection.SERVER_SIDE, c.outDelta);
        }
        flags |= (c.extras & SyncExtras.SEQUENCE_TO_SERVER) != 0 ? Connection.SEQ_TO_SERVER : 0;
        flags |= (c.flags & SyncFlags.OUT_SEQUENCE) != 0 ? Connection.SEQ_OUT : 0;
        if ((c.extras & SyncExtras.TIMESTAMPS) != 0) {
            flags |= Connection.TIMESTAMP_DELTA;
            Connection.setTimestampDelta(cold, c.timestampDelta);
        }
        if ((c.extras & SyncExtras.SYN_PROXY) != 0) {
            flags |= Connection.SYN_PROXY;
            Connection.setProxy(hot, c.windowShifts & SyncFeed.WINDOW_SHIFTS);
            Connection.setProxyTimestamp(cold, c.proxyTimestampDelta);
        }
        if ((c.extras & SyncExtras.ADDRESS_PENDING) != 0 && !Connection.isDirect(flags)) {
            flags |= Connection.TOA_PENDING;
            Connection.setWindowEdge(cold, Connection.CLIENT_SIDE, c.clientEdge);
            Connection.setWindowEdge(cold, Connection.SERVER_SIDE, c.serverEdge);
        } else if (!Connection.isDirect(flags)) {
            flags &= ~Connection.TOA_PENDING;
        }
        Connection.setFlags(hot, flags);
    }

    private boolean claim(ConnectionTable table, int entry, Service service, SyncConnection c) {
        int local = service.localAddress(c.ipv6, high(c.ipv6, c.localHigh, c.localLow), low(c.ipv6, c.localLow));
        if (local < 0) {
            return false;
        }
        long hot = table.hot(entry);
        int serverPorts = Connection.ports(hot, Connection.SERVER_SIDE);
        if (!table.ipv6()) {
            return ports.claim4(portKey, local, Connection.addresses(hot, Connection.SERVER_SIDE), serverPorts);
        }
        long at = table.addresses6(entry);
        return ports.claim6(
                portKey,
                local,
                Connection.sourceHigh(at, Connection.SERVER_SIDE),
                Connection.sourceLow(at, Connection.SERVER_SIDE),
                Connection.destinationHigh(at, Connection.SERVER_SIDE),
                Connection.destinationLow(at, Connection.SERVER_SIDE),
                serverPorts);
    }

    // ---- connections that benchmarks and tests make up

    /** Makes {@code synced}, whichever worker it would belong to; false if it cannot be had. */
    boolean adopt(SyncedConnection synced) {
        SyncConnection c = new SyncConnection();
        c.ipv6 = synced.virtual().getAddress().length == 16;
        c.protocol = synced.protocol();
        c.clientPort = synced.clientPort();
        c.virtualPort = synced.virtualPort();
        c.serverPort = synced.serverPort();
        c.localPort = synced.localPort();
        c.local = !synced.local().equals(synced.client());
        c.flags = c.local ? SyncFlags.FULLNAT : 0;
        c.state = synced.state();
        c.timeout = synced.timeout();
        c.clientHigh = high(synced.client());
        c.clientLow = low(synced.client());
        c.virtualHigh = high(synced.virtual());
        c.virtualLow = low(synced.virtual());
        c.serverHigh = high(synced.server());
        c.serverLow = low(synced.server());
        c.localHigh = high(synced.local());
        c.localLow = low(synced.local());
        c.sequence = synced.sequenceDelta() != 0 || synced.proxyDelta() != 0;
        c.inDelta = synced.sequenceDelta();
        c.outDelta = synced.proxyDelta();
        c.extras = synced.sequenceDelta() == 0 ? 0 : SyncExtras.SEQUENCE_TO_SERVER;
        if (synced.proxyDelta() != 0) {
            c.extras |= SyncExtras.SYN_PROXY;
            c.flags |= SyncFlags.OUT_SEQUENCE;
        }
        ConnectionTable table = pipeline.table(c.ipv6);
        hash(c, 0);
        choose(0);
        return make(table, c);
    }

    private static long high(InetAddress address) {
        byte[] bytes = address.getAddress();
        return bytes.length == 4 ? 0 : Long.reverseBytes(Wire.long8(bytes, 0));
    }

    private static long low(InetAddress address) {
        byte[] bytes = address.getAddress();
        return bytes.length == 4
                ? Integer.toUnsignedLong(Integer.reverseBytes(Wire.int4(bytes)))
                : Long.reverseBytes(Wire.long8(bytes, 8));
    }
}
