package lvsd.dataplane;

import java.util.ArrayList;
import java.util.List;
import lvsd.dataplane.service.Service;
import lvsd.sync.SyncConnection;
import lvsd.sync.SyncSink;
import lvsd.sync.SyncSource;
import lvsd.sync.UpdateQueue;

/**
 * All workers together as sync sees them: what they tell, round robin, and where a received connection belongs. Its methods
 * are the sync thread's; {@link #open} is called before.
 */
final class SyncEnds implements SyncSource, SyncSink {
    private final List<Worker> workers;
    private final List<UpdateQueue> out = new ArrayList<>();
    private final List<UpdateQueue> in = new ArrayList<>();
    private int next;

    SyncEnds(List<Worker> workers) {
        this.workers = workers;
    }

    /** Control thread: makes the workers' queues; they cost nothing before. */
    void open() {
        if (!out.isEmpty()) {
            return;
        }
        for (Worker worker : workers) {
            out.add(worker.sync().out());
            in.add(worker.sync().in());
            worker.sync().listened(false);
        }
    }

    @Override
    public void forKernels(boolean kernels) {
        workers.forEach(worker -> worker.sync().forKernels(kernels));
    }

    @Override
    public void listened(boolean now) {
        if (now) {
            out.forEach(UpdateQueue::clear);
        }
        workers.forEach(worker -> worker.sync().listened(now));
    }

    @Override
    public boolean poll(SyncConnection into) {
        for (int i = 0; i < out.size(); i++) {
            UpdateQueue queue = out.get(next);
            next = next + 1 < out.size() ? next + 1 : 0;
            if (queue.poll(into)) {
                return true;
            }
        }
        return false;
    }

    @Override
    public long dropped() {
        return out.stream().mapToLong(UpdateQueue::dropped).sum();
    }

    @Override
    public long size() {
        return workers.stream()
                .mapToLong(worker -> worker.pipeline().table4.used()
                        + worker.pipeline().table6.used())
                .sum();
    }

    /** A cursor is the worker's index, a bit for IPv6 and an entry. */
    @Override
    public void page(long cursor, Page page) {
        int index = (int) (cursor >>> 33);
        if (index >= workers.size()) {
            page.complete(END);
            return;
        }
        long after = index + 1 < workers.size() ? (index + 1L) << 33 : END;
        if (!workers.get(index).offer(worker -> worker.sync().page(cursor, page, after))) {
            // Its queue of commands is full: nothing now, the same again later.
            page.complete(cursor);
        }
    }

    /** Brings a connection to a worker. */
    private interface Way {
        boolean bring(int worker, SyncConnection connection);
    }

    @Override
    public boolean take(SyncConnection connection, int origin, long millis) {
        return deliver(workers, connection, (worker, c) -> in.get(worker).offer(c));
    }

    /** As {@link #take}, at once: while no worker runs. */
    static boolean restore(List<Worker> workers, SyncConnection connection) {
        return deliver(workers, connection, (worker, c) -> {
            SyncTaker taker = workers.get(worker).sync().taker();
            return taker.isKnown(c) && taker.take(c);
        });
    }

    /**
     * A template goes to all workers, of whom one keeps it; a connection to the worker that the server's answers come to,
     * and to the one that the client's packets come to, which notes where it is.
     */
    private static boolean deliver(List<Worker> workers, SyncConnection c, Way way) {
        boolean all = true;
        if (c.template()) {
            for (int worker = 0; worker < workers.size(); worker++) {
                all &= way.bring(worker, c);
            }
            return all;
        }
        Ownership ownership = workers.getFirst().ownership();
        int home = ownership.home(c);
        all = way.bring(home, c);
        if (c.local && workers.size() > 1) {
            Service service = SyncTaker.service(workers.getFirst().services(), c);
            int client = ownership.client(c, service);
            all &= client == home || way.bring(client, c);
        }
        return all;
    }

    /** Connections whose end was lost stay until they time out. */
    @Override
    public void transferred(int origin, long began) {
        // Nothing is noted by sender.
    }
}
