package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import lvsd.dataplane.io.MemoryIo;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.Protocol;
import lvsd.rules.ServiceId;
import lvsd.rules.ServiceSpec;
import lvsd.rules.SynProxyMode;
import lvsd.wire.PacketBuilder;
import org.junit.jupiter.api.Test;

/** A worker's cycles allocate nothing on the heap, whatever usual packets they carry. */
class AllocationTest {
    private static final int PACKETS = 100_000;
    private static final int BURST = 64;
    private static final int PROXIED = 82;
    /** Rounds until the compilers are done; each is {@link #PACKETS} packets. */
    private static final int MOST_ROUNDS = 150;

    /** A tick of the worker's clock a burst, so that time's work is done as often as it can be. */
    private static final long TICK = 4_000_000;

    private static final class Frame {
        final int port;
        final byte[] bytes;

        Frame(int port, byte[] bytes) {
            this.port = port;
            this.bytes = bytes;
        }
    }

    private final TestDirector director = new TestDirector();
    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private static List<Frame> frames(Flow flow) {
        List<Frame> frames = new ArrayList<>();
        int seq = 1001 + flow.sequence;
        byte[][] sack = {PacketBuilder.nop(), PacketBuilder.nop(), PacketBuilder.sack(seq, seq + 9)};
        byte[][] timestamps = {PacketBuilder.nop(), PacketBuilder.nop(), PacketBuilder.timestamps(5, 6)};
        PacketBuilder up = flow.fromClient().flags(".").seq(1001).ack(501).payload(40);
        PacketBuilder down = flow.fromServer().flags(".").seq(501).ack(seq).payload(40);
        frames.add(new Frame(0, up.build()));
        frames.add(new Frame(1, down.build()));
        if (!flow.tcp) {
            frames.add(new Frame(0, up.copy().lieChecksum(0).build()));
            return frames;
        }
        frames.add(new Frame(0, up.copy().options(timestamps).build()));
        frames.add(new Frame(1, down.copy().options(sack).build()));
        frames.add(new Frame(
                1, down.copy().flags("S.").options(PacketBuilder.mss(1460)).build()));
        frames.add(new Frame(0, up.copy().ttl(1).build()));
        PacketBuilder error = flow.way.arriving(1, flow.way.server(), flow.way.peer());
        error = flow.way.ipv6 ? error.icmp(1, 4) : error.icmp(3, 3);
        byte[] quote = flow.atServer().flags(".").seq(seq).ack(501).buildIp();
        frames.add(new Frame(1, error.quote(quote).build()));
        // A connection that opens and is reset, so that the next one opens anew.
        frames.add(new Frame(0, flow.fromClient().tcp(9, 80).flags("S").seq(1).build()));
        frames.add(new Frame(0, flow.fromClient().tcp(9, 81).flags("S").seq(1).build()));
        frames.add(new Frame(0, flow.fromClient().tcp(10, 80).flags(".").build()));
        return frames;
    }

    /** Datagrams to one-packet services, one of every scheduler: each datagram is scheduled, and its entry made and ended. */
    private List<Frame> everyScheduler() {
        List<Frame> frames = new ArrayList<>();
        int port = 9000;
        for (String scheduler : List.of(
                "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf", "twos")) {
            for (Way way : List.of(Way.NAT4, Way.NAT6)) {
                ServiceId id = new ServiceId.Vip(Protocol.UDP, TestDirector.ip(way.vip()), port);
                ServiceSpec spec = new ServiceSpec(
                        id, scheduler, Set.of(), OptionalInt.empty(), -1, "", true, false, OptionalInt.empty());
                director.service(
                        spec,
                        List.of(
                                TestDirector.server(id, ForwardingMethod.NAT, way.server() + ":80", 3, 50, 10),
                                TestDirector.server(id, ForwardingMethod.NAT, way.server() + ":81", 1, 0, 0)));
                for (int client = 1; client < 4; client++) {
                    byte[] frame = way.arriving(0, way.client(), way.vip())
                            .udp(client, port)
                            .payload(9)
                            .build();
                    frames.add(new Frame(0, frame));
                }
            }
            port++;
        }
        return frames;
    }

    /** Connections of persistent services that open and are reset, again and again. */
    private List<Frame> persistent() {
        List<Frame> frames = new ArrayList<>();
        for (Way way : List.of(Way.NAT4, Way.NAT6)) {
            director.service(
                    TestDirector.persistent(Protocol.TCP, way.vip(), 9100, 300, -1),
                    way.method,
                    way.server() + ":80",
                    way.server() + ":81");
            for (int client = 1; client < 4; client++) {
                PacketBuilder segment = way.arriving(0, way.client(), way.vip()).tcp(client, 9100);
                frames.add(new Frame(0, segment.copy().flags("S").seq(1).build()));
                frames.add(new Frame(0, segment.copy().flags("R").seq(2).build()));
            }
        }
        return frames;
    }

