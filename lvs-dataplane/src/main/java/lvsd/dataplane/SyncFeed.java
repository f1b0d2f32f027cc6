package lvsd.dataplane;

import java.util.Arrays;
import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.connection.SctpStates;
import lvsd.dataplane.connection.TcpStates;
import lvsd.dataplane.connection.Template;
import lvsd.dataplane.connection.Timeouts;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.Service;
import lvsd.dataplane.service.Wire;
import lvsd.rules.ForwardingMethod;
import lvsd.sync.SyncConnection;
import lvsd.sync.SyncExtras;
import lvsd.sync.SyncFlags;
import lvsd.sync.SyncSource;
import lvsd.sync.UpdateQueue;
import lvsd.wire.Ipv4;
import lvsd.wire.Tcp;
import org.jspecify.annotations.Nullable;

/**
 * One worker's connections on their way to the sync thread, and those of others on their way in. Owned by the worker; the
 * sync thread has the other ends of the queues.
 *
 * <p>An update goes out when a TCP connection gets established and when it leaves that state, when a UDP connection is made,
 * when either ends, and again while it is in use, so that it does not time out elsewhere.
 */
final class SyncFeed {
    /** Updates that may wait for the sync thread, and connections that may wait for the worker. */
    private static final int CAPACITY = 4096;
    /** A connection in use is told again after this time, unless {@code sync_refresh_period} says another. */
    private static final int REFRESH_TICKS = 60 * Timeouts.TICKS_PER_SECOND;
    /** The least of the time within which {@code sync_refresh_period} holds back what the count of packets asks for. */
    private static final int LEAST_BRAKE_TICKS = 10 * Timeouts.TICKS_PER_SECOND;
    /**
     * So many repeats a tick may packets ask for, 20,000 a second: at millions of packets a second all would be too much.
     * Who comes later is not even looked at.
     */
    private static final int REPEATS_A_TICK = 80;
    /** The lower bits of a connection's stamp count how often it was told since. */
    private static final int REPEATS = 3;
    /** What of {@link Connection#proxy} goes with a connection: not what belongs to its handshake. */
    static final int WINDOW_SHIFTS = 0xfff;

    private static final String SIP = "sip";
    /** In which time the table is walked once. */
    private static final int WALK_TICKS = 30 * Timeouts.TICKS_PER_SECOND;

    private static final int KERNEL_FLAGS = SyncFlags.METHOD_MASK
            | SyncFlags.NO_OUTPUT
            | SyncFlags.INACTIVE
            | SyncFlags.SEQUENCE
            | SyncFlags.NO_CLIENT_PORT
            | SyncFlags.TEMPLATE;
    private static final int FULLNAT = ForwardingMethod.FULLNAT.number();

    private final Pipeline pipeline;
    private final SyncTaker taker;
    /** What waits to be sent; null while no master runs. */
    private volatile @Nullable UpdateQueue out;
    /** The same, made once. */
    private @Nullable UpdateQueue queue;
    /** What is about to go out. */
    private final SyncConnection update = new SyncConnection();
    /** What was received; null while no backup runs. */
    private volatile @Nullable UpdateQueue in;
    /** Of that, what is being taken in. */
    private final SyncConnection[] batch = new SyncConnection[SyncTaker.BATCH];

    /** Whether kernels may be listening. */
    private volatile boolean kernels;

    private int walked4;
    private int walked6;
    private int walkedTick;
    /** Since when this director is active; of a standby now. */
    private int activeSince;

    private boolean began;
    /** Entries (of IPv6: their complements) of which a packet of this burst already had others told. */
    private final int[] notes = new int[Burst.CAPACITY];

    private int noted;
    /** Repeats that packets asked for in the tick {@link #countedTick}. */
    private int repeated;

    private int countedTick;

    SyncFeed(Pipeline pipeline, WorkerParts parts) {
        this.pipeline = pipeline;
        this.taker = new SyncTaker(pipeline, this, parts);
        Arrays.setAll(batch, i -> new SyncConnection());
    }

