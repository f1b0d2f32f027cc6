package lvsd.sync;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import lvsd.control.View;
import org.jspecify.annotations.Nullable;

/**
 * Sends what its source has, in as few messages as its delay allows; with {@code hmac-sha256-128} it also shows backups
 * that it is alive and gives them the whole table. Time is an argument, milliseconds since 1970. Owned by the sync thread.
 */
final class Master {
    /** A backup that hears nothing for this long cannot know what it missed. */
    private static final int HEARTBEAT_MILLIS = 1_000;
    /** Answers are at least this far apart. */
    private static final int ANSWER_MILLIS = 20;
    /** Updates of one {@link #work}: the loop has other things to do. */
    private static final int BATCH = 4_096;
    /** Rows of a page. */
    private static final int PAGE = 256;

    private final DaemonSettings daemon;
    private SyncSettings settings;
    private final SyncSource source;
    private final Link link;
    private final RandomGenerator random;
    private final Signer signer;
    private final @Nullable Verifier verifier;
    private final MessageWriter[] writers;
    /** When the open message of a port was begun; 0: none is open. */
    private final long[] begun;

    private final MessageWriter control;
    private final Bulk bulk;
    private final SyncConnection update = new SyncConnection();
    private final byte[][] nonces = new byte[ControlMessage.MOST_NONCES][ControlMessage.NONCE];
    private final Stats stats = new Stats();
    private int nonceCount;
    private long token;
    /** A new token is to be told although nobody asked. */
    private boolean answerDue;

    private long answeredMillis;
    private long sentMillis;

    /** What it did. Owned by the sync thread. */
    static final class Stats {
        long messages;
        long connections;
        long unsent;
        long answers;
        long bulkConnections;
        boolean exhausted;
    }

    /**
     * @param rings gives rings of keys, each time a new one; null without a key
     * @param sender its number
     */
    Master(
            DaemonSettings daemon,
            SyncSettings settings,
            @Nullable Rings rings,
            long sender,
            SyncSource source,
            Link link,
            RandomGenerator random,
            long millis) {
        this.daemon = daemon;
        this.settings = settings;
        this.source = source;
        this.link = link;
        this.random = random;
        Sequencer[] sequencers = Signer.sequencers(rings == null ? null : rings.algorithm(), settings.ports(), millis);
        this.signer = new Signer(ring(rings), daemon.syncId(), sender, sequencers);
        this.verifier = signer.controls() ? new Verifier(ring(rings), 0, sender, settings.ports()) : null;
        this.writers = new MessageWriter[settings.ports()];
        this.begun = new long[settings.ports()];
        for (int i = 0; i < writers.length; i++) {
            writers[i] = new MessageWriter(signer, i, daemon.maxLength());
        }
        this.control = new MessageWriter(new Signer(ring(rings), daemon.syncId(), sender, sequencers), 0, 0);
        this.bulk = new Bulk(
                new MessageWriter(new Signer(ring(rings), daemon.syncId(), sender, sequencers), 0, daemon.maxLength()));
        this.token = random.nextLong();
        source.listened(true);
    }

    /** Nothing more is taken from the source. */
    void close() {
        source.listened(false);
    }

    private static @Nullable KeyRing ring(@Nullable Rings rings) {
        return rings == null ? null : rings.make();
    }

    /** Takes other settings over, as far as they do not have to wait for the next start. */
    void settings(SyncSettings newer, long millis) {
        // What is begun is of the old version.
        flush(millis);
        settings = settings.with(newer);
    }

    Stats stats() {
        return stats;
    }

    /** Its numbers, so that a backup of the same director can push them on ({@code hmac-md5-96}). */
    List<Sequencer> sequencers() {
        return IntStream.range(0, writers.length).mapToObj(signer::sequencer).toList();
    }

    /** What it has done. */
    List<View.Counter> counters() {
        List<View.Counter> all = new ArrayList<>();
        all.add(new View.Counter("messages", stats.messages, "messages sent"));
        all.add(new View.Counter("connections", stats.connections, "updates of connections in them"));
        all.add(new View.Counter(
                "unsent", stats.unsent, "messages dropped: sync_qlen_max waited, or the socket failed"));
        all.add(new View.Counter("dropped", source.dropped(), "updates dropped: a worker's queue was full"));
        if (signer.controls()) {
            all.add(new View.Counter("answers", stats.answers, "answers to backups that ask who is alive"));
            all.add(new View.Counter("bulk_connections", stats.bulkConnections, "connections sent in bulk transfers"));
        }
        all.add(new View.Counter(
                "exhausted", stats.exhausted ? 1 : 0, "1: no sequence numbers are left, nothing is sent any more"));
        return all;
    }

