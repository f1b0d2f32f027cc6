package lvsd.dataplane;

import java.util.Arrays;
import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.connection.Timeouts;
import lvsd.dataplane.net.Net;
import lvsd.dataplane.net.NetConfig;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.Service;
import lvsd.dataplane.service.ServiceTable;
import lvsd.dpdk.Mbuf;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.SynProxyMode;
import lvsd.synproxy.AutoSwitch;
import lvsd.synproxy.Cookies;
import lvsd.synproxy.ProxyCounters;
import lvsd.synproxy.ProxyCounters.Counter;
import lvsd.synproxy.ProxySettings;
import lvsd.synproxy.Secrets;
import lvsd.synproxy.SynAnswer;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Tcp;
import lvsd.wire.TcpOptions;
import org.jspecify.annotations.Nullable;

/**
 * The SYN proxy towards clients: answers SYNs of proxied services by cookies, judges what comes back, and hands those who
 * have proved themselves to {@link ServerHandshakes}. Owned by the worker.
 */
final class SynProxy {
    /** Longer than any cookie lives: how long a service that is no longer proxied still judges acknowledgements. */
    private static final int LINGER = 140 * Timeouts.TICKS_PER_SECOND;
    /** Bad acknowledgements looked at a second time, per cycle, to tell expired cookies from wrong ones. */
    private static final int EXPIRED_CHECKS = 4;

    private static final long TWO_EPOCHS = 2L << Secrets.EPOCH_SHIFT;
    private static final int SMALLEST_MSS = 88;
    private static final int NO_SERVER = -1;
    /** The verdict of a segment that acknowledges no cookie. */
    static final int BAD_COOKIE = Verdict.drop(DropReason.SYN_COOKIE);

    private static final int FULLNAT = ForwardingMethod.FULLNAT.number();
    private static final int NAT = ForwardingMethod.NAT.number();

    private final Pipeline pipeline;
    private final Misses misses;
    private final Connector connector;
    private final Net net;
    private final ServerHandshakes handshakes;
    private final FloodPath floods;
    private final ProxyCounters counters;
    private final AutoSwitch switches;
    private final @Nullable AutoProxy auto;
    private final Cookies cookies;
    private final Cookies expired;
    private ProxySettings settings;

    /** MSS to announce, by service; 0: not known yet, {@link #NO_SERVER}: nobody to send it to. */
    private final int[] announced = new int[Service.MAXIMUM];
    /** Tick of the last cookie given, by service; 0: none. */
    private final int[] answered = new int[Service.MAXIMUM];

    private ServiceTable announcedFor = ServiceTable.EMPTY;
    private @Nullable NetConfig announcedOver;
    private long nanos;
    private int expiredChecks;

    SynProxy(Pipeline pipeline, Misses misses, Connector connector, WorkerParts parts) {
        this.pipeline = pipeline;
        this.misses = misses;
        this.connector = connector;
        this.net = parts.net();
        this.counters = parts.proxy().counters();
        this.switches = parts.proxy().switches();
        this.auto = parts.proxy().auto();
        this.settings = Sysctls.DEFAULT.synProxy;
        this.cookies = new Cookies(parts.proxy().secrets());
        this.expired = new Cookies(parts.proxy().secrets());
        this.handshakes = new ServerHandshakes(pipeline, misses, connector, this, parts);
        this.floods = new FloodPath(pipeline, this, cookies, net, parts.ownership());
        cookies.scale(settings.scale());
        expired.scale(settings.scale());
    }

    /** The handshakes with servers. */
    ServerHandshakes handshakes() {
        return handshakes;
    }

    /** The short way of what floods are made of. */
    FloodPath floods() {
        return floods;
    }

    /** Sets the clock, nanoseconds. Once a cycle. */
    void clock(long now) {
        nanos = now;
        floods.clock();
        expiredChecks = 0;
        cookies.clock(now);
        if (auto != null) {
            auto.work(pipeline.now, pipeline.services, pipeline.sysctls);
        }
    }

    /** Settings in use. */
    ProxySettings settings() {
        return settings;
    }

