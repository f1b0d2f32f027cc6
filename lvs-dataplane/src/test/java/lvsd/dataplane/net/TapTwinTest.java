package lvsd.dataplane.net;

import static lvsd.dataplane.net.NetHarness.CLIENT;
import static lvsd.dataplane.net.NetHarness.CLIENT_PORT_MAC;
import static lvsd.dataplane.net.NetHarness.OWN;
import static lvsd.dataplane.net.NetHarness.PEER;
import static lvsd.dataplane.net.NetHarness.RS;
import static lvsd.dataplane.net.NetHarness.RS_PORT_MAC;
import static lvsd.dataplane.net.NetHarness.SERVER;
import static lvsd.wire.PacketBuilder.eth;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import lvsd.config.DaemonConfig;
import lvsd.linux.Interfaces;
import lvsd.linux.Privilege;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The exception path with a real kernel behind it, in a network namespace of the test's own; ports are in memory. */
@Tag("privileged")
@Timeout(60)
class TapTwinTest {
    private static final DaemonConfig.Punt LIMITS = new DaemonConfig.Punt(true, 1000, 1000, 1000, 1000);
    private static final int ROUNDS = 20_000;

    /** A director with twins "client" and "rs". */
    private static final class Bench implements AutoCloseable {
        final NetHarness harness;
        final List<TapTwin> twins;
        final PuntThread kernel;

        Bench() {
            NetHarness.Config config = NetHarness.config();
            harness = new NetHarness(config.build(), LIMITS);
            NetConfig built = harness.net.config();
            twins = List.of(
                    TapTwin.open(built.iface(0), true, config.routes),
                    TapTwin.open(built.iface(1), true, config.routes),
                    TapTwin.open(built.iface(2), true, config.routes));
            kernel = new PuntThread(new Punter[] {harness.punter}, twins.toArray(Twin[]::new), built);
        }

        /** Lets the kernel work until it sends the wanted frame on {@code port}; other frames are thrown away. */
        byte[] await(int port, Predicate<Map<String, String>> wanted) throws InterruptedException {
            for (int i = 0; i < ROUNDS; i++) {
                harness.net.poll(++harness.now);
                kernel.round();
                while (harness.io.sentCount(port) > 0) {
                    byte[] frame = harness.next(port);
                    if (wanted.test(Packets.fields(frame))) {
                        return frame;
                    }
                }
                if (i > 100) {
                    Thread.sleep(1); // the kernel works in threads of its own
                }
            }
            throw new AssertionError("the kernel did not send the frame");
        }

        @Override
        public void close() {
            harness.net.poll(++harness.now);
            kernel.close();
            twins.forEach(TapTwin::close);
            assertThat(harness.leaked()).isLessThanOrEqualTo(1);
            harness.close();
        }
    }

    private static Interface moved(Interface from, String address) {
        return new Interface(
                from.index(),
                from.name(),
                from.port(),
                from.vlanId(),
                from.mac(),
                from.mtu(),
                List.of(NetHarness.prefix(address, 24)),
                from.floating(),
                from.reversePath());
    }

    private static DaemonConfig.Route route(String via) {
        return new DaemonConfig.Route(
                NetHarness.prefix("203.0.113.0", 24),
                Optional.of(NetHarness.prefix(via, 32).address()),
                Optional.empty());
    }

    @Test
    void shouldLookLikeThePortToTheKernel() throws Exception {
        Privilege.inNewNetwork(() -> {
            try (Bench bench = new Bench()) {
                String shown = Privilege.run("ip", "addr", "show", "client");
                assertThat(shown)
                        .contains("mtu 1500", CLIENT_PORT_MAC, OWN + "/24", "2001:db8:a::1/64", "fe80::ff:fe00:2/64");
                assertThat(Privilege.run("ip", "route"))
                        .contains("default via 198.18.10.254 dev client", "metric 1000", "198.18.20.0/24 dev rs");
                assertThat(Privilege.run("ip", "-6", "route")).contains("default via 2001:db8:a::fe dev client");
                assertThat(Privilege.run("sysctl", "-n", "net.ipv4.conf.rs.forwarding"))
                        .isEqualToIgnoringNewLines("1");
                bench.twins.getFirst().carrier(false);
                assertThat(Privilege.run("ip", "link", "show", "client")).contains("NO-CARRIER");
                bench.twins.getFirst().carrier(true);
                Interface client = bench.harness.net.config().iface(0);
                bench.twins.getFirst().network(moved(client, "198.18.10.9"), List.of(route("198.18.10.77")));
                assertThat(Privilege.run("ip", "addr", "show", "client"))
                        .contains("198.18.10.9/24")
                        .doesNotContain(OWN + "/24");
                assertThat(Privilege.run("ip", "route"))
                        .contains("203.0.113.0/24 via 198.18.10.77 dev client")
                        .doesNotContain("default");
                bench.twins.getFirst().network(client, List.of());
                assertThat(Privilege.run("ip", "route")).doesNotContain("203.0.113.0/24");
                assertThat(Privilege.run("ip", "addr", "show", "client")).contains(OWN + "/24");
            }
            assertThat(Interfaces.exists("client")).isFalse();
            return null;
        });
    }

