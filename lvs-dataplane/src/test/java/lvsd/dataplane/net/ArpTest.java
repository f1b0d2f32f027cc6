package lvsd.dataplane.net;

import static lvsd.dataplane.net.NetHarness.BROADCAST;
import static lvsd.dataplane.net.NetHarness.CLIENT;
import static lvsd.dataplane.net.NetHarness.CLIENT_PORT_MAC;
import static lvsd.dataplane.net.NetHarness.CONNECTED_VIP;
import static lvsd.dataplane.net.NetHarness.LIP;
import static lvsd.dataplane.net.NetHarness.OWN;
import static lvsd.dataplane.net.NetHarness.PEER;
import static lvsd.dataplane.net.NetHarness.RS;
import static lvsd.dataplane.net.NetHarness.RS_PORT_MAC;
import static lvsd.dataplane.net.NetHarness.SERVER;
import static lvsd.dataplane.net.NetHarness.VIP;
import static lvsd.dataplane.net.NetHarness.config;
import static lvsd.wire.PacketBuilder.eth;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import lvsd.dataplane.DropReason;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** ARP as ladders: what goes in, what comes out, and when. */
class ArpTest {
    private NetHarness bench = new NetHarness();

    @AfterEach
    void nothingLeaks() {
        assertThat(bench.leaked()).as("packets lost").isZero();
        bench.close();
    }

    private void with(NetHarness.Config config) {
        bench.close();
        bench = new NetHarness(config.build());
    }

    private void expect(int port, PacketBuilder frame) {
        byte[] sent = bench.next(port);
        Packets.assertSame(sent, frame.build());
    }

    private void expectNothing() {
        for (int port = 0; port < 2; port++) {
            byte[] sent = bench.sent(port);
            assertThat(sent == null ? "nothing" : Packets.print(sent)).isEqualTo("nothing");
        }
    }

    private static PacketBuilder question(String own, String ownMac, String target) {
        return eth(ownMac, BROADCAST).arp(1, ownMac, own, "00:00:00:00:00:00", target);
    }

    private static PacketBuilder packet(String destination) {
        return eth().ipv4(CLIENT, destination).udp(1000, 53).payload("hello");
    }

    private static PacketBuilder packetOnWire(String fromMac, String toMac, String destination) {
        return eth(fromMac, toMac).ipv4(CLIENT, destination).udp(1000, 53).payload("hello");
    }

    @Test
    void shouldAnswerForOwnAddress() {
        assertThat(bench.input(0, eth(PEER, BROADCAST).arpRequest(CLIENT, OWN))).isEqualTo("transmit port 0");
        expect(0, eth(CLIENT_PORT_MAC, PEER).arpReply(OWN, CLIENT));
    }

    @Test
    void shouldAnswerForVipAndLocalAddressOfTheConnectedNetwork() {
        bench.input(0, eth(PEER, BROADCAST).arpRequest(CLIENT, CONNECTED_VIP));
        expect(0, eth(CLIENT_PORT_MAC, PEER).arpReply(CONNECTED_VIP, CLIENT));
        bench.input(1, eth(SERVER, BROADCAST).arpRequest(RS, LIP));
        expect(1, eth(RS_PORT_MAC, SERVER).arpReply(LIP, RS));
    }

    @Test
    void shouldAnswerWithTheTagTheQuestionHad() {
        bench.input(1, eth(SERVER, BROADCAST).vlan(5, 3).arpRequest("10.5.0.7", "10.5.0.1"));
        expect(1, eth(RS_PORT_MAC, SERVER).vlan(5, 3).arpReply("10.5.0.1", "10.5.0.7"));
    }

    @Test
    void shouldNotAnswerForRoutedVip() {
        assertThat(bench.input(0, eth(PEER, BROADCAST).arpRequest(CLIENT, VIP))).isEqualTo("drop neighbour-ignored");
        expectNothing();
    }

