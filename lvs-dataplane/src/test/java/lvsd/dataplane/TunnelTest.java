package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import lvsd.dataplane.service.Service;
import lvsd.rules.DestinationSpec;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.Protocol;
import lvsd.rules.ServiceSpec;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;
import lvsd.wire.Pcap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The tunnel method: every kind of tunnel, and every family inside every other. What is expected was seen of the kernel. */
class TunnelTest extends PipelineTest {
    private static final int GUE_PORT = 6080;
    private static final DestinationSpec.Tunnel[] KINDS = {
        DestinationSpec.Tunnel.IPIP,
        new DestinationSpec.Tunnel("gue", GUE_PORT, "nocsum"),
        new DestinationSpec.Tunnel("gue", GUE_PORT, "csum"),
        new DestinationSpec.Tunnel("gue", GUE_PORT, "remcsum"),
        new DestinationSpec.Tunnel("gre", 0, "nocsum"),
        new DestinationSpec.Tunnel("gre", 0, "csum"),
    };

    /** The client's family, the server's, and the tunnel. */
    static Stream<Arguments> tunnels() {
        return Stream.of(Way.NAT4, Way.NAT6)
                .flatMap(way -> Stream.of(Way.NAT4, Way.NAT6)
                        .flatMap(outer -> Arrays.stream(KINDS).map(kind -> Arguments.of(way, outer, kind))));
    }

    private static Service service(
            TestDirector where, Way way, Way outer, DestinationSpec.Tunnel tunnel, Protocol protocol) {
        return service(where, outer, tunnel, TestDirector.spec(protocol, way.vip(), 80, false));
    }

    private static Service service(TestDirector where, Way outer, DestinationSpec.Tunnel tunnel, ServiceSpec spec) {
        return where.service(
                spec,
                List.of(new DestinationSpec(
                        spec.id(), TestDirector.ip(outer.server()), 80, ForwardingMethod.TUNNEL, 1, 0, 0, tunnel)));
    }

    /** A service for every kind of tunnel at its own port from {@code port} on, of client family {@code way}. */
    static void services(TestDirector where, Way way, int port) {
        for (Way outer : new Way[] {Way.NAT4, Way.NAT6}) {
            for (DestinationSpec.Tunnel kind : KINDS) {
                service(where, outer, kind, TestDirector.spec(Protocol.UDP, way.vip(), port++, false));
            }
        }
    }

    /** Frames to each of {@link #services}, and errors about what became of them. */
    static List<byte[]> frames(TestDirector where, Way way, int port, int clientPort) {
        List<byte[]> frames = new ArrayList<>();
        for (Way outer : new Way[] {Way.NAT4, Way.NAT6}) {
            for (int i = 0; i < KINDS.length; i++) {
                byte[] sent = in(way).udp(clientPort, port++).payload(40).build();
                where.send(0, sent);
                byte[] wrapped = where.expect(1);
                frames.add(sent);
                PacketBuilder error = outer.arriving(1, outer.server(), outer.director(1));
                frames.add((outer.ipv6 ? error.icmp(2, 0) : error.icmp(3, 4))
                        .rest(1400)
                        .quote(Arrays.copyOfRange(wrapped, 14, wrapped.length))
                        .build());
            }
        }
        return frames;
    }

    private static PacketBuilder in(Way way) {
        return way.arriving(0, way.client(), way.vip());
    }

