package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import lvsd.sync.SyncConnection;
import lvsd.sync.UpdateQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Two directors that tell each other their connections: no local port serves two of them, whoever is active. */
class PairTest {
    private static final int FIRST_PORT = 5000;
    private static final int PORTS = 8;

    private final TestDirector one = director("0 2");
    private final TestDirector two = director("1 2");
    private final UpdateQueue told1 = feed(one).out();
    private final UpdateQueue told2 = feed(two).out();

    private static TestDirector director(String share) {
        return new TestDirector(
                1,
                Map.of(
                        "fullnat_lport_min", Integer.toString(FIRST_PORT),
                        "fullnat_lport_max", Integer.toString(FIRST_PORT + PORTS - 1),
                        "fullnat_lport_share", share));
    }

    private static SyncFeed feed(TestDirector director) {
        return director.dataplane.workerList().getFirst().sync();
    }

    @AfterEach
    void close() {
        one.close();
        two.close();
    }

    private void services(Way way) {
        Flow.service(one, way, true);
        Flow.service(two, way, true);
    }

    /** Takes what one has told to the other. */
    private static void bring(UpdateQueue told, TestDirector to) {
        UpdateQueue in = feed(to).in();
        SyncConnection next = new SyncConnection();
        while (told.poll(next)) {
            assertThat(in.offer(next)).isTrue();
        }
        to.run();
    }

    private static Set<Integer> localPorts(TestDirector director) {
        return director.connections().stream().map(ConnectionRow::localPort).collect(Collectors.toSet());
    }

    /** Opens connections until no port is left; how many that were. */
    private static int exhaust(TestDirector director, Way way, int clientPort) {
        int opened = 0;
        while (opened <= PORTS) {
            director.send(
                    0,
                    new Flow(director, way, true, clientPort + opened)
                            .fromClient()
                            .flags("S")
                            .seq(1)
                            .build());
            if (!director.any(1)) {
                break;
            }
            opened++;
        }
        assertThat(director.drops(DropReason.LOCAL_PORTS_EXHAUSTED)).isPositive();
        return opened;
    }

    @ParameterizedTest
    @EnumSource(
            value = Way.class,
            names = {"FULLNAT4", "FULLNAT6"})
    void eachHasPortsOfItsOwnWhileBothAreActive(Way way) {
        services(way);
        assertThat(exhaust(one, way, 40_000)).isEqualTo(PORTS / 2);
        assertThat(exhaust(two, way, 41_000)).isEqualTo(PORTS / 2);
        Set<Integer> all = new HashSet<>(localPorts(one));
        all.addAll(localPorts(two));
        assertThat(all).hasSize(PORTS);
    }

    @ParameterizedTest
    @EnumSource(
            value = Way.class,
            names = {"FULLNAT4", "FULLNAT6"})
    void aPortOfASyncedConnectionIsNotHandedOut(Way way) {
        services(way);
        new Flow(one, way, true, 40_000).establish(1000, 2000);
        new Flow(one, way, true, 40_001).establish(1000, 2000);
        bring(told1, two);
        // It takes over the other one's part, too, as an operator may say when that is gone for good.
        two.setting("fullnat_lport_share", "0 1");
        assertThat(exhaust(two, way, 41_000)).isEqualTo(PORTS - 2);
        assertThat(localPorts(two)).hasSize(PORTS).containsAll(localPorts(one));
    }

    @Test
    void whatOneForgetsDoesNotEndWhatTheOtherHas() {
        services(Way.NAT4);
        Flow flow = new Flow(one, Way.NAT4, true, 40_000).establish(1000, 2000);
        bring(told1, two);
        for (int minute = 0; minute < 20; minute++) {
            one.advance(60_000);
            flow.up(".", 1001, 2001, 10);
            told1.clear(); // the wire between them is cut
        }
        two.advance(1_200_000);
        assertThat(two.connections()).isEmpty();
        bring(told2, one);
        flow.up(".", 1001, 2001, 10);
    }

    @Test
    void aStandbyForgetsWhatTheActiveOneEndsEvenIfItHadItOnce() {
        services(Way.NAT4);
        Flow flow = new Flow(one, Way.NAT4, true, 40_000).establish(1000, 2000);
        bring(told1, two);
        flow.up(".", 1001, 2001, 10);
        one.advance(100);
        flow.up(".", 1001, 2001, 10);
        one.standby(true);
        Flow moved = new Flow(two, Way.NAT4, true, 40_000);
        moved.up("R", 1001, 0, 0);
        two.advance(15_000);
        bring(told2, one);
        assertThat(one.connections()).isEmpty();
    }

    @Test
    void afterASplitEverythingThatWorkedWorksOn() {
        services(Way.FULLNAT4);
        Flow[] ofOne = new Flow[PORTS / 2];
        Flow[] ofTwo = new Flow[PORTS / 2];
        for (int i = 0; i < PORTS / 2; i++) {
            ofOne[i] = new Flow(one, Way.FULLNAT4, true, 40_000 + i).establish(1000, 2000);
            ofTwo[i] = new Flow(two, Way.FULLNAT4, true, 41_000 + i).establish(3000, 4000);
        }
        // They hear each other again; the second gives way.
        bring(told1, two);
        bring(told2, one);
        two.standby(true);
        assertThat(one.connections()).hasSize(PORTS);
        for (int i = 0; i < PORTS / 2; i++) {
            ofOne[i].up(".", 1001, 2001, 10);
            Flow moved = new Flow(one, Way.FULLNAT4, true, 41_000 + i);
            moved.peerPort = ofTwo[i].peerPort;
            moved.sequence = ofTwo[i].sequence;
            moved.timestamp = ofTwo[i].timestamp;
            moved.up(".", 3001, 4001, 10);
            moved.down(".", 4001, 3011, 10);
        }
        // And it does not tell what it has heard.
        bring(told2, one);
        two.advance(200_000);
        assertThat(told2.poll(new SyncConnection())).isFalse();
    }
}
