package lvsd.dataplane.service;

import java.net.InetAddress;

/**
 * A FULLNAT local address (LIP), immutable. The same LIP may serve several services; they share {@link #index} and so
 * its ports.
 */
public final class LocalAddress {
    /** Most LIPs. */
    public static final int MAXIMUM = 1 << 12;

    /** Dense index over all LIPs of the director, below {@link #MAXIMUM}. */
    public final int index;
    /** The address. */
    public final InetAddress address;
    /** Whether it is IPv6. */
    public final boolean ipv6;
    /** IPv4 address in wire form ({@link Wire}). */
    public final int address4;
    /** Halves of an IPv6 address in wire form. */
    public final long address6High;

    public final long address6Low;

    /** As {@link Destination#high}. */
    long high() {
        return ipv6 ? address6High : Integer.toUnsignedLong(address4);
    }

    /** Makes the worker's view. */
    public LocalAddress(int index, InetAddress address) {
        this.index = index;
        this.address = address;
        byte[] bytes = address.getAddress();
        this.ipv6 = bytes.length == 16;
        this.address4 = ipv6 ? 0 : Wire.int4(bytes);
        this.address6High = ipv6 ? Wire.long8(bytes, 0) : 0;
        this.address6Low = ipv6 ? Wire.long8(bytes, 8) : 0;
    }
}
