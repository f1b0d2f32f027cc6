package lvsd.dataplane.net;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * Settings of addresses, neighbours and ICMP, read from the daemon file's {@code settings}.
 *
 * @param icmpRate {@code icmp_msgs_per_sec}: ICMP errors and echo replies per second and worker
 * @param icmpBurst {@code icmp_msgs_burst}: how many at once
 * @param echoOwn {@code echo_reply_own}: whether pings to own addresses are answered
 * @param echoVip {@code echo_reply_vip}: whether pings to VIPs and local addresses are answered
 * @param arpEveryVip {@code vip_arp_always}: whether VIPs outside the connected networks are answered and announced too
 * @param announceCount {@code announce_count}: how often each address is announced
 * @param announceMillis {@code announce_interval}: time between two of those
 * @param announceRefreshSeconds {@code announce_refresh}: when all are announced again; 0 never
 * @param queue {@code neighbour_queue}: packets held per unresolved neighbour
 * @param retries {@code neighbour_retries}: questions before a neighbour counts as failed, a second apart
 * @param reachableSeconds {@code neighbour_reachable}: how long an answer is trusted
 * @param expireSeconds {@code neighbour_expire}: when an unused neighbour is forgotten
 * @param localPortFirst first port that the host's own connections use ({@code net.ipv4.ip_local_port_range})
 * @param localPortLast last of them
 */
public record NetSettings(
        int icmpRate,
        int icmpBurst,
        boolean echoOwn,
        boolean echoVip,
        boolean arpEveryVip,
        int announceCount,
        int announceMillis,
        int announceRefreshSeconds,
        int queue,
        int retries,
        int reachableSeconds,
        int expireSeconds,
        int localPortFirst,
        int localPortLast) {

    /** What holds where the daemon file says nothing. */
    public static final NetSettings DEFAULT =
            new NetSettings(1000, 50, true, true, false, 3, 1000, 0, 64, 3, 30, 600, 32768, 60999);

    private static final Path LOCAL_PORTS = Path.of("/proc/sys/net/ipv4/ip_local_port_range");

    /** Reads the settings that are there, which have been range-checked, and the kernel's range of local ports. */
    public static NetSettings of(Map<String, String> settings) {
        int[] localPorts = localPorts();
        return new NetSettings(
                number(settings, "icmp_msgs_per_sec", DEFAULT.icmpRate),
                number(settings, "icmp_msgs_burst", DEFAULT.icmpBurst),
                number(settings, "echo_reply_own", 1) != 0,
                number(settings, "echo_reply_vip", 1) != 0,
                number(settings, "vip_arp_always", 0) != 0,
                number(settings, "announce_count", DEFAULT.announceCount),
                number(settings, "announce_interval", DEFAULT.announceMillis),
                number(settings, "announce_refresh", DEFAULT.announceRefreshSeconds),
                number(settings, "neighbour_queue", DEFAULT.queue),
                number(settings, "neighbour_retries", DEFAULT.retries),
                number(settings, "neighbour_reachable", DEFAULT.reachableSeconds),
                number(settings, "neighbour_expire", DEFAULT.expireSeconds),
                localPorts[0],
                localPorts[1]);
    }

    /** The host's range; what Linux starts with where it cannot be read. */
    private static int[] localPorts() {
        try {
            String[] range = Files.readString(LOCAL_PORTS).strip().split("\\s+", -1);
            return new int[] {Integer.parseInt(range[0]), Integer.parseInt(range[1])};
        } catch (IOException | NumberFormatException | ArrayIndexOutOfBoundsException e) {
            return new int[] {DEFAULT.localPortFirst, DEFAULT.localPortLast};
        }
    }

    /** Whether the host's own connections use a port. */
    boolean localPort(int port) {
        return port >= localPortFirst && port <= localPortLast;
    }

    private static int number(Map<String, String> settings, String name, int otherwise) {
        String text = settings.get(name);
        return text == null ? otherwise : Integer.parseInt(text);
    }
}
