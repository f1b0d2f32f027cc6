package lvsd.daemon;

import java.util.Set;

/** Scheduler names an operator may use: those of the recorded kernel. */
final class Schedulers {
    /** Names that are accepted. */
    private static final Set<String> KNOWN =
            Set.of("rr", "wrr", "lc", "wlc", "fo", "ovf", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "none");

    /** Those that the packet path has; a service with another one drops what it would have to schedule. */
    private static final Set<String> AVAILABLE = Set.of("rr", "wrr", "lc", "wlc");

    private static final Set<String> ENGINES = Set.of("", "sip");

    private Schedulers() {}

    /** Whether the name is accepted. */
    static boolean known(String name) {
        return KNOWN.contains(name);
    }

    /** Whether the packet path has it. */
    static boolean available(String name) {
        return AVAILABLE.contains(name);
    }

    /** Whether a persistence engine is accepted; empty is none. */
    static boolean knownEngine(String name) {
        return ENGINES.contains(name);
    }
}
