package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import lvsd.dataplane.connection.TcpStates;
import lvsd.dataplane.service.Service;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.Protocol;
import lvsd.sync.SyncConnection;
import lvsd.sync.SyncFlags;
import lvsd.sync.SyncSource;
import lvsd.sync.UpdateQueue;
import lvsd.wire.SeededTest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Connections that go from one director to another. */
class SyncFeedTest {
    private final TestDirector active = new TestDirector();
    private final TestDirector standby = new TestDirector();
    private final UpdateQueue told = feed(active).out();
    private final UpdateQueue brought = feed(standby).in();

    private static SyncFeed feed(TestDirector director) {
        return director.dataplane.workerList().getFirst().sync();
    }

    @AfterEach
    void close() {
        active.close();
        standby.close();
    }

    /** Takes what the active one has told. */
    private List<SyncConnection> told() {
        List<SyncConnection> all = new ArrayList<>();
        for (SyncConnection next = new SyncConnection(); told.poll(next); next = new SyncConnection()) {
            all.add(next);
        }
        return all;
    }

    private void bring(List<SyncConnection> connections) {
        for (SyncConnection each : connections) {
            assertThat(brought.offer(each)).isTrue();
        }
        standby.run();
    }

    /** The same client's flow, through the other director. */
    private Flow elsewhere(Flow flow, Way way, boolean tcp) {
        Flow other = new Flow(standby, way, tcp, flow.clientPort);
        other.peerPort = flow.peerPort;
        other.sequence = flow.sequence;
        other.timestamp = flow.timestamp;
        return other;
    }

    @ParameterizedTest
    @EnumSource
    void anEstablishedConnectionGoesOnElsewhere(Way way) {
        Flow.service(active, way, true);
        Flow.service(standby, way, true);
        Flow flow = new Flow(active, way, true, 40_000).establish(1000, 2000);
        bring(told());
        assertThat(standby.connections()).hasSize(1);
        assertThat(standby.connections().getFirst().state()).isEqualTo("ESTABLISHED");
        Flow other = elsewhere(flow, way, true);
        other.down(".", 2001, 1001, 100);
        other.up(".", 1001, 2101, 0);
        other.down(".", 2101, 1001, 0);
    }

    @Test
    void nothingIsToldOfAHandshakeAndOnceOfTheConnection() {
        Flow.service(active, Way.NAT4, true);
        new Flow(active, Way.NAT4, true, 40_000).open(1000);
        assertThat(told()).isEmpty();
        new Flow(active, Way.NAT4, true, 40_001).establish(1000, 2000);
        List<SyncConnection> told = told();
        assertThat(told).hasSize(1);
        assertThat(told.getFirst().state).isEqualTo(1);
        assertThat(told.getFirst().clientPort).isEqualTo(40_001);
        assertThat(told.getFirst().timeout).isEqualTo(900);
        assertThat(told.getFirst().flags).isZero();
    }

    @Test
    void theEndIsToldAndFollowed() {
        Flow.service(active, Way.FULLNAT4, true);
        Flow.service(standby, Way.FULLNAT4, true);
        Flow flow = new Flow(active, Way.FULLNAT4, true, 40_000).establish(1000, 2000);
        bring(told());
        flow.up("F.", 1001, 2001, 0);
        List<SyncConnection> closing = told();
        assertThat(closing).hasSize(1);
        assertThat(closing.getFirst().flags & SyncFlags.INACTIVE).isNotZero();
        bring(closing);
        assertThat(standby.connections().getFirst().state()).isEqualTo("CLOSE_WAIT");
        active.advance(61_000);
        List<SyncConnection> gone = told();
        assertThat(gone.getLast().deleted).isTrue();
        bring(gone);
        assertThat(standby.connections()).isEmpty();
    }

