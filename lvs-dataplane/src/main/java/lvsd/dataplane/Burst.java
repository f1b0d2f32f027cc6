package lvsd.dataplane;

import lvsd.dataplane.io.PacketIo;

/**
 * The columns of one burst: what stage 1 learned of each packet, for the stages behind it. One instance per worker, used
 * by that worker alone; slot {@code i} is valid from {@link Parser} to the dispatch of the same burst.
 *
 * <p>Addresses and ports are in wire form (see {@link lvsd.dataplane.service.Wire}).
 */
final class Burst {
    static final int CAPACITY = PacketIo.BURST;

    /** Parsed whole: IPv4 without options, unfragmented TCP or UDP, addressed to our MAC. */
    static final int FAST4 = 1;
    /** Parsed whole: IPv6 with TCP or UDP right behind the fixed header, addressed to our MAC. */
    static final int FAST6 = 2;
    /** Anything else: handled one at a time. */
    static final int SLOW = 3;

    final int[] kind = new int[CAPACITY];
    final long[] mbuf = new long[CAPACITY];
    /** First byte of the IP header. */
    final long[] l3 = new long[CAPACITY];
    /** First byte of the transport header. */
    final long[] l4 = new long[CAPACITY];
    /** Bytes of the IP packet by its own header. */
    final int[] length = new int[CAPACITY];

    final int[] protocol = new int[CAPACITY];
    /** IPv4 source and destination as one 64-bit load. */
    final long[] addresses = new long[CAPACITY];
    /** Source and destination port as one 32-bit load. */
    final int[] ports = new int[CAPACITY];

    final long[] hash = new long[CAPACITY];
    /** The line to touch next: the bucket's, then the candidate's. Always readable: the mbuf's where there is neither. */
    final long[] line = new long[CAPACITY];
    /** Candidate reference from the connection table, or -1. */
    final int[] reference = new int[CAPACITY];

    final int[] verdict = new int[CAPACITY];

    /** Where accumulated touches end up, so that the loads are not optimised away. */
    int touched;
}
