package lvsd.dataplane.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.FutureTask;
import lvsd.dataplane.DataplaneControl;
import lvsd.dpdk.DpdkException;
import lvsd.dpdk.DpdkLibrary;
import lvsd.dpdk.Mbuf;
import lvsd.linux.Privilege;
import lvsd.memory.Memory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Two workers over net_null and net_ring, which have queues for both, and net_pcap, which has one. */
@Tag("privileged")
@Tag("eal")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DpdkPortsTest {
    private static final int NULL_PORT = 0;
    private static final int RING_PORT = 1;
    private static final int FILE_PORT = 2;
    private static final int FRAME = 60;
    private static final int SENDS = 400;

    @SuppressWarnings("NullAway.Init") // set by JUnit
    @TempDir
    static Path directory;

    @SuppressWarnings("NullAway.Init") // set in open
    private DpdkPorts ports;

    private final long[] packets = new long[200];

    @BeforeAll
    void open() throws Exception {
        Privilege.requireRoot();
        try {
            DpdkLibrary.load(Optional.empty());
        } catch (DpdkException missing) {
            Privilege.require(false, String.valueOf(missing.getMessage()));
        }
        Path in = Files.write(directory.resolve("in.pcap"), emptyCapture());
        String files = "net_pcap0,rx_pcap=" + in + ",tx_pcap=" + directory.resolve("out.pcap");
        ports = DpdkPorts.open(Configs.daemon(2, false, List.of(), "net_null0,copy=1,size=60", "net_ring0", files));
        ports.start();
        ports.registerThread();
    }

    @AfterAll
    void close() {
        if (ports != null) {
            ports.close();
        }
    }

    @Test
    void shouldShowPortsAsConfigured() {
        List<DataplaneControl.PortView> views = ports.views();
        assertThat(views).extracting(DataplaneControl.PortView::name).containsExactly("p0", "p1", "p2");
        assertThat(views.get(1).device()).isEqualTo("net_ring0");
        assertThat(views.get(1).mtu()).isEqualTo(1500);
        assertThat(views.get(1).linkUp()).isTrue();
        assertThat(views.get(1).mac()).isEqualTo("02:00:00:00:00:01");
        assertThat(ports.mac(1)).containsExactly(2, 0, 0, 0, 0, 1);
        assertThat(ports.driver(0)).isEqualTo("net_null");
        assertThat(ports.version()).startsWith("DPDK ");
        assertThat(ports.rss()).as("vdevs spread as they like").isNull();
    }

    @Test
    void shouldGiveEachWorkerAQueueWhereThereAreEnough() {
        assertThat(ports.rxQueues(NULL_PORT)).isEqualTo(2);
        assertThat(ports.rxQueues(RING_PORT)).isEqualTo(2);
        try (DpdkIo first = ports.io(0);
                DpdkIo second = ports.io(1)) {
            for (DpdkIo io : List.of(first, second)) {
                assertThat(io.ports()).isEqualTo(3);
                int received = io.receive(NULL_PORT, packets);
                assertThat(received).isEqualTo(PacketIo.BURST);
                assertThat(Mbuf.packetLength(packets[63])).isEqualTo(60);
                io.free(packets, received);
            }
        }
    }

    @Test
    void shouldLetWorkersShareTheOneQueueOfADriver() throws Exception {
        try (DpdkIo first = ports.io(0);
                DpdkIo second = ports.io(1)) {
            int free = ports.freeMbufs();
            FutureTask<Integer> other = new FutureTask<>(() -> {
                ports.registerThread();
                int sent = sendMany(second, new long[PacketIo.BURST]);
                ports.unregisterThread();
                return sent;
            });
            Thread thread = new Thread(other);
            thread.start();
            int sent = sendMany(first, new long[PacketIo.BURST]);
            assertThat(sent + other.get()).isEqualTo(2 * SENDS);
            assertThat(ports.rxQueues(FILE_PORT)).isEqualTo(1);
            assertThat(second.receive(FILE_PORT, packets)).isZero();
            assertThat(ports.views().get(FILE_PORT).outPackets()).isEqualTo(2 * SENDS);
            assertThat(ports.views().get(FILE_PORT).outBytes()).isEqualTo(2L * SENDS * FRAME);
            assertThat(ports.freeMbufs()).isGreaterThan(free - 2 * 64);
        }
    }

    private static int sendMany(DpdkIo io, long[] burst) {
        int sent = 0;
        for (int i = 0; i < SENDS; i++) {
            burst[0] = io.allocate();
            Mbuf.setLength(burst[0], FRAME);
            sent += io.transmit(FILE_PORT, burst, 1);
        }
        return sent;
    }

    @Test
    void shouldSendMoreThanOneBurstInOrder() {
        try (DpdkIo io = ports.io(1)) {
            for (int i = 0; i < packets.length; i++) {
                packets[i] = io.allocate();
                Mbuf.setLength(packets[i], 60);
                Memory.setInt(Mbuf.data(packets[i]), 60, 0, i);
            }
            assertThat(io.transmit(RING_PORT, packets, packets.length)).isEqualTo(packets.length);
            long[] into = new long[PacketIo.BURST];
            int seen = 0;
            for (int count; (count = io.receive(RING_PORT, into)) > 0; ) {
                for (int i = 0; i < count; i++) {
                    assertThat(Memory.getInt(Mbuf.data(into[i]), 60, 0)).isEqualTo(seen++);
                }
                io.free(into, count);
            }
            assertThat(seen).isEqualTo(packets.length);
        }
    }

    @Test
    void shouldAllocateEmptyPacketsUntilThePoolIsEmpty() {
        int free = ports.freeMbufs();
        List<Long> taken = new ArrayList<>();
        try (DpdkIo io = ports.io(0)) {
            for (long packet; (packet = io.allocate()) != 0; ) {
                assertThat(Mbuf.packetLength(packet)).isZero();
                assertThat(Mbuf.headroom(packet)).isEqualTo(128);
                assertThat(Mbuf.segments(packet)).isEqualTo(1);
                taken.add(packet);
            }
            // What threads have in their caches cannot be had by others.
            assertThat(taken.size()).isBetween(free - 2 * 384, free);
            taken.forEach(io::free);
        }
        assertThat(ports.freeMbufs()).isEqualTo(free);
    }

    private static byte[] emptyCapture() {
        return HexFormat.of().parseHex("a1b2c3d400020004" + "0000000000000000" + "0000ffff00000001");
    }
}
