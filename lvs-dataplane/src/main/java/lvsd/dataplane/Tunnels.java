package lvsd.dataplane;

import java.util.Arrays;
import lvsd.config.DaemonConfig;
import lvsd.dataplane.connection.Connection;
import lvsd.dataplane.connection.ConnectionTable;
import lvsd.dataplane.nat.Encapsulation;
import lvsd.dataplane.nat.IcmpTranslation;
import lvsd.dataplane.nat.Unwrapping;
import lvsd.dataplane.net.Adjacency;
import lvsd.dataplane.net.Net;
import lvsd.dataplane.net.NetConfig;
import lvsd.dataplane.service.Destination;
import lvsd.dataplane.service.Wire;
import lvsd.wire.Icmp;
import lvsd.wire.Icmpv6;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;
import lvsd.wire.Tcp;
import lvsd.wire.WireForm;
import org.jspecify.annotations.Nullable;

/**
 * The tunnel method: what is sent into tunnels, what their ways' MTUs are, and what comes back about them. Owned by the
 * worker; off the way of all other packets.
 *
 * <p>What was found out about the way to a server is kept in a table of fixed size by destination; a destination that
 * takes another's place loses nothing but time.
 */
final class Tunnels {
    private static final int PLACES = 256;
    /** How long a learned MTU holds, ticks: as long as the kernel's. */
    private static final int LEARNED_TICKS = 600 * Net.TICKS_PER_SECOND;
    /** Smallest MTU that is believed (RFC 791 with a little more, as the kernel; RFC 8200, section 5). */
    private static final int LEAST4 = 552;

    private static final int LEAST6 = 1280;
    private static final int LONGEST = 65_535;
    /** Source ports of GUE's UDP: Linux' range of local ports. */
    private static final int FIRST_PORT = 32_768;

    private static final int PORTS = 28_232;

    private final Pipeline pipeline;
    private final Net net;
    private final Ownership ownership;
    private final long seed;
    private final int step;
    private final Packet inner = new Packet();

    private @Nullable NetConfig known;
    private final int[] owner = new int[PLACES];
    private final int[] iface = new int[PLACES];
    private final long[] sourceHigh = new long[PLACES];
    private final long[] sourceLow = new long[PLACES];
    private final int[] learnedMtu = new int[PLACES];
    private final int[] learnedUntil = new int[PLACES];
    private int lastId;

    Tunnels(Pipeline pipeline, WorkerParts parts) {
        this.pipeline = pipeline;
        this.net = parts.net();
        this.ownership = parts.ownership();
        this.seed = parts.seed1() | 1;
        this.step = ownership.workers();
        this.lastId = (int) (parts.seed0() >>> 16 & 0xffff) / step * step + ownership.self();
    }

    /** Wraps a packet of a connection with a tunnel and sends it to {@code nextHop}, that of the server; its TTL is above 1. */
    int send(Packet p, ConnectionTable table, int entry, int nextHop) {
        long hot = table.hot(entry);
        Destination destination = pipeline.services.destination(Connection.destination(hot));
        if (destination == null) {
            return Verdict.drop(DropReason.DESTINATION_GONE);
        }
        p.countDown();
        boolean whole = !p.ipv6 && Ipv4.dontFragment(p.l3) && pipeline.sysctls.pmtuDisc;
        int way = way(destination, Adjacency.mtu(net.line(nextHop)));
        int mtu = way - Encapsulation.overhead(destination);
        if ((whole || p.ipv6) && p.l3Length > mtu) {
            net.tooBig(p, mtu);
            return Verdict.drop(DropReason.TOO_BIG);
        }
        return wrap(p, destination, nextHop, whole, port(table, entry))
                ? net.outputOwn(p, nextHop, way)
                : Verdict.drop(DropReason.TUNNEL);
    }

    /** An ICMP error of the client's side: wrapped like its packets, but nobody is told when it is too big. */
    int sendError(Packet p, ConnectionTable table, int entry, int nextHop) {
        Destination destination = pipeline.services.destination(Connection.destination(table.hot(entry)));
        boolean whole = !p.ipv6 && Ipv4.dontFragment(p.l3) && pipeline.sysctls.pmtuDisc;
        boolean wrapped = destination != null && wrap(p, destination, nextHop, whole, port(table, entry));
        return wrapped ? net.outputOwn(p, nextHop, Adjacency.mtu(net.line(nextHop))) : Verdict.drop(DropReason.TUNNEL);
    }

