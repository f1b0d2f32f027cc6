package lvsd.wire;

import static lvsd.wire.PacketBuilder.eth;
import static lvsd.wire.PacketBuilder.ip4;
import static lvsd.wire.PacketBuilder.ip6High;
import static lvsd.wire.PacketBuilder.ip6Low;
import static lvsd.wire.PacketBuilder.mss;
import static lvsd.wire.PacketBuilder.nop;
import static lvsd.wire.PacketBuilder.option;
import static lvsd.wire.PacketBuilder.sack;
import static lvsd.wire.PacketBuilder.sackOk;
import static lvsd.wire.PacketBuilder.timestamps;
import static lvsd.wire.PacketBuilder.toa;
import static lvsd.wire.PacketBuilder.windowScale;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongToIntFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TcpOptionsTest {
    private static final PacketBuilder SEGMENT =
            eth().ipv4("10.0.0.1", "10.0.0.2").tcp(4000, 80).flags("S").seq(1);

    private final PacketMemory memory = new PacketMemory();
    private long tcp;
    private int size;

    @AfterEach
    void unmap() {
        memory.close();
    }

    @Test
    void shouldReadWhatASynUsuallyCarries() {
        parse(SEGMENT.copy().options(mss(1460), sackOk(), timestamps(77, -2), nop(), windowScale(7)));
        assertThat(TcpOptions.isWellFormed(tcp, size)).isTrue();
        assertThat(TcpOptions.mss(tcp, size)).isEqualTo(1460);
        assertThat(TcpOptions.sackPermitted(tcp, size)).isTrue();
        assertThat(TcpOptions.windowScale(tcp, size)).isEqualTo(7);
        int timestamps = TcpOptions.timestamps(tcp, size);
        assertThat(TcpOptions.tsval(tcp, size, timestamps)).isEqualTo(77);
        assertThat(TcpOptions.tsecr(tcp, size, timestamps)).isEqualTo(-2);
        assertThat(kinds()).containsExactly(2, 4, 8, 3);
    }

    @Test
    void shouldReadAlignedTimestampsAndSackBlocks() {
        parse(SEGMENT.copy().options(nop(), nop(), timestamps(5, 6), nop(), nop(), sack(1, 2, -4, 9)));
        int timestamps = TcpOptions.timestamps(tcp, size);
        assertThat(timestamps).isEqualTo(22);
        assertThat(TcpOptions.tsval(tcp, size, timestamps)).isEqualTo(5);
        int sack = TcpOptions.sack(tcp, size);
        assertThat(TcpOptions.sackBlocks(tcp, size, sack)).isEqualTo(2);
        assertThat(TcpOptions.sackLeft(tcp, size, sack, 1)).isEqualTo(-4);
        assertThat(TcpOptions.sackRight(tcp, size, sack, 1)).isEqualTo(9);
    }

    @Test
    void shouldFindNothingInHeadersWithoutOptions() {
        parse(SEGMENT.copy());
        assertThat(kinds()).isEmpty();
        assertThat(TcpOptions.mss(tcp, size)).isEqualTo(-1);
        assertThat(TcpOptions.windowScale(tcp, size)).isEqualTo(-1);
        assertThat(TcpOptions.sackPermitted(tcp, size)).isFalse();
        assertThat(TcpOptions.timestamps(tcp, size)).isEqualTo(-1);
        assertThat(TcpOptions.sack(tcp, size)).isEqualTo(-1);
        assertThat(TcpOptions.setMss(tcp, size, 1)).isZero();
        assertThat(TcpOptions.blankAll(tcp, size, TcpOptions.TOA)).isZero();
        assertThat(TcpOptions.isWellFormed(tcp, size)).isTrue();
    }

    @Test
    void shouldEndTheWalkAtImpossibleLengths() {
        byte[] tooLong = {8, 11, 0, 0};
        byte[] tooShort = {3, 1, 4, 2};
        byte[] zero = {3, 0, 4, 2};
        byte[] cut = {1, 1, 1, 8};
        for (byte[] bad : List.of(tooLong, tooShort, zero, cut)) {
            parse(SEGMENT.copy().options(mss(1000), bad));
            assertThat(TcpOptions.isWellFormed(tcp, size)).isFalse();
            assertThat(kinds()).containsExactly(2);
            assertThat(TcpOptions.mss(tcp, size)).isEqualTo(1000);
            assertThat(TcpOptions.sackPermitted(tcp, size)).isFalse();
        }
    }

    @Test
    void shouldEndTheWalkAtTheEndOfTheList() {
        parse(SEGMENT.copy().options(mss(1000), new byte[] {0, 8, 99, 0}));
        assertThat(TcpOptions.isWellFormed(tcp, size)).isTrue();
        assertThat(kinds()).containsExactly(2);
    }

    @Test
    void shouldCountKnownKindsOfWrongSizeAsAbsent() {
        parse(SEGMENT.copy()
                .options(
                        option(2, new byte[1]),
                        option(3, new byte[2]),
                        option(4, new byte[1]),
                        option(5, new byte[7]),
                        option(8, new byte[9])));
        assertThat(TcpOptions.isWellFormed(tcp, size)).isTrue();
        assertThat(TcpOptions.mss(tcp, size)).isEqualTo(-1);
        assertThat(TcpOptions.windowScale(tcp, size)).isEqualTo(-1);
        assertThat(TcpOptions.sackPermitted(tcp, size)).isFalse();
        assertThat(TcpOptions.sack(tcp, size)).isEqualTo(-1);
        assertThat(TcpOptions.timestamps(tcp, size)).isEqualTo(-1);
        parse(SEGMENT.copy().options(option(5)));
        assertThat(TcpOptions.sack(tcp, size)).isEqualTo(-1);
    }

    @Test
    void shouldLowerMssOnlyWhereItIsHigher() {
        for (byte[] padding : List.of(new byte[0], nop())) {
            PacketBuilder high = SEGMENT.copy().options(padding, mss(1460), windowScale(1));
            assertChange(high, SEGMENT.copy().options(padding, mss(1452), windowScale(1)), this::clampTo1452);
            PacketBuilder low = SEGMENT.copy().options(padding, mss(536), windowScale(1));
            assertChange(low, low, this::clampTo1452);
        }
    }

    private int clampTo1452(long header) {
        return TcpOptions.clampMss(header, size, 1452);
    }

    @Test
    void shouldRewriteTimestampsAndSackAtAnyAlignment() {
        SeededTest.run(1_000, random -> {
            byte[] padding = new byte[random.nextInt(4)];
            Arrays.fill(padding, (byte) 1);
            int value = random.nextInt();
            int echo = random.nextInt();
            int[] edges = {random.nextInt(), random.nextInt(), -1, 0};
            int shift = random.nextInt(4) == 0 ? 0 : random.nextInt();
            int[] shifted = {edges[0] + shift, edges[1] + shift, shift - 1, shift};
            PacketBuilder before = SEGMENT.copy().options(padding, timestamps(value, echo), sack(edges));
            PacketBuilder after =
                    SEGMENT.copy().options(padding, timestamps(value + shift, echo - shift), sack(shifted));
            assertChange(before, after, header -> {
                int timestamps = TcpOptions.timestamps(header, size);
                int delta = TcpOptions.setTsval(header, size, timestamps, value + shift);
                delta = Checksum.add(delta, TcpOptions.setTsecr(header, size, timestamps, echo - shift));
                int sack = TcpOptions.sack(header, size);
                return Checksum.add(delta, TcpOptions.addToSack(header, size, sack, shift));
            });
        });
    }

    @Test
    void shouldBlankOptionsByPadding() {
        byte[] four = {1, 1, 1, 1, 1, 1, 1, 1};
        PacketBuilder before = SEGMENT.copy().options(nop(), toa("1.2.3.4", 5), mss(9), toa("5.6.7.8", 9));
        PacketBuilder after = SEGMENT.copy().options(nop(), four, mss(9), four);
        assertChange(before, after, header -> TcpOptions.blankAll(header, size, TcpOptions.TOA));
    }

    @Test
    void shouldInsertTheClientAddressInFront() {
        PacketBuilder before = SEGMENT.copy()
                .vlan(3)
                .options(mss(1460), sackOk(), windowScale(7))
                .payload(11);
        PacketBuilder after = SEGMENT.copy()
                .vlan(3)
                .options(toa("203.0.113.7", 4321), mss(1460), sackOk(), windowScale(7))
                .payload(11);
        parse(before);
        long frame = memory.put(before.build());
        ParsedFrame parsed = ParsedFrame.at(frame, before.build().length);
        assertThat(TcpOptions.hasRoom(size, TcpOptions.TOA4_SIZE)).isTrue();
        long moved = TcpOptions.insertFront(frame, parsed.l4, size, TcpOptions.TOA4_SIZE);
        TcpOptions.putToa4(moved, size + 8, Tcp.SIZE, WireForm.short16(4321), ip4("203.0.113.7"));
        Tcp.applyDelta(moved, TcpOptions.insertedDelta(moved, TcpOptions.TOA4_SIZE));
        long ip = parsed.l3 - 8;
        Ipv4.setTotalLength(ip, Ipv4.totalLength(ip) + 8);
        Ipv4.updateChecksum(ip, 20);
        Packets.assertSame(PacketMemory.bytes(frame - 8, after.build().length), after.build());
    }

    @Test
    void shouldInsertAnIpv6ClientAddress() {
        PacketBuilder plain = eth().ipv6("2001:db8::1", "2001:db8::2")
                .tcp(4000, 80)
                .flags(".")
                .payload(6);
        byte[] expected = plain.copy().options(toa("2001:db8::99", 65535)).build();
        byte[] bytes = plain.build();
        ParsedFrame parsed = ParsedFrame.of(memory, bytes);
        long moved = TcpOptions.insertFront(parsed.frame, parsed.l4, 20, TcpOptions.TOA6_SIZE);
        TcpOptions.putToa6(moved, 40, Tcp.SIZE, 0xffff, ip6High("2001:db8::99"), ip6Low("2001:db8::99"));
        Tcp.applyDelta(moved, TcpOptions.insertedDelta(moved, TcpOptions.TOA6_SIZE));
        Ipv6.setPayloadLength(parsed.l3 - 20, Ipv6.payloadLength(parsed.l3 - 20) + 20);
        Packets.assertSame(PacketMemory.bytes(parsed.frame - 20, expected.length), expected);
        assertThat(TcpOptions.hasRoom(40, TcpOptions.TOA6_SIZE)).isTrue();
        assertThat(TcpOptions.hasRoom(44, TcpOptions.TOA6_SIZE)).isFalse();
    }

    private void parse(PacketBuilder segment) {
        byte[] bytes = segment.build();
        ParsedFrame parsed = ParsedFrame.at(memory.putAtEnd(bytes), bytes.length);
        tcp = parsed.l4;
        size = Tcp.check(tcp, parsed.l4Length);
    }

    private List<Integer> kinds() {
        List<Integer> kinds = new ArrayList<>();
        for (int at = TcpOptions.first(tcp, size); at >= 0; at = TcpOptions.next(tcp, size, at)) {
            kinds.add(TcpOptions.kind(tcp, size, at));
        }
        return kinds;
    }

    /** Applies a change and the delta it returns, and expects a frame with everything right. */
    private void assertChange(PacketBuilder before, PacketBuilder after, LongToIntFunction change) {
        parse(before);
        Tcp.applyDelta(tcp, change.applyAsInt(tcp));
        byte[] expected = after.build();
        Packets.assertSame(PacketMemory.bytes(tcp - 34, expected.length), expected);
    }
}
