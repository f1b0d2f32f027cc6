package lvsd.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import lvsd.rules.DirectorRole;
import lvsd.rules.Rule;
import lvsd.rules.RuleFormatter;
import org.junit.jupiter.api.Test;

/** The daemon file: what is right is taken, what is wrong is told with its place. */
class ConfigLoaderTest {
    private static final long SEED = Long.getLong("seed", 20260103L);
    private static final Path EXAMPLES = Path.of("etc");

    private static List<String> errors(String text) {
        try {
            ConfigLoader.parse("f", text);
            return List.of();
        } catch (ConfigException e) {
            return e.errors().stream().map(ConfigError::toString).toList();
        }
    }

    /** Puts {@code more} behind a port that is right and ends in line 3. */
    private static List<String> errorsAfterPort(String more) {
        return errors("ports:\n- name: a\n  device: net_null0\n" + more);
    }

    @Test
    void shouldReadEveryShippedFile() throws Exception {
        for (String file : List.of("example-null.yaml", "example-pair.yaml", "example-two-arm.yaml", "lvsd.yaml")) {
            assertThat(ConfigLoader.load(EXAMPLES.resolve(file)).ports())
                    .as(file)
                    .isNotEmpty();
        }
        DaemonConfig none = ConfigLoader.load(EXAMPLES.resolve("example-null.yaml"));
        assertThat(none.persist().directory()).isEmpty();
        assertThat(none.eal().hugepages()).isFalse();
        assertThat(none.workers().count()).isEqualTo(1);
    }

    @Test
    void commentedDefaultsAreTheDefaults() throws Exception {
        String text = Files.readString(EXAMPLES.resolve("lvsd.yaml"));
        int settings = text.indexOf("#settings:");
        String uncommented =
                text.substring(0, settings) + text.substring(settings).replaceAll("(?m)^#", "");

        DaemonConfig said = ConfigLoader.parse("said", uncommented);

        assertThat(said.settings()).isEqualTo(Settings.defaults());
        assertThat(said.withSettings(Map.of())).isEqualTo(ConfigLoader.parse("unsaid", text));
    }

    @Test
    void documentationHasEverySetting() throws IOException {
        String text = Files.readString(Path.of("../docs/config.md"));
        for (Settings.Setting setting : Settings.ALL) {
            assertThat(text)
                    .contains("| `" + setting.name() + "` | " + setting.fallback() + " | " + setting.range() + " | "
                            + setting.effect().label() + " | " + setting.help() + " |\n");
        }
    }

    @Test
    void rolesAndFloatingAddresses() throws ConfigException {
        DaemonConfig config = ConfigLoader.parse("f", """
                role: standby
                ports:
                  - name: lan
                    device: net_null0
                    addresses: [198.18.20.1/24, 2001:db8:b::1/64]
                    floating: [198.18.20.254, 2001:db8:b::fe, fe80::1]
                    vlans:
                      - id: 5
                        addresses: [198.18.5.1/24]
                        floating: 198.18.5.254
                """);

        assertThat(config.role()).isEqualTo(DirectorRole.STANDBY);
        assertThat(config.ports().getFirst().floating()).hasSize(3);
        assertThat(config.ports().getFirst().vlans().getFirst().floating()).hasSize(1);
        assertThat(errorsAfterPort("role: master\n"))
                .containsExactly("f:4:7: 'role' must be one of active, standby, not 'master'");
        assertThat(errorsAfterPort(
                        "  addresses: 198.18.20.1/24\n  floating: [198.18.20.1, 198.18.21.9, 198.18.20.9/24]\n"))
                .containsExactly(
                        "f:5:14: address 198.18.20.1 is already on 'a'",
                        "f:5:27: floating address 198.18.21.9 is in no subnet of 'a'",
                        "f:5:40: '198.18.20.9/24' is no address, such as 192.0.2.254");
    }

    @Test
    void syncDaemonsAreSaidAsOnTheCommandLine() throws ConfigException {
        DaemonConfig config = ConfigLoader.parse("f", """
                ports: [{name: a, device: net_null0}]
                sync:
                  - role: master
                    interface: eth1
                    syncid: 150
                    key-file: /etc/lvsd/sync.key
                  - role: backup
                    group: 224.0.0.82
                    ttl: 255
                """);

        assertThat(config.sync().stream().map(RuleFormatter::line))
                .containsExactly(
                        "--start-daemon master --mcast-interface eth1 --syncid 150 --icv-key-file /etc/lvsd/sync.key",
                        "--start-daemon backup --mcast-group 224.0.0.82 --mcast-ttl 255");
        assertThat(errorsAfterPort("sync:\n- interface: eth1\n")).hasSize(1);
        assertThat(errorsAfterPort("sync:\n- role: both\n")).hasSize(1);
        assertThat(errorsAfterPort("sync:\n- {role: backup}\n- {role: backup}\n"))
                .containsExactly("f:6:10: this role is given twice");
        assertThat(errorsAfterPort("sync:\n- {role: backup, syncid: 256}\n")).hasSize(1);
    }

