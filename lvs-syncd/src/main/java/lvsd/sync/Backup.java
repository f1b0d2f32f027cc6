package lvsd.sync;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import lvsd.control.View;
import lvsd.sync.Verifier.Sender;
import org.jspecify.annotations.Nullable;

/**
 * Takes what a master sends: checks, reads, hands to its sink. With {@code hmac-sha256-128} it also finds out which senders
 * are alive and fetches what it missed. Time is an argument, milliseconds since 1970. Owned by the sync thread.
 */
final class Backup {
    private static final int CHALLENGE_MILLIS = 200;
    private static final int IDLE_CHALLENGE_MILLIS = 5_000;
    private static final int NONCE_MILLIS = 2_000;
    /** Silence of a transfer after which it is asked for again. */
    private static final int STALL_MILLIS = 300;
    /** A transfer because of lost messages begins this long after the last one ended, at the earliest. */
    private static final int HEAL_MILLIS = 2_000;

    private static final int NONCES = 2;
    /** Entries read before the first is looked at: their places in {@link Latest} are then fetched all at once. */
    private static final int AHEAD = 16;

    private final DaemonSettings daemon;
    private final SyncSink sink;
    private final Link link;
    private final RandomGenerator random;
    private final Verifier verifier;
    private final EntryReader reader = new EntryReader();
    private final SyncConnection[] read = new SyncConnection[AHEAD];
    private final long[] hashes = new long[AHEAD];
    private final Signer signer;
    private final MessageWriter control;
    private final Latest latest;
    private final Stats stats = new Stats();
    private final Transfer[] transfers = new Transfer[Verifier.MOST_SENDERS];

    private final byte[][] nonces = new byte[NONCES][ControlMessage.NONCE];
    private final long[] nonceMillis = new long[NONCES];
    private int nonce;
    private long challengedMillis;
    private boolean challengeDue = true;
    private @Nullable Sequencer[] pushed = new @Nullable Sequencer[0];

    /** What it did. Owned by the sync thread. */
    static final class Stats {
        long messages;
        long connections;
        long lost;
        int senders;
        /** Of the latest transfer: connections received, connections in all. */
        long bulkReceived;

        long bulkTotal;
        /** Transfers that came to their end. */
        long bulkComplete;
        /** Whether a sender's table is still being fetched. */
        boolean bulkRunning;

        private final long[] drops = new long[SyncDrop.values().length];

        long drops(SyncDrop reason) {
            return drops[reason.ordinal()];
        }

        void drop(SyncDrop reason) {
            drops[reason.ordinal()]++;
        }
    }

    /**
     * @param own number of this director, the same as its master's
     * @param slots of {@link Latest}
     */
    Backup(
            DaemonSettings daemon,
            SyncSettings settings,
            @Nullable Rings rings,
            long own,
            SyncSink sink,
            Link link,
            RandomGenerator random,
            int slots,
            long millis) {
        this.daemon = daemon;
        this.sink = sink;
        this.link = link;
        this.random = random;
        this.verifier = new Verifier(rings == null ? null : rings.make(), daemon.syncId(), own, settings.ports());
        // Its questions are not of the master's sequence: they come from another number.
        IcvAlgorithm algorithm = rings == null ? null : rings.algorithm();
        this.signer = new Signer(
                rings == null ? null : rings.make(),
                daemon.syncId(),
                random.nextLong(),
                Signer.sequencers(algorithm, settings.ports(), millis));
        this.control = new MessageWriter(signer, 0, 0);
        this.latest = new Latest(slots);
        Arrays.setAll(read, i -> new SyncConnection());
    }

    Stats stats() {
        return stats;
    }

    /** What it has done. */
    List<View.Counter> counters() {
        List<View.Counter> all = new ArrayList<>();
        all.add(new View.Counter("messages", stats.messages, "messages taken"));
        all.add(new View.Counter("connections", stats.connections, "updates of connections taken"));
        if (signer.controls()) {
            all.add(new View.Counter("senders", stats.senders, "masters known to be alive"));
            all.add(new View.Counter("lost", stats.lost, "messages of theirs that never came, or not yet"));
            all.add(new View.Counter("bulk_received", stats.bulkReceived, "connections of the latest transfer so far"));
            all.add(new View.Counter("bulk_total", stats.bulkTotal, "connections that its sender has in all, roughly"));
            all.add(new View.Counter("bulk_complete", stats.bulkComplete, "transfers that came to their end"));
            all.add(new View.Counter("bulk_running", stats.bulkRunning ? 1 : 0, "1: a table is being fetched"));
            all.add(new View.Counter("complete", complete() ? 1 : 0, "1: all that the known masters have is here"));
        }
        // The kernel has one counter for what its filter and what a full buffer dropped; without a key there is no
        // filter.
        SyncDrop other = verifier.header() == 0 ? SyncDrop.TTL : SyncDrop.BUFFER;
        for (SyncDrop reason : SyncDrop.values()) {
            if (reason == other) {
                continue;
            }
            all.add(new View.Counter("drop_" + reason.label(), stats.drops(reason), reason.text()));
        }
        return all;
    }