    @Test
    void aConnectionInUseIsToldAgainBeforeItTimesOutElsewhere() {
        Flow.service(active, Way.NAT4, true);
        Flow flow = new Flow(active, Way.NAT4, true, 40_000).establish(1000, 2000);
        told();
        active.advance(50_000);
        assertThat(told()).isEmpty();
        flow.up(".", 1001, 2001, 0);
        active.advance(50_000);
        assertThat(told()).hasSize(1);
        active.advance(200_000);
        assertThat(told()).as("silent since").isEmpty();
    }

    @Test
    void aFullQueueIsCountedAndNobodyWaits() {
        TestDirector full = new TestDirector(TestDirector.config(1, Map.of(), 8192));
        UpdateQueue queue = feed(full).out();
        Flow.service(full, Way.NAT4, false);
        for (int i = 0; i < 5000; i++) {
            new Flow(full, Way.NAT4, false, 1025 + i).upDatagram(10);
        }
        assertThat(queue.dropped()).isEqualTo(5000 - 4096);
        full.close();
    }

    @Test
    void aPageHoldsWhatIsInTheTable() {
        Flow.service(active, Way.NAT4, true);
        for (int i = 0; i < 20; i++) {
            new Flow(active, Way.NAT4, true, 40_000 + i).establish(1000, 2000);
        }
        SyncSource.Page page = new SyncSource.Page(8);
        List<Integer> seen = new ArrayList<>();
        long cursor = 0;
        while (cursor != SyncSource.END) {
            feed(active).page(cursor, page, SyncSource.END);
            for (int i = 0; i < page.count(); i++) {
                seen.add(page.row(i).clientPort);
            }
            cursor = page.next();
            page.reset();
        }
        assertThat(seen).doesNotHaveDuplicates().hasSize(20);
    }

