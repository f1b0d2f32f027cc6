package lvsd.director;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A small emulated machine with the Linux kernel's own IPVS, whose one interface is a TAP device in a namespace. The
 * programs that make and drive it are not part of this repository: the environment's {@code LVS_KERNEL_GUEST} names their
 * directory. It goes when its namespace is deleted.
 */
final class KernelGuest implements AutoCloseable {
    /** The machine is emulated, and other tests may be running. */
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    private static final String START = """
            import sys
            sys.path.insert(0, sys.argv[1])
            import vmctl
            vmctl.VM(sys.argv[2]).start(netns=sys.argv[3], nics=[sys.argv[4]], modules="ip_vs,ip_vs_rr,veth", wait=300)
            """;

    private final Path programs = programs();
    private final String name;

    private KernelGuest(String name) {
        this.name = name;
    }

    /**
     * Boots one with its interface on a new TAP device {@code tap} in {@code namespace}; empty, and said on standard output,
     * where it cannot be had.
     */
    static Optional<KernelGuest> boot(Namespace namespace, String tap) {
        Optional<String> missing = missing();
        if (missing.isPresent()) {
            System.out.println("NOT TESTED with the Linux kernel: " + missing.get());
            return Optional.empty();
        }
        KernelGuest guest = new KernelGuest(namespace.name());
        // Its own program makes it nicer than others by ten.
        String programs = programs().toString();
        Shell.run(
                        PATIENCE,
                        List.of(
                                "nice",
                                "-n",
                                "-10",
                                "python3",
                                "-B",
                                "-c",
                                START,
                                programs,
                                guest.name,
                                guest.name,
                                tap))
                .orFail();
        return Optional.of(guest);
    }

    /** Runs shell text in it, which must succeed; its standard output. */
    String run(String text) {
        return run(text, "");
    }

    /** The same with text on standard input. */
    String run(String text, String stdin) {
        List<String> command = List.of(
                "python3",
                "-B",
                programs.resolve("vmctl.py").toString(),
                "exec",
                name,
                "--timeout",
                "240",
                "--stdin",
                "-",
                "--",
                text);
        return Shell.run(PATIENCE, command, stdin).orFail().out();
    }

    /** Runs the shell script that is the resource {@code name} beside this class. */
    void script(String resource) {
        try (InputStream in = requireNonNull(KernelGuest.class.getResourceAsStream(resource), resource)) {
            run("bash -s", new String(in.readAllBytes(), UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        Shell.run("python3", "-B", programs.resolve("vmctl.py").toString(), "stop", name);
        String home = System.getenv("IPVSVM_DIR");
        Path files = home == null ? Path.of(System.getProperty("user.home"), ".cache/ipvsvm") : Path.of(home);
        Shell.delete(files.resolve("run").resolve(name));
    }

    private static Path programs() {
        return Path.of(System.getenv().getOrDefault("LVS_KERNEL_GUEST", "/nonexistent"));
    }

    private static Optional<String> missing() {
        if (Files.notExists(programs().resolve("vmctl.py"))) {
            return Optional.of("LVS_KERNEL_GUEST does not name the directory of the guest's programs");
        }
        if (Shell.run("sh", "-c", "command -v qemu-system-x86_64 && command -v python3")
                        .exit()
                != 0) {
            return Optional.of("no qemu-system-x86_64, or no python3");
        }
        Shell.Result built =
                Shell.run(PATIENCE, List.of(programs().resolve("build-guest.sh").toString()));
        return built.exit() == 0 ? Optional.empty() : Optional.of(built.toString());
    }
}
