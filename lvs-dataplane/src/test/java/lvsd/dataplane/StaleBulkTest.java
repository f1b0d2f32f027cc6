package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import lvsd.rules.Protocol;
import lvsd.sync.SyncConnection;
import lvsd.sync.SyncSource;
import lvsd.sync.UpdateQueue;
import lvsd.wire.SeededTest;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a bulk transfer brings may be older than what is known: a standby that comes back tells what it had. */
class StaleBulkTest {
    private TestDirector one = new TestDirector();
    private TestDirector two = new TestDirector();
    private UpdateQueue told1 = feed(one).out();
    private UpdateQueue told2 = feed(two).out();

    @AfterEach
    void close() {
        one.close();
        two.close();
    }

    private void anew() {
        close();
        one = new TestDirector();
        two = new TestDirector();
        told1 = feed(one).out();
        told2 = feed(two).out();
    }

    private static SyncFeed feed(TestDirector director) {
        return director.dataplane.workerList().getFirst().sync();
    }

    private void services(Way way) {
        for (TestDirector each : List.of(one, two)) {
            Flow.service(each, way, true);
        }
    }

    private static void bring(List<SyncConnection> rows, TestDirector to) {
        UpdateQueue in = feed(to).in();
        for (SyncConnection row : rows) {
            assertThat(in.offer(row)).isTrue();
        }
        to.run();
    }

    /** What {@code told} holds comes to the other director, or is lost. */
    private static void live(UpdateQueue told, TestDirector to, boolean lost) {
        List<SyncConnection> rows = new ArrayList<>();
        for (SyncConnection next = new SyncConnection(); told.poll(next); next = new SyncConnection()) {
            rows.add(next);
        }
        if (!lost) {
            bring(rows, to);
        }
    }

    private static void bulk(TestDirector from, TestDirector to) {
        List<SyncConnection> rows = new ArrayList<>();
        SyncSource.Page page = new SyncSource.Page(1024);
        for (long cursor = 0; cursor != SyncSource.END; cursor = page.next()) {
            page.reset();
            feed(from).page(cursor, page, SyncSource.END);
            for (int i = 0; i < page.count(); i++) {
                SyncConnection copy = new SyncConnection();
                copy.copy(page.row(i));
                copy.bulk = true;
                rows.add(copy);
            }
        }
        bring(rows, to);
    }

    private static Map<Integer, String> table(TestDirector director) {
        Map<Integer, String> all = new TreeMap<>();
        director.connections()
                .forEach(row -> all.put(
                        row.clientPort(),
                        row.state() + " " + row.server().getHostAddress() + " " + row.localPort() + " "
                                + row.expiresMillis() / 1000));
        return all;
    }

    private void advance(long millis) {
        one.advance(millis);
        two.advance(millis);
    }

    /** The standby is cut off while connections close, end, and go on; what it says when it is back changes nothing. */
    @ParameterizedTest
    @EnumSource
    void aStandbysOldWordsChangeNothing(Way way) {
        services(way);
        two.standby(true);
        advance(10_000);
        Flow[] flows = new Flow[4];
        for (int i = 0; i < flows.length; i++) {
            flows[i] = new Flow(one, way, true, 40_000 + i).establish(1000, 2000);
        }
        live(told1, two, false);
        assertThat(two.connections()).hasSize(4);
        flows[0].up("F.", 1001, 2001, 0);
        flows[1].up("R", 1001, 0, 0);
        advance(30_000);
        flows[2].up(".", 1001, 2001, 10);
        live(told1, two, true);
        assertThat(one.connections()).as("one was reset, and is over").hasSize(3);
        Map<Integer, String> before = table(one);
        bulk(two, one);
        assertThat(table(one)).isEqualTo(before);
        // And the other way round the standby learns, while what it missed the end of stays until its time is over.
        bulk(one, two);
        Map<Integer, String> learnt = table(two);
        assertThat(learnt.remove(40_001)).startsWith("ESTABLISHED");
        assertThat(learnt).isEqualTo(before);
    }

    @Test
    void aNewConnectionIsNotReplacedByAnOldOneOfItsTuple() {
        for (TestDirector each : List.of(one, two)) {
            each.service(
                    TestDirector.spec(Protocol.TCP, Way.NAT4.vip(), Flow.VIRTUAL_PORT, false),
                    Way.NAT4.method,
                    "198.18.20.2:8080",
                    "198.18.20.3:8080");
        }
        two.standby(true);
        advance(10_000);
        one.send(0, syn(40_000));
        one.drain(1);
        establish(one);
        live(told1, two, false);
        String server = one.connections().getFirst().server().getHostAddress();
        one.send(
                0,
                new Flow(one, Way.NAT4, true, 40_000)
                        .fromClient()
                        .flags("R")
                        .seq(1002)
                        .build());
        advance(30_000);
        one.send(0, syn(40_000));
        one.drain(1);
        live(told1, two, true);
        Map<Integer, String> before = table(one);
        assertThat(two.connections().getFirst().server().getHostAddress()).isEqualTo(server);
        bulk(two, one);
        assertThat(table(one)).isEqualTo(before);
    }

    private byte[] syn(int port) {
        return new Flow(one, Way.NAT4, true, port)
                .fromClient()
                .flags("S")
                .seq(1000)
                .build();
    }