    /** Where received connections are taken in. */
    SyncTaker taker() {
        return taker;
    }

    /** Connections that came by sync and are another worker's. */
    Aliases aliases() {
        return taker.aliases();
    }

    /** Any thread: whether a connection is told of when {@code sync_threshold} says so. */
    void forKernels(boolean listening) {
        kernels = listening;
    }

    /** The queue of updates, made when first asked for. Control thread. */
    synchronized UpdateQueue out() {
        UpdateQueue made = queue;
        if (made == null) {
            made = new UpdateQueue(CAPACITY);
            queue = made;
            out = made;
        }
        return made;
    }

    /** Whether a master listens to the queue, which there is. Any thread. */
    synchronized void listened(boolean now) {
        out = now ? queue : null;
    }

    /** The queue of received connections, made when first asked for. Control thread. */
    synchronized UpdateQueue in() {
        UpdateQueue queue = in;
        if (queue == null) {
            queue = new UpdateQueue(CAPACITY);
            in = queue;
        }
        return queue;
    }

    /** Once a cycle: takes some of what was received, and tells again what is in use. */
    int work(int now) {
        if (!began || pipeline.services.standby) {
            began = true;
            activeSince = now;
        }
        UpdateQueue received = in;
        int work = received == null ? 0 : takeIn(received);
        if (out != null && now != walkedTick) {
            int ticks = Math.min(now - walkedTick, Timeouts.TICKS_PER_SECOND);
            walkedTick = now;
            walked4 = walk(pipeline.table4, walked4, ticks, now);
            walked6 = walk(pipeline.table6, walked6, ticks, now);
        }
        return work;
    }

    /** In stages, as packets: what one connection has to wait for is fetched for all before the first is taken. */
    private int takeIn(UpdateQueue received) {
        int count = received.poll(batch);
        for (int i = 0; i < count; i++) {
            taker.fetch(batch[i], i);
        }
        for (int i = 0; i < count; i++) {
            var _ = taker.take(batch[i], i);
        }
        return count;
    }

    private int walk(ConnectionTable table, int from, int ticks, int now) {
        int limit = table.limit();
        if (limit == 0) {
            return 0;
        }
        int count = Math.clamp((long) limit * ticks / WALK_TICKS + 1, 1, limit);
        int entry = from;
        for (int i = 0; i < count; i++) {
            entry = entry + 1 < limit ? entry + 1 : 0;
            if (table.isUsed(entry) && due(table, entry, now)) {
                again(table, entry);
            }
        }
        return entry;
    }

    /** The timer has looked at a connection that lives on. */
    void looked(ConnectionTable table, int entry) {
        if (out != null && told(table, entry) && due(table, entry, pipeline.now)) {
            again(table, entry);
        }
    }

    /** Whether packets decide when a connection is told of: kernels listen, and count them. */
    boolean counts() {
        return kernels && out != null && pipeline.sysctls.syncCounts;
    }

    /**
     * Tells kernels of the connections of which a packet of the burst had the right number ({@code sync_threshold}), once of
     * each. A pass of its own, over the few packets that may have it; without kernels there is none.
     *
     * @param rows of the burst, see {@link Burst#row}
     * @param candidates the packets that may have it, one bit each
     * @param count of packets in the burst
     */
    void counted(long rows, long candidates, int count) {
        if (countedTick != pipeline.now) {
            countedTick = pipeline.now;
            repeated = 0;
        }
        for (long left = candidates; left != 0; left &= left - 1) {
            int i = Long.numberOfTrailingZeros(left);
            long row = Burst.row(rows, i);
            int reference = Burst.reference(row);
            int kind = Burst.kind(Burst.summary(row));
            if (kind != Burst.SLOW && reference != ConnectionTable.NONE && ConnectionTable.side(reference) == 0) {
                ConnectionTable table = pipeline.table(kind == Burst.FAST6);
                int entry = ConnectionTable.entry(reference);
                int packets = Connection.packets(table.hot(entry));
                int behind = behind(packets);
                // All packets of the burst are counted by now: so many came behind the one of the right number.
                if (Integer.compareUnsigned(behind, count - i) < 0
                        && (repeated < REPEATS_A_TICK || packets - behind == pipeline.sysctls.syncAfter)
                        && behind == later(row, rows, i, count)
                        && isCounted(table, entry)) {
                    again(table, entry);
                }
            }
        }
        noted = 0;
    }