    @Test
    void shouldGiveDefaultsToWhatIsNotSaid() throws ConfigException {
        DaemonConfig config = ConfigLoader.parse("f", "ports: [{name: a, device: net_null0}]");

        assertThat(config.ports().getFirst().mtu()).isEqualTo(1500);
        assertThat(config.control().socket()).hasToString("/run/lvsd/control.sock");
        assertThat(config.persist().directory()).contains(Path.of("/var/lib/lvsd"));
        assertThat(config.logLevel()).isEqualTo("info");
        assertThat(config.punt().forward()).isTrue();
    }

    @Test
    void shouldTellAllErrorsAtOnceWithTheirPlaces() {
        assertThat(errors("""
                        ports:
                          - name: toolongforaninterface
                            device: eth0
                            mtu: 99999
                            adresses: [192.0.2.1/24]
                        worker: 2
                        settings:
                          echo_reply_vips: 1
                          neighbour_retries: 0
                        """))
                .containsExactly(
                        "f:2:11: name 'toolongforaninterface' must have 1 to 15 characters out of letters, digits and"
                                + " _ . : @ - (the kernel's limit for an interface)",
                        "f:3:13: device 'eth0' is neither a PCI address such as 0000:03:00.0 nor a vdev such as"
                                + " net_af_packet0,iface=eth1",
                        "f:4:10: 'ports[0].mtu' must be a whole number from 68 to 9600, not '99999'",
                        "f:5:5: unknown name 'ports[0].adresses'; did you mean 'addresses'?",
                        "f:6:1: unknown name 'worker'; did you mean 'workers'?",
                        "f:8:20: unknown setting 'echo_reply_vips'; did you mean 'echo_reply_vip'?",
                        "f:9:22: setting 'neighbour_retries' must be a whole number from 1 to 20, not '0'");
    }

    @Test
    void shouldReadMarkRules() throws ConfigException {
        DaemonConfig config = ConfigLoader.parse("f", """
                        ports: [{name: a, device: net_null0}]
                        marks:
                          - {mark: 4294967295, to: 192.0.2.0/24}
                          - {mark: 2, protocol: udp, to: '2001:db8::1-2001:db8::9', ports: 53-54, port: a}
                        """);
        assertThat(config.marks().stream().map(Rule.AddMark::new).map(RuleFormatter::line))
                .containsExactly(
                        "--add-mark 4294967295 --any 192.0.2.0-192.0.2.255",
                        "--add-mark 2 -u [2001:db8::1]-[2001:db8::9]:53-54 -F a");
    }

    @Test
    void shouldSayWhatIsWrongWithMarkRules() {
        assertThat(errors("""
                        ports: [{name: lan, device: net_null0}]
                        marks:
                          - {mark: 0, to: 192.0.2.1}
                          - {mark: 1, to: 192.0.2.9-192.0.2.1, ports: 9-8, protocol: icmp, port: lam}
                          - {mark: 1, to: 192.0.2.1}
                          - {mark: 1, to: 192.0.2.1}
                          - {to: 192.0.2.1}
                        """))
                .containsExactly(
                        "f:3:12: '0' is no firewall mark: a whole number from 1 to 4294967295",
                        "f:4:19: '192.0.2.9-192.0.2.1' is no address, range such as 192.0.2.1-192.0.2.9, nor network"
                                + " such as 192.0.2.0/24",
                        "f:4:47: '9-8' is no port nor range such as 8000-8100",
                        "f:4:62: 'marks[1].protocol' must be one of tcp, udp, sctp, any, not 'icmp'",
                        "f:4:74: no port or VLAN is named 'lam'; did you mean 'lan'?",
                        "f:6:12: this rule is given twice",
                        "f:7:6: 'marks[4].mark' is missing");
    }

    @Test
    void shouldCheckPortsAgainstEachOther() {
        assertThat(errorsAfterPort("""
                          addresses: [192.0.2.1/24, 192.0.2.1/25, 192.0.2.1, 224.0.0.1/8]
                          vlans: [{id: 5}, {id: 5, name: x}, {id: 4095, name: a, mtu: 1501}]
                        - name: a
                          device: net_null0
                        """))
                .containsExactly(
                        "f:4:29: address 192.0.2.1 is already on 'a'",
                        "f:4:43: '192.0.2.1' is no address with prefix length, such as 192.0.2.1/24",
                        "f:4:54: '224.0.0.1/8' cannot be the address of an interface",
                        "f:5:25: VLAN 5 is given twice on port 'a'",
                        "f:5:43: 'vlans[2].id' must be a whole number from 1 to 4094, not '4095'",
                        "f:5:55: name 'a' is given twice",
                        "f:5:63: MTU 1501 of 'a' is larger than 1500 of port 'a'",
                        "f:6:9: name 'a' is given twice",
                        "f:7:11: device 'net_null0' is already used by port 'a'");
    }

