package lvsd.dataplane.net;

import lvsd.config.DaemonConfig;
import lvsd.dataplane.DropReason;
import lvsd.dataplane.Verdict;
import lvsd.dataplane.io.LongRing;
import lvsd.dataplane.io.PacketIo;

/**
 * One worker's end of the exception path: packets for the kernel go to the punt thread by one ring per class, packets
 * from the kernel come back by another.
 *
 * <p>The worker owns its mbuf pool, so mbufs travel both ways: the punt thread returns what it has written to a twin,
 * and fills empty ones that the worker has supplied. A ring's element is the mbuf's address with the interface in the
 * upper 16 bits; frames are untagged here. All methods but the accessors of rings are the worker's.
 */
public final class Punter {
    /** Places in each ring towards the kernel. */
    static final int QUEUE = 1024;

    /** Longs of an event: interface, family, address halves. */
    static final int EVENT = 4;

    private static final int EVENTS = 64 * EVENT;
    private static final int SUPPLIED = 256;
    private static final int IFACE_SHIFT = 48;
    private static final long MBUF_MASK = (1L << IFACE_SHIFT) - 1;

    private final LongRing[] toKernel = new LongRing[PuntClass.count()];
    private final LongRing returned = new LongRing(QUEUE * 4);
    private final LongRing supply = new LongRing(SUPPLIED);
    private final LongRing fromKernel = new LongRing(SUPPLIED);
    private final LongRing events = new LongRing(EVENTS);
    private final long[] event = new long[EVENT];
    private final TokenBucket[] buckets = new TokenBucket[PuntClass.count()];
    private final long[] punted = new long[PuntClass.count()];
    private final long[] batch = new long[PacketIo.BURST];
    private final boolean fromKernelHere;
    private final boolean[] twins;

    /**
     * @param limits rate limits
     * @param twins by interface: whether it has a kernel twin
     * @param fromKernelHere whether packets from the kernel are sent by this worker; true for exactly one
     */
    public Punter(DaemonConfig.Punt limits, boolean[] twins, boolean fromKernelHere) {
        this.twins = twins.clone();
        this.fromKernelHere = fromKernelHere;
        int[] rates = {limits.neighbourRate(), limits.routingRate(), limits.healthRate(), limits.restRate()};
        for (int i = 0; i < buckets.length; i++) {
            toKernel[i] = new LongRing(QUEUE);
            buckets[i] = new TokenBucket(rates[i], burst(rates[i]), 0);
        }
    }

    /**
     * How many of a class at once: what its queue holds, or those of a tenth of a second. TCP sends a window at a time, which at
     * full speed is no flood; what the kernel cannot take then is the queue's to refuse.
     */
    private static int burst(int rate) {
        return Math.min(rate, Math.max(QUEUE, rate / 10));
    }

    /**
     * Gives a packet to the kernel twin of {@code iface}. Returns {@link Verdict#KEPT}, or the drop verdict: the packet
     * then stays the caller's.
     *
     * @param now current tick
     */
    public int punt(long mbuf, int iface, int puntClass, int now) {
        if (iface >= twins.length || !twins[iface]) {
            return Verdict.drop(DropReason.NO_TWIN);
        }
        if (!buckets[puntClass].take(now)) {
            return Verdict.drop(PuntClass.of(puntClass).limited());
        }
        if (!toKernel[puntClass].offer(pack(mbuf, iface))) {
            return Verdict.drop(DropReason.PUNT_QUEUE_FULL);
        }
        punted[puntClass]++;
        return Verdict.KEPT;
    }

    /** Once per cycle: frees what the kernel has, supplies empty mbufs, sends what the kernel sent by its interface. */
    void poll(PacketIo io, Net net) {
        int count = returned.drain(batch, batch.length);
        if (count > 0) {
            io.free(batch, count);
        }
        if (!fromKernelHere) {
            return;
        }
        count = fromKernel.drain(batch, batch.length);
        for (int i = 0; i < count; i++) {
            net.fromKernel(mbuf(batch[i]), iface(batch[i]));
        }
        refill(io);
    }

    private void refill(PacketIo io) {
        int wanted = Math.min(PacketIo.BURST, SUPPLIED - supply.size());
        if (wanted < PacketIo.BURST / 2) {
            return;
        }
        for (int i = 0; i < wanted; i++) {
            long mbuf = io.allocate();
            if (mbuf == 0) {
                return;
            }
            if (!supply.offer(mbuf)) {
                io.free(mbuf);
                return;
            }
        }
    }

    /** Has the punt thread log that a neighbour no longer answers; the worker itself logs nothing. */
    void lost(boolean ipv6, int iface, long high, long low) {
        event[0] = iface;
        event[1] = ipv6 ? 1 : 0;
        event[2] = high;
        event[3] = low;
        events.offerAll(event, EVENT);
    }

    /** Ring of events; the punt thread drains it. */
    LongRing events() {
        return events;
    }

    /** Packets given to the kernel since start, by class. Written by the worker, read by any thread. */
    public long[] punted() {
        return punted;
    }

    static long pack(long mbuf, int iface) {
        return mbuf | (long) iface << IFACE_SHIFT;
    }

    static long mbuf(long element) {
        return element & MBUF_MASK;
    }

    static int iface(long element) {
        return (int) (element >>> IFACE_SHIFT);
    }

    /** Ring of a class towards the kernel; the punt thread polls it. */
    LongRing toKernel(int puntClass) {
        return toKernel[puntClass];
    }

    /** Ring of written mbufs; the punt thread offers to it. */
    LongRing returned() {
        return returned;
    }

    /** Ring of empty mbufs; the punt thread polls it. */
    LongRing supply() {
        return supply;
    }

    /** Ring of frames from the kernel; the punt thread offers to it. */
    LongRing fromKernel() {
        return fromKernel;
    }
}