    private int behind(int packets) {
        Sysctls settings = pipeline.sysctls;
        return behind(packets, settings.syncAfter, settings.syncEvery, settings.syncReciprocal);
    }

    /** Packets since the last of the right number; at least 2^31 before the first. */
    static int behind(int packets, int after, int every, long reciprocal) {
        return every == 0 || Integer.compareUnsigned(packets, after) < 0
                ? packets - after
                : remainder(packets - after, every, reciprocal);
    }

    /**
     * Whether {@code packets} may be the right number; it is seldom one without {@link #behind} being 0. One multiplication
     * (Lemire et al., section 3.2): multiples of the divisor, and no other numbers, times the reciprocal are below it.
     */
    static boolean mayBeTold(int packets, int after, long reciprocal) {
        return Long.compareUnsigned(Integer.toUnsignedLong(packets - after) * reciprocal, reciprocal - 1) <= 0;
    }

    private boolean isCounted(ConnectionTable table, int entry) {
        return table.isUsed(entry)
                && !isNoted(table, entry)
                && told(table, entry)
                && !isTheirs(table, entry)
                && !isHeldBack(table, entry)
                && (Connection.syncStamp(table.cold(entry)) == 0 || repeated++ < REPEATS_A_TICK);
    }

    /** The unsigned remainder, by two multiplications: Lemire et al., Faster remainder by direct computation (2019). */
    private static int remainder(int value, int divisor, long reciprocal) {
        return (int) Math.unsignedMultiplyHigh(reciprocal * Integer.toUnsignedLong(value), divisor);
    }

    /** Packets of the same connection and side behind row {@code i}. */
    private static int later(long row, long rows, int i, int count) {
        int reference = Burst.reference(row);
        int kind = Burst.kind(Burst.summary(row));
        int later = 0;
        for (int j = i + 1; j < count; j++) {
            long other = Burst.row(rows, j);
            later += Burst.reference(other) == reference && Burst.kind(Burst.summary(other)) == kind ? 1 : 0;
        }
        return later;
    }

    /** Whether the number of its packets decides when a connection is told of again; templates go by time. */
    private boolean goesByCount(ConnectionTable table, int entry) {
        return counts() && !Template.is(table.hot(entry));
    }

    /** Whether {@code sync_refresh_period} has others wait, since they were told not long ago. */
    private boolean isHeldBack(ConnectionTable table, int entry) {
        int stamp = Connection.syncStamp(table.cold(entry));
        int refresh = pipeline.sysctls.syncRefresh;
        if (refresh == 0 || stamp == 0) {
            return false;
        }
        int since = pipeline.now - (stamp & ~REPEATS);
        int timeout = pipeline.misses().connector().timeout(table, entry);
        return since < Math.min(refresh, Math.max(timeout / 2, LEAST_BRAKE_TICKS)) && !isRepeat(stamp, since, refresh);
    }

    /** Whether {@code sync_retries} has what was told {@code since} ticks ago repeated. */
    private boolean isRepeat(int stamp, int since, int period) {
        return (stamp & REPEATS) < pipeline.sysctls.syncRetries && since < period && since >= period / 8;
    }

    private boolean isNoted(ConnectionTable table, int entry) {
        for (int i = 0; i < noted; i++) {
            if (notes[i] == (table.ipv6() ? ~entry : entry)) {
                return true;
            }
        }
        return false;
    }

    /** Tick since when this director is active; of a standby now. */
    int activeSince() {
        return activeSince;
    }

    /**
     * Whether a connection came by sync, and no packet of it has come here since it was last told of: others know best
     * what becomes of it.
     */
    static boolean isTheirs(ConnectionTable table, int entry) {
        long hot = table.hot(entry);
        return (Connection.flags(hot) & Connection.SYNCED) != 0
                && Connection.lastSeen(hot) == Connection.syncStamp(table.cold(entry));
    }

