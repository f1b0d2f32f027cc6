package lvsd.synproxy;

import static lvsd.wire.PacketBuilder.mss;
import static lvsd.wire.PacketBuilder.nop;
import static lvsd.wire.PacketBuilder.sackOk;
import static lvsd.wire.PacketBuilder.timestamps;
import static lvsd.wire.PacketBuilder.windowScale;
import static org.assertj.core.api.Assertions.assertThat;

import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.PacketBuilder;
import lvsd.wire.PacketMemory;
import lvsd.wire.Packets;
import lvsd.wire.SeededTest;
import lvsd.wire.Tcp;
import lvsd.wire.TcpOptions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SynAnswerTest {
    private static final String CLIENT = "198.18.10.2";
    private static final String VIP = "192.0.2.10";
    private static final String CLIENT6 = "2001:db8:a::2";
    private static final String VIP6 = "2001:db8:ff::10";
    private static final PacketMemory MEMORY = new PacketMemory();
    private static final int ETHERNET = 14;

    private final Cookies cookies = new Cookies(Secrets.random());

    SynAnswerTest() {
        cookies.clock(123_456_789_012_345L);
    }

    @AfterAll
    static void unmap() {
        MEMORY.close();
    }

    /** Options with their sizes. */
    private static final int[][] KINDS = {{1, 1}, {2, 4}, {3, 3}, {4, 2}, {5, 10}, {8, 10}, {254, 8}};

    /** Everything agreed to, scale 7, at most 16 segments kept. */
    private static ProxySettings settings() {
        return new ProxySettings(1460, 63, 0, true, 7, true, false, false, 16, 3, false, false, 0);
    }

    private static PacketBuilder packet(boolean ipv6, boolean answer) {
        PacketBuilder frame = PacketBuilder.eth();
        String from = ipv6 ? answer ? VIP6 : CLIENT6 : answer ? VIP : CLIENT;
        String to = ipv6 ? answer ? CLIENT6 : VIP6 : answer ? CLIENT : VIP;
        PacketBuilder ip = ipv6 ? frame.ipv6(from, to) : frame.ipv4(from, to);
        return answer
                ? ip.ttl(63).tcp(80, 40_000).flags("S.").seq(0).ack(1001)
                : ip.tcp(40_000, 80).flags("S").seq(1000);
    }

    /** The answer to a SYN, its sequence number put to 0 after it was found to be a cookie for {@code offer}. */
    private byte[] answer(boolean ipv6, PacketBuilder syn, ProxySettings settings, int mss, int offer) {
        byte[] frame = syn.build();
        long ip = MEMORY.put(frame) + ETHERNET;
        int ihl = (frame[ETHERNET] & 0xf) * 4;
        long tcp = ip + (ipv6 ? 40 : ihl);
        int length = ipv6
                ? SynAnswer.answer6(ip, tcp, Ipv6.payloadLength(ip), cookies, settings, mss)
                : SynAnswer.answer4(ip, tcp, Ipv4.totalLength(ip) - (int) (tcp - ip), cookies, settings, mss);
        byte[] answer = PacketMemory.bytes(ip - ETHERNET, ETHERNET + length);
        Packets.assertChecksums(answer);
        long at = ip + (ipv6 ? 40 : 20);
        int stamps = TcpOptions.timestamps(at, Tcp.headerLength(at));
        int stamp = stamps < 0 ? 0 : TcpOptions.tsval(at, Tcp.headerLength(at), stamps);
        int ports = Integer.rotateLeft(Tcp.ports(at), 16);
        int opened = ipv6
                ? cookies.open6(
                        Ipv6.destinationHigh(ip),
                        Ipv6.destinationLow(ip),
                        Ipv6.sourceHigh(ip),
                        Ipv6.sourceLow(ip),
                        ports,
                        1000,
                        Tcp.seq(at),
                        stamps >= 0,
                        stamp)
                : cookies.open4(Long.rotateLeft(Ipv4.addresses(ip), 32), ports, 1000, Tcp.seq(at), stamps >= 0, stamp);
        assertThat(opened).as("what the cookie says").isEqualTo(offer);
        Tcp.addToSeq(at, -Tcp.seq(at));
        return PacketMemory.bytes(ip - ETHERNET, ETHERNET + length);
    }

    private void assertAnswer(boolean ipv6, byte[][] offered, int offer, byte[]... expected) {
        byte[] answer = answer(ipv6, packet(ipv6, false).options(offered), settings(), 1400, offer);
        byte[] wanted = packet(ipv6, true).df().window(22_400).options(expected).build();
        Packets.assertSame(answer, wanted);
    }

    private static int offer(int mss, int scale, boolean sack) {
        return TcpOffer.of(mss, scale, sack, false);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldAnswerEveryOptionThatWasOffered(boolean ipv6) {
        byte[][] options = {mss(1440), sackOk(), nop(), windowScale(9)};
        assertAnswer(ipv6, options, offer(1440, 9, true), mss(1400), nop(), nop(), sackOk(), nop(), windowScale(7));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldAnswerWithNothingButTheSegmentSizeWhereNothingWasOffered(boolean ipv6) {
        int lowest = ipv6 ? 1220 : 216;
        assertAnswer(ipv6, new byte[][] {}, offer(lowest, TcpOffer.NO_SCALE, false), mss(1400));
        assertAnswer(ipv6, new byte[][] {mss(1440)}, offer(1440, TcpOffer.NO_SCALE, false), mss(1400));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldAnswerOneOptionWithThatOne(boolean ipv6) {
        assertAnswer(
                ipv6,
                new byte[][] {mss(1440), nop(), windowScale(0)},
                offer(1440, 0, false),
                mss(1400),
                nop(),
                windowScale(7));
        assertAnswer(
                ipv6,
                new byte[][] {mss(1440), sackOk(), nop(), nop()},
                offer(1440, 15, true),
                mss(1400),
                nop(),
                nop(),
                sackOk());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldCarryOptionsInTheTimestampWhereThereIsOne(boolean ipv6) {
        byte[][] options = {mss(1452), sackOk(), timestamps(77, 0), nop(), windowScale(14)};
        int offer = TcpOffer.of(1452, 14, true, true);
        int stamp = cookies.timestamp(offer);
        assertAnswer(ipv6, options, offer, mss(1400), sackOk(), timestamps(stamp, 77), nop(), windowScale(7));
        byte[][] alone = {mss(1452), nop(), nop(), timestamps(78, 0)};
        int plain = TcpOffer.of(1452, TcpOffer.NO_SCALE, false, true);
        assertAnswer(ipv6, alone, plain, mss(1400), nop(), nop(), timestamps(cookies.timestamp(plain), 78));
    }

    @Test
    void shouldAgreeToNothingThatIsSwitchedOff() {
        ProxySettings none = new ProxySettings(1460, 200, 16, false, 0, false, true, false, 16, 3, false, false, 0);
        byte[][] options = {mss(1440), sackOk(), timestamps(77, 0), nop(), windowScale(14)};
        byte[] answer =
                answer(false, packet(false, false).options(options), none, 1400, offer(1440, TcpOffer.NO_SCALE, false));
        Packets.assertSame(
                answer,
                packet(false, true)
                        .ttl(200)
                        .tos(16)
                        .df()
                        .window(0)
                        .options(mss(1400))
                        .build());
    }

    @Test
    void shouldOpenTheWindowAsFarAsSegmentsAreKept() {
        assertThat(settings().window(1000)).isEqualTo(16_000);
        assertThat(settings().window(1460)).isEqualTo(23_360);
        assertThat(new ProxySettings(1460, 63, 0, true, 7, true, false, false, 63, 3, false, false, 0).window(1460))
                .isEqualTo(65_535);
        assertThat(new ProxySettings(1460, 63, 0, true, 7, true, false, false, 0, 3, false, false, 0).window(1460))
                .isEqualTo(1460);
        assertThat(new ProxySettings(1460, 63, 0, true, 7, true, true, false, 16, 3, false, false, 0).window(1460))
                .isZero();
        assertThat(new ProxySettings(1460, 63, 0, true, 7, true, true, true, 16, 3, false, false, 0).window(1460))
                .as("defer needs data from the client")
                .isEqualTo(23_360);
    }

    @Test
    void shouldLeaveOptionsOfIpAndDataOfTheSynOut() {
        PacketBuilder syn = packet(false, false)
                .ipOptions(new byte[] {1, 1, 1, 1})
                .options(mss(1440))
                .payload("early");
        byte[] answer = answer(false, syn, settings(), 1400, offer(1440, TcpOffer.NO_SCALE, false));
        Packets.assertSame(
                answer,
                packet(false, true).df().window(22_400).options(mss(1400)).build());
    }

    /** Whatever the options are, the answer is well-formed, and the cookie says what was agreed. */
    @Test
    void shouldAnswerAnyOptions() {
        SeededTest.run(5000, random -> {
            byte[] options = new byte[random.nextInt(11) * 4];
            random.nextBytes(options);
            for (int i = 0; i < options.length; i++) {
                if (random.nextInt(3) == 0) {
                    options[i] = (byte) random.nextInt(12);
                }
            }
            boolean ipv6 = random.nextBoolean();
            byte[] frame = packet(ipv6, false).options(options).build();
            long ip = MEMORY.put(frame) + ETHERNET;
            long tcp = ip + (ipv6 ? 40 : 20);
            int length = ipv6
                    ? SynAnswer.answer6(ip, tcp, Ipv6.payloadLength(ip), cookies, settings(), 1400)
                    : SynAnswer.answer4(ip, tcp, Ipv4.totalLength(ip) - (int) (tcp - ip), cookies, settings(), 1400);
            assertThat(length).isLessThanOrEqualTo(Segment.MAX_SIZE);
            byte[] answer = PacketMemory.bytes(ip - ETHERNET, ETHERNET + length);
            Packets.assertChecksums(answer);
            int header = Tcp.headerLength(tcp);
            assertThat(TcpOptions.isWellFormed(tcp, header)).isTrue();
            assertThat(TcpOptions.mss(tcp, header)).isEqualTo(1400);
        });
    }

    @Test
    void shouldLeaveASynAloneWhoseChecksumIsWrong() {
        byte[] frame = packet(false, false).build();
        frame[frame.length - 1] ^= 1;
        long ip = MEMORY.put(frame) + ETHERNET;
        assertThat(SynAnswer.answer4(ip, ip + 20, 20, cookies, settings(), 1400))
                .isZero();
        assertThat(PacketMemory.bytes(ip - ETHERNET, frame.length)).isEqualTo(frame);
        frame = packet(true, false).build();
        frame[frame.length - 1] ^= 1;
        ip = MEMORY.put(frame) + ETHERNET;
        assertThat(SynAnswer.answer6(ip, ip + 40, 20, cookies, settings(), 1400))
                .isZero();
        assertThat(PacketMemory.bytes(ip - ETHERNET, frame.length)).isEqualTo(frame);
    }

    /** Of an option that comes twice the first counts; one of a wrong size counts as absent, and so does what follows it. */
    @Test
    void shouldTakeOptionsAsTheOtherReadersDo() {
        SeededTest.run(5000, random -> {
            byte[] options = new byte[random.nextInt(11) * 4];
            int at = 0;
            while (at + 10 <= options.length) {
                int[] usual = KINDS[random.nextInt(KINDS.length)];
                int kind = usual[0];
                int size = usual[1];
                options[at] = (byte) kind;
                if (kind != 1) {
                    options[at + 1] = (byte) (random.nextInt(8) == 0 ? random.nextInt(12) : size);
                    options[at + 2] = (byte) random.nextInt(20);
                }
                at += size;
            }
            boolean ipv6 = random.nextBoolean();
            long tcp = MEMORY.put(packet(ipv6, false).options(options).build()) + ETHERNET + (ipv6 ? 40 : 20);
            int header = Tcp.headerLength(tcp);
            int mss = TcpOptions.mss(tcp, header);
            int scale = TcpOptions.windowScale(tcp, header);
            int offer = TcpOffer.read(tcp, header, ipv6);
            assertThat(TcpOffer.mss(offer)).isEqualTo(mss < 0 ? ipv6 ? 1220 : 536 : mss);
            assertThat(TcpOffer.scale(offer)).isEqualTo(scale < 0 ? TcpOffer.NO_SCALE : Math.min(scale, 14));
            assertThat(TcpOffer.sack(offer)).isEqualTo(TcpOptions.sackPermitted(tcp, header));
            assertThat(TcpOffer.timestamps(offer)).isEqualTo(TcpOptions.timestamps(tcp, header) >= 0);
        });
    }
}
