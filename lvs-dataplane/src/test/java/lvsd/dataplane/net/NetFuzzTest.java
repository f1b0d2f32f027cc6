package lvsd.dataplane.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import java.util.random.RandomGenerator;
import lvsd.dataplane.Packet;
import lvsd.dataplane.Verdict;
import lvsd.dataplane.io.MemoryIo;
import lvsd.wire.Corpus;
import lvsd.wire.FrameMutator;
import lvsd.wire.PacketBuilder;
import lvsd.wire.SeededTest;
import org.junit.jupiter.api.Test;

/** Hostile frames: whatever comes, no exception, one verdict each, and no packet lost. */
class NetFuzzTest {
    private static final int CASES = Boolean.getBoolean("long") ? 2000 : 40;
    private static final int FRAMES = 2000;
    private static final String[] HOPS = {
        "198.18.20.2", "198.18.20.3", "203.0.113.7", "8.8.8.8", "10.5.3.4", "127.0.0.1"
    };

    @Test
    void shouldSurviveWhateverComes() {
        FrameMutator mutator = new FrameMutator(Corpus.frames());
        SeededTest.run(CASES, random -> {
            NetHarness.Config config = NetHarness.config();
            // The corpus was captured around this director.
            config.clientMac = "96:21:36:b5:e1:a2";
            config.rsMac = "b6:06:45:c5:b4:ee";
            try (NetHarness bench = new NetHarness(config.build())) {
                for (int i = 0; i < FRAMES; i++) {
                    feed(bench, mutator.next(random), random);
                }
                bench.advance(5);
                bench.drain();
                assertThat(bench.leaked()).isZero();
            }
        });
    }

    private static void feed(NetHarness bench, byte[] frame, RandomGenerator random) {
        if (frame.length < 64 || frame.length > MemoryIo.MAX_FRAME) {
            return;
        }
        Packet p;
        try {
            p = bench.receive(random.nextInt(2), frame);
        } catch (IllegalStateException unparsed) {
            bench.io.free(bench.packet.mbuf);
            return;
        }
        if (p.iface < 0) {
            bench.io.free(p.mbuf);
            return;
        }
        boolean ip = p.etherType == 0x0800 || p.etherType == 0x86dd;
        int verdict;
        try {
            if (ip && random.nextInt(4) == 0) {
                verdict = bench.net.output(p, bench.net.nextHop4(PacketBuilder.ip4(HOPS[random.nextInt(HOPS.length)])));
            } else if (ip && random.nextInt(4) == 0) {
                bench.net.tooBig(p, 1280);
                bench.net.noRoute(p);
                verdict = bench.net.refuse(p);
            } else {
                verdict = bench.net.input(p);
            }
        } catch (RuntimeException failure) {
            throw new AssertionError(HexFormat.of().formatHex(frame), failure);
        }
        assertThat(Verdict.describe(verdict)).doesNotStartWith("verdict");
        bench.dispatch(p, verdict);
        if (random.nextInt(50) == 0) {
            bench.advance(random.nextInt(3) * 0.5);
            bench.drain();
            for (PuntClass each : PuntClass.values()) {
                bench.punted(each);
            }
        }
    }
}
