package lvsd.dataplane;

import static lvsd.wire.PacketBuilder.mss;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import lvsd.dataplane.connection.TcpStates;
import lvsd.dataplane.service.Service;
import lvsd.rules.Protocol;
import lvsd.rules.SynProxyMode;
import lvsd.synproxy.ProxyCounters.Counter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every step of the SYN proxy is counted, by service and over all workers. */
class SynProxyCountersTest extends ProxyLadder {
    private static final Way WAY = Way.FULLNAT4;

    /** Steps taken, by name. */
    private Map<String, Long> steps() {
        return steps(director.first());
    }

    private Map<String, Long> steps(Service service) {
        Map<String, Long> taken = new TreeMap<>();
        long[] counts = director.dataplane.steps(service.index);
        for (Counter counter : Counter.values()) {
            if (counts[counter.ordinal()] != 0) {
                taken.put(counter.label(), counts[counter.ordinal()]);
            }
        }
        return taken;
    }

    private DataplaneControl.ServerView server() {
        return director.dataplane.server(director.first().destinations[0].index);
    }

    private ProxyFlow flow(int isn) {
        return new ProxyFlow(director, WAY, 40_000, isn);
    }

    @Test
    void shouldCountAHandshake() {
        ProxyFlow.service(director, WAY, false);
        flow(1).establish(5);
        assertThat(steps()).isEqualTo(Map.of("syns", 1L, "cookies-good", 1L, "handshakes", 1L));
    }

    @Test
    void shouldCountWhatWasNoCookieAndWhatWasOne() {
        ProxyFlow.service(director, WAY, false);
        ProxyFlow flow = flow(1);
        flow.syn();
        flow.held(".", 1, 256, 0);
        flow.held(".", 1, 512, 0);
        director.advance(150_000);
        flow.held(".", 1, 1, 0);
        assertThat(steps()).isEqualTo(Map.of("syns", 1L, "cookies-bad", 2L, "cookies-expired", 1L));
    }

    @Test
    void shouldCountBareAcknowledgementsThatAreNotEnough() {
        with("synproxy_defer", "1");
        ProxyFlow.service(director, WAY, false);
        ProxyFlow flow = flow(1);
        flow.syn();
        flow.held(".", 1, 1, 0);
        assertThat(steps()).isEqualTo(Map.of("syns", 1L, "deferred", 1L));
    }

    @Test
    void shouldCountSynsWithoutAServer() {
        director.quiesce(ProxyFlow.service(director, WAY, false));
        director.send(0, flow(1).syn(1));
        assertThat(steps()).isEqualTo(Map.of("no-server", 1L));
    }

    @Test
    void shouldCountSegmentsKeptAndThoseThatWereNot() {
        with("synproxy_ack_skb_store_thresh", "2");
        ProxyFlow.service(director, WAY, false);
        ProxyFlow flow = flow(1);
        flow.syn();
        director.send(0, flow.client("P.", 1, 1).payload(10).build());
        flow.serverSyn();
        flow.held("P.", 11, 1, 10);
        flow.held("P.", 21, 1, 10);
        assertThat(steps()).containsEntry("kept", 2L).containsEntry("queue-overflow", 1L);
    }

    @Test
    void shouldCountRetriesAndServersThatNeverAnswer() {
        with("synproxy_syn_retry", "2");
        ProxyFlow.service(director, WAY, false);
        ProxyFlow flow = flow(1);
        flow.syn();
        flow.ack();
        assertThat(server()).isEqualTo(new DataplaneControl.ServerView(1, 0));
        director.advance(8_000);
        assertThat(steps()).containsEntry("syn-retries", 2L).containsEntry("unanswered", 1L);
        assertThat(server()).isEqualTo(new DataplaneControl.ServerView(0, 1));
        director.drain(0);
        director.drain(1);
    }

    @Test
    void shouldCountRefusalsAndOtherServersTried() {
        with("synproxy_retry_other", "1");
        ProxyFlow.service(director, WAY, false, WAY.server() + ":8080", TestDirector.RS2 + ":8080");
        ProxyFlow flow = flow(1);
        flow.syn();
        flow.ack();
        String first = director.connections().getFirst().server().getHostAddress();
        director.send(
                1,
                WAY.arriving(1, first, WAY.peer())
                        .tcp(Flow.SERVER_PORT, flow.flow.peerPort)
                        .flags("R.")
                        .ack(flow.isn + flow.flow.sequence + 1)
                        .build());
        flow.serverSyn();
        assertThat(steps()).containsEntry("refused", 1L).containsEntry("other-server", 1L);
        director.advance(20_000);
        director.drain(0);
        director.drain(1);
    }

