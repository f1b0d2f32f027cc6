package lvsd.wire;

import static lvsd.wire.EthernetTest.assertExactly;
import static lvsd.wire.PacketBuilder.CLIENT_MAC;
import static lvsd.wire.PacketBuilder.eth;
import static lvsd.wire.PacketBuilder.ip6High;
import static lvsd.wire.PacketBuilder.ip6Low;
import static lvsd.wire.PacketBuilder.mac;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import lvsd.memory.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class IcmpTest {
    private static final PacketBuilder V4 = eth().ipv4("10.0.0.1", "10.0.0.2");
    private static final PacketBuilder V6 = eth().ipv6("fe80::1", "ff02::1:ff00:2");
    private static final String TARGET = "2001:db8::2";

    private final PacketMemory memory = new PacketMemory();

    @AfterEach
    void unmap() {
        memory.close();
    }

    @Test
    void shouldDeconstructErrors() {
        ParsedFrame parsed = ParsedFrame.of(
                memory, V4.copy().icmp(3, 4).rest(1400).quote(new byte[28]).build());
        assertThat(Icmp.type(parsed.l4)).isEqualTo(Icmp.UNREACHABLE);
        assertThat(Icmp.code(parsed.l4)).isEqualTo(Icmp.CODE_FRAGMENTATION_NEEDED);
        assertThat(Icmp.mtu(parsed.l4)).isEqualTo(1400);
        assertThat(Icmp.isError(Icmp.type(parsed.l4))).isTrue();
        assertThat(Icmp.isError(Icmp.ECHO_REQUEST)).isFalse();
        assertThat(Icmp.verifyChecksum(parsed.l4, parsed.l4Length)).isTrue();
        assertThat(Icmp.checksum(parsed.l4)).isEqualTo(parsed.computedChecksum());
        assertThat(Icmp.check(7)).isEqualTo(Check.TRUNCATED);
        assertThat(Icmp.check(8)).isEqualTo(Icmp.SIZE);
    }

    @Test
    void shouldConstruct() {
        byte[] error = V4.copy().icmp(11, 0).rest(0x01020304).buildIp();
        long icmp = memory.blank(8);
        Icmp.setTypeAndCode(icmp, Icmp.TIME_EXCEEDED, Icmp.CODE_TTL);
        Icmp.setRest(icmp, 0x01020304);
        Icmp.updateChecksum(icmp, 8);
        assertExactly(icmp, Arrays.copyOfRange(error, 20, 28));
        byte[] echo = V4.copy().echoRequest(5, 6).buildIp();
        Icmp.setTypeAndCode(icmp, Icmp.ECHO_REQUEST, 0);
        Icmp.setEcho(icmp, WireForm.short16(5), WireForm.short16(6));
        Icmp.updateChecksum(icmp, 8);
        assertExactly(icmp, Arrays.copyOfRange(echo, 20, 28));
        assertThat(WireForm.short16(Icmp.id(icmp))).isEqualTo(5);
        assertThat(WireForm.short16(Icmp.sequence(icmp))).isEqualTo(6);
    }

    @Test
    void shouldAnswerEchoes() {
        SeededTest.run(300, random -> {
            int id = random.nextInt(0x10000);
            int length = random.nextInt(80);
            byte[] expected = V4.copy().echoReply(id, 1).payload(length).build();
            ParsedFrame four = ParsedFrame.of(
                    memory, V4.copy().echoRequest(id, 1).payload(length).build());
            Icmp.makeEchoReply(four.l4);
            Packets.assertSame(PacketMemory.bytes(four.frame, expected.length), expected);
            byte[] expected6 = V6.copy().echoReply(id, 1).payload(length).build();
            ParsedFrame six = ParsedFrame.of(
                    memory, V6.copy().echoRequest(id, 1).payload(length).build());
            Icmpv6.makeEchoReply(six.l4);
            Packets.assertSame(PacketMemory.bytes(six.frame, expected6.length), expected6);
        });
    }

    @Test
    void shouldDeconstructNeighbourSolicitations() {
        ParsedFrame parsed = ParsedFrame.of(
                memory, V6.copy().neighbourSolicitation(TARGET, CLIENT_MAC).build());
        int options = Icmpv6.checkNeighbourDiscovery(parsed.l4, parsed.l4Length);
        assertThat(options).isEqualTo(Icmpv6.NEIGHBOUR_SIZE);
        assertThat(Icmpv6.type(parsed.l4)).isEqualTo(Icmpv6.NEIGHBOUR_SOLICITATION);
        assertThat(Icmpv6.isNeighbourDiscovery(Icmpv6.type(parsed.l4))).isTrue();
        assertThat(Icmpv6.targetHigh(parsed.l4)).isEqualTo(ip6High(TARGET));
        assertThat(Icmpv6.targetLow(parsed.l4)).isEqualTo(ip6Low(TARGET));
        assertThat(Icmpv6.linkLayerAddress(parsed.l4, parsed.l4Length, options, Icmpv6.OPTION_SOURCE))
                .isEqualTo(mac(CLIENT_MAC));
        assertThat(Icmpv6.linkLayerAddress(parsed.l4, parsed.l4Length, options, Icmpv6.OPTION_TARGET))
                .isEqualTo(-1);
        assertThat(Icmpv6.verifyChecksum(parsed.l3, parsed.l4, parsed.l4Length)).isTrue();
        assertThat(Ipv6.hopLimit(parsed.l3)).isEqualTo(Icmpv6.ND_HOP_LIMIT);
    }

    @Test
    void shouldConstructNeighbourAdvertisements() {
        int flags = Icmpv6.FLAG_ROUTER | Icmpv6.FLAG_SOLICITED | Icmpv6.FLAG_OVERRIDE;
        byte[] expected = V6.copy()
                .neighbourAdvertisement(TARGET, CLIENT_MAC)
                .rest(0xe0000000)
                .build();
        long ip = ParsedFrame.of(memory, expected).l3;
        long icmp = ip + Ipv6.SIZE;
        Memory.fill(icmp, 32, PacketMemory.FILL);
        Icmpv6.setTypeAndCode(icmp, Icmpv6.NEIGHBOUR_ADVERTISEMENT, 0);
        Icmpv6.setRest(icmp, flags);
        Icmpv6.setTarget(icmp, ip6High(TARGET), ip6Low(TARGET));
        Icmpv6.setOption(icmp + Icmpv6.NEIGHBOUR_SIZE, Icmpv6.OPTION_TARGET, mac(CLIENT_MAC));
        Icmpv6.updateChecksum(ip, icmp, 32);
        Packets.assertSame(PacketMemory.bytes(ip - 14, expected.length), expected);
    }

    @Test
    void shouldRefuseImpossibleNeighbourMessages() {
        byte[] ip = V6.copy().neighbourSolicitation(TARGET, CLIENT_MAC).buildIp();
        byte[] message = Arrays.copyOfRange(ip, 40, ip.length);
        for (int length = 0; length < 32; length++) {
            long icmp = memory.putAtEnd(Arrays.copyOf(message, length));
            int expected = length == 24 ? 24 : Check.TRUNCATED;
            assertThat(Icmpv6.checkNeighbourDiscovery(icmp, length)).isEqualTo(expected);
        }
        assertMalformed(message, 25, 0, Check.MALFORMED);
        assertMalformed(message, 25, 2, Check.TRUNCATED);
        assertMalformed(message, 1, 1, Check.MALFORMED);
        assertMalformed(message, 0, 138, Check.MALFORMED);
        byte[] many = Arrays.copyOf(message, 24 + 17 * 8);
        for (int at = 24; at < many.length; at += 8) {
            many[at + 1] = 1;
        }
        assertThat(Icmpv6.checkNeighbourDiscovery(memory.putAtEnd(many), many.length))
                .isEqualTo(Check.TOO_MANY);
    }

    private void assertMalformed(byte[] message, int at, int value, int expected) {
        byte[] changed = message.clone();
        changed[at] = (byte) value;
        assertThat(Icmpv6.checkNeighbourDiscovery(memory.putAtEnd(changed), changed.length))
                .isEqualTo(expected);
    }

    @Test
    void shouldPassOptionsOfOtherKindsAndSizes() {
        byte[] ip = V6.copy().neighbourSolicitation(TARGET, CLIENT_MAC).buildIp();
        byte[] message = Arrays.copyOfRange(ip, 40, ip.length);
        byte[] longer = new byte[24 + 16 + 8];
        System.arraycopy(message, 0, longer, 0, 24);
        longer[24] = 1;
        longer[25] = 2; // a source option of 16 bytes: not Ethernet
        System.arraycopy(message, 24, longer, 40, 8);
        long icmp = memory.putAtEnd(longer);
        assertThat(Icmpv6.checkNeighbourDiscovery(icmp, longer.length)).isEqualTo(24);
        assertThat(Icmpv6.linkLayerAddress(icmp, longer.length, 24, Icmpv6.OPTION_SOURCE))
                .isEqualTo(mac(CLIENT_MAC));
    }
}
