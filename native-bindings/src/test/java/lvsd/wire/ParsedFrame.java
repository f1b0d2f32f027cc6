package lvsd.wire;

import lvsd.memory.Memory;

/** Where the headers of a frame in native memory are, found through the checks as the packet path does. */
public final class ParsedFrame {
    /** First byte of the frame, and its length. */
    public final long frame;

    public final int frameLength;
    /** Type behind the VLAN tags. */
    public final int etherType;
    /** First byte behind the Ethernet header and its tags. */
    public final long l3;
    /** Length of the IP header with options or extensions, negative when the IP header is not right. */
    public final int l3Length;
    /** Whether the packet is IPv6. */
    public final boolean ipv6;
    /** Transport protocol; -1 where there is no transport header. */
    public final int protocol;
    /** First byte and length of the transport header with its data; 0 where there is none. */
    public final long l4;

    public final int l4Length;
    /** Whether the packet is a fragment of any kind. */
    public final boolean fragment;

    private ParsedFrame(long frame, int length) {
        this.frame = frame;
        frameLength = length;
        int offset = Ethernet.SIZE;
        int type = Ethernet.check(length) < 0 ? -1 : Ethernet.etherType(frame);
        while (Vlan.isTag(type) && length - offset >= Vlan.TAG_SIZE) {
            type = Vlan.innerType(frame + offset - Ethernet.SIZE);
            offset += Vlan.TAG_SIZE;
        }
        etherType = type;
        l3 = frame + offset;
        ipv6 = type == Ethernet.TYPE_IPV6;
        int available = length - offset;
        if (type == Ethernet.TYPE_IPV4) {
            l3Length = Ipv4.check(l3, available);
            boolean right = l3Length > 0;
            fragment = right && Ipv4.isFragment(l3);
            boolean transport = right && !Ipv4.isLaterFragment(l3);
            protocol = transport ? Ipv4.protocol(l3) : -1;
            l4 = transport ? l3 + l3Length : 0;
            l4Length = transport ? Ipv4.totalLength(l3) - l3Length : 0;
        } else if (ipv6 && Ipv6.check(l3, available) > 0) {
            int packet = Ipv6.SIZE + Ipv6.payloadLength(l3);
            long walked = Ipv6.walk(l3, packet);
            boolean right = walked >= 0;
            l3Length = right ? Ipv6.offset(walked) : (int) walked;
            fragment = right && Ipv6.isFragment(walked);
            boolean transport = right && !Ipv6.isLaterFragment(walked);
            protocol = transport ? Ipv6.protocol(walked) : -1;
            l4 = transport ? l3 + l3Length : 0;
            l4Length = transport ? packet - l3Length : 0;
        } else {
            l3Length = -1;
            fragment = false;
            protocol = -1;
            l4 = 0;
            l4Length = 0;
        }
    }

    /** Takes the frame of {@code length} bytes at an address apart. */
    public static ParsedFrame at(long frame, int length) {
        return new ParsedFrame(frame, length);
    }

    /** Stores a frame amid 0xa5 and takes it apart. */
    public static ParsedFrame of(PacketMemory memory, byte[] frame) {
        return new ParsedFrame(memory.put(frame), frame.length);
    }

    /** Whether there is a whole transport header with an internet checksum. */
    public boolean hasInternetChecksum() {
        if (fragment) {
            return false;
        }
        return switch (protocol) {
            case Ipv4.PROTOCOL_TCP -> Tcp.check(l4, l4Length) > 0;
            case Ipv4.PROTOCOL_UDP -> Udp.check(l4, l4Length) == l4Length;
            case Ipv4.PROTOCOL_ICMP -> !ipv6 && Icmp.check(l4Length) > 0;
            case Ipv6.PROTOCOL_ICMPV6 -> ipv6 && Icmp.check(l4Length) > 0;
            default -> false;
        };
    }

    private int checksumField() {
        return switch (protocol) {
            case Ipv4.PROTOCOL_TCP -> Tcp.CHECKSUM;
            case Ipv4.PROTOCOL_UDP -> Udp.CHECKSUM;
            default -> Icmp.CHECKSUM;
        };
    }

    /** The transport checksum in the frame, wire form. */
    public int storedChecksum() {
        return Memory.getShort(l4, l4Length, checksumField());
    }

    /** Stores a transport checksum, wire form. */
    public void storeChecksum(int checksum) {
        Memory.setShort(l4, l4Length, checksumField(), checksum);
    }

    /** The transport checksum that belongs there, wire form. */
    public int computedChecksum() {
        return ipv6 ? Checksum.transport6(l3, l4, l4Length, protocol) : Checksum.transport4(l3, l4, l4Length, protocol);
    }

    /** Whether the transport checksum is right. */
    public boolean verifies() {
        return ipv6 ? Checksum.verify6(l3, l4, l4Length, protocol) : Checksum.verify4(l3, l4, l4Length, protocol);
    }
}
