package lvsd.daemon;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import lvsd.dataplane.DataplaneControl.WorkerView;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says once when a worker's connection table is nearly full, and once when it is full. One thread. */
final class TableWatch {
    private static final Logger LOG = LoggerFactory.getLogger(TableWatch.class);
    private static final int NEARLY_PERCENT = 90;
    private static final int CALM_PERCENT = 80;

    private enum Level {
        CALM,
        NEARLY_FULL,
        FULL
    }

    private final Map<Integer, Level> levels = new HashMap<>();

    /** Compares each worker's table with what was said last. */
    void look(List<WorkerView> workers) {
        for (WorkerView worker : workers) {
            Level before = levels.getOrDefault(worker.index(), Level.CALM);
            Level now = level(worker, before);
            if (now != before) {
                levels.put(worker.index(), now);
                if (now.compareTo(before) > 0) {
                    warn(worker, now);
                }
            }
        }
    }

    private static Level level(WorkerView worker, Level before) {
        long percent = worker.connections() * 100 / Math.max(1, worker.capacity());
        if (worker.connections() >= worker.capacity()) {
            return Level.FULL;
        }
        if (percent >= NEARLY_PERCENT) {
            return before == Level.FULL ? Level.FULL : Level.NEARLY_FULL;
        }
        return percent < CALM_PERCENT ? Level.CALM : before;
    }

    private static void warn(WorkerView worker, Level level) {
        LOG.atWarn()
                .addKeyValue("worker", worker.index())
                .addKeyValue("connections", worker.connections())
                .addKeyValue("capacity", worker.capacity())
                .log(
                        level == Level.FULL
                                ? "connection table is full, new connections are refused: raise connections in the"
                                        + " daemon file"
                                : "connection table is 90 % full");
    }
}
