package lvsd.wire;

import static lvsd.wire.EthernetTest.assertExactly;
import static lvsd.wire.PacketBuilder.eth;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class UdpTest {
    private static final PacketBuilder DATAGRAM =
            eth().ipv4("10.0.0.1", "10.0.0.2").udp(0xbfff, 53).payload(4);

    private final PacketMemory memory = new PacketMemory();

    @AfterEach
    void unmap() {
        memory.close();
    }

    @Test
    void shouldDeconstruct() {
        ParsedFrame parsed = ParsedFrame.of(memory, DATAGRAM.build());
        long udp = parsed.l4;
        assertThat(Udp.check(udp, parsed.l4Length)).isEqualTo(12);
        assertThat(WireForm.short16(Udp.sourcePort(udp))).isEqualTo(0xbfff);
        assertThat(WireForm.short16(Udp.destinationPort(udp))).isEqualTo(53);
        assertThat(Udp.ports(udp)).isEqualTo(Tcp.portPair(Udp.sourcePort(udp), Udp.destinationPort(udp)));
        assertThat(Udp.length(udp)).isEqualTo(12);
        assertThat(Udp.checksum(udp)).isEqualTo(parsed.computedChecksum());
    }

    @Test
    void shouldConstruct() {
        byte[] ip = DATAGRAM.copy().payload(0).lieChecksum(0x1234).buildIp();
        long udp = memory.blank(8);
        Udp.setPorts(udp, Tcp.portPair(WireForm.short16(1), WireForm.short16(2)));
        Udp.setSourcePort(udp, WireForm.short16(0xbfff));
        Udp.setDestinationPort(udp, WireForm.short16(53));
        Udp.setLength(udp, 8);
        Udp.setChecksum(udp, WireForm.short16(0x1234));
        assertExactly(udp, Arrays.copyOfRange(ip, 20, 28));
    }

    @Test
    void shouldRefuseImpossibleLengths() {
        long udp = ParsedFrame.of(memory, DATAGRAM.build()).l4;
        for (int available = 0; available < 12; available++) {
            assertThat(Udp.check(udp, available)).isEqualTo(Check.TRUNCATED);
        }
        assertThat(Udp.check(udp, 20)).isEqualTo(12);
        for (int length = 0; length < 8; length++) {
            assertThat(Udp.check(put(DATAGRAM.copy().lieUdpLength(length)), 12)).isEqualTo(Check.MALFORMED);
        }
        assertThat(Udp.check(put(DATAGRAM.copy().lieUdpLength(13)), 12)).isEqualTo(Check.TRUNCATED);
        assertThat(Udp.check(put(DATAGRAM.copy().lieUdpLength(65535)), 12)).isEqualTo(Check.TRUNCATED);
    }

    @Test
    void shouldTranslateByOneDeltaAndKeepMissingChecksumsMissing() {
        SeededTest.run(2_000, random -> {
            boolean none = random.nextInt(4) == 0;
            PacketBuilder datagram = DATAGRAM.copy().payload(random.nextInt(20));
            byte[] frame = (none ? datagram.lieChecksum(0) : datagram).build();
            ParsedFrame parsed = ParsedFrame.of(memory, frame);
            int ports = random.nextInt();
            int delta = Checksum.deltaInt(Udp.ports(parsed.l4), ports);
            Udp.setPorts(parsed.l4, ports);
            Udp.applyDelta(parsed.l4, delta);
            assertThat(Udp.checksum(parsed.l4)).isEqualTo(none ? 0 : parsed.computedChecksum());
        });
    }

    private long put(PacketBuilder datagram) {
        byte[] ip = datagram.buildIp();
        return memory.putAtEnd(Arrays.copyOfRange(ip, 20, ip.length));
    }
}
