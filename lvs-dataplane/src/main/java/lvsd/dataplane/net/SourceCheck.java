package lvsd.dataplane.net;

import lvsd.config.DaemonConfig.ReversePath;
import lvsd.dataplane.DropReason;
import lvsd.dataplane.Packet;
import lvsd.dataplane.Verdict;
import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;

/** Which source addresses a packet may have, and by which interface it may come (RFC 1812, 5.3.7 and 5.3.8). */
final class SourceCheck {
    private static final int MARTIAN = Verdict.drop(DropReason.MARTIAN_SOURCE);
    private static final int REVERSE = Verdict.drop(DropReason.REVERSE_PATH);

    private SourceCheck() {}

    /** 0, or the drop verdict. */
    static int check(NetConfig config, Packet p) {
        return p.ipv6 ? check6(config, p.l3, p.iface) : check4(config, p.l3, p.iface);
    }

    /** As {@link #check} for the packet with an IPv4 header, come in by an interface. */
    static int check4(NetConfig config, long ip, int iface) {
        int source = Ipv4.source(ip);
        if (source == 0) {
            int kind = config.localKind4(Ipv4.destination(ip));
            return kind == NetConfig.BROADCAST || kind == NetConfig.MULTICAST ? 0 : MARTIAN;
        }
        if (Addresses.zero4(source)
                || Addresses.loopback4(source)
                || Addresses.broadcast4(source)
                || !foreign(config.localKind4(source))) {
            return MARTIAN;
        }
        ReversePath mode = config.iface(iface).reversePath();
        if (mode == ReversePath.OFF) {
            return 0;
        }
        int route = config.route4(source);
        return reversePath(
                mode,
                route == RouteTable.NONE ? -1 : config.routes4().route(route).iface(),
                iface);
    }

    /** As {@link #check4} of IPv6. */
    static int check6(NetConfig config, long ip, int iface) {
        long high = Ipv6.sourceHigh(ip);
        long low = Ipv6.sourceLow(ip);
        long destinationHigh = Ipv6.destinationHigh(ip);
        if (Addresses.unspecified6(high, low)) {
            return Addresses.multicast6(destinationHigh) ? 0 : MARTIAN;
        }
        if (Addresses.multicast6(high) || Addresses.loopback6(high, low) || Addresses.mapped4(high, low)) {
            return MARTIAN;
        }
        if (LinkLocal.is(high)) {
            return linkLocal(config, ip, iface, high, low);
        }
        if (!foreign(config.localKind6(high, low))) {
            return MARTIAN;
        }
        ReversePath mode = config.iface(iface).reversePath();
        if (mode == ReversePath.OFF) {
            return 0;
        }
        int route = config.route6(high, low);
        return reversePath(
                mode,
                route == RouteTable.NONE ? -1 : config.routes6().route(route).iface(),
                iface);
    }

    /** RFC 4291, section 2.5.6: a link-local source must not leave its link, so it may speak to us alone. */
    private static int linkLocal(NetConfig config, long ip, int iface, long high, long low) {
        if (config.answers6(iface, high, low)) {
            return MARTIAN;
        }
        long destinationHigh = Ipv6.destinationHigh(ip);
        boolean stays = LinkLocal.is(destinationHigh)
                || Addresses.multicast6(destinationHigh)
                || config.localKind6(destinationHigh, Ipv6.destinationLow(ip)) == NetConfig.OWN;
        return stays ? 0 : MARTIAN;
    }

    /** A standby hears the active director speak from the addresses they share. */
    private static boolean foreign(int kind) {
        return kind == NetConfig.NONE || kind == NetConfig.STANDBY;
    }

    private static int reversePath(ReversePath mode, int routeIface, int iface) {
        boolean good = mode == ReversePath.STRICT ? routeIface == iface : routeIface >= 0;
        return good ? 0 : REVERSE;
    }
}
