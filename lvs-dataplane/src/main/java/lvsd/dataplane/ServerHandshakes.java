package lvsd.dataplane;

import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.connection.TcpStates;
import lvsd.dataplane.connection.Timeouts;
import lvsd.dataplane.nat.TcpRewrite;
import lvsd.dataplane.net.Adjacency;
import lvsd.dataplane.net.Net;
import lvsd.dataplane.scheduler.DestinationCounts;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.Service;
import lvsd.dpdk.Mbuf;
import lvsd.rules.ForwardingMethod;
import lvsd.synproxy.Handshake;
import lvsd.synproxy.Handshakes;
import lvsd.synproxy.ProxyCounters.Counter;
import lvsd.synproxy.ProxySettings;
import lvsd.synproxy.Segment;
import lvsd.synproxy.SynAnswer;
import lvsd.synproxy.TcpOffer;
import lvsd.wire.Ipv4;
import lvsd.wire.Tcp;
import lvsd.wire.TcpOptions;
import org.jspecify.annotations.Nullable;

/**
 * The SYN proxy towards servers: opens connections for clients that have proved themselves, keeps what these send until
 * the server has answered, then gets out of the way. {@link Handshake} says what is done when. Owned by the worker.
 *
 * <p>Its connections are ordinary entries. While the server has not answered they bear {@link Connection#PENDING}, and
 * {@link Connection#TOA_PENDING} so that every packet takes the long way and comes by here; afterwards only
 * {@link Connection#SYN_PROXY} remains, which makes {@link Pipeline} translate numbers, timestamps and windows.
 */
final class ServerHandshakes {
    /** Handshakes at a time. */
    private static final int CAPACITY = 1 << 16;
    /** Segments kept for all of them. */
    private static final int SEGMENTS = 4096;
    /** First wait for a server's answer; each further one is twice as long. */
    private static final int FIRST_WAIT = Timeouts.TICKS_PER_SECOND;
    /** Servers tried for one client. */
    private static final int MOST_SERVERS = 4;

    private static final int ANY_SERVER = -1;
    private static final int FULLNAT = ForwardingMethod.FULLNAT.number();

    private final Pipeline pipeline;
    private final Misses misses;
    private final Connector connector;
    private final SynProxy proxy;
    private final Net net;
    private final DestinationCounts counts;
    private final AckStorms storms;
    private final Handshakes handshakes = new Handshakes(CAPACITY, SEGMENTS);
    private final OwnSegments own = new OwnSegments(handshakes);
    /** The server of the handshake that {@link #begin} begins, where persistence has a say in it. */
    private @Nullable Destination held;

    private int template;

    ServerHandshakes(Pipeline pipeline, Misses misses, Connector connector, SynProxy proxy, WorkerParts parts) {
        this.pipeline = pipeline;
        this.misses = misses;
        this.connector = connector;
        this.proxy = proxy;
        this.net = parts.net();
        this.counts = parts.counts();
        this.storms = new AckStorms(pipeline);
    }

    /** Handshakes under way. */
    int pending() {
        return handshakes.used();
    }

    /** What watches over connections whose server has answered. */
    AckStorms storms() {
        return storms;
    }

    /** Segments kept. */
    int held() {
        return handshakes.segments();
    }

    // ---- beginning

    /**
     * Opens the connection of a client that has acknowledged a cookie: our SYN goes to a server, in the acknowledgement's
     * buffer if nothing in that is to be kept.
     *
     * @param offer what was agreed with the client
     * @param header length of the segment's TCP header
     * @param server the server that persistence holds the client to, or null
     * @param link to the persistence template, 0: none
     */
    int begin(Packet p, Service service, int offer, int header, @Nullable Destination server, int link) {
        held = server;
        template = link;
        int handshake =
                OwnSegments.room(p) ? handshakes.open(Tcp.seq(p.l4) - 1, Tcp.ack(p.l4) - 1, offer) : Handshakes.NONE;
        if (handshake == Handshakes.NONE) {
            proxy.count(service, Counter.NO_ROOM);
            return Verdict.drop(DropReason.SYN_TABLE);
        }
        handshakes.arrived(handshake, p.iface, proxy.settings().scale());
        note(handshake, p, header);
        own.of(p);
        boolean data = p.l4Length > header || (Tcp.flags(p.l4) & Tcp.FIN) != 0;
        return data && mayHold(handshake, service)
                ? beginHolding(p, service, handshake)
                : beginBare(p, service, handshake, header);
    }

