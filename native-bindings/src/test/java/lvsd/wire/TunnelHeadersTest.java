package lvsd.wire;

import static lvsd.wire.EthernetTest.assertExactly;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The headers between an outer and an inner packet, byte for byte. */
class TunnelHeadersTest {
    private final PacketMemory memory = new PacketMemory();

    @AfterEach
    void unmap() {
        memory.close();
    }

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text);
    }

    @Test
    void shouldWriteGre() {
        long plain = memory.blank(4);
        Gre.write(plain, Ethernet.TYPE_IPV6, false, 4);
        assertExactly(plain, hex("000086dd"));
        long checked = memory.put(hex("a5a5a5a5a5a5a5a5" + "4500ffff0102"));
        Gre.write(checked, Ethernet.TYPE_IPV4, true, 14);
        // 8000 + 0800 + 4500 + ffff + 0102, folded and complemented.
        assertExactly(checked, hex("80000800" + "31fd0000" + "4500ffff0102"));
    }

    @Test
    void shouldJudgeGre() {
        long plain = memory.put(hex("00000800"));
        assertThat(Gre.check(plain, 4)).isEqualTo(4);
        assertThat(Gre.check(plain, 3)).isEqualTo(Check.TRUNCATED);
        assertThat(Gre.protocolType(plain)).isEqualTo(Ethernet.TYPE_IPV4);
        long checked = memory.put(hex("8000080012340000"));
        assertThat(Gre.check(checked, 8)).isEqualTo(8);
        assertThat(Gre.check(checked, 7)).isEqualTo(Check.TRUNCATED);
        for (String other : new String[] {"20000800", "10000800", "40000800", "00010800"}) {
            assertThat(Gre.check(memory.put(hex(other)), 4)).isEqualTo(Check.MALFORMED);
        }
    }

    @Test
    void shouldWriteAndJudgeGue() {
        long gue = memory.blank(4);
        Gue.write(gue, Ipv4.PROTOCOL_IPIP);
        assertExactly(gue, hex("00040000"));
        assertThat(Gue.check(gue, 4)).isEqualTo(4);
        assertThat(Gue.protocol(gue)).isEqualTo(4);
        assertThat(Gue.check(gue, 3)).isEqualTo(Check.TRUNCATED);
        long extended = memory.put(hex("0229000011223344" + "55667788"));
        assertThat(Gue.check(extended, 12)).isEqualTo(12);
        assertThat(Gue.check(extended, 11)).isEqualTo(Check.TRUNCATED);
        assertThat(Gue.check(memory.put(hex("20040000")), 4)).isEqualTo(Check.MALFORMED);
        assertThat(Gue.check(memory.put(hex("40040000")), 4)).isEqualTo(Check.MALFORMED);
    }
}
