package lvsd.dataplane.connection;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import lvsd.dataplane.service.LocalAddress;
import lvsd.dataplane.service.Wire;
import lvsd.memory.Memory;
import lvsd.memory.OffHeap;

/**
 * Local ports of FULLNAT for one worker.
 *
 * <p>What must be unique is (RS, RS port, LIP, local port, protocol); so every pair of a LIP and a server has a pool of
 * its own with the whole port range, and one LIP and port may serve several servers at once. A pool hands out the port
 * that has been free for longest, save that the choice is random: among all ports never used so far (in the order of a
 * keyed permutation, which touches no memory), then among the {@value #WINDOW} oldest. So neither can the next port be
 * guessed, nor does a port come back while a server may still hold its TIME_WAIT, unless nearly all are in use.
 *
 * <p>Memory is fixed at start: {@code pools} times {@value #POOL_BYTES} bytes, touched as pools come into use. When there
 * are more pairs than pools, the pools of pairs that have no connection are taken first; then pairs share pools, chosen
 * by hash: ports stay unique, but the pairs that share have one range between them.
 *
 * <p>Ports and addresses are in wire form, as in the server's side tuple of a connection ({@link Connection}): source is
 * the RS, destination the LIP. Owned by one worker; {@link #inUse} and {@link #exhausted} may be called by any thread.
 */
public final class LocalPorts implements AutoCloseable {
    /** No port. */
    public static final int NONE = -1;
    /** First port of the default range. */
    public static final int DEFAULT_FIRST = 1025;
    /** Last port of the default range. */
    public static final int DEFAULT_LAST = 65535;
    /** Ports whose bits lie on one line: three words of each of the two bit sets. */
    private static final int LINE_PORTS = 3 * Long.SIZE;

    private static final int LINE = 64;
    /** Bytes of a pool: a ring of 65536 ports and the lines of two bit sets over them. */
    public static final int POOL_BYTES = 65536 * 2 + (65536 / LINE_PORTS + 1) * LINE;

    private static final int WINDOW = 16;
    /** Lines that are fetched together. */
    private static final int LATER = 16;

    private static final int RING = 0;
    private static final int BITS = 65536 * 2;
    // Where the bit sets begin on a line, and what nothing reads: see ConnectionTable.fetchBucket.
    private static final int IN_USE = 0;
    private static final int POPPED = 24;
    private static final int FETCH = 48;
    private static final int ROUNDS = 4;
    private static final long MIX = 0x9e37_79b9_7f4a_7c15L;
    private static final int SHARE_PROBES = 64;
    private static final int SWEEPS = 4;
    private static final int SWEEP_SLOTS = 256;
    private static final VarHandle LONGS = MethodHandles.arrayElementVarHandle(long[].class);

    private final PortShare share;
    private final long seed0;
    private final long seed1;
    private final OffHeap memory;
    private final int pools;

    private int first = DEFAULT_FIRST;
    private int size = DEFAULT_LAST - DEFAULT_FIRST + 1;
    private int range = 1;
    private long draws;
    private int upcoming = NONE;
    /** Lines of bits to fetch, some at a time: as ConnectionTable.fetchLater4. */
    private final long[] later = new long[LATER];

    private int laterCount;

    // By pool: ring position of the oldest free port, free ports, those of them never used, range, set, pairs using it;
    // and the port that is given out next, no longer among the free ones, -1: none yet.
    private final int[] head;
    private final int[] free;
    private final int[] unused;
    private final int[] poolRange;
    private final int[] poolSet;
    private final int[] poolPairs;
    private final int[] poolNext;
    private final long[] poolKey;
    private final int[] freePools;
    private int freePoolCount;

    // By slot of the directory of pairs, open-addressed: key (0: empty), pool, connections, index of the LIP.
    private final long[] keys;
    private final int[] pairPool;
    private final int[] pairUses;
    private final int[] pairLocal;
    private int pairs;
    private int hand;

    private final long[] inUse = new long[LocalAddress.MAXIMUM];
    private final long[] exhausted = new long[LocalAddress.MAXIMUM];

    /**
     * Maps the pools.
     *
     * @param share ports of this worker
     * @param pools most pools, 1 to 2^16; more pairs than that share
     * @param seed0 random seed
     * @param seed1 random seed
     * @param lock whether all memory is there and locked before this returns
     */
    public LocalPorts(PortShare share, int pools, long seed0, long seed1, boolean lock) {
        if (pools < 1 || pools > 1 << 16) {
            throw new IllegalArgumentException("local port pools must be 1 to 65536, not " + pools);
        }
        this.share = share;
        this.seed0 = seed0;
        this.seed1 = seed1;
        this.pools = pools;
        this.memory = OffHeap.map((long) pools * POOL_BYTES, false, lock);
        this.head = new int[pools];
        this.free = new int[pools];
        this.unused = new int[pools];
        this.poolRange = new int[pools];
        this.poolSet = new int[pools];
        this.poolPairs = new int[pools];
        this.poolNext = new int[pools];
        this.poolKey = new long[pools];
        this.freePools = new int[pools];
        while (freePoolCount < pools) {
            freePools[freePoolCount] = pools - 1 - freePoolCount;
            freePoolCount++;
        }
        int slots = Integer.highestOneBit(pools * 2 - 1) * 8;
        this.keys = new long[slots];
        this.pairPool = new int[slots];
        this.pairUses = new int[slots];
        this.pairLocal = new int[slots];
    }

