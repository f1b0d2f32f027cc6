package lvsd.director;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;

/** What tests of the whole director need of the machine: without it they skip, and fail where LVS_TEST_STRICT is 1. */
final class Requirements {
    private Requirements() {}

    static void check() {
        demand(missing());
    }

    /** The same for programs that only some tests need. */
    static void checkTools(String... tools) {
        demand(Stream.of(tools)
                .filter(tool -> !onPath(tool) && !Files.isExecutable(Path.of("/usr/sbin", tool)))
                .findFirst()
                .map(tool -> "no " + tool));
    }

    /** The same for a file that only some tests need. */
    static void checkFile(Path file) {
        demand(Files.exists(file) ? Optional.empty() : Optional.of("no " + file));
    }

    private static void demand(Optional<String> missing) {
        if (missing.isPresent()) {
            String message = missing.get() + "; config/bin/lvs-test, run as root, sets all of it up";
            if ("1".equals(System.getenv("LVS_TEST_STRICT"))) {
                Assertions.fail(message);
            }
            Assumptions.abort(message);
        }
    }

    private static Optional<String> missing() {
        if (!Integer.valueOf(0).equals(uid())) {
            return Optional.of("not root");
        }
        for (String tool : List.of("ip", "ethtool", "curl", "xargs", "nstat", "ping")) {
            if (!onPath(tool)) {
                return Optional.of("no " + tool);
            }
        }
        for (String module : List.of("lvs-dataplane", "lvs-cli")) {
            if (Files.notExists(Shell.ROOT.resolve(module).resolve("target/lib"))) {
                return Optional.of(module + " is not built");
            }
        }
        if (Shell.run("sh", "-c", "ls /usr/lib/*/dpdk/pmds-*/librte_net_af_packet.so*")
                        .exit()
                != 0) {
            return Optional.of("no DPDK driver net_af_packet");
        }
        return Optional.empty();
    }

    private static Object uid() {
        try {
            return Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static boolean onPath(String tool) {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator, -1))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, tool)));
    }
}
