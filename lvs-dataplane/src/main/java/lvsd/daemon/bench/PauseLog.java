package lvsd.daemon.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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

    private final Iterable<String> lines;

    private PauseLog(Iterable<String> lines) {
        this.lines = lines;
    }

    /** Reads a log. */
    static PauseLog read(Path file) throws IOException {
        return new PauseLog(Files.readAllLines(file, StandardCharsets.ISO_8859_1));
    }

    /**
     * Adds to {@code found}: {@code safepoints}, {@code longest_safepoint_us} with its reason, {@code collections}. Reads
     * {@code watching_from_ms} and {@code watching_to_ms} from there.
     */
    void report(Properties found) {
        double from = Double.parseDouble(found.getProperty("watching_from_ms", "0")) / 1e3;
        double to = Double.parseDouble(found.getProperty("watching_to_ms", "1e15")) / 1e3;
        int safepoints = 0;
        int collections = 0;
        long longest = 0;
        String reason = "none";
        for (String line : lines) {
            Matcher safepoint = SAFEPOINT.matcher(line);
            if (safepoint.matches() && within(safepoint, from, to)) {
                safepoints++;
                long nanos = Long.parseLong(safepoint.group(3));
                reason = nanos > longest ? safepoint.group(2) : reason;
                longest = Math.max(longest, nanos);
            }
            Matcher collection = COLLECTION.matcher(line);
            if (collection.matches() && within(collection, from, to)) {
                collections++;
            }
        }
        found.setProperty("safepoints", Integer.toString(safepoints));
        found.setProperty("longest_safepoint_us", String.format(Locale.ROOT, "%.1f", longest / 1e3));
        found.setProperty("longest_safepoint_reason", reason);
        found.setProperty("collections", Integer.toString(collections));
    }

    private static boolean within(Matcher matcher, double from, double to) {
        double at = Double.parseDouble(matcher.group(1));
        return at >= from && at <= to;
    }
}
