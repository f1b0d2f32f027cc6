package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import lvsd.dataplane.DataplaneControl.SyncAccess;
import lvsd.sync.SyncConnection;
import lvsd.sync.SyncSink;
import lvsd.wire.SeededTest;
import org.junit.jupiter.api.Test;

/** A connection that came by sync works whatever the numbers of workers, and whichever queue its packets arrive on. */
class SyncWorkersTest {
    private static final int FLOWS = 12;

    @Test
    void connectionsGoOnWhateverTheNumbersOfWorkers() {
        SeededTest.run(12, random -> {
            int from = 1 + random.nextInt(3);
            int to = 1 + random.nextInt(3);
            try (TestDirector active = new TestDirector(from, Map.of());
                    TestDirector standby = new TestDirector(to, Map.of())) {
                move(active, standby, Way.values()[random.nextInt(4)], to, random);
            }
        });
    }

    private static void move(TestDirector active, TestDirector standby, Way way, int workers, RandomGenerator random) {
        SyncAccess out = active.dataplane.sync().orElseThrow();
        out.source().listened(true);
        SyncAccess in = standby.dataplane.sync().orElseThrow();
        Flow.service(active, way, true);
        Flow.service(standby, way, true);
        List<Flow> flows = new ArrayList<>();
        for (int i = 0; i < FLOWS; i++) {
            flows.add(new Flow(active, way, true, 40_000 + i).establish(1000, 2000));
        }
        bring(out, in);
        standby.run();
        assertThat(standby.connections())
                .hasSize(FLOWS)
                .allMatch(row -> row.state().equals("ESTABLISHED"));
        for (Flow flow : flows) {
            Flow other = new Flow(standby, way, true, flow.clientPort);
            other.peerPort = flow.peerPort;
            other.sequence = flow.sequence;
            other.timestamp = flow.timestamp;
            other.clientQueue = random.nextInt(workers);
            other.serverQueue = random.nextInt(workers);
            other.down(".", 2001, 1001, 100);
            other.up(".", 1001, 2101, 0);
            other.up(".", 1001, 2101, 50);
            other.down(".", 2101, 1051, 0);
        }
        assertThat(standby.drops()).isEmpty();
        assertThat(standby.connections()).hasSize(FLOWS);
        assertThat(standby.outstanding()).isZero();
    }

    private static void bring(SyncAccess out, SyncAccess in) {
        SyncConnection each = new SyncConnection();
        while (out.source().poll(each)) {
            assertThat(in.sink().take(each, SyncSink.NO_ORIGIN, 0)).isTrue();
        }
    }

    @Test
    void whatEndsAtTheOneEndsAtTheOther() {
        SeededTest.run(6, random -> {
            Way way = Way.values()[random.nextInt(4)];
            try (TestDirector active = new TestDirector(2, Map.of());
                    TestDirector standby = new TestDirector(3, Map.of())) {
                SyncAccess out = active.dataplane.sync().orElseThrow();
                out.source().listened(true);
                SyncAccess in = standby.dataplane.sync().orElseThrow();
                Flow.service(active, way, true);
                Flow.service(standby, way, true);
                for (int i = 0; i < FLOWS; i++) {
                    new Flow(active, way, true, 40_000 + i).establish(1000, 2000);
                }
                bring(out, in);
                standby.run();
                active.advance(1_000_000);
                bring(out, in);
                standby.run();
                assertThat(active.connections()).isEmpty();
                assertThat(standby.connections()).isEmpty();
            }
        });
    }
}
