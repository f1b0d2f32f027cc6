package lvsd.dataplane;

import static lvsd.wire.PacketBuilder.mss;
import static lvsd.wire.PacketBuilder.nop;
import static lvsd.wire.PacketBuilder.option;
import static lvsd.wire.PacketBuilder.sack;
import static lvsd.wire.PacketBuilder.sackOk;
import static lvsd.wire.PacketBuilder.timestamps;
import static lvsd.wire.PacketBuilder.toa;
import static lvsd.wire.PacketBuilder.windowScale;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;
import lvsd.rules.Protocol;
import lvsd.wire.Packets;
import lvsd.wire.SeededTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What FULLNAT changes in TCP headers: sequence numbers, SACK, timestamps, the client's address in an option. */
class FullnatTcpTest extends PipelineTest {
    private Flow flow(Way way, int port) {
        return new Flow(director, way, true, port);
    }

    /** Opens with timestamps and learns what is added to them. */
    private Flow timestamped(Way way, int port, int seq, int value) {
        Flow flow = flow(way, port);
        byte[] syn = flow.fromClient()
                .flags("S")
                .seq(seq)
                .options(nop(), nop(), timestamps(value, 0))
                .build();
        director.send(0, syn);
        byte[] frame = director.expect(1);
        flow.peerPort = Flow.at16(frame, way.l4());
        flow.sequence = Flow.at32(frame, way.l4() + 4) - seq;
        flow.timestamp = Flow.at32(frame, way.l4() + 24) - value;
        Packets.assertSame(
                frame,
                flow.atServer()
                        .flags("S")
                        .seq(seq + flow.sequence)
                        .options(nop(), nop(), timestamps(value + flow.timestamp, 0))
                        .build());
        return flow;
    }

    @ParameterizedTest
    @EnumSource(names = "FULLNAT.", mode = EnumSource.Mode.MATCH_ANY)
    void shouldChooseAnotherInitialSequenceNumber(Way way) {
        Flow.service(director, way, true);
        Set<Integer> deltas = new HashSet<>();
        for (int port = 101; port <= 120; port++) {
            deltas.add(flow(way, port).establish(1000, 2000).sequence);
        }
        assertThat(deltas).hasSize(20).doesNotContain(0);
    }

