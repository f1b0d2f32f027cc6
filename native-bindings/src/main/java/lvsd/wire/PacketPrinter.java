package lvsd.wire;

import lvsd.memory.Memory;

/**
 * One line of text for a frame, in the manner of tcpdump, and text for addresses. Allocates: for traces, tests and
 * messages, not for the packet path. Never throws and never reads outside the frame, whatever it holds; what does not
 * fit or contradicts itself is named in brackets.
 */
public final class PacketPrinter {
    /** VLAN tags passed before giving up. */
    private static final int MAX_TAGS = 4;
    /** Packets inside packets (ICMP quotes, tunnels) shown before giving up. */
    private static final int MAX_DEPTH = 3;

    private static final String FLAG_LETTERS = "FSRP.UEW";
    private static final String[] CHUNK_NAMES = {
        "DATA",
        "INIT",
        "INIT ACK",
        "SACK",
        "HB REQ",
        "HB ACK",
        "ABORT",
        "SHUTDOWN",
        "SHUTDOWN ACK",
        "OP ERR",
        "COOKIE ECHO",
        "COOKIE ACK",
        "ECNE",
        "CWR",
        "SHUTDOWN COMPLETE"
    };

    private PacketPrinter() {}

    /** The line for the {@code length} bytes of a frame. */
    public static String print(long frame, int length) {
        StringBuilder out = new StringBuilder(160);
        appendFrame(out, frame, length);
        return out.toString();
    }

    /** Appends the line for the {@code length} bytes of a frame. */
    public static void appendFrame(StringBuilder out, long frame, int length) {
        if (Ethernet.check(length) < 0) {
            out.append("[truncated ethernet, ").append(length).append(" bytes]");
            return;
        }
        appendMac(out, Ethernet.source(frame)).append(" > ");
        appendMac(out, Ethernet.destination(frame)).append(", ");
        int offset = Ethernet.SIZE;
        int type = Ethernet.etherType(frame);
        for (int tags = 0; Vlan.isTag(type) && tags < MAX_TAGS; tags++) {
            if (length - offset < Vlan.TAG_SIZE) {
                out.append("[truncated vlan]");
                return;
            }
            // A tag's fields lie where those of a frame that begins 14 bytes before them would.
            long tagged = frame + offset - Ethernet.SIZE;
            out.append("vlan ").append(Vlan.id(tagged)).append(", ");
            type = Vlan.innerType(tagged);
            offset += Vlan.TAG_SIZE;
        }
        appendL3(out, type, frame + offset, length - offset);
    }

    private static void appendL3(StringBuilder out, int type, long l3, int length) {
        switch (type) {
            case Ethernet.TYPE_IPV4 -> appendIpv4Packet(out, l3, length, false, MAX_DEPTH);
            case Ethernet.TYPE_IPV6 -> appendIpv6Packet(out, l3, length, false, MAX_DEPTH);
            case Ethernet.TYPE_ARP -> appendArp(out, l3, length);
            default -> {
                boolean isLength = type < Ethernet.TYPE_MIN;
                out.append(isLength ? "802.3 length " : "ethertype 0x");
                out.append(isLength ? Integer.toString(type) : Integer.toHexString(type));
                out.append(", length ").append(length);
            }
        }
    }

    /**
     * Appends an IPv4 packet.
     *
     * @param available bytes from {@code ip} that may be read
     * @param quoted whether it may be cut anywhere behind its header
     */
    private static void appendIpv4Packet(StringBuilder out, long ip, int available, boolean quoted, int depth) {
        out.append("IP ");
        int headerLength = quoted ? Ipv4.checkQuoted(ip, available) : Ipv4.check(ip, available);
        if (headerLength < 0) {
            appendProblem(out, "ip", headerLength);
            return;
        }
        int l4Length = Math.min(Ipv4.totalLength(ip), available) - headerLength;
        boolean later = Ipv4.isLaterFragment(ip);
        // A cut quote and a fragment cannot be summed.
        boolean whole = !quoted && !Ipv4.isFragment(ip);
        int protocol = Ipv4.protocol(ip);
        long ports = portsAt(ip + headerLength, l4Length, protocol, later);
        appendEnd(appendIpv4(out, Ipv4.source(ip)), '.', ports, true).append(" > ");
        appendEnd(appendIpv4(out, Ipv4.destination(ip)), '.', ports, false).append(": ");
        if (later) {
            out.append("protocol ").append(protocol).append(", length ").append(l4Length);
        } else {
            appendL4(out, ip + headerLength, l4Length, protocol, depth);
        }
        if (!Ipv4.verifyChecksum(ip, headerLength)) {
            out.append(" [bad ip cksum]");
        }
        if (whole && !checksumRight(ip, ip + headerLength, l4Length, protocol, false)) {
            out.append(" [bad cksum]");
        }
        appendIpv4Notes(out, ip, headerLength);
    }

