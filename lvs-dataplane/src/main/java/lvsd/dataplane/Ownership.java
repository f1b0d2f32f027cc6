package lvsd.dataplane;

import lvsd.dataplane.connection.RssSpread;
import lvsd.dataplane.net.NetConfig;
import lvsd.dataplane.service.Service;
import lvsd.dataplane.service.Wire;
import lvsd.memory.Memory;
import lvsd.sync.SyncConnection;
import lvsd.wire.Ipv4;
import lvsd.wire.Tcp;
import org.jspecify.annotations.Nullable;

/**
 * Which worker owns a packet's connection. Asked only for packets that this worker knows no connection of, so with one
 * worker never.
 *
 * <p>A packet towards a service belongs to the worker chosen by the client's address and port; a reply to a local address
 * belongs to the owner of its port; any other packet is taken for a NAT reply, whose destination is the client. So every
 * worker comes to the same answer from the packet alone, whatever queue it arrived on.
 *
 * <p>Where the NICs' spread is known, packets of services with FULLNAT servers only, and the answers to local addresses, belong
 * to the worker that the NIC gives them to, so that they are not handed over at all. NAT answers do not name the VIP,
 * so what a NIC does with them tells nothing of the connection.
 */
final class Ownership {
    /** Where addresses lie in IP headers. */
    private static final int SOURCE4 = 12;

    private static final int DESTINATION4 = 16;
    private static final int SOURCE6 = 8;
    private static final int DESTINATION6 = 24;

    private final int self;
    private final int workers;
    private final long seed;
    private final @Nullable RssSpread rss;

    /**
     * @param self this worker
     * @param workers how many there are
     * @param seed secret of this start, the same for all workers, so that clients cannot choose their worker
     * @param rss what the NICs do, or null when packets arrive anywhere
     */
    Ownership(int self, int workers, long seed, @Nullable RssSpread rss) {
        this.self = self;
        this.workers = workers;
        this.seed = seed | 1;
        this.rss = rss;
    }

    int self() {
        return self;
    }

    int workers() {
        return workers;
    }

    /** The worker that owns, or would own, the connection of the valid TCP or UDP packet {@code p}. */
    int owner(Packet p, @Nullable Service service, NetConfig config) {
        long source = p.l3 + (p.ipv6 ? SOURCE6 : SOURCE4);
        long destination = p.l3 + (p.ipv6 ? DESTINATION6 : DESTINATION4);
        return owner(p.ipv6, source, destination, Tcp.ports(p.l4), service, config);
    }

    /** As {@link #owner} for the packet with an IPv4 header and these ports, of a service. */
    int owner4(long ip, int ports, Service service, NetConfig config) {
        return owner(false, ip + SOURCE4, ip + DESTINATION4, ports, service, config);
    }

    /** As {@link #owner4} of IPv6. */
    int owner6(long ip, int ports, Service service, NetConfig config) {
        return owner(true, ip + SOURCE6, ip + DESTINATION6, ports, service, config);
    }

    /**
     * The worker that owns the connection of a packet that an ICMP error quotes: that of a packet the other way.
     *
     * @param quote the quoted IP header
     * @param reversedPorts the quoted ports, destination first
     * @param service the service at the quoted source
     */
    int ownerOfQuoted(boolean ipv6, long quote, int reversedPorts, @Nullable Service service, NetConfig config) {
        long source = quote + (ipv6 ? DESTINATION6 : DESTINATION4);
        long destination = quote + (ipv6 ? SOURCE6 : SOURCE4);
        return owner(ipv6, source, destination, reversedPorts, service, config);
    }

