package lvsd.dataplane;

import static lvsd.wire.PacketBuilder.mss;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import lvsd.config.DaemonConfig;
import lvsd.dataplane.service.Service;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.Protocol;
import lvsd.rules.SynProxyMode;
import lvsd.synproxy.ProxyCounters.Counter;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The SYN proxy beside everything else: tags, one arm, several workers, persistence, ports, timers (sections 5.1, 5.2). */
class SynProxyCompanyTest extends ProxyLadder {
    private static final String[] SERVERS4 = {"198.18.20.2:8080", "198.18.20.3:8080", "198.18.20.4:8080"};
    private static final String[] SERVERS6 = {"[2001:db8:b::2]:8080", "[2001:db8:b::3]:8080", "[2001:db8:b::4]:8080"};

    // ---- tags and arms

    @ParameterizedTest
    @EnumSource
    void shouldAnswerWithTheTagThatTheSynHad(Way way) {
        List<DaemonConfig.Vlan> wan = List.of(new DaemonConfig.Vlan(
                5, "wan0.5", 1500, TestDirector.prefixes("198.18.10.1", "2001:db8:a::1"), List.of()));
        List<DaemonConfig.Vlan> lan = List.of(new DaemonConfig.Vlan(
                7, "lan0.7", 1500, TestDirector.prefixes("198.18.20.1", "2001:db8:b::1"), List.of()));
        director.close();
        director = new TestDirector(TestDirector.config(
                1,
                Map.of(),
                1024,
                TestDirector.port("wan0", "net_null", 1500, wan),
                TestDirector.port("lan0", "net_null", 1500, lan)));
        ProxyFlow.service(director, way, false);
        Flow flow = new Flow(director, way, true, 40_000);
        director.send(
                0,
                flow.fromClient()
                        .vlan(5)
                        .flags("S")
                        .seq(1000)
                        .options(mss(1400))
                        .build());
        byte[] answer = director.expect(0);
        Packets.assertChecksums(answer);
        int cookie = Flow.at32(answer, way.l4() + 4 + 4);
        Packets.assertSame(
                answer,
                flow.atClient()
                        .vlan(5)
                        .ttl(63)
                        .df()
                        .flags("S.")
                        .seq(cookie)
                        .ack(1001)
                        .window(Flow.at16(answer, way.l4() + 4 + 14))
                        .options(mss(1500 - way.ipHeader() - 20))
                        .build());
        director.send(
                0,
                flow.fromClient().vlan(5).flags(".").seq(1001).ack(cookie + 1).build());
        byte[] syn = director.expect(1);
        Packets.assertChecksums(syn);
        assertThat(Flow.at16(syn, 12)).isEqualTo(0x8100);
        assertThat(Flow.at16(syn, 14)).isEqualTo(7);
        flow.peerPort = Flow.at16(syn, way.l4() + 4);
        flow.sequence = Flow.at32(syn, way.l4() + 4 + 4) - 1000;
        director.send(
                1,
                flow.fromServer()
                        .vlan(7)
                        .flags("S.")
                        .seq(77)
                        .ack(1001 + flow.sequence)
                        .build());
        Packets.assertChecksums(director.expect(1));
        flow.up(
                flow.fromClient().vlan(5).flags("P.").seq(1001).ack(cookie + 1).payload(10),
                flow.atServer()
                        .vlan(7)
                        .flags("P.")
                        .seq(1001 + flow.sequence)
                        .ack(78)
                        .payload(10));
        flow.down(
                flow.fromServer().vlan(7).flags(".").seq(78).ack(1011 + flow.sequence),
                flow.atClient().vlan(5).flags(".").seq(cookie + 1).ack(1011));
    }

    /** Clients and servers on one port, in one subnet. */
    @Test
    void shouldDoWithOneArm() {
        String server = "198.18.10.50";
        director.service(
                TestDirector.spec(Protocol.TCP, TestDirector.VIP, 80, false).withSynProxy(SynProxyMode.ENABLE),
                ForwardingMethod.NAT,
                server + ":8080");
        Way way = Way.NAT4;
        Flow flow = new Flow(director, way, true, 40_000);
        director.send(0, flow.fromClient().flags("S").seq(1000).build());
        byte[] answer = director.expect(0);
        int cookie = Flow.at32(answer, way.l4() + 4);
        director.send(
                0,
                flow.fromClient()
                        .flags("P.")
                        .seq(1001)
                        .ack(cookie + 1)
                        .payload(10)
                        .build());
        PacketBuilder atServer = way.leaving(0, TestDirector.CLIENT, server).tcp(40_000, 8080);
        PacketBuilder fromServer = way.arriving(0, server, TestDirector.CLIENT).tcp(8080, 40_000);
        byte[] syn = director.expect(0);
        Packets.assertChecksums(syn);
        assertThat(syn[way.l4() + 13]).isEqualTo((byte) 0x02);
        director.send(0, fromServer.copy().flags("S.").seq(5).ack(1001).build());
        byte[] ack = director.expect(0);
        assertThat(Flow.at32(ack, way.l4() + 8)).isEqualTo(6);
        Packets.assertSame(
                director.expect(0),
                atServer.copy().ttl(63).flags("P.").seq(1001).ack(6).payload(10).build());
        director.send(0, fromServer.copy().flags(".").seq(6).ack(1011).build());
        Packets.assertSame(
                director.expect(0),
                flow.atClient().flags(".").seq(cookie + 1).ack(1011).build());
        director.expectNothing(1);
    }

