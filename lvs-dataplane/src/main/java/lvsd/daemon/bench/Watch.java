package lvsd.daemon.bench;

import java.nio.file.Path;
import java.util.List;

/**
 * A long look at one subject.
 *
 * @param seconds how long
 * @param witness the built {@code config/bench/witness.c}
 * @param cpus the CPUs that it looks after
 */
record Watch(int seconds, Path witness, List<Integer> cpus) {
    /** Where the witness leaves its account, beside the other raw output {@code raw}. */
    static Path account(Path raw) {
        return Path.of(raw.toString().replaceFirst("\\.txt$", "") + "-standstills.log");
    }
}
