package lvsd.dataplane.connection;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import lvsd.memory.Memory;
import lvsd.memory.OffHeap;

/**
 * The connections of one worker and one IP version: a bucketed index over both sides' tuples, and fixed arrays of entry
 * parts. Layout in docs/architecture.md, fields in {@link Connection}.
 *
 * <p>A burst is looked up in stages, so that cache misses overlap: {@link #bucket} and {@link #fetchBucket} for all
 * packets, then {@link #candidate} for all and {@link Connection#fetch} of their {@link #hot} lines, then {@link #matches4} for each; where
 * that fails, {@link #find4} has the last word. Results are references: {@link #entry} and {@link #side} take them apart.
 *
 * <p>Memory is mapped by the constructor and never grows. Owned by one worker; only {@link #used}, {@link #highWater},
 * {@link #longestProbe}, {@link #displacements}, {@link #capacity} and {@link #bytes} may be called by others.
 */
public final class ConnectionTable implements AutoCloseable {
    /** No entry. */
    public static final int NONE = -1;
    /** Most entries of one table. */
    public static final int MAXIMUM_CAPACITY = 1 << 28;

    /** {@link #insert}: both tuples are in. */
    public static final int INSERTED = 0;
    /** {@link #insert}: the client's tuple belongs to another connection; nothing was changed. */
    public static final int CLIENT_EXISTS = 1;
    /** {@link #insert}: the server's tuple belongs to another connection; nothing was changed. */
    public static final int SERVER_EXISTS = 2;
    /** {@link #insert}: no room in the buckets; nothing was changed. */
    public static final int FULL = 3;

    /** Bytes of a bucket: one cache line. */
    static final int BUCKET = 64;
    /** Slots of a bucket. */
    static final int SLOTS = 10;

    private static final int OVERFLOW = 20;
    private static final int FETCH = 22;
    private static final int REFERENCES = 24;
    private static final int MAXIMUM_OVERFLOW = 0xffff;
    private static final int FREE_STATE = 0xff;
    /** Entries never used whose lines are fetched together. */
    private static final int FRESH = 8;
    /** Buckets that are fetched together. */
    private static final int LATER = 16;

    private static final long LANES = 0x0001_0001_0001_0001L;
    private static final long LANE_TOPS = 0x8000_8000_8000_8000L;
    private static final long LANE_RESTS = 0x7fff_7fff_7fff_7fffL;
    private static final long MULTIPLIER = 0x9e37_79b9_7f4a_7c15L;

    private static final VarHandle USED = handle("used");
    private static final VarHandle HIGH_WATER = handle("highWater");
    private static final VarHandle LONGEST_PROBE = handle("longestProbe");
    private static final VarHandle DISPLACEMENTS = handle("displacements");

    private final boolean ipv6;
    private final int capacity;
    private final int buckets;
    private final long seed0;
    private final long seed1;
    private final OffHeap memory;
    private final long index;
    private final long hotBase;
    private final long addresses6Base;
    private final long coldBase;

    private final FreeEntries free;
    /** Buckets to fetch: {@link #fetchLater4}. */
    private final long[] later = new long[LATER];

    private int laterCount;
    private int fresh;
    private int used;
    private int highWater;
    private int longestProbe;
    private int displacements;
    private int insertions;

