package lvsd.dataplane.net;

import static lvsd.dataplane.net.NetHarness.CLIENT;
import static lvsd.dataplane.net.NetHarness.CLIENT6;
import static lvsd.dataplane.net.NetHarness.CLIENT_PORT_MAC;
import static lvsd.dataplane.net.NetHarness.CONNECTED_VIP;
import static lvsd.dataplane.net.NetHarness.LIP;
import static lvsd.dataplane.net.NetHarness.OWN;
import static lvsd.dataplane.net.NetHarness.OWN6;
import static lvsd.dataplane.net.NetHarness.PEER;
import static lvsd.dataplane.net.NetHarness.RS;
import static lvsd.dataplane.net.NetHarness.SERVER;
import static lvsd.dataplane.net.NetHarness.VIP;
import static lvsd.dataplane.net.NetHarness.VIP6;
import static lvsd.dataplane.net.NetHarness.config;
import static lvsd.wire.PacketBuilder.eth;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.stream.Stream;
import lvsd.config.DaemonConfig.ReversePath;
import lvsd.dataplane.DropReason;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What becomes of packets that are neither of a connection nor for a service. */
class InputTest {
    private static final String MULTICAST_MAC = "01:00:5e:00:00:05";
    private static final String REFUSED = "drop not-served";

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

    static Stream<Arguments> verdicts() {
        return Stream.of(destinations(), sources(), classes(), sources6(), others())
                .flatMap(rows -> rows);
    }

    private static Stream<Arguments> destinations() {
        return Stream.of(
                row("to 0.0.0.0", eth().ipv4(CLIENT, "0.0.0.0").udp(1, 2), "drop martian-destination"),
                row("to loopback", eth().ipv4(CLIENT, "127.0.0.1").udp(1, 2), "drop martian-destination"),
                row("to ::1", eth().ipv6(CLIENT6, "::1").udp(1, 2), "drop martian-destination"),
                row("to ::", eth().ipv6(CLIENT6, "::").udp(1, 2), "drop martian-destination"),
                row("to an own address", eth().ipv4(CLIENT, OWN).tcp(1, 22).flags("S"), "punt REST"),
                row(
                        "to the other port's address",
                        eth().ipv4(CLIENT, "198.18.20.1").udp(1, 2),
                        "punt REST"),
                row("to an own IPv6 address", eth().ipv6(CLIENT6, OWN6).udp(1, 2), "punt REST"),
                row(
                        "to the link-local address",
                        eth().ipv6("fe80::9", "fe80::ff:fe00:2").udp(1, 2),
                        "punt REST"),
                row(
                        "to a link-local address of the kernel",
                        eth().ipv6("fe80::9", "fe80::77").udp(1, 2),
                        "punt REST"),
                row("to the subnet's broadcast", group("198.18.10.255").udp(1, 67), "punt REST"),
                row("to all ones", group("255.255.255.255").udp(1, 67), "punt REST"),
                row("to a multicast group", multicast("224.0.0.251").udp(1, 5353), "punt REST"),
                row("to another network", eth().ipv4(CLIENT, "203.0.113.9").udp(1, 2), "punt REST"),
                row(
                        "to another IPv6 network",
                        eth().ipv6(CLIENT6, "2001:db8:77::1").tcp(1, 2),
                        "punt REST"),
                row("to another network by broadcast", group("203.0.113.9").udp(1, 2), "drop not-our-mac"),
                row("UDP to a VIP", eth().ipv4(CLIENT, VIP).udp(1, 2), REFUSED),
                row("UDP to a local address", eth().ipv4(CLIENT, LIP).udp(1, 2), REFUSED),
                row("UDP to an IPv6 VIP", eth().ipv6(CLIENT6, VIP6).udp(1, 2), REFUSED),
                row("RST to a VIP", eth().ipv4(CLIENT, VIP).tcp(1, 2).flags("R"), REFUSED),
                row("an ICMP error to a VIP", eth().ipv4(CLIENT, VIP).icmp(3, 3).payload(28), REFUSED),
                row("GRE to a VIP", eth().ipv4(CLIENT, VIP).protocol(47).payload(20), REFUSED));
    }

