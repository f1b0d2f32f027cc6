package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import lvsd.dataplane.service.MarkTable;
import lvsd.dataplane.service.Service;
import lvsd.rules.Addresses;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.MarkRule;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * {@code cache_bypass}: what a service of a firewall mark has no server for goes to where it is addressed to. As Linux 6.1 does,
 * which was asked.
 */
class BypassTest extends PipelineTest {
    private static String origin(Way way) {
        return way.ipv6 ? "2001:db8:b::77" : "198.18.20.77";
    }

    /** A service of what goes to the networks that origins and servers are in, which are no VIPs; its server is taken away. */
    private Service marked(Way way, boolean onePacket, OptionalInt persistence) {
        ServiceId id = new ServiceId.Fwmark(7, way.ipv6);
        ServiceSpec spec =
                new ServiceSpec(id, "rr", Set.of(), persistence, -1, "", onePacket, false, OptionalInt.empty());
        Service service = director.service(spec, ForwardingMethod.NAT, way.server() + ":0");
        director.marks = new MarkTable(List.of(new MarkRule(
                7,
                Optional.empty(),
                TestDirector.ip(way.ipv6 ? "2001:db8:b::" : "198.18.16.0"),
                TestDirector.ip(way.ipv6 ? "2001:db8:b::ffff" : "198.18.31.255"),
                0,
                65535,
                "")));
        director.withoutDestinations(service);
        return service;
    }

    private Service marked(Way way) {
        return marked(way, false, OptionalInt.empty());
    }

    private static PacketBuilder datagram(PacketBuilder ip) {
        return ip.udp(1234, 99).payload(10);
    }

    private void goesOn(Way way) {
        director.send(0, datagram(way.arriving(0, way.client(), origin(way))).build());
        Packets.assertSame(
                director.expect(1),
                datagram(way.leaving(1, way.client(), origin(way)).ttl(63)).build());
        director.expectNothing(0);
    }

    private void isRefused(Way way, String to) {
        director.send(0, datagram(way.arriving(0, way.client(), to)).build());
        director.expectNothing(1);
        assertThat(director.any(0)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"NAT4", "NAT6"})
    void shouldSendOnWhatNoServerTakesAndKeepItSo(Way way) {
        Service service = marked(way);
        isRefused(way, origin(way));
        director.setting("cache_bypass", "1");
        goesOn(way);
        assertThat(director.connections()).singleElement().satisfies(row -> {
            assertThat(row.state()).isEqualTo("UDP");
            assertThat(Addresses.format(row.server())).isEqualTo(way.ipv6 ? "::" : "0.0.0.0");
            assertThat(row.serverPort()).isZero();
            assertThat(row.virtualPort()).isEqualTo(99);
        });
        director.withDestinations(service);
        goesOn(way);
        director.setting("cache_bypass", "0");
        goesOn(way);
        director.standby(true);
        director.send(0, datagram(way.arriving(0, way.client(), origin(way))).build());
        director.expectNothing(1);
        director.standby(false);
        director.advance(301_000);
        assertThat(director.connections()).isEmpty();
        assertThat(director.totals(service, 0).connections()).isZero();
    }

    @Test
    void shouldFollowATcpConnection() {
        Way way = Way.NAT4;
        marked(way);
        director.setting("cache_bypass", "1");
        for (String flags : List.of("S", ".", "P.")) {
            director.send(
                    0,
                    way.arriving(0, way.client(), origin(way))
                            .tcp(1234, 80)
                            .flags(flags)
                            .build());
            director.expect(1);
        }
        assertThat(director.connections())
                .singleElement()
                .satisfies(row -> assertThat(row.state()).isEqualTo("ESTABLISHED"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"NAT4", "NAT6"})
    void shouldRememberNothingOfOnePacketServices(Way way) {
        marked(way, true, OptionalInt.empty());
        director.setting("cache_bypass", "1");
        goesOn(way);
        assertThat(director.connections()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"NAT4", "NAT6"})
    void shouldMakeNoTemplate(Way way) {
        marked(way, false, OptionalInt.of(100));
        director.setting("cache_bypass", "1");
        goesOn(way);
        assertThat(director.connections())
                .singleElement()
                .satisfies(row -> assertThat(row.clientPort()).isEqualTo(1234));
    }

    /** The director's own addresses are no way out; nor is there one where no mark is. */
    @ParameterizedTest
    @ValueSource(strings = {"NAT4", "NAT6"})
    void shouldRefuseWhatIsAddressedHere(Way way) {
        marked(way);
        director.setting("cache_bypass", "1");
        isRefused(way, way.director(1));
        director.withoutDestinations(Flow.service(director, way, false));
        director.send(0, new Flow(director, way, false, 1234).fromClient().build());
        director.expectNothing(1);
        director.expect(0);
        assertThat(director.connections()).isEmpty();
    }

    @Test
    void shouldSayThatThereIsNoWay() {
        marked(Way.NAT4);
        director.marks = new MarkTable(List.of(new MarkRule(
                7, Optional.empty(), TestDirector.ip("203.0.112.0"), TestDirector.ip("203.0.113.255"), 0, 65535, "")));
        director.setting("cache_bypass", "1");
        director.send(
                0,
                datagram(Way.NAT4.arriving(0, Way.NAT4.client(), "203.0.113.9")).build());
        director.expectNothing(1);
        assertThat(director.drops(DropReason.NO_ROUTE)).isEqualTo(1);
    }
}
