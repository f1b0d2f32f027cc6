package lvsd.wire;

import static lvsd.wire.PacketBuilder.eth;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import lvsd.memory.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ChecksumTest {
    private final PacketMemory memory = new PacketMemory();

    @AfterEach
    void unmap() {
        memory.close();
    }

    @Test
    void shouldSumTheExampleOfRfc1071() {
        long address = memory.put(
                new byte[] {0x00, 0x01, (byte) 0xf2, 0x03, (byte) 0xf4, (byte) 0xf5, (byte) 0xf6, (byte) 0xf7});
        assertThat(WireForm.short16(Checksum.sum(address, 8))).isEqualTo(0xddf2);
        assertThat(WireForm.short16(Checksum.finish(Checksum.sum(address, 8)))).isEqualTo(0x220d);
    }

    @Test
    void shouldSumAnyLengthAtAnyAlignmentAsThePlainSumDoes() {
        SeededTest.run(2_000, random -> {
            byte[] bytes = randomBytes(random, random.nextInt(200));
            assertThat(WireForm.short16(Checksum.sum(memory.putAtEnd(bytes), bytes.length)))
                    .isEqualTo(PlainChecksum.sum(0, bytes, 0, bytes.length));
            long address = memory.put(bytes) + random.nextInt(Math.max(1, bytes.length));
            int from = (int) (address - memory.put(bytes));
            assertThat(WireForm.short16(Checksum.sum(address, bytes.length - from)))
                    .isEqualTo(PlainChecksum.sum(0, bytes, from, bytes.length - from));
        });
    }

    @Test
    void shouldSumTheLongestPacketOfOnes() {
        byte[] bytes = new byte[65_535];
        Arrays.fill(bytes, (byte) 0xff);
        assertThat(WireForm.short16(Checksum.sum(memory.put(bytes), bytes.length)))
                .isEqualTo(PlainChecksum.sum(0, bytes, 0, bytes.length));
    }

    @Test
    void shouldFoldEverySumToItsRemainderAndKeepTheTwoZeroesApart() {
        assertThat(Checksum.fold(0)).isZero();
        assertThat(Checksum.fold(0xffff)).isEqualTo(0xffff);
        assertThat(Checksum.fold(-1L)).isEqualTo(0xffff);
        SeededTest.run(2_000, random -> {
            long sum = edgy(random);
            int folded = Checksum.fold(sum);
            assertThat(folded).isBetween(sum == 0 ? 0 : 1, 0xffff);
            assertThat(folded % 0xffff).isEqualTo((int) Long.remainderUnsigned(sum, 0xffff));
            assertThat(Checksum.finish(sum)).isEqualTo(~folded & 0xffff);
        });
    }

    /** The property the packet path rests on: a delta applied is the checksum computed afresh, whatever the values. */
    @Test
    void shouldGiveByADeltaWhatAFreshComputationGives() {
        SeededTest.run(20_000, random -> {
            byte[] bytes = edgyBytes(random, 40);
            bytes[39] |= 1; // as in a real packet, not all words are zero, before and after
            long address = memory.put(bytes);
            int oldChecksum = Checksum.finish(Checksum.sum(address, 40));
            int at = 2 * random.nextInt(0, 15);
            int delta = replaceLong(random, address, at);
            int newChecksum = Checksum.finish(Checksum.sum(address, 40));
            assertThat(delta).isBetween(1, 0xffff);
            assertThat(Checksum.apply(oldChecksum, delta)).isEqualTo(newChecksum);
            assertThat(Checksum.apply(newChecksum, Checksum.negate(delta))).isEqualTo(oldChecksum);
        });
    }

    @Test
    void shouldTreatBothZeroesInAPacketAlike() {
        for (int delta : new int[] {1, 2, 0x7fff, 0x8000, 0xfffe, 0xffff}) {
            assertThat(Checksum.apply(0xffff, delta)).isEqualTo(Checksum.apply(0, delta));
        }
        for (int checksum = 0; checksum <= 0xffff; checksum++) {
            assertThat(Checksum.apply(checksum, 0)).isEqualTo(checksum);
            assertThat(Checksum.apply(checksum, Checksum.NO_CHANGE)).isEqualTo(checksum == 0xffff ? 0 : checksum);
        }
    }

    @Test
    void shouldBeRightForEveryPairOfWordsAndChecksumAtTheEdges() {
        int[] edges = {0, 1, 2, 0x7fff, 0x8000, 0x8001, 0xfffd, 0xfffe, 0xffff};
        for (int rest : edges) {
            for (int before : edges) {
                for (int after : edges) {
                    // A third word keeps the sums from being all zero words.
                    long base = rest + 0x1234L;
                    int oldChecksum = Checksum.finish(base + before);
                    assertThat(Checksum.apply(oldChecksum, Checksum.delta(before, after)))
                            .isEqualTo(Checksum.finish(base + after));
                }
            }
        }
    }

    @Test
    void shouldComposeDeltasInAnyOrder() {
        SeededTest.run(5_000, random -> {
            int a = Checksum.deltaInt((int) edgy(random), (int) edgy(random));
            int b = Checksum.deltaLong(edgy(random), edgy(random));
            int checksum = random.nextInt(0xffff);
            int both = Checksum.apply(Checksum.apply(checksum, a), b);
            assertThat(Checksum.apply(checksum, Checksum.add(a, b))).isEqualTo(both);
            assertThat(Checksum.apply(checksum, Checksum.add(b, a))).isEqualTo(both);
            assertThat(Checksum.apply(both, Checksum.negate(Checksum.add(a, b))))
                    .isEqualTo(checksum);
            assertThat(Checksum.add(a, Checksum.negate(a))).isEqualTo(Checksum.NO_CHANGE);
        });
    }

    @Test
    void shouldSwapTheDeltaOfBytesAtOddOffsets() {
        SeededTest.run(5_000, random -> {
            byte[] bytes = edgyBytes(random, 24);
            bytes[23] |= 1;
            long address = memory.put(bytes);
            int oldChecksum = Checksum.finish(Checksum.sum(address, 24));
            int at = 1 + 2 * random.nextInt(9);
            int before = Memory.getInt(address, 24, at);
            int after = (int) edgy(random);
            Memory.setInt(address, 24, at, after);
            int delta = Checksum.swap(Checksum.deltaInt(before, after));
            assertThat(Checksum.apply(oldChecksum, delta)).isEqualTo(Checksum.finish(Checksum.sum(address, 24)));
        });
    }

    @Test
    void shouldLeaveUdpWithoutChecksumAloneAndNeverMakeOneVanish() {
        assertThat(Checksum.applyUdp(0, 0x1234)).isZero();
        SeededTest.run(5_000, random -> {
            int checksum = 1 + random.nextInt(0xffff);
            int delta = 1 + random.nextInt(0xffff);
            int applied = Checksum.applyUdp(checksum, delta);
            assertThat(applied).isNotZero();
            assertThat(applied % 0xffff).isEqualTo(Checksum.apply(checksum, delta) % 0xffff);
        });
        assertThat(Checksum.applyUdp(0xffff, Checksum.NO_CHANGE)).isEqualTo(0xffff);
        assertThat(Checksum.applyUdp(0xffff, 0)).isEqualTo(0xffff);
    }

    @Test
    void shouldSumPseudoHeadersAsThePlainSumDoes() {
        SeededTest.run(500, random -> {
            byte[] ip = edgyBytes(random, 40);
            long address = memory.put(ip);
            int protocol = random.nextInt(256);
            int length = random.nextInt(0x10000);
            assertThat(WireForm.short16(Checksum.fold(Checksum.pseudo4(address, protocol, length))))
                    .isEqualTo(PlainChecksum.pseudo(ip, 12, 8, protocol, length));
            assertThat(WireForm.short16(Checksum.fold(Checksum.pseudo6(address, protocol, length))))
                    .isEqualTo(PlainChecksum.pseudo(ip, 8, 32, protocol, length));
        });
    }

    @Test
    void shouldComputeTransportChecksumsWhateverLiesInTheField() {
        for (byte[] frame : Corpus.madeUp()) {
            ParsedFrame parsed = ParsedFrame.of(memory, frame);
            if (!parsed.hasInternetChecksum()) {
                continue;
            }
            int right = parsed.storedChecksum();
            if (right == 0 && parsed.protocol == Ipv4.PROTOCOL_UDP) {
                continue; // sent without
            }
            for (int present : new int[] {0, 1, 0x8000, 0xffff}) {
                parsed.storeChecksum(present);
                assertThat(parsed.computedChecksum()).as(Packets.print(frame)).isEqualTo(right);
            }
        }
    }

    @Test
    void shouldKnowTheRulesOfUdpChecksumZero() {
        PacketBuilder v4 = eth().ipv4("10.0.0.1", "10.0.0.2").udp(1, 2).payload("x");
        ParsedFrame none4 = ParsedFrame.of(memory, v4.copy().lieChecksum(0).build());
        assertThat(Checksum.verify4(none4.l3, none4.l4, none4.l4Length, 17)).isTrue();
        PacketBuilder v6 = eth().ipv6("2001:db8::1", "2001:db8::2").udp(1, 2).payload("x");
        ParsedFrame none6 = ParsedFrame.of(memory, v6.copy().lieChecksum(0).build());
        assertThat(Checksum.verify6(none6.l3, none6.l4, none6.l4Length, 17)).isFalse();
        // A datagram whose words sum to ffff: the checksum computes to 0000 and must be sent as ffff.
        for (int port = 0; port <= 0xffff; port++) {
            ParsedFrame parsed = ParsedFrame.of(memory, v4.copy().udp(port, 2).build());
            assertThat(parsed.computedChecksum())
                    .isEqualTo(parsed.storedChecksum())
                    .isNotZero();
        }
    }

    @Test
    void shouldTellRightFromWrongTransportChecksums() {
        for (byte[] frame : Corpus.madeUp()) {
            ParsedFrame parsed = ParsedFrame.of(memory, frame);
            if (parsed.hasInternetChecksum()) {
                assertThat(parsed.verifies()).as(Packets.print(frame)).isTrue();
                Memory.setByte(parsed.l4, 2, 0, Memory.getByte(parsed.l4, 2, 0) ^ 1);
                boolean none = parsed.protocol == 17 && !parsed.ipv6 && parsed.storedChecksum() == 0;
                assertThat(parsed.verifies()).isEqualTo(none);
            }
        }
    }

    private static int replaceLong(RandomGenerator random, long address, int at) {
        long before = Memory.getLong(address, 40, at);
        long after = edgy(random);
        if (random.nextBoolean()) {
            Memory.setInt(address, 40, at, (int) after);
            return Checksum.deltaInt((int) (WireForm.LITTLE_ENDIAN ? before : before >>> 32), (int) after);
        }
        Memory.setLong(address, 40, at, after);
        return Checksum.deltaLong(before, after);
    }

    private static long edgy(RandomGenerator random) {
        return switch (random.nextInt(4)) {
            case 0 -> 0;
            case 1 -> -1;
            case 2 -> random.nextLong() & 0x0100_ff00_0001_ffffL;
            default -> random.nextLong();
        };
    }

    private static byte[] randomBytes(RandomGenerator random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private static byte[] edgyBytes(RandomGenerator random, int length) {
        byte[] bytes = randomBytes(random, length);
        if (random.nextInt(3) != 0) {
            byte fill = (byte) (random.nextBoolean() ? 0xff : 0);
            for (int i = 0; i < length; i++) {
                bytes[i] = random.nextInt(8) == 0 ? bytes[i] : fill;
            }
        }
        return bytes;
    }
}
