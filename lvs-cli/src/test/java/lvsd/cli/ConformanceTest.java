package lvsd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import lvsd.cli.Recording.Step;
import org.junit.jupiter.api.Test;

/** Every step of the recorded ipvsadm, byte for byte, before a director that only keeps rules. */
class ConformanceTest {
    private record Result(String rc, String stdout, String stderr) {}

    private static Result run(FakeDirector director, List<String> arguments, String stdin) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Lvsadm tool = new Lvsadm(
                "ipvsadm",
                arguments,
                null,
                socket -> director,
                Recording.names(),
                new ByteArrayInputStream(stdin.getBytes(StandardCharsets.UTF_8)),
                new PrintStream(out, false, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8));
        int code = tool.run();
        return new Result(
                Integer.toString(code), out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    /** Differences that are meant. */
    private static boolean allowed(Step step, Result result) {
        // The help has the same options in our words.
        boolean help = step.stdout().isEmpty()
                && step.arguments().contains("-h")
                && step.rc().equals("0");
        // The version is ours.
        boolean version = step.stdout().startsWith("ipvsadm v1.31");
        // The original hangs when daemons start and stop in one -R.
        boolean hang = step.rc().equals("timeout");
        // Services come in the order of the kernel's hash there.
        boolean unsorted =
                step.arguments().contains("--nosort") && sorted(step.stdout()).equals(sorted(result.stdout));
        // The original loses thresholds.
        boolean thresholds = step.arguments().toString().matches("\\[(-S.*|--save.*)]")
                && result.stdout.replaceAll(" -x \\d+| -y \\d+", "").equals(step.stdout());
        return help || version || hang || unsorted || thresholds;
    }

    private static List<String> sorted(String text) {
        return text.lines().sorted().toList();
    }

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
            Result result = run(director, step.arguments(), step.stdin());
            Result wanted = new Result(step.rc(), step.stdout(), step.stderr());
            compared++;
            if (!result.equals(wanted) && !allowed(step, result)) {
                differences.add(step + "\n  wanted " + wanted + "\n  got    " + result);
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
