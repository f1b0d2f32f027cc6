package lvsd.sync;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The worked messages of docs/sync-protocol.md, and the program there that makes them without us. */
final class WorkedMessagesTest {
    private static final Map<String, String> MESSAGES = Map.of(
            "md5-v1", IcvTest.MD5_V1,
            "md5-v0", IcvTest.MD5_V0,
            "sha256-key", IcvTest.SHA256_KEY,
            "sha256", IcvTest.SHA256);

    private static String document() throws IOException {
        return Files.readString(Path.of("..", "docs", "sync-protocol.md"));
    }

    @Test
    void theDocumentShowsThem() throws IOException {
        String document = document();
        MESSAGES.forEach((name, hex) -> assertThat(document).contains("| " + name + " | `" + hex + "` |"));
    }

    @Test
    void pythonMakesTheSame() throws IOException, InterruptedException {
        assumeTrue(python(), "python3 is not there");
        String document = document();
        int from = document.indexOf("```python\n") + 10;
        Process process =
                new ProcessBuilder("python3", "-").redirectErrorStream(true).start();
        process.getOutputStream()
                .write(document.substring(from, document.indexOf("```", from)).getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().close();
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(printed).isZero();
        MESSAGES.forEach((name, hex) -> assertThat(printed).contains(name + " " + hex + "\n"));
    }

    private static boolean python() {
        try {
            return new ProcessBuilder("python3", "-V").start().waitFor() == 0 || strict();
        } catch (IOException absent) {
            return strict();
        } catch (InterruptedException e) {
            throw new UncheckedIOException(new IOException(e));
        }
    }

    private static boolean strict() {
        return "1".equals(System.getenv("LVS_TEST_STRICT"));
    }
}
