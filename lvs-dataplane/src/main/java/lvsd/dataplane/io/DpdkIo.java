package lvsd.dataplane.io;

import lvsd.dpdk.Mbuf;
import lvsd.dpdk.Mempool;
import lvsd.dpdk.QueuePair;
import lvsd.memory.Memory;
import lvsd.memory.OffHeap;

/**
 * Packet IO of one worker over DPDK ports. Made by {@link DpdkPorts#io}.
 *
 * <p>Lists of packets cross into DPDK by a native array of one burst, allocated once. Packets to make are taken from the
 * pool some at a time, because each trip costs as much as a dozen packets.
 */
public final class DpdkIo implements PacketIo, AutoCloseable {
    /** Mbufs kept at hand for {@link #allocate}. */
    private static final int SPARE = 32;

    private static final long BURST_BYTES = BURST * 8L;
    private static final long SPARE_BYTES = SPARE * 8L;

    private final QueuePair[] ports;
    private final TxLock[] locks;
    private final Mempool pool;
    private final OffHeap memory;
    private final long burst;
    private final long spare;
    private int spares;

    /**
     * @param ports queues of each port
     * @param locks for each port the lock of its TX queue, or {@link TxLock#NONE} when the queue is this worker's alone
     * @param pool where packets come from
     */
    DpdkIo(QueuePair[] ports, TxLock[] locks, Mempool pool) {
        this.ports = ports.clone();
        this.locks = locks.clone();
        this.pool = pool;
        memory = OffHeap.map(BURST_BYTES + SPARE_BYTES, false, true);
        burst = memory.address();
        spare = burst + BURST_BYTES;
    }

    @Override
    public int ports() {
        return ports.length;
    }

    @Override
    public int receive(int port, long[] into) {
        int count = ports[port].receive(burst, BURST);
        for (int i = 0; i < count; i++) {
            into[i] = Memory.getLong(burst, BURST_BYTES, i * 8L);
        }
        return count;
    }

    @Override
    public int transmit(int port, long[] packets, int count) {
        TxLock lock = locks[port];
        return lock == TxLock.NONE
                ? transmit(ports[port], packets, count)
                : transmitShared(lock, ports[port], packets, count);
    }

    /** Drivers without enough TX queues for all workers: those that share one take turns. */
    private int transmitShared(TxLock lock, QueuePair queues, long[] packets, int count) {
        lock.acquire();
        int sent = transmit(queues, packets, count);
        lock.release();
        return sent;
    }

    private int transmit(QueuePair queues, long[] packets, int count) {
        int done = 0;
        while (done < count) {
            int part = Math.min(BURST, count - done);
            load(packets, done, part);
            int sent = queues.transmit(burst, part);
            done += sent;
            if (sent < part) {
                break;
            }
        }
        return done;
    }

    private void load(long[] packets, int from, int count) {
        for (int i = 0; i < count; i++) {
            Memory.setLong(burst, BURST_BYTES, i * 8L, packets[from + i]);
        }
    }

    @Override
    public void free(long[] packets, int count) {
        for (int done = 0; done < count; done += BURST) {
            int part = Math.min(BURST, count - done);
            load(packets, done, part);
            pool.free(burst, part);
        }
    }

    @Override
    public void free(long packet) {
        Memory.setLong(burst, BURST_BYTES, 0, packet);
        pool.free(burst, 1);
    }

    @Override
    public long allocate() {
        if (spares == 0 && !refill()) {
            return 0;
        }
        spares--;
        long packet = Memory.getLong(spare, SPARE_BYTES, spares * 8L);
        Mbuf.reset(packet);
        return packet;
    }

    private boolean refill() {
        if (pool.dequeue(spare, SPARE)) {
            spares = SPARE;
        } else if (pool.dequeue(spare, 1)) {
            spares = 1; // the pool is nearly empty; the last ones must not lie about here
        }
        return spares > 0;
    }

    /** Gives back the packets kept at hand. By the worker, or after it has ended; the ports' queues stay as they are. */
    @Override
    public void close() {
        pool.free(spare, spares);
        spares = 0;
        memory.close();
    }
}
