package lvsd.director;

import java.util.Locale;

/** The services that most tests use: each method and family at a VIP of its own, two real servers, round robin. */
enum Service {
    NAT("-m", "203.0.113.80"),
    NAT6("-m", "2001:db8:3::80"),
    FULLNAT("-b", "203.0.113.81"),
    FULLNAT6("-b", "2001:db8:3::81"),
    /** VIPs inside the clients' subnet, so that clients ask for them by ARP and ND. */
    NAT_ON_LINK("-m", "192.0.2.80"),
    FULLNAT_ON_LINK("-b", "192.0.2.81"),
    NAT6_ON_LINK("-m", "2001:db8:1::80");

    private final String method;
    private final String vip;

    Service(String method, String vip) {
        this.method = method;
        this.vip = vip;
    }

    String vip() {
        return vip;
    }

    boolean ipv6() {
        return vip.contains(":");
    }

    boolean fullnat() {
        return method.equals("-b");
    }

    /** {@code http://VIP/path}. */
    String url(String path) {
        return "http://" + (ipv6() ? "[" + vip + "]" : vip) + path;
    }

    /** {@code VIP:80}. */
    String at() {
        return at(vip);
    }

    /** {@code ADDRESS:80} of server {@code number}. */
    String server(int number) {
        return at(ipv6() ? Topology.address6(number) : Topology.address(number));
    }

    /**
     * An address of the client for this service alone: with NAT, a server could not tell apart connections of one
     * client address and port through two VIPs.
     */
    String source() {
        return ipv6() ? "2001:db8:1::" + (20 + ordinal()) : "192.0.2." + (20 + ordinal());
    }

    /** What a server's log begins with when a request from {@link #source} came through this service. */
    String logged(String request) {
        if (fullnat()) {
            return request + " " + (ipv6() ? "2001:db8:2:0:0:0:0:200" : Topology.LIP) + " ";
        }
        return request + " " + (ipv6() ? "2001:db8:1:0:0:0:0:" + (20 + ordinal()) : source()) + " ";
    }

    /** Rules that define it, one a line; {@code -t} or {@code -u}. */
    String rules(String option) {
        String rules = """
                -A %1$s %2$s -s rr
                -a %1$s %2$s -r %3$s %5$s
                -a %1$s %2$s -r %4$s %5$s
                """.formatted(option, at(), server(1), server(2), method);
        String lip = ipv6() ? Topology.LIP6 : Topology.LIP;
        return fullnat() ? rules + "-P %s %s -z %s\n".formatted(option, at(), lip) : rules;
    }

    /** Rules that define it for TCP. */
    String rules() {
        return rules("-t");
    }

    /** Option and value that add server {@code number}: {@code -r ADDRESS:80 -m}. */
    String destination(int number) {
        return "-r " + server(number) + " " + method;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    private static String at(String address) {
        return (address.contains(":") ? "[" + address + "]" : address) + ":80";
    }
}
