package lvsd.dataplane.net;

import static lvsd.dataplane.net.NetHarness.CLIENT;
import static lvsd.dataplane.net.NetHarness.CLIENT6;
import static lvsd.dataplane.net.NetHarness.CLIENT_PORT_MAC;
import static lvsd.dataplane.net.NetHarness.OWN;
import static lvsd.dataplane.net.NetHarness.OWN6;
import static lvsd.dataplane.net.NetHarness.PEER;
import static lvsd.dataplane.net.NetHarness.RS;
import static lvsd.dataplane.net.NetHarness.VIP;
import static lvsd.dataplane.net.NetHarness.VIP6;
import static lvsd.wire.PacketBuilder.eth;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import java.util.stream.Stream;
import lvsd.dataplane.DropReason;
import lvsd.dataplane.Packet;
import lvsd.memory.Memory;
import lvsd.wire.Ipv4;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;
import lvsd.wire.Pcap;
import lvsd.wire.Tcp;
import lvsd.wire.WireForm;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** ICMP errors of our own: against recordings of the kernel's, and what must never be sent. */
class IcmpTest {
    private static final String RECORDED_CLIENT_MAC = "96:21:36:b5:e1:a2";
    private static final String RECORDED_RS_MAC = "b6:06:45:c5:b4:ee";

    /** The director of the recordings. */
    private static NetHarness recorded() {
        NetHarness.Config config = NetHarness.config();
        config.clientMac = RECORDED_CLIENT_MAC;
        config.rsMac = RECORDED_RS_MAC;
        return new NetHarness(config.build());
    }

    /** A capture, its port, which packet provokes the answer, and what the pipeline does with it. */
    static Stream<Arguments> recordings() {
        return Stream.of(
                golden("nat-ttl-2-and-1-client", 0, field("ip.ttl", "1"), (bench, p) -> bench.net.timeExceeded(p)),
                golden("nat6-hop-limit-client", 0, field("ip.hopLimit", "1"), (bench, p) -> bench.net.timeExceeded(p)),
                golden("no-rs-udp-client", 0, field("udp.dstPort", "53"), (bench, p) -> bench.net.portUnreachable(p)),
                golden(
                        "nat-frag-needed-rs-side-client",
                        0,
                        fields -> fields.contains("ip.totalLength=1500") && fields.contains("ip.src=198.18.10.2"),
                        IcmpTest::tooBigOnTheWayOut),
                golden("nat-udp-df-too-big-client", 0, field("ip.totalLength", "1478"), IcmpTest::tooBigOnTheWayOut),
                golden(
                        "nat-frag-needed-client-side-rs",
                        1,
                        fields -> fields.contains("ip.totalLength=1500") && fields.contains("ip.src=198.18.20.2"),
                        (bench, p) -> bench.net.tooBig(p, 1400)),
                golden(
                        "removed-service-expire-nodest-0-client",
                        0,
                        field("tcp.seq", "1652379202"),
                        (bench, p) -> bench.dispatch(p, bench.net.refuse(p))));
    }

    private static Arguments golden(
            String capture, int port, Predicate<List<String>> provokes, BiConsumer<NetHarness, Packet> act) {
        return arguments(capture, port, provokes, act);
    }

    private static Predicate<List<String>> field(String name, String value) {
        return fields -> fields.contains(name + "=" + value);
    }

    /** Towards the RS the kernel has decremented the TTL before it looks at the MTU. */
    private static void tooBigOnTheWayOut(NetHarness bench, Packet p) {
        Ipv4.decrementTtl(p.l3);
        bench.net.tooBig(p, 1400);
    }

