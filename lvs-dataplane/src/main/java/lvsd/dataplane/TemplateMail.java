package lvsd.dataplane;

import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.connection.Template;
import lvsd.dataplane.io.LongRing;
import lvsd.dataplane.scheduler.Flow;
import lvsd.dataplane.service.Service;
import org.jspecify.annotations.Nullable;

/**
 * What workers tell each other about persistence templates, by one ring for each pair and direction, and the packets that
 * wait for answers. Owned by one worker.
 *
 * <p>Bounds: {@value #SLOTS} packets of a worker wait at once, each for {@value #WAIT_MILLIS} ms at most (a later answer
 * drops it). A ring has room for all questions that may be under way and their answers; what is not a question or answer
 * is sent only while a ring is less than half full, and repeated or done without where it was not.
 */
final class TemplateMail {
    /** Packets that may wait at once. */
    static final int SLOTS = 256;
    /** Longest wait of a packet, milliseconds. */
    static final int WAIT_MILLIS = 200;
    /** Longs of a message. */
    static final int MESSAGE = 8;
    /** Longs of a ring. */
    static final int RING = 4 * SLOTS * MESSAGE;

    private static final int ASK = 1;
    private static final int ANSWER = 2;
    private static final int CHECK = 3;
    private static final int HELD = 4;
    private static final int NOT_HELD = 5;
    private static final int ASSURE = 6;

    private static final int WAIT_TICKS = WAIT_MILLIS / 4;
    /** Messages of one ring in one cycle. */
    private static final int BUDGET = 64;

    /** The rings of one worker, by the other worker's index; null at its own. */
    static final class Post {
        private final @Nullable LongRing[] incoming;
        private final @Nullable LongRing[] outgoing;

        /** Rings from the others, and to them. */
        Post(@Nullable LongRing[] incoming, @Nullable LongRing[] outgoing) {
            this.incoming = incoming;
            this.outgoing = outgoing;
        }
    }

    private final Pipeline pipeline;
    private final Persistence persistence;
    private final Post post;
    private final long[] message = new long[MESSAGE];
    private final Flow flow = new Flow();

    // Packets that wait, by slot; a free slot's mbuf is 0 and its next is the next free one.
    private final long[] mbufs = new long[SLOTS];
    private final int[] ports = new int[SLOTS];
    private final int[] since = new int[SLOTS];
    private final int[] nextFree = new int[SLOTS];
    private int free;
    /** Where packets go whose wait is over. */
    private @Nullable Resumed resumed;

    /** Takes packets back whose wait is over. */
    interface Resumed {
        /** A verdict for {@code mbuf}, which came in by {@code port}. */
        void resumed(long mbuf, int port, int verdict);
    }

    TemplateMail(Pipeline pipeline, Persistence persistence, Post post) {
        this.pipeline = pipeline;
        this.persistence = persistence;
        this.post = post;
        for (int slot = 0; slot < SLOTS; slot++) {
            nextFree[slot] = slot + 1;
        }
    }

    /** Who carries verdicts out; set once, before the first cycle. */
    void resumed(Resumed sink) {
        this.resumed = sink;
    }

    // ---- asking

    /** Keeps a packet and asks {@code home} for its template; the packet's verdict. */
    int ask(Packet p, Service service, Flow asked, int home) {
        int slot = free;
        if (slot == SLOTS) {
            return Verdict.drop(DropReason.PERSISTENCE_WAIT);
        }
        if (!send(slot, p, service, asked, home)) {
            return Verdict.drop(DropReason.PERSISTENCE_WAIT);
        }
        free = nextFree[slot];
        mbufs[slot] = p.mbuf;
        ports[slot] = pipeline.port;
        since[slot] = pipeline.now;
        return Verdict.KEPT;
    }

    private boolean send(int slot, Packet p, Service service, Flow asked, int home) {
        LongRing ring = post.outgoing[home];
        message[0] = ASK | (p.ipv6 ? 1 << 8 : 0) | p.protocol << 16 | (long) slot << 32;
        message[1] = service.index;
        message[2] = asked.clientHigh;
        message[3] = asked.clientLow;
        message[4] = asked.virtualHigh;
        message[5] = asked.virtualLow;
        message[6] = asked.clientPort | asked.virtualPort << 16;
        // The Call-ID stays where it is: the packet is kept until the answer comes.
        message[7] = service.byCall ? persistence.callAt() | (long) persistence.callLength() << 48 : 0;
        return ring != null && ring.offerAll(message, MESSAGE);
    }

    /** Asks workers whether connections of theirs hang on a template of this one. */
    void check(boolean ipv6, int entry, int stamp, long workers) {
        for (long left = workers; left != 0; left &= left - 1) {
            tell(Long.numberOfTrailingZeros(left), CHECK, ipv6, identity(entry, stamp));
        }
    }

    /** Tells the worker whose template {@code shadow} stands for that it is assured. */
    void assure(boolean ipv6, int shadow) {
        long hot = pipeline.table4.hot(shadow);
        int home = Connection.ports(hot, Connection.CLIENT_SIDE);
        tell(home, ASSURE, ipv6, Connection.addresses(hot, Connection.CLIENT_SIDE));
    }

    private static long identity(int entry, int stamp) {
        return Integer.toUnsignedLong(entry) | (long) stamp << 32;
    }

    /** Sends what need not arrive. */
    private void tell(int worker, int kind, boolean ipv6, long identity) {
        LongRing ring = post.outgoing[worker];
        if (ring != null && ring.size() < RING / 2) {
            message[0] = kind | (ipv6 ? 1 << 8 : 0);
            message[1] = identity;
            ring.offerAll(message, MESSAGE);
        }
    }