    /** The outer packet around {@code inner}; its identification and UDP source port are those of {@code actual}. */
    private static PacketBuilder around(
            Way way, Way outer, DestinationSpec.Tunnel tunnel, byte[] inner, byte[] actual) {
        PacketBuilder ip = outer.leaving(1, outer.director(1), outer.server()).ttl(63);
        if (!outer.ipv6) {
            ip.id(Flow.at16(actual, 18));
        }
        int protocol = way.ipv6 ? 41 : 4;
        if (tunnel.type().equals("gue")) {
            byte[] body = join(new byte[] {0, (byte) protocol, 0, 0}, inner);
            ip.udp(Flow.at16(actual, outer.l4()), GUE_PORT).payload(body);
            return tunnel.checksum().equals("nocsum") ? ip.lieChecksum(0) : ip;
        }
        if (tunnel.type().equals("gre")) {
            int type = way.ipv6 ? 0x86dd : 0x0800;
            boolean sum = tunnel.checksum().equals("csum");
            byte[] header = new byte[sum ? 8 : 4];
            header[0] = (byte) (sum ? 0x80 : 0);
            header[2] = (byte) (type >>> 8);
            header[3] = (byte) type;
            byte[] body = join(header, inner);
            if (sum) {
                int checksum = checksum(body);
                body[4] = (byte) (checksum >>> 8);
                body[5] = (byte) checksum;
            }
            return ip.protocol(47).payload(body);
        }
        return ip.protocol(protocol).payload(inner);
    }

    private static byte[] join(byte[] first, byte[] second) {
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }

