package lvsd.sync;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import lvsd.wire.Pcap;

/** Datagrams of a real kernel and what it said about them. */
final class Recorded {
    private static final String FOLDER = "/lvsd/sync/recorded/";
    private static final int ETHERNET = 14;

    /** A UDP datagram. */
    static final class Datagram {
        private final int port;
        private final byte[] payload;

        Datagram(int port, byte[] payload) {
            this.port = port;
            this.payload = payload;
        }

        int port() {
            return port;
        }

        byte[] payload() {
            return payload;
        }
    }

    /** A hand-made datagram and what the kernel made of it, a line for each connection. */
    static final class Crafted {
        private final String name;
        private final int syncId;
        private final byte[] payload;
        private final List<String> taken;

        Crafted(String name, int syncId, byte[] payload, List<String> taken) {
            this.name = name;
            this.syncId = syncId;
            this.payload = payload;
            this.taken = taken;
        }

        String name() {
            return name;
        }

        int syncId() {
            return syncId;
        }

        byte[] payload() {
            return payload;
        }

        List<String> taken() {
            return taken;
        }
    }

    private Recorded() {}

    /** Names of all captures. */
    static List<String> names() {
        TreeSet<String> names = new TreeSet<>();
        for (String line : lines("listings.txt")) {
            names.add(line.substring(0, line.indexOf(' ')));
        }
        return List.copyOf(names);
    }

    /** The datagrams of one capture. */
    static List<Datagram> datagrams(String name) {
        List<Datagram> datagrams = new ArrayList<>();
        for (Pcap.Frame frame : Pcap.resource(FOLDER + name + ".pcap")) {
            byte[] f = frame.bytes;
            int udp = Bytes.get2(f, 12) == 0x0800 ? ETHERNET + 4 * (f[ETHERNET] & 15) : ETHERNET + 40;
            int end = udp + Bytes.get2(f, udp + 4);
            datagrams.add(new Datagram(Bytes.get2(f, udp + 2), Arrays.copyOfRange(f, udp + 8, end)));
        }
        return datagrams;
    }

    /** All datagrams of all captures. */
    static List<byte[]> all() {
        List<byte[]> all = new ArrayList<>();
        for (String name : names()) {
            datagrams(name).forEach(datagram -> all.add(datagram.payload()));
        }
        return all;
    }

    /** What follows the capture's name in the lines about it. */
    static List<String> about(String file, String name) {
        List<String> found = new ArrayList<>();
        for (String line : lines(file)) {
            if (line.startsWith(name + " ")) {
                found.add(line.substring(name.length() + 1));
            }
        }
        return found;
    }

    static List<Crafted> crafted(String file) {
        List<Crafted> all = new ArrayList<>();
        for (String line : lines(file)) {
            if (line.startsWith("= ")) {
                all.getLast().taken().add(line.substring(2));
            } else {
                String[] words = line.split(" ", 3);
                byte[] payload = HexFormat.of().parseHex(words[2]);
                all.add(new Crafted(words[0], Integer.parseInt(words[1]), payload, new ArrayList<>()));
            }
        }
        return all;
    }

    static List<String> lines(String file) {
        try (InputStream in = Objects.requireNonNull(Recorded.class.getResourceAsStream(FOLDER + file), file)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
