package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.connection.TcpStates;
import lvsd.dataplane.service.Service;
import lvsd.rules.Protocol;
import lvsd.rules.SynProxyMode;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;

/**
 * One client's connection through the SYN proxy, rung by rung. Numbers of arguments are those that the client and the
 * server themselves use, relative to their initial sequence numbers: the first byte of data is 1.
 */
final class ProxyFlow {
    private static final int WINDOW = 64_240;

    final TestDirector director;
    final Way way;
    final Flow flow;
    /** The client's initial sequence number. */
    int isn;
    /** The one the client was given. */
    int cookie;
    /** The server's. */
    int serverIsn;
    /** Timestamp of the SYN+ACK, 0 without. */
    int stamp;
    /** The client's next timestamp; 0: it sends none. */
    int clientStamp;
    /** What is added to the client's timestamps at the server. */
    int stampUp;
    /** The server's timestamp in its SYN+ACK. */
    int serverStamp;

    ProxyFlow(TestDirector director, Way way, int clientPort, int isn) {
        this.director = director;
        this.way = way;
        this.flow = new Flow(director, way, true, clientPort);
        this.isn = isn;
    }

    /** A proxied service with the usual server. */
    static Service service(TestDirector director, Way way, boolean toa) {
        return service(director, way, toa, way.server() + ":" + Flow.SERVER_PORT);
    }

    static Service service(TestDirector director, Way way, boolean toa, String... servers) {
        return director.service(
                TestDirector.spec(Protocol.TCP, way.vip(), Flow.VIRTUAL_PORT, toa)
                        .withSynProxy(SynProxyMode.ENABLE),
                way.method,
                servers);
    }

    /** Moves the only established connection of worker 0 to another state. */
    static void enter(TestDirector director, Way way, int state) {
        Pipeline pipeline = director.dataplane.workerList().getFirst().pipeline();
        ConnectionTable table = pipeline.table(way.ipv6);
        int entry = 0;
        while (!table.isUsed(entry) || Connection.state(table.hot(entry)) != TcpStates.ESTABLISHED) {
            entry++;
        }
        pipeline.tracker(way.ipv6).moveTo(entry, table.hot(entry), state, pipeline.now);
    }

    // ---- the client and the proxy

    /** The client's SYN; returns the SYN+ACK's frame after learning from it. */
    byte[] syn(byte[]... options) {
        director.send(flow.clientQueue, 0, syn(isn, options));
        byte[] frame = director.expect(0);
        director.expectNothing(1);
        Packets.assertChecksums(frame);
        assertThat(flagsOf(frame)).isEqualTo(0x12);
        assertThat(ackOf(frame)).isEqualTo(isn + 1);
        cookie = seqOf(frame);
        stamp = timestampOf(frame, 0);
        return frame;
    }

    byte[] syn(int number, byte[]... options) {
        return flow.fromClient().flags("S").seq(number).options(options).build();
    }

    /** What the client sends once it has the SYN+ACK. */
    PacketBuilder client(String flags, int seq, int ack) {
        PacketBuilder segment =
                flow.fromClient().flags(flags).seq(isn + seq).ack(cookie + ack).window(WINDOW);
        return clientStamp == 0
                ? segment
                : segment.options(
                        PacketBuilder.nop(), PacketBuilder.nop(), PacketBuilder.timestamps(clientStamp, stamp));
    }

    /** That at the server, once the server's numbers are known. */
    PacketBuilder atServer(String flags, int seq, int ack) {
        PacketBuilder segment = flow.atServer()
                .flags(flags)
                .seq(isn + flow.sequence + seq)
                .ack(serverIsn + ack)
                .window(WINDOW);
        return clientStamp == 0
                ? segment
                : segment.options(
                        PacketBuilder.nop(),
                        PacketBuilder.nop(),
                        PacketBuilder.timestamps(clientStamp + stampUp, serverStamp));
    }

    /** What the server sends. */
    PacketBuilder server(String flags, int seq, int ack) {
        return flow.fromServer()
                .flags(flags)
                .seq(serverIsn + seq)
                .ack(flags.contains(".") ? isn + flow.sequence + ack : 0)
                .window(WINDOW);
    }

    /** That at the client. */
    PacketBuilder atClient(String flags, int seq, int ack) {
        return flow.atClient()
                .flags(flags)
                .seq(cookie + seq)
                .ack(flags.contains(".") ? isn + ack : 0)
                .window(WINDOW);
    }

