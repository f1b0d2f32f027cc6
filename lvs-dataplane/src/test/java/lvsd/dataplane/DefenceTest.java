package lvsd.dataplane;

import static lvsd.wire.PacketBuilder.mss;
import static lvsd.wire.PacketBuilder.nop;
import static lvsd.wire.PacketBuilder.sack;
import static lvsd.wire.PacketBuilder.sackOk;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.stream.Stream;
import lvsd.synproxy.ProxyCounters.Counter;
import lvsd.wire.PacketBuilder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The defences at the edge (sections 1.2 and 1.3) and the limit on acknowledgement storms. */
class DefenceTest extends ProxyLadder {
    private PacketBuilder stray(Way way, int port) {
        return way.arriving(0, way.client(), way.vip()).tcp(50_000, port).seq(7).ack(9);
    }

    private void all() {
        with("defence_tcp_drop", "1", "defence_udp_drop", "1", "defence_frag_drop", "1");
    }

    static Stream<Arguments> strays() {
        return Arrays.stream(Way.values())
                .flatMap(way -> Stream.of(".", "F.", "R", "R.", "P.", "F", "").map(flags -> Arguments.of(way, flags)));
    }

    // ---- defence_tcp_drop

    @ParameterizedTest
    @MethodSource("strays")
    void shouldDropSegmentsWithoutAConnection(Way way, String flags) {
        with("defence_tcp_drop", "1");
        Flow.service(director, way, true);
        director.send(0, stray(way, Flow.VIRTUAL_PORT).flags(flags).build());
        director.send(0, stray(way, 9999).flags(flags).build());
        director.expectNothing(0);
        director.expectNothing(1);
        assertThat(director.drops(DropReason.DEFENCE_TCP)).isEqualTo(2);
    }

    @ParameterizedTest
    @EnumSource
    void shouldAnswerThemWithoutTheSetting(Way way) {
        Flow.service(director, way, true);
        director.send(0, stray(way, Flow.VIRTUAL_PORT).flags(".").build());
        director.expect(0);
        assertThat(director.drops(DropReason.DEFENCE_TCP)).isZero();
    }

    @ParameterizedTest
    @EnumSource
    void shouldLetConnectionsAndSynsPass(Way way) {
        all();
        Flow.service(director, way, true);
        Flow flow = new Flow(director, way, true, 40_000).establish(1000, 5000);
        flow.up("P.", 1001, 5001, 10);
        flow.up("F.", 1011, 5001, 0);
        flow.down("F.", 5001, 1012, 0);
        flow.up(".", 1012, 5002, 0);
        flow.up("R", 1012, 0, 0);
    }

    @ParameterizedTest
    @EnumSource
    void shouldLetProvenClientsPassAndForgetForgers(Way way) {
        with("defence_tcp_drop", "1", "synproxy_rst_bad_cookie", "1");
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = new ProxyFlow(director, way, 40_000, 7).establish(99);
        flow.up("P.", 1, 1, 10);
        director.send(0, stray(way, Flow.VIRTUAL_PORT).flags(".").build());
        director.expectNothing(0);
        director.send(0, stray(way, Flow.VIRTUAL_PORT).flags("F").build());
        director.expectNothing(0);
        assertThat(director.drops(DropReason.SYN_COOKIE)).isEqualTo(1);
        assertThat(director.drops(DropReason.DEFENCE_TCP)).isEqualTo(1);
    }

    // ---- defence_udp_drop

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldDropUdpThatNobodyTakes(boolean on) {
        with("defence_udp_drop", on ? "1" : "0");
        for (Way way : new Way[] {Way.NAT4, Way.NAT6}) {
            Flow.service(director, way, true);
            director.send(
                    0,
                    way.arriving(0, way.client(), way.vip())
                            .udp(50_000, 53)
                            .payload(20)
                            .build());
            assertThat(director.any(0)).as("an answer").isEqualTo(!on);
        }
        assertThat(director.drops(DropReason.DEFENCE_UDP)).isEqualTo(on ? 2 : 0);
    }

