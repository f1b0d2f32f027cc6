package lvsd.synproxy;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/** What one worker's SYN proxy has done, by service. Written by that worker, read by anyone. */
public final class ProxyCounters {
    /** One step, with the name users see. */
    public enum Counter {
        /** SYNs answered by a cookie. */
        SYNS("syns"),
        /** Acknowledgements of valid cookies. */
        GOOD("cookies-good"),
        /** Acknowledgements of none. */
        BAD("cookies-bad"),
        /** Acknowledgements of none that were valid an epoch or two before. */
        EXPIRED("cookies-expired"),
        /** Acknowledgements without data while {@code defer} is on. */
        DEFERRED("deferred"),
        /** Handshakes with a server finished. */
        FINISHED("handshakes"),
        /** SYNs sent to a server again. */
        RETRIES("syn-retries"),
        /** Other servers tried. */
        OTHER_SERVER("other-server"),
        /** Servers that refused. */
        REFUSED("refused"),
        /** Servers that did not answer. */
        UNANSWERED("unanswered"),
        /** Segments of clients that could not be kept. */
        OVERFLOW("queue-overflow"),
        /** Proven clients for which there was no room. */
        NO_ROOM("no-room"),
        /** Entries that gave way to a new client. */
        REUSED("reused");

        private final String label;

        Counter(String label) {
            this.label = label;
        }

        /** The name users see. */
        public String label() {
            return label;
        }
    }

    private static final VarHandle COUNTS = MethodHandles.arrayElementVarHandle(long[].class);
    private static final int WIDTH = 16;

    private final long[] counts;

    /** Counters of {@code services} services. */
    public ProxyCounters(int services) {
        counts = new long[services * WIDTH];
    }

    /** Counts one step of a service. */
    public void count(int service, Counter counter) {
        int at = service * WIDTH + counter.ordinal();
        COUNTS.setOpaque(counts, at, counts[at] + 1);
    }

    /** How many there were. Any thread. */
    public long get(int service, Counter counter) {
        return (long) COUNTS.getOpaque(counts, service * WIDTH + counter.ordinal());
    }
}