    private int beginBare(Packet p, Service service, int handshake, int header) {
        long mbuf = p.mbuf;
        long frame = p.frame;
        long l3 = p.l3;
        boolean stamped = TcpOptions.timestamps(p.l4, header) >= 0;
        if (!p.ipv6 && p.l4 == l3 + Ipv4.SIZE && stamped == TcpOffer.timestamps(handshakes.offer(handshake))) {
            own.sketchSyn(handshake, p);
        } else {
            own.syn(handshake, mbuf, frame, l3, p.iface);
        }
        int verdict = open(handshake, service, ANY_SERVER);
        if (Verdict.kind(verdict) != Verdict.DROP) {
            return verdict;
        }
        own.resetClient(handshake, mbuf, frame, l3, own.packet.iface);
        handshakes.close(handshake);
        return net.back(own.packet);
    }

    private int beginHolding(Packet p, Service service, int handshake) {
        long syn = net.allocate(Segment.MAX_SIZE);
        if (syn == 0) {
            handshakes.close(handshake);
            return Verdict.drop(DropReason.NO_MBUF);
        }
        // The packet path has one packet in hand, and opening uses it: from here on p is another.
        long mbuf = p.mbuf;
        long frame = p.frame;
        long l3 = p.l3;
        own.syn(handshake, syn, Mbuf.data(syn), Mbuf.data(syn), p.iface);
        int verdict = open(handshake, service, ANY_SERVER);
        if (Verdict.kind(verdict) == Verdict.DROP) {
            net.free(syn);
            own.resetClient(handshake, mbuf, frame, l3, own.packet.iface);
            handshakes.close(handshake);
            return net.back(own.packet);
        }
        handshakes.hold(handshake, mbuf, net.config().iface(own.packet.iface).port());
        proxy.count(service, Counter.KEPT);
        net.dispatch(syn, verdict);
        return Verdict.KEPT;
    }

    /** Opens an entry with the SYN just written, at another server than {@code avoided}; a drop verdict if it fails. */
    private int open(int handshake, Service service, int avoided) {
        Destination server = avoided == ANY_SERVER ? held : null;
        int verdict = server == null
                ? connector.openProxied(own.packet, service, avoided)
                : connector.openProxied(own.packet, service, server, template);
        return verdict != 0 ? verdict : send(handshake, connector.opened());
    }

    /** Sends the SYN just written to the server of a new entry, and waits for the answer; ends the entry if it cannot. */
    private int send(int handshake, int entry) {
        boolean ipv6 = own.ipv6;
        ConnectionTable table = pipeline.table(ipv6);
        long hot = table.hot(entry);
        Connection.setState(hot, TcpStates.SYN_SENT);
        Connection.setFlags(hot, Connection.flags(hot) | Connection.SYN_PROXY | Connection.TOA_PENDING);
        pipeline.tracker(ipv6).activity(hot, TcpStates.NONE, TcpStates.SYN_SENT);
        Pipeline.seen(hot, Connection.CLIENT_SIDE, pipeline.now);
        Connection.setProxy(hot, Connection.PENDING);
        Connection.setProxyTimestamp(table.cold(entry), handshake);
        int verdict = sendSyn(handshake, table, entry);
        if (Verdict.kind(verdict) == Verdict.DROP) {
            // The handshake is the caller's to end.
            Connection.setProxy(hot, 0);
            connector.release(ipv6, entry);
            return verdict;
        }
        pipeline.timers(ipv6).arm(entry, pipeline.now + FIRST_WAIT);
        return verdict;
    }

    /** The SYN may be no more than a sketch; where nothing hinders that it is written as the server is to get it. */
    private int sendSyn(int handshake, ConnectionTable table, int entry) {
        long line = straightLine(table, entry);
        Packet syn = own.packet;
        if (line == 0) {
            if (!table.ipv6()) {
                own.syn(handshake, syn.mbuf, syn.frame, syn.l3, syn.iface);
            }
            return misses.sendOn(syn, table, entry);
        }
        int header = own.translatedSyn(handshake, syn.l3, table.hot(entry), table.cold(entry));
        return leave(table.hot(entry), line, syn.mbuf, syn.l3, header);
    }

