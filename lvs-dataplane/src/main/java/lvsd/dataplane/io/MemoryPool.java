package lvsd.dataplane.io;

import lvsd.dpdk.Mbuf;
import lvsd.memory.Memory;
import lvsd.memory.OffHeap;

/**
 * A fixed number of packets in plain memory, laid out as mbufs: header of {@link Mbuf#SIZE} bytes, {@value #HEADROOM}
 * bytes of headroom, {@value #DATA_ROOM} bytes of data room.
 *
 * <p>It knows where each packet is, so that a packet freed twice, sent twice or lost is found. The IOs of several
 * workers may share one pool, as they share DPDK's. Any thread may call.
 */
final class MemoryPool implements AutoCloseable {
    /** Bytes before the packet. */
    static final int HEADROOM = 128;
    /** Bytes for the packet. */
    static final int DATA_ROOM = 2048;

    private static final int STRIDE = Mbuf.SIZE + HEADROOM + DATA_ROOM;
    private static final int POISON = 0xa5;
    private static final int NO_PORT = 0xffff;

    /** Where a packet is. */
    private static final byte FREE = 0;

    private static final byte QUEUED = 1;
    private static final byte HELD = 2;

    private final OffHeap region;
    private final int packets;
    private final int[] free;
    private final byte[] place;
    private int freeCount;
    private int held;

    MemoryPool(int packets) {
        this.packets = packets;
        region = OffHeap.map((long) packets * STRIDE, false, false);
        Memory.fill(region.address(), region.bytes(), POISON);
        free = new int[packets];
        place = new byte[packets];
        for (int i = 0; i < packets; i++) {
            free[packets - 1 - i] = i;
            initialise(address(i));
        }
        freeCount = packets;
    }

    private void initialise(long mbuf) {
        Memory.fill(mbuf, Mbuf.SIZE, 0);
        Memory.setLong(mbuf, Mbuf.SIZE, Mbuf.BUF_ADDR, mbuf + Mbuf.SIZE);
        Memory.setShort(mbuf, Mbuf.SIZE, Mbuf.BUF_LEN, HEADROOM + DATA_ROOM);
        Memory.setLong(mbuf, Mbuf.SIZE, Mbuf.POOL, region.address());
        Memory.setShort(mbuf, Mbuf.SIZE, Mbuf.REFCNT, 1);
    }

    private long address(int index) {
        return region.address() + (long) index * STRIDE;
    }

    private int index(long mbuf) {
        long offset = mbuf - region.address();
        if (offset < 0 || offset >= (long) packets * STRIDE || offset % STRIDE != 0) {
            throw new IllegalStateException("not a packet of this pool: 0x" + Long.toHexString(mbuf));
        }
        return (int) (offset / STRIDE);
    }

    /** A reset packet, held by the caller; 0 when none is left. */
    synchronized long take() {
        if (freeCount == 0) {
            return 0;
        }
        int index = free[--freeCount];
        place[index] = HELD;
        held++;
        long mbuf = address(index);
        Memory.setShort(mbuf, Mbuf.SIZE, Mbuf.DATA_OFF, HEADROOM);
        Memory.setShort(mbuf, Mbuf.SIZE, Mbuf.NB_SEGS, 1);
        Memory.setShort(mbuf, Mbuf.SIZE, Mbuf.PORT, NO_PORT);
        Memory.setLong(mbuf, Mbuf.SIZE, Mbuf.OL_FLAGS, 0);
        Memory.setShort(mbuf, Mbuf.SIZE, Mbuf.VLAN_TCI, 0);
        Memory.setInt(mbuf, Mbuf.SIZE, Mbuf.RSS_HASH, 0);
        Memory.setLong(mbuf, Mbuf.SIZE, Mbuf.NEXT, 0);
        Mbuf.setLength(mbuf, 0);
        return mbuf;
    }

    /** Takes back a packet that its caller held. */
    synchronized void give(long mbuf) {
        int index = leave(mbuf, HELD, FREE);
        held--;
        free[freeCount++] = index;
    }

    /** The holder puts the packet into a queue. */
    synchronized void queue(long mbuf) {
        leave(mbuf, HELD, QUEUED);
        held--;
    }

    /** Somebody takes the packet out of a queue and holds it. */
    synchronized void dequeue(long mbuf) {
        leave(mbuf, QUEUED, HELD);
        held++;
    }

    private int leave(long mbuf, byte from, byte to) {
        int index = index(mbuf);
        if (place[index] != from) {
            throw new IllegalStateException("packet 0x" + Long.toHexString(mbuf) + " is "
                    + (place[index] == FREE ? "free already" : place[index] == QUEUED ? "queued" : "held"));
        }
        place[index] = to;
        return index;
    }

    /** Fills what lies around the packet's data so that reading beyond it shows. */
    static void poison(long mbuf) {
        Memory.fill(mbuf + Mbuf.SIZE, HEADROOM + DATA_ROOM, POISON);
    }

    synchronized int available() {
        return freeCount;
    }

    synchronized int held() {
        return held;
    }

    @Override
    public void close() {
        region.close();
    }
}
