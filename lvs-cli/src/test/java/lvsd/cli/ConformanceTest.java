package lvsd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import lvsd.cli.Recording.Step;
import org.junit.jupiter.api.Test;

/** Every step of the recorded ipvsadm, byte for byte, before a director that only keeps rules. */
class ConformanceTest {
    @Test
    void shouldAnswerEveryRecordedStepAsTheOriginal() {
        compare("ipvsadm.jsonl", 700);
    }

    /** Asked later of the same ipvsadm and kernel: every option with every command, option syntax, limits. */
    @Test
    void shouldAnswerFurtherQuestionsAsTheOriginal() {
        compare("ipvsadm-more.jsonl", 2000);
    }

    private static void compare(String resource, int atLeast) {
        List<String> differences = new ArrayList<>();
        FakeDirector director = new FakeDirector();
        String scenario = "";
        int compared = 0;
        for (Step step : Recording.read(resource)) {
            if (!step.scenario().equals(scenario)) {
                scenario = step.scenario();
                director = new FakeDirector();
            }
            if (!step.command().isEmpty()) {
                shell(director, step.command());
                continue;
            }
            compared++;
            FakeDirector present = director;
            String difference = Replay.difference(step, Replay.run(_ -> present, Path.of("none"), step));
            if (!difference.isEmpty()) {
                differences.add(difference);
            }
        }
        assertThat(differences).as(String.join("\n", differences)).isEmpty();
        assertThat(compared).isGreaterThanOrEqualTo(atLeast);
    }

    /** What the shell steps did to the network interface and to the rules. */
    private static void shell(FakeDirector director, String command) {
        if (command.contains("ipvsadm -R")) {
            director.loseThresholds();
        }
        if (command.contains("link set eth0 down")) {
            director.up = false;
        }
        if (command.contains("link set eth0 up")) {
            director.up = true;
        }
        int mtu = command.indexOf("mtu ");
        if (mtu >= 0) {
            director.mtu = Integer.parseInt(command.substring(mtu + 4).strip());
        }
    }
}