    /**
     * Maps the memory of a table, locked and in huge pages (where there are any) if {@code lock}.
     *
     * @param ipv6 whether tuples are IPv6
     * @param capacity most entries, 1 to {@link #MAXIMUM_CAPACITY}
     * @param seed0 half of the hash key; random at every start, or an attacker can aim at buckets
     * @param seed1 other half
     * @param lock whether all memory is there and locked before this returns
     * @throws lvsd.memory.NativeException if the memory cannot be had
     */
    public ConnectionTable(boolean ipv6, int capacity, long seed0, long seed1, boolean lock) {
        if (capacity < 1 || capacity > MAXIMUM_CAPACITY) {
            throw new IllegalArgumentException(
                    "connection table capacity must be 1 to " + MAXIMUM_CAPACITY + ", not " + capacity);
        }
        this.ipv6 = ipv6;
        this.capacity = capacity;
        this.seed0 = seed0;
        this.seed1 = seed1;
        // Two tuples an entry at 64 % of ten slots; a second bucket must exist.
        this.buckets = (int) Math.max(2, capacity * 10L / 32);
        long indexBytes = (long) buckets * BUCKET;
        long hotBytes = (long) capacity * Connection.SIZE;
        long addressBytes = ipv6 ? (long) capacity * Connection.ADDRESSES6_SIZE : 0;
        long coldBytes = (long) capacity * Connection.COLD_SIZE;
        this.memory = OffHeap.map(indexBytes + hotBytes + addressBytes + coldBytes, lock, lock);
        this.index = memory.address();
        this.hotBase = index + indexBytes;
        this.addresses6Base = hotBase + hotBytes;
        this.coldBase = addresses6Base + addressBytes;
        this.free = new FreeEntries(hotBase, coldBase);
    }

    private static VarHandle handle(String field) {
        try {
            return MethodHandles.lookup().findVarHandle(ConnectionTable.class, field, int.class);
        } catch (ReflectiveOperationException impossible) {
            throw new ExceptionInInitializerError(impossible);
        }
    }

    // ---- hashes

    /** Hash of an IPv4 tuple in wire form. */
    public static long hash4(long addresses, int ports, int protocol, long seed0, long seed1) {
        return fold(fold(addresses ^ seed0, tail(ports, protocol) ^ seed1) ^ seed1, seed0 ^ MULTIPLIER);
    }

    /** Hash of an IPv6 tuple in wire form. */
    public static long hash6(
            long sourceHigh,
            long sourceLow,
            long destinationHigh,
            long destinationLow,
            int ports,
            int protocol,
            long seed0,
            long seed1) {
        long source = fold(sourceHigh ^ seed0, sourceLow ^ seed1);
        long destination = fold(destinationHigh ^ ~seed1, destinationLow ^ ~seed0);
        return fold(source ^ seed1, fold(destination ^ tail(ports, protocol), seed0 ^ MULTIPLIER) ^ seed0);
    }

    private static long tail(int ports, int protocol) {
        return Integer.toUnsignedLong(ports) | (long) protocol << 32;
    }

    /** The two halves of the 128-bit product, folded: every bit of the result depends on every bit of both. */
    private static long fold(long a, long b) {
        return a * b ^ Math.unsignedMultiplyHigh(a, b);
    }

    /** {@link #hash4} with this table's seeds. */
    public long hash4(long addresses, int ports, int protocol) {
        return hash4(addresses, ports, protocol, seed0, seed1);
    }

    /** {@link #hash6} with this table's seeds. */
    public long hash6(
            long sourceHigh, long sourceLow, long destinationHigh, long destinationLow, int ports, int protocol) {
        return hash6(sourceHigh, sourceLow, destinationHigh, destinationLow, ports, protocol, seed0, seed1);
    }

    // ---- look-up

    /** Entry number of a reference. */
    public static int entry(int reference) {
        return reference & Integer.MAX_VALUE;
    }

    /** Side of a reference: {@link Connection#CLIENT_SIDE} or {@link Connection#SERVER_SIDE}. */
    public static int side(int reference) {
        return reference >>> 31;
    }

    /** Address of the first bucket of {@code hash}. */
    public long bucket(long hash) {
        return bucket(index, buckets, hash);
    }

    /** As {@link #bucket(long)}, given {@link #index} and {@link #buckets}. */
    public static long bucket(long index, long buckets, long hash) {
        return index + (((hash >>> 32) * buckets) >>> 32) * BUCKET;
    }

    /** Where the buckets begin. For good. */
    public long index() {
        return index;
    }

    /** How many buckets there are. */
    public long buckets() {
        return buckets;
    }

    /** Address of the bucket where the look-up goes on when the first one has overflowed. */
    public long secondBucket(long hash) {
        long first = ((hash >>> 32) * buckets) >>> 32;
        long second = ((hash & 0xffff_ffffL) * buckets) >>> 32;
        second = second != first ? second : second + 1 < buckets ? second + 1 : 0;
        return index + second * BUCKET;
    }

