package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import lvsd.wire.PacketBuilder;

/**
 * One end of a simulated TCP connection: reliable, with selective acknowledgements, timestamps and window scaling where both
 * ends have them, and strict: whatever reaches it must be something that its peer may have sent. Positions count from the
 * initial sequence number, so the first byte of data is 1.
 */
final class SimulatedEnd {
    private static final int BUFFER = 30_000;
    private static final long TIMEOUT = 300;

    final boolean client;
    final int isn;
    private final int length;
    private final int peerLength;
    private final boolean sack;
    private final boolean stamps;
    private final int scale;
    private final int mss;
    private final int clockOffset;
    private final RandomGenerator random;

    // What was agreed.
    private boolean peerSack;
    private boolean peerStamps;
    private int peerScale = -1;
    private int peerMss = 536;

    private boolean known;
    private int peerIsn;
    private int unacknowledged;
    private int next;
    private int highest;
    private int allowed = 1;
    private long retransmitAt;

    private int expected;
    private final TreeMap<Integer, Integer> early = new TreeMap<>();
    private int advertised;
    private int recentStamp;
    private boolean stamped;
    private int firstStamp;
    private final Set<Integer> sentStamps = new HashSet<>();
    private boolean owesAcknowledgement;
    private int duplicateFrom = -1;
    private int duplicateTo;
    private boolean finished;

    SimulatedEnd(boolean client, int length, int peerLength, int mss, RandomGenerator random) {
        this.client = client;
        this.length = length;
        this.peerLength = peerLength;
        this.mss = mss;
        this.random = random;
        this.isn = random.nextInt(3) == 0 ? -1 - random.nextInt(20_000) : random.nextInt();
        this.sack = random.nextBoolean();
        this.stamps = random.nextBoolean();
        this.scale = random.nextBoolean() ? random.nextInt(15) : -1;
        this.clockOffset = random.nextInt();
        this.retransmitAt = client ? 0 : Long.MAX_VALUE;
    }

    @Override
    public String toString() {
        return (client ? "client" : "server") + " isn " + Integer.toUnsignedString(isn) + " bytes " + length + " sack "
                + sack + " stamps " + stamps + " scale " + scale + " mss " + mss + " una " + unacknowledged + " next "
                + next + " expected " + expected + " of " + (peerLength + 2);
    }

    /** Everything was sent and acknowledged, and everything received. */
    boolean done() {
        return unacknowledged == length + 2 && expected == peerLength + 2;
    }

    static byte content(boolean ofClient, int position) {
        int mixed = (position + (ofClient ? 0 : 0x5bd1_e995)) * 0x9e37_79b1;
        return (byte) (mixed >>> 24);
    }

    private int clock(long now) {
        return clockOffset + (int) now;
    }

    // ---- sending

    /** What leaves at {@code now} (ms); {@code segment} makes a frame with addresses and ports. */
    List<byte[]> tick(long now, Supplier<PacketBuilder> segment) {
        List<byte[]> out = new ArrayList<>();
        if (!client && !known) {
            return out;
        }
        if ((now >= retransmitAt && unacknowledged < highest) || next == 0) {
            next = unacknowledged;
            retransmitAt = now + TIMEOUT;
        }
        while (next < Math.min(allowed, length + 2) || next == 0) {
            int before = next;
            out.add(segment(now, segment.get()));
            owesAcknowledgement = false;
            if (before == unacknowledged) {
                retransmitAt = now + TIMEOUT;
            }
            if (next == 1 || !handshakeDone()) {
                break;
            }
        }
        if (owesAcknowledgement && known && unacknowledged > 0) {
            owesAcknowledgement = false;
            out.add(build(now, segment.get(), ".", next, new byte[0]));
        }
        return out;
    }

    private boolean handshakeDone() {
        return unacknowledged > 0;
    }

    private byte[] segment(long now, PacketBuilder frame) {
        if (next == 0) {
            next = 1;
            highest = Math.max(highest, 1);
            return build(now, frame, client ? "S" : "S.", 0, new byte[0]);
        }
        int from = next;
        int largest = Math.min(peerMss, mss) - 40;
        int count = Math.min(Math.min(length + 1 - from, allowed - from), 1 + random.nextInt(largest));
        boolean fin = from + count == length + 1 && allowed > from + count;
        byte[] data = new byte[Math.max(0, count)];
        for (int i = 0; i < data.length; i++) {
            data[i] = content(client, from + i);
        }
        next = from + data.length + (fin ? 1 : 0);
        highest = Math.max(highest, next);
        return build(now, frame, fin ? "F." : data.length > 0 ? "P." : ".", from, data);
    }

