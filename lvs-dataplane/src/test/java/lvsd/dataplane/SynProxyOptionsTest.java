package lvsd.dataplane;

import static lvsd.wire.PacketBuilder.mss;
import static lvsd.wire.PacketBuilder.nop;
import static lvsd.wire.PacketBuilder.sackOk;
import static lvsd.wire.PacketBuilder.timestamps;
import static lvsd.wire.PacketBuilder.windowScale;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.stream.Stream;
import lvsd.wire.Packets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Options that are odd, wrong or hostile, of clients and of servers, and what becomes of them on the way. */
class SynProxyOptionsTest extends ProxyLadder {
    /** What the server is offered. */
    record Offer(int mss4, int mss6, int scale, boolean sack) {}

    private static final int NONE = -1;

    private static Arguments syn(String what, String options, Offer offer) {
        return Arguments.of(what, options, offer);
    }

    static Stream<Arguments> syns() {
        Offer nothing = new Offer(216, 1220, NONE, false);
        Offer usual = new Offer(1460, 1440, NONE, false);
        return Stream.of(
                syn("no options", "", nothing),
                syn("the usual size", "020405b4", usual),
                syn("size 0", "02040000", nothing),
                syn("size 1", "02040001", nothing),
                syn("size 215", "020400d7", nothing),
                syn("size 1299", "02040513", new Offer(216, 1220, NONE, false)),
                syn("size 1300", "02040514", new Offer(1300, 1220, NONE, false)),
                syn("largest size", "0204ffff", usual),
                syn("size too short", "020305 01", nothing),
                syn("size too long", "020505b4 01010101", nothing),
                syn("size of length 0", "020005b4", nothing),
                syn("size of length 1", "020105b4", nothing),
                syn("size beyond the header", "022805b4", nothing),
                syn("two sizes", "020405b4 02040218", usual),
                syn("size behind padding", "01010101 010101 020405b4 01", usual),
                syn("scale 0", "020405b4 03030001", new Offer(1460, 1440, 0, false)),
                syn("scale 14", "020405b4 03030e01", new Offer(1460, 1440, 14, false)),
                syn("scale 15", "020405b4 03030f01", new Offer(1460, 1440, 14, false)),
                syn("scale 255", "020405b4 0303ff01", new Offer(1460, 1440, 14, false)),
                syn("scale too short", "020405b4 03020101", usual),
                syn("scale too long", "020405b4 03040701", usual),
                syn("scale cut off", "020405b4 01010103", usual),
                syn("scale without its value", "020405b4 01010303", usual),
                syn("two scales", "020405b4 03030501 03030901", new Offer(1460, 1440, 5, false)),
                syn("sack", "020405b4 04020101", new Offer(1460, 1440, NONE, true)),
                syn("sack first", "04020101 020405b4", new Offer(1460, 1440, NONE, true)),
                syn("sack too long", "020405b4 04030001", usual),
                syn("sack blocks on a SYN", "020405b4 050a0000000100000002 0101", usual),
                syn("end first", "00020405 b4040201", nothing),
                syn("end in the middle", "020405b4 00030307", usual),
                syn("padding alone", "01".repeat(40), nothing),
                syn("unknown kind", "020405b4 1e0c00813a2b4c5d6e7f8091 0402 0101", new Offer(1460, 1440, NONE, true)),
                syn("unknown kind of length 0", "020405b4 1e00 0402", usual),
                syn("unknown kind of length 1", "020405b4 1e01 0402", usual),
                syn("unknown kind beyond the header", "020405b4 1eff 0402", usual),
                syn("fast open", "020405b4 220a0102030405060708 0402", new Offer(1460, 1440, NONE, true)),
                syn("MD5 signature", "020405b4 1312" + "5a".repeat(16) + "0402", new Offer(1460, 1440, NONE, true)),
                syn("somebody else's address", "020405b4 fe081f907f000001 04020101", new Offer(1460, 1440, NONE, true)),
                syn("timestamps too short", "020405b4 0809" + "00".repeat(7) + "010101", usual),
                syn("timestamps too long", "020405b4 080b" + "00".repeat(9) + "01", usual),
                syn("all that fits", "020405b4 03030702" + "01".repeat(30) + "0402", new Offer(1460, 1440, 7, false)));
    }

