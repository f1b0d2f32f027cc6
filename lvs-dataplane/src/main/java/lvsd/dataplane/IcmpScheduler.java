package lvsd.dataplane;

import lvsd.dataplane.nat.IcmpTranslation;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.Service;
import lvsd.memory.Memory;
import lvsd.memory.Scratch;
import lvsd.wire.Icmp;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Tcp;

/**
 * {@code schedule_icmp}: an ICMP error from a client's side that quotes a packet of a service, but of no known connection,
 * opens that connection, so that the error reaches the server which the next packets go to. Owned by the worker.
 *
 * <p>The connection is opened by a packet made up in memory of this class: the quoted one's addresses and ports reversed,
 * all else 0.
 */
final class IcmpScheduler {
    /** See {@link #open}. */
    static final int NOT_FOR = -1;

    private static final int SIZE = Ipv6.SIZE + Tcp.SIZE;

    private final Connector connector;
    private final SynProxy proxy;
    private final Scratch memory = new Scratch(SIZE, 64);
    private final Packet made = new Packet();

    IcmpScheduler(Connector connector, SynProxy proxy) {
        this.connector = connector;
        this.proxy = proxy;
    }

    /**
     * Opens the connection of the packet that {@code p} quotes: see {@link Connector#openByError}. As in the kernel an error
     * has no Call-ID to go by; and none opens a connection of a client that has to prove itself.
     *
     * @return 0 when it is open, else the verdict on the error; {@link #NOT_FOR} when none may be opened
     */
    int open(Packet p, int quoted, Service service, int protocol) {
        boolean proxied = protocol == Ipv4.PROTOCOL_TCP && proxy.concerns(service);
        if (proxied) {
            return NOT_FOR;
        }
        if (service.byCall) {
            return Verdict.drop(DropReason.NO_CALL_ID);
        }
        if (!IcmpTranslation.checksumValid(p)) {
            return Verdict.drop(DropReason.BAD_TRANSPORT_CHECKSUM);
        }
        make(p, quoted, protocol);
        return connector.openByError(made, service);
    }

    /** As {@link #open} for an error that has waited for its client's persistence template. */
    int resume(Packet p, int quoted, Service service, int protocol, Destination destination, int template) {
        make(p, quoted, protocol);
        return connector.openByError(made, service, destination, template);
    }

    private void make(Packet p, int quoted, int protocol) {
        long ip = memory.address();
        int header = p.ipv6 ? Ipv6.SIZE : Ipv4.SIZE;
        Memory.fill(ip, SIZE, 0);
        if (p.ipv6) {
            long quote = p.l4 + Icmp.SIZE;
            Ipv6.setSource(ip, Ipv6.destinationHigh(quote), Ipv6.destinationLow(quote));
            Ipv6.setDestination(ip, Ipv6.sourceHigh(quote), Ipv6.sourceLow(quote));
        } else {
            Ipv4.setAddresses(ip, IcmpTranslation.reversedAddresses4(p));
        }
        made.mbuf = p.mbuf;
        made.iface = p.iface;
        made.frame = p.frame;
        made.frameLength = p.frameLength;
        made.etherType = p.etherType;
        made.l3 = ip;
        made.l3Length = header + Tcp.SIZE;
        made.ipv6 = p.ipv6;
        made.protocol = protocol;
        made.l4 = ip + header;
        made.l4Length = Tcp.SIZE;
        made.l4Valid = true;
        made.fragment = false;
        made.laterFragment = false;
        made.groupFrame = false;
        Tcp.setPorts(made.l4, IcmpTranslation.reversedPorts(p, quoted));
        Tcp.setHeaderLength(made.l4, Tcp.SIZE);
    }
}
