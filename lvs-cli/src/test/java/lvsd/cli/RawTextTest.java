package lvsd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** No byte of the user is lost between reading and printing, whatever it is. */
class RawTextTest {
    @Test
    void shouldGiveEveryByteBack() {
        long seed = Long.getLong("seed", System.nanoTime());
        Random random = new Random(seed);
        for (int round = 0; round < 20_000; round++) {
            byte[] bytes = new byte[random.nextInt(12)];
            random.nextBytes(bytes);
            assertThat(RawText.encode(RawText.decode(bytes)))
                    .as("-Dseed=" + seed)
                    .isEqualTo(bytes);
        }
        String text = "ä€😀";
        assertThat(RawText.decode(RawText.encode(text))).isEqualTo(text);
    }

    @Test
    void shouldCutWordsWhereTheBufferOfTheOriginalEnds() throws IOException {
        String word = "x".repeat(4096);
        assertThat(lines("a\r" + word + "y\t" + word + "\n\n" + word + word + "z"))
                .containsExactly("a " + word + " y " + word, "", word + " " + word + " z");
        assertThat(lines("")).isEmpty();
        assertThat(lines("-C\n")).containsExactly("-C");
    }

    private static List<String> lines(String text) throws IOException {
        RestoreLines lines = new RestoreLines(new ByteArrayInputStream(RawText.encode(text)));
        List<String> all = new ArrayList<>();
        for (String line = lines.next(); line != null; line = lines.next()) {
            all.add(line);
        }
        return all;
    }
}
