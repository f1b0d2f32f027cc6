package lvsd.wire;

import static lvsd.wire.EthernetTest.assertExactly;
import static lvsd.wire.PacketBuilder.eth;
import static lvsd.wire.PacketBuilder.ip4;
import static lvsd.wire.PacketBuilder.mac;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ArpTest {
    private static final String A = "02:fe:dc:ba:98:76";
    private static final String B = "02:ab:cd:ef:01:23";
    private static final byte[] MESSAGE =
            eth().arp(2, A, "192.0.2.1", B, "198.51.100.250").buildIp();

    private final PacketMemory memory = new PacketMemory();

    @AfterEach
    void unmap() {
        memory.close();
    }

    @Test
    void shouldDeconstruct() {
        long arp = memory.put(MESSAGE);
        assertThat(Arp.check(arp, 28)).isEqualTo(Arp.SIZE);
        assertThat(Arp.operation(arp)).isEqualTo(Arp.REPLY);
        assertThat(Arp.senderMac(arp)).isEqualTo(mac(A));
        assertThat(Arp.senderIp(arp)).isEqualTo(ip4("192.0.2.1"));
        assertThat(Arp.targetMac(arp)).isEqualTo(mac(B));
        assertThat(Arp.targetIp(arp)).isEqualTo(ip4("198.51.100.250"));
    }

    @Test
    void shouldConstruct() {
        long arp = memory.blank(28);
        Arp.setOperation(arp, Arp.REPLY);
        Arp.setSender(arp, mac(A), ip4("192.0.2.1"));
        Arp.setTarget(arp, mac(B), ip4("198.51.100.250"));
        assertExactly(arp, MESSAGE);
    }

    @Test
    void shouldRefuseOtherLengthsAndOtherProtocols() {
        for (int available = 0; available < 28; available++) {
            assertThat(Arp.check(memory.putAtEnd(Arrays.copyOf(MESSAGE, available)), available))
                    .isEqualTo(Check.TRUNCATED);
        }
        assertThat(Arp.check(memory.put(MESSAGE), 46)).isEqualTo(Arp.SIZE);
        for (int at = 0; at < 6; at++) {
            byte[] other = MESSAGE.clone();
            other[at] ^= 4;
            assertThat(Arp.check(memory.put(other), 28)).isEqualTo(Check.MALFORMED);
        }
    }
}
