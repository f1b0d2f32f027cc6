package lvsd.dataplane.net;

import static lvsd.dataplane.net.NetHarness.CLIENT;
import static lvsd.dataplane.net.NetHarness.CLIENT_PORT_MAC;
import static lvsd.dataplane.net.NetHarness.OWN;
import static lvsd.dataplane.net.NetHarness.PEER;
import static lvsd.dataplane.net.NetHarness.RS_PORT_MAC;
import static lvsd.wire.PacketBuilder.eth;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import lvsd.config.DaemonConfig;
import lvsd.dataplane.DropReason;
import lvsd.dataplane.Verdict;
import lvsd.memory.Memory;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The exception path, with twins in memory and the punt thread driven by hand. */
class PuntTest {
    private static final int RATE = 250;

    /** A kernel in memory. */
    private static final class MemoryTwin implements Twin {
        final List<byte[]> written = new ArrayList<>();
        final ArrayDeque<byte[]> toRead = new ArrayDeque<>();
        int room = Integer.MAX_VALUE;

        @Override
        public int write(long address, int length) {
            if (written.size() >= room) {
                return 0;
            }
            byte[] frame = new byte[length];
            Memory.copyOut(address, frame, 0, length);
            written.add(frame);
            return length;
        }

        @Override
        public int read(long address, int capacity) {
            byte[] frame = toRead.poll();
            if (frame == null) {
                return 0;
            }
            int length = Math.min(capacity, frame.length);
            Memory.copyIn(frame, 0, address, length);
            return length;
        }

        @Override
        public int descriptor() {
            return -1;
        }
    }

    private final NetHarness bench =
            new NetHarness(NetHarness.config().build(), new DaemonConfig.Punt(true, RATE, RATE, RATE, RATE));
    private final MemoryTwin client = new MemoryTwin();
    private final MemoryTwin rs = new MemoryTwin();
    private final MemoryTwin vlan = new MemoryTwin();
    private final PuntThread kernel =
            new PuntThread(new Punter[] {bench.punter}, new Twin[] {client, rs, vlan}, bench.net.config());

    @AfterEach
    void nothingLeaks() {
        bench.net.poll(++bench.now);
        kernel.close();
        assertThat(bench.leaked()).as("packets lost").isLessThanOrEqualTo(1); // one empty mbuf may wait in the thread
        bench.close();
    }

    private static PacketBuilder example(PuntClass puntClass) {
        return switch (puntClass) {
            case NEIGHBOUR -> eth().arpReply(CLIENT, OWN);
            case ROUTING -> eth().ipv4(CLIENT, OWN).protocol(89).payload(40);
            case HEALTH -> eth().ipv4(CLIENT, OWN).tcp(80, 40000).flags("S.");
            case REST -> eth().ipv4(CLIENT, "203.0.113.9").udp(1, 2);
        };
    }

    @Test
    void shouldGiveFramesUnchangedToTheTwinOfTheirInterface() {
        PacketBuilder tagged = eth(PEER, RS_PORT_MAC).vlan(5, 6);
        bench.input(0, example(PuntClass.HEALTH));
        bench.input(1, toVlan(tagged));
        kernel.round();
        assertThat(client.written).hasSize(1);
        Packets.assertSame(client.written.getFirst(), example(PuntClass.HEALTH).build());
        assertThat(rs.written).isEmpty();
        assertThat(vlan.written).hasSize(1);
        Packets.assertSame(
                vlan.written.getFirst(), toVlan(eth(PEER, RS_PORT_MAC)).build());
        assertThat(kernel.toKernel()).isEqualTo(2);
    }

    private static PacketBuilder toVlan(PacketBuilder frame) {
        return frame.ipv4("10.5.0.7", "10.5.0.1").ttl(1).tcp(1, 22).flags("S");
    }

    /** A burst longer than all queues, and a worker that is slow: what does not fit waits in the kernel. */
    @Test
    void shouldLoseNothingOfABurstOfTheKernel() {
        for (int cycle = 0; cycle < 10; cycle++) {
            bench.net.poll(++bench.now);
            kernel.round();
        }
        int frames = 1000;
        for (int i = 0; i < frames; i++) {
            client.toRead.add(eth(CLIENT_PORT_MAC, PEER)
                    .ipv4(OWN, "224.0.0.5")
                    .id(i)
                    .protocol(89)
                    .payload(40)
                    .build());
        }
        int sent = 0;
        for (int cycle = 0; cycle < 200; cycle++) {
            bench.net.poll(++bench.now);
            for (int round = 0; round < 7 - cycle % 7; round++) {
                kernel.round();
            }
            for (byte[] frame = bench.sent(0); frame != null; frame = bench.sent(0)) {
                assertThat(Packets.fields(frame)).containsEntry("ip.id", Integer.toString(sent++));
            }
        }
        assertThat(kernel.cut()).isZero();
        assertThat(sent).isEqualTo(frames);
    }

