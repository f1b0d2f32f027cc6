package lvsd.dataplane.net;

import lvsd.dataplane.DropReason;
import lvsd.dataplane.Packet;
import lvsd.dataplane.Verdict;
import lvsd.dpdk.Mbuf;
import lvsd.memory.Memory;
import lvsd.wire.Ethernet;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;

/**
 * Sends IPv4 packets in pieces where the way is too narrow and the sender allows it (RFC 791, section 2.3), and IPv6 packets
 * of which the director is the sender.
 */
final class Fragmenter {
    private static final int OPTION_END = 0;
    private static final int OPTION_NOP = 1;
    private static final int OPTION_COPIED = 0x80;

    private final Net net;
    private final Frames frames;
    private final Packet piece = new Packet();
    /** Identification of the IPv6 packet cut last; steps by an odd number, so that all values come before one comes again. */
    private int lastId;

    Fragmenter(Net net, Frames frames, int firstId) {
        this.lastId = firstId;
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

    /** As {@link #output} for an IPv6 packet that the director itself has made, without extension headers (RFC 8200, 4.5). */
    int output6(Packet p, int nextHop, int mtu) {
        int step = (mtu - Ipv6.SIZE - Ipv6.FRAGMENT_SIZE) & ~7;
        int data = p.l3Length - Ipv6.SIZE;
        lastId += 0x9e3779b9;
        for (int offset = 0; step > 0 && offset < data; offset += step) {
            int size = Math.min(step, data - offset);
            if (!cut6(p, offset, size, offset + size < data)) {
                break;
            }
            send(nextHop);
        }
        frames.free(p.mbuf);
        return Verdict.KEPT;
    }

    private boolean cut6(Packet p, int offset, int size, boolean more) {
        int headers = Ipv6.SIZE + Ipv6.FRAGMENT_SIZE;
        long mbuf = frames.begin(headers + size);
        if (mbuf == 0) {
            return false;
        }
        long ip = Mbuf.data(mbuf);
        Memory.copy(p.l3, ip, Ipv6.SIZE);
        Memory.copy(p.l3 + Ipv6.SIZE + offset, ip + headers, size);
        long fragment = ip + Ipv6.SIZE;
        Memory.setShortBe(fragment, Ipv6.FRAGMENT_SIZE, 0, Ipv6.nextHeader(p.l3) << 8);
        Memory.setShortBe(fragment, Ipv6.FRAGMENT_SIZE, 2, offset | (more ? 1 : 0));
        Memory.setIntBe(fragment, Ipv6.FRAGMENT_SIZE, 4, lastId);
        Ipv6.setNextHeader(ip, Ipv6.NEXT_FRAGMENT);
        Ipv6.setPayloadLength(ip, Ipv6.FRAGMENT_SIZE + size);
        Memory.setShortBe(ip - 2, 2, 0, Ethernet.TYPE_IPV6);
        piece.mbuf = mbuf;
        piece.l3 = ip;
        piece.l3Length = headers + size;
        piece.ipv6 = true;
        return true;
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
