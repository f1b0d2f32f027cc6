package lvsd.wire;

import static lvsd.wire.PacketBuilder.eth;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FixturesTest {
    private static final PacketBuilder SYN =
            eth().vlan(5).ipv4("10.0.0.1", "10.0.0.2").tcp(1234, 80).flags("S").seq(7);

    @Test
    void shouldBuildTheBytesThatTheStandardsDescribe() {
        // RFC 1071's arithmetic done by hand for this header: 4500 + 0021 + 0000 + 4000 + 4011 + ... complements to
        // e6c7.
        byte[] frame =
                eth().ipv4("10.0.0.1", "10.0.0.2").df().udp(1, 2).payload(5).build();
        assertThat(HexFormat.of().formatHex(frame, 14, 34)).isEqualTo("4500002100004000401126ca0a0000010a000002");
        assertThat(HexFormat.of().formatHex(frame, 34, 40)).isEqualTo("00010002000d");
        Packets.assertChecksums(frame);
    }

    @Test
    void shouldShowWhichFieldsOfTwoFramesDiffer() {
        byte[] expected = SYN.copy().build();
        byte[] actual = SYN.copy().ttl(63).flags("S.").build();
        assertThatThrownBy(() -> Packets.assertSame(actual, expected))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("ip.ttl: expected 64, actual 63")
                .hasMessageContaining("tcp.flags: expected 0x2, actual 0x12")
                .hasMessageContaining("10.0.0.1.1234 > 10.0.0.2.80: Flags [S.], seq 7, ack 0");
        Packets.assertSame(actual, expected, "ip.ttl", "ip.checksum", "tcp.flags", "tcp.checksum");
        Packets.assertSame(expected, expected);
    }

    @Test
    void shouldFindWrongChecksums() {
        assertThat(Packets.checksumProblems(SYN.copy().lieIpChecksum(1).build()))
                .containsExactly("ip checksum");
        assertThat(Packets.checksumProblems(SYN.copy().lieChecksum(1).build()))
                .containsExactly("checksum of protocol 6");
        for (byte[] frame : Corpus.madeUp()) {
            Packets.assertChecksums(frame);
        }
    }

    @Test
    void shouldReadBackTheCapturesItWrites(@TempDir Path directory) {
        Path file = directory.resolve("two.pcap");
        Pcap.write(
                file,
                List.of(new Pcap.Frame(1_700_000_000_123_456_789L, SYN.build()), new Pcap.Frame(0, new byte[3], 99)));
        List<Pcap.Frame> frames = Pcap.read(file);
        assertThat(frames).hasSize(2);
        assertThat(frames.get(0).nanos).isEqualTo(1_700_000_000_123_456_789L);
        assertThat(frames.get(0).bytes).isEqualTo(SYN.build());
        assertThat(frames.get(1).originalLength).isEqualTo(99);
    }

    @Test
    void shouldNameTheSeedOfAFailingCaseAndReplayIt() {
        long bad = SeededTest.base() + 3;
        long badDraw = SeededTest.random(bad).nextLong();
        assertThatThrownBy(() -> SeededTest.run(
                        10, random -> assertThat(random.nextLong()).isNotEqualTo(badDraw)))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("-Dseed=" + bad);
    }

    @Test
    void shouldMutateTheSameWayForTheSameSeed() {
        List<byte[]> corpus = Corpus.frames();
        FrameMutator one = new FrameMutator(corpus);
        FrameMutator two = new FrameMutator(corpus);
        RandomGenerator drawsOne = SeededTest.random(1);
        RandomGenerator drawsTwo = SeededTest.random(1);
        for (int i = 0; i < 20_000; i++) {
            assertThat(one.next(drawsOne)).isEqualTo(two.next(drawsTwo));
        }
    }

    @Test
    void shouldKeepMemoryAroundAFrameRecognisable() {
        try (PacketMemory memory = new PacketMemory()) {
            long address = memory.put(new byte[10]);
            assertThat(PacketMemory.bytes(address - 2, 14))
                    .startsWith(0xa5, 0xa5, 0x00)
                    .endsWith(0x00, 0xa5, 0xa5);
            assertThat(PacketMemory.bytes(memory.putAtEnd(new byte[] {1, 2}), 2))
                    .containsExactly(1, 2);
            assertThat(PacketMemory.bytes(memory.putAtStart(new byte[] {3, 4}), 2))
                    .containsExactly(3, 4);
        }
    }
}
