package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import lvsd.dataplane.service.Service;
import lvsd.sync.SyncConnection;
import lvsd.sync.UpdateQueue;
import lvsd.wire.PacketBuilder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of connections and of new clients when a director becomes the standby one of its pair, and back. */
class RoleTest {
    private TestDirector director = new TestDirector();

    @AfterEach
    void close() {
        assertThat(director.outstanding()).isZero();
        director.close();
    }

    private void dropped(int port, PacketBuilder frame) {
        long before = director.drops(DropReason.STANDBY);
        director.send(port, frame.build());
        director.expectNothing(0);
        director.expectNothing(1);
        assertThat(director.drops(DropReason.STANDBY)).as(director.drops()).isEqualTo(before + 1);
    }

    @ParameterizedTest
    @EnumSource
    void aConnectionStopsAtOnceAndGoesOnLater(Way way) {
        Flow.service(director, way, true);
        Flow flow = new Flow(director, way, true, 40_000).establish(1000, 2000);
        director.standby(true);
        dropped(0, flow.fromClient().flags(".").seq(1001).ack(2001).payload(10));
        dropped(
                1,
                flow.fromServer().flags(".").seq(2001).ack(1001 + flow.sequence).payload(10));
        dropped(0, flow.fromClient().flags("R").seq(1001));
        assertThat(director.connections().getFirst().state()).isEqualTo("ESTABLISHED");
        director.standby(false);
        flow.up(".", 1001, 2001, 10);
        flow.down(".", 2001, 1011, 10);
    }

    @ParameterizedTest
    @CsvSource({"NAT4, true", "FULLNAT6, true", "FULLNAT4, false", "NAT6, false"})
    void aStandbyOpensNothingAndRefusesNobody(Way way, boolean tcp) {
        Flow.service(director, way, tcp);
        director.standby(true);
        Flow flow = new Flow(director, way, tcp, 40_000);
        dropped(
                0,
                tcp ? flow.fromClient().flags("S").seq(1000) : flow.fromClient().payload(10));
        if (tcp) {
            dropped(0, flow.fromClient().flags(".").seq(1).ack(2));
        }
        assertThat(director.connections()).isEmpty();
    }

    @Test
    void expiringConnectionsOfRemovedServersDoesNotMakeAStandbyOpenOthers() {
        director.setting("expire_nodest_conn", "1");
        Service service = Flow.service(director, Way.NAT4, true);
        Flow flow = new Flow(director, Way.NAT4, true, 40_000).establish(1000, 2000);
        director.standby(true);
        director.withoutDestinations(service);
        dropped(0, flow.fromClient().flags(".").seq(1001).ack(2001));
        assertThat(director.connections()).hasSize(1);
    }

    @Test
    void aHandshakeOfTheSynProxyIsGivenUpWithoutAWord() {
        ProxyFlow.service(director, Way.FULLNAT4, false);
        ProxyFlow client = new ProxyFlow(director, Way.FULLNAT4, 40_000, 1000);
        client.syn();
        client.ack();
        director.standby(true);
        director.advance(30_000);
        director.expectNothing(0);
        director.expectNothing(1);
        assertThat(director.connections()).isEmpty();
        dropped(
                0,
                new Flow(director, Way.FULLNAT4, true, 40_001)
                        .fromClient()
                        .flags("S")
                        .seq(5));
    }

    @Test
    void aStandbyTellsNobodyOfItsConnections() {
        UpdateQueue told = director.dataplane.workerList().getFirst().sync().out();
        Flow.service(director, Way.NAT4, false);
        new Flow(director, Way.NAT4, false, 40_000).upDatagram(10);
        SyncConnection update = new SyncConnection();
        assertThat(told.poll(update)).isTrue();
        director.standby(true);
        director.advance(400_000);
        assertThat(director.connections()).isEmpty();
        assertThat(told.poll(update)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void workersAgreeWhateverTheirNumber(int workers) {
        director.close();
        director = new TestDirector(workers, Map.of());
        Flow.service(director, Way.FULLNAT4, true);
        Flow[] flows = new Flow[20];
        for (int i = 0; i < flows.length; i++) {
            flows[i] = new Flow(director, Way.FULLNAT4, true, 40_000 + i).establish(1000, 2000);
        }
        director.standby(true);
        for (Flow flow : flows) {
            dropped(0, flow.fromClient().flags(".").seq(1001).ack(2001).payload(1));
            dropped(
                    1,
                    flow.fromServer()
                            .flags(".")
                            .seq(2001)
                            .ack(1001 + flow.sequence)
                            .payload(1));
        }
        director.standby(false);
        for (Flow flow : flows) {
            flow.up(".", 1001, 2001, 1);
        }
    }
}
