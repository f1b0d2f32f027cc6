package lvsd.dataplane;

import java.nio.ByteBuffer;
import java.util.Arrays;
import lvsd.dataplane.service.Service;
import lvsd.rules.Protocol;
import lvsd.rules.ServiceSpec;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;

/**
 * One client's connection through a director: sends what either end sends, and expects at the other end exactly that with
 * addresses, ports, TTL and, with FULLNAT, sequence numbers changed. Sequence numbers of arguments are those that the
 * client and the server themselves use.
 */
final class Flow {
    static final int VIRTUAL_PORT = 80;
    static final int SERVER_PORT = 8080;

    final TestDirector director;
    final Way way;
    final boolean tcp;
    final int clientPort;
    /** Where the client sends to. */
    String vip;
    /** Fields that need not be as expected. */
    String[] ignoring = {};
    /** What the server sees the client's port as. */
    int peerPort;
    /** What is added to the client's sequence numbers. */
    int sequence;
    /** What is added to the client's timestamps. */
    int timestamp;
    /** Queues that packets from the client and the server arrive on. */
    int clientQueue;

    int serverQueue;

    Flow(TestDirector director, Way way, boolean tcp, int clientPort) {
        this.director = director;
        this.way = way;
        this.tcp = tcp;
        this.clientPort = clientPort;
        this.peerPort = clientPort;
        this.vip = way.vip();
    }

    /** A second VIP of {@code way}'s family. */
    static String natVip(Way way) {
        return way.ipv6 ? "2001:db8:ff::11" : "192.0.2.11";
    }

    /** The service that flows of {@code way} go to, without TOA. */
    static Service service(TestDirector director, Way way, boolean tcp) {
        return service(director, way, tcp, false);
    }

    static Service service(TestDirector director, Way way, boolean tcp, boolean toa) {
        ServiceSpec spec = TestDirector.spec(tcp ? Protocol.TCP : Protocol.UDP, way.vip(), VIRTUAL_PORT, toa);
        return director.service(spec, way.method, way.server() + ":" + SERVER_PORT);
    }

    private PacketBuilder ports(PacketBuilder ip, int source, int destination) {
        return tcp ? ip.tcp(source, destination) : ip.udp(source, destination);
    }

    /** What the client sends. */
    PacketBuilder fromClient() {
        return ports(way.arriving(0, way.client(), vip), clientPort, VIRTUAL_PORT);
    }

    /** That at the server. */
    PacketBuilder atServer() {
        return ports(way.leaving(1, way.peer(), way.server()).ttl(63), peerPort, SERVER_PORT);
    }

    /** What the server sends. */
    PacketBuilder fromServer() {
        return ports(way.arriving(1, way.server(), way.peer()), SERVER_PORT, peerPort);
    }

    /** That at the client. */
    PacketBuilder atClient() {
        return ports(way.leaving(0, vip, way.client()).ttl(63), VIRTUAL_PORT, clientPort);
    }

    /** The client sends a packet and the server gets another. */
    void up(PacketBuilder sent, PacketBuilder expected) {
        director.send(clientQueue, 0, sent.build());
        byte[] frame = director.expect(1);
        Packets.assertSame(frame, expected.build(), ignoring);
        Packets.assertChecksums(frame);
    }

    /** The server sends a packet and the client gets another. */
    void down(PacketBuilder sent, PacketBuilder expected) {
        director.send(serverQueue, 1, sent.build());
        byte[] frame = director.expect(0);
        Packets.assertSame(frame, expected.build(), ignoring);
        Packets.assertChecksums(frame);
    }

    /** A segment of the client, exact at the server. */
    void up(String flags, int seq, int ack, int payload) {
        up(
                fromClient().flags(flags).seq(seq).ack(ack).payload(payload),
                atServer().flags(flags).seq(seq + sequence).ack(ack).payload(payload));
    }

    /** A segment of the server, exact at the client. */
    void down(String flags, int seq, int ack, int payload) {
        boolean acknowledges = flags.contains(".");
        down(
                fromServer()
                        .flags(flags)
                        .seq(seq)
                        .ack(acknowledges ? ack + sequence : ack)
                        .payload(payload),
                atClient().flags(flags).seq(seq).ack(ack).payload(payload));
    }

    /** Datagrams, exact at the other end. */
    void upDatagram(int payload) {
        if (peerPort == clientPort && way.fullnat()) {
            director.send(clientQueue, 0, fromClient().payload(payload).build());
            byte[] frame = director.expect(1);
            peerPort = at16(frame, way.l4());
            Packets.assertSame(frame, atServer().payload(payload).build(), ignoring);
        } else {
            up(fromClient().payload(payload), atServer().payload(payload));
        }
    }

    void downDatagram(int payload) {
        down(fromServer().payload(payload), atClient().payload(payload));
    }

    /** Sends a SYN, and learns from what the server gets what FULLNAT has chosen. */
    Flow open(int seq, byte[]... options) {
        director.send(
                clientQueue,
                0,
                fromClient().flags("S").seq(seq).options(options).build());
        byte[] frame = director.expect(1);
        learn(frame, seq);
        if (Arrays.stream(options).noneMatch(option -> option[0] == 8)) {
            Packets.assertSame(
                    frame,
                    atServer().flags("S").seq(seq + sequence).options(options).build(),
                    ignoring);
        }
        Packets.assertChecksums(frame);
        return this;
    }

    private void learn(byte[] frame, int seq) {
        peerPort = at16(frame, way.l4());
        sequence = at32(frame, way.l4() + 4) - seq;
    }

    /** The three segments of a handshake; both ends' next sequence numbers are one more than these. */
    Flow establish(int seq, int serverSeq) {
        open(seq);
        down("S.", serverSeq, seq + 1, 0);
        up(".", seq + 1, serverSeq + 1, 0);
        return this;
    }

    /** The connections' only row. */
    ConnectionRow row() {
        return director.connections().stream()
                .filter(row -> row.clientPort() == clientPort)
                .findFirst()
                .orElseThrow(() -> new AssertionError("no connection of port " + clientPort));
    }

    static int at16(byte[] frame, int offset) {
        return ByteBuffer.wrap(frame).getShort(offset) & 0xffff;
    }

    static int at32(byte[] frame, int offset) {
        return ByteBuffer.wrap(frame).getInt(offset);
    }
}
