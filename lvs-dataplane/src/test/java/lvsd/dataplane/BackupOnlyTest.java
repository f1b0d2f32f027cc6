package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import lvsd.rules.ForwardingMethod;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * {@code backup_only} while a backup daemon runs, as asked of Linux 6.1: what clients send is the host's affair, what servers
 * answer is translated. What goes to the host's kernel finds no twin here and is counted.
 */
class BackupOnlyTest extends PipelineTest {
    private void toTheHost(PacketBuilder frame) {
        long before = director.drops(DropReason.NO_TWIN);
        director.send(0, frame.build());
        director.expectNothing(0);
        director.expectNothing(1);
        assertThat(director.drops(DropReason.NO_TWIN)).isEqualTo(before + 1);
    }

    @ParameterizedTest
    @CsvSource({"NAT4, true", "NAT4, false", "NAT6, true", "NAT6, false", "FULLNAT4, true", "FULLNAT6, false"})
    void shouldLeaveClientsToTheHostAndTranslateAnswers(Way way, boolean tcp) {
        Flow.service(director, way, tcp);
        Flow flow = new Flow(director, way, tcp, 1234);
        if (tcp) {
            flow.establish(1000, 5000);
        } else {
            flow.upDatagram(4);
            flow.downDatagram(4);
        }
        director.backupOnly(true);
        Flow other = new Flow(director, way, tcp, 1235);
        if (tcp) {
            toTheHost(flow.fromClient().flags(".").seq(1001).ack(5001));
            toTheHost(other.fromClient().flags("S"));
            flow.down(".", 5001, 1001, 10);
        } else {
            toTheHost(flow.fromClient().payload(4));
            toTheHost(other.fromClient().payload(4));
            flow.downDatagram(10);
        }
        assertThat(director.connections()).hasSize(1);
        director.backupOnly(false);
        if (tcp) {
            flow.up(".", 1001, 5011, 10);
        } else {
            flow.upDatagram(10);
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldTranslateErrorsOfServersOnly(Way way) {
        Flow.service(director, way, false);
        Flow flow = new Flow(director, way, false, 1234);
        flow.upDatagram(4);
        flow.downDatagram(4);
        director.setting("schedule_icmp", "1");
        director.backupOnly(true);
        toTheHost(IcmpErrorTest.unreachable(way, 1234));
        toTheHost(IcmpErrorTest.unreachable(way, 1235));
        byte[] got = flow.atServer().payload(4).buildIp();
        PacketBuilder error = way.arriving(1, way.server(), way.peer());
        director.send(
                1, (way.ipv6 ? error.icmp(1, 4) : error.icmp(3, 3)).quote(got).build());
        Packets.assertChecksums(director.expect(0));
        assertThat(director.connections()).hasSize(1);
    }

    @ParameterizedTest
    @EnumSource
    void shouldLeaveFragmentsToTheHost(Way way) {
        Flow.service(director, way, false);
        new Flow(director, way, false, 1234).upDatagram(4);
        director.backupOnly(true);
        byte[] whole = way.arriving(0, way.client(), way.vip())
                .udp(1234, 80)
                .payload(3000)
                .build();
        for (byte[] fragment : FragmentsTest.fragments(whole, 7, 1400, 2800)) {
            director.send(0, fragment);
        }
        director.expectNothing(1);
        assertThat(director.connections()).hasSize(1);
    }

    @ParameterizedTest
    @EnumSource
    void shouldNotAnswerForOnePacketServices(Way way) {
        director.service(TestDirector.onePacket(way.vip(), 80), ForwardingMethod.NAT, way.server() + ":8080");
        director.backupOnly(true);
        toTheHost(new Flow(director, way, false, 1234).fromClient());
    }
}
