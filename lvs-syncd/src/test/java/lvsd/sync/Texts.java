package lvsd.sync;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Connections as {@code ipvsadm -Lnc} prints them. */
final class Texts {
    private static final List<String> TCP = List.of(
            "NONE",
            "ESTABLISHED",
            "SYN_SENT",
            "SYN_RECV",
            "FIN_WAIT",
            "TIME_WAIT",
            "CLOSE",
            "CLOSE_WAIT",
            "LAST_ACK",
            "LISTEN",
            "SYNACK");
    private static final List<String> SCTP = List.of(
            "NONE",
            "INIT1",
            "INIT",
            "C_SENT",
            "C_REPL",
            "C_WAIT",
            "COOKIE",
            "C_ECHOED",
            "ESTABLISHED",
            "SHUTDOWN_SENT",
            "SHUTDOWN_RECEIVED",
            "SHUTDOWN_ACK_SENT",
            "REJECTED",
            "CLOSED");

    private Texts() {}

    /** Protocol, state, client, virtual side, server. */
    static String row(SyncConnection c) {
        return protocol(c.protocol) + " " + state(c) + " " + side(c.ipv6, c.clientHigh, c.clientLow, c.clientPort) + " "
                + side(c.ipv6, c.virtualHigh, c.virtualLow, c.virtualPort) + " "
                + side(c.ipv6, c.serverHigh, c.serverLow, c.serverPort);
    }

    /** Engine and its data with a blank before, or nothing. */
    static String engine(SyncConnection c) {
        return c.engineDataLength == 0
                ? ""
                : " " + new String(c.engineName, 0, 3, StandardCharsets.ISO_8859_1) + " "
                        + new String(c.engineData, 0, c.engineDataLength, StandardCharsets.ISO_8859_1);
    }

    private static String protocol(int number) {
        return switch (number) {
            case 0 -> "IP";
            case 6 -> "TCP";
            case 17 -> "UDP";
            case 50 -> "ESP";
            case 51 -> "AH";
            case 132 -> "SCTP";
            default -> "?" + number;
        };
    }

    private static String state(SyncConnection c) {
        if (c.template()) {
            return List.of("NONE", "ASSURED").get(c.state);
        }
        return switch (c.protocol) {
            case 6 -> TCP.get(c.state);
            case 17 -> "UDP";
            case 132 -> SCTP.get(c.state);
            default -> "NONE";
        };
    }

    static String side(boolean ipv6, long high, long low, int port) {
        byte[] bytes = new byte[ipv6 ? 16 : 4];
        if (ipv6) {
            Bytes.put8(bytes, 0, high);
            Bytes.put8(bytes, 8, low);
        } else {
            Bytes.put4(bytes, 0, (int) low);
        }
        try {
            String text = InetAddress.getByAddress(bytes).getHostAddress();
            return (ipv6 ? "[" + shorten(text) + "]" : text) + ":" + port;
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The longest run of zero groups as "::", as ipvsadm prints it. */
    private static String shorten(String text) {
        String best = "";
        StringBuilder run = new StringBuilder();
        for (String group : (text + ":x").split(":", -1)) {
            if (group.equals("0")) {
                run.append(run.isEmpty() ? "0" : ":0");
            } else {
                if (run.length() > best.length()) {
                    best = run.toString();
                }
                run.setLength(0);
            }
        }
        if (best.length() < 3) {
            return text;
        }
        String padded = ":" + text + ":";
        int at = padded.indexOf(":" + best + ":");
        return padded.substring(0, at).replaceFirst("^:", "")
                + "::"
                + padded.substring(at + best.length() + 2).replaceFirst(":$", "");
    }
}
