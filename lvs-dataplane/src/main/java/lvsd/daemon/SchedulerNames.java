package lvsd.daemon;

import java.util.Set;
import lvsd.dataplane.scheduler.Schedulers;

/** Scheduler names an operator may use: those of the recorded kernel, and {@code twos} of newer ones. */
final class SchedulerNames {
    private static final Set<String> ENGINES = Set.of("", "sip");

    private SchedulerNames() {}

    /** Whether the name is accepted. */
    static boolean known(String name) {
        return Schedulers.create(name) != null;
    }

    /** Whether a persistence engine is accepted; empty is none. */
    static boolean knownEngine(String name) {
        return ENGINES.contains(name);
    }
}
