package lvsd.rules;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.Optional;

/**
 * Text form of addresses, without ever asking a name server and as the C library has it: IPv4 in the four forms of
 * inet_aton(3), IPv6 as RFC 4291 section 2.2 reads and RFC 5952 prints it.
 *
 * <p>The JDK's own parsers turn IPv4-mapped IPv6 addresses into IPv4 and print IPv6 without compression, hence these.
 */
public final class Addresses {
    private static final byte[] BROADCAST = {-1, -1, -1, -1};
    private static final byte[] LOOPBACK_BROADCAST = {127, -1, -1, -1};
    /** What IPv4-mapped addresses begin with. */
    private static final byte[] MAPPED = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1};

    private Addresses() {}

    /** Reads IPv4 or IPv6, strictly numeric, dotted quads only. */
    public static Optional<InetAddress> parse(String text) {
        Optional<InetAddress> four = parse4Strict(text);
        return four.isPresent() ? four : parse6(text);
    }

    /** Reads IPv4 as four decimal numbers 0 to 255. */
    public static Optional<InetAddress> parse4Strict(String text) {
        byte[] bytes = new byte[4];
        return quad(text, 0, bytes, 0) ? Optional.of(address(bytes)) : Optional.empty();
    }

    /** Reads IPv4 in any form inet_aton(3) knows: one to four parts, each decimal, octal or hexadecimal. */
    public static Optional<InetAddress> parse4(String text) {
        int end = 0;
        while (end < text.length() && " \t\n\u000b\f\r".indexOf(text.charAt(end)) < 0) {
            end++;
        }
        // What follows white space is not looked at, as in the C library.
        String[] parts = text.substring(0, end).split("\\.", -1);
        if (parts.length > 4) {
            return Optional.empty();
        }
        long value = 0;
        for (int i = 0; i < parts.length; i++) {
            boolean last = i == parts.length - 1;
            int bits = last ? 8 * (5 - parts.length) : 8;
            long part = number(parts[i]);
            if (part < 0 || part >>> bits != 0) {
                return Optional.empty();
            }
            value = value << bits | part;
        }
        return Optional.of(
                address(new byte[] {(byte) (value >>> 24), (byte) (value >>> 16), (byte) (value >>> 8), (byte) value}));
    }

    /** A C integer constant up to 32 bits, or -1. */
    private static long number(String text) {
        int radix = 10;
        int start = 0;
        if (text.startsWith("0x") || text.startsWith("0X")) {
            radix = 16;
            start = 2;
        } else if (text.length() > 1 && text.charAt(0) == '0') {
            radix = 8;
            start = 1;
        }
        if (start == text.length()) {
            return -1;
        }
        long value = 0;
        for (int i = start; i < text.length(); i++) {
            int digit = text.charAt(i) < 128 ? Character.digit(text.charAt(i), radix) : -1;
            if (digit < 0) {
                return -1;
            }
            value = value * radix + digit;
            if (value > 0xffff_ffffL) {
                return -1;
            }
        }
        return value;
    }

    /** Reads IPv6, no scope, no brackets. */
    public static Optional<InetAddress> parse6(String text) {
        byte[] bytes = new byte[16];
        int length = 0;
        int gap = -1;
        int at = 0;
        if (text.startsWith("::")) {
            gap = 0;
            at = 2;
        } else if (text.isEmpty() || text.charAt(0) == ':') {
            return Optional.empty();
        }
        while (at < text.length()) {
            int end = at;
            while (end < text.length() && Character.digit(text.charAt(end), 16) >= 0 && text.charAt(end) < 128) {
                end++;
            }
            if (end < text.length() && text.charAt(end) == '.') {
                if (length > 12 || !quad(text, at, bytes, length)) {
                    return Optional.empty();
                }
                length += 4;
                break;
            }
            if (end == at || end - at > 4 || length > 14) {
                return Optional.empty();
            }
            int group = Integer.parseInt(text, at, end, 16);
            bytes[length++] = (byte) (group >>> 8);
            bytes[length++] = (byte) group;
            if (end == text.length()) {
                break;
            }
            if (text.charAt(end) != ':' || end + 1 == text.length()) {
                return Optional.empty();
            }
            at = end + 1;
            if (text.charAt(at) == ':') {
                if (gap >= 0) {
                    return Optional.empty();
                }
                gap = length;
                at++;
            }
        }
        return spread(bytes, length, gap) ? Optional.of(address(bytes)) : Optional.empty();
    }

    /** Moves what follows the {@code ::} to the end. */
    private static boolean spread(byte[] bytes, int length, int gap) {
        if (gap < 0) {
            return length == 16;
        }
        if (length >= 16) {
            return false;
        }
        int tail = length - gap;
        System.arraycopy(bytes, gap, bytes, 16 - tail, tail);
        Arrays.fill(bytes, gap, 16 - tail, (byte) 0);
        return true;
    }

    /** Reads a dotted quad that ends the text. */
    private static boolean quad(String text, int from, byte[] bytes, int offset) {
        int at = from;
        for (int i = 0; i < 4; i++) {
            int start = at;
            int value = 0;
            while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9' && at - start < 3) {
                value = value * 10 + text.charAt(at++) - '0';
            }
            boolean leadingZero = at - start > 1 && text.charAt(start) == '0';
            if (at == start || value > 255 || leadingZero) {
                return false;
            }
            bytes[offset + i] = (byte) value;
            if (i < 3 && (at == text.length() || text.charAt(at++) != '.')) {
                return false;
            }
        }
        return at == text.length();
    }

    /**
     * Whether a real server can have this address: the kernel takes those that one host has. Not so 0.0.0.0, multicast and
     * broadcast; in IPv6 the unspecified address, IPv4-mapped, link-local (which need an interface) and multicast ones.
     */
    public static boolean isUnicast(InetAddress address) {
        byte[] bytes = address.getAddress();
        if (address.isAnyLocalAddress() || address.isMulticastAddress()) {
            return false;
        }
        if (bytes.length == 4) {
            return !Arrays.equals(bytes, BROADCAST) && !Arrays.equals(bytes, LOOPBACK_BROADCAST);
        }
        return !address.isLinkLocalAddress() && !Arrays.equals(bytes, 0, 12, MAPPED, 0, 12);
    }

    /** The address of four or sixteen bytes; IPv4-mapped ones stay IPv6. */
    public static InetAddress address(byte[] bytes) {
        try {
            return bytes.length == 4 ? InetAddress.getByAddress(bytes) : Inet6Address.getByAddress(null, bytes, -1);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException("an address has 4 or 16 bytes, not " + bytes.length, e);
        }
    }

    /** Prints an address as inet_ntop(3) does, without brackets. */
    public static String format(InetAddress address) {
        byte[] bytes = address.getAddress();
        return bytes.length == 4 ? format4(bytes, 0) : format6(bytes);
    }

    private static String format4(byte[] bytes, int offset) {
        return (bytes[offset] & 0xff) + "." + (bytes[offset + 1] & 0xff) + "." + (bytes[offset + 2] & 0xff) + "."
                + (bytes[offset + 3] & 0xff);
    }

    private static String format6(byte[] bytes) {
        int[] groups = new int[8];
        for (int i = 0; i < 8; i++) {
            groups[i] = (bytes[2 * i] & 0xff) << 8 | (bytes[2 * i + 1] & 0xff);
        }
        int best = -1;
        int bestLength = 1;
        for (int i = 0; i < 8; i++) {
            int end = i;
            while (end < 8 && groups[end] == 0) {
                end++;
            }
            if (end - i > bestLength) {
                best = i;
                bestLength = end - i;
            }
            i = Math.max(i, end);
        }
        boolean dotted = best == 0 && (bestLength == 6 || (bestLength == 5 && groups[5] == 0xffff));
        StringBuilder text = new StringBuilder(39);
        for (int i = 0; i < 8; i++) {
            if (i == best) {
                text.append("::");
                i += bestLength - 1;
            } else if (dotted && i == 6) {
                return text.append(separator(text)).append(format4(bytes, 12)).toString();
            } else {
                text.append(separator(text)).append(Integer.toHexString(groups[i]));
            }
        }
        return text.toString();
    }

    private static String separator(StringBuilder text) {
        return text.isEmpty() || text.charAt(text.length() - 1) == ':' ? "" : ":";
    }
}