    private static Stream<Arguments> sources() {
        String martian = "drop martian-source";
        return Stream.of(
                row("from 0.0.0.0", eth().ipv4("0.0.0.0", OWN).udp(68, 67), martian),
                row(
                        "DHCP from 0.0.0.0",
                        eth(PEER, NetHarness.BROADCAST)
                                .ipv4("0.0.0.0", "255.255.255.255")
                                .udp(68, 67),
                        "punt REST"),
                row("from loopback", eth().ipv4("127.0.0.1", OWN).udp(1, 2), martian),
                row("from multicast", eth().ipv4("224.0.0.1", OWN).udp(1, 2), martian),
                row("from all ones", eth().ipv4("255.255.255.255", OWN).udp(1, 2), martian),
                row(
                        "from the subnet's broadcast",
                        eth().ipv4("198.18.10.255", OWN).udp(1, 2),
                        martian),
                row("from the network's address", eth().ipv4("198.18.10.0", OWN).udp(1, 2), martian),
                row("from our own address", eth().ipv4(OWN, CONNECTED_VIP).udp(1, 2), martian),
                row("from a VIP", eth().ipv4(VIP, OWN).udp(1, 2), martian),
                row("from a local address", eth().ipv4(LIP, OWN).udp(1, 2), martian));
    }

    private static Stream<Arguments> sources6() {
        String martian = "drop martian-source";
        return Stream.of(
                row("from ::", eth().ipv6("::", OWN6).udp(1, 2), martian),
                row("from ::1", eth().ipv6("::1", OWN6).udp(1, 2), martian),
                row("from IPv6 multicast", eth().ipv6("ff02::1", OWN6).udp(1, 2), martian),
                row("from our own IPv6 address", eth().ipv6(OWN6, VIP6).udp(1, 2), martian),
                row(
                        "from our link-local address",
                        eth().ipv6("fe80::ff:fe00:2", OWN6).udp(1, 2),
                        martian),
                row("link-local to an own address", eth().ipv6("fe80::9", OWN6).udp(1, 2), "punt REST"),
                row("link-local to a VIP", eth().ipv6("fe80::9", VIP6).udp(1, 2), martian),
                row(
                        "link-local to elsewhere",
                        eth().ipv6("fe80::9", "2001:db8:77::1").udp(1, 2),
                        martian),
                row(
                        "MLD from ::",
                        eth(PEER, "33:33:00:00:00:16").ipv6("::", "ff02::16").icmp(143, 0),
                        "punt ROUTING"));
    }

    private static Stream<Arguments> classes() {
        String routing = "punt ROUTING";
        String health = "punt HEALTH";
        String rest = "punt REST";
        return Stream.of(
                row("OSPF", multicast("224.0.0.5").protocol(89).payload(44), routing),
                row("VRRP", multicast("224.0.0.18").ttl(255).protocol(112).payload(20), routing),
                row(
                        "VRRP unicast",
                        eth().ipv4(CLIENT, OWN).ttl(255).protocol(112).payload(20),
                        routing),
                row("IGMP", multicast("224.0.0.22").protocol(2).payload(8), routing),
                row("PIM", multicast("224.0.0.13").protocol(103).payload(8), routing),
                row("RIP", multicast("224.0.0.9").udp(520, 520), routing),
                row("BFD", eth().ipv4(CLIENT, OWN).ttl(255).udp(49152, 3784).payload(24), routing),
                row("BGP from its port", eth().ipv4(CLIENT, OWN).tcp(179, 40000).flags("."), routing),
                row("BGP to its port", eth().ipv4(CLIENT, OWN).tcp(40000, 179).flags("S"), routing),
                row(
                        "OSPFv3",
                        eth(PEER, "33:33:00:00:00:05")
                                .ipv6("fe80::9", "ff02::5")
                                .protocol(89)
                                .payload(36),
                        routing),
                row(
                        "MLD",
                        eth(PEER, "33:33:00:00:00:16")
                                .ipv6("fe80::9", "ff02::16")
                                .optionsHeader(0, 0)
                                .icmp(143, 0),
                        routing),
                row(
                        "SYN-ACK of a health check",
                        eth().ipv4(CLIENT, OWN).tcp(80, 40000).flags("S."),
                        health),
                row(
                        "RST of a health check",
                        eth().ipv4(CLIENT, OWN).tcp(80, 40000).flags("R."),
                        health),
                row("SYN to a high port", eth().ipv4(CLIENT, OWN).tcp(80, 40000).flags("S"), rest),
                row(
                        "segment to a low port",
                        eth().ipv4(CLIENT, OWN).tcp(40000, 22).flags("."),
                        rest),
                row("DNS answer", eth().ipv4(CLIENT, OWN).udp(53, 40000), health),
                row("UDP to a low port", eth().ipv4(CLIENT, OWN).udp(40000, 53), rest),
                row("echo reply", eth().ipv4(CLIENT, OWN).echoReply(1, 1), health),
                row("IPv6 echo reply", eth().ipv6(CLIENT6, OWN6).echoReply(1, 1), health),
                row("ICMP error", eth().ipv4(CLIENT, OWN).icmp(3, 1).payload(28), rest),
                row(
                        "BGP that is only passing",
                        eth().ipv4(CLIENT, "203.0.113.1").tcp(1, 179).flags("S"),
                        rest),
                row(
                        "later fragment",
                        eth().ipv4(CLIENT, OWN)
                                .fragment(1480, false)
                                .protocol(6)
                                .payload(20),
                        rest));
    }

