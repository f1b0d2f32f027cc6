package lvsd.daemon.bench;

import java.util.List;

/**
 * What every subject is told about the machine.
 *
 * @param cpu CPU of the measured thread
 * @param otherCpu CPU of everything else
 * @param warmupSeconds seconds before counting begins
 * @param seconds seconds counted
 */
record Machine(int cpu, int otherCpu, double warmupSeconds, double seconds) {
    /** Bytes of packet an mbuf of the benchmark holds. */
    static final int MBUF_DATA = 2048;
    /** Mbufs in a pool: the file's and those under way. */
    static final int MBUFS = 32767;

    /** EAL arguments that all subjects share: memory of their own that leaves no file behind, and the looped input. */
    static List<String> eal(String lcores, String input) {
        return List.of(
                "--in-memory",
                "--no-telemetry",
                "--no-pci",
                "-l",
                lcores,
                "--vdev=net_pcap0,rx_pcap=" + input + ",infinite_rx=1");
    }
}
