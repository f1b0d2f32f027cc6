package lvsd.daemon;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import lvsd.dataplane.DataplaneControl.TableView;
import lvsd.dataplane.DataplaneControl.WorkerView;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says once when one of a worker's connection tables is nearly full, and once when it is full. One thread. */
final class TableWatch {
    private static final Logger LOG = LoggerFactory.getLogger(TableWatch.class);
    private static final int NEARLY_PERCENT = 90;
    private static final int CALM_PERCENT = 80;

    private enum Level {
        CALM,
        NEARLY_FULL,
        FULL
    }

    private record Which(int worker, String family) {}

    private final Map<Which, Level> levels = new HashMap<>();

    /** Compares each table of each worker with what was said last. */
    void look(List<WorkerView> workers) {
        for (WorkerView worker : workers) {
            for (TableView table : worker.tables()) {
                Which which = new Which(worker.index(), table.family());
                Level before = levels.getOrDefault(which, Level.CALM);
                Level now = level(table, before);
                if (now != before) {
                    levels.put(which, now);
                    if (now.compareTo(before) > 0) {
                        warn(which, table, now);
                    }
                }
            }
        }
    }

    private static Level level(TableView table, Level before) {
        long percent = table.connections() * 100 / Math.max(1, table.capacity());
        if (table.connections() >= table.capacity()) {
            return Level.FULL;
        }
        if (percent >= NEARLY_PERCENT) {
            return before == Level.FULL ? Level.FULL : Level.NEARLY_FULL;
        }
        return percent < CALM_PERCENT ? Level.CALM : before;
    }

    private static void warn(Which which, TableView table, Level level) {
        LOG.atWarn()
                .addKeyValue("worker", which.worker)
                .addKeyValue("table", which.family)
                .addKeyValue("connections", table.connections())
                .addKeyValue("capacity", table.capacity())
                .log(
                        level == Level.FULL
                                ? "connection table is full, new connections are refused: raise connections."
                                        + which.family + " in the daemon file"
                                : "connection table is 90 % full");
    }
}
