package lvsd.dataplane.net;

import lvsd.dataplane.Packet;

/**
 * Asked about each held packet whose next hop did not answer, before its sender is told. Implemented by whoever
 * rewrote the packet.
 */
@FunctionalInterface
public interface UnreachableHandler {
    /** Sends the error for every packet as it is. */
    UnreachableHandler AS_IS = p -> true;

    /**
     * Turns {@code p}, in place, back into what its sender sent: addresses and ports of the IP and transport headers;
     * checksums need not fit. {@link Packet#iface} is the interface it came in by. The mbuf stays with the caller.
     * Returns whether the sender shall be told host unreachable.
     */
    boolean restore(Packet p);
}
