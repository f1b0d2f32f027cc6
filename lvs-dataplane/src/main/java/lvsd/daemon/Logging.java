package lvsd.daemon;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import org.slf4j.LoggerFactory;

/** What the daemon asks of its logging beyond SLF4J: the level at run time, and that nothing is lost at the end. */
final class Logging {
    private Logging() {}

    /** Sets how much is logged: {@code debug_level} 0 is one line an event, 1 adds each rule, 2 is everything. */
    static void level(int debugLevel) {
        Level level = switch (debugLevel) {
            case 0 -> Level.INFO;
            case 1 -> Level.DEBUG;
            default -> Level.TRACE;
        };
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            context.getLogger("lvsd").setLevel(level);
        }
    }

    /** Writes out what is queued and stops logging. */
    static void flush() {
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            context.stop();
        }
    }
}
