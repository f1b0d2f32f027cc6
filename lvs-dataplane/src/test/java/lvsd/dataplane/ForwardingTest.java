package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import lvsd.config.DaemonConfig;
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

/** Packets of connections through the whole pipeline: what goes in on one side and what comes out on the other. */
class ForwardingTest extends PipelineTest {
    private void assertLoad(Service service, long active, long inactive) {
        assertThat(director.totals(service, 0).active()).as("active").isEqualTo(active);
        assertThat(director.totals(service, 0).inactive()).as("inactive").isEqualTo(inactive);
    }

    @ParameterizedTest
    @EnumSource
    void shouldCarryAWholeConnection(Way way) {
        Service service = Flow.service(director, way, true);
        Flow flow = tcp(way, 1234).open(100);
        assertThat(flow.row().state()).isEqualTo("SYN_RECV");
        assertLoad(service, 1, 0);
        flow.down("S.", 500, 101, 0);
        flow.up(".", 101, 501, 0);
        assertThat(flow.row().state()).isEqualTo("ESTABLISHED");
        flow.up("P.", 101, 501, 333);
        flow.down(".", 501, 434, 0);
        flow.down("P.", 501, 434, 1400);
        flow.up("F.", 434, 1901, 0);
        assertThat(flow.row().state()).isEqualTo("CLOSE_WAIT");
        assertLoad(service, 0, 1);
        flow.down("F.", 1901, 435, 0);
        assertThat(flow.row().state()).isEqualTo("TIME_WAIT");
        flow.up(".", 435, 1902, 0);
        assertThat(flow.row().state()).isEqualTo("TIME_WAIT");
        assertThat(flow.row().packets()).isEqualTo(5);
        DataplaneControl.Totals totals = director.totals(service, 0);
        assertThat(totals.connections()).isEqualTo(1);
        assertThat(totals.inPackets()).isEqualTo(5);
        assertThat(totals.outPackets()).isEqualTo(4);
        int headers = way.ipHeader() + 20;
        assertThat(totals.inBytes()).isEqualTo(5L * headers + 333);
        assertThat(totals.outBytes()).isEqualTo(4L * headers + 1400);
        assertThat(director.drops()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void shouldCloseWhenEitherSideResets(Way way) {
        Service service = Flow.service(director, way, true);
        Flow flow = tcp(way, 1).establish(-5, 9);
        flow.up("R", -4, 0, 0);
        assertThat(flow.row().state()).isEqualTo("CLOSE");
        Flow other = tcp(way, 2).establish(-5, 9);
        other.down("R.", 10, -4, 0);
        assertThat(other.row().state()).isEqualTo("CLOSE");
        assertLoad(service, 0, 2);
        Flow refused = tcp(way, 3).open(7);
        refused.down("R.", 0, 8, 0);
        assertThat(refused.row().state()).isEqualTo("CLOSE");
    }

    @ParameterizedTest
    @EnumSource
    void shouldCarryDatagramsBothWays(Way way) {
        Service service = Flow.service(director, way, false);
        Flow flow = udp(way, 5353);
        flow.upDatagram(31);
        flow.downDatagram(1200);
        flow.upDatagram(0);
        flow.downDatagram(1);
        assertThat(flow.row().state()).isEqualTo("UDP");
        assertLoad(service, 0, 1);
        assertThat(director.totals(service, 0).inPackets()).isEqualTo(2);
        assertThat(director.totals(service, 0).outPackets()).isEqualTo(2);
    }

    /** Packets that change nothing have loops of their own, which those between them interrupt. */
    @ParameterizedTest
    @EnumSource
    void shouldCarryABurstOfAllKindsAsItCarriesEachAlone(Way way) {
        Flow.service(director, way, true);
        Flow.service(director, way, false);
        Flow segments = tcp(way, 9).open(7);
        Flow datagrams = udp(way, 5353);
        datagrams.upDatagram(8);
        byte[] segment =
                segments.fromClient().seq(8).ack(1).flags(".").payload(5).build();
        byte[] datagram = datagrams.fromClient().payload(9).build();
        byte[] unsummed = datagrams.fromClient().payload(33).lieChecksum(0).build();
        byte[] lastHop = datagrams.fromClient().payload(3).ttl(1).build();
        List<byte[]> frames = List.of(
                datagram, unsummed, segment, datagram, lastHop, segment, segment, unsummed, lastHop, datagram,
                datagram);
        List<byte[]> alone = new ArrayList<>();
        for (byte[] frame : frames) {
            director.send(0, frame);
            for (byte[] left = director.sent(1); left != null; left = director.sent(1)) {
                alone.add(left);
            }
        }
        assertThat(alone).hasSizeBetween(frames.size() - 4, frames.size() - 2);

        director.sendTogether(0, frames);

        for (byte[] frame : alone) {
            assertThat(director.expect(1)).isEqualTo(frame);
        }
        director.expectNothing(1);
    }

    @ParameterizedTest
    @EnumSource(names = {"NAT4", "FULLNAT4"})
    void shouldComputeAChecksumForDatagramsWithout(Way way) {
        Flow.service(director, way, false);
        Flow flow = udp(way, 5353);
        flow.upDatagram(8);
        flow.up(flow.fromClient().payload(33).lieChecksum(0), flow.atServer().payload(33));
        flow.down(flow.fromServer().payload(33).lieChecksum(0), flow.atClient().payload(33));
    }

    @ParameterizedTest
    @EnumSource
    void shouldCarryDatagramsWithBytesBehindThem(Way way) {
        Flow.service(director, way, false);
        Flow flow = udp(way, 5353);
        flow.upDatagram(8);
        // The UDP length covers 20 of 29 bytes; the checksum in the packet is wrong then, and as wrong afterwards.
        director.send(0, flow.fromClient().payload(21).lieUdpLength(20).build());
        byte[] frame = director.expect(1);
        assertThat(frame).hasSize(way.l4() + 29);
        assertThat(Flow.at16(frame, way.l4() + 4)).isEqualTo(20);
    }

    @ParameterizedTest
    @EnumSource(names = {"NAT4", "FULLNAT4"})
    void shouldSumOnlyTheDatagramWhenBytesFollowIt(Way way) {
        Flow.service(director, way, false);
        Flow flow = udp(way, 5353);
        flow.upDatagram(8);
        byte[] sent =
                flow.fromClient().payload(21).lieUdpLength(20).lieChecksum(0).build();
        director.send(0, sent);
        byte[] frame = director.expect(1);
        byte[] whole = flow.atServer().payload(21).build();
        byte[] shorter =
                flow.atServer().payload(Arrays.copyOf(payload(whole, way), 12)).build();
        assertThat(Flow.at16(frame, way.l4() + 6)).isEqualTo(Flow.at16(shorter, way.l4() + 6));
    }

    private static byte[] payload(byte[] frame, Way way) {
        return Arrays.copyOfRange(frame, way.l4() + 8, frame.length);
    }

    @ParameterizedTest
    @EnumSource(names = {"NAT4", "FULLNAT4"})
    void shouldKeepIpOptions(Way way) {
        Flow.service(director, way, true);
        Flow flow = tcp(way, 77).establish(1, 2);
        byte[] options = {7, 7, 4, 1, 2, 3, 4, 0};
        flow.up(
                flow.fromClient().ipOptions(options).flags("P.").seq(2).ack(3).payload(5),
                flow.atServer()
                        .ipOptions(options)
                        .flags("P.")
                        .seq(2 + flow.sequence)
                        .ack(3)
                        .payload(5));
        flow.down(
                flow.fromServer().ipOptions(options).flags(".").seq(3).ack(7 + flow.sequence),
                flow.atClient().ipOptions(options).flags(".").seq(3).ack(7));
    }

    @ParameterizedTest
    @EnumSource(names = {"NAT6", "FULLNAT6"})
    void shouldKeepExtensionHeadersAndFlowLabel(Way way) {
        Flow.service(director, way, true);
        Flow flow = tcp(way, 77).establish(1, 2);
        flow.up(
                flow.fromClient()
                        .optionsHeader(60, 1)
                        .flowLabel(0xabcde)
                        .tos(0x2e)
                        .flags("P.")
                        .seq(2)
                        .ack(3)
                        .payload(5),
                flow.atServer()
                        .optionsHeader(60, 1)
                        .flowLabel(0xabcde)
                        .tos(0x2e)
                        .flags("P.")
                        .seq(2 + flow.sequence)
                        .ack(3)
                        .payload(5));
    }

    @ParameterizedTest
    @EnumSource
    void shouldOpenAConnectionByASlowPacket(Way way) {
        Flow.service(director, way, true);
        Flow flow = tcp(way, 78);
        PacketBuilder syn = flow.fromClient().flags("S").seq(9);
        director.send(
                0,
                way.ipv6
                        ? syn.optionsHeader(0, 0).build()
                        : syn.ipOptions((byte) 1).build());
        assertThat(director.expect(1)).hasSize(way.l4() + 20 + (way.ipv6 ? 8 : 4));
        assertThat(flow.row().state()).isEqualTo("SYN_RECV");
    }

    @ParameterizedTest
    @EnumSource(names = {"NAT4", "FULLNAT4"})
    void shouldKeepPadding(Way way) {
        Flow.service(director, way, true);
        Flow flow = tcp(way, 79).establish(1, 2);
        flow.up(
                flow.fromClient().flags(".").seq(2).ack(3).trailer(new byte[6]),
                flow.atServer().flags(".").seq(2 + flow.sequence).ack(3).trailer(new byte[6]));
    }

    @ParameterizedTest
    @EnumSource
    void shouldTakeOffWhatLiesBehindThePacketButForPadding(Way way) {
        Flow.service(director, way, true);
        Flow flow = new Flow(director, way, true, 5).establish(1, 2);
        PacketBuilder sent = flow.fromClient().flags("P.").seq(2).ack(3).payload(100);
        director.send(0, sent.trailer(new byte[] {1, 2, 3, 4, 5}).build());
        byte[] frame = director.expect(1);
        assertThat(frame).hasSize(way.l4() + 20 + 100);
        Packets.assertSame(
                frame,
                flow.atServer()
                        .flags("P.")
                        .seq(2 + flow.sequence)
                        .ack(3)
                        .payload(100)
                        .build());
        director.send(
                0,
                flow.fromClient()
                        .flags(".")
                        .seq(102)
                        .ack(3)
                        .trailer(new byte[90])
                        .build());
        assertThat(director.expect(1)).hasSize(Math.max(60, way.l4() + 20));
        director.send(0, flow.fromClient().flags(".").seq(102).ack(3).padded().build());
        assertThat(director.expect(1)).hasSize(Math.max(60, way.l4() + 20));
    }

    @ParameterizedTest
    @EnumSource
    void shouldKeepTosIdAndDontFragment(Way way) {
        Flow.service(director, way, true);
        Flow flow = tcp(way, 80).establish(1, 2);
        flow.up(
                flow.fromClient()
                        .tos(0x10)
                        .id(777)
                        .df()
                        .ttl(2)
                        .flags(".")
                        .seq(2)
                        .ack(3),
                flow.atServer()
                        .tos(0x10)
                        .id(777)
                        .df()
                        .ttl(1)
                        .flags(".")
                        .seq(2 + flow.sequence)
                        .ack(3));
    }

    @ParameterizedTest
    @EnumSource
    void shouldGoFromVlanToVlan(Way way) {
        List<DaemonConfig.Vlan> wan = List.of(new DaemonConfig.Vlan(
                5, "wan0.5", 1500, TestDirector.prefixes("198.18.10.1", "2001:db8:a::1"), List.of()));
        List<DaemonConfig.Vlan> lan = List.of(new DaemonConfig.Vlan(
                7, "lan0.7", 1500, TestDirector.prefixes("198.18.20.1", "2001:db8:b::1"), List.of()));
        restart(TestDirector.config(
                1,
                Map.of(),
                64,
                TestDirector.port("wan0", "net_null", 1500, wan, "198.18.110.1"),
                TestDirector.port("lan0", "net_null", 1500, lan, "198.18.120.1")));
        Flow.service(director, way, true);
        Flow flow = tcp(way, 81);
        director.send(0, flow.fromClient().vlan(5, 3).flags("S").seq(1).build());
        byte[] syn = director.expect(1);
        flow.peerPort = Flow.at16(syn, way.l4() + 4);
        flow.sequence = Flow.at32(syn, way.l4() + 8) - 1;
        flow.down(
                flow.fromServer().vlan(7).flags("S.").seq(2).ack(2 + flow.sequence),
                flow.atClient().vlan(5).flags("S.").seq(2).ack(2));
        flow.up(
                flow.fromClient().vlan(5).flags(".").seq(2).ack(3),
                flow.atServer().vlan(7).flags(".").seq(2 + flow.sequence).ack(3));
        director.send(0, flow.fromClient().vlan(6).flags(".").seq(2).ack(3).build());
        director.expectNothing(1);
        assertThat(director.drops(DropReason.UNKNOWN_VLAN)).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource
    void shouldGoFromUntaggedToVlanAndBack(Way way) {
        List<DaemonConfig.Vlan> lan = List.of(new DaemonConfig.Vlan(
                7, "lan0.7", 1500, TestDirector.prefixes("198.18.20.1", "2001:db8:b::1"), List.of()));
        restart(TestDirector.config(
                1,
                Map.of(),
                64,
                TestDirector.port("wan0", "net_null", 1500, List.of(), "198.18.10.1", "2001:db8:a::1"),
                TestDirector.port("lan0", "net_null", 1500, lan, "198.18.120.1")));
        Flow.service(director, way, false);
        Flow flow = udp(way, 82);
        director.send(0, flow.fromClient().payload(3).build());
        flow.peerPort = Flow.at16(director.expect(1), way.l4() + 4);
        flow.up(flow.fromClient().payload(40), flow.atServer().vlan(7).payload(40));
        flow.down(flow.fromServer().vlan(7).payload(40), flow.atClient().payload(40));
    }

    static Stream<Arguments> partial() {
        return Stream.of(Way.values()).flatMap(way -> Stream.of(Arguments.of(way, true), Arguments.of(way, false)));
    }

    @ParameterizedTest
    @MethodSource("partial")
    void shouldCompletePartialChecksums(Way way, boolean tcp) {
        restart(TestDirector.config(
                1,
                Map.of(),
                64,
                TestDirector.port("wan0", "net_af_packet0,iface=x", 1500, List.of(), "198.18.10.1", "2001:db8:a::1"),
                TestDirector.port("lan0", "net_tap1", 1500, List.of(), "198.18.20.1", "2001:db8:b::1")));
        Flow.service(director, way, tcp);
        Flow flow = new Flow(director, way, tcp, 83);
        if (tcp) {
            flow.establish(1, 2);
        } else {
            flow.upDatagram(1);
        }
        PacketBuilder up = flow.fromClient().flags(".").seq(2).ack(3).payload(77);
        PacketBuilder atServer =
                flow.atServer().flags(".").seq(2 + flow.sequence).ack(3).payload(77);
        int length = tcp ? 97 : 85;
        flow.up(up.lieChecksum(pseudo(way, way.client(), way.vip(), tcp, length)), atServer);
        PacketBuilder down =
                flow.fromServer().flags(".").seq(3).ack(2 + flow.sequence).payload(77);
        PacketBuilder atClient = flow.atClient().flags(".").seq(3).ack(2).payload(77);
        flow.down(down.lieChecksum(pseudo(way, way.server(), way.peer(), tcp, length)), atClient);
    }

    /** What a kernel leaves in the field: the sum of the pseudo header, not complemented. */
    private static int pseudo(Way way, String from, String to, boolean tcp, int length) {
        int sum = (tcp ? 6 : 17) + length;
        for (String address : List.of(from, to)) {
            byte[] bytes = TestDirector.ip(address).getAddress();
            assertThat(bytes).hasSize(way.ipv6 ? 16 : 4);
            for (int i = 0; i < bytes.length; i += 2) {
                sum += ((bytes[i] & 0xff) << 8) | (bytes[i + 1] & 0xff);
            }
        }
        while (sum > 0xffff) {
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return sum;
    }

    @ParameterizedTest
    @EnumSource
    void shouldLeaveWrongChecksumsWrong(Way way) {
        Flow.service(director, way, true);
        Flow flow = tcp(way, 84).establish(1, 2);
        byte[] sent = flow.fromClient().flags(".").seq(2).ack(3).payload(9).build();
        sent[sent.length - 1] ^= 1;
        director.send(0, sent);
        byte[] expected = flow.atServer()
                .flags(".")
                .seq(2 + flow.sequence)
                .ack(3)
                .payload(9)
                .build();
        expected[expected.length - 1] ^= 1;
        assertThat(director.expect(1)).isEqualTo(expected);
    }

    @ParameterizedTest
    @EnumSource
    void shouldSpreadNewConnectionsOverServers(Way way) {
        String second = way.ipv6 ? "2001:db8:b::3" : TestDirector.RS2;
        Service service = director.service(
                TestDirector.spec(Protocol.TCP, way.vip(), 80, false),
                way.method,
                way.server() + ":8080",
                second + ":8080");
        for (int port = 1; port <= 10; port++) {
            director.send(0, tcp(way, port).fromClient().flags("S").build());
            director.expect(1);
        }
        assertThat(director.totals(service, 0).connections()).isEqualTo(5);
        assertThat(director.totals(service, 1).connections()).isEqualTo(5);
    }

    @Test
    void shouldKeepThePortTheClientAskedForWhereServiceAndServerHaveNone() {
        director.service(
                TestDirector.spec(Protocol.TCP, TestDirector.VIP, 0, false),
                ForwardingMethod.NAT,
                TestDirector.RS1 + ":0");
        PacketBuilder syn = Way.NAT4.arriving(0, TestDirector.CLIENT, TestDirector.VIP);
        director.send(0, syn.tcp(9, 4711).flags("S").build());
        Packets.assertSame(
                director.expect(1),
                Way.NAT4
                        .leaving(1, TestDirector.CLIENT, TestDirector.RS1)
                        .ttl(63)
                        .tcp(9, 4711)
                        .flags("S")
                        .build());
    }
}
