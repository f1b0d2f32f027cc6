package lvsd.wire;

import static lvsd.wire.EthernetTest.assertExactly;
import static lvsd.wire.PacketBuilder.eth;
import static lvsd.wire.PacketBuilder.ip4;
import static org.assertj.core.api.Assertions.assertThat;

import lvsd.memory.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class Ipv4Test {
    private static final PacketBuilder PACKET = eth().ipv4("192.0.2.1", "198.51.100.2")
            .tos(0xc1)
            .id(0x1234)
            .df()
            .fragment(1480, true)
            .ttl(3)
            .protocol(6)
            .payload(30);

    private final PacketMemory memory = new PacketMemory();

    @AfterEach
    void unmap() {
        memory.close();
    }

    @Test
    void shouldDeconstruct() {
        long ip = memory.put(PACKET.buildIp());
        assertThat(Ipv4.check(ip, 50)).isEqualTo(20);
        assertThat(Ipv4.version(ip)).isEqualTo(4);
        assertThat(Ipv4.versionAndLength(ip)).isEqualTo(0x45);
        assertThat(Ipv4.headerLength(ip)).isEqualTo(20);
        assertThat(Ipv4.tos(ip)).isEqualTo(0xc1);
        assertThat(Ipv4.totalLength(ip)).isEqualTo(50);
        assertThat(Ipv4.id(ip)).isEqualTo(0x1234);
        assertThat(Ipv4.flagsAndOffset(ip)).isEqualTo(0x6000 | 185);
        assertThat(Ipv4.dontFragment(ip)).isTrue();
        assertThat(Ipv4.moreFragments(ip)).isTrue();
        assertThat(Ipv4.fragmentOffset(ip)).isEqualTo(1480);
        assertThat(Ipv4.ttl(ip)).isEqualTo(3);
        assertThat(Ipv4.protocol(ip)).isEqualTo(6);
        assertThat(Ipv4.source(ip)).isEqualTo(ip4("192.0.2.1"));
        assertThat(Ipv4.destination(ip)).isEqualTo(ip4("198.51.100.2"));
        assertThat(Ipv4.addresses(ip)).isEqualTo(Ipv4.pair(ip4("192.0.2.1"), ip4("198.51.100.2")));
        assertThat(Ipv4.verifyChecksum(ip, 20)).isTrue();
    }

    @Test
    void shouldConstruct() {
        byte[] expected = PACKET.copy().payload(0).buildIp();
        long ip = memory.blank(20);
        Ipv4.setHeaderLength(ip, 20);
        Ipv4.setTos(ip, 0xc1);
        Ipv4.setTotalLength(ip, 20);
        Ipv4.setId(ip, 0x1234);
        Ipv4.setFlagsAndOffset(ip, 0x6000 | 185);
        Ipv4.setTtl(ip, 3);
        Ipv4.setProtocol(ip, 6);
        Ipv4.setSource(ip, ip4("192.0.2.1"));
        Ipv4.setDestination(ip, ip4("198.51.100.2"));
        Ipv4.updateChecksum(ip, 20);
        assertExactly(ip, expected);
        Ipv4.setAddresses(ip, -1);
        Ipv4.setAddresses(ip, Ipv4.pair(ip4("192.0.2.1"), ip4("198.51.100.2")));
        assertExactly(ip, expected);
    }

    @Test
    void shouldTakePairsOfAddressesApart() {
        long pair = Ipv4.pair(ip4("255.0.0.1"), ip4("128.0.0.255"));
        assertThat(Ipv4.pairSource(pair)).isEqualTo(ip4("255.0.0.1"));
        assertThat(Ipv4.pairDestination(pair)).isEqualTo(ip4("128.0.0.255"));
    }

    @Test
    void shouldRefuseImpossibleLengths() {
        byte[] right = PACKET.buildIp();
        long ip = memory.put(right);
        for (int available = 0; available < 50; available++) {
            assertThat(Ipv4.check(ip, available)).isEqualTo(Check.TRUNCATED);
            assertThat(Ipv4.checkQuoted(ip, available)).isEqualTo(available < 20 ? Check.TRUNCATED : 20);
        }
        assertThat(Ipv4.check(ip, 60)).isEqualTo(20);
        assertProblem(PACKET.copy().lieVersion(6), Check.MALFORMED, Check.MALFORMED);
        assertProblem(PACKET.copy().lieIpHeaderLength(16), Check.MALFORMED, Check.MALFORMED);
        assertProblem(PACKET.copy().lieIpHeaderLength(56), Check.MALFORMED, Check.MALFORMED);
        assertProblem(PACKET.copy().lieIpLength(19), Check.MALFORMED, Check.MALFORMED);
        assertProblem(PACKET.copy().lieIpLength(51), Check.TRUNCATED, 20);
        assertProblem(PACKET.copy().lieIpLength(65535).lieIpHeaderLength(60), Check.TRUNCATED, Check.TRUNCATED);
        assertProblem(PACKET.copy().ipOptions(new byte[40]), 60, 60);
    }

    private void assertProblem(PacketBuilder packet, int checked, int quoted) {
        byte[] bytes = packet.buildIp();
        long ip = memory.putAtEnd(bytes);
        assertThat(Ipv4.check(ip, bytes.length)).isEqualTo(checked);
        assertThat(Ipv4.checkQuoted(ip, bytes.length)).isEqualTo(quoted);
    }

    @Test
    void shouldKnowFragments() {
        assertFragment(0, false, false);
        assertFragment(0x4000, false, false);
        assertFragment(0x8000, false, false);
        assertFragment(0x2000, true, false);
        assertFragment(0x2001, true, true);
        assertFragment(0x0001, true, true);
        assertFragment(0x5fff, true, true);
    }

    private void assertFragment(int flagsAndOffset, boolean fragment, boolean later) {
        long ip = memory.put(PACKET.buildIp());
        Ipv4.setFlagsAndOffset(ip, flagsAndOffset);
        assertThat(Ipv4.isFragment(ip)).isEqualTo(fragment);
        assertThat(Ipv4.isLaterFragment(ip)).isEqualTo(later);
    }

    @Test
    void shouldDecrementTtlAndKeepTheChecksumRight() {
        for (int ttl = 1; ttl < 256; ttl++) {
            for (int protocol = 0; protocol < 256; protocol += 17) {
                PacketBuilder packet = PACKET.copy().protocol(protocol);
                long ip = memory.put(packet.ttl(ttl).buildIp());
                Ipv4.decrementTtl(ip);
                byte[] expected = packet.ttl(ttl - 1).buildIp();
                assertThat(PacketMemory.bytes(ip, expected.length)).isEqualTo(expected);
            }
        }
    }

    @Test
    void shouldComputeChecksumsOfHeadersWithAndWithoutOptions() {
        SeededTest.run(1_000, random -> {
            byte[] options = new byte[4 * random.nextInt(11)];
            random.nextBytes(options);
            PacketBuilder packet = PACKET.copy()
                    .id(random.nextInt(0x10000))
                    .tos(random.nextInt(256))
                    .ipOptions(options);
            byte[] right = packet.buildIp();
            long ip = memory.putAtEnd(
                    packet.lieIpChecksum(random.nextInt(0x10000)).buildIp());
            Ipv4.updateChecksum(ip, 20 + options.length);
            assertThat(PacketMemory.bytes(ip, right.length)).isEqualTo(right);
            assertThat(Ipv4.verifyChecksum(ip, 20 + options.length)).isTrue();
            Ipv4.setId(ip, Ipv4.id(ip) ^ 1 << random.nextInt(16));
            assertThat(Ipv4.verifyChecksum(ip, 20 + options.length)).isFalse();
        });
    }

    /** What the packet path does per packet: new addresses, TTL less one, one precomputed delta for both. */
    @Test
    void shouldTranslateAddressesAndTtlByOneDelta() {
        SeededTest.run(2_000, random -> {
            PacketBuilder packet = PACKET.copy().id(random.nextInt(0x10000)).ttl(1 + random.nextInt(255));
            long ip = memory.put(packet.buildIp());
            long translated = random.nextInt(4) == 0 ? Ipv4.addresses(ip) : random.nextLong();
            int delta = Checksum.add(Checksum.deltaLong(Ipv4.addresses(ip), translated), Ipv4.TTL_DELTA);
            Ipv4.setAddresses(ip, translated);
            Ipv4.setTtl(ip, Ipv4.ttl(ip) - 1);
            Ipv4.setChecksum(ip, Checksum.apply(Ipv4.checksum(ip), delta));
            assertThat(Ipv4.checksum(ip)).isEqualTo(Ipv4.computeChecksum(ip, 20));
        });
    }

    /** The same in two stores, with the ports behind the header in the second. */
    @Test
    void shouldRewriteAddressesPortsAndTtlInTwoStores() {
        SeededTest.run(2_000, random -> {
            PacketBuilder packet = PACKET.copy().id(random.nextInt(0x10000)).ttl(1 + random.nextInt(255));
            long ip = memory.put(packet.buildIp());
            int ttl = Ipv4.ttl(ip);
            long translated = random.nextInt(4) == 0 ? Ipv4.addresses(ip) : random.nextLong();
            int delta = random.nextInt(4) == 0 && translated == Ipv4.addresses(ip)
                    ? 0
                    : Checksum.deltaLong(Ipv4.addresses(ip), translated);
            long behindPorts = Memory.getLong(ip, 64, 24);
            if (random.nextBoolean()) {
                Ipv4.rewrite(ip, Ipv4.middle(ip), translated, delta);
            } else {
                int ports = random.nextInt();
                Ipv4.rewrite(ip, Ipv4.middle(ip), translated, ports, delta);
                assertThat(Memory.getInt(ip, 64, 20)).isEqualTo(ports);
            }
            assertThat(Ipv4.ttl(ip)).isEqualTo(ttl - 1);
            assertThat(Ipv4.addresses(ip)).isEqualTo(translated);
            assertThat(Ipv4.checksum(ip)).isEqualTo(Ipv4.computeChecksum(ip, 20));
            assertThat(Memory.getLong(ip, 64, 24)).isEqualTo(behindPorts);
        });
    }
}
