package lvsd.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import lvsd.memory.Memory;
import lvsd.memory.NativeException;
import lvsd.memory.OffHeap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("privileged")
class TapTest {
    private static final byte[] MAC = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55};
    private static final byte[] PEER = {0x02, 0, 0, 0, 0, 9};
    private static final int ARP = 0x0806;
    private static final int IPV4 = 0x0800;

    @Test
    void shouldShowItsNameMacMtuCarrierAndAddressesToTheKernel() throws Exception {
        Privilege.inNewNetwork(() -> {
            try (Tap tap = Tap.open("lvsport0")) {
                assertThat(tap.name()).isEqualTo("lvsport0");
                tap.mac(MAC);
                tap.mtu(9000);
                tap.up(true);
                tap.addAddress(InetAddress.getByName("10.1.2.3"), 24);
                tap.addAddress(InetAddress.getByName("10.1.2.3"), 24);
                tap.addAddress(InetAddress.getByName("2001:db8::3"), 64);

                String shown = Privilege.run("ip", "addr", "show", "lvsport0");
                assertThat(shown)
                        .contains("mtu 9000", "UP", "02:11:22:33:44:55", "inet 10.1.2.3/24", "2001:db8::3/64")
                        .doesNotContain("tentative 2001");
                assertThat(tap.mac()).isEqualTo(MAC);
                assertThat(tap.mtu()).isEqualTo(9000);
                assertThat(tap.index()).isEqualTo(Interfaces.index("lvsport0"));

                assertThat(Interfaces.running("lvsport0")).isTrue();
                tap.carrier(false);
                assertThat(Privilege.run("ip", "link", "show", "lvsport0")).contains("NO-CARRIER");
                tap.carrier(true);

                tap.removeAddress(InetAddress.getByName("10.1.2.3"), 24);
                tap.removeAddress(InetAddress.getByName("10.1.2.3"), 24);
                assertThat(Privilege.run("ip", "addr", "show", "lvsport0")).doesNotContain("10.1.2.3");
                assertThat(Ethtool.driver("lvsport0")).isEqualTo("tun");
            }
            assertThat(Interfaces.exists("lvsport0")).isFalse();
            return null;
        });
    }

    @Test
    void shouldCarryFramesBothWays() throws Exception {
        Privilege.inNewNetwork(() -> {
            try (Tap tap = Tap.open("lvsport1");
                    OffHeap memory = OffHeap.map(4096, false, false)) {
                long frame = memory.address();
                tap.mac(MAC);
                tap.up(true);
                tap.addAddress(InetAddress.getByName("10.9.0.1"), 24);
                assertThat(drain(tap, memory, ARP)).isZero();

                try (DatagramSocket socket = new DatagramSocket(new InetSocketAddress("10.9.0.1", 7))) {
                    byte[] hello = "hello".getBytes(StandardCharsets.UTF_8);
                    socket.send(new DatagramPacket(hello, 5, new InetSocketAddress("10.9.0.2", 9)));
                    assertThat(tap.poll(1000)).isTrue();
                    assertThat(drain(tap, memory, ARP)).isEqualTo(42);
                    answerArp(frame);
                    assertThat(tap.write(frame, 42)).isEqualTo(42);
                    assertThat(tap.poll(1000)).isTrue();
                    int length = drain(tap, memory, IPV4);
                    assertThat(length).isEqualTo(14 + 28 + 5);
                    byte[] received = new byte[length];
                    Memory.copyOut(frame, received, 0, length);
                    assertThat(new String(received, 42, 5, StandardCharsets.UTF_8))
                            .isEqualTo("hello");
                    assertThat(Arrays.copyOf(received, 6)).isEqualTo(PEER);
                    assertThat(udpChecksumIsComplete(received)).isTrue();
                }
            }
            return null;
        });
    }

    @Test
    void shouldReturnErrorsOfReadAndWriteWithoutThrowing() throws Exception {
        Privilege.inNewNetwork(() -> {
            try (Tap tap = Tap.open("lvsport2");
                    OffHeap memory = OffHeap.map(4096, false, false)) {
                assertThat(tap.write(memory.address(), 60)).isEqualTo(-Errno.EIO);
                tap.up(true);
                assertThat(tap.write(memory.address(), 5)).isEqualTo(-Errno.EINVAL);
            }
            return null;
        });
    }

    @Test
    void shouldSayWhatIsWrongWhenTheNameIsTaken() throws Exception {
        Privilege.inNewNetwork(() -> {
            Tap first = Tap.open("lvsport3");
            assertThatThrownBy(() -> Tap.open("lvsport3"))
                    .isInstanceOf(NativeException.class)
                    .hasMessageContaining("lvsport3")
                    .hasMessageContaining("CAP_NET_ADMIN");
            first.close();
            first.close();
            assertThatThrownBy(() -> Tap.open("a-name-that-is-too-long"))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("15");
            return null;
        });
    }

    @Test
    void shouldSetRoutesAndOffloads() throws Exception {
        Privilege.inNewNetwork(() -> {
            Privilege.run("ip", "link", "add", "lvsdpdk-a", "type", "veth", "peer", "name", "lvsdpdk-b");
            assertThat(Ethtool.driver("lvsdpdk-a")).isEqualTo("veth");
            Ethtool.set("lvsdpdk-a", Ethtool.Feature.TX_CHECKSUM, false);
            assertThat(Ethtool.get("lvsdpdk-a", Ethtool.Feature.TX_CHECKSUM)).isFalse();
            assertThat(Privilege.run("ethtool", "-k", "lvsdpdk-a")).contains("tx-checksumming: off");

            Privilege.run("ip", "link", "set", "lvsdpdk-b", "up");
            Interfaces.up("lvsdpdk-a", true);
            Netlink.addAddress("lvsdpdk-a", InetAddress.getByName("10.8.0.1"), 24);
            InetAddress any = InetAddress.getByName("0.0.0.0");
            Netlink.addRoute(any, 0, InetAddress.getByName("10.8.0.254"), "lvsdpdk-a", 50);
            Netlink.addRoute(InetAddress.getByName("10.7.0.0"), 16, null, "lvsdpdk-a", 0);
            assertThat(Privilege.run("ip", "route"))
                    .contains("default via 10.8.0.254 dev lvsdpdk-a proto static metric 50")
                    .contains("10.7.0.0/16 dev lvsdpdk-a proto static scope link");
            Netlink.removeRoute(any, 0, InetAddress.getByName("10.8.0.254"), "lvsdpdk-a", 50);
            assertThat(Privilege.run("ip", "route")).doesNotContain("default");
            return null;
        });
    }

    /** Reads until a frame of the given EtherType, which stays at the start of the memory; 0 when there is none. */
    private static int drain(Tap tap, OffHeap memory, int etherType) {
        for (int length; (length = tap.read(memory.address(), 4096)) != 0; ) {
            assertThat(length).isPositive();
            if (Memory.getShortBe(memory.address(), 14, 12) == etherType) {
                return length;
            }
        }
        return 0;
    }

    private static void answerArp(long frame) {
        byte[] sender = new byte[10];
        Memory.copyOut(frame + 22, sender, 0, 10);
        Memory.setShortBe(frame, 42, 20, 2);
        Memory.copy(frame + 38, frame + 28, 4);
        Memory.copyIn(PEER, 0, frame + 22, 6);
        Memory.copyIn(sender, 0, frame + 32, 10);
        Memory.copyIn(MAC, 0, frame, 6);
        Memory.copyIn(PEER, 0, frame + 6, 6);
    }

    private static boolean udpChecksumIsComplete(byte[] frame) {
        int length = frame.length - 34;
        int sum = 17 + length;
        for (int i = 26; i < frame.length; i += 2) {
            int low = i + 1 < frame.length ? frame[i + 1] & 0xff : 0;
            sum += (frame[i] & 0xff) << 8 | low;
        }
        while (sum >> 16 != 0) {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        return sum == 0xffff;
    }
}
