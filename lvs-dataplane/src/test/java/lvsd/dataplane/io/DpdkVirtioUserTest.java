package lvsd.dataplane.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import lvsd.config.DaemonConfig;
import lvsd.dpdk.DpdkException;
import lvsd.dpdk.DpdkLibrary;
import lvsd.dpdk.Mbuf;
import lvsd.linux.Privilege;
import lvsd.memory.Memory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A virtio-user port whose other end is testpmd's vhost-user port, which swaps the MACs of what it gets and sends it back. */
@Tag("privileged")
@Tag("eal")
class DpdkVirtioUserTest {
    private static final String TESTPMD = "/usr/bin/dpdk-testpmd";
    private static final int FRAMES = 20;
    private static final int FRAME = 60;
    private static final Duration SOON = Duration.ofSeconds(60);

    @TempDir
    Path directory;

    private final long[] burst = new long[PacketIo.BURST];

    @Test
    void shouldCarryFramesBothWays() throws Exception {
        Privilege.requireRoot();
        Privilege.require(Files.isExecutable(Path.of(TESTPMD)), "needs " + TESTPMD);
        try {
            DpdkLibrary.load(Optional.empty());
        } catch (DpdkException missing) {
            Privilege.require(false, String.valueOf(missing.getMessage()));
        }
        Path socket = directory.resolve("vhost");
        Process peer = peer(socket);
        try {
            await(peer, () -> Files.exists(socket));
            DaemonConfig config = Configs.daemon(
                    1, true, List.of("--in-memory", "--single-file-segments"), "net_virtio_user0,path=" + socket);
            try (DpdkPorts ports = DpdkPorts.open(config)) {
                ports.start();
                ports.registerThread();
                try (DpdkIo io = ports.io(0)) {
                    assertThat(ports.driver(0)).isEqualTo("net_virtio_user");
                    exchange(peer, io);
                }
                ports.unregisterThread();
            }
        } finally {
            peer.destroyForcibly().waitFor();
        }
    }

    private Process peer(Path socket) throws Exception {
        return new ProcessBuilder(
                        TESTPMD,
                        "--lcores=0@0,1@0",
                        "--no-pci",
                        "--in-memory",
                        "--single-file-segments",
                        "-m32",
                        "--file-prefix=lvsd-test-vhost",
                        "--vdev=net_vhost0,iface=" + socket,
                        "--",
                        "--forward-mode=macswap",
                        "--auto-start",
                        "--total-num-mbufs=2048",
                        "--no-lsc-interrupt")
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("testpmd.log").toFile())
                .start();
    }

    private void exchange(Process peer, DpdkIo io) throws Exception {
        int[] back = {0};
        // What is sent before both ends have agreed on their rings is lost, so all is sent until something comes back.
        await(peer, () -> {
            if (back[0] == 0) {
                send(io);
            }
            back[0] += received(io);
            return back[0] >= FRAMES;
        });
    }

    private void send(DpdkIo io) {
        for (int i = 0; i < FRAMES; i++) {
            burst[i] = io.allocate();
            Mbuf.setLength(burst[i], FRAME);
            long data = Mbuf.data(burst[i]);
            Memory.fill(data, FRAME, 0xa5);
            Memory.setLongBe(data, FRAME, 0, 0x0200_0000_0001_0200L);
            Memory.setIntBe(data, FRAME, 8, 0x0000_0002);
            Memory.setShortBe(data, FRAME, 12, 0x88b5);
        }
        int sent = io.transmit(0, burst, FRAMES);
        for (int i = sent; i < FRAMES; i++) {
            io.free(new long[] {burst[i]}, 1);
        }
    }

    /** How many came that are ours, the MACs swapped. */
    private int received(DpdkIo io) {
        int count = io.receive(0, burst);
        int ours = 0;
        for (int i = 0; i < count; i++) {
            long data = Mbuf.data(burst[i]);
            ours += Mbuf.packetLength(burst[i]) == FRAME
                            && Memory.getShortBe(data, FRAME, 12) == 0x88b5
                            && Memory.getLongBe(data, FRAME, 0) == 0x0200_0000_0002_0200L
                            && Memory.getIntBe(data, FRAME, 8) == 0x0000_0001
                    ? 1
                    : 0;
        }
        io.free(burst, count);
        return ours;
    }

    private void await(Process peer, BooleanSupplier condition) throws Exception {
        long end = System.nanoTime() + SOON.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end || !peer.isAlive()) {
                throw new AssertionError("testpmd: " + Files.readString(directory.resolve("testpmd.log")));
            }
            Thread.sleep(1);
        }
    }
}
