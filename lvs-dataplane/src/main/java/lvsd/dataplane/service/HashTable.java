package lvsd.dataplane.service;

import org.jspecify.annotations.Nullable;

/**
 * Which destination each bucket of a hashing scheduler leads to, immutable. Made by the control thread whenever the
 * service changes: a table of {@code mh} takes about 0.1 ms, which a worker cannot spare.
 */
public final class HashTable {
    /** Buckets of {@code dh} and {@code sh}. */
    static final int BUCKETS = 256;
    /** Slots of {@code mh}: the prime that kernels are built with by default. */
    static final int SLOTS = 4093;
    /** Bits in which the turns of a round are counted: {@code mh} resolves weights as finely as this. */
    private static final int TURN_BITS = 6;

    private final char[] places;

    private HashTable(char[] places) {
        this.places = places;
    }

    /** The table that {@code scheduler} needs for these destinations, null if it needs none or has nobody to lead to. */
    static @Nullable HashTable of(String scheduler, Destination[] destinations) {
        if (destinations.length == 0) {
            return null;
        }
        return switch (scheduler) {
            case "dh" -> deal(destinations, false);
            case "sh" -> deal(destinations, true);
            case "mh" -> maglev(destinations);
            default -> null;
        };
    }

    /** How many buckets there are. */
    public int size() {
        return places.length;
    }

    /** Position in {@link Service#destinations} of the destination of a bucket, 0 to {@link #size} - 1. */
    public int place(int bucket) {
        return places[bucket];
    }

    /** Deals the buckets out in order, to each as many in a row as its weight (one with weight 0), or one. */
    private static HashTable deal(Destination[] destinations, boolean weighted) {
        char[] places = new char[BUCKETS];
        int at = 0;
        int given = 0;
        for (int bucket = 0; bucket < BUCKETS; bucket++) {
            places[bucket] = (char) at;
            given++;
            if (!weighted || given >= destinations[at].weight) {
                at = at + 1 < destinations.length ? at + 1 : 0;
                given = 0;
            }
        }
        return new HashTable(places);
    }

    /**
     * Maglev (Eisenbud and others, NSDI 2016, 3.4): each destination goes through all slots in an order of its own and
     * takes the next free one when it is its turn; it has turns by its last weight above 0, so that taking a server out
     * by weight 0 moves nobody else's slots. Null when no destination ever had a weight.
     */
    private static @Nullable HashTable maglev(Destination[] destinations) {
        int[] turns = turns(destinations);
        if (turns.length == 0) {
            return null;
        }
        int[] next = new int[destinations.length];
        int[] skip = new int[destinations.length];
        for (int at = 0; at < destinations.length; at++) {
            int name = name(destinations[at]);
            next[at] = Integer.remainderUnsigned(AddressHash.sip(name, AddressHash.FIRST_KEY), SLOTS);
            skip[at] = Integer.remainderUnsigned(AddressHash.sip(name, AddressHash.SECOND_KEY), SLOTS - 1) + 1;
        }
        char[] places = new char[SLOTS];
        boolean[] taken = new boolean[SLOTS];
        int left = SLOTS;
        for (int at = 0; left > 0; at = at + 1 < destinations.length ? at + 1 : 0) {
            for (int turn = turns[at]; turn > 0 && left > 0; turn--) {
                int slot = next[at];
                while (taken[slot]) {
                    slot = (slot + skip[at]) % SLOTS;
                }
                next[at] = slot;
                taken[slot] = true;
                places[slot] = (char) at;
                left--;
            }
        }
        return new HashTable(places);
    }

    /** Address and port of a server as one number. */
    private static int name(Destination destination) {
        long low = destination.ipv6 ? destination.address6Low : Integer.toUnsignedLong(destination.address4);
        return AddressHash.fold(destination.address6High, low) + Wire.port(destination.port);
    }

    /** Slots that each destination takes in a round; empty when all take none. */
    private static int[] turns(Destination[] destinations) {
        int divisor = 0;
        int greatest = 0;
        for (Destination destination : destinations) {
            divisor = Weights.divisor(divisor, destination.lastWeight);
            greatest = Math.max(greatest, destination.lastWeight);
        }
        if (divisor == 0) {
            return new int[0];
        }
        int shift = Math.max(0, Integer.SIZE - Integer.numberOfLeadingZeros(greatest / divisor) - TURN_BITS);
        int[] turns = new int[destinations.length];
        for (int at = 0; at < turns.length; at++) {
            int weight = destinations[at].lastWeight;
            turns[at] = weight == 0 ? 0 : Math.max(1, (weight / divisor) >> shift);
        }
        return turns;
    }
}
