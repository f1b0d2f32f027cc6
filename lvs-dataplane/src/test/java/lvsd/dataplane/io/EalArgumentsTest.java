package lvsd.dataplane.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.List;
import lvsd.config.DaemonConfig;
import org.junit.jupiter.api.Test;

class EalArgumentsTest {
    @Test
    void shouldAskForNothingOutsideTheProcessWithoutHugepages() {
        assertThat(arguments(Configs.daemon(1, false, List.of(), "net_null0")))
                .containsExactly(
                        "--no-huge",
                        "--no-shconf",
                        "-m",
                        "64",
                        "--file-prefix",
                        "lvsd-test-ports",
                        "--lcores=0@(0,3)",
                        "--no-telemetry",
                        "--log-level=warning",
                        "--no-pci",
                        "--vdev=net_null0");
    }

    @Test
    void shouldKeepHugepagesInMemory() {
        assertThat(arguments(Configs.daemon(1, true, List.of(), "net_null0")))
                .contains("--in-memory")
                .doesNotContain("--no-huge", "--single-file-segments");
        assertThat(arguments(Configs.daemon(1, true, List.of(), "net_virtio_user0,path=/tmp/s")))
                .contains("--in-memory", "--single-file-segments");
    }

    @Test
    void shouldAllowExactlyThePciDevicesOfTheFile() {
        assertThat(arguments(Configs.daemon(2, true, List.of(), "0000:03:00.0", "03:00.1,mprq_en=1")))
                .containsSubsequence("-a", "0000:03:00.0", "-a", "03:00.1,mprq_en=1")
                .doesNotContain("--no-pci");
        assertThat(EalArguments.deviceName("0A:00.1,mprq_en=1")).isEqualTo("0000:0a:00.1");
        assertThat(EalArguments.deviceName("net_tap0,iface=x")).isEqualTo("net_tap0");
    }

    @Test
    void shouldGiveAfPacketAQueueForEachWorker() {
        assertThat(arguments(Configs.daemon(1, false, List.of(), "net_af_packet0,iface=eth1")))
                .contains("--vdev=net_af_packet0,iface=eth1");
        assertThat(arguments(Configs.daemon(2, false, List.of(), "net_af_packet0,iface=eth1")))
                .contains("--vdev=net_af_packet0,iface=eth1,qpairs=2");
        assertThat(arguments(Configs.daemon(2, false, List.of(), "net_af_packet0,iface=eth1,qpairs=4")))
                .contains("--vdev=net_af_packet0,iface=eth1,qpairs=4");
    }

    @Test
    void shouldLetTheOperatorsArgumentsWin() {
        List<String> given = List.of("--log-level=debug", "--telemetry", "-a", "0000:00:1f.6");
        assertThat(arguments(Configs.daemon(1, false, given, "net_null0")))
                .endsWith("--log-level=debug", "--telemetry", "-a", "0000:00:1f.6")
                .doesNotContain("--no-telemetry", "--no-pci", "--log-level=warning");
    }

    @Test
    void shouldNotMakeADeviceThatTheOperatorMakes() {
        List<String> bond = List.of("--vdev=net_bonding0,mode=1,slave=0000:03:00.0", "-a", "0000:03:00.0");
        assertThat(arguments(Configs.daemon(1, true, bond, "net_bonding0"))).doesNotContain("--vdev=net_bonding0");
        List<String> apart = List.of("--vdev", "net_bonding0,mode=1");
        assertThat(arguments(Configs.daemon(1, true, apart, "net_bonding0"))).doesNotContain("--vdev=net_bonding0");
    }

    private static List<String> arguments(DaemonConfig config) {
        BitSet cpus = new BitSet();
        cpus.set(0);
        cpus.set(3);
        return EalArguments.of(config, cpus);
    }
}
