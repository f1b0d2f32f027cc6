package lvsd.dataplane.net;

import static lvsd.dataplane.net.NetHarness.CLIENT6;
import static lvsd.dataplane.net.NetHarness.CLIENT_PORT_MAC;
import static lvsd.dataplane.net.NetHarness.CONNECTED_VIP6;
import static lvsd.dataplane.net.NetHarness.OWN6;
import static lvsd.dataplane.net.NetHarness.PEER;
import static lvsd.dataplane.net.NetHarness.RS6;
import static lvsd.dataplane.net.NetHarness.RS_PORT_MAC;
import static lvsd.dataplane.net.NetHarness.SERVER;
import static lvsd.dataplane.net.NetHarness.VIP6;
import static lvsd.wire.PacketBuilder.eth;
import static org.assertj.core.api.Assertions.assertThat;

import lvsd.dataplane.DropReason;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** IPv6 neighbour discovery as ladders. */
class NdTest {
    private static final int SOLICITED_OVERRIDE_ROUTER = 0xe000_0000;
    private static final int OVERRIDE_ROUTER = 0xa000_0000;
    private static final int SOLICITED_OVERRIDE = 0x6000_0000;
    private static final String BAD = "drop bad-neighbour-message";
    private static final String CLIENT_PORT_LINK_LOCAL = "fe80::ff:fe00:2";
    private static final String RS_PORT_LINK_LOCAL = "fe80::ff:fe00:3";
    private static final String ALL_NODES_MAC = "33:33:00:00:00:01";

    private final NetHarness bench = new NetHarness();

    @AfterEach
    void nothingLeaks() {
        assertThat(bench.leaked()).as("packets lost").isZero();
        bench.close();
    }

    private void expect(int port, PacketBuilder frame) {
        byte[] sent = bench.next(port);
        Packets.assertSame(sent, frame.build());
        Packets.assertChecksums(sent);
    }

    private void expectNothing() {
        for (int port = 0; port < 2; port++) {
            byte[] sent = bench.sent(port);
            assertThat(sent == null ? "nothing" : Packets.print(sent)).isEqualTo("nothing");
        }
    }

    /** A solicitation to the group of {@code target}, which ends in one byte other than zero. */
    private static PacketBuilder solicitation(String source, String target) {
        int last = Integer.parseInt(target.substring(target.lastIndexOf(':') + 1), 16);
        String group = "ff02::1:ff00:" + Integer.toHexString(last);
        return eth(PEER, "33:33:ff:00:%02x:%02x".formatted(last >> 8, last & 0xff))
                .ipv6(source, group)
                .neighbourSolicitation(target, PEER);
    }

    private static PacketBuilder question(String fromMac, String from, String target) {
        return eth(fromMac, "33:33:ff:00:00:02").ipv6(from, "ff02::1:ff00:2").neighbourSolicitation(target, fromMac);
    }

    private static PacketBuilder packet(String destination) {
        return eth().ipv6(CLIENT6, destination).udp(1000, 53).payload("hello");
    }

    private static PacketBuilder answer(String target) {
        return eth(SERVER, RS_PORT_MAC)
                .ipv6(target, RS_PORT_LINK_LOCAL)
                .neighbourAdvertisement(target, SERVER)
                .rest(SOLICITED_OVERRIDE);
    }

    @Test
    void shouldAnswerForOwnAddressesAndConnectedVips() {
        for (String target : new String[] {OWN6, CONNECTED_VIP6, CLIENT_PORT_LINK_LOCAL}) {
            assertThat(bench.input(0, solicitation(CLIENT6, target))).isEqualTo("kept");
            expect(
                    0,
                    eth(CLIENT_PORT_MAC, PEER)
                            .ipv6(target, CLIENT6)
                            .neighbourAdvertisement(target, CLIENT_PORT_MAC)
                            .rest(SOLICITED_OVERRIDE_ROUTER));
        }
    }

    @Test
    void shouldAnswerAUnicastProbeWithoutLinkLayerOption() {
        bench.input(0, eth().ipv6(CLIENT6, OWN6).neighbourSolicitation(OWN6, null));
        expect(
                0,
                eth(CLIENT_PORT_MAC, PEER)
                        .ipv6(OWN6, CLIENT6)
                        .neighbourAdvertisement(OWN6, CLIENT_PORT_MAC)
                        .rest(SOLICITED_OVERRIDE_ROUTER));
    }