    @Test
    void shouldRaiseTheInitialSequenceNumberOfATuple() {
        TestDirector one = new TestDirector(1, Map.of("fullnat_lport_min", "5000", "fullnat_lport_max", "5000"));
        Flow.service(one, Way.FULLNAT4, true);
        int last = 0;
        int lastTimestamp = 0;
        for (int port = 1; port <= 5; port++) {
            Flow flow = new Flow(one, Way.FULLNAT4, true, port);
            int seq = port * 1_234_567;
            one.send(
                    0,
                    flow.fromClient()
                            .flags("S")
                            .seq(seq)
                            .options(timestamps(99 - port, 0))
                            .build());
            byte[] syn = one.expect(1);
            assertThat(Flow.at16(syn, 34)).isEqualTo(5000);
            int isn = Flow.at32(syn, 38);
            int timestamp = Flow.at32(syn, 34 + 22);
            if (port > 1) {
                assertThat(isn - last).isPositive();
                assertThat(timestamp - lastTimestamp).isPositive();
            }
            last = isn;
            lastTimestamp = timestamp;
            flow.peerPort = 5000;
            flow.sequence = isn - seq;
            one.send(1, flow.fromServer().flags("R.").ack(isn + 1).build());
            one.expect(0);
            one.advance(11_000);
        }
        assertThat(one.outstanding()).isZero();
        one.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1, -2, -700, Integer.MAX_VALUE, Integer.MIN_VALUE, Integer.MAX_VALUE - 700})
    void shouldCarryDataAroundTheWrap(int seq) {
        Flow.service(director, Way.FULLNAT4, true);
        Flow flow = flow(Way.FULLNAT4, 7).establish(seq, -3);
        flow.up("P.", seq + 1, -2, 1400);
        flow.down(".", -2, seq + 1401, 0);
        flow.up("P.", seq + 1401, -2, 1);
        flow.down("P.", -2, seq + 1402, 100);
        flow.up(".", seq + 1402, 98, 0);
    }

    @Test
    void shouldWrapInTheServersNumbersToo() {
        Flow.service(director, Way.FULLNAT4, true);
        Flow first = flow(Way.FULLNAT4, 7).open(0);
        int seq = -first.sequence - 500;
        // Whatever the director adds, some segment of a megabyte crosses zero at the server.
        Flow flow = flow(Way.FULLNAT4, 8).establish(seq, 5);
        int at = -flow.sequence - 3;
        flow.up("P.", at, 6, 10);
        flow.down(".", 6, at + 10, 0);
        flow.down(".", 6, -flow.sequence, 0);
        flow.down(".", 6, -flow.sequence - 1, 0);
    }

    @ParameterizedTest
    @EnumSource(names = "FULLNAT.", mode = EnumSource.Mode.MATCH_ANY)
    void shouldTranslateSackOfTheServerOnly(Way way) {
        Flow.service(director, way, true);
        Flow flow = flow(way, 9).establish(-100, -200);
        int d = flow.sequence;
        // A duplicate below the acknowledgement first (RFC 2883), then two blocks that wrap.
        flow.down(
                flow.fromServer()
                        .flags(".")
                        .seq(-199)
                        .ack(-50 + d)
                        .options(nop(), nop(), sack(-90 + d, -80 + d, -20 + d, 30 + d, 40 + d, 41 + d)),
                flow.atClient().flags(".").seq(-199).ack(-50).options(nop(), nop(), sack(-90, -80, -20, 30, 40, 41)));
        byte[][] options = {nop(), nop(), sack(5, 6, -7, 8, 9, 10, 11, 12)};
        flow.up(
                flow.fromClient().flags(".").seq(-99).ack(-199).options(options),
                flow.atServer().flags(".").seq(-99 + d).ack(-199).options(options));
    }

    @ParameterizedTest
    @EnumSource(names = "FULLNAT.", mode = EnumSource.Mode.MATCH_ANY)
    void shouldTranslateTimestampsBothWays(Way way) {
        Flow.service(director, way, true);
        Flow flow = timestamped(way, 10, 1, -5);
        int t = flow.timestamp;
        int d = flow.sequence;
        assertThat(t).isNotZero();
        flow.down(
                flow.fromServer()
                        .flags("S.")
                        .seq(9)
                        .ack(2 + d)
                        .options(mss(1460), sackOk(), timestamps(77, -5 + t), nop(), windowScale(7)),
                flow.atClient()
                        .flags("S.")
                        .seq(9)
                        .ack(2)
                        .options(mss(1460), sackOk(), timestamps(77, -5), nop(), windowScale(7)));
        flow.up(
                flow.fromClient().flags(".").seq(2).ack(10).options(nop(), nop(), timestamps(3, 77)),
                flow.atServer().flags(".").seq(2 + d).ack(10).options(nop(), nop(), timestamps(3 + t, 77)));
        flow.down(
                flow.fromServer().flags(".").seq(10).ack(2 + d).options(nop(), nop(), timestamps(80, 3 + t)),
                flow.atClient().flags(".").seq(10).ack(2).options(nop(), nop(), timestamps(80, 3)));
        // With SACK blocks behind them, and at odd offsets.
        flow.down(
                flow.fromServer()
                        .flags(".")
                        .seq(10)
                        .ack(2 + d)
                        .options(nop(), nop(), timestamps(80, 3 + t), nop(), nop(), sack(4 + d, 5 + d)),
                flow.atClient()
                        .flags(".")
                        .seq(10)
                        .ack(2)
                        .options(nop(), nop(), timestamps(80, 3), nop(), nop(), sack(4, 5)));
        flow.down(
                flow.fromServer()
                        .flags(".")
                        .seq(10)
                        .ack(2 + d)
                        .options(nop(), timestamps(80, 3 + t), sack(4 + d, 5 + d)),
                flow.atClient().flags(".").seq(10).ack(2).options(nop(), timestamps(80, 3), sack(4, 5)));
        flow.up(
                flow.fromClient().flags(".").seq(2).ack(10).options(option(30, (byte) 9), timestamps(4, 80)),
                flow.atServer().flags(".").seq(2 + d).ack(10).options(option(30, (byte) 9), timestamps(4 + t, 80)));
        // A reset without acknowledgement echoes nothing.
        flow.down(
                flow.fromServer().flags("R").seq(10).options(nop(), nop(), timestamps(81, 0)),
                flow.atClient().flags("R").seq(10).options(nop(), nop(), timestamps(81, 0)));
    }

    @Test
    void shouldLeaveTimestampsAloneThatTheSynDidNotHave() {
        Flow.service(director, Way.FULLNAT4, true);
        Flow flow = flow(Way.FULLNAT4, 11).establish(1, 2);
        byte[][] options = {nop(), nop(), timestamps(1, 2)};
        flow.up(
                flow.fromClient().flags(".").seq(2).ack(3).options(options),
                flow.atServer().flags(".").seq(2 + flow.sequence).ack(3).options(options));
    }

    @Test
    void shouldForwardOptionsThatMakeNoSense() {
        Flow.service(director, Way.FULLNAT4, true);
        Flow flow = timestamped(Way.FULLNAT4, 12, 1, 1);
        int d = flow.sequence;
        byte[][][] cases = {
            {{8, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
            {{8, 2, 1, 1}},
            {{5, 5, 1, 2, 3, 1, 1, 1}},
            {{5, (byte) 200, 1, 2}},
            {{5, 2, 1, 1}},
            {{1, 1, 1, 8}},
            {{1, 1, 1, 5}},
            {{0, 8, 10, 1, 1, 1, 1, 1}},
            {{2, 0, 1, 1}},
            {{(byte) 254, 1, 1, 1}}
        };
        for (byte[][] options : cases) {
            flow.down(
                    flow.fromServer().flags(".").seq(5).ack(6 + d).options(options),
                    flow.atClient().flags(".").seq(5).ack(6).options(options));
            flow.up(
                    flow.fromClient().flags(".").seq(5).ack(6).options(options),
                    flow.atServer().flags(".").seq(5 + d).ack(6).options(options));
        }
    }

    @Test
    void shouldTranslateAnyMixOfOptions() {
        Flow.service(director, Way.FULLNAT4, true);
        Flow flow = timestamped(Way.FULLNAT4, 13, 1, 1);
        int d = flow.sequence;
        SeededTest.run(300, random -> {
            byte[][] sent = new byte[6][];
            byte[][] expected = new byte[6][];
            mix(random, flow, sent, expected);
            int ack = random.nextInt();
            int data = random.nextInt(50);
            flow.down(
                    flow.fromServer()
                            .flags("P.")
                            .seq(7)
                            .ack(ack + d)
                            .options(sent)
                            .payload(data),
                    flow.atClient()
                            .flags("P.")
                            .seq(7)
                            .ack(ack)
                            .options(expected)
                            .payload(data));
        });
    }

    /** Options as the server sends them and as the client shall get them; at most one of each that is translated. */
    private static void mix(RandomGenerator random, Flow flow, byte[][] sent, byte[][] expected) {
        int left = 40;
        boolean timestamped = false;
        boolean sacked = false;
        for (int i = 0; i < sent.length; i++) {
            int kind = random.nextInt(5);
            int a = random.nextInt();
            int b = random.nextInt();
            if (kind == 0 && left >= 10 && !timestamped) {
                timestamped = true;
                sent[i] = timestamps(a, b + flow.timestamp);
                expected[i] = timestamps(a, b);
            } else if (kind == 1 && left >= 18 && !sacked) {
                sacked = true;
                int d = flow.sequence;
                sent[i] = sack(a + d, b + d, b + d, a + d);
                expected[i] = sack(a, b, b, a);
            } else if (kind == 2 && left >= 7) {
                byte[] data = Arrays.copyOf(new byte[] {8, 10, 5, 6, 7}, random.nextInt(6));
                sent[i] = option(40 + random.nextInt(100), data);
                expected[i] = sent[i];
            } else {
                sent[i] = left > 0 ? nop() : new byte[0];
                expected[i] = sent[i];
            }
            left -= sent[i].length;
        }
    }

    // ---- the client's address

    private Flow withAddress(Way way, int port, byte[]... synOptions) {
        Flow.service(director, way, true, true);
        return flow(way, port).open(100, synOptions);
    }

    private byte[] own(Way way, int port) {
        return toa(way.client(), port);
    }

    @ParameterizedTest
    @EnumSource(names = "FULLNAT.", mode = EnumSource.Mode.MATCH_ANY)
    void shouldTellTheClientsAddressUntilDataIsAcknowledged(Way way) {
        Flow flow = withAddress(way, 1020, mss(1460));
        int d = flow.sequence;
        int size = way.ipv6 ? 20 : 8;
        flow.down(
                flow.fromServer().flags("S.").seq(500).ack(101 + d).options(mss(1460)),
                flow.atClient().flags("S.").seq(500).ack(101).options(mss(1460 - size)));
        byte[] option = own(way, 1020);
        flow.up(
                flow.fromClient().flags(".").seq(101).ack(501).trailer(new byte[6]),
                flow.atServer()
                        .flags(".")
                        .seq(101 + d)
                        .ack(501)
                        .options(option)
                        // Padding of a short frame stays, other bytes behind the packet go.
                        .trailer(new byte[way.ipv6 ? 0 : 6]));
        flow.up(
                flow.fromClient().flags("P.").seq(101).ack(501).payload(1400),
                flow.atServer()
                        .flags("P.")
                        .seq(101 + d)
                        .ack(501)
                        .options(option)
                        .payload(1400));
        // The server's window update acknowledges nothing yet.
        flow.down(".", 501, 101, 0);
        flow.up(
                flow.fromClient().flags("P.").seq(101).ack(501).payload(1400),
                flow.atServer()
                        .flags("P.")
                        .seq(101 + d)
                        .ack(501)
                        .options(option)
                        .payload(1400));
        flow.down(".", 501, 1501, 0);
        flow.up("P.", 1501, 501, 1400);
        assertThat(director.totals(director.first(), 0).inPackets()).isEqualTo(5);
    }

    @ParameterizedTest
    @EnumSource(names = "FULLNAT.", mode = EnumSource.Mode.MATCH_ANY)
    void shouldStopTellingOnceTheClientHasAcknowledgedData(Way way) {
        Flow flow = withAddress(way, 21);
        flow.down("S.", 500, 101, 0);
        flow.down("P.", 501, 101, 10);
        flow.up(".", 101, 511, 0);
        flow.up("P.", 101, 511, 10);
    }

    @ParameterizedTest
    @EnumSource(names = "FULLNAT.", mode = EnumSource.Mode.MATCH_ANY)
    void shouldPutTheAddressBeforeOtherOptions(Way way) {
        Flow.service(director, way, true, true);
        Flow flow = timestamped(way, 22, 100, 5);
        int d = flow.sequence;
        flow.down("S.", 500, 101, 0);
        flow.up(
                flow.fromClient()
                        .flags("P.")
                        .seq(101)
                        .ack(501)
                        .options(nop(), nop(), timestamps(6, 7))
                        .payload("GET"),
                flow.atServer()
                        .flags("P.")
                        .seq(101 + d)
                        .ack(501)
                        .options(own(way, 22), nop(), nop(), timestamps(6 + flow.timestamp, 7))
                        .payload("GET"));
    }

    @ParameterizedTest
    @EnumSource(names = "FULLNAT.", mode = EnumSource.Mode.MATCH_ANY)
    void shouldSendOnWithoutTheAddressWhereThereIsNoRoom(Way way) {
        Flow flow = withAddress(way, 23);
        int d = flow.sequence;
        flow.down("S.", 500, 101, 0);
        byte[][] full = {nop(), nop(), sack(1, 2, 3, 4, 5, 6, 7, 8), nop(), nop(), nop(), nop()};
        flow.up(
                flow.fromClient().flags(".").seq(101).ack(501).options(full),
                flow.atServer().flags(".").seq(101 + d).ack(501).options(full));
        int largest = 1500 - way.ipHeader() - 20;
        flow.up("P.", 101, 501, largest);
        flow.up(
                flow.fromClient().flags("P.").seq(101).ack(501).payload(100),
                flow.atServer()
                        .flags("P.")
                        .seq(101 + d)
                        .ack(501)
                        .options(own(way, 23))
                        .payload(100));
    }

    @ParameterizedTest
    @EnumSource(names = "FULLNAT.", mode = EnumSource.Mode.MATCH_ANY)
    void shouldNotBelieveAClientThatNamesItselfSomebodyElse(Way way) {
        Flow.service(director, way, true, true);
        Flow flow = flow(way, 24);
        byte[] forged = toa("203.0.113.66", 1);
        byte[] blank = {1, 1, 1, 1, 1, 1, 1, 1};
        director.send(0, flow.fromClient().flags("S").seq(100).options(forged).build());
        byte[] syn = director.expect(1);
        flow.peerPort = Flow.at16(syn, way.l4());
        flow.sequence = Flow.at32(syn, way.l4() + 4) - 100;
        int d = flow.sequence;
        Packets.assertSame(
                syn, flow.atServer().flags("S").seq(100 + d).options(blank).build());
        flow.down("S.", 500, 101, 0);
        flow.up(
                flow.fromClient().flags(".").seq(101).ack(501).options(nop(), forged, forged),
                flow.atServer()
                        .flags(".")
                        .seq(101 + d)
                        .ack(501)
                        .options(own(way, 24), nop(), blank, blank, new byte[3]));
        flow.up(
                flow.fromClient().flags("R.").seq(101).ack(501).options(forged),
                flow.atServer().flags("R.").seq(101 + d).ack(501).options(blank));
    }

    @Test
    void shouldTellNoAddressWhereTheServiceHasItOff() {
        Flow.service(director, Way.FULLNAT4, true, false);
        flow(Way.FULLNAT4, 25).establish(1, 2).up("P.", 2, 3, 10);
        assertThat(director.first().spec.id())
                .isEqualTo(
                        TestDirector.spec(Protocol.TCP, "192.0.2.10", 80, false).id());
    }

    @Test
    void shouldNotChangeTcpWithNat() {
        Flow.service(director, Way.NAT4, true, true);
        Flow flow = flow(Way.NAT4, 26).establish(1, 2);
        byte[][] options = {toa("203.0.113.66", 1), nop(), nop(), timestamps(1, 2)};
        flow.up(
                flow.fromClient().flags(".").seq(2).ack(3).options(options),
                flow.atServer().flags(".").seq(2).ack(3).options(options));
    }
}