    private boolean complete() {
        return stats.senders > 0 && stats.bulkComplete > 0 && !stats.bulkRunning;
    }

    /** The numbers of the master of the same director, which go on above what is heard ({@code hmac-md5-96}). */
    void pushes(@Nullable Sequencer[] sequencers) {
        pushed = sequencers.clone();
    }

    /** Counts datagrams that the socket's filter dropped. */
    void dropped(SyncDrop reason, long count) {
        stats.drops[reason.ordinal()] += count;
    }

    /** A datagram that came to the port with that index. */
    void receive(int port, byte[] bytes, int length, long millis) {
        SyncDrop drop = verifier.check(bytes, length, port, millis);
        if (drop != null) {
            stats.drop(drop);
            return;
        }
        int icv = verifier.header();
        if (!signer.controls()) {
            push(port);
            entries(bytes, length, icv, 0, SyncSink.NO_ORIGIN, false, millis);
            return;
        }
        int kind = IcvHeader.kind(bytes, Message.V1_HEADER);
        int at = Message.V1_HEADER + icv;
        if (!ControlMessage.fits(kind, bytes, at, length - at)) {
            stats.drop(SyncDrop.LENGTH);
            return;
        }
        if (kind == IcvHeader.ANSWER) {
            answer(bytes, at, millis);
        } else if (kind == IcvHeader.CONNECTIONS || kind == IcvHeader.BULK) {
            connections(bytes, length, kind, at, millis);
        }
    }

    private void push(int port) {
        if (port < pushed.length) {
            Sequencer own = pushed[port];
            if (own != null) {
                own.skip(verifier.heard(port));
            }
        }
    }

    private void connections(byte[] bytes, int length, int kind, int at, long millis) {
        Sender sender = verifier.sender();
        if (sender == null) {
            stats.drop(SyncDrop.SENDER);
            challengeDue = true;
            return;
        }
        Transfer transfer = find(sender);
        long sequence = IcvHeader.sequence(bytes, Message.V1_HEADER);
        int origin = transfer == null ? SyncSink.NO_ORIGIN : transfer.origin;
        if (kind == IcvHeader.CONNECTIONS) {
            entries(bytes, length, verifier.header(), sequence, origin, false, millis);
            return;
        }
        entries(bytes, length, verifier.header() + ControlMessage.BULK, sequence, origin, true, millis);
        if (transfer != null && transfer.running) {
            bulk(transfer, bytes, at, millis);
        }
    }

    private void entries(byte[] bytes, int length, int icv, long sequence, int origin, boolean bulk, long millis) {
        stats.messages++;
        reader.begin(bytes, 0, length, icv);
        int verdict = EntryReader.ENTRY;
        while (verdict == EntryReader.ENTRY || verdict == EntryReader.SKIPPED) {
            int count = 0;
            while (count < AHEAD) {
                verdict = reader.next(read[count]);
                if (verdict == EntryReader.ENTRY) {
                    read[count++].bulk = bulk;
                } else if (verdict == EntryReader.SKIPPED) {
                    stats.drop(SyncDrop.ENTRY);
                } else {
                    break;
                }
            }
            take(count, sequence, origin, millis);
        }
        if (verdict == EntryReader.BROKEN) {
            stats.drop(SyncDrop.BROKEN);
        }
    }

    /** Hands over those entries of which no newer message has spoken. Without a sequence all are as new as can be. */
    private void take(int count, long sequence, int origin, long millis) {
        if (sequence != 0) {
            for (int i = 0; i < count; i++) {
                hashes[i] = Latest.hash(read[i]);
            }
            latest.fetch(hashes, count);
        }
        for (int i = 0; i < count; i++) {
            if (sequence == 0 || latest.see(hashes[i], sequence)) {
                take(read[i], origin, millis);
            }
        }
    }

    private void take(SyncConnection entry, int origin, long millis) {
        if (sink.take(entry, origin, millis)) {
            stats.connections++;
        } else {
            stats.drop(SyncDrop.REFUSED);
        }
    }

    // Senders -------------------------------------------------------------------------------------------------------

    private void answer(byte[] bytes, int at, long millis) {
        long id = IcvHeader.sender(bytes, Message.V1_HEADER);
        Sender sender = verifier.sender();
        if (sender == null && recent(bytes, at, millis)) {
            sender = verifier.confirm(id, IcvHeader.sequence(bytes, Message.V1_HEADER), millis);
            if (sender == null) {
                stats.drop(SyncDrop.SENDERS);
                return;
            }
            Transfer transfer = begin(sender);
            transfer.restart(millis);
        }
        if (sender == null) {
            stats.drop(SyncDrop.SENDER);
            challengeDue = true;
            return;
        }
        Transfer transfer = find(sender);
        if (transfer != null) {
            transfer.token = Bytes.get8(bytes, at);
            transfer.ready = true;
        }
    }

