package lvsd.cli;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import lvsd.cli.Recording.Step;
import lvsd.control.ControlClient;

/** Runs recorded steps by the tool itself, in this process. */
public final class Replay {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    /**
     * What the tool did.
     *
     * @param rc exit code, or {@code timeout}
     */
    public record Result(String rc, String stdout, String stderr) {
        /** What was recorded. */
        public static Result recorded(Step step) {
            return new Result(step.rc(), step.stdout(), step.stderr());
        }
    }

    private Replay() {}

    /** The steps of a recording. */
    static Stream<Step> steps(String resource) {
        return Recording.read(resource).stream();
    }

    /** Runs a step against the director at {@code socket}. */
    public static Result run(Path socket, Step step) {
        return run(where -> new ControlClient(where, PATIENCE), socket, step);
    }

    /** Runs a step against what {@code connector} leads to. */
    static Result run(Lvsadm.Connector connector, Path socket, Step step) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        try (Lvsadm tool = new Lvsadm(
                "ipvsadm",
                step.arguments(),
                socket.toString(),
                connector,
                Recording.names(),
                new ByteArrayInputStream(RawText.encode(step.stdin())),
                new PrintStream(out, false, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8))) {
            int code = tool.run();
            return new Result(
                    Integer.toString(code), RawText.decode(out.toByteArray()), RawText.decode(err.toByteArray()));
        }
    }

    /** What is wrong with an answer; empty if it is the recorded one or differs as is allowed. */
    public static String difference(Step step, Result got) {
        Result wanted = Result.recorded(step);
        return got.equals(wanted) || AllowedDifference.of(step, got).isPresent()
                ? ""
                : step + "\n  wanted " + wanted + "\n  got    " + got + "\n";
    }
}
