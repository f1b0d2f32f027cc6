package lvsd.dpdk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import lvsd.memory.Memory;
import lvsd.memory.OffHeap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

@Tag("privileged")
@Tag("eal")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EalTest {
    private static final int MBUFS = 1023;
    private static final int BURST = 32;

    @SuppressWarnings("NullAway.Init") // set by JUnit
    @TempDir
    static Path directory;

    @SuppressWarnings("NullAway.Init") // set in open
    private Eal eal;

    @SuppressWarnings("NullAway.Init") // set in open
    private Mempool pool;

    private final OffHeap memory = OffHeap.map(4096, false, false);
    private final long packets = memory.address();

    @BeforeAll
    void open() throws Exception {
        DpdkLibrary library = DpdkTests.library();
        Eal.logTo(library, directory.resolve("dpdk.log"));
        eal = DpdkTests.eal(
                "lvsd-test-eal",
                "net_null0,copy=1,size=60",
                "net_null1",
                "net_ring0",
                "net_pcap0,rx_pcap=" + pcap(3) + ",tx_pcap=" + directory.resolve("out.pcap"),
                "net_pcap1,rx_pcap=" + pcap(5) + ",infinite_rx=1");
        eal.registerThread();
        pool = Mempool.create(eal, "test", MBUFS, BURST, 2048);
    }

    @AfterAll
    void close() throws IOException {
        if (eal != null) {
            eal.close();
            assertThat(Files.exists(Path.of("/var/run/dpdk/lvsd-test-eal"))).isFalse();
        }
    }

    @Test
    void shouldFindEveryStructureWhereTheLayoutSays() {
        int before = pool.available();
        List<Check> checks = DpdkAbi.checks(eal, pool);
        assertThat(checks).isNotEmpty().allMatch(Check::ok);
        assertThat(pool.available()).isEqualTo(before);
        DpdkAbi.verify(eal, pool);
    }

    @Test
    void shouldKnowItsVersion() {
        assertThat(eal.library().version())
                .startsWith("DPDK " + eal.library().layout().release());
    }

    @Test
    void shouldRefuseASecondEnvironment() {
        assertThatThrownBy(() -> Eal.init(eal.library(), List.of()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("once a process");
    }

    @Test
    void shouldNameFunctionCodeAndTextOfAnError() {
        assertThatThrownBy(() -> EthPort.find(eal, "net_null9"))
                .isInstanceOfSatisfying(DpdkException.class, failure -> {
                    assertThat(failure.function()).isEqualTo("rte_eth_dev_get_port_by_name");
                    assertThat(failure.code()).isEqualTo(19);
                })
                .hasMessageContaining("net_null9")
                .hasMessageContaining("No such device (19)");
        assertThatThrownBy(() -> Mempool.create(eal, "huge", 10_000_000, BURST, 2048))
                .isInstanceOf(DpdkException.class)
                .hasMessageContaining("rte_pktmbuf_pool_create: Cannot allocate memory (12)")
                .hasMessageContaining("eal.memory");
    }

    @Test
    void shouldReceiveSendAndFreeWithoutLosingMbufs() {
        EthPort port = DpdkTests.start(eal, pool, "net_null0");
        QueuePair queues = port.queues(0, 0);
        int before = pool.available();
        for (int i = 0; i < 100; i++) {
            assertThat(queues.receive(packets, BURST)).isEqualTo(BURST);
            long first = Memory.getLong(packets, 8, 0);
            assertThat(Mbuf.packetLength(first)).isEqualTo(60);
            assertThat(Mbuf.port(first)).isEqualTo(port.id());
            assertThat(Mbuf.headroom(first)).isEqualTo(Mempool.HEADROOM);
            assertThat(queues.transmit(packets, BURST / 2)).isEqualTo(BURST / 2);
            pool.free(packets + 8L * (BURST / 2), BURST / 2);
        }
        assertThat(pool.available()).isEqualTo(before);
        assertThat(port.stats().inPackets()).isEqualTo(100 * BURST);
        assertThat(port.stats().outPackets()).isEqualTo(100 * BURST / 2);
        assertThat(port.info().driver()).isEqualTo("net_null");
        assertThat(port.info().maxRxQueues()).isGreaterThan(1);
        port.stop();
        port.close();
    }

    @Test
    void shouldReceiveNothingOnAQueueThatIsNotThere() {
        EthPort port = DpdkTests.start(eal, pool, "net_null1");
        assertThat(port.queues(-1, 0).receive(packets, BURST)).isZero();
        port.stop();
        port.close();
    }

    @Test
    void shouldCarryBytesAndLengthsThroughARing() {
        EthPort port = DpdkTests.start(eal, pool, "net_ring0");
        QueuePair queues = port.queues(0, 0);
        assertThat(pool.dequeue(packets, 2)).isTrue();
        for (int i = 0; i < 2; i++) {
            long mbuf = Memory.getLong(packets, 16, 8L * i);
            Mbuf.reset(mbuf);
            Mbuf.setLength(mbuf, 60 + i);
            Memory.setByte(Mbuf.data(mbuf), 60, 59, 0x77 + i);
        }
        long second = Memory.getLong(packets, 16, 8);
        assertThat(queues.transmit(packets, 2)).isEqualTo(2);
        assertThat(queues.receive(packets + 64, BURST)).isEqualTo(2);
        assertThat(Memory.getLong(packets + 64, 16, 8)).isEqualTo(second);
        assertThat(Mbuf.dataLength(second)).isEqualTo(61);
        assertThat(Memory.getByte(Mbuf.data(second), 60, 59)).isEqualTo(0x78);
        pool.free(packets + 64, 2);
        port.stop();
        port.close();
    }

    @Test
    void shouldReadAndWriteCaptureFiles() throws IOException {
        EthPort port = DpdkTests.start(eal, pool, "net_pcap0");
        QueuePair queues = port.queues(0, 0);
        assertThat(queues.receive(packets, BURST)).isEqualTo(3);
        long third = Memory.getLong(packets, 24, 16);
        assertThat(Mbuf.packetLength(third)).isEqualTo(62);
        assertThat(Memory.getByte(Mbuf.data(third), 1, 0)).isEqualTo(2);
        assertThat(queues.transmit(packets, 3)).isEqualTo(3);
        assertThat(queues.receive(packets, BURST)).isZero();
        EthPort.Stats stats = port.stats();
        assertThat(stats).isEqualTo(new EthPort.Stats(3, 3, 60 + 61 + 62, 60 + 61 + 62, 0, 0, 0, 0));
        port.stop();
        port.close();
        assertThat(Files.size(directory.resolve("out.pcap"))).isEqualTo(24 + 3 * 16 + 60 + 61 + 62);
    }

    @Test
    void shouldRepeatACaptureWithoutEnd() {
        EthPort port = DpdkTests.start(eal, pool, "net_pcap1");
        QueuePair queues = port.queues(0, 0);
        int before = pool.available();
        for (int i = 0; i < 1000; i++) {
            int received = queues.receive(packets, BURST);
            assertThat(received).isPositive();
            int sent = queues.transmit(packets, received);
            pool.free(packets + 8L * sent, received - sent);
        }
        assertThat(pool.available()).isEqualTo(before);
        port.stop();
        port.close();
    }

    @Test
    void shouldGiveAllMbufsButNoMore() {
        OffHeap all = OffHeap.map(MBUFS * 8L, false, false);
        eal.unregisterThread(); // so that no mbuf hides in this thread's cache
        eal.registerThread();
        int free = pool.available();
        int taken = 0;
        while (pool.dequeue(all.address() + 8L * taken, 1)) {
            taken++;
        }
        assertThat(taken).isGreaterThan(free - 2 * BURST);
        pool.free(all.address(), taken);
        assertThat(pool.available()).isEqualTo(free);
        all.close();
    }

    /** A capture file of {@code frames} frames of 60, 61, ... bytes that begin with their number. */
    private static Path pcap(int frames) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        for (int word : new int[] {0xa1b2c3d4, 0x00020004, 0, 0, 65535, 1}) {
            out.writeInt(word);
        }
        for (int i = 0; i < frames; i++) {
            for (int word : new int[] {0, i, 60 + i, 60 + i}) {
                out.writeInt(word);
            }
            byte[] frame = new byte[60 + i];
            frame[0] = (byte) i;
            out.write(frame);
        }
        return Files.write(directory.resolve("in" + frames + ".pcap"), bytes.toByteArray());
    }
}
