package lvsd.dataplane;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import lvsd.wire.Packets;

/**
 * The one list of what may differ between a packet that we send and the kernel's, each with its reason.
 */
enum KernelDifference {
    /** Link-layer addresses are those of the test. */
    MAC,
    /**
     * What we make ourselves (errors, resets, pings' answers, tunnels' headers) is numbered by us; what is passed on keeps its
     * number.
     */
    OWN_IDENTIFICATION,
    /** Put right: the kernel leaves the transport checksum that an error quotes as the other side saw it. */
    QUOTED_CHECKSUM,
    /** The kernel puts fragments together and cuts them again, and the new ones' identification is a random number. */
    FRAGMENT6_IDENTIFICATION,
    /** The kernel hashes with a secret for the flow label of what it makes itself; ours is 0 (RFC 6437, section 3). */
    OWN_FLOW_LABEL,
    /** Put right: the kernel lets answers to datagrams of a one-packet service go as their server's, not as the VIP's. */
    ONE_PACKET_ANSWER,
    /**
     * The kernel puts fragments together, wraps the whole and cuts that. Here nothing that strangers send waits for its rest:
     * each fragment is wrapped as it comes, and the server, which has to put something together either way, has the same
     * datagram in the end. That one is compared.
     */
    FRAGMENTS_IN_TUNNELS,
    /**
     * What is neither a connection's nor a service's, nor for an address that only services have, goes to the host's kernel,
     * which routes it or answers by itself.
     */
    LOCAL_STACK;

    private static final int ETHERNET = 14;
    private static final int IPV4 = 20;
    private static final int OWN_TTL = 64;
    private static final int IPIP = 4;
    private static final int DONT_FRAGMENT = 0x4000;
    private static final int MORE_FRAGMENTS = 0x2000;
    /** Of all links in the recordings with tunnels; longer packets have come in fragments. */
    private static final int MTU = 1500;

    /** Whether {@code kernel} is what a host's kernel makes of a packet that it is given: its answer, or the same, routed. */
    static boolean ofLocalStack(byte[] given, byte[] kernel) {
        if (ipv6(given) != ipv6(kernel)) {
            return false;
        }
        int source = ETHERNET + (ipv6(given) ? 8 : 12);
        int size = ipv6(given) ? 16 : 4;
        boolean answer = ttl(kernel) == OWN_TTL
                && Arrays.equals(given, source, source + size, kernel, source + size, source + 2 * size);
        byte[] routed = Arrays.copyOf(given, given.length);
        System.arraycopy(kernel, 0, routed, 0, ETHERNET);
        routed[ETHERNET + (ipv6(given) ? 7 : 8)]--;
        if (!ipv6(given)) {
            System.arraycopy(kernel, ETHERNET + 10, routed, ETHERNET + 10, 2);
        }
        return answer || Arrays.equals(routed, kernel);
    }

    /**
     * How a packet that we sent differs from the kernel's; empty if only as it may.
     *
     * @param received what the receiver has sent before, for what errors quote
     */
    static String compare(byte[] sent, byte[] kernel, Set<byte[]> received) {
        List<String> problems = Packets.checksumProblems(sent);
        byte[] ours = Arrays.copyOf(sent, sent.length);
        byte[] theirs = Arrays.copyOf(kernel, kernel.length);
        System.arraycopy(theirs, 0, ours, 0, 12);
        boolean same = ours.length == theirs.length && ipv6(ours) == ipv6(theirs);
        if (same && isNumberedByUs(ours) && isNumberedByUs(theirs)) {
            Arrays.fill(ours, ETHERNET + 4, ETHERNET + 6, (byte) 0);
            Arrays.fill(theirs, ETHERNET + 4, ETHERNET + 6, (byte) 0);
            clear(ours, ETHERNET + 10);
            clear(theirs, ETHERNET + 10);
        }
        if (same && ipv6(ours) && ttl(ours) == OWN_TTL && ttl(theirs) == OWN_TTL) {
            theirs[ETHERNET + 1] = (byte) ((theirs[ETHERNET + 1] & 0xf0) | (ours[ETHERNET + 1] & 0xf));
            System.arraycopy(ours, ETHERNET + 2, theirs, ETHERNET + 2, 2);
        }
        if (same && ipv6(ours) && ours[ETHERNET + 6] == 44) {
            System.arraycopy(theirs, ETHERNET + 44, ours, ETHERNET + 44, 4);
        }
        if (same && isUdp(ours) && isUdp(theirs) && ofServer(theirs) && !ofServer(ours)) {
            System.arraycopy(theirs, ETHERNET + 10, ours, ETHERNET + 10, 6);
            System.arraycopy(theirs, ETHERNET + 26, ours, ETHERNET + 26, 2);
        }
        if (same && isError(ours) && isError(theirs) && (quotes(ours, received) || quotedRight(ours))) {
            int at = quotedChecksum(ours);
            clear(ours, at);
            clear(theirs, at);
            clear(ours, l4(ours) + 2);
            clear(theirs, l4(theirs) + 2);
        }
        problems.addAll(Packets.differences(ours, theirs));
        return problems.isEmpty()
                ? ""
                : "frames differ\n  expected " + Packets.print(kernel) + "\n  actual   " + Packets.print(sent)
                        + "\n    " + String.join("\n    ", problems);
    }

