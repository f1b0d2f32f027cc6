package lvsd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import lvsd.config.Settings;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** What the kernel and ipvsadm answered, step by step, and what we answer: exit code and standard error. */
final class RecordedStepsTest {
    private record Step(String rule, int exitCode, String error) {}

    private record Scenario(String name, List<Step> steps) {}

    private static List<Scenario> scenarios() throws IOException {
        List<Scenario> scenarios = new ArrayList<>();
        try (InputStream in =
                Objects.requireNonNull(RecordedStepsTest.class.getResourceAsStream("director-steps.txt"))) {
            for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).split("\n", -1)) {
                if (line.startsWith("= ")) {
                    scenarios.add(new Scenario(line.substring(2), new ArrayList<>()));
                } else if (!line.isEmpty() && !line.startsWith("#")) {
                    String[] fields = line.split("\t", -1);
                    scenarios
                            .getLast()
                            .steps
                            .add(new Step(fields[0], Integer.parseInt(fields[1]), fields[2].replace("\\n", "\n")));
                }
            }
        }
        return scenarios;
    }

    @TestFactory
    Stream<DynamicTest> shouldAnswerAsRecorded() throws IOException {
        return scenarios().stream()
                .map(scenario -> DynamicTest.dynamicTest(scenario.name, () -> RecordedStepsTest.replay(scenario)));
    }

    private static void replay(Scenario scenario) {
        FakeDataplane dataplane = new FakeDataplane();
        Director director = new Director(dataplane, Settings.defaults(), Set.of());
        Requests requests = new Requests(director, dataplane, null);
        for (Step step : scenario.steps) {
            RequestHandler.Answer answer = requests.execute(step.rule);
            assertThat(requests.commit()).isEmpty();
            ByteBuf bytes = (ByteBuf) answer.frames().message();
            String text = bytes.toString(StandardCharsets.UTF_8);
            String[] header = text.substring(0, text.indexOf('\n')).split(" ", -1);
            String error = text.substring(text.indexOf('\n') + 1 + Integer.parseInt(header[1]));
            assertThat(header[0] + " " + error)
                    .as("%s: %s", scenario.name, step.rule)
                    .isEqualTo(step.exitCode + " " + step.error);
            bytes.release();
        }
    }
}
