package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import lvsd.dataplane.service.MarkTable;
import lvsd.dataplane.service.Service;
import lvsd.dataplane.service.Wire;
import lvsd.rules.Addresses;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.MarkRule;
import lvsd.rules.Protocol;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import lvsd.wire.Packets;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Firewall marks: which packets get one, and services by mark. Two servers take turns, so that it shows who serves. */
final class MarkTest extends PipelineTest {
    private static final int MARK = 0xfedc_ba98;
    private static final String[] SERVERS4 = {"198.18.20.11:0", "198.18.20.12:0"};
    private static final String[] SERVERS6 = {"2001:db8:b::11:0", "2001:db8:b::12:0"};

    private static final long SEED = Long.getLong("seed", 20261121);

    private final Random random = new Random(SEED);

    private Service marked(boolean ipv6, String... servers) {
        ServiceId id = new ServiceId.Fwmark(MARK, ipv6);
        ServiceSpec spec =
                new ServiceSpec(id, "rr", Set.of(), OptionalInt.empty(), -1, "", false, false, OptionalInt.empty());
        return director.service(spec, ForwardingMethod.NAT, servers);
    }

    private static MarkRule rule(
            int mark, @Nullable Protocol protocol, String from, String to, int low, int high, String port) {
        return new MarkRule(
                mark, Optional.ofNullable(protocol), TestDirector.ip(from), TestDirector.ip(to), low, high, port);
    }

    private void marks(MarkRule... rules) {
        director.marks = new MarkTable(List.of(rules));
        director.publish();
        director.run();
    }

    /** Sends a client's SYN in by port {@code arrival} and gives back where it went: {@code address:port}. */
    private String syn(int arrival, boolean ipv6, String vip, int clientPort, int port) {
        Way way = ipv6 ? Way.NAT6 : Way.NAT4;
        director.send(
                arrival,
                way.arriving(arrival, way.client(), vip)
                        .tcp(clientPort, port)
                        .flags("S")
                        .build());
        byte[] frame = director.expect(1);
        int size = ipv6 ? 16 : 4;
        int l4 = way.l4();
        String to = Addresses.format(Addresses.address(Arrays.copyOfRange(frame, l4 - size, l4)));
        return to + ":" + ((frame[l4 + 2] & 0xff) << 8 | (frame[l4 + 3] & 0xff));
    }

    @Test
    void addressesAndPortsOfOneMarkShouldBeOneService() {
        marked(false, SERVERS4);
        marks(
                rule(MARK, Protocol.TCP, "192.0.2.10", "192.0.2.12", 80, 81, ""),
                rule(MARK, null, "203.0.113.0", "203.0.113.255", 0, 65535, ""));
        // The server that was added last comes first.
        assertThat(syn(0, false, "192.0.2.10", 1, 80)).isEqualTo("198.18.20.12:80");
        assertThat(syn(0, false, "192.0.2.12", 2, 81)).isEqualTo("198.18.20.11:81");
        assertThat(syn(0, false, "203.0.113.7", 3, 65535)).isEqualTo("198.18.20.12:65535");
    }

    @Test
    void packetsOutsideEveryRangeShouldHaveNoMark() {
        marked(false, SERVERS4);
        marks(rule(MARK, Protocol.UDP, "192.0.2.10", "192.0.2.12", 80, 81, ""));
        director.send(
                0,
                Way.NAT4
                        .arriving(0, Way.NAT4.client(), "192.0.2.10")
                        .tcp(1, 80)
                        .flags("S")
                        .build());
        assertThat(director.totals(director.first(), 0).connections()).isZero();
        for (String[] each : new String[][] {{"192.0.2.9", "80"}, {"192.0.2.13", "81"}, {"192.0.2.11", "79"}}) {
            director.send(
                    0,
                    Way.NAT4
                            .arriving(0, Way.NAT4.client(), each[0])
                            .udp(1, Integer.parseInt(each[1]))
                            .build());
        }
        assertThat(director.totals(director.first(), 0).connections()).isZero();
        assertThat(director.totals(director.first(), 1).connections()).isZero();
    }

    @Test
    void theRepliesShouldComeFromTheAddressThatTheClientAsked() {
        marked(false, "198.18.20.11:0");
        marks(rule(MARK, null, "192.0.2.10", "192.0.2.11", 0, 65535, ""));
        syn(0, false, "192.0.2.11", 4711, 443);
        director.send(
                1,
                Way.NAT4
                        .arriving(1, "198.18.20.11", Way.NAT4.client())
                        .tcp(443, 4711)
                        .flags("S.")
                        .ack(1)
                        .build());
        Packets.assertSame(
                director.expect(0),
                Way.NAT4
                        .leaving(0, "192.0.2.11", Way.NAT4.client())
                        .ttl(63)
                        .tcp(443, 4711)
                        .flags("S.")
                        .ack(1)
                        .build());
    }

