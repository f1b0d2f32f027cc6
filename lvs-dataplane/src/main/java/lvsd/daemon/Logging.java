package lvsd.daemon;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import org.slf4j.LoggerFactory;

/** What the daemon asks of its logging beyond SLF4J: the level at run time, and that nothing is lost at the end. */
final class Logging {
    private Logging() {}

    /**
     * Sets how much is logged.
     *
     * @param name {@code error}, {@code warn}, {@code info} (one line an event), {@code debug} (each rule too) or
     *     {@code trace}
     */
    static void level(String name) {
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            context.getLogger("lvsd").setLevel(Level.toLevel(name));
        }
    }

    /** Writes out what is queued and stops logging. */
    static void flush() {
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            context.stop();
        }
    }
}
