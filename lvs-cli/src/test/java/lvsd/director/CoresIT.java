package lvsd.director;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whose the workers' CPUs are. */
@Tag("privileged")
@Timeout(60)
class CoresIT {
    private static final Path PROC = Path.of("/proc");

    @Test
    void nobodyElseOfTheDaemonMayRunOnAWorkersCpu(@TempDir Path directory) throws IOException {
        Requirements.check();
        BigInteger mine = allowed(PROC.resolve("self"));
        assumeTrue(mine.bitCount() > 1, "needs two CPUs");
        int cpu = mine.bitLength() - 1;
        long pid = ProcessHandle.current().pid();
        Namespace namespace = Namespace.create(Topology.PREFIX + pid + "-cores");
        String prefix = "lvst" + pid + "-cores";
        try (LvsdProcess _ = LvsdProcess.start(namespace, directory, """
                eal: { hugepages: off, memory: 96, file-prefix: %s, mbufs: 8192 }
                ports: [ { name: null0, device: net_null0, addresses: [ 192.0.2.1/24 ] } ]
                connections: { ipv4: 65536, ipv6: 16384, lock-memory: off }
                workers: { count: 1, cores: [ %d ] }
                persist: none
                """.formatted(prefix, cpu))) {
            Map<String, BigInteger> allowed = threadsOf(namespace);
            assertThat(allowed).containsEntry("lvs-worker-0", BigInteger.ONE.shiftLeft(cpu));
            assertThat(niceOf(namespace, "VM Thread")).isEqualTo(-20);
            assertThat(allowed).containsKeys("punt", "lvs-watch", "lvsd-control-1-", "VM Thread");
            allowed.remove("lvs-worker-0");
            assertThat(allowed.values()).containsOnly(mine.clearBit(cpu));
        } finally {
            namespace.delete();
        }
    }

    /** Threads of the daemon in {@code namespace}, by name, and the CPUs that each may run on. */
    private static Map<String, BigInteger> threadsOf(Namespace namespace) throws IOException {
        try (Stream<Path> tasks = Files.list(tasks(namespace))) {
            return tasks.collect(Collectors.toMap(CoresIT::name, CoresIT::allowed, BigInteger::or));
        }
    }

    /** The folder of the threads of the one process that has a worker. */
    private static Path tasks(Namespace namespace) {
        return namespace
                .processes()
                .map(process -> PROC.resolve(process.pid() + "/task"))
                .filter(CoresIT::hasWorker)
                .findFirst()
                .orElseThrow();
    }

    private static boolean hasWorker(Path tasks) {
        try (Stream<Path> all = Files.list(tasks)) {
            return all.anyMatch(task -> name(task).equals("lvs-worker-0"));
        } catch (IOException e) {
            return false; // has ended
        }
    }

    private static String name(Path task) {
        return read(task.resolve("comm")).strip();
    }

    /** Field 19 of stat, proc(5), counted after the thread's name. */
    private static int niceOf(Namespace namespace, String name) throws IOException {
        try (Stream<Path> tasks = Files.list(tasks(namespace))) {
            Path task =
                    tasks.filter(each -> name(each).equals(name)).findFirst().orElseThrow();
            String stat = read(task.resolve("stat"));
            return Integer.parseInt(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[16]);
        }
    }

    /** The CPUs that a thread may run on, none if it has ended. */
    private static BigInteger allowed(Path task) {
        return read(task.resolve("status"))
                .lines()
                .filter(line -> line.startsWith("Cpus_allowed:"))
                .map(line ->
                        line.substring(line.indexOf(':') + 1).replace(",", "").strip())
                .map(mask -> new BigInteger(mask, 16))
                .findFirst()
                .orElse(BigInteger.ZERO);
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return ""; // has ended
        }
    }
}
