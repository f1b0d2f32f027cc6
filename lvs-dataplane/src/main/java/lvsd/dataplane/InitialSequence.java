package lvsd.dataplane;

/**
 * Initial sequence numbers and timestamps towards real servers: a secret per tuple plus a clock (RFC 6528 with a tick of
 * 64 ns; RFC 7323 with a tick of 1 ms), so that successive connections of one tuple have rising ones and nobody else can
 * tell them. Owned by the worker, which moves the clock once a cycle.
 */
final class InitialSequence {
    private final long key0;
    private final long key1;
    private int sequenceClock;
    private int timestampClock;

    InitialSequence(long seed0, long seed1) {
        this.key0 = mix(seed0 ^ 0x243f6a8885a308d3L);
        this.key1 = mix(seed1 ^ 0x13198a2e03707344L);
    }

    private static long mix(long value) {
        long mixed = (value ^ value >>> 32) * 0xd6e8feb86659fd93L;
        return (mixed ^ mixed >>> 32) * 0xd6e8feb86659fd93L;
    }

    /** Moves the clock to {@code nanos}. */
    void clock(long nanos) {
        sequenceClock = (int) (nanos >>> 6);
        timestampClock = (int) (nanos / 1_000_000);
    }

    /** The secret of a tuple towards a server: its ports, local address (or part of it) and server address. */
    int tuple(int ports, int local, int server) {
        long first = Integer.toUnsignedLong(ports) << 32 | Integer.toUnsignedLong(local);
        long product = (first ^ key0) * (((server * 0x9e3779b97f4a7c15L) ^ key1) | 1);
        return (int) (Math.unsignedMultiplyHigh(first ^ key1, product ^ key0) ^ product >>> 32);
    }

    /** The initial sequence number of that tuple now. */
    int isn(int tuple) {
        return tuple + sequenceClock;
    }

    /** The first timestamp of that tuple now. */
    int timestamp(int tuple) {
        return Integer.reverse(tuple) + timestampClock;
    }
}