    private static void establish(TestDirector director) {
        ConnectionRow row = director.connections().getFirst();
        director.send(
                1,
                Way.NAT4
                        .arriving(1, row.server().getHostAddress(), Way.NAT4.client())
                        .tcp(8080, row.clientPort())
                        .flags("S.")
                        .seq(2000)
                        .ack(1001)
                        .build());
        director.send(
                0,
                new Flow(director, Way.NAT4, true, row.clientPort())
                        .fromClient()
                        .flags(".")
                        .seq(1001)
                        .ack(2001)
                        .build());
        director.drain(0);
        director.drain(1);
    }

    @Test
    void anActiveOneThatLostItsTableGetsAllFromItsStandby() {
        services(Way.FULLNAT4);
        two.standby(true);
        advance(10_000);
        Flow flow = new Flow(one, Way.FULLNAT4, true, 40_000).establish(1000, 2000);
        live(told1, two, false);
        advance(20_000);
        one.close();
        one = new TestDirector();
        told1 = feed(one).out();
        Flow.service(one, Way.FULLNAT4, true);
        one.advance(1_000);
        bulk(two, one);
        Flow moved = new Flow(one, Way.FULLNAT4, true, 40_000);
        moved.peerPort = flow.peerPort;
        moved.sequence = flow.sequence;
        moved.up(".", 1001, 2001, 10);
    }

    @Test
    void afterASplitBothGetWhatTheOtherMade() {
        services(Way.FULLNAT4);
        one.setting("fullnat_lport_share", "0 2");
        two.setting("fullnat_lport_share", "1 2");
        advance(10_000);
        new Flow(one, Way.FULLNAT4, true, 40_000).establish(1000, 2000);
        new Flow(two, Way.FULLNAT4, true, 41_000).establish(1000, 2000);
        live(told1, two, true);
        live(told2, one, true);
        advance(60_000);
        two.standby(true);
        bulk(two, one);
        bulk(one, two);
        assertThat(table(one).keySet()).containsExactly(40_000, 41_000);
        assertThat(table(two).keySet()).containsExactly(40_000, 41_000);
    }

    /** Any life of some connections, any losses: a standby's transfer never changes what the active one has. */
    @Test
    void neverDoesAStandbyChangeWhatTheActiveOneKnows() {
        SeededTest.run(12, random -> {
            anew();
            Way way = Way.values()[random.nextInt(4)];
            services(way);
            TestDirector[] pair = {one, two};
            UpdateQueue[] told = {told1, told2};
            int active = 0;
            two.standby(true);
            advance(5_000);
            List<Flow> flows = new ArrayList<>();
            for (int step = 0; step < 60; step++) {
                act(pair[active], way, flows, random);
                boolean lost = random.nextInt(3) == 0;
                for (int left = random.nextInt(random.nextInt(4) == 0 ? 60 : 3); left >= 0; left--) {
                    live(told[active], pair[1 - active], lost);
                    live(told[1 - active], pair[active], true);
                    advance(random.nextInt(1_500));
                }
                if (random.nextInt(6) == 0) {
                    Map<Integer, String> before = table(pair[active]);
                    bulk(pair[1 - active], pair[active]);
                    Map<Integer, String> after = table(pair[active]);
                    // What the other had packets of while it was active may be news.
                    after.keySet().retainAll(before.keySet());
                    assertThat(after).allSatisfy((port, row) -> assertUnchanged(row, before.get(port)));
                    bulk(pair[active], pair[1 - active]);
                    assertThat(untimed(pair[1 - active])).containsAllEntriesOf(sent(pair[active]));
                }
                if (random.nextInt(20) == 0) {
                    bulk(pair[active], pair[1 - active]);
                    pair[active].standby(true);
                    pair[1 - active].standby(false);
                    active = 1 - active;
                    flows.clear();
                }
            }
        });
    }

    private static Map<Integer, String> untimed(TestDirector director) {
        Map<Integer, String> all = table(director);
        all.replaceAll((port, row) -> untimed(row));
        return all;
    }

    /** But for the seconds that each way from one to the other rounds up. */
    private static void assertUnchanged(String row, @Nullable String before) {
        assertThat(before).isNotNull();
        assertThat(untimed(row)).isEqualTo(untimed(Objects.requireNonNull(before)));
        assertThat(seconds(row)).isBetween(seconds(before), seconds(before) + 5);
    }

    private static String untimed(String row) {
        return row.substring(0, row.lastIndexOf(' '));
    }

    private static long seconds(String row) {
        return Long.parseLong(row.substring(row.lastIndexOf(' ') + 1));
    }

    /** What an active one tells of. */
    private static Map<Integer, String> sent(TestDirector director) {
        Map<Integer, String> all = untimed(director);
        all.values().removeIf(row -> row.startsWith("SYN") || row.startsWith("LAST"));
        return all;
    }

    private static void act(TestDirector director, Way way, List<Flow> flows, RandomGenerator random) {
        if (flows.isEmpty() || random.nextInt(3) == 0) {
            int port = 40_000 + random.nextInt(20_000);
            if (director.connections().stream().noneMatch(row -> row.clientPort() == port)) {
                flows.add(new Flow(director, way, true, port).establish(1000, 2000));
            }
            return;
        }
        Flow flow = flows.get(random.nextInt(flows.size()));
        String flags = List.of(".", ".", "F.", "R").get(random.nextInt(4));
        director.send(0, flow.fromClient().flags(flags).seq(1001).ack(2001).build());
        director.drain(0);
        director.drain(1);
    }
}
