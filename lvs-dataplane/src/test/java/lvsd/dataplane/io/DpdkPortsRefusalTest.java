package lvsd.dataplane.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import lvsd.config.DaemonConfig;
import lvsd.dpdk.DpdkException;
import lvsd.dpdk.DpdkLibrary;
import lvsd.linux.Privilege;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What DPDK cannot do ends in a message, whichever step finds out. */
@Tag("privileged")
@Tag("eal")
class DpdkPortsRefusalTest {
    @Test
    void shouldSayWhatIsWrongAndWhatToDo() throws Exception {
        Privilege.requireRoot();
        try {
            DpdkLibrary.load(Optional.empty());
        } catch (DpdkException missing) {
            Privilege.require(false, String.valueOf(missing.getMessage()));
        }
        DaemonConfig tooMuch = Configs.daemon("hugepages: true\n  memory: 1048576", 1, "net_null0");
        assertRefused(tooMuch, "MB of hugepages", "sysctl vm.nr_hugepages=524288");
        DaemonConfig absent = Configs.daemon(1, false, List.of(), "net_null0", "net_af_packet0,iface=lvsdnone");
        assertRefused(absent, "port p1", "interface lvsdnone", "ip link");
        // EAL goes on when a driver fails; the process's one EAL is used up by this.
        DaemonConfig broken = Configs.daemon(1, false, List.of(), "net_null0", "net_pcap0,rx_pcap=/nonexistent.pcap");
        assertRefused(broken, "net_pcap0", "rte_eth_dev_get_port_by_name");
        assertThat(Files.exists(Path.of("/var/run/dpdk/lvsd-test-ports"))).isFalse();
    }

    private static void assertRefused(DaemonConfig config, String... parts) {
        assertThatThrownBy(() -> DpdkPorts.open(config))
                .isInstanceOf(DpdkException.class)
                .message()
                .contains(parts);
    }
}
