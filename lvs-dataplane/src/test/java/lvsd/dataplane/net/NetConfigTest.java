package lvsd.dataplane.net;

import static lvsd.dataplane.net.NetHarness.address;
import static lvsd.dataplane.net.NetHarness.prefix;
import static lvsd.wire.PacketBuilder.ip4;
import static lvsd.wire.PacketBuilder.ip6High;
import static lvsd.wire.PacketBuilder.ip6Low;
import static lvsd.wire.PacketBuilder.mac;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import lvsd.config.ConfigException;
import lvsd.config.ConfigLoader;
import lvsd.config.DaemonConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NetConfigTest {
    private final NetConfig config = NetHarness.config().build();

    @ParameterizedTest
    @CsvSource({
        "198.18.10.1, 1",
        "10.5.0.1, 1",
        "192.0.2.10, 2",
        "198.18.10.100, 2",
        "198.18.20.50, 3",
        "198.18.10.255, 4",
        "198.18.10.0, 4",
        "10.5.255.255, 4",
        "255.255.255.255, 4",
        "224.0.0.1, 5",
        "239.255.255.255, 5",
        "198.18.10.2, 0",
        "8.8.8.8, 0",
        "240.0.0.1, 0"
    })
    void shouldKnowTheKindOfAnIpv4Address(String text, int kind) {
        assertThat(config.localKind4(ip4(text))).isEqualTo(kind);
    }

    @ParameterizedTest
    @CsvSource({
        "2001:db8:a::1, 1",
        "fe80::ff:fe00:2, 1",
        "fe80::ff:fe00:3, 1",
        "fe80::1, 0",
        "2001:db8:ff::10, 2",
        "ff02::1, 5",
        "2001:db8:a::2, 0"
    })
    void shouldKnowTheKindOfAnIpv6Address(String text, int kind) {
        assertThat(config.localKind6(ip6High(text), ip6Low(text))).isEqualTo(kind);
    }

    @ParameterizedTest
    @CsvSource({
        "0, -1, 0",
        "1, -1, 1",
        "1, 5, 2",
        "1, 0x6005, 2",
        "1, 0, 1",
        "1, 0x2000, 1",
        "1, 6, -1",
        "0, 5, -1",
        "7, -1, -1"
    })
    void shouldFindTheInterfaceOfAPacket(int port, String tci, int iface) {
        assertThat(config.ifaceOf(port, Integer.decode(tci))).isEqualTo(iface);
    }

    @Test
    void shouldPreferAnOwnAddressToAVipAndAVipToALocalAddress() {
        NetHarness.Config made = NetHarness.config();
        made.vips = List.of("198.18.10.1", "198.18.20.50");
        NetConfig built = made.build();
        assertThat(built.localKind4(ip4("198.18.10.1"))).isEqualTo(NetConfig.OWN);
        assertThat(built.localKind4(ip4("198.18.20.50"))).isEqualTo(NetConfig.VIP);
    }

    @Test
    void shouldSpeakFromTheAddressOfThePeersNetwork() {
        assertThat(config.source4(0, ip4("198.18.10.9"))).isEqualTo(ip4("198.18.10.1"));
        assertThat(config.source4(2, ip4("8.8.8.8"))).isEqualTo(ip4("10.5.0.1"));
    }

    @Test
    void shouldMakeLinkLocalAddressesFromTheMac() {
        long identifier = LinkLocal.interfaceIdentifier(mac("00:1b:21:3c:4d:5e"));
        assertThat(LinkLocal.PREFIX).isEqualTo(ip6High("fe80::"));
        assertThat(identifier).isEqualTo(ip6Low("fe80::21b:21ff:fe3c:4d5e"));
        assertThat(LinkLocal.is(ip6High("fe80::1"))).isTrue();
        assertThat(LinkLocal.is(ip6High("febf::1"))).isTrue();
        assertThat(LinkLocal.is(ip6High("fec0::1"))).isFalse();
    }

    @Test
    void shouldNameTheRouteWhoseNextHopIsNowhere() {
        NetHarness.Config made = NetHarness.config();
        made.routes.add(NetHarness.route("10.0.0.0", 8, "172.16.0.1"));
        assertThatThrownBy(made::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("route 10.0.0.0/8 via 172.16.0.1")
                .hasMessageContaining("add an address to a port or name the port");
    }

    @Test
    void shouldNameTheInterfaceThatDoesNotExist() {
        NetHarness.Config made = NetHarness.config();
        made.routes.add(new DaemonConfig.Route(prefix("10.0.0.0", 8), Optional.empty(), Optional.of("eth7")));
        assertThatThrownBy(made::build).hasMessageContaining("10.0.0.0/8").hasMessageContaining("eth7");
    }

    @Test
    void shouldTakeARouteThatIsOnLinkOfANamedInterface() {
        NetHarness.Config made = NetHarness.config();
        made.routes.add(new DaemonConfig.Route(prefix("172.16.0.0", 12), Optional.empty(), Optional.of("rs.5")));
        NetConfig built = made.build();
        RouteTable.Route route = built.routes4().route(built.route4(ip4("172.16.9.9")));
        assertThat(route.iface()).isEqualTo(2);
        assertThat(route.gateway()).isFalse();
    }

    @Test
    void shouldReadPortsVlansAndSettingsOfTheDaemonFile() throws ConfigException {
        DaemonConfig daemon = ConfigLoader.parse("lvsd.yaml", """
                ports:
                  - name: eth0
                    device: net_null0
                    mtu: 1800
                    addresses: [192.0.2.1/24]
                    vlans:
                      - id: 7
                        mtu: 1500
                        addresses: [10.7.0.1/24]
                routes:
                  - to: 0.0.0.0/0
                    via: 10.7.0.254
                  - to: ::/0
                    via: fe80::1
                    port: eth0.7
                punt:
                  forward: false
                settings:
                  vip_arp_always: 1
                  neighbour_queue: 7
                """);
        long mac = mac("02:00:00:00:00:09");
        NetConfig built = NetConfig.of(daemon, new long[] {mac}, List.of(address("203.0.113.1")), List.of(), false);
        assertThat(built.interfaces()).isEqualTo(2);
        assertThat(built.iface(0).mtu()).isEqualTo(1800);
        assertThat(built.iface(1).vlanId()).isEqualTo(7);
        assertThat(built.iface(1).name()).isEqualTo("eth0.7");
        assertThat(built.mac(1)).isEqualTo(mac);
        assertThat(built.forward).isFalse();
        assertThat(built.settings.queue()).isEqualTo(7);
        assertThat(built.answers4(1, ip4("203.0.113.1"))).isTrue();
        assertThat(built.routes4().route(built.route4(ip4("8.8.8.8"))).iface()).isEqualTo(1);
        RouteTable.Route six = built.routes6().route(built.route6(ip6High("2001:db8::1"), ip6Low("2001:db8::1")));
        assertThat(six.iface()).isEqualTo(1);
        assertThat(six.gatewayHigh()).isEqualTo(LinkLocal.PREFIX);
    }
}
