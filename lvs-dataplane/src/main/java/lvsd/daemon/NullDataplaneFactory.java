package lvsd.daemon;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;
import lvsd.config.DaemonConfig;

/** Makes packet paths without packets. */
final class NullDataplaneFactory implements DataplaneFactory {
    @Override
    public Running create(DaemonConfig config) {
        return new NullDataplane(config);
    }

    @Override
    public boolean selfTest(Optional<DaemonConfig> config, Appendable out) {
        try {
            out.append("nothing to test: no packet path\n");
            return true;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
