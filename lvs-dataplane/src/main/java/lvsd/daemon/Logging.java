package lvsd.daemon;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import org.slf4j.LoggerFactory;

/** What the daemon asks of its logging beyond SLF4J: the level at run time, and that nothing is lost at the end. */
final class Logging {
    /** From this {@code debug_level} on everything is logged. */
    private static final int TRACE_LEVEL = 10;

    /** What {@code log-level} says. */
    private static Level base = Level.INFO;
    /** What {@code debug_level} says. */
    private static int debug;

    private Logging() {}

    /**
     * Sets how much is logged.
     *
     * @param name {@code error}, {@code warn}, {@code info} (one line an event), {@code debug} (each rule too) or
     *     {@code trace}
     */
    static synchronized void level(String name) {
        base = Level.toLevel(name);
        apply();
    }

    /** Sets {@code debug_level}, which may only add to {@code log-level}: 0 nothing, 1 debug, 10 trace. */
    static synchronized void debug(int level) {
        debug = level;
        apply();
    }

    private static void apply() {
        Level wanted = base;
        if (debug >= TRACE_LEVEL) {
            wanted = Level.TRACE;
        } else if (debug > 0 && base.isGreaterOrEqual(Level.DEBUG)) {
            wanted = Level.DEBUG;
        }
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            context.getLogger("lvsd").setLevel(wanted);
        }
    }

    /** Writes out what is queued and stops logging. */
    static void flush() {
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            context.stop();
        }
    }
}