    private static void appendIpv4Notes(StringBuilder out, long ip, int headerLength) {
        out.append(" (ttl ").append(Ipv4.ttl(ip)).append(", id ").append(Ipv4.id(ip));
        if (Ipv4.tos(ip) != 0) {
            out.append(", tos 0x").append(Integer.toHexString(Ipv4.tos(ip)));
        }
        if (Ipv4.dontFragment(ip)) {
            out.append(", DF");
        }
        if (Ipv4.isFragment(ip)) {
            out.append(", frag ").append(Ipv4.fragmentOffset(ip)).append(Ipv4.moreFragments(ip) ? "+" : "");
        }
        if (headerLength > Ipv4.SIZE) {
            out.append(", options ").append(headerLength - Ipv4.SIZE);
        }
        out.append(')');
    }

    private static void appendIpv6Packet(StringBuilder out, long ip, int available, boolean quoted, int depth) {
        out.append("IP6 ");
        int checked = quoted ? Ipv6.checkQuoted(ip, available) : Ipv6.check(ip, available);
        if (checked < 0) {
            appendProblem(out, "ip6", checked);
            return;
        }
        int packet = Math.min(Ipv6.SIZE + Ipv6.payloadLength(ip), available);
        long walked = Ipv6.walk(ip, packet);
        if (walked < 0) {
            appendIpv6(out, Ipv6.sourceHigh(ip), Ipv6.sourceLow(ip)).append(" > ");
            appendIpv6(out, Ipv6.destinationHigh(ip), Ipv6.destinationLow(ip)).append(": ");
            appendProblem(out, "extensions", (int) walked);
            return;
        }
        long l4 = ip + Ipv6.offset(walked);
        int l4Length = packet - Ipv6.offset(walked);
        int protocol = Ipv6.protocol(walked);
        boolean later = Ipv6.isLaterFragment(walked);
        long ports = portsAt(l4, l4Length, protocol, later);
        appendEnd(appendIpv6(out, Ipv6.sourceHigh(ip), Ipv6.sourceLow(ip)), '.', ports, true)
                .append(" > ");
        appendEnd(appendIpv6(out, Ipv6.destinationHigh(ip), Ipv6.destinationLow(ip)), '.', ports, false)
                .append(": ");
        if (later) {
            out.append("protocol ").append(protocol).append(", length ").append(l4Length);
        } else {
            appendL4(out, l4, l4Length, protocol, depth);
        }
        boolean whole = !quoted && !Ipv6.isFragment(walked) && !Ipv6.isRouted(walked);
        if (whole && !checksumRight(ip, l4, l4Length, protocol, true)) {
            out.append(" [bad cksum]");
        }
        appendIpv6Notes(out, ip, walked);
    }

    private static void appendIpv6Notes(StringBuilder out, long ip, long walked) {
        out.append(" (hlim ").append(Ipv6.hopLimit(ip));
        if (Ipv6.trafficClass(ip) != 0) {
            out.append(", class 0x").append(Integer.toHexString(Ipv6.trafficClass(ip)));
        }
        if (Ipv6.flowLabel(ip) != 0) {
            out.append(", flow 0x").append(Integer.toHexString(Ipv6.flowLabel(ip)));
        }
        if (Ipv6.isFragment(walked)) {
            out.append(Ipv6.isLaterFragment(walked) ? ", later frag" : ", first frag");
        }
        if (Ipv6.offset(walked) > Ipv6.SIZE) {
            out.append(", extensions ").append(Ipv6.offset(walked) - Ipv6.SIZE);
        }
        out.append(')');
    }

