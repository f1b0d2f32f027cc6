package lvsd.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Packets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Datagrams and segments that come in fragments: what arrives, put together, is the whole packet translated. */
class FragmentsTest extends PipelineTest {
    private static final int ETHERNET = 14;
    private static final int MORE = 0x2000;
    /** Fields that fragmenting or the new identification changes. */
    private static final String[] CHANGED = {"ip.id", "ip.checksum"};

    /** Fragments of a whole frame, cut before each offset (multiples of eight into the IP payload). */
    static List<byte[]> fragments(byte[] frame, int id, int... cuts) {
        boolean ipv6 = frame[12] == (byte) 0x86;
        int header = ETHERNET + (ipv6 ? 40 : 20);
        List<byte[]> fragments = new ArrayList<>();
        int from = 0;
        for (int i = 0; i <= cuts.length; i++) {
            int to = i < cuts.length ? cuts[i] : frame.length - header;
            boolean more = i < cuts.length;
            fragments.add(
                    ipv6 ? fragment6(frame, header, from, to, more, id) : fragment4(frame, header, from, to, more, id));
            from = to;
        }
        return fragments;
    }

    private static byte[] fragment4(byte[] frame, int header, int from, int to, boolean more, int id) {
        ByteBuffer out = ByteBuffer.allocate(header + to - from);
        out.put(frame, 0, header).put(frame, header + from, to - from);
        out.putShort(ETHERNET + 2, (short) (20 + to - from)).putShort(ETHERNET + 4, (short) id);
        out.putShort(ETHERNET + 6, (short) (from / 8 | (more ? MORE : 0))).putShort(ETHERNET + 10, (short) 0);
        int sum = 0;
        for (int at = ETHERNET; at < ETHERNET + 20; at += 2) {
            sum += out.getShort(at) & 0xffff;
        }
        sum = (sum & 0xffff) + (sum >>> 16);
        out.putShort(ETHERNET + 10, (short) ~(sum + (sum >>> 16)));
        return out.array();
    }

    private static byte[] fragment6(byte[] frame, int header, int from, int to, boolean more, int id) {
        ByteBuffer out = ByteBuffer.allocate(header + 8 + to - from);
        out.put(frame, 0, header).put(frame[ETHERNET + 6]).put((byte) 0);
        out.putShort((short) (from | (more ? 1 : 0))).putInt(id).put(frame, header + from, to - from);
        out.putShort(ETHERNET + 4, (short) (8 + to - from)).put(ETHERNET + 6, (byte) 44);
        return out.array();
    }

    /** Puts fragments that came in order together; a whole packet is itself. */
    static byte[] whole(List<byte[]> fragments) {
        byte[] first = fragments.getFirst();
        boolean ipv6 = first[12] == (byte) 0x86;
        int header = ETHERNET + (ipv6 ? 40 : 20);
        int skip = header + (ipv6 ? 8 : 0);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.write(first, 0, header);
        for (int i = 0; i < fragments.size(); i++) {
            byte[] fragment = fragments.get(i);
            int offset = Flow.at16(fragment, ipv6 ? header + 2 : ETHERNET + 6);
            assertThat(ipv6 ? offset & 0xfff8 : (offset & 0x1fff) * 8).isEqualTo(bytes.size() - header);
            assertThat((offset & (ipv6 ? 1 : MORE)) != 0).isEqualTo(i < fragments.size() - 1);
            bytes.write(fragment, skip, fragment.length - skip);
        }
        ByteBuffer out = ByteBuffer.wrap(bytes.toByteArray());
        if (ipv6) {
            out.putShort(ETHERNET + 4, (short) (out.capacity() - header)).put(ETHERNET + 6, first[header]);
            return out.array();
        }
        return fragment4(out.array(), header, 0, out.capacity() - header, false, Flow.at16(first, ETHERNET + 4));
    }

    private List<byte[]> pass(int queue, int port, List<byte[]> fragments) {
        List<byte[]> got = new ArrayList<>();
        for (byte[] fragment : fragments) {
            director.send(queue, port, fragment);
            got.add(director.expect(1 - port));
        }
        return got;
    }

    private void up(Flow flow, PacketBuilder sent, PacketBuilder expected, int id, int... cuts) {
        byte[] got = whole(pass(flow.clientQueue, 0, fragments(sent.build(), id, cuts)));
        if (!flow.tcp && flow.way.fullnat()) {
            flow.peerPort = Flow.at16(got, flow.way.l4());
        }
        Packets.assertSame(got, (flow.tcp ? expected : flow.atServer().payload(3000)).build(), CHANGED);
        Packets.assertChecksums(got);
    }

    private void down(Flow flow, PacketBuilder sent, PacketBuilder expected, int id, int... cuts) {
        byte[] got = whole(pass(flow.serverQueue, 1, fragments(sent.build(), id, cuts)));
        Packets.assertSame(got, expected.build(), CHANGED);
        Packets.assertChecksums(got);
    }

