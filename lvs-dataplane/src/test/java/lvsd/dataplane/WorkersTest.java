package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;
import lvsd.wire.SeededTest;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Several workers: every connection works whichever queue its packets arrive on. */
class WorkersTest {
    private static final int FLOWS = 24;

    /** A connection that walks through its life a step at a time. */
    private static final class Life {
        final Flow flow;
        int step;

        Life(Flow flow) {
            this.flow = flow;
        }

        void next() {
            if (flow.tcp) {
                tcp();
            } else if (step % 2 == 0) {
                flow.upDatagram(step);
            } else {
                flow.downDatagram(step);
            }
            step++;
        }

        private void tcp() {
            switch (step) {
                case 0 -> flow.open(100);
                case 1 -> flow.down("S.", 500, 101, 0);
                case 2 -> flow.up(".", 101, 501, 0);
                case 3 -> flow.up("P.", 101, 501, 20);
                case 4 -> flow.down("P.", 501, 121, 30);
                case 5 ->
                    error(
                            1,
                            flow.atServer().flags(".").seq(121 + flow.sequence).ack(531),
                            flow.fromClient().ttl(63).flags(".").seq(121).ack(531));
                case 6 ->
                    error(
                            0,
                            flow.atClient().flags(".").seq(531).ack(121),
                            flow.fromServer().ttl(63).flags(".").seq(531).ack(121 + flow.sequence));
                case 7 -> flow.down("F.", 531, 121, 0);
                case 8 -> flow.up("F.", 121, 532, 0);
                default -> flow.down(".", 532, 122, 0);
            }
        }

        /** The host on {@code port} complains about {@code got}; the other end hears of {@code sent}. */
        private void error(int port, PacketBuilder got, PacketBuilder sent) {
            Way way = flow.way;
            String from = port == 0 ? way.client() : way.server();
            String to = port == 0 ? way.vip() : way.peer();
            int queue = port == 0 ? flow.clientQueue : flow.serverQueue;
            PacketBuilder in = way.arriving(port, from, to);
            PacketBuilder out =
                    port == 0 ? way.leaving(1, way.peer(), way.server()) : way.leaving(0, way.vip(), way.client());
            flow.director.send(
                    queue, port, unreachable(way, in).quote(got.buildIp()).build());
            byte[] frame = flow.director.expect(1 - port);
            Packets.assertSame(
                    frame, unreachable(way, out.ttl(63)).quote(sent.buildIp()).build());
        }

        private static PacketBuilder unreachable(Way way, PacketBuilder ip) {
            return way.ipv6 ? ip.icmp(1, 4) : ip.icmp(3, 3);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void shouldCarryConnectionsWhicheverQueuePacketsArriveOn(int workers) {
        SeededTest.run(6, random -> {
            Way way = Way.values()[random.nextInt(4)];
            try (TestDirector director = new TestDirector(workers, Map.of())) {
                run(director, way, workers, random);
                assertThat(director.outstanding()).isZero();
            }
        });
    }

    private static void run(TestDirector director, Way way, int workers, RandomGenerator random) {
        Flow.service(director, way, true);
        Flow.service(director, way, false);
        List<Life> lives = new ArrayList<>();
        for (int i = 0; i < FLOWS; i++) {
            lives.add(new Life(new Flow(director, way, i % 3 != 0, 1000 + i)));
        }
        List<Life> running = new ArrayList<>(lives);
        while (!running.isEmpty()) {
            Life life = running.get(random.nextInt(running.size()));
            life.flow.clientQueue = random.nextInt(workers);
            life.flow.serverQueue = random.nextInt(workers);
            life.next();
            if (life.step == 10) {
                running.remove(life);
            }
        }
        assertThat(director.drops()).isEmpty();
        assertThat(director.connections()).hasSize(FLOWS);
        assertThat(director.connections().stream().map(ConnectionRow::worker).distinct())
                .hasSize(workers);
        director.expectNothing(0);
        director.expectNothing(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void shouldRefuseOnceWhateverTheQueue(int workers) {
        try (TestDirector director = new TestDirector(workers, Map.of())) {
            Flow.service(director, Way.FULLNAT4, true);
            for (int queue = 0; queue < workers; queue++) {
                for (int port = 1; port <= 8; port++) {
                    Flow flow = new Flow(director, Way.FULLNAT4, true, port);
                    director.send(
                            queue,
                            0,
                            flow.fromClient().flags(".").seq(1).ack(port).build());
                    Packets.assertSame(
                            director.expect(0),
                            Way.FULLNAT4
                                    .leaving(0, TestDirector.VIP, TestDirector.CLIENT)
                                    .df()
                                    .tcp(80, port)
                                    .flags("R")
                                    .seq(port)
                                    .window(0)
                                    .build());
                }
            }
            director.expectNothing(0);
            assertThat(director.outstanding()).isZero();
        }
    }
}