    @Test
    void shouldAnswerForRoutedVipWhenSet() {
        NetHarness.Config config = config();
        NetSettings d = NetSettings.DEFAULT;
        config.settings = new NetSettings(
                d.icmpRate(), d.icmpBurst(), true, true, true, 3, 1000, 0, d.queue(), 3, 30, 600, 32768, 60999);
        with(config);
        bench.input(0, eth(PEER, BROADCAST).arpRequest(CLIENT, VIP));
        expect(0, eth(CLIENT_PORT_MAC, PEER).arpReply(VIP, CLIENT));
    }

    @Test
    void shouldNotAnswerForAnAddressOfAnotherInterface() {
        assertThat(bench.input(1, eth(SERVER, BROADCAST).arpRequest(RS, OWN))).isEqualTo("drop neighbour-ignored");
        assertThat(bench.input(1, eth(SERVER, BROADCAST).arpRequest(RS, CONNECTED_VIP)))
                .isEqualTo("drop neighbour-ignored");
        expectNothing();
    }

    @Test
    void shouldLeaveQuestionsAboutOthersToTheKernelsRestClass() {
        assertThat(bench.input(0, eth(PEER, BROADCAST).arpRequest(CLIENT, "198.18.10.77")))
                .isEqualTo("punt REST");
    }

    @Test
    void shouldCopyAnswersToTheKernel() {
        assertThat(bench.input(0, eth(PEER, CLIENT_PORT_MAC).arpReply(CLIENT, OWN)))
                .isEqualTo("punt NEIGHBOUR");
    }

    @Test
    void shouldRefuseMalformedMessages() {
        String bad = "drop bad-neighbour-message";
        assertThat(bench.input(0, eth().etherType(0x0806).payload(27))).isEqualTo(bad);
        assertThat(bench.input(0, eth().arp(3, PEER, CLIENT, PEER, OWN))).isEqualTo(bad);
        assertThat(bench.input(0, eth().arp(1, BROADCAST, CLIENT, PEER, OWN))).isEqualTo(bad);
        assertThat(bench.input(0, eth().arp(1, "00:00:00:00:00:00", CLIENT, PEER, OWN)))
                .isEqualTo(bad);
        assertThat(bench.input(0, eth().arp(1, PEER, "127.0.0.1", PEER, OWN))).isEqualTo(bad);
        assertThat(bench.input(0, eth().arp(1, PEER, "224.0.0.1", PEER, OWN))).isEqualTo(bad);
        assertThat(bench.input(0, eth().arp(1, PEER, "255.255.255.255", PEER, OWN)))
                .isEqualTo(bad);
        assertThat(bench.input(0, eth().arp(1, PEER, CLIENT, PEER, "224.0.0.1")))
                .isEqualTo(bad);
        expectNothing();
    }

    @Test
    void shouldIgnoreWhoeverClaimsOurAddress() {
        assertThat(bench.input(0, eth(PEER, BROADCAST).arpRequest(OWN, OWN))).isEqualTo("drop neighbour-ignored");
        assertThat(bench.input(0, eth().arpReply(CONNECTED_VIP, OWN))).isEqualTo("drop neighbour-ignored");
        expectNothing();
    }

    @Test
    void shouldHoldThenSendInOrderWhenTheNeighbourAnswers() {
        assertThat(bench.send(packet(RS), RS)).isEqualTo("kept");
        assertThat(bench.send(packet(RS).id(2), RS)).isEqualTo("kept");
        expect(1, question("198.18.20.1", RS_PORT_MAC, RS));
        expectNothing();
        bench.input(1, eth(SERVER, RS_PORT_MAC).arpReply(RS, "198.18.20.1"));
        expect(1, packetOnWire(RS_PORT_MAC, SERVER, RS));
        expect(1, packetOnWire(RS_PORT_MAC, SERVER, RS).id(2));
        assertThat(bench.send(packet(RS).id(3), RS)).isEqualTo("transmit port 1");
        expect(1, packetOnWire(RS_PORT_MAC, SERVER, RS).id(3));
        expectNothing();
    }

