package lvsd.director;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A network namespace by name.
 *
 * @param name as {@code ip netns} knows it
 */
record Namespace(String name) {
    /** Makes it, with loopback up. */
    static Namespace create(String name) {
        Shell.run("ip", "netns", "add", name).orFail();
        Namespace namespace = new Namespace(name);
        namespace.ip("link", "set", "lo", "up");
        return namespace;
    }

    /** Ends every process in it, by id, and removes it with its interfaces. */
    void delete() {
        processes().forEach(ProcessHandle::destroyForcibly);
        Shell.run("ip", "netns", "delete", name);
    }

    /** The processes in it. */
    Stream<ProcessHandle> processes() {
        String pids = Shell.run("ip", "netns", "pids", name).out();
        return pids.lines().flatMap(pid -> ProcessHandle.of(Long.parseLong(pid.strip())).stream());
    }

    /** Runs a command in it, for a minute at most. */
    Shell.Result run(String... command) {
        return Shell.run(words(command).toArray(String[]::new));
    }

    /** Runs a command in it, for {@code limit} at most. */
    Shell.Result run(Duration limit, String... command) {
        return Shell.run(limit, words(command));
    }

    /** {@code ip} in it, which must succeed. */
    void ip(String... arguments) {
        List<String> command = new ArrayList<>(List.of("ip", "-n", name));
        command.addAll(Arrays.asList(arguments));
        Shell.run(command.toArray(String[]::new)).orFail();
    }

    /** Sets {@code /proc/sys/...} in it; {@code key} with slashes. */
    void sysctl(String key, String value) {
        run("sh", "-c", "echo " + value + " >/proc/sys/" + key).orFail();
    }

    /** Starts a command in it; its output goes to {@code log}. */
    Process start(Path log, String... command) {
        try {
            return new ProcessBuilder(words(command))
                    .redirectInput(Path.of("/dev/null").toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts the {@code main} of a test class in it. */
    Process startJava(Path log, Class<?> main, String... arguments) {
        return start(log, java(main, arguments));
    }

    /** Starts the {@code main} of a test class in it, with pipes to and from it. */
    Process startPipedJava(Class<?> main, String... arguments) {
        return startPiped(java(main, arguments));
    }

    /** Starts a command in it, with pipes to and from it. */
    Process startPiped(String... command) {
        try {
            return new ProcessBuilder(words(command)).redirectErrorStream(true).start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs the {@code main} of a test class in it. */
    Shell.Result runJava(Duration limit, Class<?> main, String... arguments) {
        return run(limit, java(main, arguments));
    }

    /** A counter of the kernel's network stack here, as nstat names it ({@code TcpRetransSegs}). */
    long counter(String nstat) {
        String out = run("nstat", "-asz", nstat).orFail().out();
        Matcher matcher =
                Pattern.compile("^" + nstat + "\\s+(\\d+)", Pattern.MULTILINE).matcher(out);
        if (!matcher.find()) {
            throw new AssertionError("nstat knows no " + nstat + ": " + out);
        }
        return Long.parseLong(matcher.group(1));
    }

    private List<String> words(String... command) {
        List<String> words = new ArrayList<>(List.of("ip", "netns", "exec", name));
        words.addAll(Arrays.asList(command));
        return words;
    }

    private static String[] java(Class<?> main, String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:-UsePerfData",
                "-Xmx256m",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                Shell.ROOT.resolve("lvs-cli/target/test-classes").toString(),
                main.getName()));
        command.addAll(Arrays.asList(arguments));
        return command.toArray(String[]::new);
    }
}
