package lvsd.wire;

import static lvsd.wire.EthernetTest.assertExactly;
import static lvsd.wire.PacketBuilder.eth;
import static lvsd.wire.PacketBuilder.mss;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TcpTest {
    private static final PacketBuilder SEGMENT = eth().ipv4("10.0.0.1", "10.0.0.2")
            .tcp(0xbfff, 80)
            .seq(0x89abcdef)
            .ack(0xfedcba98)
            .flags("FSRP.UEW")
            .window(0x1234)
            .urgent(0x8001);

    private final PacketMemory memory = new PacketMemory();

    @AfterEach
    void unmap() {
        memory.close();
    }

    @Test
    void shouldDeconstruct() {
        long tcp = put(SEGMENT.copy().options(mss(1460)));
        assertThat(Tcp.check(tcp, 24)).isEqualTo(24);
        assertThat(WireForm.short16(Tcp.sourcePort(tcp))).isEqualTo(0xbfff);
        assertThat(WireForm.short16(Tcp.destinationPort(tcp))).isEqualTo(80);
        assertThat(Tcp.ports(tcp)).isEqualTo(Tcp.portPair(Tcp.sourcePort(tcp), Tcp.destinationPort(tcp)));
        assertThat(Tcp.pairSource(Tcp.ports(tcp))).isEqualTo(Tcp.sourcePort(tcp));
        assertThat(Tcp.pairDestination(Tcp.ports(tcp))).isEqualTo(Tcp.destinationPort(tcp));
        assertThat(Tcp.seq(tcp)).isEqualTo(0x89abcdef);
        assertThat(Tcp.ack(tcp)).isEqualTo(0xfedcba98);
        assertThat(Tcp.headerLength(tcp)).isEqualTo(24);
        assertThat(Tcp.flags(tcp)).isEqualTo(0xff);
        assertThat(Tcp.window(tcp)).isEqualTo(0x1234);
        assertThat(Tcp.urgent(tcp)).isEqualTo(0x8001);
        assertThat(Tcp.reserved(tcp)).isZero();
    }

    @Test
    void shouldNameFlagsAsTheStandardDoes() {
        assertThat(flags("F")).isEqualTo(Tcp.FIN);
        assertThat(flags("S")).isEqualTo(Tcp.SYN);
        assertThat(flags("R")).isEqualTo(Tcp.RST);
        assertThat(flags("P")).isEqualTo(Tcp.PSH);
        assertThat(flags(".")).isEqualTo(Tcp.ACK_FLAG);
        assertThat(flags("U")).isEqualTo(Tcp.URG);
        assertThat(flags("E")).isEqualTo(Tcp.ECE);
        assertThat(flags("W")).isEqualTo(Tcp.CWR);
    }

    private int flags(String letters) {
        return Tcp.flags(put(SEGMENT.copy().flags(letters)));
    }

    @Test
    void shouldConstruct() {
        byte[] ip = SEGMENT.buildIp();
        byte[] expected = Arrays.copyOfRange(ip, 20, 40);
        long tcp = memory.blank(20);
        int checksum = ParsedFrame.of(memory, SEGMENT.build()).storedChecksum();
        memory.blank(20);
        Tcp.setPorts(tcp, Tcp.portPair(WireForm.short16(0xbfff), WireForm.short16(80)));
        Tcp.setSeq(tcp, 0x89abcdef);
        Tcp.setAck(tcp, 0xfedcba98);
        Tcp.setReserved(tcp, 0);
        Tcp.setHeaderLength(tcp, 20);
        Tcp.setFlags(tcp, 0xff);
        Tcp.setWindow(tcp, 0x1234);
        Tcp.setChecksum(tcp, checksum);
        Tcp.setUrgent(tcp, 0x8001);
        assertExactly(tcp, expected);
        Tcp.setPorts(tcp, 0);
        Tcp.setSourcePort(tcp, WireForm.short16(0xbfff));
        Tcp.setDestinationPort(tcp, WireForm.short16(80));
        assertExactly(tcp, expected);
        Tcp.setReserved(tcp, 0xf);
        assertThat(Tcp.reserved(tcp)).isEqualTo(0xf);
        assertThat(Tcp.headerLength(tcp)).isEqualTo(20);
        Tcp.setHeaderLength(tcp, 60);
        assertThat(Tcp.reserved(tcp)).isEqualTo(0xf);
        assertThat(Tcp.headerLength(tcp)).isEqualTo(60);
    }

    @Test
    void shouldRefuseImpossibleLengths() {
        long tcp = put(SEGMENT.copy().options(mss(1460)));
        for (int available = 0; available < 24; available++) {
            assertThat(Tcp.check(tcp, available)).isEqualTo(Check.TRUNCATED);
        }
        for (int dataOffset = 0; dataOffset < 20; dataOffset += 4) {
            assertThat(Tcp.check(put(SEGMENT.copy().lieDataOffset(dataOffset)), 20))
                    .isEqualTo(Check.MALFORMED);
        }
        assertThat(Tcp.check(put(SEGMENT.copy().lieDataOffset(60)), 20)).isEqualTo(Check.TRUNCATED);
        assertThat(Tcp.check(put(SEGMENT.copy().options(new byte[40])), 60)).isEqualTo(60);
    }

    @Test
    void shouldShiftSequenceNumbersAndKeepTheChecksumRight() {
        SeededTest.run(1_000, random -> {
            int seqDelta = random.nextInt();
            int ackDelta = random.nextInt(3) - 1;
            int seq = random.nextInt(4) == 0 ? -1 : random.nextInt();
            PacketBuilder segment = SEGMENT.copy().seq(seq).payload(random.nextInt(9));
            ParsedFrame parsed = ParsedFrame.of(memory, segment.build());
            Tcp.addToSeq(parsed.l4, seqDelta);
            Tcp.addToAck(parsed.l4, ackDelta);
            byte[] expected =
                    segment.seq(seq + seqDelta).ack(0xfedcba98 + ackDelta).build();
            Packets.assertSame(PacketMemory.bytes(parsed.frame, expected.length), expected);
        });
    }

    @Test
    void shouldTranslateAddressesAndPortsByOneDelta() {
        SeededTest.run(2_000, random -> {
            byte[] frame = SEGMENT.copy()
                    .seq(random.nextInt())
                    .payload(random.nextInt(99))
                    .build();
            ParsedFrame parsed = ParsedFrame.of(memory, frame);
            long addresses = random.nextLong();
            int ports = random.nextInt();
            int delta = Checksum.add(
                    Checksum.deltaLong(Ipv4.addresses(parsed.l3), addresses),
                    Checksum.deltaInt(Tcp.ports(parsed.l4), ports));
            Ipv4.setAddresses(parsed.l3, addresses);
            Tcp.setPorts(parsed.l4, ports);
            Tcp.applyDelta(parsed.l4, delta);
            assertThat(parsed.storedChecksum()).isEqualTo(parsed.computedChecksum());
        });
    }

    @Test
    void shouldCompareSequenceNumbersAcrossTheWrap() {
        assertThat(Seq.before(-5, 5)).isTrue();
        assertThat(Seq.after(5, -5)).isTrue();
        assertThat(Seq.before(0x7fffffff, 0x80000000)).isTrue();
        assertThat(Seq.before(7, 7)).isFalse();
        assertThat(Seq.beforeOrSame(7, 7)).isTrue();
        assertThat(Seq.afterOrSame(7, 7)).isTrue();
        assertThat(Seq.after(7, 7)).isFalse();
        assertThat(Seq.between(2, -3, 5)).isTrue();
        assertThat(Seq.between(-3, -3, 5)).isTrue();
        assertThat(Seq.between(5, -3, 5)).isTrue();
        assertThat(Seq.between(6, -3, 5)).isFalse();
        assertThat(Seq.between(-4, -3, 5)).isFalse();
        assertThat(Seq.inWindow(-1, -1, 1)).isTrue();
        assertThat(Seq.inWindow(0, -1, 1)).isFalse();
        assertThat(Seq.inWindow(0, 0, 0)).isFalse();
    }

    private long put(PacketBuilder segment) {
        byte[] ip = segment.buildIp();
        return memory.putAtEnd(Arrays.copyOfRange(ip, 20, ip.length));
    }
}
