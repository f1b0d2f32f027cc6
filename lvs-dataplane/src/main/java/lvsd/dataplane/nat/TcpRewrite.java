package lvsd.dataplane.nat;

import lvsd.dpdk.Mbuf;
import lvsd.memory.Memory;
import lvsd.wire.Checksum;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Tcp;

/**
 * Rewriting inside the TCP header beyond ports: sequence numbers, timestamps, SACK blocks, MSS and the TOA option.
 *
 * <p>Methods that change fields return the one's complement delta for the TCP checksum (see {@link Checksum}), so that a
 * caller sums all deltas and touches the checksum once. All of them take the address of a TCP header whose data offset was
 * checked against the packet.
 */
public final class TcpRewrite {
    /** TOA option kind, as the modules in the field read it. */
    public static final int TOA_KIND = 254;
    /** Bytes of the TOA option with an IPv4 client: kind, length, port, address. */
    public static final int TOA4 = 8;
    /** Bytes of the TOA option with an IPv6 client. */
    public static final int TOA6 = 20;

    private static final int KIND_END = 0;
    private static final int KIND_NOP = 1;
    private static final int KIND_MSS = 2;
    private static final int KIND_SACK = 5;
    private static final int KIND_TIMESTAMP = 8;
    /** NOP, NOP, timestamp, length 10: what nearly every segment of nearly every stack starts its options with. */
    private static final int USUAL_TIMESTAMP = 0x0101080a;

    private static final int LARGEST_HEADER = 60;

    private TcpRewrite() {}

    /** Adds {@code sequence} to the sequence number and {@code acknowledgement} to the acknowledgement if ACK is set. */
    public static int sequence(long tcp, int sequence, int acknowledgement) {
        int delta = addInt(tcp, 4, sequence);
        if (acknowledgement != 0 && (Memory.getByte(tcp, Tcp.SIZE, 13) & Tcp.ACK_FLAG) != 0) {
            delta = Checksum.add(delta, addInt(tcp, 8, acknowledgement));
        }
        return delta;
    }

    private static int addInt(long tcp, int offset, int amount) {
        int old = Memory.getInt(tcp, Tcp.SIZE, offset);
        int fresh = Integer.reverseBytes(Integer.reverseBytes(old) + amount);
        Memory.setInt(tcp, Tcp.SIZE, offset, fresh);
        return Checksum.deltaInt(old, fresh);
    }

    /**
     * Adds {@code value} to TSval, {@code echo} to TSecr (RFC 7323; TSecr only on segments with ACK) and
     * {@code acknowledgement} to both edges of every SACK block (RFC 2018). {@code header} is the checked header length.
     */
    public static int options(long tcp, int header, int value, int echo, int acknowledgement) {
        if (header == Tcp.SIZE + 12 && Memory.getIntBe(tcp, Tcp.SIZE + 12, 20) == USUAL_TIMESTAMP) {
            return timestamp(tcp, header, 22, value, echo);
        }
        int delta = 0;
        int at = Tcp.SIZE;
        while (at < header) {
            int kind = Memory.getByte(tcp, header, at);
            if (kind == KIND_END) {
                break;
            }
            if (kind == KIND_NOP) {
                at++;
                continue;
            }
            int length = at + 1 < header ? Memory.getByte(tcp, header, at + 1) : 0;
            if (length < 2 || at + length > header) {
                break;
            }
            if (kind == KIND_TIMESTAMP && length == 10) {
                delta = Checksum.add(delta, timestamp(tcp, header, at, value, echo));
            } else if (kind == KIND_SACK) {
                delta = Checksum.add(delta, sack(tcp, header, at + 2, at + length, acknowledgement));
            }
            at += length;
        }
        return delta;
    }

    private static int timestamp(long tcp, int header, int at, int value, int echo) {
        int delta = value == 0 ? 0 : addAnywhere(tcp, header, at + 2, value);
        if (echo != 0 && (Memory.getByte(tcp, Tcp.SIZE, 13) & Tcp.ACK_FLAG) != 0) {
            delta = Checksum.add(delta, addAnywhere(tcp, header, at + 6, echo));
        }
        return delta;
    }

    private static int sack(long tcp, int header, int from, int to, int amount) {
        int delta = 0;
        if (amount == 0) {
            return 0;
        }
        for (int at = from; at + 4 <= to; at += 4) {
            delta = Checksum.add(delta, addAnywhere(tcp, header, at, amount));
        }
        return delta;
    }

    /** Adds to a 32-bit field; at an odd offset its bytes stand in the other halves of the summed words (RFC 1071, 2B). */
    private static int addAnywhere(long tcp, int header, int offset, int amount) {
        int old = Memory.getInt(tcp, header, offset);
        int fresh = Integer.reverseBytes(Integer.reverseBytes(old) + amount);
        Memory.setInt(tcp, header, offset, fresh);
        int delta = Checksum.deltaInt(old, fresh);
        return (offset & 1) == 0 ? delta : Checksum.swap(delta);
    }

    /**
     * The TSval of the header's timestamp option, or -1 when there is none.
     *
     * @return 0 to 2^32 - 1, or -1
     */
    public static long timestampValue(long tcp, int header) {
        int at = find(tcp, header, KIND_TIMESTAMP, 10);
        return at < 0 ? -1 : Integer.toUnsignedLong(Memory.getIntBe(tcp, header, at + 2));
    }