    /** Datagrams into tunnels of every kind, and errors about them. */
    private List<Frame> tunnels() {
        List<Frame> frames = new ArrayList<>();
        for (Way way : List.of(Way.NAT4, Way.NAT6)) {
            TunnelTest.services(director, way, 9200);
            TunnelTest.frames(director, way, 9200, 5).stream()
                    .map(frame -> new Frame(frame[5] == 3 ? 1 : 0, frame))
                    .forEach(frames::add);
        }
        return frames;
    }

    /** What keeps the neighbours known. */
    private static List<Frame> neighbours() {
        List<Frame> frames = new ArrayList<>();
        for (Way way : List.of(Way.NAT4, Way.NAT6)) {
            for (int port = 0; port < 2; port++) {
                String host = port == 0 ? way.client() : way.server();
                PacketBuilder frame = PacketBuilder.eth(TestDirector.PEERS[port], TestDirector.MACS[port]);
                byte[] answer = way.ipv6
                        ? frame.ipv6(host, way.director(port))
                                .ttl(255)
                                .rest(0x6000_0000)
                                .neighbourAdvertisement(host, TestDirector.PEERS[port])
                                .build()
                        : frame.arpReply(host, way.director(port)).build();
                frames.add(new Frame(port, answer));
            }
        }
        return frames;
    }

    /** SYNs that the SYN proxy answers, acknowledgements that it refuses, and one checksum that is wrong. */
    private List<Frame> proxied(Flow flow) {
        director.service(
                TestDirector.spec(Protocol.TCP, flow.vip, PROXIED, true).withSynProxy(SynProxyMode.ENABLE),
                flow.way.method,
                flow.way.server() + ":" + Flow.SERVER_PORT);
        byte[][] usual = {
            PacketBuilder.mss(1460),
            PacketBuilder.sackOk(),
            PacketBuilder.timestamps(7, 0),
            PacketBuilder.nop(),
            PacketBuilder.windowScale(7)
        };
        byte[][] stamps = {PacketBuilder.nop(), PacketBuilder.nop(), PacketBuilder.timestamps(7, 9)};
        PacketBuilder syn = flow.fromClient().tcp(9, PROXIED).flags("S").seq(1);
        PacketBuilder ack = flow.fromClient().tcp(9, PROXIED).flags(".").seq(2).ack(3);
        return List.of(
                new Frame(0, syn.build()),
                new Frame(0, syn.copy().options(usual).build()),
                new Frame(0, syn.copy().lieChecksum(5).build()),
                new Frame(0, ack.build()),
                new Frame(0, ack.copy().options(stamps).payload(100).build()));
    }

    private Flow established(Way way, boolean tcp) {
        Flow flow = new Flow(director, way, tcp, 1234);
        if (way.fullnat()) {
            Flow.service(director, way, tcp, tcp);
        } else {
            flow.vip = Flow.natVip(way);
            Protocol protocol = tcp ? Protocol.TCP : Protocol.UDP;
            director.service(protocol, flow.vip, Flow.VIRTUAL_PORT, way.method, way.server() + ":" + Flow.SERVER_PORT);
        }
        if (tcp) {
            flow.open(1000).down("S.", 500, 1001, 0);
        } else {
            flow.upDatagram(1);
            flow.downDatagram(1);
        }
        return flow;
    }

    @Test
    void shouldNotAllocateWhileForwarding() {
        List<Frame> frames = neighbours();
        for (Way way : Way.values()) {
            Flow tcp = established(way, true);
            frames.addAll(frames(tcp));
            frames.addAll(proxied(tcp));
            frames.addAll(frames(established(way, false)));
        }
        frames.addAll(everyScheduler());
        frames.addAll(persistent());
        frames.addAll(tunnels());
        director.expectNothing(0);
        long allocated = Long.MAX_VALUE;
        director.ios.getFirst().discardSent(true);
        for (int round = 0; allocated != 0 && round < MOST_ROUNDS; round++) {
            allocated = round(frames);
        }
        assertThat(allocated)
                .as("bytes allocated by the worker's thread over %d packets", PACKETS)
                .isZero();
        assertThat(director.outstanding()).isZero();
        director.close();
    }

    /** Bytes that the cycles of one round allocated; what it takes to inject is not counted. */
    private long round(List<Frame> frames) {
        MemoryIo io = director.ios.getFirst();
        Worker worker = director.dataplane.workerList().getFirst();
        long thread = Thread.currentThread().threadId();
        long sum = 0;
        int next = 0;
        for (int sent = 0; sent < PACKETS; sent += BURST) {
            for (int i = 0; i < BURST; i++) {
                Frame frame = frames.get(next);
                next = next + 1 == frames.size() ? 0 : next + 1;
                io.inject(frame.port, frame.bytes);
            }
            director.now += TICK;
            long before = threads.getThreadAllocatedBytes(thread);
            worker.doWork(director.now);
            worker.doWork(director.now);
            sum += threads.getThreadAllocatedBytes(thread) - before;
        }
        return sum;
    }
}
