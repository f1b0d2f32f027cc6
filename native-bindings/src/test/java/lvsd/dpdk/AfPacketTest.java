package lvsd.dpdk;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import lvsd.linux.Interfaces;
import lvsd.linux.Privilege;
import lvsd.memory.Memory;
import lvsd.memory.OffHeap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A port on one end of a veth pair; the kernel on the other. */
@Tag("privileged")
@Tag("eal")
class AfPacketTest {
    private static final String OURS = "lvsdpdk-p";
    private static final String THEIRS = "lvsdpdk-k";
    private static final int BURST = 32;
    private static final long DEADLINE_NANOS = 5_000_000_000L;

    @Test
    void shouldAnswerTheKernelOverAVethPair() throws Exception {
        Privilege.inNewNetwork(() -> {
            Privilege.run("ip", "link", "add", OURS, "type", "veth", "peer", "name", THEIRS);
            Privilege.run("ip", "link", "set", OURS, "up");
            Privilege.run("ip", "addr", "add", "10.6.0.1/24", "dev", THEIRS);
            Privilege.run("ip", "link", "set", THEIRS, "up");
            try (Eal eal = DpdkTests.eal("lvsd-test-afpacket", "net_af_packet0,iface=" + OURS);
                    OffHeap memory = OffHeap.map(4096, false, false)) {
                eal.registerThread();
                Mempool pool = Mempool.create(eal, "test", 2047, BURST, 2048);
                EthPort port = DpdkTests.start(eal, pool, "net_af_packet0");
                checkPort(port);
                pingFor(port.queues(0, 0), pool, port.mac(), memory.address());
                EthPort.Stats stats = port.stats();
                assertThat(stats.inPackets()).isGreaterThanOrEqualTo(3);
                assertThat(stats.outPackets()).isGreaterThanOrEqualTo(3);
                port.stop();
                port.close();
            }
            return null;
        });
    }

    private static void checkPort(EthPort port) {
        assertThat(port.mac()).isEqualTo(Interfaces.mac(OURS));
        assertThat(port.info().driver()).isEqualTo("net_af_packet");
        assertThat(port.info().ifIndex()).isEqualTo(Interfaces.index(OURS));
        assertThat(port.link().up()).isTrue();
        assertThat(port.mtu()).isEqualTo(1500);
        assertThat(Interfaces.mtu(OURS)).isEqualTo(1500);
        assertThat(port.promiscuous(true)).isTrue();
    }

    /** Answers ARP and echo requests for 10.6.0.2 by turning them round, until ping has its three replies. */
    private static void pingFor(QueuePair queues, Mempool pool, byte[] mac, long packets) throws Exception {
        Process ping = new ProcessBuilder("ping", "-c", "3", "-i", "0.05", "-W", "3", "10.6.0.2").start();
        long deadline = System.nanoTime() + DEADLINE_NANOS;
        int answered = 0;
        while (ping.isAlive() && System.nanoTime() < deadline) {
            int received = queues.receive(packets, BURST);
            for (int i = 0; i < received; i++) {
                long mbuf = Memory.getLong(packets, 8L * BURST, 8L * i);
                long slot = packets + 8L * i;
                if (!answer(mbuf, mac) || queues.transmit(slot, 1) != 1) {
                    pool.free(slot, 1);
                } else {
                    answered++;
                }
            }
            Thread.onSpinWait();
        }
        String output = new String(ping.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(output).contains("3 received");
        assertThat(ping.waitFor()).isZero();
        assertThat(answered).isGreaterThanOrEqualTo(4);
    }

    private static boolean answer(long mbuf, byte[] mac) {
        long frame = Mbuf.data(mbuf);
        if (Mbuf.dataLength(mbuf) < 42) {
            return false;
        }
        int type = Memory.getShortBe(frame, 42, 12);
        if (type == 0x0806 && Memory.getShortBe(frame, 42, 20) == 1) {
            byte[] target = bytes(frame + 38, 4);
            byte[] sender = bytes(frame + 28, 4);
            Memory.copy(frame + 22, frame + 32, 6);
            Memory.setShortBe(frame, 42, 20, 2);
            Memory.copyIn(mac, 0, frame + 22, 6);
            Memory.copyIn(target, 0, frame + 28, 4);
            Memory.copyIn(sender, 0, frame + 38, 4);
        } else if (type == 0x0800 && Memory.getByte(frame, 42, 23) == 1 && Memory.getByte(frame, 42, 34) == 8) {
            byte[] source = bytes(frame + 26, 4);
            Memory.copy(frame + 30, frame + 26, 4);
            Memory.copyIn(source, 0, frame + 30, 4);
            Memory.setByte(frame, 42, 34, 0);
            int sum = Memory.getShortBe(frame, 42, 36) + 0x0800;
            Memory.setShortBe(frame, 42, 36, (sum & 0xffff) + (sum >> 16));
        } else {
            return false;
        }
        Memory.copy(frame + 6, frame, 6);
        Memory.copyIn(mac, 0, frame + 6, 6);
        return true;
    }

    private static byte[] bytes(long address, int length) {
        byte[] bytes = new byte[length];
        Memory.copyOut(address, bytes, 0, length);
        return bytes;
    }
}
