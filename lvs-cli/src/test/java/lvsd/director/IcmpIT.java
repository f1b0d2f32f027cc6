package lvsd.director;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** Errors reach whom they concern: the servers' wire has a smaller MTU than the clients'. */
@Tag("privileged")
@Timeout(120)
class IcmpIT {
    @RegisterExtension
    static final Director director = Director.withSmallServerMtu();

    @ParameterizedTest
    @EnumSource(
            value = Service.class,
            names = {"NAT", "NAT6", "FULLNAT", "FULLNAT6"})
    void aClientLearnsThatTheServersWireTakesSmallerPackets(Service service) {
        director.rules(service.rules());
        Shell.Result upload =
                director.client().runJava(Duration.ofMinutes(1), Upload.class, service.vip(), "80", "3000000");
        assertThat(upload.exit()).as(upload.toString()).isZero();
        Load.Report download = Load.of(service.vip(), "/bytes/3000000").count(1).run(director.client());
        assertThat(download.failed()).as(download.text()).isZero();
    }

    @ParameterizedTest
    @EnumSource(
            value = Service.class,
            names = {"NAT", "NAT6", "FULLNAT", "FULLNAT6"})
    void aServersPortUnreachableReachesTheClient(Service service) {
        String closed = service.rules("-u").replace(":80 ", ":9 ").replaceAll("(-r \\S+):\\d+", "$1:9");
        director.rules(closed);
        Shell.Result result = director.client().runJava(Shell.SOON, Datagrams.class, service.vip(), "9", "1", "100");
        assertThat(result.err()).contains("PortUnreachable");
    }

    @ParameterizedTest
    @EnumSource(
            value = Service.class,
            names = {"NAT", "NAT6"})
    void aServiceWithoutServersRefusesAtOnce(Service service) {
        director.rules("-A -t " + service.at() + " -s wlc");
        Load.Report report = Load.of(service.vip(), "/").count(2).run(director.client());
        assertThat(report.failed()).isEqualTo(2);
        assertThat(report.text()).containsPattern("(?i)refused|unreachable");
    }

    @ParameterizedTest
    @EnumSource(
            value = Service.class,
            mode = Mode.INCLUDE,
            names = {"NAT", "NAT6"})
    void aClosedPortOfAServerRefusesTheConnection(Service service) {
        director.rules(service.rules().replaceAll("(-r \\S+):80", "$1:9"));
        Load.Report report = Load.of(service.vip(), "/").count(2).run(director.client());
        assertThat(report.failed()).isEqualTo(2);
        assertThat(report.text()).contains("refused");
    }

    @Test
    void aFullnatServiceWithoutLocalAddressIsCountedAsADrop() {
        director.rules(Service.FULLNAT.rules().replaceAll("(?m)^-P.*$", ""));
        Load.Report report = Load.of(Service.FULLNAT.vip(), "/")
                .count(1)
                .timeout(Duration.ofSeconds(2))
                .run(director.client());
        assertThat(report.failed()).isEqualTo(1);
        assertThat(director.lvsd().lvsadm("--drops").orFail().out()).containsPattern("[1-9]\\d*\\s+\\S*local");
    }
}
