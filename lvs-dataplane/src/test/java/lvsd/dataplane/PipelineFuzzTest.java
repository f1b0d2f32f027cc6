package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import lvsd.dataplane.io.MemoryIo;
import lvsd.rules.Protocol;
import lvsd.wire.Corpus;
import lvsd.wire.FrameMutator;
import lvsd.wire.PacketBuilder;
import lvsd.wire.SeededTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hostile frames into a director with NAT and FULLNAT services of both families and live connections. After every burst
 * each frame is on its way out, freed or held; afterwards connections still work to the byte.
 */
class PipelineFuzzTest {
    private static final Logger LOG = LoggerFactory.getLogger(PipelineFuzzTest.class);
    private static final int BURST = 64;
    /** First of the ports whose servers are behind tunnels. */
    private static final int TUNNEL_PORT = 7000;

    /** Frames between two looks at whether connections still work. */
    private static final int ROUND = 20_000;
    /** Frames that may be held for unresolved neighbours: some queues' worth. */
    private static final int MOST_HELD = 600;

    private final TestDirector director;
    private final List<byte[]> live = new ArrayList<>();
    private int nextPort = 20_000;

    PipelineFuzzTest() {
        Map<String, String> settings = Map.of("icmp_msgs_per_sec", "1000000", "icmp_msgs_burst", "1000000");
        director = new TestDirector(TestDirector.config(1, settings, 1 << 16));
        for (Way way : Way.values()) {
            if (way.fullnat()) {
                Flow.service(director, way, true, true);
                Flow.service(director, way, false);
            } else {
                for (boolean tcp : new boolean[] {true, false}) {
                    director.service(
                            tcp ? Protocol.TCP : Protocol.UDP,
                            Flow.natVip(way),
                            Flow.VIRTUAL_PORT,
                            way.method,
                            way.server() + ":" + Flow.SERVER_PORT);
                }
            }
        }
        TunnelTest.services(director, Way.NAT4, TUNNEL_PORT);
        TunnelTest.services(director, Way.NAT6, TUNNEL_PORT);
    }

    @Test
    void shouldSurviveMutatedFrames() {
        fuzz(300_000);
    }

    @Test
    @Tag("long")
    void shouldSurviveMillionsOfMutatedFrames() {
        fuzz(10_000_000);
    }

    private void fuzz(int frames) {
        long began = System.nanoTime();
        SeededTest.run((frames + ROUND - 1) / ROUND, this::round);
        long millis = (System.nanoTime() - began) / 1_000_000;
        LOG.info("{} frames in {} ms, {} forwarded; drops: {}", frames, millis, forwarded(), director.drops());
        if (Long.getLong("seed") == null) {
            // Or the test has lost its bite.
            assertThat(forwarded()).isGreaterThan(frames / 20L);
            assertThat(Arrays.stream(director.dataplane.drops())
                            .filter(count -> count != 0)
                            .count())
                    .isGreaterThan(15);
        }
        director.close();
    }

    private long forwarded() {
        long packets = 0;
        for (int destination = 0; destination < 2 * Way.values().length; destination++) {
            DataplaneControl.Totals totals = director.dataplane.totals(destination);
            packets += totals.inPackets() + totals.outPackets();
        }
        return packets;
    }

    private void round(RandomGenerator random) {
        connect();
        List<byte[]> corpus = new ArrayList<>(Corpus.frames());
        for (int i = 0; i < 12; i++) {
            corpus.addAll(live);
        }
        FrameMutator mutator = new FrameMutator(corpus);
        MemoryIo io = director.ios.getFirst();
        io.discardSent(true);
        for (int sent = 0; sent < ROUND; sent += BURST) {
            burst(io, mutator, random);
        }
        // Meanwhile neighbours that a mutated frame named are given up, which sends errors.
        director.advance(400_000);
        io.discardSent(false);
        assertThat(director.outstanding()).isZero();
    }