    @Test
    void shouldDefendItsAddressAgainstDuplicateAddressDetection() {
        PacketBuilder probe = eth(PEER, "33:33:ff:00:00:01").ipv6("::", "ff02::1:ff00:1");
        assertThat(bench.input(0, probe.neighbourSolicitation(OWN6, null))).isEqualTo("kept");
        expect(
                0,
                eth(CLIENT_PORT_MAC, ALL_NODES_MAC)
                        .ipv6(OWN6, "ff02::1")
                        .neighbourAdvertisement(OWN6, CLIENT_PORT_MAC)
                        .rest(OVERRIDE_ROUTER));
    }

    @Test
    void shouldNotAnswerForRoutedVipsNorForAddressesOfOtherInterfaces() {
        String ignored = "drop neighbour-ignored";
        assertThat(bench.input(0, solicitation(CLIENT6, VIP6))).isEqualTo(ignored);
        assertThat(bench.input(1, solicitation(RS6, CONNECTED_VIP6))).isEqualTo(ignored);
        assertThat(bench.input(1, solicitation(RS6, CLIENT_PORT_LINK_LOCAL))).isEqualTo(ignored);
        assertThat(bench.input(0, solicitation(CLIENT6, "2001:db8:a::77"))).isEqualTo("punt REST");
        expectNothing();
    }

    @Test
    void shouldRefuseWhatRfc4861Forbids() {
        assertThat(bench.input(0, solicitation(CLIENT6, OWN6).ttl(254))).isEqualTo(BAD);
        assertThat(bench.input(0, solicitation(CLIENT6, OWN6).lieChecksum(0x1234)))
                .isEqualTo(BAD);
        assertThat(bench.input(
                        0, eth().ipv6(CLIENT6, OWN6).icmp(135, 1).ttl(255).payload(16)))
                .isEqualTo(BAD);
        assertThat(bench.input(
                        0, eth().ipv6(CLIENT6, OWN6).icmp(135, 0).ttl(255).payload(15)))
                .isEqualTo(BAD);
        assertThat(bench.input(0, eth().ipv6(CLIENT6, OWN6).neighbourSolicitation("ff02::1", PEER)))
                .isEqualTo(BAD);
        assertThat(bench.input(0, eth().ipv6(CLIENT6, OWN6).neighbourSolicitation(OWN6, "01:00:00:00:00:00")))
                .isEqualTo(BAD);
        assertThat(bench.input(
                        0,
                        eth().ipv6(CLIENT6, OWN6)
                                .neighbourSolicitation(OWN6, PEER)
                                .payload(1)))
                .isEqualTo(BAD);
        assertThat(bench.input(
                        0,
                        eth().ipv6(CLIENT6, OWN6)
                                .neighbourSolicitation(OWN6, PEER)
                                .payload(new byte[8])))
                .isEqualTo(BAD);
        assertThat(bench.input(0, eth(PEER, ALL_NODES_MAC).ipv6("::", "ff02::1").neighbourSolicitation(OWN6, null)))
                .isEqualTo(BAD);
        assertThat(bench.input(
                        0,
                        eth(PEER, "33:33:ff:00:00:01")
                                .ipv6("::", "ff02::1:ff00:1")
                                .neighbourSolicitation(OWN6, PEER)))
                .isEqualTo(BAD);
        assertThat(bench.input(
                        0,
                        eth(PEER, ALL_NODES_MAC)
                                .ipv6(CLIENT6, "ff02::1")
                                .neighbourAdvertisement(CLIENT6, PEER)
                                .rest(SOLICITED_OVERRIDE)))
                .isEqualTo(BAD);
        expectNothing();
    }

    @Test
    void shouldHoldThenSendWhenTheNeighbourAnswers() {
        assertThat(bench.send6(packet(RS6), RS6)).isEqualTo("kept");
        expect(1, question(RS_PORT_MAC, RS_PORT_LINK_LOCAL, RS6));
        assertThat(bench.input(1, answer(RS6))).isEqualTo("punt NEIGHBOUR");
        expect(1, eth(RS_PORT_MAC, SERVER).ipv6(CLIENT6, RS6).udp(1000, 53).payload("hello"));
        assertThat(bench.send6(packet(RS6), RS6)).isEqualTo("transmit port 1");
    }

