package lvsd.sync;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import lvsd.wire.SeededTest;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A master and a backup joined by memory. */
class MemoryGroupTest {
    @ParameterizedTest
    @EnumSource
    void whatOneTellsTheOtherTakes(IcvAlgorithm algorithm) throws UnknownHostException {
        MemoryTable source = new MemoryTable();
        MemoryTable sink = new MemoryTable();
        MemoryGroup group = new MemoryGroup(
                InetAddress.getByAddress(Writers.GROUP),
                algorithm,
                Writers.keys("0123456789abcdef0123456789abcdef"),
                source,
                sink,
                SeededTest.random(1),
                1_000_000);
        long millis = 1_000_000;
        for (int i = 0; i < 1000 && !group.joined(); i++) {
            millis += 10;
            group.work(millis);
        }
        assertThat(group.joined()).isTrue();
        for (int i = 0; i < 10_000; i++) {
            source.put(Writers.connection(1024 + i));
        }
        assertThat(group.send(++millis)).isGreaterThan(200);
        assertThat(group.receive(millis)).isEqualTo(10_000);
        assertThat(sink.content()).isEqualTo(source.content());
    }
}
