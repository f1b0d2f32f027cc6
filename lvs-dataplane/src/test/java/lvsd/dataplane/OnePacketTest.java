package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import lvsd.dataplane.service.Service;
import lvsd.rules.Protocol;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** One-packet scheduling: every datagram finds its own server, and every answer its way back. */
class OnePacketTest extends PipelineTest {
    private static final String[] SERVERS4 = {TestDirector.RS1, TestDirector.RS2};
    private static final String[] SERVERS6 = {TestDirector.RS1_6, "2001:db8:b::3"};

    private static String[] servers(Way way) {
        return way.ipv6 ? SERVERS6 : SERVERS4;
    }

    private Service service(Way way) {
        String[] servers = servers(way);
        return director.service(
                TestDirector.onePacket(way.vip(), 53), way.method, servers[0] + ":5353", servers[1] + ":5353");
    }

    private byte[] ask(Way way, int port) {
        director.send(
                0,
                way.arriving(0, way.client(), way.vip())
                        .udp(port, 53)
                        .payload(20)
                        .build());
        return director.expect(1);
    }

    private static PacketBuilder atServer(Way way, String server, int port) {
        return way.leaving(1, way.peer(), server).ttl(63).udp(port, 5353).payload(20);
    }

    @ParameterizedTest
    @EnumSource
    void shouldScheduleEveryDatagramOfOneClientAnew(Way way) {
        Service service = service(way);
        String[] servers = servers(way);
        for (int i = 0; i < 6; i++) {
            byte[] frame = ask(way, 1000);
            int port = Flow.at16(frame, way.l4());
            String server = servers[1 - i % 2]; // the server added last comes first
            Packets.assertSame(frame, atServer(way, server, port).build());
            Packets.assertChecksums(frame);
            director.send(
                    1,
                    way.arriving(1, server, way.peer())
                            .udp(5353, port)
                            .payload(30)
                            .build());
            byte[] answer = director.expect(0);
            Packets.assertSame(
                    answer,
                    way.leaving(0, way.vip(), way.client())
                            .ttl(63)
                            .udp(53, 1000)
                            .payload(30)
                            .build());
            Packets.assertChecksums(answer);
        }
        for (int i = 0; i < 2; i++) {
            assertThat(director.totals(service, i).connections()).isEqualTo(3);
            assertThat(director.totals(service, i).inPackets()).isEqualTo(3);
            assertThat(director.totals(service, i).outPackets()).isEqualTo(3);
        }
        director.advance(11_000);
        assertThat(director.connections()).isEmpty();
        assertThat(director.totals(service, 0).inactive()).isZero();
        assertThat(director.drops()).isEmpty();
    }

    @Test
    void shouldListNoConnectionsWithNat() {
        Service service = service(Way.NAT4);
        ask(Way.NAT4, 1000);
        assertThat(director.connections()).isEmpty();
        assertThat(director.totals(service, 0).inactive()).isZero();
        assertThat(director.totals(service, 0).active()).isZero();
    }

    @Test
    void shouldKeepAServicesPortWhereItServesAll() {
        director.service(TestDirector.onePacket(TestDirector.VIP, 0), Way.NAT4.method, TestDirector.RS1 + ":0");
        Way way = Way.NAT4;
        director.send(0, way.arriving(0, way.client(), way.vip()).udp(7, 99).build());
        Packets.assertSame(
                director.expect(1),
                way.leaving(1, way.client(), way.server()).ttl(63).udp(7, 99).build());
        director.send(1, way.arriving(1, way.server(), way.client()).udp(99, 7).build());
        Packets.assertSame(
                director.expect(0),
                way.leaving(0, way.vip(), way.client()).ttl(63).udp(99, 7).build());
    }

    @Test
    void shouldAnswerThroughAnyWorker() {
        Way way = Way.NAT4;
        try (TestDirector two = new TestDirector(2, Map.of())) {
            two.service(TestDirector.onePacket(way.vip(), 53), way.method, way.server() + ":5353");
            for (int port = 1; port <= 16; port++) {
                two.send(
                        port & 1,
                        0,
                        way.arriving(0, way.client(), way.vip()).udp(port, 53).build());
                two.expect(1);
                two.send(
                        port >> 1 & 1,
                        1,
                        way.arriving(1, way.server(), way.client())
                                .udp(5353, port)
                                .build());
                Packets.assertSame(
                        two.expect(0),
                        way.leaving(0, way.vip(), way.client())
                                .ttl(63)
                                .udp(53, port)
                                .build());
            }
            assertThat(two.drops()).isEmpty();
            assertThat(two.outstanding()).isZero();
        }
    }

    @Test
    void shouldDropTheAnswersOfARemovedServer() {
        Service service = service(Way.NAT4);
        int port = Flow.at16(ask(Way.NAT4, 1000), Way.NAT4.l4());
        director.withoutDestinations(service);
        director.send(
                1,
                Way.NAT4
                        .arriving(1, TestDirector.RS2, TestDirector.CLIENT)
                        .udp(5353, port)
                        .build());
        director.expectNothing(0);
    }

    @Test
    void shouldTellAServerWithoutConnectionSoOnlyWhenAsked() {
        director.service(Protocol.UDP, TestDirector.VIP, 53, Way.NAT4.method, TestDirector.RS1 + ":5353");
        director.service(Protocol.TCP, TestDirector.VIP, 80, Way.NAT4.method, TestDirector.RS1 + ":8080");
        Way way = Way.NAT4;
        PacketBuilder udp =
                way.arriving(1, way.server(), way.client()).udp(5353, 999).payload(20);
        director.send(1, udp.build());
        director.expectNothing(0);
        director.expectNothing(1);
        director.setting("nat_icmp_send", "1");
        director.send(1, udp.build());
        Packets.assertSame(
                director.expect(1),
                way.leaving(1, way.director(1), way.server())
                        .tos(0xc0)
                        .icmp(3, 3)
                        .quote(way.arriving(1, way.server(), way.client())
                                .ttl(63)
                                .udp(5353, 999)
                                .payload(20)
                                .buildIp())
                        .build(),
                "ip.id",
                "ip.checksum");
        PacketBuilder reset = way.arriving(1, way.server(), way.client())
                .tcp(8080, 999)
                .flags("R")
                .seq(1);
        director.send(1, reset.build());
        director.expectNothing(1);
        director.send(
                1,
                way.arriving(1, way.server(), way.client())
                        .tcp(8080, 999)
                        .flags(".")
                        .seq(1)
                        .ack(1)
                        .build());
        assertThat(director.any(1)).isTrue();
        director.send(
                1,
                way.arriving(1, way.server(), way.client())
                        .tcp(8081, 999)
                        .flags(".")
                        .seq(1)
                        .ack(1)
                        .build());
        director.expectNothing(1);
    }
}
