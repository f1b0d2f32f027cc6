package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import lvsd.dataplane.service.Service;
import lvsd.rules.ForwardingMethod;
import lvsd.rules.Protocol;
import lvsd.wire.Packets;
import lvsd.wire.Sctp;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** SCTP associations through the director: addresses, ports, CRC and states. */
class SctpTest extends PipelineTest {
    private Way way = Way.NAT4;
    /** What the server sees the client's port as. */
    private int peerPort = 7;

    private Service service(int serverPort) {
        return director.service(Protocol.SCTP, way.vip(), 2905, way.method, way.server() + ":" + serverPort);
    }

    private void up(int chunk, int serverPort) {
        director.send(
                0,
                way.arriving(0, way.client(), way.vip())
                        .sctp(7, 2905, 1)
                        .chunk(chunk, 0)
                        .build());
        byte[] frame = director.expect(1);
        peerPort = Flow.at16(frame, way.l4());
        Packets.assertSame(
                frame,
                way.leaving(1, way.peer(), way.server())
                        .ttl(63)
                        .sctp(way.fullnat() ? peerPort : 7, serverPort, 1)
                        .chunk(chunk, 0)
                        .build());
        Packets.assertChecksums(frame);
    }

    private void down(int chunk, int serverPort) {
        director.send(
                1,
                way.arriving(1, way.server(), way.peer())
                        .sctp(serverPort, peerPort, 2)
                        .chunk(chunk, 0, (byte) 9)
                        .build());
        byte[] frame = director.expect(0);
        Packets.assertSame(
                frame,
                way.leaving(0, way.vip(), way.client())
                        .ttl(63)
                        .sctp(2905, 7, 2)
                        .chunk(chunk, 0, (byte) 9)
                        .build());
        Packets.assertChecksums(frame);
    }

    private String state() {
        return director.connections().getFirst().state();
    }

    /** As recorded (sync-v1-sctp): 900 seconds established, 61 closed. */
    @ParameterizedTest
    @EnumSource
    void shouldCarryAnAssociationThroughItsLife(Way each) {
        way = each;
        Service service = service(3905);
        up(Sctp.INIT, 3905);
        assertThat(state()).isEqualTo("INIT1");
        down(Sctp.INIT_ACK, 3905);
        assertThat(state()).isEqualTo("C-SENT");
        up(Sctp.COOKIE_ECHO, 3905);
        assertThat(state()).isEqualTo("C-REPLIED");
        down(Sctp.COOKIE_ACK, 3905);
        assertThat(state()).isEqualTo("ESTABLISHED");
        assertThat(director.totals(service, 0).active()).isEqualTo(1);
        assertThat(director.connections().getFirst().expiresMillis()).isGreaterThan(899_000);
        up(Sctp.DATA, 3905);
        down(Sctp.SACK, 3905);
        up(Sctp.SHUTDOWN, 3905);
        assertThat(state()).isEqualTo("S-RECEIVED");
        assertThat(director.totals(service, 0).active()).isZero();
        assertThat(director.totals(service, 0).inactive()).isEqualTo(1);
        down(Sctp.SHUTDOWN_ACK, 3905);
        assertThat(state()).isEqualTo("S-ACK-SENT");
        up(Sctp.SHUTDOWN_COMPLETE, 3905);
        assertThat(state()).isEqualTo("CLOSED");
        director.advance(60_500);
        assertThat(director.connections()).hasSize(1);
        director.advance(1_000);
        assertThat(director.connections()).isEmpty();
        assertThat(director.totals(service, 0).inactive()).isZero();
        assertThat(director.drops()).isEmpty();
    }

    @Test
    void shouldOpenByInitAloneUnlessSloppy() {
        service(2905);
        for (int chunk : new int[] {Sctp.DATA, Sctp.COOKIE_ECHO, Sctp.ABORT}) {
            director.send(
                    0,
                    way.arriving(0, way.client(), way.vip())
                            .sctp(7, 2905, 1)
                            .chunk(chunk, 0)
                            .build());
            director.expectNothing(1);
        }
        director.drain(0);
        director.setting("sloppy_sctp", "1");
        director.send(
                0,
                way.arriving(0, way.client(), way.vip())
                        .sctp(7, 2905, 1)
                        .chunk(Sctp.ABORT, 0)
                        .build());
        director.expectNothing(1);
        director.drain(0);
        up(Sctp.DATA, 2905);
        assertThat(state()).isEqualTo("ESTABLISHED");
    }

