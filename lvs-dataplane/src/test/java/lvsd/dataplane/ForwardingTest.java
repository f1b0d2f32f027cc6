package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import lvsd.dataplane.service.Service;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.Protocol;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Packets through the whole pipeline: what goes in on one side and what comes out on the other. */
class ForwardingTest {
    private final TestDirector director = new TestDirector();

    @AfterEach
    void nothingLeaks() {
        assertThat(director.outstanding()).isZero();
        director.close();
    }

    private static PacketBuilder fromClient() {
        return PacketBuilder.eth(TestDirector.PEERS[0], TestDirector.MACS[0]);
    }

    private static PacketBuilder fromServer() {
        return PacketBuilder.eth(TestDirector.PEERS[1], TestDirector.MACS[1]);
    }

    private static PacketBuilder toServer() {
        return PacketBuilder.eth(TestDirector.MACS[1], TestDirector.PEERS[1]);
    }

    private static PacketBuilder toClient() {
        return PacketBuilder.eth(TestDirector.MACS[0], TestDirector.PEERS[0]);
    }

    @Test
    void shouldTranslateNatBothWays() {
        Service service =
                director.service(Protocol.TCP, TestDirector.VIP, 80, ForwardingMethod.NAT, TestDirector.RS1 + ":8080");
        director.send(
                0,
                fromClient()
                        .ipv4(TestDirector.CLIENT, TestDirector.VIP)
                        .ttl(64)
                        .tcp(1234, 80)
                        .flags("S")
                        .seq(100)
                        .build());
        Packets.assertSame(
                director.expect(1),
                toServer()
                        .ipv4(TestDirector.CLIENT, TestDirector.RS1)
                        .ttl(63)
                        .tcp(1234, 8080)
                        .flags("S")
                        .seq(100)
                        .build());
        director.send(
                1,
                fromServer()
                        .ipv4(TestDirector.RS1, TestDirector.CLIENT)
                        .ttl(64)
                        .tcp(8080, 1234)
                        .flags("S.")
                        .seq(500)
                        .ack(101)
                        .build());
        Packets.assertSame(
                director.expect(0),
                toClient()
                        .ipv4(TestDirector.VIP, TestDirector.CLIENT)
                        .ttl(63)
                        .tcp(80, 1234)
                        .flags("S.")
                        .seq(500)
                        .ack(101)
                        .build());
        director.send(
                0,
                fromClient()
                        .ipv4(TestDirector.CLIENT, TestDirector.VIP)
                        .ttl(64)
                        .tcp(1234, 80)
                        .flags(".")
                        .seq(101)
                        .ack(501)
                        .build());
        Packets.assertSame(
                director.expect(1),
                toServer()
                        .ipv4(TestDirector.CLIENT, TestDirector.RS1)
                        .ttl(63)
                        .tcp(1234, 8080)
                        .flags(".")
                        .seq(101)
                        .ack(501)
                        .build());
        assertThat(director.connections())
                .singleElement()
                .satisfies(row -> assertThat(row.state()).isEqualTo("ESTABLISHED"));
        assertThat(director.totals(service, 0).inPackets()).isEqualTo(2);
        assertThat(director.totals(service, 0).outPackets()).isEqualTo(1);
        assertThat(director.totals(service, 0).active()).isEqualTo(1);
    }
}
