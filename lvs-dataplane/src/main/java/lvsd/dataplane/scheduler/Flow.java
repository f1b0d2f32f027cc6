package lvsd.dataplane.scheduler;

/**
 * What a scheduler may know of the packet for which it picks a server. A worker owns one instance and fills it anew.
 *
 * <p>Addresses and ports are in wire form; an IPv4 address is the low 32 bits of the {@code ...Low} half.
 */
public final class Flow {
    /** Client address. */
    public long clientHigh;

    public long clientLow;
    /** Client port. */
    public int clientPort;
    /** Destination address of the packet: the VIP, or any address of a fwmark service. */
    public long virtualHigh;

    public long virtualLow;
    /** Destination port. */
    public int virtualPort;
    /** When it came, nanoseconds of a clock that goes evenly. */
    public long nanos;

    /** {@code lblc_expiration}, seconds. */
    public int lblcExpiration = 86_400;
    /** {@code lblcr_expiration}, seconds. */
    public int lblcrExpiration = 86_400;

    /** When it came, seconds; may wrap below 0. */
    int seconds() {
        return (int) (nanos / 1_000_000_000L);
    }
}
