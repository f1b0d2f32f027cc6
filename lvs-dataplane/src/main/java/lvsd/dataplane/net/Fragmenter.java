package lvsd.dataplane.net;

import lvsd.dataplane.DropReason;
import lvsd.dataplane.Packet;
import lvsd.dataplane.Verdict;
import lvsd.dpdk.Mbuf;
import lvsd.memory.Memory;
import lvsd.wire.Ethernet;
import lvsd.wire.Ipv4;

/** Sends IPv4 packets in pieces where the way is too narrow and the sender allows it (RFC 791, section 2.3). */
final class Fragmenter {
    private static final int OPTION_END = 0;
    private static final int OPTION_NOP = 1;
    private static final int OPTION_COPIED = 0x80;

    private final Net net;
    private final Frames frames;
    private final Packet piece = new Packet();

    Fragmenter(Net net, Frames frames) {
        this.net = net;
        this.frames = frames;
    }

    /** Whether a packet may be cut: IPv4 without DF, and an MTU that holds header and eight bytes. */
    static boolean may(Packet p, int mtu) {
        return !p.ipv6 && !Ipv4.dontFragment(p.l3) && mtu >= Ipv4.headerLength(p.l3) + 8;
    }

    /** Sends {@code p} to {@code nextHop} in pieces of at most {@code mtu} bytes and frees it. */
    int output(Packet p, int nextHop, int mtu) {
        int header = Ipv4.headerLength(p.l3);
        int data = Ipv4.totalLength(p.l3) - header;
        int step = (mtu - header) & ~7;
        for (int offset = 0; offset < data; offset += step) {
            int size = Math.min(step, data - offset);
            if (!cut(p, header, offset, size, offset + size < data)) {
                break;
            }
            send(nextHop);
        }
        frames.free(p.mbuf);
        return Verdict.KEPT;
    }

    /** Makes {@link #piece} of {@code size} bytes behind the header, beginning at {@code offset}. */
    private boolean cut(Packet p, int header, int offset, int size, boolean more) {
        long mbuf = frames.begin(header + size);
        if (mbuf == 0) {
            return false;
        }
        long ip = Mbuf.data(mbuf);
        Memory.copy(p.l3, ip, header);
        Memory.copy(p.l3 + header + offset, ip + header, size);
        int old = Ipv4.flagsAndOffset(p.l3);
        int flags = more ? old | Ipv4.MORE_FRAGMENTS : old;
        Ipv4.setFlagsAndOffset(ip, flags + (offset >>> 3));
        Ipv4.setTotalLength(ip, header + size);
        if (offset > 0) {
            dropFirstOnly(ip, header);
        }
        Ipv4.updateChecksum(ip, header);
        Memory.setShortBe(ip - 2, 2, 0, Ethernet.TYPE_IPV4);
        piece.mbuf = mbuf;
        piece.l3 = ip;
        piece.l3Length = header + size;
        piece.ipv6 = false;
        return true;
    }

    /** RFC 791, section 3.1: options without the copied flag belong into the first fragment alone. */
    private static void dropFirstOnly(long ip, int header) {
        int at = Ipv4.SIZE;
        while (at < header) {
            int kind = Memory.getByte(ip, Ipv4.MAX_SIZE, at);
            if (kind == OPTION_END) {
                return;
            }
            int size = kind == OPTION_NOP || at + 1 >= header ? 1 : Memory.getByte(ip, Ipv4.MAX_SIZE, at + 1);
            size = Math.max(1, Math.min(size, header - at));
            if ((kind & OPTION_COPIED) == 0) {
                Memory.fill(ip + at, size, OPTION_NOP);
            }
            at += size;
        }
    }

    private void send(int nextHop) {
        int verdict = net.output(piece, nextHop);
        if (Verdict.kind(verdict) == Verdict.TRANSMIT) {
            net.emit(piece.mbuf, Verdict.argument(verdict));
        } else if (Verdict.kind(verdict) == Verdict.DROP) {
            frames.count(DropReason.of(Verdict.argument(verdict)));
            frames.free(piece.mbuf);
        }
    }
}
