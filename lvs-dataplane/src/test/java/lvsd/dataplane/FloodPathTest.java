package lvsd.dataplane;

import static lvsd.wire.PacketBuilder.mss;
import static lvsd.wire.PacketBuilder.nop;
import static lvsd.wire.PacketBuilder.sackOk;
import static lvsd.wire.PacketBuilder.timestamps;
import static lvsd.wire.PacketBuilder.windowScale;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import lvsd.dataplane.service.MarkTable;
import lvsd.rules.MarkRule;
import lvsd.rules.Protocol;
import lvsd.synproxy.Secrets;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;
import lvsd.wire.SeededTest;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What comes in one burst, where SYNs are known to be answered, goes the short way; what comes alone to a director that
 * has forgotten that goes the long way: the same must come of both, byte for byte.
 */
class FloodPathTest {
    private static final int PACKETS = 60;
    private static final int MARK = 7;
    /** Clients whose SYNs tell every worker what is answered; none of them comes again. */
    private static final int HERALDS = 12;

    private final long seed = Long.getLong("seed", SeededTest.base());
    private final String replay = "replay with -Dseed=" + seed;
    private final RandomGenerator random = SeededTest.random(seed);

    private Way way = Way.NAT4;

    private TestDirector director(Secrets secrets, int workers, @Nullable String setting) {
        TestDirector director = new TestDirector(workers, Map.of());
        director.dataplane.secrets(secrets);
        // No service is of this mark, but it is looked for in every packet.
        director.marks = new MarkTable(List.of(new MarkRule(
                MARK,
                Optional.of(Protocol.TCP),
                TestDirector.ip(way.vip()),
                TestDirector.ip(way.vip()),
                Flow.VIRTUAL_PORT,
                Flow.VIRTUAL_PORT,
                "")));
        ProxyFlow.service(director, way, false);
        // So that all workers know the way to clients and servers.
        for (int port = 980; port < 998; port++) {
            ProxyFlow first = new ProxyFlow(director, way, port, 1);
            first.syn();
            first.ack();
            first.synAck(5);
        }
        director.drain(0);
        director.drain(1);
        if (setting != null) {
            director.setting(setting, "1");
        }
        director.run();
        return director;
    }

    private PacketBuilder segment(String source, int port, String flags, int seq, int ack) {
        return way.arriving(0, source, way.vip())
                .tcp(port, Flow.VIRTUAL_PORT)
                .flags(flags)
                .seq(seq)
                .ack(ack)
                .window(1000 + port);
    }

    private byte[] damaged(byte[] frame) {
        frame[way.l4() + 16] ^= 1;
        return frame;
    }

    private byte[][] options() {
        List<byte[]> some = new ArrayList<>();
        List<byte[]> all = List.of(mss(400 + random.nextInt(1200)), sackOk(), timestamps(77, 0), nop(), windowScale(7));
        all.forEach(each -> {
            if (random.nextBoolean()) {
                some.add(each);
            }
        });
        return some.toArray(byte[][]::new);
    }

    /** What a client may begin with, and what it may not. */
    private byte[] opening(int i) {
        int port = 1000 + i;
        return switch (random.nextInt(13)) {
            // Never balanced, so never proxied.
            case 12 -> segment(way.client(), 20, "S", i, 0).build();
            case 0 -> damaged(segment(way.client(), port, "S", i, 0).build());
            case 1 -> segment(way.ipv6 ? "::1" : "127.0.0.1", port, "S", i, 0).build();
            case 2 -> segment(way.director(0), port, "S", i, 0).build();
            case 3 ->
                segment(way.client(), port, ".", random.nextInt(), random.nextInt())
                        .build();
            case 4 -> segment(way.client(), port, "R", i, 0).build();
            case 5 -> segment(way.client(), port, "F.", i, i).build();
            case 6 -> segment(way.client(), port, "S.", i, i).build();
            case 7 -> segment(way.client(), port, "S", i, 0).payload(i).build();
            default -> segment(way.client(), port, "S", i, 0).options(options()).build();
        };
    }

    /** What it says to the SYN+ACK it got. */
    private byte[] answer(ProxyFlow reader, byte[] synAck) {
        int port = Flow.at16(synAck, way.l4() + 2);
        int stamp = reader.timestampOf(synAck, 0);
        int wrong = random.nextInt(4) == 0 ? 1 << (8 + random.nextInt(24)) : 0;
        PacketBuilder segment =
                segment(way.client(), port, ".", reader.ackOf(synAck), reader.seqOf(synAck) + 1 + wrong);
        if (stamp != 0) {
            segment.options(nop(), nop(), timestamps(78, stamp));
        }
        byte[] frame = segment.payload(random.nextInt(3) == 0 ? 10 : 0).build();
        return random.nextInt(8) == 0 ? damaged(frame) : frame;
    }

