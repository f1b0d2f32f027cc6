package lvsd.dataplane.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import lvsd.config.DaemonConfig;
import lvsd.dataplane.DataplaneControl;
import lvsd.dpdk.DpdkException;
import lvsd.dpdk.DpdkLibrary;
import lvsd.dpdk.Mbuf;
import lvsd.linux.Ethtool;
import lvsd.linux.Interfaces;
import lvsd.linux.Privilege;
import lvsd.memory.Memory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Two workers on one net_af_packet port over a veth pair. */
@Tag("privileged")
@Tag("eal")
class DpdkPortsVethTest {
    private static final String OURS = "lvsdpdk-p";
    private static final String THEIRS = "lvsdpdk-k";
    private static final int FRAMES = 40;
    private static final long DEADLINE_NANOS = 5_000_000_000L;

    private final long[] burst = new long[PacketIo.BURST];

    @Test
    void shouldReceiveEveryFrameOnceAndSendFromBothWorkers() throws Exception {
        Privilege.inNewNetwork(() -> {
            try {
                DpdkLibrary.load(Optional.empty());
            } catch (DpdkException missing) {
                Privilege.require(false, String.valueOf(missing.getMessage()));
            }
            Privilege.run("ip", "link", "add", OURS, "mtu", "1400", "type", "veth", "peer", "name", THEIRS);
            Privilege.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1");
            Privilege.run("ip", "link", "set", THEIRS, "up");
            DaemonConfig config = Configs.daemon(2, false, List.of(), "net_af_packet0,iface=" + OURS);
            try (DpdkPorts ports = DpdkPorts.open(config)) {
                ports.start();
                assertThat(Ethtool.get(THEIRS, Ethtool.Feature.TSO)).isFalse();
                assertThat(Interfaces.mtu(OURS)).isEqualTo(1500);
                assertThat(ports.mac(0)).isEqualTo(Interfaces.mac(OURS));
                ports.registerThread();
                exchange(ports);
                ports.unregisterThread();
            }
            assertThat(Ethtool.get(THEIRS, Ethtool.Feature.TSO)).isTrue();
            assertThat(Interfaces.up(OURS)).isFalse();
            assertThat(Interfaces.mtu(OURS)).isEqualTo(1400);
            assertThat(Privilege.run("ip", "link", "show", OURS)).doesNotContain("PROMISC");
            return null;
        });
    }

    private void exchange(DpdkPorts ports) throws Exception {
        int free = ports.freeMbufs();
        try (DpdkIo first = ports.io(0);
                DpdkIo second = ports.io(1)) {
            for (DpdkIo io : List.of(first, second)) {
                for (int i = 0; i < FRAMES; i++) {
                    burst[i] = frame(io);
                }
                assertThat(io.transmit(0, burst, FRAMES)).isEqualTo(FRAMES);
            }
            assertThat(received(THEIRS)).isEqualTo(2 * FRAMES);

            // A static neighbour, so that the kernel sends each datagram at once and only once.
            Privilege.run("ip", "addr", "add", "10.4.0.1/24", "dev", THEIRS);
            Privilege.run("ip", "neigh", "add", "10.4.0.2", "lladdr", "02:00:00:00:00:02", "dev", THEIRS);
            Privilege.run("ping", "-q", "-f", "-c", Integer.toString(FRAMES), "-W", "0.1", "10.4.0.2");
        } catch (AssertionError unanswered) {
            assertThat(unanswered).hasMessageContaining(FRAMES + " packets transmitted, 0 received");
        }
        countEchoRequests(ports);
        assertThat(ports.freeMbufs()).isEqualTo(free);
    }

    private void countEchoRequests(DpdkPorts ports) {
        int requests = 0;
        try (DpdkIo first = ports.io(0);
                DpdkIo second = ports.io(1)) {
            long deadline = System.nanoTime() + DEADLINE_NANOS;
            while (requests < FRAMES && System.nanoTime() < deadline) {
                for (DpdkIo io : List.of(first, second)) {
                    int count = io.receive(0, burst);
                    for (int i = 0; i < count; i++) {
                        long data = Mbuf.data(burst[i]);
                        requests += Memory.getShortBe(data, 60, 12) == 0x0800 ? 1 : 0;
                    }
                    io.free(burst, count);
                }
            }
        }
        assertThat(requests).isEqualTo(FRAMES);
        DataplaneControl.PortView view = ports.views().getFirst();
        assertThat(view.inPackets()).isGreaterThanOrEqualTo(FRAMES);
        assertThat(view.outPackets()).isEqualTo(2 * FRAMES);
        assertThat(view.linkUp()).isTrue();
    }

    private static long frame(DpdkIo io) {
        long packet = io.allocate();
        Mbuf.setLength(packet, 60);
        Memory.fill(Mbuf.data(packet), 60, 0xff);
        Memory.setShortBe(Mbuf.data(packet), 60, 12, 0x88b5);
        return packet;
    }

    private static long received(String name) throws Exception {
        String statistics = Privilege.run("ip", "-s", "-j", "link", "show", name);
        return Long.parseLong(statistics.replaceAll("(?s).*\"rx\":\\{\"bytes\":\\d+,\"packets\":(\\d+).*", "$1"));
    }
}