    /** Some connections that say the same or other things of a few tuples, one after the other. */
    private static List<SyncConnection> stories(RandomGenerator random, List<SyncConnection> known) {
        List<SyncConnection> all = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            SyncConnection c = new SyncConnection();
            c.copy(known.get(random.nextInt(known.size())));
            c.clientPort = 40_000 + random.nextInt(20);
            c.localPort = c.local ? 30_000 + random.nextInt(20) : 0;
            c.state = random.nextInt(4) == 0 ? TcpStates.TIME_WAIT : TcpStates.ESTABLISHED;
            c.serverPort += random.nextInt(8) == 0 ? 1 : 0;
            c.deleted = random.nextInt(4) == 0;
            all.add(c);
        }
        return all;
    }

    @Test
    void manyTakenAtATimeAreAsOneAfterTheOther() {
        SeededTest.run(40, random -> {
            List<Way> ways = random.nextBoolean() ? List.of(Way.NAT4, Way.FULLNAT6) : List.of(Way.FULLNAT4, Way.NAT6);
            try (TestDirector teller = new TestDirector();
                    TestDirector batches = new TestDirector();
                    TestDirector single = new TestDirector()) {
                UpdateQueue tells = feed(teller).out();
                List<SyncConnection> known = new ArrayList<>();
                for (Way way : ways) {
                    List.of(teller, batches, single).forEach(each -> Flow.service(each, way, true));
                    new Flow(teller, way, true, 40_000).establish(1000, 2000);
                    SyncConnection told = new SyncConnection();
                    assertThat(tells.poll(told)).isTrue();
                    known.add(told);
                }
                single.run();
                UpdateQueue queue = feed(batches).in();
                List<SyncConnection> stories = stories(random, known);
                for (SyncConnection each : stories) {
                    assertThat(queue.offer(each)).isTrue();
                    var _ = feed(single).taker().take(each);
                }
                for (int taken = 0; taken < stories.size(); taken += SyncTaker.BATCH) {
                    batches.run();
                }
                assertThat(batches.connections())
                        .isNotEmpty()
                        .usingRecursiveFieldByFieldElementComparatorIgnoringFields("expiresMillis")
                        .containsExactlyInAnyOrderElementsOf(single.connections());
            }
        });
    }

    /** It goes on, a minute each time, while connections hang on it; so it does elsewhere. */
    @ParameterizedTest
    @ValueSource(ints = {1, 10, 90})
    void aTemplateLivesElsewhereAsLongAsHere(int seconds) {
        for (TestDirector each : List.of(active, standby)) {
            each.service(
                    TestDirector.persistent(Protocol.TCP, Way.NAT4.vip(), Flow.VIRTUAL_PORT, seconds, -1),
                    Way.NAT4.method,
                    Way.NAT4.server() + ":" + Flow.SERVER_PORT);
        }
        new Flow(active, Way.NAT4, true, 40_000).establish(1000, 2000);
        bring(told());
        for (int tenth = 0; tenth < 8_000; tenth++) {
            active.advance(100);
            standby.advance(100);
            assertThat(templates(active)).as("after %d ms", tenth * 100).isOne();
            assertThat(templates(standby)).as("after %d ms", tenth * 100).isOne();
            bring(told());
        }
        for (TestDirector each : List.of(active, standby)) {
            each.advance(400_000);
        }
        bring(told());
        assertThat(templates(active)).isZero();
        assertThat(templates(standby)).isZero();
    }

    private static long templates(TestDirector director) {
        return director.connections().stream()
                .filter(row -> row.clientPort() == 0)
                .count();
    }

    /** As the kernel: it is listed and forwarded, and counts with its server once an update finds that. */
    @ParameterizedTest
    @EnumSource(names = {"NAT4", "NAT6"})
    void aConnectionWhoseServiceIsNotKnownHereGoesOnAndFindsItLater(Way way) {
        Flow.service(active, way, true);
        Flow flow = new Flow(active, way, true, 40_000).establish(1000, 2000);
        bring(told());
        assertThat(standby.connections()).hasSize(1);
        ConnectionRow row = standby.connections().getFirst();
        assertThat(row.server()).isEqualTo(TestDirector.ip(way.server()));
        assertThat(row.serverPort()).isEqualTo(Flow.SERVER_PORT);
        assertThat(row.state()).isEqualTo("ESTABLISHED");
        // Where there is no service at all, nobody looks at connections.
        standby.service(Protocol.TCP, Flow.natVip(way), 443, ForwardingMethod.NAT, way.server() + ":443");
        Flow other = elsewhere(flow, way, true);
        other.up(".", 1001, 2001, 10);
        other.down(".", 2001, 1011, 0);
        Service service = Flow.service(standby, way, true);
        assertThat(standby.totals(service, 0).active()).isZero();
        flow.up("F.", 1001, 2001, 0);
        bring(told());
        assertThat(standby.totals(service, 0).inactive()).isEqualTo(1);
        assertThat(standby.connections().getFirst().state()).isEqualTo("CLOSE_WAIT");
        standby.advance(61_000);
        assertThat(standby.connections()).isEmpty();
        assertThat(standby.totals(service, 0).inactive()).isZero();
    }

    @Test
    void withoutItsServiceFullnatHasNoLocalAddress() {
        Flow.service(active, Way.FULLNAT4, true);
        new Flow(active, Way.FULLNAT4, true, 40_000).establish(1000, 2000);
        bring(told());
        assertThat(standby.connections()).isEmpty();
    }

    @Test
    void whoGoesOnWithAConnectionTellsOfItThoughItsServiceIsNotKnown() {
        UpdateQueue onwards = feed(standby).out();
        Flow.service(active, Way.NAT4, true);
        Flow flow = new Flow(active, Way.NAT4, true, 40_000).establish(1000, 2000);
        bring(told());
        standby.service(Protocol.TCP, Flow.natVip(Way.NAT4), 443, ForwardingMethod.NAT, Way.NAT4.server() + ":443");
        elsewhere(flow, Way.NAT4, true).up("F.", 1001, 2001, 0);
        SyncConnection told = new SyncConnection();
        assertThat(onwards.poll(told)).isTrue();
        assertThat(told.clientPort).isEqualTo(40_000);
        assertThat(told.flags & SyncFlags.METHOD_MASK).isZero();
    }
}
