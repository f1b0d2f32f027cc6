package lvsd.dataplane;

import lvsd.rules.ForwardingMethod;
import lvsd.wire.PacketBuilder;

/** How a connection goes through the director under test: forwarding method and address family, and who takes part. */
enum Way {
    NAT4(ForwardingMethod.NAT, false),
    NAT6(ForwardingMethod.NAT, true),
    FULLNAT4(ForwardingMethod.FULLNAT, false),
    FULLNAT6(ForwardingMethod.FULLNAT, true);

    final ForwardingMethod method;
    final boolean ipv6;

    Way(ForwardingMethod method, boolean ipv6) {
        this.method = method;
        this.ipv6 = ipv6;
    }

    boolean fullnat() {
        return method == ForwardingMethod.FULLNAT;
    }

    String client() {
        return ipv6 ? TestDirector.CLIENT6 : TestDirector.CLIENT;
    }

    String vip() {
        return ipv6 ? TestDirector.VIP6 : TestDirector.VIP;
    }

    String server() {
        return ipv6 ? TestDirector.RS1_6 : TestDirector.RS1;
    }

    /** Who the server sees: the local address, or with NAT the client. */
    String peer() {
        return fullnat() ? ipv6 ? TestDirector.LIP6 : TestDirector.LIP : client();
    }

    /** The director's own address on a port. */
    String director(int port) {
        return ipv6 ? port == 0 ? "2001:db8:a::1" : "2001:db8:b::1" : port == 0 ? "198.18.10.1" : "198.18.20.1";
    }

    /** Bytes of the IP header. */
    int ipHeader() {
        return ipv6 ? 40 : 20;
    }

    /** Where the transport header begins in an untagged frame. */
    int l4() {
        return 14 + ipHeader();
    }

    /** An IP packet from a host on {@code port} to the director. */
    PacketBuilder arriving(int port, String from, String to) {
        return ip(PacketBuilder.eth(TestDirector.PEERS[port], TestDirector.MACS[port]), from, to);
    }

    /** An IP packet from the director to the host on {@code port}. */
    PacketBuilder leaving(int port, String from, String to) {
        return ip(PacketBuilder.eth(TestDirector.MACS[port], TestDirector.PEERS[port]), from, to);
    }

    PacketBuilder ip(PacketBuilder frame, String from, String to) {
        return ipv6 ? frame.ipv6(from, to) : frame.ipv4(from, to);
    }
}
