package lvsd.dataplane;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import lvsd.dataplane.io.PacketIo;
import lvsd.dataplane.net.Emitter;

/**
 * Collects a burst's packets by port and sends them together; frees and counts what goes nowhere. Owned by the worker.
 */
final class Transmitter implements Emitter {
    private static final VarHandle DROPS = MethodHandles.arrayElementVarHandle(long[].class);

    private final PacketIo io;
    private final long[][] queues;
    private final int[] counts;
    private final long[] freed = new long[PacketIo.BURST];
    private int freeCount;
    private final long[] drops;

    Transmitter(PacketIo io, long[] drops) {
        this.io = io;
        this.drops = drops;
        this.queues = new long[io.ports()][PacketIo.BURST];
        this.counts = new int[io.ports()];
    }

    /** Takes over a complete frame for {@code port}. */
    void send(long mbuf, int port) {
        int count = counts[port];
        queues[port][count] = mbuf;
        counts[port] = count + 1;
        if (count + 1 == PacketIo.BURST) {
            flush(port);
        }
    }

    /** Takes over a burst that leaves by one port as a whole, as nearly all do; behind what waits there already. */
    void send(long[] mbufs, int count, int port) {
        flush(port);
        transmit(mbufs, count, port);
    }

    @Override
    public void emit(long mbuf, int port) {
        send(mbuf, port);
    }

    /** Takes over a packet that goes nowhere. */
    void drop(long mbuf, int reason) {
        DROPS.setOpaque(drops, reason, drops[reason] + 1);
        freed[freeCount++] = mbuf;
        if (freeCount == PacketIo.BURST) {
            flushFreed();
        }
    }

    /** Takes over a burst that goes nowhere as a whole. */
    void drop(long[] mbufs, int count, int reason) {
        DROPS.setOpaque(drops, reason, drops[reason] + count);
        io.free(mbufs, count);
    }

    /** Sends and frees everything collected. */
    void flush() {
        for (int port = 0; port < counts.length; port++) {
            flush(port);
        }
        if (freeCount > 0) {
            flushFreed();
        }
    }

    private void flushFreed() {
        io.free(freed, freeCount);
        freeCount = 0;
    }

    private void flush(int port) {
        long[] queue = queues[port];
        int count = counts[port];
        counts[port] = 0;
        if (count > 0) {
            transmit(queue, count, port);
        }
    }

    private void transmit(long[] mbufs, int count, int port) {
        int sent = io.transmit(port, mbufs, count);
        for (int i = sent; i < count; i++) {
            drop(mbufs[i], DropReason.TX_FULL.ordinal());
        }
    }
}