    @Test
    void shouldAskTheGatewayForWhatIsNotConnected() {
        bench.send6(packet("2001:db8:77::1"), "2001:db8:77::1");
        expect(
                0,
                eth(CLIENT_PORT_MAC, "33:33:ff:00:00:fe")
                        .ipv6(CLIENT_PORT_LINK_LOCAL, "ff02::1:ff00:fe")
                        .neighbourSolicitation("2001:db8:a::fe", CLIENT_PORT_MAC));
        bench.advance(4);
    }

    @Test
    void shouldTellTheSenderWhenTheNeighbourDoesNotAnswer() {
        bench.send6(packet(RS6), RS6);
        bench.advance(3.1);
        assertThat(bench.drops(DropReason.NEIGHBOUR_FAILED)).isEqualTo(1);
        expect(
                0,
                eth(CLIENT_PORT_MAC, PEER)
                        .ipv6(OWN6, CLIENT6)
                        .icmp(1, 3)
                        .quote(packet(RS6).buildIp()));
    }

    @Test
    void shouldKeepTheKnownMacWhenAnAdvertisementDoesNotOverride() {
        resolve();
        String other = "02:00:00:00:00:99";
        bench.input(
                1,
                eth(other, ALL_NODES_MAC)
                        .ipv6(RS6, "ff02::1")
                        .neighbourAdvertisement(RS6, other)
                        .rest(0));
        bench.send6(packet(RS6), RS6);
        expect(1, eth(RS_PORT_MAC, SERVER).ipv6("fe80::ff:fe00:3", RS6).neighbourSolicitation(RS6, RS_PORT_MAC));
        expect(1, eth(RS_PORT_MAC, SERVER).ipv6(CLIENT6, RS6).udp(1000, 53).payload("hello"));
        bench.input(
                1,
                eth(other, ALL_NODES_MAC)
                        .ipv6(RS6, "ff02::1")
                        .neighbourAdvertisement(RS6, other)
                        .rest(0x2000_0000));
        bench.send6(packet(RS6), RS6);
        expect(1, eth(RS_PORT_MAC, other).ipv6("fe80::ff:fe00:3", RS6).neighbourSolicitation(RS6, RS_PORT_MAC));
        expect(1, eth(RS_PORT_MAC, other).ipv6(CLIENT6, RS6).udp(1000, 53).payload("hello"));
    }

    @Test
    void shouldTakeAnAnswerWithoutOptionAsConfirmation() {
        resolve();
        bench.send6(packet(RS6), RS6);
        bench.sent(1);
        while (bench.io.sentCount(1) == 0) {
            bench.advance(0.1);
        }
        expect(1, eth(RS_PORT_MAC, SERVER).ipv6("fe80::ff:fe00:3", RS6).neighbourSolicitation(RS6, RS_PORT_MAC));
        bench.input(
                1,
                eth(SERVER, RS_PORT_MAC)
                        .ipv6(RS6, RS_PORT_LINK_LOCAL)
                        .neighbourAdvertisement(RS6, null)
                        .rest(0x4000_0000));
        bench.advance(10);
        expectNothing();
        assertThat(bench.send6(packet(RS6), RS6)).isEqualTo("transmit port 1");
    }

    @Test
    void shouldLeaveRouterMessagesToTheKernel() {
        assertThat(bench.input(
                        0,
                        eth(PEER, ALL_NODES_MAC)
                                .ipv6("fe80::1", "ff02::1")
                                .icmp(134, 0)
                                .ttl(255)
                                .payload(8)))
                .isEqualTo("punt NEIGHBOUR");
    }

    @Test
    void shouldNotResolveLinkLocalDestinations() {
        assertThat(bench.send6(packet("fe80::9"), "fe80::9")).isEqualTo("drop no-route");
    }

    private void resolve() {
        bench.send6(packet(RS6), RS6);
        bench.input(1, answer(RS6));
        bench.drain();
    }
}
