package lvsd.sync;

import java.util.ArrayList;
import java.util.List;

/**
 * The rings of keys of one daemon. Each user has a ring of its own, since a MAC serves one message at a time; all change
 * together. Owned by the sync thread.
 */
final class Rings {
    private final IcvAlgorithm algorithm;
    private final byte[] group;
    private final int port;
    private final int ports;
    private final List<KeyRing> made = new ArrayList<>();
    private IcvKeys keys;

    Rings(IcvAlgorithm algorithm, IcvKeys keys, DaemonSettings daemon, int ports) {
        this.algorithm = algorithm;
        this.keys = keys;
        this.group = daemon.group().getAddress();
        this.port = daemon.port();
        this.ports = ports;
    }

    IcvAlgorithm algorithm() {
        return algorithm;
    }

    /** A ring for one user. */
    KeyRing make() {
        KeyRing ring = new KeyRing(algorithm, keys, group, port, ports);
        made.add(ring);
        return ring;
    }

    /** Other keys from now on. No message may be open. */
    void change(IcvKeys newest) {
        keys = newest;
        made.forEach(ring -> ring.change(newest));
    }
}
