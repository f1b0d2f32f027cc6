package lvsd.director;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Requests that a {@link Client} in a namespace makes, one connection each.
 *
 * @param address where to
 * @param port where to
 * @param path what for
 * @param count how many; 0 until stopped
 * @param parallel how many at a time
 * @param timeout milliseconds of silence after which one has failed
 * @param sources addresses to come from, in turn; empty: as the kernel chooses
 */
record Load(String address, int port, String path, int count, int parallel, int timeout, List<String> sources) {
    /** Requests without end to port 80, one at a time. */
    static Load of(String address, String path) {
        return new Load(address, 80, path, 0, 1, 10_000, List.of());
    }

    Load port(int port) {
        return new Load(address, port, path, count, parallel, timeout, sources);
    }

    Load count(int count) {
        return new Load(address, port, path, count, parallel, timeout, sources);
    }

    Load parallel(int parallel) {
        return new Load(address, port, path, count, parallel, timeout, sources);
    }

    Load timeout(Duration timeout) {
        return new Load(address, port, path, count, parallel, (int) timeout.toMillis(), sources);
    }

    Load from(List<String> sources) {
        return new Load(address, port, path, count, parallel, timeout, sources);
    }

    /** Makes the requests and waits for the end. */
    Report run(Namespace client) {
        Duration limit = Duration.ofSeconds(300 + count / 50);
        return Report.parse(
                client.runJava(limit, Client.class, arguments()).orFail().out());
    }

    /** Starts to make the requests. */
    Running start(Namespace client) {
        return new Running(client.startPipedJava(Client.class, arguments()));
    }

    private String[] arguments() {
        List<String> arguments = new ArrayList<>(List.of(address, Integer.toString(port), path));
        for (int number : new int[] {count, parallel, timeout}) {
            arguments.add(Integer.toString(number));
        }
        arguments.addAll(sources);
        return arguments.toArray(String[]::new);
    }

    /**
     * Load under way.
     *
     * @param process the client
     */
    record Running(Process process) {
        /** Ends load without end and tells what it came to. */
        Report stop() {
            try {
                process.getOutputStream().close();
            } catch (IOException e) {
                throw new AssertionError(e);
            }
            return waitFor();
        }

        /** Waits until all of a counted load is done and tells what it came to. */
        Report waitFor() {
            try {
                return Report.parse(new String(process.getInputStream().readAllBytes(), ISO_8859_1));
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }
    }

    /**
     * What it came to.
     *
     * @param ok complete answers
     * @param failed all else
     * @param maxMicroseconds longest time from connect to the end of the answer
     * @param bodies how often each short answer came; of a long one, its length
     * @param text everything the client printed
     */
    record Report(long ok, long failed, long maxMicroseconds, Map<String, Long> bodies, String text) {
        private static Report parse(String text) {
            Map<String, Long> bodies = new TreeMap<>();
            Map<String, Long> sums = new TreeMap<>();
            for (String line : text.lines().toList()) {
                String[] words = line.split(" ", -1);
                if (line.startsWith("ok=")) {
                    for (String word : words) {
                        String[] sum = word.split("=", 2);
                        sums.put(sum[0], Long.parseLong(sum[1]));
                    }
                } else if (line.startsWith("body ")) {
                    bodies.put(words[1], Long.parseLong(words[2]));
                }
            }
            if (sums.isEmpty()) {
                throw new AssertionError("the client printed no sum: " + text);
            }
            return new Report(
                    sums.getOrDefault("ok", -1L),
                    sums.getOrDefault("failed", -1L),
                    sums.getOrDefault("maxus", -1L),
                    bodies,
                    text);
        }
    }
}