    private static int checksum(byte[] bytes) {
        int sum = 0;
        for (int i = 0; i < bytes.length; i++) {
            sum += (bytes[i] & 0xff) << (i % 2 == 0 ? 8 : 0);
        }
        while (sum >>> 16 != 0) {
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return ~sum & 0xffff;
    }

    private static int overhead(Way outer, DestinationSpec.Tunnel tunnel) {
        int between = switch (tunnel.type()) {
            case "gue" -> 12;
            case "gre" -> tunnel.checksum().equals("csum") ? 8 : 4;
            default -> 0;
        };
        return outer.ipHeader() + between;
    }

    @ParameterizedTest
    @MethodSource("tunnels")
    void shouldWrapDatagrams(Way way, Way outer, DestinationSpec.Tunnel tunnel) {
        Service service = service(director, way, outer, tunnel, Protocol.UDP);
        int port = 0;
        for (int tos : new int[] {0, 0xb9, 0x02, 0x03}) {
            for (int payload : new int[] {0, 1, 200}) {
                PacketBuilder sent = in(way).tos(tos).udp(7, 80).payload(payload);
                director.send(0, (payload == 0 ? sent.copy().padded() : sent).build());
                byte[] frame = director.expect(1);
                byte[] inner = sent.copy().ttl(63).buildIp();
                // RFC 6040: "congestion experienced" is not repeated outside.
                PacketBuilder expected =
                        around(way, outer, tunnel, inner, frame).tos(tos == 3 ? 2 : tos);
                assertThat(frame).isEqualTo(expected.build());
                if (tunnel.type().equals("gue")) {
                    int used = Flow.at16(frame, outer.l4());
                    assertThat(used).isBetween(32_768, 60_999).isEqualTo(port == 0 ? used : port);
                    port = used;
                }
            }
        }
        assertThat(director.totals(service, 0).inPackets()).isEqualTo(12);
        ConnectionRow row = director.connections().getFirst();
        assertThat(row.server()).isEqualTo(TestDirector.ip(outer.server()));
        assertThat(row.method()).isEqualTo(2);
        assertThat(director.drops()).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("tunnels")
    void shouldFollowTcpFromTheClientsSideAlone(Way way, Way outer, DestinationSpec.Tunnel tunnel) {
        service(director, way, outer, tunnel, Protocol.TCP);
        String[] states = {"SYN_RECV", "ESTABLISHED", "FIN_WAIT"};
        String[] flags = {"S", ".", "F."};
        for (int i = 0; i < 3; i++) {
            PacketBuilder sent = in(way).ttl(3).tcp(7, 80).flags(flags[i]).seq(i);
            director.send(0, (way.ipv6 ? sent : sent.df()).build());
            byte[] frame = director.expect(1);
            byte[] inner = sent.copy().ttl(2).buildIp();
            PacketBuilder expected = around(way, outer, tunnel, inner, frame).ttl(2);
            assertThat(frame)
                    .isEqualTo(
                            (way.ipv6 || outer.ipv6 ? expected : expected.df().id(0)).build());
            assertThat(director.connections().getFirst().state()).isEqualTo(states[i]);
        }
        director.send(0, in(way).ttl(1).tcp(7, 80).flags(".").build());
        director.expectNothing(1);
        assertThat(director.any(0)).isTrue();
        assertThat(director.drops()).isEqualTo("ttl-exceeded=1 ");
    }

    @ParameterizedTest
    @MethodSource("tunnels")
    void shouldTellTheClientWhatFits(Way way, Way outer, DestinationSpec.Tunnel tunnel) {
        Service service = service(director, way, outer, tunnel, Protocol.UDP);
        int mtu = 1500 - overhead(outer, tunnel);
        PacketBuilder fits = in(way).udp(7, 80).payload(mtu - way.ipHeader() - 8);
        director.send(0, (way.ipv6 ? fits : fits.df()).build());
        assertThat(director.expect(1)).hasSize(14 + 1500);
        PacketBuilder big = in(way).udp(7, 80).payload(mtu - way.ipHeader() - 7);
        director.send(0, (way.ipv6 ? big : big.df()).build());
        director.expectNothing(1);
        expectTooBig(way, mtu, big);
        assertThat(director.drops()).isEqualTo("too-big=1 ");
        assertThat(director.totals(service, 0).inPackets()).isEqualTo(2);
    }

    private void expectTooBig(Way way, int mtu, PacketBuilder sent) {
        byte[] quote = sent.copy().ttl(63).buildIp();
        PacketBuilder ip = way.leaving(0, way.vip(), way.client());
        PacketBuilder error = way.ipv6
                ? ip.icmp(2, 0).rest(mtu).quote(Arrays.copyOf(quote, Math.min(quote.length, 1232)))
                : ip.tos(0xc0).icmp(3, 4).rest(mtu).quote(Arrays.copyOf(quote, Math.min(quote.length, 548)));
        Packets.assertSame(director.expect(0), error.build(), "ip.id", "ip.checksum");
    }

    @ParameterizedTest
    @MethodSource("tunnels")
    void shouldCutWhatMayBeCut(Way way, Way outer, DestinationSpec.Tunnel tunnel) {
        if (way.ipv6) {
            return; // its sender is told, see above
        }
        service(director, way, outer, tunnel, Protocol.UDP);
        PacketBuilder sent = in(way).udp(7, 80).payload(1472);
        director.send(0, sent.build());
        byte[] first = director.expect(1);
        byte[] second = director.expect(1);
        director.expectNothing(1);
        int headers = outer.ipHeader() + (outer.ipv6 ? 8 : 0);
        byte[] body = join(
                Arrays.copyOfRange(first, 14 + headers, first.length),
                Arrays.copyOfRange(second, 14 + headers, second.length));
        byte[] whole =
                around(way, outer, tunnel, sent.copy().ttl(63).buildIp(), first).build();
        if (tunnel.type().equals("gue")) {
            // Where the UDP header is depends on the fragment header before it.
            System.arraycopy(first, 14 + headers, whole, outer.l4(), 2);
            System.arraycopy(first, 14 + headers + 6, whole, outer.l4() + 6, 2);
        }
        assertThat(body).isEqualTo(Arrays.copyOfRange(whole, outer.l4(), whole.length));
        assertThat(first.length).isEqualTo(outer.ipv6 ? 14 + 1496 : 14 + 1500);
        if (outer.ipv6) {
            assertThat(Flow.at16(first, 14 + 42)).isEqualTo(1);
            assertThat(Flow.at16(second, 14 + 42)).isEqualTo(1448);
            assertThat(Flow.at32(second, 14 + 44)).isEqualTo(Flow.at32(first, 14 + 44));
        } else {
            assertThat(Flow.at16(first, 20)).isEqualTo(0x2000);
            assertThat(Flow.at16(second, 20)).isEqualTo(1480 / 8);
            assertThat(Flow.at16(second, 18)).isEqualTo(Flow.at16(first, 18));
        }
    }

    @Test
    void shouldCutAnywayWithoutPathMtuDiscovery() {
        try (TestDirector off = new TestDirector(1, Map.of("pmtu_disc", "0"))) {
            service(off, Way.NAT4, Way.NAT4, DestinationSpec.Tunnel.IPIP, Protocol.UDP);
            off.send(0, in(Way.NAT4).df().udp(7, 80).payload(10).build());
            assertThat(Flow.at16(off.expect(1), 20)).isZero();
            off.send(0, in(Way.NAT4).df().udp(7, 80).payload(1472).build());
            assertThat(off.drain(1)).isEqualTo(2);
            assertThat(off.drops()).isEmpty();
        }
    }

    /** An error about the outer packet is told to the client as one about its own. */
    @ParameterizedTest
    @MethodSource("tunnels")
    void shouldPassErrorsAboutTheOuterPacketOn(Way way, Way outer, DestinationSpec.Tunnel tunnel) {
        service(director, way, outer, tunnel, Protocol.UDP);
        PacketBuilder sent = in(way).udp(7, 80).payload(100);
        director.send(0, (way.ipv6 ? sent : sent.df()).build());
        byte[] frame = director.expect(1);
        byte[] wrapped = Arrays.copyOfRange(frame, 14, frame.length);
        int[][] errors = outer.ipv6
                ? new int[][] {{1, 4}, {1, 1}, {1, 3}, {3, 0}}
                : new int[][] {{3, 3}, {3, 13}, {3, 1}, {11, 0}};
        int[][] told = way.ipv6
                ? new int[][] {{1, 4}, {1, 1}, {1, outer.ipv6 ? 3 : 0}, {3, 0}}
                : new int[][] {{3, 3}, {3, 13}, {3, 1}, {11, 0}};
        byte[] quote = sent.copy().ttl(63).buildIp();
        for (int i = 0; i < errors.length; i++) {
            director.send(
                    1,
                    outer.arriving(1, outer.server(), outer.director(1))
                            .icmp(errors[i][0], errors[i][1])
                            .quote(wrapped)
                            .build());
            PacketBuilder expected = way.leaving(0, way.vip(), way.client());
            expected = (way.ipv6 ? expected : expected.tos(0xc0))
                    .icmp(told[i][0], told[i][1])
                    .quote(quote);
            Packets.assertSame(director.expect(0), expected.build(), "ip.id", "ip.checksum");
            director.expectNothing(1);
        }
    }

    /** The kernel counts the packet that the error is about, and what it sends: three times 30 and 58 bytes. */
    @ParameterizedTest
    @MethodSource("tunnels")
    void shouldCountErrorsAboutTheOuterPacketTwice(Way way, Way outer, DestinationSpec.Tunnel tunnel) {
        Service service = service(director, way, outer, tunnel, Protocol.UDP);
        int sent = way.ipHeader() + 8 + 2;
        for (int i = 0; i < 3; i++) {
            director.send(0, in(way).udp(7, 80).payload(2).build());
            byte[] frame = director.expect(1);
            PacketBuilder error = outer.arriving(1, outer.server(), outer.director(1));
            director.send(
                    1,
                    (outer.ipv6 ? error.icmp(1, 4) : error.icmp(3, 2))
                            .quote(Arrays.copyOfRange(frame, 14, frame.length))
                            .build());
            assertThat(director.expect(0)).hasSize(14 + way.ipHeader() + 8 + sent);
        }
        DataplaneControl.Totals totals = director.totals(service, 0);
        assertThat(totals.inPackets()).isEqualTo(3);
        assertThat(totals.inBytes()).isEqualTo(3L * sent);
        assertThat(totals.outPackets()).isEqualTo(6);
        assertThat(totals.outBytes()).isEqualTo(way.ipv6 ? 3 * (50 + 98) : 264);
    }

    @ParameterizedTest
    @MethodSource("tunnels")
    void shouldLearnTheMtuOfTheWay(Way way, Way outer, DestinationSpec.Tunnel tunnel) {
        service(director, way, outer, tunnel, Protocol.UDP);
        PacketBuilder sent = in(way).udp(7, 80).payload(1390 - way.ipHeader() - 8);
        director.send(0, (way.ipv6 ? sent : sent.df()).build());
        byte[] frame = director.expect(1);
        byte[] wrapped = Arrays.copyOfRange(frame, 14, frame.length);
        PacketBuilder error = outer.arriving(1, outer.server(), outer.director(1));
        director.send(
                1,
                (outer.ipv6 ? error.icmp(2, 0) : error.icmp(3, 4))
                        .rest(1400)
                        .quote(Arrays.copyOf(wrapped, outer.ipv6 ? 1232 : 548))
                        .build());
        int mtu = 1400 - overhead(outer, tunnel);
        byte[] told = director.expect(0);
        assertThat(Flow.at32(told, way.l4() + 4)).isEqualTo(mtu);
        director.send(0, sent.build());
        expectTooBig(way, mtu, sent);
        if (!way.ipv6) {
            director.send(0, in(way).udp(7, 80).payload(1362).build());
            assertThat(director.expect(1)).hasSizeLessThanOrEqualTo(14 + 1400);
            assertThat(director.drain(1)).isEqualTo(1);
        }
        director.advance(601_000);
        director.send(0, sent.build());
        assertThat(director.any(1)).isTrue();
        director.expectNothing(0);
    }

    /** Errors that quote nothing of ours go to the kernel, as all that is for the director's own address. */
    @Test
    void shouldLeaveErrorsAboutOtherPacketsAlone() {
        Way way = Way.NAT4;
        service(director, way, way, KINDS[2], Protocol.UDP);
        director.send(0, in(way).udp(7, 80).payload(100).build());
        byte[] frame = director.expect(1);
        for (int at : new int[] {14 + 9, 14 + 19, 14 + 23, 14 + 28, 14 + 29, 14 + 32 + 9, 14 + 32 + 16, 14 + 32 + 20}) {
            byte[] other = Arrays.copyOfRange(frame, 14, frame.length);
            other[at - 14] ^= 0x40;
            director.send(
                    1,
                    way.arriving(1, way.server(), way.director(1))
                            .icmp(3, 3)
                            .quote(other)
                            .build());
            director.expectNothing(0);
        }
        for (int length = 0; length < 60; length++) {
            director.send(
                    1,
                    way.arriving(1, way.server(), way.director(1))
                            .icmp(3, 3)
                            .quote(Arrays.copyOfRange(frame, 14, 14 + length))
                            .build());
            director.expectNothing(0);
        }
    }

    @ParameterizedTest
    @MethodSource("tunnels")
    void shouldWrapTheClientsErrors(Way way, Way outer, DestinationSpec.Tunnel tunnel) {
        service(director, way, outer, tunnel, Protocol.UDP);
        director.send(0, in(way).udp(7, 80).payload(1).build());
        director.expect(1);
        byte[] quote = way.ip(PacketBuilder.eth(), way.vip(), way.client())
                .udp(80, 7)
                .payload(9)
                .buildIp();
        PacketBuilder error = (way.ipv6 ? in(way).icmp(1, 4) : in(way).icmp(3, 3)).quote(quote);
        director.send(0, error.build());
        byte[] frame = director.expect(1);
        assertThat(frame)
                .isEqualTo(around(way, outer, tunnel, error.copy().ttl(63).buildIp(), frame)
                        .build());
    }

    @ParameterizedTest
    @MethodSource("tunnels")
    void shouldTellTheClientThatTheServerDoesNotAnswer(Way way, Way outer, DestinationSpec.Tunnel tunnel) {
        service(director, way, outer, tunnel, Protocol.UDP);
        director.answering[1] = false;
        PacketBuilder sent = in(way).udp(7, 80).payload(100);
        director.send(0, sent.build());
        director.expectNothing(1);
        director.advance(4000);
        byte[] quote = sent.copy().ttl(63).buildIp();
        PacketBuilder expected = way.leaving(0, way.vip(), way.client());
        expected = (way.ipv6 ? expected.icmp(1, 3) : expected.tos(0xc0).icmp(3, 1)).quote(quote);
        Packets.assertSame(director.expect(0), expected.build(), "ip.id", "ip.checksum");
    }

    @Test
    void shouldWrapEachFragmentByItself() {
        Way way = Way.NAT4;
        service(director, way, way, DestinationSpec.Tunnel.IPIP, Protocol.UDP);
        byte[] datagram = in(way).udp(7, 80).payload(2000).buildIp();
        for (int[] piece : new int[][] {{0, 1200, 1}, {1200, 2008, 0}}) {
            PacketBuilder fragment = in(way).id(9)
                    .protocol(17)
                    .fragment(piece[0], piece[2] == 1)
                    .payload(Arrays.copyOfRange(datagram, 20 + piece[0], 20 + piece[1]));
            director.send(0, fragment.build());
            byte[] frame = director.expect(1);
            assertThat(frame)
                    .isEqualTo(
                            around(way, way, KINDS[0], fragment.copy().ttl(63).buildIp(), frame)
                                    .build());
        }
    }

    // ---- recorded

    private static byte[] director(int port, byte[] frame, int from) {
        byte[] bytes = join(new byte[14], Arrays.copyOfRange(frame, from, frame.length));
        System.arraycopy(PacketBuilder.macBytes(TestDirector.MACS[port]), 0, bytes, 0, 6);
        System.arraycopy(PacketBuilder.macBytes(TestDirector.PEERS[port]), 0, bytes, 6, 6);
        bytes[12] = 8;
        return bytes;
    }

    private static void assertSameIp(byte[] actual, byte[] recorded) {
        assertThat(Arrays.copyOfRange(actual, 14, actual.length))
                .isEqualTo(Arrays.copyOfRange(recorded, 14, recorded.length));
    }

    @Test
    void shouldDoAsTheKernelWithGre() {
        List<byte[]> client = Pcap.resource("/lvsd/dataplane/tunnel/tun-gre-client.pcap").stream()
                .map(each -> each.bytes)
                .toList();
        List<byte[]> server = Pcap.resource("/lvsd/dataplane/tunnel/tun-gre-rs.pcap").stream()
                .map(each -> each.bytes)
                .toList();
        assertThat(client).hasSize(4);
        for (int i = 0; i < 4; i += 2) {
            try (TestDirector other = new TestDirector()) {
                service(other, Way.NAT4, Way.NAT4, KINDS[i == 0 ? 4 : 5], Protocol.TCP);
                other.send(0, director(0, client.get(i), 14));
                assertSameIp(other.expect(1), server.get(i));
                other.send(1, director(1, server.get(i + 1), 14));
                Packets.assertSame(other.expect(0), client.get(i + 1), "ip.id", "ip.checksum", "eth.src", "eth.dst");
            }
        }
    }

    @Test
    void shouldDoAsTheKernelWithIpip() {
        service(director, Way.NAT4, Way.NAT4, DestinationSpec.Tunnel.IPIP, Protocol.TCP);
        int seen = 0;
        for (Pcap.Frame each : Pcap.resource("/lvsd/dataplane/tunnel/tun-ipip-rs.pcap")) {
            byte[] recorded = each.bytes;
            byte[] sent = director(0, recorded, 34);
            sent[14 + 8]++;
            sent[14 + 10]--; // the checksum of a TTL that is one more
            director.send(0, sent);
            assertSameIp(director.expect(1), recorded);
            seen++;
        }
        assertThat(seen).isEqualTo(11);
        assertThat(director.drops()).isEmpty();
    }
}
