package lvsd.director;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.MulticastSocket;
import java.net.NetworkInterface;
import java.net.SocketTimeoutException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Multicast (TTL 1) and broadcast, run inside a namespace. {@code Groups receive GROUP PORT INTERFACE COUNT} says {@code ready}, then how many of
 * COUNT different datagrams came before three seconds of silence; {@code Groups send} sends them, one a millisecond.
 */
final class Groups {
    private static final int SILENCE_MILLIS = 3000;

    private Groups() {}

    public static void main(String[] arguments) throws IOException {
        InetAddress group = InetAddress.getByName(arguments[1]);
        int port = Integer.parseInt(arguments[2]);
        NetworkInterface by = NetworkInterface.getByName(arguments[3]);
        int count = Integer.parseInt(arguments[4]);
        if (arguments[0].equals("receive")) {
            receive(new InetSocketAddress(group, port), by, count);
        } else {
            send(new InetSocketAddress(group, port), by, count);
        }
    }

    private static void receive(InetSocketAddress group, NetworkInterface by, int count) throws IOException {
        boolean[] seen = new boolean[count];
        int different = 0;
        try (MulticastSocket socket = new MulticastSocket(group.getPort())) {
            if (group.getAddress().isMulticastAddress()) {
                socket.joinGroup(group, by);
            }
            socket.setSoTimeout(20_000);
            System.out.println("ready");
            byte[] body = new byte[100];
            while (different < count) {
                DatagramPacket packet = new DatagramPacket(body, body.length);
                socket.receive(packet);
                int number = ((body[0] & 0xff) << 8) | (body[1] & 0xff);
                different += number < count && !seen[number] ? 1 : 0;
                seen[number] = true;
                socket.setSoTimeout(SILENCE_MILLIS);
            }
        } catch (SocketTimeoutException silence) {
            System.out.println("silence");
        }
        System.out.println("received " + different);
    }

    private static void send(InetSocketAddress group, NetworkInterface by, int count) throws IOException {
        try (MulticastSocket socket = new MulticastSocket()) {
            socket.setNetworkInterface(by);
            socket.setTimeToLive(1);
            byte[] body = new byte[100];
            for (int i = 0; i < count; i++) {
                body[0] = (byte) (i >>> 8);
                body[1] = (byte) i;
                socket.send(new DatagramPacket(body, body.length, group));
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
            }
        }
    }
}