    @Test
    void shouldTakeAnAbortBehindACookieForAnAbort() {
        service(2905);
        up(Sctp.INIT, 2905);
        director.send(
                0,
                way.arriving(0, way.client(), way.vip())
                        .sctp(7, 2905, 1)
                        .chunk(Sctp.COOKIE_ECHO, 0)
                        .chunk(Sctp.ABORT, 0)
                        .build());
        assertThat(director.any(1)).isTrue();
        assertThat(state()).isEqualTo("CLOSED");
    }

    @Test
    void shouldNotHideABrokenPacketBehindANewChecksum() {
        service(3905);
        up(Sctp.INIT, 3905);
        byte[] broken = way.arriving(0, way.client(), way.vip())
                .sctp(7, 2905, 1)
                .chunk(Sctp.DATA, 0, (byte) 5)
                .build();
        broken[broken.length - 1] ^= 1;
        director.send(0, broken);
        director.expectNothing(1);
        assertThat(director.drops()).isEqualTo("bad-transport-checksum=1 ");
    }

    @Test
    void shouldBeginAnewByInitOverAClosedAssociation() {
        director.service(
                Protocol.SCTP,
                way.vip(),
                2905,
                ForwardingMethod.NAT,
                TestDirector.RS1 + ":2905",
                TestDirector.RS2 + ":2905");
        init();
        String first = director.connections().getFirst().server().getHostAddress();
        director.send(
                0,
                way.arriving(0, way.client(), way.vip())
                        .sctp(7, 2905, 1)
                        .chunk(Sctp.ABORT, 0)
                        .build());
        assertThat(director.any(1)).isTrue();
        init();
        assertThat(director.connections()).singleElement().satisfies(row -> {
            assertThat(row.server().getHostAddress()).isNotEqualTo(first);
            assertThat(row.state()).isEqualTo("INIT1");
        });
    }

    private void init() {
        director.send(
                0,
                way.arriving(0, way.client(), way.vip())
                        .sctp(7, 2905, 1)
                        .chunk(Sctp.INIT, 0)
                        .build());
        assertThat(director.any(1)).isTrue();
    }

    @Test
    void shouldWorkWhicheverQueuePacketsArriveOn() {
        director.close();
        director = new TestDirector(2, Map.of());
        service(2905);
        for (int port = 1; port < 20; port++) {
            director.send(
                    port & 1,
                    0,
                    way.arriving(0, way.client(), way.vip())
                            .sctp(port, 2905, 1)
                            .chunk(Sctp.INIT, 0)
                            .build());
            assertThat(director.any(1)).isTrue();
            director.send(
                    port >> 1 & 1,
                    1,
                    way.arriving(1, way.server(), way.client())
                            .sctp(2905, port, 1)
                            .chunk(Sctp.INIT_ACK, 0)
                            .build());
            assertThat(director.any(0)).isTrue();
        }
        assertThat(director.connections())
                .hasSize(19)
                .allMatch(row -> row.state().equals("C-SENT"));
        assertThat(director.drops()).isEmpty();
    }

    /** One direction only, as the kernel lists it: the client's chunks have to do. */
    @Test
    void shouldFollowADirectAssociationByTheClientsChunks() {
        director.service(Protocol.SCTP, way.vip(), 2905, ForwardingMethod.ROUTE, way.server() + ":2905");
        String[] states = {"INIT1", "ESTABLISHED", "ESTABLISHED", "S-RECEIVED", "CLOSED"};
        int[] chunks = {Sctp.INIT, Sctp.COOKIE_ECHO, Sctp.DATA, Sctp.SHUTDOWN, Sctp.SHUTDOWN_COMPLETE};
        for (int i = 0; i < states.length; i++) {
            director.send(
                    0,
                    way.arriving(0, way.client(), way.vip())
                            .sctp(7, 2905, 1)
                            .chunk(chunks[i], 0)
                            .build());
            Packets.assertSame(
                    director.expect(1),
                    way.leaving(1, way.client(), way.vip())
                            .ttl(63)
                            .sctp(7, 2905, 1)
                            .chunk(chunks[i], 0)
                            .build());
            assertThat(state()).isEqualTo(states[i]);
        }
    }

    @Test
    void shouldTranslateTheServersErrors() {
        service(3905);
        up(Sctp.INIT, 3905);
        byte[] got = way.leaving(1, way.client(), way.server())
                .ttl(63)
                .sctp(7, 3905, 1)
                .chunk(Sctp.INIT, 0)
                .buildIp();
        director.send(
                1,
                way.arriving(1, way.server(), way.client())
                        .icmp(3, 2)
                        .quote(got)
                        .build());
        byte[] frame = director.expect(0);
        assertThat(Flow.at16(frame, way.l4() + 8 + 20 + 2)).isEqualTo(2905);
        assertThat(frame[26] & 0xff).as("source is the VIP").isEqualTo(192);
    }
}
