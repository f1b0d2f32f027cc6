package lvsd.director;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.util.Arrays;

/**
 * Sends datagrams and checks their echoes, run inside a namespace by {@code Datagrams ADDRESS PORT COUNT BYTES}: four
 * sockets in turn, one datagram at a time. Ends with 1 when an echo is missing or differs.
 */
final class Datagrams {
    private static final int SOCKETS = 4;
    private static final int NAME = "rs1 ".length();

    private Datagrams() {}

    public static void main(String[] arguments) throws IOException {
        InetSocketAddress target = new InetSocketAddress(arguments[0], Integer.parseInt(arguments[1]));
        int count = Integer.parseInt(arguments[2]);
        byte[] body = new byte[Integer.parseInt(arguments[3])];
        DatagramSocket[] sockets = new DatagramSocket[SOCKETS];
        for (int i = 0; i < SOCKETS; i++) {
            sockets[i] = new DatagramSocket();
            sockets[i].setSoTimeout(30_000);
            // Connected, so that an answer from anywhere but the VIP is not taken.
            sockets[i].connect(target);
        }
        byte[] answer = new byte[65_536];
        for (int i = 0; i < count; i++) {
            WebServer.Pattern.fill(body, body.length, i);
            DatagramSocket socket = sockets[i % SOCKETS];
            socket.send(new DatagramPacket(body, body.length));
            DatagramPacket packet = new DatagramPacket(answer, answer.length);
            socket.receive(packet);
            if (packet.getLength() != NAME + body.length
                    || Arrays.mismatch(answer, NAME, packet.getLength(), body, 0, body.length) >= 0) {
                System.out.println("echo " + i + " differs");
                System.exit(1);
            }
        }
    }
}