    @Test
    void shouldTagWhatLeavesByAVlanAndUntagWhatCameByOne() {
        bench.send(packet("203.0.113.7"), "203.0.113.7");
        expect(1, question("10.5.0.1", RS_PORT_MAC, "10.5.0.9").vlan(5));
        bench.input(1, eth(SERVER, RS_PORT_MAC).vlan(5).arpReply("10.5.0.9", "10.5.0.1"));
        expect(1, packetOnWire(RS_PORT_MAC, SERVER, "203.0.113.7").vlan(5));

        bench.send(packet(RS), RS);
        bench.input(1, eth(SERVER, RS_PORT_MAC).arpReply(RS, "198.18.20.1"));
        expect(1, question("198.18.20.1", RS_PORT_MAC, RS));
        expect(1, packetOnWire(RS_PORT_MAC, SERVER, RS));
        bench.send(packet(RS).vlan(5), RS);
        expect(1, packetOnWire(RS_PORT_MAC, SERVER, RS));
        expectNothing();
    }

    @Test
    void shouldAskThreeTimesASecondApartThenGiveUpAndTellTheSender() {
        bench.send(packet(RS), RS);
        bench.send(packet(RS).id(2), RS);
        for (int i = 0; i < 3; i++) {
            expect(1, question("198.18.20.1", RS_PORT_MAC, RS));
            bench.advance(0.8);
            expectNothing();
            bench.advance(0.2);
        }
        assertThat(bench.drops(DropReason.NEIGHBOUR_FAILED)).isEqualTo(2);
        for (int id : new int[] {0, 2}) {
            byte[] error = bench.next(0);
            Packets.assertChecksums(error);
            Packets.assertSame(
                    error,
                    eth(CLIENT_PORT_MAC, PEER)
                            .ipv4(OWN, CLIENT)
                            .tos(0xc0)
                            .icmp(3, 1)
                            .quote(packet(RS).id(id).buildIp())
                            .build(),
                    "ip.id",
                    "ip.checksum");
        }
        expectNothing();
    }

    @Test
    void shouldAskAgainForTheNextPacketAfterAFailure() {
        bench.send(packet(RS), RS);
        bench.advance(4);
        bench.drain();
        assertThat(bench.send(packet(RS), RS)).isEqualTo("kept");
        expect(1, question("198.18.20.1", RS_PORT_MAC, RS));
    }

    @Test
    void shouldDropTheOldestWhenTheQueueIsFull() {
        for (int id = 0; id < 65; id++) {
            assertThat(bench.send(packet(RS).id(id), RS)).isEqualTo("kept");
        }
        assertThat(bench.drops(DropReason.NEIGHBOUR_QUEUE_FULL)).isEqualTo(1);
        bench.sent(1);
        bench.input(1, eth(SERVER, RS_PORT_MAC).arpReply(RS, "198.18.20.1"));
        expect(1, packetOnWire(RS_PORT_MAC, SERVER, RS).id(1));
        bench.drain();
    }

    @Test
    void shouldBoundWhatIsHeldForAllNeighboursTogether() {
        int kept = 0;
        for (int i = 0; i < 20 * 64; i++) {
            if (bench.send(packet(RS), "198.18.20." + (100 + i % 20)).equals("kept")) {
                kept++;
            }
        }
        assertThat(kept).isEqualTo(Neighbours.HELD);
        assertThat(bench.drops(DropReason.NEIGHBOUR_QUEUE_FULL)).isEqualTo(20 * 64 - Neighbours.HELD);
        bench.advance(4);
        bench.drain();
    }

    @Test
    void shouldConfirmAUsedNeighbourByUnicastAndKeepSendingMeanwhile() {
        resolve();
        int questions = 0;
        for (int i = 0; i < 80; i++) {
            questions += live(1);
            assertThat(bench.send(packet(RS), RS)).isEqualTo("transmit port 1");
        }
        assertThat(questions).isBetween(2, 4);
    }

