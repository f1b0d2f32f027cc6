package lvsd.dataplane.net;

import static lvsd.dataplane.net.NetHarness.BROADCAST;
import static lvsd.dataplane.net.NetHarness.CLIENT;
import static lvsd.dataplane.net.NetHarness.CLIENT6;
import static lvsd.dataplane.net.NetHarness.CLIENT_PORT_MAC;
import static lvsd.dataplane.net.NetHarness.CONNECTED_VIP;
import static lvsd.dataplane.net.NetHarness.CONNECTED_VIP6;
import static lvsd.dataplane.net.NetHarness.LIP;
import static lvsd.dataplane.net.NetHarness.OWN;
import static lvsd.dataplane.net.NetHarness.OWN6;
import static lvsd.dataplane.net.NetHarness.PEER;
import static lvsd.dataplane.net.NetHarness.RS;
import static lvsd.dataplane.net.NetHarness.RS6;
import static lvsd.dataplane.net.NetHarness.RS_PORT_MAC;
import static lvsd.dataplane.net.NetHarness.SERVER;
import static lvsd.dataplane.net.NetHarness.VIP;
import static lvsd.dataplane.net.NetHarness.config;
import static lvsd.wire.PacketBuilder.eth;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who has the addresses that two directors share: what each of them answers, announces and lets pass. */
class RoleTest {
    private static final String FLOATING = "198.18.20.254";
    private static final String FLOATING6 = "2001:db8:b::fe";
    private static final String OTHER = "02:00:00:00:00:99";

    private NetHarness bench = new NetHarness(role(false).build());

    private static NetHarness.Config role(boolean standby) {
        NetHarness.Config config = config();
        config.floating = List.of(FLOATING, FLOATING6);
        config.standby = standby;
        return config;
    }

    private void become(boolean standby) {
        bench.net.config(role(standby).build());
    }

    @AfterEach
    void nothingLeaks() {
        assertThat(bench.leaked()).as("packets lost").isZero();
        bench.close();
    }

    private static boolean six(String address) {
        return address.indexOf(':') >= 0;
    }

    private static PacketBuilder question(int port, String target) {
        String mac = port == 0 ? PEER : SERVER;
        if (!six(target)) {
            return eth(mac, BROADCAST).arpRequest(port == 0 ? CLIENT : RS, target);
        }
        int last = Integer.parseInt(target.substring(target.lastIndexOf(':') + 1), 16);
        return eth(mac, "33:33:ff:00:%02x:%02x".formatted(last >> 8, last & 0xff))
                .ipv6(port == 0 ? CLIENT6 : RS6, "ff02::1:ff00:" + Integer.toHexString(last))
                .neighbourSolicitation(target, mac);
    }

    /** What was sent on both ports: {@code port address}, sorted; only announcements may be among it. */
    private List<String> announced() {
        List<String> lines = new ArrayList<>();
        for (int port = 0; port < 2; port++) {
            String mac = port == 0 ? CLIENT_PORT_MAC : RS_PORT_MAC;
            for (byte[] frame = bench.sent(port); frame != null; frame = bench.sent(port)) {
                Map<String, String> fields = Packets.fields(frame);
                String address = fields.getOrDefault("arp.senderIp", fields.getOrDefault("ip.src", "?"));
                PacketBuilder announcement = six(address)
                        ? eth(mac, "33:33:00:00:00:01")
                                .ipv6(address, "ff02::1")
                                .neighbourAdvertisement(address, mac)
                                .rest(0xa000_0000)
                        : tagged(eth(mac, BROADCAST), fields).arp(1, mac, address, "00:00:00:00:00:00", address);
                Packets.assertSame(frame, announcement.build());
                lines.add(port + " " + address);
            }
        }
        lines.sort(null);
        return lines;
    }

    private static PacketBuilder tagged(PacketBuilder frame, Map<String, String> fields) {
        return fields.containsKey("vlan0.tci") ? frame.vlan(5) : frame;
    }

    private static final String[] SHARED = {
        "0 " + CONNECTED_VIP, "0 " + CONNECTED_VIP6, "1 " + LIP, "1 " + FLOATING, "1 " + FLOATING6
    };

    @ParameterizedTest(name = "port {0}, {1}: active {2}, standby {3}")
    @CsvSource({
        "0, " + OWN + ", yes, yes",
        "0, " + OWN6 + ", yes, yes",
        "0, fe80::ff:fe00:2, yes, yes",
        "0, " + CONNECTED_VIP + ", yes, no",
        "0, " + CONNECTED_VIP6 + ", yes, no",
        "1, " + LIP + ", yes, no",
        "1, " + FLOATING + ", yes, no",
        "1, " + FLOATING6 + ", yes, no",
    })
    void addressesAreAnsweredForInTheirRole(int port, String target, String active, String standby) {
        for (boolean now : new boolean[] {false, true, false}) {
            become(now);
            bench.advance(5);
            bench.drain();
            String verdict = bench.input(port, question(port, target));
            boolean answered = bench.sent(port) != null;
            assertThat(answered ? "yes" : "no").as(verdict).isEqualTo(now ? standby : active);
            if (!answered) {
                assertThat(verdict).isEqualTo("drop standby");
            }
        }
    }

