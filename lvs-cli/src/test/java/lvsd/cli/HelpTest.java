package lvsd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lvsd.rules.RuleParser;
import org.junit.jupiter.api.Test;

class HelpTest {
    private static final Pattern EXAMPLE = Pattern.compile("Example:\n    lvsadm ([^;>\n]*)");

    private record Output(int code, String out, String err) {}

    private static Output run(String program, String... arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        try (Lvsadm tool = new Lvsadm(
                program,
                List.of(arguments),
                null,
                socket -> new FakeDirector(),
                Recording.names(),
                new ByteArrayInputStream(new byte[0]),
                new PrintStream(out, false, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8))) {
            int code = tool.run();
            return new Output(code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
        }
    }

    @Test
    void shouldTellAboutEachCommandWithAnExampleThatWorks() throws Exception {
        for (String command : List.of(
                "-A",
                "-E",
                "-D",
                "-a",
                "-e",
                "-d",
                "-L",
                "-Z",
                "-C",
                "-S",
                "-R",
                "--set",
                "-P",
                "-Q",
                "-G",
                "--start-daemon",
                "--stop-daemon",
                "--sysctl",
                "--drops",
                "--ports",
                "--workers")) {
            Output help = run("lvsadm", "help", command);
            assertThat(help.code).as(command).isZero();
            Matcher example = EXAMPLE.matcher(help.out);
            assertThat(example.find()).as(help.out).isTrue();
            assertThat(RuleParser.numeric().parseLine(example.group(1))).isPresent();
        }
    }

    @Test
    void shouldListTheCommandsAndNameWhatIsNone() {
        assertThat(run("lvsadm", "help").out).contains("--add-service", "--workers");
        assertThat(run("lvsadm", "help", "nonsense").code).isEqualTo(2);
        assertThat(run("lvsadm", "help", "nonsense").err).contains("nonsense");
    }

    @Test
    void shouldNotKnowHelpUnderTheOriginalsName() {
        assertThat(run("ipvsadm", "help").err).startsWith("Try `ipvsadm -h'");
        assertThat(run("ipvsadm", "help").code).isEqualTo(255);
    }
}
