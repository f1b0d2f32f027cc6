package lvsd.director;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Connections that stay as they are, run inside a namespace by {@code Holds VIP,SOURCE,COUNT...}: each asks port 80 for
 * what never comes; every fourth says that it has nothing more to send. Says {@code ready}, and ends with its standard
 * input.
 */
final class Holds {
    private static final int PORT = 80;
    private static final int TIMEOUT_MILLIS = 60_000;
    /** Every so many'th closes its side. */
    static final int CLOSING = 4;

    private Holds() {}

    public static void main(String[] arguments) throws IOException {
        List<Socket> sockets = new ArrayList<>();
        for (String argument : arguments) {
            List<String> words = Arrays.asList(argument.split(",", 3));
            InetSocketAddress source = new InetSocketAddress(InetAddress.getByName(words.get(1)), 0);
            InetSocketAddress target = new InetSocketAddress(InetAddress.getByName(words.get(0)), PORT);
            for (int i = 0; i < Integer.parseInt(words.get(2)); i++) {
                Socket socket = new Socket();
                socket.bind(source);
                socket.connect(target, TIMEOUT_MILLIS);
                socket.getOutputStream().write("GET /hang HTTP/1.1\r\n\r\n".getBytes(ISO_8859_1));
                if (i % CLOSING == 0) {
                    socket.shutdownOutput();
                }
                sockets.add(socket);
            }
        }
        System.out.println("ready");
        while (System.in.read() >= 0) {
            // Until it is closed.
        }
        for (Socket socket : sockets) {
            socket.close();
        }
    }
}
