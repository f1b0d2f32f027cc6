package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import lvsd.dataplane.service.Service;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.Protocol;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * {@code drop_packet}, {@code drop_entry} and {@code secure_tcp}, with {@code amemthresh} and {@code am_droprate}. What they do
 * was asked of Linux 6.1, but for what memory is: here 1,024 entries of either IP version, 32 pages (IPv4) and 48.
 */
class MemoryDefenceTest extends PipelineTest {
    private static final String[] MODES = {"drop_packet", "drop_entry", "secure_tcp"};

    private int port = 1000;

    private void all(String value) {
        for (String each : MODES) {
            director.setting(each, value);
        }
    }

    /** Whether the opening packet of a new client gets through. */
    private boolean opens(Way way, boolean tcp) {
        Flow flow = new Flow(director, way, tcp, ++port);
        director.send(0, (tcp ? flow.fromClient().flags("S") : flow.fromClient().payload(4)).build());
        return director.any(1);
    }

    /** A letter for each opening packet: x if it was dropped. */
    private String fates(Way way, boolean tcp, int count) {
        StringBuilder fates = new StringBuilder();
        for (int i = 0; i < count; i++) {
            fates.append(opens(way, tcp) ? '.' : 'x');
        }
        director.expectNothing(0);
        return fates.toString();
    }

    // ---- drop_packet

    @ParameterizedTest
    @CsvSource({"3, x..x..x.", "10, x.........x", "1, xxxx", "0, ....", "-2, xxxx"})
    void shouldDropEveryPacketInSoManyThatWouldOpenAConnection(String rate, String fates) {
        Flow.service(director, Way.NAT4, true);
        director.setting("am_droprate", rate);
        director.setting("drop_packet", "3");
        assertThat(fates(Way.NAT4, true, fates.length())).isEqualTo(fates);
        assertThat(director.drops(DropReason.DROP_PACKET))
                .isEqualTo(fates.chars().filter(fate -> fate == 'x').count());
    }

