package lvsd.director;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

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

    /** Builds it unless it is there, and boots one with its interface on a new TAP device {@code tap} in {@code namespace}. */
    static KernelGuest boot(Namespace namespace, String tap) {
        Requirements.checkTools("qemu-system-x86_64", "python3");
        Shell.run(PATIENCE, List.of(programs().resolve("build-guest.sh").toString()))
                .orFail();
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
        return guest;
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
        return Path.of(requireNonNull(System.getenv("LVS_KERNEL_GUEST"), "LVS_KERNEL_GUEST"));
    }
}
