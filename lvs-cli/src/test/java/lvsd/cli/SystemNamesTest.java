package lvsd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import lvsd.rules.Addresses;
import org.junit.jupiter.api.Test;

class SystemNamesTest {
    private static InetAddress address(int number) {
        return Addresses.parse("198.18.0." + number).orElseThrow();
    }

    /** A resolver that answers nobody before so many have asked. */
    private static SystemNames.Resolver meeting(int parties, Map<InetAddress, Integer> asked) {
        CyclicBarrier barrier = new CyclicBarrier(parties);
        return new SystemNames.Resolver() {
            @Override
            public Optional<InetAddress> address4(String name) {
                return Optional.empty();
            }

            @Override
            public Optional<String> name(InetAddress address) {
                asked.merge(address, 1, Integer::sum);
                try {
                    barrier.await(60, TimeUnit.SECONDS);
                } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
                    throw new AssertionError("nobody else asked", e);
                }
                int last = address.getAddress()[3];
                return last % 2 == 0 ? Optional.of("host" + last) : Optional.empty();
            }
        };
    }

    @Test
    void shouldLookUpManyHostsAtATimeAndEachOnce() {
        Map<InetAddress, Integer> asked = new ConcurrentHashMap<>();
        SystemNames names = new SystemNames(meeting(32, asked), Path.of("none"));
        names.expect(IntStream.range(0, 64)
                .boxed()
                .flatMap(each -> Stream.of(address(each), address(each)))
                .toList());
        assertThat(asked)
                .hasSize(64)
                .allSatisfy((address, times) -> assertThat(times).isEqualTo(1));
        assertThat(names.host(address(4))).isEqualTo("host4");
        assertThat(names.host(address(5))).isEqualTo("198.18.0.5");
        names.expect(List.of(address(4), address(5)));
        assertThat(asked).allSatisfy((address, times) -> assertThat(times).isEqualTo(1));
    }

    @Test
    void shouldAskForASingleHostWithoutMuchAdo() {
        Map<InetAddress, Integer> asked = new ConcurrentHashMap<>();
        SystemNames names = new SystemNames(meeting(1, asked), Path.of("none"));
        names.expect(List.of(address(2)));
        assertThat(asked).isEmpty();
        assertThat(names.host(address(2))).isEqualTo("host2");
    }

    /** Time stands still but for those who wait for an answer. */
    private static final class Late implements SystemNames.Resolver {
        private final AtomicLong clock = new AtomicLong();
        private final AtomicInteger asked = new AtomicInteger();
        /** Every so many asked there is an answer, at once. */
        private final int answers;

        Late(int answers) {
            this.answers = answers;
        }

        @Override
        public Optional<InetAddress> address4(String name) {
            return Optional.empty();
        }

        @Override
        public Optional<String> name(InetAddress address) {
            if (asked.incrementAndGet() % answers == 0) {
                return Optional.of("answered");
            }
            clock.addAndGet(Duration.ofSeconds(10).toNanos());
            return Optional.empty();
        }

        /** Looks hosts up one by one; returns how many were asked for. */
        int ask(int hosts) {
            SystemNames names = new SystemNames(this, Path.of("none"), clock::get);
            for (int i = 0; i < hosts; i++) {
                String name = names.host(
                        Addresses.parse("198.18." + i / 250 + "." + i % 250).orElseThrow());
                assertThat(name).matches("answered|198\\.18.*");
            }
            return asked.get();
        }
    }

    @Test
    void shouldAskNoMoreWhereNobodyAnswers() {
        assertThat(new Late(Integer.MAX_VALUE).ask(1000)).isEqualTo(64);
    }

    @Test
    void shouldAskOnWhereSomeAreAnswered() {
        assertThat(new Late(50).ask(1000)).isEqualTo(1000);
    }

    @Test
    void shouldAskTheSystemBothWays() {
        InetAddress loopback = InetAddress.getLoopbackAddress();
        assertThat(new SystemNames().host4("localhost")).contains(loopback);
        assertThat(new SystemNames().host(loopback)).isNotEmpty();
        assertThat(new SystemNames().host4("no such host")).isEmpty();
    }
}
