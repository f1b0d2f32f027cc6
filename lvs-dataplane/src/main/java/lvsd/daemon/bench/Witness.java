package lvsd.daemon.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The running {@code config/bench/witness.c}, which says when CPUs stood still. It is no part of the JVM, so that no pause of
 * the JVM can pass for one of the machine.
 */
final class Witness implements AutoCloseable {
    private static final long LIMIT_SECONDS = 10;

    private final Process process;
    private final Path raw;

    private Witness(Process process, Path raw) {
        this.process = process;
        this.raw = raw;
    }

    /** Starts {@code program} for {@code cpus}; what it says goes to {@code raw} when it is closed. */
    static Witness start(Path program, List<Integer> cpus, Path raw) throws IOException {
        List<String> command = new ArrayList<>(List.of(program.toString()));
        cpus.forEach(cpu -> command.add(Integer.toString(cpu)));
        return new Witness(
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(raw.toFile())
                        .start(),
                raw);
    }

    /** Ends it; {@link #read} has its account then. */
    @Override
    public void close() throws IOException {
        try {
            process.getOutputStream().close();
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
                throw new IOException("the witness of standstills failed; see " + raw);
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while the witness ended", interrupted);
        } finally {
            process.destroyForcibly();
        }
    }

    /** The standstills that a closed witness wrote to {@code raw}. */
    static List<Standstill> read(Path raw) throws IOException {
        List<Standstill> seen = new ArrayList<>();
        for (String line : Files.readAllLines(raw, StandardCharsets.UTF_8)) {
            String[] fields = line.split(" ", -1);
            seen.add(new Standstill(Integer.parseInt(fields[0]), Long.parseLong(fields[1]), Long.parseLong(fields[2])));
        }
        return seen;
    }
}
