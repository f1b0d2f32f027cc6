package lvsd.dataplane;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import lvsd.dataplane.DataplaneControl.SyncAccess;
import lvsd.dataplane.service.MarkTable;
import lvsd.rules.DestinationSpec;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.MarkRule;
import lvsd.rules.Protocol;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import lvsd.sync.Snapshot;
import lvsd.sync.SyncConnection;
import lvsd.sync.SyncExtras;
import lvsd.sync.SyncSink;
import lvsd.sync.SyncSource;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Sctp;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What one director tells comes through the bytes of messages to another, which then has the same in its tables, and goes
 * on with it.
 */
class SyncWireTest {
    private final List<TestDirector> directors = new ArrayList<>();

    @TempDir
    private Path directory;

    @AfterEach
    void nothingLeaks() {
        for (TestDirector each : directors) {
            assertThat(each.outstanding()).isZero();
            each.close();
        }
    }

    private TestDirector director(int workers, Consumer<TestDirector> rules) {
        TestDirector made = new TestDirector(workers, Map.of());
        directors.add(made);
        made.dataplane.sync().orElseThrow().source().listened(true);
        rules.accept(made);
        return made;
    }

    /** Takes all that {@code from} has told to {@code to}, as bytes. */
    private void tell(TestDirector from, TestDirector to) {
        SyncAccess out = from.dataplane.sync().orElseThrow();
        SyncSink in = to.dataplane.sync().orElseThrow().sink();
        Path file = directory.resolve("messages");
        try (Snapshot.Writer writer = new Snapshot.Writer(file, new Updates(out.source()), 0)) {
            writer.finish();
            Snapshot.read(
                    file,
                    0,
                    0,
                    each -> assertThat(in.take(each, SyncSink.NO_ORIGIN, 0)).isTrue());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        to.run();
    }

    /** The updates of a source, without its tables. */
    private record Updates(SyncSource source) implements SyncSource {
        @Override
        public boolean poll(SyncConnection into) {
            return source.poll(into);
        }

        @Override
        public long dropped() {
            return source.dropped();
        }

        @Override
        public long size() {
            return source.size();
        }

        @Override
        public void page(long cursor, Page page) {
            page.complete(END);
        }
    }

    /** All that a director's tables hold, as a bulk transfer would tell it. */
    private static List<SyncConnection> content(TestDirector director) {
        List<SyncConnection> all = new ArrayList<>();
        for (Worker worker : director.dataplane.workerList()) {
            SyncSource.Page page = new SyncSource.Page(1024, true);
            for (long cursor = 0; cursor != SyncSource.END; cursor = page.next()) {
                page.reset();
                worker.sync().page(cursor, page, SyncSource.END);
                for (int i = 0; i < page.count(); i++) {
                    SyncConnection copy = new SyncConnection();
                    copy.copy(page.row(i));
                    copy.extras &= ~SyncExtras.SECOND_HAND;
                    all.add(copy);
                }
            }
        }
        all.sort(Comparator.comparingInt((SyncConnection c) -> c.protocol)
                .thenComparingInt(c -> c.clientPort)
                .thenComparingLong(c -> c.clientLow)
                .thenComparing(c -> new String(c.engineData, 0, c.engineDataLength, ISO_8859_1)));
        return all;
    }

    private static void assertSame(TestDirector active, TestDirector standby, int count) {
        List<SyncConnection> told = content(active);
        List<SyncConnection> taken = content(standby);
        assertThat(told).hasSize(count);
        assertThat(taken).hasSize(count);
        for (int i = 0; i < count; i++) {
            SyncConnection one = told.get(i);
            SyncConnection other = taken.get(i);
            assertThat(other.timeout).as("seconds left of %d", i).isBetween(one.timeout - 1, one.timeout + 1);
            other.timeout = one.timeout;
            assertThat(other.same(one))
                    .as("connection %d of port %d", i, one.clientPort)
                    .isTrue();
        }
        assertThat(standby.connections().stream().map(SyncWireTest::shown).sorted())
                .containsExactlyElementsOf(active.connections().stream()
                        .map(SyncWireTest::shown)
                        .sorted()
                        .toList());
    }

    private static String shown(ConnectionRow row) {
        return row.protocol() + " " + row.client() + " " + row.clientPort() + " " + row.virtual() + " "
                + row.virtualPort() + " " + row.local() + " " + row.localPort() + " " + row.server() + " "
                + row.serverPort() + " " + row.method() + " " + row.state() + " " + row.engine() + " "
                + row.engineData();
    }

    private static Flow elsewhere(Flow flow, TestDirector director, boolean tcp) {
        Flow other = new Flow(director, flow.way, tcp, flow.clientPort);
        other.peerPort = flow.peerPort;
        other.sequence = flow.sequence;
        other.timestamp = flow.timestamp;
        other.clientQueue = director.dataplane.workerList().size() - 1;
        return other;
    }

    static Stream<Arguments> waysAndWorkers() {
        return Stream.of(Way.values()).flatMap(way -> Stream.of(1, 2).map(workers -> Arguments.of(way, workers)));
    }

    @ParameterizedTest
    @MethodSource("waysAndWorkers")
    void tcpAndUdpGoOn(Way way, int workers) {
        Consumer<TestDirector> rules = director -> {
            Flow.service(director, way, true);
            Flow.service(director, way, false);
        };
        TestDirector active = director(3 - workers, rules);
        TestDirector standby = director(workers, rules);
        Flow stream = new Flow(active, way, true, 40_000).establish(1000, 2000);
        Flow datagrams = new Flow(active, way, false, 40_001);
        datagrams.upDatagram(10);
        datagrams.downDatagram(20);
        tell(active, standby);
        assertSame(active, standby, 2);
        Flow moved = elsewhere(stream, standby, true);
        moved.down(".", 2001, 1001, 100);
        moved.up(".", 1001, 2101, 50);
        Flow movedDatagrams = elsewhere(datagrams, standby, false);
        movedDatagrams.downDatagram(30);
        movedDatagrams.up(
                movedDatagrams.fromClient().payload(5),
                movedDatagrams.atServer().payload(5));
        assertThat(standby.connections()).hasSize(2);
        assertThat(standby.drops()).isEmpty();
    }

    private static void chunk(TestDirector director, Way way, int peerPort, boolean up, int chunk) {
        PacketBuilder packet = up
                ? way.arriving(0, way.client(), way.vip()).sctp(7, 2905, 1)
                : way.arriving(1, way.server(), way.peer()).sctp(3905, peerPort, 2);
        director.send(up ? 0 : 1, packet.chunk(chunk, 0, (byte) 9).build());
    }

    @ParameterizedTest
    @MethodSource("waysAndWorkers")
    void anAssociationGoesOn(Way way, int workers) {
        Consumer<TestDirector> rules =
                director -> director.service(Protocol.SCTP, way.vip(), 2905, way.method, way.server() + ":3905");
        TestDirector active = director(3 - workers, rules);
        TestDirector standby = director(workers, rules);
        chunk(active, way, 0, true, Sctp.INIT);
        int peerPort = Flow.at16(active.expect(1), way.l4());
        chunk(active, way, peerPort, false, Sctp.INIT_ACK);
        chunk(active, way, peerPort, true, Sctp.COOKIE_ECHO);
        assertThat(active.dataplane.sync().orElseThrow().source().poll(new SyncConnection()))
                .as("told of a handshake")
                .isFalse();
        chunk(active, way, peerPort, false, Sctp.COOKIE_ACK);
        active.drain(0);
        active.drain(1);
        tell(active, standby);
        assertSame(active, standby, 1);
        chunk(standby, way, peerPort, true, Sctp.DATA);
        assertThat(Flow.at16(standby.expect(1), way.l4())).isEqualTo(peerPort);
        chunk(standby, way, peerPort, false, Sctp.SACK);
        assertThat(Flow.at16(standby.expect(0), way.l4() + 2)).isEqualTo(7);
        chunk(standby, way, peerPort, true, Sctp.SHUTDOWN);
        standby.drain(1);
        assertThat(standby.connections().getFirst().state()).isEqualTo("S-RECEIVED");
    }

    @ParameterizedTest
    @EnumSource(
            value = Way.class,
            names = {"NAT4", "NAT6"})
    void directRoutingAndTunnelsAreTold(Way way) {
        Consumer<TestDirector> rules = director -> {
            director.service(Protocol.TCP, way.vip(), 80, ForwardingMethod.ROUTE, way.server() + ":80");
            ServiceSpec spec = TestDirector.spec(Protocol.TCP, way.vip(), 81, false);
            director.service(
                    spec,
                    List.of(new DestinationSpec(
                            spec.id(),
                            TestDirector.ip(way.server()),
                            81,
                            ForwardingMethod.TUNNEL,
                            1,
                            0,
                            0,
                            DestinationSpec.Tunnel.IPIP)));
        };
        TestDirector active = director(1, rules);
        TestDirector standby = director(2, rules);
        for (int port : new int[] {80, 81}) {
            for (String flags : List.of("S", ".")) {
                active.send(
                        0,
                        way.arriving(0, way.client(), way.vip())
                                .tcp(7 + port, port)
                                .flags(flags)
                                .seq(1)
                                .build());
                active.expect(1);
            }
        }
        tell(active, standby);
        assertSame(active, standby, 2);
        standby.send(
                0,
                way.arriving(0, way.client(), way.vip())
                        .tcp(87, 80)
                        .flags("F.")
                        .seq(2)
                        .build());
        standby.expect(1);
        assertThat(standby.connections()).anyMatch(row -> row.state().equals("FIN_WAIT"));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void connectionsOfAFirewallMarkAreTold(boolean ipv6) {
        Way way = ipv6 ? Way.NAT6 : Way.NAT4;
        int mark = 0xfedc_ba98;
        Consumer<TestDirector> rules = director -> {
            ServiceId id = new ServiceId.Fwmark(mark, ipv6);
            director.marks = new MarkTable(List.of(new MarkRule(
                    mark,
                    Optional.of(Protocol.TCP),
                    TestDirector.ip(way.vip()),
                    TestDirector.ip(way.vip()),
                    80,
                    90,
                    "")));
            director.service(
                    new ServiceSpec(id, "rr", Set.of(), OptionalInt.of(300), -1, "", false, false, OptionalInt.empty()),
                    ForwardingMethod.NAT,
                    way.server() + ":0");
        };
        TestDirector active = director(1, rules);
        TestDirector standby = director(1, rules);
        active.send(
                0,
                way.arriving(0, way.client(), way.vip())
                        .tcp(7, 85)
                        .flags("S")
                        .seq(1)
                        .build());
        active.expect(1);
        active.send(
                1,
                way.arriving(1, way.server(), way.client())
                        .tcp(85, 7)
                        .flags("S.")
                        .seq(1)
                        .ack(2)
                        .build());
        active.expect(0);
        active.send(
                0,
                way.arriving(0, way.client(), way.vip())
                        .tcp(7, 85)
                        .flags(".")
                        .seq(2)
                        .ack(2)
                        .build());
        active.expect(1);
        assertThat(active.connections()).as(active.drops()).hasSize(2);
        tell(active, standby);
        assertSame(active, standby, 2);
        assertThat(content(standby)).anyMatch(c -> c.fwmark == mark && !c.template());
    }

    @ParameterizedTest
    @MethodSource("waysAndWorkers")
    void aTemplateKeepsItsClientAtItsServer(Way way, int workers) {
        String[] servers = Stream.of(2, 3, 4)
                .map(i -> (way.ipv6 ? "2001:db8:b::" : "198.18.20.") + i + ":8080")
                .toArray(String[]::new);
        Consumer<TestDirector> rules = director -> director.service(
                TestDirector.persistent(Protocol.TCP, way.vip(), 80, 300, way.ipv6 ? 64 : -1), way.method, servers);
        TestDirector active = director(3 - workers, rules);
        TestDirector standby = director(workers, rules);
        Flow first = new Flow(active, way, true, 40_000);
        first.ignoring = new String[] {"ipv4.dst", "ipv6.dst", "eth.dst"};
        active.send(0, first.fromClient().flags("S").seq(1).build());
        active.drain(1);
        tell(active, standby);
        List<ConnectionRow> templates = templates(standby);
        assertThat(templates).hasSize(1);
        for (int i = 1; i < 5; i++) {
            standby.send(
                    workers - 1,
                    0,
                    new Flow(standby, way, true, 41_000 + i)
                            .fromClient()
                            .flags("S")
                            .seq(1)
                            .build());
            standby.drain(1);
        }
        assertThat(standby.connections().stream()
                        .map(row -> row.server().getHostAddress())
                        .distinct())
                .containsExactly(templates(active).getFirst().server().getHostAddress());
        assertThat(templates(standby).getFirst().expiresMillis()).isGreaterThan(298_000);
    }

    private static List<ConnectionRow> templates(TestDirector director) {
        return director.connections().stream()
                .filter(row -> row.clientPort() == 0)
                .toList();
    }

    @Test
    void theCallOfATemplateIsTold() {
        Way way = Way.NAT4;
        Consumer<TestDirector> rules = director -> director.service(
                TestDirector.byCall(way.vip(), 5060, 60), way.method, "198.18.20.2:5060", "198.18.20.3:5060");
        TestDirector active = director(1, rules);
        TestDirector standby = director(2, rules);
        for (int i = 0; i < 6; i++) {
            byte[] message = ("OPTIONS sip:a@b SIP/2.0\r\nCall-ID: call" + i + "@host\r\n\r\n").getBytes(ISO_8859_1);
            active.send(
                    0,
                    way.arriving(0, way.client(), way.vip())
                            .udp(1000 + i, 5060)
                            .payload(message)
                            .build());
            active.expect(1);
        }
        tell(active, standby);
        assertSame(active, standby, 12);
        assertThat(templates(standby).stream().map(ConnectionRow::engineData))
                .containsExactlyInAnyOrder(
                        "call0@host", "call1@host", "call2@host", "call3@host", "call4@host", "call5@host");
    }

    /** Shifts of numbers, timestamps and windows; TOA is not with the server before the client's first data. */
    @ParameterizedTest
    @MethodSource("waysAndWorkers")
    void aConnectionOfTheSynProxyGoesOn(Way way, int workers) {
        Consumer<TestDirector> rules = director -> ProxyFlow.service(director, way, false);
        TestDirector active = director(3 - workers, rules);
        TestDirector standby = director(workers, rules);
        ProxyFlow flow = new ProxyFlow(active, way, 40_000, 0x7000_0000);
        flow.clientStamp = 5000;
        flow.syn(PacketBuilder.mss(1460), PacketBuilder.windowScale(7), PacketBuilder.timestamps(5000, 0));
        flow.ack();
        flow.serverStamp = 777_000;
        flow.synAck(
                0x1234_5678,
                PacketBuilder.mss(1400),
                PacketBuilder.windowScale(9),
                PacketBuilder.timestamps(777_000, 5000 + flow.stampUp));
        active.drain(0);
        active.drain(1);
        tell(active, standby);
        assertSame(active, standby, 1);
        assertThat(content(standby).getFirst().extras & SyncExtras.SYN_PROXY).isNotZero();
        byte[] up = flow.client("P.", 1, 1).payload(100).build();
        byte[] down = flow.server(".", 1, 1).payload(100).build();
        // Both directors make the same of the same packets.
        for (TestDirector each : List.of(active, standby)) {
            each.send(0, up);
        }
        assertThat(standby.expect(1)).isEqualTo(active.expect(1));
        for (TestDirector each : List.of(active, standby)) {
            each.send(1, down);
        }
        assertThat(standby.expect(0)).isEqualTo(active.expect(0));
        assertSame(active, standby, 1);
    }

    @ParameterizedTest
    @EnumSource(
            value = Way.class,
            names = {"FULLNAT4", "FULLNAT6"})
    void theOtherDirectorTellsTheServerTheClientsAddress(Way way) {
        Consumer<TestDirector> rules = director -> ProxyFlow.service(director, way, true);
        TestDirector active = director(1, rules);
        TestDirector standby = director(1, rules);
        ProxyFlow flow = new ProxyFlow(active, way, 40_000, 0x7000_0000);
        flow.syn();
        flow.ack();
        flow.synAck(0x1234_5678);
        active.drain(0);
        active.drain(1);
        tell(active, standby);
        assertThat(content(standby).getFirst().extras & SyncExtras.ADDRESS_PENDING)
                .isEqualTo(content(active).getFirst().extras & SyncExtras.ADDRESS_PENDING);
        assertSame(active, standby, 1);
        byte[] up = flow.client("P.", 1, 1).payload(100).build();
        active.send(0, up);
        standby.send(0, up);
        assertThat(standby.expect(1)).isEqualTo(active.expect(1));
        assertSame(active, standby, 1);
    }
}
