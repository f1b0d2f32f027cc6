package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;
import lvsd.rules.Protocol;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import lvsd.rules.SynProxyMode;
import lvsd.sync.SyncConnection;
import lvsd.sync.SyncSource;
import lvsd.sync.UpdateQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Of what others are told, and when: settings of sync and services that are left out. */
class SyncWhatTest {
    private TestDirector director = new TestDirector();
    private SyncFeed feed = feed();
    private UpdateQueue queue = feed.out();

    @AfterEach
    void close() {
        director.close();
    }

    private SyncFeed feed() {
        return director.dataplane.workerList().getFirst().sync();
    }

    private void settings(Map<String, String> settings) {
        director.close();
        director = new TestDirector(1, settings);
        feed = feed();
        queue = feed.out();
        feed.forKernels(true);
    }

    /** Updates since the last call, as client ports; of templates 0. */
    private List<Integer> told() {
        List<Integer> ports = new ArrayList<>();
        SyncConnection next = new SyncConnection();
        while (queue.poll(next)) {
            ports.add(next.clientPort);
        }
        return ports;
    }

    /** What a bulk transfer tells, as client ports. */
    private List<Integer> paged(boolean whole) {
        List<Integer> ports = new ArrayList<>();
        SyncSource.Page page = new SyncSource.Page(1024, whole);
        for (long cursor = 0; cursor != SyncSource.END; cursor = page.next()) {
            page.reset();
            feed.page(cursor, page, SyncSource.END);
            for (int i = 0; i < page.count(); i++) {
                ports.add(page.row(i).clientPort);
            }
        }
        return ports;
    }

    private static ServiceSpec spec(Protocol protocol, OptionalInt persistence, boolean sync) {
        ServiceId id = new ServiceId.Vip(protocol, TestDirector.ip(Way.NAT4.vip()), 80);
        return new ServiceSpec(
                id, "rr", Set.of(), persistence, -1, "", false, true, OptionalInt.empty(), SynProxyMode.DISABLE, sync);
    }

    private Flow tcp(int port) {
        return new Flow(director, Way.NAT4, true, port);
    }

    private void udp(int port) {
        new Flow(director, Way.NAT4, false, port).upDatagram(10);
    }

    @Test
    void itWaitsInTheQueueInTheCycleOfTheHandshakesLastPacket() {
        Flow.service(director, Way.FULLNAT4, true);
        Flow flow = new Flow(director, Way.FULLNAT4, true, 40_000).open(1000);
        flow.down("S.", 2000, 1001, 0);
        assertThat(told()).isEmpty();
        // Some cycles of a microsecond.
        director.send(0, flow.fromClient().flags(".").seq(1001).ack(2001).build());
        assertThat(told()).containsExactly(40_000);
    }

    @ParameterizedTest
    @CsvSource({"7,2", "1,1", "2,1", "4,0", "0,0"})
    void protocolsAreLeftOut(String protocols, int count) {
        settings(Map.of("sync_protocols", protocols, "sync_threshold", "0 1"));
        Flow.service(director, Way.NAT4, true);
        Flow.service(director, Way.NAT4, false);
        tcp(40_000).establish(1000, 2000);
        udp(40_001);
        assertThat(told()).hasSize(count);
        assertThat(paged(false)).hasSize(count);
        assertThat(paged(true)).as("kept over a restart").hasSize(2);
        director.setting("sync_protocols", "7");
        assertThat(paged(false)).hasSize(2);
    }

    @Test
    void servicesAreLeftOut() {
        director.service(spec(Protocol.TCP, OptionalInt.of(300), false), Way.NAT4.method, Way.NAT4.server() + ":8080");
        Flow.service(director, Way.NAT4, false);
        Flow flow = tcp(40_000).establish(1000, 2000);
        flow.up("F.", 1001, 2001, 0);
        udp(40_001);
        assertThat(told()).containsExactly(40_001);
        assertThat(paged(false)).containsExactly(40_001);
        assertThat(paged(true)).containsExactlyInAnyOrder(0, 40_000, 40_001);
        director.advance(500_000);
        assertThat(told()).as("ends").containsExactly(40_001);
    }

