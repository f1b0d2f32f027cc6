package lvsd.dataplane.nat;

import lvsd.dpdk.Mbuf;
import lvsd.memory.Memory;
import lvsd.wire.Checksum;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Tcp;
import lvsd.wire.TcpOptions;
import lvsd.wire.WireForm;

/**
 * Rewriting inside the TCP header beyond ports: sequence numbers, timestamps, SACK blocks, MSS and the TOA option.
 *
 * <p>Methods that change fields return the one's complement delta for the TCP checksum (see {@link Checksum}), so that a
 * caller sums all deltas and touches the checksum once. All of them take the address of a TCP header whose data offset was
 * checked against the packet.
 */
public final class TcpRewrite {
    /** NOP, NOP, timestamp, length 10: what nearly every segment of nearly every stack starts its options with. */
    private static final int USUAL_TIMESTAMP = WireForm.int32(0x0101_080a);
    /** Header with nothing but that. */
    private static final int USUAL_HEADER = Tcp.SIZE + 12;

    private static final int USUAL_OFFSET = Tcp.SIZE + 2;

    private static final int ACK_BIT = 4;
    /** No MSS is made smaller than this. */
    private static final int SMALLEST_MSS = 64;

    /** Window scale of an end that has none. */
    private static final int NO_SCALE = 15;

    private TcpRewrite() {}

    /**
     * Adds {@code sequence} to the sequence number and {@code acknowledgement} to the acknowledgement if ACK is set. No
     * branches: which of the two is zero differs between the directions, which come in any order.
     *
     * @param flags TCP flags in the low byte
     * @return what that adds to the checksum's sum ({@link Checksum#change})
     */
    public static long sequence(long tcp, int flags, int sequence, int acknowledgement) {
        int acknowledges = -(flags >>> ACK_BIT & 1);
        long old = Memory.getLong(tcp, Tcp.SIZE, 4);
        long numbers = WireForm.long64(old);
        int fresh = (int) numbers + (acknowledgement & acknowledges);
        long wire = WireForm.long64((((numbers >>> 32) + sequence) << 32) | Integer.toUnsignedLong(fresh));
        Memory.setLong(tcp, Tcp.SIZE, 4, wire);
        return Checksum.change(old, wire);
    }

    private static boolean acknowledges(long tcp) {
        return (Tcp.flags(tcp) & Tcp.ACK_FLAG) != 0;
    }

    /**
     * Adds {@code value} to TSval, {@code echo} to TSecr (RFC 7323; TSecr only on segments with ACK) and
     * {@code acknowledgement} to both edges of every SACK block (RFC 2018). {@code header} is the checked header length.
     */
    public static int options(long tcp, int header, int value, int echo, int acknowledgement) {
        if (header == USUAL_HEADER && Memory.getInt(tcp, USUAL_HEADER, Tcp.SIZE) == USUAL_TIMESTAMP) {
            return timestamp(tcp, USUAL_HEADER, USUAL_OFFSET, value, echo);
        }
        return unusual(tcp, header, value, echo, acknowledgement);
    }

    private static int unusual(long tcp, int header, int value, int echo, int acknowledgement) {
        int delta = 0;
        int timestamps = (value | echo) == 0 ? -1 : TcpOptions.timestamps(tcp, header);
        if (timestamps >= 0) {
            delta = timestamp(tcp, header, timestamps, value, echo);
        }
        int sack = acknowledgement == 0 ? -1 : TcpOptions.sack(tcp, header);
        return sack < 0 ? delta : Checksum.add(delta, TcpOptions.addToSack(tcp, header, sack, acknowledgement));
    }

    private static int timestamp(long tcp, int header, int at, int value, int echo) {
        int delta = value == 0 ? 0 : TcpOptions.setTsval(tcp, header, at, TcpOptions.tsval(tcp, header, at) + value);
        if (echo == 0 || !acknowledges(tcp)) {
            return delta;
        }
        return Checksum.add(delta, TcpOptions.setTsecr(tcp, header, at, TcpOptions.tsecr(tcp, header, at) + echo));
    }

    /**
     * How windows change on a connection whose ends were told window scales by somebody between them, for {@link #window}.
     *
     * @param client the client's scale, 0 to 14; 15 where it has none, and then nothing is scaled at all
     * @param told the scale that the client was told
     * @param server the server's scale, 15 where it has none and takes the client's windows as they are
     * @return twelve bits: shift left of the client's windows (0 to 3), right (4 to 7) and left (8 to 11) of the server's
     */
    public static int windowShifts(int client, int told, int server) {
        if (client == NO_SCALE) {
            return 0;
        }
        if (server == NO_SCALE) {
            return client | told << 4;
        }
        return server >= told ? (server - told) << 8 : (told - server) << 4;
    }

