package lvsd.dataplane;

import lvsd.dataplane.net.NetConfig;
import lvsd.dataplane.service.Service;
import lvsd.memory.Memory;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Tcp;
import org.jspecify.annotations.Nullable;

/**
 * Which worker owns a packet's connection. Asked only for packets that this worker knows no connection of, so with one
 * worker never.
 *
 * <p>A packet towards a service belongs to the worker chosen by the client's address and port; a reply to a local address
 * belongs to the owner of its port; any other packet is taken for a NAT reply, whose destination is the client. So every
 * worker comes to the same answer from the packet alone, whatever queue it arrived on.
 */
final class Ownership {
    private final int self;
    private final int workers;

    Ownership(int self, int workers) {
        this.self = self;
        this.workers = workers;
    }

    int self() {
        return self;
    }

    int workers() {
        return workers;
    }

    /** The worker that owns, or would own, the connection of the valid TCP or UDP packet {@code p}. */
    int owner(Packet p, @Nullable Service service, NetConfig config) {
        if (service != null) {
            return p.ipv6 ? client6(p.l3 + 8, Tcp.sourcePort(p.l4)) : client4(Ipv4.source(p.l3), Tcp.sourcePort(p.l4));
        }
        int kind = p.ipv6
                ? config.localKind6(Ipv6.destinationHigh(p.l3), Ipv6.destinationLow(p.l3))
                : config.localKind4(Ipv4.destination(p.l3));
        if (kind == NetConfig.LIP) {
            return localPort(Tcp.destinationPort(p.l4));
        }
        if (kind != NetConfig.NONE) {
            return self;
        }
        return p.ipv6
                ? client6(p.l3 + 24, Tcp.destinationPort(p.l4))
                : client4(Ipv4.destination(p.l3), Tcp.destinationPort(p.l4));
    }

    /** Owner of a client, by address and port in wire form. */
    int client4(int address, int port) {
        return spread((Integer.toUnsignedLong(address) << 16) | port);
    }

    private int client6(long address, int port) {
        long high = Memory.getLong(address, 16, 0);
        long low = Memory.getLong(address, 16, 8);
        return spread((high * 0x9e3779b97f4a7c15L) ^ low ^ ((long) port << 48));
    }

    private int spread(long key) {
        long mixed = key * 0xd6e8feb86659fd93L;
        return (int) (((mixed >>> 32) * workers) >>> 32);
    }

    /** Owner of a local port in wire form; {@code LocalPorts} shares them out by the same rule. */
    int localPort(int port) {
        return lvsd.dataplane.service.Wire.port(port) % workers;
    }
}
