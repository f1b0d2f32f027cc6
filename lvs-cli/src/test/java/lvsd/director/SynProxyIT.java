package lvsd.director;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Real clients reach real servers through the SYN proxy, with every method and family. */
@Tag("privileged")
@Timeout(1200)
class SynProxyIT {
    private static final int CURLS = Director.LONG ? 10_000 : 300;
    private static final long BODY = Director.LONG ? 1L << 30 : 32L << 20;

    /** Port of the services without the proxy. */
    private static final int UNPROXIED = 81;

    @RegisterExtension
    static final Director director = Director.twoArm();

    @BeforeAll
    static void setRules() {
        director.rules(Arrays.stream(Service.values())
                .map(service -> service.rules("-t").replace(" -s rr", " -s rr -j enable"))
                .collect(Collectors.joining()));
    }

    @ParameterizedTest
    @EnumSource(Service.class)
    void noCurlFails(Service service) {
        Transfers.curls(director, service, CURLS, 16, Duration.ofSeconds(60 + CURLS / 10));
    }

    @ParameterizedTest
    @EnumSource(
            value = Service.class,
            names = {"NAT", "NAT6", "FULLNAT", "FULLNAT6"})
    void aLargeDownloadIsIdentical(Service service) {
        Transfers.download(director, service, BODY);
    }

    @ParameterizedTest
    @EnumSource(
            value = Service.class,
            names = {"NAT", "NAT6", "FULLNAT", "FULLNAT6"})
    void aLargeUploadIsIdentical(Service service) {
        Transfers.upload(director, service, BODY);
    }

    /** Beside the same servers without the proxy, turn by turn: whatever else the machine does falls on both alike. */
    @ParameterizedTest
    @Tag("long")
    @EnumSource(
            value = Service.class,
            names = {"NAT", "NAT6", "FULLNAT", "FULLNAT6"})
    void aLongTransferIsNearlyAsFastAsWithoutTheProxy(Service service) {
        String plain = service.at().replaceFirst(":80$", ":" + UNPROXIED);
        director.lvsd().rules(service.rules("-t").replace("-t " + service.at(), "-t " + plain));
        List<Double> ratios = new ArrayList<>();
        for (int round = 0; round < 5; round++) {
            ratios.add(seconds(service, UNPROXIED) / seconds(service, 80));
        }
        String found = "throughput with the proxy by that without, " + service + ": " + ratios;
        System.out.println(found);
        assertThat(ratios.stream().sorted().toList().get(2)).as(found).isGreaterThanOrEqualTo(0.9);
    }

    private static double seconds(Service service, int port) {
        Load.Report report =
                Load.of(service.vip(), "/bytes/" + BODY).port(port).count(1).run(director.client());
        assertThat(report.failed()).as(report.text()).isZero();
        return report.maxMicroseconds() / 1e6;
    }

    /** Options of the client's kernel that the cookie must carry, one without the other. */
    @ParameterizedTest
    @EnumSource(
            value = Service.class,
            names = {"NAT", "FULLNAT6"})
    void clientsWithoutAnOptionAreServedToo(Service service) {
        String[] options = {"tcp_sack", "tcp_timestamps", "tcp_window_scaling"};
        for (String option : options) {
            String key = "net.ipv4." + option;
            director.client().run("sysctl", "-qw", key + "=0").orFail();
            try {
                Load.Report report =
                        Load.of(service.vip(), "/bytes/" + (4 << 20)).count(2).run(director.client());
                assertThat(report.failed()).as(option + ": " + report.text()).isZero();
            } finally {
                director.client().run("sysctl", "-qw", key + "=1").orFail();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Service.class,
            names = {"NAT6", "FULLNAT"})
    void serversWithoutAnOptionAreServedToo(Service service) {
        String[] options = {"tcp_sack", "tcp_timestamps", "tcp_window_scaling"};
        for (String option : options) {
            String key = "net.ipv4." + option;
            server(key, 0);
            try {
                Load.Report report =
                        Load.of(service.vip(), "/bytes/" + (4 << 20)).count(2).run(director.client());
                assertThat(report.failed()).as(option + ": " + report.text()).isZero();
            } finally {
                server(key, 1);
            }
        }
    }

    private static void server(String key, int value) {
        for (int number = 1; number <= 2; number++) {
            director.topology()
                    .server(number)
                    .run("sysctl", "-qw", key + "=" + value)
                    .orFail();
        }
    }
}