    private static List<byte[]> sent(TestDirector director) {
        List<byte[]> frames = new ArrayList<>();
        for (int port = 0; port < 2; port++) {
            for (byte[] frame = director.sent(port); frame != null; frame = director.sent(port)) {
                frames.add(frame);
            }
        }
        // What is kept or sent on its own account leaves before the rest of its burst.
        frames.sort(Arrays::compare);
        return frames;
    }

    private static List<FloodPath> floods(TestDirector director) {
        return director.dataplane.workerList().stream()
                .map(worker -> worker.pipeline().misses().proxy().floods())
                .toList();
    }

    private static boolean allExpect(TestDirector director) {
        return floods(director).stream().allMatch(FloodPath::expects);
    }

    private List<byte[]> same(TestDirector alone, TestDirector together, List<byte[]> frames) {
        frames.forEach(frame -> {
            floods(alone).forEach(FloodPath::forget);
            alone.sendTogether(0, List.of(frame));
        });
        assertThat(floods(together)).as(replay).allMatch(FloodPath::expects);
        together.sendTogether(0, frames);
        List<byte[]> expected = sent(alone);
        List<byte[]> actual = sent(together);
        assertThat(actual.stream().map(Packets::print))
                .as(replay)
                .containsExactlyElementsOf(expected.stream().map(Packets::print).toList());
        for (int i = 0; i < expected.size(); i++) {
            assertThat(actual.get(i)).as(replay + ", frame " + i).isEqualTo(expected.get(i));
        }
        assertThat(together.drops()).as(replay).isEqualTo(alone.drops());
        int service = alone.first().index;
        assertThat(together.dataplane.steps(service)).as(replay).isEqualTo(alone.dataplane.steps(service));
        return expected;
    }

    @ParameterizedTest
    @CsvSource({
        "NAT4, 1,",
        "NAT4, 3,",
        "NAT4, 1, synproxy_defer",
        "NAT4, 1, synproxy_rst_bad_cookie",
        "NAT4, 3, synproxy_rst_bad_cookie",
        "NAT4, 1, defence_tcp_drop",
        "NAT4, 1, synproxy_zero_window",
        "NAT6, 1,",
        "NAT6, 3,",
        "NAT6, 1, synproxy_defer",
        "NAT6, 3, synproxy_rst_bad_cookie",
        "NAT6, 1, synproxy_zero_window"
    })
    void shouldDoForABurstWhatItDoesForEachPacketAlone(Way way, int workers, @Nullable String setting) {
        this.way = way;
        Secrets secrets = Secrets.random();
        for (int round = 0; round < 8; round++) {
            try (TestDirector alone = director(secrets, workers, setting);
                    TestDirector together = director(secrets, workers, setting)) {
                together.now = Math.max(alone.now, together.now);
                alone.now = together.now;
                // As many as it takes until every worker has had one: which gets it, a random key decides.
                for (int i = 0; i < HERALDS || (i < 20 * HERALDS && !allExpect(together)); i++) {
                    byte[] herald = segment(way.client(), 2000 + i, "S", i, 0).build();
                    alone.sendTogether(0, List.of(herald));
                    together.sendTogether(0, List.of(herald));
                }
                assertThat(sent(together)).as(replay).hasSameSizeAs(sent(alone));
                ProxyFlow reader = new ProxyFlow(alone, way, 998, 1);
                List<byte[]> openings = new ArrayList<>();
                for (int i = 0; i < PACKETS; i++) {
                    openings.add(opening(i));
                }
                List<byte[]> answers = new ArrayList<>();
                for (byte[] frame : same(alone, together, openings)) {
                    if (reader.flagsOf(frame) == 0x12) {
                        byte[] answer = answer(reader, frame);
                        answers.add(answer);
                        if (random.nextInt(4) == 0) {
                            answers.add(answer.clone()); // once more, when the first has opened the connection
                        }
                    }
                }
                same(alone, together, answers.subList(0, Math.min(PACKETS, answers.size())));
                assertThat(together.connections()).as(replay).hasSameSizeAs(alone.connections());
            }
        }
    }
}
