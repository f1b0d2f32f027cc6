package lvsd.sync;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import lvsd.rules.Rule;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The sockets, on the loopback interface. */
final class GroupSocketsTest {
    private final MultiThreadIoEventLoopGroup group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();

    @AfterEach
    void stop() {
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
    }

    private GroupSockets open(InetAddress address, int port, int ports, boolean authenticated) throws Exception {
        return open(address, port, new SyncSettings(ports, 1, 20, 1000, 16, 0), authenticated);
    }

    private GroupSockets open(InetAddress address, int port, SyncSettings settings, boolean authenticated)
            throws Exception {
        DaemonSettings daemon = new DaemonSettings(Rule.Role.BACKUP, "lo", 1, 1500, address, port, 255);
        GroupSockets.Receiver receiver =
                (index, bytes, length) -> heard.add(index + ":" + new String(bytes, 0, length, StandardCharsets.UTF_8));
        var loop = group.next();
        return loop.submit(() -> new GroupSockets(loop, daemon, settings, receiver, authenticated))
                .get();
    }

    private static void send(InetAddress address, int port, int ttl, String text) throws IOException {
        boolean ipv6 = address.getAddress().length == 16;
        try (DatagramChannel channel =
                DatagramChannel.open(ipv6 ? StandardProtocolFamily.INET6 : StandardProtocolFamily.INET)) {
            channel.setOption(StandardSocketOptions.IP_MULTICAST_IF, NetworkInterface.getByName("lo"));
            channel.setOption(StandardSocketOptions.IP_MULTICAST_TTL, ttl);
            channel.setOption(StandardSocketOptions.IP_MULTICAST_LOOP, true);
            channel.send(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)), new InetSocketAddress(address, port));
        }
    }

    @Test
    void onlyTtl255IsHeardAndTheKernelCountsTheOthers() throws Exception {
        InetAddress to = InetAddress.getByName("224.0.0.81");
        int port = 18_848;
        GroupSockets sockets = open(to, port, 1, true);
        for (int ttl : List.of(1, 64, 254)) {
            send(to, port, ttl, "ttl " + ttl);
        }
        send(to, port, 255, "ttl 255");
        assertThat(heard.poll(60, TimeUnit.SECONDS)).isEqualTo("0:ttl 255");
        assertThat(heard).isEmpty();
        assertThat(group.next().submit(sockets::dropped).get()).isEqualTo(3);
        assertThat(group.next().submit(sockets::dropped).get()).isZero();
        sockets.close();
    }

    @Test
    void withoutAKeyEveryTtlIsHeard() throws Exception {
        InetAddress to = InetAddress.getByName("224.0.0.81");
        GroupSockets sockets = open(to, 18_850, 1, false);
        send(to, 18_850, 1, "ttl 1");
        assertThat(heard.poll(60, TimeUnit.SECONDS)).isEqualTo("0:ttl 1");
        sockets.close();
    }

    @Test
    void everyPortIsHeardAsItself() throws Exception {
        InetAddress to = InetAddress.getByName("224.0.0.81");
        GroupSockets sockets = open(to, 18_852, 4, true);
        for (int i = 3; i >= 0; i--) {
            send(to, 18_852 + i, 255, "port " + i);
            assertThat(heard.poll(60, TimeUnit.SECONDS)).isEqualTo(i + ":port " + i);
        }
        sockets.close();
    }

    @Test
    void datagramsOfAnotherGroupAreNotHeard() throws Exception {
        InetAddress to = InetAddress.getByName("224.0.0.81");
        GroupSockets sockets = open(to, 18_856, 1, true);
        send(InetAddress.getByName("224.0.0.82"), 18_856, 255, "other");
        send(to, 18_856, 255, "own");
        assertThat(heard.poll(60, TimeUnit.SECONDS)).isEqualTo("0:own");
        sockets.close();
    }

    /** {@code sync_sock_size}: a small buffer is full soon; {@code sync_qlen_max}: nothing waits for a socket that is. */
    @Test
    void aSmallBufferLosesWhatALargeOneKeeps() throws Exception {
        InetAddress to = InetAddress.getByName("224.0.0.81");
        for (int size : new int[] {4096, 200_000}) {
            int port = size == 4096 ? 18_862 : 18_864;
            GroupSockets sockets = open(to, port, new SyncSettings(1, 1, 20, 1000, 16, size), false);
            CountDownLatch asleep = new CountDownLatch(1);
            var held = group.next().submit(() -> asleep.await(60, TimeUnit.SECONDS));
            for (int i = 0; i < 40; i++) {
                send(to, port, 1, "x".repeat(1000));
            }
            asleep.countDown();
            assertThat(held.get()).isTrue();
            int lost = group.next().submit(sockets::dropped).get();
            assertThat(lost).isBetween(size == 4096 ? 20 : 0, size == 4096 ? 40 : 0);
            assertThat(group.next()
                            .submit(() -> sockets.send(0, new byte[8], 8))
                            .get())
                    .isTrue();
            sockets.close();
        }
        GroupSockets none = open(to, 18_866, new SyncSettings(1, 1, 20, 1000, 0, 0), false);
        assertThat(group.next().submit(() -> none.send(0, new byte[8], 8)).get())
                .isFalse();
        none.close();
    }

    @Test
    void anUnknownInterfaceIsNamed() {
        DaemonSettings daemon =
                new DaemonSettings(Rule.Role.BACKUP, "nosuch0", 1, 1500, InetAddress.getLoopbackAddress(), 18_860, 255);
        var loop = group.next();
        assertThat(loop.submit(() -> new GroupSockets(loop, daemon, SyncSettings.DEFAULT, (a, b, c) -> {}, true))
                        .awaitUninterruptibly()
                        .cause())
                .isInstanceOf(IOException.class)
                .hasMessageContaining("nosuch0");
    }
}