    /** Whether a connection is to be told (again) although nothing about it has changed. */
    private boolean due(ConnectionTable table, int entry, int now) {
        if (isTheirs(table, entry) || !told(table, entry)) {
            return false;
        }
        int stamp = Connection.syncStamp(table.cold(entry));
        if (stamp == 0) {
            return enough(table, entry, 0) && !refused(table.hot(entry));
        }
        Sysctls settings = pipeline.sysctls;
        int since = now - (stamp & ~REPEATS);
        int period = period(table, entry);
        if (!goesByCount(table, entry) && isRepeat(stamp, since, period)) {
            return true;
        }
        return settings.syncRepeats
                && since >= period
                && Connection.lastSeen(table.hot(entry)) - (stamp & ~REPEATS) > REPEATS;
    }

    /** Ticks after which a connection in use is told again: before it times out elsewhere. */
    private int period(ConnectionTable table, int entry) {
        int refresh = pipeline.sysctls.syncRefresh;
        int timeout = pipeline.misses().connector().timeout(table, entry);
        if (goesByCount(table, entry)) {
            return timeout - timeout / 4; // packets decide, unless there are too few of them
        }
        return Math.min(refresh == 0 ? REFRESH_TICKS : refresh, Math.max(timeout / 2, Timeouts.TICKS_PER_SECOND / 2));
    }

    /** Whether a TCP connection was reset: one that others have not been told of never was established. */
    private static boolean refused(long hot) {
        return Connection.protocol(hot) == Ipv4.PROTOCOL_TCP && Connection.state(hot) == TcpStates.CLOSE;
    }

    /**
     * Whether a connection has had packets enough to be told of for the first time.
     *
     * @param more packets that are not counted yet
     */
    private boolean enough(ConnectionTable table, int entry, int more) {
        long hot = table.hot(entry);
        int after = pipeline.sysctls.syncAfter;
        return !kernels
                || (Template.is(hot) && after != Sysctls.NEVER)
                || Integer.compareUnsigned(Connection.packets(hot) + more, after) >= 0;
    }

    private boolean isFor(SyncSource.Page page, ConnectionTable table, int entry) {
        return table.isUsed(entry) && (page.isWhole() ? lasts(table, entry) : told(table, entry));
    }

    /** Whether others are told of a connection, now that it is in its state. */
    private boolean told(ConnectionTable table, int entry) {
        boolean left = pipeline.sysctls.syncTemplatesOnly
                && Connection.template(table.cold(entry)) != 0
                && !Template.is(table.hot(entry));
        return !left && lasts(table, entry) && wanted(table.hot(entry));
    }

    /** Whether settings and its service let others be told of a connection or template. */
    private boolean wanted(long hot) {
        int protocol = Template.is(hot) ? Template.protocol(hot) : Connection.protocol(hot);
        int bit = switch (protocol) {
            case Ipv4.PROTOCOL_TCP -> 1;
            case Ipv4.PROTOCOL_UDP -> 2;
            case Ipv4.PROTOCOL_SCTP -> 4;
            default -> pipeline.sysctls.syncProtocols; // a template of a firewall mark
        };
        Service service = service(hot);
        return (pipeline.sysctls.syncProtocols & bit) != 0 && (service == null || service.synced);
    }

    /** Whether a connection or template is one that others could go on with. */
    private static boolean lasts(ConnectionTable table, int entry) {
        long hot = table.hot(entry);
        // Shadows and what cache_bypass lets pass have no destination.
        int flags = Connection.flags(hot);
        if ((flags & Connection.ONE_PACKET) != 0
                || (Connection.destination(hot) == Destination.NOWHERE && (flags & Connection.UNBOUND) == 0)) {
            return false;
        }
        if (Template.is(hot)) {
            return Template.virtualPort(hot) != Template.INVALID_PORT;
        }
        return sent(Connection.protocol(hot), Connection.state(hot));
    }

