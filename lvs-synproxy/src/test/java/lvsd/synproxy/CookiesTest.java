package lvsd.synproxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashSet;
import java.util.Set;
import java.util.random.RandomGenerator;
import lvsd.wire.SeededTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CookiesTest {
    private static final String KEY = "000102030405060708090a0b0c0d0e0f";
    private static final long EPOCH = 1L << Secrets.EPOCH_SHIFT;
    private static final long ADDRESSES = 0x0a02_0010_0200_000aL;
    private static final int PORTS = 0x5000_3039;

    private static Cookies cookies(long nanos) {
        Cookies cookies = new Cookies(Secrets.parse(KEY, 0));
        cookies.clock(nanos);
        return cookies;
    }

    private static int open(Cookies cookies, int isn, int cookie) {
        return cookies.open4(ADDRESSES, PORTS, isn, cookie, false, 0);
    }

    private static int plain(int mss, int scale, boolean sack) {
        return TcpOffer.of(mss, scale, sack, false);
    }

    // ---- the options

    @Test
    void shouldGiveEveryCombinationOfOptionsBackWithoutTimestamps() {
        Cookies cookies = cookies(5 * EPOCH);
        for (int mss : new int[] {216, 1300, 1440, 1460}) {
            for (int scale = 0; scale <= 15; scale++) {
                for (boolean sack : new boolean[] {false, true}) {
                    int offer = plain(mss, scale, sack);
                    int cookie = cookies.make4(ADDRESSES, PORTS, 99, offer, 0);
                    assertThat(open(cookies, 99, cookie)).isEqualTo(offer);
                }
            }
        }
    }

    @Test
    void shouldGiveEveryCombinationOfOptionsBackWithTimestamps() {
        Cookies cookies = cookies(5 * EPOCH);
        for (int mss : new int[] {64, 536, 1204, 1208, 1380, 1400, 1440, 1452, 1456, 1460, 1500, 8960, 65_495}) {
            for (int scale = 0; scale <= 15; scale++) {
                for (boolean sack : new boolean[] {false, true}) {
                    int offer = TcpOffer.of(mss, scale, sack, true);
                    int stamp = cookies.timestamp(offer);
                    int cookie = cookies.make4(ADDRESSES, PORTS, 99, offer, stamp);
                    assertThat(cookies.open4(ADDRESSES, PORTS, 99, cookie, true, stamp))
                            .isEqualTo(offer);
                }
            }
        }
    }

    @Test
    void shouldTellScaleZeroFromNoScale() {
        Cookies cookies = cookies(EPOCH);
        int zero = cookies.make4(ADDRESSES, PORTS, 1, plain(1460, 0, false), 0);
        int none = cookies.make4(ADDRESSES, PORTS, 1, plain(1460, TcpOffer.NO_SCALE, false), 0);
        assertThat(TcpOffer.scale(open(cookies, 1, zero))).isZero();
        assertThat(TcpOffer.scale(open(cookies, 1, none))).isEqualTo(TcpOffer.NO_SCALE);
    }

    @ParameterizedTest
    @CsvSource({
        "1,216,1220", "215,216,1220", "536,216,1220", "1220,216,1220", "1299,216,1220", "1300,1300,1220",
        "1379,1300,1220", "1380,1300,1380", "1420,1300,1420", "1432,1300,1420", "1439,1300,1420", "1440,1440,1440",
        "1452,1440,1440", "1459,1440,1440", "1460,1460,1440", "8960,1460,1440", "65535,1460,1440"
    })
    void shouldRoundTheSegmentSizeDownToOneOfFour(int mss, int ipv4, int ipv6) {
        Cookies cookies = cookies(EPOCH);
        int offer = plain(mss, 7, true);
        assertThat(TcpOffer.mss(open(cookies, 1, cookies.make4(ADDRESSES, PORTS, 1, offer, 0))))
                .isEqualTo(ipv4);
        int six = cookies.make6(1, 2, 3, 4, PORTS, 1, offer, 0);
        assertThat(TcpOffer.mss(cookies.open6(1, 2, 3, 4, PORTS, 1, six, false, 0)))
                .isEqualTo(ipv6);
    }

    @Test
    void shouldRoundTheSegmentSizeLittleWithTimestamps() {
        int last = -1;
        for (int mss = 64; mss <= 65_535; mss++) {
            int index = MssClasses.fine(mss);
            int rounded = MssClasses.fineMss(index);
            assertThat(rounded).isLessThanOrEqualTo(mss);
            assertThat(index).isBetween(0, 127).isGreaterThanOrEqualTo(last);
            if (mss >= 1204 && mss <= 1503) {
                assertThat(mss - rounded).isLessThan(4);
            }
            if (mss >= 536 && mss < 1204) {
                assertThat(mss - rounded).isLessThan(36);
            }
            last = index;
        }
        assertThat(last).isEqualTo(127);
    }

    @Test
    void shouldKeepOfferedOptionsOnlyWhereWeDoThemToo() {
        int offer = TcpOffer.of(1460, 7, true, true);
        assertThat(TcpOffer.agreed(offer, 7, true, true)).isEqualTo(offer);
        assertThat(TcpOffer.agreed(offer, 0, false, false)).isEqualTo(plain(1460, TcpOffer.NO_SCALE, false));
        int nothing = plain(536, TcpOffer.NO_SCALE, false);
        assertThat(TcpOffer.agreed(nothing, 7, true, true)).isEqualTo(nothing);
    }

    // ---- what the cookie binds

    @Test
    void shouldRefuseAnythingElseThanTheClientsOwn() {
        Cookies cookies = cookies(EPOCH);
        int cookie = cookies.make4(ADDRESSES, PORTS, 7, plain(1460, 7, true), 0);
        assertThat(open(cookies, 7, cookie)).isNotEqualTo(Cookies.INVALID);
        assertThat(open(cookies, 8, cookie)).isEqualTo(Cookies.INVALID);
        assertThat(cookies.open4(ADDRESSES + 1, PORTS, 7, cookie, false, 0)).isEqualTo(Cookies.INVALID);
        assertThat(cookies.open4(ADDRESSES, PORTS + 1, 7, cookie, false, 0)).isEqualTo(Cookies.INVALID);
        assertThat(cookies.open4(ADDRESSES, PORTS, 7, cookie, true, 0)).isEqualTo(Cookies.INVALID);
        for (int bit = 0; bit < 32; bit++) {
            assertThat(open(cookies, 7, cookie ^ 1 << bit)).as("bit %d", bit).isEqualTo(Cookies.INVALID);
        }
    }

    @Test
    void shouldBindEveryPartOfAnIpv6Client() {
        Cookies cookies = cookies(EPOCH);
        int offer = TcpOffer.of(1440, 2, true, true);
        int stamp = cookies.timestamp(offer);
        int cookie = cookies.make6(1, 2, 3, 4, PORTS, 7, offer, stamp);
        assertThat(cookies.open6(1, 2, 3, 4, PORTS, 7, cookie, true, stamp)).isEqualTo(offer);
        assertThat(cookies.open6(9, 2, 3, 4, PORTS, 7, cookie, true, stamp)).isEqualTo(Cookies.INVALID);
        assertThat(cookies.open6(1, 9, 3, 4, PORTS, 7, cookie, true, stamp)).isEqualTo(Cookies.INVALID);
        assertThat(cookies.open6(1, 2, 9, 4, PORTS, 7, cookie, true, stamp)).isEqualTo(Cookies.INVALID);
        assertThat(cookies.open6(1, 2, 3, 9, PORTS, 7, cookie, true, stamp)).isEqualTo(Cookies.INVALID);
        assertThat(cookies.open6(1, 2, 3, 4, PORTS + 1, 7, cookie, true, stamp)).isEqualTo(Cookies.INVALID);
        assertThat(cookies.open6(1, 2, 3, 4, PORTS, 8, cookie, true, stamp)).isEqualTo(Cookies.INVALID);
        assertThat(cookies.open6(1, 2, 3, 4, PORTS, 7, cookie, true, stamp + 1)).isEqualTo(Cookies.INVALID);
    }

    @Test
    void shouldGiveOptionsBackForAnyClient() {
        SeededTest.run(2000, random -> {
            Cookies cookies = cookies(random.nextLong() >>> 8);
            boolean timestamps = random.nextBoolean();
            int offer = TcpOffer.of(1460, random.nextInt(16), random.nextBoolean(), timestamps);
            int isn = random.nextInt();
            int stamp = cookies.timestamp(offer);
            long a = random.nextLong();
            int cookie = cookies.make4(a, PORTS, isn, offer, stamp);
            assertThat(cookies.open4(a, PORTS, isn, cookie, timestamps, stamp)).isEqualTo(offer);
        });
    }

    @Test
    void shouldLookRandomToSomebodyWithoutTheKey() {
        Cookies cookies = cookies(EPOCH);
        int[] ones = new int[32];
        int runs = 20_000;
        for (int isn = 0; isn < runs; isn++) {
            int cookie = cookies.make4(ADDRESSES, PORTS, isn, plain(1460, 7, true), 0);
            for (int bit = 0; bit < 32; bit++) {
                ones[bit] += cookie >>> bit & 1;
            }
        }
        for (int bit = 8; bit < 32; bit++) {
            assertThat(ones[bit]).as("bit %d", bit).isBetween(runs / 2 - 500, runs / 2 + 500);
        }
    }

    // ---- blind acknowledgements: 2^-24

    /**
     * Of the 2^24 values of the bits that the hash decides exactly one passes, whatever the eight bits below are, and all
     * 2^8 of those are some valid cookie's. So 2^8 of all 2^32 acknowledgements pass: 2^-24.
     */
    @Test
    void shouldLetOneOfSixteenMillionBlindAcknowledgementsPass() {
        Cookies cookies = cookies(3 * EPOCH);
        int passed = 0;
        for (int high = 0; high < 1 << 24; high++) {
            passed += open(cookies, 1, high << 8 | 0x55) == Cookies.INVALID ? 0 : 1;
        }
        assertThat(passed).isEqualTo(1);
    }

    /** The factors of the arithmetic: 2^7 options, each with one hash of its own, in each of two epochs. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldHaveOneValidHashForEachOfTwoHundredFiftySixLowBytes(boolean timestamps) {
        Cookies cookies = cookies(3 * EPOCH);
        Set<Integer> valid = new HashSet<>();
        for (int epoch = 3; epoch <= 4; epoch++) {
            cookies.clock(epoch * EPOCH);
            for (int data = 0; data < 128; data++) {
                int offer = timestamps
                        ? TcpOffer.of(MssClasses.fineMss(data), 7, true, true)
                        : plain(MssClasses.coarseMss(data & 3, false), data >>> 2 & 15, data >>> 6 != 0);
                valid.add(cookies.make4(ADDRESSES, PORTS, 1, offer, 77));
            }
        }
        assertThat(valid)
                .hasSize(256)
                .allMatch(each -> cookies.open4(ADDRESSES, PORTS, 1, each, timestamps, 77) != Cookies.INVALID);
        assertThat(valid.stream().map(each -> each & 0xff).distinct()).hasSize(256);
    }

    @Test
    void shouldRefuseCookiesOfClientsThatWereToldAnotherWindowScale() {
        Cookies cookies = cookies(3 * EPOCH);
        cookies.scale(7);
        int cookie = cookies.make4(ADDRESSES, PORTS, 1, plain(1460, 2, true), 0);
        assertThat(open(cookies, 1, cookie)).isNotEqualTo(Cookies.INVALID);
        cookies.scale(8);
        assertThat(open(cookies, 1, cookie)).isEqualTo(Cookies.INVALID);
    }

    /** The same by lot: 2^20 random acknowledgements of random clients, of which a sixteenth of one is expected to pass. */
    @Test
    void shouldRefuseRandomAcknowledgements() {
        Cookies cookies = cookies(3 * EPOCH);
        RandomGenerator random = SeededTest.random(SeededTest.base());
        int passed = 0;
        for (int i = 0; i < 1 << 20; i++) {
            long a = random.nextLong();
            if (cookies.open4(a, PORTS, (int) a, random.nextInt(), (a & 2) != 0, (int) (a >> 9)) != Cookies.INVALID) {
                passed++;
            }
        }
        assertThat(passed).isLessThanOrEqualTo(2);
    }

    // ---- time

    @Test
    void shouldTakeCookiesForAMinuteAndNoneAfterTwo() {
        for (int start = 0; start < 64; start++) {
            long made = 10 * EPOCH + start * (EPOCH / 32);
            Cookies cookies = cookies(made);
            int cookie = cookies.make4(ADDRESSES, PORTS, 1, plain(1460, 7, true), 0);
            cookies.clock(made + 60_000_000_000L);
            assertThat(open(cookies, 1, cookie)).isNotEqualTo(Cookies.INVALID);
            cookies.clock(made + 130_000_000_000L);
            assertThat(open(cookies, 1, cookie)).isEqualTo(Cookies.INVALID);
            cookies.clock(made + 4 * EPOCH);
            assertThat(open(cookies, 1, cookie)).isEqualTo(Cookies.INVALID);
        }
    }

    @Test
    void shouldGiveAClientAnotherNumberInAnotherEpoch() {
        Set<Integer> seen = new HashSet<>();
        for (int epoch = 0; epoch < 100; epoch++) {
            seen.add(cookies(epoch * EPOCH).make4(ADDRESSES, PORTS, 1, plain(1460, 7, true), 0));
        }
        assertThat(seen).hasSize(100);
    }

    @Test
    void shouldCountTimestampsUp() {
        int offer = TcpOffer.of(1460, 7, true, true);
        Cookies cookies = cookies(0);
        int last = cookies.timestamp(offer);
        for (int second = 1; second < 1000; second++) {
            cookies.clock(second * 1_000_000_000L);
            int next = cookies.timestamp(offer);
            assertThat(next - last).isBetween(900, 1000);
            last = next;
        }
    }

    // ---- secrets

    @Test
    void shouldAcceptWhatADirectorWithTheSameKeyFileMade() {
        long wall = 1_800_000_000_000_000_000L;
        Cookies first = new Cookies(Secrets.parse("# ours\n" + KEY + "\n", wall));
        Cookies second = new Cookies(Secrets.parse(KEY, wall - 5_000_000_000_000L));
        for (int i = 0; i < 300; i++) {
            long now = i * 1_000_000_000L;
            // The second director's own clock started at another time, and its time of day is 8 s off, either way.
            first.clock(now);
            second.clock(now + 5_000_000_000_000L + (i % 2 == 0 ? 8 : -8) * 1_000_000_000L);
            int cookie = first.make4(ADDRESSES, PORTS, i, plain(1460, 7, true), 0);
            assertThat(open(second, i, cookie)).isEqualTo(plain(1460, 7, true));
        }
    }

    @Test
    void shouldNotAcceptWhatADirectorWithAnotherSecretMade() {
        Cookies first = new Cookies(Secrets.random());
        Cookies second = new Cookies(Secrets.random());
        first.clock(0);
        second.clock(0);
        assertThat(open(second, 1, first.make4(ADDRESSES, PORTS, 1, plain(1460, 7, true), 0)))
                .isEqualTo(Cookies.INVALID);
    }

    @Test
    void shouldRotateSecretsWithoutLosingAHandshake() {
        Secrets secrets = Secrets.random();
        Cookies old = new Cookies(secrets);
        Cookies cookies = new Cookies(secrets);
        long step = EPOCH / 16;
        for (int i = 0; i < 400; i++) {
            long now = i * step;
            if (i % 40 == 17) {
                cookies.secrets(cookies.secrets().rotated(now));
            }
            cookies.clock(now);
            int cookie = cookies.make4(ADDRESSES, PORTS, i, plain(1460, 7, true), 0);
            cookies.clock(now + 13 * step);
            assertThat(open(cookies, i, cookie)).as("made at step %d", i).isEqualTo(plain(1460, 7, true));
            cookies.clock(now);
        }
        long end = 400 * step;
        old.clock(end);
        cookies.clock(end);
        assertThat(open(old, 5, cookies.make4(ADDRESSES, PORTS, 5, plain(1460, 7, true), 0)))
                .as("the first secret is gone")
                .isEqualTo(Cookies.INVALID);
    }

    @Test
    void shouldChangeToTheNextSecretOfAKeyFileAtItsTime() {
        String other = "ffeeddccbbaa99887766554433221100";
        long begin = 1_796_083_200_000_000_000L; // 2026-12-01T00:00:00Z
        Cookies both = new Cookies(Secrets.parse(KEY + "\n" + other + " 2026-12-01T00:00:00Z # next\n", 0));
        Cookies first = new Cookies(Secrets.parse(KEY, 0));
        Cookies second = new Cookies(Secrets.parse(other, 0));
        for (Cookies each : new Cookies[] {both, first, second}) {
            each.clock(begin - 1);
        }
        int before = both.make4(ADDRESSES, PORTS, 1, plain(1460, 7, true), 0);
        assertThat(open(first, 1, before)).isNotEqualTo(Cookies.INVALID);
        for (Cookies each : new Cookies[] {both, first, second}) {
            each.clock(begin + EPOCH);
        }
        int after = both.make4(ADDRESSES, PORTS, 1, plain(1460, 7, true), 0);
        assertThat(open(second, 1, after)).isNotEqualTo(Cookies.INVALID);
        assertThat(open(first, 1, after)).isEqualTo(Cookies.INVALID);
        both.clock(begin + EPOCH / 2);
        assertThat(open(both, 1, before)).as("made with the secret before").isNotEqualTo(Cookies.INVALID);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'' | no secret in it; a line is 32 hexadecimal digits",
                "'# nothing' | no secret in it; a line is 32 hexadecimal digits",
                "00 | line 1: expected 32 hexadecimal digits and, from the second line on, a time",
                "00010203040506070809zzzz0c0d0e0f | line 1: expected 32 hexadecimal digits and, from the second line on,"
                        + " a time",
                KEY + " 2026-12-01T00:00:00Z | line 1: the first secret takes no time",
            })
    void shouldSayWhatIsWrongWithAKeyFile(String text, String message) {
        assertMessage(text, message);
    }

    @Test
    void shouldSayWhatIsWrongWithFurtherLines() {
        assertMessage(KEY + "\n" + KEY, "line 2: a second secret needs the time it holds from");
        assertMessage(KEY + "\n" + KEY + " soon", "line 2: 'soon' is no time such as 2026-12-01T00:00:00Z");
        assertMessage(
                KEY + "\n" + KEY + " +1000000000-12-31T23:59:59Z",
                "line 2: '+1000000000-12-31T23:59:59Z' is no time such as 2026-12-01T00:00:00Z");
        assertMessage(
                KEY + "\n\n" + KEY + " 2026-12-01T00:00:00Z\n" + KEY + " 2026-12-01T00:00:00Z",
                "line 4: its time must be later than the line's before");
    }

    private static void assertMessage(String text, String message) {
        assertThatThrownBy(() -> Secrets.parse(text, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    // ---- the layout, pinned

    @Test
    void shouldKeepItsLayoutBecauseOtherDirectorsRelyOnIt() {
        Cookies cookies = cookies(7 * EPOCH);
        int offer = plain(1460, 7, true);
        long key0 = SipHash.hash(0x0001020304050607L, 0x08090a0b0c0d0e0fL, 14);
        long key1 = SipHash.hash(0x0001020304050607L, 0x08090a0b0c0d0e0fL, 15);
        long data = 3 | 7 << 2 | 1 << 6;
        long hash = SipHash.hash(key0, key1, ADDRESSES, ((long) PORTS << 32) | 99, data << 33);
        int expected = (int) (hash >>> 40) << 8 | (int) data << 1 | 1;
        assertThat(cookies.make4(ADDRESSES, PORTS, 99, offer, 0)).isEqualTo(expected);
    }
}
