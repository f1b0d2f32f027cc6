package lvsd.dataplane;

import lvsd.memory.Memory;
import lvsd.memory.OffHeap;
import lvsd.wire.Checksum;
import lvsd.wire.Ethernet;
import lvsd.wire.Icmp;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Tcp;
import lvsd.wire.Udp;

/** Makes the frames of {@link Warmup}: in native memory with the packet path's own setters, handed out as bytes. */
final class WarmupFrames implements AutoCloseable {
    /** NOP, NOP, timestamp; the way nearly every stack sends it. */
    static final int TIMESTAMP = 12;
    /** Timestamp, then a SACK block. */
    static final int SACK = 24;

    private static final int ROOM = 4096;

    private final OffHeap memory = OffHeap.map(ROOM, false, false);
    private final long frame = memory.address();
    private int value;

    /** A TCP segment between IPv4 addresses in wire form, with {@code options} bytes of options. */
    byte[] tcp4(long from, long to, int source, int destination, int ports, int flags, int options, int payload) {
        int l4Length = Tcp.SIZE + options + payload;
        long ip = ipv4(from, to, source, destination, Ipv4.PROTOCOL_TCP, l4Length);
        long tcp = ip + Ipv4.SIZE;
        tcp(tcp, ports, flags, options);
        Tcp.setChecksum(tcp, Checksum.transport4(ip, tcp, l4Length, Ipv4.PROTOCOL_TCP));
        return bytes(Ethernet.SIZE + Ipv4.SIZE + l4Length);
    }

    /** A TCP segment over IPv6; addresses share their first half. */
    byte[] tcp6(
            long from,
            long to,
            long high,
            long source,
            long destination,
            int ports,
            int flags,
            int options,
            int payload) {
        int l4Length = Tcp.SIZE + options + payload;
        long ip = ipv6(from, to, high, source, destination, Ipv4.PROTOCOL_TCP, l4Length);
        long tcp = ip + Ipv6.SIZE;
        tcp(tcp, ports, flags, options);
        Tcp.setChecksum(tcp, Checksum.transport6(ip, tcp, l4Length, Ipv4.PROTOCOL_TCP));
        return bytes(Ethernet.SIZE + Ipv6.SIZE + l4Length);
    }

    /** A UDP datagram over IPv4, without checksum if {@code bare}. */
    byte[] udp4(long from, long to, int source, int destination, int ports, boolean bare, int payload) {
        int l4Length = Udp.SIZE + payload;
        long ip = ipv4(from, to, source, destination, Ipv4.PROTOCOL_UDP, l4Length);
        long udp = ip + Ipv4.SIZE;
        Memory.setInt(udp, Udp.SIZE, 0, ports);
        Memory.setShortBe(udp, Udp.SIZE, 4, l4Length);
        Memory.setShort(udp, Udp.SIZE, 6, 0);
        if (!bare) {
            Memory.setShort(udp, Udp.SIZE, 6, Checksum.transport4(ip, udp, l4Length, Ipv4.PROTOCOL_UDP));
        }
        return bytes(Ethernet.SIZE + Ipv4.SIZE + l4Length);
    }

    /** A UDP datagram over IPv6. */
    byte[] udp6(long from, long to, long high, long source, long destination, int ports, int payload) {
        int l4Length = Udp.SIZE + payload;
        long ip = ipv6(from, to, high, source, destination, Ipv4.PROTOCOL_UDP, l4Length);
        long udp = ip + Ipv6.SIZE;
        Memory.setInt(udp, Udp.SIZE, 0, ports);
        Memory.setShortBe(udp, Udp.SIZE, 4, l4Length);
        Memory.setShort(udp, Udp.SIZE, 6, Checksum.transport6(ip, udp, l4Length, Ipv4.PROTOCOL_UDP));
        return bytes(Ethernet.SIZE + Ipv6.SIZE + l4Length);
    }

