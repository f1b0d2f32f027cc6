package lvsd.dataplane.connection;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import lvsd.memory.Memory;
import org.junit.jupiter.api.Test;

class ConnectionTest {
    private static final int CLIENT = Connection.CLIENT_SIDE;
    private static final int SERVER = Connection.SERVER_SIDE;

    private final long memory = Arena.ofAuto().allocate(256, 64).address();

    /** The byte table of docs/architecture.md, field by field: what is written shows at its place and nowhere else. */
    @Test
    void shouldLayFieldsOutAsTheArchitectureSays() {
        check(0, 8, at -> Connection.setAddresses(at, CLIENT, 0x1122334455667788L), 0x1122334455667788L);
        check(8, 8, at -> Connection.setAddresses(at, SERVER, 0x1122334455667788L), 0x1122334455667788L);
        check(16, 4, at -> Connection.setPorts(at, CLIENT, 0x11223344), 0x11223344);
        check(20, 4, at -> Connection.setPorts(at, SERVER, 0x11223344), 0x11223344);
        check(24, 2, at -> Connection.setFlags(at, 0x1122), 0x1122);
        check(26, 1, at -> Connection.setState(at, 0x11), 0x11);
        check(27, 1, at -> Connection.setProtocol(at, 0x11), 0x11);
        check(28, 4, at -> Connection.setLastSeen(at, 0x11223344), 0x11223344);
        check(32, 2, at -> Connection.setDestination(at, 0x1122), 0x1122);
        check(34, 2, at -> Connection.setProxy(at, 0x1122), 0x1122);
        check(36, 4, at -> Connection.setDeltas(at, 0x1122, 0x3344), 0x33441122);
        check(40, 4, Connection::fetch, 0);
        check(44, 4, at -> Connection.setSeqDelta(at, CLIENT, 0x11223344), 0x11223344);
        check(48, 4, at -> Connection.setSeqDelta(at, SERVER, 0x11223344), 0x11223344);
        check(52, 4, at -> Connection.setNextHop(at, CLIENT, 0x11223344), 0x11223344);
        check(56, 4, at -> Connection.setNextHop(at, SERVER, 0x11223344), 0x11223344);
        check(60, 4, at -> Connection.setPackets(at, 0x11223344), 0x11223344);
    }

    @Test
    void shouldLayColdFieldsOutAsTheArchitectureSays() {
        check(0, 4, at -> Connection.setTimerNext(at, 0x11223344), 0x11223344);
        check(4, 4, at -> Connection.setTimerPrevious(at, 0x11223344), 0x11223344);
        check(8, 4, at -> Connection.setDeadline(at, 0x11223344), 0x11223344);
        check(12, 4, at -> Connection.setOwnTimeout(at, 0x11223344), 0x11223344);
        check(16, 4, at -> Connection.setTemplate(at, 0x11223344), 0x11223344);
        check(20, 4, at -> Connection.setSyncStamp(at, 0x11223344), 0x11223344);
        check(24, 4, at -> Connection.setWindowEdge(at, SERVER, 0x11223344), 0x11223344);
        check(28, 4, at -> Connection.setWindowEdge(at, CLIENT, 0x11223344), 0x11223344);
        check(32, 4, at -> Connection.setTimestampDelta(at, 0x11223344), 0x11223344);
        check(36, 4, at -> Connection.setRate(at, 0x11223344), 0x11223344);
        check(40, 4, at -> Connection.setProxyTimestamp(at, 0x11223344), 0x11223344);
    }

    @Test
    void shouldReadBackWhatWasWritten() {
        Connection.setDestination(memory, 0xfedc);
        Connection.setProxy(memory, 0xffff);
        Connection.setDeltas(memory, 0xfffe, 0x8001);
        assertThat(Connection.deltas(memory, CLIENT)).isEqualTo(0x8001fffe);
        assertThat(Connection.deltas(memory, SERVER)).isEqualTo(~0x8001fffe);
        long binding = Connection.binding(memory);
        assertThat(Connection.destinationOf(binding)).isEqualTo(0xfedc);
        assertThat(Connection.deltasOf(binding, CLIENT)).isEqualTo(0x8001fffe);
        assertThat(Connection.deltasOf(binding, SERVER)).isEqualTo(~0x8001fffe);
        Connection.setWindowEdge(memory + 64, CLIENT, 5);
        Connection.setWindowEdge(memory + 64, SERVER, 6);
        assertThat(Connection.windowEdge(memory + 64, CLIENT)).isEqualTo(5);
        assertThat(Connection.windowEdge(memory + 64, SERVER)).isEqualTo(6);
    }

    @Test
    void shouldRewriteAPacketWithTheOtherSidesTupleSwapped() {
        Connection.setAddresses(memory, CLIENT, 0x00000001_00000002L);
        Connection.setAddresses(memory, SERVER, 0x00000003_00000004L);
        Connection.setPorts(memory, CLIENT, 0x0001_0002);
        Connection.setPorts(memory, SERVER, 0x0003_0004);
        assertThat(Connection.rewriteAddresses(memory, CLIENT)).isEqualTo(0x00000004_00000003L);
        assertThat(Connection.rewriteAddresses(memory, SERVER)).isEqualTo(0x00000002_00000001L);
        assertThat(Connection.rewritePorts(memory, CLIENT)).isEqualTo(0x0004_0003);
        assertThat(Connection.rewritePorts(memory, SERVER)).isEqualTo(0x0002_0001);
    }

    private interface Setter {
        void set(long at);
    }

    private void check(int offset, int bytes, Setter setter, long value) {
        Memory.fill(memory, 64, 0xa5);
        setter.set(memory);
        for (int at = 0; at < 64; at++) {
            int expected = at >= offset && at < offset + bytes ? (int) (value >>> (8 * (at - offset))) & 0xff : 0xa5;
            assertThat(Memory.getByte(memory, 64, at))
                    .as("byte %d of field at %d", at, offset)
                    .isEqualTo(expected);
        }
    }
}