    /** Takes over other settings. */
    void settings(ProxySettings newer) {
        settings = newer;
        announcedFor = ServiceTable.EMPTY;
        floods.forget();
        cookies.scale(newer.scale());
        expired.scale(newer.scale());
    }

    /** Takes over other secrets. */
    void secrets(Secrets newer) {
        cookies.secrets(newer);
        expired.secrets(newer);
        cookies.clock(nanos);
    }

    /** Secrets in use. */
    Secrets secrets() {
        return cookies.secrets();
    }

    /** Counts a step of a service. */
    void count(Service service, Counter counter) {
        counters.count(service.index, counter, 1);
    }

    /** Whether segments of the service without a connection are the proxy's: it is proxied, or was a moment ago. */
    boolean concerns(Service service) {
        return service.synProxy != SynProxyMode.DISABLE || lately(service);
    }

    private boolean lately(Service service) {
        int tick = answered[service.index];
        return tick != 0 && pipeline.now - tick < LINGER;
    }

    /** Whether SYNs of the service are answered by cookies now. */
    boolean active(Service service) {
        return service.synProxy == SynProxyMode.ENABLE
                || (service.synProxy == SynProxyMode.AUTO && switches.on(service.index));
    }

    /** Whether a cookie of the service may come back though none is given now: of a moment ago, or of another director. */
    private boolean gaveCookies(Service service) {
        return lately(service)
                || (service.synProxy != SynProxyMode.DISABLE
                        && cookies.secrets().shared());
    }

    /** A valid TCP segment, without a connection, of a service that concerns the proxy. */
    int miss(Packet p, Service service) {
        int flags = Tcp.flags(p.l4) & (Tcp.SYN | Tcp.ACK_FLAG | Tcp.RST);
        boolean on = active(service);
        boolean syn = flags == Tcp.SYN && on;
        if (!syn && !judges(p, service)) {
            if (flags == Tcp.SYN && service.synProxy == SynProxyMode.AUTO) {
                counters.count(service.index, Counter.PASSED, 1);
            }
            return connector.open(p, service);
        }
        int source = net.sourceCheck(p);
        if (source != 0) {
            return source;
        }
        if (on) {
            learn(p, service);
        }
        return syn ? syn(p, service) : acknowledgement(p, service);
    }

    /** Lets others to the same address go the short way for now, since nothing of them decides but where they go to. */
    private void learn(Packet p, Service service) {
        int mss = announced(service, p.ipv6);
        if (mss != NO_SERVER) {
            floods.learn(p, service, mss);
        }
    }

    /** Notes that SYNs of the service with this index were answered by cookies. */
    void answered(int index, int count) {
        answered[index] = pipeline.now | 1;
        counters.count(index, Counter.SYNS, count);
    }

    /** Counts a step of the service with this index. */
    void count(int index, Counter counter) {
        counters.count(index, counter, 1);
    }

    /** Whether an acknowledgement is dropped unseen: {@code length} bytes with the header. */
    boolean deferred(int length, int header) {
        return length == header && settings.defer();
    }

    /** Whether bad acknowledgements are answered. */
    boolean refuses() {
        return settings.resetBad() && !pipeline.sysctls.defenceTcpDrop;
    }

    /** Whether a bad acknowledgement that comes now is looked at again: {@link #badTwice}. */
    boolean looksTwice() {
        return expiredChecks < EXPIRED_CHECKS;
    }

    /** Drops a segment that acknowledges no cookie, after a second look. */
    int badTwice(int index, boolean ipv6, long ip, long tcp) {
        boolean late = mayBeLate() && judge(expired, ipv6, ip, tcp, Tcp.headerLength(tcp)) != Cookies.INVALID;
        counters.count(index, late ? Counter.EXPIRED : Counter.BAD, 1);
        return BAD_COOKIE;
    }

    /** Whether a bad cookie is looked at again, with the secrets of a while ago. */
    private boolean mayBeLate() {
        if (expiredChecks >= EXPIRED_CHECKS) {
            return false;
        }
        expiredChecks++;
        expired.clock(nanos - TWO_EPOCHS);
        return true;
    }

