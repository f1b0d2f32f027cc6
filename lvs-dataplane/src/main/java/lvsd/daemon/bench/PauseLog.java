package lvsd.daemon.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What {@code -Xlog:gc*,safepoint} said: how long all threads stood still, while cycles were watched.
 */
final class PauseLog {
    private static final Pattern SAFEPOINT =
            Pattern.compile("^\\[([0-9.]+)s\\].*Safepoint \"([^\"]+)\".*Total:\\s*(\\d+) ns.*$");
    private static final Pattern COLLECTION = Pattern.compile("^\\[([0-9.]+)s\\].*\\[gc\\s*\\] GC\\(\\d+\\).*$");

    /** What the times of the log and the JVM's own account of its uptime may be apart. */
    private static final long LOG_NANOS = 2_000_000;

    private final Iterable<String> lines;

    private PauseLog(Iterable<String> lines) {
        this.lines = lines;
    }

    /** Reads a log. */
    static PauseLog read(Path file) throws IOException {
        return new PauseLog(Files.readAllLines(file, StandardCharsets.ISO_8859_1));
    }

    /**
     * Adds to {@code found}: {@code safepoints}, {@code longest_safepoint_us} with its reason, {@code collections},
     * {@code safepoints_over_1ms_unexplained} and those over a millisecond, as {@code unexplained_safepoint.N} or
     * {@code set_aside_safepoint.N}. Reads {@code watching_from_ms}, {@code watching_to_ms} and {@code started_at_nanos} from
     * there; {@code seen} is what CPUs did meanwhile: in a pause that one of them stood still for, a thread of the JVM was not run.
     */
    void report(Properties found, List<Standstill> seen) {
        double from = Double.parseDouble(found.getProperty("watching_from_ms", "0")) / 1e3;
        double to = Double.parseDouble(found.getProperty("watching_to_ms", "1e15")) / 1e3;
        int safepoints = 0;
        int collections = 0;
        int unexplained = 0;
        int setAside = 0;
        long longest = 0;
        String reason = "none";
        long started = Long.parseLong(found.getProperty("started_at_nanos", "0"));
        for (String line : lines) {
            Matcher safepoint = SAFEPOINT.matcher(line);
            if (safepoint.matches() && within(safepoint, from, to)) {
                safepoints++;
                long nanos = Long.parseLong(safepoint.group(3));
                reason = nanos > longest ? safepoint.group(2) : reason;
                longest = Math.max(longest, nanos);
                if (nanos >= Standstill.MILLISECOND) {
                    long ended = started + (long) (Double.parseDouble(safepoint.group(1)) * 1e9);
                    long stoodStill = standstill(seen, ended, nanos);
                    String name = Standstill.accounts(stoodStill, nanos)
                            ? "set_aside_safepoint." + setAside++
                            : "unexplained_safepoint." + unexplained++;
                    found.setProperty(
                            name,
                            String.format(
                                    Locale.ROOT,
                                    "%.0f us at %s s of uptime, %s (a CPU stood still for %.0f us)",
                                    nanos / 1e3,
                                    safepoint.group(1),
                                    safepoint.group(2),
                                    stoodStill / 1e3));
                }
            }
            Matcher collection = COLLECTION.matcher(line);
            if (collection.matches() && within(collection, from, to)) {
                collections++;
            }
        }
        found.setProperty("safepoints", Integer.toString(safepoints));
        found.setProperty("longest_safepoint_us", String.format(Locale.ROOT, "%.1f", longest / 1e3));
        found.setProperty("longest_safepoint_reason", reason);
        found.setProperty("safepoints_over_1ms_unexplained", Integer.toString(unexplained));
        found.setProperty("collections", Integer.toString(collections));
    }

    /** How long the CPU that stood still most did so; the log's times are of a millisecond. */
    private static long standstill(List<Standstill> seen, long ended, long nanos) {
        return seen.stream()
                .mapToInt(Standstill::cpu)
                .distinct()
                .mapToLong(cpu -> Standstill.within(seen, cpu, ended - nanos - LOG_NANOS, ended + LOG_NANOS))
                .max()
                .orElse(0);
    }

    private static boolean within(Matcher matcher, double from, double to) {
        double at = Double.parseDouble(matcher.group(1));
        return at >= from && at <= to;
    }
}
