package lvsd.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where secrets of SYN cookies come from, and when they change. */
class CookieKeysTest {
    private static final String KEY = "5f1d36f1518990a9fe19c5a64cd3b7b2";

    @TempDir
    private Path directory = Path.of("");

    private final FakeDataplane dataplane = new FakeDataplane();
    private long clock = 5_000_000_000L;
    private long wall = 1_796_000_000_000_000_000L;
    private final CookieKeys keys = new CookieKeys(dataplane, () -> clock, () -> wall);

    private Path file(String text, String permissions) throws IOException {
        Path file = directory.resolve("keys");
        Files.deleteIfExists(file);
        Files.writeString(file, text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
        return file;
    }

    private void pass(long seconds) {
        clock += seconds * 1_000_000_000L;
        wall += seconds * 1_000_000_000L;
        keys.tick(600);
    }

    @Test
    void shouldPutANewRandomSecretInPlaceInTime() throws StartException {
        keys.use(Optional.empty());
        pass(599);
        assertThat(dataplane.asked).isEmpty();
        pass(1);
        assertThat(dataplane.asked).containsExactly("random secrets");
        pass(599);
        pass(1);
        assertThat(dataplane.asked).hasSize(2);
    }

    @Test
    void shouldLeaveTheSecretsOfAFileAloneButFollowTheTimeOfDay() throws Exception {
        keys.use(Optional.of(file(KEY, "rw-------")));
        pass(100_000);
        assertThat(dataplane.asked).containsExactly("shared secrets");
        wall += 99_000_000;
        pass(1);
        assertThat(dataplane.asked).hasSize(1);
        wall += 3_600_000_000_000L;
        pass(1);
        assertThat(dataplane.asked).containsExactly("shared secrets", "shared secrets");
    }

    @Test
    void shouldGoBackToRandomSecretsWithoutAFile() throws Exception {
        keys.use(Optional.of(file(KEY, "r--------")));
        keys.use(Optional.empty());
        keys.use(Optional.empty());
        assertThat(dataplane.asked).containsExactly("shared secrets", "random secrets");
    }

    @ParameterizedTest
    @ValueSource(strings = {"rw-r-----", "rw----r--", "rw--w----", "rw-----w-"})
    void shouldRefuseAFileThatOthersMayReadOrWrite(String permissions) throws IOException {
        Path file = file(KEY, permissions);
        assertThatThrownBy(() -> keys.use(Optional.of(file)))
                .isInstanceOfSatisfying(
                        StartException.class, e -> assertThat(e.exitCode()).isEqualTo(78))
                .hasMessageContaining("chmod 600");
        assertThat(dataplane.asked).isEmpty();
    }

    @Test
    void shouldSayWhatIsWrongAndTellNoSecret() throws IOException {
        Path file = file(KEY + "0\n", "rw-------");
        assertThatThrownBy(() -> keys.use(Optional.of(file)))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("line 1")
                .hasMessageNotContaining(KEY);
        assertThatThrownBy(() -> keys.use(Optional.of(directory.resolve("none"))))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("no such file");
    }
}
