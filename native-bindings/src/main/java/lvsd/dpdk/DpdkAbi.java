package lvsd.dpdk;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import lvsd.memory.Memory;
import lvsd.memory.NativeFunction;

/**
 * Verifies against the running library that its structures are where {@link DpdkLayout} and {@link Mbuf} say, before
 * any packet is touched. Every read stays within an object that exists in whatever layout, and a function pointer is
 * called only when it points into executable memory; so a mismatch ends in a message, never in a crash. Cold.
 */
public final class DpdkAbi {
    private static final int SAMPLES = 32;
    private static final int LENGTH = 100;
    private static final int PORT = 7;
    private static final int TAG = 0x0abc;
    private static final int HASH = 0x12345678;

    private final DpdkLibrary library;
    private final Mempool pool;
    private final List<Check> checks = new ArrayList<>();

    private DpdkAbi(Eal eal, Mempool pool) {
        this.library = eal.library();
        this.pool = pool;
    }

    /**
     * Verifies.
     *
     * @throws DpdkException naming the first thing that is not as expected; lvsd must not start then
     */
    public static void verify(Eal eal, Mempool pool) {
        for (Check check : checks(eal, pool)) {
            if (!check.ok()) {
                throw new DpdkException(
                        "layout",
                        0,
                        check.name() + ": " + check.detail(),
                        "this DPDK (" + eal.library().version() + ") is not built as lvsd expects; use the"
                                + " distribution's DPDK " + DpdkLayout.knownReleases() + ", or set eal.library");
            }
        }
    }

    /** Runs all checks, stopping at one that the others depend on. */
    public static List<Check> checks(Eal eal, Mempool pool) {
        DpdkAbi abi = new DpdkAbi(eal, pool);
        abi.run();
        return abi.checks;
    }

    private void run() {
        boolean callable = check(
                        "mempool size",
                        Memory.getInt(
                                pool.address(),
                                library.layout().pool().size(),
                                library.layout().pool().population()),
                        pool.size())
                && executable("mempool dequeue function", pool.dequeueFunction())
                && executable("rte_pktmbuf_free_bulk", pool.freeFunction());
        if (callable) {
            checkMbufs();
        }
    }

    private void checkMbufs() {
        int before = pool.available();
        try (Arena arena = Arena.ofConfined()) {
            long packets = arena.allocate(8L * SAMPLES, 8).address();
            if (!pool.dequeue(packets, SAMPLES)) {
                checks.add(Check.failed("taking mbufs", "the pool has not even " + SAMPLES));
                return;
            }
            if (check("free mbufs after taking " + SAMPLES, pool.available(), before - SAMPLES)
                    && checkRaw(packets)
                    && checkCopy(arena, Memory.getLong(packets, 8, 0))) {
                pool.free(packets, SAMPLES);
                check("free mbufs after freeing", pool.available(), before);
            }
        }
    }

    /** Invariants of mbufs that nobody has used yet. */
    private boolean checkRaw(long packets) {
        boolean ok = true;
        for (int i = 0; ok && i < SAMPLES; i++) {
            long mbuf = Memory.getLong(packets, 8L * SAMPLES, 8L * i);
            ok = check("mbuf pool", Memory.getLong(mbuf, Mbuf.SIZE, Mbuf.POOL), pool.address())
                    && check("mbuf buf_addr", Memory.getLong(mbuf, Mbuf.SIZE, Mbuf.BUF_ADDR), mbuf + Mbuf.SIZE)
                    && check("mbuf buf_len", Memory.getShort(mbuf, Mbuf.SIZE, Mbuf.BUF_LEN), pool.bufferLength())
                    && check("mbuf data_off", Memory.getShort(mbuf, Mbuf.SIZE, Mbuf.DATA_OFF), Mempool.HEADROOM)
                    && check("mbuf refcnt", Memory.getShort(mbuf, Mbuf.SIZE, Mbuf.REFCNT), 1)
                    && check("mbuf nb_segs", Memory.getShort(mbuf, Mbuf.SIZE, Mbuf.NB_SEGS), 1)
                    && check("mbuf next", Memory.getLong(mbuf, Mbuf.SIZE, Mbuf.NEXT), 0);
        }
        return ok;
    }