    /**
     * Sets the range, ends included, 1 to 65535. Ports in use outside it stay in use until released; pools take the new
     * range when next used.
     */
    public void setRange(int firstPort, int lastPort) {
        if (firstPort < 1 || lastPort > 65535 || firstPort > lastPort) {
            throw new IllegalArgumentException("local port range " + firstPort + " to " + lastPort);
        }
        if (firstPort != first || lastPort - firstPort + 1 != size) {
            first = firstPort;
            size = lastPort - firstPort + 1;
            range++;
        }
    }

    // ---- what the worker calls

    /**
     * Takes a local port towards an IPv4 server.
     *
     * @param local index of the LIP, for its counts
     * @param addresses RS and LIP
     * @param serverPort the server's port
     * @param protocol IP protocol number
     * @return the port in wire form, or {@link #NONE} when all are in use
     */
    public int acquire4(int local, long addresses, int serverPort, int protocol) {
        long key = key4(addresses, serverPort, protocol);
        int pair = find(key);
        return acquire(pair != NONE ? pair : bind(key, local, share.set4(addresses, serverPort)), local);
    }

    /** As {@link #acquire4} towards an IPv6 server. */
    public int acquire6(
            int local, long serverHigh, long serverLow, long localHigh, long localLow, int serverPort, int protocol) {
        long key = key6(serverHigh, serverLow, localHigh, localLow, serverPort, protocol);
        int pair = find(key);
        if (pair == NONE) {
            pair = bind(key, local, share.set6(serverHigh, serverLow, localHigh, localLow, serverPort));
        }
        return acquire(pair, local);
    }

    /**
     * Gives a port back: {@code addresses} and {@code ports} are the server's side of the connection.
     *
     * @return false, and nothing is changed, if it was not taken
     */
    public boolean release4(long addresses, int ports, int protocol) {
        return release(find(key4(addresses, ports, protocol)), ports >>> 16);
    }

    /** As {@link #release4} for an IPv6 server. */
    public boolean release6(long serverHigh, long serverLow, long localHigh, long localLow, int ports, int protocol) {
        return release(find(key6(serverHigh, serverLow, localHigh, localLow, ports, protocol)), ports >>> 16);
    }

    /**
     * Takes a certain port, of any worker's share: for a connection that came by sync.
     *
     * @param key of {@link #key4(long, int, int)} with the same addresses and ports
     * @return false if it is taken already, or no pool can be had
     */
    public boolean claim4(long key, int local, long addresses, int ports) {
        int serverPort = ports & 0xffff;
        int pair = find(key);
        return claim(pair != NONE ? pair : bind(key, local, share.set4(addresses, serverPort)), ports >>> 16);
    }

    /** As {@link #claim4} for an IPv6 server. */
    public boolean claim6(
            long key, int local, long serverHigh, long serverLow, long localHigh, long localLow, int ports) {
        int serverPort = ports & 0xffff;
        int pair = find(key);
        if (pair == NONE) {
            pair = bind(key, local, share.set6(serverHigh, serverLow, localHigh, localLow, serverPort));
        }
        return claim(pair, ports >>> 16);
    }

    /** Has the memory fetched that {@link #claim4} or {@link #claim6} will look at; see {@link ConnectionTable#fetchBucket}. */
    public void fetch(long key, int ports) {
        int pair = find(key);
        if (pair != NONE) {
            Memory.setLong(line(pairPool[pair], Wire.port(ports >>> 16)), LINE, FETCH, 0);
        }
    }

    /**
     * The port in wire form that the pair of the last {@link #acquire4} will probably get next, or {@link #NONE}: what will
     * be looked up then can be fetched now.
     */
    public int upcoming() {
        return upcoming;
    }

    /** Ports of the LIP with this index in use. Any thread. */
    public long inUse(int local) {
        return (long) LONGS.getOpaque(inUse, local);
    }

    /** How often no port was left on the LIP with this index. Any thread. */
    public long exhausted(int local) {
        return (long) LONGS.getOpaque(exhausted, local);
    }

    /** Bytes of memory mapped. */
    public long bytes() {
        return (long) pools * POOL_BYTES;
    }

