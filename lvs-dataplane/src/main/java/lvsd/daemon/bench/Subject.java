package lvsd.daemon.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Properties;

/** Something that is measured: each measurement runs in a process of its own, so that no run inherits another's luck. */
interface Subject {
    /** Name in reports. */
    String name();

    /**
     * Measures {@code row} once on {@code input}, leaving what the process printed in {@code raw}.
     *
     * @return what it found; {@code mpps} is always there
     * @throws IOException if the process cannot be run or fails; the message names it and {@code raw}
     */
    Properties measure(Row row, Path input, Path raw) throws IOException;
}
