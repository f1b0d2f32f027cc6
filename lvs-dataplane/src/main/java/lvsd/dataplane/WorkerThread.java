package lvsd.dataplane;

import java.util.BitSet;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import lvsd.linux.Affinity;

/**
 * Drives a worker: one cycle after the other, timed by one clock read a cycle. On a core of its own it never sleeps;
 * without one it gives way when there is nothing to do.
 */
public final class WorkerThread implements AutoCloseable {
    private static final int SPINS = 2_000;
    private static final long NAP_NANOS = 50_000;
    private static final long JOIN_MILLIS = 1_000;

    private final Worker worker;
    private final int core;
    private final Runnable register;
    private final Runnable unregister;
    private final Thread thread;
    private volatile boolean running = true;

    /**
     * @param worker whom to drive
     * @param core CPU to stay on and poll without pause, or -1
     * @param register run on the thread before the first cycle
     * @param unregister run on it after the last
     */
    public WorkerThread(Worker worker, int core, Runnable register, Runnable unregister) {
        this.worker = worker;
        this.core = core;
        this.register = register;
        this.unregister = unregister;
        this.thread = Thread.ofPlatform()
                .daemon()
                .name("lvs-worker-" + worker.index())
                .unstarted(this::run);
    }

    /** Starts the thread. */
    public void start() {
        thread.start();
    }

    /**
     * Keeps the workers' {@code cores} for them, as far as this process goes: the JVM's threads and all others run elsewhere, if
     * there is anywhere else. Without it a collector's thread may preempt a worker for milliseconds, although other CPUs idle. And
     * where the JVM's threads share a CPU, the one that stops workers at a safepoint and lets them go waits for none of them.
     */
    public static void reserve(List<Integer> cores) {
        BitSet cpus = new BitSet();
        cores.forEach(cpus::set);
        Affinity.reserve(cpus);
        Affinity.favour("VM Thread");
    }

    private void run() {
        Affinity.name("lvs-worker-" + worker.index());
        if (core >= 0) {
            Affinity.pin(core);
        }
        register.run();
        try {
            loop();
        } finally {
            unregister.run();
        }
    }

    private void loop() {
        int idle = 0;
        long began = System.nanoTime();
        while (running) {
            boolean worked = worker.doWork(began) > 0;
            long ended = System.nanoTime();
            worker.cycleTook(ended - began);
            began = ended;
            if (worked) {
                idle = 0;
            } else if (core < 0 && ++idle > SPINS) {
                LockSupport.parkNanos(NAP_NANOS);
                began = System.nanoTime();
            }
        }
    }

    /** Lets the cycle in hand end and waits for the thread. */
    @Override
    public void close() {
        running = false;
        try {
            thread.join(JOIN_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
