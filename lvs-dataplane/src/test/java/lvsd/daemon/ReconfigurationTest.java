package lvsd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import lvsd.config.ConfigException;
import lvsd.config.ConfigLoader;
import lvsd.config.DaemonConfig;
import org.junit.jupiter.api.Test;

final class ReconfigurationTest {
    private static final String FILE = """
            ports:
              - {name: wan, device: net_null0, addresses: [192.0.2.1/24]}
              - {name: lan, device: net_null1, addresses: [198.51.100.1/24]}
            workers: 1
            """;

    private static DaemonConfig file(String text) {
        try {
            return ConfigLoader.parse("f", text);
        } catch (ConfigException e) {
            throw new IllegalArgumentException(e);
        }
    }

    @Test
    void addressesVlansChecksAndRoutesShouldNeedNoRestart() {
        DaemonConfig now = file("""
                ports:
                  - {name: wan, device: net_null0, addresses: [192.0.2.2/24], rp-filter: strict}
                  - {name: lan, device: net_null1, vlans: [{id: 7, addresses: [198.51.100.1/24]}]}
                routes: [{to: default, via: 192.0.2.254}]
                workers: 1
                """);
        assertThat(Reconfiguration.needRestart(file(FILE), now)).isEmpty();
        assertThat(Reconfiguration.network(file(FILE), now)).contains(now);
    }

    @Test
    void whatNeedsARestartShouldBeNamedAndStayAsItWas() {
        DaemonConfig now = file("""
                eal: {memory: 1024}
                ports:
                  - {name: wan, device: net_null5, mtu: 1400, addresses: [192.0.2.2/24], twin: off}
                  - {name: lan, device: net_null1, addresses: [198.51.100.1/24], rx-descriptors: 512}
                workers: 2
                """);
        assertThat(Reconfiguration.needRestart(file(FILE), now))
                .containsExactly(
                        "eal",
                        "workers",
                        "ports[0].device",
                        "ports[0].mtu",
                        "ports[0].twin",
                        "ports[1].rx-descriptors");
        DaemonConfig applied = Reconfiguration.network(file(FILE), now).orElseThrow();
        assertThat(applied.ports().getFirst().mtu()).isEqualTo(1500);
        assertThat(applied.ports().getFirst().addresses())
                .isEqualTo(now.ports().getFirst().addresses());
    }

    @Test
    void otherPortsShouldKeepAddressesAndRoutesAsTheyWere() {
        DaemonConfig now = file("ports: [{name: lan, device: net_null1, addresses: [198.51.100.9/24]}]");
        assertThat(Reconfiguration.needRestart(file(FILE), now))
                .singleElement()
                .asString()
                .startsWith("ports (");
        assertThat(Reconfiguration.network(file(FILE), now)).isEmpty();
    }
}
