package lvsd.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import lvsd.memory.NativeFunction;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;

/**
 * What privileged tests need: root, or they skip (and fail where LVS_TEST_STRICT is 1); and network namespaces of their
 * own, which end with the thread that lives in them.
 */
public final class Privilege {
    private static final long CLONE_NEWNET = 0x40000000L;
    private static final NativeFunction UNSHARE = NativeFunction.libc("unshare");

    private Privilege() {}

    /** Skips the test unless {@code met}; fails it instead where everything must run. */
    public static void require(boolean met, String missing) {
        if (!met) {
            if ("1".equals(System.getenv("LVS_TEST_STRICT"))) {
                Assertions.fail(missing);
            }
            Assumptions.abort(missing);
        }
    }

    /** Skips the test unless the process is root. */
    public static void requireRoot() throws IOException {
        require(Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid")), "needs root");
    }

    /** Runs {@code body} on a thread in a new, empty network namespace; processes it starts live there too. */
    public static <T> T inNewNetwork(Callable<T> body) throws Exception {
        requireRoot();
        FutureTask<T> task = new FutureTask<>(() -> {
            if (UNSHARE.callInt(CLONE_NEWNET) != 0) {
                throw UNSHARE.failure("making a network namespace");
            }
            return body.call();
        });
        Thread thread = new Thread(task, "network namespace");
        thread.start();
        try {
            return task.get();
        } catch (ExecutionException failure) {
            if (failure.getCause() instanceof Exception cause) {
                throw cause;
            }
            if (failure.getCause() instanceof Error cause) {
                throw cause;
            }
            throw failure;
        }
    }

    /** Runs a command; returns what it printed, standard error included. */
    public static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int exit = process.waitFor();
        if (exit != 0) {
            throw new AssertionError(String.join(" ", command) + ": exit " + exit + ": " + output);
        }
        return output;
    }
}
