package lvsd.dataplane.net;

import static lvsd.dataplane.net.NetHarness.CLIENT;
import static lvsd.dataplane.net.NetHarness.CLIENT6;
import static lvsd.dataplane.net.NetHarness.RS;
import static lvsd.dataplane.net.NetHarness.RS6;
import static lvsd.dataplane.net.NetHarness.RS_PORT_MAC;
import static lvsd.dataplane.net.NetHarness.SERVER;
import static lvsd.wire.PacketBuilder.eth;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import lvsd.dataplane.Packet;
import lvsd.wire.Checksum;
import lvsd.wire.Ipv4;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;
import lvsd.wire.Pcap;
import lvsd.wire.SeededTest;
import lvsd.wire.Udp;
import org.junit.jupiter.api.Test;

/** What is too big for the way out: cut where the sender allows it, refused where not. */
class FragmentTest {
    private static final int IP = 14;

    private static NetHarness bench(int mtu) {
        NetHarness.Config config = NetHarness.config();
        config.rsMtu = mtu;
        return new NetHarness(config.build());
    }

    private static void resolve(NetHarness bench) {
        bench.net.nextHop4(PacketBuilder.ip4(RS));
        bench.input(1, eth(SERVER, RS_PORT_MAC).arpReply(RS, "198.18.20.1"));
        bench.drain();
    }

    @Test
    void shouldCutAsTheKernelDid() {
        List<Pcap.Frame> client = Pcap.resource("/lvsd/dataplane/net/nat-udp-no-df-too-big-client.pcap");
        List<Pcap.Frame> server = Pcap.resource("/lvsd/dataplane/net/nat-udp-no-df-too-big-rs.pcap");
        NetHarness.Config config = NetHarness.config();
        config.clientMac = "96:21:36:b5:e1:a2";
        config.rsMac = "b6:06:45:c5:b4:ee";
        config.rsMtu = 1400;
        try (NetHarness bench = new NetHarness(config.build())) {
            int rs = PacketBuilder.ip4(RS);
            bench.net.nextHop4(rs);
            bench.input(1, eth("f6:56:59:67:47:da", config.rsMac).arpReply(RS, "198.18.20.1"));
            bench.drain();
            Packet p = bench.receive(0, client.getFirst().bytes);
            Ipv4.decrementTtl(p.l3);
            Ipv4.setDestination(p.l3, rs);
            Ipv4.updateChecksum(p.l3, Ipv4.SIZE);
            Udp.setChecksum(p.l4, 0);
            Udp.setChecksum(p.l4, Checksum.transport4(p.l3, p.l4, p.l4Length, Ipv4.PROTOCOL_UDP));
            assertThat(bench.dispatch(p, bench.net.output(p, bench.net.nextHop4(rs))))
                    .isEqualTo("kept");
            Packets.assertSame(bench.next(1), server.get(0).bytes);
            Packets.assertSame(bench.next(1), server.get(1).bytes);
            assertThat(bench.sent(1)).isNull();
            assertThat(bench.leaked()).isZero();
        }
    }

    @Test
    void shouldCutIntoWhatReassemblesToThePacket() {
        SeededTest.run(60, random -> {
            int mtu = 68 + random.nextInt(1400);
            byte[] options = new byte[random.nextInt(3) * 8];
            if (options.length > 0) {
                options[0] = (byte) (random.nextBoolean() ? 0x94 : 0x44); // router alert is copied, timestamp is not
                options[1] = 4;
                Arrays.fill(options, 4, options.length, (byte) 1);
            }
            byte[] frame = eth(PacketBuilder.CLIENT_MAC, NetHarness.CLIENT_PORT_MAC)
                    .ipv4(CLIENT, RS)
                    .id(random.nextInt(65536))
                    .ipOptions(options)
                    .fragment(random.nextInt(3) * 64, random.nextBoolean())
                    .protocol(99)
                    .payload(8 + random.nextInt(1400))
                    .build();
            try (NetHarness bench = bench(mtu)) {
                resolve(bench);
                Packet p = bench.receive(0, frame);
                bench.dispatch(p, bench.net.output(p, bench.net.nextHop4(PacketBuilder.ip4(RS))));
                assertThat(reassembled(bench, frame, mtu, options))
                        .isEqualTo(Arrays.copyOfRange(frame, IP + 20 + options.length, frame.length));
                assertThat(bench.leaked()).isZero();
            }
        });
    }

    private static byte[] reassembled(NetHarness bench, byte[] whole, int mtu, byte[] options) {
        int header = 20 + options.length;
        int base = at16(whole, IP + 6);
        byte[] data = new byte[whole.length - IP - header];
        int expected = 0;
        for (byte[] piece = bench.sent(1); piece != null; piece = bench.sent(1)) {
            Packets.assertChecksums(piece);
            int total = at16(piece, IP + 2);
            assertThat(total).isLessThanOrEqualTo(mtu).isEqualTo(piece.length - IP);
            int flags = at16(piece, IP + 6);
            assertThat((flags & 0x1fff) - (base & 0x1fff)).isEqualTo(expected / 8);
            System.arraycopy(piece, IP + header, data, expected, total - header);
            expected += total - header;
            boolean last = expected == data.length;
            assertThat(flags & 0x2000).isEqualTo(last ? base & 0x2000 : 0x2000);
            if (options.length > 0) {
                boolean kept = options[0] < 0 || expected == total - header;
                assertThat(piece[IP + 20]).isEqualTo(kept ? options[0] : 1);
            }
        }
        assertThat(expected).isEqualTo(data.length);
        return data;
    }

    private static int at16(byte[] bytes, int offset) {
        return (bytes[offset] & 0xff) << 8 | (bytes[offset + 1] & 0xff);
    }

    @Test
    void shouldHoldThePiecesForAnUnresolvedNeighbour() {
        try (NetHarness bench = bench(600)) {
            assertThat(bench.send(eth().ipv4(CLIENT, RS).udp(1, 2).payload(1000), RS))
                    .isEqualTo("kept");
            bench.sent(1);
            bench.input(1, eth(SERVER, RS_PORT_MAC).arpReply(RS, "198.18.20.1"));
            assertThat(bench.io.sentCount(1)).isEqualTo(2);
            assertThat(bench.leaked()).isZero();
        }
    }

    @Test
    void shouldNeverSendOnWhatMustNotBeCut() {
        try (NetHarness bench = bench(1300)) {
            resolve(bench);
            assertThat(bench.send(eth().ipv4(CLIENT, RS).df().udp(1, 2).payload(1400), RS))
                    .isEqualTo("drop too-big");
            assertThat(bench.send6(eth().ipv6(CLIENT6, RS6).udp(1, 2).payload(1400), RS6))
                    .isEqualTo("drop too-big");
            bench.drain();
        }
    }
}
