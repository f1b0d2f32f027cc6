package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import lvsd.dataplane.service.Service;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.Protocol;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** ICMP errors about balanced connections, from either side, and those that the director itself makes of held packets. */
class IcmpErrorTest extends PipelineTest {
    /** Every way and protocol, and how much of the quoted transport header is there: -1 all. */
    static Stream<Arguments> errors() {
        return Stream.of(Way.values())
                .flatMap(way -> Stream.of(true, false)
                        .flatMap(tcp -> Stream.of(8, 14, 16, 18, 20, 27, -1)
                                .filter(quoted -> tcp || quoted < 18)
                                .map(quoted -> Arguments.of(way, tcp, quoted))));
    }

    private Flow established(Way way, boolean tcp) {
        Flow.service(director, way, tcp);
        Flow flow = new Flow(director, way, tcp, 1234);
        if (tcp) {
            flow.establish(1000, 5000);
        } else {
            flow.upDatagram(10);
            flow.downDatagram(10);
        }
        return flow;
    }

    private static PacketBuilder error(Way way, PacketBuilder ip, int kind) {
        return switch (kind) {
            case 0 -> way.ipv6 ? ip.icmp(1, 4) : ip.icmp(3, 3);
            case 1 -> way.ipv6 ? ip.icmp(2, 0).rest(1300) : ip.icmp(3, 4).rest(1300);
            default -> way.ipv6 ? ip.icmp(3, 0) : ip.icmp(11, 0);
        };
    }

    /** A client's "port unreachable" about the answer of the UDP service at port 80. */
    static PacketBuilder unreachable(Way way, int clientPort) {
        byte[] quote = way.leaving(0, way.vip(), way.client())
                .udp(80, clientPort)
                .payload(4)
                .buildIp();
        return error(way, way.arriving(0, way.client(), way.vip()), 0).quote(quote);
    }

    /** That as a server gets it: what it would have sent itself. */
    private static PacketBuilder atServer(Way way, String server, int clientPort) {
        byte[] quote = way.leaving(1, server, way.client())
                .udp(8080, clientPort)
                .payload(4)
                .buildIp();
        return error(way, way.leaving(1, way.client(), server).ttl(63), 0).quote(quote);
    }

    private static byte[] cut(Way way, PacketBuilder packet, int quoted) {
        byte[] whole = packet.buildIp();
        return quoted < 0 ? whole : Arrays.copyOf(whole, way.ipHeader() + quoted);
    }

    @ParameterizedTest
    @MethodSource("errors")
    void shouldTranslateErrorsOfTheServersSide(Way way, boolean tcp, int quoted) {
        Flow flow = established(way, tcp);
        PacketBuilder got =
                flow.atServer().flags("P.").seq(1001 + flow.sequence).ack(5001).payload(40);
        PacketBuilder sent =
                flow.fromClient().ttl(63).flags("P.").seq(1001).ack(5001).payload(40);
        String router = way.ipv6 ? "2001:db8:b::77" : "198.18.20.77";
        for (int kind = 0; kind < 3; kind++) {
            for (String from : List.of(way.server(), router)) {
                director.send(
                        1,
                        error(way, way.arriving(1, from, way.peer()), kind)
                                .quote(cut(way, got, quoted))
                                .build());
                byte[] frame = director.expect(0);
                Packets.assertSame(
                        frame,
                        error(way, way.leaving(0, way.vip(), way.client()).ttl(63), kind)
                                .quote(cut(way, sent, quoted))
                                .build());
                Packets.assertChecksums(frame);
            }
        }
        assertThat(director.totals(director.first(), 0).outPackets()).isEqualTo(7);
    }

    @ParameterizedTest
    @MethodSource("errors")
    void shouldTranslateErrorsOfTheClientsSide(Way way, boolean tcp, int quoted) {
        Flow flow = established(way, tcp);
        PacketBuilder got = flow.atClient().flags("P.").seq(5001).ack(1001).payload(40);
        PacketBuilder sent = flow.fromServer()
                .ttl(63)
                .flags("P.")
                .seq(5001)
                .ack(1001 + flow.sequence)
                .payload(40);
        String router = way.ipv6 ? "2001:db8:a::77" : "198.18.10.77";
        for (int kind = 0; kind < 3; kind++) {
            for (String from : List.of(way.client(), router)) {
                director.send(
                        0,
                        error(way, way.arriving(0, from, way.vip()), kind)
                                .quote(cut(way, got, quoted))
                                .build());
                byte[] frame = director.expect(1);
                String source = way.fullnat() ? way.peer() : from;
                Packets.assertSame(
                        frame,
                        error(way, way.leaving(1, source, way.server()).ttl(63), kind)
                                .quote(cut(way, sent, quoted))
                                .build());
                Packets.assertChecksums(frame);
            }
        }
    }

