package lvsd.dpdk;

import java.util.List;
import java.util.Optional;

/**
 * Sizes and offsets, in bytes, of the DPDK structures that lvsd reads and writes, for one ABI. To support another
 * release, run {@code DpdkLayoutTest} against its headers (docs/development.md) and add an entry to {@link #KNOWN}.
 *
 * <p>What every supported ABI has in common is a constant elsewhere: the mbuf in {@link Mbuf}.
 *
 * @param release release as {@code rte_version()} begins, without "DPDK "
 * @param abi suffix of the shared objects ({@code librte_eal.so.<abi>})
 * @param libraries shared objects to load, in the order of their dependencies
 * @param conf {@code rte_eth_conf}
 * @param info {@code rte_eth_dev_info}
 * @param queue {@code rte_eth_rxconf} and {@code rte_eth_txconf}
 * @param stats {@code rte_eth_stats}
 * @param link {@code rte_eth_link}
 * @param reta {@code rte_eth_rss_reta_entry64}
 * @param ops {@code rte_eth_fp_ops}
 * @param pool {@code rte_mempool} and its table of operations
 */
public record DpdkLayout(
        String release,
        int abi,
        List<String> libraries,
        Conf conf,
        Info info,
        Queue queue,
        Stats stats,
        Link link,
        Reta reta,
        Ops ops,
        Pool pool) {

    /** {@code rte_eth_conf}: receive mode, transmit mode and the RSS part of the advanced receive mode. */
    public record Conf(
            int size, int rxMultiQueue, int rxMtu, int txOffloads, int rssKey, int rssKeyLength, int rssFlows) {}

    /** {@code rte_eth_dev_info}. */
    public record Info(
            int size,
            int driverName,
            int ifIndex,
            int minMtu,
            int maxMtu,
            int maxRxPacket,
            int maxRxQueues,
            int maxTxQueues,
            int txOffloads,
            int retaSize,
            int hashKeySize,
            int rssFlows,
            int defaultRxConf,
            int defaultTxConf,
            int rxQueues,
            int txQueues) {}

    /** {@code rte_eth_rxconf} and {@code rte_eth_txconf}. */
    public record Queue(int rxSize, int rxOffloads, int txSize, int txOffloads) {}

    /** {@code rte_eth_stats}. */
    public record Stats(
            int size,
            int inPackets,
            int outPackets,
            int inBytes,
            int outBytes,
            int missed,
            int inErrors,
            int outErrors,
            int noMbuf) {}

    /** {@code rte_eth_link}: speed (4 bytes), and the 16-bit word with the bit that says up. */
    public record Link(int size, int speed, int flags, int upMask) {}

    /** {@code rte_eth_rss_reta_entry64}: a mask of 64 bits and 64 queues of 16 bits. */
    public record Reta(int size, int mask, int queues) {}

    /** {@code rte_eth_fp_ops}: distance between ports, functions, and pointers to arrays of queue pointers. */
    public record Ops(int stride, int rxBurst, int rxQueues, int txBurst, int txQueues) {}

    /** {@code rte_mempool}; {@code rte_mempool_ops_table}; {@code rte_mempool_ops}. */
    public record Pool(
            int size, int population, int opsIndex, int opsCount, int opsTable, int opsStride, int dequeue) {}

    private static final List<String> LIBRARIES_22_11 =
            List.of("kvargs", "telemetry", "eal", "ring", "mempool", "mbuf", "net", "meter", "ethdev");
    /** EAL's log became a library of its own. */
    private static final List<String> LIBRARIES_23_11 =
            List.of("log", "kvargs", "telemetry", "eal", "ring", "mempool", "mbuf", "net", "meter", "ethdev");

    private static final Queue QUEUE = new Queue(80, 16, 56, 16);
    private static final Stats STATS = new Stats(704, 0, 8, 16, 24, 32, 40, 48, 56);
    private static final Link LINK = new Link(8, 0, 4, 4);
    private static final Reta RETA = new Reta(136, 0, 8);
    private static final Pool POOL = new Pool(192, 64, 88, 4, 64, 128, 56);

    private static final DpdkLayout V22_11 = new DpdkLayout(
            "22.11",
            23,
            LIBRARIES_22_11,
            new Conf(2272, 8, 12, 72, 128, 136, 144),
            new Info(376, 8, 16, 20, 22, 36, 44, 46, 80, 104, 106, 112, 120, 200, 288, 290),
            QUEUE,
            STATS,
            LINK,
            RETA,
            new Ops(128, 0, 24, 64, 88),
            POOL);

    private static final Conf CONF_23_11 = new Conf(2280, 8, 12, 72, 128, 136, 144);
    private static final Info INFO_23_11 =
            new Info(376, 8, 16, 20, 22, 40, 48, 50, 80, 104, 106, 112, 120, 200, 288, 290);
    private static final Ops OPS_23_11 = new Ops(128, 16, 0, 80, 64);

    private static final DpdkLayout V23_11 = new DpdkLayout(
            "23.11", 24, LIBRARIES_23_11, CONF_23_11, INFO_23_11, QUEUE, STATS, LINK, RETA, OPS_23_11, POOL);

    private static final DpdkLayout V24_11 = new DpdkLayout(
            "24.11", 25, LIBRARIES_23_11, CONF_23_11, INFO_23_11, QUEUE, STATS, LINK, RETA, OPS_23_11, POOL);

    /** The releases this build can drive, newest first. */
    public static final List<DpdkLayout> KNOWN = List.of(V24_11, V23_11, V22_11);

    /** The layout for what {@code rte_version()} says (for example {@code DPDK 22.11.11}). */
    public static Optional<DpdkLayout> forVersion(String version) {
        return KNOWN.stream()
                .filter(layout -> version.equals("DPDK " + layout.release)
                        || version.startsWith("DPDK " + layout.release + ".")
                        || version.startsWith("DPDK " + layout.release + "-"))
                .findFirst();
    }

    /** The known releases, for messages. */
    static String knownReleases() {
        return String.join(", ", KNOWN.stream().map(DpdkLayout::release).toList());
    }
}
