package lvsd.dataplane.io;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A spin lock around a TX queue that several workers share. Only drivers with fewer queues than there are workers
 * (net_af_packet without {@code qpairs}, net_pcap, net_ring) need one; a NIC has a queue for each.
 */
final class TxLock {
    /** Stands for no lock. */
    static final TxLock NONE = new TxLock();

    private static final VarHandle HELD;

    static {
        try {
            HELD = MethodHandles.lookup().findVarHandle(TxLock.class, "held", int.class);
        } catch (ReflectiveOperationException impossible) {
            throw new ExceptionInInitializerError(impossible);
        }
    }

    /** 0: free. Written through {@link #HELD}. */
    @SuppressWarnings("UnusedVariable") // a VarHandle uses it
    private int held;

    void acquire() {
        while (!HELD.weakCompareAndSetAcquire(this, 0, 1)) {
            Thread.onSpinWait();
        }
    }

    void release() {
        HELD.setRelease(this, 0);
    }
}