    /** Answers a SYN by a cookie, in its own buffer. */
    int syn(Packet p, Service service) {
        int mss = announced(service, p.ipv6);
        if (mss == NO_SERVER) {
            counters.count(service.index, Counter.NO_SERVER, 1);
            return Verdict.drop(DropReason.NO_DESTINATION);
        }
        if (!OwnSegments.room(p)) {
            return Verdict.drop(DropReason.NO_MBUF);
        }
        int length = p.ipv6
                ? SynAnswer.answer6(p.l3, p.l4, p.l4Length, cookies, settings, mss)
                : SynAnswer.answer4(p.l3, p.l4, p.l4Length, cookies, settings, mss);
        if (length == 0) {
            return Verdict.drop(DropReason.BAD_TRANSPORT_CHECKSUM);
        }
        Mbuf.setLength(p.mbuf, (int) (p.l3 - p.frame) + length);
        answered(service.index, 1);
        return net.back(p);
    }

    private int announced(Service service, boolean ipv6) {
        if (announcedFor != pipeline.services || announcedOver != net.config()) {
            Arrays.fill(announced, 0);
            announcedFor = pipeline.services;
            announcedOver = net.config();
        }
        int known = announced[service.index];
        if (known == 0) {
            known = largestSegment(service, ipv6);
            announced[service.index] = known;
        }
        return known;
    }

    /** What fits the way to every server, the client's address included; {@link #NO_SERVER} without a usable one. */
    private int largestSegment(Service service, boolean ipv6) {
        int smallest = NO_SERVER;
        for (Destination each : service.destinations) {
            if (each.weight == 0 || each.ipv6 != ipv6 || (each.method != NAT && each.method != FULLNAT)) {
                continue;
            }
            int mtu = ipv6 ? net.mtu6(each.address6High, each.address6Low) : net.mtu4(each.address4);
            int headers = Tcp.SIZE + (ipv6 ? Ipv6.SIZE : Ipv4.SIZE);
            int toa = service.toa && each.method == FULLNAT ? Connector.toaSize(ipv6) : 0;
            int mss = Math.max(SMALLEST_MSS, Math.min(settings.mss(), mtu - headers - toa));
            smallest = smallest == NO_SERVER ? mss : Math.min(smallest, mss);
        }
        return smallest;
    }

    /** A segment that may acknowledge a cookie; it belongs to no connection any more. */
    int acknowledgement(Packet p, Service service) {
        int header = Tcp.headerLength(p.l4);
        if (deferred(p.l4Length, header)) {
            counters.count(service.index, Counter.DEFERRED, 1);
            return Verdict.drop(DropReason.SYN_DEFERRED);
        }
        int offer = judge(cookies, p, header);
        return offer == Cookies.INVALID ? bad(p, service, header) : proven(p, service, offer);
    }

    /** A segment that acknowledges a cookie that holds. */
    int proven(Packet p, Service service, int offer) {
        int header = Tcp.headerLength(p.l4);
        // The cookie vouches for addresses, ports and numbers; the rest is about to be sent on in other segments.
        if (!SynAnswer.checksumValid(p.ipv6, p.l3, p.l4, p.l4Length)) {
            return Verdict.drop(DropReason.BAD_TRANSPORT_CHECKSUM);
        }
        if (service.persistent) {
            return persistent(p, service, offer, header);
        }
        counters.count(service.index, Counter.GOOD, 1);
        return handshakes.begin(p, service, offer, header, null, 0);
    }

    /** A proven client of a persistent service: goes where its template says, if need be after another worker said so. */
    private int persistent(Packet p, Service service, int offer, int header) {
        Persistence persistence = connector.persistence();
        int asked = persistence.ask(p, service, connector.flow(p));
        if (asked != 0) {
            return asked;
        }
        int template = persistence.find(service, connector.flow(p), p.protocol, p.ipv6);
        if (template < 0) {
            return net.refuse(p);
        }
        int index = Connection.destination(pipeline.table(p.ipv6).hot(template));
        return persistent(p, service, offer, header, index, template + 1);
    }

