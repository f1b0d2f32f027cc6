package lvsd.dpdk;

import lvsd.memory.Memory;

/**
 * One RX queue and one TX queue of a started port: {@code rte_eth_rx_burst} and {@code rte_eth_tx_burst}. Function and
 * queue pointers are read from {@code rte_eth_fp_ops} at every burst, as DPDK's inline functions do, because drivers
 * change them at run time. Belongs to one worker; allocates nothing, throws nothing.
 */
public final class QueuePair {
    private final FastCalls.Pointer rxPointer = new FastCalls.Pointer();
    private final FastCalls.Pointer txPointer = new FastCalls.Pointer();
    private final long rxFunction;
    private final long rxQueues;
    private final long rxIndex;
    private final long txFunction;
    private final long txQueues;
    private final long txIndex;

    /**
     * @param ops address of the port's {@code rte_eth_fp_ops}
     * @param layout its layout
     * @param rx RX queue, or -1 to receive nothing
     * @param tx TX queue
     */
    QueuePair(long ops, DpdkLayout.Ops layout, int rx, int tx) {
        rxFunction = ops + layout.rxBurst();
        rxQueues = ops + layout.rxQueues();
        rxIndex = rx * 8L;
        txFunction = ops + layout.txBurst();
        txQueues = ops + layout.txQueues();
        txIndex = tx * 8L;
    }

    /**
     * Receives.
     *
     * @param packets address of an array of at least {@code most} pointers
     * @param most 1 to 65535
     * @return how many mbuf addresses were stored there; they are the caller's
     */
    public int receive(long packets, int most) {
        if (rxIndex < 0) {
            return 0;
        }
        long queue = Memory.getLong(Memory.getLong(rxQueues, 8, 0) + rxIndex, 8, 0);
        return FastCalls.burst(rxPointer.at(Memory.getLong(rxFunction, 8, 0)), queue, packets, most);
    }

    /**
     * Sends.
     *
     * @param packets address of an array of {@code count} mbuf addresses
     * @return how many were taken, always the first ones; the rest are still the caller's
     */
    public int transmit(long packets, int count) {
        long queue = Memory.getLong(Memory.getLong(txQueues, 8, 0) + txIndex, 8, 0);
        return FastCalls.burst(txPointer.at(Memory.getLong(txFunction, 8, 0)), queue, packets, count);
    }
}