    /** What is announced must fit the way to the server: nobody else will tell the client. */
    @ParameterizedTest
    @EnumSource
    void shouldAnnounceNoMoreThanFitsTheWayToTheServer(Way way) {
        director.close();
        director = new TestDirector(TestDirector.config(
                1,
                Map.of(),
                1024,
                TestDirector.port("wan0", "net_null", 1500, List.of(), "198.18.10.1", "2001:db8:a::1"),
                TestDirector.port("lan0", "net_null", 1380, List.of(), "198.18.20.1", "2001:db8:b::1")));
        ProxyFlow.service(director, way, true);
        ProxyFlow flow = new ProxyFlow(director, way, 40_000, 7);
        int toa = way.fullnat() ? way.ipv6 ? 20 : 8 : 0;
        assertThat(flow.mssOf(flow.syn(mss(1460)))).isEqualTo(1380 - way.ipHeader() - 20 - toa);
    }

    // ---- servers that go

    @ParameterizedTest
    @EnumSource
    void shouldTryAnotherServerWhereTheFirstWasRemovedMeanwhile(Way way) {
        with("synproxy_retry_other", "1", "synproxy_syn_retry", "0");
        String other = way.ipv6 ? "2001:db8:b::3" : TestDirector.RS2;
        Service service = ProxyFlow.service(director, way, false, way.server() + ":8080", other + ":8080");
        ProxyFlow flow = new ProxyFlow(director, way, 40_000, 7);
        flow.syn();
        flow.ack();
        director.without(service, server(flow));
        director.advance(1_100);
        flow.serverSyn();
        director.expectNothing(0);
        assertThat(flow.state()).isEqualTo("SYN_SENT");
        director.advance(20_000);
        director.drain(0);
        director.drain(1);
    }

    // ---- workers

    static Stream<Arguments> queues() {
        return Arrays.stream(Way.values()).flatMap(way -> Stream.of(2, 3).map(workers -> Arguments.of(way, workers)));
    }

    @ParameterizedTest
    @MethodSource("queues")
    void shouldNotCareOnWhichQueueAnythingArrives(Way way, int workers) {
        director.close();
        director = new TestDirector(workers, Map.of());
        ProxyFlow.service(director, way, false);
        Set<Integer> owners = new HashSet<>();
        for (int i = 0; i < 24; i++) {
            ProxyFlow flow = new ProxyFlow(director, way, 40_000 + i, 1000 * i);
            flow.flow.clientQueue = i % workers;
            flow.syn();
            flow.flow.clientQueue = (i + 1) % workers;
            flow.flow.serverQueue = i / workers % workers;
            flow.ack();
            flow.held("P.", 1, 1, 10);
            Packets.assertSame(flow.synAck(i - 3), flow.atServer(".", 1, 1).df().build());
            flow.expectAtServer("P.", 1, 1, 10);
            flow.flow.serverQueue = (i + 1) % workers;
            flow.down("P.", 1, 11, 20);
            flow.up(".", 11, 21, 0);
            owners.add(director.connections().stream()
                    .filter(row -> row.clientPort() == flow.flow.clientPort)
                    .mapToInt(ConnectionRow::worker)
                    .findFirst()
                    .orElseThrow());
        }
        assertThat(owners).hasSize(workers);
        assertThat(director.dataplane.steps(0)[Counter.FINISHED.ordinal()]).isEqualTo(24);
    }

    // ---- persistence

    private void persistent(Way way, int workers, String... settings) {
        with(settings);
        if (workers > 1) {
            director.close();
            director = new TestDirector(workers, Map.of());
        }
        director.service(
                TestDirector.persistent(Protocol.TCP, way.vip(), 80, 120, -1).withSynProxy(SynProxyMode.ENABLE),
                way.method,
                way.ipv6 ? SERVERS6 : SERVERS4);
    }

    private String server(ProxyFlow flow) {
        return director.connections().stream()
                .filter(row -> row.clientPort() == flow.flow.clientPort)
                .map(row -> row.server().getHostAddress())
                .findFirst()
                .orElseThrow();
    }

    private long templates() {
        return director.connections().stream()
                .filter(row -> row.clientPort() == 0)
                .count();
    }

    static Stream<Arguments> workers() {
        return Arrays.stream(Way.values())
                .flatMap(way -> Stream.of(1, 2, 4).map(workers -> Arguments.of(way, workers)));
    }

