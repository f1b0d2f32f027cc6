package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import lvsd.dataplane.service.Service;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.Protocol;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is not forwarded: what the sender is told, what is counted, and that nothing else happens. */
class RefusalTest extends PipelineTest {
    /** An ICMP error from the VIP, exact but for what the IP layer numbers. */
    private void expectError(PacketBuilder error, byte[] quote) {
        byte[] frame = director.expect(0);
        Packets.assertSame(frame, error.quote(quote).build(), "ip.id", "ip.checksum");
        Packets.assertChecksums(frame);
        director.expectNothing(0);
        director.expectNothing(1);
    }

    private static PacketBuilder fromVip(Way way) {
        PacketBuilder ip = way.leaving(0, way.vip(), way.client());
        return way.ipv6 ? ip : ip.tos(0xc0);
    }

    @ParameterizedTest
    @EnumSource
    void shouldAnswerTimeExceededAndStillKeepTheConnection(Way way) {
        Flow.service(director, way, true);
        Flow flow = tcp(way, 5);
        PacketBuilder syn = flow.fromClient().ttl(1).flags("S").seq(4);
        director.send(0, syn.build());
        expectError(way.ipv6 ? fromVip(way).icmp(3, 0) : fromVip(way).icmp(11, 0), syn.buildIp());
        assertThat(director.drops()).isEqualTo("ttl-exceeded=1 ");
        assertThat(flow.row().state()).isEqualTo("SYN_RECV");
    }

    @ParameterizedTest
    @EnumSource
    void shouldTellTheMtuOfTheServersSide(Way way) {
        restart(TestDirector.config(
                1,
                Map.of(),
                64,
                TestDirector.port("wan0", "net_null", 1500, List.of(), "198.18.10.1", "2001:db8:a::1"),
                TestDirector.port("lan0", "net_null", 1300, List.of(), "198.18.20.1", "2001:db8:b::1")));
        Service service = Flow.service(director, way, true);
        Flow flow = tcp(way, 5).establish(1, 2);
        flow.up("P.", 2, 3, 1300 - way.ipHeader() - 20);
        long before = director.totals(service, 0).inPackets();
        PacketBuilder big = flow.fromClient().df().flags("P.").seq(2).ack(3).payload(1301 - way.ipHeader() - 20);
        director.send(0, big.build());
        PacketBuilder error = way.ipv6 ? fromVip(way).icmp(2, 0) : fromVip(way).icmp(3, 4);
        int quoted = way.ipv6 ? 1280 - 48 : 576 - 28;
        expectError(error.rest(1300), Arrays.copyOf(big.ttl(63).buildIp(), quoted));
        assertThat(director.drops()).isEqualTo("too-big=1 ");
        assertThat(director.totals(service, 0).inPackets())
                .as("counted all the same, as by the kernel")
                .isEqualTo(before + 1);
    }

    @ParameterizedTest
    @EnumSource
    void shouldTellTheServerTheMtuOfTheClientsSide(Way way) {
        restart(TestDirector.config(
                1,
                Map.of(),
                64,
                TestDirector.port("wan0", "net_null", 1300, List.of(), "198.18.10.1", "2001:db8:a::1"),
                TestDirector.port("lan0", "net_null", 1500, List.of(), "198.18.20.1", "2001:db8:b::1")));
        Flow.service(director, way, true);
        Flow flow = tcp(way, 5).establish(1, 2);
        PacketBuilder big =
                flow.fromServer().df().flags("P.").seq(3).ack(2 + flow.sequence).payload(1400);
        director.send(1, big.build());
        String source = way.fullnat() ? way.peer() : way.director(1);
        PacketBuilder error = way.leaving(1, source, way.server());
        error = way.ipv6 ? error.icmp(2, 0) : error.tos(0xc0).icmp(3, 4);
        int quoted = way.ipv6 ? 1280 - 48 : 576 - 28;
        Packets.assertSame(
                director.expect(1),
                error.rest(1300).quote(Arrays.copyOf(big.buildIp(), quoted)).build(),
                "ip.id",
                "ip.checksum");
    }

