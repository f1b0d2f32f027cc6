package lvsd.dpdk;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lvsd.linux.Privilege;

/** What tests of DPDK share. Each class of them runs in a JVM of its own (tag {@code eal}). */
final class DpdkTests {
    private DpdkTests() {}

    /** An EAL without hugepages, PCI and files that other processes see, or the test is skipped. */
    static Eal eal(String prefix, String... devices) throws Exception {
        Privilege.requireRoot();
        DpdkLibrary library = library();
        List<String> arguments = new ArrayList<>(List.of(
                "--no-huge",
                "-m",
                "64",
                "--no-shconf",
                "--no-telemetry",
                "--no-pci",
                "--log-level=warning",
                "--lcores=0@(0)",
                "--file-prefix",
                prefix));
        String drivers = System.getProperty("lvsd.dpdk.drivers");
        if (drivers != null) {
            arguments.addAll(List.of("-d", drivers));
        }
        for (String device : devices) {
            arguments.add("--vdev=" + device);
        }
        return Eal.init(library, arguments);
    }

    static DpdkLibrary library() {
        try {
            return DpdkLibrary.load(
                    Optional.ofNullable(System.getProperty("lvsd.dpdk")).map(Path::of));
        } catch (DpdkException missing) {
            Privilege.require(false, String.valueOf(missing.getMessage()));
            throw missing;
        }
    }

    /** A configured and started port. */
    static EthPort start(Eal eal, Mempool pool, String device) {
        EthPort port = EthPort.find(eal, device);
        EthPort.Setup setup = new EthPort.Setup(1, 1, 256, 256, 1500);
        port.configure(setup, new byte[0], pool);
        port.start();
        DpdkAbi.verifyPort(eal, port, pool, setup);
        return port;
    }
}