    /** Whether a transport checksum is right; true where the header is cut, since that is said elsewhere. */
    private static boolean checksumRight(long ip, long l4, int l4Length, int protocol, boolean ipv6) {
        int summed = l4Length;
        switch (protocol) {
            case Ipv4.PROTOCOL_TCP -> summed = Tcp.check(l4, l4Length) < 0 ? -1 : l4Length;
            case Ipv4.PROTOCOL_UDP -> summed = Udp.check(l4, l4Length);
            case Ipv4.PROTOCOL_ICMP, Ipv6.PROTOCOL_ICMPV6 -> summed = Icmp.check(l4Length) < 0 ? -1 : l4Length;
            case Ipv4.PROTOCOL_SCTP -> {
                return Sctp.check(l4Length) < 0 || Sctp.verifyChecksum(l4, l4Length);
            }
            default -> {
                return true;
            }
        }
        if (summed < 0) {
            return true;
        }
        return ipv6 ? Checksum.verify6(ip, l4, summed, protocol) : Checksum.verify4(ip, l4, summed, protocol);
    }

    /** Both ports, laid out as {@link Tcp#portPair}, or -1 where there are none. */
    private static long portsAt(long l4, int l4Length, int protocol, boolean later) {
        boolean has = protocol == Ipv4.PROTOCOL_TCP || protocol == Ipv4.PROTOCOL_UDP || protocol == Ipv4.PROTOCOL_SCTP;
        return has && !later && l4Length >= 4 ? Memory.getInt(l4, 4, 0) & 0xffff_ffffL : -1;
    }

    private static StringBuilder appendEnd(StringBuilder out, char separator, long ports, boolean source) {
        if (ports == -1) {
            return out;
        }
        int port = source ? Tcp.pairSource((int) ports) : Tcp.pairDestination((int) ports);
        return out.append(separator).append(WireForm.short16(port));
    }

    private static void appendL4(StringBuilder out, long l4, int l4Length, int protocol, int depth) {
        switch (protocol) {
            case Ipv4.PROTOCOL_TCP -> appendTcp(out, l4, l4Length);
            case Ipv4.PROTOCOL_UDP -> appendUdp(out, l4, l4Length);
            case Ipv4.PROTOCOL_SCTP -> appendSctp(out, l4, l4Length);
            case Ipv4.PROTOCOL_ICMP -> appendIcmp(out, l4, l4Length, depth);
            case Ipv6.PROTOCOL_ICMPV6 -> appendIcmpv6(out, l4, l4Length, depth);
            case Ipv4.PROTOCOL_IPIP -> appendInner(out, l4, l4Length, false, false, depth);
            case Ipv4.PROTOCOL_IPV6 -> appendInner(out, l4, l4Length, true, false, depth);
            default ->
                out.append("protocol ").append(protocol).append(", length ").append(l4Length);
        }
    }

    private static void appendInner(
            StringBuilder out, long inner, int available, boolean ipv6, boolean quoted, int depth) {
        if (depth == 0) {
            out.append("[nested too deep]");
        } else if (ipv6) {
            appendIpv6Packet(out, inner, available, quoted, depth - 1);
        } else {
            appendIpv4Packet(out, inner, available, quoted, depth - 1);
        }
    }

    private static void appendTcp(StringBuilder out, long tcp, int available) {
        int headerLength = Tcp.check(tcp, available);
        if (headerLength < 0) {
            appendProblem(out, "tcp", headerLength);
            return;
        }
        int flags = Tcp.flags(tcp);
        out.append("Flags [");
        for (int bit = 0; bit < FLAG_LETTERS.length(); bit++) {
            if ((flags >>> bit & 1) != 0) {
                out.append(FLAG_LETTERS.charAt(bit));
            }
        }
        out.append("], seq ").append(Integer.toUnsignedString(Tcp.seq(tcp)));
        if ((flags & Tcp.ACK_FLAG) != 0) {
            out.append(", ack ").append(Integer.toUnsignedString(Tcp.ack(tcp)));
        }
        out.append(", win ").append(Tcp.window(tcp));
        if ((flags & Tcp.URG) != 0) {
            out.append(", urg ").append(Tcp.urgent(tcp));
        }
        if (headerLength > Tcp.SIZE) {
            appendTcpOptions(out, tcp, headerLength);
        }
        out.append(", length ").append(available - headerLength);
    }