    private boolean wrap(Packet p, Destination destination, int nextHop, boolean whole, int port) {
        int place = place(destination, Adjacency.iface(net.line(nextHop)));
        if ((sourceHigh[place] | sourceLow[place]) == 0) {
            return false;
        }
        if (destination.ipv6) {
            return Encapsulation.wrap6(p, destination, sourceHigh[place], sourceLow[place], port);
        }
        lastId = (lastId + step) & 0xffff;
        return Encapsulation.wrap4(p, destination, (int) sourceHigh[place], lastId, whole, port);
    }

    /** Source port, wire form, that is the same for all packets of a connection (RFC 6335, section 6; RFC 8085, 5.1.1). */
    private int port(ConnectionTable table, int entry) {
        long hot = table.hot(entry);
        long key = Connection.addresses(hot, Connection.CLIENT_SIDE)
                ^ (long) Connection.ports(hot, Connection.CLIENT_SIDE) << 20;
        long mixed = (key ^ seed) * 0xd6e8feb86659fd93L;
        mixed = (mixed ^ mixed >>> 32) * seed;
        return WireForm.short16(FIRST_PORT + (int) (((mixed >>> 32) * PORTS) >>> 32));
    }

    /** The place of what is known of a destination, which is out by the interface with the given index. */
    private int place(Destination destination, int out) {
        NetConfig config = net.config();
        if (config != known) {
            known = config;
            Arrays.fill(owner, 0);
        }
        int place = destination.index & (PLACES - 1);
        if (owner[place] != destination.index + 1 || iface[place] != out) {
            owner[place] = destination.index + 1;
            iface[place] = out;
            learnedMtu[place] = 0;
            findSource(config, place, destination, out);
        }
        return place;
    }

    private void findSource(NetConfig config, int place, Destination destination, int out) {
        sourceHigh[place] = 0;
        sourceLow[place] = 0;
        if (!destination.ipv6) {
            sourceHigh[place] = Integer.toUnsignedLong(config.source4(out, destination.address4));
            return;
        }
        DaemonConfig.@Nullable Prefix own = config.source6(out, destination.address6High, destination.address6Low);
        if (own != null) {
            byte[] bytes = own.address().getAddress();
            sourceHigh[place] = Wire.long8(bytes, 0);
            sourceLow[place] = Wire.long8(bytes, 8);
        }
    }

    /** Largest outer packet for the way to a server, whose link takes {@code link} bytes. */
    private int way(Destination destination, int link) {
        int place = destination.index & (PLACES - 1);
        boolean learned = owner[place] == destination.index + 1
                && learnedMtu[place] != 0
                && learnedUntil[place] - pipeline.now > 0;
        return learned ? Math.min(link, learnedMtu[place]) : link;
    }

    // ---- errors about what was sent

    /**
     * An ICMP error about a wrapped packet of ours: the client is told what became of the one inside. Returns 0 when it is
     * about none.
     */
    int error(Packet p, boolean handed) {
        int quoted = p.l4Length - Icmp.SIZE;
        long quote = p.l4 + Icmp.SIZE;
        int kind = quoted <= 0 ? Unwrapping.NONE : Unwrapping.unwrap(p.ipv6, quote, quoted, inner);
        if (kind == Unwrapping.NONE || !inner.l4Valid || inner.laterFragment) {
            return 0;
        }
        ConnectionTable table = pipeline.table(inner.ipv6);
        int reference = pipeline.misses().lookUp(inner, Tcp.ports(inner.l4));
        if (reference == ConnectionTable.NONE) {
            return elsewhere(handed);
        }
        long hot = table.hot(ConnectionTable.entry(reference));
        Destination destination = pipeline.services.destination(Connection.destination(hot));
        if (destination == null
                || ConnectionTable.side(reference) != Connection.CLIENT_SIDE
                || !Connection.isTunnel(Connection.flags(hot))
                || !sentTo(destination, kind, p.ipv6, quote)) {
            return 0;
        }
        if (!IcmpTranslation.checksumValid(p)) {
            return Verdict.drop(DropReason.BAD_TRANSPORT_CHECKSUM);
        }
        if (!tell(p, destination)) {
            return 0;
        }
        net.free(p.mbuf);
        return Verdict.KEPT;
    }

    private int elsewhere(boolean handed) {
        if (handed || ownership.workers() == 1) {
            return 0;
        }
        inner.iface = 0;
        int worker = ownership.owner(inner, pipeline.misses().service(inner), net.config());
        return worker == ownership.self() ? 0 : Verdict.handoff(worker);
    }

