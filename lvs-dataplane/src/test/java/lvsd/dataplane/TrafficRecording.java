package lvsd.dataplane;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lvsd.wire.PacketBuilder;
import lvsd.wire.Pcap;

/**
 * Both sides of a Linux director while it balanced; {@code cases.txt} beside the recordings says what is in them. Port 0 is the
 * clients' side.
 */
final class TrafficRecording {
    /** A frame that came in by a port; nanoseconds since the first of the recording. */
    static final class Input {
        final int port;
        final long nanos;
        final byte[] frame;

        Input(int port, long nanos, byte[] frame) {
            this.port = port;
            this.nanos = nanos;
            this.frame = frame;
        }
    }

    /** What the director was told, nanoseconds since the first frame. */
    record Step(long nanos, String text) {}

    private static final String FOLDER = "/lvsd/dataplane/traffic/";
    private static final String[] SIDES = {"client", "rs"};
    /** The director's MAC on both sides. */
    private static final String[] MACS = {"962136b5e1a2", "b60645c5b4ee"};

    private static final Pattern TEXT = Pattern.compile("\"(rules|Lnc)\": \"((?:[^\"\\\\]|\\\\.)*)\"");

    private final String name;

    private TrafficRecording(String name) {
        this.name = name;
    }

    /** All that {@code cases.txt} names. */
    static List<TrafficRecording> all() {
        return lines("cases.txt").stream()
                .filter(line -> !line.startsWith("#"))
                .map(TrafficRecording::new)
                .toList();
    }

    /** Names of the recordings that there are. */
    static Set<String> files() {
        try (Stream<Path> files = Files.list(Path.of("src/test/resources" + FOLDER))) {
            return files.map(file -> file.getFileName().toString())
                    .filter(file -> file.endsWith("-client.pcap"))
                    .map(file -> file.substring(0, file.length() - "-client.pcap".length()))
                    .collect(Collectors.toCollection(TreeSet::new));
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    private static List<String> lines(String file) {
        InputStream in = Objects.requireNonNull(TrafficRecording.class.getResourceAsStream(FOLDER + file), file);
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            return reader.lines().toList();
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    private List<String> told(String key) {
        Matcher found = TEXT.matcher(String.join("\n", lines(name + ".json")));
        while (found.find()) {
            if (found.group(1).equals(key)) {
                return found.group(2).replace("\\n", "\n").lines().toList();
            }
        }
        throw new IllegalArgumentException(name + ": no " + key);
    }

    /** What the director is told, in order. */
    List<Step> steps() {
        if (TrafficRecording.class.getResource(FOLDER + name + ".steps") == null) {
            return told("rules").stream().map(rule -> new Step(0, rule)).toList();
        }
        List<Step> steps = new ArrayList<>();
        for (String line : lines(name + ".steps")) {
            int blank = line.indexOf(' ');
            double seconds = Double.parseDouble(line.substring(0, blank));
            steps.add(new Step((long) (seconds * 1e9), line.substring(blank + 1)));
        }
        return steps;
    }

    /** The connections that were listed in the end, without the time that was left and templates; sorted. */
    List<String> connections() {
        return told("Lnc").stream()
                .skip(2)
                .filter(line -> !line.contains(":0 "))
                .map(line -> line.replaceFirst("^(\\w+) +[0-9:]+ +", "$1 ").replaceAll(" +", " "))
                .sorted()
                .toList();
    }

    private List<Pcap.Frame> frames(int port) {
        return Pcap.resource(FOLDER + name + '-' + SIDES[port] + ".pcap").stream()
                .filter(frame -> !ofLink(frame.bytes))
                .toList();
    }

    /** ARP, neighbour discovery and multicast listeners: answered by {@link TestDirector}. */
    private static boolean ofLink(byte[] frame) {
        int type = ((frame[12] & 0xff) << 8) | (frame[13] & 0xff);
        int next = frame[20] & 0xff;
        boolean listener = next == 0;
        boolean discovery = next == 58 && (frame[54] & 0xff) >= 130 && (frame[54] & 0xff) <= 143;
        return type == 0x0806 || (type == 0x86dd && (listener || discovery));
    }

    private static boolean isSent(int port, byte[] frame) {
        return HexFormat.of().formatHex(frame, 6, 12).equals(MACS[port]);
    }

    /** What the kernel sent by a port. */
    List<Pcap.Frame> outputs(int port) {
        return frames(port).stream().filter(frame -> isSent(port, frame.bytes)).toList();
    }

    /** What came in by both sides, in the order it came; with our MAC addresses. */
    List<Input> inputs() {
        long first = Stream.of(0, 1)
                .flatMap(port -> frames(port).stream())
                .mapToLong(frame -> frame.nanos)
                .min()
                .orElseThrow();
        List<Input> inputs = new ArrayList<>();
        for (int port = 0; port < 2; port++) {
            for (Pcap.Frame frame : frames(port)) {
                if (!isSent(port, frame.bytes)) {
                    inputs.add(new Input(port, frame.nanos - first, addressed(port, frame.bytes)));
                }
            }
        }
        inputs.sort(Comparator.comparingLong(input -> input.nanos));
        return inputs;
    }

    private static byte[] addressed(int port, byte[] frame) {
        byte[] ours = PacketBuilder.eth(TestDirector.PEERS[port], TestDirector.MACS[port])
                .ipv4("0.0.0.0", "0.0.0.0")
                .build();
        byte[] copy = Arrays.copyOf(frame, frame.length);
        System.arraycopy(ours, 0, copy, 0, 12);
        return copy;
    }

    @Override
    public String toString() {
        return name;
    }
}
