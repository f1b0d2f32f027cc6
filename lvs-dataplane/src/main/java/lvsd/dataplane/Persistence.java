package lvsd.dataplane;

import lvsd.dataplane.connection.CallIds;
import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.connection.Template;
import lvsd.dataplane.connection.Timeouts;
import lvsd.dataplane.scheduler.DestinationCounts;
import lvsd.dataplane.scheduler.Flow;
import lvsd.dataplane.scheduler.Schedulers;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.Service;
import lvsd.dataplane.service.Wire;
import lvsd.memory.Memory;
import lvsd.memory.Scratch;
import lvsd.sync.BackupRules;
import lvsd.sync.SyncConnection;
import lvsd.wire.Ipv4;
import lvsd.wire.Tcp;
import lvsd.wire.Udp;
import org.jspecify.annotations.Nullable;

/**
 * Persistence templates: clients of a persistent service, as many as its mask makes one, go to one server until they have
 * been silent for the service's time. Owned by the worker.
 *
 * <p>A template lives on the worker that its key (client and mask, VIP or mark, port) chooses, so all workers come to the
 * same answer. That worker finds or makes it for connections of its own and, asked by {@link TemplateMail}, for others'.
 *
 * <p>As in the kernel: each connection that is made of a template starts its time anew; when the time is over while
 * connections hang on it, it goes on for 60 seconds at a time. How many hang on it elsewhere is asked at that moment
 * alone: the others keep the count, in shadows.
 */
final class Persistence {
    /** {@link #find}: no server can be had. */
    static final int NO_SERVER = -1;
    /** {@link #find}: no entry can be had. */
    static final int FULL = -2;
    /** {@link #outgoing}: there is no Call-ID. */
    static final int NO_CALL_ID = -3;

    /** For how long a template goes on at a time while connections hang on it. */
    private static final int PROLONGED_SECONDS = 60;
    /** Ticks after which an unanswered question about hanging connections is asked again: 100 ms. */
    private static final int CHECK_TICKS = 25;
    /** One that came by sync ends so much later: that it is prolonged is said when its time is over where it was made. */
    private static final int GRACE_TICKS = Timeouts.TICKS_PER_SECOND;

    private static final int TCP = Ipv4.PROTOCOL_TCP;

    private final Pipeline pipeline;
    private final Connector connector;
    private final Schedulers schedulers;
    private final DestinationCounts counts;
    private final CallIds callIds;
    private final int self;
    private final int workers;
    private final TemplateMail mail;
    private int stamps;

    // Key of the template in hand.
    private int virtualPort;
    private int keyPorts;
    private int keyProtocol;
    private long key4;
    private long clientHigh;
    private long clientLow;
    private long groupHigh;
    private long groupLow;
    private long hash;
    // Its Call-ID, where the service goes by that.
    private long callAt;
    private int callLength;
    /** A Call-ID that came by sync. */
    private final Scratch received = new Scratch(CallIds.LONGEST + 1, 8);

    Persistence(Pipeline pipeline, Connector connector, WorkerParts parts) {
        this.pipeline = pipeline;
        this.connector = connector;
        this.schedulers = parts.schedulers();
        this.counts = parts.counts();
        this.callIds = parts.callIds();
        this.self = parts.ownership().self();
        this.workers = parts.ownership().workers();
        this.mail = new TemplateMail(pipeline, this, parts.post());
    }

    TemplateMail mail() {
        return mail;
    }

    /** The first packet of a connection to a persistent service: opens it by its template, or waits for the answer. */
    int open(Packet p, Service service, Flow flow) {
        if (!readCallId(p, service)) {
            return Verdict.drop(DropReason.NO_CALL_ID);
        }
        int asked = ask(p, service, flow);
        if (asked != 0) {
            return asked;
        }
        int entry = find(service, flow, p.protocol, p.ipv6);
        if (entry < 0) {
            return connector.refuse(p, service, entry);
        }
        Destination destination = server(p.ipv6, entry);
        return destination == null
                ? Verdict.drop(DropReason.DESTINATION_GONE)
                : connector.connect(p, service, destination, entry + 1);
    }

