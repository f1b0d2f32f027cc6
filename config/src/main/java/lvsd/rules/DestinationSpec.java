package lvsd.rules;

import java.net.InetAddress;

/**
 * A real server of a service as {@code -a} or {@code -e} defines it.
 *
 * @param service the service it belongs to
 * @param address server address
 * @param port server port; 0 for fwmark and port-0 services means the packet's own
 * @param method forwarding method, {@link ForwardingMethod#ROUTE} by default
 * @param weight 0 to 2147483647; 0 takes no new connections
 * @param upperThreshold connections at which it counts as overloaded; 0 none
 * @param lowerThreshold connections below which it no longer does; 0 means three quarters of upper
 * @param tunnel encapsulation of {@link ForwardingMethod#TUNNEL}
 */
public record DestinationSpec(
        ServiceId service,
        InetAddress address,
        int port,
        ForwardingMethod method,
        int weight,
        int upperThreshold,
        int lowerThreshold,
        Tunnel tunnel) {

    /**
     * Tunnel encapsulation.
     *
     * @param type {@code ipip}, {@code gue} or {@code gre}
     * @param port GUE port, else 0
     * @param checksum {@code nocsum}, {@code csum} or {@code remcsum}; empty for ipip
     */
    public record Tunnel(String type, int port, String checksum) {
        /** The default, ipip. */
        public static final Tunnel IPIP = new Tunnel("ipip", 0, "");
    }
}
