package lvsd.cli;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import lvsd.control.View;
import lvsd.rules.ServiceId;

/**
 * The order of sorted listings. ipvsadm compares IPv4 addresses by their difference in 32 bits, which is no order (it goes
 * in a circle), so the result depends on the way of sorting: a merge sort from the top, as in the C library.
 */
final class ListingOrder {
    private ListingOrder() {}

    /** Addresses before firewall marks, IPv4 before IPv6, then protocol, address, port. */
    static final Comparator<View.Service> SERVICES =
            (a, b) -> compare(a.spec().id(), b.spec().id());

    /** IPv4 before IPv6, then address, port. */
    static final Comparator<View.Destination> DESTINATIONS = (a, b) -> {
        int order = compare(a.spec().address(), b.spec().address());
        return order != 0 ? order : Integer.compare(a.spec().port(), b.spec().port());
    };

    private static int compare(ServiceId a, ServiceId b) {
        if (a instanceof ServiceId.Vip x && b instanceof ServiceId.Vip y) {
            if (a.ipv6() != b.ipv6()) {
                return a.ipv6() ? 1 : -1;
            }
            if (x.protocol() != y.protocol()) {
                return x.protocol().compareTo(y.protocol());
            }
            int order = compare(x.address(), y.address());
            return order != 0 ? order : Integer.compare(x.port(), y.port());
        }
        if (a instanceof ServiceId.Fwmark x && b instanceof ServiceId.Fwmark y) {
            int order = Integer.compareUnsigned(x.mark(), y.mark());
            return order != 0 ? order : Boolean.compare(x.ipv6(), y.ipv6());
        }
        return a instanceof ServiceId.Vip ? -1 : 1;
    }

    private static int compare(InetAddress a, InetAddress b) {
        byte[] x = a.getAddress();
        byte[] y = b.getAddress();
        if (x.length != y.length) {
            return Integer.compare(x.length, y.length);
        }
        return x.length == 4 ? bits(x) - bits(y) : Arrays.compareUnsigned(x, y);
    }

    private static int bits(byte[] address) {
        return (address[0] & 0xff) << 24 | (address[1] & 0xff) << 16 | (address[2] & 0xff) << 8 | (address[3] & 0xff);
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
