package lvsd.daemon;

import java.util.Set;
import lvsd.dataplane.scheduler.Schedulers;

/** Scheduler names an operator may use: those of the recorded kernel. */
final class SchedulerNames {
    /** Names that are accepted. */
    private static final Set<String> KNOWN =
            Set.of("rr", "wrr", "lc", "wlc", "fo", "ovf", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "none");

    private static final Set<String> ENGINES = Set.of("", "sip");

    private SchedulerNames() {}

    /** Whether the name is accepted. */
    static boolean known(String name) {
        return KNOWN.contains(name);
    }

    /** Whether the packet path has it. */
    static boolean available(String name) {
        return Schedulers.create(name) != null;
    }

    /** Whether a persistence engine is accepted; empty is none. */
    static boolean knownEngine(String name) {
        return ENGINES.contains(name);
    }
}