    /** Lowers the MSS option by {@code amount}, keeping at least 64; returns the checksum delta, 0 without the option. */
    public static int lowerMss(long tcp, int header, int amount) {
        int at = find(tcp, header, KIND_MSS, 4);
        if (at < 0) {
            return 0;
        }
        int mss = Memory.getShortBe(tcp, header, at + 2);
        int lowered = Math.max(64, mss - amount);
        if (lowered >= mss) {
            return 0;
        }
        Memory.setShortBe(tcp, header, at + 2, lowered);
        int delta = Checksum.deltaInt(Checksum.swap(mss), Checksum.swap(lowered));
        return (at & 1) == 0 ? delta : Checksum.swap(delta);
    }

    private static int find(long tcp, int header, int wanted, int wantedLength) {
        int at = Tcp.SIZE;
        while (at < header) {
            int kind = Memory.getByte(tcp, header, at);
            if (kind == KIND_END) {
                return -1;
            }
            if (kind == KIND_NOP) {
                at++;
                continue;
            }
            int length = at + 1 < header ? Memory.getByte(tcp, header, at + 1) : 0;
            if (length < 2 || at + length > header) {
                return -1;
            }
            if (kind == wanted && length == wantedLength) {
                return at;
            }
            at += length;
        }
        return -1;
    }

    /**
     * Puts the TOA option with the client's IPv4 address and port (wire form) in front of the other options. The headers
     * move {@link #TOA4} bytes towards the headroom, so the caller goes on with {@code ip - TOA4}. IP header checksum and
     * TCP checksum are kept right.
     *
     * @return false when there is no room in the TCP header or the headroom; nothing has changed then
     */
    public static boolean insertToa4(long mbuf, long ip, long tcp, int header, int client, int port) {
        if (header + TOA4 > LARGEST_HEADER || Mbuf.headroom(mbuf) < TOA4) {
            return false;
        }
        shift(mbuf, tcp, TOA4);
        long movedIp = ip - TOA4;
        long movedTcp = tcp - TOA4;
        int oldLength = Memory.getShort(movedIp, Ipv4.SIZE, 2);
        Memory.setShortBe(movedIp, Ipv4.SIZE, 2, Memory.getShortBe(movedIp, Ipv4.SIZE, 2) + TOA4);
        int newLength = Memory.getShort(movedIp, Ipv4.SIZE, 2);
        int lengthDelta = Checksum.deltaInt(oldLength, newLength);
        Memory.setShort(movedIp, Ipv4.SIZE, 10, Checksum.apply(Memory.getShort(movedIp, Ipv4.SIZE, 10), lengthDelta));
        Memory.setByte(movedTcp, Tcp.SIZE + TOA4, 20, TOA_KIND);
        Memory.setByte(movedTcp, Tcp.SIZE + TOA4, 21, TOA4);
        Memory.setShort(movedTcp, Tcp.SIZE + TOA4, 22, port);
        Memory.setInt(movedTcp, Tcp.SIZE + TOA4, 24, client);
        growHeader(movedTcp, TOA4);
        return true;
    }

    /** As {@link #insertToa4} with an IPv6 client; the address is given as its two halves in wire form. */
    public static boolean insertToa6(
            long mbuf, long ip, long tcp, int header, long clientHigh, long clientLow, int port) {
        if (header + TOA6 > LARGEST_HEADER || Mbuf.headroom(mbuf) < TOA6) {
            return false;
        }
        shift(mbuf, tcp, TOA6);
        long movedIp = ip - TOA6;
        long movedTcp = tcp - TOA6;
        Memory.setShortBe(movedIp, Ipv6.SIZE, 4, Memory.getShortBe(movedIp, Ipv6.SIZE, 4) + TOA6);
        Memory.setByte(movedTcp, Tcp.SIZE + TOA6, 20, TOA_KIND);
        Memory.setByte(movedTcp, Tcp.SIZE + TOA6, 21, TOA6);
        Memory.setShort(movedTcp, Tcp.SIZE + TOA6, 22, port);
        Memory.setLong(movedTcp, Tcp.SIZE + TOA6, 24, clientHigh);
        Memory.setLong(movedTcp, Tcp.SIZE + TOA6, 32, clientLow);
        growHeader(movedTcp, TOA6);
        return true;
    }

    /** Moves everything from the frame's start to the end of the fixed TCP header towards the headroom. */
    private static void shift(long mbuf, long tcp, int bytes) {
        long start = Mbuf.data(mbuf);
        Mbuf.moveStart(mbuf, -bytes);
        Memory.copy(start, start - bytes, tcp + Tcp.SIZE - start);
    }

    /** Raises the data offset by the option just written behind the fixed header and sums all that changed. */
    private static void growHeader(long tcp, int bytes) {
        int oldWord = Memory.getShort(tcp, Tcp.SIZE, 12);
        Memory.setByte(tcp, Tcp.SIZE, 12, Memory.getByte(tcp, Tcp.SIZE, 12) + bytes * 4);
        int delta = Checksum.deltaInt(oldWord, Memory.getShort(tcp, Tcp.SIZE, 12));
        for (int at = 0; at < bytes; at += 4) {
            delta = Checksum.add(delta, Checksum.deltaInt(0, Memory.getInt(tcp, Tcp.SIZE + TOA6, Tcp.SIZE + at)));
        }
        // The pseudo header's length field grew as well. It is the only word of it that did; RFC 9293, 3.1.
        delta = Checksum.add(delta, Checksum.deltaInt(0, Checksum.swap(bytes)));
        Memory.setShort(tcp, Tcp.SIZE, 16, Checksum.apply(Memory.getShort(tcp, Tcp.SIZE, 16), delta));
    }
}