    private void burst(MemoryIo io, FrameMutator mutator, RandomGenerator random) {
        for (int i = 0; i < BURST; i++) {
            byte[] frame = mutator.next(random);
            int port = random.nextInt(2);
            inject(io, port, address(frame, port, random));
        }
        director.now += 100_000;
        Worker worker = director.dataplane.workerList().getFirst();
        long dropped = Arrays.stream(director.dataplane.drops()).sum();
        int free = io.available();
        worker.doWork(director.now);
        assertThat(io.waiting(0) + io.waiting(1)).isZero();
        int held = director.outstanding();
        assertThat(held).isBetween(0, MOST_HELD);
        assertThat(Arrays.stream(director.dataplane.drops()).sum()).isGreaterThanOrEqualTo(dropped);
        assertThat(io.available()).isGreaterThanOrEqualTo(free);
    }

    private static void inject(MemoryIo io, int port, byte[] frame) {
        io.inject(port, frame.length <= MemoryIo.MAX_FRAME ? frame : Arrays.copyOf(frame, MemoryIo.MAX_FRAME));
    }

    /** Most frames go to the port's own address, or nothing but that would be tested. */
    private static byte[] address(byte[] frame, int port, RandomGenerator random) {
        if (frame.length >= 6 && (frame[0] & 1) == 0 && random.nextInt(16) != 0) {
            System.arraycopy(PacketBuilder.macBytes(TestDirector.MACS[port]), 0, frame, 0, 6);
        }
        return frame;
    }

    /** Opens connections of every kind, which must work exactly, and takes their frames into the corpus. */
    private void connect() {
        live.clear();
        for (Way way : Way.values()) {
            Flow flow = flow(way, true);
            flow.open(1000);
            flow.down("S.", 500, 1001, 0);
            frames(flow);
            Flow datagrams = flow(way, false);
            datagrams.upDatagram(20);
            datagrams.downDatagram(20);
            frames(datagrams);
        }
        for (Way way : new Way[] {Way.NAT4, Way.NAT6}) {
            live.addAll(TunnelTest.frames(director, way, TUNNEL_PORT, 0x4000 | (nextPort++ & 0x3fff)));
        }
    }

    private Flow flow(Way way, boolean tcp) {
        Flow flow = new Flow(director, way, tcp, 0x4000 | (nextPort++ & 0x3fff));
        flow.ignoring = new String[] {"eth.dst"};
        if (!way.fullnat()) {
            flow.vip = Flow.natVip(way);
        }
        return flow;
    }

    private void frames(Flow flow) {
        int seq = 1001 + flow.sequence;
        byte[][] options = {PacketBuilder.nop(), PacketBuilder.nop(), PacketBuilder.timestamps(5, 6)};
        byte[] sack = PacketBuilder.sack(seq, seq + 9, seq + 20, seq + 30);
        PacketBuilder up = flow.fromClient().flags(".").seq(1001).ack(501).payload(40);
        PacketBuilder down = flow.fromServer().flags(".").seq(501).ack(seq).payload(40);
        live.add(up.build());
        live.add(down.build());
        live.add(flow.fromClient()
                .flags("S")
                .seq(1000)
                .options(PacketBuilder.mss(1460), options[2])
                .build());
        live.add(up.copy()
                .flags("P.")
                .options(PacketBuilder.toa("203.0.113.7", 1), options[0], options[1])
                .build());
        live.add(down.copy()
                .flags("P.")
                .options(options[0], options[1], options[2], options[0], sack)
                .build());
        live.add(down.copy()
                .flags("S.")
                .options(PacketBuilder.mss(1460), PacketBuilder.sackOk())
                .build());
        live.addAll(FragmentsTest.fragments(up.build(), flow.clientPort, 24, 40));
        live.addAll(FragmentsTest.fragments(down.build(), flow.clientPort, 24, 40));
        Way way = flow.way;
        PacketBuilder toVip = way.arriving(0, way.client(), flow.vip);
        PacketBuilder toPeer = way.arriving(1, way.server(), way.peer());
        PacketBuilder gotDown =
                flow.atClient().flags(".").seq(501).ack(1001).options(options).payload(9);
        PacketBuilder gotUp =
                flow.atServer().flags(".").seq(seq).ack(501).options(options).payload(9);
        live.add((way.ipv6 ? toVip.icmp(1, 4) : toVip.icmp(3, 3))
                .quote(gotDown.buildIp())
                .build());
        live.add((way.ipv6 ? toPeer.icmp(2, 0) : toPeer.icmp(3, 4))
                .rest(1300)
                .quote(gotUp.buildIp())
                .build());
    }
}