    @ParameterizedTest
    @EnumSource
    void shouldResetSegmentsWithoutConnection(Way way) {
        Flow.service(director, way, true);
        Flow flow = tcp(way, 5);
        PacketBuilder reset =
                way.leaving(0, way.vip(), way.client()).df().tcp(80, 5).window(0);
        director.send(0, flow.fromClient().flags(".").seq(7).ack(77).build());
        Packets.assertSame(director.expect(0), reset.copy().flags("R").seq(77).build());
        director.send(0, flow.fromClient().flags("F").seq(7).payload(10).build());
        Packets.assertSame(director.expect(0), reset.copy().flags("R.").ack(18).build());
        director.send(0, flow.fromClient().flags("R").seq(7).build());
        director.expectNothing(0);
        director.expectNothing(1);
        assertThat(director.connections()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void shouldRefusePortsThatNobodyServes(Way way) {
        Flow.service(director, way, true);
        PacketBuilder syn =
                way.arriving(0, way.client(), way.vip()).tcp(5, 81).flags("S").seq(7);
        director.send(0, syn.build());
        Packets.assertSame(
                director.expect(0),
                way.leaving(0, way.vip(), way.client())
                        .df()
                        .tcp(81, 5)
                        .flags("R.")
                        .ack(8)
                        .window(0)
                        .build());
        PacketBuilder datagram =
                way.arriving(0, way.client(), way.vip()).udp(5, 80).payload(9);
        director.send(0, datagram.build());
        expectError(way.ipv6 ? fromVip(way).icmp(1, 4) : fromVip(way).icmp(3, 3), datagram.buildIp());
        assertThat(director.drops(DropReason.NOT_SERVED)).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource
    void shouldAnswerPortUnreachableWithoutServers(Way way) {
        Service service = Flow.service(director, way, true);
        director.withoutDestinations(service);
        PacketBuilder syn = tcp(way, 5).fromClient().ttl(9).flags("S").seq(7);
        director.send(0, syn.build());
        expectError(way.ipv6 ? fromVip(way).icmp(1, 4) : fromVip(way).icmp(3, 3), syn.buildIp());
        assertThat(director.drops()).isEqualTo("no-destination=1 ");
        assertThat(director.connections()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(names = {"NAT4", "NAT6"})
    void shouldRefuseAServerOfTheOtherFamilyWithoutTunnel(Way way) {
        String other = way.ipv6 ? TestDirector.RS1 : TestDirector.RS1_6;
        director.service(Protocol.TCP, way.vip(), 80, ForwardingMethod.ROUTE, other + ":80");
        director.send(0, tcp(way, 5).fromClient().flags("S").build());
        director.expectNothing(0);
        director.expectNothing(1);
        assertThat(director.drops()).isEqualTo("method-not-available=1 ");
        assertThat(director.connections()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(names = {"NAT4", "NAT6"})
    void shouldRefuseWhatWouldLookLikeAnotherClientsConnection(Way way) {
        String otherVip = way.ipv6 ? "2001:db8:ff::11" : "192.0.2.11";
        Flow.service(director, way, true);
        Service second = director.service(Protocol.TCP, otherVip, 80, way.method, way.server() + ":8080");
        Flow flow = tcp(way, 5).establish(1, 2);
        director.send(
                0, way.arriving(0, way.client(), otherVip).tcp(5, 80).flags("S").build());
        director.expectNothing(1);
        assertThat(director.drops()).isEqualTo("tuple-conflict=1 ");
        assertThat(director.totals(second, 0).connections()).isZero();
        assertThat(director.connections()).hasSize(1);
        flow.up("P.", 2, 3, 5);
        flow.down("P.", 3, 7, 5);
        director.send(
                0, way.arriving(0, way.client(), otherVip).tcp(6, 80).flags("S").build());
        director.expect(1);
    }

    @ParameterizedTest
    @EnumSource(names = {"FULLNAT4", "FULLNAT6"})
    void shouldKeepApartWhatFullnatCanKeepApart(Way way) {
        String otherVip = way.ipv6 ? "2001:db8:ff::11" : "192.0.2.11";
        Flow.service(director, way, true);
        director.service(Protocol.TCP, otherVip, 80, way.method, way.server() + ":8080");
        tcp(way, 5).establish(1, 2);
        director.send(
                0, way.arriving(0, way.client(), otherVip).tcp(5, 80).flags("S").build());
        director.expect(1);
        assertThat(director.connections()).hasSize(2);
    }

    @ParameterizedTest
    @EnumSource(names = {"FULLNAT4", "FULLNAT6"})
    void shouldCountExhaustedLocalPorts(Way way) {
        restart(TestDirector.config(1, Map.of("fullnat_lport_min", "5000", "fullnat_lport_max", "5003"), 64));
        Service service = Flow.service(director, way, true);
        for (int port = 1; port <= 4; port++) {
            tcp(way, port).establish(port, 2);
        }
        director.send(0, tcp(way, 5).fromClient().flags("S").build());
        director.expectNothing(1);
        assertThat(director.drops()).isEqualTo("local-ports-exhausted=1 ");
        assertThat(director.dataplane
                        .localAddress(service.localAddresses[0].index)
                        .exhausted())
                .isEqualTo(1);
        assertThat(director.connections()).hasSize(4);
        assertThat(director.connections().stream().map(ConnectionRow::localPort))
                .containsExactlyInAnyOrder(5000, 5001, 5002, 5003);
    }

    @ParameterizedTest
    @EnumSource(names = {"FULLNAT4", "FULLNAT6"})
    void shouldRefuseFullnatWithoutALocalAddress(Way way) {
        Service service = Flow.service(director, way, true);
        director.withoutLocalAddresses(service);
        director.send(0, tcp(way, 5).fromClient().flags("S").build());
        director.expectNothing(1);
        assertThat(director.drops()).isEqualTo("no-local-address=1 ");
    }

    @ParameterizedTest
    @EnumSource
    void shouldRefuseAndCountWhenTheTableIsFull(Way way) {
        restart(TestDirector.config(1, Map.of(), 64));
        Service service = Flow.service(director, way, true);
        int opened = 0;
        for (int port = 1001; port <= 1200; port++) {
            director.send(0, tcp(way, port).fromClient().flags("S").build());
            opened += director.any(1) ? 1 : 0;
        }
        assertThat(opened).isBetween(32, 199);
        assertThat(director.drops(DropReason.TABLE_FULL)).isEqualTo(200 - opened);
        assertThat(director.connections()).hasSize(opened);
        assertThat(director.totals(service, 0).connections()).isEqualTo(opened);
        director.advance(61_000);
        assertThat(director.connections()).isEmpty();
        tcp(way, 300).establish(1, 2);
        assertThat(director.totals(service, 0).active()).isEqualTo(1);
        assertThat(director.totals(service, 0).inactive()).isZero();
    }

    @Test
    void shouldNotAnswerSourcesThatCannotBe() {
        Flow.service(director, Way.NAT4, true);
        for (String source : List.of("127.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", TestDirector.VIP)) {
            for (String flags : List.of("S", ".")) {
                for (int port : new int[] {80, 81}) {
                    director.send(
                            0,
                            Way.NAT4
                                    .arriving(0, source, TestDirector.VIP)
                                    .tcp(5, port)
                                    .flags(flags)
                                    .build());
                }
            }
        }
        director.expectNothing(0);
        director.expectNothing(1);
        assertThat(director.drops()).isEqualTo("martian-source=20 ");
    }

    @Test
    void shouldGiveEveryBadFrameItsReason() {
        Flow.service(director, Way.NAT4, true);
        Flow flow = tcp(Way.NAT4, 5).establish(1, 2);
        PacketBuilder good = flow.fromClient().flags(".").seq(2).ack(3).payload(20);
        byte[] whole = good.build();
        drop(DropReason.BAD_IP_CHECKSUM, good.copy().lieIpChecksum(1).build());
        drop(DropReason.BAD_IP_HEADER, good.copy().lieVersion(5).build());
        drop(DropReason.BAD_IP_HEADER, good.copy().lieIpHeaderLength(16).build());
        drop(DropReason.TRUNCATED, good.copy().lieIpLength(500).build());
        drop(DropReason.TRUNCATED, Arrays.copyOf(whole, 13));
        drop(DropReason.TRUNCATED, Arrays.copyOf(whole, 33));
        drop(DropReason.TRUNCATED, good.copy().lieIpLength(39).build());
        drop(DropReason.BAD_TRANSPORT_HEADER, good.copy().lieDataOffset(16).build());
        drop(DropReason.BAD_TRANSPORT_HEADER, good.copy().lieDataOffset(44).build());
        drop(DropReason.UNKNOWN_VLAN, good.copy().vlan(4).build());
        drop(DropReason.UNKNOWN_ETHERTYPE, good.copy().serviceVlan(4).build());
        drop(DropReason.UNKNOWN_ETHERTYPE, good.copy().etherType(0x88cc).build());
        byte[] stranger = good.build();
        stranger[5] ^= 1;
        drop(DropReason.NOT_OUR_MAC, stranger);
        flow.up("P.", 2, 3, 20);
    }

    private void drop(DropReason reason, byte[] frame) {
        long before = director.drops(reason);
        director.send(0, frame);
        assertThat(director.drops(reason)).as(Packets.print(frame)).isEqualTo(before + 1);
        director.expectNothing(0);
        director.expectNothing(1);
    }
}
