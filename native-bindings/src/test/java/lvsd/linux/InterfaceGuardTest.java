package lvsd.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import lvsd.memory.NativeException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("privileged")
class InterfaceGuardTest {
    private static final String OURS = "lvsdguard-p";
    private static final String THEIRS = "lvsdguard-k";
    private static final String PING = "ping -c 1 -W 1 10.5.0.1";

    @Test
    void shouldStopThePeersSegmentationOffloadAndPutEverythingBack() throws Exception {
        Privilege.inNewNetwork(() -> {
            Privilege.run("ip", "link", "add", OURS, "type", "veth", "peer", "name", THEIRS);
            Privilege.run("ip", "link", "set", THEIRS, "up");
            assertThat(Ethtool.get(THEIRS, Ethtool.Feature.TSO)).isTrue();
            String before = Privilege.run("ethtool", "-k", OURS) + Privilege.run("ethtool", "-k", THEIRS);

            try (InterfaceGuard guard = InterfaceGuard.take(OURS, true, false)) {
                assertThat(guard.warnings()).isEmpty();
                assertThat(Interfaces.up(OURS)).isTrue();
                assertThat(Ethtool.get(THEIRS, Ethtool.Feature.TSO)).isFalse();
                assertThat(Ethtool.get(OURS, Ethtool.Feature.GRO)).isFalse();
            }
            assertThat(Interfaces.up(OURS)).isFalse();
            assertThat(Privilege.run("ethtool", "-k", OURS) + Privilege.run("ethtool", "-k", THEIRS))
                    .isEqualTo(before);
            return null;
        });
    }

    @Test
    void shouldKeepTheKernelFromAnsweringOnAnInterfaceThatIsOurs() throws Exception {
        Privilege.inNewNetwork(() -> {
            Process peer = new ProcessBuilder("unshare", "-n", "sleep", "60").start();
            try {
                String pid = Long.toString(peer.pid());
                awaitOwnNetwork(pid);
                Privilege.run("ip", "link", "add", OURS, "type", "veth", "peer", "name", THEIRS, "netns", pid);
                Privilege.run("ip", "link", "set", OURS, "up");
                Privilege.run("ip", "addr", "add", "10.5.0.1/24", "dev", OURS);
                in(pid, "ip", "addr", "add", "10.5.0.2/24", "dev", THEIRS);
                in(pid, "ip", "link", "set", THEIRS, "up");

                assertThat(in(pid, PING)).contains(" 1 received");
                try (InterfaceGuard guard = InterfaceGuard.take(OURS, true, false)) {
                    assertThat(guard.warnings()).isEmpty();
                    assertThat(in(pid, PING)).contains(" 0 received");
                    assertThat(in(pid, "ethtool", "-k", THEIRS)).contains("tcp-segmentation-offload: off");
                }
                try (InterfaceGuard guard = InterfaceGuard.take(OURS, false, false)) {
                    assertThat(guard.warnings()).isEmpty();
                    assertThat(in(pid, PING)).contains(" 1 received");
                }
                assertThat(in(pid, "ethtool", "-k", THEIRS)).contains("tcp-segmentation-offload: on");
            } finally {
                peer.destroy();
                peer.waitFor();
            }
            return null;
        });
    }

    @Test
    void shouldNameAnInterfaceThatIsNotThere() throws Exception {
        Privilege.inNewNetwork(() -> {
            assertThatThrownBy(() -> InterfaceGuard.take("lvsdnone", true, false))
                    .isInstanceOf(NativeException.class)
                    .hasMessageContaining("lvsdnone");
            return null;
        });
    }

    private static void awaitOwnNetwork(String pid) throws Exception {
        String ours = Privilege.run("readlink", "/proc/self/ns/net");
        for (int i = 0; Privilege.run("readlink", "/proc/" + pid + "/ns/net").equals(ours); i++) {
            assertThat(i).as("looks at the namespace of " + pid).isLessThan(1000);
        }
    }

    /** What a command in the peer's namespace prints; ping may fail. */
    private static String in(String pid, String... command) throws Exception {
        return Privilege.run("nsenter", "-t", pid, "-n", "sh", "-c", String.join(" ", command) + " || true");
    }
}
