package lvsd.dataplane.io;

/**
 * One worker's access to all ports: its RX and TX queue of each, and its share of the mbuf pool.
 *
 * <p>Packets are addresses of mbufs (see {@link lvsd.dpdk.Mbuf}). Whoever holds an address owns the packet and must
 * transmit it, pass it on or free it exactly once. Called by the owning worker only; nothing here blocks, allocates on
 * the heap or throws.
 */
public interface PacketIo {
    /** Most packets a call of {@link #receive} returns. */
    int BURST = 64;

    /** Number of ports; they are numbered from 0 in the order of the daemon file. */
    int ports();

    /** Receives up to {@link #BURST} packets of {@code port} into {@code into[0..]}; returns how many. */
    int receive(int port, long[] into);

    /**
     * Sends {@code packets[0..count)} on {@code port}; returns how many the port took, always the first ones. The rest
     * still belong to the caller.
     */
    int transmit(int port, long[] packets, int count);

    /** Frees {@code packets[0..count)}. */
    void free(long[] packets, int count);

    /** Frees one packet. */
    void free(long packet);

    /** A new, empty, single-segment packet with the usual headroom, or 0 when the pool is empty. */
    long allocate();
}
