package lvsd.director;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;

/**
 * Two directors of a test class with the same addresses and rules, of which one is connected to clients and servers
 * ({@link #connect}), and two real servers on port 80. Both have a third port, {@code ha}, and a kernel interface,
 * {@code eth4}, for what they tell each other. A failed test carries both logs.
 */
final class DirectorPair implements BeforeAllCallback, AfterAllCallback, TestExecutionExceptionHandler {
    private static final String KEY = "a key of some length for tests\n";

    private final int[] workers;
    private @Nullable Path directory;
    private @Nullable Topology topology;
    private final List<LvsdProcess> directors = new ArrayList<>();

    /** With so many workers each. */
    DirectorPair(int first, int second) {
        this.workers = new int[] {first, second};
    }

    @Override
    public void beforeAll(ExtensionContext context) throws IOException {
        Requirements.check();
        directory = Files.createTempDirectory("lvsd-pair");
        topology = Topology.create(Topology.Arms.PAIR, Topology.Offloads.OFF);
        try {
            Files.writeString(key(), KEY);
            for (int number = 1; number <= 2; number++) {
                Path log = directory().resolve("rs" + number + ".log");
                WebServer.start(topology().server(number), "rs" + number, 80, log);
            }
            for (int number = 1; number <= 2; number++) {
                Path files = Files.createDirectory(directory().resolve("director" + number));
                directors.add(LvsdProcess.start(namespace(number), files, configuration(number)));
            }
        } catch (RuntimeException | Error e) {
            afterAll(context);
            throw e;
        }
    }

    @Override
    public void afterAll(ExtensionContext context) throws IOException {
        directors.forEach(LvsdProcess::close);
        if (topology != null) {
            topology.close();
        }
        if (directory != null && System.getProperty("lvsd.keep") == null) {
            try (Stream<Path> files = Files.walk(directory)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.deleteIfExists(file);
                }
            }
        }
    }

    @Override
    public void handleTestExecutionException(ExtensionContext context, Throwable failure) throws Throwable {
        for (LvsdProcess each : directors) {
            failure.addSuppressed(new AssertionError(
                    each.report() + (each.isAlive() ? each.lvsadm("-L", "--daemon", "--stats") : "")));
        }
        throw failure;
    }

    Topology topology() {
        return requireNonNull(topology);
    }

    Path directory() {
        return requireNonNull(directory);
    }

    /** A file with the ICV key of both. */
    Path key() {
        return directory().resolve("sync.key");
    }

    private Namespace namespace(int number) {
        return number == 1 ? topology().director() : topology().second();
    }

    /** Director 1 or 2. */
    LvsdProcess director(int number) {
        return directors.get(number - 1);
    }

    /** Starts director {@code number} again after a test ended it. */
    void restart(int number) {
        director(number).close();
        Path files = directory().resolve("director" + number);
        directors.set(number - 1, LvsdProcess.restart(namespace(number), files));
    }

    /** Clients and servers go through director {@code number} from now on. */
    void connect(int number) {
        topology().connect(namespace(number));
    }

    /** Removes all services of both, then sets the given rules, one a line. */
    void rules(String lines) {
        for (int number = 1; number <= 2; number++) {
            director(number).ask("-C");
            for (String line : lines.lines().map(String::strip).toList()) {
                director(number).ask(line);
            }
        }
    }

    private String configuration(int number) {
        String queues = workers[number - 1] > 1 ? ",qpairs=" + workers[number - 1] : "";
        return """
                eal:
                  hugepages: false
                  memory: 128
                  mbufs: 16384
                  file-prefix: lvst%d-%d
                ports:
                  - name: wan
                    device: net_af_packet0,iface=eth1%s
                    addresses: [192.0.2.1/24, 2001:db8:1::1/64]
                  - name: lan
                    device: net_af_packet1,iface=eth2%s
                    addresses: [198.51.100.1/24, 2001:db8:2::1/64]
                  - name: ha
                    device: net_af_packet2,iface=eth3%s
                    addresses: [198.18.3.%d/24]
                workers:
                  count: %d
                connections:
                  ipv4: 65536
                  ipv6: 65536
                persist:
                  directory: %s
                  rules: %s
                """.formatted(
                        ProcessHandle.current().pid(),
                        number,
                        queues,
                        queues,
                        queues,
                        number,
                        workers[number - 1],
                        directory().resolve("director" + number).resolve("state"),
                        directory().resolve("director" + number).resolve("rules"));
    }
}
