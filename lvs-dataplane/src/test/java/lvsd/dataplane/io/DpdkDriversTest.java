package lvsd.dataplane.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import lvsd.config.DaemonConfig;
import lvsd.dpdk.DpdkException;
import lvsd.dpdk.DpdkLibrary;
import lvsd.dpdk.Mbuf;
import lvsd.linux.Interfaces;
import lvsd.linux.Privilege;
import lvsd.memory.Memory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Drivers beyond those of the other tests: net_tap, and net_bonding made by EAL arguments over a memory-only port. */
@Tag("privileged")
@Tag("eal")
class DpdkDriversTest {
    private static final String TAP = "lvsdrv-tap";
    private static final int FRAMES = 20;
    private static final int FRAME = 60;
    private static final long DEADLINE_NANOS = 5_000_000_000L;

    private final long[] burst = new long[PacketIo.BURST];

    @Test
    void shouldRunOverATapAndABond() throws Exception {
        Privilege.inNewNetwork(() -> {
            try {
                DpdkLibrary.load(Optional.empty());
            } catch (DpdkException missing) {
                Privilege.require(false, String.valueOf(missing.getMessage()));
            }
            Privilege.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1");
            Privilege.run("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1");
            DaemonConfig config = Configs.daemon(
                    1,
                    false,
                    List.of("--vdev=net_null7,copy=1,size=60", "--vdev=net_bonding0,mode=1,slave=net_null7"),
                    "net_tap0,iface=" + TAP,
                    "net_bonding0");
            try (DpdkPorts ports = DpdkPorts.open(config)) {
                ports.start();
                ports.registerThread();
                try (DpdkIo io = ports.io(0)) {
                    tap(ports, io);
                    bond(ports, io);
                }
                ports.unregisterThread();
            }
            assertThat(Interfaces.exists(TAP)).isFalse();
            return null;
        });
    }

    private void tap(DpdkPorts ports, DpdkIo io) throws Exception {
        assertThat(ports.driver(0)).isEqualTo("net_tap");
        assertThat(ports.mac(0)).isEqualTo(Interfaces.mac(TAP));
        send(io, 0);
        String shown = Privilege.run("ip", "-s", "-j", "link", "show", TAP);
        assertThat(shown).containsPattern("\"rx\":\\{\"bytes\":\\d+,\"packets\":" + FRAMES + ",");

        Privilege.run("ip", "addr", "add", "10.7.0.1/24", "dev", TAP);
        Privilege.run("ip", "neigh", "replace", "10.7.0.2", "lladdr", "02:00:00:00:00:02", "dev", TAP);
        Process ping = new ProcessBuilder("ping", "-q", "-c", "3", "-i", "0.01", "-W", "0.1", "10.7.0.2").start();
        int requests = 0;
        long deadline = System.nanoTime() + DEADLINE_NANOS;
        while (requests < 3 && System.nanoTime() < deadline) {
            int count = io.receive(0, burst);
            for (int i = 0; i < count; i++) {
                requests += Memory.getShortBe(Mbuf.data(burst[i]), FRAME, 12) == 0x0800 ? 1 : 0;
            }
            io.free(burst, count);
        }
        ping.waitFor();
        assertThat(requests).isEqualTo(3);
    }

    private void bond(DpdkPorts ports, DpdkIo io) {
        assertThat(ports.driver(1)).isEqualTo("net_bonding");
        int count = io.receive(1, burst);
        assertThat(count).isPositive();
        assertThat(Mbuf.packetLength(burst[0])).isEqualTo(FRAME);
        io.free(burst, count);
        send(io, 1);
        assertThat(ports.views().get(1).outPackets()).isEqualTo(FRAMES);
        assertThat(ports.link(1).up()).isTrue();
    }

    private void send(DpdkIo io, int port) {
        for (int i = 0; i < FRAMES; i++) {
            burst[i] = io.allocate();
            Mbuf.setLength(burst[i], FRAME);
            Memory.fill(Mbuf.data(burst[i]), FRAME, 0xff);
            Memory.setShortBe(Mbuf.data(burst[i]), FRAME, 12, 0x88b5);
        }
        assertThat(io.transmit(port, burst, FRAMES)).isEqualTo(FRAMES);
    }
}
