package lvsd.dpdk;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lvsd.linux.Affinity;
import lvsd.memory.Memory;
import lvsd.memory.NativeException;
import lvsd.memory.OffHeap;

/**
 * What {@code lvsd --selftest} does on the user's machine: finds DPDK, verifies its structures, sends packets through a
 * memory-only port, and looks at what the director needs of the system. Uses the process's one EAL.
 */
public final class SelfTest {
    private static final int MBUFS = 2047;
    private static final int ROOM = 2048;
    private static final int BURST = 32;
    private static final int ROUNDS = 100;

    private final List<Check> checks = new ArrayList<>();

    private SelfTest() {}

    /**
     * Runs everything.
     *
     * @param directory directory of DPDK's shared objects, if not where the loader looks
     * @param arguments EAL arguments to try; {@code --vdev=net_null_selftest} is added
     * @return what was found, in order; the machine is fit when all are ok
     */
    public static List<Check> run(Optional<Path> directory, List<String> arguments) {
        SelfTest test = new SelfTest();
        test.checkSystem();
        try {
            test.checkDpdk(directory, arguments);
        } catch (DpdkException | NativeException | IllegalStateException failure) {
            test.checks.add(Check.failed("DPDK", String.valueOf(failure.getMessage())));
        }
        return List.copyOf(test.checks);
    }

    private void checkSystem() {
        checks.add(Check.passed("processor", System.getProperty("os.arch") + ", CPUs " + Affinity.get()));
        boolean tun = Files.isReadable(Path.of("/dev/net/tun"));
        checks.add(new Check(
                "/dev/net/tun",
                tun,
                tun ? "there, for the ports' kernel twins" : "missing or not readable: modprobe tun"));
        checkMemory();
        checkHugepages();
    }

    private void checkMemory() {
        try (OffHeap region = OffHeap.map(16 << 20, true, true)) {
            checks.add(Check.passed("locked memory", "16 MB of " + region.pageKind() + " pages"));
        } catch (NativeException refused) {
            checks.add(Check.failed("locked memory", String.valueOf(refused.getMessage())));
        }
    }

    private void checkHugepages() {
        try {
            String free = Files.readAllLines(Path.of("/proc/meminfo")).stream()
                    .filter(line -> line.startsWith("HugePages_Free:"))
                    .map(line -> line.replaceAll("[^0-9]", ""))
                    .findFirst()
                    .orElse("0");
            String advice = free.equals("0") ? "; without them lvsd works, slower: hugepages: false" : "";
            checks.add(Check.passed("hugepages", free + " free" + advice));
        } catch (IOException unreadable) {
            checks.add(Check.failed("hugepages", "cannot read /proc/meminfo"));
        }
    }

    private void checkDpdk(Optional<Path> directory, List<String> arguments) {
        DpdkLibrary library = DpdkLibrary.load(directory);
        checks.add(Check.passed("DPDK", library.version()));
        Eal.logToStandardError(library);
        List<String> all = new ArrayList<>(arguments);
        all.add("--vdev=net_null_selftest,copy=1");
        try (Eal eal = Eal.init(library, all)) {
            checks.add(Check.passed("EAL", String.join(" ", all)));
            eal.registerThread();
            Mempool pool = Mempool.create(eal, "selftest", MBUFS, BURST, ROOM);
            List<Check> abi = DpdkAbi.checks(eal, pool);
            checks.addAll(abi.stream().filter(check -> !check.ok()).toList());
            if (abi.stream().allMatch(Check::ok)) {
                checks.add(Check.passed("structures", abi.size() + " checks against the running library"));
                checkBursts(eal, pool);
            }
        }
    }

    /** Packets through net_null: every one received is sent, and none is lost from the pool. */
    private void checkBursts(Eal eal, Mempool pool) {
        EthPort port = EthPort.find(eal, "net_null_selftest");
        EthPort.Setup setup = new EthPort.Setup(1, 1, 512, 512, 1500);
        port.configure(setup, new byte[0], pool);
        port.start();
        DpdkAbi.verifyPort(eal, port, pool, setup);
        QueuePair queues = port.queues(0, 0);
        int before = pool.available();
        long moved = 0;
        try (Arena arena = Arena.ofConfined()) {
            long packets = arena.allocate(8L * BURST, 8).address();
            for (int round = 0; round < ROUNDS; round++) {
                int received = queues.receive(packets, BURST);
                for (int i = 0; i < received; i++) {
                    moved += Mbuf.segments(Memory.getLong(packets, 8L * BURST, 8L * i));
                }
                int sent = queues.transmit(packets, received);
                pool.free(packets + 8L * sent, received - sent);
            }
        }
        EthPort.Stats stats = port.stats();
        boolean ok = moved == (long) ROUNDS * BURST
                && stats.inPackets() == moved
                && stats.outPackets() == moved
                && pool.available() == before;
        checks.add(new Check(
                "bursts",
                ok,
                moved + " packets moved, port counted " + stats.inPackets() + " in and " + stats.outPackets() + " out, "
                        + (before - pool.available()) + " mbufs missing"));
        port.stop();
        port.close();
    }
}
