package lvsd.sync;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Connections in a file between two runs. */
class SnapshotTest {
    private static final long NOW = 1_795_000_000_000L;
    private static final int COUNT = 3_000;

    @TempDir
    private Path directory;

    private Path file;
    private final MemoryTable before = new MemoryTable();
    private final MemoryTable after = new MemoryTable();

    @BeforeEach
    void fill() {
        file = directory.resolve("connections");
        for (int i = 0; i < COUNT; i++) {
            before.put(connection(i, 900));
        }
        SyncConnection drained = new SyncConnection();
        while (before.poll(drained)) {
            drained.clear();
        }
    }

    private static SyncConnection connection(int i, int timeout) {
        SyncConnection c = new SyncConnection();
        c.ipv6 = i % 3 == 0;
        c.protocol = i % 5 == 0 ? 17 : 6;
        c.state = i % 5 == 0 ? 0 : 1;
        c.clientHigh = c.ipv6 ? 0x2001_0db8_0001_0000L : 0;
        c.clientLow = c.ipv6 ? i : 0xc000_0202L;
        c.clientPort = 1024 + i;
        c.virtualHigh = c.ipv6 ? 0x2001_0db8_0003_0000L : 0;
        c.virtualLow = c.ipv6 ? 80 : 0xcb00_7150L;
        c.virtualPort = 80;
        c.serverHigh = c.ipv6 ? 0x2001_0db8_0002_0000L : 0;
        c.serverLow = c.ipv6 ? 11 : 0xc633_640bL;
        c.serverPort = 8080;
        c.timeout = timeout;
        return c;
    }

    private long read(long later, long most) throws IOException {
        return Snapshot.read(file, NOW + later, most, c -> after.take(c, SyncSink.NO_ORIGIN, 0));
    }

    private void write() throws IOException {
        try (Snapshot.Writer writer = new Snapshot.Writer(file, before, NOW)) {
            writer.finish();
        }
    }

    @Test
    void everyConnectionComesBackOnce() throws IOException {
        write();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        assertThat(read(0, 60_000)).isEqualTo(COUNT);
        assertThat(after.content()).isEqualTo(before.content());
        assertThat(directory).isEmptyDirectory();
        assertThat(read(0, 60_000)).isEqualTo(-1);
    }

    @Test
    void whatChangesWhileItIsWrittenCounts() throws IOException {
        try (Snapshot.Writer writer = new Snapshot.Writer(file, before, NOW)) {
            before.put(connection(COUNT, 900));
            before.remove(connection(7, 900));
            assertThat(writer.finish()).isEqualTo(COUNT + 2);
        }
        assertThat(read(0, 60_000)).isEqualTo(COUNT + 2);
        assertThat(after.content()).isEqualTo(before.content());
    }

    @Test
    void timePassesBetweenTheTwoRuns() throws IOException {
        before.put(connection(COUNT, 5));
        write();
        assertThat(read(10_000, 60_000)).isEqualTo(COUNT);
        assertThat(after.rows()).allMatch(row -> row.contains(" 890"));
    }

    @Test
    void anOldOneIsOfNoUse() throws IOException {
        write();
        assertThatThrownBy(() -> read(60_001, 60_000))
                .isInstanceOf(IOException.class)
                .hasMessage("it is 60 s old");
        assertThat(after.content()).isEmpty();
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void aDamagedOneIsOfNoUseWhereverTheDamage() throws IOException {
        write();
        byte[] good = Files.readAllBytes(file);
        for (int at = 0; at < good.length; at += Math.max(1, good.length / 50)) {
            byte[] bad = good.clone();
            bad[at] ^= 0x10;
            Files.write(file, bad);
            assertThatThrownBy(() -> read(0, Long.MAX_VALUE)).isInstanceOf(IOException.class);
            Files.write(file, Arrays.copyOf(good, at));
            assertThatThrownBy(() -> read(0, Long.MAX_VALUE)).isInstanceOf(IOException.class);
        }
        assertThat(after.content()).isEqualTo(Map.of());
    }

    @Test
    void oneThatIsGivenUpLeavesNothing() throws IOException {
        new Snapshot.Writer(file, before, NOW).close();
        assertThat(directory).isEmptyDirectory();
    }
}
