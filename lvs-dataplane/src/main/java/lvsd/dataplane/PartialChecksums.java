package lvsd.dataplane;

import lvsd.memory.Memory;
import lvsd.wire.Checksum;
import lvsd.wire.Ipv4;
import lvsd.wire.Tcp;
import lvsd.wire.Udp;

/**
 * Completes transport checksums that a neighbouring kernel left to an offload that never happens: behind veth, tap and
 * virtio-user ports the field holds the pseudo header's sum alone, and the rest was to be added by "the card".
 *
 * <p>Such a field is told from a right one by its value. A packet whose right checksum happens to have that value gets
 * the same one again, so nothing can go wrong but a corrupted packet in 65536 passing as a good one, between two ends of
 * one machine's memory.
 */
final class PartialChecksums {
    private PartialChecksums() {}

    /** Whether ports of this DPDK device may receive packets with partial checksums. */
    static boolean possible(String device) {
        return device.startsWith("net_af_packet")
                || device.startsWith("net_af_xdp")
                || device.startsWith("net_tap")
                || device.startsWith("net_virtio_user");
    }

    /** Completes the checksum of a valid, unfragmented TCP or UDP packet, if it is partial. */
    static void repair(boolean ipv6, long ip, long l4, int available, int protocol) {
        boolean tcp = protocol == Ipv4.PROTOCOL_TCP;
        int l4Length = tcp ? available : Memory.getShortBe(l4, Udp.SIZE, 4);
        int field = tcp ? Memory.getShort(l4, Tcp.SIZE, 16) : Memory.getShort(l4, Udp.SIZE, 6);
        long pseudo = ipv6 ? Checksum.pseudo6(ip, protocol, l4Length) : Checksum.pseudo4(ip, protocol, l4Length);
        if (field != Checksum.fold(pseudo)) {
            return;
        }
        int whole = ipv6
                ? Checksum.transport6(ip, l4, l4Length, protocol)
                : Checksum.transport4(ip, l4, l4Length, protocol);
        if (tcp) {
            Memory.setShort(l4, Tcp.SIZE, 16, whole);
        } else {
            Memory.setShort(l4, Udp.SIZE, 6, whole);
        }
    }
}
