package lvsd.wire;

import static lvsd.wire.EthernetTest.assertExactly;
import static lvsd.wire.PacketBuilder.eth;
import static lvsd.wire.PacketBuilder.ip6High;
import static lvsd.wire.PacketBuilder.ip6Low;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class Ipv6Test {
    private static final String A = "2001:db8:1:2:3:4:5:6";
    private static final String B = "fe80::ffff:1";
    private static final PacketBuilder PACKET =
            eth().ipv6(A, B).tos(0xb8).flowLabel(0xabcde).ttl(7).protocol(17);

    private final PacketMemory memory = new PacketMemory();

    @AfterEach
    void unmap() {
        memory.close();
    }

    @Test
    void shouldDeconstruct() {
        long ip = memory.put(PACKET.copy().payload(9).buildIp());
        assertThat(Ipv6.check(ip, 49)).isEqualTo(40);
        assertThat(Ipv6.version(ip)).isEqualTo(6);
        assertThat(Ipv6.trafficClass(ip)).isEqualTo(0xb8);
        assertThat(Ipv6.flowLabel(ip)).isEqualTo(0xabcde);
        assertThat(Ipv6.payloadLength(ip)).isEqualTo(9);
        assertThat(Ipv6.nextHeader(ip)).isEqualTo(17);
        assertThat(Ipv6.hopLimit(ip)).isEqualTo(7);
        assertThat(Ipv6.sourceHigh(ip)).isEqualTo(ip6High(A));
        assertThat(Ipv6.sourceLow(ip)).isEqualTo(ip6Low(A));
        assertThat(Ipv6.destinationHigh(ip)).isEqualTo(ip6High(B));
        assertThat(Ipv6.destinationLow(ip)).isEqualTo(ip6Low(B));
        Ipv6.decrementHopLimit(ip);
        assertThat(Ipv6.hopLimit(ip)).isEqualTo(6);
    }

    @Test
    void shouldConstruct() {
        long ip = memory.blank(40);
        Ipv6.setVersionClassFlow(ip, 0xb8, 0xabcde);
        Ipv6.setPayloadLength(ip, 0);
        Ipv6.setNextHeader(ip, 17);
        Ipv6.setHopLimit(ip, 7);
        Ipv6.setSource(ip, ip6High(A), ip6Low(A));
        Ipv6.setDestination(ip, ip6High(B), ip6Low(B));
        assertExactly(ip, PACKET.copy().buildIp());
    }

    @Test
    void shouldRefuseImpossibleLengths() {
        long ip = memory.put(PACKET.copy().payload(9).buildIp());
        for (int available = 0; available < 49; available++) {
            assertThat(Ipv6.check(ip, available)).isEqualTo(Check.TRUNCATED);
            assertThat(Ipv6.checkQuoted(ip, available)).isEqualTo(available < 40 ? Check.TRUNCATED : 40);
        }
        assertThat(Ipv6.check(ip, 60)).isEqualTo(40);
        assertThat(Ipv6.check(memory.put(PACKET.copy().lieVersion(4).buildIp()), 40))
                .isEqualTo(Check.MALFORMED);
        assertThat(Ipv6.check(memory.put(PACKET.copy().lieIpLength(65535).buildIp()), 40))
                .isEqualTo(Check.TRUNCATED);
    }

    @Test
    void shouldPassPacketsWithoutExtensions() {
        long walked = walk(PACKET.copy().payload(9));
        assertThat(walked).isNotNegative();
        assertThat(Ipv6.offset(walked)).isEqualTo(40);
        assertThat(Ipv6.protocol(walked)).isEqualTo(17);
        assertThat(Ipv6.isFragment(walked)).isFalse();
        assertThat(Ipv6.isRouted(walked)).isFalse();
    }

    @Test
    void shouldWalkTheRecommendedOrderToTheTransportHeader() {
        byte[] authentication = new byte[24];
        authentication[1] = 4;
        long walked = walk(PACKET.copy()
                .optionsHeader(0, 1)
                .optionsHeader(60, 0)
                .routing(0)
                .fragmentHeader(0, false, 1)
                .extension(51, authentication)
                .optionsHeader(60, 31)
                .payload(8));
        assertThat(Ipv6.offset(walked)).isEqualTo(40 + 16 + 8 + 24 + 8 + 24 + 256);
        assertThat(Ipv6.protocol(walked)).isEqualTo(17);
        assertThat(Ipv6.isFragment(walked)).isTrue();
        assertThat(Ipv6.isLaterFragment(walked)).isFalse();
    }

    @Test
    void shouldStopAtTheDataOfLaterFragments() {
        // What follows looks like a destination header, but it is the middle of somebody's data.
        long walked = walk(PACKET.copy().fragmentHeader(8, true, 1).protocol(60).payload(16));
        assertThat(Ipv6.offset(walked)).isEqualTo(48);
        assertThat(Ipv6.protocol(walked)).isEqualTo(60);
        assertThat(Ipv6.isLaterFragment(walked)).isTrue();
    }

    @Test
    void shouldStopAtHeadersThatCannotBePassed() {
        for (int kind : new int[] {Ipv6.NEXT_ESP, Ipv6.NEXT_NONE, 253}) {
            long walked = walk(PACKET.copy().optionsHeader(60, 0).protocol(kind));
            assertThat(Ipv6.offset(walked)).isEqualTo(48);
            assertThat(Ipv6.protocol(walked)).isEqualTo(kind);
        }
    }

    @Test
    void shouldTellRoutedPackets() {
        assertThat(Ipv6.isRouted(walk(PACKET.copy().routing(1)))).isTrue();
        assertThat(Ipv6.isRouted(walk(PACKET.copy().routing(0)))).isFalse();
    }

    @Test
    void shouldRefuseChainsThatEndEarly() {
        byte[] packet = PACKET.copy().optionsHeader(0, 0).optionsHeader(60, 2).buildIp();
        for (int available = 40; available < packet.length; available++) {
            assertThat(Ipv6.walk(memory.put(packet), available)).isEqualTo(Check.TRUNCATED);
        }
        assertThat(Ipv6.offset(Ipv6.walk(memory.put(packet), packet.length))).isEqualTo(packet.length);
    }

    @Test
    void shouldRefuseChainsThatContradictTheStandard() {
        assertThat(walk(PACKET.copy().optionsHeader(60, 0).optionsHeader(0, 0))).isEqualTo(Check.MALFORMED);
        assertThat(walk(PACKET.copy().optionsHeader(0, 0).optionsHeader(0, 0))).isEqualTo(Check.MALFORMED);
        assertThat(walk(PACKET.copy().fragmentHeader(0, true, 1).fragmentHeader(0, true, 1)))
                .isEqualTo(Check.MALFORMED);
    }

    @Test
    void shouldGiveUpOnLongChains() {
        PacketBuilder packet = PACKET.copy();
        for (int i = 0; i < Ipv6.MAX_EXTENSIONS; i++) {
            packet.optionsHeader(60, 0);
        }
        assertThat(Ipv6.offset(walk(packet))).isEqualTo(40 + 8 * Ipv6.MAX_EXTENSIONS);
        assertThat(walk(packet.optionsHeader(60, 0))).isEqualTo(Check.TOO_MANY);
    }

    private long walk(PacketBuilder packet) {
        byte[] bytes = packet.buildIp();
        return Ipv6.walk(memory.putAtEnd(bytes), bytes.length);
    }
}
