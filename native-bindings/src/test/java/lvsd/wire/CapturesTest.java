package lvsd.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Real traffic, captured on both sides of a kernel director with offloads off: every length and checksum is right. */
class CapturesTest {
    private final PacketMemory memory = new PacketMemory();

    @AfterEach
    void unmap() {
        memory.close();
    }

    static List<String> captures() {
        return Corpus.CAPTURES;
    }

    @ParameterizedTest
    @MethodSource("captures")
    void shouldFindEverythingRightInRealTraffic(String capture) {
        List<byte[]> frames = Corpus.capture(capture);
        assertThat(frames).isNotEmpty();
        for (byte[] frame : frames) {
            ParsedFrame parsed = ParsedFrame.at(memory.putAtEnd(frame), frame.length);
            String line = Packets.print(frame);
            assertThat(parsed.l3Length).as(line).isPositive();
            assertThat(line).doesNotContain("malformed", "too many", "bad ip");
            if (!parsed.ipv6) {
                assertThat(Ipv4.verifyChecksum(parsed.l3, parsed.l3Length))
                        .as(line)
                        .isTrue();
                assertThat(Ipv4.computeChecksum(parsed.l3, parsed.l3Length)).isEqualTo(Ipv4.checksum(parsed.l3));
            }
            if (parsed.hasInternetChecksum()) {
                assertThat(parsed.verifies()).as(line).isTrue();
                assertThat(parsed.computedChecksum()).as(line).isEqualTo(parsed.storedChecksum());
            }
            Packets.assertChecksums(frame);
        }
    }

    @Test
    void shouldReadOptionsOfARealHandshake() {
        byte[] syn = Corpus.capture("dr-tcp-client.pcap").getFirst();
        ParsedFrame parsed = ParsedFrame.of(memory, syn);
        int size = Tcp.check(parsed.l4, parsed.l4Length);
        assertThat(size).isEqualTo(40);
        assertThat(TcpOptions.mss(parsed.l4, size)).isEqualTo(1460);
        assertThat(TcpOptions.sackPermitted(parsed.l4, size)).isTrue();
        assertThat(TcpOptions.windowScale(parsed.l4, size)).isEqualTo(7);
        int timestamps = TcpOptions.timestamps(parsed.l4, size);
        assertThat(Integer.toUnsignedLong(TcpOptions.tsval(parsed.l4, size, timestamps)))
                .isEqualTo(2534855334L);
        byte[] data = Corpus.capture("dr-tcp-client.pcap").get(2);
        parsed = ParsedFrame.of(memory, data);
        assertThat(TcpOptions.timestamps(parsed.l4, 32)).isEqualTo(22);
    }
}
