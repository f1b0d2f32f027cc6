package lvsd.dataplane.net;

import lvsd.dataplane.DropReason;

/**
 * Classes of packets for the kernel, each with a rate limit and a queue of its own, so that a flood of one starves none
 * of the others. The ordinal is the argument of a punt verdict; lower ordinals are served first.
 */
public enum PuntClass {
    /** ARP and IPv6 neighbour discovery. */
    NEIGHBOUR(DropReason.PUNT_LIMIT_NEIGHBOUR),
    /** BGP, OSPF, VRRP, BFD, RIP, PIM, IGMP and MLD. */
    ROUTING(DropReason.PUNT_LIMIT_ROUTING),
    /** Replies to connections that the director's host opened: health checks above all. */
    HEALTH(DropReason.PUNT_LIMIT_HEALTH),
    /** Everything else, forwarding included. */
    REST(DropReason.PUNT_LIMIT_REST);

    private static final PuntClass[] VALUES = values();

    private final DropReason limited;

    PuntClass(DropReason limited) {
        this.limited = limited;
    }

    /** What a packet over the limit is counted as. */
    public DropReason limited() {
        return limited;
    }

    /** How many classes there are. */
    public static int count() {
        return VALUES.length;
    }

    /** The class with the given ordinal. */
    public static PuntClass of(int ordinal) {
        return VALUES[ordinal];
    }
}
