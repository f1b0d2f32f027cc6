package lvsd.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Compares, prints and verifies frames in tests. */
public final class Packets {
    private static final String ABSENT = "(none)";

    private Packets() {}

    /** The frame in one line. */
    public static String print(byte[] frame) {
        try (PacketMemory memory = new PacketMemory()) {
            return PacketPrinter.print(memory.put(frame), frame.length);
        }
    }

    /**
     * Asserts that two frames have the same bytes. A failure shows both in one line each, and the fields that differ.
     *
     * @param ignored fields of {@link #fields} that may differ, as {@code "ip.id"}
     */
    public static void assertSame(byte[] actual, byte[] expected, String... ignored) {
        Set<String> ignoring = Set.of(ignored);
        if (Arrays.equals(actual, expected)) {
            return;
        }
        List<String> differences = differences(actual, expected);
        differences.removeIf(line -> ignoring.contains(line.substring(0, line.indexOf(':'))));
        if (ignoring.isEmpty() && differences.isEmpty()) {
            differences.add("bytes: differ first at " + Arrays.mismatch(actual, expected));
        }
        if (!differences.isEmpty()) {
            throw new AssertionError("frames differ\n  expected " + print(expected) + "\n  actual   " + print(actual)
                    + "\n    " + String.join("\n    ", differences));
        }
    }

    /** One line for each field that differs. */
    public static List<String> differences(byte[] actual, byte[] expected) {
        Map<String, String> actualFields = fields(actual);
        Map<String, String> expectedFields = fields(expected);
        Set<String> names = new LinkedHashSet<>(expectedFields.keySet());
        names.addAll(actualFields.keySet());
        List<String> lines = new ArrayList<>();
        for (String name : names) {
            String want = expectedFields.getOrDefault(name, ABSENT);
            String have = actualFields.getOrDefault(name, ABSENT);
            if (!want.equals(have)) {
                lines.add(name + ": expected " + want + ", actual " + have);
            }
        }
        return lines;
    }

    /** Every field of a frame by name, in the order of the packet; what cannot be taken apart is shown as bytes. */
    public static Map<String, String> fields(byte[] frame) {
        Map<String, String> fields = new LinkedHashMap<>();
        try (PacketMemory memory = new PacketMemory()) {
            new Dissection(fields, memory.put(frame), frame.length).frame();
        }
        return fields;
    }

    /**
     * Asserts that every checksum of the frame is right, by plain arithmetic: IPv4 header, TCP, UDP, ICMP, ICMPv6, SCTP.
     * Transport checksums of fragments are not looked at, nor is what an ICMP error quotes.
     */
    public static void assertChecksums(byte[] frame) {
        assertThat(checksumProblems(frame)).as(() -> print(frame)).isEmpty();
    }

    /** What is wrong with the frame's checksums; empty when nothing is. */
    public static List<String> checksumProblems(byte[] frame) {
        int l3 = 14;
        while (l3 + 4 <= frame.length && (at16(frame, l3 - 2) == 0x8100 || at16(frame, l3 - 2) == 0x88a8)) {
            l3 += 4;
        }
        List<String> problems = new ArrayList<>();
        if (at16(frame, l3 - 2) == 0x0800) {
            ipv4Problems(frame, l3, problems);
        } else if (at16(frame, l3 - 2) == 0x86dd) {
            ipv6Problems(frame, l3, problems);
        }
        return problems;
    }

    private static void ipv4Problems(byte[] frame, int ip, List<String> problems) {
        int headerLength = (frame[ip] & 0xf) * 4;
        if (PlainChecksum.sum(0, frame, ip, headerLength) != 0xffff) {
            problems.add("ip checksum");
        }
        if ((at16(frame, ip + 6) & 0x3fff) == 0) {
            int l4Length = at16(frame, ip + 2) - headerLength;
            transportProblems(frame, ip + 12, 8, ip + headerLength, l4Length, frame[ip + 9] & 0xff, problems);
        }
    }

    private static void ipv6Problems(byte[] frame, int ip, List<String> problems) {
        int next = frame[ip + 6] & 0xff;
        int l4 = ip + 40;
        while (next == 0 || next == 43 || next == 60) {
            next = frame[l4] & 0xff;
            l4 += 8 * (1 + (frame[l4 + 1] & 0xff));
        }
        if (next != 44) {
            transportProblems(frame, ip + 8, 32, l4, ip + 40 + at16(frame, ip + 4) - l4, next, problems);
        }
    }

