package lvsd.dataplane.connection;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import lvsd.config.Settings;
import lvsd.wire.Tcp;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TcpStatesTest {
    /**
     * Segments as recorded at a Linux 6.1 director, and the state that {@code ipvsadm -Lnc} showed afterwards: {@code >}
     * from the client, {@code <} from the server, then the flags.
     */
    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "nat-ttl, >S <SA >A >FA <A <FA >A, TIME_WAIT",
        "nat6-hop-limit, >S <SA >A >FA <FA >A, TIME_WAIT",
        "nat-port-reuse, >S <SA >A >PA <A <PA >A >PA <FA >FA <A >S <SA >A >PA <A <PA >A >PA <FA >FA <A, TIME_WAIT",
        "nat-tcp-client-rst, >S <SA >A >PA <A <PA >A >RA, CLOSE",
        "nat-tcp-server-rst, >S <SA >A >PA <A <PA >A >PA <RA, CLOSE",
        "removed-rs, >S <SA >A >PA <A <PA >A, ESTABLISHED",
        "rs-unreachable, >S >S >S, SYN_RECV",
        "handshake, >S <SA, SYN_RECV",
        "handshake-done, >S <SA >A, ESTABLISHED",
        "half-closed by client, >S <SA >A >FA, CLOSE_WAIT",
        "half-closed by server, >S <SA >A <FA, FIN_WAIT",
        "refused, >S <RA, CLOSE",
        "no flags at all, >S <SA >A >-, CLOSE",
        "reset beats the rest, >S <SA >A >SFRA, CLOSE"
    })
    void shouldEndWhereTheKernelDoes(String name, String segments, String state) {
        assertThat(TcpStates.name(run(segments, 0))).isEqualTo(state);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "dr-tcp, >S >A >PA >A >PA >FA >A, FIN_WAIT",
        "tun-ipip, >S >A >PA >A >A >PA >PA >A >PA >PA >A >FA >A, FIN_WAIT",
        "tun-gre, >S >S, SYN_RECV"
    })
    void shouldEndWhereTheKernelDoesWhenItSeesTheClientOnly(String name, String segments, String state) {
        assertThat(TcpStates.name(run(segments.replace(">", "o"), 0))).isEqualTo(state);
    }

    /** Under secure_tcp the client's word alone establishes nothing. */
    @Test
    void shouldNotEstablishOnTheClientsAckUnderDefence() {
        assertThat(run(">S >A", TcpStates.DEFENCE)).isEqualTo(TcpStates.SYN_RECV);
        assertThat(run(">S <SA", TcpStates.DEFENCE)).isEqualTo(TcpStates.SYNACK);
        assertThat(run(">S <SA >A", TcpStates.DEFENCE)).isEqualTo(TcpStates.SYNACK);
        assertThat(run(">S <SA >A <A", TcpStates.DEFENCE)).isEqualTo(TcpStates.ESTABLISHED);
    }

    /** The packet path's short cut says "no change" of an established connection only where every table does. */
    @Test
    void shouldCarryOnOnlyWhereNoTableChangesAnything() {
        for (int state = 0; state < TcpStates.COUNT; state++) {
            for (int flags = 0; flags < 256; flags++) {
                if (TcpStates.carriesOn(state, flags)) {
                    assertThat(state).isEqualTo(TcpStates.ESTABLISHED);
                    assertThat(flags & Tcp.SYN).isZero();
                    for (int table = TcpStates.IN; table <= TcpStates.INPUT_ONLY + TcpStates.DEFENCE; table++) {
                        assertThat(TcpStates.next(table, state, TcpStates.event(flags)))
                                .as("table %d, flags %02x", table, flags)
                                .isEqualTo(state);
                    }
                }
            }
        }
        assertThat(TcpStates.carriesOn(TcpStates.ESTABLISHED, Tcp.ACK_FLAG)).isTrue();
    }

    private static int run(String segments, int defence) {
        int state = TcpStates.NONE;
        for (String segment : segments.split(" ", -1)) {
            int table = switch (segment.charAt(0)) {
                case '>' -> TcpStates.IN;
                case '<' -> TcpStates.OUT;
                default -> TcpStates.INPUT_ONLY;
            };
            state = TcpStates.next(table + defence, state, TcpStates.event(flags(segment.substring(1))));
        }
        return state;
    }

    private static int flags(String letters) {
        int flags = 0;
        for (int i = 0; i < letters.length(); i++) {
            int bit = "FSRPA".indexOf(letters.charAt(i));
            flags |= bit < 0 ? 0 : 1 << bit;
        }
        return flags;
    }

    @Test
    void shouldTakeRstBeforeSynBeforeFinBeforeAck() {
        assertThat(TcpStates.event(0x17)).isEqualTo(TcpStates.RST);
        assertThat(TcpStates.event(0x13)).isEqualTo(TcpStates.SYN);
        assertThat(TcpStates.event(0x11)).isEqualTo(TcpStates.FIN);
        assertThat(TcpStates.event(0x10)).isEqualTo(TcpStates.ACK);
        assertThat(TcpStates.event(0x08)).isEqualTo(TcpStates.OTHER);
        assertThat(TcpStates.event(0xff)).isEqualTo(TcpStates.RST);
    }

    @Test
    void shouldHaveAStateForEveryTableEventAndState() {
        for (int table = 0; table < 2 * TcpStates.DEFENCE; table++) {
            for (int state = 0; state < TcpStates.COUNT; state++) {
                for (int event = TcpStates.RST; event <= TcpStates.OTHER; event++) {
                    assertThat(TcpStates.next(table, state, event)).isBetween(0, TcpStates.COUNT - 1);
                }
                assertThat(TcpStates.next(table, state, TcpStates.OTHER)).isEqualTo(TcpStates.CLOSE);
            }
        }
    }

    /** Cells that tell the tables apart. */
    @ParameterizedTest
    @CsvSource({
        "0, SYN_RECV, 0, SYN_RECV",
        "0, SYNACK, 0, SYN_RECV",
        "2, SYNACK, 0, CLOSE",
        "3, SYNACK, 0, CLOSE",
        "1, TIME_WAIT, 0, TIME_WAIT",
        "1, NONE, 2, TIME_WAIT",
        "0, ESTABLISHED, 2, CLOSE_WAIT",
        "2, ESTABLISHED, 2, FIN_WAIT",
        "3, SYNACK, 2, SYNACK",
        "1, LISTEN, 3, ESTABLISHED",
        "0, LISTEN, 3, LISTEN",
        "5, NONE, 1, SYNACK",
        "4, SYN_RECV, 1, SYNACK",
        "1, SYN_RECV, 1, SYN_RECV",
        "0, LAST_ACK, 3, CLOSE",
        "1, LAST_ACK, 3, LAST_ACK",
        "5, FIN_WAIT, 2, FIN_WAIT",
        "3, FIN_WAIT, 2, TIME_WAIT"
    })
    void shouldFollowTheTables(int table, String from, int event, String to) {
        assertThat(TcpStates.name(TcpStates.next(table, TcpStates.byName(from), event)))
                .isEqualTo(to);
    }

    /** ActiveConn of a Linux 6.1 director with connections in these states, and what its later states show. */
    @ParameterizedTest
    @CsvSource({
        "SYN_RECV, 1",
        "SYN_SENT, 1",
        "SYNACK, 1",
        "ESTABLISHED, 1",
        "NONE, 0",
        "FIN_WAIT, 0",
        "TIME_WAIT, 0",
        "CLOSE, 0",
        "CLOSE_WAIT, 0",
        "LAST_ACK, 0",
        "LISTEN, 0"
    })
    void shouldCountAHandshakeAsActive(String state, int active) {
        assertThat(TcpStates.active(TcpStates.byName(state))).isEqualTo(active);
    }

    @Test
    void shouldTellWhenTheActiveCountChanges() {
        assertThat(TcpStates.activeChange(TcpStates.NONE, TcpStates.SYN_RECV)).isEqualTo(1);
        assertThat(TcpStates.activeChange(TcpStates.SYN_RECV, TcpStates.ESTABLISHED))
                .isZero();
        assertThat(TcpStates.activeChange(TcpStates.ESTABLISHED, TcpStates.FIN_WAIT))
                .isEqualTo(-1);
        assertThat(TcpStates.activeChange(TcpStates.FIN_WAIT, TcpStates.TIME_WAIT))
                .isZero();
    }

    @Test
    void shouldHaveTheKernelsTimeouts() {
        Timeouts timeouts = new Timeouts();
        int[] seconds = {2, 900, 120, 60, 120, 120, 10, 60, 30, 120, 120};
        for (int state = 0; state < TcpStates.COUNT; state++) {
            assertThat(timeouts.tcp(state)).isEqualTo(seconds[state] * 250);
        }
        assertThat(timeouts.udp()).isEqualTo(300 * 250);
        assertThat(timeouts.of(132, 8)).isEqualTo(900 * 250);
    }

    @Test
    void everyTimeoutShouldBeASettingOfItsOwn() {
        Map<String, String> settings = new HashMap<>(Settings.defaults());
        int seconds = 1000;
        for (String name : Settings.names()) {
            if (name.startsWith("timeout_")) {
                settings.put(name, Integer.toString(seconds++));
            }
        }
        Timeouts timeouts = new Timeouts();
        timeouts.set(new Timeouts(settings));

        Set<Integer> seen = new HashSet<>();
        for (int state = 0; state < TcpStates.COUNT; state++) {
            seen.add(timeouts.tcp(state) / Timeouts.TICKS_PER_SECOND);
        }
        for (int state = 0; state < Settings.SCTP_STATES.size(); state++) {
            seen.add(timeouts.of(132, state) / Timeouts.TICKS_PER_SECOND);
        }
        seen.add(timeouts.udp() / Timeouts.TICKS_PER_SECOND);
        seen.add(timeouts.icmp() / Timeouts.TICKS_PER_SECOND);
        assertThat(seen)
                .containsExactlyInAnyOrderElementsOf(
                        IntStream.range(1000, seconds).boxed().toList());
        assertThat(timeouts.tcp(TcpStates.TIME_WAIT))
                .isEqualTo(Timeouts.ticks(Integer.parseInt(settings.get("timeout_timewait"))));
    }

    @Test
    void theLongestTimeoutShouldFitItsTicks() {
        assertThat(Timeouts.ticks(Integer.MAX_VALUE)).isPositive();
    }
}