    private static Stream<Arguments> others() {
        return Stream.of(
                row("LLDP", eth(PEER, "01:80:c2:00:00:0e").etherType(0x88cc).payload(50), "punt REST"),
                row("unknown EtherType", eth().etherType(0x88b5).payload(50), "drop unknown-ethertype"));
    }

    private static Arguments row(String what, PacketBuilder frame, String verdict) {
        return arguments(what, frame, verdict);
    }

    private static PacketBuilder group(String destination) {
        return eth(PEER, NetHarness.BROADCAST).ipv4(CLIENT, destination);
    }

    private static PacketBuilder multicast(String destination) {
        return eth(PEER, MULTICAST_MAC).ipv4(CLIENT, destination).ttl(1);
    }

    @ParameterizedTest(name = "{0}: {2}")
    @MethodSource("verdicts")
    void shouldDecide(String what, PacketBuilder frame, String verdict) {
        assertThat(bench.input(0, frame)).as(what).isEqualTo(verdict);
    }

    @Test
    void shouldPuntFramesUnchangedButForTheTag() {
        PacketBuilder arriving = eth(PEER, MULTICAST_MAC).vlan(5);
        bench.input(1, vrrp(arriving));
        byte[] frame = vrrp(eth(PEER, MULTICAST_MAC)).build();
        long mbuf =
                Punter.mbuf(bench.punter.toKernel(PuntClass.ROUTING.ordinal()).poll());
        byte[] punted = new byte[frame.length];
        lvsd.memory.Memory.copyOut(lvsd.dpdk.Mbuf.data(mbuf), punted, 0, frame.length);
        assertThat(punted).isEqualTo(frame);
        bench.io.free(mbuf);
    }

    private static PacketBuilder vrrp(PacketBuilder frame) {
        return frame.ipv4("10.5.0.7", "224.0.0.18").ttl(255).protocol(112).payload(20);
    }

    @Test
    void shouldNotForwardWhenForwardIsOff() {
        NetHarness.Config config = config();
        config.forward = false;
        with(config);
        assertThat(bench.input(0, eth().ipv4(CLIENT, "203.0.113.9").udp(1, 2))).isEqualTo("drop forward-off");
        assertThat(bench.input(0, eth().ipv6(CLIENT6, "2001:db8:77::1").udp(1, 2)))
                .isEqualTo("drop forward-off");
        assertThat(bench.input(0, eth().ipv4(CLIENT, OWN).udp(1, 2))).isEqualTo("punt REST");
    }

    @Test
    void shouldCheckTheReversePathStrictly() {
        NetHarness.Config config = config();
        config.reversePath = ReversePath.STRICT;
        with(config);
        assertThat(bench.input(0, eth().ipv4(CLIENT, OWN).udp(1, 2))).isEqualTo("punt REST");
        assertThat(bench.input(0, eth().ipv4("8.8.8.8", OWN).udp(1, 2))).isEqualTo("punt REST");
        assertThat(bench.input(0, eth().ipv4(RS, OWN).udp(1, 2))).isEqualTo("drop reverse-path");
        assertThat(bench.input(1, eth().ipv4("8.8.8.8", OWN).udp(1, 2))).isEqualTo("drop reverse-path");
        assertThat(bench.input(1, eth().vlan(5).ipv4("203.0.113.5", OWN).udp(1, 2)))
                .isEqualTo("punt REST");
        assertThat(bench.input(1, eth().ipv6(CLIENT6, OWN6).udp(1, 2))).isEqualTo("drop reverse-path");
        assertThat(bench.input(0, eth().ipv6("2001:db8:77::1", OWN6).udp(1, 2))).isEqualTo("punt REST");
    }