    // ---- listening

    /** Reads what the others have sent. Once a cycle; returns how many messages. */
    int poll() {
        int count = 0;
        for (int worker = 0; worker < post.incoming.length; worker++) {
            LongRing ring = post.incoming[worker];
            if (ring != null) {
                count += poll(worker, ring);
            }
        }
        return count;
    }

    private int poll(int worker, LongRing ring) {
        int count = 0;
        while (count < BUDGET && ring.drain(message, MESSAGE) == MESSAGE) {
            count++;
            hear(worker);
        }
        return count;
    }

    private void hear(int worker) {
        boolean ipv6 = (message[0] & 1 << 8) != 0;
        int entry = (int) message[1];
        int stamp = (int) (message[1] >>> 32);
        switch ((int) message[0] & 0xff) {
            case ASK -> answer(worker, ipv6);
            case ANSWER -> answered(worker);
            case CHECK -> tell(worker, shadow(worker, message[1]) >= 0 ? HELD : NOT_HELD, ipv6, message[1]);
            case HELD -> persistence.checked(ipv6, entry, stamp, worker, true);
            case NOT_HELD -> persistence.checked(ipv6, entry, stamp, worker, false);
            case ASSURE -> persistence.assured(ipv6, entry, stamp);
            default -> throw new IllegalStateException("message " + message[0]);
        }
    }

    /** Answers a question: there is always room for it. */
    private void answer(int worker, boolean ipv6) {
        int protocol = (int) (message[0] >>> 16) & 0xff;
        flow.clientHigh = message[2];
        flow.clientLow = message[3];
        flow.virtualHigh = message[4];
        flow.virtualLow = message[5];
        flow.clientPort = (int) message[6] & 0xffff;
        flow.virtualPort = (int) (message[6] >>> 16) & 0xffff;
        pipeline.misses().connector().stamp(flow);
        persistence.call(message[7] & 0xffff_ffff_ffffL, (int) (message[7] >>> 48));
        Service service = pipeline.services.service((int) message[1]);
        int entry = service == null || !service.persistent
                ? Persistence.NO_SERVER
                : persistence.find(service, flow, protocol, ipv6);
        message[0] = ANSWER | (message[0] & ~0xffL);
        message[2] = entry;
        if (entry >= 0) {
            ConnectionTable table = pipeline.table(ipv6);
            message[1] = identity(entry, Template.stamp(table.cold(entry)));
            message[2] = Connection.destination(table.hot(entry));
            persistence.lend(ipv6, entry, worker);
        }
        LongRing ring = post.outgoing[worker];
        if (ring != null) {
            ring.offerAll(message, MESSAGE);
        }
    }

    private void answered(int home) {
        int slot = (int) (message[0] >>> 32);
        long identity = message[1];
        int destination = (int) message[2];
        long mbuf = mbufs[slot];
        int port = ports[slot];
        if (mbuf == 0) {
            return; // given back when the worker closed
        }
        int verdict;
        if (pipeline.now - since[slot] > WAIT_TICKS) {
            verdict = Verdict.drop(DropReason.PERSISTENCE_WAIT);
        } else {
            int shadow = destination < 0 ? ConnectionTable.NONE : ensureShadow(home, identity);
            int link = shadow == ConnectionTable.NONE ? 0 : ~shadow;
            verdict = pipeline.misses().resume(mbuf, ports[slot], destination, link);
            if (shadow != ConnectionTable.NONE) {
                dropShadowIfIdle(shadow);
            }
        }
        release(slot);
        out(mbuf, port, verdict);
    }

    private void release(int slot) {
        mbufs[slot] = 0;
        nextFree[slot] = free;
        free = slot;
    }

    private void out(long mbuf, int port, int verdict) {
        Resumed sink = resumed;
        if (sink != null) {
            sink.resumed(mbuf, port, verdict);
        }
    }

    /** Gives all packets back that still wait; nobody answers any more. */
    void close() {
        for (int slot = 0; slot < SLOTS; slot++) {
            if (mbufs[slot] != 0) {
                out(mbufs[slot], ports[slot], Verdict.drop(DropReason.PERSISTENCE_WAIT));
                release(slot);
            }
        }
    }

    // ---- shadows

    /** The shadow here of a template of {@code home}, or none. */
    private int shadow(int home, long identity) {
        ConnectionTable table = pipeline.table4;
        int reference = table.find4(identity, home, Template.SHADOW);
        return reference == ConnectionTable.NONE ? ConnectionTable.NONE : ConnectionTable.entry(reference);
    }

    private int ensureShadow(int home, long identity) {
        int present = shadow(home, identity);
        if (present != ConnectionTable.NONE) {
            return present;
        }
        ConnectionTable table = pipeline.table4;
        int entry = table.allocate();
        if (entry == ConnectionTable.NONE) {
            return entry;
        }
        long hot = table.hot(entry);
        Connection.setAddresses(hot, Connection.CLIENT_SIDE, identity);
        Connection.setPorts(hot, Connection.CLIENT_SIDE, home);
        Connection.setProtocol(hot, Template.SHADOW);
        Connection.setFlags(hot, Connection.TEMPLATE | Connection.INACTIVE);
        Connection.setDestination(hot, Template.NOWHERE);
        if (table.insertClient(entry) != ConnectionTable.INSERTED) {
            table.remove(entry);
            return ConnectionTable.NONE;
        }
        return entry;
    }

    /** Forgets a shadow on which nothing hangs. */
    void dropShadowIfIdle(int shadow) {
        if (Template.controlled(pipeline.table4.cold(shadow)) == 0) {
            pipeline.table4.remove(shadow);
        }
    }
}
