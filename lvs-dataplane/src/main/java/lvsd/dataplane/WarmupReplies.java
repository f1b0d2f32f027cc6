package lvsd.dataplane;

import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** How the hosts of {@link Warmup} answer: by turning round what they got. */
final class WarmupReplies {
    private static final int ETHERNET = 14;
    private static final int IPV6_ADDRESSES = ETHERNET + 8;
    private static final int IPV4_ADDRESSES = ETHERNET + 12;
    /** Where timestamps begin behind two NOPs, or as the SYN proxy's SYN+ACKs have them. */
    private static final int[] TIMESTAMPS = {22, 26};

    private WarmupReplies() {}

    /** The answer of the host with {@code mac} to {@code frame}, or null. */
    static byte @Nullable [] reply(byte[] frame, long mac, SplittableRandom random) {
        byte[] reply = frame.clone();
        swap(reply, 0, 6, 6);
        int type = (frame[12] & 0xff) << 8 | (frame[13] & 0xff);
        return switch (type) {
            case 0x0806 -> arp(reply, mac);
            case 0x0800 -> ipv4(reply, random);
            case 0x86dd -> ipv6(reply, mac, random);
            default -> null;
        };
    }

    /** What a server acknowledges a TCP segment over IPv4 with, a SYN included; null for any other frame. */
    static byte @Nullable [] acknowledgement(byte[] frame) {
        int l4 = IPV4_ADDRESSES + 8;
        if (frame[12] != 8
                || frame[13] != 0
                || frame[ETHERNET] != 0x45
                || frame[ETHERNET + 9] != 6
                || frame.length < l4 + 20) {
            return null;
        }
        byte[] reply = frame.clone();
        swap(reply, 0, 6, 6);
        swap(reply, IPV4_ADDRESSES, IPV4_ADDRESSES + 4, 4);
        swap(reply, l4, l4 + 2, 2);
        swap(reply, l4 + 4, l4 + 8, 4);
        boolean opens = (frame[l4 + 13] & 2) != 0;
        add(reply, l4 + 8, opens ? 1 : 0);
        reply[l4 + 13] = (byte) (opens ? 0x12 : 0x10);
        checksum(reply, IPV4_ADDRESSES, l4, 6, l4 + 16);
        return reply;
    }

    private static byte @Nullable [] arp(byte[] reply, long mac) {
        if (reply[21] != 1) {
            return null;
        }
        reply[21] = 2;
        swap(reply, 22, 32, 10);
        for (int i = 0; i < 6; i++) {
            reply[22 + i] = (byte) (mac >>> (8 * i));
            reply[6 + i] = reply[22 + i];
        }
        return reply;
    }

    private static byte @Nullable [] ipv4(byte[] reply, SplittableRandom random) {
        swap(reply, IPV4_ADDRESSES, IPV4_ADDRESSES + 4, 4);
        int l4 = ETHERNET + (reply[ETHERNET] & 0xf) * 4;
        return transport(reply, l4, reply[ETHERNET + 9], random);
    }

    private static byte @Nullable [] ipv6(byte[] reply, long mac, SplittableRandom random) {
        int l4 = ETHERNET + 40;
        if (reply[ETHERNET + 6] == 58) {
            return reply[l4] == (byte) 135 ? advertisement(reply, mac) : null;
        }
        swap(reply, IPV6_ADDRESSES, IPV6_ADDRESSES + 16, 16);
        return transport(reply, l4, reply[ETHERNET + 6], random);
    }

    private static byte @Nullable [] transport(byte[] reply, int l4, int protocol, SplittableRandom random) {
        if ((protocol != 6 && protocol != 17) || random.nextInt(5) == 0 || reply.length < l4 + 8) {
            return null;
        }
        swap(reply, l4, l4 + 2, 2);
        if (protocol == 6 && reply.length >= l4 + 20) {
            tcp(reply, l4, random);
        }
        return reply;
    }

    /** Acknowledges what came, most of the time, and echoes its timestamp. */
    private static void tcp(byte[] reply, int l4, SplittableRandom random) {
        int flags = reply[l4 + 13];
        if (random.nextInt(8) != 0) {
            swap(reply, l4 + 4, l4 + 8, 4);
            int data = reply.length - l4 - ((reply[l4 + 12] & 0xf0) >> 2);
            add(reply, l4 + 8, data + ((flags & 3) != 0 ? 1 : 0));
        }
        for (int at : TIMESTAMPS) {
            if (reply.length >= l4 + at + 10 && reply[l4 + at] == 8 && reply[l4 + at + 1] == 10) {
                swap(reply, l4 + at + 2, l4 + at + 6, 4);
            }
        }
        int answer = (flags & 0x12) == 2 ? 0x12 : (flags & 1) != 0 ? 0x11 : 0x10;
        reply[l4 + 13] = (byte) (random.nextInt(32) == 0 ? 4 : answer);
        boolean ipv6 = reply[12] != 8;
        checksum(reply, ipv6 ? IPV6_ADDRESSES : IPV4_ADDRESSES, l4, 6, l4 + 16);
    }

    private static void add(byte[] frame, int at, int amount) {
        int carry = amount;
        for (int i = at + 3; i >= at; i--) {
            carry += frame[i] & 0xff;
            frame[i] = (byte) carry;
            carry >>>= 8;
        }
    }

    /** Turns a neighbour solicitation into the advertisement of its target. */
    private static byte[] advertisement(byte[] reply, long mac) {
        int icmp = ETHERNET + 40;
        System.arraycopy(reply, IPV6_ADDRESSES, reply, IPV6_ADDRESSES + 16, 16);
        System.arraycopy(reply, icmp + 8, reply, IPV6_ADDRESSES, 16);
        reply[icmp] = (byte) 136;
        reply[icmp + 4] = 0x60;
        if (reply.length >= icmp + 32) {
            reply[icmp + 24] = 2;
            for (int i = 0; i < 6; i++) {
                reply[icmp + 26 + i] = (byte) (mac >>> (8 * i));
            }
        }
        for (int i = 0; i < 6; i++) {
            reply[6 + i] = (byte) (mac >>> (8 * i));
        }
        checksum(reply, IPV6_ADDRESSES, icmp, 58, icmp + 2);
        return reply;
    }

    /** Stores the checksum over everything from the addresses on and the rest of the pseudo header; no frame is padded. */
    private static void checksum(byte[] frame, int addresses, int l4, int protocol, int field) {
        frame[field] = 0;
        frame[field + 1] = 0;
        int sum = protocol + frame.length - l4;
        for (int at = addresses; at < frame.length; at++) {
            sum += ((at - addresses) & 1) == 0 ? (frame[at] & 0xff) << 8 : frame[at] & 0xff;
        }
        while (sum >>> 16 != 0) {
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        frame[field] = (byte) (~sum >>> 8);
        frame[field + 1] = (byte) ~sum;
    }

    private static void swap(byte[] bytes, int first, int second, int count) {
        for (int i = 0; i < count; i++) {
            byte kept = bytes[first + i];
            bytes[first + i] = bytes[second + i];
            bytes[second + i] = kept;
        }
    }
}