    /** Asks for the flow's template where that is another worker's: the packet's verdict; 0 where it is this one's. */
    int ask(Packet p, Service service, Flow flow) {
        setKey(service, flow, p.protocol, p.ipv6);
        int home = home();
        return home == self ? 0 : mail.ask(p, service, flow, home);
    }

    /** As {@link #open} for a packet that never was sent, after what an ICMP error quotes. The error is what waits. */
    int openByError(Packet p, Service service, Flow flow) {
        int asked = ask(p, service, flow);
        if (asked != 0) {
            return asked;
        }
        int entry = find(service, flow, p.protocol, p.ipv6);
        Destination destination = entry < 0 ? null : server(p.ipv6, entry);
        return destination == null
                ? Verdict.drop(entry == FULL ? DropReason.TABLE_FULL : DropReason.NO_DESTINATION)
                : connector.connect(p, service, destination, entry + 1);
    }

    private @Nullable Destination server(boolean ipv6, int entry) {
        return pipeline.services.destination(
                Connection.destination(pipeline.table(ipv6).hot(entry)));
    }

    /** False when the service goes by Call-IDs and the packet has none. */
    private boolean readCallId(Packet p, Service service) {
        if (!service.byCall) {
            return true;
        }
        long message = p.l4 + Udp.SIZE;
        int length = p.protocol == Ipv4.PROTOCOL_UDP ? Udp.length(p.l4) - Udp.SIZE : 0;
        long found = CallIds.find(message, length);
        if (found < 0) {
            return false;
        }
        callAt = message + (int) (found >>> 32);
        callLength = (int) found;
        return true;
    }

    /** Where the Call-ID of the packet in hand lies. */
    long callAt() {
        return callAt;
    }

    /** Its length, bytes. */
    int callLength() {
        return callLength;
    }

    /** The Call-ID for the next {@link #find}; it must lie there until that returns. */
    void call(long address, int length) {
        callAt = address;
        callLength = length;
    }

    // ---- keys

    private void setKey(Service service, Flow flow, int protocol, boolean ipv6) {
        boolean marked = service.mark != 0;
        setKey(service, templatePort(service, flow.virtualPort, protocol), protocol);
        if (ipv6) {
            clientHigh = flow.clientHigh & service.maskHigh;
            clientLow = flow.clientLow & service.maskLow;
            groupHigh = marked ? Integer.toUnsignedLong(service.mark) : flow.virtualHigh;
            groupLow = marked ? 0 : flow.virtualLow;
        } else {
            key4 = Ipv4.pair((int) flow.clientLow & service.mask4, marked ? service.mark : (int) flow.virtualLow);
        }
        hash(ipv6);
    }

    /** The key's port, Call-ID and protocol. */
    private void setKey(Service service, int port, int protocol) {
        int shown = service.mark != 0 ? 0 : protocol;
        virtualPort = port;
        keyPorts = service.byCall ? callIds.hash(callAt, callLength) + port : Tcp.portPair(0, port);
        keyProtocol = service.byCall ? Template.callKey(shown) : Template.key(shown);
    }

    private void hash(boolean ipv6) {
        hash = ipv6
                ? pipeline.table6.hash6(clientHigh, clientLow, groupHigh, groupLow, keyPorts, keyProtocol)
                : pipeline.table4.hash4(key4, keyPorts, keyProtocol);
    }

    /** A service of one port has that in its templates; one of all ports, or of FTP, keeps a client's ports together. */
    private static int templatePort(Service service, int virtualPort, int protocol) {
        boolean ftp = protocol == TCP && service.port == Service.FTP;
        return service.port != 0 && service.port == virtualPort && !ftp ? virtualPort : 0;
    }