    /** As the kernel: TCP and SCTP in some of their states only. */
    private static boolean sent(int protocol, int state) {
        return switch (protocol) {
            case Ipv4.PROTOCOL_TCP ->
                state == TcpStates.ESTABLISHED
                        || state == TcpStates.FIN_WAIT
                        || state == TcpStates.TIME_WAIT
                        || state == TcpStates.CLOSE
                        || state == TcpStates.CLOSE_WAIT;
            case Ipv4.PROTOCOL_SCTP -> SctpStates.synced(state);
            default -> true;
        };
    }

    /** A TCP or SCTP connection went from one state to another. */
    void changed(ConnectionTable table, int entry, int from, int to) {
        if (out == null || !told(table, entry)) {
            return;
        }
        int protocol = Connection.protocol(table.hot(entry));
        boolean established = to == (protocol == Ipv4.PROTOCOL_TCP ? TcpStates.ESTABLISHED : SctpStates.ESTABLISHED);
        if (established) {
            first(table, entry);
        } else if (sent(protocol, from)) {
            tell(table, entry, false);
        }
    }

    /** A connection of a protocol without states was made, or a template. */
    void opened(ConnectionTable table, int entry) {
        int protocol = Connection.protocol(table.hot(entry));
        if (out != null && protocol != Ipv4.PROTOCOL_TCP && protocol != Ipv4.PROTOCOL_SCTP && told(table, entry)) {
            first(table, entry);
        }
    }

    private void first(ConnectionTable table, int entry) {
        if (enough(table, entry, 1)) {
            tell(table, entry, false);
        }
    }

    /** A template's time was over, but it goes on, since connections hang on it. */
    void prolonged(ConnectionTable table, int entry) {
        if (out != null && told(table, entry)) {
            tell(table, entry, false);
        }
    }

    /** A connection or template ends; its entry is still there. */
    void gone(ConnectionTable table, int entry) {
        if (out != null && !isTheirs(table, entry) && told(table, entry)) {
            tell(table, entry, true);
        }
    }

    private void again(ConnectionTable table, int entry) {
        send(table, entry, false, false);
    }

    private void tell(ConnectionTable table, int entry, boolean deleted) {
        send(table, entry, deleted, true);
    }

    /** {@code packet}: a packet is just taken into account, its time begins anew. */
    private void send(ConnectionTable table, int entry, boolean deleted, boolean packet) {
        UpdateQueue queue = out;
        // What a standby has heard is not its to tell, or two directors would keep each other's connections alive.
        if (queue == null || pipeline.services.standby) {
            return;
        }
        fill(update, table, entry);
        if (packet) {
            update.timeout = seconds(pipeline.misses().connector().timeout(table, entry));
        }
        if (deleted) {
            update.deleted = true;
            update.timeout = 1; // kernels do not know of ends
        }
        if (!queue.offer(update)) {
            return;
        }
        if (packet && noted < notes.length) {
            notes[noted++] = table.ipv6() ? ~entry : entry;
        }
        if (!deleted) {
            // Who tells of a connection has its packets, and will tell of its end.
            Connection.setFlags(table.hot(entry), Connection.flags(table.hot(entry)) & ~Connection.SYNCED);
            stamp(table, entry, !packet);
        }
    }

    /** Notes that a connection was told of, and has the timer look at it when it may have to be told of again. */
    private void stamp(ConnectionTable table, int entry, boolean again) {
        long cold = table.cold(entry);
        int tick = pipeline.now & ~REPEATS;
        int now = tick == 0 ? REPEATS + 1 : tick; // 0 is that of one never told of
        int before = Connection.syncStamp(cold);
        int period = period(table, entry);
        int retries = pipeline.sysctls.syncRetries;
        boolean within = again && before != 0 && now - (before & ~REPEATS) < period;
        int count = within && (before & REPEATS) < retries ? (before & REPEATS) + 1 : 0;
        Connection.setSyncStamp(cold, now | count);
        if (count < retries && !goesByCount(table, entry)) {
            pipeline.timers(table.ipv6()).armEarlier(entry, now + period / 8);
        } else if (period < REFRESH_TICKS) {
            pipeline.timers(table.ipv6()).armEarlier(entry, now + period);
        }
    }