    @Override
    public void close() {
        memory.close();
    }

    // ---- ports of a pair

    private int acquire(int pair, int local) {
        int port = pair == NONE ? NONE : take(pairPool[pair]);
        if (port == NONE) {
            add(exhausted, local, 1);
            return NONE;
        }
        pairUses[pair]++;
        add(inUse, pairLocal[pair], 1);
        return Wire.port(port);
    }

    private boolean release(int pair, int wirePort) {
        int port = Wire.port(wirePort & 0xffff);
        if (pair == NONE || !flip(line(pairPool[pair], port), IN_USE, port, true)) {
            return false;
        }
        int pool = pairPool[pair];
        renew(pool);
        if (port >= first && port - first < size && flip(line(pool, port), POPPED, port, true)) {
            push(pool, port);
        }
        pairUses[pair]--;
        add(inUse, pairLocal[pair], -1);
        return true;
    }

    private boolean claim(int pair, int wirePort) {
        int port = Wire.port(wirePort & 0xffff);
        if (pair == NONE || !flip(line(pairPool[pair], port), IN_USE, port, false)) {
            return false;
        }
        pairUses[pair]++;
        add(inUse, pairLocal[pair], 1);
        return true;
    }

    private static void add(long[] counts, int local, long change) {
        LONGS.setOpaque(counts, local, counts[local] + change);
    }

    // ---- one pool: a ring of ports, of which "free" from "head" on are free, the oldest first

    private long base(int pool) {
        return memory.address() + (long) pool * POOL_BYTES;
    }

    /** Gives the pool the present range with all ports free, if it has another; those in use are skipped when met. */
    private void renew(int pool) {
        if (poolRange[pool] == range) {
            return;
        }
        if (poolRange[pool] != 0) { // else its memory is as it was mapped: zero
            for (int port = 0; port < 65536; port += Long.SIZE) {
                long line = line(pool, port);
                Memory.setLong(line, LINE, POPPED + word(port), 0);
            }
        }
        poolRange[pool] = range;
        poolKey[pool] = ConnectionTable.hash4(++draws, range, pool & 0xff, seed0, seed1);
        head[pool] = 0;
        free[pool] = size;
        unused[pool] = size;
        poolNext[pool] = pop(pool);
    }

    /**
     * A free port that this worker owns. Ports of others leave the pool for good when met: once each. The next one is
     * chosen now already, so that nobody waits for the memory of its bits then.
     */
    private int take(int pool) {
        renew(pool);
        int port = poolNext[pool] != NONE ? poolNext[pool] : popAny(pool);
        while (port != NONE) {
            int next = popAny(pool);
            poolNext[pool] = next;
            long line = line(pool, port);
            flip(line, POPPED, port, false);
            if (share.owns(poolSet[pool], port) && flip(line, IN_USE, port, false)) {
                upcoming = next == NONE ? NONE : Wire.port(next);
                return port;
            }
            port = next;
        }
        return NONE;
    }

    private int popAny(int pool) {
        return free[pool] > 0 ? pop(pool) : NONE;
    }

    /** Takes a port from the free ones, and has its bits fetched: that it is gone stands there when it is given out. */
    private int pop(int pool) {
        int oldest = head[pool];
        int offset;
        if (unused[pool] > 0) {
            unused[pool]--;
            offset = permuted(oldest, poolKey[pool]);
        } else {
            int chosen = wrap(oldest + random(Math.min(free[pool], WINDOW)));
            offset = ring(pool, chosen);
            setRing(pool, chosen, ring(pool, oldest));
        }
        head[pool] = wrap(oldest + 1);
        free[pool]--;
        fetchLater(line(pool, first + offset));
        return first + offset;
    }

    private void fetchLater(long line) {
        later[laterCount++] = line;
        if (laterCount == later.length) {
            laterCount = 0;
            for (long each : later) {
                Memory.setLong(each, LINE, FETCH, 0);
            }
        }
    }

    /**
     * Where a permutation of the range, chosen by {@code key}, has {@code position}: a Feistel network over the next even
     * number of bits, walked until it comes back into the range, which takes four steps at most on average.
     */
    private int permuted(int position, long key) {
        int half = (Integer.SIZE + 1 - Integer.numberOfLeadingZeros(size - 1)) >>> 1;
        int value = position;
        do {
            value = feistel(value, half, key);
        } while (value >= size);
        return value;
    }

    private static int feistel(int value, int half, long key) {
        int mask = (1 << half) - 1;
        int left = value >>> half;
        int right = value & mask;
        for (int round = 0; round < ROUNDS; round++) {
            long mixed = (Long.rotateLeft(key, 16 * round) ^ right) * MIX;
            int next = left ^ ((int) (mixed >>> 40) & mask);
            left = right;
            right = next;
        }
        return left << half | right;
    }