    private byte[] build(long now, PacketBuilder frame, String flags, int from, byte[] data) {
        boolean syn = flags.startsWith("S");
        List<byte[]> options = new ArrayList<>();
        if (syn) {
            options.add(PacketBuilder.mss(mss));
            if (scale >= 0 && (client || peerScale >= 0)) {
                options.add(PacketBuilder.nop());
                options.add(PacketBuilder.windowScale(scale));
            }
            if (sack && (client || peerSack)) {
                options.add(PacketBuilder.nop());
                options.add(PacketBuilder.nop());
                options.add(PacketBuilder.sackOk());
            }
        }
        if (stamps && ((syn && client) || peerStamps)) {
            sentStamps.add(clock(now));
            options.add(PacketBuilder.nop());
            options.add(PacketBuilder.nop());
            options.add(PacketBuilder.timestamps(clock(now), flags.equals("S") ? 0 : recentStamp));
        }
        if (!syn && sack && peerSack) {
            blocks(options);
        }
        int window = syn || scale < 0 || peerScale < 0 ? Math.min(BUFFER, 65_535) : BUFFER >> scale;
        int real = syn || scale < 0 || peerScale < 0 ? window : window << scale;
        advertised = Math.max(advertised, expected + real);
        return frame.flags(flags)
                .seq(isn + from)
                .ack(flags.contains(".") ? peerIsn + expected : 0)
                .window(window)
                .options(options.toArray(byte[][]::new))
                .payload(data)
                .build();
    }

    private void blocks(List<byte[]> options) {
        List<Integer> edges = new ArrayList<>();
        if (duplicateFrom >= 0) {
            edges.add(peerIsn + duplicateFrom);
            edges.add(peerIsn + duplicateTo);
            duplicateFrom = -1;
        }
        for (var block : early.entrySet()) {
            if (edges.size() < 4) {
                edges.add(peerIsn + block.getKey());
                edges.add(peerIsn + block.getValue());
            }
        }
        if (!edges.isEmpty()) {
            options.add(PacketBuilder.nop());
            options.add(PacketBuilder.nop());
            options.add(PacketBuilder.sack(
                    edges.stream().mapToInt(Integer::intValue).toArray()));
        }
    }

    // ---- receiving

    /** A frame has arrived; {@code l4} is where its TCP header begins. */
    void receive(long now, byte[] frame, int l4) {
        int flags = frame[l4 + 13] & 0xff;
        int seq = Flow.at32(frame, l4 + 4);
        int ack = Flow.at32(frame, l4 + 8);
        int header = (frame[l4 + 12] & 0xf0) >>> 2;
        assertThat(flags & 4).as("%s was reset", this).isZero();
        if ((flags & 2) != 0) {
            syn(now, frame, l4, header, seq, ack, flags);
            return;
        }
        assertThat(known).as("%s: a segment before any SYN", this).isTrue();
        int at = seq - peerIsn;
        int data = frame.length - l4 - header;
        int end = at + data + ((flags & 1) != 0 ? 1 : 0);
        assertThat(at).as("%s: sequence number", this).isBetween(1, peerLength + 2);
        assertThat(end).as("%s: end of segment", this).isBetween(1, peerLength + 2);
        assertThat(end).as("%s: beyond the window that it has opened", this).isLessThanOrEqualTo(advertised + 1);
        assertThat(data).as("%s: size", this).isLessThanOrEqualTo(mss);
        int acknowledged = ack - isn;
        assertThat(acknowledged)
                .as("%s: acknowledges what was never sent", this)
                .isBetween(1, highest);
        options(now, frame, l4, header);
        acknowledged(acknowledged, window(frame, l4), now);
        for (int i = 0; i < data; i++) {
            assertThat(frame[l4 + header + i]).as("%s: byte %d", this, at + i).isEqualTo(content(!client, at + i));
        }
        if ((flags & 1) != 0) {
            assertThat(end).as("%s: FIN", this).isEqualTo(peerLength + 2);
        }
        if (end > at) {
            take(at, end);
        }
    }

    private int window(byte[] frame, int l4) {
        int raw = Flow.at16(frame, l4 + 14);
        return scale >= 0 && peerScale >= 0 ? raw << peerScale : raw;
    }

