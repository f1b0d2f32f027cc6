package lvsd.director;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Writer;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lvsd.cli.Recording;
import lvsd.cli.Recording.Step;
import lvsd.cli.Replay;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * The recorded listings of connections and counters, brought about by the packets that the recorded connections were made
 * of. The time until a connection expires and rates depend on when one looks: of them only the form is compared. The order
 * of connections is the kernel's hash's. Its counters come up to two seconds late, so listings right behind the packets
 * show none there.
 *
 * <p>Not replayed: steps of a shell, which read files under {@code /proc} that only a kernel has; {@code -h} without rights
 * (the tool asks the kernel first and fails; ours tells anybody); step 9 of {@code edit-delete-with-conns}, counters that
 * come too late there.
 */
@Tag("privileged")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CliConnectionsIT {
    private static final String CLIENT = "198.18.10.2";
    private static final String VIP = "192.0.2.10";
    private static final List<String> SERVERS = List.of("198.18.20.4", "198.18.20.3", "198.18.20.2");
    private static final Pattern EXPIRES = Pattern.compile("(?m)^(\\w+ +)\\d\\d:\\d\\d ");
    private static final Pattern NUMBERS = Pattern.compile(" +\\d+(?=( +\\d+)*$)", Pattern.MULTILINE);
    private static final int SYN = 0x02;
    private static final int FIN = 0x11;
    private static final int RST = 0x14;
    private static final int ACK = 0x10;

    private Path directory = Path.of("");
    private Namespace director = new Namespace("none");
    private Namespace outside = new Namespace("none");
    private @Nullable LvsdProcess lvsd;
    private @Nullable Process frames;
    private byte[] mac = new byte[6];

    @BeforeAll
    void start() throws IOException {
        Requirements.check();
        long pid = ProcessHandle.current().pid();
        directory = Files.createTempDirectory("lvsd-cli");
        Topology.removeLeftovers();
        director = Namespace.create(Topology.PREFIX + pid + "-director");
        outside = Namespace.create(Topology.PREFIX + pid + "-outside");
        director.ip("link", "add", "eth1", "type", "veth", "peer", "name", "eth0", "netns", outside.name());
        director.sysctl("net/ipv6/conf/eth1/disable_ipv6", "1");
        director.sysctl("net/ipv4/conf/eth1/arp_ignore", "8");
        director.ip("link", "set", "eth1", "up");
        outside.ip("link", "set", "eth0", "up");
        // The kernel answers ARP for all of them and, as both ends are its own, takes no packet for itself.
        for (String address : Stream.concat(Stream.of(CLIENT), SERVERS.stream()).toList()) {
            outside.ip("address", "add", address + "/24", "dev", "eth0");
        }
        Files.writeString(directory.resolve("lvsd.yaml"), configuration(pid));
        String text =
                director.run("cat", "/sys/class/net/eth1/address").orFail().out();
        mac = HexFormat.ofDelimiter(":").parseHex(text.strip());
        frames = outside.startPipedJava(RawFrames.class, "eth0");
    }

    private static String configuration(long pid) {
        return """
                eal:
                  hugepages: off
                  memory: 96
                  file-prefix: lvst%d-conns
                  mbufs: 8192
                ports:
                  - name: one
                    device: net_af_packet0,iface=eth1
                    addresses: [198.18.10.1/24, 198.18.20.1/24]
                    twin: off
                connections:
                  ipv4: 65536
                  ipv6: 16384
                  lock-memory: off
                persist: none
                punt:
                  forward: off
                """.formatted(pid);
    }

    @AfterEach
    void stopLvsd() {
        if (lvsd != null) {
            lvsd.close();
        }
    }

    @AfterAll
    void stop() throws IOException {
        if (frames != null) {
            frames.destroy();
        }
        director.delete();
        outside.delete();
        Shell.delete(directory);
    }

    /** Connections outlive their rules, so every scenario has a director of its own. */
    @BeforeEach
    void startLvsd() {
        lvsd = LvsdProcess.restart(director, directory);
        tool("-A", "-t", VIP + ":80", "-s", "rr");
        for (String server : SERVERS.reversed()) {
            tool("-a", "-t", VIP + ":80", "-r", server + ":8080", "-m");
        }
    }

    @Test
    void shouldListConnectionsInEveryStateAsRecorded() throws IOException {
        for (int i = 0; i < 4; i++) {
            open(30000 + i, SERVERS.get(i % 3));
        }
        client(30000, ACK, 0);
        client(30003, ACK, 0);
        client(30001, FIN, 0);
        server(30001, SERVERS.get(1), FIN, 0);
        client(30001, ACK, 0);
        client(30002, RST, 0);
        awaitState("TIME_WAIT");
        awaitState("CLOSE ");
        replay("tcp-nat-4-conns", Set.of(), 15);
    }

    @Test
    void shouldKeepConnectionsThroughChangesAsRecorded() throws IOException {
        for (int i = 0; i < 3; i++) {
            open(30700 + i, SERVERS.get(i));
        }
        awaitState("30702");
        // Counters are two seconds late there.
        replay("edit-delete-with-conns", Set.of(9), 15);
    }

    @Test
    void shouldListCallsAndTheirTemplatesAsRecorded() throws IOException {
        tool("-C");
        tool("-A", "-u", VIP + ":5060", "-s", "rr", "-p", "60", "--pe", "sip");
        for (String server : SERVERS.reversed()) {
            tool("-a", "-u", VIP + ":5060", "-r", server + ":5060", "-m");
        }
        for (int i = 0; i < 2; i++) {
            // 58 bytes, as there.
            byte[] invite = "INVITE sip:x SIP/2.0\r\nCall-ID: call%d@host\r\nX: 12345678\r\n\r\n"
                    .formatted(i)
                    .getBytes(US_ASCII);
            datagram(CLIENT, VIP, 30200 + i, 5060, invite);
            awaitState(Integer.toString(30200 + i));
            datagram(SERVERS.get(i), CLIENT, 5060, 30200 + i, invite);
        }
        Shell.await(
                "both calls answered", Shell.SOON, () -> tool("-Lnc").stdout().split("ASSURED", -1).length == 3);
        replay("pe-sip", Set.of(), 17);
    }

    /** What {@code --set} says counts from a connection's next packet on, but in TIME_WAIT never. */
    @Test
    void shouldTakeTimeoutsAsRecorded() throws IOException {
        tool("--set", "10", "5", "3");
        open(30800, SERVERS.getFirst());
        awaitState("ESTABLISHED");
        replay("timeouts-after-set", Set.of(), 1);
        Shell.await("time to pass", Shell.SOON, () -> expires(30800) < 8);
        client(30800, ACK, 6);
        Shell.await("a fresh timer", Shell.SOON, () -> expires(30800) > 8);
        replay("timeouts-after-set-refreshed", Set.of(), 0);
        client(30800, FIN, 0);
        server(30800, SERVERS.getFirst(), FIN, 0);
        client(30800, ACK, 0);
        awaitState("TIME_WAIT");
        assertThat(expires(30800)).isBetween(110, 120);
        replay("timeouts-expired", Set.of(), 1);
    }

    /** Seconds until the connection of a client's port expires, as listed. */
    private int expires(int port) {
        Matcher row = Pattern.compile("(?m)^TCP (\\d\\d):(\\d\\d) .*:" + port + " ")
                .matcher(tool("-Lnc").stdout());
        assertThat(row.find()).isTrue();
        return Integer.parseInt(row.group(1)) * 60 + Integer.parseInt(row.group(2));
    }

    @Test
    void shouldTellThoseWithoutRightsWhatIpvsadmTells() {
        List<String> command = List.of(
                "setpriv",
                "--reuid=1000",
                "--regid=1000",
                "--clear-groups",
                // The checkout may lie where others cannot look; to connect to the socket takes more.
                "--inh-caps=+dac_read_search",
                "--ambient-caps=+dac_read_search",
                "env",
                "LVSD_CONTROL=" + requireNonNull(lvsd).control(),
                Shell.ROOT.resolve("config/bin/ipvsadm").toString());
        for (String arguments : List.of("-Ln", "-A -t 192.0.2.1:80", "-L --timeout", "-Lnc")) {
            List<String> words = new ArrayList<>(command);
            words.addAll(List.of(arguments.split(" ", -1)));
            Shell.Result result = Shell.run(Duration.ofSeconds(30), words);
            assertThat(result.exit()).isEqualTo(2);
            assertThat(result.err()).isEqualTo("""
                    Can't initialize ipvs: Permission denied (you must be root)
                    Are you sure that IP Virtual Server is built in the kernel or as module?
                    """);
        }
    }

    /** The recorded connections: a handshake, two short messages each way. */
    private void open(int port, String server) throws IOException {
        client(port, SYN, 0);
        server(port, server, SYN | ACK, 0);
        client(port, ACK, 0);
        client(port, ACK, 6);
        server(port, server, ACK, 0);
        server(port, server, ACK, 6);
        client(port, ACK, 0);
        client(port, ACK, 6);
        server(port, server, ACK, 6);
    }

    private void client(int port, int flags, int data) throws IOException {
        send(CLIENT, VIP, port, 80, flags, data);
    }

    private void server(int port, String server, int flags, int data) throws IOException {
        // What the server answers exists only after the director passed on what it answers to.
        awaitState(Integer.toString(port));
        send(server, CLIENT, 8080, port, flags, data);
    }

    private void awaitState(String text) {
        Shell.await(
                "a connection with " + text,
                Shell.SOON,
                () -> tool("-Lnc").stdout().contains(text));
    }

    /** Sends a TCP segment with the options of Linux: 20 bytes of them in a SYN, 12 elsewhere. */
    private void send(String from, String to, int fromPort, int toPort, int flags, int data) throws IOException {
        int options = (flags & SYN) != 0 ? 20 : 12;
        ByteBuffer segment = ByteBuffer.allocate(20 + options + data);
        segment.putShort((short) fromPort).putShort((short) toPort).putInt(1000).putInt(1000);
        segment.put((byte) (((20 + options) / 4) << 4))
                .put((byte) flags)
                .putShort((short) 8192)
                .putInt(0);
        for (int i = 0; i < options; i++) {
            segment.put((byte) 1);
        }
        packet(from, to, 6, segment.array(), 16);
    }

    private void datagram(String from, String to, int fromPort, int toPort, byte[] data) throws IOException {
        ByteBuffer datagram = ByteBuffer.allocate(8 + data.length);
        datagram.putShort((short) fromPort)
                .putShort((short) toPort)
                .putShort((short) (8 + data.length))
                .putShort((short) 0)
                .put(data);
        packet(from, to, 17, datagram.array(), 6);
    }

    /** Sends a transport packet, whose checksum belongs {@code field} bytes from its beginning, in an IPv4 packet. */
    private void packet(String from, String to, int protocol, byte[] transport, int field) throws IOException {
        int length = 20 + transport.length;
        ByteBuffer frame = ByteBuffer.allocate(Math.max(60, 14 + length));
        frame.put(mac).put(new byte[] {2, 0, 0, 0, 0, 1}).putShort((short) 0x0800);
        frame.putShort((short) 0x4500)
                .putShort((short) length)
                .putInt(0x4000)
                .put((byte) 64)
                .put((byte) protocol);
        frame.putShort((short) 0)
                .put(InetAddress.getByName(from).getAddress())
                .put(InetAddress.getByName(to).getAddress())
                .put(transport);
        frame.putShort(24, (short) checksum(frame, 14, 20, 0));
        int pseudo = checksumSum(frame, 26, 8) + protocol + transport.length;
        frame.putShort(34 + field, (short) checksum(frame, 34, transport.length, pseudo));
        Process program = requireNonNull(frames);
        Writer writer = program.outputWriter(US_ASCII);
        writer.write(HexFormat.of().formatHex(frame.array()) + "\n");
        writer.flush();
        assertThat(reader(program).readLine()).isEqualTo("sent");
    }

    private @Nullable BufferedReader out;

    private BufferedReader reader(Process program) {
        BufferedReader reader = out;
        if (reader == null) {
            reader = new BufferedReader(new InputStreamReader(program.getInputStream(), US_ASCII));
            out = reader;
        }
        return reader;
    }

    private static int checksumSum(ByteBuffer frame, int at, int length) {
        int sum = 0;
        for (int i = 0; i < length; i += 2) {
            int low = i + 1 < length ? frame.get(at + i + 1) & 0xff : 0;
            sum += ((frame.get(at + i) & 0xff) << 8) + low;
        }
        return sum;
    }

    private static int checksum(ByteBuffer frame, int at, int length, int start) {
        int sum = start + checksumSum(frame, at, length);
        sum = (sum & 0xffff) + (sum >>> 16);
        sum = (sum & 0xffff) + (sum >>> 16);
        return ~sum & 0xffff;
    }

    private Replay.Result tool(String... arguments) {
        return Replay.run(
                requireNonNull(lvsd).control(), new Step("by hand", 0, "", List.of(arguments), "", "", "", ""));
    }

    private void replay(String scenario, Set<Integer> late, int more) {
        List<String> differences = new ArrayList<>();
        int compared = 0;
        for (Step step : Recording.read("with-connections.jsonl")) {
            if (!step.scenario().equals(scenario) || !step.command().isEmpty() || late.contains(step.number())) {
                continue;
            }
            Replay.Result got = Replay.run(requireNonNull(lvsd).control(), step);
            compared++;
            Replay.Result wanted = Replay.Result.recorded(step);
            if (!form(step, got).equals(form(step, wanted))) {
                differences.add(step + "\n  wanted " + wanted + "\n  got    " + got);
            }
        }
        assertThat(differences).as(String.join("\n", differences)).isEmpty();
        assertThat(compared).isGreaterThan(more);
    }

    /** What must be equal: all, but times and rates only in form, and connections in any order. */
    private static Replay.Result form(Step step, Replay.Result result) {
        String text = EXPIRES.matcher(result.stdout()).replaceAll("$1mm:ss ");
        if (step.arguments().contains("--rate")) {
            text = NUMBERS.matcher(text)
                    .replaceAll(match -> "#".repeat(match.group().length()));
        }
        if (text.startsWith("IPVS connection entries")) {
            text = String.join("\n", text.lines().sorted().toList());
        }
        return new Replay.Result(result.rc(), text, result.stderr());
    }
}
