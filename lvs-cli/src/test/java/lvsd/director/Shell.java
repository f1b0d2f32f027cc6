package lvsd.director;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/** Runs commands to their end, within a bound. */
final class Shell {
    /** Root of the checkout; Maven names it, an IDE runs in the module. */
    static final Path ROOT =
            Path.of(System.getProperty("lvsd.root", "..")).toAbsolutePath().normalize();

    /** Within this what must happen soon has happened, also on a machine that is slow and shared. */
    static final Duration SOON = Duration.ofMinutes(1);

    private Shell() {}

    /**
     * What a command did.
     *
     * @param command its words
     * @param exit exit code
     * @param out standard output
     * @param err standard error
     */
    record Result(List<String> command, int exit, String out, String err) {
        /** This result; throws where the command failed. */
        Result orFail() {
            if (exit != 0) {
                throw new AssertionError(this);
            }
            return this;
        }

        @Override
        public String toString() {
            return String.join(" ", command) + "\nexit " + exit + "\n" + out + err;
        }
    }

    /**
     * Deletes a temporary directory with all that is in it. A path that is not absolute is what a test has before it makes
     * its directory: nothing is deleted then, for an empty one would be the checkout.
     */
    static void delete(Path directory) throws IOException {
        if (!directory.isAbsolute() || Files.notExists(directory)) {
            return;
        }
        try (Stream<Path> all = Files.walk(directory)) {
            for (Path file : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }

    /** Runs a command for a minute at most. */
    static Result run(String... command) {
        return run(SOON, Arrays.asList(command));
    }

    /** Runs a command, kills it and fails after {@code limit}. */
    static Result run(Duration limit, List<String> command) {
        return run(limit, command, "");
    }

    /** The same with text on its standard input. */
    static Result run(Duration limit, List<String> command, String stdin) {
        Process process;
        try {
            process = new ProcessBuilder(command).start();
            try (OutputStream to = process.getOutputStream()) {
                to.write(stdin.getBytes(UTF_8));
            } catch (IOException e) {
                // It ended without reading all, as it may.
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        try {
            CompletableFuture<String> out = drain(process.getInputStream());
            CompletableFuture<String> err = drain(process.getErrorStream());
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly().waitFor();
                throw new AssertionError(
                        "no end within " + limit + ": " + String.join(" ", command) + "\n" + out.join() + err.join());
            }
            return new Result(command, process.exitValue(), out.join(), err.join());
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted: " + String.join(" ", command), e);
        }
    }

    /** Waits until {@code condition} holds; fails after {@code limit}, naming what was waited for. */
    static void await(String what, Duration limit, BooleanSupplier condition) {
        long end = System.nanoTime() + limit.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("not within " + limit + ": " + what);
            }
            pause(Duration.ofMillis(10));
        }
    }

    /** Lets real time pass, for processes whose clock is not ours. */
    static void pause(Duration time) {
        try {
            TimeUnit.NANOSECONDS.sleep(time.toNanos());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** All that comes; where the process is killed, what has come until then. */
    private static CompletableFuture<String> drain(InputStream stream) {
        return CompletableFuture.supplyAsync(
                () -> {
                    ByteArrayOutputStream all = new ByteArrayOutputStream();
                    try (stream) {
                        stream.transferTo(all);
                    } catch (IOException killed) {
                        return all.toString(UTF_8) + "\n(cut: " + killed.getMessage() + ")";
                    }
                    return all.toString(UTF_8);
                },
                Thread::startVirtualThread);
    }
}