    /** Whether one of our latest nonces is among those of an answer. */
    private boolean recent(byte[] bytes, int at, long millis) {
        int count = Bytes.get1(bytes, at + 8);
        for (int i = 0; i < NONCES; i++) {
            if (nonceMillis[i] == 0 || millis - nonceMillis[i] > NONCE_MILLIS) {
                continue;
            }
            for (int j = 0; j < count; j++) {
                int from = at + ControlMessage.ANSWER + j * ControlMessage.NONCE;
                if (Arrays.equals(nonces[i], 0, ControlMessage.NONCE, bytes, from, from + ControlMessage.NONCE)) {
                    return true;
                }
            }
        }
        return false;
    }

    private Transfer begin(Sender sender) {
        int place = 0;
        for (int i = 0; i < transfers.length; i++) {
            Transfer each = transfers[i];
            if (each == null || verifier.find(each.sender.id) != each.sender) {
                place = i;
                break;
            }
        }
        Transfer transfer = new Transfer(sender, place);
        transfers[place] = transfer;
        return transfer;
    }

    private @Nullable Transfer find(Sender sender) {
        for (Transfer each : transfers) {
            if (each != null && each.sender == sender) {
                return each;
            }
        }
        return null;
    }

    private void bulk(Transfer transfer, byte[] bytes, int at, long millis) {
        int number = Bytes.get4(bytes, at + 4);
        long next = Bytes.get8(bytes, at + 16);
        if (!transfer.take(Bytes.get4(bytes, at), number, Bytes.get8(bytes, at + 8), next, millis)) {
            return;
        }
        stats.bulkTotal = Integer.toUnsignedLong(Bytes.get4(bytes, at + 24));
        stats.bulkReceived = Integer.toUnsignedLong(Bytes.get4(bytes, at + 28)) + Message.count(bytes, 0, 1);
        if (transfer.cursor == SyncSource.END) {
            transfer.running = false;
            transfer.endedMillis = millis;
            stats.bulkComplete++;
            sink.transferred(transfer.origin, transfer.beganMillis);
        }
    }

    // Time ----------------------------------------------------------------------------------------------------------

    /** Asks what is to be asked at {@code millis}. */
    void work(long millis) {
        if (!signer.controls()) {
            return;
        }
        int known = 0;
        long lost = 0;
        boolean running = false;
        for (Transfer each : transfers) {
            if (each != null && verifier.find(each.sender.id) == each.sender) {
                known++;
                lost += each.sender.lost();
                work(each, millis);
                running |= each.running;
            }
        }
        stats.senders = known;
        stats.lost = lost;
        stats.bulkRunning = running;
        boolean idle = known == 0 && millis - challengedMillis >= IDLE_CHALLENGE_MILLIS;
        if ((challengeDue || idle) && millis - challengedMillis >= CHALLENGE_MILLIS) {
            challenge(millis);
        }
    }

    private void work(Transfer transfer, long millis) {
        // Late datagrams may still come: what is missing now is lost when it is still missing a while later.
        transfer.lostBefore = Math.min(transfer.lostBefore, transfer.sender.lost());
        if (!transfer.running
                && transfer.sender.lost() > transfer.lostBefore
                && millis - transfer.endedMillis >= HEAL_MILLIS) {
            transfer.restart(millis);
        }
        if (transfer.running && transfer.ready && millis - transfer.heardMillis >= STALL_MILLIS) {
            request(transfer, millis);
        } else if (transfer.running && !transfer.ready && millis - transfer.heardMillis >= STALL_MILLIS) {
            challengeDue = true;
        }
    }

    private void challenge(long millis) {
        nonce = (nonce + 1) % NONCES;
        random.nextBytes(nonces[nonce]);
        nonceMillis[nonce] = millis;
        challengedMillis = millis;
        challengeDue = false;
        control.begin(1, daemon.syncId(), Message.MAX_LENGTH, IcvHeader.CHALLENGE, ControlMessage.CHALLENGE);
        System.arraycopy(nonces[nonce], 0, control.bytes(), control.firstByte(), ControlMessage.NONCE);
        var _ = link.send(0, control.bytes(), control.finish());
    }

    private void request(Transfer transfer, long millis) {
        transfer.ready = false;
        transfer.heardMillis = millis;
        control.begin(1, daemon.syncId(), Message.MAX_LENGTH, IcvHeader.REQUEST, ControlMessage.REQUEST);
        byte[] bytes = control.bytes();
        int at = control.firstByte();
        Bytes.put8(bytes, at, transfer.sender.id);
        Bytes.put8(bytes, at + 8, transfer.token);
        Bytes.put8(bytes, at + 16, transfer.cursor);
        var _ = link.send(0, bytes, control.finish());
    }
}