    private boolean sentTo(Destination destination, int kind, boolean ipv6, long quote) {
        if (destination.tunnel != kind || destination.ipv6 != ipv6) {
            return false;
        }
        if (kind == Destination.TUNNEL_GUE && Unwrapping.port(inner) != destination.tunnelPort) {
            return false;
        }
        return ipv6
                ? Ipv6.destinationHigh(quote) == destination.address6High
                        && Ipv6.destinationLow(quote) == destination.address6Low
                : Ipv4.destination(quote) == destination.address4;
    }

    /** Tells the client; false when the error is of a kind that is not passed on. */
    private boolean tell(Packet p, Destination destination) {
        int type = Icmp.type(p.l4);
        int code = Icmp.code(p.l4);
        boolean tooBig = p.ipv6
                ? type == Icmpv6.PACKET_TOO_BIG
                : type == Icmp.UNREACHABLE && code == Icmp.CODE_FRAGMENTATION_NEEDED;
        if (tooBig) {
            learn(destination, p.ipv6 ? Icmpv6.rest(p.l4) : Icmp.mtu(p.l4));
            if (inner.ipv6 || (Ipv4.dontFragment(inner.l3) && pipeline.sysctls.pmtuDisc)) {
                int way = way(destination, linkMtu(destination));
                count(destination, net.tooBigAgain(inner, way - Encapsulation.overhead(destination)));
            }
            return true;
        }
        if (type == (p.ipv6 ? Icmpv6.TIME_EXCEEDED : Icmp.TIME_EXCEEDED)) {
            count(destination, net.errorAgain(inner, inner.ipv6 ? Icmpv6.TIME_EXCEEDED : Icmp.TIME_EXCEEDED, code));
            return true;
        }
        if (type != (p.ipv6 ? Icmpv6.UNREACHABLE : Icmp.UNREACHABLE)) {
            return false;
        }
        count(
                destination,
                net.errorAgain(inner, inner.ipv6 ? Icmpv6.UNREACHABLE : Icmp.UNREACHABLE, unreachable(p.ipv6, code)));
        return true;
    }

    /**
     * An error of {@code sent} IP bytes, 0 if it was held back, went to the client. It counts as in the kernel, twice: the
     * packet that it is about, as far as it was quoted, for the server's answer, and the message itself for a packet of
     * the connection on its way out.
     */
    private void count(Destination destination, int sent) {
        pipeline.counters.count(destination.index, Connection.SERVER_SIDE, inner.l3Length);
        if (sent > 0) {
            pipeline.counters.count(destination.index, Connection.SERVER_SIDE, sent);
        }
    }

    /** The code of an unreachable message about the inner packet (RFC 7915, section 5.2, where families differ). */
    private int unreachable(boolean ipv6, int code) {
        if (ipv6 == inner.ipv6) {
            return code;
        }
        if (ipv6) {
            return switch (code) {
                case Icmpv6.CODE_PORT -> Icmp.CODE_PORT;
                case Icmpv6.CODE_PROHIBITED -> Icmp.CODE_PROHIBITED;
                default -> Icmp.CODE_HOST;
            };
        }
        return switch (code) {
            case Icmp.CODE_PORT -> Icmpv6.CODE_PORT;
            case Icmp.CODE_PROHIBITED -> Icmpv6.CODE_PROHIBITED;
            default -> Icmpv6.CODE_NO_ROUTE;
        };
    }

    /** The next hop to a server; negative as {@link Net#nextHop4} says. */
    private int hop(Destination destination) {
        return destination.ipv6
                ? net.nextHop6(destination.address6High, destination.address6Low)
                : net.nextHop4(destination.address4);
    }

    private int linkMtu(Destination destination) {
        int hop = hop(destination);
        return hop < 0 ? LEAST6 : Adjacency.mtu(net.line(hop));
    }

    /** The way to a server has a smaller MTU than its link (RFC 1191, RFC 8201). */
    private void learn(Destination destination, int said) {
        int hop = hop(destination);
        if (hop < 0) {
            return;
        }
        long line = net.line(hop);
        int mtu = Math.max(Math.min(said & Integer.MAX_VALUE, LONGEST), destination.ipv6 ? LEAST6 : LEAST4);
        if (mtu < Adjacency.mtu(line)) {
            int place = place(destination, Adjacency.iface(line));
            learnedMtu[place] = mtu;
            learnedUntil[place] = pipeline.now + LEARNED_TICKS;
        }
    }
}