    private static void appendTcpOptions(StringBuilder out, long tcp, int headerLength) {
        out.append(", options [");
        String separator = "";
        int offset = TcpOptions.first(tcp, headerLength);
        while (offset >= 0) {
            out.append(separator);
            appendTcpOption(out, tcp, headerLength, offset);
            separator = ",";
            offset = TcpOptions.next(tcp, headerLength, offset);
        }
        if (!TcpOptions.isWellFormed(tcp, headerLength)) {
            out.append(separator).append("bad");
        }
        out.append(']');
    }

    private static void appendTcpOption(StringBuilder out, long tcp, int headerLength, int offset) {
        int kind = TcpOptions.kind(tcp, headerLength, offset);
        int size = TcpOptions.size(tcp, headerLength, offset);
        if (kind == TcpOptions.MSS && size == TcpOptions.MSS_SIZE) {
            out.append("mss ").append(Memory.getShortBe(tcp, headerLength, offset + 2));
        } else if (kind == TcpOptions.WINDOW_SCALE && size == TcpOptions.WINDOW_SCALE_SIZE) {
            out.append("wscale ").append(Memory.getByte(tcp, headerLength, offset + 2));
        } else if (kind == TcpOptions.SACK_PERMITTED && size == TcpOptions.SACK_PERMITTED_SIZE) {
            out.append("sackOK");
        } else if (kind == TcpOptions.TIMESTAMPS && size == TcpOptions.TIMESTAMPS_SIZE) {
            out.append("TS val ").append(Integer.toUnsignedString(TcpOptions.tsval(tcp, headerLength, offset)));
            out.append(" ecr ").append(Integer.toUnsignedString(TcpOptions.tsecr(tcp, headerLength, offset)));
        } else if (kind == TcpOptions.SACK && size > 2 && size % 8 == 2) {
            appendSack(out, tcp, headerLength, offset);
        } else if (kind == TcpOptions.TOA && size == TcpOptions.TOA4_SIZE) {
            appendIpv4(out.append("toa "), Memory.getInt(tcp, headerLength, offset + 4));
            out.append('.').append(Memory.getShortBe(tcp, headerLength, offset + 2));
        } else if (kind == TcpOptions.TOA && size == TcpOptions.TOA6_SIZE) {
            long high = Memory.getLong(tcp, headerLength, offset + 4);
            appendIpv6(out.append("toa "), high, Memory.getLong(tcp, headerLength, offset + 12));
            out.append('.').append(Memory.getShortBe(tcp, headerLength, offset + 2));
        } else {
            out.append("kind ").append(kind).append('/').append(size);
        }
    }

    private static void appendSack(StringBuilder out, long tcp, int headerLength, int offset) {
        out.append("sack");
        for (int i = 0; i < TcpOptions.sackBlocks(tcp, headerLength, offset); i++) {
            out.append(" {").append(Integer.toUnsignedString(TcpOptions.sackLeft(tcp, headerLength, offset, i)));
            out.append(':').append(Integer.toUnsignedString(TcpOptions.sackRight(tcp, headerLength, offset, i)));
            out.append('}');
        }
    }

    private static void appendUdp(StringBuilder out, long udp, int available) {
        int length = Udp.check(udp, available);
        if (length < 0) {
            appendProblem(out, "udp", length);
            return;
        }
        out.append("UDP, length ").append(length - Udp.SIZE);
        if (Udp.checksum(udp) == 0) {
            out.append(" [no cksum]");
        }
    }

    private static void appendSctp(StringBuilder out, long sctp, int available) {
        if (Sctp.check(available) < 0) {
            appendProblem(out, "sctp", Check.TRUNCATED);
            return;
        }
        out.append("SCTP tag ").append(Integer.toUnsignedString(Sctp.tag(sctp)));
        int offset = Sctp.firstChunk(sctp, available);
        while (offset >= 0) {
            int type = Sctp.chunkType(sctp, offset);
            out.append(" [");
            out.append(type < CHUNK_NAMES.length ? CHUNK_NAMES[type] : "chunk " + type);
            out.append(']');
            offset = Sctp.nextChunk(sctp, available, offset);
        }
        out.append(", length ").append(available);
    }

