package lvsd.sync;

import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.ScheduledFuture;
import java.io.IOException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import lvsd.control.View;
import lvsd.rules.Rule;
import org.jspecify.annotations.Nullable;

/**
 * The sync thread and the daemons on it. Methods may be called from any one thread but the sync thread; they wait for the
 * sync thread, which never waits for anything.
 */
public final class SyncService implements AutoCloseable {
    /** Between two looks at the source; half of it is what a message waits on average. */
    static final int WORK_MILLIS = 5;
    /** Between two looks at the sockets' drop counters. */
    private static final int DROPS_MILLIS = 1_000;

    /**
     * What a daemon has done since it was started.
     *
     * @param role which
     * @param counters values by name, in the order to show them
     */
    public record Status(Rule.Role role, List<View.Counter> counters) {}

    private final class Daemon {
        final GroupSockets sockets;
        final @Nullable Rings rings;
        final @Nullable Master master;
        final @Nullable Backup backup;

        Daemon(DaemonSettings daemon, SyncSettings settings, @Nullable IcvAlgorithm algorithm, @Nullable IcvKeys keys)
                throws IOException {
            boolean authenticated = algorithm != null && keys != null;
            rings = algorithm != null && keys != null ? new Rings(algorithm, keys, daemon, settings.ports()) : null;
            sockets = new GroupSockets(loop, daemon, settings, this::receive, authenticated);
            long now = System.currentTimeMillis();
            if (daemon.role() == Rule.Role.MASTER) {
                source.forKernels(!authenticated);
                master = new Master(daemon, settings, rings, number, source, sockets, random, now);
                backup = null;
            } else {
                master = null;
                backup = new Backup(daemon, settings, rings, number, sink, sockets, random, Latest.SLOTS, now);
            }
        }

        private void receive(int port, byte[] bytes, int length) {
            long now = System.currentTimeMillis();
            if (master != null) {
                master.receive(port, bytes, length, now);
            } else if (backup != null) {
                backup.receive(port, bytes, length, now);
            }
        }

        void settings(SyncSettings newer) {
            if (master != null) {
                master.settings(newer, System.currentTimeMillis());
            }
            sockets.settings(newer);
        }

        boolean work(long now) {
            if (backup != null) {
                backup.work(now);
            }
            return master != null && master.work(now) > 0;
        }

        void drops() {
            int dropped = sockets.dropped();
            if (backup != null && dropped > 0) {
                backup.dropped(rings == null ? SyncDrop.BUFFER : SyncDrop.TTL, dropped);
            }
        }

        void close() {
            if (master != null) {
                master.work(System.currentTimeMillis());
                master.flush(System.currentTimeMillis());
                master.close();
            }
            sockets.close();
        }
    }

    private final SyncSource source;
    private final SyncSink sink;
    private final RandomGenerator random = new SecureRandom();
    private final long number = random.nextLong();
    private final MultiThreadIoEventLoopGroup group = new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("lvsd-sync", true), EpollIoHandler.newFactory());
    private final EventLoop loop = group.next();
    private final Map<Rule.Role, Daemon> daemons = new EnumMap<>(Rule.Role.class);
    private @Nullable ScheduledFuture<?> working;
    private long lookedMillis;

    /** A service with no daemon. */
    public SyncService(SyncSource source, SyncSink sink) {
        this.source = source;
        this.sink = sink;
    }

    /**
     * Starts a daemon.
     *
     * @param algorithm how messages are authenticated; null: not at all
     * @param keys the keys; null without an algorithm
     * @throws IOException if its sockets cannot be opened, with the cause
     */
    public void start(
            DaemonSettings daemon, SyncSettings settings, @Nullable IcvAlgorithm algorithm, @Nullable IcvKeys keys)
            throws IOException {
        onLoop(() -> {
            daemons.put(daemon.role(), new Daemon(daemon, settings, algorithm, keys));
            pair();
            if (working == null) {
                working = loop.scheduleWithFixedDelay(this::work, WORK_MILLIS, WORK_MILLIS, TimeUnit.MILLISECONDS);
            }
            return true;
        });
    }

    /** With {@code hmac-md5-96} the master goes on above what the backup hears. */
    private void pair() {
        Daemon master = daemons.get(Rule.Role.MASTER);
        Daemon backup = daemons.get(Rule.Role.BACKUP);
        if (backup == null || backup.backup == null) {
            return;
        }
        List<@Nullable Sequencer> sequencers = new ArrayList<>();
        boolean narrow = backup.rings != null && backup.rings.algorithm() == IcvAlgorithm.HMAC_MD5_96;
        if (narrow && master != null && master.master != null) {
            sequencers.addAll(master.master.sequencers());
        }
        backup.backup.pushes(sequencers.toArray(new @Nullable Sequencer[0]));
    }

    /** Stops a daemon, if it runs, after it has sent what waits. */
    public void stop(Rule.Role role) {
        try {
            onLoop(() -> {
                Daemon daemon = daemons.remove(role);
                if (daemon != null) {
                    daemon.close();
                    pair();
                }
                return true;
            });
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Other keys for the daemons that run, without interruption. */
    public void keys(IcvKeys keys) {
        try {
            onLoop(() -> {
                for (Daemon daemon : daemons.values()) {
                    if (daemon.master != null) {
                        daemon.master.flush(System.currentTimeMillis());
                    }
                    if (daemon.rings != null) {
                        daemon.rings.change(keys);
                    }
                }
                return true;
            });
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Other settings for the daemons that run; those of their sockets wait for the next start. */
    public void settings(SyncSettings newer) {
        try {
            onLoop(() -> {
                daemons.values().forEach(daemon -> daemon.settings(newer));
                return true;
            });
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What runs and what it did, master first. */
    public List<Status> status() {
        try {
            return onLoop(() -> daemons.entrySet().stream()
                    .map(each -> new Status(each.getKey(), counters(each.getValue())))
                    .toList());
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<View.Counter> counters(Daemon daemon) {
        if (daemon.master != null) {
            return daemon.master.counters();
        }
        return daemon.backup == null ? List.of() : daemon.backup.counters();
    }

    private void work() {
        long now = System.currentTimeMillis();
        boolean more = false;
        for (Daemon daemon : daemons.values()) {
            more |= daemon.work(now);
        }
        if (now - lookedMillis >= DROPS_MILLIS) {
            lookedMillis = now;
            daemons.values().forEach(Daemon::drops);
        }
        if (more && !loop.isShuttingDown()) {
            loop.execute(this::workAgain);
        }
    }

    /** What is left of a large number of updates; sockets come in between. */
    private void workAgain() {
        long now = System.currentTimeMillis();
        for (Daemon daemon : daemons.values()) {
            daemon.work(now);
        }
    }

    private <T> T onLoop(Callable<T> task) throws IOException {
        try {
            return loop.submit(task).get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException cause) {
                throw cause;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Stops all daemons and the thread. */
    @Override
    public void close() {
        stop(Rule.Role.MASTER);
        stop(Rule.Role.BACKUP);
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
    }
}
