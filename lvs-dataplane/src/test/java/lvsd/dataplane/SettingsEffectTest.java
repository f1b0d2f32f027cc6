package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.connection.SctpStates;
import lvsd.dataplane.connection.TcpStates;
import lvsd.rules.Protocol;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import lvsd.wire.PacketBuilder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Settings by their names, changed while the director runs: what that changes for packets. Most have tests elsewhere. */
class SettingsEffectTest extends PipelineTest {
    private static final Way WAY = Way.NAT4;
    private static final String BROADCAST = "ff:ff:ff:ff:ff:ff";

    /** Packets but ARP that {@link #arps} has met. */
    private int others;

    // ---- timeouts

    /** Steps: u from the client, d from the server; flags of a segment, or a chunk's type. */
    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "timeout_synrecv, 60, SYN_RECV, uS",
        "timeout_established, 900, ESTABLISHED, uS dS. u.",
        "timeout_finwait, 120, FIN_WAIT, uS dS. u. dF.",
        "timeout_timewait, 120, TIME_WAIT, uS dS. u. dF. uF.",
        "timeout_closewait, 60, CLOSE_WAIT, uS dS. u. uF.",
        "timeout_close, 10, CLOSE, uS dS. u. uR",
        "timeout_synsent, 120, SYN_SENT, uS dS. u. uR dS",
        "timeout_sctp_init1, 4, INIT1, u1",
        "timeout_sctp_init, 61, INIT, u1 u1",
        "timeout_sctp_cookie_sent, 61, C-SENT, u1 d2",
        "timeout_sctp_cookie_replied, 61, C-REPLIED, u1 d2 u10",
        "timeout_sctp_cookie_wait, 61, C-WAIT, u1 d1",
        "timeout_sctp_cookie, 61, COOKIE, u1 d1 u2",
        "timeout_sctp_cookie_echoed, 61, C-ECHOED, u1 d10",
        "timeout_sctp_established, 900, ESTABLISHED, u1 d2 u10 d11",
        "timeout_sctp_shutdown_sent, 61, S-SENT, u1 d7",
        "timeout_sctp_shutdown_received, 61, S-RECEIVED, u1 d2 u10 d11 u7",
        "timeout_sctp_shutdown_ack_sent, 61, S-ACK-SENT, u1 d8",
        "timeout_sctp_rejected, 4, REJECTED, u1 d6",
        "timeout_sctp_closed, 61, CLOSED, u1 u6",
        "timeout_udp, 300, UDP, u4 d4"
    })
    void shouldEndConnectionsInEachStateAfterItsTime(String setting, int usual, String state, String steps) {
        Protocol protocol =
                setting.contains("sctp") ? Protocol.SCTP : setting.equals("timeout_udp") ? Protocol.UDP : Protocol.TCP;
        director.service(protocol, WAY.vip(), Flow.VIRTUAL_PORT, WAY.method, WAY.server() + ":" + Flow.SERVER_PORT);
        for (String step : steps.split(" ", -1)) {
            step(protocol, step.charAt(0) == 'u', step.substring(1));
        }
        assertThat(row().state()).isEqualTo(state);
        assertThat(row().expiresMillis()).isBetween(usual * 1000L - 10, usual * 1000L);
        assertEndsAfter(setting, 37);
    }

    private void step(Protocol protocol, boolean up, String what) {
        int port = up ? 0 : 1;
        PacketBuilder ip = up ? WAY.arriving(0, WAY.client(), WAY.vip()) : WAY.arriving(1, WAY.server(), WAY.client());
        int source = up ? 7 : Flow.SERVER_PORT;
        int target = up ? Flow.VIRTUAL_PORT : 7;
        PacketBuilder packet = switch (protocol) {
            case TCP -> ip.tcp(source, target).flags(what);
            case UDP -> ip.udp(source, target).payload(Integer.parseInt(what));
            case SCTP -> ip.sctp(source, target, 1).chunk(Integer.parseInt(what), 0);
        };
        director.send(port, packet.build());
        director.expect(1 - port);
    }

    /** States that no packet leads to, but a message of another director may. */
    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "timeout_none, " + TcpStates.NONE,
        "timeout_lastack, " + TcpStates.LAST_ACK,
        "timeout_listen, " + TcpStates.LISTEN,
        "timeout_sctp_none, " + SctpStates.NONE
    })
    void shouldEndConnectionsInStatesThatOnlyOthersTellOf(String setting, int state) {
        Protocol protocol = setting.contains("sctp") ? Protocol.SCTP : Protocol.TCP;
        director.service(protocol, WAY.vip(), Flow.VIRTUAL_PORT, WAY.method, WAY.server() + ":" + Flow.SERVER_PORT);
        step(protocol, true, protocol == Protocol.TCP ? "S" : "1");
        ConnectionTable table =
                director.dataplane.workerList().getFirst().pipeline().table(false);
        int entry = 0;
        while (!table.isUsed(entry)) {
            entry++;
        }
        Connection.setState(table.hot(entry), state);
        assertEndsAfter(setting, 37);
    }

    @Test
    void shouldEndConnectionsThatOnlyTheServerBelievesInAfterTheirTime() {
        director.setting("secure_tcp", "3");
        Flow.service(director, WAY, true);
        step(Protocol.TCP, true, "S");
        step(Protocol.TCP, false, "S.");
        assertThat(row().state()).isEqualTo("SYNACK");
        assertThat(row().expiresMillis()).isBetween(119_990L, 120_000L);
        assertEndsAfter("timeout_synack", 37);
    }

    private ConnectionRow row() {
        return director.connections().getFirst();
    }

    private void assertEndsAfter(String setting, int seconds) {
        director.setting(setting, Integer.toString(seconds));
        director.advance(seconds * 1000L - 500);
        assertThat(director.connections()).hasSize(1);
        director.advance(1000);
        assertThat(director.connections()).isEmpty();
    }

    // ---- the director's own answers

    @ParameterizedTest
    @CsvSource({"echo_reply_own, 198.18.10.1", "echo_reply_vip, " + TestDirector.VIP})
    void shouldAnswerPingsAsIsSet(String setting, String address) {
        Flow.service(director, WAY, true);
        assertThat(answersTo(address, 1)).isEqualTo(1);
        director.setting(setting, "0");
        assertThat(answersTo(address, 1)).isZero();
        director.setting(setting, "1");
        assertThat(answersTo(address, 1)).isEqualTo(1);
    }

    private int answersTo(String address, int pings) {
        for (int i = 0; i < pings; i++) {
            byte[] ping =
                    WAY.arriving(0, WAY.client(), address).echoRequest(1, i).build();
            director.send(0, ping);
        }
        return director.drain(0);
    }

    @Test
    void shouldSendAsManyMessagesASecondAndAtOnceAsIsSet() {
        director.setting("icmp_msgs_burst", "5");
        director.setting("icmp_msgs_per_sec", "2");
        answersTo("198.18.10.1", 60);
        director.advance(1000);
        assertThat(answersTo("198.18.10.1", 20)).isEqualTo(2);
        director.advance(60_000);
        assertThat(answersTo("198.18.10.1", 20)).isEqualTo(5);
    }

    @Test
    void shouldAnswerArpForRoutedVipsWhereThatIsSet() {
        Flow.service(director, WAY, true);
        byte[] question = PacketBuilder.eth(TestDirector.PEERS[0], BROADCAST)
                .arpRequest(WAY.client(), TestDirector.VIP)
                .build();
        for (String value : List.of("0", "1", "0")) {
            director.setting("vip_arp_always", value);
            director.send(0, question);
            assertThat(arps(0, 2)).isEqualTo(Integer.parseInt(value));
        }
    }

    /** How many ARP packets of a kind (1 questions, 2 answers) but announcements left by a port; takes everything out. */
    private int arps(int port, int kind) {
        int count = 0;
        others = 0;
        byte[] frame = director.ios.getFirst().sent(port);
        while (frame != null) {
            boolean arp = frame[12] == 8 && frame[13] == 6;
            boolean announcement = arp && Arrays.equals(frame, 28, 32, frame, 38, 42);
            count += arp && !announcement && frame[21] == kind ? 1 : 0;
            others += arp ? 0 : 1;
            frame = director.ios.getFirst().sent(port);
        }
        return count;
    }

    // ---- neighbours

    private void datagrams(int count) {
        for (int i = 0; i < count; i++) {
            byte[] datagram =
                    new Flow(director, WAY, false, 7).fromClient().payload(4).build();
            director.send(0, datagram);
        }
    }

    @ParameterizedTest
    @CsvSource({"1", "3", "64"})
    void shouldHoldAsManyPacketsForASilentNeighbourAsIsSet(int queue) {
        Flow.service(director, WAY, false);
        director.setting("neighbour_queue", Integer.toString(queue));
        director.answering[1] = false;
        datagrams(10);
        director.expectNothing(1);
        director.answering[1] = true;
        director.advance(1100);
        assertThat(director.drain(1)).isEqualTo(Math.min(queue, 10));
    }

    @ParameterizedTest
    @CsvSource({"1", "3", "7"})
    void shouldAskForASilentNeighbourAsOftenAsIsSet(int retries) {
        Flow.service(director, WAY, false);
        director.setting("neighbour_retries", Integer.toString(retries));
        datagrams(1);
        director.advance(20_000);
        assertThat(arps(1, 1)).isEqualTo(retries);
        director.expect(0); // unreachable
    }

    /** After a minute: known still, or forgotten and asked for anew. */
    @ParameterizedTest
    @CsvSource({"3000, 6000, 1, 0", "5, 40, 0, 1"})
    void shouldAskForAKnownNeighbourWhenItsTimeIsOver(String reachable, String expire, int sent, int questions) {
        Flow.service(director, WAY, false);
        director.setting("neighbour_reachable", reachable);
        director.setting("neighbour_expire", expire);
        datagrams(1);
        director.expect(1);
        director.advance(60_000);
        arps(1, 1);
        director.answering[1] = false;
        datagrams(1);
        director.advance(10);
        assertThat(arps(1, 1)).isEqualTo(questions);
        assertThat(others).isEqualTo(sent);
        director.advance(10_000);
        director.drain(0);
        director.drain(1);
    }

    /** A neighbour is written to every second: when is it asked whether it is still there? */
    @ParameterizedTest
    @CsvSource({"3000, 60, 60", "8, 6, 11", "20, 15, 26"})
    void shouldTrustANeighboursAnswerForTheTimeThatIsSet(String reachable, int earliest, int latest) {
        Flow.service(director, WAY, false);
        director.setting("neighbour_reachable", reachable);
        datagrams(1);
        director.expect(1);
        int second = 0;
        for (int questions = 0; questions == 0 && second < 60; second++) {
            datagrams(1);
            director.advance(1000);
            questions = arps(1, 1);
        }
        assertThat(second).isBetween(earliest, latest);
    }

    // ---- schedulers

    /** Everything for an address goes to one server, until that is forgotten: then to the one that has less to do. */
    @ParameterizedTest
    @CsvSource({"lblc", "lblcr"})
    void shouldForgetWhereAnAddressWentAfterTheTimeThatIsSet(String scheduler) {
        ServiceId id = new ServiceId.Vip(Protocol.UDP, TestDirector.ip(WAY.vip()), Flow.VIRTUAL_PORT);
        ServiceSpec spec = new ServiceSpec(
                id, scheduler, Set.of(), OptionalInt.empty(), -1, "", false, false, OptionalInt.empty());
        director.service(spec, WAY.method, TestDirector.RS1 + ":8080", TestDirector.RS2 + ":8080");
        director.setting("timeout_udp", "100000");
        open(1);
        director.advance(3_600_000);
        open(2);
        assertThat(servers()).hasSize(1);
        director.setting(scheduler + "_expiration", "60");
        open(3);
        director.advance(50_000);
        open(4);
        assertThat(servers()).hasSize(1);
        director.advance(62_000);
        open(5);
        assertThat(servers()).hasSize(2);
    }

    private void open(int port) {
        byte[] datagram =
                new Flow(director, WAY, false, port).fromClient().payload(4).build();
        director.send(0, datagram);
        director.expect(1);
    }

    private List<InetAddress> servers() {
        return director.connections().stream()
                .map(ConnectionRow::server)
                .distinct()
                .toList();
    }

    // ---- the SYN proxy's answer

    @Test
    void shouldAnswerSynsAsIsSet() {
        ProxyFlow.service(director, WAY, false);
        ProxyFlow flow = new ProxyFlow(director, WAY, 40_000, 1000);
        byte[][] options = {
            PacketBuilder.mss(1460),
            PacketBuilder.sackOk(),
            PacketBuilder.timestamps(5, 0),
            PacketBuilder.nop(),
            PacketBuilder.windowScale(9)
        };
        byte[] usual = flow.syn(options);
        assertThat(answer(flow, usual)).isEqualTo("mss 1460 ttl 63 tos 0 scale 7 sack true timestamps true");
        director.setting("synproxy_init_mss", "1000");
        director.setting("synproxy_synack_ttl", "77");
        director.setting("synproxy_synack_tos", "32");
        director.setting("synproxy_wscale", "3");
        assertThat(answer(flow, flow.syn(options)))
                .isEqualTo("mss 1000 ttl 77 tos 32 scale 3 sack true timestamps true");
        director.setting("synproxy_wscale", "0");
        director.setting("synproxy_sack", "0");
        assertThat(answer(flow, flow.syn(options)))
                .isEqualTo("mss 1000 ttl 77 tos 32 scale -1 sack false timestamps true");
        director.setting("synproxy_timestamp", "0");
        assertThat(answer(flow, flow.syn(options)))
                .isEqualTo("mss 1000 ttl 77 tos 32 scale -1 sack false timestamps false");
    }

    private static String answer(ProxyFlow flow, byte[] frame) {
        return "mss " + flow.mssOf(frame) + " ttl " + frame[22] + " tos " + frame[15] + " scale " + flow.scaleOf(frame)
                + " sack " + flow.sackOf(frame) + " timestamps " + (flow.option(frame, 8) >= 0);
    }
}
