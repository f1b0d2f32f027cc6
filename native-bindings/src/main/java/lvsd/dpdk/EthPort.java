package lvsd.dpdk;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import lvsd.memory.Memory;
import lvsd.memory.NativeFunction;

/**
 * An Ethernet port of DPDK. Configured, started and stopped by one thread; {@link #stats} and {@link #link} may be read
 * by any. All of it is cold; packets go through {@link QueuePair}.
 */
public final class EthPort {
    /** Transmit offload: all mbufs of a queue come from one pool and have one owner, so the driver may free them fast. */
    static final long TX_FAST_FREE = 1L << 16;
    /** Receive multi-queue mode: RSS. */
    static final int MQ_RSS = 1;
    /** Flow types hashed over addresses: IPv4 and IPv6, fragments, and other transports. */
    static final long RSS_ADDRESSES = 1L << 2 | 1L << 3 | 1L << 7 | 1L << 8 | 1L << 9 | 1L << 13;
    /** Flow types hashed over addresses and ports: TCP and UDP over IPv4 and IPv6. */
    static final long RSS_PORTS = 1L << 4 | 1L << 5 | 1L << 10 | 1L << 11;
    /** Bytes of hash key when the driver does not say. */
    private static final int DEFAULT_KEY = 40;

    private static final int ENOTSUP = 95;
    private static final int MAX_RETA = 2048;

    private final DpdkLibrary library;
    private final DpdkLayout layout;
    private final String name;
    private final int id;

    /**
     * What the driver can do.
     *
     * @param driver name of the driver, for example {@code net_af_packet}
     * @param ifIndex index of the kernel interface behind it in its namespace, or 0
     * @param minMtu smallest MTU in bytes
     * @param maxMtu largest MTU in bytes, both limits of the driver considered
     * @param maxRxQueues RX queues
     * @param maxTxQueues TX queues
     * @param rxQueues RX queues configured now
     * @param txQueues TX queues configured now
     * @param retaSize entries of the RSS redirection table, or 0
     * @param hashKeySize bytes of the RSS key, or 0
     * @param rssFlows flow types it can hash
     * @param txOffloads transmit offloads
     */
    public record Info(
            String driver,
            int ifIndex,
            int minMtu,
            int maxMtu,
            int maxRxQueues,
            int maxTxQueues,
            int rxQueues,
            int txQueues,
            int retaSize,
            int hashKeySize,
            long rssFlows,
            long txOffloads) {}

    /**
     * How to configure a port.
     *
     * @param rxQueues RX queues
     * @param txQueues TX queues
     * @param rxDescriptors entries wanted in each RX queue; the driver may change it
     * @param txDescriptors entries wanted in each TX queue; the driver may change it
     * @param mtu largest IP packet in bytes
     */
    public record Setup(int rxQueues, int txQueues, int rxDescriptors, int txDescriptors, int mtu) {}

    /** Counters since start. Frames; bytes without CRC; missed: lost for want of a descriptor or buffer. */
    public record Stats(
            long inPackets,
            long outPackets,
            long inBytes,
            long outBytes,
            long missed,
            long inErrors,
            long outErrors,
            long noMbuf) {}

    /**
     * State of the link.
     *
     * @param up whether it is up
     * @param megabits speed in Mbit/s; 0 or 4294967295 when unknown
     */
    public record Link(boolean up, long megabits) {}

    private EthPort(DpdkLibrary library, String name, int id) {
        this.library = library;
        this.layout = library.layout();
        this.name = name;
        this.id = id;
    }