    @Test
    void shouldLetAProgramOfTheHostSpeakThroughThePort() throws Exception {
        Privilege.inNewNetwork(() -> {
            try (Bench bench = new Bench();
                    DatagramSocket program = new DatagramSocket(7777, InetAddress.getByName(OWN))) {
                bench.harness.input(
                        0, eth().ipv4(CLIENT, OWN).ttl(1).udp(1000, 7777).payload("question"));
                bench.kernel.round();
                byte[] buffer = new byte[100];
                DatagramPacket question = new DatagramPacket(buffer, buffer.length);
                program.setSoTimeout(5000);
                program.receive(question);
                assertThat(new String(buffer, 0, question.getLength(), StandardCharsets.US_ASCII))
                        .isEqualTo("question");
                assertThat(question.getAddress().getHostAddress()).isEqualTo(CLIENT);

                program.send(new DatagramPacket(
                        "answer".getBytes(StandardCharsets.US_ASCII), 6, question.getSocketAddress()));
                byte[] arp = bench.await(0, fields -> CLIENT.equals(fields.get("arp.targetIp")));
                assertThat(Packets.fields(arp))
                        .containsEntry("arp.senderMac", CLIENT_PORT_MAC)
                        .containsEntry("arp.senderIp", OWN);
                assertThat(bench.harness.input(0, eth().arpReply(CLIENT, OWN))).isEqualTo("punt NEIGHBOUR");
                byte[] answer = bench.await(0, fields -> fields.containsKey("udp.srcPort"));
                Packets.assertSame(
                        answer,
                        eth(CLIENT_PORT_MAC, PEER)
                                .ipv4(OWN, CLIENT)
                                .df()
                                .udp(7777, 1000)
                                .payload("answer")
                                .build(),
                        "ip.id",
                        "ip.checksum");
                Packets.assertChecksums(answer);
            }
            return null;
        });
    }

    @Test
    void shouldLetAProgramOfTheHostSpeakThroughAVlan() throws Exception {
        Privilege.inNewNetwork(() -> {
            try (Bench bench = new Bench();
                    DatagramSocket program = new DatagramSocket(7777, InetAddress.getByName("10.5.0.1"))) {
                assertThat(Privilege.run("ip", "addr", "show", "rs.5"))
                        .contains("mtu 1400", RS_PORT_MAC, "10.5.0.1/16");
                assertThat(Privilege.run("ip", "route")).contains("203.0.113.0/24 via 10.5.0.9 dev rs.5");
                bench.harness.input(
                        1,
                        eth(SERVER, RS_PORT_MAC)
                                .vlan(5)
                                .ipv4("10.5.0.7", "10.5.0.1")
                                .udp(1000, 7777)
                                .payload("question"));
                bench.kernel.round();
                DatagramPacket question = new DatagramPacket(new byte[100], 100);
                program.setSoTimeout(5000);
                program.receive(question);
                assertThat(question.getLength()).isEqualTo(8);
                program.send(new DatagramPacket(
                        "answer".getBytes(StandardCharsets.US_ASCII), 6, question.getSocketAddress()));
                byte[] arp = bench.await(1, fields -> "10.5.0.7".equals(fields.get("arp.targetIp")));
                assertThat(Packets.fields(arp))
                        .containsEntry("vlan0.tci", "0x5")
                        .containsEntry("arp.senderIp", "10.5.0.1");
            }
            return null;
        });
    }

    @Test
    void shouldLetTheKernelForwardWhatIsNeitherBalancedNorOurs() throws Exception {
        Privilege.inNewNetwork(() -> {
            try (Bench bench = new Bench()) {
                PacketBuilder out = eth(SERVER, RS_PORT_MAC)
                        .ipv4(RS, CLIENT)
                        .ttl(9)
                        .udp(4000, 53)
                        .payload("dns");
                assertThat(bench.harness.input(1, out)).isEqualTo("punt REST");
                bench.await(0, fields -> CLIENT.equals(fields.get("arp.targetIp")));
                bench.harness.input(0, eth().arpReply(CLIENT, OWN));
                byte[] forwarded = bench.await(0, fields -> fields.containsKey("udp.srcPort"));
                Packets.assertSame(
                        forwarded,
                        eth(CLIENT_PORT_MAC, PEER)
                                .ipv4(RS, CLIENT)
                                .ttl(8)
                                .udp(4000, 53)
                                .payload("dns")
                                .build());

                PacketBuilder expired =
                        eth(SERVER, RS_PORT_MAC).ipv4(RS, "8.8.8.8").ttl(1).udp(4000, 53);
                bench.harness.input(1, expired);
                bench.await(1, fields -> RS.equals(fields.get("arp.targetIp")));
                bench.harness.input(1, eth(SERVER, RS_PORT_MAC).arpReply(RS, "198.18.20.1"));
                byte[] error = bench.await(1, fields -> "11".equals(fields.get("icmp.type")));
                assertThat(Packets.fields(error))
                        .containsEntry("ip.src", "198.18.20.1")
                        .containsEntry("ip.dst", RS);
            }
            return null;
        });
    }

    @Test
    void shouldTakeTheKernelsMulticastToTheWireUnchanged() throws Exception {
        Privilege.inNewNetwork(() -> {
            try (Bench bench = new Bench();
                    java.net.MulticastSocket program = new java.net.MulticastSocket()) {
                program.setNetworkInterface(java.net.NetworkInterface.getByName("client"));
                program.setTimeToLive(1);
                program.send(new DatagramPacket(new byte[20], 20, InetAddress.getByName("224.0.0.5"), 520));
                byte[] frame = bench.await(0, fields -> "224.0.0.5".equals(fields.get("ip.dst")));
                assertThat(Packets.fields(frame))
                        .containsEntry("ip.ttl", "1")
                        .containsEntry("eth.dst", "01:00:5e:00:00:05")
                        .containsEntry("eth.src", CLIENT_PORT_MAC);
            }
            return null;
        });
    }
}