    /**
     * Has the cache line of a bucket fetched while the caller goes on: what a prefetch instruction does, which Java has not.
     * It is a store to a field that nothing reads. A store waits for its line outside the core's window, and all that wait
     * are asked for at once; a load would hold up whatever comes after it until it has its line.
     */
    public static void fetchBucket(long bucket) {
        Memory.setShort(bucket, BUCKET, FETCH, 0);
    }

    /**
     * The first reference in {@code bucket} (from {@link #bucket}) whose signature is that of {@code hash}, or
     * {@link #NONE}. Right in all but one of thousands; only {@link #matches4} or {@link #matches6} know.
     */
    public static int candidate(long bucket, long hash) {
        long signature = signature(hash);
        long matches = firstZeroLane(Memory.getLong(bucket, BUCKET, 0) ^ signature) >>> 15
                | firstZeroLane(Memory.getLong(bucket, BUCKET, 8) ^ signature) >>> 14
                | (firstZeroLane(lastSignatures(bucket) ^ signature) & 0x8000_8000L) >>> 13;
        return matches == 0 ? NONE : reference(bucket, matches);
    }

    /** The last two signatures. Not more: a load over what {@link #fetchBucket} has just stored would wait for it. */
    private static long lastSignatures(long bucket) {
        return Integer.toUnsignedLong(Memory.getInt(bucket, BUCKET, 16));
    }

    /** Top bit of the lowest 16-bit lane that is zero; those above may be wrong, since a borrow may have come there. */
    private static long firstZeroLane(long lanes) {
        return lanes - LANES & ~lanes & LANE_TOPS;
    }

    /** Whether {@code reference} is the entry and side of this IPv4 tuple. */
    public boolean matches4(int reference, long addresses, int ports, int protocol) {
        return matches4(hot(entry(reference)), side(reference), addresses, ports, protocol);
    }

    /** Whether {@code side} of the entry with this hot line has this IPv4 tuple. */
    public static boolean matches4(long hot, int side, long addresses, int ports, int protocol) {
        return (difference4(hot, side, addresses, ports) | (Connection.protocolOf(Connection.summary(hot)) ^ protocol))
                == 0;
    }

    /** 0 where {@code side} of the entry with this hot line has these IPv4 addresses and ports. */
    public static long difference4(long hot, int side, long addresses, int ports) {
        return (Connection.addresses(hot, side) ^ addresses) | (Connection.ports(hot, side) ^ ports);
    }

    /** Whether {@code reference} is the entry and side of this IPv6 tuple, whose hash is {@code hash}. */
    public boolean matches6(
            int reference,
            long hash,
            long sourceHigh,
            long sourceLow,
            long destinationHigh,
            long destinationLow,
            int ports,
            int protocol) {
        long hot = hot(entry(reference));
        int side = side(reference);
        return ((Connection.hash6(hot, side) ^ hash)
                                | (Connection.ports(hot, side) ^ ports)
                                | (Connection.protocol(hot) ^ protocol))
                        == 0
                && sameAddresses6(
                        addresses6(entry(reference)), side, sourceHigh, sourceLow, destinationHigh, destinationLow);
    }

    private static boolean sameAddresses6(
            long addresses6, int side, long sourceHigh, long sourceLow, long destinationHigh, long destinationLow) {
        return ((Connection.sourceHigh(addresses6, side) ^ sourceHigh)
                        | (Connection.sourceLow(addresses6, side) ^ sourceLow)
                        | (Connection.destinationHigh(addresses6, side) ^ destinationHigh)
                        | (Connection.destinationLow(addresses6, side) ^ destinationLow))
                == 0;
    }

    /** The reference of an IPv4 tuple, or {@link #NONE}: reads one bucket, or two where the first has overflowed. */
    public int find4(long hash, long addresses, int ports, int protocol) {
        long first = bucket(hash);
        int found = findIn4(first, hash, addresses, ports, protocol);
        return found != NONE || overflow(first) == 0
                ? found
                : findIn4(secondBucket(hash), hash, addresses, ports, protocol);
    }

