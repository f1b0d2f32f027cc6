package lvsd.dataplane.io;

import java.util.Arrays;
import lvsd.dpdk.Mbuf;
import lvsd.memory.Memory;
import org.jspecify.annotations.Nullable;

/**
 * Ports in plain memory: what is injected is received, what is transmitted can be taken out. For tests and for the
 * warm-up, which drives the pipeline before any real port is open.
 *
 * <p>Freeing or sending a packet that the caller does not hold throws {@link IllegalStateException}; that is a defect of
 * the caller that DPDK would not notice. Any thread may inject and take out while a worker polls. After the constructor
 * the methods of {@link PacketIo} allocate nothing.
 */
public final class MemoryIo implements PacketIo, AutoCloseable {
    /** Longest frame that can be injected, in bytes. */
    public static final int MAX_FRAME = MemoryPool.DATA_ROOM;

    private final MemoryPool pool;
    private final boolean ownPool;
    private final Queue[] received;
    private final Queue[] sent;
    private final int[] limit;
    private boolean discarding;

    /**
     * @param ports number of ports
     * @param packets packets in the pool
     */
    public MemoryIo(int ports, int packets) {
        this(ports, packets, new MemoryPool(packets), true);
    }

    private MemoryIo(int ports, int packets, MemoryPool pool, boolean ownPool) {
        this.pool = pool;
        this.ownPool = ownPool;
        received = queues(ports, packets);
        sent = queues(ports, packets);
        limit = new int[ports];
        Arrays.fill(limit, Integer.MAX_VALUE);
    }

    private static Queue[] queues(int ports, int packets) {
        Queue[] queues = new Queue[ports];
        for (int i = 0; i < ports; i++) {
            queues[i] = new Queue(packets);
        }
        return queues;
    }

    /** The IO of another worker: as many ports with queues of their own, packets from the same pool. */
    public MemoryIo another() {
        return new MemoryIo(received.length, received[0].packets.length, pool, false);
    }

    /**
     * Puts a frame into the receive queue of {@code port}.
     *
     * @throws IllegalStateException if the pool is empty
     * @throws IllegalArgumentException if the frame is longer than {@link #MAX_FRAME}
     */
    public synchronized void inject(int port, byte[] frame) {
        if (frame.length > MAX_FRAME) {
            throw new IllegalArgumentException("frame of " + frame.length + " bytes; at most " + MAX_FRAME);
        }
        long mbuf = pool.take();
        if (mbuf == 0) {
            throw new IllegalStateException("no packet left to inject a frame with");
        }
        MemoryPool.poison(mbuf);
        Mbuf.setLength(mbuf, frame.length);
        Memory.copyIn(frame, 0, Mbuf.data(mbuf), frame.length);
        Memory.setShort(mbuf, Mbuf.SIZE, Mbuf.PORT, port);
        inject(port, mbuf);
    }

    /** Puts a packet that the caller has made with {@link #allocate} into the receive queue of {@code port}. */
    public synchronized void inject(int port, long mbuf) {
        pool.queue(mbuf);
        received[port].add(mbuf);
    }

    /** The next frame that {@code port} sent, in order, or null when there is none. Its packet returns to the pool. */
    public synchronized byte @Nullable [] sent(int port) {
        if (sent[port].count == 0) {
            return null;
        }
        long mbuf = sent[port].remove();
        byte[] frame = new byte[Mbuf.dataLength(mbuf)];
        Memory.copyOut(Mbuf.data(mbuf), frame, 0, frame.length);
        pool.dequeue(mbuf);
        pool.give(mbuf);
        return frame;
    }

    /** Frames that {@code port} sent and nobody took out yet. */
    public synchronized int sentCount(int port) {
        return sent[port].count;
    }

    /** Frames injected on {@code port} and not yet received. */
    public synchronized int waiting(int port) {
        return received[port].count;
    }

    /**
     * Packets that left the pool and are in no queue: those that workers hold. 0 after a cycle unless some are held on
     * purpose. Counts over all IOs of the pool.
     */
    public int outstanding() {
        return pool.held();
    }

    /** Packets left in the pool. */
    public int available() {
        return pool.available();
    }

    /** From now on {@code port} takes at most {@code packets} of each burst; 0 refuses all. */
    public synchronized void limitTransmit(int port, int packets) {
        limit[port] = packets;
    }

    /** Whether sent packets return to the pool at once, uncounted: for the warm-up, which looks at none. */
    public synchronized void discardSent(boolean discard) {
        discarding = discard;
    }

    @Override
    public int ports() {
        return received.length;
    }

    @Override
    public synchronized int receive(int port, long[] into) {
        Queue queue = received[port];
        int count = Math.min(BURST, queue.count);
        for (int i = 0; i < count; i++) {
            into[i] = queue.remove();
            pool.dequeue(into[i]);
        }
        return count;
    }

    @Override
    public synchronized int transmit(int port, long[] packets, int count) {
        int taken = Math.min(count, limit[port]);
        for (int i = 0; i < taken; i++) {
            if (discarding) {
                pool.give(packets[i]);
            } else {
                pool.queue(packets[i]);
                sent[port].add(packets[i]);
            }
        }
        return taken;
    }

    @Override
    public void free(long[] packets, int count) {
        for (int i = 0; i < count; i++) {
            pool.give(packets[i]);
        }
    }

    @Override
    public void free(long packet) {
        pool.give(packet);
    }

    @Override
    public long allocate() {
        return pool.take();
    }

    /** Unmaps the packets if this IO made the pool. */
    @Override
    public void close() {
        if (ownPool) {
            pool.close();
        }
    }

    /** A bounded queue that can hold every packet of the pool. */
    private static final class Queue {
        final long[] packets;
        int head;
        int count;

        Queue(int capacity) {
            packets = new long[capacity];
        }

        void add(long packet) {
            packets[(head + count) % packets.length] = packet;
            count++;
        }

        long remove() {
            long packet = packets[head];
            head = (head + 1) % packets.length;
            count--;
            return packet;
        }
    }
}