    @Test
    void theFirstRuleThatMatchesShouldCountAndThePortOfArrivalIsPartOfIt() {
        marked(false, "198.18.20.11:8080");
        director.service(Protocol.TCP, "192.0.2.10", 80, ForwardingMethod.NAT, "198.18.20.12:8081");
        marks(
                rule(77, Protocol.TCP, "192.0.2.10", "192.0.2.10", 80, 80, "lan0"),
                rule(MARK, Protocol.TCP, "192.0.2.0", "192.0.2.255", 0, 65535, ""));
        // By mark, before the service at the address.
        assertThat(syn(0, false, "192.0.2.10", 1, 80)).isEqualTo("198.18.20.11:8080");
        // A mark that no service has: the service at the address.
        assertThat(syn(1, false, "192.0.2.10", 2, 80)).isEqualTo("198.18.20.12:8081");
    }

    @Test
    void familiesShouldHaveServicesOfTheirOwn() {
        marked(true, SERVERS6);
        marked(false, SERVERS4);
        marks(
                rule(MARK, null, "192.0.2.1", "192.0.2.1", 0, 65535, ""),
                rule(MARK, Protocol.TCP, "2001:db8:ff::", "2001:db8:ff:0:ffff:ffff:ffff:ffff", 1, 1023, ""));
        assertThat(syn(0, true, "2001:db8:ff::1:2:3", 1, 1023)).isEqualTo("2001:db8:b::12:1023");
        assertThat(syn(0, true, "2001:db8:ff:0:ffff:ffff:ffff:ffff", 1, 1)).isEqualTo("2001:db8:b::11:1");
        assertThat(syn(0, false, "192.0.2.1", 1, 80)).isEqualTo("198.18.20.12:80");
    }

    @Test
    void smallRangesShouldBeVirtualAddressesOnceTheirMarkIsBalanced() {
        MarkTable table = new MarkTable(List.of(
                rule(1, null, "192.0.2.254", "192.0.3.1", 0, 65535, ""),
                rule(2, null, "192.0.2.7", "192.0.2.7", 0, 65535, ""),
                rule(1, null, "10.0.0.0", "10.0.1.0", 0, 65535, ""),
                rule(1, null, "2001:db8::ffff", "2001:db8::1:0", 0, 65535, "")));
        assertThat(table.virtualAddresses(Set.of(1), Set.of()).stream().map(Addresses::format))
                .containsExactly("192.0.2.254", "192.0.2.255", "192.0.3.0", "192.0.3.1");
        assertThat(table.virtualAddresses(Set.of(), Set.of(1)).stream().map(Addresses::format))
                .containsExactly("2001:db8::ffff", "2001:db8::1:0");
    }

    @Test
    void randomRulesShouldAgreeWithAPlainReading() {
        for (int round = 0; round < 200; round++) {
            List<MarkRule> rules = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                int from = random.nextInt(6);
                int low = random.nextInt(6);
                rules.add(rule(
                        i + 1,
                        random.nextBoolean() ? null : Protocol.values()[random.nextInt(3)],
                        "200.0.0." + from,
                        "200.0.0." + (from + random.nextInt(3)),
                        low,
                        low + random.nextInt(3),
                        random.nextBoolean() ? "" : "lan0"));
            }
            MarkTable table = new MarkTable(rules);
            for (int i = 0; i < 100; i++) {
                Protocol protocol = Protocol.values()[random.nextInt(3)];
                InetAddress address = TestDirector.ip("200.0.0." + random.nextInt(9));
                int port = random.nextInt(9);
                String iface = random.nextBoolean() ? "lan0" : "wan0";
                int mark = table.find4(protocol.number(), Wire.int4(address.getAddress()), Wire.port(port), iface);
                assertThat(mark)
                        .as("-Dseed=%d, %s %s:%d %s in %s", SEED, protocol, address, port, iface, rules)
                        .isEqualTo(plain(rules, protocol, address, port, iface));
            }
        }
    }

    private static int plain(List<MarkRule> rules, Protocol protocol, InetAddress to, int port, String iface) {
        int last = to.getAddress()[3];
        for (MarkRule rule : rules) {
            boolean matches = rule.protocol().orElse(protocol) == protocol
                    && rule.first().getAddress()[3] <= last
                    && last <= rule.last().getAddress()[3]
                    && rule.firstPort() <= port
                    && port <= rule.lastPort()
                    && (rule.port().isEmpty() || rule.port().equals(iface));
            if (matches) {
                return rule.mark();
            }
        }
        return 0;
    }
}