    /**
     * The port of a device.
     *
     * @param device PCI address ({@code 0000:03:00.0}) or name of a vdev ({@code net_af_packet0}), without arguments
     * @throws DpdkException if EAL has no such port
     */
    public static EthPort find(Eal eal, String device) {
        DpdkLibrary library = eal.library();
        NativeFunction find = library.function("rte_eth_dev_get_port_by_name");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment id = arena.allocate(2, 2);
            int result = find.callInt(arena.allocateFrom(device).address(), id.address());
            if (result < 0) {
                throw library.failure(
                        find,
                        result,
                        "port of device " + device
                                + " (the driver's own lines come before this; a PCI device must be bound to"
                                + " vfio-pci, a driver outside the default directory needs eal.plugin-path)");
            }
            return new EthPort(library, device, id.get(ValueLayout.JAVA_SHORT, 0) & 0xffff);
        }
    }

    /** Number of ports that EAL found. */
    public static int count(Eal eal) {
        return eal.library().function("rte_eth_dev_count_avail").callInt() & 0xffff;
    }

    /** The port's number in DPDK. */
    public int id() {
        return id;
    }

    /** The device's name. */
    public String name() {
        return name;
    }

    /** What the driver can do. */
    public Info info() {
        try (Arena arena = Arena.ofConfined()) {
            return decode(rawInfo(arena).address());
        }
    }

    private MemorySegment rawInfo(Arena arena) {
        MemorySegment info = arena.allocate(layout.info().size(), 8);
        call("rte_eth_dev_info_get", info.address(), "capabilities of " + name);
        return info;
    }

    private Info decode(long info) {
        DpdkLayout.Info at = layout.info();
        int maxMtu = Memory.getShort(info, at.size(), at.maxMtu());
        long maxPacket = Memory.getInt(info, at.size(), at.maxRxPacket()) & 0xffffffffL;
        return new Info(
                DpdkLibrary.string(Memory.getLong(info, at.size(), at.driverName())),
                Memory.getInt(info, at.size(), at.ifIndex()),
                Memory.getShort(info, at.size(), at.minMtu()),
                mtuLimit(maxMtu, maxPacket),
                Memory.getShort(info, at.size(), at.maxRxQueues()),
                Memory.getShort(info, at.size(), at.maxTxQueues()),
                Memory.getShort(info, at.size(), at.rxQueues()),
                Memory.getShort(info, at.size(), at.txQueues()),
                Memory.getShort(info, at.size(), at.retaSize()),
                Memory.getByte(info, at.size(), at.hashKeySize()),
                Memory.getLong(info, at.size(), at.rssFlows()),
                Memory.getLong(info, at.size(), at.txOffloads()));
    }

    /** The MTU that rte_eth_dev_configure accepts at most, by its own rule. */
    private static int mtuLimit(int maxMtu, long maxPacket) {
        boolean known = maxMtu != 0xffff && maxPacket > maxMtu;
        long overhead = known ? maxPacket - maxMtu : 18;
        return Math.clamp(maxPacket - overhead, 0, maxMtu);
    }

    /**
     * Configures queues, RSS and MTU, and gives the RX queues their pool.
     *
     * @param rssKey Toeplitz key, at least as long as the driver's; empty: no RSS
     * @throws DpdkException if the driver refuses; the message names the port and what was asked
     */
    public void configure(Setup setup, byte[] rssKey, Mempool pool) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment raw = rawInfo(arena);
            Info info = decode(raw.address());
            long conf = conf(arena, setup, rssKey, info);
            String what = "configuring " + name + " with " + setup.rxQueues() + " RX and " + setup.txQueues()
                    + " TX queues and MTU " + setup.mtu() + " (driver " + info.driver() + ": " + info.maxRxQueues()
                    + ", " + info.maxTxQueues() + ", " + info.maxMtu() + ")";
            NativeFunction configure = library.function("rte_eth_dev_configure");
            check(configure, configure.callInt(id, setup.rxQueues(), setup.txQueues(), conf), what);
            setUpQueues(arena, setup, info, raw.address(), pool);
            setMtu(setup.mtu()); // also where DPDK has it already: the kernel interface behind may have another
        }
    }

    private long conf(Arena arena, Setup setup, byte[] rssKey, Info info) {
        DpdkLayout.Conf at = layout.conf();
        long conf = arena.allocate(at.size(), 8).address();
        Memory.setInt(conf, at.size(), at.rxMtu(), Math.max(info.minMtu(), Math.min(setup.mtu(), info.maxMtu())));
        Memory.setLong(conf, at.size(), at.txOffloads(), info.txOffloads() & TX_FAST_FREE);
        if (setup.rxQueues() > 1 && rssPossible(rssKey, info)) {
            int keyBytes = keyBytes(info);
            byte[] key = Arrays.copyOf(rssKey, keyBytes);
            MemorySegment nativeKey = arena.allocateFrom(ValueLayout.JAVA_BYTE, key);
            Memory.setInt(conf, at.size(), at.rxMultiQueue(), MQ_RSS);
            Memory.setLong(conf, at.size(), at.rssKey(), nativeKey.address());
            Memory.setByte(conf, at.size(), at.rssKeyLength(), keyBytes);
            Memory.setLong(conf, at.size(), at.rssFlows(), info.rssFlows() & (RSS_ADDRESSES | RSS_PORTS));
        }
        return conf;
    }

    private static boolean rssPossible(byte[] rssKey, Info info) {
        return (info.rssFlows() & RSS_PORTS) != 0 && rssKey.length >= keyBytes(info);
    }

    private static int keyBytes(Info info) {
        return info.hashKeySize() == 0 ? DEFAULT_KEY : info.hashKeySize();
    }

    private void setUpQueues(Arena arena, Setup setup, Info info, long raw, Mempool pool) {
        MemorySegment descriptors = arena.allocate(4, 2);
        descriptors.set(ValueLayout.JAVA_SHORT, 0, (short) setup.rxDescriptors());
        descriptors.set(ValueLayout.JAVA_SHORT, 2, (short) setup.txDescriptors());
        NativeFunction adjust = library.function("rte_eth_dev_adjust_nb_rx_tx_desc");
        int adjusted = adjust.callInt(id, descriptors.address(), descriptors.address() + 2);
        check(adjust, adjusted, "queue sizes of " + name);
        int rxSize = descriptors.get(ValueLayout.JAVA_SHORT, 0) & 0xffff;
        int txSize = descriptors.get(ValueLayout.JAVA_SHORT, 2) & 0xffff;
        long rxConf = raw + layout.info().defaultRxConf();
        long txConf = raw + layout.info().defaultTxConf();
        Memory.setLong(rxConf, layout.queue().rxSize(), layout.queue().rxOffloads(), 0);
        long fastFree = info.txOffloads() & TX_FAST_FREE;
        Memory.setLong(txConf, layout.queue().txSize(), layout.queue().txOffloads(), fastFree);
        NativeFunction rx = library.function("rte_eth_rx_queue_setup");
        NativeFunction tx = library.function("rte_eth_tx_queue_setup");
        int socket = library.function("rte_eth_dev_socket_id").callInt(id);
        for (int queue = 0; queue < setup.rxQueues(); queue++) {
            int result = rx.callInt(id, queue, rxSize, socket, rxConf, pool.address());
            check(rx, result, "RX queue " + queue + " of " + name + " with " + rxSize + " descriptors");
        }
        for (int queue = 0; queue < setup.txQueues(); queue++) {
            int result = tx.callInt(id, queue, txSize, socket, txConf);
            check(tx, result, "TX queue " + queue + " of " + name + " with " + txSize + " descriptors");
        }
    }

    /** Sets the MTU in bytes; a driver without the notion of an MTU (net_null, net_ring, net_pcap) passes any frame. */
    private void setMtu(int mtu) {
        NativeFunction set = library.function("rte_eth_dev_set_mtu");
        int result = set.callInt(id, mtu);
        if (result != -ENOTSUP) {
            check(set, result, "MTU " + mtu + " of " + name);
        }
    }

    /** The MTU in bytes as DPDK has it. */
    public int mtu() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mtu = arena.allocate(2, 2);
            call("rte_eth_dev_get_mtu", mtu.address(), "MTU of " + name);
            return mtu.get(ValueLayout.JAVA_SHORT, 0) & 0xffff;
        }
    }

    /**
     * Entries of the redirection table of a port that can spread TCP and UDP by a key of {@code keyBytes} and a table of
     * ours; 0 if it cannot, or its table is none that {@link #spread} writes.
     */
    public static int rssTable(Info info, int keyBytes) {
        int size = info.retaSize();
        boolean writable = size >= 64 && size <= MAX_RETA && Integer.bitCount(size) == 1;
        return writable && (info.rssFlows() & RSS_PORTS) != 0 && keyBytes >= keyBytes(info) ? size : 0;
    }

    /**
     * Makes hash value {@code h} go to RX queue {@code (h % size) % queues}.
     *
     * @param size entries of the table, as {@link #rssTable} says
     * @return whether the driver took it
     */
    public boolean spread(int size, int queues) {
        DpdkLayout.Reta at = layout.reta();
        try (Arena arena = Arena.ofConfined()) {
            long table = arena.allocate((long) at.size() * size / 64, 8).address();
            for (int i = 0; i < size; i++) {
                long group = table + (long) at.size() * (i / 64);
                Memory.setLong(group, at.size(), at.mask(), -1L);
                Memory.setShort(group, at.size(), at.queues() + i % 64 * 2L, i % queues);
            }
            return library.function("rte_eth_dev_rss_reta_update").callInt(id, table, size) == 0;
        }
    }

    /** Starts the port: queues run from here on. */
    public void start() {
        call("rte_eth_dev_start", 0, "starting " + name);
    }

    /** Stops the port; workers must not use its queues any more. */
    public void stop() {
        call("rte_eth_dev_stop", 0, "stopping " + name);
    }

    /** Closes a stopped port for good. */
    public void close() {
        call("rte_eth_dev_close", 0, "closing " + name);
    }

    /** The MAC address, six bytes. */
    public byte[] mac() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mac = arena.allocate(6);
            call("rte_eth_macaddr_get", mac.address(), "MAC address of " + name);
            return mac.toArray(ValueLayout.JAVA_BYTE);
        }
    }

    /** Sets the MAC address, six bytes. */
    public void mac(byte[] mac) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocateFrom(ValueLayout.JAVA_BYTE, mac);
            call("rte_eth_dev_default_mac_addr_set", address.address(), "setting the MAC address of " + name);
        }
    }

    /** Receives frames for any address, or not; false when the driver cannot. */
    public boolean promiscuous(boolean on) {
        return optional(on ? "rte_eth_promiscuous_enable" : "rte_eth_promiscuous_disable", "promiscuous mode");
    }

    /** Receives frames for any group address, or not; false when the driver cannot. */
    public boolean allMulticast(boolean on) {
        return optional(on ? "rte_eth_allmulticast_enable" : "rte_eth_allmulticast_disable", "multicast reception");
    }

    private boolean optional(String functionName, String what) {
        NativeFunction function = library.function(functionName);
        int result = function.callInt(id);
        if (result == -ENOTSUP) {
            return false;
        }
        check(function, result, what + " of " + name);
        return true;
    }

    /** State of the link now; does not wait for negotiation. */
    public Link link() {
        DpdkLayout.Link at = layout.link();
        try (Arena arena = Arena.ofConfined()) {
            long link = arena.allocate(at.size(), 8).address();
            call("rte_eth_link_get_nowait", link, "link of " + name);
            boolean up = (Memory.getShort(link, at.size(), at.flags()) & at.upMask()) != 0;
            return new Link(up, Memory.getInt(link, at.size(), at.speed()) & 0xffffffffL);
        }
    }

    /** The port's counters. */
    public Stats stats() {
        DpdkLayout.Stats at = layout.stats();
        try (Arena arena = Arena.ofConfined()) {
            long stats = arena.allocate(at.size(), 8).address();
            call("rte_eth_stats_get", stats, "counters of " + name);
            return new Stats(
                    Memory.getLong(stats, at.size(), at.inPackets()),
                    Memory.getLong(stats, at.size(), at.outPackets()),
                    Memory.getLong(stats, at.size(), at.inBytes()),
                    Memory.getLong(stats, at.size(), at.outBytes()),
                    Memory.getLong(stats, at.size(), at.missed()),
                    Memory.getLong(stats, at.size(), at.inErrors()),
                    Memory.getLong(stats, at.size(), at.outErrors()),
                    Memory.getLong(stats, at.size(), at.noMbuf()));
        }
    }

    /**
     * Queues for a worker.
     *
     * @param rx configured RX queue, or -1 to receive nothing
     * @param tx configured TX queue
     */
    public QueuePair queues(int rx, int tx) {
        return new QueuePair(operations(), layout.ops(), rx, tx);
    }

    /** Address of the port's {@code rte_eth_fp_ops}. */
    long operations() {
        return library.symbol("rte_eth_fp_ops").address()
                + (long) id * layout.ops().stride();
    }

    private void call(String functionName, long argument, String what) {
        NativeFunction function = library.function(functionName);
        check(function, function.callInt(id, argument), what);
    }

    private void check(NativeFunction function, int result, String what) {
        if (result < 0) {
            throw library.failure(function, result, what);
        }
    }
}