    @Test
    void shouldNoticeALostNeighbourInUse() {
        resolve();
        bench.send(packet(RS), RS);
        bench.advance(50);
        assertThat(bench.send(packet(RS), RS)).isEqualTo("kept");
        long[] event = new long[Punter.EVENT];
        assertThat(bench.punter.events().drain(event, Punter.EVENT)).isEqualTo(Punter.EVENT);
        assertThat(event[0]).isEqualTo(1);
        bench.drain();
    }

    @Test
    void shouldLetAnUnusedNeighbourGoStaleAndUseItAtOnceWhenNeeded() {
        resolve();
        assertThat(live(100)).isEqualTo(1);
        expectNothing();
        int nextHop = bench.net.nextHop4(PacketBuilder.ip4(RS));
        assertThat(bench.net.valid(nextHop)).isFalse();
        assertThat(bench.send(packet(RS), RS)).isEqualTo("transmit port 1");
        assertThat(bench.net.valid(nextHop)).isTrue();
        expect(1, eth(RS_PORT_MAC, SERVER).arp(1, RS_PORT_MAC, "198.18.20.1", "00:00:00:00:00:00", RS));
        expect(1, packetOnWire(RS_PORT_MAC, SERVER, RS));
    }

    @Test
    void shouldForgetAnUnusedNeighbourAfterTheExpiry() {
        resolve();
        int nextHop = bench.net.nextHop4(PacketBuilder.ip4(RS));
        live(800);
        assertThat(bench.net.valid(nextHop)).isFalse();
        assertThat(bench.net.nextHop4(PacketBuilder.ip4(RS))).isNotEqualTo(nextHop);
        expect(1, question("198.18.20.1", RS_PORT_MAC, RS));
    }

    @Test
    void shouldLearnFromGratuitousArpOnlyWhatItKnows() {
        bench.input(1, eth(SERVER, BROADCAST).arpRequest("198.18.20.9", "198.18.20.9"));
        assertThat(bench.send(packet("198.18.20.9"), "198.18.20.9")).isEqualTo("kept");
        bench.sent(1);
        resolve();
        String moved = "02:00:00:00:00:99";
        bench.input(1, eth(moved, BROADCAST).arpRequest(RS, RS));
        bench.drain();
        assertThat(bench.send(packet(RS), RS)).isEqualTo("transmit port 1");
        expect(1, packetOnWire(RS_PORT_MAC, moved, RS));
    }

    @Test
    void shouldReuseLinesOfFailedNeighboursWhenTheTableIsFull() {
        resolve();
        for (int i = 1; i < 64; i++) {
            assertThat(bench.net.nextHop4(PacketBuilder.ip4("10.5.1." + i))).isNotNegative();
        }
        assertThat(bench.net.nextHop4(PacketBuilder.ip4("10.5.1.100"))).isEqualTo(Net.TABLE_FULL);
        assertThat(bench.send(packet("10.5.1.100"), "10.5.1.100")).isEqualTo("drop neighbour-table-full");
        int kept = bench.net.nextHop4(PacketBuilder.ip4("10.5.1.3"));
        bench.advance(4);
        for (int i = 100; i < 150; i++) {
            assertThat(bench.net.nextHop4(PacketBuilder.ip4("10.5.1." + i))).isNotNegative();
        }
        assertThat(bench.net.valid(bench.net.nextHop4(PacketBuilder.ip4(RS)))).isTrue();
        assertThat(bench.net.valid(kept)).isFalse();
        bench.drain();
    }

    @Test
    void shouldRefuseNextHopsThatWereNeverGiven() {
        for (int id : new int[] {-1, -2, 0, 1, 7, 0x7fff_ffff, 1 << 16, 0xffff}) {
            assertThat(bench.net.valid(id)).as("id " + id).isFalse();
        }
    }

    @Test
    void shouldAnnounceThreeTimesAtStartAndOnNewVips() {
        NetHarness.Config config = config();
        config.vips = List.of(VIP, "198.18.10.101");
        bench.net.config(config.build());
        for (int i = 0; i < 3; i++) {
            bench.advance(1);
            expect(
                    0,
                    eth(CLIENT_PORT_MAC, BROADCAST)
                            .arp(1, CLIENT_PORT_MAC, "198.18.10.101", "00:00:00:00:00:00", "198.18.10.101"));
        }
        bench.advance(5);
        expectNothing();
    }

