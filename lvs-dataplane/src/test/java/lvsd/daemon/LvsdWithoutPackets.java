package lvsd.daemon;

import java.util.Optional;
import lvsd.config.DaemonConfig;

/** The daemon's main on a packet path without packets, for tests of everything else about its process. */
final class LvsdWithoutPackets implements DataplaneFactory {
    private LvsdWithoutPackets() {}

    @Override
    public Running create(DaemonConfig config) {
        return new NullDataplane(config);
    }

    @Override
    public boolean selfTest(Optional<DaemonConfig> config, Appendable out) {
        return true;
    }

    public static void main(String[] args) {
        System.exit(Lvsd.run(new LvsdWithoutPackets(), args));
    }
}
