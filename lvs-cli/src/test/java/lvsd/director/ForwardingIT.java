package lvsd.director;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Clients reach servers through every method and family: many small answers, large bodies both ways, datagrams. */
@Tag("privileged")
@Timeout(1200)
class ForwardingIT {
    private static final int CURLS = Director.LONG ? 10_000 : 500;
    private static final long BODY = Director.LONG ? 1L << 30 : 64L << 20;

    @RegisterExtension
    static final Director director = Director.twoArm();

    @BeforeAll
    static void setRules() {
        director.rules(Arrays.stream(Service.values())
                .map(service -> service.rules("-t") + service.rules("-u"))
                .collect(Collectors.joining()));
    }

    @ParameterizedTest
    @EnumSource(Service.class)
    void noCurlFails(Service service) {
        long before = director.served(1, service.logged("GET"));
        Transfers.curls(director, service, CURLS, 32, Duration.ofSeconds(60 + CURLS / 10));
        // Round robin over two servers; each sees the client itself with NAT, the local address with FULLNAT.
        assertThat(director.served(1, service.logged("GET")) - before).isCloseTo(CURLS / 2, within(1L));
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

    @ParameterizedTest
    @EnumSource(
            value = Service.class,
            names = {"NAT", "NAT6", "FULLNAT", "FULLNAT6"})
    void datagramsAreEchoed(Service service) {
        Shell.Result result =
                director.client().runJava(Duration.ofSeconds(60), Datagrams.class, service.vip(), "80", "200", "1200");
        assertThat(result.exit()).as(result.toString()).isZero();
        assertThat(director.served(1, "UDP")).isPositive();
        assertThat(director.served(2, "UDP")).isPositive();
    }

    @ParameterizedTest
    @EnumSource(
            value = Service.class,
            names = {"FULLNAT", "FULLNAT6"})
    void theServersLearnTheClientsAddressFromTheToaOption(Service service) throws IOException {
        Path capture = director.directory().resolve("toa." + service.name() + ".pcap");
        Path log = director.directory().resolve("toa." + service.name() + ".log");
        Process tcpdump = director.topology()
                .server(1)
                .start(log, "tcpdump", "-U", "-ni", "eth0", "-w", capture.toString(), "tcp dst port 80");
        Shell.await("tcpdump listens", Shell.SOON, () -> log.toFile().length() > 0);
        // Two connections: one of them goes to the first server.
        for (int port = 45_678; port <= 45_679; port++) {
            director.client()
                    .run(
                            "curl",
                            "-sg",
                            "-m",
                            "5",
                            "--interface",
                            service.source(),
                            "--local-port",
                            Integer.toString(port),
                            service.url("/"))
                    .orFail();
        }
        Shell.await(
                "a whole connection is captured",
                Shell.SOON,
                () -> capture.toFile().length() > 400);
        tcpdump.destroy();
        String frames = HexFormat.of().formatHex(Files.readAllBytes(capture));
        // Kind 254, length, port 45678 or 45679, address.
        String address =
                HexFormat.of().formatHex(InetAddress.getByName(service.source()).getAddress());
        assertThat(frames).containsPattern((service.ipv6() ? "fe14b26[ef]" : "fe08b26[ef]") + address);
    }
}
