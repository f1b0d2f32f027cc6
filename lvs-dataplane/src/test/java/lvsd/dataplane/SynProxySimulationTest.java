package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import lvsd.wire.Packets;
import lvsd.wire.SeededTest;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Two strict ends with random options talk through the SYN proxy over ways that lose, double and delay: no byte may be lost,
 * doubled or misplaced, and neither end may see a number that the other cannot have meant.
 */
class SynProxySimulationTest {
    private static final int STEP = 10;
    private static final long LIMIT = 300_000;

    /** A frame and when it arrives. */
    private static final class OnTheWay {
        final long at;
        final byte[] frame;

        OnTheWay(long at, byte[] frame) {
            this.at = at;
            this.frame = frame;
        }
    }

    /** A way with its own delays. */
    private static final class Path {
        final List<OnTheWay> frames = new ArrayList<>();
        final RandomGenerator random;
        final int loss;
        final int doubled;
        final int late;

        Path(RandomGenerator random) {
            this.random = random;
            loss = random.nextInt(8);
            doubled = random.nextInt(8);
            late = random.nextInt(20);
        }

        void send(long now, byte[] frame) {
            if (random.nextInt(100) < loss) {
                return;
            }
            int copies = random.nextInt(100) < doubled ? 2 : 1;
            for (int i = 0; i < copies; i++) {
                long delay = random.nextInt(100) < late ? random.nextInt(400) : random.nextInt(12);
                frames.add(new OnTheWay(now + delay, frame));
            }
        }

        List<byte[]> arrived(long now) {
            List<byte[]> due = new ArrayList<>();
            frames.removeIf(each -> {
                if (each.at <= now) {
                    due.add(each.frame);
                }
                return each.at <= now;
            });
            return due;
        }
    }

    private static Map<String, String> settings(RandomGenerator random) {
        Map<String, String> settings = new HashMap<>();
        settings.put("synproxy_wscale", Integer.toString(random.nextInt(15)));
        settings.put("synproxy_sack", Integer.toString(random.nextInt(4) == 0 ? 0 : 1));
        settings.put("synproxy_timestamp", Integer.toString(random.nextInt(4) == 0 ? 0 : 1));
        settings.put("synproxy_zero_window", Integer.toString(random.nextInt(4) == 0 ? 1 : 0));
        settings.put("synproxy_defer", Integer.toString(random.nextInt(4) == 0 ? 1 : 0));
        settings.put("synproxy_ack_skb_store_thresh", Integer.toString(random.nextInt(64)));
        settings.put("synproxy_syn_retry", "6");
        return settings;
    }

    @ParameterizedTest
    @EnumSource
    void shouldCarryBothStreamsWhateverTheWaysDo(Way way) {
        SeededTest.run(Boolean.getBoolean("long") ? 2000 : 60, random -> {
            Map<String, String> settings = settings(random);
            try (TestDirector director = new TestDirector(1, settings)) {
                converse(director, way, random, settings);
            }
        });
    }

    private static void converse(TestDirector director, Way way, RandomGenerator random, Map<String, String> settings) {
        boolean toa = random.nextBoolean();
        ProxyFlow.service(director, way, toa);
        Flow flow = new Flow(director, way, true, 40_000);
        int up = 1 + random.nextInt(20_000);
        int down = random.nextInt(20_000);
        SimulatedEnd client = new SimulatedEnd(true, up, down, way.ipv6 ? 1440 : 1460, random);
        SimulatedEnd server = new SimulatedEnd(false, down, up, way.ipv6 ? 1440 : 1460, random);
        Path[] in = {new Path(random), new Path(random)};
        Path[] out = {new Path(random), new Path(random)};
        long now = 0;
        while (!client.done() || !server.done()) {
            assertThat(now)
                    .as("stuck: %s; %s; %s; %s", client, server, settings, director.drops())
                    .isLessThan(LIMIT);
            for (byte[] frame : client.tick(now, flow::fromClient)) {
                in[0].send(now, frame);
            }
            for (byte[] frame : server.tick(now, flow::fromServer)) {
                in[1].send(now, frame);
            }
            for (int port = 0; port < 2; port++) {
                for (byte[] frame : in[port].arrived(now)) {
                    director.send(port, frame);
                }
            }
            director.advance(STEP);
            now += STEP;
            for (int port = 0; port < 2; port++) {
                collect(director, port, out[port], now);
                for (byte[] frame : out[port].arrived(now)) {
                    Packets.assertChecksums(frame);
                    if (port == 1) {
                        flow.peerPort = Flow.at16(frame, way.l4());
                        server.receive(now, frame, way.l4());
                    } else {
                        client.receive(now, frame, way.l4());
                    }
                }
            }
        }
        assertThat(client.finished() && server.finished()).isTrue();
    }

    private static void collect(TestDirector director, int port, Path path, long now) {
        for (byte[] frame = director.sent(port); frame != null; frame = director.sent(port)) {
            path.send(now, frame);
        }
    }
}