    /**
     * The line of the next hop to the server of an entry, if a segment of ours may go there straight away: IPv4, both
     * directions this way, and the next hop known. 0 else.
     */
    private long straightLine(ConnectionTable table, int entry) {
        long hot = table.hot(entry);
        if (table.ipv6() || Connection.isDirect(Connection.flags(hot))) {
            return 0;
        }
        int nextHop = pipeline.nextHop(table, entry, hot, Connection.CLIENT_SIDE);
        if (nextHop < 0 || !net.valid(nextHop)) {
            return 0;
        }
        long line = net.line(nextHop);
        return Adjacency.mtu(line) < Ipv4.SIZE + Tcp.MAX_SIZE ? 0 : line;
    }

    /** A finished segment of ours with a TCP header of that length leaves for the server. */
    private int leave(long hot, long line, long mbuf, long l3, int header) {
        int length = Ipv4.SIZE + header;
        pipeline.counters.count(Connection.destination(hot), Connection.CLIENT_SIDE, length);
        Mbuf.setLength(mbuf, (int) (l3 - Mbuf.data(mbuf)) + length);
        Adjacency.writeHeader(line, mbuf, l3);
        return Verdict.transmit(Adjacency.port(line));
    }

    private boolean mayHold(int handshake, Service service) {
        boolean room = handshakes.room(handshake, proxy.settings().held());
        if (!room) {
            proxy.count(service, Counter.OVERFLOW);
        }
        return room;
    }

    private void note(int handshake, Packet p, int header) {
        int stamps = TcpOptions.timestamps(p.l4, header);
        int stamp = stamps < 0 ? 0 : TcpOptions.tsval(p.l4, header, stamps);
        int echo = stamps < 0 ? 0 : TcpOptions.tsecr(p.l4, header, stamps);
        handshakes.note(handshake, stamp, echo, Tcp.window(p.l4));
    }

    // ---- segments of connections of the proxy

    /** A segment, on the long way, of a connection that the proxy opened; 0 when it goes on as any other. */
    int step(Packet p, ConnectionTable table, int entry, int side) {
        long hot = table.hot(entry);
        int bits = Connection.proxy(hot);
        if ((bits & Connection.PENDING) != 0) {
            return side == Connection.CLIENT_SIDE ? fromClient(p, table, entry) : fromServer(p, table, entry);
        }
        int stormy = side == Connection.SERVER_SIDE ? storms.check(p, table, entry) : 0;
        if (stormy != 0) {
            @Nullable Service service = service(table, entry);
            if (service != null) {
                proxy.count(service, Counter.STORMS);
            }
            return stormy;
        }
        boolean watched = (bits & Connection.WATCHED) != 0 && side == Connection.CLIENT_SIDE;
        return watched && proxy.reusable(hot) ? replace(p, table, entry, 0) : 0;
    }

    /** Whether an entry's server has not answered the proxy yet. */
    static boolean pending(long hot) {
        return (Connection.flags(hot) & Connection.SYN_PROXY) != 0 && (Connection.proxy(hot) & Connection.PENDING) != 0;
    }

    /** The service that an entry's server is of; where that was removed, the one at the address its client talks to. */
    private @Nullable Service service(ConnectionTable table, int entry) {
        Destination destination = pipeline.services.destination(Connection.destination(table.hot(entry)));
        if (destination != null) {
            return pipeline.services.service(destination.service);
        }
        own.of(table, entry);
        return own.service(pipeline);
    }

    private static int handshake(ConnectionTable table, int entry) {
        return Connection.proxyTimestamp(table.cold(entry));
    }

    private int fromClient(Packet p, ConnectionTable table, int entry) {
        int handshake = handshake(table, entry);
        int header = Tcp.headerLength(p.l4);
        int event = Handshake.clientEvent(
                Tcp.flags(p.l4),
                Tcp.seq(p.l4),
                Tcp.ack(p.l4),
                p.l4Length - header,
                handshakes.isn(handshake),
                handshakes.cookie(handshake));
        return switch (Handshake.action(event)) {
            case Handshake.NOTE -> {
                note(handshake, p, header);
                yield Verdict.drop(DropReason.SYN_WAITING);
            }
            case Handshake.HOLD -> hold(p, handshake, header);
            case Handshake.ANSWER -> again(p);
            case Handshake.ABORT -> abort(p, table, entry, handshake);
            default -> replace(p, table, entry, Verdict.drop(DropReason.SYN_COOKIE));
        };
    }

    private int hold(Packet p, int handshake, int header) {
        Service service = misses.service(p);
        if (service == null || !mayHold(handshake, service)) {
            return Verdict.drop(DropReason.SYN_QUEUE);
        }
        note(handshake, p, header);
        proxy.count(service, Counter.KEPT);
        handshakes.hold(handshake, p.mbuf, net.config().iface(p.iface).port());
        return Verdict.KEPT;
    }

