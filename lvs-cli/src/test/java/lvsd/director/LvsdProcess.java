package lvsd.director;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import lvsd.control.ControlClient;
import lvsd.control.Reply;
import lvsd.control.View;
import lvsd.control.Views;

/**
 * A running {@code lvsd}: started by its launcher in a topology's director namespace, ready when it says so. Its files
 * (configuration, control socket, journal, log) are in one directory, which a restarted one shares.
 */
final class LvsdProcess implements AutoCloseable {
    private static final Duration START = Duration.ofSeconds(90);
    private static final Duration STOP = Shell.SOON;

    private final Namespace namespace;
    private final Path directory;
    private final Path log;
    private final Process process;

    private LvsdProcess(Namespace namespace, Path directory) {
        this.namespace = namespace;
        this.directory = directory;
        log = nextLog(directory);
        process = namespace.start(
                log,
                launcher("lvsd"),
                "--config",
                directory.resolve("lvsd.yaml").toString(),
                "--control",
                control().toString());
    }

    /** Starts with the given configuration and waits for {@code ready}. */
    static LvsdProcess start(Namespace namespace, Path directory, String configuration) {
        try {
            Files.writeString(directory.resolve("lvsd.yaml"), configuration);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return restart(namespace, directory);
    }

    /** Starts again on what an earlier one left in {@code directory}, and waits for {@code ready}. */
    static LvsdProcess restart(Namespace namespace, Path directory) {
        LvsdProcess lvsd = new LvsdProcess(namespace, directory);
        try {
            Shell.await("lvsd says ready", START, () -> lvsd.isReady() || !lvsd.process.isAlive());
            if (!lvsd.process.isAlive()) {
                throw new AssertionError("lvsd ended with " + lvsd.process.exitValue());
            }
            return lvsd;
        } catch (AssertionError e) {
            lvsd.close();
            throw new AssertionError(e.getMessage() + "\n" + lvsd.log(), e);
        }
    }

    /** Runs a second daemon beside this one, until it ends. */
    Shell.Result second(String configuration, String socket) {
        try {
            Path file = directory.resolve("second.yaml");
            Files.writeString(file, configuration);
            return namespace.run(
                    START,
                    launcher("lvsd"),
                    "--config",
                    file.toString(),
                    "--control",
                    directory.resolve(socket).toString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs {@code lvsadm} with the given arguments. */
    Shell.Result lvsadm(String... arguments) {
        List<String> command = new ArrayList<>(
                List.of(launcher("lvsadm"), "--control", control().toString()));
        command.addAll(Arrays.asList(arguments));
        return Shell.run(command.toArray(String[]::new));
    }

    /** What {@code lvsadm} would do with these arguments, faster: one request, which must succeed; what it answers. */
    String ask(String line) {
        return ask(line, page -> {});
    }

    /** The same of an answer in pages, all but the last of which go to {@code pages}. */
    private String ask(String line, Consumer<String> pages) {
        try (ControlClient client = new ControlClient(control(), Shell.SOON)) {
            Reply reply = client.request(line, pages);
            if (reply.exitCode() != 0) {
                throw new AssertionError(line + ": " + reply);
            }
            return reply.out();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@code -Lnc}, faster than the tool. */
    List<View.Connection> connections() {
        List<View.Connection> all = new ArrayList<>();
        Consumer<String> add = page -> {
            if (!page.isEmpty() && Views.read(page) instanceof View.Connections(var connections)) {
                all.addAll(connections);
            }
        };
        add.accept(ask("-L -c -n", add));
        return all;
    }

    /** How many of them are established. */
    long established() {
        return connections().stream()
                .filter(connection -> connection.state().equals("ESTABLISHED"))
                .count();
    }

    /** Runs each line as the arguments of one {@code lvsadm}, which must succeed. */
    void rules(String lines) {
        lines.lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .forEach(line -> lvsadm(line.split(" +", -1)).orFail());
    }

    /** What it has written to standard error. */
    String log() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** Kills it as {@code kill -9} does. */
    void kill() {
        process.destroyForcibly();
        waitFor(STOP);
    }

    /** Sends SIGTERM and tells how long it took to end. */
    Duration terminate() {
        long start = System.nanoTime();
        process.destroy();
        waitFor(STOP);
        return Duration.ofNanos(System.nanoTime() - start);
    }

    /** Exit code of one that has ended. */
    int exitCode() {
        return process.exitValue();
    }

    /** All that helps to understand a failure. */
    String report() {
        StringBuilder report = new StringBuilder("--- lvsd, " + (isAlive() ? "running" : "ended " + exitCode()) + "\n");
        String text = log();
        report.append(text.substring(Math.max(0, text.length() - 8000)));
        if (isAlive()) {
            for (String view : List.of("-Ln", "--stats -Ln", "--drops", "--ports", "--workers")) {
                String[] arguments = view.equals("--stats -Ln") ? new String[] {"-Ln", "--stats"} : new String[] {view};
                report.append("--- ").append(lvsadm(arguments)).append('\n');
            }
        }
        return report.toString();
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(STOP.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            process.destroyForcibly();
        }
    }

    private boolean isReady() {
        return log().lines().anyMatch("ready"::equals);
    }

    private void waitFor(Duration limit) {
        try {
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new AssertionError("lvsd has not ended within " + limit + "\n" + log());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Its control socket. */
    Path control() {
        return directory.resolve("control.sock");
    }

    private static String launcher(String name) {
        return Shell.ROOT.resolve("config/bin").resolve(name).toString();
    }

    private static Path nextLog(Path directory) {
        for (int number = 1; ; number++) {
            Path candidate = directory.resolve("lvsd." + number + ".log");
            if (Files.notExists(candidate)) {
                try {
                    Files.write(candidate, "".getBytes(UTF_8));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
                return candidate;
            }
        }
    }
}