    /** The worker that keeps the template: by bits of the hash that choose no bucket. */
    private int home() {
        long mixed = (hash & 0xffff_ffffL) * 0x9e37_79b9L;
        return workers == 1 ? self : (int) (mixed >>> 16 & 0xffff) % workers;
    }

    private int lookUp(boolean ipv6) {
        int reference = ipv6
                ? pipeline.table6.find6(hash, clientHigh, clientLow, groupHigh, groupLow, keyPorts, keyProtocol)
                : pipeline.table4.find4(hash, key4, keyPorts, keyProtocol);
        return reference == ConnectionTable.NONE ? ConnectionTable.NONE : ConnectionTable.entry(reference);
    }

    // ---- templates of this worker

    /**
     * The valid template of a flow to {@code service}, made if there is none; its time starts anew.
     *
     * @return its entry, or {@link #NO_SERVER} or {@link #FULL}
     */
    int find(Service service, Flow flow, int protocol, boolean ipv6) {
        setKey(service, flow, protocol, ipv6);
        ConnectionTable table = pipeline.table(ipv6);
        int entry = present(table, service);
        if (entry != ConnectionTable.NONE && !isValid(table.hot(entry))) {
            invalidate(table, entry);
            entry = ConnectionTable.NONE;
        }
        if (entry == ConnectionTable.NONE) {
            entry = create(service, flow, protocol, ipv6);
        }
        if (entry >= 0) {
            Connection.setLastSeen(table.hot(entry), pipeline.now);
        }
        return entry;
    }

    /**
     * The template of the call that a datagram of the server {@code sender} belongs to, made if there is none; that of
     * another server gives way, as in the kernel. One that another worker would keep is neither looked for nor made.
     *
     * @param flow of the client that the datagram goes to
     * @return link for the connection (see {@link #control}), 0 for none; {@link #NO_CALL_ID} or {@link #FULL}
     */
    int outgoing(Packet p, Service service, Destination sender, Flow flow) {
        if (!readCallId(p, service)) {
            return NO_CALL_ID;
        }
        setKey(service, flow, p.protocol, p.ipv6);
        if (home() != self) {
            return 0;
        }
        ConnectionTable table = pipeline.table(p.ipv6);
        int entry = present(table, service);
        if (entry != ConnectionTable.NONE && Connection.destination(table.hot(entry)) != sender.index) {
            invalidate(table, entry);
            entry = ConnectionTable.NONE;
        }
        if (entry == ConnectionTable.NONE) {
            entry = make(service, sender, p.protocol, p.ipv6);
            if (entry < 0) {
                return entry;
            }
            pipeline.sync().opened(table, entry);
        }
        Connection.setLastSeen(table.hot(entry), pipeline.now);
        return entry + 1;
    }

    private boolean isCall(long cold) {
        return callIds.is(Template.callId(cold), callAt, callLength);
    }

    /**
     * Its server must be there, and with {@code expire_quiescent_template} take new clients. Overload does not count. It may be
     * another service's: those of FTP and of all ports at one address have the same templates.
     */
    private boolean isValid(long hot) {
        Destination destination = pipeline.services.destination(Connection.destination(hot));
        return destination != null && (destination.weight != 0 || !pipeline.sysctls.expireQuiescentTemplate);
    }

    /** It is never found again, whatever becomes of its server, but stays until its time is over. */
    private static void invalidate(ConnectionTable table, int entry) {
        table.withdraw(entry);
        long hot = table.hot(entry);
        Template.define(hot, Template.protocol(hot), Template.INVALID_PORT);
        Connection.setPorts(hot, Connection.SERVER_SIDE, Tcp.portPair(Template.INVALID_PORT, 0));
    }

    private void forget(ConnectionTable table, int entry) {
        int callId = Template.callId(table.cold(entry));
        if (callId != 0) {
            callIds.release(callId);
        }
        table.remove(entry);
    }

