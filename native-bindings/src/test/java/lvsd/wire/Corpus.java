package lvsd.wire;

import static lvsd.wire.PacketBuilder.eth;
import static lvsd.wire.PacketBuilder.mss;
import static lvsd.wire.PacketBuilder.nop;
import static lvsd.wire.PacketBuilder.sack;
import static lvsd.wire.PacketBuilder.sackOk;
import static lvsd.wire.PacketBuilder.timestamps;
import static lvsd.wire.PacketBuilder.toa;
import static lvsd.wire.PacketBuilder.windowScale;

import java.util.ArrayList;
import java.util.List;

/** Frames to start from when fuzzing: captures of real traffic through a kernel director, and made-up rarer kinds. */
public final class Corpus {
    /** The captures, resources beside this class. */
    public static final List<String> CAPTURES = List.of(
            "dr-tcp-client.pcap",
            "dr6-tcp-client.pcap",
            "nat-frag-needed-rs-side-client.pcap",
            "nat-port-reuse-time-wait-rs.pcap",
            "nat-rs-admin-prohibited-client.pcap",
            "nat-rs-host-unreachable-client.pcap",
            "nat-tcp-server-rst-rs.pcap",
            "nat-ttl-2-and-1-client.pcap",
            "nat-udp-df-too-big-client.pcap",
            "nat-udp-fragments-rs.pcap",
            "nat6-hop-limit-client.pcap",
            "no-rs-udp-client.pcap",
            "tun-gre-rs.pcap",
            "tun-ipip-no-df-rs.pcap",
            "sync-v0-many.pcap",
            "sync-v1-group-ipv6.pcap",
            "sync-v1-mixed-v4-v6.pcap",
            "sync-v1-sip.pcap");

    private static final String A4 = "198.18.10.2";
    private static final String B4 = "192.0.2.10";
    private static final String A6 = "2001:db8:a::2";
    private static final String B6 = "2001:db8:ff::10";

    private Corpus() {}

    /** The frames of one capture of {@link #CAPTURES}. */
    public static List<byte[]> capture(String name) {
        return Pcap.resource("/lvsd/wire/corpus/" + name).stream()
                .map(frame -> frame.bytes)
                .toList();
    }

    /** All captured frames. */
    public static List<byte[]> captured() {
        return CAPTURES.stream().flatMap(name -> capture(name).stream()).toList();
    }

    /** All frames, captured and made up. */
    public static List<byte[]> frames() {
        List<byte[]> frames = new ArrayList<>(captured());
        frames.addAll(madeUp());
        return frames;
    }

    /** Made-up frames of the kinds that the captures lack; all of them right. */
    public static List<byte[]> madeUp() {
        List<byte[]> frames = new ArrayList<>();
        addLayer2(frames);
        addIpv4(frames);
        addIpv6(frames);
        return frames;
    }

    private static void addLayer2(List<byte[]> frames) {
        frames.add(eth().arpRequest(A4, B4).padded().build());
        frames.add(eth().arpReply(B4, A4).vlan(5).build());
        frames.add(
                eth().serviceVlan(7).vlan(5).ipv4(A4, B4).udp(1, 53).payload(33).build());
        frames.add(eth().vlan(5, 3).ipv6(A6, B6).tcp(1, 80).flags("S").build());
        frames.add(eth().etherType(0x88cc).payload(40).build());
    }

    private static void addIpv4(List<byte[]> frames) {
        PacketBuilder tcp =
                eth().ipv4(A4, B4).df().tcp(40000, 80).seq(0xffff_fff0).ack(7);
        frames.add(tcp.copy()
                .flags("S")
                .options(mss(1460), sackOk(), timestamps(-1, 0), nop(), windowScale(7))
                .padded()
                .build());
        frames.add(tcp.copy()
                .flags("P.")
                .options(toa("203.0.113.9", 4321), nop(), nop(), timestamps(5, 6))
                .payload("GET / HTTP/1.0\r\n\r\n")
                .build());
        frames.add(tcp.copy()
                .flags(".")
                .options(nop(), nop(), timestamps(5, 6), nop(), nop(), sack(1, 2, -5, 9, 30, 40))
                .build());
        frames.add(tcp.copy()
                .flags("FU.")
                .urgent(3)
                .ipOptions((byte) 7, (byte) 7, (byte) 4, (byte) 1)
                .build());
        frames.add(eth().ipv4(A4, B4).udp(9999, 53).payload(7).padded().build());
        frames.add(
                eth().ipv4(A4, B4).udp(9999, 53).lieChecksum(0).payload("none").build());
        byte[] quote = tcp.copy().flags(".").payload(64).buildIp();
        frames.add(
                eth().ipv4(B4, A4).tos(0xc0).icmp(3, 4).rest(1400).quote(quote).build());
        frames.add(eth().ipv4(A4, B4).echoRequest(3, 4).payload(56).build());
        frames.add(eth().ipv4(A4, B4)
                .sctp(7, 8, 0x01020304)
                .chunk(1, 0, new byte[16])
                .build());
        frames.add(eth().ipv4(A4, B4)
                .sctp(7, 8, 9)
                .chunk(10, 0, new byte[5])
                .chunk(0, 3, new byte[21])
                .build());
        frames.add(eth("02:00:00:00:00:03", "01:00:5e:00:00:12")
                .ipv4(A4, "224.0.0.18")
                .ttl(255)
                .protocol(112)
                .payload(20)
                .build());
    }

    private static void addIpv6(List<byte[]> frames) {
        PacketBuilder ip = eth().ipv6(A6, B6).flowLabel(0xabcde);
        byte[] authentication = new byte[24];
        authentication[1] = 4; // 24 bytes: in words, less two
        frames.add(ip.copy().neighbourSolicitation(B6, PacketBuilder.CLIENT_MAC).build());
        frames.add(ip.copy()
                .neighbourAdvertisement(A6, PacketBuilder.CLIENT_MAC)
                .rest(0x6000_0000)
                .build());
        frames.add(ip.copy().icmp(133, 0).ttl(255).build());
        frames.add(ip.copy().echoRequest(1, 2).payload(9).build());
        frames.add(ip.copy().udp(1000, 53).payload(31).build());
        frames.add(ip.copy()
                .optionsHeader(0, 0)
                .optionsHeader(60, 2)
                .tcp(1, 80)
                .flags("S")
                .options(mss(1440))
                .build());
        frames.add(ip.copy().routing(0).udp(1, 53).payload(5).build());
        frames.add(ip.copy()
                .fragmentHeader(0, true, 77)
                .udp(1, 53)
                .lieUdpLength(3000)
                .payload(128)
                .build());
        frames.add(ip.copy()
                .fragmentHeader(1232, false, 77)
                .protocol(17)
                .payload(64)
                .build());
        frames.add(
                ip.copy().extension(51, authentication).protocol(50).payload(16).build());
        byte[] quote = ip.copy().udp(1000, 53).payload(48).buildIp();
        frames.add(eth().ipv6(B6, A6).icmp(2, 0).rest(1280).quote(quote).build());
        frames.add(eth().ipv6(B6, A6).icmp(1, 4).quote(quote).build());
        frames.add(ip.copy().sctp(7, 8, 9).chunk(3, 0, new byte[12]).build());
    }
}