    @Test
    void shouldCheckRoutes() {
        assertThat(errorsAfterPort("""
                          addresses: [192.0.2.1/24]
                        routes:
                        - {to: default, via: 198.18.0.1}
                        - {to: 10.0.0.1/8, via: 192.0.2.2}
                        - {to: "2001:db8::/32", via: 192.0.2.2}
                        - {to: 10.1.0.0/16, port: aa}
                        - {to: 10.2.0.0/16}
                        - {to: nowhere, via: 192.0.2.2}
                        - {to: "::/0", via: "fe80::1"}
                        """))
                .containsExactly(
                        "f:6:22: next hop 198.18.0.1 is in no subnet of any port",
                        "f:7:8: 10.0.0.1/8 has bits beyond its prefix length; 10.0.0.0/8 is meant?",
                        "f:8:30: next hop 192.0.2.2 is not of the family of 2001:db8::/32",
                        "f:9:27: no port or VLAN is named 'aa'; did you mean 'a'?",
                        "f:10:8: route to '10.2.0.0/16' needs 'via', 'port' or both",
                        "f:11:8: 'nowhere' is no network such as 10.0.0.0/8, nor default",
                        "f:12:21: a link-local next hop needs 'port'");
    }

    @Test
    void shouldCheckEverythingElse() {
        assertThat(errorsAfterPort("""
                        eal: {memory: 64, hugepages: maybe, arguments: [--no-huge]}
                        workers: {count: 3, cores: [1, 1, x, 2000]}
                        persist: no
                        metrics: here
                        log-level: inf
                        settings: {fullnat_lport_min: 5, fullnat_lport_max: 4}
                        connections: 7
                        """))
                .containsExactly(
                        "f:4:7: 65536 mbufs of 2048 bytes need about 148 MB: raise 'eal.memory' (64) above 165 or lower"
                                + " 'eal.mbufs'",
                        "f:4:30: 'eal.hugepages' must be on or off, not 'maybe'",
                        "f:4:48: EAL argument '--no-huge' has a place of its own in 'eal' or 'workers'; use that",
                        "f:5:28: 'workers.cores': CPU 1 is given twice",
                        "f:5:28: 'workers.cores': 'x' is no CPU number from 0 to 1023",
                        "f:5:28: 'workers.cores': '2000' is no CPU number from 0 to 1023",
                        "f:6:10: 'persist' must be none, or have 'directory' and 'rules'",
                        "f:7:10: 'metrics' must be ADDRESS:PORT such as 127.0.0.1:9482, or none, not 'here'",
                        "f:8:12: 'log-level' must be one of error, warn, info, debug, trace, not 'inf'; did you mean"
                                + " 'info'?",
                        "f:9:31: setting 'fullnat_lport_min' (5) is larger than 'fullnat_lport_max' (4)",
                        "f:10:14: 'connections' must be a mapping of names to values");
    }

    @Test
    void shouldNameThePlaceOfBadYaml() {
        assertThat(errors("ports:\n  - name: [a\n  b: }\n").getFirst())
                .startsWith("f:3:")
                .contains("not YAML");
        assertThat(errors("- a\n")).contains("f:1:1: the file must be a mapping of names to values");
        assertThat(errors("")).containsExactly("f:1:1: 'ports' is missing: name at least one port");
        assertThat(errorsAfterPort("workers: 1\nworkers: 2\n")).containsExactly("f:5:1: 'workers' is given twice");
    }

    @Test
    void shouldSayThatThereIsNoFile() {
        assertThatThrownBy(() -> ConfigLoader.load(Path.of("no/such/file.yaml")))
                .isInstanceOf(ConfigException.class)
                .hasMessageStartingWith("no/such/file.yaml:1:1: no such file");
    }

    @Test
    void shouldNeverThrowAnythingElse() throws IOException {
        SplittableRandom random = new SplittableRandom(SEED);
        String good = Files.readString(EXAMPLES.resolve("lvsd.yaml")).replaceAll("(?m)^( *)#(?! )", "$1");
        String letters = "{}[]:,-&*!|>'\"%@`#? \n\tabz019/.~<=\u0000\ud800";
        for (int i = 0; i < 3000; i++) {
            StringBuilder text = new StringBuilder(good);
            for (int n = random.nextInt(6); n >= 0; n--) {
                int at = random.nextInt(text.length());
                if (random.nextBoolean()) {
                    text.setCharAt(at, letters.charAt(random.nextInt(letters.length())));
                } else {
                    text.delete(at, Math.min(text.length(), at + random.nextInt(20)));
                }
            }
            try {
                ConfigLoader.parse("f", text.toString());
            } catch (ConfigException e) {
                assertThat(e.errors()).as("-Dseed=%d", SEED).isNotEmpty();
            }
        }
    }
}