    @Test
    void shouldCountOldConnectionsOfServersAndClientsThatGiveUp() {
        ProxyFlow.service(director, WAY, false);
        ProxyFlow flow = flow(1);
        flow.syn();
        flow.ack();
        director.send(1, flow.server(".", 9, 77).build());
        director.expect(1);
        director.send(0, flow.client("R", 1, 0).build());
        director.expect(1);
        assertThat(steps()).containsEntry("server-stale", 1L).containsEntry("client-gone", 1L);
    }

    @Test
    void shouldCountHandshakesThatGaveWayToANewerOne() {
        ProxyFlow.service(director, WAY, false);
        ProxyFlow flow = flow(1);
        flow.syn();
        flow.ack();
        flow.isn = 900_000;
        flow.syn();
        flow.ack();
        flow.synAck(5);
        assertThat(steps()).containsEntry("renewed", 1L).containsEntry("handshakes", 1L);
    }

    /** LAST_ACK among them, which no segment leads to, but a synchronised connection may be in. */
    @ParameterizedTest
    @EnumSource(names = {"REUSED_CLOSE", "REUSED_TIME_WAIT", "REUSED_FIN_WAIT", "REUSED_CLOSE_WAIT", "REUSED_LAST_ACK"})
    void shouldCountEntriesTakenOverByState(Counter counter) {
        String state = counter.name().substring("REUSED_".length());
        with("synproxy_conn_reuse_" + state.toLowerCase(Locale.ROOT), "1");
        ProxyFlow.service(director, WAY, false);
        ProxyFlow flow = flow(1).establish(5);
        ProxyFlow.enter(director, WAY, TcpStates.byName(state));
        flow.isn = 900_000;
        flow.syn();
        flow.ack();
        flow.synAck(77);
        flow.up("P.", 1, 1, 10);
        assertThat(steps()).containsEntry(counter.label(), 1L).containsEntry("handshakes", 2L);
        assertThat(server().halfOpen()).isZero();
    }

    @Test
    void shouldBeginAnewWhenZeroed() {
        Service service = ProxyFlow.service(director, WAY, false);
        flow(1).syn();
        director.dataplane.zeroSteps(service.index);
        assertThat(steps()).isEmpty();
        flow(2).syn();
        assertThat(steps()).isEqualTo(Map.of("syns", 1L));
    }

    @Test
    void shouldSumOverAllWorkersAndKeepServicesApart() {
        director.close();
        director = new TestDirector(2, Map.of());
        Service one = ProxyFlow.service(director, WAY, false);
        Service two = director.service(
                TestDirector.spec(Protocol.TCP, WAY.vip(), 443, false).withSynProxy(SynProxyMode.ENABLE),
                WAY.method,
                WAY.server() + ":8443");
        for (int port = 0; port < 40; port++) {
            ProxyFlow flow = new ProxyFlow(director, WAY, 41_000 + port, port);
            flow.flow.clientQueue = port & 1;
            flow.syn(mss(1400));
        }
        assertThat(steps(one)).isEqualTo(Map.of("syns", 40L));
        assertThat(steps(two)).isEmpty();
    }

    /** Without the proxy, too. */
    @ParameterizedTest
    @EnumSource
    void shouldKnowHowManyHandshakesAreOpenWithAServer(Way way) {
        Flow.service(director, way, true);
        Flow flow = new Flow(director, way, true, 40_000).open(1000);
        assertThat(server().halfOpen()).isEqualTo(1);
        flow.down("S.", 5000, 1001, 0);
        assertThat(server().halfOpen()).isEqualTo(1);
        flow.up(".", 1001, 5001, 0);
        assertThat(server().halfOpen()).isZero();
        Flow silent = new Flow(director, way, true, 40_001).open(7);
        assertThat(server().halfOpen()).isEqualTo(1);
        director.advance(200_000);
        assertThat(silent.director.dataplane.server(director.first().destinations[0].index))
                .isEqualTo(new DataplaneControl.ServerView(0, 0));
    }
}
