package lvsd.wire;

import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Builds frames for tests, layer by layer: {@code eth().vlan(5).ipv4("10.0.0.1", "10.0.0.2").tcp(1234,
 * 80).flags("S").build()}. Lengths and checksums come out right unless a test asks for a lie. Uses nothing of the code
 * under test. All numbers are host values; addresses are text.
 *
 * <p>A builder may be kept and built again after further changes; {@link #copy} makes an independent one.
 */
public final class PacketBuilder {
    /** Client's MAC address, the default source. */
    public static final String CLIENT_MAC = "02:00:00:00:00:01";
    /** Director's MAC address, the default destination. */
    public static final String DIRECTOR_MAC = "02:00:00:00:00:02";

    private static final int UNSET = -1;
    private static final String FLAG_LETTERS = "FSRP.UEW";

    private record Tag(int type, int tci) {}

    private static final class Extension {
        final int kind;
        final byte[] bytes;

        Extension(int kind, byte[] bytes) {
            this.kind = kind;
            this.bytes = bytes;
        }
    }

    private byte[] destination;
    private byte[] source;
    private int etherType = UNSET;
    private List<Tag> tags = new ArrayList<>();
    private boolean padded;
    private byte[] trailer = {};

    private int family;
    private byte[] from = {};
    private byte[] to = {};
    private int version = UNSET;
    private int ttl = 64;
    private int tos;
    private int id;
    private int flagsAndOffset;
    private int flowLabel;
    private int protocol = UNSET;
    private int ipLength = UNSET;
    private int ipHeaderLength = UNSET;
    private int ipChecksum = UNSET;
    private byte[] ipOptions = {};
    private List<Extension> extensions = new ArrayList<>();

    private int l4 = UNSET;
    private int sourcePort;
    private int destinationPort;
    private int flags;
    private int seq;
    private int ack;
    private int window = 64240;
    private int urgent;
    private int dataOffset = UNSET;
    private byte[] tcpOptions = {};
    private int l4Length = UNSET;
    private int checksum = UNSET;
    private int type;
    private int code;
    private int rest;
    private byte[] body = {};
    private byte[] payload = {};

    private PacketBuilder(byte[] destination, byte[] source) {
        this.destination = destination;
        this.source = source;
    }

    // Layer 2

    /** A frame from {@link #CLIENT_MAC} to {@link #DIRECTOR_MAC}. */
    public static PacketBuilder eth() {
        return eth(CLIENT_MAC, DIRECTOR_MAC);
    }

    /** A frame between two MAC addresses. */
    public static PacketBuilder eth(String source, String destination) {
        return new PacketBuilder(macBytes(destination), macBytes(source));
    }

    /** The EtherType, instead of the one that the next layer has. */
    public PacketBuilder etherType(int value) {
        etherType = value;
        return this;
    }

    /** Adds an 802.1Q tag, behind those already there. */
    public PacketBuilder vlan(int vlanId) {
        return vlan(vlanId, 0);
    }

    /** Adds an 802.1Q tag with a priority, behind those already there. */
    public PacketBuilder vlan(int vlanId, int priority) {
        tags.add(new Tag(0x8100, priority << 13 | vlanId));
        return this;
    }

    /** Adds an 802.1ad service tag, behind those already there. */
    public PacketBuilder serviceVlan(int vlanId) {
        tags.add(new Tag(0x88a8, vlanId));
        return this;
    }

    /** Pads the frame with zeroes to the 60 bytes that Ethernet wants. */
    public PacketBuilder padded() {
        padded = true;
        return this;
    }

    /** Bytes behind the IP packet. */
    public PacketBuilder trailer(byte... bytes) {
        trailer = bytes.clone();
        return this;
    }

    // Layer 3

    /** An IPv4 packet. */
    public PacketBuilder ipv4(String sourceAddress, String destinationAddress) {
        return ip(4, sourceAddress, destinationAddress);
    }

    /** An IPv6 packet. */
    public PacketBuilder ipv6(String sourceAddress, String destinationAddress) {
        return ip(6, sourceAddress, destinationAddress);
    }

    private PacketBuilder ip(int newFamily, String sourceAddress, String destinationAddress) {
        family = newFamily;
        from = address(sourceAddress, newFamily == 4 ? 4 : 16);
        to = address(destinationAddress, newFamily == 4 ? 4 : 16);
        return this;
    }

    /** Time to live or hop limit; 64 unless said. */
    public PacketBuilder ttl(int value) {
        ttl = value;
        return this;
    }

    /** Type of service or traffic class. */
    public PacketBuilder tos(int value) {
        tos = value;
        return this;
    }

    /** IPv4 identification. */
    public PacketBuilder id(int value) {
        id = value;
        return this;
    }

    /** Sets the "do not fragment" bit of IPv4. */
    public PacketBuilder df() {
        flagsAndOffset |= 0x4000;
        return this;
    }

    /** Makes an IPv4 fragment: offset in bytes (a multiple of 8), and whether more follow. */
    public PacketBuilder fragment(int offset, boolean more) {
        flagsAndOffset = (flagsAndOffset & 0x4000) | (more ? 0x2000 : 0) | (offset >>> 3);
        return this;
    }

    /** IPv6 flow label. */
    public PacketBuilder flowLabel(int value) {
        flowLabel = value;
        return this;
    }

    /** IPv4 options, padded with zeroes to four bytes. */
    public PacketBuilder ipOptions(byte... bytes) {
        ipOptions = Arrays.copyOf(bytes, (bytes.length + 3) & ~3);
        return this;
    }

    /** Adds an IPv6 extension header of a kind; its first byte is overwritten by the next header's kind. */
    public PacketBuilder extension(int kind, byte... bytes) {
        extensions.add(new Extension(kind, bytes.clone()));
        return this;
    }

    /** Adds an extension header of a kind with {@code 8 * (1 + units)} bytes of padding options. */
    public PacketBuilder optionsHeader(int kind, int units) {
        byte[] bytes = new byte[8 + 8 * units];
        bytes[1] = (byte) units;
        bytes[2] = 1;
        bytes[3] = (byte) (bytes.length - 4);
        return extension(kind, bytes);
    }

    /** Adds a routing header of type 2 with {@code segmentsLeft} in it. */
    public PacketBuilder routing(int segmentsLeft) {
        byte[] bytes = new byte[24];
        bytes[1] = 2;
        bytes[2] = 2;
        bytes[3] = (byte) segmentsLeft;
        return extension(43, bytes);
    }

    /** Adds an IPv6 fragment header: offset in bytes (a multiple of 8), whether more follow, identification. */
    public PacketBuilder fragmentHeader(int offset, boolean more, int identification) {
        byte[] bytes = ByteBuffer.allocate(8)
                .putShort(2, (short) (offset | (more ? 1 : 0)))
                .putInt(4, identification)
                .array();
        return extension(44, bytes);
    }

    /** The protocol number, instead of the one that the next layer has. */
    public PacketBuilder protocol(int value) {
        protocol = value;
        return this;
    }

    // Layer 4

    /** A TCP segment; window 64240, no flags. */
    public PacketBuilder tcp(int sourcePortNumber, int destinationPortNumber) {
        return ports(6, sourcePortNumber, destinationPortNumber);
    }

    /** A UDP datagram. */
    public PacketBuilder udp(int sourcePortNumber, int destinationPortNumber) {
        return ports(17, sourcePortNumber, destinationPortNumber);
    }

    /** An SCTP packet; add {@link #chunk}s. */
    public PacketBuilder sctp(int sourcePortNumber, int destinationPortNumber, int tag) {
        rest = tag;
        return ports(132, sourcePortNumber, destinationPortNumber);
    }

    private PacketBuilder ports(int newL4, int sourcePortNumber, int destinationPortNumber) {
        l4 = newL4;
        sourcePort = sourcePortNumber;
        destinationPort = destinationPortNumber;
        return this;
    }

    /** Adds an SCTP chunk, padded to four bytes. */
    public PacketBuilder chunk(int chunkType, int chunkFlags, byte... data) {
        byte[] chunk = new byte[(4 + data.length + 3) & ~3];
        chunk[0] = (byte) chunkType;
        chunk[1] = (byte) chunkFlags;
        chunk[2] = (byte) ((4 + data.length) >>> 8);
        chunk[3] = (byte) (4 + data.length);
        System.arraycopy(data, 0, chunk, 4, data.length);
        body = concat(body, chunk);
        return this;
    }

    /** TCP flags, as letters of {@code FSRP.UEW} (dot: ACK). */
    public PacketBuilder flags(String letters) {
        flags = 0;
        for (int i = 0; i < letters.length(); i++) {
            char letter = letters.charAt(i);
            int bit = FLAG_LETTERS.indexOf(letter);
            if (bit < 0) {
                throw new IllegalArgumentException("TCP flag " + letter + ", known are " + FLAG_LETTERS);
            }
            flags |= 1 << bit;
        }
        return this;
    }

    /** TCP sequence number. */
    public PacketBuilder seq(int value) {
        seq = value;
        return this;
    }

    /** TCP acknowledgement number; does not set the flag. */
    public PacketBuilder ack(int value) {
        ack = value;
        return this;
    }

    /** TCP window. */
    public PacketBuilder window(int value) {
        window = value;
        return this;
    }

    /** TCP urgent pointer; does not set the flag. */
    public PacketBuilder urgent(int value) {
        urgent = value;
        return this;
    }

    /** TCP options one after another, padded with end-of-list to four bytes. */
    public PacketBuilder options(byte[]... parts) {
        byte[] all = concat(parts);
        tcpOptions = Arrays.copyOf(all, (all.length + 3) & ~3);
        return this;
    }

    /** An ICMP or ICMPv6 message, after the IP version. */
    public PacketBuilder icmp(int messageType, int messageCode) {
        l4 = family == 6 ? 58 : 1;
        type = messageType;
        code = messageCode;
        return this;
    }

    /** The four bytes behind an ICMP checksum. */
    public PacketBuilder rest(int value) {
        rest = value;
        return this;
    }

    /** An echo request, ICMP or ICMPv6 after the IP version. */
    public PacketBuilder echoRequest(int echoId, int sequence) {
        return icmp(family == 6 ? 128 : 8, 0).rest(echoId << 16 | sequence);
    }

    /** An echo reply, ICMP or ICMPv6 after the IP version. */
    public PacketBuilder echoReply(int echoId, int sequence) {
        return icmp(family == 6 ? 129 : 0, 0).rest(echoId << 16 | sequence);
    }

    /** The packet that an ICMP error quotes: what {@link #buildIp} of another builder gave, or a part of it. */
    public PacketBuilder quote(byte[] ipPacket) {
        payload = ipPacket.clone();
        return this;
    }

    /** A neighbour solicitation for {@code target}; with a source link-layer option unless {@code mac} is null. */
    public PacketBuilder neighbourSolicitation(String target, @Nullable String mac) {
        return neighbour(135, target, 1, mac);
    }

    /**
     * A neighbour advertisement of {@code target}; with a target link-layer option unless {@code mac} is null. Flags by
     * {@link #rest}.
     */
    public PacketBuilder neighbourAdvertisement(String target, @Nullable String mac) {
        return neighbour(136, target, 2, mac);
    }

    private PacketBuilder neighbour(int messageType, String target, int option, @Nullable String mac) {
        ttl = 255;
        body = address(target, 16);
        if (mac != null) {
            body = concat(body, new byte[] {(byte) option, 1}, macBytes(mac));
        }
        return icmp(messageType, 0);
    }

    /** An ARP request for {@code targetIp}, broadcast, from the frame's source. */
    public PacketBuilder arpRequest(String senderIp, String targetIp) {
        destination = macBytes("ff:ff:ff:ff:ff:ff");
        return arp(1, source, senderIp, new byte[6], targetIp);
    }

    /** An ARP reply from the frame's source to its destination. */
    public PacketBuilder arpReply(String senderIp, String targetIp) {
        return arp(2, source, senderIp, destination, targetIp);
    }

    /** An ARP message. */
    public PacketBuilder arp(int operation, String senderMac, String senderIp, String targetMac, String targetIp) {
        return arp(operation, macBytes(senderMac), senderIp, macBytes(targetMac), targetIp);
    }

    private PacketBuilder arp(int operation, byte[] senderMac, String senderIp, byte[] targetMac, String targetIp) {
        etherType = 0x0806;
        byte[] head = {0, 1, 8, 0, 6, 4, 0, (byte) operation};
        payload = concat(head, senderMac, address(senderIp, 4), targetMac, address(targetIp, 4));
        return this;
    }

    /** Data behind all headers. */
    public PacketBuilder payload(byte... bytes) {
        payload = bytes.clone();
        return this;
    }

    /** Data behind all headers, ASCII. */
    public PacketBuilder payload(String text) {
        return payload(text.getBytes(StandardCharsets.US_ASCII));
    }

    /** {@code length} bytes of a pattern behind all headers. */
    public PacketBuilder payload(int length) {
        payload = new byte[length];
        for (int i = 0; i < length; i++) {
            payload[i] = (byte) (i * 7 + 1);
        }
        return this;
    }

    // Lies

    /** Another IP version in the header. */
    public PacketBuilder lieVersion(int value) {
        version = value;
        return this;
    }

    /** Another IPv4 total length or IPv6 payload length. */
    public PacketBuilder lieIpLength(int value) {
        ipLength = value;
        return this;
    }

    /** Another IPv4 header length, in bytes. */
    public PacketBuilder lieIpHeaderLength(int value) {
        ipHeaderLength = value;
        return this;
    }

    /** Another IPv4 header checksum. */
    public PacketBuilder lieIpChecksum(int value) {
        ipChecksum = value;
        return this;
    }

    /** Another TCP header length, in bytes. */
    public PacketBuilder lieDataOffset(int value) {
        dataOffset = value;
        return this;
    }

    /** Another UDP length. */
    public PacketBuilder lieUdpLength(int value) {
        l4Length = value;
        return this;
    }

    /** Another transport checksum; 0 with UDP: none. */
    public PacketBuilder lieChecksum(int value) {
        checksum = value;
        return this;
    }

    // TCP options

    /** Option: one byte of padding. */
    public static byte[] nop() {
        return new byte[] {1};
    }

    /** Option: maximum segment size. */
    public static byte[] mss(int value) {
        return option(2, (byte) (value >>> 8), (byte) value);
    }

    /** Option: window scale. */
    public static byte[] windowScale(int value) {
        return option(3, (byte) value);
    }

    /** Option: selective acknowledgements permitted. */
    public static byte[] sackOk() {
        return option(4);
    }

    /** Option: selective acknowledgements, left and right edges in turn. */
    public static byte[] sack(int... edges) {
        ByteBuffer data = ByteBuffer.allocate(4 * edges.length);
        for (int edge : edges) {
            data.putInt(edge);
        }
        return option(5, data.array());
    }

    /** Option: timestamps. */
    public static byte[] timestamps(int value, int echo) {
        return option(8, ByteBuffer.allocate(8).putInt(value).putInt(echo).array());
    }

    /** Option: the client's address, IPv4 or IPv6. */
    public static byte[] toa(String address, int port) {
        byte[] bytes = address.indexOf(':') < 0 ? address(address, 4) : address(address, 16);
        return option(254, concat(new byte[] {(byte) (port >>> 8), (byte) port}, bytes));
    }

    /** Option: any kind, with a right length. */
    public static byte[] option(int kind, byte... data) {
        return concat(new byte[] {(byte) kind, (byte) (2 + data.length)}, data);
    }

    // Out

    /** The frame. */
    public byte[] build() {
        ByteArrayOutputStream frame = new ByteArrayOutputStream();
        frame.writeBytes(destination);
        frame.writeBytes(source);
        for (Tag tag : tags) {
            put16(frame, tag.type);
            put16(frame, tag.tci);
        }
        put16(frame, etherType != UNSET ? etherType : family == 4 ? 0x0800 : family == 6 ? 0x86dd : 0x88b5);
        frame.writeBytes(buildIp());
        frame.writeBytes(trailer);
        byte[] bytes = frame.toByteArray();
        return padded && bytes.length < 60 ? Arrays.copyOf(bytes, 60) : bytes;
    }

    /** The bytes behind the Ethernet header: the IP packet, or the payload where there is no IP. */
    public byte[] buildIp() {
        return switch (family) {
            case 4 -> buildIpv4();
            case 6 -> buildIpv6();
            default -> payload.clone();
        };
    }

    private byte[] buildIpv4() {
        int headerLength = 20 + ipOptions.length;
        byte[] transport = buildL4();
        ByteBuffer packet = ByteBuffer.allocate(headerLength + transport.length);
        int shownLength = ipHeaderLength == UNSET ? headerLength : ipHeaderLength;
        packet.put(0, (byte) ((version == UNSET ? 4 : version) << 4 | shownLength >>> 2));
        packet.put(1, (byte) tos);
        packet.putShort(2, (short) (ipLength == UNSET ? packet.capacity() : ipLength));
        packet.putShort(4, (short) id);
        packet.putShort(6, (short) flagsAndOffset);
        packet.put(8, (byte) ttl);
        packet.put(9, (byte) lastProtocol());
        packet.put(12, from);
        packet.put(16, to);
        packet.put(20, ipOptions);
        packet.put(headerLength, transport);
        byte[] bytes = packet.array();
        int right = PlainChecksum.checksum(bytes, 0, headerLength);
        packet.putShort(10, (short) (ipChecksum == UNSET ? right : ipChecksum));
        return bytes;
    }

    private byte[] buildIpv6() {
        byte[] transport = buildL4();
        ByteArrayOutputStream chain = new ByteArrayOutputStream();
        for (int i = 0; i < extensions.size(); i++) {
            byte[] bytes = extensions.get(i).bytes.clone();
            bytes[0] = (byte) (i + 1 < extensions.size() ? extensions.get(i + 1).kind : lastProtocol());
            chain.writeBytes(bytes);
        }
        byte[] headers = chain.toByteArray();
        ByteBuffer packet = ByteBuffer.allocate(40 + headers.length + transport.length);
        packet.putInt(0, (version == UNSET ? 6 : version) << 28 | tos << 20 | flowLabel);
        packet.putShort(4, (short) (ipLength == UNSET ? packet.capacity() - 40 : ipLength));
        packet.put(6, (byte) (extensions.isEmpty() ? lastProtocol() : extensions.getFirst().kind));
        packet.put(7, (byte) ttl);
        packet.put(8, from);
        packet.put(24, to);
        packet.put(40, headers);
        packet.put(40 + headers.length, transport);
        return packet.array();
    }

    private int lastProtocol() {
        return protocol != UNSET ? protocol : l4 != UNSET ? l4 : family == 4 ? 253 : 59;
    }

    private byte[] buildL4() {
        return switch (l4) {
            case 6 -> buildTcp();
            case 17 -> buildUdp();
            case 132 -> buildSctp();
            case 1, 58 -> buildIcmp();
            default -> payload.clone();
        };
    }

    private byte[] buildTcp() {
        int headerLength = 20 + tcpOptions.length;
        ByteBuffer segment = ByteBuffer.allocate(headerLength + payload.length);
        segment.putShort((short) sourcePort).putShort((short) destinationPort);
        segment.putInt(seq).putInt(ack);
        segment.put((byte) ((dataOffset == UNSET ? headerLength : dataOffset) >>> 2 << 4));
        segment.put((byte) flags);
        segment.putShort((short) window).putShort((short) 0).putShort((short) urgent);
        segment.put(tcpOptions).put(payload);
        return withChecksum(segment, 16);
    }

    private byte[] buildUdp() {
        ByteBuffer datagram = ByteBuffer.allocate(8 + payload.length);
        datagram.putShort((short) sourcePort).putShort((short) destinationPort);
        datagram.putShort((short) (l4Length == UNSET ? datagram.capacity() : l4Length));
        datagram.put(8, payload);
        return withChecksum(datagram, 6);
    }

    private byte[] buildIcmp() {
        ByteBuffer message = ByteBuffer.allocate(8 + body.length + payload.length);
        message.put((byte) type).put((byte) code).putShort((short) 0).putInt(rest);
        message.put(body).put(payload);
        return withChecksum(message, 2);
    }

    private byte[] buildSctp() {
        ByteBuffer packet = ByteBuffer.allocate(12 + body.length + payload.length);
        packet.putShort((short) sourcePort).putShort((short) destinationPort).putInt(rest);
        packet.putInt(0).put(body).put(payload);
        int crc = PlainChecksum.crc32c(packet.array(), 0, packet.capacity());
        packet.putInt(8, Integer.reverseBytes(checksum == UNSET ? crc : checksum));
        return packet.array();
    }

    private byte[] withChecksum(ByteBuffer l4Packet, int field) {
        byte[] bytes = new byte[l4Packet.capacity()];
        l4Packet.get(0, bytes);
        byte[] addresses = concat(from, to);
        int pseudo = l4 == 1 ? 0 : PlainChecksum.pseudo(addresses, 0, addresses.length, l4, bytes.length);
        int right = ~PlainChecksum.sum(pseudo, bytes, 0, bytes.length) & 0xffff;
        if (right == 0 && l4 == 17) {
            right = 0xffff;
        }
        int shown = checksum == UNSET ? right : checksum;
        bytes[field] = (byte) (shown >>> 8);
        bytes[field + 1] = (byte) shown;
        return bytes;
    }

    /** An independent builder with the same content. */
    public PacketBuilder copy() {
        PacketBuilder other = new PacketBuilder(destination, source);
        other.etherType = etherType;
        other.tags = new ArrayList<>(tags);
        other.padded = padded;
        other.trailer = trailer;
        other.family = family;
        other.from = from;
        other.to = to;
        other.version = version;
        other.ttl = ttl;
        other.tos = tos;
        other.id = id;
        other.flagsAndOffset = flagsAndOffset;
        other.flowLabel = flowLabel;
        other.protocol = protocol;
        other.ipLength = ipLength;
        other.ipHeaderLength = ipHeaderLength;
        other.ipChecksum = ipChecksum;
        other.ipOptions = ipOptions;
        other.extensions = new ArrayList<>(extensions);
        return copyL4(other);
    }

    private PacketBuilder copyL4(PacketBuilder other) {
        other.l4 = l4;
        other.sourcePort = sourcePort;
        other.destinationPort = destinationPort;
        other.flags = flags;
        other.seq = seq;
        other.ack = ack;
        other.window = window;
        other.urgent = urgent;
        other.dataOffset = dataOffset;
        other.tcpOptions = tcpOptions;
        other.l4Length = l4Length;
        other.checksum = checksum;
        other.type = type;
        other.code = code;
        other.rest = rest;
        other.body = body;
        other.payload = payload;
        return other;
    }

    // Text and bytes

    /** The six bytes of a MAC address. */
    public static byte[] macBytes(String text) {
        String[] parts = text.split(":", -1);
        if (parts.length != 6) {
            throw new IllegalArgumentException("MAC address " + text);
        }
        byte[] bytes = new byte[6];
        for (int i = 0; i < 6; i++) {
            bytes[i] = (byte) Integer.parseInt(parts[i], 16);
        }
        return bytes;
    }

    /** A MAC address in wire form. */
    public static long mac(String text) {
        long host = 0;
        for (byte b : macBytes(text)) {
            host = (host << 8) | (b & 0xff);
        }
        return WireForm.mac48(host);
    }

    /** An IPv4 address in wire form. */
    public static int ip4(String text) {
        return WireForm.int32(ByteBuffer.wrap(address(text, 4)).getInt());
    }

    /** The first half of an IPv6 address in wire form. */
    public static long ip6High(String text) {
        return WireForm.long64(ByteBuffer.wrap(address(text, 16)).getLong(0));
    }

    /** The second half of an IPv6 address in wire form. */
    public static long ip6Low(String text) {
        return WireForm.long64(ByteBuffer.wrap(address(text, 16)).getLong(8));
    }

    private static byte[] address(String text, int length) {
        try {
            byte[] bytes = InetAddress.ofLiteral(text).getAddress();
            if (bytes.length != length) {
                throw new IllegalArgumentException(text + " has " + bytes.length + " bytes, not " + length);
            }
            return bytes;
        } catch (IllegalArgumentException wrong) {
            throw new IllegalArgumentException("address " + text, wrong);
        }
    }

    private static void put16(ByteArrayOutputStream out, int value) {
        out.write(value >>> 8);
        out.write(value);
    }

    private static byte[] concat(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }
}
