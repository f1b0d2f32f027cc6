package lvsd.synproxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.random.RandomGenerator;
import lvsd.wire.SeededTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Hashes and cookies made side by side are those made one by one, however many there are. */
class CookieLanesTest {
    private static final long NOW = 5L << Secrets.EPOCH_SHIFT;

    private final long seed = Long.getLong("seed", SeededTest.base());
    private final String replay = "replay with -Dseed=" + seed;
    private final RandomGenerator random = SeededTest.random(seed);

    @ParameterizedTest
    @ValueSource(ints = {3, 6})
    void shouldHashAsOneByOne(int words) {
        SipLanes lanes = new SipLanes();
        for (int count = 1; count <= SipLanes.LANES; count++) {
            long[] expected = new long[count];
            for (int lane = 0; lane < count; lane++) {
                long key0 = random.nextLong();
                long key1 = random.nextLong();
                long[] message = random.longs(words).toArray();
                lanes.key(lane, key0, key1);
                boolean short3 = words == 3;
                long last = short3 ? SipHash.last23(message[2]) : SipHash.last47(message[5]);
                for (int word = 0; word < words - 1; word++) {
                    lanes.word(lane, word, message[word]);
                }
                lanes.word(lane, words - 1, last);
                expected[lane] = short3
                        ? SipHash.hash(key0, key1, message[0], message[1], message[2])
                        : SipHash.hash(
                                key0, key1, message[0], message[1], message[2], message[3], message[4], message[5]);
            }
            lanes.run(count, words);
            for (int lane = 0; lane < count; lane++) {
                assertThat(lanes.hash(lane)).as(replay).isEqualTo(expected[lane]);
            }
        }
    }

    private int offer() {
        return TcpOffer.of(random.nextInt(1 << 16), random.nextInt(16), random.nextBoolean(), random.nextBoolean());
    }

    private Cookies cookies() {
        Cookies cookies = new Cookies(Secrets.random());
        cookies.scale(random.nextInt(15));
        cookies.clock(NOW);
        return cookies;
    }

    @Test
    void shouldMakeTheCookiesOfOneByOne() {
        for (int count = 1; count <= CookieLanes.LANES; count++) {
            Cookies cookies = cookies();
            CookieLanes four = new CookieLanes(cookies, false);
            CookieLanes six = new CookieLanes(cookies, true);
            int[] expected4 = new int[count];
            int[] expected6 = new int[count];
            for (int lane = 0; lane < count; lane++) {
                long[] a = random.longs(4).toArray();
                int ports = random.nextInt();
                int isn = random.nextInt();
                int offer = offer();
                int stamp = random.nextInt();
                expected4[lane] = cookies.make4(a[0], ports, isn, offer, stamp);
                expected6[lane] = cookies.make6(a[0], a[1], a[2], a[3], ports, isn, offer, stamp);
                four.addresses4(lane, a[0]);
                four.make(lane, ports, isn, offer, stamp);
                six.addresses6(lane, a[0], a[1], a[2], a[3]);
                six.make(lane, ports, isn, offer, stamp);
                assertThat(six.address(lane, 3)).isEqualTo(a[3]);
                assertThat(six.ports(lane)).isEqualTo(ports);
                assertThat(four.isn(lane)).isEqualTo(isn);
            }
            four.hash(count);
            six.hash(count);
            for (int lane = 0; lane < count; lane++) {
                assertThat(four.made(lane)).as(replay).isEqualTo(expected4[lane]);
                assertThat(six.made(lane)).as(replay).isEqualTo(expected6[lane]);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldJudgeAsOneByOne(boolean ipv6) {
        Cookies cookies = cookies();
        CookieLanes lanes = new CookieLanes(cookies, ipv6);
        int good = 0;
        for (int round = 0; round < 200; round++) {
            int[] expected = new int[CookieLanes.LANES];
            int[] cookie = new int[CookieLanes.LANES];
            int[] echo = new int[CookieLanes.LANES];
            boolean[] stamped = new boolean[CookieLanes.LANES];
            for (int lane = 0; lane < CookieLanes.LANES; lane++) {
                long[] a = random.longs(4).toArray();
                int ports = random.nextInt();
                int isn = random.nextInt();
                int offer = offer();
                stamped[lane] = TcpOffer.timestamps(offer);
                echo[lane] = cookies.timestamp(offer);
                int made = ipv6
                        ? cookies.make6(a[0], a[1], a[2], a[3], ports, isn, offer, echo[lane])
                        : cookies.make4(a[0], ports, isn, offer, echo[lane]);
                cookie[lane] = random.nextBoolean() ? made : made ^ 1 << random.nextInt(32);
                expected[lane] = ipv6
                        ? cookies.open6(a[0], a[1], a[2], a[3], ports, isn, cookie[lane], stamped[lane], echo[lane])
                        : cookies.open4(a[0], ports, isn, cookie[lane], stamped[lane], echo[lane]);
                if (ipv6) {
                    lanes.addresses6(lane, a[0], a[1], a[2], a[3]);
                } else {
                    lanes.addresses4(lane, a[0]);
                }
                lanes.open(lane, ports, isn, cookie[lane], stamped[lane], echo[lane]);
            }
            lanes.hash(CookieLanes.LANES);
            for (int lane = 0; lane < CookieLanes.LANES; lane++) {
                int found = lanes.opened(lane, cookie[lane], stamped[lane], echo[lane]);
                assertThat(found).as(replay).isEqualTo(expected[lane]);
                good += found == Cookies.INVALID ? 0 : 1;
            }
        }
        assertThat(good).as(replay).isBetween(5000, 7800);
    }
}