    /**
     * Shifts the window of a segment of {@code side} (0: the client) as {@code shifts} of {@link #windowShifts} say, never
     * beyond what 16 bits hold; bits that fall off make it smaller, which harms nobody. A SYN's window is not scaled (RFC
     * 7323, section 2.2).
     */
    public static int window(long tcp, int shifts, int side) {
        int left = side == 0 ? shifts & 0xf : shifts >>> 8 & 0xf;
        int right = side == 0 ? 0 : shifts >>> 4 & 0xf;
        if ((left | right) == 0 || (Tcp.flags(tcp) & Tcp.SYN) != 0) {
            return 0;
        }
        int old = Memory.getShort(tcp, Tcp.SIZE, 14);
        int fresh = WireForm.short16(Math.min(WireForm.short16(old) >>> right << left, 0xffff));
        Memory.setShort(tcp, Tcp.SIZE, 14, fresh);
        return Checksum.delta(old, fresh);
    }

    /** What {@link #window} makes of a client's window, host values. */
    public static int clientWindow(int window, int shifts) {
        return Math.min(window << (shifts & 0xf), 0xffff);
    }

    /**
     * The TSval of the header's timestamp option, or -1 when there is none.
     *
     * @return 0 to 2^32 - 1, or -1
     */
    public static long timestampValue(long tcp, int header) {
        int at = TcpOptions.timestamps(tcp, header);
        return at < 0 ? -1 : Integer.toUnsignedLong(TcpOptions.tsval(tcp, header, at));
    }

    /** Lowers the MSS option by {@code amount}, keeping at least 64; returns the checksum delta, 0 without the option. */
    public static int lowerMss(long tcp, int header, int amount) {
        int mss = TcpOptions.mss(tcp, header);
        return mss < 0 ? 0 : TcpOptions.clampMss(tcp, header, Math.max(SMALLEST_MSS, mss - amount));
    }

    /**
     * Puts the TOA option with the client's IPv4 address and port (wire form) in front of the other options. The headers
     * move {@link TcpOptions#TOA4_SIZE} bytes towards the headroom, so the caller goes on with the addresses less that. IP
     * header checksum and TCP checksum are kept right.
     *
     * @return false when there is no room in the TCP header or the headroom; nothing has changed then
     */
    public static boolean insertToa4(long mbuf, long ip, long tcp, int header, int client, int port) {
        int size = TcpOptions.TOA4_SIZE;
        if (!TcpOptions.hasRoom(header, size) || Mbuf.headroom(mbuf) < size) {
            return false;
        }
        long moved = openGap(mbuf, tcp, header, size);
        TcpOptions.putToa4(moved, header + size, Tcp.SIZE, port, client);
        Tcp.applyDelta(moved, TcpOptions.insertedDelta(moved, size));
        long movedIp = ip - size;
        int length = Ipv4.totalLength(movedIp);
        int delta = Checksum.delta(WireForm.short16(length), WireForm.short16(length + size));
        Ipv4.setTotalLength(movedIp, length + size);
        Ipv4.setChecksum(movedIp, Checksum.apply(Ipv4.checksum(movedIp), delta));
        return true;
    }

    /** As {@link #insertToa4} with an IPv6 client; the address is given as its two halves in wire form. */
    public static boolean insertToa6(
            long mbuf, long ip, long tcp, int header, long clientHigh, long clientLow, int port) {
        int size = TcpOptions.TOA6_SIZE;
        if (!TcpOptions.hasRoom(header, size) || Mbuf.headroom(mbuf) < size) {
            return false;
        }
        long moved = openGap(mbuf, tcp, header, size);
        TcpOptions.putToa6(moved, header + size, Tcp.SIZE, port, clientHigh, clientLow);
        Tcp.applyDelta(moved, TcpOptions.insertedDelta(moved, size));
        long movedIp = ip - size;
        Ipv6.setPayloadLength(movedIp, Ipv6.payloadLength(movedIp) + size);
        return true;
    }

    /** Moves all headers towards the headroom; returns where the TCP header is now. */
    private static long openGap(long mbuf, long tcp, int header, int size) {
        long start = Mbuf.data(mbuf);
        Mbuf.moveStart(mbuf, -size);
        return TcpOptions.insertFront(start, tcp, header, size);
    }
}
