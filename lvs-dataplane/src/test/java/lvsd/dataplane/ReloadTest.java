package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import lvsd.config.DaemonConfig;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Addresses and routes that change while connections are open. */
final class ReloadTest {
    private final DaemonConfig start = TestDirector.config(1, Map.of(), 1024);
    private final TestDirector director = new TestDirector(start);

    @AfterEach
    void nothingLeaks() {
        assertThat(director.outstanding()).isZero();
        director.close();
    }

    private DaemonConfig changed(List<DaemonConfig.Prefix> wan, DaemonConfig.Route... routes) {
        DaemonConfig.Port port = TestDirector.port("wan0", "net_null", 1500, List.of(), new String[0]);
        return start.withNetwork(
                List.of(
                        new DaemonConfig.Port(
                                port.name(),
                                port.device(),
                                port.mtu(),
                                wan,
                                port.floating(),
                                port.vlans(),
                                port.reversePath(),
                                port.twin(),
                                port.rxDescriptors(),
                                port.txDescriptors()),
                        start.ports().get(1)),
                List.of(routes));
    }

    private static DaemonConfig.Route route(String to, int length, String via) {
        return new DaemonConfig.Route(
                new DaemonConfig.Prefix(TestDirector.ip(to), length),
                Optional.of(TestDirector.ip(via)),
                Optional.empty());
    }

    @Test
    void aConnectionShouldTakeTheNewRoute() {
        Way way = Way.NAT4;
        Flow.service(director, way, true);
        Flow flow = new Flow(director, way, true, 1234).establish(100, 500);
        List<DaemonConfig.Prefix> wan = start.ports().getFirst().addresses();

        // The client's network is reached through the other port from now on.
        director.dataplane.network(changed(wan, route(way.client(), 32, "198.18.20.77")));
        director.run();
        director.send(1, flow.fromServer().flags(".").seq(501).ack(101).build());
        assertThat(director.any(1)).as("left by the port of the new route").isTrue();
        director.expectNothing(0);

        director.dataplane.network(changed(wan));
        director.run();
        flow.down(".", 501, 101, 10);
    }

    @Test
    void aNewAddressShouldAnswerAndARemovedOneNoLonger() {
        assertThat(pinged("198.18.10.1")).isTrue();
        assertThat(pinged("198.18.10.9")).isFalse();
        director.dataplane.network(changed(TestDirector.prefixes("198.18.10.9")));
        director.run();
        assertThat(pinged("198.18.10.9")).isTrue();
        assertThat(pinged("198.18.10.1")).isFalse();
    }

    private boolean pinged(String address) {
        director.send(
                0,
                Way.NAT4
                        .arriving(0, TestDirector.CLIENT, address)
                        .echoRequest(1, 1)
                        .build());
        return director.any(0);
    }

    @Test
    void aRouteThatLeadsNowhereShouldChangeNothing() {
        DaemonConfig wrong = changed(List.of(), route("203.0.113.0", 24, "198.18.10.77"));
        assertThatThrownBy(() -> director.dataplane.network(wrong))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no interface has a network with the next hop");
        director.run();
        assertThat(pinged("198.18.10.1")).isTrue();
    }
}