    @ParameterizedTest(name = "port {0} to {1}: {2}")
    @CsvSource({
        "0, " + VIP + ", drop standby",
        "0, " + CONNECTED_VIP + ", drop standby",
        "1, " + LIP + ", drop standby",
        "1, " + FLOATING + ", drop standby",
        "1, " + FLOATING6 + ", drop standby",
        "0, 198.18.77.1, drop standby",
        "0, " + OWN + ", punt REST",
        "0, " + OWN6 + ", punt REST",
    })
    void aStandbyTakesWhatIsForItself(int port, String target, String verdict) {
        become(true);
        bench.drain();
        String mac = port == 0 ? CLIENT_PORT_MAC : RS_PORT_MAC;
        PacketBuilder frame = eth(port == 0 ? PEER : SERVER, mac);
        PacketBuilder packet = six(target) ? frame.ipv6(port == 0 ? CLIENT6 : RS6, target) : frame.ipv4(CLIENT, target);
        assertThat(bench.input(port, packet.udp(1000, 7).payload("hello"))).isEqualTo(verdict);
        assertThat(announced()).isEmpty();
    }

    @Test
    void pingsToAFloatingAddressAreAnsweredByTheActiveOne() {
        PacketBuilder ping = eth(SERVER, RS_PORT_MAC).ipv4(RS, FLOATING).echoRequest(1, 1);
        assertThat(bench.input(1, ping)).isEqualTo("transmit port 1");
        bench.drain();
        become(true);
        bench.drain();
        assertThat(bench.input(1, ping)).isEqualTo("drop standby");
    }

    @Test
    void becomingActiveAnnouncesAllSharedAddressesAtOnceAndAgain() {
        become(true);
        bench.advance(5);
        bench.drain();
        become(false);
        for (int time = 0; time < 3; time++) {
            bench.advance(time == 0 ? 1.0 / Net.TICKS_PER_SECOND : 1);
            assertThat(announced()).as("time " + time).containsExactlyInAnyOrder(SHARED);
        }
        bench.advance(10);
        assertThat(announced()).isEmpty();
    }

    @Test
    void howOftenAndHowFastIsSet() {
        become(true);
        bench.advance(5);
        bench.drain();
        NetHarness.Config config = role(false);
        config.settings =
                NetSettings.of(Map.of("announce_count", "5", "announce_interval", "100", "announce_refresh", "10"));
        bench.net.config(config.build());
        bench.advance(0.02);
        assertThat(announced()).containsExactlyInAnyOrder(SHARED);
        for (int time = 1; time < 5; time++) {
            bench.advance(0.1);
            assertThat(announced()).as("time " + time).containsExactlyInAnyOrder(SHARED);
        }
        bench.advance(0.5);
        assertThat(announced()).isEmpty();
        bench.advance(10);
        assertThat(announced()).contains(SHARED);
    }

    @Test
    void becomingStandbyAnnouncesNothingMore() {
        become(true);
        bench.advance(5);
        bench.drain();
        become(false);
        bench.advance(0.5);
        bench.drain();
        become(true);
        bench.advance(5);
        assertThat(announced()).isEmpty();
    }

    @Test
    void anActiveOneAnnouncesAgainWhenAsked() {
        bench.advance(5);
        bench.drain();
        bench.net.announce();
        bench.advance(0.1);
        assertThat(announced()).contains(SHARED).contains("0 " + OWN);
        bench.advance(5);
        bench.drain();
    }

    @Test
    void aStandbyHearsTheOtherOneAnnounceAndSpeak() {
        become(true);
        bench.drain();
        PacketBuilder announcement =
                eth(OTHER, BROADCAST).arp(1, OTHER, CONNECTED_VIP, "00:00:00:00:00:00", CONNECTED_VIP);
        assertThat(bench.input(0, announcement)).isEqualTo("punt REST");
        PacketBuilder answer = eth(OTHER, CLIENT_PORT_MAC)
                .ipv4(CONNECTED_VIP, OWN)
                .udp(80, 50_000)
                .payload("x");
        assertThat(bench.input(0, answer)).isEqualTo("punt HEALTH");
    }

    @Test
    void packetsThatWaitForANeighbourDoNotLeaveAStandby() {
        bench.send(eth().ipv4(CLIENT, RS).udp(1000, 53).payload("hello"), RS);
        bench.drain();
        become(true);
        bench.input(1, eth(SERVER, RS_PORT_MAC).arpReply(RS, "198.18.20.1"));
        assertThat(announced()).isEmpty();
        bench.advance(5);
        bench.drain();
    }
}
