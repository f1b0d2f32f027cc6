package lvsd.synproxy;

import lvsd.memory.Memory;
import lvsd.wire.Tcp;
import lvsd.wire.TcpOptions;

/**
 * The options of a SYN that a connection lives with, packed into one int of 22 bits: maximum segment size (bits 0 to 15),
 * window scale (16 to 19; 15 is absent), selective acknowledgements (20) and timestamps (21).
 */
public final class TcpOffer {
    /** Selective acknowledgements are permitted. */
    public static final int SACK = 1 << 20;
    /** Timestamps are there. */
    public static final int TIMESTAMPS = 1 << 21;
    /** {@link #scale} where the option is absent. */
    public static final int NO_SCALE = 15;

    private static final int SCALE_SHIFT = 16;
    private static final int SCALE_MASK = 0xf << SCALE_SHIFT;
    private static final int MSS_MASK = 0xffff;
    /** What a sender without the option takes: RFC 9293, section 3.7.1. */
    private static final int DEFAULT_MSS4 = 536;

    private static final int DEFAULT_MSS6 = 1220;

    /** Length of a header with all four options. */
    private static final int ALL = 40;

    private static final int SACK_AND_TIMESTAMPS = TcpOptions.SACK_PERMITTED << 24
            | TcpOptions.SACK_PERMITTED_SIZE << 16
            | TcpOptions.TIMESTAMPS << 8
            | TcpOptions.TIMESTAMPS_SIZE;
    private static final int NOP_AND_SCALE =
            TcpOptions.NOP << 16 | TcpOptions.WINDOW_SCALE << 8 | TcpOptions.WINDOW_SCALE_SIZE;

    private TcpOffer() {}

    /** An offer of these parts. */
    public static int of(int mss, int scale, boolean sack, boolean timestamps) {
        return mss | scale << SCALE_SHIFT | (sack ? SACK : 0) | (timestamps ? TIMESTAMPS : 0);
    }

    /** The offer of a header without options. */
    public static int none(boolean ipv6) {
        return of(ipv6 ? DEFAULT_MSS6 : DEFAULT_MSS4, NO_SCALE, false, false);
    }

    /** What a SYN or SYN+ACK offers; without an MSS option the default of its family. {@code header} is checked. */
    public static int read(long tcp, int header, boolean ipv6) {
        if (header == Tcp.SIZE) {
            return none(ipv6);
        }
        return header == ALL && isUsual(tcp) ? usual(tcp) : walk(tcp, header, none(ipv6));
    }

    /** Whether a header of 40 bytes has what Linux offers, in its order: MSS, SACK, timestamps, NOP, window scale. */
    private static boolean isUsual(long tcp) {
        return Memory.getShortBe(tcp, ALL, Tcp.SIZE) == (TcpOptions.MSS << 8 | TcpOptions.MSS_SIZE)
                && Memory.getIntBe(tcp, ALL, Tcp.SIZE + 4) == SACK_AND_TIMESTAMPS
                && Memory.getIntBe(tcp, ALL, ALL - 4) >>> 8 == NOP_AND_SCALE;
    }

    private static int usual(long tcp) {
        int scale = Math.min(Memory.getByte(tcp, ALL, ALL - 1), TcpOptions.MAX_WINDOW_SCALE);
        return of(Memory.getShortBe(tcp, ALL, Tcp.SIZE + 2), scale, true, true);
    }

    /** The sender's timestamp in a header that has one. */
    public static int timestamp(long tcp, int header) {
        return TcpOptions.tsval(tcp, header, TcpOptions.timestamps(tcp, header));
    }

    /** Takes every option into account; of a kind that comes twice the first one counts, as {@link TcpOptions} has it. */
    private static int walk(long tcp, int header, int none) {
        int offer = none;
        int seen = 0;
        int at = TcpOptions.first(tcp, header);
        while (at >= 0) {
            int size = TcpOptions.size(tcp, header, at);
            int kind = TcpOptions.kind(tcp, header, at);
            int bit = kind <= TcpOptions.TIMESTAMPS ? 1 << kind : 0;
            if ((seen & bit) == 0) {
                offer = taken(offer, tcp, header, at, kind, size);
            }
            seen |= bit;
            at = TcpOptions.next(tcp, header, at);
        }
        return offer;
    }

    private static int taken(int offer, long tcp, int header, int at, int kind, int size) {
        return switch (kind << 8 | size) {
            case TcpOptions.MSS << 8 | TcpOptions.MSS_SIZE -> withMss(offer, Memory.getShortBe(tcp, header, at + 2));
            case TcpOptions.WINDOW_SCALE << 8 | TcpOptions.WINDOW_SCALE_SIZE ->
                withScale(offer, Math.min(Memory.getByte(tcp, header, at + 2), TcpOptions.MAX_WINDOW_SCALE));
            case TcpOptions.SACK_PERMITTED << 8 | TcpOptions.SACK_PERMITTED_SIZE -> offer | SACK;
            case TcpOptions.TIMESTAMPS << 8 | TcpOptions.TIMESTAMPS_SIZE -> offer | TIMESTAMPS;
            default -> offer;
        };
    }

    /** Maximum segment size in bytes. */
    public static int mss(int offer) {
        return offer & MSS_MASK;
    }

    /** Window scale, 0 to 14, or {@link #NO_SCALE}. */
    public static int scale(int offer) {
        return (offer & SCALE_MASK) >>> SCALE_SHIFT;
    }

    /** Bits by which windows are shifted: {@link #scale}, 0 where it is absent. */
    public static int shift(int offer) {
        int scale = scale(offer);
        return scale == NO_SCALE ? 0 : scale;
    }

    /** Whether selective acknowledgements are permitted. */
    public static boolean sack(int offer) {
        return (offer & SACK) != 0;
    }

    /** Whether timestamps are there. */
    public static boolean timestamps(int offer) {
        return (offer & TIMESTAMPS) != 0;
    }

    /** The offer with another maximum segment size. */
    public static int withMss(int offer, int mss) {
        return (offer & ~MSS_MASK) | mss;
    }

    /** The offer with another window scale. */
    public static int withScale(int offer, int scale) {
        return (offer & ~SCALE_MASK) | scale << SCALE_SHIFT;
    }

    /** What remains of a client's offer where we do not do everything: {@code scale} 0 means no window scaling. */
    public static int agreed(int offer, int scale, boolean sack, boolean timestamps) {
        int kept = offer & ~((sack ? 0 : SACK) | (timestamps ? 0 : TIMESTAMPS));
        return scale == 0 ? withScale(kept, NO_SCALE) : kept;
    }
}
