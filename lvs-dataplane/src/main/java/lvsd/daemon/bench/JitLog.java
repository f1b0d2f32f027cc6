package lvsd.daemon.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What {@code -XX:+PrintCompilation} said about our own methods: which the JIT gave up on, and what it was still doing
 * while packets were counted.
 *
 * <p>A method too big for C1 is a cliff: it runs on in the interpreter and C2 never comes (docs/performance.md).
 */
final class JitLog {
    /** Milliseconds since start, number, flags, tier, method, size, what happened. */
    private static final Pattern EVENT = Pattern.compile(
            "^\\s*(\\d+)\\s+\\d+\\s+[%sn!b ]*\\s*([1-4])\\s+(lvsd\\.(?:dataplane|dpdk|memory|wire|synproxy)\\.\\S+)"
                    + "(?: @ \\d+)? \\((\\d+) bytes\\)(?:\\s+(.*))?$");

    private static final String PUT_OFF = "COMPILE SKIPPED: concurrent class loading";

    private record Event(long millis, int tier, String method, int bytes, String what) {}

    private final List<Event> events;

    private JitLog(List<Event> events) {
        this.events = events;
    }

    /** Reads a log; lines it does not know (there are many) are passed over. */
    static JitLog read(Path file) throws IOException {
        List<Event> events = new ArrayList<>();
        for (String line : Files.readAllLines(file, StandardCharsets.ISO_8859_1)) {
            Matcher matcher = EVENT.matcher(line);
            if (matcher.matches()) {
                events.add(new Event(
                        Long.parseLong(matcher.group(1)),
                        Integer.parseInt(matcher.group(2)),
                        matcher.group(3),
                        Integer.parseInt(matcher.group(4)),
                        matcher.group(5) == null ? "" : matcher.group(5)));
            }
        }
        return new JitLog(events);
    }

    /**
     * Adds to {@code found}: {@code compile_skipped} (methods the JIT gave up on), {@code jit_events_while_counting}, and
     * {@code largest_method_bytes}. Reads {@code counting_from_ms} and {@code counting_to_ms} from there.
     */
    void report(Properties found) {
        Map<String, String> skipped = new TreeMap<>();
        Map<String, Event> largest = new TreeMap<>();
        List<String> late = new ArrayList<>();
        long from = Long.parseLong(found.getProperty("counting_from_ms", "0"));
        long to = Long.parseLong(found.getProperty("counting_to_ms", "0"));
        for (Event event : events) {
            if (event.what.contains("COMPILE SKIPPED")) {
                skipped.put(event.method, event.what);
            } else if (event.what.isEmpty() && event.tier == 4) {
                // What was put off because a class was loaded meanwhile is compiled a little later.
                skipped.remove(event.method, PUT_OFF);
            }
            if (event.millis >= from && event.millis <= to) {
                late.add(event.method + " tier " + event.tier + (event.what.isEmpty() ? "" : " " + event.what));
            }
            largest.merge("", event, (a, b) -> a.bytes >= b.bytes ? a : b);
        }
        found.setProperty("compile_skipped", Integer.toString(skipped.size()));
        skipped.forEach((method, why) -> found.setProperty("compile_skipped." + method, why));
        found.setProperty("jit_events_while_counting", Integer.toString(late.size()));
        if (!late.isEmpty()) {
            found.setProperty("jit_last_while_counting", late.getLast());
        }
        largest.values()
                .forEach(event -> found.setProperty("largest_method", event.method + " " + event.bytes + " bytes"));
    }
}
