package lvsd.wire;

import static lvsd.wire.PacketBuilder.eth;
import static lvsd.wire.PacketBuilder.mac;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class EthernetTest {
    private static final String CLIENT = "02:ab:cd:ef:01:23";
    private static final String DIRECTOR = "02:fe:dc:ba:98:76";

    private final PacketMemory memory = new PacketMemory();

    @AfterEach
    void unmap() {
        memory.close();
    }

    @Test
    void shouldDeconstruct() {
        long frame = memory.put(eth(CLIENT, DIRECTOR).etherType(0x88cc).build());
        assertThat(Ethernet.destination(frame)).isEqualTo(mac(DIRECTOR));
        assertThat(Ethernet.source(frame)).isEqualTo(mac(CLIENT));
        assertThat(Ethernet.etherType(frame)).isEqualTo(0x88cc);
        assertThat(Ethernet.isGroup(frame)).isFalse();
    }

    @Test
    void shouldConstruct() {
        byte[] expected = eth(CLIENT, DIRECTOR).etherType(0x88cc).build();
        long both = memory.blank(Ethernet.SIZE);
        Ethernet.setAddresses(both, mac(DIRECTOR), mac(CLIENT));
        Ethernet.setEtherType(both, 0x88cc);
        assertExactly(both, expected);
        long single = memory.blank(Ethernet.SIZE);
        Ethernet.setSource(single, mac(CLIENT));
        Ethernet.setEtherType(single, 0x88cc);
        Ethernet.setDestination(single, mac(DIRECTOR));
        assertExactly(single, expected);
        long copy = memory.blank(Ethernet.SIZE) + 100;
        memory.put(expected);
        Ethernet.copy(copy - 100, copy);
        assertExactly(copy, expected);
    }

    @Test
    void shouldIgnoreBitsAbove48InAddresses() {
        long frame = memory.blank(Ethernet.SIZE);
        Ethernet.setEtherType(frame, Ethernet.TYPE_ARP);
        Ethernet.setAddresses(frame, mac(DIRECTOR) | 0xffffL << 48, mac(CLIENT) | 0xffffL << 48);
        assertExactly(frame, eth(CLIENT, DIRECTOR).etherType(Ethernet.TYPE_ARP).build());
    }

    @Test
    void shouldRefuseFramesWithoutWholeHeader() {
        for (int available = 0; available < Ethernet.SIZE; available++) {
            assertThat(Ethernet.check(available)).isEqualTo(Check.TRUNCATED);
        }
        assertThat(Ethernet.check(Ethernet.SIZE)).isEqualTo(Ethernet.SIZE);
    }

    @Test
    void shouldSwapAddressesForAnAnswer() {
        long frame = memory.put(eth(CLIENT, DIRECTOR).etherType(0x0800).build());
        Ethernet.swapAddresses(frame);
        assertExactly(frame, eth(DIRECTOR, CLIENT).etherType(0x0800).build());
    }

    @Test
    void shouldKnowGroupAddresses() {
        assertThat(Ethernet.isGroupAddress(Ethernet.BROADCAST)).isTrue();
        assertThat(Ethernet.isGroupAddress(mac("33:33:00:00:00:01"))).isTrue();
        assertThat(Ethernet.isGroupAddress(mac("02:01:01:01:01:01"))).isFalse();
        assertThat(Ethernet.isGroup(memory.put(eth(CLIENT, "01:00:5e:00:00:01").build())))
                .isTrue();
        assertThat(mac("ff:ff:ff:ff:ff:ff")).isEqualTo(Ethernet.BROADCAST);
    }

    @Test
    void shouldInsertAndRemoveVlanTags() {
        byte[] plain =
                eth(CLIENT, DIRECTOR).ipv4("10.0.0.1", "10.0.0.2").udp(1, 2).build();
        byte[] tagged = eth(CLIENT, DIRECTOR)
                .vlan(5, 3)
                .ipv4("10.0.0.1", "10.0.0.2")
                .udp(1, 2)
                .build();
        long frame = memory.put(plain);
        assertThat(Vlan.isTagged(frame)).isFalse();
        long start = Vlan.insert(frame, 3 << 13 | 5);
        assertThat(start).isEqualTo(frame - Vlan.TAG_SIZE);
        assertExactly(start, tagged);
        assertThat(Vlan.isTagged(start)).isTrue();
        assertThat(Vlan.id(start)).isEqualTo(5);
        assertThat(Vlan.priority(start)).isEqualTo(3);
        assertThat(Vlan.dropEligible(start)).isFalse();
        assertThat(Vlan.innerType(start)).isEqualTo(Ethernet.TYPE_IPV4);
        long back = Vlan.remove(start);
        assertThat(back).isEqualTo(frame);
        assertThat(PacketMemory.bytes(back, plain.length)).isEqualTo(plain);
        Vlan.setTci(start, 0x1000 | 4095);
        Vlan.setInnerType(start, 0x86dd);
        assertThat(Vlan.dropEligible(start)).isTrue();
        assertThat(Vlan.id(start)).isEqualTo(4095);
        assertThat(Vlan.tci(start)).isEqualTo(0x1fff);
        assertThat(Vlan.innerType(start)).isEqualTo(0x86dd);
    }

    @Test
    void shouldRefuseTaggedFramesWithoutWholeTag() {
        assertThat(Vlan.check(Vlan.VLAN_SIZE - 1)).isEqualTo(Check.TRUNCATED);
        assertThat(Vlan.check(Vlan.VLAN_SIZE)).isEqualTo(Vlan.VLAN_SIZE);
        assertThat(Vlan.isTag(Ethernet.TYPE_QINQ)).isTrue();
        assertThat(Vlan.isTag(Ethernet.TYPE_IPV6)).isFalse();
    }

    /** The bytes are there, and those around them are untouched. */
    static void assertExactly(long address, byte[] expected) {
        byte[] around = PacketMemory.bytes(address - 4, expected.length + 8);
        assertThat(Arrays.copyOfRange(around, 4, 4 + expected.length)).isEqualTo(expected);
        for (int i = 0; i < 4; i++) {
            assertThat(around[i]).isEqualTo((byte) PacketMemory.FILL);
            assertThat(around[around.length - 1 - i]).isEqualTo((byte) PacketMemory.FILL);
        }
    }
}
