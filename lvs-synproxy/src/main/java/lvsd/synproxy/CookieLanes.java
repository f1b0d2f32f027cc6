package lvsd.synproxy;

/**
 * Makes and judges the cookies of many SYNs and acknowledgements of one IP version at once, each in a lane: first all are
 * filled in, then {@link #hash}ed together, then read. The same cookies as of {@link Cookies}. Owned by one worker;
 * allocates nothing.
 */
public final class CookieLanes {
    /** Lanes there are. */
    public static final int LANES = SipLanes.LANES;

    private final Cookies cookies;
    private final boolean ipv6;
    /** Words of addresses; behind them come {@link Cookies#head} and {@link Cookies#tail}. */
    private final int addresses;

    private final SipLanes lanes = new SipLanes();

    /** Lanes for cookies of one IP version. */
    public CookieLanes(Cookies cookies, boolean ipv6) {
        this.cookies = cookies;
        this.ipv6 = ipv6;
        this.addresses = ipv6 ? 4 : 1;
    }

    /** Sets source and destination of a lane, as {@code Ipv4.addresses}. */
    public void addresses4(int lane, long pair) {
        lanes.word(lane, 0, pair);
    }

    /** As {@link #addresses4} for IPv6, with the halves of both addresses in wire form. */
    public void addresses6(int lane, long sourceHigh, long sourceLow, long destinationHigh, long destinationLow) {
        lanes.word(lane, 0, sourceHigh);
        lanes.word(lane, 1, sourceLow);
        lanes.word(lane, 2, destinationHigh);
        lanes.word(lane, 3, destinationLow);
    }

    /** A half or pair of addresses that was set. */
    public long address(int lane, int word) {
        return lanes.word(lane, word);
    }

    /** What else a cookie is made of, as of {@link Cookies#make4}: for {@link #made}. */
    public void make(int lane, int ports, int isn, int offer, int timestamp) {
        make(lane, ports, isn, options(offer, timestamp));
    }

    /** As {@link #make(int, int, int, int, int)} with the {@link #options}. */
    public void make(int lane, int ports, int isn, long options) {
        fill(lane, ports, isn, options, cookies.parity());
    }

    /** What is hashed of an offer, for {@link #make(int, int, int, long)} in the same cycle. */
    public long options(int offer, int timestamp) {
        return last(TcpOffer.timestamps(offer), timestamp, Cookies.data(offer, ipv6));
    }

    /** What else a cookie is judged by, as of {@link Cookies#open4}: for {@link #opened}. */
    public void open(int lane, int ports, int isn, int cookie, boolean timestamps, int echo) {
        fill(lane, ports, isn, last(timestamps, echo, cookie >>> 1 & Cookies.DATA_MASK), cookie & 1);
    }

    private long last(boolean timestamps, int timestamp, int data) {
        long tail = cookies.tail(timestamps, timestamp, data);
        return ipv6 ? SipHash.last47(tail) : SipHash.last23(tail);
    }

    private void fill(int lane, int ports, int isn, long last, int bit) {
        lanes.key(lane, cookies.key0(bit), cookies.key1(bit));
        lanes.word(lane, addresses, Cookies.head(ports, isn));
        lanes.word(lane, addresses + 1, last);
    }

    /** Ports of a lane, wire form. */
    public int ports(int lane) {
        return (int) (lanes.word(lane, addresses) >>> 32);
    }

    /** The client's initial sequence number of a lane. */
    public int isn(int lane) {
        return (int) lanes.word(lane, addresses);
    }

    /** Hashes the first {@code count} lanes. */
    public void hash(int count) {
        lanes.run(count, addresses + 2);
    }

    /** The cookie of a SYN. */
    public int made(int lane) {
        return cookies.make(
                lanes.hash(lane), (int) (lanes.word(lane, addresses + 1) >>> Cookies.DATA_BITS) & Cookies.DATA_MASK);
    }

    /** What was agreed with the client that acknowledges {@code cookie}, or {@link Cookies#INVALID}. */
    public int opened(int lane, int cookie, boolean timestamps, int echo) {
        return Cookies.open(lanes.hash(lane), cookie, timestamps, echo, ipv6);
    }
}
