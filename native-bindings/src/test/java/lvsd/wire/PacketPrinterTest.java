package lvsd.wire;

import static lvsd.wire.PacketBuilder.eth;
import static lvsd.wire.PacketBuilder.ip4;
import static lvsd.wire.PacketBuilder.ip6High;
import static lvsd.wire.PacketBuilder.ip6Low;
import static lvsd.wire.PacketBuilder.mss;
import static lvsd.wire.PacketBuilder.nop;
import static lvsd.wire.PacketBuilder.sack;
import static lvsd.wire.PacketBuilder.sackOk;
import static lvsd.wire.PacketBuilder.timestamps;
import static lvsd.wire.PacketBuilder.toa;
import static lvsd.wire.PacketBuilder.windowScale;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class PacketPrinterTest {
    private static final String MACS = "02:00:00:00:00:01 > 02:00:00:00:00:02, ";
    private static final PacketBuilder TCP =
            eth().ipv4("10.0.0.1", "10.0.0.2").tcp(1234, 80).seq(7).ack(-1);

    @Test
    void shouldPrintTcpWithItsOptions() {
        assertThat(print(TCP.copy()
                        .vlan(5)
                        .df()
                        .flags("S")
                        .options(mss(1460), sackOk(), timestamps(1, -1), nop(), windowScale(7))))
                .isEqualTo("vlan 5, IP 10.0.0.1.1234 > 10.0.0.2.80: Flags [S], seq 7, win 64240, options [mss 1460,"
                        + "sackOK,TS val 1 ecr 4294967295,wscale 7], length 0 (ttl 64, id 0, DF)");
        assertThat(print(TCP.copy()
                        .flags("P.U")
                        .urgent(3)
                        .options(toa("1.2.3.4", 99), sack(1, 2))
                        .payload(5)))
                .isEqualTo("IP 10.0.0.1.1234 > 10.0.0.2.80: Flags [P.U], seq 7, ack 4294967295, win 64240, urg 3,"
                        + " options [toa 1.2.3.4.99,sack {1:2}], length 5 (ttl 64, id 0)");
    }

    @Test
    void shouldPointAtWrongChecksums() {
        assertThat(print(TCP.copy().flags("R").lieChecksum(1).lieIpChecksum(1)))
                .endsWith("length 0 [bad ip cksum] [bad cksum] (ttl 64, id 0)");
    }

    @Test
    void shouldPrintUdpIcmpAndWhatTheyQuote() {
        PacketBuilder udp = eth().ipv4("10.0.0.1", "10.0.0.2").udp(5, 53).payload(9);
        assertThat(print(udp)).isEqualTo("IP 10.0.0.1.5 > 10.0.0.2.53: UDP, length 9 (ttl 64, id 0)");
        assertThat(print(udp.copy().lieChecksum(0))).contains("length 9 [no cksum]");
        PacketBuilder icmp = eth().ipv4("10.0.0.2", "10.0.0.1");
        assertThat(print(icmp.copy().icmp(3, 4).rest(1400).quote(Arrays.copyOf(udp.buildIp(), 28))))
                .isEqualTo("IP 10.0.0.2 > 10.0.0.1: ICMP need to frag (mtu 1400) {IP 10.0.0.1.5 > 10.0.0.2.53:"
                        + " [truncated udp] (ttl 64, id 0)} (ttl 64, id 0)");
        assertThat(print(icmp.copy().echoRequest(3, 4)))
                .isEqualTo("IP 10.0.0.2 > 10.0.0.1: ICMP echo request, id 3, seq 4, length 8 (ttl 64, id 0)");
        assertThat(print(icmp.copy().tos(0xc0).fragment(1480, true).protocol(17).payload(8)))
                .isEqualTo("IP 10.0.0.2 > 10.0.0.1: protocol 17, length 8 (ttl 64, id 0, tos 0xc0, frag 1480+)");
    }

    @Test
    void shouldPrintIpv6() {
        PacketBuilder ip = eth().ipv6("2001:db8::1", "fe80::2");
        assertThat(print(ip.copy().flowLabel(0xab).optionsHeader(0, 0).tcp(1, 2).flags(".")))
                .isEqualTo("IP6 2001:db8::1.1 > fe80::2.2: Flags [.], seq 0, ack 0, win 64240, length 0"
                        + " (hlim 64, flow 0xab, extensions 8)");
        assertThat(print(ip.copy().neighbourSolicitation("2001:db8::9", "02:00:00:00:00:01")))
                .isEqualTo("IP6 2001:db8::1 > fe80::2: ICMP6 who has 2001:db8::9, source 02:00:00:00:00:01, length 32"
                        + " (hlim 255)");
        assertThat(print(ip.copy().fragmentHeader(8, false, 1).payload(4)))
                .isEqualTo("IP6 2001:db8::1 > fe80::2: protocol 59, length 4 (hlim 64, later frag, extensions 8)");
        assertThat(print(ip.copy().icmp(2, 0).rest(1280).quote(new byte[3]))).contains("too big (mtu 1280) {IP6 [");
    }

    @Test
    void shouldPrintArpSctpAndTheUnknown() {
        assertThat(Packets.print(eth().arpRequest("10.0.0.1", "10.0.0.2").build()))
                .isEqualTo("02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, ARP who has 10.0.0.2, tell 10.0.0.1"
                        + " at 02:00:00:00:00:01");
        assertThat(print(eth().arpReply("10.0.0.1", "10.0.0.2"))).isEqualTo("ARP 10.0.0.1 is at 02:00:00:00:00:01");
        assertThat(print(eth().ipv4("10.0.0.1", "10.0.0.2").sctp(7, 8, 9).chunk(1, 0, new byte[4])))
                .isEqualTo("IP 10.0.0.1.7 > 10.0.0.2.8: SCTP tag 9 [INIT], length 20 (ttl 64, id 0)");
        assertThat(print(eth().etherType(0x88cc).payload(3))).isEqualTo("ethertype 0x88cc, length 3");
        assertThat(print(eth().etherType(46).payload(46))).isEqualTo("802.3 length 46, length 46");
        assertThat(Packets.print(new byte[5])).isEqualTo("[truncated ethernet, 5 bytes]");
    }

    @Test
    void shouldNameWhatDoesNotFit() {
        assertThat(print(TCP.copy().lieIpLength(41))).isEqualTo("IP [truncated ip]");
        assertThat(print(TCP.copy().lieIpHeaderLength(8))).isEqualTo("IP [malformed ip]");
        assertThat(print(TCP.copy().lieDataOffset(24))).contains("10.0.0.2.80: [truncated tcp]");
        assertThat(print(TCP.copy().options(new byte[] {8, 99}))).contains("options [bad]");
        PacketBuilder chain = eth().ipv6("::1", "::2");
        for (int i = 0; i < 9; i++) {
            chain.optionsHeader(60, 0);
        }
        assertThat(print(chain)).isEqualTo("IP6 ::1 > ::2: [too many extensions]");
    }

    @Test
    void shouldPrintNestedPacketsDownToALimit() {
        byte[] inner = TCP.copy().flags(".").buildIp();
        for (int i = 0; i < 3; i++) {
            inner = eth().ipv4("1.1.1.1", "2.2.2.2").protocol(4).payload(inner).buildIp();
        }
        PacketBuilder outer = eth().ipv4("3.3.3.3", "4.4.4.4").protocol(4).payload(inner);
        assertThat(print(outer))
                .contains("IP 3.3.3.3 > 4.4.4.4: IP 1.1.1.1 > 2.2.2.2: ")
                .contains("[nested too deep]");
    }

    @Test
    void shouldWriteIpv6AddressesInTheirCanonicalForm() {
        assertThat(ipv6("::")).isEqualTo("::");
        assertThat(ipv6("::1")).isEqualTo("::1");
        assertThat(ipv6("1::")).isEqualTo("1::");
        assertThat(ipv6("2001:db8:0:0:1:0:0:1")).isEqualTo("2001:db8::1:0:0:1");
        assertThat(ipv6("2001:0:0:1:0:0:0:1")).isEqualTo("2001:0:0:1::1");
        assertThat(ipv6("2001:db8:0:1:1:1:1:1")).isEqualTo("2001:db8:0:1:1:1:1:1");
        assertThat(ipv6("ABCD::EF")).isEqualTo("abcd::ef");
        SeededTest.run(2_000, random -> {
            byte[] bytes = new byte[16];
            for (int i = 0; i < 16; i += 2) {
                bytes[i + 1] = (byte) (random.nextBoolean() ? 0 : random.nextInt());
                bytes[i] = (byte) (random.nextInt(3) == 0 ? random.nextInt() : 0);
            }
            String text = ipv6(InetAddress.getByAddress(bytes).getHostAddress());
            assertThat(InetAddress.ofLiteral(text).getAddress()).hasSize(16).isEqualTo(bytes);
        });
    }

    @Test
    void shouldWriteIpv4AddressesAndMacs() {
        assertThat(PacketPrinter.appendIpv4(new StringBuilder(), ip4("255.0.128.1")))
                .hasToString("255.0.128.1");
        assertThat(PacketPrinter.appendMac(new StringBuilder(), PacketBuilder.mac("0a:ff:00:01:10:9f")))
                .hasToString("0a:ff:00:01:10:9f");
    }

    private static String ipv6(String text) {
        return PacketPrinter.appendIpv6(new StringBuilder(), ip6High(text), ip6Low(text))
                .toString();
    }

    private static String print(PacketBuilder packet) {
        String line = Packets.print(packet.build());
        assertThat(line).startsWith(MACS);
        return line.substring(MACS.length());
    }
}