    private static void appendIcmp(StringBuilder out, long icmp, int available, int depth) {
        if (Icmp.check(available) < 0) {
            appendProblem(out, "icmp", Check.TRUNCATED);
            return;
        }
        int type = Icmp.type(icmp);
        int code = Icmp.code(icmp);
        out.append("ICMP ");
        switch (type) {
            case Icmp.ECHO_REQUEST -> out.append("echo request");
            case Icmp.ECHO_REPLY -> out.append("echo reply");
            case Icmp.UNREACHABLE -> appendUnreachable(out, icmp, code);
            case Icmp.TIME_EXCEEDED -> out.append("time exceeded");
            default -> out.append("type ").append(type).append(" code ").append(code);
        }
        if (Icmp.isError(type)) {
            appendQuote(out, icmp + Icmp.QUOTE_OFFSET, available - Icmp.QUOTE_OFFSET, false, depth);
        } else {
            appendEcho(out, Icmp.id(icmp), Icmp.sequence(icmp), available);
        }
    }

    private static void appendUnreachable(StringBuilder out, long icmp, int code) {
        switch (code) {
            case Icmp.CODE_NET -> out.append("net unreachable");
            case Icmp.CODE_HOST -> out.append("host unreachable");
            case Icmp.CODE_PROTOCOL -> out.append("protocol unreachable");
            case Icmp.CODE_PORT -> out.append("port unreachable");
            case Icmp.CODE_FRAGMENTATION_NEEDED ->
                out.append("need to frag (mtu ").append(Icmp.mtu(icmp)).append(')');
            default -> out.append("unreachable code ").append(code);
        }
    }

    private static void appendEcho(StringBuilder out, int id, int sequence, int available) {
        out.append(", id ").append(WireForm.short16(id)).append(", seq ").append(WireForm.short16(sequence));
        out.append(", length ").append(available);
    }

    private static void appendQuote(StringBuilder out, long quote, int available, boolean ipv6, int depth) {
        out.append(" {");
        appendInner(out, quote, available, ipv6, true, depth);
        out.append('}');
    }

    private static void appendIcmpv6(StringBuilder out, long icmp, int available, int depth) {
        if (Icmpv6.check(available) < 0) {
            appendProblem(out, "icmp6", Check.TRUNCATED);
            return;
        }
        int type = Icmpv6.type(icmp);
        out.append("ICMP6 ");
        switch (type) {
            case Icmpv6.ECHO_REQUEST -> out.append("echo request");
            case Icmpv6.ECHO_REPLY -> out.append("echo reply");
            case Icmpv6.UNREACHABLE -> out.append("unreachable code ").append(Icmpv6.code(icmp));
            case Icmpv6.PACKET_TOO_BIG ->
                out.append("packet too big (mtu ")
                        .append(Integer.toUnsignedString(Icmpv6.rest(icmp)))
                        .append(')');
            case Icmpv6.TIME_EXCEEDED -> out.append("time exceeded");
            default -> appendNeighbourDiscovery(out, icmp, available, type);
        }
        if (Icmpv6.isError(type)) {
            appendQuote(out, icmp + Icmpv6.QUOTE_OFFSET, available - Icmpv6.QUOTE_OFFSET, true, depth);
        } else if (type == Icmpv6.ECHO_REQUEST || type == Icmpv6.ECHO_REPLY) {
            appendEcho(out, Icmpv6.id(icmp), Icmpv6.sequence(icmp), available);
        } else {
            out.append(", length ").append(available);
        }
    }

    private static void appendNeighbourDiscovery(StringBuilder out, long icmp, int length, int type) {
        if (!Icmpv6.isNeighbourDiscovery(type)) {
            out.append("type ").append(type).append(" code ").append(Icmpv6.code(icmp));
            return;
        }
        int options = Icmpv6.checkNeighbourDiscovery(icmp, length);
        if (options < 0) {
            appendProblem(out, "neighbour discovery", options);
            return;
        }
        switch (type) {
            case Icmpv6.ROUTER_SOLICITATION -> out.append("router solicitation");
            case Icmpv6.ROUTER_ADVERTISEMENT -> out.append("router advertisement");
            case Icmpv6.REDIRECT -> out.append("redirect");
            default -> {
                out.append(type == Icmpv6.NEIGHBOUR_SOLICITATION ? "who has " : "is ");
                appendIpv6(out, Icmpv6.targetHigh(icmp), Icmpv6.targetLow(icmp));
            }
        }
        appendLinkLayer(out, ", source ", Icmpv6.linkLayerAddress(icmp, length, options, Icmpv6.OPTION_SOURCE));
        appendLinkLayer(out, ", target ", Icmpv6.linkLayerAddress(icmp, length, options, Icmpv6.OPTION_TARGET));
    }

