package lvsd.dataplane.net;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import lvsd.dataplane.io.LongRing;
import lvsd.dataplane.service.Wire;
import lvsd.dpdk.Mbuf;
import lvsd.memory.Memory;
import lvsd.memory.NativeFunction;
import lvsd.memory.OffHeap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread between the workers and the kernel's twins. It writes what workers punt, reads what the kernel sends and
 * hands that to worker 0, and logs what workers must not.
 *
 * <p>Frames pass as they are, TTL and checksums untouched; only a VLAN's tag is the worker's to take off and put on. Classes are served in order, each with its share
 * of a round, so that none waits for another's flood. It waits in {@code poll(2)} on the twins, at most
 * {@value #WAIT_MILLIS} ms at a time, which is the delay a punted packet may meet; workers never make a system call to
 * wake it.
 */
public final class PuntThread implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PuntThread.class);
    private static final NativeFunction POLL = NativeFunction.libc("poll");

    private static final int WAIT_MILLIS = 1;
    private static final int IDLE_ROUNDS = 64;
    private static final int SHARE = 64;
    private static final int REST_SHARE = 32;
    private static final int POLL_ENTRY = 8;
    private static final int POLL_IN = 1;
    private static final long JOIN_MILLIS = 1000;

    private final Punter[] punters;
    private final @Nullable Twin[] twins;
    private final OffHeap pollRequests;
    private final int polled;
    private final long[] batch = new long[SHARE];
    private final long[] event = new long[Punter.EVENT];
    private final Thread thread;
    private volatile NetConfig config;
    private volatile boolean running = true;
    private long spare;
    private int idle;

    private final AtomicLong toKernel = new AtomicLong();
    private final AtomicLong fromKernel = new AtomicLong();
    private final AtomicLong refused = new AtomicLong();
    private final AtomicLong cut = new AtomicLong();

    /**
     * @param punters of all workers, by worker; the first sends what the kernel sends
     * @param twins by interface; null where there is none
     * @param config for names in log lines
     */
    public PuntThread(List<Punter> punters, List<@Nullable TapTwin> twins, NetConfig config) {
        this(punters.toArray(Punter[]::new), twins.toArray(Twin[]::new), config);
    }

    PuntThread(Punter[] punters, @Nullable Twin[] twins, NetConfig config) {
        this.punters = punters;
        this.twins = twins;
        this.config = config;
        pollRequests = OffHeap.map((long) Math.max(1, twins.length) * POLL_ENTRY, false, false);
        int count = 0;
        for (Twin twin : twins) {
            if (twin != null && twin.descriptor() >= 0) {
                long entry = pollRequests.address() + (long) count++ * POLL_ENTRY;
                Memory.setInt(entry, POLL_ENTRY, 0, twin.descriptor());
                Memory.setShort(entry, POLL_ENTRY, 4, POLL_IN);
            }
        }
        polled = count;
        thread = new Thread(this::run, "punt");
        thread.setDaemon(true);
    }

    /** Starts the thread. */
    public void start() {
        thread.start();
    }

    /** Names for log lines from now on. */
    public void config(NetConfig newer) {
        config = newer;
    }

    /** Frames given to the kernel. Any thread. */
    public long toKernel() {
        return toKernel.get();
    }

    /** Frames taken from the kernel. Any thread. */
    public long fromKernel() {
        return fromKernel.get();
    }

    /** Frames the kernel did not take. Any thread. */
    public long refused() {
        return refused.get();
    }

    /** Frames of the kernel that no mbuf held or no worker had room for. Any thread. */
    public long cut() {
        return cut.get();
    }

    private void run() {
        while (running) {
            if (round() > 0) {
                idle = 0;
            } else if (++idle > IDLE_ROUNDS) {
                await();
            } else {
                Thread.onSpinWait();
            }
        }
    }

    private void await() {
        POLL.call(pollRequests.address(), polled, WAIT_MILLIS);
    }

    /** One round over everything; returns how many frames moved. The thread's, or a test's without the thread. */
    int round() {
        int moved = 0;
        for (Punter punter : punters) {
            for (int puntClass = 0; puntClass < PuntClass.count(); puntClass++) {
                moved += deliver(punter, puntClass);
            }
            if (punter.events().drain(event, Punter.EVENT) == Punter.EVENT) {
                logLost();
            }
        }
        for (int iface = 0; iface < twins.length; iface++) {
            Twin twin = twins[iface];
            if (twin != null) {
                moved += take(twin, iface);
            }
        }
        return moved;
    }

    private int deliver(Punter punter, int puntClass) {
        LongRing returned = punter.returned();
        int room = returned.capacity() - returned.size();
        int share = puntClass == PuntClass.REST.ordinal() ? REST_SHARE : SHARE;
        int count = punter.toKernel(puntClass).drain(batch, Math.min(share, room));
        for (int i = 0; i < count; i++) {
            long mbuf = Punter.mbuf(batch[i]);
            Twin twin = twins[Punter.iface(batch[i])];
            boolean taken = twin != null && twin.write(Mbuf.data(mbuf), Mbuf.dataLength(mbuf)) > 0;
            if (taken) {
                toKernel.incrementAndGet();
            } else {
                refused.incrementAndGet();
            }
            batch[i] = mbuf;
        }
        returned.offer(batch, 0, count);
        return count;
    }

    /** Reads what the worker has room for; more waits in the kernel's own queue, and is not lost. */
    private int take(Twin twin, int iface) {
        Punter first = punters[0];
        LongRing ring = first.fromKernel();
        int share = Math.min(SHARE, ring.capacity() - ring.size());
        for (int count = 0; count < share; count++) {
            if (spare == 0) {
                spare = first.supply().poll();
            }
            if (spare == 0) {
                return count;
            }
            int capacity = Mbuf.tailroom(spare) + Mbuf.dataLength(spare);
            int length = twin.read(Mbuf.data(spare), capacity);
            if (length <= 0) {
                return count;
            }
            if (length == capacity || !pass(first, iface, length)) {
                cut.incrementAndGet();
            }
        }
        return share;
    }

    private boolean pass(Punter first, int iface, int length) {
        Mbuf.setLength(spare, length);
        if (!first.fromKernel().offer(Punter.pack(spare, iface))) {
            return false;
        }
        spare = 0;
        fromKernel.incrementAndGet();
        return true;
    }

    private void logLost() {
        NetConfig names = config;
        int iface = (int) event[0];
        String name = iface < names.interfaces() ? names.iface(iface).name() : "interface " + iface;
        LOG.warn("neighbour {} on {} no longer answers", address(event[1] != 0, event[2], event[3]), name);
    }

    private static String address(boolean ipv6, long high, long low) {
        try {
            byte[] bytes = ipv6 ? Wire.bytes16(high, low) : Wire.bytes4((int) high);
            return InetAddress.getByAddress(bytes).getHostAddress();
        } catch (UnknownHostException e) {
            throw new IllegalStateException(Arrays.toString(new long[] {high, low}), e);
        }
    }

    /** Stops the thread. What workers still have queued stays with their pool. */
    @Override
    public void close() {
        running = false;
        try {
            thread.join(JOIN_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!thread.isAlive()) {
            pollRequests.close();
        }
    }
}
