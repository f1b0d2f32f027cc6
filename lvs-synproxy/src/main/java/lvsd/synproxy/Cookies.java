package lvsd.synproxy;

/**
 * Makes and judges SYN cookies: initial sequence numbers that prove, when the client acknowledges them, that it got our
 * SYN+ACK, and that carry what the client offered. Owned by one worker; allocates nothing.
 *
 * <pre>
 *   31                                   8 7                       1   0
 *   +-------------------------------------+-------------------------+---+
 *   | 24 bits of SipHash-2-4              | 7 bits of options       | e |
 *   +-------------------------------------+-------------------------+---+
 * </pre>
 *
 * <p>{@code e} is the lowest bit of the epoch, so that one key, and not two, has to be tried. The hash is keyed by the
 * epoch and covers addresses, ports, the client's initial sequence number, the options, our timestamp where there is one, and the window
 * scale we announce.
 * The options are, without timestamps: MSS class (2 bits), window scale (4, 15 is absent), SACK (1); with them: MSS class
 * (7), and the lowest five bits of our timestamp hold window scale and SACK.
 *
 * <p>For each of 2^7 options and two epochs one of 2^24 hashes is right, so a blind ACK passes in 2^8 of 2^32 cases: 2^-24,
 * with timestamps or without.
 *
 * <p>Accepted are cookies of the present epoch and of the one before; during the last eighth of an epoch, of the next
 * instead of the one before, so that directors that share secrets may have clocks up to 8 s apart. A cookie thus lives 60 s
 * at least and 129 s at most.
 */
public final class Cookies {
    /** No valid cookie; every other result is an offer. */
    public static final int INVALID = -1;

    private static final int HASH_MASK = 0xffff_ff00;
    static final int DATA_MASK = 0x7f;
    private static final int SCALE_SHIFT = 2;
    private static final int SACK_SHIFT = 6;
    /** Bits of our timestamp that hold options. */
    private static final int TIMESTAMP_DATA = 0x1f;

    private static final int TIMESTAMP_SACK = 0x10;
    private static final long WITH_TIMESTAMPS = 1L << 32;
    /** Where our window scale is in what is hashed. */
    private static final int SCALE_BITS = 40;
    /** Where the options are in what is hashed. */
    static final int DATA_BITS = 33;
    // What is hashed last is seven bytes: all of the above end below bit 56.

    /** Eighths of an epoch after which the next one's cookies are taken. */
    private static final long EARLY = 7;

    private Secrets secrets;
    private long present = Long.MIN_VALUE;
    private boolean early;
    private int timestampClock;
    private long scaleBits;
    private int parity;
    /** Both halves of the even epoch's key, then of the odd one's: which is needed is a place and never a branch. */
    private final long[] keys = new long[4];

    /** Cookies of {@code secrets}; {@link #clock} comes first. */
    public Cookies(Secrets secrets) {
        this.secrets = secrets;
    }

    /** The secrets in use. */
    public Secrets secrets() {
        return secrets;
    }

    /** Takes over other secrets; {@link #clock} comes next. */
    public void secrets(Secrets newer) {
        secrets = newer;
        present = Long.MIN_VALUE;
    }

    /**
     * Sets the window scale that our SYN+ACKs announce, 0 to 14. Cookies made with another are not valid any more: nobody
     * would know what their clients were told.
     */
    public void scale(int announced) {
        scaleBits = (long) announced << SCALE_BITS;
    }

    /** Sets the time, nanoseconds of the worker's clock. Once a cycle. */
    public void clock(long nanos) {
        long time = secrets.time(nanos);
        timestampClock = (int) (time >>> 20);
        long epoch = time >> Secrets.EPOCH_SHIFT;
        boolean late = (time >>> (Secrets.EPOCH_SHIFT - 3) & 7) >= EARLY;
        if (epoch != present || late != early) {
            keys(epoch, late);
        }
    }

    /** The lowest bit of the present epoch. */
    int parity() {
        return parity;
    }

    private void keys(long epoch, boolean late) {
        present = epoch;
        early = late;
        parity = (int) epoch & 1;
        long other = late ? epoch + 1 : epoch - 1;
        long even = parity == 0 ? epoch : other;
        long odd = parity == 0 ? other : epoch;
        keys[0] = secrets.key0(even);
        keys[1] = secrets.key1(even);
        keys[2] = secrets.key0(odd);
        keys[3] = secrets.key1(odd);
    }

    /**
     * Our timestamp in a SYN+ACK that answers {@code offer}: a clock of 1.05 ms ticks whose lowest five bits hold the
     * options.
     */
    public int timestamp(int offer) {
        int data = TcpOffer.scale(offer) | (TcpOffer.sack(offer) ? TIMESTAMP_SACK : 0);
        return (timestampClock & ~TIMESTAMP_DATA) | data;
    }