    /** Sends what is due at {@code millis}; returns how much was done. */
    int work(long millis) {
        int count = 0;
        while (count < BATCH && source.poll(update)) {
            // What is in a page that is ready was so before this update: it has to go first.
            bulk.overtake(millis);
            add(update, millis);
            count++;
        }
        for (int port = 0; port < writers.length; port++) {
            if (begun[port] != 0 && millis - begun[port] >= settings.delayMillis()) {
                flush(port, millis);
            }
        }
        if (signer.controls()) {
            answer(millis);
            count += bulk.work(millis);
            if (millis - sentMillis >= HEARTBEAT_MILLIS && begun[0] == 0) {
                begin(0, millis);
                flush(0, millis);
            }
        }
        return count;
    }

    /** Sends what is begun, whatever its age. */
    void flush(long millis) {
        for (int port = 0; port < writers.length; port++) {
            if (begun[port] != 0) {
                flush(port, millis);
            }
        }
    }

    private int version() {
        return signer.controls() ? 1 : settings.version();
    }

    private void add(SyncConnection connection, long millis) {
        if (version() == 0 && connection.ipv6) {
            return;
        }
        int port = port(connection);
        if (begun[port] == 0 && !begin(port, millis)) {
            return;
        }
        if (!writers[port].add(connection)) {
            flush(port, millis);
            if (!begin(port, millis)) {
                return;
            }
            writers[port].add(connection);
        }
        stats.connections++;
    }

    private boolean begin(int port, long millis) {
        if (signer.exhausted(port)) {
            stats.exhausted = true;
            return false;
        }
        writers[port].begin(version(), daemon.syncId(), daemon.maxLength());
        begun[port] = millis;
        return true;
    }

    private void flush(int port, long millis) {
        begun[port] = 0;
        send(port, writers[port], millis);
    }

    private void send(int port, MessageWriter writer, long millis) {
        int length = writer.finish();
        sentMillis = millis;
        if (link.send(port, writer.bytes(), length)) {
            stats.messages++;
        } else {
            stats.unsent++;
        }
    }

    /** One connection always takes the same port, so that its updates stay in order. */
    private int port(SyncConnection c) {
        long mixed = (c.clientLow ^ c.clientHigh * 31 ^ c.virtualLow * 17) * 0x9e37_79b9_7f4a_7c15L
                + c.clientPort * 0xc2b2_ae3d_27d4_eb4fL;
        return (int) (mixed >>> 40) & (writers.length - 1);
    }

    // Backups' questions --------------------------------------------------------------------------------------------

    /** A datagram of the group. Only authentic challenges and requests mean anything to a master. */
    void receive(int port, byte[] bytes, int length, long millis) {
        if (verifier == null || port != 0 || length < Message.V1_HEADER + IcvAlgorithm.HMAC_SHA256_128.header()) {
            return;
        }
        // A backup that takes every syncid asks with 0.
        int from = Message.syncId(bytes, 0);
        int kind = IcvHeader.kind(bytes, Message.V1_HEADER);
        if ((from != 0 && from != daemon.syncId()) || (kind != IcvHeader.CHALLENGE && kind != IcvHeader.REQUEST)) {
            return;
        }
        if (verifier.check(bytes, length, port, millis) != null) {
            return;
        }
        int at = Message.V1_HEADER + IcvAlgorithm.HMAC_SHA256_128.header();
        if (!ControlMessage.fits(kind, bytes, at, length - at)) {
            return;
        }
        if (kind == IcvHeader.CHALLENGE) {
            System.arraycopy(bytes, at, nonces[nonceCount % nonces.length], 0, ControlMessage.NONCE);
            nonceCount++;
        } else {
            request(Bytes.get8(bytes, at), Bytes.get8(bytes, at + 8), Bytes.get8(bytes, at + 16));
        }
    }

    private void request(long sender, long with, long cursor) {
        if (sender == signer.sender() && with == token) {
            token = random.nextLong();
            bulk.request(cursor);
            answerDue = true;
        }
    }

