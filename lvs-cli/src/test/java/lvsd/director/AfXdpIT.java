package lvsd.director;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Ports of net_af_xdp between neighbours whose veths are as the kernel makes them. */
@Tag("privileged")
@Timeout(120)
class AfXdpIT {
    @RegisterExtension
    static final Director director = Director.withKernelOffloads("net_af_xdp");

    @ParameterizedTest
    @EnumSource(
            value = Service.class,
            names = {"NAT", "NAT6", "FULLNAT", "FULLNAT6"})
    void clientsReachServers(Service service) {
        director.rules(service.rules());
        Load.Report small = Load.of(service.vip(), "/").count(100).parallel(4).run(director.client());
        assertThat(small.failed()).as(small.text()).isZero();
        Transfers.download(director, service, 4 << 20);
        Transfers.upload(director, service, 4 << 20);
    }

    @Test
    void theKernelsTwinIsReachedAndNothingElseAnswers() {
        Shell.Result ping =
                director.client().run("ping", "-n", "-c", "5", "-i", "0.2", "-W", "2", Topology.DIRECTOR_WAN);
        assertThat(ping.out()).contains(" 5 received").doesNotContain("DUP");
    }

    @Test
    void theLinkFollowsTheWire() {
        Namespace wires = director.topology().wires();
        wires.ip("link", "set", "director", "down");
        Shell.await(
                "link down",
                Shell.SOON,
                () -> director.lvsd().log().contains("event=\"link\" port=\"lan\" up=\"false\""));
        wires.ip("link", "set", "director", "up");
        Shell.await(
                "link up",
                Shell.SOON,
                () -> director.lvsd()
                        .lvsadm("--ports")
                        .out()
                        .lines()
                        .anyMatch(line -> line.matches("lan +up .*net_af_xdp1,iface=eth2")));
    }
}