    /**
     * Fills {@code page} with connections from {@code cursor} on, whose lower 32 bits are an entry and whose next one says
     * IPv6; the worker's number stands above them.
     */
    void page(long cursor, SyncSource.Page page, long after) {
        boolean ipv6 = ((cursor >>> 32) & 1) != 0;
        ConnectionTable table = pipeline.table(ipv6);
        int entry = (int) cursor;
        int limit = table.limit();
        int end = Math.min(limit, entry + 4096);
        while (entry < end && page.free() > 0) {
            SyncConnection row = isFor(page, table, entry) ? page.add() : null;
            if (row != null) {
                fill(row, table, entry);
                row.extras |= isTheirs(table, entry) ? SyncExtras.SECOND_HAND : 0;
            }
            entry++;
        }
        long base = cursor & ~0xffff_ffffL;
        if (entry < limit) {
            page.complete(base | entry);
        } else {
            page.complete(ipv6 ? after : base | (1L << 32));
        }
    }

    /** Fills {@code to}; it may be silent for as long as is left of its time. */
    private void fill(SyncConnection to, ConnectionTable table, int entry) {
        to.clear();
        long hot = table.hot(entry);
        long cold = table.cold(entry);
        int flags = Connection.flags(hot);
        to.ipv6 = table.ipv6();
        to.flags = flags & KERNEL_FLAGS;
        int timeout = pipeline.misses().connector().timeout(table, entry);
        to.timeout = Math.max(1, seconds(Connection.lastSeen(hot) + timeout - pipeline.now));
        to.fwmark = mark(hot);
        if (Template.is(hot)) {
            template(to, table, entry);
            return;
        }
        to.protocol = Connection.protocol(hot);
        to.state = Connection.state(hot);
        int client = Connection.ports(hot, Connection.CLIENT_SIDE);
        int server = Connection.ports(hot, Connection.SERVER_SIDE);
        to.clientPort = Wire.port(Tcp.pairSource(client));
        to.virtualPort = Wire.port(Tcp.pairDestination(client));
        to.serverPort = Wire.port(Tcp.pairSource(server));
        to.localPort = Wire.port(Tcp.pairDestination(server));
        addresses(to, table, entry);
        if (Connection.isDirect(flags)) {
            server(to, table, entry);
        }
        to.local = Connection.method(flags) == FULLNAT;
        if (!to.local) {
            to.localPort = 0;
            to.localHigh = 0;
            to.localLow = 0;
        }
        to.ownTimeout = Connection.ownTimeout(cold) / Timeouts.TICKS_PER_SECOND;
        shifts(to, hot, cold, flags);
    }

    private static int seconds(int ticks) {
        return (ticks + Timeouts.TICKS_PER_SECOND - 1) / Timeouts.TICKS_PER_SECOND;
    }

    /** Firewall mark of the service of a connection, 0 none. */
    private int mark(long hot) {
        Service service = service(hot);
        return service == null ? 0 : Integer.reverseBytes(service.mark);
    }

    private @Nullable Service service(long hot) {
        Destination destination = pipeline.services.destination(Connection.destination(hot));
        return destination == null ? null : pipeline.services.service(destination.service);
    }

    private void template(SyncConnection to, ConnectionTable table, int entry) {
        long hot = table.hot(entry);
        to.protocol = Template.protocol(hot);
        to.state = Connection.state(hot) & Template.ASSURED;
        to.virtualPort = Wire.port(Template.virtualPort(hot));
        to.serverPort = Wire.port(Tcp.pairSource(Connection.ports(hot, Connection.SERVER_SIDE)));
        addresses(to, table, entry);
        to.localHigh = 0;
        to.localLow = 0;
        String call = pipeline.misses().connector().persistence().callId(table.cold(entry));
        to.engineDataLength = copy(call, to.engineData);
        to.engineNameLength = call.isEmpty() ? 0 : copy(SIP, to.engineName);
    }

