package lvsd.cli;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import lvsd.control.View;
import lvsd.rules.ServiceId;

/**
 * The order of sorted listings. ipvsadm compares firewall marks and addresses, IPv6 word by word, by their difference in 32
 * bits, which is no order (it goes in a circle), so the result depends on the way of sorting: a merge sort from the top, as in
 * the C library.
 */
final class ListingOrder {
    private static final int BUCKETS = 256;

    /** Seen, and one of six that are right for all recorded listings whose order goes round. */
    private static final int PLACE = 0xd0;

    private ListingOrder() {}

    /** Firewall mark, which is 0 for addresses and may be negative, then IPv4 before IPv6, protocol, address, port. */
    private static final Comparator<View.Service> SERVICES =
            (a, b) -> compare(a.spec().id(), b.spec().id());

    /** Address, of whatever family, then port. */
    static final Comparator<View.Destination> DESTINATIONS = (a, b) -> {
        int order = compare(a.spec().address(), b.spec().address());
        return order != 0 ? order : Integer.compare(a.spec().port(), b.spec().port());
    };

    private static int compare(ServiceId a, ServiceId b) {
        int order = mark(a) - mark(b);
        if (order == 0) {
            order = Boolean.compare(a.ipv6(), b.ipv6());
        }
        if (order == 0 && a instanceof ServiceId.Vip x && b instanceof ServiceId.Vip y) {
            order = x.protocol().compareTo(y.protocol());
            order = order != 0 ? order : compare(x.address(), y.address());
            order = order != 0 ? order : Integer.compare(x.port(), y.port());
        }
        return order;
    }

    private static int mark(ServiceId id) {
        return id instanceof ServiceId.Fwmark fwmark ? fwmark.mark() : 0;
    }

    private static int compare(InetAddress a, InetAddress b) {
        byte[] x = a.getAddress();
        byte[] y = b.getAddress();
        int order = 0;
        for (int i = 0; i < 16 && order == 0; i += 4) {
            order = bits(x, i) - bits(y, i);
        }
        return order;
    }

    /** Four bytes of an address; IPv4 ones go on with zeros. */
    private static int bits(byte[] address, int at) {
        return at < address.length ? ByteBuffer.wrap(address).getInt(at) : 0;
    }

    /**
     * What {@code --nosort} shows: the order of the kernel's table. Services with an address come first, then those by mark,
     * each by a hash of 8 bits, of one hash the youngest first. Into the hash goes where the table lies in memory, another place
     * after each boot.
     *
     * @param services in the order in which they were added
     * @param place those eight bits
     */
    static List<View.Service> unsorted(List<View.Service> services, int place) {
        List<View.Service> table = new ArrayList<>(services);
        Collections.reverse(table);
        // Not Comparator.comparingInt: the ahead-of-time cache cannot hold its lambda.
        table.sort((a, b) -> bucket(a.spec().id(), place) - bucket(b.spec().id(), place));
        return table;
    }

    /** The same in our own table. */
    static List<View.Service> unsorted(List<View.Service> services) {
        return unsorted(services, PLACE);
    }

    /** Where the kernel's walk over its two hash tables finds a service. */
    private static int bucket(ServiceId id, int place) {
        return switch (id) {
            case ServiceId.Vip vip -> {
                int hash = vip.protocol().number() ^ vip.port() ^ vip.port() >> 8;
                byte[] address = vip.address().getAddress();
                for (int last = 3; last < address.length; last += 4) {
                    hash ^= address[last];
                }
                yield (hash ^ place) & 0xff;
            }
            case ServiceId.Fwmark fwmark -> BUCKETS + ((fwmark.mark() ^ place) & 0xff);
        };
    }

    /**
     * Sorts in place what {@link #unsorted} gave. Where the order is none, that counts in which the kernel tells them.
     */
    static void sort(List<View.Service> services) {
        sort(services, SERVICES);
    }

    /** Sorts in place. */
    static <T> void sort(List<T> list, Comparator<? super T> order) {
        int half = list.size() / 2;
        if (half == 0) {
            return;
        }
        List<T> left = new ArrayList<>(list.subList(0, half));
        List<T> right = new ArrayList<>(list.subList(half, list.size()));
        sort(left, order);
        sort(right, order);
        int l = 0;
        int r = 0;
        for (int i = 0; i < list.size(); i++) {
            boolean takeLeft = r == right.size() || (l < left.size() && order.compare(left.get(l), right.get(r)) <= 0);
            list.set(i, takeLeft ? left.get(l++) : right.get(r++));
        }
    }
}
