package lvsd.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every value here was written to the kernel's file of that name (Linux 6.1), and what it did is the expectation. */
final class SettingsTest {
    /** {@code cat /proc/sys/net/ipv4/vs/*} there, without sync_qlen_max, which depends on its memory. */
    private static final String KERNEL_DEFAULTS = """
            am_droprate 10
            amemthresh 1024
            backup_only 0
            cache_bypass 0
            conn_reuse_mode 1
            conntrack 0
            drop_entry 0
            drop_packet 0
            expire_nodest_conn 0
            expire_quiescent_template 0
            ignore_tunneled 0
            lblc_expiration 86400
            lblcr_expiration 86400
            nat_icmp_send 0
            pmtu_disc 1
            run_estimation 1
            schedule_icmp 0
            secure_tcp 0
            sloppy_sctp 0
            sloppy_tcp 0
            snat_reroute 1
            sync_persist_mode 0
            sync_ports 1
            sync_refresh_period 0
            sync_retries 0
            sync_sock_size 0
            sync_threshold 3 50
            sync_version 1
            """;

    private static Optional<String> set(String name, String value, String before) {
        Map<String, String> now = Map.of(name, before);
        return Settings.check(name, value, now).isPresent()
                ? Optional.empty()
                : Optional.of(Settings.normal(name, value, now));
    }

    @Test
    void shouldHaveTheKernelsNamesAndDefaults() {
        KERNEL_DEFAULTS.lines().forEach(line -> {
            String[] words = line.split(" ", 2);
            assertThat(Settings.defaults()).containsEntry(words[0], words[1]);
        });
        assertThat(Settings.names()).contains("sync_qlen_max");
    }

    @Test
    void shouldHaveTheTimeoutsOfTheFoundingDocument() {
        assertThat(Settings.names())
                .containsAll(Stream.of(
                                "close",
                                "closewait",
                                "established",
                                "finwait",
                                "icmp",
                                "lastack",
                                "listen",
                                "synack",
                                "synrecv",
                                "synsent",
                                "timewait",
                                "udp")
                        .map(state -> "timeout_" + state)
                        .collect(Collectors.toSet()))
                .contains("debug_level");
        assertThat(Settings.SCTP_STATES).hasSize(14);
    }

    @ParameterizedTest
    @CsvSource({
        "am_droprate, -2147483648, -2147483648",
        "am_droprate, -2147483649,",
        "am_droprate, 2147483648,",
        "am_droprate, 0x10, 16",
        "am_droprate, 010, 8",
        "am_droprate, ' 7 ', 7",
        "am_droprate, '',",
        "am_droprate, abc,",
        "am_droprate, 1x,",
        "expire_nodest_conn, 2, 2",
        "expire_nodest_conn, -1, -1",
        "drop_entry, 0, 0",
        "drop_entry, 1, 1",
        "drop_entry, 2, 1",
        "drop_entry, 3, 3",
        "drop_entry, 4,",
        "drop_packet, -1,",
        "secure_tcp, 2, 1",
        "sync_ports, 0,",
        "sync_ports, 1, 1",
        "sync_ports, 3,",
        "sync_ports, 64, 64",
        "sync_ports, 65536, 65536",
        "sync_ports, -2147483648,",
        "sync_qlen_max, -1,",
        "sync_qlen_max, 9223372036854775807, 9223372036854775807",
        "sync_refresh_period, -2, -2",
        "sync_refresh_period, 65536, 65536",
        "sync_refresh_period, 2147483647,",
        "sync_retries, 3, 3",
        "sync_retries, 4,",
        "sync_version, 2,",
        "sync_version, -1,"
    })
    void shouldTakeAndRefuseWhatTheKernelDoes(String name, String value, String stored) {
        assertThat(set(name, value, "1")).isEqualTo(Optional.ofNullable(stored));
    }

    /**
     * Every file under {@code /proc/sys/net/ipv4/vs}: what it held, and what it held after each of some 40 things were
     * written to it; nothing where that was refused.
     */
    @Test
    void shouldAnswerWhatTheKernelAnswersToAllThatIsWritten() {
        int asked = 0;
        for (String line : recording().lines().toList()) {
            List<String> fields = List.of(line.split("[|]", -1));
            for (String field : fields.subList(2, fields.size())) {
                int colon = field.indexOf(':');
                String value = field.substring(0, colon).translateEscapes();
                assertThat(set(fields.getFirst(), value, fields.get(1)).orElse(""))
                        .as(fields.getFirst() + "=" + field)
                        .isEqualTo(field.substring(colon + 1));
                asked++;
            }
        }
        assertThat(asked).isGreaterThan(1000);
    }

    private static String recording() {
        try (InputStream in = Objects.requireNonNull(SettingsTest.class.getResourceAsStream("sysctls.txt"))) {
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "3 50, 0, 0 50",
        "3 50, 10, 10 50",
        "3 50, 63,",
        "3 50, 1 2, 1 2",
        "3 50, 50 3,",
        "3 50, 3 3,",
        "3 50, 0 0, 0 0",
        "0 0, 7, 7 0",
        "0 0, 0x10, 16 0",
        "3 50, -1 5,",
        "3 50, 1 2 3, 1 2",
        "3 50, 1 2 x, 1 2",
        "3 50, 3 x,",
        "3 50, 5 -1,",
        "3 50, '  4   9  ', 4 9",
        "3 50, 010 020, 8 16",
        "3 50, 2147483647 0, 2147483647 0",
        "3 50, 2147483648 0,",
        "70 0, 5, 5 0",
        "3 50, '3,50', 3 50"
    })
    void aPairShouldKeepItsSecondNumber(String before, String value, String stored) {
        assertThat(set("sync_threshold", value, before)).isEqualTo(Optional.ofNullable(stored));
    }

    @Test
    void everyDefaultShouldBeAValueInItsNormalForm() {
        for (Settings.Setting setting : Settings.ALL) {
            assertThat(set(setting.name(), setting.fallback(), setting.fallback()))
                    .as(setting.name())
                    .contains(setting.fallback());
        }
        assertThat(new HashSet<>(Settings.names())).hasSize(Settings.ALL.size());
    }

    @Test
    void shouldSayWhatIsWrongAndWhatWouldBeRight() {
        assertThat(Settings.check("sync_ports", "3", Map.of()))
                .contains("setting 'sync_ports' must be powers of two, 1 to 1073741824, not '3'");
        assertThat(Settings.check("timeout_udp", "0", Map.of()))
                .contains("setting 'timeout_udp' must be a whole number from 1 to 8589933, not '0'");
        assertThat(Settings.check("drop_entri", "1", Map.of()))
                .contains("unknown setting 'drop_entri'; did you mean 'drop_entry'?");
    }
}