    /** As {@link #find4(long, long, int, int)} for who has no hash yet. */
    public int find4(long addresses, int ports, int protocol) {
        return find4(hash4(addresses, ports, protocol), addresses, ports, protocol);
    }

    private int findIn4(long bucket, long hash, long addresses, int ports, int protocol) {
        for (long matches = matches(bucket, signature(hash)); matches != 0; matches &= matches - 1) {
            int reference = reference(bucket, matches);
            if (matches4(reference, addresses, ports, protocol)) {
                return reference;
            }
        }
        return NONE;
    }

    /** As {@link #find4} for an IPv6 tuple. */
    public int find6(
            long hash,
            long sourceHigh,
            long sourceLow,
            long destinationHigh,
            long destinationLow,
            int ports,
            int protocol) {
        long first = bucket(hash);
        int found = findIn6(first, hash, sourceHigh, sourceLow, destinationHigh, destinationLow, ports, protocol);
        return found != NONE || overflow(first) == 0
                ? found
                : findIn6(
                        secondBucket(hash),
                        hash,
                        sourceHigh,
                        sourceLow,
                        destinationHigh,
                        destinationLow,
                        ports,
                        protocol);
    }

    /** As {@link #find6(long, long, long, long, long, int, int)} for who has no hash yet. */
    public int find6(
            long sourceHigh, long sourceLow, long destinationHigh, long destinationLow, int ports, int protocol) {
        long hash = hash6(sourceHigh, sourceLow, destinationHigh, destinationLow, ports, protocol);
        return find6(hash, sourceHigh, sourceLow, destinationHigh, destinationLow, ports, protocol);
    }

    private int findIn6(
            long bucket,
            long hash,
            long sourceHigh,
            long sourceLow,
            long destinationHigh,
            long destinationLow,
            int ports,
            int protocol) {
        for (long matches = matches(bucket, signature(hash)); matches != 0; matches &= matches - 1) {
            int reference = reference(bucket, matches);
            if (matches6(reference, hash, sourceHigh, sourceLow, destinationHigh, destinationLow, ports, protocol)) {
                return reference;
            }
        }
        return NONE;
    }

    /** Sixteen bits that choose neither bucket alone, never 0, in every lane. */
    private static long signature(long hash) {
        int folded = (int) (hash ^ hash >>> 32) & 0xffff;
        return (folded | (folded - 1) >>> 31) * LANES;
    }

    /**
     * Slots of {@code bucket} whose signature is {@code signature}, one bit each: slot {@code 4 * group + lane} at bit
     * {@code 16 * lane + group}.
     */
    private static long matches(long bucket, long signature) {
        return matches(
                Memory.getLong(bucket, BUCKET, 0) ^ signature,
                Memory.getLong(bucket, BUCKET, 8) ^ signature,
                lastSignatures(bucket) ^ signature);
    }

    /** As {@link #matches(long, long)}, of a bucket's signatures as they differ from the one looked for. */
    private static long matches(long low, long high, long last) {
        return zeroLanes(low) >>> 15 | zeroLanes(high) >>> 14 | (zeroLanes(last) & 0x8000_8000L) >>> 13;
    }

    /** Top bit of every 16-bit lane that is zero, exactly: no borrow crosses lanes. */
    private static long zeroLanes(long lanes) {
        return ~((lanes & LANE_RESTS) + LANE_RESTS | lanes) & LANE_TOPS;
    }

    private static int slot(long matches) {
        int bit = Long.numberOfTrailingZeros(matches);
        return (bit & 15) << 2 | bit >>> 4;
    }

    private static int reference(long bucket, long matches) {
        // The mask changes nothing: it tells the JIT that the slot lies inside the bucket.
        return Memory.getInt(bucket, BUCKET, REFERENCES + 4L * slot(matches) & BUCKET - 4);
    }

    /** Whether a tuple whose first bucket this is may be in its second. */
    public static boolean overflowed(long bucket) {
        return overflow(bucket) != 0;
    }

    private static int overflow(long bucket) {
        return Memory.getShort(bucket, BUCKET, OVERFLOW);
    }

