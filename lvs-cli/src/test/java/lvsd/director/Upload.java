package lvsd.director;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.security.MessageDigest;
import java.util.HexFormat;

/**
 * Sends a patterned body, run inside a namespace by {@code Upload ADDRESS PORT BYTES}; ends with 1 unless the server
 * answers the SHA-256 of what was sent.
 */
final class Upload {
    private Upload() {}

    public static void main(String[] arguments) throws IOException {
        long length = Long.parseLong(arguments[2]);
        try (Socket socket = new Socket(arguments[0], Integer.parseInt(arguments[1]))) {
            socket.setSoTimeout(120_000);
            String head = "PUT /sha256 HTTP/1.1\r\nHost: test\r\nContent-Length: " + length + "\r\n\r\n";
            OutputStream out = socket.getOutputStream();
            out.write(head.getBytes(ISO_8859_1));
            MessageDigest digest = WebServer.sha256();
            byte[] buffer = new byte[65_536];
            for (long sent = 0; sent < length; ) {
                int part = (int) Math.min(buffer.length, length - sent);
                WebServer.Pattern.fill(buffer, part, sent);
                digest.update(buffer, 0, part);
                out.write(buffer, 0, part);
                sent += part;
            }
            String answer = new String(socket.getInputStream().readAllBytes(), ISO_8859_1);
            String expected = HexFormat.of().formatHex(digest.digest());
            if (!answer.endsWith(expected + "\n")) {
                System.out.println("sent " + expected + ", the server answered " + answer);
                System.exit(1);
            }
        }
    }
}
