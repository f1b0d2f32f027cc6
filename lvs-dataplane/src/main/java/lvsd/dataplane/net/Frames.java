package lvsd.dataplane.net;

import lvsd.dataplane.DropReason;
import lvsd.dataplane.io.PacketIo;
import lvsd.dpdk.Mbuf;
import lvsd.wire.Ethernet;
import lvsd.wire.Vlan;

/** Makes and sends packets of the director's own. One per worker. */
final class Frames {
    private static final int HEADER_ROOM = 32;

    private final PacketIo io;
    private final Emitter emitter;
    private final long[] drops;

    Frames(PacketIo io, Emitter emitter, long[] drops) {
        this.io = io;
        this.emitter = emitter;
        this.drops = drops;
    }

    /** A new packet of {@code length} bytes, its first byte being that of the layer 3 header; 0 (counted) if none. */
    long begin(int length) {
        long mbuf = io.allocate();
        if (mbuf == 0) {
            count(DropReason.NO_MBUF);
            return 0;
        }
        if (Mbuf.headroom(mbuf) < HEADER_ROOM || Mbuf.tailroom(mbuf) < length) {
            io.free(mbuf);
            count(DropReason.NO_MBUF);
            return 0;
        }
        Mbuf.setLength(mbuf, length);
        return mbuf;
    }

    /** Puts an Ethernet header in front of a packet and sends it out of {@code iface}. */
    void send(long mbuf, Interface iface, long destination, int etherType) {
        if (iface.vlanId() < 0) {
            Mbuf.moveStart(mbuf, -Ethernet.SIZE);
            Ethernet.setEtherType(Mbuf.data(mbuf), etherType);
        } else {
            Mbuf.moveStart(mbuf, -Vlan.VLAN_SIZE);
            long frame = Mbuf.data(mbuf);
            Ethernet.setEtherType(frame, Ethernet.TYPE_VLAN);
            Vlan.setTci(frame, iface.vlanId());
            Vlan.setInnerType(frame, etherType);
        }
        Ethernet.setAddresses(Mbuf.data(mbuf), destination, iface.mac());
        emitter.emit(mbuf, iface.port());
    }

    /** Frees a packet. */
    void free(long mbuf) {
        io.free(mbuf);
    }

    /** Counts a packet that leaves by no verdict. */
    void count(DropReason reason) {
        drops[reason.ordinal()]++;
    }
}
