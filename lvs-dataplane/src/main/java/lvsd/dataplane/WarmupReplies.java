package lvsd.dataplane;

import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** How the hosts of {@link Warmup} answer: by turning round what they got. Checksums stay right by symmetry. */
final class WarmupReplies {
    private static final int ETHERNET = 14;
    private static final int IPV6_ADDRESSES = ETHERNET + 8;
    private static final int IPV4_ADDRESSES = ETHERNET + 12;

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
        if (protocol == 6) {
            int flags = reply[l4 + 13];
            int answer = (flags & 2) != 0 ? 0x12 : (flags & 1) != 0 ? 0x11 : 0x10;
            flip(reply, l4 + 12, l4 + 13, (byte) (random.nextInt(32) == 0 ? 4 : answer), l4 + 16);
        }
        return reply;
    }

    /** Replaces the low byte of the word at {@code word} and keeps the checksum at {@code checksum} right (RFC 1624). */
    private static void flip(byte[] frame, int word, int low, byte value, int checksum) {
        int old = (frame[word] & 0xff) << 8 | (frame[low] & 0xff);
        frame[low] = value;
        int fresh = (frame[word] & 0xff) << 8 | (frame[low] & 0xff);
        int before = (frame[checksum] & 0xff) << 8 | (frame[checksum + 1] & 0xff);
        int sum = (~before & 0xffff) + (~old & 0xffff) + fresh;
        sum = (sum & 0xffff) + (sum >>> 16);
        sum = ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
        frame[checksum] = (byte) (sum >>> 8);
        frame[checksum + 1] = (byte) sum;
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
        checksum6(reply, icmp);
        return reply;
    }

    private static void checksum6(byte[] frame, int icmp) {
        frame[icmp + 2] = 0;
        frame[icmp + 3] = 0;
        int sum = 58 + frame.length - icmp;
        for (int at = IPV6_ADDRESSES; at < frame.length; at += 2) {
            sum += (frame[at] & 0xff) << 8 | (frame[at + 1] & 0xff);
        }
        while (sum >>> 16 != 0) {
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        frame[icmp + 2] = (byte) (~sum >>> 8);
        frame[icmp + 3] = (byte) ~sum;
    }

    private static void swap(byte[] bytes, int first, int second, int count) {
        for (int i = 0; i < count; i++) {
            byte kept = bytes[first + i];
            bytes[first + i] = bytes[second + i];
            bytes[second + i] = kept;
        }
    }
}
