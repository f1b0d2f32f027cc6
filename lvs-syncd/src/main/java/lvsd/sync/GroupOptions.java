package lvsd.sync;

import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.unix.IntegerUnixChannelOption;
import io.netty.channel.unix.RawUnixChannelOption;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import lvsd.linux.SocketFilter;

/**
 * Socket options of multicast by their numbers (ip(7), ipv6(7)). Netty's own {@code IP_MULTICAST_TTL} sets the TTL of
 * unicast, and its way to join needs an address on the interface.
 */
final class GroupOptions {
    private static final int IP = 0;
    private static final int IPV6 = 41;

    private static final ChannelOption<Integer> TTL4 = new IntegerUnixChannelOption("IP_MULTICAST_TTL", IP, 33);
    private static final ChannelOption<Integer> LOOP4 = new IntegerUnixChannelOption("IP_MULTICAST_LOOP", IP, 34);
    private static final ChannelOption<Integer> ALL4 = new IntegerUnixChannelOption("IP_MULTICAST_ALL", IP, 49);
    private static final ChannelOption<ByteBuffer> INTERFACE4 = new RawUnixChannelOption("IP_MULTICAST_IF", IP, 32, 12);
    private static final ChannelOption<ByteBuffer> JOIN4 = new RawUnixChannelOption("IP_ADD_MEMBERSHIP", IP, 35, 12);

    private static final ChannelOption<Integer> TTL6 = new IntegerUnixChannelOption("IPV6_MULTICAST_HOPS", IPV6, 18);
    private static final ChannelOption<Integer> LOOP6 = new IntegerUnixChannelOption("IPV6_MULTICAST_LOOP", IPV6, 19);
    private static final ChannelOption<Integer> ALL6 = new IntegerUnixChannelOption("IPV6_MULTICAST_ALL", IPV6, 29);
    private static final ChannelOption<Integer> INTERFACE6 =
            new IntegerUnixChannelOption("IPV6_MULTICAST_IF", IPV6, 17);
    private static final ChannelOption<ByteBuffer> JOIN6 =
            new RawUnixChannelOption("IPV6_ADD_MEMBERSHIP", IPV6, 20, 20);

    private static final ChannelOption<ByteBuffer> FILTER =
            new RawUnixChannelOption("SO_ATTACH_FILTER", SocketFilter.LEVEL, SocketFilter.OPTION, SocketFilter.SIZE);
    /** SO_MEMINFO: nine 32-bit numbers, the last of which counts drops. */
    private static final ChannelOption<ByteBuffer> MEMORY = new RawUnixChannelOption("SO_MEMINFO", 1, 55, 36);

    private static final int DROPS = 32;

    private GroupOptions() {}

    /** Sets what a sender to the group needs: interface, TTL, and not to hear itself. */
    static void sender(Channel channel, InetAddress group, int interfaceIndex, int ttl) {
        if (group instanceof Inet6Address) {
            channel.config().setOption(INTERFACE6, interfaceIndex);
            channel.config().setOption(TTL6, ttl);
            channel.config().setOption(LOOP6, 0);
        } else {
            channel.config().setOption(INTERFACE4, request(new byte[4], interfaceIndex));
            channel.config().setOption(TTL4, ttl);
            channel.config().setOption(LOOP4, 0);
        }
    }

    /** Joins the group on one interface, and hears no other. */
    static void join(Channel channel, InetAddress group, int interfaceIndex) {
        if (group instanceof Inet6Address) {
            channel.config().setOption(ALL6, 0);
            ByteBuffer request = ByteBuffer.allocateDirect(20).order(ByteOrder.nativeOrder());
            request.put(0, group.getAddress()).putInt(16, interfaceIndex);
            channel.config().setOption(JOIN6, request);
        } else {
            channel.config().setOption(ALL4, 0);
            channel.config().setOption(JOIN4, request(group.getAddress(), interfaceIndex));
        }
    }

    /** struct ip_mreqn. */
    private static ByteBuffer request(byte[] group, int interfaceIndex) {
        ByteBuffer request = ByteBuffer.allocateDirect(12).order(ByteOrder.nativeOrder());
        return request.put(0, group).putInt(8, interfaceIndex);
    }

    /** From now on the kernel drops, and counts, what has not TTL or hop limit 255. */
    static void onlyTtl255(Channel channel, boolean ipv6) {
        channel.config().setOption(FILTER, SocketFilter.hopLimit255(ipv6));
    }

    /** Datagrams that the socket's filter or its full buffer dropped, modulo 2^32. */
    static int drops(Channel channel) {
        ByteBuffer memory = channel.config().getOption(MEMORY);
        return memory.order(ByteOrder.nativeOrder()).getInt(DROPS);
    }
}
