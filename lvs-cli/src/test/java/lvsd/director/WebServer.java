package lvsd.director;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * A real server: HTTP over TCP and an echo over UDP on the same port, IPv4 and IPv6, run inside a namespace by
 * {@code WebServer NAME PORT LOG}. It logs {@code METHOD ADDRESS PORT PATH} for each request, the address and port
 * being its peer's. One request a connection; the server closes first, so it keeps the TIME_WAIT.
 *
 * <ul>
 *   <li>{@code GET /} answers the name
 *   <li>{@code GET /check} answers {@code ok}, or 503 while there is a file {@code LOG.sick}
 *   <li>{@code GET /peer} answers the peer's address and port
 *   <li>{@code GET /bytes/N} answers N bytes of {@link Pattern#fill}
 *   <li>{@code PUT /sha256} answers the SHA-256 of the body in hex
 *   <li>{@code GET /slow/N} answers N bytes, one each 100 ms, after the headers
 *   <li>{@code GET /echo} answers {@code A}, then whatever comes
 *   <li>{@code GET /stream/MILLIS} answers {@code A}, then the pattern, 8 kB each so often, until a byte comes
 *   <li>{@code GET /verify} answers {@code A}, reads the pattern to the end, and answers how many bytes of it there were
 *   <li>{@code GET /hang} never answers, {@code GET /close} closes without an answer
 * </ul>
 */
final class WebServer {
    private final String name;
    private final PrintStream log;

    private final Path sick;

    private WebServer(String name, PrintStream log, Path sick) {
        this.name = name;
        this.log = log;
        this.sick = sick;
    }

    /** A body that differs at each offset, so that a swapped, lost or repeated piece shows. */
    static final class Pattern {
        private Pattern() {}

        /** Fills {@code buffer} with the pattern's bytes from {@code offset}. */
        static void fill(byte[] buffer, int length, long offset) {
            for (int i = 0; i < length; i++) {
                long position = offset + i;
                buffer[i] = (byte) (position ^ position >>> 8 ^ position >>> 16 ^ position >>> 24);
            }
        }
    }

    /** Starts a server in a namespace and waits until it answers there. */
    static Process start(Namespace namespace, String name, int port, Path log) {
        Process process = namespace.startJava(
                log.resolveSibling(name + ".err"), WebServer.class, name, Integer.toString(port), log.toString());
        Shell.await(name + " listens", Shell.SOON, () -> Files.exists(log));
        return process;
    }

    public static void main(String[] arguments) throws IOException {
        int port = Integer.parseInt(arguments[1]);
        Path log = Path.of(arguments[2]);
        try (ServerSocket tcp = new ServerSocket();
                DatagramSocket udp = new DatagramSocket(null)) {
            InetSocketAddress any = new InetSocketAddress(InetAddress.getByName("::"), port);
            tcp.setReuseAddress(true);
            tcp.bind(any, 4096);
            udp.bind(any);
            try (PrintStream stream = new PrintStream(Files.newOutputStream(log), true, UTF_8)) {
                WebServer server = new WebServer(arguments[0], stream, Path.of(arguments[2] + ".sick"));
                Thread.ofPlatform().daemon().start(() -> server.echo(udp));
                while (true) {
                    Socket connection = tcp.accept();
                    Thread.startVirtualThread(() -> server.serve(connection));
                }
            }
        }
    }

    private void echo(DatagramSocket udp) {
        byte[] buffer = new byte[65_536];
        byte[] head = (name + " ").getBytes(ISO_8859_1);
        System.arraycopy(head, 0, buffer, 0, head.length);
        while (true) {
            try {
                DatagramPacket packet = new DatagramPacket(buffer, head.length, buffer.length - head.length);
                udp.receive(packet);
                log("UDP", packet.getSocketAddress(), Integer.toString(packet.getLength()));
                udp.send(new DatagramPacket(buffer, head.length + packet.getLength(), packet.getSocketAddress()));
            } catch (IOException e) {
                log.println("# udp: " + e);
            }
        }
    }

    private void serve(Socket connection) {
        try (connection) {
            connection.setTcpNoDelay(true);
            InputStream in = new BufferedInputStream(connection.getInputStream(), 65_536);
            String[] request = line(in).split(" ", 3);
            long length = 0;
            for (String header = line(in); !header.isEmpty(); header = line(in)) {
                if (header.regionMatches(true, 0, "content-length:", 0, 15)) {
                    length = Long.parseLong(header.substring(15).strip());
                }
                if (header.regionMatches(true, 0, "expect:", 0, 7)) {
                    connection.getOutputStream().write("HTTP/1.1 100 Continue\r\n\r\n".getBytes(ISO_8859_1));
                }
            }
            log(request[0], connection.getRemoteSocketAddress(), request[1]);
            answer(connection, in, request[1], length);
        } catch (IOException e) {
            log.println("# " + connection.getRemoteSocketAddress() + ": " + e);
        }
    }

    private void answer(Socket connection, InputStream in, String path, long length) throws IOException {
        OutputStream out = connection.getOutputStream();
        if (path.startsWith("/bytes/")) {
            bytes(out, Long.parseLong(path.substring(7)));
        } else if (path.startsWith("/slow/")) {
            slow(out, Integer.parseInt(path.substring(6)));
        } else if (path.equals("/sha256")) {
            text(out, digest(in, length));
        } else if (path.equals("/peer")) {
            text(out, peer(connection.getRemoteSocketAddress()));
        } else if (path.equals("/check") && Files.exists(sick)) {
            out.write("HTTP/1.1 503 Sick\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".getBytes(ISO_8859_1));
        } else if (path.equals("/check")) {
            text(out, "ok");
        } else if (path.equals("/echo")) {
            out.write('A');
            in.transferTo(out);
        } else if (path.startsWith("/stream/")) {
            out.write('A');
            stream(in, out, Duration.ofMillis(Integer.parseInt(path.substring(8))));
        } else if (path.equals("/verify")) {
            out.write('A');
            verify(in, out);
        } else if (path.equals("/hang")) {
            in.transferTo(OutputStream.nullOutputStream());
        } else if (!path.equals("/close")) {
            text(out, name);
        }
    }

    private static void bytes(OutputStream out, long length) throws IOException {
        head(out, length);
        byte[] buffer = new byte[65_536];
        for (long sent = 0; sent < length; ) {
            int part = (int) Math.min(buffer.length, length - sent);
            Pattern.fill(buffer, part, sent);
            out.write(buffer, 0, part);
            sent += part;
        }
    }

    private static void slow(OutputStream out, int length) throws IOException {
        head(out, length);
        for (int i = 0; i < length; i++) {
            Shell.pause(Duration.ofMillis(100));
            out.write('.');
        }
    }

    private static void stream(InputStream in, OutputStream out, Duration pause) throws IOException {
        byte[] buffer = new byte[8192];
        for (long sent = 0; in.available() == 0; sent += buffer.length) {
            Pattern.fill(buffer, buffer.length, sent);
            out.write(buffer);
            Shell.pause(pause);
        }
        // A socket closed with bytes unread resets the connection, and what was under way is lost: RFC 1122, 4.2.2.13.
        var _ = in.read();
    }

    private static void verify(InputStream in, OutputStream out) throws IOException {
        byte[] buffer = new byte[16_384];
        byte[] expected = new byte[buffer.length];
        long good = 0;
        for (int part = in.read(buffer); part >= 0; part = in.read(buffer)) {
            Pattern.fill(expected, part, good);
            int wrong = Arrays.mismatch(buffer, 0, part, expected, 0, part);
            if (wrong >= 0) {
                good += wrong;
                break;
            }
            good += part;
        }
        out.write(Long.toString(good).getBytes(ISO_8859_1));
    }

    private static void text(OutputStream out, String body) throws IOException {
        byte[] bytes = (body + "\n").getBytes(UTF_8);
        head(out, bytes.length);
        out.write(bytes);
    }

    private static void head(OutputStream out, long length) throws IOException {
        String head = "HTTP/1.1 200 OK\r\nContent-Length: " + length + "\r\nConnection: close\r\n\r\n";
        out.write(head.getBytes(ISO_8859_1));
    }

    private static String digest(InputStream in, long length) throws IOException {
        MessageDigest digest = sha256();
        byte[] buffer = new byte[65_536];
        for (long left = length; left > 0; ) {
            int got = in.read(buffer, 0, (int) Math.min(buffer.length, left));
            if (got < 0) {
                throw new EOFException(left + " bytes of the body missing");
            }
            digest.update(buffer, 0, got);
            left -= got;
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int octet = in.read(); octet != '\n'; octet = in.read()) {
            if (octet < 0) {
                throw new EOFException("closed in the request");
            }
            if (octet != '\r') {
                line.append((char) octet);
            }
        }
        return line.toString();
    }

    private void log(String method, SocketAddress peer, String path) {
        log.println(method + " " + peer(peer) + " " + path);
    }

    private static String peer(SocketAddress address) {
        InetSocketAddress peer = (InetSocketAddress) address;
        return peer.getAddress().getHostAddress() + " " + peer.getPort();
    }
}