    /** What we write into an mbuf, the library must read: it checks it, and copies it into one that we read. */
    private boolean checkCopy(Arena arena, long mbuf) {
        Mbuf.reset(mbuf);
        Mbuf.setLength(mbuf, LENGTH);
        Memory.setShort(mbuf, Mbuf.SIZE, Mbuf.PORT, PORT);
        Memory.setShort(mbuf, Mbuf.SIZE, Mbuf.VLAN_TCI, TAG);
        Memory.setInt(mbuf, Mbuf.SIZE, Mbuf.RSS_HASH, HASH);
        for (int i = 0; i < LENGTH; i++) {
            Memory.setByte(Mbuf.data(mbuf), LENGTH, i, i);
        }
        long reason = arena.allocate(8, 8).address();
        NativeFunction check = library.function("rte_mbuf_check");
        if (check.callInt(mbuf, 1, reason) != 0) {
            checks.add(Check.failed("rte_mbuf_check", DpdkLibrary.string(Memory.getLong(reason, 8, 0))));
            return false;
        }
        long copy = library.function("rte_pktmbuf_copy").call(mbuf, pool.address(), 0, LENGTH);
        if (copy == 0) {
            checks.add(Check.failed("rte_pktmbuf_copy", "gave no copy"));
            return false;
        }
        boolean same = sameCopy(mbuf, copy);
        if (same) {
            MemorySegment array = arena.allocate(8, 8);
            Memory.setLong(array.address(), 8, 0, copy);
            pool.free(array.address(), 1);
        }
        return same;
    }

    private boolean sameCopy(long mbuf, long copy) {
        boolean fields = check("copy's pool", Memory.getLong(copy, Mbuf.SIZE, Mbuf.POOL), pool.address())
                && check("copy's buf_addr", Memory.getLong(copy, Mbuf.SIZE, Mbuf.BUF_ADDR), copy + Mbuf.SIZE)
                && check("copy's data_off", Mbuf.headroom(copy), Mempool.HEADROOM)
                && check("copy's pkt_len", Mbuf.packetLength(copy), LENGTH)
                && check("copy's data_len", Mbuf.dataLength(copy), LENGTH)
                && check("copy's nb_segs", Mbuf.segments(copy), 1)
                && check("copy's port", Mbuf.port(copy), PORT)
                && check("copy's vlan_tci", Memory.getShort(copy, Mbuf.SIZE, Mbuf.VLAN_TCI), TAG)
                && check("copy's hash", Memory.getInt(copy, Mbuf.SIZE, Mbuf.RSS_HASH), HASH);
        MemorySegment original = Memory.segment(Mbuf.data(mbuf), LENGTH);
        return fields
                && check("copy's bytes differ from", original.mismatch(Memory.segment(Mbuf.data(copy), LENGTH)), -1);
    }

    /**
     * Verifies a configured and started port: queues as the driver reports them, burst functions in executable memory.
     *
     * @throws DpdkException naming what is not as expected
     */
    public static void verifyPort(Eal eal, EthPort port, Mempool pool, EthPort.Setup setup) {
        DpdkAbi abi = new DpdkAbi(eal, pool);
        DpdkLayout.Ops at = eal.library().layout().ops();
        EthPort.Info info = port.info();
        long ops = port.operations();
        boolean ok = abi.check("RX queues of " + port.name(), info.rxQueues(), setup.rxQueues())
                && abi.check("TX queues of " + port.name(), info.txQueues(), setup.txQueues())
                && abi.executable("RX burst of " + port.name(), Memory.getLong(ops, at.stride(), at.rxBurst()))
                && abi.executable("TX burst of " + port.name(), Memory.getLong(ops, at.stride(), at.txBurst()))
                && abi.data("RX queues' pointers of " + port.name(), Memory.getLong(ops, at.stride(), at.rxQueues()))
                && abi.data("TX queues' pointers of " + port.name(), Memory.getLong(ops, at.stride(), at.txQueues()));
        if (!ok) {
            Check bad = abi.checks.getLast();
            throw new DpdkException(
                    "layout",
                    0,
                    bad.name() + ": " + bad.detail(),
                    "this DPDK (" + eal.library().version() + ") is not built as lvsd expects");
        }
    }

    private boolean check(String name, long found, long expected) {
        boolean ok = found == expected;
        checks.add(new Check(name, ok, ok ? Long.toString(found) : "found " + found + ", expected " + expected));
        return ok;
    }

    private boolean executable(String name, long address) {
        boolean ok = inMapping(address, true);
        String hex = "0x" + Long.toHexString(address);
        checks.add(new Check(name, ok, ok ? hex : hex + " is no code"));
        return ok;
    }

    private boolean data(String name, long address) {
        boolean ok = inMapping(address, false);
        String hex = "0x" + Long.toHexString(address);
        checks.add(new Check(name, ok, ok ? hex : hex + " is no data"));
        return ok;
    }

    /** Whether something is mapped at {@code address}, and that it is executable or that it is not. */
    private static boolean inMapping(long address, boolean executable) {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
                int dash = line.indexOf('-');
                int space = line.indexOf(' ');
                long from = Long.parseUnsignedLong(line.substring(0, dash), 16);
                long to = Long.parseUnsignedLong(line.substring(dash + 1, space), 16);
                if (address >= from && address < to) {
                    return line.startsWith("x", space + 3) == executable;
                }
            }
        } catch (IOException unreadable) {
            return address != 0; // no /proc: the other checks must do
        }
        return false;
    }
}