    @Test
    void shouldSendTheKernelsFramesUnchangedOnTheirPort() {
        byte[] ping = eth(CLIENT_PORT_MAC, PEER)
                .ipv4(OWN, CLIENT)
                .ttl(1)
                .echoRequest(1, 2)
                .build();
        client.toRead.add(ping);
        vlan.toRead.add(
                eth(RS_PORT_MAC, PEER).arpRequest("10.5.0.1", "10.5.0.7").build());
        bench.net.poll(++bench.now);
        kernel.round();
        bench.net.poll(++bench.now);
        assertThat(bench.sent(0)).isEqualTo(ping);
        assertThat(bench.sent(1))
                .isEqualTo(eth(RS_PORT_MAC, PEER)
                        .vlan(5)
                        .arpRequest("10.5.0.1", "10.5.0.7")
                        .build());
        assertThat(kernel.fromKernel()).isEqualTo(2);
    }

    @Test
    void shouldNotSendAKernelFrameThatDoesNotFitAnMbuf() {
        client.toRead.add(new byte[3000]);
        client.toRead.add(new byte[60]);
        bench.net.poll(++bench.now);
        kernel.round();
        bench.net.poll(++bench.now);
        assertThat(bench.sent(0)).hasSize(60);
        assertThat(bench.sent(0)).isNull();
        assertThat(kernel.cut()).isEqualTo(1);
    }

    @Test
    void shouldCountWhatTheKernelDoesNotTake() {
        client.room = 0;
        bench.input(0, example(PuntClass.REST));
        kernel.round();
        assertThat(kernel.refused()).isEqualTo(1);
    }

    @Test
    void shouldDropWhatIsForAPortWithoutTwin() {
        Punter without = new Punter(new DaemonConfig.Punt(true, 1, 1, 1, 1), new boolean[] {true, false}, false);
        assertThat(Verdict.describe(without.punt(64, 1, 0, 0))).isEqualTo("drop no-twin");
    }

    @Test
    void shouldDropAndCountWhenTheQueueIsFull() {
        Punter fast = new Punter(new DaemonConfig.Punt(true, 100_000, 1, 1, 1), new boolean[] {true}, false);
        for (int i = 0; i < Punter.QUEUE; i++) {
            assertThat(Verdict.describe(fast.punt(64, 0, 0, i))).isEqualTo("kept");
        }
        assertThat(Verdict.describe(fast.punt(64, 0, 0, Punter.QUEUE))).isEqualTo("drop punt-queue-full");
    }

    /** Ten times the limit of one class, a trickle of the others: the trickle passes whole, the flood at its limit. */
    @ParameterizedTest
    @EnumSource(PuntClass.class)
    void shouldLetAFloodStarveNoOtherClass(PuntClass flooded) {
        int[] sent = new int[PuntClass.count()];
        int[] kept = new int[PuntClass.count()];
        int seconds = 4;
        for (int tick = 0; tick < seconds * Net.TICKS_PER_SECOND; tick++) {
            bench.net.poll(++bench.now);
            for (PuntClass each : PuntClass.values()) {
                int packets = each == flooded ? 10 : tick % 5 == 0 ? 1 : 0;
                for (int i = 0; i < packets; i++) {
                    sent[each.ordinal()]++;
                    String verdict = bench.input(0, example(each));
                    kept[each.ordinal()] += verdict.equals("punt " + each) ? 1 : 0;
                }
            }
            kernel.round();
        }
        for (PuntClass each : PuntClass.values()) {
            if (each == flooded) {
                assertThat(kept[each.ordinal()]).isBetween(seconds * RATE, (seconds + 1) * RATE + 2);
                assertThat(bench.drops(each.limited())).isEqualTo(sent[each.ordinal()] - kept[each.ordinal()]);
            } else {
                assertThat(kept[each.ordinal()])
                        .as(each + " during a flood of " + flooded)
                        .isEqualTo(sent[each.ordinal()]);
                assertThat(bench.drops(each.limited())).isZero();
            }
        }
        assertThat(bench.drops(DropReason.PUNT_QUEUE_FULL)).isZero();
    }

    /** A full queue of the flooded class delays the others by no more than one round. */
    @Test
    void shouldServeTheOthersWhileTheRestQueueIsFull() {
        Punter punter = new Punter(new DaemonConfig.Punt(true, 100, 100, 100, 1_000_000), new boolean[] {true}, false);
        long mbuf = bench.io.allocate();
        while (punter.punt(mbuf, 0, PuntClass.REST.ordinal(), 0) == Verdict.KEPT) {
            mbuf = bench.io.allocate();
        }
        assertThat(punter.punt(mbuf, 0, PuntClass.NEIGHBOUR.ordinal(), 0)).isEqualTo(Verdict.KEPT);
        Twin kernelEnd = new Twin() {
            @Override
            public int write(long address, int length) {
                return length;
            }

            @Override
            public int read(long address, int capacity) {
                return 0;
            }

            @Override
            public int descriptor() {
                return -1;
            }
        };
        PuntThread thread = new PuntThread(new Punter[] {punter}, new Twin[] {kernelEnd}, bench.net.config());
        thread.round();
        assertThat(punter.toKernel(PuntClass.NEIGHBOUR.ordinal()).size()).isZero();
        assertThat(punter.toKernel(PuntClass.REST.ordinal()).size()).isGreaterThan(900);
        thread.close();
        for (long each = punter.returned().poll();
                each != 0;
                each = punter.returned().poll()) {
            bench.io.free(each);
        }
        for (long each = punter.toKernel(3).poll();
                each != 0;
                each = punter.toKernel(3).poll()) {
            bench.io.free(Punter.mbuf(each));
        }
    }
}
