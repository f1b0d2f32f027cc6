package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import lvsd.dataplane.service.Service;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.Protocol;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** Direct routing: the server gets the client's packet with another MAC and TTL, and nothing comes back this way. */
class DirectTest extends PipelineTest {
    private static PacketBuilder in(Way way) {
        return way.arriving(0, way.client(), way.vip());
    }

    private static PacketBuilder out(Way way) {
        return way.leaving(1, way.client(), way.vip());
    }

    private Service service(Way way, Protocol protocol) {
        return director.service(protocol, way.vip(), 80, ForwardingMethod.ROUTE, way.server() + ":80");
    }

    private void passes(PacketBuilder sent, PacketBuilder expected) {
        director.send(0, sent.build());
        Packets.assertSame(director.expect(1), expected.build());
    }

    /** The states are those of the table for one direction: recorded as dr-tcp. */
    @ParameterizedTest
    @EnumSource(
            mode = Mode.INCLUDE,
            names = {"NAT4", "NAT6"})
    void shouldPassTcpOn(Way way) {
        Service service = service(way, Protocol.TCP);
        passes(
                in(way).tcp(7, 80).flags("S").seq(1),
                out(way).ttl(63).tcp(7, 80).flags("S").seq(1));
        assertThat(row().state()).isEqualTo("SYN_RECV");
        passes(
                in(way).tcp(7, 80).flags(".").seq(2).ack(9).payload(10),
                out(way).ttl(63).tcp(7, 80).flags(".").seq(2).ack(9).payload(10));
        assertThat(row().state()).isEqualTo("ESTABLISHED");
        assertThat(director.totals(service, 0).active()).isEqualTo(1);
        passes(
                in(way).tcp(7, 80).flags("F.").seq(12).ack(9),
                out(way).ttl(63).tcp(7, 80).flags("F.").seq(12).ack(9));
        assertThat(row().state()).isEqualTo("FIN_WAIT");
        assertThat(row().server()).isEqualTo(TestDirector.ip(way.server()));
        assertThat(row().serverPort()).isEqualTo(80);
        assertThat(row().method()).isEqualTo(3);
        assertThat(director.totals(service, 0).inPackets()).isEqualTo(3);
        assertThat(director.totals(service, 0).outPackets()).isZero();
        director.advance(121_000);
        assertThat(director.connections()).isEmpty();
        assertThat(director.drops()).isEmpty();
    }

    private ConnectionRow row() {
        return director.connections().getFirst();
    }

    @ParameterizedTest
    @EnumSource(
            mode = Mode.INCLUDE,
            names = {"NAT4", "NAT6"})
    void shouldPassDatagramsOnAsTheyAre(Way way) {
        service(way, Protocol.UDP);
        for (int i = 0; i < 3; i++) {
            passes(in(way).udp(7, 80).payload(i), out(way).ttl(63).udp(7, 80).payload(i));
        }
    }

    @ParameterizedTest
    @EnumSource(
            mode = Mode.INCLUDE,
            names = {"NAT4", "NAT6"})
    void shouldSayWhenTheTtlIsOver(Way way) {
        service(way, Protocol.UDP);
        director.send(0, in(way).ttl(1).udp(7, 80).build());
        director.expectNothing(1);
        assertThat(director.any(0)).isTrue();
        assertThat(director.drops()).isEqualTo("ttl-exceeded=1 ");
    }

    @ParameterizedTest
    @EnumSource(
            mode = Mode.INCLUDE,
            names = {"NAT4", "NAT6"})
    void shouldPassTheClientsErrorsOn(Way way) {
        service(way, Protocol.UDP);
        passes(in(way).udp(7, 80).payload(1), out(way).ttl(63).udp(7, 80).payload(1));
        byte[] quote = way.ip(PacketBuilder.eth(TestDirector.PEERS[0], TestDirector.MACS[0]), way.vip(), way.client())
                .udp(80, 7)
                .payload(9)
                .buildIp();
        passes(
                (way.ipv6 ? in(way).icmp(1, 4) : in(way).icmp(3, 3)).quote(quote),
                (way.ipv6 ? out(way).ttl(63).icmp(1, 4) : out(way).ttl(63).icmp(3, 3)).quote(quote));
    }

    @ParameterizedTest
    @EnumSource(
            mode = Mode.INCLUDE,
            names = {"NAT4", "NAT6"})
    void shouldReuseAPortInFinWaitIfToldTo(Way way) {
        try (TestDirector two = new TestDirector(1, Map.of("conn_reuse_mode", "3"))) {
            String second = way.ipv6 ? "2001:db8:b::3" : TestDirector.RS2;
            two.service(Protocol.TCP, way.vip(), 80, ForwardingMethod.ROUTE, way.server() + ":80", second + ":80");
            for (String flags : new String[] {"S", ".", "F."}) {
                two.send(0, in(way).tcp(7, 80).flags(flags).seq(1).build());
                assertThat(two.any(1)).isTrue();
            }
            String first = two.connections().getFirst().server().getHostAddress();
            two.send(0, in(way).tcp(7, 80).flags("S").seq(100).build());
            assertThat(two.any(1)).isTrue();
            assertThat(two.connections())
                    .singleElement()
                    .satisfies(row -> assertThat(row.server().getHostAddress()).isNotEqualTo(first));
        }
    }
}