    /** Asked of Linux 6.1: 3 seconds, whatever further errors come; a packet of the server's makes it last. */
    @ParameterizedTest
    @EnumSource
    void shouldWaitForPacketsAsTheKernelDoes(Way way) {
        director.setting("schedule_icmp", "1");
        Flow.service(director, way, false);
        director.send(0, unreachable(way, 1234).build());
        director.advance(2000);
        director.send(0, unreachable(way, 1234).build());
        assertThat(director.drain(1)).isEqualTo(2);
        director.advance(900);
        assertThat(director.connections()).hasSize(1);
        director.advance(200);
        assertThat(director.connections()).isEmpty();

        director.send(0, unreachable(way, 1234).build());
        byte[] error = director.expect(1);
        Flow flow = new Flow(director, way, false, 1234);
        flow.peerPort = Flow.at16(error, way.l4() + 8 + way.ipHeader() + 2);
        flow.downDatagram(10);
        director.advance(10_000);
        assertThat(director.connections())
                .singleElement()
                .satisfies(row -> assertThat(row.expiresMillis()).isBetween(280_000L, 295_000L));
    }

    /** As recorded from the kernel: each error for itself goes to a server, counts there, and nothing is remembered. */
    @ParameterizedTest
    @ValueSource(strings = {"NAT4", "NAT6"})
    void shouldScheduleEveryErrorOfAOnePacketService(Way way) {
        director.setting("schedule_icmp", "1");
        String other = way.ipv6 ? "2001:db8:b::3" : TestDirector.RS2;
        Service service = director.service(
                TestDirector.onePacket(way.vip(), 80), way.method, way.server() + ":8080", other + ":8080");
        for (String server : List.of(other, way.server(), other, way.server())) {
            director.send(0, unreachable(way, 1234).build());
            byte[] frame = director.expect(1);
            Packets.assertSame(frame, atServer(way, server, 1234).build());
            Packets.assertChecksums(frame);
        }
        assertThat(director.connections()).isEmpty();
        for (int i = 0; i < 2; i++) {
            assertThat(director.totals(service, i).connections()).isEqualTo(2);
            assertThat(director.totals(service, i).inPackets()).isEqualTo(2);
            assertThat(director.totals(service, i).inactive()).isZero();
        }
    }

    @Test
    void shouldScheduleErrorsOfDirectOnePacketServices() {
        Way way = Way.NAT4;
        director.setting("schedule_icmp", "1");
        director.service(TestDirector.onePacket(way.vip(), 80), ForwardingMethod.ROUTE, way.server() + ":80");
        director.send(0, unreachable(way, 1234).build());
        byte[] frame = director.expect(1);
        byte[] sent = unreachable(way, 1234).build();
        assertThat(Arrays.copyOfRange(frame, way.l4(), frame.length))
                .isEqualTo(Arrays.copyOfRange(sent, way.l4(), sent.length));
        assertThat(director.connections()).isEmpty();
    }

    /** The local port that a FULLNAT server would be told of is one that it has never heard of. */
    @ParameterizedTest
    @ValueSource(strings = {"FULLNAT4", "FULLNAT6"})
    void shouldOpenNothingForErrorsOfOnePacketServicesWithFullnat(Way way) {
        director.setting("schedule_icmp", "1");
        director.service(TestDirector.onePacket(way.vip(), 80), way.method, way.server() + ":8080");
        director.send(0, unreachable(way, 1234).build());
        director.expectNothing(1);
        assertThat(director.drops(DropReason.NO_CONNECTION)).isEqualTo(1);
        assertThat(director.connections()).isEmpty();
    }

    /** As recorded from the kernel: an error has no Call-ID. */
    @ParameterizedTest
    @ValueSource(strings = {"NAT4", "NAT6"})
    void shouldDropErrorsOfCalls(Way way) {
        director.setting("schedule_icmp", "1");
        director.service(TestDirector.byCall(way.vip(), 80, 60), way.method, way.server() + ":8080");
        director.send(0, unreachable(way, 1234).build());
        director.expectNothing(0);
        director.expectNothing(1);
        assertThat(director.drops()).isEqualTo("no-call-id=1 ");
    }