    private static List<String> fields(byte[] frame) {
        List<String> fields = new ArrayList<>();
        Packets.fields(frame).forEach((name, value) -> fields.add(name + "=" + value));
        return fields;
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("recordings")
    void shouldAnswerAsTheKernelDid(
            String capture, int port, Predicate<List<String>> provokes, BiConsumer<NetHarness, Packet> act) {
        List<byte[]> frames = Pcap.resource("/lvsd/dataplane/net/" + capture + ".pcap").stream()
                .map(frame -> frame.bytes)
                .toList();
        int compared = 0;
        for (int i = 0; i < frames.size(); i++) {
            if (!provokes.test(fields(frames.get(i)))) {
                continue;
            }
            try (NetHarness bench = recorded()) {
                Packet p = bench.receive(port, frames.get(i));
                act.accept(bench, p);
                byte[] answer = bench.next(port);
                Packets.assertChecksums(answer);
                Packets.assertSame(answer, answerTo(frames, i), "ip.id", "ip.checksum", "ip.flowLabel");
                compared++;
            }
        }
        assertThat(compared).as("packets that provoke an answer in " + capture).isPositive();
    }

    /** The first frame behind {@code question} that is an answer of the director's own: ICMP or RST. */
    private static byte[] answerTo(List<byte[]> frames, int question) {
        return frames.subList(question + 1, frames.size()).stream()
                .filter(frame -> {
                    List<String> fields = fields(frame);
                    return fields.contains("icmp.type=3")
                            || fields.contains("icmp.type=11")
                            || fields.contains("tcp.flags=0x4");
                })
                .findFirst()
                .orElseThrow();
    }

    @Test
    void shouldReportAnUnreachableServerAsTheKernelDid() {
        List<byte[]> frames = Pcap.resource("/lvsd/dataplane/net/nat-rs-host-unreachable-client.pcap").stream()
                .map(frame -> frame.bytes)
                .toList();
        try (NetHarness bench = recorded()) {
            int rs = PacketBuilder.ip4(RS);
            int vip = PacketBuilder.ip4(VIP);
            bench.unreachable = p -> {
                Ipv4.setDestination(p.l3, vip);
                Tcp.setDestinationPort(p.l4, WireForm.short16(80));
                return true;
            };
            for (int i = 0; i < 3; i++) {
                Packet p = bench.receive(0, frames.get(i));
                Ipv4.decrementTtl(p.l3);
                Ipv4.setDestination(p.l3, rs);
                Ipv4.updateChecksum(p.l3, Ipv4.SIZE);
                Tcp.setDestinationPort(p.l4, WireForm.short16(8080));
                Memory.setShort(p.l4, 20, 16, quotedChecksum(frames.get(3 + i)));
                assertThat(bench.dispatch(p, bench.net.output(p, bench.net.nextHop4(rs))))
                        .isEqualTo("kept");
            }
            bench.advance(3.1);
            for (int i = 3; i < 6; i++) {
                byte[] answer = bench.next(0);
                Packets.assertChecksums(answer);
                // The quote's IP checksum: the kernel's was updated with its own rewriting, ours by the handler above.
                List<String> differences =
                        Packets.differences(withoutQuotedIpChecksum(answer), withoutQuotedIpChecksum(frames.get(i)));
                assertThat(differences)
                        .allMatch(line -> line.startsWith("ip.id")
                                || line.startsWith("ip.checksum")
                                || line.startsWith("icmp.checksum"));
            }
        }
    }

    /** The TCP checksum that the kernel quoted, in wire form: that of the packet as it went to the server. */
    private static int quotedChecksum(byte[] icmp) {
        int at = 14 + 20 + 8 + 20 + 16;
        return (icmp[at] & 0xff) | (icmp[at + 1] & 0xff) << 8;
    }

    private static byte[] withoutQuotedIpChecksum(byte[] icmp) {
        byte[] copy = icmp.clone();
        copy[14 + 20 + 8 + 10] = 0;
        copy[14 + 20 + 8 + 11] = 0;
        return copy;
    }

    static Stream<Arguments> forbidden() {
        return Stream.of(
                arguments("an ICMP error", eth().ipv4(CLIENT, VIP).icmp(3, 1).payload(28)),
                arguments("a redirect", eth().ipv4(CLIENT, VIP).icmp(5, 1).payload(28)),
                arguments(
                        "a later fragment",
                        eth().ipv4(CLIENT, VIP).fragment(8, true).protocol(17).payload(8)),
                arguments("a broadcast", eth().ipv4(CLIENT, "198.18.10.255").udp(1, 2)),
                arguments("a multicast", eth().ipv4(CLIENT, "224.0.0.9").udp(1, 2)),
                arguments(
                        "a group frame",
                        eth(PEER, NetHarness.BROADCAST).ipv4(CLIENT, VIP).udp(1, 2)),
                arguments("source 0.0.0.0", eth().ipv4("0.0.0.0", VIP).udp(1, 2)),
                arguments("a multicast source", eth().ipv4("224.0.0.9", VIP).udp(1, 2)),
                arguments("a loopback source", eth().ipv4("127.0.0.1", VIP).udp(1, 2)),
                arguments("a reserved source", eth().ipv4("240.0.0.1", VIP).udp(1, 2)),
                arguments("a broadcast source", eth().ipv4("198.18.10.255", VIP).udp(1, 2)),
                arguments("our own source", eth().ipv4(OWN, VIP).udp(1, 2)),
                arguments(
                        "an ICMPv6 error", eth().ipv6(CLIENT6, VIP6).icmp(1, 4).payload(48)),
                arguments(
                        "an ICMPv6 redirect",
                        eth().ipv6(CLIENT6, VIP6).icmp(137, 0).payload(48)),
                arguments(
                        "an IPv6 multicast",
                        eth(PEER, "33:33:00:00:00:01").ipv6(CLIENT6, "ff02::1").udp(1, 2)),
                arguments("source ::", eth().ipv6("::", VIP6).udp(1, 2)),
                arguments(
                        "an IPv6 multicast source", eth().ipv6("ff02::1", VIP6).udp(1, 2)),
                arguments("our own IPv6 source", eth().ipv6(OWN6, VIP6).udp(1, 2)));
    }

    @ParameterizedTest(name = "never about {0}")
    @MethodSource("forbidden")
    void shouldNeverSendAnErrorAbout(String what, PacketBuilder frame) {
        try (NetHarness bench = new NetHarness()) {
            Packet p = bench.receive(0, frame.build());
            assertThat(bench.net.timeExceeded(p)).as(what).isFalse();
            assertThat(bench.net.portUnreachable(p)).isFalse();
            assertThat(bench.sent(0)).isNull();
        }
    }

    @Test
    void shouldSendPacketTooBigAboutMulticast() {
        try (NetHarness bench = new NetHarness()) {
            Packet p = bench.receive(
                    0,
                    eth(PEER, "33:33:00:00:00:01")
                            .ipv6(CLIENT6, "ff0e::1")
                            .udp(1, 2)
                            .payload(1400)
                            .build());
            assertThat(bench.net.tooBig(p, 1280)).isTrue();
            byte[] answer = bench.next(0);
            Packets.assertChecksums(answer);
            assertThat(answer).hasSize(14 + 1280);
            assertThat(Packets.fields(answer)).containsEntry("ip.src", OWN6).containsEntry("icmp.rest", "0x500");
        }
    }

    @Test
    void shouldAnswerAboutEchoRequests() {
        try (NetHarness bench = new NetHarness()) {
            assertThat(bench.net.timeExceeded(bench.receive(
                            0, eth().ipv4(CLIENT, RS).echoRequest(1, 2).build())))
                    .isTrue();
            assertThat(Packets.fields(bench.next(0))).containsEntry("ip.src", OWN);
        }
    }

    @Test
    void shouldLimitTheRateOfErrors() {
        try (NetHarness bench = new NetHarness()) {
            Packet p = bench.receive(0, eth().ipv4(CLIENT, VIP).udp(1, 2).build());
            int sent = 0;
            for (int i = 0; i < 200; i++) {
                sent += bench.net.portUnreachable(p) ? 1 : 0;
            }
            assertThat(sent).isEqualTo(NetSettings.DEFAULT.icmpBurst());
            assertThat(bench.drops(DropReason.ICMP_RATE_LIMIT)).isEqualTo(200 - sent);
        }
    }

    @Test
    void shouldCountWhenThereIsNoMbuf() {
        try (NetHarness bench = new NetHarness()) {
            Packet p = bench.receive(0, eth().ipv4(CLIENT, VIP).udp(1, 2).build());
            long last;
            do {
                last = bench.io.allocate();
            } while (last != 0);
            assertThat(bench.net.portUnreachable(p)).isFalse();
            assertThat(bench.drops(DropReason.NO_MBUF)).isEqualTo(1);
        }
    }

    @Test
    void shouldSendErrorsByTheResolvedRouteRatherThanBackToTheStation() {
        try (NetHarness bench = new NetHarness()) {
            String gateway = "02:00:00:00:00:fe";
            bench.send(eth().ipv4(CLIENT, "8.8.8.8").udp(1, 2), "8.8.8.8");
            bench.input(0, eth(gateway, CLIENT_PORT_MAC).arpReply("198.18.10.254", OWN));
            bench.drain();
            bench.net.timeExceeded(
                    bench.receive(0, eth().ipv4("8.8.8.8", VIP).udp(1, 2).build()));
            assertThat(Packets.fields(bench.next(0))).containsEntry("eth.dst", gateway);
            bench.net.timeExceeded(
                    bench.receive(0, eth().ipv4("198.18.10.77", VIP).udp(1, 2).build()));
            assertThat(Packets.fields(bench.next(0))).containsEntry("eth.dst", PEER);
        }
    }
}
