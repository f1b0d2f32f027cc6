package lvsd.synproxy;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/** What one worker's SYN proxy has done, by service. Written by that worker, read by anyone. */
public final class ProxyCounters {
    /** One step, with the name users see and what it means. */
    public enum Counter {
        /** SYNs answered by a cookie. */
        SYNS("syns", "SYNs answered by a cookie"),
        /** SYNs that {@code auto} let through, because nothing looked like an attack. */
        PASSED("syns-passed", "SYNs that auto let through to a server"),
        /** SYNs not answered, because there was no server that could take the client. */
        NO_SERVER("no-server", "SYNs not answered, no server could take the client"),
        /** Acknowledgements of valid cookies. */
        GOOD("cookies-good", "acknowledgements of a cookie that holds"),
        /** Acknowledgements of none. */
        BAD("cookies-bad", "acknowledgements of no cookie of ours"),
        /** Acknowledgements of one that held an epoch or two before; looked for in a few of the bad ones only. */
        EXPIRED("cookies-expired", "acknowledgements of a cookie that has expired (a sample)"),
        /** Acknowledgements without data while {@code defer} is on. */
        DEFERRED("deferred", "bare acknowledgements dropped because of synproxy_defer"),
        /** Handshakes with a server finished. */
        FINISHED("handshakes", "handshakes finished with a server"),
        /** SYNs sent to a server again. */
        RETRIES("syn-retries", "SYNs sent to a server again"),
        /** Other servers tried. */
        OTHER_SERVER("other-server", "other servers tried for a client"),
        /** Servers that refused. */
        REFUSED("refused", "handshakes that a server refused"),
        /** Servers that did not answer. */
        UNANSWERED("unanswered", "handshakes that a server did not answer"),
        /** Servers that had an older connection of the same addresses and ports, and were told to forget it. */
        STALE("server-stale", "old connections of servers that were reset"),
        /** Clients that gave up while the server was asked. */
        ABORTED("client-gone", "clients that gave up while the server was asked"),
        /** Segments of clients kept until the server answered. */
        KEPT("kept", "segments of clients kept until the server answered"),
        /** Segments of clients that could not be kept. */
        OVERFLOW("queue-overflow", "segments of clients that could not be kept"),
        /** Proven clients for which there was no room. */
        NO_ROOM("no-room", "proven clients turned away, too many handshakes"),
        /** Handshakes that gave way to a newer one of the same client. */
        RENEWED("renewed", "handshakes that gave way to a newer one of the client"),
        /** Entries in CLOSE that gave way to a new client. */
        REUSED_CLOSE("reused-close", "entries in CLOSE taken over"),
        /** Those in TIME_WAIT. */
        REUSED_TIME_WAIT("reused-time-wait", "entries in TIME_WAIT taken over"),
        /** Those in FIN_WAIT. */
        REUSED_FIN_WAIT("reused-fin-wait", "entries in FIN_WAIT taken over"),
        /** Those in CLOSE_WAIT. */
        REUSED_CLOSE_WAIT("reused-close-wait", "entries in CLOSE_WAIT taken over"),
        /** Those in LAST_ACK. */
        REUSED_LAST_ACK("reused-last-ack", "entries in LAST_ACK taken over"),
        /** Acknowledgements of servers that were not passed on, or not answered, because they came again and again. */
        STORMS("storms", "acknowledgements of a server dropped as a storm"),
        /** Times that {@code auto} switched on. */
        SWITCHED_ON("switched-on", "times that auto saw an attack and switched on"),
        /** Times that it switched off. */
        SWITCHED_OFF("switched-off", "times that auto switched off again");

        private final String label;
        private final String help;

        Counter(String label, String help) {
            this.label = label;
            this.help = help;
        }

        /** The name users see, stable across releases. */
        public String label() {
            return label;
        }

        /** What it means, for the CLI and the documentation. */
        public String help() {
            return help;
        }
    }

    private static final VarHandle ROWS = MethodHandles.arrayElementVarHandle(long[][].class);
    private static final VarHandle COUNTS = MethodHandles.arrayElementVarHandle(long[].class);
    private static final int STEPS = Counter.values().length;

    /** By service; null until its first step, since most services have no proxy. */
    private final long[] @Nullable [] rows;

    /** Counters of {@code services} services. */
    public ProxyCounters(int services) {
        rows = new long[services][];
    }

    /** How many steps there are. */
    public static int steps() {
        return STEPS;
    }

    /** Counts a step of a service, {@code times} times. */
    public void count(int service, Counter counter, int times) {
        long @Nullable [] row = rows[service];
        if (row == null) {
            row = new long[STEPS];
            ROWS.setRelease(rows, service, row);
        }
        COUNTS.setOpaque(row, counter.ordinal(), row[counter.ordinal()] + times);
    }

    /** How many there were. Any thread. */
    public long get(int service, Counter counter) {
        long @Nullable [] row = (long[]) ROWS.getAcquire(rows, service);
        return row == null ? 0 : (long) COUNTS.getOpaque(row, counter.ordinal());
    }
}