    @ParameterizedTest
    @EnumSource
    void shouldForwardADatagramInFragmentsBothWays(Way way) {
        Flow.service(director, way, false);
        Flow flow = udp(way, 5);
        up(flow, flow.fromClient().payload(3000), flow.atServer(), 7, 1400, 2800);
        assertThat(director.connections()).hasSize(1);
        down(flow, flow.fromServer().payload(2000), flow.atClient().payload(2000), 9, 1024);
        up(flow, flow.fromClient().payload(3000), flow.atServer(), 8, 8, 16, 1400, 2800);
        assertThat(director.connections()).hasSize(1);
        assertThat(director.drops()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void shouldForwardASegmentInFragmentsBothWays(Way way) {
        Flow.service(director, way, true);
        Flow flow = new Flow(director, way, true, 5).establish(1, 2);
        up(
                flow,
                flow.fromClient().flags("P.").seq(2).ack(3).payload(900),
                flow.atServer().flags("P.").seq(2 + flow.sequence).ack(3).payload(900),
                7,
                400);
        down(
                flow,
                flow.fromServer().flags("P.").seq(3).ack(902 + flow.sequence).payload(900),
                flow.atClient().flags("P.").seq(3).ack(902).payload(900),
                7,
                24,
                400);
        assertThat(director.drops()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void shouldForwardFragmentsWhateverQueueTheyComeBy(Way way) {
        director.close();
        director = new TestDirector(3, Map.of());
        Flow.service(director, way, false);
        for (int port = 1; port < 20; port++) {
            Flow flow = udp(way, port);
            flow.clientQueue = port % 3;
            flow.serverQueue = port / 3 % 3;
            up(flow, flow.fromClient().payload(3000), flow.atServer(), port, 1400, 2800);
            down(flow, flow.fromServer().payload(2000), flow.atClient().payload(2000), port, 1024);
        }
        assertThat(director.connections()).hasSize(19);
        assertThat(director.drops()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void shouldDropAFragmentThatComesBeforeTheFirstOrLongAfter(Way way) {
        Flow.service(director, way, false);
        List<byte[]> fragments =
                fragments(udp(way, 5).fromClient().payload(2000).build(), 7, 800, 1600);
        director.send(0, fragments.get(1));
        director.expectNothing(1);
        assertThat(director.drops()).isEqualTo("fragment=1 ");
        pass(0, 0, fragments);
        director.advance(4 * Fragments.LIFETIME + 4);
        director.send(0, fragments.get(2));
        director.expectNothing(1);
        assertThat(director.drops()).isEqualTo("fragment=2 ");
    }

    @ParameterizedTest
    @EnumSource
    void shouldDropFragmentsThatBreakTheRules(Way way) {
        Flow.service(director, way, false);
        byte[] frame = udp(way, 5).fromClient().payload(2000).build();
        List<byte[]> good = fragments(frame, 7, 800, 1600);
        pass(0, 0, good.subList(0, 1));
        director.send(0, fragments(frame, 7, 792, 1600).get(1)); // overlaps the first
        director.send(0, fragments(frame, 7, 800, 1501).get(1)); // more follows, not in units of eight
        director.send(0, fragments(frame, 8, 801).get(0));
        director.expectNothing(1);
        assertThat(director.drops()).isEqualTo("bad-fragment=3 ");
        pass(0, 0, good.subList(1, 3));
    }

    @ParameterizedTest
    @EnumSource
    void shouldNotOpenATcpConnectionWithAFragment(Way way) {
        Flow.service(director, way, true);
        byte[] syn = new Flow(director, way, true, 5)
                .fromClient()
                .flags("S")
                .payload(64)
                .build();
        director.send(0, fragments(syn, 7, 40).getFirst());
        director.send(0, fragments(syn, 8, 16).getFirst()); // RFC 1858: half a header
        director.expectNothing(1);
        assertThat(director.connections()).isEmpty();
        assertThat(director.drops()).isEqualTo("fragment=1 bad-fragment=1 ");
    }

    @Test
    void shouldKeepDatagramsOfTwoClientsApartAtTheServer() {
        Way way = Way.FULLNAT4;
        Flow.service(director, way, false);
        byte[] first = pass(
                        0, 0, fragments(udp(way, 5).fromClient().payload(2000).build(), 7, 1400))
                .get(1);
        byte[] second = pass(
                        0,
                        0,
                        fragments(
                                way.arriving(0, "198.18.10.77", way.vip())
                                        .udp(5, Flow.VIRTUAL_PORT)
                                        .payload(2000)
                                        .build(),
                                7,
                                1400))
                .get(1);
        assertThat(Flow.at16(first, ETHERNET + 4)).isNotEqualTo(Flow.at16(second, ETHERNET + 4));
    }

    @Test
    void shouldLeaveADatagramWithoutAChecksumWithoutOne() {
        Way way = Way.NAT4;
        Flow.service(director, way, false);
        List<byte[]> got = pass(
                0,
                0,
                fragments(udp(way, 5).fromClient().payload(2000).lieChecksum(0).build(), 7, 1400));
        assertThat(Flow.at16(got.getFirst(), way.l4() + 6)).isZero();
        assertThat(Flow.at16(got.getFirst(), way.l4() + 2)).isEqualTo(Flow.SERVER_PORT);
    }

    @ParameterizedTest
    @EnumSource
    void shouldStayBoundedUnderAFloodOfFirstFragments(Way way) {
        Flow.service(director, way, false);
        for (int id = 0; id < 5000; id++) {
            director.send(
                    0,
                    fragments(udp(way, 5).fromClient().payload(64).build(), id, 16)
                            .getFirst());
            director.expect(1);
        }
        pass(0, 0, fragments(udp(way, 5).fromClient().payload(2000).build(), 60_000, 1400));
        assertThat(director.drops()).isEmpty();
    }
}
