package lvsd.wire;

import static lvsd.wire.EthernetTest.assertExactly;
import static lvsd.wire.PacketBuilder.eth;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SctpTest {
    private static final PacketBuilder PACKET = eth().ipv4("10.0.0.1", "10.0.0.2")
            .sctp(4000, 80, 0x89abcdef)
            .chunk(Sctp.COOKIE_ECHO, 0, new byte[5])
            .chunk(Sctp.DATA, 3, new byte[17]);

    private final PacketMemory memory = new PacketMemory();

    @AfterEach
    void unmap() {
        memory.close();
    }

    @Test
    void shouldDeconstruct() {
        ParsedFrame parsed = ParsedFrame.of(memory, PACKET.build());
        long sctp = parsed.l4;
        assertThat(WireForm.short16(Sctp.sourcePort(sctp))).isEqualTo(4000);
        assertThat(WireForm.short16(Sctp.destinationPort(sctp))).isEqualTo(80);
        assertThat(Sctp.ports(sctp)).isEqualTo(Tcp.portPair(Sctp.sourcePort(sctp), Sctp.destinationPort(sctp)));
        assertThat(Sctp.tag(sctp)).isEqualTo(0x89abcdef);
        assertThat(Sctp.verifyChecksum(sctp, parsed.l4Length)).isTrue();
        int first = Sctp.firstChunk(sctp, parsed.l4Length);
        assertThat(Sctp.chunkType(sctp, first)).isEqualTo(Sctp.COOKIE_ECHO);
        assertThat(Sctp.chunkLength(sctp, first)).isEqualTo(9);
        int second = Sctp.nextChunk(sctp, parsed.l4Length, first);
        assertThat(second).isEqualTo(first + 12);
        assertThat(Sctp.chunkType(sctp, second)).isEqualTo(Sctp.DATA);
        assertThat(Sctp.chunkFlags(sctp, second)).isEqualTo(3);
        assertThat(Sctp.nextChunk(sctp, parsed.l4Length, second)).isEqualTo(-1);
    }

    @Test
    void shouldConstruct() {
        byte[] ip =
                eth().ipv4("10.0.0.1", "10.0.0.2").sctp(4000, 80, 0x89abcdef).buildIp();
        long sctp = memory.blank(12);
        Sctp.setPorts(sctp, Tcp.portPair(WireForm.short16(4000), WireForm.short16(80)));
        Sctp.setTag(sctp, 0x89abcdef);
        Sctp.updateChecksum(sctp, 12);
        assertExactly(sctp, Arrays.copyOfRange(ip, 20, 32));
    }

    @Test
    void shouldRefuseImpossibleLengths() {
        assertThat(Sctp.check(11)).isEqualTo(Check.TRUNCATED);
        assertThat(Sctp.check(12)).isEqualTo(12);
        for (int length = 0; length < 4; length++) {
            assertThat(chunksWhenFirstSays(length)).isEmpty();
        }
        assertThat(chunksWhenFirstSays(12 + 24)).containsExactly(12);
        assertThat(chunksWhenFirstSays(12 + 25)).isEmpty();
        assertThat(chunksWhenFirstSays(65535)).isEmpty();
    }

    private List<Integer> chunksWhenFirstSays(int length) {
        byte[] ip = PACKET.buildIp();
        byte[] packet = Arrays.copyOfRange(ip, 20, ip.length);
        packet[14] = (byte) (length >>> 8);
        packet[15] = (byte) length;
        long sctp = memory.putAtEnd(packet);
        List<Integer> offsets = new ArrayList<>();
        for (int at = Sctp.firstChunk(sctp, packet.length); at >= 0; at = Sctp.nextChunk(sctp, packet.length, at)) {
            offsets.add(at);
        }
        return offsets;
    }

    @Test
    void shouldComputeCrc32cAsPublished() {
        byte[] digits = "123456789".getBytes(StandardCharsets.US_ASCII);
        assertThat(~Sctp.crc32c(~0, memory.put(digits), 9)).isEqualTo(0xe3069283);
        // RFC 3720, appendix B.4: 32 bytes of zeroes, of ones, and counting up.
        assertThat(~Sctp.crc32c(~0, memory.put(new byte[32]), 32)).isEqualTo(0x8a9136aa);
        byte[] ones = new byte[32];
        Arrays.fill(ones, (byte) 0xff);
        assertThat(~Sctp.crc32c(~0, memory.put(ones), 32)).isEqualTo(0x62a8ab43);
    }

    @Test
    void shouldComputeCrc32cOfAnyLengthAsThePlainOneDoes() {
        SeededTest.run(1_000, random -> {
            byte[] bytes = new byte[random.nextInt(100)];
            random.nextBytes(bytes);
            assertThat(~Sctp.crc32c(~0, memory.putAtEnd(bytes), bytes.length))
                    .isEqualTo(PlainChecksum.crc32c(bytes, 0, bytes.length));
        });
    }

    @Test
    void shouldRenewTheChecksumAfterTranslatingPorts() {
        byte[] expected = PACKET.copy().sctp(9, 10, 0x89abcdef).build();
        ParsedFrame parsed = ParsedFrame.of(memory, PACKET.build());
        Sctp.setPorts(parsed.l4, Tcp.portPair(WireForm.short16(9), WireForm.short16(10)));
        assertThat(Sctp.verifyChecksum(parsed.l4, parsed.l4Length)).isFalse();
        Sctp.updateChecksum(parsed.l4, parsed.l4Length);
        Packets.assertSame(PacketMemory.bytes(parsed.frame, expected.length), expected);
    }
}