    @ParameterizedTest
    @EnumSource
    void shouldLetBalancedDatagramsPass(Way way) {
        all();
        Flow.service(director, way, false);
        Flow flow = new Flow(director, way, false, 40_000);
        flow.upDatagram(20);
        flow.downDatagram(30);
        assertThat(director.drops(DropReason.DEFENCE_UDP)).isZero();
    }

    // ---- defence_frag_drop

    private static byte[] fragment(int protocol, int offset, boolean more) {
        byte[] frame = PacketBuilder.eth(TestDirector.PEERS[0], TestDirector.MACS[0])
                .ipv4(TestDirector.CLIENT, TestDirector.VIP)
                .udp(50_000, 53)
                .payload(64)
                .build();
        frame[14 + 9] = (byte) protocol;
        frame[14 + 6] = (byte) ((more ? 0x20 : 0) | (offset >>> 8));
        frame[14 + 7] = (byte) offset;
        int sum = 0;
        frame[14 + 10] = 0;
        frame[14 + 11] = 0;
        for (int i = 14; i < 34; i += 2) {
            sum += ((frame[i] & 0xff) << 8) | (frame[i + 1] & 0xff);
        }
        sum = (sum & 0xffff) + (sum >>> 16);
        sum = ~((sum & 0xffff) + (sum >>> 16));
        frame[14 + 10] = (byte) (sum >>> 8);
        frame[14 + 11] = (byte) sum;
        return frame;
    }

    @ParameterizedTest
    @ValueSource(ints = {6, 17, 132})
    void shouldDropFragmentsForAVip(int protocol) {
        with("defence_frag_drop", "1");
        Flow.service(director, Way.NAT4, false);
        director.send(0, fragment(protocol, 0, true));
        director.send(0, fragment(protocol, 8, true));
        director.send(0, fragment(protocol, 16, false));
        director.expectNothing(0);
        director.expectNothing(1);
        assertThat(director.drops(DropReason.DEFENCE_FRAGMENT)).isEqualTo(3);
    }

    // ---- 5.2: what is none of its business

    /** AH, ESP and ICMP for a VIP meet what they meet without any defence, whole or in fragments. */
    @ParameterizedTest
    @ValueSource(ints = {1, 50, 51})
    void shouldLeaveOtherProtocolsAlone(int protocol) {
        String without = others(protocol);
        all();
        assertThat(others(protocol)).isEqualTo(without).doesNotContain("defence");
    }

    private String others(int protocol) {
        ProxyFlow.service(director, Way.NAT4, false);
        director.send(0, fragment(protocol, 0, false));
        director.send(0, fragment(protocol, 0, true));
        director.send(0, fragment(protocol, 8, false));
        director.drain(0);
        director.drain(1);
        return director.drops();
    }

    @Test
    void shouldAnswerPingsAsEver() {
        all();
        ProxyFlow.service(director, Way.NAT4, false);
        byte[] ping = Way.NAT4
                .arriving(0, TestDirector.CLIENT, TestDirector.VIP)
                .icmp(8, 0)
                .rest(1)
                .payload(32)
                .build();
        director.send(0, ping);
        director.expect(0);
    }

    // ---- acknowledgement storms

    private long storms() {
        return director.dataplane.steps(director.first().index)[Counter.STORMS.ordinal()];
    }

    @ParameterizedTest
    @EnumSource
    void shouldPassSoManyIdenticalAcknowledgementsAndNoMore(Way way) {
        with("synproxy_ack_storm_thresh", "5");
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = new ProxyFlow(director, way, 40_000, 1000).establish(77);
        for (int i = 0; i < 5; i++) {
            flow.down(".", 1, 1, 0);
        }
        for (int i = 0; i < 20; i++) {
            director.send(1, flow.server(".", 1, 1).build());
            director.expectNothing(0);
        }
        assertThat(director.drops(DropReason.ACK_STORM)).isEqualTo(20);
        assertThat(storms()).isEqualTo(20);
        // Anything else ends it, and that goes the short way again.
        flow.down("P.", 1, 1, 100);
        flow.down(".", 101, 1, 0);
        flow.up(".", 1, 101, 0);
        flow.down(".", 101, 1, 0);
        flow.down(flow.server(".", 101, 1).window(7), flow.atClient(".", 101, 1).window(7));
    }

