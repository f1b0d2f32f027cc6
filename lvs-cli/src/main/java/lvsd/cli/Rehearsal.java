package lvsd.cli;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import lvsd.control.ControlProtocol;

/**
 * What the ahead-of-time cache is made from: the usual commands, each once, before a director that knows one answer to
 * each. A run loads and links all that the tool needs. Run by {@code lvs-aot}, never in normal use.
 */
final class Rehearsal {
    private static final int SERVICES = 50;
    private static final List<List<String>> COMMANDS = List.of(
            List.of("-Ln"),
            List.of("-L"),
            List.of("-Ln", "--stats"),
            List.of("-Ln", "--rate"),
            List.of("-Lnc"),
            List.of("-Sn"),
            List.of("-A", "-t", "192.0.2.1:80", "-s", "wrr"),
            List.of("-a", "-t", "192.0.2.1:80", "-r", "198.18.0.1:80", "-m", "-w", "3"),
            List.of("-R"));

    private Rehearsal() {}

    /** Rehearses, with a socket in the directory for temporary files. */
    public static void main(String[] arguments) throws IOException {
        // The tool looks into its environment, too.
        Path temporary = Path.of(System.getenv().getOrDefault("TMPDIR", "/tmp"));
        Path directory = Files.createTempDirectory(temporary, "lvsadm");
        Path socket = directory.resolve("s");
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(socket));
            Thread.ofPlatform().daemon().start(() -> serve(server));
            COMMANDS.forEach(command -> run(socket, command));
        } finally {
            Files.deleteIfExists(socket);
            Files.deleteIfExists(directory);
        }
    }

    private static void run(Path socket, List<String> command) {
        String rules = "-a -t 192.0.2.1:80 -r 198.18.0.1:80 -g -w 1\n".repeat(SERVICES);
        try (PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
                Lvsadm tool = new Lvsadm(
                        "ipvsadm",
                        RawText.arguments(command.toArray(new String[0])),
                        socket.toString(),
                        Lvsadm.SOCKET,
                        new SystemNames(SystemNames.NOBODY, SystemNames.SERVICES),
                        new ByteArrayInputStream(rules.getBytes(StandardCharsets.UTF_8)),
                        nowhere,
                        nowhere)) {
            tool.run();
        }
    }

    private static void serve(ServerSocketChannel server) {
        while (server.isOpen()) {
            try (SocketChannel client = server.accept()) {
                answer(client);
            } catch (IOException e) {
                // A client that went, or the end: the loop tells which.
            }
        }
    }

    private static void answer(SocketChannel client) throws IOException {
        InputStream in = Channels.newInputStream(client);
        OutputStream out = Channels.newOutputStream(client);
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c >= 0; c = in.read()) {
            if (c != '\n') {
                line.append((char) c);
                continue;
            }
            byte[] document = document(line.toString()).getBytes(StandardCharsets.UTF_8);
            out.write(ControlProtocol.header(false, 0, document.length, 0).getBytes(StandardCharsets.US_ASCII));
            out.write(document);
            line.setLength(0);
        }
    }

    private static String document(String request) {
        String counters = "{\"connections\":1,\"in_packets\":2,\"out_packets\":3,\"in_bytes\":4,\"out_bytes\":5}";
        if (request.startsWith("-L -c") || request.contains(" -c")) {
            String row = "{\"protocol\":6,\"client\":\"192.0.2.9\",\"client_port\":1,\"virtual\":\"192.0.2.1\","
                    + "\"virtual_port\":80,\"local\":\"192.0.2.9\",\"local_port\":1,\"server\":\"198.18.0.1\","
                    + "\"server_port\":80,\"method\":0,\"state\":\"ESTABLISHED\",\"expires_ms\":1,\"packets\":1,"
                    + "\"worker\":0}";
            return "{\"connections\":[" + row + ("," + row).repeat(SERVICES - 1) + "]}";
        }
        if (!request.startsWith("-L") && !request.startsWith("-S")) {
            return "";
        }
        String tail = "\"stats\":" + counters + ",\"rates\":" + counters;
        String server =
                "{\"address\":\"198.18.0.1\",\"port\":80,\"method\":\"Masq\",\"weight\":1,\"upper_threshold\":0,"
                        + "\"lower_threshold\":0,\"active\":0,\"inactive\":0,\"persistent\":0," + tail + "}";
        String service = "{\"protocol\":\"tcp\",\"address\":\"192.0.2.1\",\"port\":80,\"scheduler\":\"wrr\","
                + "\"scheduler_flags\":[],\"one_packet\":false,\"toa\":true," + tail + ",\"destinations\":[" + server
                + ","
                + server + "]}";
        return "{\"services\":[" + service + ("," + service).repeat(SERVICES - 1) + "]}";
    }
}