    private void syn(long now, byte[] frame, int l4, int header, int seq, int ack, int flags) {
        assertThat((flags & 16) != 0).as("%s: kind of SYN", this).isEqualTo(client);
        if (known && seq != peerIsn) {
            owesAcknowledgement = true;
            return; // an answer to a SYN sent twice: a host acknowledges what it has
        }
        if (client) {
            assertThat(ack).isEqualTo(isn + 1);
        }
        owesAcknowledgement = true;
        if (known) {
            if (!client) {
                next = 0;
            }
            return;
        }
        known = true;
        peerIsn = seq;
        expected = 1;
        synOptions(frame, l4, l4 + header);
        if (stamps && peerStamps) {
            stamp(now, frame, l4, l4 + header);
        }
        if (client) {
            acknowledged(1, Flow.at16(frame, l4 + 14), now);
        } else {
            next = 0;
            allowed = 1;
        }
    }

    private void synOptions(byte[] frame, int l4, int end) {
        int at = l4 + 20;
        while (at < end && frame[at] != 0) {
            switch (frame[at]) {
                case 2 -> peerMss = Flow.at16(frame, at + 2);
                case 3 -> peerScale = frame[at + 2];
                case 4 -> peerSack = true;
                case 8 -> peerStamps = true;
                default -> {
                    // padding
                }
            }
            at += frame[at] == 1 ? 1 : frame[at + 1];
        }
        if (client) {
            assertThat(peerScale < 0 || scale >= 0)
                    .as("%s: scale never offered", this)
                    .isTrue();
            assertThat(!peerSack || sack).as("%s: SACK never offered", this).isTrue();
            assertThat(!peerStamps || stamps)
                    .as("%s: timestamps never offered", this)
                    .isTrue();
        }
    }

    private void options(long now, byte[] frame, int l4, int header) {
        int at = l4 + 20;
        int end = l4 + header;
        while (at < end && frame[at] != 0) {
            if (frame[at] == 5 && sack && peerSack) {
                for (int edge = at + 2; edge < at + frame[at + 1]; edge += 4) {
                    assertThat(Flow.at32(frame, edge) - isn)
                            .as("%s: edge of a block", this)
                            .isBetween(1, highest);
                }
            }
            at += frame[at] == 1 ? 1 : frame[at + 1];
        }
        if (stamps && peerStamps) {
            stamp(now, frame, l4, end);
        }
    }

    private void stamp(long now, byte[] frame, int l4, int end) {
        int at = l4 + 20;
        while (at < end && frame[at] != 8) {
            at += frame[at] == 1 ? 1 : frame[at + 1];
        }
        if (at >= end) {
            return;
        }
        int value = Flow.at32(frame, at + 2);
        int echo = Flow.at32(frame, at + 6);
        if (!stamped) {
            stamped = true;
            firstStamp = value;
            recentStamp = value;
        }
        assertThat(value - firstStamp).as("%s: the peer's clock", this).isBetween((int) -now - 1, (int) now + 1);
        if ((frame[l4 + 13] & 16) != 0) {
            assertThat(sentStamps).as("%s: echoes what was never sent", this).contains(echo);
        }
        if (value - recentStamp > 0) {
            recentStamp = value;
        }
    }

    private void acknowledged(int position, int window, long now) {
        if (position > unacknowledged) {
            unacknowledged = position;
            next = Math.max(next, position);
            retransmitAt = now + TIMEOUT;
        }
        if (position == unacknowledged) {
            // A window that has closed to nothing is probed by what the timer sends again.
            allowed = Math.max(allowed, position + Math.max(window, 1));
        }
    }

    private void take(int from, int to) {
        owesAcknowledgement = true;
        if (to <= expected) {
            duplicateFrom = from;
            duplicateTo = to;
            return;
        }
        int start = Math.max(from, expected);
        int end = to;
        var before = early.floorEntry(start);
        if (before != null && before.getValue() >= start) {
            start = before.getKey();
            end = Math.max(end, before.getValue());
        }
        var behind = early.ceilingEntry(start);
        while (behind != null && behind.getKey() <= end) {
            end = Math.max(end, behind.getValue());
            early.remove(behind.getKey());
            behind = early.ceilingEntry(start);
        }
        if (start <= expected) {
            early.remove(start);
            expected = end;
            finished = expected == peerLength + 2;
        } else {
            early.put(start, end);
        }
    }

    /** Whether the peer's FIN was taken. */
    boolean finished() {
        return finished;
    }
}