    private static byte[] bytes(String hex) {
        byte[] options = HexFormat.of().parseHex(hex.replace(" ", ""));
        return Arrays.copyOf(options, (options.length + 3) & ~3);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("syns")
    void shouldOfferTheServerWhatCanBeUnderstood(String what, String options, Offer offer) {
        for (Way way : Way.values()) {
            ProxyFlow.service(director, way, false);
            ProxyFlow flow = new ProxyFlow(director, way, 40_000, -1);
            byte[] answer = flow.syn(bytes(options));
            assertThat(flow.mssOf(answer)).as(what).isEqualTo(1500 - way.ipHeader() - 20);
            assertThat(flow.scaleOf(answer)).isEqualTo(offer.scale == NONE ? NONE : 7);
            assertThat(flow.sackOf(answer)).isEqualTo(offer.sack);
            assertThat(flow.option(answer, 8)).isEqualTo(NONE);
            byte[] syn = flow.ack();
            assertThat(flow.mssOf(syn)).isEqualTo(way.ipv6 ? offer.mss6 : offer.mss4);
            assertThat(flow.scaleOf(syn)).isEqualTo(offer.scale);
            assertThat(flow.sackOf(syn)).isEqualTo(offer.sack);
            for (int kind : new int[] {5, 8, 19, 30, 34, -2}) {
                assertThat(flow.option(syn, kind)).as("option %d", kind).isEqualTo(NONE);
            }
            byte[] ack = offer.scale == NONE ? flow.synAck(5) : flow.synAck(5, nop(), windowScale(7));
            Packets.assertSame(ack, flow.atServer(".", 1, 1).df().build());
            flow.up("P.", 1, 1, 10);
            director.advance(1_000_000);
            with();
        }
    }

    // ---- of servers

    static Stream<Arguments> answers() {
        return Stream.of(
                Arguments.of("the same scale", "020405b4 03030701", 1000, 1000),
                Arguments.of("no scale", "020405b4", 64_000, 500),
                Arguments.of("scale 0", "020405b4 03030001", 64_000, 500),
                Arguments.of("scale 15", "020405b4 03030f01", 10, 1280),
                Arguments.of("scale 255", "020405b4 0303ff01", 10, 1280),
                Arguments.of("scale too short", "020405b4 03020101", 64_000, 500),
                Arguments.of("scale too long", "020405b4 03040701", 64_000, 500),
                Arguments.of("scale behind the end", "020405b4 00030307", 64_000, 500),
                Arguments.of("no options", "", 64_000, 500),
                Arguments.of("length 0", "020005b4 03030701", 64_000, 500),
                Arguments.of("beyond the header", "022805b4 03030701", 64_000, 500));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("answers")
    void shouldShiftWindowsAsTheServerCanHaveMeantThem(String what, String options, int server, int client) {
        for (Way way : Way.values()) {
            ProxyFlow.service(director, way, false);
            ProxyFlow flow = new ProxyFlow(director, way, 40_000, 1000);
            flow.syn(mss(1440), nop(), windowScale(3));
            flow.ack();
            flow.synAck(-1, bytes(options));
            flow.down(
                    flow.server(".", 1, 1).window(server),
                    flow.atClient(".", 1, 1).window(client));
            director.advance(1_000_000);
            with();
        }
    }

    /** Timestamps were agreed with the client, and the server does without: from then on so does the translation. */
    @ParameterizedTest
    @EnumSource
    void shouldDoWithAServerWithoutTimestamps(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = new ProxyFlow(director, way, 40_000, 1000);
        flow.clientStamp = 500;
        flow.syn(mss(1460), sackOk(), timestamps(499, 0));
        flow.ack();
        flow.synAck(5, mss(1460), sackOk());
        flow.clientStamp = 0;
        flow.up("P.", 1, 1, 10);
        flow.down("P.", 1, 11, 10);
    }

    @ParameterizedTest
    @EnumSource
    void shouldNotTakeACookieWithoutTheTimestampItWasMadeWith(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = new ProxyFlow(director, way, 40_000, 1000);
        flow.clientStamp = 500;
        flow.syn(mss(1460), sackOk(), timestamps(499, 0));
        flow.stamp++;
        flow.held(".", 1, 1, 0);
        flow.stamp--;
        flow.clientStamp = 0;
        flow.held(".", 1, 1, 0);
        assertThat(director.drops(DropReason.SYN_COOKIE)).isEqualTo(2);
        flow.clientStamp = 500;
        flow.ack();
    }

    /** Both ends' timestamps and ours pass zero on the way. */
    @ParameterizedTest
    @EnumSource
    void shouldTranslateTimestampsAcrossWrapAround(Way way) {
        ProxyFlow.service(director, way, false);
        int port = 40_000;
        for (int server : new int[] {-1, -3, Integer.MAX_VALUE, 0}) {
            ProxyFlow flow = new ProxyFlow(director, way, port++, -2);
            flow.clientStamp = -1;
            flow.syn(mss(1460), timestamps(-2, 0));
            flow.ack();
            flow.serverStamp = server;
            flow.synAck(-1, mss(1460), timestamps(server, -1 + flow.stampUp));
            for (int i = 0; i < 6; i++) {
                flow.down(
                        flow.server(".", 1, 1).options(nop(), nop(), timestamps(server + i, i - 1 + flow.stampUp)),
                        flow.atClient(".", 1, 1).options(nop(), nop(), timestamps(flow.stamp + i, i - 1)));
                flow.up(
                        flow.flow
                                .fromClient()
                                .flags(".")
                                .seq(-1 + i)
                                .ack(flow.cookie + 1)
                                .options(nop(), nop(), timestamps(i, flow.stamp + i)),
                        flow.flow
                                .atServer()
                                .flags(".")
                                .seq(-1 + i + flow.flow.sequence)
                                .ack(0)
                                .options(nop(), nop(), timestamps(i + flow.stampUp, server + i)));
            }
        }
    }

    // ---- blocks that are none

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0101 0509 0000000100 000000020000",
                "0101 0502",
                "0101 0506 00000001",
                "05ff 00000001 00000002 0000",
                "0500 00000001 00000002 0000",
                "0501 00000001 00000002 0000",
                "1eff 0000",
                "0101 01 05"
            })
    void shouldPassOnOptionsThatAreNoneAsTheyCame(String options) {
        for (Way way : Way.values()) {
            ProxyFlow.service(director, way, false);
            ProxyFlow flow = new ProxyFlow(director, way, 40_000, 1000);
            flow.syn(mss(1440), sackOk());
            flow.ack();
            flow.synAck(77, mss(1440), sackOk());
            flow.up(
                    flow.client(".", 1, 1).options(bytes(options)),
                    flow.atServer(".", 1, 1).options(bytes(options)));
            flow.down(
                    flow.server(".", 1, 1).options(bytes(options)),
                    flow.atClient(".", 1, 1).options(bytes(options)));
            director.advance(1_000_000);
            with();
        }
    }
}
