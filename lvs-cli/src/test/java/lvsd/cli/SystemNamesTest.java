package lvsd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
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
                    barrier.await(20, TimeUnit.SECONDS);
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
}
