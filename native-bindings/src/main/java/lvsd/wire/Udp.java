package lvsd.wire;

import lvsd.memory.Memory;

/** The UDP header (RFC 768). Ports and checksum in wire form, length a host value. */
public final class Udp {
    static final int PORTS = 0;
    static final int SOURCE_PORT = 0;
    static final int DESTINATION_PORT = 2;
    static final int LENGTH = 4;
    static final int CHECKSUM = 6;

    /** Bytes of the header. */
    public static final int SIZE = 8;

    private Udp() {}

    /**
     * Judges the header against the bytes there are. A datagram shorter than its IP packet is right (RFC 768 does not
     * forbid the rest); a length of zero (IPv6 jumbograms) is not.
     *
     * @param available bytes from {@code udp} to the end of the IP packet
     * @return the datagram's length by its own field, or {@link Check#TRUNCATED} or {@link Check#MALFORMED}
     */
    public static int check(long udp, int available) {
        if (available < SIZE) {
            return Check.TRUNCATED;
        }
        int length = length(udp);
        if (length < SIZE) {
            return Check.MALFORMED;
        }
        return length > available ? Check.TRUNCATED : length;
    }

    /** Source port, wire form. */
    public static int sourcePort(long udp) {
        return Memory.getShort(udp, SIZE, SOURCE_PORT);
    }

    /** Destination port, wire form. */
    public static int destinationPort(long udp) {
        return Memory.getShort(udp, SIZE, DESTINATION_PORT);
    }

    /** Both ports as one 32-bit value, wire form; see {@link Tcp#portPair}. */
    public static int ports(long udp) {
        return Memory.getInt(udp, SIZE, PORTS);
    }

    /** Bytes of header and data. */
    public static int length(long udp) {
        return Memory.getShortBe(udp, SIZE, LENGTH);
    }

    /** Checksum, wire form; 0: none. */
    public static int checksum(long udp) {
        return Memory.getShort(udp, SIZE, CHECKSUM);
    }

    /** Stores both ports, laid out as {@link Tcp#portPair}. */
    public static void setPorts(long udp, int ports) {
        Memory.setInt(udp, SIZE, PORTS, ports);
    }

    /** Stores the source port, wire form. */
    public static void setSourcePort(long udp, int port) {
        Memory.setShort(udp, SIZE, SOURCE_PORT, port);
    }

    /** Stores the destination port, wire form. */
    public static void setDestinationPort(long udp, int port) {
        Memory.setShort(udp, SIZE, DESTINATION_PORT, port);
    }

    /** Stores the bytes of header and data; the caller owes that they are there. */
    public static void setLength(long udp, int length) {
        Memory.setShortBe(udp, SIZE, LENGTH, length);
    }

    /** Stores the checksum, wire form. */
    public static void setChecksum(long udp, int checksum) {
        Memory.setShort(udp, SIZE, CHECKSUM, checksum);
    }

    /** Updates the checksum by a delta: no checksum stays none, a computed zero becomes 0xffff. */
    public static void applyDelta(long udp, int delta) {
        setChecksum(udp, Checksum.applyUdp(checksum(udp), delta));
    }
}
