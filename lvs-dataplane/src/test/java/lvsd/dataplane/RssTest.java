package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import lvsd.dataplane.connection.RssSpread;
import lvsd.dataplane.service.Wire;
import lvsd.wire.Ipv4;
import lvsd.wire.SeededTest;
import lvsd.wire.Tcp;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Workers behind NICs that spread packets by the Toeplitz hash; the test does what the NIC would. */
class RssTest {
    private static final int WORKERS = 3;
    private static final int FLOWS = 100;

    private RssSpread spread = new RssSpread(new byte[52], 128, WORKERS);
    private TestDirector director = new TestDirector();

    @BeforeEach
    void spread() {
        director.close();
        SeededTest.run(1, this::start);
    }

    private void start(RandomGenerator random) {
        byte[] key = new byte[52];
        random.nextBytes(key);
        spread = new RssSpread(key, 128, WORKERS);
        director = new TestDirector(TestDirector.config(WORKERS, Map.of(), 1024), spread);
    }

    @AfterEach
    void nothingLeaks() {
        assertThat(director.outstanding()).isZero();
        director.close();
    }

    private int arrival(String from, int fromPort, String to, int toPort) {
        InetAddress source = TestDirector.ip(from);
        InetAddress destination = TestDirector.ip(to);
        byte[] a = source.getAddress();
        byte[] b = destination.getAddress();
        int ports = Tcp.portPair(Wire.port(fromPort), Wire.port(toPort));
        return a.length == 4
                ? spread.worker4(Ipv4.pair(Wire.int4(a), Wire.int4(b)), ports)
                : spread.worker6(Wire.long8(a, 0), Wire.long8(a, 8), Wire.long8(b, 0), Wire.long8(b, 8), ports);
    }

    private long handed() {
        return director.dataplane.workerList().stream()
                .mapToLong(worker -> worker.statistic(Worker.HANDOFFS_OUT))
                .sum();
    }

    private void tcp(Way way, int port) {
        Flow flow = new Flow(director, way, true, port);
        flow.clientQueue = arrival(way.client(), port, way.vip(), Flow.VIRTUAL_PORT);
        flow.open(100);
        flow.serverQueue = arrival(way.server(), Flow.SERVER_PORT, way.peer(), flow.peerPort);
        flow.down("S.", 500, 101, 0);
        flow.up(".", 101, 501, 0);
        flow.up("P.", 101, 501, 20);
        flow.down("P.", 501, 121, 30);
        assertThat(director.drops()).isEmpty();
    }

    private void udp(Way way, int port) {
        Flow flow = new Flow(director, way, false, port);
        flow.clientQueue = arrival(way.client(), port, way.vip(), Flow.VIRTUAL_PORT);
        flow.upDatagram(20);
        flow.serverQueue = arrival(way.server(), Flow.SERVER_PORT, way.peer(), flow.peerPort);
        flow.downDatagram(30);
        flow.upDatagram(20);
        assertThat(director.drops()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(names = {"FULLNAT4", "FULLNAT6"})
    void shouldHandNoFullnatPacketOver(Way way) {
        Flow.service(director, way, true);
        Flow.service(director, way, false);
        IntStream.range(1000, 1000 + FLOWS).forEach(port -> tcp(way, port));
        IntStream.range(1000, 1000 + FLOWS).forEach(port -> udp(way, port));
        assertThat(handed()).isZero();
        assertThat(director.dataplane.workers())
                .extracting(DataplaneControl.WorkerView::connections)
                .allSatisfy(count -> assertThat(count).isGreaterThan(FLOWS / 3));
    }

    @ParameterizedTest
    @EnumSource(names = {"NAT4", "NAT6"})
    void shouldBringNatPacketsTogetherByHandingThemOver(Way way) {
        Flow.service(director, way, true);
        Flow.service(director, way, false);
        IntStream.range(1000, 1000 + FLOWS).forEach(port -> tcp(way, port));
        IntStream.range(1000, 1000 + FLOWS).forEach(port -> udp(way, port));
        assertThat(handed()).isPositive();
        assertThat(director.connections()).hasSize(2 * FLOWS);
    }

    @ParameterizedTest
    @EnumSource
    void shouldWorkThoughTheNicSpreadsAsItLikes(Way way) {
        Flow.service(director, way, true);
        for (int port = 1000; port < 1000 + FLOWS; port++) {
            Flow flow = new Flow(director, way, true, port);
            flow.clientQueue = port % WORKERS;
            flow.serverQueue = port / WORKERS % WORKERS;
            flow.establish(1, 2);
        }
        assertThat(director.connections()).hasSize(FLOWS);
        assertThat(director.drops()).isEmpty();
    }
}