    private static void appendLinkLayer(StringBuilder out, String label, long mac) {
        if (mac >= 0) {
            appendMac(out.append(label), mac);
        }
    }

    private static void appendArp(StringBuilder out, long arp, int available) {
        out.append("ARP ");
        int checked = Arp.check(arp, available);
        if (checked < 0) {
            appendProblem(out, "arp", checked);
            return;
        }
        if (Arp.operation(arp) == Arp.REQUEST) {
            appendIpv4(out.append("who has "), Arp.targetIp(arp));
            appendIpv4(out.append(", tell "), Arp.senderIp(arp));
            appendMac(out.append(" at "), Arp.senderMac(arp));
        } else if (Arp.operation(arp) == Arp.REPLY) {
            appendIpv4(out, Arp.senderIp(arp));
            appendMac(out.append(" is at "), Arp.senderMac(arp));
        } else {
            out.append("operation ").append(Arp.operation(arp));
        }
    }

    private static void appendProblem(StringBuilder out, String what, int problem) {
        out.append('[');
        switch (problem) {
            case Check.TRUNCATED -> out.append("truncated ");
            case Check.MALFORMED -> out.append("malformed ");
            default -> out.append("too many ");
        }
        out.append(what).append(']');
    }

    /** Appends a MAC address in wire form, as {@code 02:00:00:00:00:01}. */
    public static StringBuilder appendMac(StringBuilder out, long mac) {
        long host = WireForm.mac48(mac);
        for (int shift = 40; shift >= 0; shift -= 8) {
            int value = (int) (host >>> shift) & 0xff;
            out.append(Character.forDigit(value >>> 4, 16)).append(Character.forDigit(value & 0xf, 16));
            if (shift != 0) {
                out.append(':');
            }
        }
        return out;
    }

    /** Appends an IPv4 address in wire form, dotted. */
    public static StringBuilder appendIpv4(StringBuilder out, int address) {
        int host = WireForm.int32(address);
        return out.append(host >>> 24)
                .append('.')
                .append(host >>> 16 & 0xff)
                .append('.')
                .append(host >>> 8 & 0xff)
                .append('.')
                .append(host & 0xff);
    }

    /** Appends an IPv6 address in wire form, in the canonical text of RFC 5952, section 4 (no embedded IPv4 form). */
    public static StringBuilder appendIpv6(StringBuilder out, long high, long low) {
        long hostHigh = WireForm.long64(high);
        long hostLow = WireForm.long64(low);
        int zeroes = longestZeroRun(hostHigh, hostLow);
        int zeroStart = zeroes >>> 4;
        int zeroEnd = zeroStart + (zeroes & 0xf);
        for (int i = 0; i < 8; i++) {
            if (i >= zeroStart && i < zeroEnd) {
                if (i == zeroStart) {
                    out.append("::");
                }
            } else {
                if (i != 0 && i != zeroEnd) {
                    out.append(':');
                }
                out.append(Integer.toHexString(group(hostHigh, hostLow, i)));
            }
        }
        return out;
    }

    /** The longest run of two or more zero groups, the first of equals: start in the high, length in the low four bits. */
    private static int longestZeroRun(long high, long low) {
        int bestStart = 8;
        int bestLength = 0;
        int length = 0;
        for (int i = 0; i < 8; i++) {
            length = group(high, low, i) == 0 ? length + 1 : 0;
            if (length > bestLength && length > 1) {
                bestLength = length;
                bestStart = i - length + 1;
            }
        }
        return (bestStart << 4) + bestLength;
    }

    private static int group(long high, long low, int index) {
        return (int) ((index < 4 ? high : low) >>> (48 - (index & 3) * 16)) & 0xffff;
    }
}
