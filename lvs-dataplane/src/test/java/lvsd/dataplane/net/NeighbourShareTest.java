package lvsd.dataplane.net;

import static lvsd.dataplane.net.NetHarness.CLIENT;
import static lvsd.dataplane.net.NetHarness.CLIENT6;
import static lvsd.dataplane.net.NetHarness.RS;
import static lvsd.dataplane.net.NetHarness.RS6;
import static lvsd.dataplane.net.NetHarness.RS_PORT_MAC;
import static lvsd.dataplane.net.NetHarness.SERVER;
import static lvsd.wire.PacketBuilder.eth;
import static org.assertj.core.api.Assertions.assertThat;

import lvsd.dataplane.DropReason;
import lvsd.dataplane.Packet;
import lvsd.dataplane.Verdict;
import lvsd.dataplane.io.MemoryIo;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Two workers: an answer reaches the queue of one, whoever asked. */
class NeighbourShareTest {
    private final NetHarness first = new NetHarness();
    private final MemoryIo io = first.io.another();
    private final Net second = new Net(
            1,
            64,
            7,
            first.net.config(),
            io,
            new Punter(new lvsd.config.DaemonConfig.Punt(true, 1, 1, 1, 1), new boolean[] {true, true}, false),
            new long[DropReason.count()],
            (mbuf, port) -> io.transmit(port, new long[] {mbuf}, 1),
            UnreachableHandler.AS_IS);

    NeighbourShareTest() {
        NeighbourShare share = new NeighbourShare(2);
        first.net.share(share);
        second.share(share);
        second.poll(first.now);
    }

    @AfterEach
    void nothingLeaks() {
        second.close();
        assertThat(first.leaked()).as("packets lost").isZero();
        io.close();
        first.close();
    }

    private void poll() {
        first.net.poll(++first.now);
        second.poll(first.now);
    }

    private byte[] nextOfSecond() {
        byte[] sent = io.sent(1);
        assertThat(sent).isNotNull();
        return java.util.Objects.requireNonNull(sent);
    }

    @Test
    void shouldHandAnAnswerToTheWorkerThatAsked() {
        Packet p = first.receive(0, eth().ipv4(CLIENT, RS).udp(1, 2).build());
        assertThat(second.output(p, second.nextHop4(PacketBuilder.ip4(RS)))).isEqualTo(Verdict.KEPT);
        assertThat(Packets.fields(nextOfSecond())).containsEntry("arp.targetIp", RS);
        first.input(1, eth(SERVER, RS_PORT_MAC).arpReply(RS, "198.18.20.1"));
        poll();
        Packets.assertSame(
                nextOfSecond(),
                eth(RS_PORT_MAC, SERVER).ipv4(CLIENT, RS).udp(1, 2).build());
        assertThat(second.valid(second.nextHop4(PacketBuilder.ip4(RS)))).isTrue();
    }

    @Test
    void shouldHandAnAdvertisementToTheWorkerThatAsked() {
        Packet p = first.receive(0, eth().ipv6(CLIENT6, RS6).udp(1, 2).build());
        int nextHop = second.nextHop6(PacketBuilder.ip6High(RS6), PacketBuilder.ip6Low(RS6));
        assertThat(second.output(p, nextHop)).isEqualTo(Verdict.KEPT);
        nextOfSecond();
        first.input(
                1,
                eth(SERVER, RS_PORT_MAC)
                        .ipv6(RS6, "fe80::ff:fe00:3")
                        .neighbourAdvertisement(RS6, SERVER)
                        .rest(0x6000_0000));
        poll();
        Packets.assertSame(
                nextOfSecond(),
                eth(RS_PORT_MAC, SERVER).ipv6(CLIENT6, RS6).udp(1, 2).build());
    }

    @Test
    void shouldMakeNoNeighbourOfWhatTheOtherHeard() {
        first.input(1, eth(SERVER, RS_PORT_MAC).arpReply("198.18.20.77", "198.18.20.1"));
        poll();
        assertThat(second.valid(second.nextHop4(PacketBuilder.ip4("198.18.20.77"))))
                .isFalse();
        nextOfSecond();
    }
}