    @ParameterizedTest
    @MethodSource("workers")
    void shouldKeepAClientAtItsServer(Way way, int workers) {
        persistent(way, workers);
        Set<String> servers = new HashSet<>();
        for (int i = 0; i < 8; i++) {
            ProxyFlow flow = new ProxyFlow(director, way, 40_000 + i, 7 * i);
            flow.flow.clientQueue = i % workers;
            flow.syn();
            assertThat(templates()).as("a SYN makes none").isEqualTo(i == 0 ? 0 : 1);
            director.send(
                    flow.flow.clientQueue, 0, flow.client("P.", 1, 1).payload(5).build());
            flow.serverSyn();
            servers.add(server(flow));
        }
        assertThat(servers).hasSize(1);
        assertThat(templates()).isEqualTo(1);
        assertThat(director.dataplane.steps(0)[Counter.GOOD.ordinal()]).isEqualTo(8);
        director.advance(20_000);
        director.drain(0);
        director.drain(1);
    }

    @ParameterizedTest
    @MethodSource("workers")
    void shouldCarryDataOnceThereIsATemplate(Way way, int workers) {
        persistent(way, workers);
        ProxyFlow flow = new ProxyFlow(director, way, 40_000, 7);
        flow.syn();
        flow.ack();
        flow.flow.ignoring = new String[0];
        String server = server(flow);
        director.send(
                1,
                way.arriving(1, server, way.peer())
                        .tcp(Flow.SERVER_PORT, flow.flow.peerPort)
                        .flags("S.")
                        .seq(500)
                        .ack(flow.isn + flow.flow.sequence + 1)
                        .build());
        assertThat(flow.ackOf(director.expect(1))).isEqualTo(501);
        director.send(0, flow.client("P.", 1, 1).payload(5).build());
        assertThat(flow.ackOf(director.expect(1))).isEqualTo(501);
        assertThat(flow.state()).isEqualTo("ESTABLISHED");
    }

    @ParameterizedTest
    @MethodSource("workers")
    void shouldResetAProvenClientWithoutAServer(Way way, int workers) {
        persistent(way, workers);
        ProxyFlow flow = new ProxyFlow(director, way, 40_000, 7);
        flow.syn();
        director.quiesce(director.first());
        director.send(0, flow.client(".", 1, 1).build());
        byte[] reset = director.expect(0);
        assertThat(flow.flagsOf(reset) & 0x04).isEqualTo(0x04);
        assertThat(flow.seqOf(reset)).isEqualTo(flow.cookie + 1);
        assertThat(director.connections()).isEmpty();
    }

    // ---- local ports

    /** The server is in TIME_WAIT with the same addresses and ports: it takes a SYN only if its number is higher. */
    @ParameterizedTest
    @EnumSource(names = "FULLNAT.", mode = EnumSource.Mode.MATCH_ANY)
    void shouldUseAPortAgainWithRisingNumbers(Way way) {
        with("fullnat_lport_min", "2000", "fullnat_lport_max", "2000");
        ProxyFlow.service(director, way, false);
        int before = 0;
        for (int i = 0; i < 6; i++) {
            ProxyFlow flow = new ProxyFlow(director, way, 40_000 + i, -i * 100_000_000).establish(i);
            assertThat(flow.flow.peerPort).isEqualTo(2000);
            int number = flow.isn + flow.flow.sequence;
            assertThat(i == 0 || number - before > 0)
                    .as("number %d after %d", number, before)
                    .isTrue();
            flow.up("P.", 1, 1, 1000);
            flow.down("F.", 1, 1001, 0);
            flow.up("F.", 1001, 2, 0);
            before = number + 1002;
            director.advance(40);
        }
    }

    @Test
    void shouldResetAProvenClientForWhomThereIsNoPort() {
        with("fullnat_lport_min", "2000", "fullnat_lport_max", "2000");
        ProxyFlow.service(director, Way.FULLNAT4, false);
        new ProxyFlow(director, Way.FULLNAT4, 40_000, 7).establish(5);
        ProxyFlow flow = new ProxyFlow(director, Way.FULLNAT4, 40_001, 7);
        flow.syn();
        director.send(0, flow.client(".", 1, 1).build());
        flow.expectReset();
        director.expectNothing(1);
    }

    // ---- timers

    /** Shorter timeouts arm the timers of all connections anew, but a handshake's is that of its next SYN. */
    @ParameterizedTest
    @EnumSource
    void shouldWaitForTheServerAsLongAsEverWhenTimeoutsChange(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = new ProxyFlow(director, way, 40_000, 7);
        flow.syn();
        byte[] syn = flow.ack();
        director.advance(1_100);
        Packets.assertSame(flow.serverSyn(), syn);
        director.setting("timeout_synsent", "1");
        director.advance(1_500);
        director.expectNothing(1);
        director.advance(500);
        Packets.assertSame(flow.serverSyn(), syn);
        flow.synAck(5);
        flow.up("P.", 1, 1, 10);
    }

    @ParameterizedTest
    @EnumSource
    void shouldLetItsConnectionsExpireAsOthersDo(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = new ProxyFlow(director, way, 40_000, 7).establish(5);
        director.setting("timeout_established", "5");
        director.advance(4_500);
        flow.up("P.", 1, 1, 10);
        director.advance(4_500);
        assertThat(flow.state()).isEqualTo("ESTABLISHED");
        director.advance(1_000);
        assertThat(flow.state()).isEqualTo("none");
    }
}
