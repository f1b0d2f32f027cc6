package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import lvsd.rules.Protocol;
import lvsd.rules.ServiceSpec;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;
import lvsd.wire.SeededTest;
import org.junit.jupiter.api.Test;

/**
 * Bursts of packets of all kinds: what the short loops of the packet path handle, and everything that interrupts them. Each
 * packet comes out as it would alone, in the order in which they came.
 */
class MixedBurstTest {
    private static final int BURST = 64;
    private static final int FLOWS = 8;

    private final TestDirector director = new TestDirector(TestDirector.config(1, Map.of(), 1 << 10));
    private final List<Talk> talks = new ArrayList<>();
    private int nextPort = 30_000;

    /** A connection, and where its two ends are. */
    private static final class Talk {
        final Flow flow;
        int client = 1001;
        int server = 5001;

        Talk(Flow flow) {
            this.flow = flow;
        }
    }

    @Test
    void everyPacketIsForwardedAsIfItWereAlone() {
        for (Way way : Way.values()) {
            for (boolean tcp : new boolean[] {true, false}) {
                String vip = way.fullnat() ? way.vip() : Flow.natVip(way);
                ServiceSpec spec = TestDirector.spec(tcp ? Protocol.TCP : Protocol.UDP, vip, Flow.VIRTUAL_PORT, false);
                director.service(spec, way.method, way.server() + ":" + Flow.SERVER_PORT);
                for (int i = 0; i < FLOWS; i++) {
                    talks.add(begin(way, tcp, vip));
                }
            }
        }
        SeededTest.run(300, random -> burst(random, random.nextInt(2)));
        director.close();
    }

    private Talk begin(Way way, boolean tcp, String vip) {
        Flow flow = new Flow(director, way, tcp, nextPort++);
        flow.vip = vip;
        if (tcp) {
            flow.establish(1000, 5000);
        } else {
            flow.upDatagram(10);
        }
        return new Talk(flow);
    }

    private void burst(RandomGenerator random, int side) {
        List<byte[]> sent = new ArrayList<>();
        List<byte[]> expected = new ArrayList<>();
        int count = 1 + random.nextInt(BURST);
        int kinds = 1 + random.nextInt(talks.size());
        for (int i = 0; i < count; i++) {
            Talk talk = talks.get(random.nextInt(kinds));
            int payload = random.nextInt(4) == 0 ? 0 : random.nextInt(1200);
            PacketBuilder in = side == 0 ? talk.flow.fromClient() : talk.flow.fromServer();
            PacketBuilder out = side == 0 ? talk.flow.atServer() : talk.flow.atClient();
            if (talk.flow.tcp) {
                segment(talk, side, random, in, out, payload);
            }
            sent.add(in.payload(payload).build());
            expected.add(out.payload(payload).build());
        }
        director.sendTogether(side, sent);
        for (byte[] frame : expected) {
            byte[] left = director.expect(1 - side);
            Packets.assertSame(left, frame);
            Packets.assertChecksums(left);
        }
        director.expectNothing(1 - side);
        assertThat(director.outstanding()).isZero();
    }

    /** With a timestamp now and then, and with flags that change nothing. */
    private static void segment(
            Talk talk, int side, RandomGenerator random, PacketBuilder in, PacketBuilder out, int payload) {
        int shift = talk.flow.sequence;
        String flags = random.nextInt(3) == 0 ? "P." : ".";
        in.flags(flags);
        out.flags(flags);
        if (side == 0) {
            in.seq(talk.client).ack(talk.server);
            out.seq(talk.client + shift).ack(talk.server);
            talk.client += payload;
        } else {
            in.seq(talk.server).ack(talk.client + shift);
            out.seq(talk.server).ack(talk.client);
            talk.server += payload;
        }
        if (random.nextInt(5) == 0) {
            byte[] blank = {1, 1, 1, 1};
            in.options(blank);
            out.options(blank);
        }
    }
}