    private int persistent(Packet p, Service service, int offer, int header, int index, int template) {
        Destination server = index < 0 ? null : pipeline.services.destination(index);
        if (server == null || server.service != service.index) {
            return net.refuse(p);
        }
        counters.count(service.index, Counter.GOOD, 1);
        return handshakes.begin(p, service, offer, header, server, template);
    }

    /**
     * An acknowledgement that has waited for its client's template goes on.
     *
     * @param index of the template's server; negative as {@link Persistence#find} says
     * @param template link for the connection
     */
    int resume(Packet p, Service service, int index, int template) {
        int header = Tcp.headerLength(p.l4);
        int offer = judge(cookies, p, header);
        return offer == Cookies.INVALID
                ? bad(p, service, header)
                : persistent(p, service, offer, header, index, template);
    }

    /** Whether a segment without a connection, of this service, is judged by cookies. */
    boolean judges(Packet p, Service service) {
        int flags = Tcp.flags(p.l4) & (Tcp.SYN | Tcp.ACK_FLAG | Tcp.RST);
        return flags == Tcp.ACK_FLAG && (active(service) || gaveCookies(service));
    }

    /** Whether a segment acknowledges a cookie that holds. */
    boolean proves(Packet p) {
        int flags = Tcp.flags(p.l4) & (Tcp.SYN | Tcp.RST | Tcp.ACK_FLAG);
        return flags == Tcp.ACK_FLAG && judge(cookies, p, Tcp.headerLength(p.l4)) != Cookies.INVALID;
    }

    private static int judge(Cookies by, Packet p, int header) {
        return judge(by, p.ipv6, p.l3, p.l4, header);
    }

    private static int judge(Cookies by, boolean ipv6, long ip, long tcp, int header) {
        if (!ipv6) {
            return cookie4(by, ip, tcp, header);
        }
        int stamps = TcpOptions.timestamps(tcp, header);
        int echo = stamps < 0 ? 0 : TcpOptions.tsecr(tcp, header, stamps);
        return by.open6(
                Ipv6.sourceHigh(ip),
                Ipv6.sourceLow(ip),
                Ipv6.destinationHigh(ip),
                Ipv6.destinationLow(ip),
                Tcp.ports(tcp),
                Tcp.seq(tcp) - 1,
                Tcp.ack(tcp) - 1,
                stamps >= 0,
                echo);
    }

    private static int cookie4(Cookies by, long ip, long tcp, int header) {
        int stamps = header == Tcp.SIZE ? -1 : TcpOptions.timestamps(tcp, header);
        int echo = stamps < 0 ? 0 : TcpOptions.tsecr(tcp, header, stamps);
        return by.open4(Ipv4.addresses(ip), Tcp.ports(tcp), Tcp.seq(tcp) - 1, Tcp.ack(tcp) - 1, stamps >= 0, echo);
    }

    private int bad(Packet p, Service service, int header) {
        boolean late = mayBeLate() && judge(expired, p, header) != Cookies.INVALID;
        counters.count(service.index, late ? Counter.EXPIRED : Counter.BAD, 1);
        return refuses() ? net.refuse(p) : BAD_COOKIE;
    }

    /**
     * A SYN on an entry of the proxy's in one of the closing states: where such entries may be reused it is answered by a
     * cookie, and the entry stays until that is acknowledged. 0 when it is not the proxy's business.
     */
    int synOnEntry(Packet p, ConnectionTable table, int entry) {
        Service service = misses.service(p);
        long hot = table.hot(entry);
        if (service == null || !active(service) || !reusable(hot)) {
            return 0;
        }
        Connection.setFlags(hot, Connection.flags(hot) | Connection.TOA_PENDING);
        Connection.setProxy(hot, Connection.proxy(hot) | Connection.WATCHED);
        return syn(p, service);
    }

    /** Whether the entry may give way to a proven client. */
    boolean reusable(long hot) {
        return (settings.reuse() >>> Connection.state(hot) & 1) != 0;
    }
}