    /** Kernels: a connection is told of when it has had so many packets from its client, the handshake's among them. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5})
    void kernelsAreToldAfterSoManyPackets(int threshold) {
        settings(Map.of("sync_threshold", threshold + " 50"));
        Flow.service(director, Way.NAT4, true);
        Flow flow = tcp(40_000).establish(1000, 2000);
        director.advance(1_000);
        for (int packets = 2; packets < threshold; packets++) {
            assertThat(told()).as("after %d packets", packets).isEmpty();
            flow.up(".", 1001, 2001, 0);
            director.advance(1_000);
        }
        assertThat(told()).containsExactly(40_000);
        flow.up("F.", 1001, 2001, 0);
        assertThat(told()).as("a change of state is told at once").containsExactly(40_000);
    }

    @Test
    void ourBackupsAreToldAtOnceWhateverTheThreshold() {
        settings(Map.of("sync_threshold", "10 50"));
        feed.forKernels(false);
        Flow.service(director, Way.NAT4, true);
        tcp(40_000).establish(1000, 2000);
        assertThat(told()).containsExactly(40_000);
    }

    /** As the kernel: b 0 without a period, and nothing is said twice; with b a period only makes it less often. */
    @ParameterizedTest
    @CsvSource({"3 0,0,0", "3 50,0,2", "3 0,30,3", "3 50,30,2", "3 10,30,3", "0 1,30,3", "0 1,300,0"})
    void howOftenAConnectionInUseIsToldAgain(String threshold, String period, int times) {
        settings(Map.of("sync_threshold", threshold, "sync_refresh_period", period));
        Flow.service(director, Way.NAT4, true);
        Flow flow = tcp(40_000).establish(1000, 2000);
        flow.up(".", 1001, 2001, 0);
        director.advance(500);
        assertThat(told()).containsExactly(40_000);
        for (int second = 0; second < 100; second++) {
            flow.up(".", 1001, 2001, 0);
            director.advance(1_000);
        }
        assertThat(told()).hasSize(times);
    }

    /** As the kernel: repeats are an eighth of the period apart. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void retriesComeAnEighthOfThePeriodApart(int retries) {
        settings(Map.of(
                "sync_threshold", "0 0", "sync_refresh_period", "80", "sync_retries", Integer.toString(retries)));
        Flow.service(director, Way.NAT4, true);
        tcp(40_000).establish(1000, 2000);
        assertThat(told()).hasSize(1);
        director.advance(100);
        for (int i = 1; i <= 4; i++) {
            director.advance(9_500);
            assertThat(told()).as("before repeat %d", i).isEmpty();
            director.advance(500);
            assertThat(told()).as("repeat %d", i).hasSize(i <= retries ? 1 : 0);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "1"})
    void ofPersistentServicesTemplatesOnly(String mode) {
        settings(Map.of("sync_persist_mode", mode, "sync_threshold", "0 1"));
        director.service(spec(Protocol.TCP, OptionalInt.of(300), true), Way.NAT4.method, Way.NAT4.server() + ":8080");
        Flow.service(director, Way.NAT4, false);
        tcp(40_000).establish(1000, 2000);
        udp(40_001);
        assertThat(told())
                .contains(0, 40_001)
                .matches(ports -> ports.contains(40_000) == mode.equals("0"), "the persistent connection");
        assertThat(paged(true)).containsExactlyInAnyOrder(0, 40_000, 40_001);
    }

    /** The kernel's waste: the template with every packet of its connections. */
    @Test
    void aTemplateInUseIsNotToldWithEveryPacket() {
        settings(Map.of("sync_threshold", "0 1"));
        director.service(spec(Protocol.TCP, OptionalInt.of(300), true), Way.NAT4.method, Way.NAT4.server() + ":8080");
        Flow flow = tcp(40_000).establish(1000, 2000);
        director.advance(500);
        told();
        for (int i = 0; i < 100; i++) {
            flow.up(".", 1001, 2001, 10);
            director.advance(10);
        }
        assertThat(told()).isNotEmpty().doesNotContain(0);
    }

    /** Packets that come together count one by one, and of each connection kernels are told once for all of them. */
    @Test
    void packetsOfABurstAreCountedOneByOne() {
        settings(Map.of("sync_threshold", "3 10"));
        Flow.service(director, Way.NAT4, true);
        Flow first = tcp(40_000).establish(1000, 2000);
        Flow second = tcp(40_001).establish(1000, 2000);
        assertThat(told()).isEmpty();
        byte[] one = first.fromClient().flags(".").seq(1001).ack(2001).build();
        byte[] other = second.fromClient().flags(".").seq(1001).ack(2001).build();
        director.sendTogether(0, List.of(one, other.clone(), one.clone(), one.clone()));
        assertThat(told()).as("numbers 3 to 5 and 3").containsExactlyInAnyOrder(40_000, 40_001);
        director.sendTogether(0, Stream.generate(one::clone).limit(7).toList());
        assertThat(told()).as("6 to 12").isEmpty();
        director.sendTogether(0, Stream.generate(one::clone).limit(31).toList());
        assertThat(told()).as("13 to 43").containsExactly(40_000);
    }

    /** A kernel says nothing of a connection with few packets, and its backup forgets it while it lives. */
    @Test
    void whatHasFewPacketsIsToldBeforeItTimesOutElsewhere() {
        settings(Map.of("sync_threshold", "3 50"));
        Flow.service(director, Way.NAT4, true);
        Flow flow = tcp(40_000).establish(1000, 2000);
        flow.up(".", 1001, 2001, 0);
        assertThat(told()).containsExactly(40_000);
        for (int seconds = 0; seconds < 600; seconds += 50) {
            director.advance(50_000);
            flow.up(".", 1001, 2001, 0);
        }
        assertThat(told()).isEmpty();
        director.advance(150_000);
        assertThat(told()).containsExactly(40_000);
    }
}
