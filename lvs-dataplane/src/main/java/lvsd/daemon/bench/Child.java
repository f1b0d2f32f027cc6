package lvsd.daemon.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.TimeUnit;

/**
 * Runs a subject that measures itself and prints {@code name=value} lines. Used by the orchestrating thread.
 */
final class Child {
    private static final long LIMIT_SECONDS = 300;

    private Child() {}

    /** Runs {@code command} to its end and reads what it printed; other lines (the EAL's) are left in {@code raw}. */
    static Properties run(List<String> command, Path raw) throws IOException {
        Properties found = runAny(command, raw);
        if (!found.containsKey("mpps")) {
            throw new IOException(command.get(0) + " printed no result; see " + raw);
        }
        return found;
    }

    /** As {@link #run} for what has other results than {@code mpps}. */
    static Properties runAny(List<String> command, Path raw) throws IOException {
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(raw.toFile())
                .start();
        try {
            process.getOutputStream().close();
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                throw new IOException(command.get(0) + " did not end within " + LIMIT_SECONDS + " s; see " + raw);
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while " + command.get(0) + " ran", interrupted);
        } finally {
            process.destroyForcibly();
        }
        if (process.exitValue() != 0) {
            throw new IOException(command.get(0) + " exited with " + process.exitValue() + "; see " + raw);
        }
        return parse(raw);
    }

    private static Properties parse(Path raw) throws IOException {
        Properties found = new Properties();
        for (String line : Files.readAllLines(raw, StandardCharsets.UTF_8)) {
            int equals = line.indexOf('=');
            if (equals > 0 && line.substring(0, equals).chars().allMatch(Child::isNameCharacter)) {
                found.setProperty(line.substring(0, equals), line.substring(equals + 1));
            }
        }
        return found;
    }

    private static boolean isNameCharacter(int c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    }
}
