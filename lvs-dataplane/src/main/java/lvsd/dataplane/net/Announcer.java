package lvsd.dataplane.net;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;

/**
 * Tells the connected networks which MAC our addresses have: gratuitous ARP and unsolicited neighbour advertisements, a
 * few per poll, each several times (three a second apart unless settings say otherwise: RFC 4861, section 7.2.6), at start,
 * for new addresses (all of them when a standby becomes active), and when a link comes up. Owned by one worker.
 */
final class Announcer {
    /** Most announcements of one poll, a tick: a thousand VIPs take 64 ms. */
    static final int PER_POLL = 64;

    private static final int MILLIS_PER_SECOND = 1000;

    private record Due(NetConfig.Announced address, int left, int tick, long serial) {}

    private final ArpHandler arp;
    private final NdHandler nd;
    private final ArrayDeque<Due> queue = new ArrayDeque<>();
    /** The newest announcement of each address; what the queue has of older ones is void. */
    private final Map<NetConfig.Announced, Long> newest = new HashMap<>();

    private long serials;
    private NetSettings settings;
    private int refreshed;

    Announcer(ArpHandler arp, NdHandler nd, NetSettings settings) {
        this.arp = arp;
        this.nd = nd;
        this.settings = settings;
    }

    /** Takes over how often and how fast; what is queued keeps its time. */
    void settings(NetSettings newer, int now) {
        if (settings.announceRefreshSeconds() == 0) {
            refreshed = now;
        }
        settings = newer;
    }

    /** Queues what {@code newer} announces and {@code older} did not. */
    void changed(NetConfig older, NetConfig newer, int now) {
        newest.keySet().retainAll(newer.announced());
        for (NetConfig.Announced address : newer.announced()) {
            if (!older.announced().contains(address) || !older.sameInterface(newer, address.iface())) {
                start(address, now);
            }
        }
    }

    /** Queues everything, or what belongs to {@code port} alone if it is not negative. */
    void all(NetConfig config, int port, int now) {
        for (NetConfig.Announced address : config.announced()) {
            if (port < 0 || config.iface(address.iface()).port() == port) {
                start(address, now);
            }
        }
    }

    /** First come those that are due now, then repetitions: so the queue stays in order of time. */
    private void start(NetConfig.Announced address, int now) {
        long serial = ++serials;
        newest.put(address, serial);
        queue.addFirst(new Due(address, settings.announceCount(), now, serial));
    }

    /** Sends what is due. */
    void poll(NetConfig config, int now) {
        int refresh = settings.announceRefreshSeconds() * Net.TICKS_PER_SECOND;
        if (refresh > 0 && now - refreshed >= refresh) {
            refreshed = now;
            all(config, -1, now);
        }
        for (int i = 0; i < PER_POLL; i++) {
            Due due = queue.peek();
            if (due == null || due.tick - now > 0) {
                return;
            }
            queue.remove();
            if (newest.getOrDefault(due.address, 0L) == due.serial) {
                announce(config, due, now);
            }
        }
    }

    private void announce(NetConfig config, Due due, int now) {
        send(config, due.address);
        if (due.left > 1) {
            int wait = settings.announceMillis() * Net.TICKS_PER_SECOND / MILLIS_PER_SECOND;
            queue.add(new Due(due.address, due.left - 1, now + wait, due.serial));
        } else {
            newest.remove(due.address);
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