    private int again(Packet p) {
        Service service = misses.service(p);
        return service != null && proxy.active(service) ? proxy.syn(p, service) : Verdict.drop(DropReason.SYN_WAITING);
    }

    /** The client has gone: the server gets a reset instead of a connection that nobody wants. */
    private int abort(Packet p, ConnectionTable table, int entry, int handshake) {
        int verdict = Verdict.drop(DropReason.NO_MBUF);
        if (OwnSegments.room(p)) {
            own.of(p);
            @Nullable Service service = service(table, entry);
            if (service != null) {
                proxy.count(service, Counter.ABORTED);
            }
            own.resetServer(handshakes.isn(handshake) + 1, p.mbuf, p.frame, p.l3, p.iface);
            verdict = misses.sendOn(own.packet, table, entry);
        }
        connector.release(table.ipv6(), entry);
        return verdict;
    }

    /** A segment that may acknowledge the cookie of a newer handshake of the same client; else {@code otherwise}. */
    private int replace(Packet p, ConnectionTable table, int entry, int otherwise) {
        Service service = misses.service(p);
        if (service == null || !proxy.proves(p)) {
            return otherwise;
        }
        proxy.count(service, reused(table.hot(entry)));
        connector.release(table.ipv6(), entry);
        return proxy.acknowledgement(p, service);
    }

    private static Counter reused(long hot) {
        return switch (Connection.state(hot)) {
            case TcpStates.CLOSE -> Counter.REUSED_CLOSE;
            case TcpStates.TIME_WAIT -> Counter.REUSED_TIME_WAIT;
            case TcpStates.FIN_WAIT -> Counter.REUSED_FIN_WAIT;
            case TcpStates.CLOSE_WAIT -> Counter.REUSED_CLOSE_WAIT;
            case TcpStates.LAST_ACK -> Counter.REUSED_LAST_ACK;
            default -> Counter.RENEWED;
        };
    }

    private int fromServer(Packet p, ConnectionTable table, int entry) {
        int handshake = handshake(table, entry);
        int sent = handshakes.isn(handshake) + Connection.seqDelta(table.hot(entry), Connection.CLIENT_SIDE);
        int event = Handshake.serverEvent(Tcp.flags(p.l4), Tcp.ack(p.l4) == sent + 1);
        int action = Handshake.action(event);
        if (action == Handshake.DROP || !OwnSegments.room(p)) {
            return Verdict.drop(DropReason.SYN_WAITING);
        }
        // Whatever follows is a segment of ours with checksums of ours: what it is made of must have arrived whole.
        if (!SynAnswer.checksumValid(p.ipv6, p.l3, p.l4, p.l4Length)) {
            return Verdict.drop(DropReason.BAD_TRANSPORT_CHECKSUM);
        }
        own.of(table, entry);
        return switch (action) {
            case Handshake.COMPLETE -> complete(p, table, entry, handshake);
            case Handshake.REFUSE -> refused(p, table, entry, handshake);
            default -> resetServer(p, table, entry);
        };
    }

    /** The server accepts: from here on the connection is two ends and a translation. */
    private int complete(Packet p, ConnectionTable table, int entry, int handshake) {
        int window = Tcp.window(p.l4);
        @Nullable Service service = service(table, entry);
        settle(p, table, entry, handshake, service);
        pipeline.tracker(table.ipv6()).moveTo(entry, table.hot(entry), TcpStates.ESTABLISHED, pipeline.now);
        if (service != null) {
            proxy.count(service, Counter.FINISHED);
        }
        ProxySettings settings = proxy.settings();
        if (settings.zeroWindow() && !settings.defer()) {
            openWindow(handshake, window);
        }
        int verdict = acknowledge(p, table, entry, handshake);
        if (handshakes.holds(handshake)) {
            net.dispatch(p.mbuf, verdict);
            deliver(handshake);
            verdict = Verdict.KEPT;
        }
        handshakes.close(handshake);
        return verdict;
    }

    /** The client's acknowledgement, in the buffer of what it acknowledges. */
    private int acknowledge(Packet p, ConnectionTable table, int entry, int handshake) {
        long line = straightLine(table, entry);
        if (line == 0) {
            own.acknowledgement(handshake, p.mbuf, p.frame, p.l3, p.iface);
            return misses.sendOn(own.packet, table, entry);
        }
        long hot = table.hot(entry);
        boolean toa = (Connection.flags(hot) & Connection.TOA_PENDING) != 0;
        int header = own.translatedAcknowledgement(handshake, p.l3, hot, table.cold(entry), toa);
        return leave(hot, line, p.mbuf, p.l3, header);
    }