    @ParameterizedTest
    @EnumSource
    void shouldDropSynsAndDatagramsOfEveryKindButNothingOfAConnection(Way way) {
        Flow.service(director, way, true);
        Flow flow = new Flow(director, way, true, 40_000).establish(1000, 5000);
        director.setting("am_droprate", "1");
        director.setting("drop_packet", "3");
        assertThat(opens(way, true)).isFalse();
        flow.up("P.", 1001, 5001, 10);
        flow.down("P.", 5001, 1011, 10);
        director.setting("drop_packet", "0");
        assertThat(opens(way, true)).isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void shouldDropDatagramsOfOnePacketServicesAndErrorsThatWouldOpenAConnection(Way way) {
        director.service(TestDirector.onePacket(way.vip(), 80), ForwardingMethod.NAT, way.server() + ":8080");
        director.setting("schedule_icmp", "1");
        director.setting("am_droprate", "1");
        director.setting("drop_packet", "3");
        assertThat(fates(way, false, 3)).isEqualTo("xxx");
        director.send(0, IcmpErrorTest.unreachable(way, 1234).build());
        director.expectNothing(1);
        assertThat(director.drops(DropReason.DROP_PACKET)).isEqualTo(4);
    }

    /** Asked: neither a segment that opens nothing nor a packet for no service is dropped, or counts. */
    @Test
    void shouldAnswerWhatOpensNothingAsEver() {
        Flow.service(director, Way.NAT4, true);
        director.setting("am_droprate", "2");
        director.setting("drop_packet", "3");
        Flow flow = new Flow(director, Way.NAT4, true, 999);
        for (int i = 0; i < 3; i++) {
            director.send(0, flow.fromClient().flags(".").build());
            director.expect(0);
            director.send(
                    0,
                    Way.NAT4
                            .arriving(0, Way.NAT4.client(), Way.NAT4.vip())
                            .tcp(999, 81)
                            .flags("S")
                            .build());
            director.expect(0);
        }
        assertThat(fates(Way.NAT4, true, 4)).isEqualTo("x.x.");
    }

    /** The rate is how much of amemthresh is missing: of 40 pages 8, one in five. */
    @Test
    void shouldDropTheMoreTheShorterMemoryIs() {
        Flow.service(director, Way.NAT4, false);
        Flow.service(director, Way.NAT6, false);
        director.setting("drop_packet", "1");
        director.setting("amemthresh", "40");
        assertThat(fates(Way.NAT4, false, 10)).isEqualTo("....x....x");
        assertThat(fates(Way.NAT6, false, 10)).isEqualTo("..........");
        assertThat(director.dataplane.memoryShort()).isTrue();
        director.setting("amemthresh", "20");
        assertThat(director.dataplane.memoryShort()).isFalse();
        assertThat(fates(Way.NAT4, false, 40)).doesNotContain("x");
    }

    // ---- when memory is short

    @Test
    void shouldSeeWithinASecondThatTheTableFillsAndThatItIsEmptyAgain() {
        Service service = Flow.service(director, Way.NAT4, false);
        all("1");
        director.setting("amemthresh", "16");
        for (int i = 0; i < 512; i++) {
            assertThat(opens(Way.NAT4, false)).isTrue();
        }
        director.advance(1100);
        assertThat(director.dataplane.memoryShort()).isFalse();
        for (int i = 0; i < 40; i++) {
            assertThat(opens(Way.NAT4, false)).isTrue();
        }
        director.advance(1100);
        assertThat(director.dataplane.memoryShort()).isTrue();
        assertThat(fates(Way.NAT4, false, 16)).contains("x");
        director.advance(400_000);
        assertThat(director.totals(service, 0).inactive()).isZero();
        assertThat(director.dataplane.memoryShort()).isFalse();
        assertThat(fates(Way.NAT4, false, 40)).doesNotContain("x");
    }

    @ParameterizedTest
    @CsvSource({"0, 100000, false", "1, 0, false", "1, 100000, true", "2, 100000, true", "3, 0, true"})
    void shouldBeAtWorkAsTheModeSays(String mode, String pages, boolean atWork) {
        Flow.service(director, Way.NAT4, true);
        director.setting("amemthresh", pages);
        director.setting("secure_tcp", mode);
        Flow flow = new Flow(director, Way.NAT4, true, 1234);
        flow.open(1000);
        flow.up(".", 1001, 5001, 0);
        assertThat(states()).containsOnlyKeys(atWork ? "TCP SYN_RECV" : "TCP ESTABLISHED");
    }

    // ---- secure_tcp

    private Map<String, Integer> states() {
        return director.connections().stream()
                .collect(Collectors.toMap(
                        row -> (row.protocol() == 6 ? "TCP " : row.protocol() == 17 ? "UDP " : "")
                                + row.state()
                                + (row.clientPort() == 0 ? " template" : ""),
                        row -> 1,
                        Integer::sum,
                        TreeMap::new));
    }

    /** Asked: the client's word alone establishes nothing, the server's does; and a change counts for all that there are. */
    @ParameterizedTest
    @EnumSource
    void shouldBelieveTheServerOnly(Way way) {
        Flow.service(director, way, true);
        Flow flow = new Flow(director, way, true, 1234);
        flow.open(1000);
        director.setting("secure_tcp", "3");
        flow.up(".", 1001, 5001, 0);
        assertThat(states()).containsOnlyKeys("TCP SYN_RECV");
        flow.down("S.", 5000, 1001, 0);
        assertThat(states()).containsOnlyKeys("TCP SYNACK");
        flow.up(".", 1001, 5001, 0);
        assertThat(states()).containsOnlyKeys("TCP SYNACK");
        flow.down(".", 5001, 1001, 0);
        assertThat(states()).containsOnlyKeys("TCP ESTABLISHED");
        Flow other = new Flow(director, way, true, 1235);
        other.open(1000);
        director.setting("secure_tcp", "0");
        other.up(".", 1001, 5001, 0);
        assertThat(states()).isEqualTo(Map.of("TCP ESTABLISHED", 2));
    }

    @Test
    void shouldBelieveTheClientWhereTheServersPacketsDoNotComeThisWay() {
        director.service(Protocol.TCP, TestDirector.VIP, 80, ForwardingMethod.ROUTE, TestDirector.RS1 + ":80");
        director.setting("secure_tcp", "3");
        Flow flow = new Flow(director, Way.NAT4, true, 1234);
        director.send(0, flow.fromClient().flags("S").seq(1000).build());
        director.expect(1);
        assertThat(states()).containsOnlyKeys("TCP SYNACK");
        assertThat(director.totals(director.first(), 0).active()).isEqualTo(1);
        director.send(0, flow.fromClient().flags(".").seq(1001).ack(1).build());
        director.expect(1);
        assertThat(states()).containsOnlyKeys("TCP ESTABLISHED");
    }

    // ---- drop_entry

    private void halfOpen(Way way, int count) {
        for (int i = 0; i < count; i++) {
            assertThat(opens(way, true)).isTrue();
        }
    }

    /** Each second one in 32: after 32 seconds exp(-1) of 400 are left, 147, and 60 are six standard deviations. */
    @ParameterizedTest
    @EnumSource
    void shouldEndHalfOpenConnectionsByAndByAndNoOthers(Way way) {
        director.setting("timeout_synrecv", "10000");
        director.setting("timeout_closewait", "10000");
        Service service = Flow.service(director, way, true);
        Flow established = new Flow(director, way, true, 50_000).establish(1000, 5000);
        Flow closing = new Flow(director, way, true, 50_001).establish(1000, 5000);
        closing.up("F.", 1001, 5001, 0);
        halfOpen(way, 400);
        director.advance(10_000);
        assertThat(states()).containsEntry("TCP SYN_RECV", 400);
        director.setting("drop_entry", "3");
        director.advance(32_000);
        assertThat(states().get("TCP SYN_RECV")).isBetween(87, 207);
        director.advance(1_000_000);
        assertThat(states()).containsOnlyKeys("TCP CLOSE_WAIT");
        assertThat(director.totals(service, 0).active()).isZero();
        assertThat(established.clientPort).isEqualTo(50_000);
    }

    /** Of connections from which one packet came all, of those with two every second that is met, with nine none. */
    @ParameterizedTest
    @EnumSource
    void shouldEndSilentConnectionsOfFewPackets(Way way) {
        director.setting("timeout_udp", "100000");
        Flow.service(director, way, false);
        for (int client = 0; client < 200; client++) {
            Flow flow = new Flow(director, way, false, 2000 + client);
            for (int i = 0; i < (client < 100 ? 1 : 9); i++) {
                flow.upDatagram(4);
            }
        }
        director.setting("drop_entry", "3");
        director.advance(59_000);
        assertThat(states()).isEqualTo(Map.of("UDP UDP", 200));
        director.advance(600_000);
        assertThat(states()).isEqualTo(Map.of("UDP UDP", 100));
        assertThat(director.dataplane.workers().getFirst().ended()).isEqualTo(100);
    }

    @Test
    void shouldEndTemplatesThatNobodyWasServedByWithTheirConnections() {
        Way way = Way.NAT4;
        director.setting("timeout_synrecv", "100000");
        director.service(
                TestDirector.persistent(Protocol.TCP, way.vip(), 80, 100_000, -1), way.method, way.server() + ":8080");
        for (int client = 10; client < 60; client++) {
            byte[] syn = way.arriving(0, "198.18.10." + client, way.vip())
                    .tcp(1234, 80)
                    .flags("S")
                    .build();
            director.send(0, syn);
            director.expect(1);
        }
        Flow flow = new Flow(director, way, true, 1234).establish(1000, 5000);
        flow.up("R", 1001, 0, 0);
        assertThat(states())
                .isEqualTo(
                        Map.of("TCP CLOSE", 1, "TCP SYN_RECV", 50, "TCP NONE template", 50, "TCP ASSURED template", 1));
        director.setting("drop_entry", "3");
        director.advance(600_000);
        assertThat(states()).isEqualTo(Map.of("TCP ASSURED template", 1));
        assertThat(director.dataplane.workers().getFirst().ended()).isEqualTo(100);
    }

    @Test
    void shouldLeaveHandshakesOfProvenClientsAlone() {
        ProxyFlow.service(director, Way.NAT4, false);
        director.setting("drop_entry", "3");
        director.setting("secure_tcp", "3");
        director.setting("drop_packet", "3");
        director.setting("am_droprate", "1");
        ProxyFlow flow = new ProxyFlow(director, Way.NAT4, 40_000, 1000).establish(9);
        flow.up("P.", 1, 1, 10);
    }
}
