package lvsd.dpdk;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import lvsd.linux.Privilege;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("privileged")
@Tag("eal")
class SelfTestTest {
    private static final List<String> ARGUMENTS = List.of(
            "--no-huge",
            "-m",
            "64",
            "--no-shconf",
            "--no-telemetry",
            "--no-pci",
            "--log-level=warning",
            "--lcores=0@(0)",
            "--file-prefix",
            "lvsd-test-selftest");

    @Test
    void shouldPassOnAFitMachineAndSayWhatIsMissingOnAnother() throws Exception {
        Privilege.requireRoot();
        List<Check> elsewhere = SelfTest.run(Optional.of(Path.of("/nonexistent")), ARGUMENTS);
        assertThat(elsewhere.getLast().ok()).isFalse();
        assertThat(elsewhere.getLast().detail()).contains("in /nonexistent").contains("apt install dpdk");

        DpdkTests.library();
        List<Check> here = SelfTest.run(Optional.empty(), ARGUMENTS);
        assertThat(here).extracting(Check::name).contains("/dev/net/tun", "DPDK", "EAL", "structures", "bursts");
        assertThat(here).allMatch(Check::ok);
    }
}