    private int create(Service service, Flow flow, int protocol, boolean ipv6) {
        int chosen = schedulers.pick(service, counts, flow);
        if (chosen < 0) {
            return NO_SERVER;
        }
        int entry = make(service, service.destinations[chosen], protocol, ipv6);
        if (entry >= 0) {
            pipeline.sync().opened(pipeline.table(ipv6), entry);
        }
        return entry;
    }

    private int make(Service service, Destination destination, int protocol, boolean ipv6) {
        ConnectionTable table = pipeline.table(ipv6);
        int entry = table.allocate();
        if (entry == ConnectionTable.NONE) {
            return FULL;
        }
        int callId = service.byCall ? callIds.keep(callAt, callLength) : 0;
        fill(table, entry, destination);
        Template.define(table.hot(entry), service.mark != 0 ? 0 : protocol, virtualPort);
        Template.setCallId(table.cold(entry), callId);
        if ((service.byCall && callId == 0) || table.insertClient(entry) != ConnectionTable.INSERTED) {
            forget(table, entry);
            return FULL;
        }
        int ticks = Timeouts.ticks(service.persistence);
        Connection.setOwnTimeout(table.cold(entry), ticks);
        counts.persistent(destination.index, 1);
        Connection.setLastSeen(table.hot(entry), pipeline.now);
        pipeline.timers(ipv6).arm(entry, pipeline.now + ticks);
        return entry;
    }

    // ---- templates of other directors

    /** Makes, updates or ends a template as {@code c} says, if it is this worker's. False if it cannot be had here. */
    boolean take(SyncConnection c) {
        Service service = service(c);
        Destination destination = service == null ? null : SyncTaker.destination(service, c);
        if (service == null || destination == null || !readCallId(c, service)) {
            return false;
        }
        setKey(service, c);
        if (home() != self) {
            return true;
        }
        ConnectionTable table = pipeline.table(c.ipv6);
        int entry = present(table, service);
        SyncTaker taker = pipeline.sync().taker();
        if (c.bulk && (entry == ConnectionTable.NONE ? taker.isOver(c) : !taker.isNews(table, entry, c))) {
            return true;
        }
        if (entry != ConnectionTable.NONE
                && (c.deleted || Connection.destination(table.hot(entry)) != destination.index)) {
            end(c.ipv6, entry);
            entry = ConnectionTable.NONE;
        }
        if (c.deleted) {
            return true;
        }
        if (entry == ConnectionTable.NONE) {
            entry = make(service, destination, c.protocol, c.ipv6);
        }
        if (entry < 0) {
            return false;
        }
        taken(table, entry, c);
        return true;
    }

    /** The template of the key in hand, of this very call where it is of one. */
    private int present(ConnectionTable table, Service service) {
        int entry = lookUp(table.ipv6());
        while (service.byCall && entry != ConnectionTable.NONE && !isCall(table.cold(entry))) {
            keyPorts++; // another call has the same hash
            hash(table.ipv6());
            entry = lookUp(table.ipv6());
        }
        return entry;
    }

    /** It lives as long as the message says, until it is used. */
    private void taken(ConnectionTable table, int entry, SyncConnection c) {
        long hot = table.hot(entry);
        int ticks = SyncTaker.ticks(BackupRules.timeout(c)) + GRACE_TICKS;
        int seen = pipeline.now + ticks - Connection.ownTimeout(table.cold(entry));
        Connection.setState(hot, Connection.state(hot) | (c.state & Template.ASSURED));
        Connection.setFlags(hot, Connection.flags(hot) | Connection.SYNCED);
        Connection.setLastSeen(hot, seen);
        Connection.setSyncStamp(table.cold(entry), seen);
        pipeline.timers(c.ipv6).armEarlier(entry, pipeline.now + ticks);
    }

    /** The persistent service of a template that came by sync; null if there is none here. */
    @Nullable
    Service service(SyncConnection c) {
        Service service;
        if (c.protocol == 0) {
            long mark = c.ipv6 ? c.virtualHigh >>> 32 : c.virtualLow;
            service = pipeline.services.marked((int) mark, c.ipv6);
        } else {
            service = SyncTaker.service(pipeline.services, c);
            if (service == null && c.virtualPort == 0 && c.protocol == TCP) {
                service = ftp(c);
            }
        }
        return service != null && service.persistent ? service : null;
    }

