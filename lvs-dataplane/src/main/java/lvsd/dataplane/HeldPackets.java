package lvsd.dataplane;

import java.util.Objects;
import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.nat.IcmpTranslation;
import lvsd.dataplane.nat.Unwrapping;
import lvsd.dataplane.net.UnreachableHandler;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Tcp;
import org.jspecify.annotations.Nullable;

/**
 * Turns packets that were rewritten, and then held in vain for a next hop, back into what their senders sent, so that the
 * ICMP error quotes something the sender knows. Owned by the worker.
 */
final class HeldPackets implements UnreachableHandler {
    private final Packet inner = new Packet();
    private @Nullable ConnectionTable table4;
    private @Nullable ConnectionTable table6;

    /** Tables of the worker, once they are there. */
    void tables(ConnectionTable ipv4, ConnectionTable ipv6) {
        this.table4 = ipv4;
        this.table6 = ipv6;
    }

    @Override
    public boolean restore(Packet p) {
        if (fromTunnel(p)) {
            // Addresses and ports are the client's own, and so is all else but the TTL.
            p.copy(inner);
            return true;
        }
        boolean balanced =
                p.protocol == Ipv4.PROTOCOL_TCP || p.protocol == Ipv4.PROTOCOL_UDP || p.protocol == Ipv4.PROTOCOL_SCTP;
        if (!p.l4Valid || !balanced) {
            return true;
        }
        return p.ipv6 ? restore6(p, Objects.requireNonNull(table6)) : restore4(p, Objects.requireNonNull(table4));
    }

    /** Whether {@code p} is what the director has wrapped; {@link #inner} is what is inside then. */
    private boolean fromTunnel(Packet p) {
        if (Unwrapping.unwrap(p.ipv6, p.l3, p.l3Length, inner) == Unwrapping.NONE || !inner.l4Valid) {
            return false;
        }
        ConnectionTable table = Objects.requireNonNull(inner.ipv6 ? table6 : table4);
        int ports = Tcp.ports(inner.l4);
        int reference = inner.ipv6
                ? table.find6(
                        Ipv6.sourceHigh(inner.l3),
                        Ipv6.sourceLow(inner.l3),
                        Ipv6.destinationHigh(inner.l3),
                        Ipv6.destinationLow(inner.l3),
                        ports,
                        inner.protocol)
                : table.find4(Ipv4.addresses(inner.l3), ports, inner.protocol);
        return reference != ConnectionTable.NONE
                && Connection.isTunnel(Connection.flags(table.hot(ConnectionTable.entry(reference))));
    }

    /** What left towards one side carries that side's tuple reversed. */
    private static boolean restore4(Packet p, ConnectionTable table) {
        long addresses = Long.rotateLeft(Ipv4.addresses(p.l3), 32);
        int ports = Integer.rotateLeft(Tcp.ports(p.l4), 16);
        int reference = table.find4(addresses, ports, p.protocol);
        if (reference != ConnectionTable.NONE) {
            int entry = ConnectionTable.entry(reference);
            int side = ConnectionTable.side(reference);
            int header = (int) (p.l4 - p.l3);
            IcmpTranslation.restore4(p.l3, header, p.l4Length, table.hot(entry), table.cold(entry), side);
        }
        return true;
    }

    private static boolean restore6(Packet p, ConnectionTable table) {
        long sourceHigh = Ipv6.destinationHigh(p.l3);
        long sourceLow = Ipv6.destinationLow(p.l3);
        long destinationHigh = Ipv6.sourceHigh(p.l3);
        long destinationLow = Ipv6.sourceLow(p.l3);
        int ports = Integer.rotateLeft(Tcp.ports(p.l4), 16);
        int reference = table.find6(sourceHigh, sourceLow, destinationHigh, destinationLow, ports, p.protocol);
        if (reference != ConnectionTable.NONE) {
            int entry = ConnectionTable.entry(reference);
            int side = ConnectionTable.side(reference);
            IcmpTranslation.restore6(
                    p.l3,
                    p.l4,
                    p.l4Length,
                    p.protocol,
                    table.hot(entry),
                    table.cold(entry),
                    table.addresses6(entry),
                    side);
        }
        return true;
    }
}
