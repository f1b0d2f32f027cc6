package lvsd.sync;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.EventLoop;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollDatagramChannel;
import io.netty.channel.socket.DatagramPacket;
import io.netty.channel.socket.SocketProtocolFamily;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import lvsd.linux.Interfaces;
import lvsd.memory.NativeException;
import org.jspecify.annotations.Nullable;

/** The sockets of one daemon: one to send, one for each port to receive. Owned by the event loop's thread. */
final class GroupSockets implements Link, AutoCloseable {
    /** Takes datagrams. */
    interface Receiver {
        /** A datagram of {@code length} bytes that came to the port with that index. The bytes are lent. */
        void receive(int port, byte[] bytes, int length);
    }

    private static final int BURST = 16;

    private final EventLoop loop;
    private final DaemonSettings daemon;
    private SyncSettings settings;
    private final boolean ipv6;
    private final List<Channel> receivers = new ArrayList<>();
    private final List<Integer> drops = new ArrayList<>();
    private final List<InetSocketAddress> to = new ArrayList<>();
    private final Channel sender;
    private int pending;

    /**
     * Opens them.
     *
     * @param receiver what takes datagrams
     * @param authenticated take those with TTL 255 only
     * @throws IOException naming interface and cause
     */
    GroupSockets(EventLoop loop, DaemonSettings daemon, SyncSettings settings, Receiver receiver, boolean authenticated)
            throws IOException {
        this.loop = loop;
        this.daemon = daemon;
        this.settings = settings;
        this.ipv6 = daemon.group() instanceof Inet6Address;
        boolean done = false;
        try {
            int index = Interfaces.index(daemon.interfaceName());
            InetAddress group = scoped(daemon.group(), index);
            this.sender = bind(new InetSocketAddress(ipv6 ? "::" : "0.0.0.0", 0), null, 0);
            GroupOptions.sender(sender, daemon.group(), index, daemon.ttl());
            for (int i = 0; i < settings.ports(); i++) {
                InetSocketAddress address = new InetSocketAddress(group, daemon.port() + i);
                to.add(address);
                Channel channel = bind(address, receiver, i);
                receivers.add(channel);
                drops.add(0);
                if (authenticated) {
                    GroupOptions.onlyTtl255(channel, ipv6);
                }
                GroupOptions.join(channel, daemon.group(), index);
            }
            done = true;
        } catch (NativeException e) {
            throw new IOException(e.getMessage(), e);
        } finally {
            if (!done) {
                closeAll();
            }
        }
    }

    private static InetAddress scoped(InetAddress group, int index) throws IOException {
        return group instanceof Inet6Address ? Inet6Address.getByAddress(null, group.getAddress(), index) : group;
    }

    private Channel bind(InetSocketAddress address, @Nullable Receiver receiver, int port) throws IOException {
        int largest = Math.max(daemon.maxLength(), 1500) + 1;
        EpollDatagramChannel channel =
                new EpollDatagramChannel(ipv6 ? SocketProtocolFamily.INET6 : SocketProtocolFamily.INET);
        channel.config().setReuseAddress(true).setMaxDatagramPayloadSize(largest);
        channel.config().setRecvByteBufAllocator(new FixedRecvByteBufAllocator(largest * BURST));
        if (settings.socketBuffer() > 0) {
            channel.config().setSendBufferSize(settings.socketBuffer()).setReceiveBufferSize(settings.socketBuffer());
        }
        channel.pipeline().addLast(new Handler(receiver == null ? (p, b, l) -> {} : receiver, port, largest));
        // On the loop's own thread both are done when they return.
        ChannelFuture registered = loop.register(channel);
        ChannelFuture bound = registered.isSuccess() ? channel.bind(address) : registered;
        if (!bound.isSuccess()) {
            Throwable cause = bound.cause();
            var _ = channel.close();
            throw new IOException(
                    "sync socket " + address + " on " + daemon.interfaceName() + ": "
                            + (cause == null ? "not bound" : cause.getMessage()),
                    cause);
        }
        return channel;
    }

    /** Takes other settings over, as far as they do not have to wait for the next start. */
    void settings(SyncSettings newer) {
        settings = settings.with(newer);
    }

    /** Copies each datagram into one array and lends that. */
    private static final class Handler extends SimpleChannelInboundHandler<DatagramPacket> {
        private final Receiver receiver;
        private final int port;
        private final byte[] bytes;

        Handler(Receiver receiver, int port, int largest) {
            this.receiver = receiver;
            this.port = port;
            this.bytes = new byte[Math.max(largest, Message.MAX_LENGTH)];
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, DatagramPacket packet) {
            ByteBuf content = packet.content();
            int length = content.readableBytes();
            if (length <= bytes.length) {
                content.readBytes(bytes, 0, length);
                receiver.receive(port, bytes, length);
            }
        }

        /** A socket's error (the interface went down) is no reason to stop listening. */
        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            if (!(cause instanceof IOException)) {
                context.fireExceptionCaught(cause);
            }
        }
    }

    @Override
    public boolean send(int port, byte[] bytes, int length) {
        if (pending >= settings.queueMax()) {
            return false;
        }
        ByteBuf copy = sender.alloc().buffer(length).writeBytes(bytes, 0, length);
        ChannelFuture written = sender.writeAndFlush(new DatagramPacket(copy, to.get(port)));
        if (written.isDone()) {
            return written.isSuccess();
        }
        pending++;
        written.addListener(done -> pending--);
        return true;
    }

    /** Datagrams that the kernel has dropped since this was last asked. */
    int dropped() {
        int sum = 0;
        for (int i = 0; i < receivers.size(); i++) {
            int now = GroupOptions.drops(receivers.get(i));
            sum += now - drops.set(i, now);
        }
        return sum;
    }

    private void closeAll() {
        for (Channel receiver : receivers) {
            var _ = receiver.close();
        }
    }

    @Override
    public void close() {
        closeAll();
        var _ = sender.close();
    }
}