    // ---- parts of an entry

    /** Address of an entry's hot line, {@link Connection#SIZE} bytes, one cache line. */
    public long hot(int entry) {
        return hotBase + (long) entry * Connection.SIZE;
    }

    /** Address of an entry's cold part, {@link Connection#COLD_SIZE} bytes. */
    public long cold(int entry) {
        return coldBase + (long) entry * Connection.COLD_SIZE;
    }

    /** Address of an entry's IPv6 addresses, {@link Connection#ADDRESSES6_SIZE} bytes, one cache line. */
    public long addresses6(int entry) {
        return addresses6Base + (long) entry * Connection.ADDRESSES6_SIZE;
    }

    // ---- change

    /** Takes a zeroed entry, or {@link #NONE} when all are used. The one freed last is taken first: its lines are near. */
    public int allocate() {
        int entry = free.take();
        if (entry == NONE) {
            entry = fresh();
            if (entry == NONE) {
                return NONE;
            }
        }
        clear(entry);
        int now = used + 1;
        USED.setOpaque(this, now);
        if (now > highWater) {
            HIGH_WATER.setOpaque(this, now);
        }
        return entry;
    }

    /** An entry that was never used; the lines of the next ones are fetched some at a time. */
    private int fresh() {
        if (fresh == capacity) {
            return NONE;
        }
        if (fresh % FRESH == 0) {
            int end = Math.min(capacity, fresh + 2 * FRESH);
            for (int entry = fresh + FRESH; entry < end; entry++) {
                Connection.fetch(hot(entry), cold(entry));
            }
        }
        return fresh++;
    }

    /** As {@link #fetchBucket} for an IPv4 tuple that {@link #insert} will look for. */
    public void fetchServer4(long addresses, int ports, int protocol) {
        fetchBucket(bucket(hash4(addresses, ports, protocol)));
    }

    /**
     * As {@link #fetchServer4} for one that will be looked for some connections later: fetched together with others. Each
     * fetch that misses holds up the stores behind it, but not the next fetch.
     */
    public void fetchLater4(long addresses, int ports, int protocol) {
        later[laterCount++] = bucket(hash4(addresses, ports, protocol));
        if (laterCount == later.length) {
            laterCount = 0;
            for (long bucket : later) {
                fetchBucket(bucket);
            }
        }
    }

    private void clear(int entry) {
        Connection.clear(hot(entry), cold(entry));
        if (ipv6) {
            Memory.fill(addresses6(entry), Connection.ADDRESSES6_SIZE, 0);
        }
    }

    /**
     * Puts the tuples of both sides, as they stand in an allocated entry, into the index.
     *
     * @return {@link #INSERTED}, {@link #CLIENT_EXISTS}, {@link #SERVER_EXISTS} or {@link #FULL}; the entry stays
     *     allocated in any case
     */
    public int insert(int entry) {
        if (ipv6) {
            storeHashes(entry);
        }
        return insertBoth(entry, hashOf(entry), hashOf(entry | Integer.MIN_VALUE));
    }

    /** As {@link #insert(int)} for who knows the hashes of both sides' tuples. */
    public int insert(int entry, long clientHash, long serverHash) {
        if (ipv6) {
            Connection.setHash6(hot(entry), Connection.CLIENT_SIDE, clientHash);
            Connection.setHash6(hot(entry), Connection.SERVER_SIDE, serverHash);
        }
        return insertBoth(entry, clientHash, serverHash);
    }

    private int insertBoth(int entry, long clientHash, long serverHash) {
        int client = link(entry, clientHash);
        if (client != INSERTED) {
            return client;
        }
        int server = link(entry | Integer.MIN_VALUE, serverHash);
        if (server != INSERTED) {
            unlink(entry);
        }
        return server == CLIENT_EXISTS ? SERVER_EXISTS : server;
    }

    /** As {@link #insert}, but the client's tuple alone: for entries whose server's packets do not come this way. */
    public int insertClient(int entry) {
        if (ipv6) {
            storeHashes(entry);
        }
        return link(entry, hashOf(entry));
    }