    /** An ICMP message over IPv4 that carries {@code quote}. */
    byte[] icmp4(long from, long to, int source, int destination, int type, int code, byte[] quote) {
        int l4Length = Icmp.SIZE + quote.length;
        long ip = ipv4(from, to, source, destination, Ipv4.PROTOCOL_ICMP, l4Length);
        long icmp = ip + Ipv4.SIZE;
        Icmp.setTypeAndCode(icmp, type, code);
        Icmp.setRest(icmp, 0);
        Memory.copyIn(quote, 0, icmp + Icmp.SIZE, quote.length);
        Icmp.updateChecksum(icmp, l4Length);
        return bytes(Ethernet.SIZE + Ipv4.SIZE + l4Length);
    }

    /** As {@link #icmp4} over IPv6. */
    byte[] icmp6(long from, long to, long high, long source, long destination, int type, int code, byte[] quote) {
        int l4Length = Icmp.SIZE + quote.length;
        long ip = ipv6(from, to, high, source, destination, Ipv6.PROTOCOL_ICMPV6, l4Length);
        long icmp = ip + Ipv6.SIZE;
        Icmp.setTypeAndCode(icmp, type, code);
        Icmp.setRest(icmp, 0);
        Memory.copyIn(quote, 0, icmp + Icmp.SIZE, quote.length);
        Memory.setShort(icmp, Icmp.SIZE, 2, Checksum.transport6(ip, icmp, l4Length, Ipv6.PROTOCOL_ICMPV6));
        return bytes(Ethernet.SIZE + Ipv6.SIZE + l4Length);
    }

    private long ipv4(long from, long to, int source, int destination, int protocol, int l4Length) {
        Memory.fill(frame, ROOM, 0);
        Ethernet.setAddresses(frame, to, from);
        Ethernet.setEtherType(frame, Ethernet.TYPE_IPV4);
        long ip = frame + Ethernet.SIZE;
        Memory.setByte(ip, Ipv4.SIZE, 0, 0x45);
        Ipv4.setTotalLength(ip, Ipv4.SIZE + l4Length);
        Ipv4.setId(ip, value++ & 0xffff);
        Ipv4.setTtl(ip, 64);
        Ipv4.setProtocol(ip, protocol);
        Ipv4.setSource(ip, source);
        Ipv4.setDestination(ip, destination);
        Ipv4.updateChecksum(ip, Ipv4.SIZE);
        return ip;
    }

    private long ipv6(long from, long to, long high, long source, long destination, int protocol, int l4Length) {
        Memory.fill(frame, ROOM, 0);
        Ethernet.setAddresses(frame, to, from);
        Ethernet.setEtherType(frame, Ethernet.TYPE_IPV6);
        long ip = frame + Ethernet.SIZE;
        Ipv6.setVersionClassFlow(ip, 0, 0);
        Ipv6.setPayloadLength(ip, l4Length);
        Ipv6.setNextHeader(ip, protocol);
        Ipv6.setHopLimit(ip, 64);
        Ipv6.setSource(ip, high, source);
        Ipv6.setDestination(ip, high, destination);
        return ip;
    }

    private void tcp(long tcp, int ports, int flags, int options) {
        Tcp.setPorts(tcp, ports);
        Tcp.setSeq(tcp, value++ * 0x9e3779b9);
        Tcp.setAck(tcp, value++ * 0x9e3779b9);
        Tcp.setHeaderLength(tcp, Tcp.SIZE + options);
        Tcp.setFlags(tcp, flags);
        Tcp.setWindow(tcp, 1000);
        if (options >= TIMESTAMP) {
            Memory.setIntBe(tcp, ROOM, Tcp.SIZE, 0x0101080a);
            Memory.setIntBe(tcp, ROOM, Tcp.SIZE + 4, value++);
        }
        if (options >= SACK) {
            Memory.setIntBe(tcp, ROOM, Tcp.SIZE + TIMESTAMP, 0x0101050a);
            Memory.setIntBe(tcp, ROOM, Tcp.SIZE + TIMESTAMP + 4, value++);
        }
    }

    private byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        Memory.copyOut(frame, bytes, 0, length);
        return bytes;
    }

    @Override
    public void close() {
        memory.close();
    }
}