    private static int copy(String text, byte[] to) {
        for (int i = 0; i < text.length(); i++) {
            to[i] = (byte) text.charAt(i);
        }
        return text.length();
    }

    /** The real server of a connection whose server's packets do not come this way. */
    private static void server(SyncConnection to, ConnectionTable table, int entry) {
        long cold = table.cold(entry);
        if (to.ipv6) {
            to.serverHigh = Long.reverseBytes(Connection.directServerHigh(cold));
            to.serverLow = Long.reverseBytes(Connection.directServerLow(cold));
        } else {
            to.serverHigh = 0;
            to.serverLow = number(Connection.directServer4(cold));
        }
        to.serverPort = to.virtualPort;
    }

    private static void shifts(SyncConnection to, long hot, long cold, int flags) {
        int ours = Connection.SEQ_TO_SERVER | Connection.SEQ_OUT | Connection.SEQ_IN;
        if ((flags & ours) != 0) {
            to.sequence = true;
            to.inDelta = Connection.seqDelta(hot, Connection.CLIENT_SIDE);
            to.outDelta = Connection.seqDelta(hot, Connection.SERVER_SIDE);
        }
        boolean pending = (flags & Connection.TOA_PENDING) != 0 && !Connection.isDirect(flags);
        to.extras = ((flags & Connection.SEQ_TO_SERVER) != 0 ? SyncExtras.SEQUENCE_TO_SERVER : 0)
                | ((flags & Connection.TIMESTAMP_DELTA) != 0 ? SyncExtras.TIMESTAMPS : 0)
                | ((flags & Connection.SYN_PROXY) != 0 ? SyncExtras.SYN_PROXY : 0)
                | (pending ? SyncExtras.ADDRESS_PENDING : 0);
        if ((flags & Connection.TIMESTAMP_DELTA) != 0) {
            to.timestampDelta = Connection.timestampDelta(cold);
        }
        if ((flags & Connection.SYN_PROXY) != 0) {
            to.windowShifts = Connection.proxy(hot) & WINDOW_SHIFTS;
            to.proxyTimestampDelta = Connection.proxyTimestamp(cold);
        }
        if (pending) {
            to.clientEdge = Connection.windowEdge(cold, Connection.CLIENT_SIDE);
            to.serverEdge = Connection.windowEdge(cold, Connection.SERVER_SIDE);
        }
    }

    private static void addresses(SyncConnection to, ConnectionTable table, int entry) {
        if (!to.ipv6) {
            long client = Connection.addresses(table.hot(entry), Connection.CLIENT_SIDE);
            long server = Connection.addresses(table.hot(entry), Connection.SERVER_SIDE);
            to.clientLow = number((int) client);
            to.virtualLow = number((int) (client >>> 32));
            to.serverLow = number((int) server);
            to.localLow = number((int) (server >>> 32));
            return;
        }
        long at = table.addresses6(entry);
        to.clientHigh = Long.reverseBytes(Connection.sourceHigh(at, Connection.CLIENT_SIDE));
        to.clientLow = Long.reverseBytes(Connection.sourceLow(at, Connection.CLIENT_SIDE));
        to.virtualHigh = Long.reverseBytes(Connection.destinationHigh(at, Connection.CLIENT_SIDE));
        to.virtualLow = Long.reverseBytes(Connection.destinationLow(at, Connection.CLIENT_SIDE));
        to.serverHigh = Long.reverseBytes(Connection.sourceHigh(at, Connection.SERVER_SIDE));
        to.serverLow = Long.reverseBytes(Connection.sourceLow(at, Connection.SERVER_SIDE));
        to.localHigh = Long.reverseBytes(Connection.destinationHigh(at, Connection.SERVER_SIDE));
        to.localLow = Long.reverseBytes(Connection.destinationLow(at, Connection.SERVER_SIDE));
    }

    /** An address in wire form as a number in network byte order. */
    private static long number(int address) {
        return Integer.toUnsignedLong(Integer.reverseBytes(address));
    }
}