    /** As {@link #insert}, but the server's tuple alone: for entries that the client's packets shall not find. */
    public int insertServer(int entry) {
        if (ipv6) {
            storeHashes(entry);
        }
        int server = link(entry | Integer.MIN_VALUE, hashOf(entry | Integer.MIN_VALUE));
        return server == CLIENT_EXISTS ? SERVER_EXISTS : server;
    }

    /** Takes the client's side of an entry out of the index; the entry stays allocated. */
    public void withdraw(int entry) {
        unlink(entry);
    }

    /** Takes an allocated entry out of the index, if it is there, and frees it. Its timer must be disarmed. */
    public void remove(int entry) {
        unlink(entry);
        unlink(entry | Integer.MIN_VALUE);
        long hot = hot(entry);
        Connection.setState(hot, FREE_STATE);
        // A reference found earlier in the same burst must not match the free entry's leftover tuple.
        Connection.setProtocol(hot, 0);
        free.put(entry);
        USED.setOpaque(this, used - 1);
    }

    private void storeHashes(int entry) {
        long hot = hot(entry);
        Connection.setHash6(hot, Connection.CLIENT_SIDE, computeHash6(entry, Connection.CLIENT_SIDE));
        Connection.setHash6(hot, Connection.SERVER_SIDE, computeHash6(entry, Connection.SERVER_SIDE));
    }

    private long computeHash6(int entry, int side) {
        long hot = hot(entry);
        long at = addresses6(entry);
        return hash6(
                Connection.sourceHigh(at, side),
                Connection.sourceLow(at, side),
                Connection.destinationHigh(at, side),
                Connection.destinationLow(at, side),
                Connection.ports(hot, side),
                Connection.protocol(hot));
    }

    private long hashOf(int reference) {
        long hot = hot(entry(reference));
        int side = side(reference);
        return ipv6
                ? Connection.hash6(hot, side)
                : hash4(Connection.addresses(hot, side), Connection.ports(hot, side), Connection.protocol(hot));
    }

    private int findSame(long hash, int reference) {
        long hot = hot(entry(reference));
        int side = side(reference);
        int ports = Connection.ports(hot, side);
        int protocol = Connection.protocol(hot);
        if (!ipv6) {
            return find4(hash, Connection.addresses(hot, side), ports, protocol);
        }
        long at = addresses6(entry(reference));
        return find6(
                hash,
                Connection.sourceHigh(at, side),
                Connection.sourceLow(at, side),
                Connection.destinationHigh(at, side),
                Connection.destinationLow(at, side),
                ports,
                protocol);
    }

    /** How often something was put into the index, modulo 2^32: as long as it stays the same, what was not there is not. */
    public int insertions() {
        return insertions;
    }

    /** Nearly always there is room in the first bucket and nothing that could be the same tuple: one look says both. */
    private int link(int reference, long hash) {
        insertions++;
        long first = bucket(hash);
        long low = Memory.getLong(first, BUCKET, 0);
        long high = Memory.getLong(first, BUCKET, 8);
        long last = lastSignatures(first);
        long signature = signature(hash);
        long empty = matches(low, high, last);
        if (empty == 0 || overflow(first) != 0 || matches(low ^ signature, high ^ signature, last ^ signature) != 0) {
            return linkAnywhere(hash, reference);
        }
        put(first, slot(empty), signature, reference);
        probed(1);
        return INSERTED;
    }

    private int linkAnywhere(long hash, int reference) {
        if (findSame(hash, reference) != NONE) {
            return CLIENT_EXISTS;
        }
        long first = bucket(hash);
        if (putIfRoom(first, hash, reference)) {
            probed(1);
            return INSERTED;
        }
        long second = secondBucket(hash);
        boolean mayOverflow = overflow(first) < MAXIMUM_OVERFLOW;
        if (mayOverflow && putIfRoom(second, hash, reference)) {
            addOverflow(first, 1);
            probed(2);
            return INSERTED;
        }
        if (makeRoom(first, 2)) {
            putIfRoom(first, hash, reference);
            return INSERTED;
        }
        if (mayOverflow && makeRoom(second, 2 + SLOTS)) {
            putIfRoom(second, hash, reference);
            addOverflow(first, 1);
            return INSERTED;
        }
        return FULL;
    }

