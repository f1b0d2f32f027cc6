package lvsd.daemon;

import java.io.IOException;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import lvsd.control.View;
import lvsd.dataplane.DataplaneControl;
import lvsd.rules.Rule;
import lvsd.sync.DaemonSettings;
import lvsd.sync.IcvAlgorithm;
import lvsd.sync.IcvKeys;
import lvsd.sync.SyncService;
import lvsd.sync.SyncSettings;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the sync daemons that {@link SyncDaemons} has agreed to. Until {@link #open} it only notes them: the packet path does
 * not run yet. Control thread only.
 */
final class SyncRunner implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SyncRunner.class);

    /**
     * How a daemon's messages are authenticated.
     *
     * @param algorithm how
     * @param keys with what
     */
    record Icv(IcvAlgorithm algorithm, IcvKeys keys) {}

    private record Wanted(
            View.Daemon daemon,
            SyncSettings settings,
            @Nullable Icv icv) {}

    private final DataplaneControl dataplane;
    private final Map<Rule.Role, Wanted> wanted = new EnumMap<>(Rule.Role.class);
    private @Nullable SyncService service;
    private boolean opened;

    SyncRunner(DataplaneControl dataplane) {
        this.dataplane = dataplane;
    }

    /** The packet path runs: starts what was noted. */
    void open() {
        opened = true;
        wanted.values().forEach(this::run);
    }

    /** Starts a daemon. */
    void start(View.Daemon daemon, Map<String, String> settings, @Nullable Icv icv) {
        Wanted one = new Wanted(daemon, SyncSettings.of(settings), icv);
        wanted.put(daemon.role(), one);
        if (opened) {
            run(one);
        }
    }

    /** Settings have changed. */
    void settings(Map<String, String> settings) {
        SyncSettings newer = SyncSettings.of(settings);
        wanted.replaceAll((role, one) -> new Wanted(one.daemon, newer, one.icv));
        if (service != null) {
            service.settings(newer);
        }
    }

    private void run(Wanted one) {
        SyncService running = service();
        if (running == null) {
            return;
        }
        View.Daemon daemon = one.daemon;
        DaemonSettings settings = new DaemonSettings(
                daemon.role(),
                daemon.mcastInterface(),
                daemon.syncId(),
                daemon.maxLength(),
                daemon.group(),
                daemon.port(),
                daemon.ttl());
        try {
            running.start(
                    settings,
                    one.settings,
                    one.icv == null ? null : one.icv.algorithm,
                    one.icv == null ? null : one.icv.keys);
            LOG.atInfo()
                    .addKeyValue("role", daemon.role().label())
                    .addKeyValue("interface", daemon.mcastInterface())
                    .addKeyValue("syncid", daemon.syncId())
                    .addKeyValue("icv", one.icv == null ? "none" : one.icv.algorithm.label())
                    .addKeyValue("key", one.icv == null ? "none" : one.icv.keys.fingerprint())
                    .log("sync daemon runs");
        } catch (IOException e) {
            LOG.atError()
                    .addKeyValue("role", daemon.role().label())
                    .setCause(e)
                    .log("sync daemon does not run: stop it and start it again when the cause is gone");
        }
    }

    private @Nullable SyncService service() {
        if (service == null) {
            service = dataplane
                    .sync()
                    .map(access -> new SyncService(access.source(), access.sink()))
                    .orElse(null);
        }
        return service;
    }

    /** Stops a daemon. */
    void stop(Rule.Role role) {
        wanted.remove(role);
        if (service != null) {
            service.stop(role);
        }
    }

    /** What the daemons have done. */
    List<SyncService.Status> status() {
        return service == null ? List.of() : service.status();
    }

    @Override
    public void close() {
        wanted.clear();
        if (service != null) {
            service.close();
            service = null;
        }
    }
}
