package lvsd.dataplane;

/**
 * Why a packet went no further. One list feeds the CLI ({@code lvsadm --drops}), the metrics and the documentation.
 *
 * <p>The ordinal is the id used inside {@link Verdict} and in counters; the label is what users see, stable across
 * releases.
 */
public enum DropReason {
    /** The packet has more than one segment. */
    MULTI_SEGMENT("multi-segment", "frame spread over several mbufs; use a larger mbuf or a smaller MTU"),
    /** Shorter than its Ethernet, IP or transport header demands. */
    TRUNCATED("truncated", "frame shorter than its headers say"),
    /** More VLAN tags than one, or a tag no sub-interface has. */
    UNKNOWN_VLAN("unknown-vlan", "VLAN tag without a sub-interface"),
    /** Ethernet destination is neither ours nor group. */
    NOT_OUR_MAC("not-our-mac", "unicast frame for another station"),
    /** IP version, header length or total length contradict each other. */
    BAD_IP_HEADER("bad-ip-header", "IP version, header length or total length is wrong"),
    /** IPv4 header checksum wrong. */
    BAD_IP_CHECKSUM("bad-ip-checksum", "IPv4 header checksum is wrong"),
    /** TCP data offset, UDP length or SCTP chunk length wrong. */
    BAD_TRANSPORT_HEADER("bad-transport-header", "TCP data offset or UDP length is wrong"),
    /** Transport checksum wrong where it was verified. */
    BAD_TRANSPORT_CHECKSUM("bad-transport-checksum", "transport or ICMP checksum is wrong"),
    /** Source address that no packet may have on the wire. */
    MARTIAN_SOURCE("martian-source", "source address is loopback, multicast, broadcast, unspecified or our own"),
    /** Destination address that no packet may have on the wire. */
    MARTIAN_DESTINATION("martian-destination", "destination address is loopback or unspecified"),
    /** The route back to the source leaves by another interface, and {@code rp_filter} is on. */
    REVERSE_PATH("reverse-path", "source is not reachable through the interface the packet came in by"),
    /** A fragment for a balanced service that cannot be told which connection it is of. */
    FRAGMENT("fragment", "fragment for a service whose first fragment or connection is not there"),
    /** A fragment that breaks the rules: too short for its header, overlapping the first, or beyond 65,535 bytes. */
    BAD_FRAGMENT("bad-fragment", "fragment too short, overlapping the first one, or beyond the largest packet"),
    /** IPv6 extension headers that were not walked to the end. */
    IPV6_EXTENSION("ipv6-extension", "IPv6 extension header chain is too long, malformed or not allowed"),
    /** TTL or hop limit ran out. */
    TTL_EXCEEDED("ttl-exceeded", "TTL or hop limit ran out"),
    /** Longer than the MTU of the way out. */
    TOO_BIG("too-big", "larger than the MTU of the way out"),
    /** No route to the destination. */
    NO_ROUTE("no-route", "no route to the destination"),
    /** The next hop did not answer ARP or ND. */
    NEIGHBOUR_FAILED("neighbour-failed", "next hop did not answer ARP or neighbour discovery"),
    /** Too many packets wait for the same next hop. */
    NEIGHBOUR_QUEUE_FULL("neighbour-queue-full", "too many packets wait for an unresolved next hop"),
    /** No room for another neighbour. */
    NEIGHBOUR_TABLE_FULL("neighbour-table-full", "neighbour table is full"),
    /** TCP segment without connection that opens none. */
    NO_CONNECTION("no-connection", "segment for a service without a connection and not a SYN"),
    /** For a VIP or local address, and neither a service nor a connection takes it. */
    NOT_SERVED("not-served", "for a VIP or local address, and neither a service nor a connection takes it"),
    /** A service without any server that may be chosen. */
    NO_DESTINATION("no-destination", "service has no usable real server"),
    /** The connection's server was removed. */
    DESTINATION_GONE("destination-gone", "the connection's real server was removed"),
    /** Destination of the other address family, which only a tunnel reaches. */
    METHOD_NOT_AVAILABLE("method-not-available", "real server of another address family, and not added with -i"),
    /** A packet for a tunnel that cannot be wrapped. */
    TUNNEL("tunnel", "no own address of the real server's family, or no room for the tunnel's headers"),
    /** Connection table full. */
    TABLE_FULL("table-full", "connection table is full"),
    /** FULLNAT destination without any local address of its family. */
    NO_LOCAL_ADDRESS("no-local-address", "FULLNAT service has no local address of the server's family"),
    /** Every local port towards that server is taken. */
    LOCAL_PORTS_EXHAUSTED("local-ports-exhausted", "no free local port towards the real server"),
    /** Another client's connection looks the same to the server. */
    TUPLE_CONFLICT("tuple-conflict", "the real server already has a connection with the same client address and port"),
    /** ICMP error that quotes too little or a non-first fragment. */
    ICMP_QUOTE("icmp-quote", "ICMP error quotes too little to translate"),
    /** An answer of ours was not sent because of its rate limit. */
    ICMP_RATE_LIMIT("icmp-rate-limit", "an ICMP answer of ours was held back by its rate limit"),
    /** ARP or ND that is malformed or fails the checks of RFC 4861. */
    BAD_NEIGHBOUR_MESSAGE("bad-neighbour-message", "malformed ARP or neighbour discovery message"),
    /** Punted to the kernel faster than the class allows: ARP and ND. */
    PUNT_LIMIT_NEIGHBOUR("punt-limit-neighbour", "over the punt limit of ARP and ND"),
    /** Punted faster than the class allows: routing and VRRP. */
    PUNT_LIMIT_ROUTING("punt-limit-routing", "over the punt limit of routing protocols and VRRP"),
    /** Punted faster than the class allows: replies to the director's own connections. */
    PUNT_LIMIT_HEALTH("punt-limit-health", "over the punt limit of replies to health checks"),
    /** Punted faster than the class allows: the rest. */
    PUNT_LIMIT_REST("punt-limit-rest", "over the punt limit of other traffic for the director"),
    /** The punt queue towards the kernel is full. */
    PUNT_QUEUE_FULL("punt-queue-full", "queue towards the kernel is full"),
    /** Neither for us nor balanced, and forwarding is off. */
    FORWARD_OFF("forward-off", "not for the director, and forward is off"),
    /** For the kernel, but the port has no kernel twin. */
    NO_TWIN("no-twin", "for the kernel, and the port has no kernel twin"),
    /** A ping that the settings say not to answer. */
    ECHO_OFF("echo-off", "ping, and answering is switched off"),
    /** ARP or ND about an address that is not answered there. */
    NEIGHBOUR_IGNORED("neighbour-ignored", "ARP or neighbour discovery that is not for the director"),
    /** EtherType nobody handles. */
    UNKNOWN_ETHERTYPE("unknown-ethertype", "EtherType that the director does not handle"),
    /** Waited in vain for the client's persistence template. */
    PERSISTENCE_WAIT("persistence-wait", "the worker that keeps the client's persistence template is too far behind"),
    /** A persistence engine found nothing to go by. */
    NO_CALL_ID("no-call-id", "for a service with --pe sip, and not a SIP message in UDP with a usable Call-ID"),
    /** The director is the standby of a pair. */
    STANDBY("standby", "this director is the standby: another one has the address, or forwards"),
    /** Ring to another worker full. */
    HANDOFF_FULL("handoff-full", "queue to the owning worker is full"),
    /** The port did not take the packet. */
    TX_FULL("tx-full", "transmit queue is full"),
    /** No mbuf for a packet of our own. */
    NO_MBUF("no-mbuf", "mbuf pool is empty"),
    /** SYN proxy: a segment without connection that acknowledges no cookie of ours, or an expired one. */
    SYN_COOKIE("syn-cookie", "acknowledges no SYN cookie that holds"),
    /** SYN proxy: a bare acknowledgement while {@code synproxy_defer} is on. */
    SYN_DEFERRED("syn-deferred", "acknowledgement without data, and synproxy_defer is on"),
    /** SYN proxy: a segment that needs no keeping while the server has not answered. */
    SYN_WAITING("syn-waiting", "seen to while the real server has not answered the SYN proxy"),
    /** SYN proxy: more segments of one client, or of all, than are kept until the server answers. */
    SYN_QUEUE("syn-queue", "more segments than the SYN proxy keeps until the real server answers"),
    /** SYN proxy: more handshakes with servers than there is room for. */
    SYN_TABLE("syn-table", "too many handshakes of the SYN proxy with real servers"),
    /** SYN proxy: the server says the same again and again. */
    ACK_STORM("ack-storm", "more identical acknowledgements of a real server than synproxy_ack_storm_thresh"),
    /** {@code drop_packet}. */
    DROP_PACKET("drop-packet", "would open a connection, and drop_packet is at work"),
    /** {@code defence_tcp_drop}. */
    DEFENCE_TCP("defence-tcp", "TCP segment for a VIP without a connection, and defence_tcp_drop is on"),
    /** {@code defence_udp_drop}. */
    DEFENCE_UDP("defence-udp", "UDP for a VIP that nobody takes, and defence_udp_drop is on"),
    /** {@code defence_frag_drop}. */
    DEFENCE_FRAGMENT("defence-fragment", "fragment for a VIP, and defence_frag_drop is on");

    private static final DropReason[] VALUES = values();

    private final String label;
    private final String help;

    DropReason(String label, String help) {
        this.label = label;
        this.help = help;
    }

    /** The stable name users see. */
    public String label() {
        return label;
    }

    /** One sentence for the CLI and the documentation. */
    public String help() {
        return help;
    }

    /** How many reasons there are. */
    public static int count() {
        return VALUES.length;
    }

    /** The reason with the given ordinal. */
    public static DropReason of(int id) {
        return VALUES[id];
    }
}
