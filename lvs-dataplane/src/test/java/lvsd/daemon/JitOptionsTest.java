package lvsd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * The launchers name methods of the packet path to the JIT. A name that is no longer there would be passed over in
 * silence, and cost a third of the speed.
 */
class JitOptionsTest {
    private static final Path LIBRARY = Path.of("..", "config", "bin", "lvs-lib.sh");

    @Test
    void shouldNameMethodsThatThereAre() throws IOException, ClassNotFoundException {
        String script = Files.readString(LIBRARY).replace("\\\n", " ");
        var loop = Pattern.compile("for lvs_method in ([^;]+);").matcher(script);
        assertThat(loop.find()).isTrue();
        List<String> names = Arrays.asList(loop.group(1).strip().split("\\s+", -1));
        assertThat(names).hasSizeGreaterThan(5);
        for (String name : names) {
            String[] parts = name.split("::", 2);
            String method = parts[1].replace("*", ".*");
            assertThat(Class.forName("lvsd." + parts[0]).getDeclaredMethods())
                    .as(name)
                    .anyMatch(each -> each.getName().matches(method));
        }
    }
}