    private void answer(long millis) {
        if ((nonceCount == 0 && !answerDue) || millis - answeredMillis < ANSWER_MILLIS) {
            return;
        }
        // What is open has lower numbers than the answer, below which a backup that it makes known takes nothing.
        flush(millis);
        int count = Math.min(nonceCount, nonces.length);
        control.begin(
                1,
                daemon.syncId(),
                Message.MAX_LENGTH,
                IcvHeader.ANSWER,
                ControlMessage.ANSWER + count * ControlMessage.NONCE);
        byte[] bytes = control.bytes();
        int at = control.firstByte();
        Bytes.put8(bytes, at, token);
        Bytes.put8(bytes, at + 8, 0);
        Bytes.put1(bytes, at + 8, count);
        for (int i = 0; i < count; i++) {
            System.arraycopy(
                    nonces[i], 0, bytes, at + ControlMessage.ANSWER + i * ControlMessage.NONCE, ControlMessage.NONCE);
        }
        send(0, control, millis);
        stats.answers++;
        answeredMillis = millis;
        nonceCount = 0;
        answerDue = false;
    }

    // Bulk transfer -------------------------------------------------------------------------------------------------

    /** Sends the table from a cursor to its end; asked meanwhile for an earlier one, it goes round again. */
    private final class Bulk {
        private final MessageWriter writer;
        private final SyncSource.Page page = new SyncSource.Page(PAGE);
        private boolean running;
        private boolean asked;
        private boolean again;
        private long againFrom;
        private long cursor;
        /** Runs from some cursor to the end, counted; messages of this run. */
        private int run;

        private int number;
        private long start;
        private int sent;
        /** Connections that may be sent now, by the rate. */
        private double credit;

        private long creditMillis;

        Bulk(MessageWriter writer) {
            this.writer = writer;
        }

        void request(long from) {
            if (!running) {
                start(from);
                creditMillis = 0;
                credit = PAGE;
            } else if (!again || Long.compareUnsigned(from, againFrom) < 0) {
                again = true;
                againFrom = from;
            }
        }

        int work(long millis) {
            if (!running) {
                return 0;
            }
            credit(millis);
            int count = 0;
            while (running && credit > 0) {
                if (!asked) {
                    page.reset();
                    asked = true;
                    source.page(cursor, page);
                }
                if (!page.done()) {
                    break;
                }
                asked = false;
                count += page.count() + 1;
                sendPage(millis);
            }
            return count;
        }

        /** Sends a page that is ready, whatever the rate says. */
        void overtake(long millis) {
            if (asked && page.done()) {
                asked = false;
                sendPage(millis);
            }
        }

        private void credit(long millis) {
            long passed = creditMillis == 0 ? 0 : millis - creditMillis;
            creditMillis = millis;
            credit = Math.min(
                    credit + passed * settings.bulkRate() / 1000.0, Math.max(PAGE, settings.bulkRate() / 20.0));
        }

        /** A page takes several messages; all but the last say that one goes on where the page began. */
        private void sendPage(long millis) {
            // What is open was begun before and has lower numbers, though some of it may be newer than the page.
            flush(millis);
            int row = 0;
            do {
                writer.begin(1, daemon.syncId(), daemon.maxLength(), IcvHeader.BULK, ControlMessage.BULK);
                // The ICV covers the body before the entries, so what fits has to be known before.
                int last = fitting(row);
                header(last == page.count() ? page.next() : cursor);
                sent += last - row;
                for (; row < last; row++) {
                    writer.add(page.row(row));
                }
                send(0, writer, millis);
            } while (row < page.count());
            credit -= page.count() + 1;
            stats.bulkConnections += page.count();
            advance();
        }

        private int fitting(int from) {
            int at = writer.firstByte() + ControlMessage.BULK;
            int row = from;
            while (row < page.count() && row - from < Message.MAX_COUNT) {
                at = Bytes.align4(at) + EntryWriter.size(page.row(row), 1);
                if (at > daemon.maxLength() && row > from) {
                    break;
                }
                row++;
            }
            return row;
        }

        private void header(long next) {
            byte[] bytes = writer.bytes();
            int at = writer.firstByte();
            Bytes.put4(bytes, at, run);
            Bytes.put4(bytes, at + 4, number++);
            Bytes.put8(bytes, at + 8, start);
            Bytes.put8(bytes, at + 16, next);
            Bytes.put4(bytes, at + 24, (int) Math.min(Integer.MAX_VALUE, source.size()));
            Bytes.put4(bytes, at + 28, sent);
        }

        private void advance() {
            cursor = page.next();
            if (cursor != SyncSource.END) {
                return;
            }
            running = false;
            if (again) {
                again = false;
                start(againFrom);
            }
        }

        private void start(long from) {
            running = true;
            run++;
            number = 0;
            start = from;
            cursor = from;
            sent = 0;
        }
    }
}