    /** Moves one resident of a full bucket to its other bucket, if any has room there. */
    private boolean makeRoom(long bucket, int probedBefore) {
        for (int slot = 0; slot < SLOTS; slot++) {
            int resident = Memory.getInt(bucket, BUCKET, REFERENCES + 4L * slot);
            long hash = hashOf(resident);
            long first = bucket(hash);
            boolean leavesFirst = first == bucket;
            long other = leavesFirst ? secondBucket(hash) : first;
            if ((!leavesFirst || overflow(first) < MAXIMUM_OVERFLOW) && putIfRoom(other, hash, resident)) {
                Memory.setShort(bucket, BUCKET, 2L * slot, 0);
                addOverflow(first, leavesFirst ? 1 : -1);
                DISPLACEMENTS.setOpaque(this, displacements + 1);
                probed(probedBefore + slot + 1);
                return true;
            }
        }
        return false;
    }

    private void probed(int lines) {
        if (lines > longestProbe) {
            LONGEST_PROBE.setOpaque(this, lines);
        }
    }

    private static boolean putIfRoom(long bucket, long hash, int reference) {
        long empty = matches(bucket, 0);
        if (empty == 0) {
            return false;
        }
        put(bucket, slot(empty), signature(hash), reference);
        return true;
    }

    private static void put(long bucket, int slot, long signature, int reference) {
        Memory.setShort(bucket, BUCKET, 2L * slot, (int) signature);
        Memory.setInt(bucket, BUCKET, REFERENCES + 4L * slot, reference);
    }

    private void unlink(int reference) {
        long hash = hashOf(reference);
        long first = bucket(hash);
        if (!unlinkIn(first, hash, reference) && overflow(first) != 0) {
            if (unlinkIn(secondBucket(hash), hash, reference)) {
                addOverflow(first, -1);
            }
        }
    }

    private static boolean unlinkIn(long bucket, long hash, int reference) {
        for (long matches = matches(bucket, signature(hash)); matches != 0; matches &= matches - 1) {
            if (reference(bucket, matches) == reference) {
                int slot = slot(matches);
                Memory.setShort(bucket, BUCKET, 2L * slot, 0);
                Memory.setInt(bucket, BUCKET, REFERENCES + 4L * slot, 0);
                return true;
            }
        }
        return false;
    }

    private static void addOverflow(long bucket, int change) {
        Memory.setShort(bucket, BUCKET, OVERFLOW, overflow(bucket) + change);
    }

    // ---- walking and counts

    /** Entries from here on have never been used: the end of a walk with {@link #isUsed}. */
    public int limit() {
        return fresh;
    }

    /** Whether {@code entry}, below {@link #limit}, is allocated. */
    public boolean isUsed(int entry) {
        return Connection.state(hot(entry)) != FREE_STATE;
    }

    /** Whether tuples are IPv6. */
    public boolean ipv6() {
        return ipv6;
    }

    /** Most entries. */
    public int capacity() {
        return capacity;
    }

    /** Allocated entries. Any thread. */
    public int used() {
        return (int) USED.getOpaque(this);
    }

    /** Most entries that were ever allocated at once. Any thread. */
    public int highWater() {
        return (int) HIGH_WATER.getOpaque(this);
    }

    /** Most bucket lines that an insertion has looked at for room; a look-up never reads more than two. Any thread. */
    public int longestProbe() {
        return (int) LONGEST_PROBE.getOpaque(this);
    }

    /** How often a resident was moved to its other bucket, modulo 2^32. Any thread. */
    public int displacements() {
        return (int) DISPLACEMENTS.getOpaque(this);
    }

    /** Bytes of memory, index included. Any thread. */
    public long bytes() {
        return coldBase + (long) capacity * Connection.COLD_SIZE - index;
    }

    /** Unmaps the memory. No method may be called afterwards. */
    @Override
    public void close() {
        memory.close();
    }
}