    /**
     * The initial sequence number with which a client's SYN is answered.
     *
     * @param addresses source and destination of the SYN, as {@code Ipv4.addresses}
     * @param ports source and destination port of the SYN, wire form
     * @param isn the client's initial sequence number
     * @param offer what was agreed with the client
     * @param timestamp our timestamp, {@link #timestamp}; means nothing without timestamps
     */
    public int make4(long addresses, int ports, int isn, int offer, int timestamp) {
        int data = data(offer, false);
        long tail = tail(TcpOffer.timestamps(offer), timestamp, data);
        return make(SipHash.hash(key0(parity), key1(parity), addresses, head(ports, isn), tail), data);
    }

    /** As {@link #make4} for IPv6, with the halves of both addresses in wire form. */
    public int make6(
            long sourceHigh,
            long sourceLow,
            long destinationHigh,
            long destinationLow,
            int ports,
            int isn,
            int offer,
            int timestamp) {
        int data = data(offer, true);
        long tail = tail(TcpOffer.timestamps(offer), timestamp, data);
        long head = head(ports, isn);
        long hash = SipHash.hash(
                key0(parity), key1(parity), sourceHigh, sourceLow, destinationHigh, destinationLow, head, tail);
        return make(hash, data);
    }

    /**
     * What was agreed with the client whose segment acknowledges {@code cookie}, with the MSS rounded down to its class; or
     * {@link #INVALID}.
     *
     * @param cookie the segment's acknowledgement number less one
     * @param isn its sequence number less one
     * @param timestamps whether it has timestamps
     * @param echo the timestamp it echoes; means nothing without timestamps
     */
    public int open4(long addresses, int ports, int isn, int cookie, boolean timestamps, int echo) {
        int bit = cookie & 1;
        long tail = tail(timestamps, echo, cookie >>> 1 & DATA_MASK);
        long hash = SipHash.hash(key0(bit), key1(bit), addresses, head(ports, isn), tail);
        return open(hash, cookie, timestamps, echo, false);
    }

    /** As {@link #open4} for IPv6. */
    public int open6(
            long sourceHigh,
            long sourceLow,
            long destinationHigh,
            long destinationLow,
            int ports,
            int isn,
            int cookie,
            boolean timestamps,
            int echo) {
        int bit = cookie & 1;
        long head = head(ports, isn);
        long tail = tail(timestamps, echo, cookie >>> 1 & DATA_MASK);
        long hash =
                SipHash.hash(key0(bit), key1(bit), sourceHigh, sourceLow, destinationHigh, destinationLow, head, tail);
        return open(hash, cookie, timestamps, echo, true);
    }

    /** First half of the key of epochs with this lowest bit. */
    long key0(int bit) {
        return keys[bit << 1];
    }

    /** Second half of that key. */
    long key1(int bit) {
        return keys[bit << 1 | 1];
    }

    /** The word hashed last but one. */
    static long head(int ports, int isn) {
        return (long) ports << 32 | Integer.toUnsignedLong(isn);
    }

    /** The word hashed last, seven bytes of it. */
    long tail(boolean timestamps, int timestamp, int data) {
        return scaleBits
                | ((long) data << DATA_BITS)
                | (timestamps ? WITH_TIMESTAMPS | Integer.toUnsignedLong(timestamp) : 0);
    }

    /** The cookie of the present epoch with this hash and these options. */
    int make(long hash, int data) {
        return ((int) (hash >>> 32) & HASH_MASK) | (data << 1) | parity;
    }

    /** The options in a cookie. */
    static int data(int offer, boolean ipv6) {
        if (TcpOffer.timestamps(offer)) {
            return MssClasses.fine(TcpOffer.mss(offer));
        }
        return MssClasses.coarse(TcpOffer.mss(offer), ipv6)
                | (TcpOffer.scale(offer) << SCALE_SHIFT)
                | (TcpOffer.sack(offer) ? 1 << SACK_SHIFT : 0);
    }

    /** What a cookie says if the hash is its own, else {@link #INVALID}. */
    static int open(long hash, int cookie, boolean timestamps, int echo, boolean ipv6) {
        if ((((int) (hash >>> 32) ^ cookie) & HASH_MASK) != 0) {
            return INVALID;
        }
        int data = cookie >>> 1 & DATA_MASK;
        if (timestamps) {
            return TcpOffer.of(MssClasses.fineMss(data), echo & 0xf, (echo & TIMESTAMP_SACK) != 0, true);
        }
        int scale = data >>> SCALE_SHIFT & 0xf;
        int mss = MssClasses.coarseMss(data & 3, ipv6);
        return TcpOffer.of(mss, scale, data >>> SACK_SHIFT != 0, false);
    }
}