    private static void transportProblems(
            byte[] frame, int addresses, int size, int l4, int l4Length, int protocol, List<String> problems) {
        int pseudo = PlainChecksum.pseudo(frame, addresses, size, protocol, l4Length);
        switch (protocol) {
            case 1 -> pseudo = 0;
            case 6, 58 -> {}
            case 17 -> {
                if (at16(frame, l4 + 6) == 0) {
                    if (size == 32) {
                        problems.add("udp checksum 0 over IPv6");
                    }
                    return;
                }
            }
            case 132 -> {
                sctpProblems(frame, l4, l4Length, problems);
                return;
            }
            default -> {
                return;
            }
        }
        if (PlainChecksum.sum(pseudo, frame, l4, l4Length) != 0xffff) {
            problems.add("checksum of protocol " + protocol);
        }
    }

    private static void sctpProblems(byte[] frame, int l4, int l4Length, List<String> problems) {
        byte[] packet = Arrays.copyOfRange(frame, l4, l4 + l4Length);
        int stored = Integer.reverseBytes((at16(packet, 8) << 16) | at16(packet, 10));
        Arrays.fill(packet, 8, 12, (byte) 0);
        if (PlainChecksum.crc32c(packet, 0, packet.length) != stored) {
            problems.add("sctp checksum");
        }
    }

    private static int at16(byte[] bytes, int offset) {
        return ((bytes[offset] & 0xff) << 8) | (bytes[offset + 1] & 0xff);
    }

    /** Takes one frame apart into fields. */
    private static final class Dissection {
        private final Map<String, String> fields;
        private final long frame;
        private final int length;

        Dissection(Map<String, String> fields, long frame, int length) {
            this.fields = fields;
            this.frame = frame;
            this.length = length;
        }

        void frame() {
            if (Ethernet.check(length) < 0) {
                rest("frame", 0);
                return;
            }
            put("eth.dst", PacketPrinter.appendMac(new StringBuilder(), Ethernet.destination(frame)));
            put("eth.src", PacketPrinter.appendMac(new StringBuilder(), Ethernet.source(frame)));
            int offset = Ethernet.SIZE;
            int type = Ethernet.etherType(frame);
            for (int i = 0; Vlan.isTag(type) && length - offset >= Vlan.TAG_SIZE; i++) {
                long tagged = frame + offset - Ethernet.SIZE;
                put("vlan" + i + ".type", hex(type));
                put("vlan" + i + ".tci", hex(Vlan.tci(tagged)));
                type = Vlan.innerType(tagged);
                offset += Vlan.TAG_SIZE;
            }
            put("eth.type", hex(type));
            if (type == Ethernet.TYPE_IPV4 && Ipv4.check(frame + offset, length - offset) > 0) {
                ipv4(offset);
            } else if (type == Ethernet.TYPE_IPV6 && Ipv6.check(frame + offset, length - offset) > 0) {
                ipv6(offset);
            } else if (type == Ethernet.TYPE_ARP && Arp.check(frame + offset, length - offset) > 0) {
                arp(offset);
            } else {
                rest("l3", offset);
            }
        }

        private void ipv4(int offset) {
            long ip = frame + offset;
            int headerLength = Ipv4.headerLength(ip);
            put("ip.headerLength", headerLength);
            put("ip.tos", hex(Ipv4.tos(ip)));
            put("ip.totalLength", Ipv4.totalLength(ip));
            put("ip.id", Ipv4.id(ip));
            put("ip.flagsAndOffset", hex(Ipv4.flagsAndOffset(ip)));
            put("ip.ttl", Ipv4.ttl(ip));
            put("ip.protocol", Ipv4.protocol(ip));
            put("ip.checksum", hex(WireForm.short16(Ipv4.checksum(ip))));
            put("ip.src", PacketPrinter.appendIpv4(new StringBuilder(), Ipv4.source(ip)));
            put("ip.dst", PacketPrinter.appendIpv4(new StringBuilder(), Ipv4.destination(ip)));
            bytes("ip.options", offset + Ipv4.SIZE, offset + headerLength);
            int end = offset + Ipv4.totalLength(ip);
            int protocol = Ipv4.isLaterFragment(ip) ? -1 : Ipv4.protocol(ip);
            l4(protocol, offset + headerLength, end);
            rest("trailer", end);
        }

