package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import lvsd.dataplane.service.Service;
import lvsd.rules.Protocol;
import lvsd.rules.SynProxyMode;
import lvsd.synproxy.ProxyCounters.Counter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Mode {@code auto}: nothing before an attack, cookies during it, and nothing of it afterwards. */
class SynProxyAutoTest extends ProxyLadder {
    private int floods;

    private static Service service(TestDirector director, Way way) {
        return director.service(
                TestDirector.spec(Protocol.TCP, way.vip(), Flow.VIRTUAL_PORT, false)
                        .withSynProxy(SynProxyMode.AUTO),
                way.method,
                way.server() + ":" + Flow.SERVER_PORT);
    }

    /** SYNs of as many made-up clients. */
    private void flood(Way way, int count) {
        for (int i = 0; i < count; i++) {
            String client = way.ipv6 ? "2001:db8:a::2" : TestDirector.CLIENT;
            floods++;
            director.send(
                    floods % director.ios.size(),
                    0,
                    way.arriving(0, client, way.vip())
                            .tcp(1024 + floods, Flow.VIRTUAL_PORT)
                            .flags("S")
                            .seq(floods)
                            .build());
        }
        director.advance(200);
        director.drain(0);
        director.drain(1);
    }

    private long count(Counter counter) {
        return director.dataplane.steps(director.first().index)[counter.ordinal()];
    }

    private boolean on() {
        return director.dataplane.proxyOn(director.first().index);
    }

    @ParameterizedTest
    @EnumSource
    void shouldLeaveEverythingAsItIsWithoutAnAttack(Way way) {
        service(director, way);
        Flow flow = new Flow(director, way, true, 40_000).establish(1000, 5000);
        flow.up("P.", 1001, 5001, 10);
        assertThat(on()).isFalse();
        assertThat(count(Counter.PASSED)).isEqualTo(1);
        // Nor is a stray acknowledgement judged by cookies that were never given.
        director.send(
                0,
                new Flow(director, way, true, 40_001)
                        .fromClient()
                        .flags(".")
                        .seq(5)
                        .ack(6)
                        .build());
        assertThat(count(Counter.BAD)).isZero();
        director.drain(0);
    }

    @ParameterizedTest
    @EnumSource
    void shouldGoOnWhenManySynsComeAndOffAgain(Way way) {
        with("synproxy_auto_syn_rate", "100", "synproxy_auto_hold", "10");
        service(director, way);
        director.advance(200);
        Flow before = new Flow(director, way, true, 40_000).establish(1000, 5000);
        flood(way, 100);
        assertThat(on()).isTrue();
        assertThat(count(Counter.SWITCHED_ON)).isEqualTo(1);
        int entries = director.connections().size();
        flood(way, 500);
        assertThat(director.connections()).as("no entry for an answered SYN").hasSize(entries);
        assertThat(count(Counter.SYNS)).isEqualTo(500);
        ProxyFlow proven = new ProxyFlow(director, way, 40_002, 7).establish(99);
        proven.up("P.", 1, 1, 10);
        before.up("P.", 1001, 5001, 10);
        director.advance(5_000);
        assertThat(on()).isTrue();
        ProxyFlow late = new ProxyFlow(director, way, 40_003, 8);
        late.syn();
        director.advance(8_000);
        assertThat(on()).isFalse();
        assertThat(count(Counter.SWITCHED_OFF)).isEqualTo(1);
        late.ack();
        late.synAck(5);
        new Flow(director, way, true, 40_004).establish(1, 2);
    }

    @ParameterizedTest
    @EnumSource
    void shouldGoOnWhenMostConnectionsAreHalfOpen(Way way) {
        with("synproxy_auto_half_open_min", "20", "synproxy_auto_hold", "1");
        service(director, way);
        for (int i = 0; i < 15; i++) {
            new Flow(director, way, true, 40_000 + i).establish(1000, 5000);
        }
        flood(way, 14);
        assertThat(on()).as("fewer than counts").isFalse();
        director.advance(1_000);
        flood(way, 6);
        assertThat(on()).isTrue();
        // They time out, and that is calm.
        director.advance(70_000);
        assertThat(on()).isFalse();
    }

    @Test
    void shouldCountHalfOpenConnectionsByTheShareThatIsSet() {
        with("synproxy_auto_half_open_min", "20", "synproxy_auto_half_open", "80");
        service(director, Way.NAT4);
        for (int i = 0; i < 15; i++) {
            new Flow(director, Way.NAT4, true, 40_000 + i).establish(1000, 5000);
        }
        flood(Way.NAT4, 30);
        director.advance(1_000);
        assertThat(on()).as("two in three").isFalse();
        director.setting("synproxy_auto_half_open", "60");
        director.advance(1_000);
        assertThat(on()).isTrue();
    }

    /** 60 SYNs a second: less than began it, and calm or not as the setting says. */
    @Test
    void shouldEndWhenItIsAsCalmAsIsSet() {
        with("synproxy_auto_syn_rate", "100", "synproxy_auto_hold", "2");
        service(director, Way.NAT4);
        director.advance(200);
        flood(Way.NAT4, 100);
        assertThat(on()).isTrue();
        for (int i = 0; i < 30; i++) {
            flood(Way.NAT4, 12);
        }
        assertThat(on()).isTrue();
        director.setting("synproxy_auto_calm", "80");
        for (int i = 0; i < 30; i++) {
            flood(Way.NAT4, 12);
        }
        assertThat(on()).isFalse();
    }

    @Test
    void shouldForgetAnAttackWhenTheModeChanges() {
        with("synproxy_auto_syn_rate", "100");
        Service service = service(director, Way.NAT4);
        director.advance(200);
        flood(Way.NAT4, 100);
        assertThat(on()).isTrue();
        director.mode(service, SynProxyMode.DISABLE);
        director.mode(service, SynProxyMode.AUTO);
        assertThat(on()).isFalse();
    }

    @Test
    void shouldGoOnOnAllWorkersByWhatTheySeeTogether() {
        director.close();
        director = new TestDirector(2, Map.of("synproxy_auto_syn_rate", "100"));
        service(director, Way.FULLNAT4);
        director.advance(200);
        flood(Way.FULLNAT4, 100);
        assertThat(on()).isTrue();
        flood(Way.FULLNAT4, 100);
        assertThat(count(Counter.SYNS)).isEqualTo(100);
        for (int i = 0; i < 8; i++) {
            ProxyFlow flow = new ProxyFlow(director, Way.FULLNAT4, 40_000 + i, 8);
            flow.flow.clientQueue = i & 1;
            flow.establish(3);
        }
    }
}