    /** Fills the entry with what translates the server's numbers, timestamps and windows. */
    private void settle(Packet p, ConnectionTable table, int entry, int handshake, @Nullable Service service) {
        long hot = table.hot(entry);
        long cold = table.cold(entry);
        int header = Tcp.headerLength(p.l4);
        int offer = handshakes.offer(handshake);
        int cookie = handshakes.cookie(handshake);
        int stamps = TcpOffer.timestamps(offer) ? TcpOptions.timestamps(p.l4, header) : -1;
        int stampDelta = stamps < 0 ? 0 : handshakes.ourStamp(handshake) - TcpOptions.tsval(p.l4, header, stamps);
        int scale = TcpOffer.scale(TcpOffer.read(p.l4, header, p.ipv6));
        Connection.setSeqDelta(hot, Connection.SERVER_SIDE, cookie - Tcp.seq(p.l4));
        Connection.setProxyTimestamp(cold, stampDelta);
        Connection.setProxy(hot, TcpRewrite.windowShifts(TcpOffer.scale(offer), handshakes.scale(handshake), scale));
        int flags = (Connection.flags(hot) & ~Connection.TOA_PENDING) | Connection.SEQ_OUT;
        if (service != null && service.toa && Connection.method(flags) == FULLNAT) {
            flags |= Connection.TOA_PENDING;
            Connection.setWindowEdge(cold, Connection.SERVER_SIDE, cookie + 1);
        }
        Connection.setFlags(hot, flags);
    }

    /** The client's window was closed until now. {@code window} is what the server's SYN+ACK said, bytes. */
    private void openWindow(int handshake, int window) {
        long mbuf = net.allocate(Segment.MAX_SIZE);
        if (mbuf == 0) {
            return; // the client probes the closed window and learns it then
        }
        boolean scaled = TcpOffer.scale(handshakes.offer(handshake)) != TcpOffer.NO_SCALE;
        int shown = Segment.window(window, scaled ? handshakes.scale(handshake) : 0);
        own.openWindow(handshake, shown, mbuf, Mbuf.data(mbuf), handshakes.iface(handshake));
        net.dispatch(mbuf, net.output(own.packet, own.hopToClient(pipeline)));
    }

    /** Sends on what the client has sent meanwhile, in its order, the way any segment goes. */
    private void deliver(int handshake) {
        long element = handshakes.take(handshake);
        while (element != 0) {
            long mbuf = Handshakes.mbuf(element);
            net.dispatch(mbuf, misses.slow(mbuf, Handshakes.port(element)));
            element = handshakes.take(handshake);
        }
    }

    /** The server has an older connection of the same tuple: it is told to forget that. */
    private int resetServer(Packet p, ConnectionTable table, int entry) {
        @Nullable Service service = service(table, entry);
        int limit = pipeline.sysctls.ackStorm;
        boolean storm = limit != 0 && handshakes.stale(handshake(table, entry)) > limit;
        if (service != null) {
            proxy.count(service, storm ? Counter.STORMS : Counter.STALE);
        }
        if (storm) {
            return Verdict.drop(DropReason.ACK_STORM);
        }
        int seq = Tcp.ack(p.l4) - Connection.seqDelta(table.hot(entry), Connection.CLIENT_SIDE);
        own.resetServer(seq, p.mbuf, p.frame, p.l3, p.iface);
        return misses.sendOn(own.packet, table, entry);
    }

    private int refused(Packet p, ConnectionTable table, int entry, int handshake) {
        @Nullable Service service = service(table, entry);
        if (service != null) {
            proxy.count(service, Counter.REFUSED);
            if (another(service, table, entry, handshake)) {
                return Verdict.drop(DropReason.SYN_WAITING);
            }
            own.of(table, entry);
        }
        long hot = table.hot(entry);
        Connection.setSeqDelta(hot, Connection.SERVER_SIDE, handshakes.cookie(handshake) + 1 - Tcp.seq(p.l4));
        Connection.setFlags(hot, (Connection.flags(hot) & ~Connection.TOA_PENDING) | Connection.SEQ_OUT);
        Connection.setProxy(hot, 0);
        Connection.setProxyTimestamp(table.cold(entry), 0);
        pipeline.tracker(table.ipv6()).moveTo(entry, hot, TcpStates.CLOSE, pipeline.now);
        own.resetClient(handshake, p.mbuf, p.frame, p.l3, p.iface);
        forget(handshake);
        return net.output(own.packet, own.hopToClient(pipeline));
    }

