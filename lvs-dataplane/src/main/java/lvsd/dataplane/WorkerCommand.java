package lvsd.dataplane;

/** Something another thread asks of a worker. Runs on the worker's thread between bursts; it must be short. */
@FunctionalInterface
public interface WorkerCommand {
    /** Does it. */
    void run(Worker worker);
}
