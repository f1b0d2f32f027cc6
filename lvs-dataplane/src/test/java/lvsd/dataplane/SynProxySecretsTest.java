package lvsd.dataplane;

import static lvsd.wire.PacketBuilder.mss;
import static lvsd.wire.PacketBuilder.nop;
import static lvsd.wire.PacketBuilder.sackOk;
import static lvsd.wire.PacketBuilder.timestamps;
import static lvsd.wire.PacketBuilder.windowScale;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import lvsd.rules.Protocol;
import lvsd.rules.SynProxyMode;
import lvsd.synproxy.ProxyCounters.Counter;
import lvsd.synproxy.Secrets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Secrets of cookies change while handshakes are under way, and are shared by directors. */
class SynProxySecretsTest extends ProxyLadder {
    private static final String KEY = "5f1d36f1518990a9fe19c5a64cd3b7b2";
    private static final String OTHER = "0c8d3a4d9a2e7d1f6b5c4e3f2a1b0c9d";
    private static final long NOON = 1_796_000_000_000_000_000L;
    private static final long EPOCH = 1L << Secrets.EPOCH_SHIFT;

    private void rotate(Secrets from) {
        director.dataplane.secrets(from.rotated(director.now));
        director.run();
    }

    private Secrets present() {
        return director.dataplane
                .workerList()
                .getFirst()
                .pipeline()
                .misses()
                .proxy()
                .secrets();
    }

    @ParameterizedTest
    @EnumSource
    void shouldFinishHandshakesOverARotation(Way way) {
        ProxyFlow.service(director, way, false);
        for (int i = 0; i < 12; i++) {
            ProxyFlow flow = new ProxyFlow(director, way, 40_000 + i, 1000 * i);
            flow.syn();
            rotate(present());
            // Up to the shortest life of a cookie, whenever in an epoch it began.
            director.advance(59_000);
            flow.ack();
            flow.synAck(i);
            flow.up("P.", 1, 1, 10);
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldTakeNoCookieOfASecretThatIsGone(Way way) {
        ProxyFlow.service(director, way, false);
        ProxyFlow flow = new ProxyFlow(director, way, 40_000, 1000);
        flow.syn();
        director.dataplane.secrets(Secrets.random());
        director.run();
        flow.held(".", 1, 1, 0);
        assertThat(director.connections()).isEmpty();
    }

    /** A director of the same VIPs with the same key file, whose clock began at another time. */
    private TestDirector second(Secrets secrets) {
        TestDirector second = new TestDirector(1, Map.of());
        second.now += 777_000_000_000L;
        second.run();
        second.dataplane.secrets(secrets.withOffset(NOON - second.now));
        second.run();
        return second;
    }

    private void share(Secrets secrets) {
        director.dataplane.secrets(secrets.withOffset(NOON - director.now));
        director.run();
    }

    private static ProxyFlow moved(ProxyFlow flow, TestDirector to) {
        ProxyFlow there = new ProxyFlow(to, flow.way, flow.flow.clientPort, flow.isn);
        there.cookie = flow.cookie;
        there.stamp = flow.stamp;
        there.clientStamp = flow.clientStamp;
        return there;
    }

    @ParameterizedTest
    @EnumSource
    void shouldTakeTheCookiesOfAnotherDirectorWithTheSameKeyFile(Way way) {
        ProxyFlow.service(director, way, false);
        share(Secrets.parse(KEY, 0));
        try (TestDirector second = second(Secrets.parse(KEY, 0))) {
            ProxyFlow.service(second, way, false);
            ProxyFlow flow = new ProxyFlow(director, way, 40_000, 1000);
            flow.syn(mss(1440), sackOk(), nop(), windowScale(9));
            ProxyFlow there = moved(flow, second);
            byte[] syn = there.ack();
            assertThat(there.scaleOf(syn)).isEqualTo(9);
            assertThat(there.sackOf(syn)).isTrue();
            there.synAck(5, mss(1460), sackOk(), nop(), windowScale(7));
            there.up("P.", 1, 1, 10);
            there.up("R.", 11, 1, 0);
            second.advance(1_000_000);
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldTakeThemWithTimestampsAndInModeAuto(Way way) {
        ProxyFlow.service(director, way, false);
        share(Secrets.parse(KEY, 0));
        try (TestDirector second = second(Secrets.parse(KEY, 0))) {
            second.service(
                    TestDirector.spec(Protocol.TCP, way.vip(), Flow.VIRTUAL_PORT, false)
                            .withSynProxy(SynProxyMode.AUTO),
                    way.method,
                    way.server() + ":" + Flow.SERVER_PORT);
            ProxyFlow flow = new ProxyFlow(director, way, 40_000, 1000);
            flow.clientStamp = 500;
            flow.syn(mss(1440), sackOk(), timestamps(499, 0), nop(), windowScale(3));
            ProxyFlow there = moved(flow, second);
            assertThat(there.scaleOf(there.ack())).isEqualTo(3);
            second.advance(100_000);
            second.drain(0);
            second.drain(1);
        }
    }

    @Test
    void shouldNotTakeThoseOfADirectorWithAnotherKeyFile() {
        ProxyFlow.service(director, Way.NAT4, false);
        share(Secrets.parse(KEY, 0));
        try (TestDirector second = second(Secrets.parse(OTHER, 0))) {
            ProxyFlow.service(second, Way.NAT4, false);
            ProxyFlow flow = new ProxyFlow(director, Way.NAT4, 40_000, 1000);
            flow.syn();
            moved(flow, second).held(".", 1, 1, 0);
            assertThat(second.dataplane.steps(0)[Counter.BAD.ordinal()]).isEqualTo(1);
        }
    }

    /** The second director is told of the next secret later than the first, but before its time. */
    @Test
    void shouldChangeSecretsOnBothAtTheTimeInTheFile() {
        Way way = Way.FULLNAT4;
        String next = KEY + "\n" + OTHER + " " + java.time.Instant.ofEpochSecond((NOON + 3 * EPOCH) / 1_000_000_000L);
        ProxyFlow.service(director, way, false);
        share(Secrets.parse(next, 0));
        try (TestDirector second = second(Secrets.parse(KEY, 0))) {
            ProxyFlow.service(second, way, false);
            for (int i = 0; i < 12; i++) {
                ProxyFlow flow = new ProxyFlow(director, way, 40_000 + i, i);
                flow.syn();
                director.advance(30_000);
                second.advance(30_000);
                if (i == 4) {
                    second.dataplane.secrets(Secrets.parse(next, 0).withOffset(NOON + 150_000_000_000L - second.now));
                    second.run();
                }
                ProxyFlow there = moved(flow, second);
                there.ack();
                there.synAck(5);
                there.up("R.", 1, 1, 0);
            }
            second.advance(1_000_000);
        }
    }
}
