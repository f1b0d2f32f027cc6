package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.stream.Stream;
import lvsd.dataplane.connection.TcpStates;
import lvsd.dataplane.service.Service;
import lvsd.rules.SynProxyMode;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Entries of the SYN proxy that a new client of the same address and port takes over (section 4.5), and ICMP about them. */
class SynProxyReuseTest extends ProxyLadder {
    /** States that a connection gets into by itself, and the settings that say whether it may be taken over there. */
    enum Old {
        CLOSE("close", true),
        TIME_WAIT("time_wait", true),
        FIN_WAIT("fin_wait", false),
        CLOSE_WAIT("close_wait", false),
        /** No segment leads there, but a synchronised connection may be in it. */
        LAST_ACK("last_ack", false);

        final String setting;
        final boolean usual;

        Old(String setting, boolean usual) {
            this.setting = "synproxy_conn_reuse_" + setting;
            this.usual = usual;
        }
    }

    private static ProxyFlow old(TestDirector director, Way way, Old state) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = new ProxyFlow(director, way, 40_000, 1000).establish(5000);
        switch (state) {
            case CLOSE -> flow.up("R.", 1, 1, 0);
            case FIN_WAIT -> flow.down("F.", 1, 1, 0);
            case CLOSE_WAIT -> flow.up("F.", 1, 1, 0);
            case LAST_ACK -> ProxyFlow.enter(director, way, TcpStates.LAST_ACK);
            case TIME_WAIT -> {
                flow.down("F.", 1, 1, 0);
                flow.up("F.", 1, 2, 0);
            }
        }
        assertThat(flow.state()).isEqualTo(state.name());
        return flow;
    }

    static Stream<Arguments> all() {
        return Stream.of(Way.values()).flatMap(way -> Stream.of(Old.values()).map(old -> Arguments.of(way, old)));
    }

    /** A new client's whole handshake over the old entry. */
    private static void takesOver(ProxyFlow flow, int isn, int server) {
        flow.isn = isn;
        flow.syn();
        flow.ack();
        Packets.assertSame(flow.synAck(server), flow.atServer(".", 1, 1).df().build());
        flow.up("P.", 1, 1, 10);
        flow.down("P.", 1, 11, 10);
        assertThat(flow.state()).isEqualTo("ESTABLISHED");
        assertThat(flow.director.connections()).hasSize(1);
    }

    @ParameterizedTest
    @MethodSource("all")
    void shouldGiveWayToAProvenClientWhereThatIsSet(Way way, Old state) {
        with(state.setting, "1");
        takesOver(old(director, way, state), 900_000, 77);
    }

    @ParameterizedTest
    @MethodSource("all")
    void shouldTakeOverEvenAcrossWrapAround(Way way, Old state) {
        with(state.setting, "1");
        takesOver(old(director, way, state), -1, -1);
    }

    /** A SYN alone, which anybody may forge, ends nothing. */
    @ParameterizedTest
    @MethodSource("all")
    void shouldKeepTheOldEntryUntilTheNewClientHasProvedItself(Way way, Old state) {
        with(state.setting, "1");
        ProxyFlow flow = old(director, way, state);
        ProxyFlow forger = new ProxyFlow(director, way, 40_000, 77_777);
        forger.syn();
        assertThat(flow.state()).isEqualTo(state.name());
        director.send(0, forger.client(".", 1, 5).build());
        director.any(1);
        assertThat(director.connections()).hasSize(1);
    }

    @ParameterizedTest
    @MethodSource("all")
    void shouldTreatTheSynAsAnyOtherSegmentWhereReuseIsOff(Way way, Old state) {
        with(state.setting, "0");
        ProxyFlow flow = old(director, way, state);
        int before = flow.isn;
        director.send(0, flow.syn(900_000));
        if (state == Old.CLOSE || state == Old.TIME_WAIT) {
            // The connection is over, and its entry goes for any SYN, as conn_reuse_mode says; the proxy answers.
            assertThat(flow.flagsOf(director.expect(0))).isEqualTo(0x12);
            director.expectNothing(1);
            return;
        }
        byte[] syn = director.expect(1);
        assertThat(flow.seqOf(syn)).isEqualTo(900_000 + flow.flow.sequence);
        assertThat(flow.isn).isEqualTo(before);
        director.expectNothing(0);
    }

    @ParameterizedTest
    @EnumSource
    void shouldReuseNothingWhereTheMasterSwitchIsOff(Way way) {
        with("synproxy_conn_reuse", "0", "synproxy_conn_reuse_fin_wait", "1");
        ProxyFlow flow = old(director, way, Old.FIN_WAIT);
        director.send(0, flow.syn(900_000));
        assertThat(flow.flagsOf(director.expect(1))).isEqualTo(0x02);
    }

    @ParameterizedTest
    @EnumSource
    void shouldPassASynOnAnEstablishedConnectionForTheServerToJudge(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = new ProxyFlow(director, way, 40_000, 1000).establish(5000);
        director.send(0, flow.syn(900_000));
        assertThat(flow.seqOf(director.expect(1))).isEqualTo(900_000 + flow.flow.sequence);
        // RFC 5961, section 4: the server answers by an acknowledgement, and the client resets.
        flow.down(".", 1, 1, 0);
        flow.up("R.", 1, 1, 0);
    }

    /** The half-closed side may still send for long: the old connection works on. */
    @ParameterizedTest
    @EnumSource
    void shouldForwardTheOldConnectionsSegmentsBesideACookieThatNobodyAcknowledges(Way way) {
        with("synproxy_conn_reuse_fin_wait", "1");
        ProxyFlow flow = old(director, way, Old.FIN_WAIT);
        ProxyFlow forger = new ProxyFlow(director, way, 40_000, 77_777);
        forger.syn();
        flow.up("P.", 1, 2, 100);
        flow.down(".", 2, 101, 0);
    }

    @ParameterizedTest
    @EnumSource
    void shouldNotTakeOverWhereTheProxyWasSwitchedOff(Way way) {
        with("synproxy_conn_reuse_fin_wait", "1");
        Service service = ProxyFlow.service(director, way, false);
        ProxyFlow flow = new ProxyFlow(director, way, 40_000, 1000).establish(5000);
        flow.down("F.", 1, 1, 0);
        director.mode(service, SynProxyMode.DISABLE);
        director.send(0, flow.syn(900_000));
        director.expectNothing(0);
        assertThat(flow.flagsOf(director.expect(1))).isEqualTo(0x02);
    }

    // ---- ICMP

    /** A router on the client's side quotes what it got from the VIP; the server must see what it sent itself. */
    @ParameterizedTest
    @EnumSource
    void shouldPutQuotesOfTranslatedSegmentsRight(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = new ProxyFlow(director, way, 40_000, 1000).establish(5000);
        byte[] sent = flow.server("P.", 1, 1).payload(600).build();
        director.send(1, sent);
        byte[] got = director.expect(0);
        byte[] quote = Arrays.copyOfRange(got, 14, way.l4() + 20);
        String router = way.ipv6 ? "2001:db8:a::99" : "198.18.10.99";
        PacketBuilder error = way.arriving(0, router, way.vip())
                .icmp(way.ipv6 ? 2 : 3, way.ipv6 ? 0 : 4)
                .rest(1280)
                .quote(quote);
        director.send(0, error.build());
        byte[] frame = director.expect(1);
        Packets.assertChecksums(frame);
        int quoted = way.l4() + 8 + way.ipHeader();
        assertThat(Flow.at32(frame, quoted + 4)).isEqualTo(5001);
        assertThat(Flow.at32(frame, quoted + 8)).isEqualTo(1001 + flow.flow.sequence);
        assertThat(Flow.at16(frame, quoted)).isEqualTo(Flow.SERVER_PORT);
    }

    /** A router on the server's side quotes what it got from the director; the client must see what it sent itself. */
    @ParameterizedTest
    @EnumSource
    void shouldPutQuotesOfTheClientsSegmentsRight(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = new ProxyFlow(director, way, 40_000, 1000).establish(5000);
        director.send(0, flow.client("P.", 1, 1).payload(600).build());
        byte[] got = director.expect(1);
        byte[] quote = Arrays.copyOfRange(got, 14, way.l4() + 20);
        String router = way.ipv6 ? "2001:db8:b::99" : "198.18.20.99";
        PacketBuilder error = way.arriving(1, router, way.peer())
                .icmp(way.ipv6 ? 2 : 3, way.ipv6 ? 0 : 4)
                .rest(1280)
                .quote(quote);
        director.send(1, error.build());
        byte[] frame = director.expect(0);
        Packets.assertChecksums(frame);
        int quoted = way.l4() + 8 + way.ipHeader();
        assertThat(Flow.at32(frame, quoted + 4)).isEqualTo(1001);
        assertThat(Flow.at32(frame, quoted + 8)).isEqualTo(flow.cookie + 1);
    }
}