    /**
     * Frames as their receiver has them in the end: a datagram that came to the director in fragments and went on in an IPIP
     * tunnel is unwrapped and put together. All others stay as they are, those that were cut because of the tunnel too.
     */
    static List<byte[]> received(List<byte[]> frames) {
        List<byte[]> result = new ArrayList<>();
        List<byte[]> outer = new ArrayList<>();
        List<byte[]> inner = new ArrayList<>();
        for (byte[] frame : frames) {
            if (ipv6(frame) || frame[ETHERNET + 9] != IPIP) {
                result.add(frame);
                continue;
            }
            outer.add(frame);
            if (moreFollows(frame)) {
                continue;
            }
            byte[] packet = FragmentsTest.whole(outer);
            byte[] carried = Arrays.copyOf(packet, packet.length - IPV4);
            System.arraycopy(packet, ETHERNET + IPV4, carried, ETHERNET, carried.length - ETHERNET);
            boolean whole = (Flow.at16(carried, ETHERNET + 6) & ~DONT_FRAGMENT) == 0;
            if (whole && carried.length - ETHERNET <= MTU) {
                result.addAll(outer);
            } else {
                inner.add(carried);
            }
            outer.clear();
            if (!inner.isEmpty() && !moreFollows(inner.getLast())) {
                result.add(FragmentsTest.whole(inner));
                inner.clear();
            }
        }
        result.addAll(outer);
        result.addAll(inner);
        return result;
    }

    private static boolean moreFollows(byte[] frame) {
        return (Flow.at16(frame, ETHERNET + 6) & MORE_FRAGMENTS) != 0;
    }

    /** Whether a director made the IPv4 header; one that forbids fragments needs no number, and has the same one. */
    private static boolean isNumberedByUs(byte[] frame) {
        boolean tunnel = frame[ETHERNET + 9] == IPIP && (Flow.at16(frame, ETHERNET + 6) & DONT_FRAGMENT) == 0;
        return !ipv6(frame) && (ttl(frame) == OWN_TTL || tunnel);
    }

    private static boolean isUdp(byte[] frame) {
        return !ipv6(frame) && frame[ETHERNET + 9] == 17;
    }

    /** Whether the packet's source is in the servers' network, 198.18.20.0/24. */
    private static boolean ofServer(byte[] frame) {
        return frame[ETHERNET + 12] == (byte) 198 && frame[ETHERNET + 14] == 20;
    }

    private static boolean ipv6(byte[] frame) {
        return frame[12] == (byte) 0x86;
    }

    private static int ttl(byte[] frame) {
        return frame[ETHERNET + (ipv6(frame) ? 7 : 8)] & 0xff;
    }

    private static int l4(byte[] frame) {
        return ETHERNET + (ipv6(frame) ? 40 : (frame[ETHERNET] & 0xf) * 4);
    }

    private static boolean isError(byte[] frame) {
        int type = frame[l4(frame)] & 0xff;
        return ipv6(frame)
                ? frame[ETHERNET + 6] == 58 && type < 128
                : frame[ETHERNET + 9] == 1 && (type == 3 || type == 11);
    }

    /** Where the checksum of the quoted TCP or UDP header is. */
    private static int quotedChecksum(byte[] frame) {
        int quote = l4(frame) + 8;
        int header = ipv6(frame) ? 40 : (frame[quote] & 0xf) * 4;
        int protocol = frame[quote + (ipv6(frame) ? 6 : 9)];
        return quote + header + (protocol == 6 ? 16 : 6);
    }

    /** Whether the transport part of an error's quote is what the receiver once sent. */
    private static boolean quotes(byte[] frame, Set<byte[]> received) {
        int quote = l4(frame) + 8;
        int header = ipv6(frame) ? 40 : (frame[quote] & 0xf) * 4;
        byte[] quoted = Arrays.copyOfRange(frame, quote + header, frame.length);
        return received.stream().anyMatch(packet -> {
            int from = ETHERNET + header;
            return packet.length >= from + quoted.length
                    && Arrays.equals(packet, from, from + quoted.length, quoted, 0, quoted.length);
        });
    }

    /** Whether an error quotes a whole packet whose checksums are right. */
    private static boolean quotedRight(byte[] frame) {
        int quote = l4(frame) + 8;
        byte[] whole = Arrays.copyOf(frame, ETHERNET + frame.length - quote);
        System.arraycopy(frame, quote, whole, ETHERNET, frame.length - quote);
        int at = ETHERNET + (ipv6(frame) ? 4 : 2);
        int length = (((whole[at] & 0xff) << 8) | (whole[at + 1] & 0xff)) + (ipv6(frame) ? 40 : 0);
        return length == frame.length - quote && Packets.checksumProblems(whole).isEmpty();
    }

    private static void clear(byte[] frame, int at) {
        frame[at] = 0;
        frame[at + 1] = 0;
    }
}
