package lvsd.sync;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import lvsd.rules.Rule;

/**
 * A master and a backup of other directors, joined by memory in the place of sockets: all the work of the sync thread but
 * the system calls, to be measured. Time is an argument, milliseconds since 1970. Owned by one thread; allocates nothing
 * after its first rounds.
 */
public final class MemoryGroup {
    private static final int SYNC_ID = 1;
    private static final int TTL = 255;
    /** What fits into a datagram on Ethernet. */
    private static final int LENGTH = 1472;

    private static final long MASTER = 1;
    private static final long BACKUP = 2;

    /** Datagrams on their way to one end. */
    private static final class Wire implements Link {
        private final List<byte[]> datagrams = new ArrayList<>();
        private int[] lengths = new int[64];
        private int count;

        @Override
        public boolean send(int port, byte[] bytes, int length) {
            if (count == datagrams.size()) {
                datagrams.add(new byte[LENGTH]);
            }
            if (count == lengths.length) {
                lengths = Arrays.copyOf(lengths, count * 2);
            }
            System.arraycopy(bytes, 0, datagrams.get(count), 0, length);
            lengths[count++] = length;
            return true;
        }
    }

    private final Wire toBackup = new Wire();
    private final Wire toMaster = new Wire();
    private final Master master;
    private final Backup backup;
    /** Whether the two have to get to know each other. */
    private final boolean asked;

    /**
     * @param group multicast group, which messages are bound to
     * @param source what the master tells
     * @param sink what takes what the backup hears
     * @param millis the time
     */
    public MemoryGroup(
            InetAddress group,
            IcvAlgorithm algorithm,
            IcvKeys keys,
            SyncSource source,
            SyncSink sink,
            RandomGenerator random,
            long millis) {
        SyncSettings settings = SyncSettings.DEFAULT;
        DaemonSettings one = daemon(Rule.Role.MASTER, group);
        DaemonSettings other = daemon(Rule.Role.BACKUP, group);
        Rings masters = new Rings(algorithm, keys, one, settings.ports());
        Rings backups = new Rings(algorithm, keys, other, settings.ports());
        master = new Master(one, settings, masters, MASTER, source, toBackup, random, millis);
        asked = algorithm == IcvAlgorithm.HMAC_SHA256_128;
        backup = new Backup(other, settings, backups, BACKUP, sink, toMaster, random, Latest.SLOTS, millis);
    }

    private static DaemonSettings daemon(Rule.Role role, InetAddress group) {
        return new DaemonSettings(role, "memory", SYNC_ID, LENGTH, group, 8848, TTL);
    }

    /** The master makes messages of all that its source has; they wait for {@link #receive}. Returns how many wait. */
    public int send(long millis) {
        while (master.work(millis) > 0) {
            // More may wait than it takes at a time.
        }
        master.flush(millis);
        return toBackup.count;
    }

    /** The backup takes the messages that wait. Returns connections handed to its sink. */
    public long receive(long millis) {
        long before = backup.stats().connections;
        for (int i = 0; i < toBackup.count; i++) {
            backup.receive(0, toBackup.datagrams.get(i), toBackup.lengths[i], millis);
        }
        toBackup.count = 0;
        return backup.stats().connections - before;
    }

    /** What is due by time on either end; until they know each other this has to be called with time going on. */
    public void work(long millis) {
        backup.work(millis);
        for (int i = 0; i < toMaster.count; i++) {
            master.receive(0, toMaster.datagrams.get(i), toMaster.lengths[i], millis);
        }
        toMaster.count = 0;
        var _ = send(millis);
        var _ = receive(millis);
    }

    /** Whether the backup takes what the master sends. */
    public boolean joined() {
        Backup.Stats stats = backup.stats();
        return !asked || (stats.senders > 0 && stats.bulkComplete > 0);
    }
}
