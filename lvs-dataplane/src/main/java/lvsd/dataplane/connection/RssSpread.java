package lvsd.dataplane.connection;

import java.util.Arrays;

/**
 * How the NICs spread packets over the workers' queues: key and redirection table, the same on every port. From it any
 * worker can tell where a packet of TCP or UDP arrives, or would if the NIC hashed its kind. Immutable; any thread.
 */
public final class RssSpread {
    private final Toeplitz toeplitz;
    private final int[] workerOf;

    /**
     * The spread that entry {@code i} of the table goes to worker {@code i % workers}.
     *
     * @param key what the NICs were given; longer ones are cut, since the tuples reach no further
     * @param size entries of the redirection tables, a power of two
     * @param workers how many workers, each with queue of its number on every port
     */
    public RssSpread(byte[] key, int size, int workers) {
        if (Integer.bitCount(size) != 1) {
            throw new IllegalArgumentException("RSS redirection table has " + size + " entries, not a power of two");
        }
        this.toeplitz = new Toeplitz(Arrays.copyOf(key, Toeplitz.KEY_BYTES));
        this.workerOf = new int[size];
        for (int i = 0; i < size; i++) {
            workerOf[i] = i % workers;
        }
    }

    /** Worker that a packet of IPv4 arrives at: addresses and ports as they lie in it. */
    public int worker4(long addresses, int ports) {
        return workerOf[toeplitz.hash4(addresses, ports) & workerOf.length - 1];
    }

    /** As {@link #worker4} for IPv6. */
    public int worker6(long sourceHigh, long sourceLow, long destinationHigh, long destinationLow, int ports) {
        int hash = toeplitz.hash6(sourceHigh, sourceLow, destinationHigh, destinationLow, ports);
        return workerOf[hash & workerOf.length - 1];
    }

    /** The local ports whose answers arrive at {@code worker}. */
    public PortShare share(int worker) {
        return new PortShare.Rss(toeplitz, workerOf, worker);
    }
}
