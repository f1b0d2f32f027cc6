package lvsd.daemon;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import lvsd.config.DaemonConfig;
import lvsd.dataplane.Warmup;
import lvsd.dataplane.io.DpdkPorts;
import lvsd.dpdk.Check;
import lvsd.dpdk.DpdkException;
import lvsd.dpdk.SelfTest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes packet paths on DPDK. */
final class DpdkDataplaneFactory implements DataplaneFactory {
    private static final Logger LOG = LoggerFactory.getLogger(DpdkDataplaneFactory.class);
    /** Enough to test a machine that may have no hugepages. */
    private static final List<String> TEST_ARGUMENTS = List.of("--no-huge", "-m", "64", "--no-pci");

    @Override
    public Running create(DaemonConfig config) throws StartException {
        try (Warmup.Running warmup = Warmup.start(Warmup.MILLIS)) {
            DpdkPorts ports = DpdkPorts.open(config);
            try {
                LOG.atInfo()
                        .addKeyValue("packets", warmup.await())
                        .addKeyValue("millis", Warmup.MILLIS)
                        .log("warmed up");
                return DpdkDataplane.over(config, ports);
            } catch (RuntimeException e) {
                ports.close();
                throw e;
            }
        } catch (DpdkException e) {
            throw new StartException(String.valueOf(e.getMessage()), e);
        } catch (IllegalArgumentException e) {
            throw new StartException(StartException.CONFIGURATION, String.valueOf(e.getMessage()));
        }
    }

    @Override
    public boolean selfTest(Optional<DaemonConfig> config, Appendable out) {
        Optional<Path> library = config.flatMap(each -> each.eal().library());
        boolean good = true;
        try {
            for (Check check : SelfTest.run(library, TEST_ARGUMENTS)) {
                good &= check.ok();
                out.append(check.ok() ? "ok      " : "FAILED  ")
                        .append(check.name())
                        .append(": ")
                        .append(check.detail())
                        .append('\n');
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return good;
    }
}