    /** Several workers: the error waits for the template as any first packet does, and its connection hangs on it. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void shouldAskForTheTemplateOfAnErrorsClient(int workers) {
        try (TestDirector several = new TestDirector(workers, Map.of("schedule_icmp", "1"))) {
            Way way = Way.NAT4;
            Service service = several.service(
                    TestDirector.persistent(Protocol.UDP, way.vip(), 80, 60, -1),
                    way.method,
                    way.server() + ":8080",
                    TestDirector.RS2 + ":8080");
            Set<String> servers = new HashSet<>();
            for (int port = 1001; port <= 1040; port++) {
                several.send(port % workers, 0, unreachable(way, port).build());
                byte[] frame = several.expect(1);
                Packets.assertChecksums(frame);
                servers.add((frame[30] & 0xff) + "." + (frame[33] & 0xff));
            }
            assertThat(servers).hasSize(1);
            assertThat(several.totals(service, 0).persistent()
                            + several.totals(service, 1).persistent())
                    .isEqualTo(1);
            assertThat(several.connections().stream().filter(row -> row.clientPort() != 0))
                    .hasSize(40);
            several.advance(3100);
            assertThat(several.connections().stream().filter(row -> row.clientPort() != 0))
                    .isEmpty();
            several.advance(70_000);
            assertThat(several.connections()).isEmpty();
            several.withoutDestinations(service);
            for (int port = 2001; port <= 2010; port++) {
                several.send(port % workers, 0, unreachable(way, port).build());
                several.expectNothing(1);
            }
            assertThat(several.drops(DropReason.NO_DESTINATION)).isEqualTo(10);
            assertThat(several.outstanding()).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldKeepWhatAnErrorOpenedForItsTime(Way way) {
        director.setting("schedule_icmp", "1");
        director.setting("timeout_icmp", "5");
        Flow.service(director, way, false);
        Flow flow = new Flow(director, way, false, 1234);
        byte[] error = error(way, way.arriving(0, way.client(), way.vip()), 0)
                .quote(cut(way, flow.atClient().payload(9), -1))
                .build();
        director.send(0, error);
        director.expect(1);
        assertThat(director.connections())
                .singleElement()
                .satisfies(row -> assertThat(row.expiresMillis()).isBetween(4000L, 5000L));
        director.advance(5100);
        assertThat(director.connections()).isEmpty();

        director.send(0, error);
        director.expect(1);
        flow.upDatagram(10);
        director.advance(6000);
        assertThat(director.connections())
                .singleElement()
                .satisfies(row -> assertThat(row.expiresMillis()).isGreaterThan(200_000));
    }

    @ParameterizedTest
    @EnumSource
    void shouldTranslateQuotedOptions(Way way) {
        Flow.service(director, way, true);
        Flow flow = new Flow(director, way, true, 4);
        flow.open(1, PacketBuilder.timestamps(7, 0));
        int t = 0;
        if (way.fullnat()) {
            // The timestamp's shift shows in the second segment.
            director.send(
                    0,
                    flow.fromClient()
                            .flags("S")
                            .seq(1)
                            .options(PacketBuilder.timestamps(0, 0))
                            .build());
            t = Flow.at32(director.expect(1), way.l4() + 22);
        }
        byte[] got = flow.atServer()
                .flags(".")
                .seq(2 + flow.sequence)
                .ack(9)
                .options(PacketBuilder.timestamps(8 + t, 3))
                .buildIp();
        byte[] sent = flow.fromClient()
                .ttl(63)
                .flags(".")
                .seq(2)
                .ack(9)
                .options(PacketBuilder.timestamps(8, 3))
                .buildIp();
        director.send(
                1,
                error(way, way.arriving(1, way.server(), way.peer()), 0)
                        .quote(got)
                        .build());
        Packets.assertSame(
                director.expect(0),
                error(way, way.leaving(0, way.vip(), way.client()).ttl(63), 0)
                        .quote(sent)
                        .build());
    }

    @ParameterizedTest
    @EnumSource
    void shouldTranslateTheFirstFragmentButNoLaterOne(Way way) {
        Flow flow = established(way, false);
        PacketBuilder got = flow.atServer().payload(40);
        PacketBuilder sent = flow.fromClient().ttl(63).payload(40);
        if (!way.ipv6) {
            director.send(
                    1,
                    error(way, way.arriving(1, way.server(), way.peer()), 0)
                            .quote(got.copy().fragment(0, true).buildIp())
                            .build());
            Packets.assertSame(
                    director.expect(0),
                    error(way, way.leaving(0, way.vip(), way.client()).ttl(63), 0)
                            .quote(sent.fragment(0, true).buildIp())
                            .build());
            got.fragment(8, false);
        } else {
            got.fragmentHeader(8, false, 1);
        }
        director.send(
                0,
                error(way, way.arriving(0, way.client(), way.vip()), 0)
                        .quote(got.buildIp())
                        .build());
        director.expectNothing(1);
        assertThat(director.drops(DropReason.ICMP_QUOTE)).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource
    void shouldDropWhatIsWrong(Way way) {
        Flow flow = established(way, true);
        byte[] quote = flow.atClient().flags(".").seq(5001).ack(1001).buildIp();
        PacketBuilder good =
                error(way, way.arriving(0, way.client(), way.vip()), 0).quote(quote);
        director.send(0, good.copy().lieChecksum(0x1234).build());
        assertThat(director.drops()).isEqualTo("bad-transport-checksum=1 ");
        director.send(
                0, good.copy().quote(Arrays.copyOf(quote, way.ipHeader() + 7)).build());
        assertThat(director.drops(DropReason.ICMP_QUOTE)).isEqualTo(1);
        director.send(0, good.copy().ttl(1).build());
        assertThat(director.drops(DropReason.TTL_EXCEEDED)).isEqualTo(1);
        director.send(
                0, good.copy().quote(flow.fromServer().tcp(80, 1235).buildIp()).build());
        assertThat(director.drops(DropReason.NOT_SERVED)).isEqualTo(1);
        if (!way.ipv6) {
            director.send(0, good.copy().icmp(5, 1).rest(0x01020304).build());
            assertThat(director.drops(DropReason.NOT_SERVED)).isEqualTo(2);
        }
        director.withoutDestinations(director.first());
        director.send(0, good.build());
        assertThat(director.drops(DropReason.DESTINATION_GONE)).isEqualTo(1);
        director.expectNothing(1);
        director.expectNothing(0);
    }

    @ParameterizedTest
    @EnumSource
    void shouldAnswerHostUnreachableInTheClientsOwnWords(Way way) {
        director.answering[1] = false;
        Flow.service(director, way, true, true);
        Flow flow = new Flow(director, way, true, 99);
        byte[][] options = {PacketBuilder.mss(1460), PacketBuilder.timestamps(5, 0)};
        PacketBuilder syn =
                flow.fromClient().flags("S").seq(1000).options(options).payload(3);
        director.send(0, syn.build());
        director.expectNothing(1);
        assertThat(director.outstanding()).isEqualTo(1);
        for (int i = 0; i < 6; i++) {
            director.advance(1000);
            director.expectNothing(1);
        }
        PacketBuilder error = way.leaving(0, way.vip(), way.client());
        error = way.ipv6 ? error.icmp(1, 3) : error.tos(0xc0).icmp(3, 1);
        byte[] frame = director.expect(0);
        Packets.assertSame(frame, error.quote(syn.ttl(63).buildIp()).build(), "ip.id", "ip.checksum");
        Packets.assertChecksums(frame);
        assertThat(director.drops(DropReason.NEIGHBOUR_FAILED)).isEqualTo(1);
    }

    @Test
    void shouldTellTheServerWhenTheClientIsGone() {
        director.answering[0] = false;
        Flow.service(director, Way.FULLNAT4, true);
        Flow flow = new Flow(director, Way.FULLNAT4, true, 99).open(1000);
        PacketBuilder reply = flow.fromServer().flags("S.").seq(7).ack(1001 + flow.sequence);
        director.send(1, reply.build());
        for (int i = 0; i < 6; i++) {
            director.advance(1000);
            director.expectNothing(0);
        }
        Packets.assertSame(
                director.expect(1),
                Way.FULLNAT4
                        .leaving(1, TestDirector.LIP, TestDirector.RS1)
                        .tos(0xc0)
                        .icmp(3, 1)
                        .quote(reply.ttl(63).buildIp())
                        .build(),
                "ip.id",
                "ip.checksum");
    }
}
