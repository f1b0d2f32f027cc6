package lvsd.director;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;

/**
 * A small machine with the Linux kernel's own IPVS: user-mode Linux, a process in a namespace, whose one interface
 * {@code eth0} is a TAP device there. Its files are this machine's, read-only, and what {@code lvs-test} unpacked for it. It
 * ends with its standard input, so also when this process is killed, and with its namespace.
 */
final class KernelGuest implements AutoCloseable {
    /** Everything is slow in there, and other tests may be running. */
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    private static final String MEMORY = "256M";
    private static final String MODULES = "ip_vs,ip_vs_rr,veth";

    private final Process process;
    private final Path directory;
    /** What it has printed; the guest waits for nobody to read it. */
    private final Queue<String> log = new ConcurrentLinkedQueue<>();

    private int requests;

    private KernelGuest(Process process, Path directory) {
        this.process = process;
        this.directory = directory;
        Thread.startVirtualThread(this::drain);
    }

    private void drain() {
        try (BufferedReader from = process.inputReader()) {
            for (String line = from.readLine(); line != null; line = from.readLine()) {
                log.add(line);
            }
        } catch (IOException e) {
            log.add(e.toString());
        }
    }

    /** Boots one with its interface on a new TAP device {@code tap} in {@code namespace}. */
    static KernelGuest boot(Namespace namespace, String tap) {
        Path files = files();
        Path kernel = files.resolve("kernel");
        Requirements.checkFile(kernel);
        namespace.ip("tuntap", "add", "mode", "tap", "name", tap);
        namespace.ip("link", "set", tap, "up");
        Path directory;
        try {
            directory = Files.createTempDirectory("lvsd-kernel");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Path init = directory.resolve("init");
        resource("kernel-guest.sh", init);
        Process process = namespace.startPiped(
                "env",
                "TMPDIR=" + directory,
                kernel.toString(),
                "mem=" + MEMORY,
                "uml_dir=" + directory + "/",
                "umid=guest",
                "root=/dev/root",
                "rootfstype=hostfs",
                "ro",
                "quiet",
                "con=null",
                "con0=fd:0,fd:1",
                "vec0:transport=tap,ifname=" + tap + ",depth=128",
                "FILES=" + files,
                "SHARE=" + directory,
                "MODULES=" + MODULES,
                "init=/bin/sh",
                "--",
                init.toString());
        KernelGuest guest = new KernelGuest(process, directory);
        try {
            guest.awaitFile("boot", directory.resolve("ready"));
            guest.run("ip link set vec0 name eth0");
            return guest;
        } catch (RuntimeException | Error e) {
            guest.close();
            throw e;
        }
    }

    private String log() {
        return String.join("\n", log);
    }

    private void awaitFile(String what, Path file) {
        try {
            Shell.await(what, PATIENCE, () -> Files.exists(file) || !process.isAlive());
        } catch (AssertionError e) {
            throw new AssertionError(e.getMessage() + "\n" + log(), e);
        }
        if (Files.notExists(file)) {
            throw new AssertionError("the guest has ended: " + what + "\n" + log());
        }
    }

    /** Where {@code lvs-test} unpacks what a guest needs. */
    private static Path files() {
        String cache = System.getenv("XDG_CACHE_HOME");
        String home = Optional.ofNullable(System.getenv("HOME")).orElse("/root");
        return (cache == null || cache.isEmpty() ? Path.of(home, ".cache") : Path.of(cache))
                .resolve("lvsd/kernel-guest");
    }

    /** Runs shell text in it, which must succeed; its standard output. */
    String run(String text) {
        return run(text, "");
    }

    /** The same with text on its standard input. */
    String run(String text, String stdin) {
        int number = requests++;
        try {
            Files.writeString(file(number, "sh"), text);
            Files.writeString(file(number, "in"), stdin);
            OutputStream to = process.getOutputStream();
            to.write((number + "\n").getBytes(UTF_8));
            to.flush();
            awaitFile(text, file(number, "exit"));
            String out = Files.readString(file(number, "out"));
            if (!Files.readString(file(number, "exit")).strip().equals("0")) {
                throw new AssertionError(
                        "in the guest: " + text + "\n" + out + Files.readString(file(number, "err")) + log());
            }
            return out;
        } catch (IOException e) {
            throw new AssertionError("no guest: " + text + "\n" + log(), e);
        }
    }

    /** A file of a request. */
    private Path file(int number, String kind) {
        return directory.resolve(number + "." + kind);
    }

    /** Runs the shell script that is the resource {@code name} beside this class, whose files are in {@code /run/share}. */
    void script(String name, String... files) {
        for (String file : files) {
            resource(file, directory.resolve(file));
        }
        resource(name, directory.resolve(name));
        run(". /run/share/" + name);
    }

    private static void resource(String name, Path to) {
        try (InputStream in = requireNonNull(KernelGuest.class.getResourceAsStream(name), name)) {
            Files.write(to, in.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Powers it off, or kills it; what is left then goes with its namespace. */
    @Override
    public void close() {
        try {
            process.getOutputStream().close();
        } catch (IOException e) {
            // It has ended, and did not read all.
        }
        try {
            if (!process.waitFor(Shell.SOON.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly().waitFor();
            }
            Shell.delete(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
