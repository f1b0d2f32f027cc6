package lvsd.dataplane;

import lvsd.wire.Ipv4;
import lvsd.wire.Ipv6;

/**
 * One parsed packet, as the parts of the pipeline that handle packets one at a time see it (misses, ARP and ND, ICMP,
 * punt). The worker owns one instance and fills it anew; nothing may keep a reference.
 *
 * <p>The parser has checked every length against the mbuf: {@code [frame, frame + frameLength)} is readable,
 * {@code [l3, l3 + l3Length)} lies inside it, {@code [l4, l4 + l4Length)} inside that. A protocol's fixed header may be
 * read only when {@code l4Length} holds it; {@link #l4Valid} says that this was checked for TCP, UDP, SCTP, ICMP and
 * ICMPv6.
 */
public final class Packet {
    /** The mbuf. */
    public long mbuf;
    /** First byte of the Ethernet header, and bytes from there. */
    public long frame;

    public int frameLength;
    /** Interface it came in by: index into {@code NetConfig} (a port, or a VLAN of one). */
    public int iface;
    /** EtherType behind the VLAN tag. */
    public int etherType;
    /** First byte of the IP (or ARP) header, and bytes of the IP packet by its own header. */
    public long l3;

    public int l3Length;
    /** Whether the packet is IPv6. */
    public boolean ipv6;
    /** Transport protocol: the IPv6 chain's last next-header. */
    public int protocol;
    /** First byte behind the IP headers, and bytes from there to the end of the IP packet. */
    public long l4;

    public int l4Length;
    /** Whether the transport's fixed header is there and its lengths agree. */
    public boolean l4Valid;
    /** IP fragment of any kind. */
    public boolean fragment;
    /** Fragment with an offset: no transport header. */
    public boolean laterFragment;
    /** Sent to a group address of layer 2. */
    public boolean groupFrame;

    /** Takes one off the TTL or hop limit, which must not be 0; a header checksum is kept right. */
    public void countDown() {
        if (ipv6) {
            Ipv6.decrementHopLimit(l3);
        } else {
            Ipv4.decrementTtl(l3);
        }
    }

    /** Becomes the same view as {@code other}; the mbuf stays its own. */
    public void copy(Packet other) {
        frame = other.frame;
        frameLength = other.frameLength;
        iface = other.iface;
        etherType = other.etherType;
        l3 = other.l3;
        l3Length = other.l3Length;
        ipv6 = other.ipv6;
        protocol = other.protocol;
        l4 = other.l4;
        l4Length = other.l4Length;
        l4Valid = other.l4Valid;
        fragment = other.fragment;
        laterFragment = other.laterFragment;
        groupFrame = other.groupFrame;
    }
}