    @ParameterizedTest
    @EnumSource
    void shouldForgetAStormAfterAPause(Way way) {
        with("synproxy_ack_storm_thresh", "3");
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = new ProxyFlow(director, way, 40_000, 1000).establish(-5);
        for (int i = 0; i < 12; i++) {
            flow.down(".", 1, 1, 0);
            director.advance(1_100);
        }
        assertThat(storms()).isZero();
    }

    @ParameterizedTest
    @EnumSource
    void shouldNotTakeTheSignsOfLossForAStorm(Way way) {
        with("synproxy_ack_storm_thresh", "2");
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = new ProxyFlow(director, way, 40_000, 1000);
        flow.syn(mss(1440), sackOk());
        flow.ack();
        flow.synAck(5, mss(1440), sackOk());
        int c = flow.isn + flow.flow.sequence;
        for (int i = 1; i < 20; i++) {
            flow.down(
                    flow.server(".", 1, 1).options(nop(), nop(), sack(c + 100, c + 100 + i)),
                    flow.atClient(".", 1, 1).options(nop(), nop(), sack(flow.isn + 100, flow.isn + 100 + i)));
        }
        assertThat(storms()).isZero();
    }

    @ParameterizedTest
    @EnumSource
    void shouldLookOnWhereThatIsSet(Way way) {
        with("synproxy_ack_storm_thresh", "0");
        ProxyFlow.service(director, way, true);
        ProxyFlow flow = new ProxyFlow(director, way, 40_000, 1000);
        flow.syn();
        flow.ack();
        flow.synAck(5);
        for (int i = 0; i < 30; i++) {
            flow.down(".", 1, 1, 0);
        }
    }

    /** Under load one packet of a burst is looked at: some more of them pass, and then none. */
    @ParameterizedTest
    @EnumSource
    void shouldEndAStormThatComesInBursts(Way way) {
        with("synproxy_ack_storm_thresh", "5");
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = new ProxyFlow(director, way, 40_000, 1000).establish(77);
        byte[] segment = flow.server(".", 1, 1).build();
        int passed = 0;
        for (int burst = 0; burst < 20; burst++) {
            for (int i = 0; i < 32; i++) {
                director.ios.getFirst().inject(1, segment);
            }
            director.run();
            passed += director.drain(0);
        }
        assertThat(passed).isBetween(5, 3 * 32);
        assertThat(storms()).isEqualTo(20 * 32 - passed);
        flow.up("P.", 1, 1, 10);
        flow.down(".", 1, 11, 0);
    }

    /** With TOA on its way every packet is looked at. */
    @ParameterizedTest
    @EnumSource(names = "FULLNAT.", mode = EnumSource.Mode.MATCH_ANY)
    void shouldCountWhileTheAddressIsStillTold(Way way) {
        with("synproxy_ack_storm_thresh", "4");
        ProxyFlow.service(director, way, true);
        ProxyFlow flow = new ProxyFlow(director, way, 40_000, 1000);
        flow.syn();
        flow.ack();
        flow.synAck(5);
        for (int i = 0; i < 4; i++) {
            flow.down(".", 1, 1, 0);
        }
        director.send(1, flow.server(".", 1, 1).build());
        director.expectNothing(0);
        assertThat(storms()).isEqualTo(1);
        byte[] own = PacketBuilder.toa(way.client(), 40_000);
        flow.up(
                flow.client("P.", 1, 1).payload(10),
                flow.atServer("P.", 1, 1).options(own).payload(10));
    }

    /** A server that answers the proxy's SYN by an old connection's acknowledgement, over and over. */
    @ParameterizedTest
    @EnumSource
    void shouldNotAnswerAnOldConnectionForEver(Way way) {
        with("synproxy_ack_storm_thresh", "3");
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = new ProxyFlow(director, way, 40_000, 1000);
        flow.syn();
        flow.ack();
        for (int i = 0; i < 3; i++) {
            director.send(1, flow.server(".", 5, 77).build());
            assertThat(flow.flagsOf(director.expect(1))).isEqualTo(0x04);
        }
        director.send(1, flow.server(".", 5, 77).build());
        director.expectNothing(1);
        assertThat(storms()).isEqualTo(1);
        flow.synAck(8);
        flow.up("P.", 1, 1, 4);
    }
}