    @Test
    void shouldAnnounceAPortsAddressesWhenItsLinkComesUp() {
        bench.net.linkUp(1);
        bench.advance(0.1);
        List<String> lines = new ArrayList<>();
        for (byte[] frame = bench.sent(1); frame != null; frame = bench.sent(1)) {
            lines.add(Packets.fields(frame).getOrDefault("arp.senderIp", "ND"));
        }
        assertThat(lines).containsExactlyInAnyOrder(LIP, "198.18.20.1", "10.5.0.1", "ND");
        bench.advance(5);
        bench.drain();
    }

    @Test
    void shouldAnnounceAnAddressNoMoreOnceItIsRemoved() {
        NetHarness.Config config = config();
        config.vips = List.of("198.18.10.101");
        bench.net.config(config.build());
        bench.advance(0.5);
        assertThat(bench.io.sentCount(0)).isEqualTo(1);
        config.vips = List.of();
        bench.net.config(config.build());
        bench.advance(5);
        assertThat(bench.io.sentCount(0)).isEqualTo(1);
        bench.drain();
    }

    @Test
    void shouldKeepNextHopsValidWhenOnlyServicesChange() {
        resolve();
        int nextHop = bench.net.nextHop4(PacketBuilder.ip4(RS));
        NetHarness.Config config = config();
        config.vips = List.of("203.0.113.200");
        bench.net.config(config.build());
        assertThat(bench.net.valid(nextHop)).isTrue();
    }

    @Test
    void shouldForgetTheNeighboursOfAnInterfaceThatIsGone() {
        bench.send(packet("203.0.113.7"), "203.0.113.7");
        bench.drain();
        Interface only = bench.net.config().iface(0);
        bench.net.config(
                NetConfig.of(List.of(only), List.of(), List.of(), List.of(), NetSettings.DEFAULT, true, false));
        assertThat(bench.net.nextHop4(PacketBuilder.ip4("10.5.0.9"))).isEqualTo(Net.NO_ROUTE);
        bench.advance(4);
        expectNothing();
    }

    @Test
    void shouldKeepNeighboursThroughAReconfigurationAndInvalidateKeptNextHops() {
        resolve();
        int nextHop = bench.net.nextHop4(PacketBuilder.ip4(RS));
        assertThat(bench.net.valid(nextHop)).isTrue();
        NetHarness.Config config = config();
        config.routes.add(NetHarness.route("10.9.0.0", 16, RS));
        bench.net.config(config.build());
        assertThat(bench.net.valid(nextHop)).isFalse();
        assertThat(bench.net.valid(bench.net.nextHop4(PacketBuilder.ip4(RS)))).isTrue();
        assertThat(bench.send(packet("10.9.1.1"), "10.9.1.1")).isEqualTo("transmit port 1");
        expect(1, packetOnWire(RS_PORT_MAC, SERVER, "10.9.1.1"));
    }

    private void resolve() {
        bench.send(packet(RS), RS);
        bench.input(1, eth(SERVER, RS_PORT_MAC).arpReply(RS, "198.18.20.1"));
        bench.drain();
    }

    /** Lets time pass while the server answers unicast questions; returns how many there were. */
    private int live(int seconds) {
        int questions = 0;
        for (int i = 0; i < seconds * 10; i++) {
            bench.advance(0.1);
            for (byte[] frame = bench.sent(1); frame != null; frame = bench.sent(1)) {
                if (Packets.fields(frame).containsKey("arp.operation")) {
                    questions++;
                    Packets.assertSame(
                            frame,
                            eth(RS_PORT_MAC, SERVER)
                                    .arp(1, RS_PORT_MAC, "198.18.20.1", "00:00:00:00:00:00", RS)
                                    .build());
                    bench.input(1, eth(SERVER, RS_PORT_MAC).arpReply(RS, "198.18.20.1"));
                }
            }
        }
        return questions;
    }
}