    @Test
    void shouldCheckTheReversePathLoosely() {
        NetHarness.Config config = config();
        config.reversePath = ReversePath.LOOSE;
        config.routes.removeIf(route -> route.to().length() == 0);
        with(config);
        assertThat(bench.input(1, eth().ipv4(CLIENT, OWN).udp(1, 2))).isEqualTo("punt REST");
        assertThat(bench.input(0, eth().ipv4("8.8.8.8", OWN).udp(1, 2))).isEqualTo("drop reverse-path");
        assertThat(bench.input(0, eth().ipv6("2001:db8:77::1", OWN6).udp(1, 2))).isEqualTo("drop reverse-path");
    }

    @Test
    void shouldAnswerPingsOnOwnAddressesAndVips() {
        for (String target : new String[] {OWN, VIP, CONNECTED_VIP, "198.18.20.1", LIP}) {
            PacketBuilder ping =
                    eth().ipv4(CLIENT, target).id(77).df().tos(0x10).ttl(3).echoRequest(7, 9);
            assertThat(bench.input(0, ping.payload(56))).isEqualTo("transmit port 0");
            byte[] answer = bench.next(0);
            Packets.assertChecksums(answer);
            Packets.assertSame(
                    answer,
                    eth(CLIENT_PORT_MAC, PEER)
                            .ipv4(target, CLIENT)
                            .tos(0x10)
                            .echoReply(7, 9)
                            .payload(56)
                            .build(),
                    "ip.id",
                    "ip.checksum");
        }
        for (String target : new String[] {OWN6, VIP6, "fe80::ff:fe00:2"}) {
            String from = target.startsWith("fe80") ? "fe80::9" : CLIENT6;
            bench.input(0, eth().ipv6(from, target).ttl(3).echoRequest(7, 9).payload(56));
            byte[] answer = bench.next(0);
            Packets.assertChecksums(answer);
            Packets.assertSame(
                    answer,
                    eth(CLIENT_PORT_MAC, PEER)
                            .ipv6(target, from)
                            .echoReply(7, 9)
                            .payload(56)
                            .build());
        }
    }

    @Test
    void shouldAnswerAPaddedAndTaggedPing() {
        bench.input(
                1,
                eth(SERVER, CLIENT_PORT_MAC)
                        .vlan(5)
                        .ipv4("10.5.0.7", "10.5.0.1")
                        .echoRequest(1, 2)
                        .padded());
        Packets.assertSame(
                bench.next(1),
                eth(CLIENT_PORT_MAC, SERVER)
                        .vlan(5)
                        .ipv4("10.5.0.1", "10.5.0.7")
                        .echoReply(1, 2)
                        .padded()
                        .build(),
                "ip.id",
                "ip.checksum");
    }

    @Test
    void shouldNeutraliseOptionsInAPing() {
        byte[] sourceRoute = {(byte) 131, 7, 4, 9, 9, 9, 9, 0};
        bench.input(0, eth().ipv4(CLIENT, VIP).ipOptions(sourceRoute).echoRequest(1, 2));
        byte[] answer = bench.next(0);
        Packets.assertChecksums(answer);
        assertThat(Packets.fields(answer)).containsEntry("ip.options", "0101010101010101");
    }

    @Test
    void shouldNotAnswerBrokenFragmentedOrBroadcastPings() {
        assertThat(bench.input(0, eth().ipv4(CLIENT, VIP).echoRequest(1, 2).lieChecksum(1)))
                .isEqualTo("drop bad-transport-checksum");
        assertThat(bench.input(0, eth().ipv6(CLIENT6, VIP6).echoRequest(1, 2).lieChecksum(1)))
                .isEqualTo("drop bad-transport-checksum");
        assertThat(bench.input(0, eth().ipv4(CLIENT, VIP).fragment(0, true).echoRequest(1, 2)))
                .isEqualTo("drop fragment");
        assertThat(bench.input(0, eth().ipv4(CLIENT, OWN).fragment(0, true).echoRequest(1, 2)))
                .isEqualTo("punt REST");
        assertThat(bench.input(0, group(VIP).echoRequest(1, 2))).isEqualTo("drop echo-off");
        assertThat(bench.input(0, group("198.18.10.255").echoRequest(1, 2))).isEqualTo("punt REST");
    }

