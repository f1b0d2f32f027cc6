package lvsd.dataplane.service;

import lvsd.rules.DestinationSpec;
import lvsd.rules.ForwardingMethod;

/**
 * One real server of one service, immutable. Made by the control thread for each change.
 *
 * <p>{@link #index} is dense over all services and stays the same through edits, and through removal and re-adding while
 * connections still hold it, so that counters and connections find it again.
 */
public final class Destination {
    /** Most destinations over all services. */
    public static final int MAXIMUM = 1 << 16;
    /** In the place of a destination's index in connections that have none: the last, which no destination has. */
    public static final int NOWHERE = MAXIMUM - 1;

    /** {@link #tunnel}: the packet follows the outer IP header (RFC 2003, RFC 2473, RFC 4213). */
    public static final int TUNNEL_IPIP = 0;
    /** {@link #tunnel}: UDP and GUE headers between. */
    public static final int TUNNEL_GUE = 1;
    /** {@link #tunnel}: a GRE header between (RFC 2784). */
    public static final int TUNNEL_GRE = 2;

    /** Dense index, below {@link #NOWHERE}. */
    public final int index;
    /** Index of the service it belongs to. */
    public final int service;
    /** What the operator said. */
    public final DestinationSpec spec;
    /** Forwarding method number ({@code ForwardingMethod.number}). */
    public final int method;
    /** Whether the server's address is IPv6. */
    public final boolean ipv6;
    /** IPv4 address as it lies in a packet, read in native byte order. */
    public final int address4;
    /** First and second half of an IPv6 address as they lie in a packet, read in native byte order. */
    public final long address6High;

    public final long address6Low;
    /** Port as it lies in a packet, read as a 16-bit value in native byte order; 0: keep the packet's. */
    public final int port;
    /** Weight; 0 takes no new connections. */
    public final int weight;
    /** The latest weight above 0, 0 if it was added with 0 and has had none since. */
    public final int lastWeight;
    /** Overload thresholds; 0: none. */
    public final int upperThreshold;

    public final int lowerThreshold;
    /** How packets are wrapped if {@link #method} is the tunnel's: one of the constants of this class. */
    public final int tunnel;
    /** UDP port of {@link #TUNNEL_GUE} in wire form. */
    public final int tunnelPort;
    /** Whether the header between outer and inner packet has a checksum. */
    public final boolean tunnelChecksum;

    /** Whether its answers go to the client directly, not this way. */
    public boolean isDirect() {
        return method != ForwardingMethod.NAT.number() && method != ForwardingMethod.FULLNAT.number();
    }

    /** The first half of its address; an IPv4 address alone, unsigned. */
    long high() {
        return ipv6 ? address6High : Integer.toUnsignedLong(address4);
    }

    /** Makes the worker's view of {@code spec}. */
    public Destination(int index, int service, DestinationSpec spec) {
        this(index, service, spec, spec.weight());
    }

    /** As {@link #Destination(int, int, DestinationSpec)} for one that had a weight above 0 before. */
    public Destination(int index, int service, DestinationSpec spec, int lastWeight) {
        this.index = index;
        this.service = service;
        this.spec = spec;
        this.method = spec.method().number();
        byte[] bytes = spec.address().getAddress();
        this.ipv6 = bytes.length == 16;
        this.address4 = ipv6 ? 0 : Wire.int4(bytes);
        this.address6High = ipv6 ? Wire.long8(bytes, 0) : 0;
        this.address6Low = ipv6 ? Wire.long8(bytes, 8) : 0;
        this.port = Wire.port(spec.port());
        this.weight = spec.weight();
        this.lastWeight = lastWeight;
        this.upperThreshold = spec.upperThreshold();
        this.lowerThreshold = spec.lowerThreshold();
        this.tunnel = switch (spec.tunnel().type()) {
            case "gue" -> TUNNEL_GUE;
            case "gre" -> TUNNEL_GRE;
            default -> TUNNEL_IPIP;
        };
        this.tunnelPort = Wire.port(spec.tunnel().port());
        String checksum = spec.tunnel().checksum();
        // A remote checksum is offered for packets that carry a partial one, which none that is forwarded does.
        this.tunnelChecksum = checksum.equals("csum") || checksum.equals("remcsum");
    }
}
