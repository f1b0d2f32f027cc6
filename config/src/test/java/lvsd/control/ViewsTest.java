package lvsd.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;
import lvsd.rules.Addresses;
import lvsd.rules.DestinationSpec;
import lvsd.rules.DirectorRole;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.Protocol;
import lvsd.rules.Rule;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import lvsd.rules.SynProxyMode;
import org.junit.jupiter.api.Test;

/** What one end writes the other reads. */
class ViewsTest {
    private static final long SEED = Long.getLong("seed", 20260102L);

    private static InetAddress address(String text) {
        return Addresses.parse(text).orElseThrow();
    }

    private static List<View> views() {
        ServiceId vip = new ServiceId.Vip(Protocol.UDP, address("2001:db8::1"), 53);
        ServiceId mark = new ServiceId.Fwmark(-1, true);
        ServiceSpec full = new ServiceSpec(
                vip,
                "sh",
                Set.of("sh-port"),
                OptionalInt.of(60),
                64,
                "sip",
                true,
                true,
                OptionalInt.of(5),
                SynProxyMode.DISABLE,
                false);
        ServiceSpec bare =
                new ServiceSpec(mark, "rr", Set.of(), OptionalInt.empty(), -1, "", false, false, OptionalInt.empty());
        View.Stats stats = new View.Stats(1, 2, 3, 4, Long.MAX_VALUE);
        View.Rates rates = new View.Rates(9, 8, 7, 6, 5);
        DestinationSpec.Tunnel gue = new DestinationSpec.Tunnel("gue", 6080, "csum");
        View.Destination server = new View.Destination(
                new DestinationSpec(vip, address("198.18.1.1"), 0, ForwardingMethod.TUNNEL, 7, 9, 8, gue),
                1,
                2,
                3,
                stats,
                rates);
        return List.of(
                new View.Services(List.of(
                        new View.Service(full, stats, rates, List.of(server)),
                        new View.Service(bare, View.Stats.ZERO, View.Rates.ZERO, List.of()))),
                new View.Services(List.of()),
                new View.Connections(List.of(new View.Connection(
                        6,
                        address("192.0.2.1"),
                        1,
                        address("192.0.2.2"),
                        2,
                        address("::ffff:1.2.3.4"),
                        3,
                        address("192.0.2.4"),
                        4,
                        5,
                        "ESTABLISHED",
                        900_000,
                        12,
                        1,
                        "sip",
                        "a\"b\\c\u0001\ud800ü"))),
                new View.Timeouts(900, 120, 300),
                new View.Daemons(
                        List.of(new View.Daemon(Rule.Role.BACKUP, "eth0", 1, 1472, address("224.0.0.81"), 8848, 1))),
                new View.Drops(List.of(new View.Drop("no-route", 5, "no route", "add one"))),
                new View.Ports(List.of(new View.Port("wan0", "net_null0", "02::", 1500, true, 1, 2, 3, 4, 5, 6))),
                new View.Workers(List.of(new View.Worker(
                        0, -1, 1, 2, 3, 4, List.of(new View.Table("ipv6", 5, 6, 7, 8, 9)), 10, 11, 12))),
                new View.LocalAddresses(List.of(new View.LocalAddress(vip, address("198.18.0.9"), "lan0", 1, 2))),
                new View.Marks(List.of(new View.Mark(4294967295L, "any", "192.0.2.1:80", "wan", true))),
                new View.SynProxies(List.of(new View.SynProxy(
                        vip,
                        "auto",
                        1,
                        List.of(new View.ProxyStep("syns", 7, "SYNs answered")),
                        List.of(new View.ProxyServer(address("198.18.20.2"), 8080, 3, 4))))),
                new View.Role(DirectorRole.STANDBY),
                new View.Settings(List.of(new View.Setting("a", "1", "0", "0 to 3", "not yet"))));
    }

    @Test
    void shouldReadBackWhatItWrote() {
        for (View view : views()) {
            assertThat(Views.read(Views.write(view))).isEqualTo(view);
        }
    }

    @Test
    void shouldPassOverWhatANewerDaemonAdds() {
        View view = Views.read("{ \"timeouts\" : { \"new\":[1,{\"x\":null},-2.5e3,\"\\u0041\"], \"tcp\":1,"
                + "\"tcp_fin\":2, \"udp\":3 } , \"more\":true }\n");

        assertThat(view).isEqualTo(new View.Timeouts(1, 2, 3));
    }

    @Test
    void shouldRefuseEverythingElseWithItsPlace() {
        SplittableRandom random = new SplittableRandom(SEED);
        assertThatThrownBy(() -> Views.read("{\"surprise\":1}"))
                .isInstanceOf(ViewException.class)
                .hasMessage("bad reply: unknown kind of view 'surprise' at character 12");
        for (View view : views()) {
            String text = Views.write(view);
            for (int i = 0; i < 2000; i++) {
                StringBuilder broken = new StringBuilder(text);
                for (int n = random.nextInt(3); n >= 0; n--) {
                    int at = random.nextInt(broken.length());
                    switch (random.nextInt(3)) {
                        case 0 -> broken.setLength(Math.max(1, at));
                        case 1 -> broken.deleteCharAt(at).append(' ');
                        default -> broken.setCharAt(at, (char) random.nextInt(128));
                    }
                }
                try {
                    Views.read(broken.toString());
                } catch (ViewException e) {
                    assertThat(e).as("-Dseed=%d %s", SEED, broken).hasMessageContaining("at character");
                }
            }
        }
    }
}
