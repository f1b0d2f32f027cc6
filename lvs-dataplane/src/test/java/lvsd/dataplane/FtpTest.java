package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import lvsd.dataplane.service.Service;
import lvsd.rules.Protocol;
import lvsd.rules.ServiceSpec;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Which packets an FTP service gets, as Linux 6.1 was asked: the control port's, and the data ports' if it is persistent. */
class FtpTest extends PipelineTest {
    private static final List<Integer> PORTS = List.of(20, 21, 22, 80, 1023, 1024, 5000);

    private int clientPort = 30_000;

    private Service persistent(Way way, int port, int serverPort) {
        ServiceSpec spec = TestDirector.persistent(Protocol.TCP, way.vip(), port, 30, -1);
        return director.service(spec, way.method, way.server() + ":" + serverPort);
    }

    /** The server's port that a SYN arrived at, 0 when it was answered by a reset, -1 by an ICMP error. */
    private int syn(Way way, int from, int to) {
        director.send(
                0,
                way.arriving(0, way.client(), way.vip())
                        .tcp(from, to)
                        .flags("S")
                        .build());
        byte[] up = director.sent(1);
        if (up == null) {
            byte[] down = director.expect(0);
            return down[way.ipv6 ? 20 : 23] == 6 ? 0 : -1;
        }
        director.expectNothing(0);
        return Flow.at16(up, way.l4() + 2);
    }

    private List<Integer> syns(Way way) {
        return PORTS.stream().map(port -> syn(way, ++clientPort, port)).toList();
    }

    @ParameterizedTest
    @EnumSource
    void shouldGetTheControlPortOnlyIfNotPersistent(Way way) {
        director.service(TestDirector.spec(Protocol.TCP, way.vip(), 21, false), way.method, way.server() + ":2121");
        assertThat(syns(way)).containsExactly(0, 2121, 0, 0, 0, 0, 0);
    }

    @ParameterizedTest
    @EnumSource
    void shouldGetTheDataPortsTooIfPersistent(Way way) {
        persistent(way, 21, 2121);
        assertThat(syns(way)).containsExactly(20, 2121, 0, 0, 0, 1024, 5000);
        assertThat(director.connections().stream().filter(row -> row.clientPort() == 0))
                .singleElement()
                .satisfies(row -> {
                    assertThat(row.virtualPort()).isZero();
                    assertThat(row.serverPort()).isZero();
                });
        director.send(0, way.arriving(0, way.client(), way.vip()).udp(7, 5000).build());
        director.expectNothing(1);
        director.expect(0);
    }

    @ParameterizedTest
    @EnumSource
    void shouldKeepItsDataPortsFromTheServiceOfAllPortsEvenIfNotPersistent(Way way) {
        director.service(TestDirector.spec(Protocol.TCP, way.vip(), 21, false), way.method, way.server() + ":2121");
        persistent(way, 0, 0);
        assertThat(syns(way)).containsExactly(0, 2121, 22, 80, 1023, 0, 0);
    }

    @ParameterizedTest
    @EnumSource
    void shouldShareItsClientsTemplatesWithTheServiceOfAllPorts(Way way) {
        Service ftp = persistent(way, 21, 2121);
        Service all = persistent(way, 0, 0);
        director.service(TestDirector.spec(Protocol.TCP, way.vip(), 5000, false), way.method, way.server() + ":6000");
        assertThat(syn(way, ++clientPort, 22)).isEqualTo(22);
        assertThat(syns(way)).containsExactly(20, 21, 22, 80, 1023, 1024, 6000);
        assertThat(director.totals(ftp, 0).connections()).isZero();
        assertThat(director.totals(all, 0).connections()).isEqualTo(7);
    }

    @ParameterizedTest
    @EnumSource
    void shouldLeaveDataPortsToTheHostWhereThereIsNoServer(Way way) {
        director.withoutDestinations(persistent(way, 21, 2121));
        assertThat(syns(way)).containsExactly(0, -1, 0, 0, 0, 0, 0);
    }

    /** Servers open data connections from port 20; whoever else does is no client. */
    @ParameterizedTest
    @EnumSource
    void shouldNeverServeWhatComesFromTheDataPort(Way way) {
        persistent(way, 21, 2121);
        director.service(TestDirector.spec(Protocol.UDP, way.vip(), 53, false), way.method, way.server() + ":53");
        assertThat(syn(way, 20, 21)).isZero();
        assertThat(syn(way, 20, 5000)).isZero();
        director.send(0, way.arriving(0, way.client(), way.vip()).udp(20, 53).build());
        director.expectNothing(1);
        director.expect(0);
    }
}
