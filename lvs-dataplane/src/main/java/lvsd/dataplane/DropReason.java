package lvsd.dataplane;

/**
 * Why a packet went no further. One list feeds the CLI ({@code lvsadm --drops}), the metrics and the documentation.
 *
 * <p>The ordinal is the id used inside {@link Verdict} and in counters; the label is what users see, stable across
 * releases.
 */
public enum DropReason {
    /** The packet has more than one segment. */
    MULTI_SEGMENT(
            "multi-segment",
            "frame spread over several mbufs; use a larger mbuf or a smaller MTU",
            "raise eal.mbuf-size above the port's MTU by 22, or lower the MTU"),
    /** Shorter than its Ethernet, IP or transport header demands. */
    TRUNCATED(
            "truncated",
            "frame shorter than its headers say",
            "a broken or hostile sender; capture on the wire to see whose"),
    /** More VLAN tags than one, or a tag no sub-interface has. */
    UNKNOWN_VLAN(
            "unknown-vlan",
            "VLAN tag without a sub-interface",
            "give the port a sub-interface for that VLAN (vlans), or take the VLAN off the switch port"),
    /** Ethernet destination is neither ours nor group. */
    NOT_OUR_MAC(
            "not-our-mac",
            "unicast frame for another station",
            "nothing, if few: a switch floods frames whose receiver it does not know; if many, a neighbour has an old MAC address of ours"),
    /** IP version, header length or total length contradict each other. */
    BAD_IP_HEADER(
            "bad-ip-header",
            "IP version, header length or total length is wrong",
            "a broken or hostile sender; capture on the wire to see whose"),
    /** IPv4 header checksum wrong. */
    BAD_IP_CHECKSUM(
            "bad-ip-checksum",
            "IPv4 header checksum is wrong",
            "a broken sender, cable or card; see Errors of --ports"),
    /** TCP data offset, UDP length or SCTP chunk length wrong. */
    BAD_TRANSPORT_HEADER(
            "bad-transport-header",
            "TCP data offset or UDP length is wrong",
            "a broken or hostile sender; capture on the wire to see whose"),
    /** Transport checksum wrong where it was verified. */
    BAD_TRANSPORT_CHECKSUM(
            "bad-transport-checksum",
            "transport or ICMP checksum is wrong",
            "a broken sender; a neighbour on a virtual wire that leaves checksums to its card wants, inside it: ethtool -K INTERFACE tx off"),
    /** Source address that no packet may have on the wire. */
    MARTIAN_SOURCE(
            "martian-source",
            "source address is loopback, multicast, broadcast, unspecified or our own",
            "a forged or misconfigured source; if it is an address of this director, look for another machine that has it too"),
    /** Destination address that no packet may have on the wire. */
    MARTIAN_DESTINATION(
            "martian-destination",
            "destination address is loopback or unspecified",
            "a misconfigured sender; capture on the wire to see whose"),
    /** The route back to the source leaves by another interface, and {@code rp_filter} is on. */
    REVERSE_PATH(
            "reverse-path",
            "source is not reachable through the interface the packet came in by",
            "add a route to the source by that port, or set rp-filter of the port to loose or off"),
    /** A fragment for a balanced service that cannot be told which connection it is of. */
    FRAGMENT(
            "fragment",
            "fragment for a service whose first fragment or connection is not there",
            "nothing, if few: a fragment came before its first one, or more than 5 s after it; if many, let the path have one MTU throughout"),
    /** A fragment that breaks the rules: too short for its header, overlapping the first, or beyond 65,535 bytes. */
    BAD_FRAGMENT(
            "bad-fragment",
            "fragment too short, overlapping the first one, or beyond the largest packet",
            "a hostile or broken sender; nothing honest sends such fragments"),
    /** IPv6 extension headers that were not walked to the end. */
    IPV6_EXTENSION(
            "ipv6-extension",
            "IPv6 extension header chain is too long, malformed or not allowed",
            "a hostile or broken sender; nothing honest sends such chains to a service"),
    /** TTL or hop limit ran out. */
    TTL_EXCEEDED(
            "ttl-exceeded",
            "TTL or hop limit ran out",
            "nothing for traceroute; otherwise look for a routing loop between this director and its neighbours"),
    /** Longer than the MTU of the way out. */
    TOO_BIG(
            "too-big",
            "larger than the MTU of the way out",
            "nothing where the sender heeds the answer (path MTU discovery); otherwise make MTUs alike, and on a virtual wire, inside the neighbour: ethtool -K INTERFACE tso off gso off"),
    /** No route to the destination. */
    NO_ROUTE(
            "no-route",
            "no route to the destination",
            "add a route under routes in the daemon file (SIGHUP applies it)"),
    /** The next hop did not answer ARP or ND. */
    NEIGHBOUR_FAILED(
            "neighbour-failed",
            "next hop did not answer ARP or neighbour discovery",
            "is the next hop up, on that wire, and in that subnet? routes names the gateways; servers are asked directly in connected subnets"),
    /** Too many packets wait for the same next hop. */
    NEIGHBOUR_QUEUE_FULL(
            "neighbour-queue-full",
            "too many packets wait for an unresolved next hop",
            "nothing at the first packets to a next hop; if it goes on, as for neighbour-failed, or raise neighbour_queue"),
    /** No room for another neighbour. */
    NEIGHBOUR_TABLE_FULL(
            "neighbour-table-full",
            "neighbour table is full",
            "put a router between the director and so large a subnet; somebody may be scanning it"),
    /** TCP segment without connection that opens none. */
    NO_CONNECTION(
            "no-connection",
            "segment for a service without a connection and not a SYN",
            "nothing, if few: what is late after the end of a connection; if many, connections were lost by a restart or ended by timeouts (--set, --conn-timeout)"),
    /** For a VIP or local address, and neither a service nor a connection takes it. */
    NOT_SERVED(
            "not-served",
            "for a VIP or local address, and neither a service nor a connection takes it",
            "a port that no service has, or a service that was removed; add a service, or ask who still sends"),
    /** A service without any server that may be chosen. */
    NO_DESTINATION(
            "no-destination",
            "service has no usable real server",
            "add a server, raise a weight above 0, or look whether all are over their thresholds (-L --thresholds)"),
    /** The connection's server was removed. */
    DESTINATION_GONE(
            "destination-gone",
            "the connection's real server was removed",
            "add the server again, or let its connections end at once: --sysctl expire_nodest_conn=1"),
    /** Destination of the other address family, which only a tunnel reaches. */
    METHOD_NOT_AVAILABLE(
            "method-not-available",
            "real server of another address family, and not added with -i",
            "add the server with -i, or use one of the service's family"),
    /** A packet for a tunnel that cannot be wrapped. */
    TUNNEL(
            "tunnel",
            "no own address of the real server's family, or no room for the tunnel's headers",
            "give the port towards the server an address of the server's family"),
    /** Connection table full. */
    TABLE_FULL(
            "table-full",
            "connection table is full",
            "raise connections.ipv4 or .ipv6 in the daemon file, or switch defences on (drop_entry, -j enable)"),
    /** FULLNAT destination without any local address of its family. */
    NO_LOCAL_ADDRESS(
            "no-local-address",
            "FULLNAT service has no local address of the server's family",
            "add one of the server's family: -P SERVICE -z ADDRESS"),
    /** Every local port towards that server is taken. */
    LOCAL_PORTS_EXHAUSTED(
            "local-ports-exhausted",
            "no free local port towards the real server",
            "add local addresses (-P); -G shows where they ran out"),
    /** Another client's connection looks the same to the server. */
    TUPLE_CONFLICT(
            "tuple-conflict",
            "the real server already has a connection with the same client address and port",
            "nothing: the client's next SYN succeeds when its other connection is over; FULLNAT keeps the two apart"),
    /** ICMP error that quotes too little or a non-first fragment. */
    ICMP_QUOTE(
            "icmp-quote",
            "ICMP error quotes too little to translate",
            "nothing: whoever sent it quoted too little for anybody to know the connection"),
    /** An answer of ours was not sent because of its rate limit. */
    ICMP_RATE_LIMIT(
            "icmp-rate-limit",
            "an ICMP answer of ours was held back by its rate limit",
            "nothing under attack or scan; otherwise raise icmp_msgs_per_sec or icmp_msgs_burst"),
    /** ARP or ND that is malformed or fails the checks of RFC 4861. */
    BAD_NEIGHBOUR_MESSAGE(
            "bad-neighbour-message",
            "malformed ARP or neighbour discovery message",
            "a broken or hostile station on the wire; capture there to see whose"),
    /** Punted to the kernel faster than the class allows: ARP and ND. */
    PUNT_LIMIT_NEIGHBOUR(
            "punt-limit-neighbour",
            "over the punt limit of ARP and ND",
            "a station floods the wire with ARP or ND; or raise punt.neighbour-rate"),
    /** Punted faster than the class allows: routing and VRRP. */
    PUNT_LIMIT_ROUTING(
            "punt-limit-routing",
            "over the punt limit of routing protocols and VRRP",
            "raise punt.routing-rate above what routing protocols and VRRP need"),
    /** Punted faster than the class allows: replies to the director's own connections. */
    PUNT_LIMIT_HEALTH(
            "punt-limit-health",
            "over the punt limit of replies to health checks",
            "raise punt.health-rate above what health checks of this host receive"),
    /** Punted faster than the class allows: the rest. */
    PUNT_LIMIT_REST(
            "punt-limit-rest",
            "over the punt limit of other traffic for the director",
            "nothing under a flood; otherwise raise punt.rest-rate, or give what passes through the host a way of its own"),
    /** The punt queue towards the kernel is full. */
    PUNT_QUEUE_FULL(
            "punt-queue-full",
            "queue towards the kernel is full",
            "the host's kernel is slower than what is for it; give it a CPU that no worker has"),
    /** Neither for us nor balanced, and forwarding is off. */
    FORWARD_OFF(
            "forward-off",
            "not for the director, and forward is off",
            "punt.forward: on, if packets that are not for the director shall pass through its host"),
    /** For the kernel, but the port has no kernel twin. */
    NO_TWIN(
            "no-twin",
            "for the kernel, and the port has no kernel twin",
            "twin: on for the port, if its host shall be reached there"),
    /** A ping that the settings say not to answer. */
    ECHO_OFF(
            "echo-off",
            "ping, and answering is switched off",
            "echo_reply_own=1 or echo_reply_vip=1, if pings shall be answered"),
    /** ARP or ND about an address that is not answered there. */
    NEIGHBOUR_IGNORED(
            "neighbour-ignored",
            "ARP or neighbour discovery that is not for the director",
            "nothing: others' questions and answers, which everybody on a wire hears"),
    /** EtherType nobody handles. */
    UNKNOWN_ETHERTYPE(
            "unknown-ethertype",
            "EtherType that the director does not handle",
            "nothing: neither IP nor ARP, and sent to the director's own MAC address"),
    /** Waited in vain for the client's persistence template. */
    PERSISTENCE_WAIT(
            "persistence-wait",
            "the worker that keeps the client's persistence template is too far behind",
            "more workers, or fewer new persistent clients at a time; the client's next packet succeeds"),
    /** A persistence engine found nothing to go by. */
    NO_CALL_ID(
            "no-call-id",
            "for a service with --pe sip, and not a SIP message in UDP with a usable Call-ID",
            "send SIP over UDP with a Call-ID of at most 255 bytes, or take --pe sip off the service"),
    /** The director is the standby of a pair. */
    STANDBY(
            "standby",
            "this director is the standby: another one has the address, or forwards",
            "nothing on a standby; --role active, if this director shall forward"),
    /** Ring to another worker full. */
    HANDOFF_FULL(
            "handoff-full",
            "queue to the owning worker is full",
            "the owning worker is too slow: more workers, CPUs of their own, or a card that spreads by RSS"),
    /** The port did not take the packet. */
    TX_FULL(
            "tx-full",
            "transmit queue is full",
            "the wire or the neighbour is slower than what is sent; raise tx-descriptors, or use a faster port"),
    /** No mbuf for a packet of our own. */
    NO_MBUF("no-mbuf", "mbuf pool is empty", "raise eal.mbufs (and eal.memory)"),
    /** SYN proxy: a segment without connection that acknowledges no cookie of ours, or an expired one. */
    SYN_COOKIE(
            "syn-cookie",
            "acknowledges no SYN cookie that holds",
            "nothing under attack; otherwise a client took longer than a cookie holds, or two directors have different keys (synproxy.key-file)"),
    /** SYN proxy: a bare acknowledgement while {@code synproxy_defer} is on. */
    SYN_DEFERRED(
            "syn-deferred",
            "acknowledgement without data, and synproxy_defer is on",
            "nothing: the client is let in when it sends data; synproxy_defer=0, if servers are to speak first"),
    /** SYN proxy: a segment that needs no keeping while the server has not answered. */
    SYN_WAITING(
            "syn-waiting",
            "seen to while the real server has not answered the SYN proxy",
            "nothing: the client sends it again, or the answer of the server makes it needless"),
    /** SYN proxy: more segments of one client, or of all, than are kept until the server answers. */
    SYN_QUEUE(
            "syn-queue",
            "more segments than the SYN proxy keeps until the real server answers",
            "look at the servers, which answer late (--synproxy); or raise synproxy_ack_skb_store_thresh"),
    /** SYN proxy: more handshakes with servers than there is room for. */
    SYN_TABLE(
            "syn-table",
            "too many handshakes of the SYN proxy with real servers",
            "look at the servers, which do not answer (--synproxy); or add servers"),
    /** SYN proxy: the server says the same again and again. */
    ACK_STORM(
            "ack-storm",
            "more identical acknowledgements of a real server than synproxy_ack_storm_thresh",
            "client and server disagree about a sequence number and answer each other for ever; if they do not, raise synproxy_ack_storm_thresh"),
    /** {@code drop_packet}. */
    DROP_PACKET(
            "drop-packet",
            "would open a connection, and drop_packet is at work",
            "nothing while memory is short; drop_packet=0 ends it"),
    /** {@code defence_tcp_drop}. */
    DEFENCE_TCP(
            "defence-tcp",
            "TCP segment for a VIP without a connection, and defence_tcp_drop is on",
            "nothing: so it was asked for; defence_tcp_drop=0 answers by a reset again"),
    /** {@code defence_udp_drop}. */
    DEFENCE_UDP(
            "defence-udp",
            "UDP for a VIP that nobody takes, and defence_udp_drop is on",
            "nothing: so it was asked for; defence_udp_drop=0 answers by ICMP again"),
    /** {@code defence_frag_drop}. */
    DEFENCE_FRAGMENT(
            "defence-fragment",
            "fragment for a VIP, and defence_frag_drop is on",
            "nothing: so it was asked for; defence_frag_drop=0 lets fragments of balanced traffic pass");

    private static final DropReason[] VALUES = values();

    private final String label;
    private final String help;
    private final String remedy;

    DropReason(String label, String help, String remedy) {
        this.label = label;
        this.help = help;
        this.remedy = remedy;
    }

    /** The stable name users see. */
    public String label() {
        return label;
    }

    /** What it means, for the CLI and the documentation. */
    public String help() {
        return help;
    }

    /** What to do about it, for the same readers; begins with "nothing" where that is all. */
    public String remedy() {
        return remedy;
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
