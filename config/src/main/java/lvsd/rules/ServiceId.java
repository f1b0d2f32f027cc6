package lvsd.rules;

import java.net.InetAddress;

/** What names a virtual service: protocol, VIP and port, or a firewall mark. */
public sealed interface ServiceId {
    /** True for IPv6 services. */
    boolean ipv6();

    /** A service at {@code address:port}; port 0 is the catch-all of persistent services. */
    record Vip(Protocol protocol, InetAddress address, int port) implements ServiceId {
        @Override
        public boolean ipv6() {
            return address instanceof java.net.Inet6Address;
        }
    }

    /** A service by firewall mark, 1 to 2^32-1 as an unsigned int. */
    record Fwmark(int mark, boolean ipv6) implements ServiceId {}
}