    /** The FTP service at the address of a template of every port. */
    private @Nullable Service ftp(SyncConnection c) {
        return c.ipv6
                ? pipeline.services.find6(
                        TCP, Long.reverseBytes(c.virtualHigh), Long.reverseBytes(c.virtualLow), Service.FTP)
                : pipeline.services.find4(TCP, Integer.reverseBytes((int) c.virtualLow), Service.FTP);
    }

    private boolean readCallId(SyncConnection c, Service service) {
        if (!service.byCall) {
            return c.engineDataLength == 0;
        }
        for (int i = 0; i < c.engineDataLength; i++) {
            Memory.setByte(received.address(), CallIds.LONGEST, i, c.engineData[i]);
        }
        call(received.address(), c.engineDataLength);
        return c.engineDataLength > 0;
    }

    private void setKey(Service service, SyncConnection c) {
        setKey(service, Wire.port(c.virtualPort), c.protocol);
        if (c.ipv6) {
            clientHigh = Long.reverseBytes(c.clientHigh) & service.maskHigh;
            clientLow = Long.reverseBytes(c.clientLow) & service.maskLow;
            groupHigh = Long.reverseBytes(c.virtualHigh);
            groupLow = Long.reverseBytes(c.virtualLow);
        } else {
            int client = Integer.reverseBytes((int) c.clientLow) & service.mask4;
            key4 = Ipv4.pair(client, Integer.reverseBytes((int) c.virtualLow));
        }
        hash(c.ipv6);
    }

    private void fill(ConnectionTable table, int entry, Destination destination) {
        long hot = table.hot(entry);
        int server = Connection.SERVER_SIDE;
        Connection.setPorts(hot, Connection.CLIENT_SIDE, keyPorts);
        Connection.setPorts(hot, server, Tcp.portPair(virtualPort != 0 ? destination.port : 0, 0));
        Connection.setProtocol(hot, keyProtocol);
        Connection.setDestination(hot, destination.index);
        Connection.setFlags(hot, destination.method | Connection.INACTIVE | Connection.TEMPLATE);
        Template.setStamp(table.cold(entry), ++stamps);
        if (table.ipv6()) {
            long at = table.addresses6(entry);
            Connection.setSource6(at, Connection.CLIENT_SIDE, clientHigh, clientLow);
            Connection.setDestination6(at, Connection.CLIENT_SIDE, groupHigh, groupLow);
            Connection.setSource6(at, server, destination.address6High, destination.address6Low);
        } else {
            Connection.setAddresses(hot, Connection.CLIENT_SIDE, key4);
            Connection.setAddresses(hot, server, Ipv4.pair(destination.address4, 0));
        }
    }

    /** The Call-ID of a template as listings show it; empty when it has none. */
    String callId(long cold) {
        int number = Template.callId(cold);
        return number == 0 ? "" : callIds.text(number);
    }

    /** A template's time is over. */
    void expired(boolean ipv6, int entry) {
        ConnectionTable table = pipeline.table(ipv6);
        long cold = table.cold(entry);
        if (Template.controlled(cold) > 0) {
            prolong(ipv6, entry);
        } else if (Template.workers(cold) != 0) {
            mail.check(ipv6, entry, Template.stamp(cold), Template.workers(cold));
            pipeline.timers(ipv6).arm(entry, pipeline.now + CHECK_TICKS);
        } else {
            release(ipv6, entry);
        }
    }

    private void prolong(boolean ipv6, int entry) {
        ConnectionTable table = pipeline.table(ipv6);
        long hot = table.hot(entry);
        boolean ending = (Connection.state(hot) & Template.ENDING) != 0;
        int ticks = ending ? CHECK_TICKS : Timeouts.ticks(PROLONGED_SECONDS);
        Connection.setOwnTimeout(table.cold(entry), ticks);
        Connection.setLastSeen(hot, pipeline.now);
        pipeline.timers(ipv6).arm(entry, pipeline.now + ticks);
        pipeline.sync().prolonged(table, entry);
    }