        private void ipv6(int offset) {
            long ip = frame + offset;
            put("ip.trafficClass", hex(Ipv6.trafficClass(ip)));
            put("ip.flowLabel", hex(Ipv6.flowLabel(ip)));
            put("ip.payloadLength", Ipv6.payloadLength(ip));
            put("ip.nextHeader", Ipv6.nextHeader(ip));
            put("ip.hopLimit", Ipv6.hopLimit(ip));
            put("ip.src", PacketPrinter.appendIpv6(new StringBuilder(), Ipv6.sourceHigh(ip), Ipv6.sourceLow(ip)));
            put(
                    "ip.dst",
                    PacketPrinter.appendIpv6(new StringBuilder(), Ipv6.destinationHigh(ip), Ipv6.destinationLow(ip)));
            int end = offset + Ipv6.SIZE + Ipv6.payloadLength(ip);
            long walked = Ipv6.walk(ip, end - offset);
            if (walked < 0) {
                bytes("ip.chain", offset + Ipv6.SIZE, end);
            } else {
                bytes("ip.extensions", offset + Ipv6.SIZE, offset + Ipv6.offset(walked));
                int protocol = Ipv6.isLaterFragment(walked) ? -1 : Ipv6.protocol(walked);
                l4(protocol, offset + Ipv6.offset(walked), end);
            }
            rest("trailer", end);
        }

        private void arp(int offset) {
            long arp = frame + offset;
            put("arp.operation", Arp.operation(arp));
            put("arp.senderMac", PacketPrinter.appendMac(new StringBuilder(), Arp.senderMac(arp)));
            put("arp.senderIp", PacketPrinter.appendIpv4(new StringBuilder(), Arp.senderIp(arp)));
            put("arp.targetMac", PacketPrinter.appendMac(new StringBuilder(), Arp.targetMac(arp)));
            put("arp.targetIp", PacketPrinter.appendIpv4(new StringBuilder(), Arp.targetIp(arp)));
            rest("trailer", offset + Arp.SIZE);
        }

        private void l4(int protocol, int offset, int end) {
            long l4 = frame + offset;
            if (protocol == Ipv4.PROTOCOL_TCP && Tcp.check(l4, end - offset) > 0) {
                tcp(offset, end);
            } else if (protocol == Ipv4.PROTOCOL_UDP && Udp.check(l4, end - offset) > 0) {
                put("udp.srcPort", WireForm.short16(Udp.sourcePort(l4)));
                put("udp.dstPort", WireForm.short16(Udp.destinationPort(l4)));
                put("udp.length", Udp.length(l4));
                put("udp.checksum", hex(WireForm.short16(Udp.checksum(l4))));
                bytes("payload", offset + Udp.SIZE, end);
            } else if ((protocol == Ipv4.PROTOCOL_ICMP || protocol == Ipv6.PROTOCOL_ICMPV6)
                    && Icmp.check(end - offset) > 0) {
                put("icmp.type", Icmp.type(l4));
                put("icmp.code", Icmp.code(l4));
                put("icmp.checksum", hex(WireForm.short16(Icmp.checksum(l4))));
                put("icmp.rest", hex(Icmpv6.rest(l4)));
                bytes("icmp.body", offset + Icmp.SIZE, end);
            } else {
                bytes("l4", offset, end);
            }
        }

        private void tcp(int offset, int end) {
            long tcp = frame + offset;
            int headerLength = Tcp.headerLength(tcp);
            put("tcp.srcPort", WireForm.short16(Tcp.sourcePort(tcp)));
            put("tcp.dstPort", WireForm.short16(Tcp.destinationPort(tcp)));
            put("tcp.seq", Integer.toUnsignedString(Tcp.seq(tcp)));
            put("tcp.ack", Integer.toUnsignedString(Tcp.ack(tcp)));
            put("tcp.headerLength", headerLength);
            put("tcp.reserved", Tcp.reserved(tcp));
            put("tcp.flags", hex(Tcp.flags(tcp)));
            put("tcp.window", Tcp.window(tcp));
            put("tcp.checksum", hex(WireForm.short16(Tcp.checksum(tcp))));
            put("tcp.urgent", Tcp.urgent(tcp));
            bytes("tcp.options", offset + Tcp.SIZE, offset + headerLength);
            bytes("payload", offset + headerLength, end);
        }

        private void put(String name, Object value) {
            fields.put(name, value.toString());
        }

        private void bytes(String name, int from, int to) {
            if (to > from) {
                put(name, HexFormat.of().formatHex(PacketMemory.bytes(frame + from, to - from)));
            }
        }

        private void rest(String name, int from) {
            bytes(name, from, length);
        }

        private static String hex(int value) {
            return "0x" + Integer.toHexString(value);
        }
    }
}