    private int owner(
            boolean ipv6, long source, long destination, int ports, @Nullable Service service, NetConfig config) {
        RssSpread spread = rss;
        if (service != null) {
            if (spread != null && service.fullnatOnly) {
                return arrival(spread, ipv6, source, destination, ports);
            }
            return client(ipv6, source, Tcp.pairSource(ports));
        }
        int kind = ipv6
                ? config.localKind6(Memory.getLong(destination, 16, 0), Memory.getLong(destination, 16, 8))
                : config.localKind4(Memory.getInt(destination, 4, 0));
        if (kind == NetConfig.LIP) {
            return spread != null
                    ? arrival(spread, ipv6, source, destination, ports)
                    : localPort(Tcp.pairDestination(ports));
        }
        return kind != NetConfig.NONE ? self : client(ipv6, destination, Tcp.pairDestination(ports));
    }

    private static int arrival(RssSpread spread, boolean ipv6, long source, long destination, int ports) {
        if (!ipv6) {
            return spread.worker4(Ipv4.pair(Memory.getInt(source, 4, 0), Memory.getInt(destination, 4, 0)), ports);
        }
        return spread.worker6(
                Memory.getLong(source, 16, 0),
                Memory.getLong(source, 16, 8),
                Memory.getLong(destination, 16, 0),
                Memory.getLong(destination, 16, 8),
                ports);
    }

    /** Owner of a client, by where its address lies, and its port in wire form. */
    private int client(boolean ipv6, long address, int port) {
        return ipv6
                ? client6(Memory.getLong(address, 16, 0), Memory.getLong(address, 16, 8), port)
                : client4(Memory.getInt(address, 4, 0), port);
    }

    /** Owner of an IPv4 client; address and port in wire form. */
    int client4(int address, int port) {
        return spread((Integer.toUnsignedLong(address) << 16) | port);
    }

    /** Owner of an IPv6 client; address and port in wire form. */
    int client6(long high, long low, int port) {
        // The port in the lowest bits, as of IPv4: from the highest ones a product has nothing that it could mix up.
        return spread(Long.rotateLeft((high * 0x9e3779b97f4a7c15L) ^ low, 16) ^ port);
    }

    /** The worker that the answers to a connection which came by sync come to: it shall have the connection. */
    int home(SyncConnection c) {
        if (!c.local) {
            return client(c);
        }
        RssSpread spread = rss;
        if (spread == null) {
            return c.localPort % workers;
        }
        int ports = Tcp.portPair(Wire.port(c.serverPort), Wire.port(c.localPort));
        return c.ipv6
                ? spread.worker6(
                        Long.reverseBytes(c.serverHigh),
                        Long.reverseBytes(c.serverLow),
                        Long.reverseBytes(c.localHigh),
                        Long.reverseBytes(c.localLow),
                        ports)
                : spread.worker4(SyncTaker.pair(c.serverLow, c.localLow), ports);
    }

    /** The worker that the client's packets of such a connection to {@code service} belong to. */
    int client(SyncConnection c, @Nullable Service service) {
        RssSpread spread = rss;
        if (spread == null || service == null || !service.fullnatOnly) {
            return client(c);
        }
        int ports = SyncTaker.clientPorts(c);
        return c.ipv6
                ? spread.worker6(
                        Long.reverseBytes(c.clientHigh),
                        Long.reverseBytes(c.clientLow),
                        Long.reverseBytes(c.virtualHigh),
                        Long.reverseBytes(c.virtualLow),
                        ports)
                : spread.worker4(SyncTaker.pair(c.clientLow, c.virtualLow), ports);
    }

    private int client(SyncConnection c) {
        int port = Wire.port(c.clientPort);
        return c.ipv6
                ? client6(Long.reverseBytes(c.clientHigh), Long.reverseBytes(c.clientLow), port)
                : client4(Integer.reverseBytes((int) c.clientLow), port);
    }

    private int spread(long key) {
        long mixed = (key ^ seed) * 0xd6e8feb86659fd93L;
        mixed = (mixed ^ mixed >>> 32) * seed;
        return (int) (((mixed >>> 32) * workers) >>> 32);
    }

    /** Owner of a local port in wire form; {@code LocalPorts} shares them out by the same rule. */
    int localPort(int port) {
        return Wire.port(port) % workers;
    }
}