    @Test
    void shouldNotAnswerPingsWhenTheSettingsSaySo() {
        NetHarness.Config config = config();
        config.settings = new NetSettings(1000, 50, false, false, false, 3, 1000, 0, 64, 3, 30, 600, 32768, 60999);
        with(config);
        assertThat(bench.input(0, eth().ipv4(CLIENT, VIP).echoRequest(1, 2))).isEqualTo("drop echo-off");
        assertThat(bench.input(0, eth().ipv4(CLIENT, OWN).echoRequest(1, 2))).isEqualTo("drop echo-off");
        assertThat(bench.input(0, eth().ipv6(CLIENT6, VIP6).echoRequest(1, 2))).isEqualTo("drop echo-off");
    }

    @Test
    void shouldLimitTheRateOfAnswers() {
        int answered = 0;
        for (int i = 0; i < 500; i++) {
            if (bench.input(0, eth().ipv4(CLIENT, VIP).echoRequest(1, i)).equals("transmit port 0")) {
                answered++;
            }
        }
        assertThat(answered).isEqualTo(NetSettings.DEFAULT.icmpBurst());
        assertThat(bench.drops(DropReason.ICMP_RATE_LIMIT)).isEqualTo(500 - answered);
        bench.advance(0.02);
        assertThat(bench.input(0, eth().ipv4(CLIENT, VIP).echoRequest(1, 1))).isEqualTo("transmit port 0");
    }

    @Test
    void shouldResetSegmentsThatNobodyExpects() {
        record Segment(PacketBuilder in, PacketBuilder out) {}
        for (Segment segment : new Segment[] {
            new Segment(
                    eth().ipv4(CLIENT, VIP).tcp(1000, 81).flags("S").seq(5),
                    eth().ipv4(VIP, CLIENT).tcp(81, 1000).flags("R.").ack(6)),
            new Segment(
                    eth().ipv4(CLIENT, VIP)
                            .tcp(1000, 81)
                            .flags(".")
                            .seq(5)
                            .ack(99)
                            .payload(7),
                    eth().ipv4(VIP, CLIENT).tcp(81, 1000).flags("R").seq(99)),
            new Segment(
                    eth().ipv4(CLIENT, VIP).tcp(1000, 81).flags("FP").seq(-3).payload(7),
                    eth().ipv4(VIP, CLIENT).tcp(81, 1000).flags("R.").ack(5)),
            new Segment(
                    eth().ipv4(CLIENT, VIP)
                            .ipOptions(new byte[8])
                            .tcp(1000, 81)
                            .flags("S")
                            .options(PacketBuilder.mss(1460))
                            .seq(5)
                            .padded(),
                    eth().ipv4(VIP, CLIENT).tcp(81, 1000).flags("R.").ack(6)),
            new Segment(
                    eth().ipv6(CLIENT6, VIP6)
                            .optionsHeader(60, 0)
                            .tcp(1000, 81)
                            .flags("S")
                            .seq(5),
                    eth().ipv6(VIP6, CLIENT6).tcp(81, 1000).flags("R.").ack(6)),
        }) {
            assertThat(bench.input(0, segment.in.ttl(9))).isEqualTo("transmit port 0");
            byte[] answer = bench.next(0);
            Packets.assertChecksums(answer);
            byte[] expected = segment.out.df().window(0).build();
            System.arraycopy(eth(CLIENT_PORT_MAC, PEER).build(), 0, expected, 0, 12);
            Packets.assertSame(answer, expected);
        }
    }

    @Test
    void shouldNotResetSegmentsWithAWrongChecksum() {
        assertThat(bench.input(0, eth().ipv4(CLIENT, VIP).tcp(1, 81).flags("S").lieChecksum(1)))
                .isEqualTo("drop bad-transport-checksum");
    }
}
