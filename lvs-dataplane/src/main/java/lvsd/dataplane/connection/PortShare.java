package lvsd.dataplane.connection;

import lvsd.dataplane.service.Wire;

/**
 * Which local ports a worker may give out, so that the real server's answers come back to it.
 *
 * <p>Where that depends on the server's address, servers fall into sets with the same answer; pools of ports are shared
 * only inside a set. Immutable; used by one worker, usable by any.
 */
public sealed interface PortShare {
    /** The set of a server at {@code addresses} (its side's, wire form) and {@code serverPort} (wire form). */
    int set4(long addresses, int serverPort);

    /** As {@link #set4} for IPv6. */
    int set6(long serverHigh, long serverLow, long localHigh, long localLow, int serverPort);

    /** Whether the worker owns {@code port} (0 to 65535, host order) towards the servers of {@code set}. */
    boolean owns(int set, int port);

    /** Ports whose number modulo {@code workers} is {@code worker}: for hand-off, or steering rules on low bits. */
    record Modulo(int worker, int workers) implements PortShare {
        /** Worker 0 of 1 owns everything. */
        public static final Modulo ALL = new Modulo(0, 1);

        public Modulo {
            if (workers < 1 || worker < 0 || worker >= workers) {
                throw new IllegalArgumentException("worker " + worker + " of " + workers);
            }
        }

        @Override
        public int set4(long addresses, int serverPort) {
            return 0;
        }

        @Override
        public int set6(long serverHigh, long serverLow, long localHigh, long localLow, int serverPort) {
            return 0;
        }

        @Override
        public boolean owns(int set, int port) {
            return port % workers == worker;
        }
    }

    /** Ports whose answers a NIC's RSS sends to the worker's queue. */
    final class Rss implements PortShare {
        private static final int IPV6 = 1 << 30;

        private final Toeplitz toeplitz;
        private final int[] workerOf;
        private final int worker;

        /**
         * The share of {@code worker}.
         *
         * @param toeplitz hash with the key that the NIC was given
         * @param workerOf the NIC's redirection table, queue replaced by worker; its length is a power of two
         * @param worker whose share
         */
        public Rss(Toeplitz toeplitz, int[] workerOf, int worker) {
            if (Integer.bitCount(workerOf.length) != 1) {
                throw new IllegalArgumentException(
                        "RSS redirection table has " + workerOf.length + " entries, not a power of two");
            }
            this.toeplitz = toeplitz;
            this.workerOf = workerOf.clone();
            this.worker = worker;
        }

        @Override
        public int set4(long addresses, int serverPort) {
            return toeplitz.hash4(addresses, serverPort) & workerOf.length - 1;
        }

        @Override
        public int set6(long serverHigh, long serverLow, long localHigh, long localLow, int serverPort) {
            int hash = toeplitz.hash6(serverHigh, serverLow, localHigh, localLow, serverPort);
            return (hash & workerOf.length - 1) | IPV6;
        }

        @Override
        public boolean owns(int set, int port) {
            int hash = set ^ toeplitz.destinationPort((set & IPV6) != 0, Wire.port(port));
            return workerOf[hash & workerOf.length - 1] == worker;
        }
    }
}