    // ---- time

    /** The timer of an entry has run out; whether that is a handshake's, which has then been seen to. */
    boolean timer(ConnectionTable table, int entry) {
        if ((Connection.proxy(table.hot(entry)) & Connection.PENDING) == 0) {
            return false;
        }
        if (pipeline.services.standby) {
            connector.release(table.ipv6(), entry);
            return true;
        }
        int handshake = handshake(table, entry);
        own.of(table, entry);
        @Nullable Service service = service(table, entry);
        int event = Handshake.timerEvent(
                handshakes.resent(handshake), proxy.settings().retries());
        if (Handshake.action(event) == Handshake.RESEND) {
            resend(table, entry, handshake, service);
        } else {
            giveUp(table, entry, handshake, service);
        }
        return true;
    }

    private void resend(ConnectionTable table, int entry, int handshake, @Nullable Service service) {
        handshakes.sentAgain(handshake);
        pipeline.timers(table.ipv6()).arm(entry, pipeline.now + (FIRST_WAIT << handshakes.resent(handshake)));
        long mbuf = net.allocate(Segment.MAX_SIZE);
        if (mbuf == 0) {
            return;
        }
        if (service != null) {
            proxy.count(service, Counter.RETRIES);
        }
        own.syn(handshake, mbuf, Mbuf.data(mbuf), Mbuf.data(mbuf), handshakes.iface(handshake));
        net.dispatch(mbuf, misses.sendOn(own.packet, table, entry));
    }

    private void giveUp(ConnectionTable table, int entry, int handshake, @Nullable Service service) {
        counts.unanswered(Connection.destination(table.hot(entry)));
        if (service != null) {
            proxy.count(service, Counter.UNANSWERED);
            if (another(service, table, entry, handshake)) {
                return;
            }
            own.of(table, entry);
        }
        long mbuf = net.allocate(Segment.MAX_SIZE);
        if (mbuf != 0) {
            own.resetClient(handshake, mbuf, Mbuf.data(mbuf), Mbuf.data(mbuf), handshakes.iface(handshake));
            net.dispatch(mbuf, net.output(own.packet, own.hopToClient(pipeline)));
        }
        connector.release(table.ipv6(), entry);
    }

    /** Tries another server for the client of {@code entry}; whether one was found. The entry has gone then. */
    private boolean another(Service service, ConnectionTable table, int entry, int handshake) {
        long hot = table.hot(entry);
        int present = Connection.destination(hot);
        if (!proxy.settings().retryOther()
                || handshakes.servers(handshake) >= MOST_SERVERS
                || !hasOther(service, present, table.ipv6())) {
            return false;
        }
        long mbuf = net.allocate(Segment.MAX_SIZE);
        if (mbuf == 0) {
            return false;
        }
        // The handshake outlives its entry; and should no other server take it, the entry must be there to be closed.
        Connection.setProxy(hot, 0);
        connector.release(table.ipv6(), entry);
        own.syn(handshake, mbuf, Mbuf.data(mbuf), Mbuf.data(mbuf), handshakes.iface(handshake));
        int verdict = open(handshake, service, present);
        if (Verdict.kind(verdict) == Verdict.DROP) {
            own.resetClient(handshake, mbuf, Mbuf.data(mbuf), Mbuf.data(mbuf), handshakes.iface(handshake));
            net.dispatch(mbuf, net.output(own.packet, own.hopToClient(pipeline)));
            forget(handshake);
            return true;
        }
        handshakes.nextServer(handshake);
        proxy.count(service, Counter.OTHER_SERVER);
        net.dispatch(mbuf, verdict);
        return true;
    }

    private static boolean hasOther(Service service, int present, boolean ipv6) {
        for (Destination each : service.destinations) {
            if (each.index != present && each.weight > 0 && each.ipv6 == ipv6) {
                return true;
            }
        }
        return false;
    }

    /** An entry goes; if it is in the handshake, so does what was kept for it. */
    void released(ConnectionTable table, int entry) {
        if ((Connection.proxy(table.hot(entry)) & Connection.PENDING) != 0) {
            forget(handshake(table, entry));
        }
    }

    private void forget(int handshake) {
        long element = handshakes.take(handshake);
        while (element != 0) {
            net.free(Handshakes.mbuf(element));
            element = handshakes.take(handshake);
        }
        handshakes.close(handshake);
    }
}
