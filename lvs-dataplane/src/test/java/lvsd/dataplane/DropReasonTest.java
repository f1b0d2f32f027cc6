package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Every packet that is dropped can be explained, by the tool and by the documentation alike. */
class DropReasonTest {
    @Test
    void shouldBeDocumentedEachWithItsMeaningAndWhatToDo() throws IOException {
        List<String> rows = Files.readAllLines(Path.of("..", "docs", "drops.md")).stream()
                .filter(line -> line.startsWith("| `"))
                .toList();
        assertThat(rows)
                .containsExactlyElementsOf(Arrays.stream(DropReason.values())
                        .map(each -> "| `" + each.label() + "` | " + each.help() + " | " + each.remedy() + " |")
                        .toList());
    }

    @Test
    void shouldHaveALabelOfItsOwnAndSayMoreThanItsName() {
        assertThat(DropReason.values()).extracting(DropReason::label).doesNotHaveDuplicates();
        assertThat(DropReason.values()).allSatisfy(each -> {
            assertThat(each.label()).matches("[a-z0-9]+(-[a-z0-9]+)*");
            assertThat(each.help()).hasSizeGreaterThan(12);
            assertThat(each.remedy()).hasSizeGreaterThan(12);
        });
    }
}
