package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;
import lvsd.dataplane.service.Service;
import lvsd.rules.Protocol;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import lvsd.wire.Packets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** How connections end: timeouts in virtual time, removed servers, and new connections over old ones. */
class LifetimeTest extends PipelineTest {
    /** State, what leads there from ESTABLISHED (u: client, d: server, and flags), seconds. */
    static Stream<Arguments> states() {
        return Stream.of(Way.values())
                .flatMap(way -> Stream.of(
                        Arguments.of(way, "ESTABLISHED", List.of(), 900),
                        Arguments.of(way, "CLOSE", List.of("uR"), 10),
                        Arguments.of(way, "CLOSE_WAIT", List.of("uF."), 60),
                        Arguments.of(way, "FIN_WAIT", List.of("dF."), 120),
                        Arguments.of(way, "TIME_WAIT", List.of("dF.", "uF."), 120)));
    }

    @ParameterizedTest
    @MethodSource("states")
    void shouldExpireAfterTheStatesTimeout(Way way, String state, List<String> path, int seconds) {
        Service service = Flow.service(director, way, true);
        Flow flow = tcp(way, 7).establish(1, 2);
        for (String step : path) {
            if (step.charAt(0) == 'u') {
                flow.up(step.substring(1), 2, step.contains(".") ? 3 : 0, 0);
            } else {
                flow.down(step.substring(1), 3, 2, 0);
            }
        }
        assertThat(flow.row().state()).isEqualTo(state);
        assertThat(flow.row().expiresMillis()).isBetween(seconds * 1000L - 10, seconds * 1000L);
        director.advance(seconds * 1000L - 300);
        assertThat(director.connections()).hasSize(1);
        director.advance(600);
        assertThat(director.connections()).isEmpty();
        assertThat(director.totals(service, 0).active()).isZero();
        assertThat(director.totals(service, 0).inactive()).isZero();
        if (way.fullnat()) {
            assertThat(director.dataplane
                            .localAddress(service.localAddresses[0].index)
                            .connections())
                    .isZero();
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldExpireHalfOpenConnectionsAndDatagrams(Way way) {
        Flow.service(director, way, true);
        Flow.service(director, way, false);
        tcp(way, 7).open(1);
        Flow datagrams = new Flow(director, way, false, 8);
        datagrams.upDatagram(1);
        director.advance(59_700);
        assertThat(director.connections()).hasSize(2);
        director.advance(600);
        assertThat(director.connections())
                .singleElement()
                .satisfies(row -> assertThat(row.state()).isEqualTo("UDP"));
        director.advance(239_400);
        assertThat(director.connections()).hasSize(1);
        director.advance(600);
        assertThat(director.connections()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void shouldStayAliveWhilePacketsComeFromEitherSide(Way way) {
        Flow.service(director, way, false);
        Flow flow = new Flow(director, way, false, 8);
        flow.upDatagram(1);
        for (int i = 0; i < 4; i++) {
            director.advance(200_000);
            flow.upDatagram(1);
            director.advance(200_000);
            flow.downDatagram(1);
        }
        assertThat(flow.row().expiresMillis()).isGreaterThan(299_000);
        director.advance(301_000);
        assertThat(director.connections()).isEmpty();
    }

    @Test
    void shouldUseTheServicesOwnTimeout() {
        ServiceId id = new ServiceId.Vip(Protocol.UDP, TestDirector.ip(TestDirector.VIP), 80);
        ServiceSpec spec =
                new ServiceSpec(id, "rr", Set.of(), OptionalInt.empty(), -1, "", false, false, OptionalInt.of(5));
        director.service(spec, Way.NAT4.method, TestDirector.RS1 + ":8080");
        new Flow(director, Way.NAT4, false, 8).upDatagram(1);
        assertThat(director.connections().getFirst().expiresMillis()).isBetween(4900L, 5000L);
    }

    @ParameterizedTest
    @EnumSource
    void shouldUseChangedTimeoutsForConnectionsThatThereAre(Way way) {
        Flow.service(director, way, true);
        Flow.service(director, way, false);
        tcp(way, 7).establish(1, 2);
        tcp(way, 8).open(1);
        new Flow(director, way, false, 9).upDatagram(3);
        director.advance(1000);
        director.setting("timeout_established", "30");
        director.setting("timeout_synrecv", "20");
        director.setting("timeout_udp", "10");
        director.advance(8_700);
        assertThat(director.connections()).hasSize(3);
        director.advance(600);
        assertThat(director.connections()).extracting(ConnectionRow::state).doesNotContain("UDP");
        director.advance(9_400);
        assertThat(director.connections()).hasSize(2);
        director.advance(600);
        assertThat(director.connections()).extracting(ConnectionRow::state).containsExactly("ESTABLISHED");
        director.setting("timeout_established", "900");
        director.advance(11_000);
        assertThat(director.connections()).hasSize(1);
        director.advance(890_000);
        assertThat(director.connections()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void shouldDropSilentlyWithoutRefreshingWhenTheServerIsGone(Way way) {
        Service service = Flow.service(director, way, true);
        Flow flow = tcp(way, 7).establish(1, 2);
        director.withoutDestinations(service);
        director.advance(100_000);
        director.send(0, flow.fromClient().flags("P.").seq(2).ack(3).build());
        director.expectNothing(0);
        director.expectNothing(1);
        assertThat(director.drops()).isEqualTo("destination-gone=1 ");
        assertThat(flow.row().state()).isEqualTo("ESTABLISHED");
        assertThat(flow.row().expiresMillis()).isBetween(799_000L, 800_100L);
        assertThat(flow.row().packets()).isEqualTo(2);

        flow.down("P.", 3, 2, 10);
        assertThat(flow.row().expiresMillis()).isGreaterThan(899_000);
        director.withDestinations(service);
        flow.up("P.", 2, 13, 10);
        flow.down("P.", 13, 12, 10);
        assertThat(director.totals(service, 0).active()).isEqualTo(1);
        assertThat(flow.row().expiresMillis()).isGreaterThan(899_000);
    }

    @ParameterizedTest
    @EnumSource
    void shouldExpireConnectionsOfAServerThatIsGone(Way way) {
        Service service = Flow.service(director, way, true);
        tcp(way, 7).establish(1, 2);
        director.withoutDestinations(service);
        director.advance(901_000);
        assertThat(director.connections()).isEmpty();
        assertThat(director.totals(service, 0).active()).isZero();
        director.withDestinations(service);
        tcp(way, 7).establish(3, 4);
    }

    private Flow timeWait(Way way, int port) {
        Flow flow = tcp(way, port).establish(1, 2);
        flow.down("F.", 3, 2, 0);
        flow.up("F.", 2, 4, 0);
        assertThat(flow.row().state()).isEqualTo("TIME_WAIT");
        return flow;
    }

    @ParameterizedTest
    @EnumSource
    void shouldOpenAnewBySynInTimeWait(Way way) {
        Service service = Flow.service(director, way, true);
        timeWait(way, 7);
        Flow again = tcp(way, 7).establish(1_000_000, 5);
        again.up("P.", 1_000_001, 6, 10);
        assertThat(director.connections()).hasSize(1);
        assertThat(again.row().state()).isEqualTo("ESTABLISHED");
        assertThat(again.row().packets()).isEqualTo(3);
        assertThat(director.totals(service, 0).connections()).isEqualTo(2);
        assertThat(director.totals(service, 0).active()).isEqualTo(1);
        assertThat(director.totals(service, 0).inactive()).isZero();
    }

    private Service twoServers(Way way) {
        String second = way.ipv6 ? "2001:db8:b::3" : TestDirector.RS2;
        return director.service(
                Protocol.TCP,
                way.vip(),
                Flow.VIRTUAL_PORT,
                way.method,
                way.server() + ":" + Flow.SERVER_PORT,
                second + ":" + Flow.SERVER_PORT);
    }

    /** The server that gets a SYN from the client's port. */
    private String server(Way way, int port) {
        Flow flow = tcp(way, port);
        director.send(0, flow.fromClient().flags("S").seq(9).build());
        assertThat(director.any(1)).isTrue();
        director.send(0, flow.fromClient().flags(".").seq(10).ack(1).build());
        assertThat(director.any(1)).isTrue();
        return director.connections().stream()
                .filter(row -> row.clientPort() == port)
                .map(row -> row.server().getHostAddress())
                .findFirst()
                .orElseThrow();
    }

    private void reset(Way way, int port) {
        director.send(0, tcp(way, port).fromClient().flags("R").seq(10).build());
        assertThat(director.any(1)).isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void shouldChooseAnotherServerForAReusedPortUnlessToldToStay(Way way) {
        twoServers(way);
        String first = server(way, 7);
        reset(way, 7);
        String second = server(way, 7);
        assertThat(second).isNotEqualTo(first);
        director.setting("conn_reuse_mode", "0");
        for (int i = 0; i < 3; i++) {
            reset(way, 7);
            assertThat(server(way, 7)).isEqualTo(second);
        }
        assertThat(director.connections()).hasSize(1);
    }

    @ParameterizedTest
    @EnumSource
    void shouldLeaveAQuiescedServerBySynWithExpireNodestConn(Way way) {
        Service service = twoServers(way);
        String first = server(way, 7);
        director.quiesce(service, first);
        assertThat(server(way, 7)).isEqualTo(first);
        director.setting("expire_nodest_conn", "1");
        assertThat(server(way, 7)).isNotEqualTo(first);
        assertThat(director.connections()).hasSize(1);
    }

    @ParameterizedTest
    @EnumSource
    void shouldEndConnectionsOfAServerThatIsGoneWithExpireNodestConn(Way way) {
        Service service = Flow.service(director, way, true);
        Flow flow = tcp(way, 7).establish(1, 2);
        director.setting("expire_nodest_conn", "1");
        director.withoutDestinations(service);
        director.send(0, flow.fromClient().flags("P.").seq(2).ack(3).build());
        director.expectNothing(1);
        assertThat(director.any(0)).isTrue(); // a reset: the segment is of no connection now
        assertThat(director.connections()).isEmpty();
        assertThat(director.drops()).isEmpty();
        tcpAgain(way, service);
    }

    private void tcpAgain(Way way, Service service) {
        director.withDestinations(service);
        Flow flow = tcp(way, 7).establish(1, 2);
        director.withoutDestinations(service);
        director.send(
                1, flow.fromServer().flags("P.").seq(3).ack(2 + flow.sequence).build());
        director.expectNothing(0);
        assertThat(director.drops()).isEqualTo("destination-gone=1 ");
        assertThat(director.connections()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void shouldOpenInTheMiddleOnlyWhenSloppy(Way way) {
        Flow.service(director, way, true);
        Flow flow = tcp(way, 7);
        director.send(0, flow.fromClient().flags(".").seq(5).ack(6).build());
        director.expectNothing(1);
        assertThat(director.any(0)).isTrue();
        director.setting("sloppy_tcp", "1");
        director.send(0, flow.fromClient().flags("R").seq(5).build());
        director.expectNothing(1);
        director.send(0, flow.fromClient().flags(".").seq(5).ack(6).build());
        byte[] frame = director.expect(1);
        flow.peerPort = Flow.at16(frame, way.l4());
        Packets.assertSame(frame, flow.atServer().flags(".").seq(5).ack(6).build());
        assertThat(flow.row().state()).isEqualTo("ESTABLISHED");
        flow.down("P.", 6, 5, 10);
        flow.up("P.", 5, 16, 10);
    }

    @ParameterizedTest
    @EnumSource
    void shouldForgetAReleasedEntryWithinTheSameBurst(Way way) {
        Service service = Flow.service(director, way, true);
        Flow flow = timeWait(way, 7);
        director.quiesce(service);
        // One-armed: the SYN that ends the old connection, and packets of that connection behind it.
        director.ios.getFirst().inject(0, flow.fromClient().flags("S").seq(9).build());
        byte[] late = flow.fromServer().flags(".").seq(4).ack(3 + flow.sequence).build();
        System.arraycopy(flow.fromClient().build(), 0, late, 0, 12);
        director.ios.getFirst().inject(0, late);
        director.ios
                .getFirst()
                .inject(0, flow.fromClient().flags(".").seq(3).ack(4).build());
        director.run();
        assertThat(director.connections()).isEmpty();
        assertThat(director.dataplane.workers().getFirst().connections()).isZero();
        while (director.any(0) || director.any(1)) {
            assertThat(director.drops(DropReason.NO_DESTINATION)).isEqualTo(1);
        }
        director.withDestinations(service);
        tcp(way, 7).establish(1, 2);
        tcp(way, 8).establish(1, 2);
        assertThat(director.connections()).hasSize(2);
    }

    @Test
    void shouldKeepTheEntryOnRepeatedSyns() {
        Flow.service(director, Way.FULLNAT4, true);
        Flow flow = tcp(Way.FULLNAT4, 7).open(5);
        flow.up("S", 5, 0, 0);
        flow.down("S.", 9, 6, 0);
        flow.down("S.", 9, 6, 0);
        flow.up(".", 6, 10, 0);
        assertThat(director.connections()).hasSize(1);
    }

    @Test
    void shouldReuseLocalPortsOfEndedConnections() {
        TestDirector small = new TestDirector(1, Map.of("fullnat_lport_min", "5000", "fullnat_lport_max", "5001"));
        Flow.service(small, Way.FULLNAT4, true);
        for (int port = 101; port <= 120; port++) {
            Flow flow = new Flow(small, Way.FULLNAT4, true, port).establish(port, 2);
            flow.up("R", port + 1, 0, 0);
            small.advance(10_100);
        }
        assertThat(small.drops()).isEmpty();
        assertThat(small.outstanding()).isZero();
        small.close();
    }
}
