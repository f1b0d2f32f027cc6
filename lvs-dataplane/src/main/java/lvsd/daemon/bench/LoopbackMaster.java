package lvsd.daemon.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import lvsd.control.View;
import lvsd.daemon.bench.Scenario.Told;
import lvsd.dataplane.Dataplane;
import lvsd.dataplane.DataplaneControl;
import lvsd.rules.Rule;
import lvsd.sync.DaemonSettings;
import lvsd.sync.IcvAlgorithm;
import lvsd.sync.IcvKeys;
import lvsd.sync.SyncService;
import lvsd.sync.SyncSettings;

/**
 * A sync master as the director runs it, which sends to a group on the loopback interface that nobody listens to. Steering
 * thread.
 */
final class LoopbackMaster implements AutoCloseable {
    private static final byte[] GROUP = {(byte) 224, 0, 0, 81};
    private static final int PORT = 8848;
    private static final int LENGTH = 1472;
    private static final int TTL = 255;

    private final Optional<SyncService> service;
    private final boolean authenticated;

    /** Starts one for {@code told}, or none. */
    LoopbackMaster(Dataplane dataplane, Told told) throws IOException {
        authenticated = told == Told.DIRECTORS;
        if (told == Told.NOBODY) {
            service = Optional.empty();
            return;
        }
        DataplaneControl.SyncAccess access = dataplane.sync().orElseThrow();
        service = Optional.of(new SyncService(access.source(), access.sink()));
        start();
    }

    /** Starts it again. */
    void start() throws IOException {
        byte[] key = "0123456789abcdef0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
        service.orElseThrow()
                .start(
                        new DaemonSettings(
                                Rule.Role.MASTER,
                                "lo",
                                1,
                                LENGTH,
                                InetAddress.getByAddress(GROUP),
                                PORT,
                                authenticated ? TTL : 1),
                        SyncSettings.DEFAULT,
                        authenticated ? IcvAlgorithm.HMAC_SHA256_128 : null,
                        authenticated ? IcvKeys.of(key) : null);
    }

    /** Stops it for a while. */
    void stop() {
        service.orElseThrow().stop(Rule.Role.MASTER);
    }

    /** What it has done since it was started. */
    List<View.Counter> counters() {
        return service.map(running -> running.status().getFirst().counters()).orElse(List.of());
    }

    @Override
    public void close() {
        service.ifPresent(SyncService::close);
    }
}
