package lvsd.daemon;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InterfaceAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import lvsd.rules.Addresses;

/**
 * Broadcast addresses of the networks that the daemon's machine is in (RFC 919), by the kernel's interfaces, TAP twins of our
 * ports among them. Control thread only; read anew once a second at most, so that ten thousand rules do not ask each.
 */
final class Broadcasts {
    private static final long FRESH_NANOS = 1_000_000_000;
    /** From this prefix on a network has no broadcast address (RFC 3021). */
    private static final int NARROW = 31;

    private Set<InetAddress> addresses = Set.of();
    private long readAt = System.nanoTime() - FRESH_NANOS;

    /** Whether nobody has this address because it means everybody in a network. */
    boolean contains(InetAddress address) {
        long now = System.nanoTime();
        if (now - readAt >= FRESH_NANOS) {
            readAt = now;
            addresses = read();
        }
        return addresses.contains(address);
    }

    private static Set<InetAddress> read() {
        Set<InetAddress> found = new HashSet<>();
        try {
            for (NetworkInterface each : NetworkInterface.networkInterfaces().toList()) {
                add(found, each.getInterfaceAddresses());
            }
        } catch (SocketException e) {
            // What cannot be told forbids nothing.
            return Set.of();
        }
        return found;
    }

    private static void add(Set<InetAddress> found, List<InterfaceAddress> ours) {
        for (InterfaceAddress our : ours) {
            if (our.getAddress() instanceof Inet4Address && our.getNetworkPrefixLength() < NARROW) {
                found.add(of(our.getAddress().getAddress(), our.getNetworkPrefixLength()));
            }
        }
    }

    /** The highest address of a network: its prefix, then ones. */
    static InetAddress of(byte[] address, int prefix) {
        for (int bit = prefix; bit < 32; bit++) {
            address[bit >>> 3] |= (byte) (0x80 >>> (bit & 7));
        }
        return Addresses.address(address);
    }
}
