package lvsd.dataplane.service;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import lvsd.rules.Addresses;
import lvsd.rules.MarkRule;
import lvsd.rules.Protocol;
import org.jspecify.annotations.Nullable;

/**
 * The rules that map packets to firewall marks, immutable, as workers ask them: only for packets of no known connection.
 * The first rule that matches decides.
 */
public final class MarkTable {
    /** Most rules: they are tried one after the other. */
    public static final int MAXIMUM = 1024;
    /** Ranges up to so many addresses are announced and answered for as VIPs; larger ones must be routed here. */
    public static final int ANNOUNCED = 256;
    /** A director without marks. */
    public static final MarkTable EMPTY = new MarkTable(List.of());

    private final List<MarkRule> rules;
    private final Family four;
    private final Family six;

    /** A snapshot of {@code rules}, first match first. */
    public MarkTable(List<MarkRule> rules) {
        this.rules = List.copyOf(rules);
        this.four = new Family(this.rules, false);
        this.six = new Family(this.rules, true);
    }

    /** Whether there are no rules. */
    public boolean isEmpty() {
        return rules.isEmpty();
    }

    /**
     * The mark of a packet to an IPv4 address and port in wire form; 0: none.
     *
     * @param iface name of the port or VLAN by which it came in; null: not known, every rule's matches
     */
    public int find4(int protocol, int address, int port, @Nullable String iface) {
        return four.find(protocol, 0, Integer.toUnsignedLong(Integer.reverseBytes(address)), port, iface);
    }

    /** As {@link #find4} for an IPv6 address in wire form. */
    public int find6(int protocol, long addressHigh, long addressLow, int port, @Nullable String iface) {
        return six.find(protocol, Long.reverseBytes(addressHigh), Long.reverseBytes(addressLow), port, iface);
    }

    /** The addresses of the small ranges whose marks {@code services} balance: they are VIPs. */
    public List<InetAddress> virtualAddresses(Set<Integer> marks4, Set<Integer> marks6) {
        List<InetAddress> addresses = new ArrayList<>();
        for (MarkRule rule : rules) {
            if ((rule.ipv6() ? marks6 : marks4).contains(rule.mark())) {
                addresses.addAll(few(rule));
            }
        }
        return addresses;
    }

    private static List<InetAddress> few(MarkRule rule) {
        List<InetAddress> addresses = new ArrayList<>();
        InetAddress next = rule.first();
        while (addresses.size() < ANNOUNCED) {
            addresses.add(next);
            if (next.equals(rule.last())) {
                return addresses;
            }
            next = after(next);
        }
        return List.of();
    }

    private static InetAddress after(InetAddress address) {
        byte[] bytes = address.getAddress();
        for (int i = bytes.length - 1; i >= 0 && ++bytes[i] == 0; i--) {
            // Carried over.
        }
        return Addresses.address(bytes);
    }

    /** The rules of one family, as numbers. */
    private static final class Family {
        private static final int NUMBERS = 4;

        private final int count;
        /** Of each rule: lowest address high and low, highest address high and low, all with their sign bit turned. */
        private final long[] addresses;
        /** Of each rule: protocol (0: any), lowest port, highest port, mark. */
        private final int[] numbers;

        private final String[] ifaces;

        Family(List<MarkRule> all, boolean ipv6) {
            List<MarkRule> rules =
                    all.stream().filter(rule -> rule.ipv6() == ipv6).toList();
            count = rules.size();
            addresses = new long[count * NUMBERS];
            numbers = new int[count * NUMBERS];
            ifaces = new String[count];
            for (int i = 0; i < count; i++) {
                MarkRule rule = rules.get(i);
                int at = i * NUMBERS;
                address(at, rule.first());
                address(at + 2, rule.last());
                numbers[at] = rule.protocol().map(Protocol::number).orElse(0);
                numbers[at + 1] = rule.firstPort();
                numbers[at + 2] = rule.lastPort();
                numbers[at + 3] = rule.mark();
                ifaces[i] = rule.port();
            }
        }

        private void address(int at, InetAddress address) {
            byte[] bytes = address.getAddress();
            boolean ipv6 = bytes.length == 16;
            long high = ipv6 ? Long.reverseBytes(Wire.long8(bytes, 0)) : 0;
            long low = ipv6
                    ? Long.reverseBytes(Wire.long8(bytes, 8))
                    : Integer.toUnsignedLong(Integer.reverseBytes(Wire.int4(bytes)));
            addresses[at] = high + Long.MIN_VALUE;
            addresses[at + 1] = low + Long.MIN_VALUE;
        }

        int find(int protocol, long high, long low, int wirePort, @Nullable String iface) {
            int port = Wire.port(wirePort);
            long turnedHigh = high + Long.MIN_VALUE;
            long turnedLow = low + Long.MIN_VALUE;
            for (int i = 0; i < count; i++) {
                int at = i * NUMBERS;
                if ((numbers[at] == 0 || numbers[at] == protocol)
                        && port >= numbers[at + 1]
                        && port <= numbers[at + 2]
                        && notBelow(turnedHigh, turnedLow, addresses[at], addresses[at + 1])
                        && notBelow(addresses[at + 2], addresses[at + 3], turnedHigh, turnedLow)
                        && (iface == null || ifaces[i].isEmpty() || ifaces[i].equals(iface))) {
                    return numbers[at + 3];
                }
            }
            return 0;
        }

        private static boolean notBelow(long high, long low, long otherHigh, long otherLow) {
            return high > otherHigh || (high == otherHigh && low >= otherLow);
        }
    }
}
