package lvsd.daemon.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import lvsd.daemon.bench.Scenario.Case;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The input of the benchmark. */
final class ScenarioTest {
    private static final int FILE_HEADER = 24;
    private static final int RECORD = 16 + Scenario.FRAME;

    @TempDir
    private Path directory = Path.of("");

    private static int sum(byte[] frame, int from, int length) {
        int sum = 0;
        for (int i = from; i < from + length; i += 2) {
            sum += (frame[i] & 0xff) << 8 | (frame[i + 1] & 0xff);
        }
        return (sum & 0xffff) + (sum >>> 16);
    }

    @Test
    void shouldKeepTheHeaderChecksumWhateverTheClient() {
        Set<Integer> sums = new HashSet<>();
        for (int pair = 0; pair < Scenario.PAIRS; pair++) {
            sums.add(sum(Scenario.client(pair), 0, 4));
        }
        assertThat(sums).hasSize(1);
    }

    @Test
    void shouldMakeFramesWithRightHeaderChecksums() {
        Random random = new Random(1);
        for (Case what : Case.values()) {
            assertThat(sum(Scenario.fromClient(what, 77, random), 14, 20)).isEqualTo(0xffff);
            assertThat(sum(Scenario.fromServer(what, 77, random), 14, 20)).isEqualTo(0xffff);
        }
    }

    @Test
    void shouldHoldBothDirectionsOfEveryConnectionOfASmallScenario() throws Exception {
        Path file = directory.resolve("small.pcap");
        PcapFile.write(file, Case.FULLNAT_TCP, 1024);
        byte[] bytes = Files.readAllBytes(file);
        Set<ByteBuffer> tuples = new HashSet<>();
        for (int at = FILE_HEADER; at < bytes.length; at += RECORD) {
            tuples.add(ByteBuffer.wrap(bytes, at + 16 + 26, 12).slice());
        }
        assertThat(tuples).hasSize(2048);
        assertThat(PcapFile.needsScatter(Case.FULLNAT_TCP, 1024)).isFalse();
    }

    @Test
    void shouldNotGrowWithTheScenario() throws Exception {
        Path file = directory.resolve("large.pcap");
        PcapFile.write(file, Case.NAT_TCP, Scenario.MAXIMUM);
        assertThat(Files.size(file)).isEqualTo(FILE_HEADER + (long) PcapFile.FRAMES * RECORD);
        assertThat(PcapFile.needsScatter(Case.NAT_TCP, Scenario.MAXIMUM)).isTrue();
    }
}