    private void push(int pool, int port) {
        setRing(pool, wrap(head[pool] + free[pool]), port - first);
        free[pool]++;
    }

    private int wrap(int position) {
        return position < size ? position : position - size;
    }

    /** The port, as the difference to the first one; at positions that have been pushed to. */
    private int ring(int pool, int position) {
        return Memory.getShort(base(pool) + RING + 2L * position, 2, 0);
    }

    private void setRing(int pool, int position, int offset) {
        Memory.setShort(base(pool) + RING + 2L * position, 2, 0, offset);
    }

    private long line(int pool, int port) {
        return base(pool) + BITS + (long) (port / LINE_PORTS) * LINE;
    }

    /** Place of a port's word in a bit set's part of a line: 0, 8 or 16. */
    private static int word(int port) {
        return port % LINE_PORTS >>> 6 << 3;
    }

    /** Inverts a port's bit if it is {@code from}, and says so. */
    private static boolean flip(long line, int bits, int port, boolean from) {
        long value = Memory.getLong(line, LINE, bits + word(port));
        if ((value >>> port & 1) != 0 != from) {
            return false;
        }
        Memory.setLong(line, LINE, bits + word(port), value ^ 1L << port);
        return true;
    }

    private int random(int bound) {
        draws++;
        long mixed = ConnectionTable.hash4(draws, bound, 0, seed0, seed1);
        return (int) (((mixed >>> 32) * bound) >>> 32);
    }

    // ---- the directory of pairs

    /** What RS, LIP and the RS's port of a connection are known by; of {@code ports}, the server's side's, its own counts. */
    public long key4(long addresses, int ports, int protocol) {
        long key = ConnectionTable.hash4(addresses, ports & 0xffff, protocol, seed0, seed1);
        return key != 0 ? key : 1;
    }

    /** As {@link #key4} of IPv6. */
    public long key6(long serverHigh, long serverLow, long localHigh, long localLow, int ports, int protocol) {
        long key = ConnectionTable.hash6(
                serverHigh, serverLow, localHigh, localLow, ports & 0xffff, protocol, seed0, seed1);
        return key != 0 ? key : 1;
    }

    private int home(long key) {
        return (int) (key >>> 32) & keys.length - 1;
    }

    private int find(long key) {
        int slot = home(key);
        while (keys[slot] != 0) {
            if (keys[slot] == key) {
                return slot;
            }
            slot = slot + 1 & keys.length - 1;
        }
        return NONE;
    }

    private int bind(long key, int local, int set) {
        int sweeps = SWEEPS;
        while ((freePoolCount == 0 || pairs >= keys.length / 2) && sweeps-- > 0) {
            sweep();
        }
        if (pairs >= keys.length / 2) {
            return NONE;
        }
        int pool = freePoolCount > 0 ? freePools[--freePoolCount] : sharedPool(key, set);
        if (pool == NONE) {
            return NONE;
        }
        poolSet[pool] = set;
        poolPairs[pool]++;
        int slot = home(key);
        while (keys[slot] != 0) {
            slot = slot + 1 & keys.length - 1;
        }
        keys[slot] = key;
        pairPool[slot] = pool;
        pairUses[slot] = 0;
        pairLocal[slot] = local;
        pairs++;
        return slot;
    }

    private int sharedPool(long key, int set) {
        int pool = (int) (((key & 0xffff_ffffL) * pools) >>> 32);
        for (int probe = 0; probe < Math.min(pools, SHARE_PROBES); probe++) {
            if (poolSet[pool] == set) {
                return pool;
            }
            pool = pool + 1 < pools ? pool + 1 : 0;
        }
        return NONE;
    }

    /** Forgets a pair without connections among the next slots, and frees its pool if it was the last. */
    private void sweep() {
        for (int step = 0; step < SWEEP_SLOTS; step++) {
            int slot = hand;
            hand = hand + 1 & keys.length - 1;
            if (keys[slot] != 0 && pairUses[slot] == 0) {
                forget(slot);
                return;
            }
        }
    }

    private void forget(int slot) {
        int pool = pairPool[slot];
        if (--poolPairs[pool] == 0) {
            poolRange[pool] = -1;
            freePools[freePoolCount++] = pool;
        }
        pairs--;
        close(slot);
    }

    /** Empties a slot of the directory and moves up those behind it that could no longer be found. */
    private void close(int slot) {
        int hole = slot;
        int mask = keys.length - 1;
        for (int next = hole + 1 & mask; keys[next] != 0; next = next + 1 & mask) {
            if ((next - home(keys[next]) & mask) >= (next - hole & mask)) {
                keys[hole] = keys[next];
                pairPool[hole] = pairPool[next];
                pairUses[hole] = pairUses[next];
                pairLocal[hole] = pairLocal[next];
                hole = next;
            }
        }
        keys[hole] = 0;
    }
}
