package lvsd.dataplane.net;

import java.util.ArrayDeque;
import java.util.List;
import java.util.Set;

/**
 * Tells the connected networks which MAC our addresses have: gratuitous ARP and unsolicited neighbour advertisements, a
 * few per poll, each {@value #TIMES} times a second apart (RFC 4861, section 7.2.6), at start, for new addresses, and
 * when a link comes up. Owned by one worker.
 */
final class Announcer {
    /** How often each address is announced. */
    static final int TIMES = 3;
    /** Most announcements of one poll. */
    static final int PER_POLL = 8;

    private record Due(NetConfig.Announced address, int left, int tick) {}

    private final ArpHandler arp;
    private final NdHandler nd;
    private final ArrayDeque<Due> queue = new ArrayDeque<>();

    Announcer(ArpHandler arp, NdHandler nd) {
        this.arp = arp;
        this.nd = nd;
    }

    /** Queues what {@code newer} announces and {@code older} did not. */
    void changed(NetConfig older, NetConfig newer, int now) {
        queue.removeIf(due ->
                due.address.iface() >= newer.interfaces() || !newer.announced().contains(due.address));
        Set<NetConfig.Announced> known = Set.copyOf(older.announced());
        for (NetConfig.Announced address : newer.announced()) {
            if (!known.contains(address) || !older.sameInterface(newer, address.iface())) {
                start(address, now);
            }
        }
    }

    /** Queues everything, or what belongs to {@code port} alone if it is not negative. */
    void all(NetConfig config, int port, int now) {
        List<NetConfig.Announced> announced = config.announced();
        for (NetConfig.Announced address : announced) {
            if (port < 0 || config.iface(address.iface()).port() == port) {
                start(address, now);
            }
        }
    }

    /** First come those that are due now, then repetitions: so the queue stays in order of time. */
    private void start(NetConfig.Announced address, int now) {
        queue.removeIf(due -> due.address.equals(address));
        queue.addFirst(new Due(address, TIMES, now));
    }

    /** Sends what is due. The queue is in order of time, for every repetition is due a second later. */
    void poll(NetConfig config, int now) {
        for (int i = 0; i < PER_POLL; i++) {
            Due due = queue.peek();
            if (due == null || due.tick - now > 0) {
                return;
            }
            queue.remove();
            send(config, due.address);
            if (due.left > 1) {
                queue.add(new Due(due.address, due.left - 1, now + Net.TICKS_PER_SECOND));
            }
        }
    }

    private void send(NetConfig config, NetConfig.Announced address) {
        Interface iface = config.iface(address.iface());
        if (address.ipv6()) {
            nd.announce(iface, address.high(), address.low());
        } else {
            arp.announce(iface, (int) address.high());
        }
    }
}
