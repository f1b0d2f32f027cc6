package lvsd.director;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Sends small datagrams, run inside a namespace by {@code Flood ADDRESS PORT PER_MILLISECOND}, until it is ended. */
final class Flood {
    private Flood() {}

    public static void main(String[] arguments) throws IOException {
        InetSocketAddress target = new InetSocketAddress(arguments[0], Integer.parseInt(arguments[1]));
        int burst = Integer.parseInt(arguments[2]);
        byte[] body = new byte[18];
        System.out.println("ready");
        try (DatagramSocket socket = new DatagramSocket()) {
            while (!Thread.currentThread().isInterrupted()) {
                for (int i = 0; i < burst; i++) {
                    socket.send(new DatagramPacket(body, body.length, target));
                }
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
            }
        }
    }
}
