package lvsd.dataplane;

import static lvsd.wire.PacketBuilder.mss;
import static lvsd.wire.PacketBuilder.nop;
import static lvsd.wire.PacketBuilder.sack;
import static lvsd.wire.PacketBuilder.sackOk;
import static lvsd.wire.PacketBuilder.timestamps;
import static lvsd.wire.PacketBuilder.toa;
import static lvsd.wire.PacketBuilder.windowScale;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import lvsd.dataplane.service.Service;
import lvsd.rules.SynProxyMode;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The SYN proxy rung by rung, on virtual time. Section numbers are those of the design document. */
class SynProxyTest extends ProxyLadder {
    private ProxyFlow flow(Way way, int isn) {
        return new ProxyFlow(director, way, 40_000, isn);
    }

    // ---- 4.2.1: the SYN

    @ParameterizedTest
    @EnumSource
    void shouldAnswerASynWithoutTellingAnybody(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = flow(way, 1000);
        byte[] frame = flow.syn(mss(1400), nop(), windowScale(5));
        PacketBuilder expected = way.leaving(0, way.vip(), way.client())
                .ttl(63)
                .df()
                .tcp(80, 40_000)
                .flags("S.")
                .seq(flow.cookie)
                .ack(1001)
                .window(16 * flow.mssOf(frame))
                .options(mss(1500 - way.ipHeader() - 20), nop(), windowScale(7));
        Packets.assertSame(
                frame, expected.window(Math.min(65_535, 16 * flow.mssOf(frame))).build());
        assertThat(director.connections()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void shouldLeaveRoomForTheClientsAddress(Way way) {
        ProxyFlow.service(director, way, true);
        byte[] frame = flow(way, 1000).syn(mss(1460));
        int toa = way.fullnat() ? way.ipv6 ? 20 : 8 : 0;
        assertThat(flow(way, 1).mssOf(frame)).isEqualTo(1500 - way.ipHeader() - 20 - toa);
    }

    @Test
    void shouldDropASynForAServiceWithoutServer() {
        director.quiesce(ProxyFlow.service(director, Way.NAT4, false));
        director.send(0, flow(Way.NAT4, 5).syn(5));
        director.expectNothing(0);
        assertThat(director.drops(DropReason.NO_DESTINATION)).isEqualTo(1);
    }

    @Test
    void shouldNotAnswerASynThatArrivedDamaged() {
        ProxyFlow.service(director, Way.NAT4, false);
        director.send(
                0,
                flow(Way.NAT4, 5)
                        .flow
                        .fromClient()
                        .flags("S")
                        .seq(5)
                        .lieChecksum(0x1234)
                        .build());
        director.expectNothing(0);
        assertThat(director.drops(DropReason.BAD_TRANSPORT_CHECKSUM)).isEqualTo(1);
    }

    // ---- 4.2.2 and 4.2.3: six-way handshake

    @ParameterizedTest
    @EnumSource
    void shouldBringAProvenClientTogetherWithAServer(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = flow(way, 1000).establish(77_000);
        assertThat(flow.state()).isEqualTo("ESTABLISHED");
        flow.up("P.", 1, 1, 100);
        flow.down(".", 1, 101, 0);
        flow.down("P.", 1, 101, 1400);
        flow.up(".", 101, 1401, 0);
        flow.down("F.", 1401, 101, 0);
        flow.up("F.", 101, 1402, 0);
        flow.down(".", 1402, 102, 0);
    }

    @ParameterizedTest
    @EnumSource
    void shouldTranslateAcrossWrapAround(Way way) {
        ProxyFlow.service(director, way, false);
        for (int isn : new int[] {-1, -2, -50, 0x7fff_ffff}) {
            for (int server : new int[] {-1, -2, -60, 0x7fff_ffff}) {
                ProxyFlow flow = flow(way, isn).establish(server);
                flow.up("P.", 1, 1, 100);
                flow.down("P.", 1, 101, 100);
                flow.up(".", 101, 101, 0);
                flow.up("R.", 101, 101, 0);
                director.advance(20_000);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldMakeTheSynForTheServerOfWhatTheClientOffered(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = flow(way, 1000);
        flow.syn(mss(1440), sackOk(), nop(), windowScale(9));
        byte[] syn = flow.ack();
        assertThat(flow.mssOf(syn)).isEqualTo(1440);
        assertThat(flow.sackOf(syn)).isTrue();
        assertThat(flow.scaleOf(syn)).isEqualTo(9);
        assertThat(flow.option(syn, 8)).isNegative();
        assertThat(flow.windowOf(syn)).as("not scaled").isEqualTo(65_535);
        flow.synAck(5, mss(1460), sackOk(), nop(), windowScale(7));
    }

    @ParameterizedTest
    @EnumSource
    void shouldOfferTheServerNothingThatTheClientDidNot(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = flow(way, 1000);
        flow.syn(mss(1440));
        byte[] syn = flow.ack();
        assertThat(flow.option(syn, 3)).isNegative();
        assertThat(flow.option(syn, 4)).isNegative();
        assertThat(flow.option(syn, 8)).isNegative();
        assertThat(flow.windowOf(syn)).isEqualTo(64_240);
    }

    @ParameterizedTest
    @EnumSource
    void shouldTranslateTimestampsBothWays(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = flow(way, 1000);
        flow.clientStamp = 500;
        flow.syn(mss(1460), sackOk(), timestamps(499, 0), nop(), windowScale(7));
        byte[] syn = flow.ack();
        assertThat(flow.sackOf(syn)).isTrue();
        flow.serverStamp = 900_000;
        byte[] ack =
                flow.synAck(5, mss(1460), sackOk(), timestamps(900_000, 500 + flow.stampUp), nop(), windowScale(7));
        Packets.assertSame(ack, flow.atServer(".", 1, 1).df().build());
        flow.up("P.", 1, 1, 10);
        flow.down(
                flow.server("P.", 1, 11).options(nop(), nop(), timestamps(900_007, 500 + flow.stampUp)),
                flow.atClient("P.", 1, 11).options(nop(), nop(), timestamps(flow.stamp + 7, 500)));
        flow.up(
                flow.flow
                        .fromClient()
                        .flags(".")
                        .seq(1011)
                        .ack(flow.cookie + 1)
                        .options(nop(), nop(), timestamps(510, flow.stamp + 7)),
                flow.flow
                        .atServer()
                        .flags(".")
                        .seq(1011 + flow.flow.sequence)
                        .ack(6)
                        .options(nop(), nop(), timestamps(510 + flow.stampUp, 900_007)));
    }

    @ParameterizedTest
    @EnumSource
    void shouldTranslateSelectiveAcknowledgements(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = flow(way, 1000);
        flow.syn(mss(1440), sackOk());
        flow.ack();
        flow.synAck(-3, mss(1460), sackOk());
        int k = flow.cookie;
        int r = flow.serverIsn;
        int c = flow.isn;
        int d = flow.flow.sequence;
        flow.up(
                flow.client(".", 1, 1).options(nop(), nop(), sack(k + 11, k + 21, k + 31, k + 41)),
                flow.atServer(".", 1, 1).options(nop(), nop(), sack(r + 11, r + 21, r + 31, r + 41)));
        flow.down(
                flow.server(".", 1, 1).options(nop(), nop(), sack(c + d + 5, c + d + 9)),
                flow.atClient(".", 1, 1).options(nop(), nop(), sack(c + 5, c + 9)));
        // A duplicate (RFC 2883): the first block lies below the acknowledgement.
        flow.up(
                flow.client(".", 1, 50).options(nop(), nop(), sack(k + 11, k + 21)),
                flow.atServer(".", 1, 50).options(nop(), nop(), sack(r + 11, r + 21)));
    }

    // ---- windows

    private ProxyFlow scaled(Way way, int client, int server) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = flow(way, 1000);
        flow.syn(mss(1440), nop(), windowScale(client));
        flow.ack();
        if (server < 0) {
            flow.synAck(5, mss(1460));
        } else {
            flow.synAck(5, mss(1460), nop(), windowScale(server));
        }
        return flow;
    }

    private static void window(ProxyFlow flow, int server, int client) {
        flow.down(
                flow.server(".", 1, 1).window(server), flow.atClient(".", 1, 1).window(client));
    }

    @ParameterizedTest
    @EnumSource
    void shouldLeaveWindowsAloneWhereTheServersScaleIsOurs(Way way) {
        ProxyFlow flow = scaled(way, 3, 7);
        window(flow, 1000, 1000);
        flow.up(".", 1, 1, 0);
    }

    @ParameterizedTest
    @EnumSource
    void shouldShiftTheServersWindows(Way way) {
        ProxyFlow smaller = scaled(way, 3, 4);
        window(smaller, 1000, 125);
        window(smaller, 7, 0);
        window(smaller, 0, 0);
        smaller.up(".", 1, 1, 0);
        smaller.up("R.", 1, 1, 0);
    }

    @ParameterizedTest
    @EnumSource
    void shouldShiftTheServersWindowsNoFurtherThanTheyFit(Way way) {
        ProxyFlow larger = scaled(way, 3, 10);
        window(larger, 1000, 8000);
        window(larger, 60_000, 65_535);
        larger.up(".", 1, 1, 0);
    }

    @ParameterizedTest
    @EnumSource
    void shouldTellBothSidesTheTruthWhereTheServerDoesNotScale(Way way) {
        ProxyFlow flow = scaled(way, 3, -1);
        window(flow, 64_000, 500);
        flow.up(flow.client(".", 1, 1).window(1000), flow.atServer(".", 1, 1).window(8000));
        flow.up(flow.client(".", 1, 1).window(10_000), flow.atServer(".", 1, 1).window(65_535));
    }

    // ---- 4.6.3: what the client sends meanwhile

    @ParameterizedTest
    @EnumSource
    void shouldKeepWhatTheClientSendsUntilTheServerAnswers(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = flow(way, 1000);
        flow.syn(mss(1460));
        flow.ack();
        for (int i = 0; i < 12; i++) {
            flow.held("P.", 1 + i * 1400, 1, 1400);
        }
        Packets.assertSame(flow.synAck(5), flow.atServer(".", 1, 1).df().build());
        for (int i = 0; i < 12; i++) {
            flow.expectAtServer("P.", 1 + i * 1400, 1, 1400);
        }
        director.expectNothing(1);
    }

    @ParameterizedTest
    @EnumSource
    void shouldOpenOnDataWhereTheBareAcknowledgementIsLost(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = flow(way, 1000);
        flow.syn(mss(1460));
        director.send(0, flow.client("P.", 1, 1).payload(10).build());
        flow.serverSyn();
        flow.held("FP.", 11, 1, 5);
        flow.synAck(5);
        flow.expectAtServer("P.", 1, 1, 10);
        flow.expectAtServer("FP.", 11, 1, 5);
        assertThat(flow.state()).isEqualTo("CLOSE_WAIT");
    }

    @Test
    void shouldKeepNoMoreThanIsSet() {
        with("synproxy_ack_skb_store_thresh", "2");
        ProxyFlow.service(director, Way.FULLNAT4, false);
        ProxyFlow flow = flow(Way.FULLNAT4, 1000);
        flow.syn(mss(1460));
        flow.ack();
        for (int i = 0; i < 4; i++) {
            flow.held("P.", 1 + i * 10, 1, 10);
        }
        assertThat(director.drops(DropReason.SYN_QUEUE)).isEqualTo(2);
        flow.synAck(5);
        flow.expectAtServer("P.", 1, 1, 10);
        flow.expectAtServer("P.", 11, 1, 10);
        director.expectNothing(1);
        flow.up("P.", 21, 1, 10);
    }

    @ParameterizedTest
    @EnumSource
    void shouldPassNothingOfOthersWhileTheServerIsAsked(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = flow(way, 1000);
        flow.syn();
        flow.ack();
        flow.held(".", 1, 1, 0);
        flow.held("P.", 1, 2, 10);
        flow.held("P.", 1, -5, 10);
        flow.held("P.", 70_000, 1, 10);
        flow.held("R", -5, 0, 0);
        director.send(1, flow.server("S.", 0, 7).build());
        byte[] reset = director.expect(1);
        assertThat(flow.flagsOf(reset)).as("an answer to another SYN").isEqualTo(0x04);
        assertThat(flow.state()).isEqualTo("SYN_SENT");
        flow.synAck(5);
        flow.up("P.", 1, 1, 10);
    }

    // ---- TOA

    @ParameterizedTest
    @EnumSource(names = "FULLNAT.", mode = EnumSource.Mode.MATCH_ANY)
    void shouldTellTheServerTheClientsAddress(Way way) {
        ProxyFlow.service(director, way, true);
        ProxyFlow flow = flow(way, 1000);
        flow.syn();
        flow.ack();
        byte[] own = toa(way.client(), 40_000);
        Packets.assertSame(
                flow.synAck(77), flow.atServer(".", 1, 1).df().options(own).build());
        flow.up(
                flow.client("P.", 1, 1).payload(10),
                flow.atServer("P.", 1, 1).options(own).payload(10));
        // The server says its SYN+ACK again: it has not got the acknowledgement.
        director.send(1, flow.server("S.", 0, 1).build());
        byte[] again = director.expect(0);
        assertThat(flow.seqOf(again)).isEqualTo(flow.cookie);
        flow.up(flow.client(".", 11, 1), flow.atServer(".", 11, 1).options(own));
        flow.down(".", 1, 11, 0);
        flow.up("P.", 11, 1, 10);
    }

    @ParameterizedTest
    @EnumSource(names = "FULLNAT.", mode = EnumSource.Mode.MATCH_ANY)
    void shouldTellTheAddressOnKeptSegmentsToo(Way way) {
        ProxyFlow.service(director, way, true);
        ProxyFlow flow = flow(way, 1000);
        flow.syn();
        director.send(0, flow.client("P.", 1, 1).payload(10).build());
        flow.serverSyn();
        byte[] own = toa(way.client(), 40_000);
        Packets.assertSame(
                flow.synAck(77), flow.atServer(".", 1, 1).df().options(own).build());
        byte[] data = director.expect(1);
        Packets.assertSame(
                data, flow.atServer("P.", 1, 1).options(own).payload(10).build());
    }

    // ---- the cookie

    @ParameterizedTest
    @EnumSource
    void shouldForgetAForgedAcknowledgement(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = flow(way, 1000);
        flow.syn();
        flow.held(".", 1, 2, 0);
        flow.held(".", 2, 1, 0);
        flow.held("P.", 1, 257, 10);
        assertThat(director.connections()).isEmpty();
        assertThat(director.drops(DropReason.SYN_COOKIE)).isEqualTo(3);
    }

    @ParameterizedTest
    @EnumSource
    void shouldResetAForgedAcknowledgementWhereThatIsSet(Way way) {
        with("synproxy_rst_bad_cookie", "1");
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = flow(way, 1000);
        flow.syn();
        director.send(0, flow.client(".", 1, 2).build());
        byte[] frame = director.expect(0);
        assertThat(flow.flagsOf(frame)).isEqualTo(0x04);
        assertThat(flow.seqOf(frame)).isEqualTo(flow.cookie + 2);
    }

    @ParameterizedTest
    @EnumSource
    void shouldForgetAnExpiredCookie(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = flow(way, 1000);
        flow.syn();
        director.advance(140_000);
        flow.held(".", 1, 1, 0);
        assertThat(director.connections()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void shouldWaitForDataWhereThatIsSet(Way way) {
        with("synproxy_defer", "1", "synproxy_zero_window", "1");
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = flow(way, 1000);
        assertThat(flow.windowOf(flow.syn())).as("else no data would ever come").isPositive();
        flow.held(".", 1, 1, 0);
        assertThat(director.drops(DropReason.SYN_DEFERRED)).isEqualTo(1);
        assertThat(director.connections()).isEmpty();
        director.send(0, flow.client("P.", 1, 1).payload(3).build());
        flow.serverSyn();
        flow.synAck(9);
        flow.expectAtServer("P.", 1, 1, 3);
    }

    @ParameterizedTest
    @EnumSource
    void shouldKeepTheClientsWindowClosedWhereThatIsSet(Way way) {
        with("synproxy_zero_window", "1");
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = flow(way, 1000);
        byte[] answer = flow.syn(mss(1440), nop(), windowScale(2));
        assertThat(flow.windowOf(answer)).isZero();
        flow.ack();
        flow.synAck(9, mss(1460), nop(), windowScale(7));
        byte[] update = director.expect(0);
        Packets.assertChecksums(update);
        assertThat(flow.flagsOf(update)).isEqualTo(0x10);
        assertThat(flow.seqOf(update)).isEqualTo(flow.cookie + 1);
        assertThat(flow.ackOf(update)).isEqualTo(1001);
        assertThat(flow.windowOf(update)).isEqualTo(64_240 >>> 7);
        flow.up("P.", 1, 1, 3);
    }

    // ---- 4.6.1: the server refuses

    @ParameterizedTest
    @EnumSource
    void shouldPassARefusalOnWithNumbersTheClientTakes(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = flow(way, 1000);
        flow.syn();
        flow.ack();
        flow.held("P.", 1, 1, 10);
        flow.serverIsn = 0;
        director.send(1, flow.server("R.", 0, 1).build());
        flow.expectReset();
        assertThat(flow.state()).isEqualTo("CLOSE");
        director.advance(9_000);
        director.expectNothing(1);
    }

    @ParameterizedTest
    @EnumSource
    void shouldNotBelieveARefusalOfSomethingElse(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = flow(way, 1000);
        flow.syn();
        flow.ack();
        director.send(1, flow.server("R.", 0, 2).build());
        director.send(1, flow.server("R", 0, 0).build());
        director.expectNothing(0);
        assertThat(flow.state()).isEqualTo("SYN_SENT");
        flow.synAck(4);
    }

    @ParameterizedTest
    @EnumSource
    void shouldTryAnotherServerWhereOneRefusesAndThatIsSet(Way way) {
        with("synproxy_retry_other", "1");
        String other = way.ipv6 ? "2001:db8:b::3" : TestDirector.RS2;
        ProxyFlow.service(director, way, false, way.server() + ":8080", other + ":8080");
        ProxyFlow flow = flow(way, 1000);
        flow.syn();
        director.send(0, flow.client("P.", 1, 1).payload(10).build());
        byte[] first = flow.serverSyn();
        String one = destination(way, first);
        director.send(1, from(flow, one, "R.", 0).build());
        byte[] second = flow.serverSyn();
        String two = destination(way, second);
        assertThat(two).isNotEqualTo(one);
        director.expectNothing(0);
        director.send(1, from(flow, two, "S.", 500).build());
        flow.serverIsn = 500;
        byte[] ack = director.expect(1);
        assertThat(flow.ackOf(ack)).isEqualTo(501);
        byte[] data = director.expect(1);
        assertThat(flow.seqOf(data)).isEqualTo(1001 + flow.flow.sequence);
        assertThat(flow.ackOf(data)).isEqualTo(501);
        assertThat(data).hasSize(way.l4() + 30);
    }

    private static String destination(Way way, byte[] frame) {
        byte[] address = Arrays.copyOfRange(frame, way.ipv6 ? 38 : 30, way.ipv6 ? 54 : 34);
        try {
            return InetAddress.getByAddress(address).getHostAddress();
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e);
        }
    }

    private static PacketBuilder from(ProxyFlow flow, String server, String flags, int seq) {
        return flow.way
                .arriving(1, server, flow.way.peer())
                .tcp(Flow.SERVER_PORT, flow.flow.peerPort)
                .flags(flags)
                .seq(seq)
                .ack(flow.isn + flow.flow.sequence + 1);
    }

    @ParameterizedTest
    @EnumSource
    void shouldResetTheClientWhereEveryServerRefuses(Way way) {
        with("synproxy_retry_other", "1");
        String other = way.ipv6 ? "2001:db8:b::3" : TestDirector.RS2;
        ProxyFlow.service(director, way, false, way.server() + ":8080", other + ":8080");
        ProxyFlow flow = flow(way, 1000);
        flow.syn();
        flow.ack();
        // One after the other, four in all, although there are two: a server may be back by then.
        director.send(1, from(flow, current(), "R.", 0).build());
        byte[] syn = flow.serverSyn();
        for (int i = 0; i < 2; i++) {
            director.send(1, from(flow, destination(way, syn), "R.", 0).build());
            syn = flow.serverSyn();
        }
        director.send(1, from(flow, destination(way, syn), "R.", 0).build());
        flow.expectReset();
        director.expectNothing(1);
    }

    private String current() {
        return director.connections().getFirst().server().getHostAddress();
    }

    // ---- 4.6: the server is silent

    @ParameterizedTest
    @EnumSource
    void shouldSendTheSynAgainAndWaitTwiceAsLongEachTime(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = flow(way, 1000);
        flow.syn();
        byte[] syn = flow.ack();
        director.advance(100);
        for (int wait : new int[] {1, 2, 4}) {
            director.advance(wait * 1000 - 200);
            // A client's segment changes nothing about the timer.
            flow.held("P.", 1, 1, 10);
            director.advance(200);
            Packets.assertSame(flow.serverSyn(), syn);
        }
        director.advance(8_000);
        flow.expectReset();
        director.expectNothing(1);
        assertThat(flow.state()).isEqualTo("none");
    }

    @Test
    void shouldSendTheSynAgainAsOftenAsIsSet() {
        with("synproxy_syn_retry", "0");
        ProxyFlow.service(director, Way.NAT4, false);
        ProxyFlow flow = flow(Way.NAT4, 1000);
        flow.syn();
        flow.ack();
        director.advance(1_100);
        flow.expectReset();
        director.expectNothing(1);
    }

    @ParameterizedTest
    @EnumSource
    void shouldTryAnotherServerWhereOneIsSilentAndThatIsSet(Way way) {
        with("synproxy_retry_other", "1", "synproxy_syn_retry", "1");
        String other = way.ipv6 ? "2001:db8:b::3" : TestDirector.RS2;
        ProxyFlow.service(director, way, false, way.server() + ":8080", other + ":8080");
        ProxyFlow flow = flow(way, 1000);
        flow.syn();
        String first = destination(way, flow.ack());
        director.advance(1_100);
        assertThat(destination(way, flow.serverSyn())).isEqualTo(first);
        director.advance(2_000);
        String second = destination(way, flow.serverSyn());
        assertThat(second).isNotEqualTo(first);
        director.expectNothing(0);
        director.send(1, from(flow, second, "S.", 9).build());
        assertThat(flow.ackOf(director.expect(1))).isEqualTo(10);
        assertThat(flow.state()).isEqualTo("ESTABLISHED");
    }

    /** RFC 9293, 3.5.1: half-open connections. */
    @ParameterizedTest
    @EnumSource
    void shouldHaveAnOldConnectionOfTheServersReset(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = flow(way, 1000);
        flow.syn();
        byte[] syn = flow.ack();
        director.send(1, flow.flow.fromServer().flags(".").seq(123).ack(55_555).build());
        byte[] reset = director.expect(1);
        assertThat(flow.flagsOf(reset)).isEqualTo(0x04);
        assertThat(flow.seqOf(reset)).isEqualTo(55_555);
        director.advance(1_100);
        Packets.assertSame(flow.serverSyn(), syn);
        flow.synAck(8);
        flow.up("P.", 1, 1, 4);
    }

    @ParameterizedTest
    @EnumSource
    void shouldTellTheServerWhenTheClientGivesUp(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = flow(way, 1000);
        flow.syn();
        flow.ack();
        director.send(0, flow.client("R", 1, 0).build());
        byte[] reset = director.expect(1);
        assertThat(flow.flagsOf(reset)).isEqualTo(0x04);
        assertThat(flow.seqOf(reset)).isEqualTo(1001 + flow.flow.sequence);
        assertThat(director.connections()).isEmpty();
    }

    // ---- a client that begins anew

    @ParameterizedTest
    @EnumSource
    void shouldAnswerASynAgainWhileTheServerIsAsked(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = flow(way, 1000);
        flow.syn();
        flow.ack();
        flow.syn();
        flow.held("P.", 1, 1, 10);
        flow.synAck(44);
        flow.expectAtServer("P.", 1, 1, 10);
    }

    @ParameterizedTest
    @EnumSource
    void shouldFollowAClientThatBeginsAnewWhileTheServerIsAsked(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = flow(way, 1000);
        flow.syn();
        flow.ack();
        flow.isn = 500_000;
        flow.syn();
        flow.ack();
        Packets.assertSame(flow.synAck(44), flow.atServer(".", 1, 1).df().build());
        flow.up("P.", 1, 1, 10);
    }

    // ---- settings change

    @Test
    void shouldStillKnowItsCookiesWhenTheProxyIsSwitchedOff() {
        Service service = ProxyFlow.service(director, Way.NAT4, false);
        ProxyFlow flow = flow(Way.NAT4, 1000);
        flow.syn();
        director.mode(service, SynProxyMode.DISABLE);
        flow.ack();
        flow.synAck(5);
        ProxyFlow other = new ProxyFlow(director, Way.NAT4, 40_001, 7);
        director.send(0, other.syn(7));
        other.serverSyn();
    }
}
