package lvsd.dataplane.net;

import lvsd.dataplane.DropReason;
import lvsd.dataplane.Packet;
import lvsd.dataplane.Verdict;
import lvsd.dpdk.Mbuf;
import lvsd.wire.Arp;
import lvsd.wire.Ethernet;

/** ARP (RFC 826, RFC 5227): answers, learns, asks, announces. One per worker. */
final class ArpHandler {
    private final Net net;
    private final Frames frames;

    ArpHandler(Net net, Frames frames) {
        this.net = net;
        this.frames = frames;
    }

    /** The verdict of an ARP frame. */
    int input(Packet p) {
        if (Arp.check(p.l3, p.l3Length) < 0) {
            return Verdict.drop(DropReason.BAD_NEIGHBOUR_MESSAGE);
        }
        int operation = Arp.operation(p.l3);
        int sender = Arp.senderIp(p.l3);
        int target = Arp.targetIp(p.l3);
        if ((operation != Arp.REQUEST && operation != Arp.REPLY) || bad(p, sender, target)) {
            return Verdict.drop(DropReason.BAD_NEIGHBOUR_MESSAGE);
        }
        if (net.config().ours4(sender)) {
            return Verdict.drop(DropReason.NEIGHBOUR_IGNORED);
        }
        boolean answer = operation == Arp.REPLY && !p.groupFrame;
        if (sender != 0) {
            net.learned(false, p.iface, Integer.toUnsignedLong(sender), 0, Arp.senderMac(p.l3), answer, true);
        }
        if (operation == Arp.REPLY || sender == target) {
            return Verdict.punt((answer ? PuntClass.NEIGHBOUR : PuntClass.REST).ordinal());
        }
        return request(p, target);
    }

    private static boolean bad(Packet p, int sender, int target) {
        long mac = Arp.senderMac(p.l3);
        return mac == 0
                || Ethernet.isGroupAddress(mac)
                || Addresses.loopback4(sender)
                || Addresses.multicast4(sender)
                || Addresses.broadcast4(sender)
                || Addresses.loopback4(target)
                || Addresses.multicast4(target);
    }

    private int request(Packet p, int target) {
        NetConfig config = net.config();
        if (config.answers4(p.iface, target)) {
            return answer(p, target);
        }
        if (config.ours4(target)) {
            return Verdict.drop(DropReason.NEIGHBOUR_IGNORED);
        }
        if (config.localKind4(target) == NetConfig.STANDBY) {
            return Verdict.drop(DropReason.STANDBY);
        }
        return Verdict.punt(PuntClass.REST.ordinal());
    }

    /** Turns the request, in place, into its reply. */
    private int answer(Packet p, int target) {
        Interface iface = net.config().iface(p.iface);
        long peer = Arp.senderMac(p.l3);
        Arp.setOperation(p.l3, Arp.REPLY);
        Arp.setTarget(p.l3, peer, Arp.senderIp(p.l3));
        Arp.setSender(p.l3, iface.mac(), target);
        Ethernet.setAddresses(p.frame, peer, iface.mac());
        return Verdict.transmit(iface.port());
    }

    /** Asks who has {@code target}; {@code destination} is broadcast, or the MAC to confirm. */
    void ask(Interface iface, int target, long destination) {
        send(iface, net.config().source4(iface.index(), target), target, destination);
    }

    /** Announces an address: a request for itself (RFC 5227, section 2.3). */
    void announce(Interface iface, int address) {
        send(iface, address, address, Ethernet.BROADCAST);
    }

    private void send(Interface iface, int sender, int target, long destination) {
        long mbuf = frames.begin(Arp.SIZE);
        if (mbuf == 0) {
            return;
        }
        long arp = Mbuf.data(mbuf);
        Arp.setOperation(arp, Arp.REQUEST);
        Arp.setSender(arp, iface.mac(), sender);
        Arp.setTarget(arp, 0, target);
        frames.send(mbuf, iface, destination, Ethernet.TYPE_ARP);
    }
}