    /** The acknowledgement that finishes the client's handshake, and the SYN that the server gets for it. */
    byte[] ack() {
        director.send(flow.clientQueue, 0, client(".", 1, 1).build());
        return serverSyn();
    }

    /** The SYN that is on its way to the server; learns what FULLNAT has chosen. */
    byte[] serverSyn() {
        byte[] frame = director.expect(1);
        Packets.assertChecksums(frame);
        assertThat(flagsOf(frame)).isEqualTo(0x02);
        flow.peerPort = Flow.at16(frame, way.l4());
        flow.sequence = seqOf(frame) - isn;
        if (clientStamp != 0) {
            stampUp = timestampOf(frame, 0) - clientStamp;
            assertThat(timestampOf(frame, 4)).isZero();
        }
        return frame;
    }

    /** The server's SYN+ACK; the server then has the acknowledgement, which is returned. */
    byte[] synAck(int number, byte[]... options) {
        serverIsn = number;
        director.send(flow.serverQueue, 1, server("S.", 0, 1).options(options).build());
        byte[] frame = director.expect(1);
        Packets.assertChecksums(frame);
        return frame;
    }

    /** The whole handshake without options. */
    ProxyFlow establish(int number) {
        syn();
        ack();
        Packets.assertSame(synAck(number), atServer(".", 1, 1).df().build());
        return this;
    }

    // ---- data

    void up(PacketBuilder sent, PacketBuilder expected) {
        flow.up(sent, expected);
    }

    void down(PacketBuilder sent, PacketBuilder expected) {
        flow.down(sent, expected);
    }

    void up(String flags, int seq, int ack, int data) {
        flow.up(client(flags, seq, ack).payload(data), atServer(flags, seq, ack).payload(data));
    }

    void down(String flags, int seq, int ack, int data) {
        flow.down(
                server(flags, seq, ack).payload(data), atClient(flags, seq, ack).payload(data));
    }

    /** The client sends and nothing leaves. */
    void held(String flags, int seq, int ack, int data) {
        director.send(flow.clientQueue, 0, client(flags, seq, ack).payload(data).build());
        director.expectNothing(0);
        director.expectNothing(1);
    }

    /** What the server gets next. */
    void expectAtServer(String flags, int seq, int ack, int data) {
        byte[] frame = director.expect(1);
        Packets.assertChecksums(frame);
        Packets.assertSame(frame, atServer(flags, seq, ack).payload(data).build(), flow.ignoring);
    }

    /** The client gets a reset that it takes. */
    void expectReset() {
        byte[] frame = director.expect(0);
        Packets.assertChecksums(frame);
        assertThat(flagsOf(frame)).isEqualTo(0x14);
        assertThat(seqOf(frame)).as("what the client expects next").isEqualTo(cookie + 1);
        assertThat(ackOf(frame)).isEqualTo(isn + 1);
    }

    String state() {
        return director.connections().stream()
                .filter(row -> row.clientPort() == flow.clientPort)
                .map(ConnectionRow::state)
                .findFirst()
                .orElse("none");
    }

    // ---- fields of frames

    int flagsOf(byte[] frame) {
        return frame[way.l4() + 13] & 0xff;
    }

    int seqOf(byte[] frame) {
        return Flow.at32(frame, way.l4() + 4);
    }

    int ackOf(byte[] frame) {
        return Flow.at32(frame, way.l4() + 8);
    }

    int windowOf(byte[] frame) {
        return Flow.at16(frame, way.l4() + 14);
    }

    /** Data of an option behind kind and length, from {@code offset}; 0 without the option. */
    int timestampOf(byte[] frame, int offset) {
        int at = option(frame, 8);
        return at < 0 ? 0 : Flow.at32(frame, at + 2 + offset);
    }

    int mssOf(byte[] frame) {
        int at = option(frame, 2);
        return at < 0 ? -1 : Flow.at16(frame, at + 2);
    }

    int scaleOf(byte[] frame) {
        int at = option(frame, 3);
        return at < 0 ? -1 : frame[at + 2];
    }

    boolean sackOf(byte[] frame) {
        return option(frame, 4) >= 0;
    }

    /** Where an option begins in a frame, or -1. */
    int option(byte[] frame, int kind) {
        int at = way.l4() + 20;
        int end = way.l4() + ((frame[way.l4() + 12] & 0xf0) >>> 2);
        while (at < end && frame[at] != 0) {
            if (frame[at] == kind) {
                return at;
            }
            at += frame[at] == 1 ? 1 : frame[at + 1];
        }
        return -1;
    }
}
