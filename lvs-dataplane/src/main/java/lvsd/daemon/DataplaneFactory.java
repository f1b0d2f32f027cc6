package lvsd.daemon;

import java.util.List;
import java.util.Optional;
import lvsd.config.DaemonConfig;
import lvsd.dataplane.DataplaneControl;

/** Makes the packet path that a {@link Daemon} steers. */
interface DataplaneFactory {
    /** A packet path between {@link #open} and {@link #close}. */
    interface Running extends DataplaneControl, AutoCloseable {
        /** Takes the ports into use; services have been published before. Called once, by the starting thread. */
        void open() throws StartException;

        /**
         * Takes over what can be changed while packets flow. Control thread.
         *
         * @return names of configuration parts that differ and need a restart
         */
        List<String> reconfigure(DaemonConfig now);

        /** Stops workers and gives ports and memory back, in well under a second. Called once. */
        @Override
        void close();
    }

    /**
     * Prepares everything up to the moment before ports are used: hugepages and EAL, ports, tables, warm-up. Called on a
     * thread of its own, since EAL pins the thread that initialises it.
     */
    Running create(DaemonConfig config) throws StartException;

    /**
     * Checks this machine without traffic: libraries, structure layouts, checksums, memory.
     *
     * @param config daemon file, if one was given
     * @param out takes one line a check
     * @return whether all is well
     */
    boolean selfTest(Optional<DaemonConfig> config, Appendable out);
}