    /** Ends a template at once, or as soon as nothing hangs on it any more. */
    void end(boolean ipv6, int entry) {
        ConnectionTable table = pipeline.table(ipv6);
        long hot = table.hot(entry);
        long cold = table.cold(entry);
        if (Template.controlled(cold) == 0 && Template.workers(cold) == 0) {
            release(ipv6, entry);
        } else {
            invalidate(table, entry);
            Connection.setState(hot, Connection.state(hot) | Template.ENDING);
            prolong(ipv6, entry);
        }
    }

    private void release(boolean ipv6, int entry) {
        ConnectionTable table = pipeline.table(ipv6);
        pipeline.timers(ipv6).disarm(entry);
        pipeline.sync().gone(table, entry);
        counts.persistent(Connection.destination(table.hot(entry)), -1);
        forget(table, entry);
    }

    /** Another worker has opened, or will open, a connection by the template. */
    void lend(boolean ipv6, int entry, int worker) {
        long cold = pipeline.table(ipv6).cold(entry);
        Template.setWorkers(cold, Template.workers(cold) | 1L << worker);
    }

    /** Another worker's answer to whether connections of its own hang on a template. */
    void checked(boolean ipv6, int entry, int stamp, int worker, boolean held) {
        ConnectionTable table = pipeline.table(ipv6);
        long hot = table.hot(entry);
        long cold = table.cold(entry);
        if (!isOurs(table, entry, stamp)) {
            return;
        }
        boolean over = Connection.lastSeen(hot) + Connection.ownTimeout(cold) - pipeline.now <= 0;
        if (!held) {
            Template.setWorkers(cold, Template.workers(cold) & ~(1L << worker));
            if (over && Template.workers(cold) == 0) {
                expired(ipv6, entry);
            }
        } else if (over) {
            prolong(ipv6, entry);
        }
    }

    /** Another worker's connection of the template was established. */
    void assured(boolean ipv6, int entry, int stamp) {
        ConnectionTable table = pipeline.table(ipv6);
        if (isOurs(table, entry, stamp)) {
            Connection.setState(table.hot(entry), Connection.state(table.hot(entry)) | Template.ASSURED);
            pipeline.sync().opened(table, entry);
        }
    }

    private static boolean isOurs(ConnectionTable table, int entry, int stamp) {
        return table.isUsed(entry)
                && Template.is(table.hot(entry))
                && !Template.isShadow(table.hot(entry))
                && Template.stamp(table.cold(entry)) == stamp;
    }

    // ---- connections of this worker that hang on templates

    /** Counts a connection whose template link is {@code link}: an entry plus one, or a shadow's complement. */
    void control(boolean ipv6, int link) {
        change(ipv6, link, 1);
    }

    /** A connection with that link has ended. */
    void uncontrol(boolean ipv6, int link) {
        change(ipv6, link, -1);
        if (link < 0) {
            mail.dropShadowIfIdle(~link);
        }
    }

    private void change(boolean ipv6, int link, int change) {
        long cold = link > 0 ? pipeline.table(ipv6).cold(link - 1) : pipeline.table4.cold(~link);
        Template.setControlled(cold, Template.controlled(cold) + change);
    }

    /** A connection with that link was established, or its server has answered. */
    void assure(boolean ipv6, int link) {
        long hot = link > 0 ? pipeline.table(ipv6).hot(link - 1) : pipeline.table4.hot(~link);
        if ((Connection.state(hot) & Template.ASSURED) == 0) {
            Connection.setState(hot, Connection.state(hot) | Template.ASSURED);
            if (link < 0) {
                mail.assure(ipv6, ~link);
            } else {
                pipeline.sync().opened(pipeline.table(ipv6), link - 1);
            }
        }
    }
}
