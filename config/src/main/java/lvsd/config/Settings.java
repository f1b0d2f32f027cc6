package lvsd.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Everything that can be set while the director runs: {@code settings:} of the daemon file and {@code lvsadm --sysctl}.
 * Those that IPVS has bear its sysctl names, ranges and defaults (asked of Linux 6.1); the {@code timeout_} names are
 * those that IPVS had up to Linux 2.4. This list is the only one: loader, command line, workers and the table in
 * docs/config.md come from it.
 */
public final class Settings {
    /** What kind of value a setting takes. */
    public enum Kind {
        /** A whole number. */
        NUMBER,
        /** 0 never, 1 when memory is short, 3 always; 2 is what IPVS shows while 1 is at work, and is taken as 1. */
        DEFENCE,
        /** A power of two. */
        POWER_OF_TWO,
        /** Two numbers, the first below the second unless that is 0; one alone leaves the second as it was. */
        PAIR
    }

    /** When a setting changes what the director does. */
    public enum Effect {
        /** With the next packet. */
        LIVE("at once"),
        /** When a sync daemon starts. */
        START("daemon start"),
        /** Scripts may set it; there is nothing here that it could steer. */
        NOTHING("never");

        private final String label;

        Effect(String label) {
            this.label = label;
        }

        /** The word that documentation and listings use. */
        public String label() {
            return label;
        }
    }

    /**
     * One setting.
     *
     * @param name name
     * @param kind what its value looks like
     * @param fallback value where nothing is said
     * @param min smallest value
     * @param max largest value
     * @param effect when it changes what the director does
     * @param help one sentence, units included
     */
    public record Setting(String name, Kind kind, String fallback, long min, long max, Effect effect, String help) {
        /** Values that are taken, in words. */
        public String range() {
            if (min == Integer.MIN_VALUE && max == Integer.MAX_VALUE) {
                return "any 32-bit number";
            }
            String numbers = min + " to " + max;
            return switch (kind) {
                case NUMBER, DEFENCE -> numbers;
                case POWER_OF_TWO -> "powers of two, " + numbers;
                case PAIR -> "two of " + numbers + ", the first smaller or the second 0";
            };
        }

        /**
         * The value in its normal form: decimal, a blank between two.
         *
         * @param text decimal, octal with a leading 0, or hexadecimal with 0x; a blank or comma ends a number
         * @param before present value, whose second half one number alone keeps
         * @return empty where IPVS answers "Invalid argument"
         */
        Optional<String> normal(String text, String before) {
            if (kind == Kind.PAIR) {
                return pair(text, before);
            }
            OptionalLong number = number(words(text).getFirst());
            if (number.isEmpty() || (kind == Kind.POWER_OF_TWO && Long.bitCount(number.getAsLong()) != 1)) {
                return Optional.empty();
            }
            long value = number.getAsLong();
            return Optional.of(Long.toString(kind == Kind.DEFENCE && value == 2 ? 1 : value));
        }

        private Optional<String> pair(String text, String before) {
            List<String> words = words(text);
            OptionalLong first = number(words.getFirst());
            OptionalLong second = number(words.size() > 1 ? words.get(1) : before.substring(before.indexOf(' ') + 1));
            if (first.isEmpty()
                    || second.isEmpty()
                    || (second.getAsLong() != 0 && first.getAsLong() >= second.getAsLong())) {
                return Optional.empty();
            }
            return Optional.of(first.getAsLong() + " " + second.getAsLong());
        }

        /** What stands behind the number or numbers that are wanted is not looked at, as in the kernel. */
        private static List<String> words(String text) {
            return List.of(text.strip().split("[ \t\n,]+", -1));
        }

        private OptionalLong number(String text) {
            try {
                long value = Long.decode(text);
                boolean odd = text.startsWith("#") || text.startsWith("-#") || text.startsWith("+");
                return odd || value < min || value > max ? OptionalLong.empty() : OptionalLong.of(value);
            } catch (NumberFormatException e) {
                return OptionalLong.empty();
            }
        }
    }

    private static final int MOST_SECONDS = 8_589_933;

    /** SCTP states in the order of their numbers, as names of settings end in them. */
    public static final List<String> SCTP_STATES = List.of(
            "none",
            "init1",
            "init",
            "cookie_sent",
            "cookie_replied",
            "cookie_wait",
            "cookie",
            "cookie_echoed",
            "established",
            "shutdown_sent",
            "shutdown_received",
            "shutdown_ack_sent",
            "rejected",
            "closed");

    /** All settings, by topic. */
    public static final List<Setting> ALL = all();

    private Settings() {}

    private static List<Setting> all() {
        List<Setting> all = new ArrayList<>();
        connections(all);
        defence(all);
        synchronisation(all);
        kernelOnly(all);
        timeouts(all);
        ours(all);
        edge(all);
        synProxy(all);
        return List.copyOf(all);
    }

    /** A sysctl that IPVS takes any 32-bit number for. */
    private static Setting any(String name, int fallback, Effect effect, String help) {
        return new Setting(
                name, Kind.NUMBER, Integer.toString(fallback), Integer.MIN_VALUE, Integer.MAX_VALUE, effect, help);
    }

    private static Setting number(String name, long fallback, long min, long max, Effect effect, String help) {
        return new Setting(name, Kind.NUMBER, Long.toString(fallback), min, max, effect, help);
    }

    private static void connections(List<Setting> all) {
        all.add(any(
                "conn_reuse_mode",
                1,
                Effect.LIVE,
                "what a new connection with the tuple of an old one meets: 0: the old server; bit 0: if the old one is"
                        + " over, a server is chosen anew; bit 1: also when it is in FIN_WAIT and the server's packets do"
                        + " not come this way"));
        all.add(any(
                "expire_nodest_conn",
                0,
                Effect.LIVE,
                "1: connections of a removed real server end; 0: their packets are dropped, and go on if it returns"));
        all.add(any(
                "expire_quiescent_template",
                0,
                Effect.LIVE,
                "1: persistence does not hold clients to a real server with weight 0"));
        all.add(any("sloppy_tcp", 0, Effect.LIVE, "1: any TCP segment but a reset opens a connection, not a SYN only"));
        all.add(any(
                "sloppy_sctp", 0, Effect.LIVE, "1: any SCTP packet but an abort opens a connection, not an INIT only"));
        all.add(any(
                "schedule_icmp",
                0,
                Effect.LIVE,
                "1: a client's ICMP error about a packet of a service, but of no known connection, opens one"));
        all.add(any(
                "nat_icmp_send",
                0,
                Effect.LIVE,
                "1: a NAT real server's packet of no connection is answered with port unreachable"));
        all.add(any("run_estimation", 1, Effect.LIVE, "0: rates (`-L --rate`) stand still"));
    }

    private static void defence(List<Setting> all) {
        String modes = ": 0 never, 1 when memory is short (then 2 is shown), 3 always";
        all.add(any(
                "amemthresh",
                1024,
                Effect.LIVE,
                "memory is short while a connection table has fewer free pages (of 4096 bytes) than this"));
        all.add(any(
                "am_droprate",
                10,
                Effect.LIVE,
                "with drop_packet 3 one in so many packets that would open a connection is dropped"));
        all.add(defence("drop_entry", "drop half-open and long silent connections, some each second" + modes));
        all.add(defence("drop_packet", "drop some of the packets that would open connections" + modes));
        all.add(defence("secure_tcp", "a TCP client alone does not make a connection ESTABLISHED" + modes));
    }

    private static Setting defence(String name, String help) {
        return new Setting(name, Kind.DEFENCE, "0", 0, 3, Effect.LIVE, help);
    }

    private static void synchronisation(List<Setting> all) {
        Effect start = Effect.START;
        Effect live = Effect.LIVE;
        all.add(number("sync_version", 1, 0, 1, live, "version of the sync protocol that a master speaks"));
        all.add(
                new Setting(
                        "sync_threshold",
                        Kind.PAIR,
                        "3 50",
                        0,
                        Integer.MAX_VALUE,
                        live,
                        "a b: kernels are told with packet a and every b-th from there; b 0: once while nothing changes; 0 0: of changes only"));
        all.add(number(
                "sync_refresh_period",
                0,
                -8_589_934,
                8_589_934,
                live,
                "seconds in which a connection that has not changed is sent at most once; 0: 60"));
        all.add(number("sync_retries", 0, 0, 3, live, "how often it is sent again within sync_refresh_period"));
        all.add(new Setting(
                "sync_ports", Kind.POWER_OF_TWO, "1", 1, 1 << 30, start, "threads and ports that a master sends by"));
        all.add(number(
                "sync_qlen_max",
                8192,
                0,
                Long.MAX_VALUE,
                live,
                "messages that wait to be sent at most (the kernel's default depends on its memory)"));
        all.add(any("sync_sock_size", 0, start, "socket buffer, bytes; 0: the system's default"));
        all.add(any("sync_persist_mode", 0, live, "1: of persistent connections only the template is sent"));
        all.add(number(
                "sync_protocols",
                7,
                0,
                7,
                live,
                "whose connections others are told of: the sum of 1 TCP, 2 UDP, 4 SCTP; see --sync of services, too"));
        all.add(number("sync_delay_ms", 20, 0, 2_000, live, "milliseconds that an update waits for others at most"));
        all.add(number(
                "sync_bulk_rate", 200_000, 1_000, 10_000_000, live, "connections a second of a bulk transfer at most"));
        all.add(any(
                "backup_only",
                0,
                Effect.LIVE,
                "1: while a backup daemon runs, what clients send passes the director by, to the host's kernel"));
    }

    private static void kernelOnly(List<Setting> all) {
        all.add(any(
                "cache_bypass",
                0,
                Effect.LIVE,
                "1: a marked packet for which there is no server goes where it is addressed to, unless that is here"));
        all.add(any("pmtu_disc", 1, Effect.LIVE, "0: packets too big for a tunnel are cut, not answered"));
        all.add(expiration("lblc", "forgets where packets to an address went"));
        all.add(expiration(
                "lblcr", "forgets where packets to an address went, and takes a server away from an address"));
        all.add(any("ignore_tunneled", 0, Effect.NOTHING, "nothing comes out of a tunnel here"));
        all.add(any("conntrack", 0, Effect.NOTHING, "there is no netfilter here"));
        all.add(any("snat_reroute", 1, Effect.NOTHING, "the route is always looked up for the rewritten packet"));
    }

    private static Setting expiration(String scheduler, String does) {
        return number(
                scheduler + "_expiration",
                86_400,
                -8_589_934,
                8_589_934,
                Effect.LIVE,
                "seconds without any after which the scheduler " + scheduler + " " + does);
    }

    private static Setting timeout(String name, int fallback, String help) {
        return number("timeout_" + name, fallback, 1, MOST_SECONDS, Effect.LIVE, help);
    }

    private static void timeouts(List<Setting> all) {
        String silence = "seconds that a connection may be silent in state ";
        String set = "; `--set` changes it too";
        all.add(timeout("none", 2, silence + "NONE"));
        all.add(timeout("established", 900, silence + "ESTABLISHED" + set));
        all.add(timeout("synsent", 120, silence + "SYN_SENT"));
        all.add(timeout("synrecv", 60, silence + "SYN_RECV"));
        all.add(timeout("finwait", 120, silence + "FIN_WAIT" + set));
        all.add(timeout("timewait", 120, silence + "TIME_WAIT"));
        all.add(timeout("close", 10, silence + "CLOSE"));
        all.add(timeout("closewait", 60, silence + "CLOSE_WAIT"));
        all.add(timeout("lastack", 30, silence + "LAST_ACK"));
        all.add(timeout("listen", 120, silence + "LISTEN"));
        all.add(timeout("synack", 120, silence + "SYNACK"));
        all.add(timeout("udp", 300, "seconds that a UDP flow may be silent" + set));
        all.add(timeout(
                "icmp", 3, "seconds that a connection which an ICMP error opened waits for a packet of its own"));
        int[] sctp = {2, 4, 61, 61, 61, 61, 61, 61, 900, 61, 61, 61, 4, 61};
        for (int state = 0; state < sctp.length; state++) {
            String name = SCTP_STATES.get(state);
            all.add(timeout("sctp_" + name, sctp[state], silence + name.toUpperCase(Locale.ROOT) + " of SCTP"));
        }
    }

    private static void ours(List<Setting> all) {
        Effect live = Effect.LIVE;
        all.add(any(
                "debug_level",
                0,
                live,
                "how much is logged: 0: as `log-level` says; from 1: each accepted rule too; from 10: everything"));
        all.add(number("fullnat_lport_min", 1025, 1, 65535, live, "first local port that FULLNAT uses on each LIP"));
        all.add(number("fullnat_lport_max", 65535, 1, 65535, live, "last local port that FULLNAT uses on each LIP"));
        all.add(new Setting(
                "fullnat_lport_share",
                Kind.PAIR,
                "0 1",
                0,
                16,
                live,
                "a b: of b directors that know each other's connections this is number a, from 0; of the local ports"
                        + " it uses a b-th part of its own"));
        all.add(number("echo_reply_own", 1, 0, 1, live, "answer pings to the director's own addresses"));
        all.add(number("echo_reply_vip", 1, 0, 1, live, "answer pings to VIPs and local addresses"));
        int most = 1_000_000;
        all.add(number(
                "icmp_msgs_per_sec", 1000, 0, most, live, "ICMP errors and echo replies sent per second and worker"));
        all.add(number("icmp_msgs_burst", 50, 1, most, live, "ICMP errors and echo replies sent at once"));
        all.add(number(
                "vip_arp_always",
                0,
                0,
                1,
                live,
                "answer ARP and neighbour discovery for VIPs outside the connected subnets, and announce them"));
        all.add(number(
                "announce_count", 3, 1, 100, live, "how often each address is announced when the director gets it"));
        all.add(number(
                "announce_interval", 1000, 20, 60_000, live, "milliseconds between two announcements of an address"));
        all.add(number(
                "announce_refresh",
                0,
                0,
                86_400,
                live,
                "seconds after which all addresses are announced again; 0: never"));
        all.add(number("neighbour_queue", 64, 1, 1024, live, "packets held for a neighbour that has not answered yet"));
        all.add(number(
                "neighbour_retries", 3, 1, 20, live, "questions, a second apart, before a neighbour has failed"));
        all.add(number("neighbour_reachable", 30, 1, 3600, live, "seconds for which a neighbour's answer is trusted"));
        all.add(number(
                "neighbour_expire", 600, 1, 86400, live, "seconds after which an unused neighbour is forgotten"));
    }

    private static void synProxy(List<Setting> all) {
        Effect live = Effect.LIVE;
        all.add(number("synproxy_init_mss", 1460, 88, 65535, live, "SYN proxy: largest MSS announced to a client"));
        all.add(number("synproxy_synack_ttl", 63, 1, 255, live, "SYN proxy: TTL of its SYN+ACK"));
        all.add(number("synproxy_synack_tos", 0, 0, 255, live, "SYN proxy: type of service of its SYN+ACK"));
        all.add(number("synproxy_sack", 1, 0, 1, live, "SYN proxy: agree to selective acknowledgements"));
        all.add(number(
                "synproxy_wscale", 7, 0, 14, live, "SYN proxy: window scale announced; 0: no window scaling at all"));
        all.add(number("synproxy_timestamp", 1, 0, 1, live, "SYN proxy: agree to timestamps"));
        all.add(number(
                "synproxy_zero_window",
                0,
                0,
                1,
                live,
                "SYN proxy: keep the client's window closed until the real server answers; synproxy_defer overrides"));
        all.add(number(
                "synproxy_defer", 0, 0, 1, live, "SYN proxy: open a connection only when the client sends data"));
        all.add(number(
                "synproxy_ack_skb_store_thresh",
                16,
                0,
                63,
                live,
                "SYN proxy: segments of one client kept until the real server answers"));
        all.add(number("synproxy_syn_retry", 3, 0, 6, live, "SYN proxy: times a SYN to a real server is sent again"));
        all.add(number(
                "synproxy_retry_other",
                0,
                0,
                1,
                live,
                "SYN proxy: try another real server when one refuses or does not answer"));
        all.add(number("synproxy_rst_bad_cookie", 0, 0, 1, live, "SYN proxy: answer a bad acknowledgement by a reset"));
        all.add(number(
                "synproxy_conn_reuse", 1, 0, 1, live, "SYN proxy: let proven clients take over old connections"));
        all.add(number("synproxy_conn_reuse_close", 1, 0, 1, live, "SYN proxy: take over in CLOSE"));
        all.add(number("synproxy_conn_reuse_time_wait", 1, 0, 1, live, "SYN proxy: take over in TIME_WAIT"));
        all.add(number("synproxy_conn_reuse_fin_wait", 0, 0, 1, live, "SYN proxy: take over in FIN_WAIT"));
        all.add(number("synproxy_conn_reuse_close_wait", 0, 0, 1, live, "SYN proxy: take over in CLOSE_WAIT"));
        all.add(number("synproxy_conn_reuse_last_ack", 0, 0, 1, live, "SYN proxy: take over in LAST_ACK"));
        all.add(number(
                "synproxy_ack_storm_thresh",
                10,
                0,
                999,
                live,
                "SYN proxy: identical acknowledgements of a real server that are passed on; 0: all"));
        all.add(number(
                "synproxy_secret_lifetime",
                3600,
                60,
                86_400,
                live,
                "SYN proxy: seconds after which a new random secret takes over; a key file has times of its own"));
        synProxyAuto(all);
    }

    private static void edge(List<Setting> all) {
        Effect live = Effect.LIVE;
        all.add(number(
                "defence_tcp_drop",
                0,
                0,
                1,
                live,
                "drop TCP segments for a VIP without a connection, SYNs aside, in place of answering them by a reset"));
        all.add(number(
                "defence_udp_drop",
                0,
                0,
                1,
                live,
                "drop UDP for a VIP that neither a service nor a connection takes, in place of answering it by ICMP"));
        all.add(number("defence_frag_drop", 0, 0, 1, live, "drop all fragments of TCP, UDP and SCTP for a VIP"));
    }

    private static void synProxyAuto(List<Setting> all) {
        Effect live = Effect.LIVE;
        String auto = "SYN proxy, mode auto: ";
        all.add(number(
                "synproxy_auto_syn_rate",
                10_000,
                0,
                100_000_000,
                live,
                auto + "on at so many SYNs a second for the service; 0: they do not count"));
        all.add(number(
                "synproxy_auto_half_open",
                50,
                0,
                100,
                live,
                auto + "on when so many percent of the service's connections are half-open; 0: they do not count"));
        all.add(number(
                "synproxy_auto_half_open_min",
                1000,
                1,
                100_000_000,
                live,
                auto + "fewer half-open connections are never an attack"));
        all.add(number(
                "synproxy_auto_calm", 50, 1, 100, live, auto + "calm is below so many percent of these thresholds"));
        all.add(number("synproxy_auto_hold", 30, 1, 86_400, live, auto + "off after so many seconds of calm"));
    }

    /** The setting of that name. */
    public static Optional<Setting> find(String name) {
        for (Setting setting : ALL) {
            if (setting.name().equals(name)) {
                return Optional.of(setting);
            }
        }
        return Optional.empty();
    }

    /** Names of all settings. */
    public static List<String> names() {
        return ALL.stream().map(Setting::name).toList();
    }

    /** Default of every setting, by topic. */
    public static Map<String, String> defaults() {
        Map<String, String> values = new LinkedHashMap<>();
        for (Setting setting : ALL) {
            values.put(setting.name(), setting.fallback());
        }
        return values;
    }

    /** What is wrong with there being a setting of that name; empty if nothing. */
    public static Optional<String> checkName(String name) {
        return find(name).isPresent()
                ? Optional.empty()
                : Optional.of("unknown setting '" + name + "'" + Suggestion.clause(name, names()));
    }

    /**
     * What is wrong with giving {@code name} that value, by itself; empty if nothing.
     *
     * @param before values in force; those that are not said have their defaults
     */
    public static Optional<String> check(String name, String value, Map<String, String> before) {
        Optional<String> unknown = checkName(name);
        if (unknown.isPresent()) {
            return unknown;
        }
        Setting setting = find(name).orElseThrow();
        if (setting.normal(value, before.getOrDefault(name, setting.fallback())).isPresent()) {
            return Optional.empty();
        }
        String wanted = setting.kind() == Kind.NUMBER ? "a whole number from " : "";
        String range = setting.kind() == Kind.NUMBER ? setting.min() + " to " + setting.max() : setting.range();
        return Optional.of("setting '" + name + "' must be " + wanted + range + ", not '" + value + "'");
    }

    /**
     * A value in its normal form: decimal, a blank between two numbers.
     *
     * @param value one that {@link #check} takes with the same {@code before}
     */
    public static String normal(String name, String value, Map<String, String> before) {
        Setting setting = find(name).orElseThrow();
        return setting.normal(value, before.getOrDefault(name, setting.fallback()))
                .orElseThrow();
    }

    /** What is wrong with a complete set of values, each of which is right by itself; empty if nothing. */
    public static Optional<String> checkTogether(Map<String, String> values) {
        int min = Integer.parseInt(values.getOrDefault("fullnat_lport_min", "1025"));
        int max = Integer.parseInt(values.getOrDefault("fullnat_lport_max", "65535"));
        if (min > max) {
            return Optional.of(
                    "setting 'fullnat_lport_min' (" + min + ") is larger than 'fullnat_lport_max' (" + max + ")");
        }
        String share = values.getOrDefault("fullnat_lport_share", "0 1");
        int directors = Integer.parseInt(share.substring(share.indexOf(' ') + 1));
        return max - min + 1 >= directors
                ? Optional.empty()
                : Optional.of("setting 'fullnat_lport_share' (" + share
                        + ") has more directors than there are local ports (" + min + " to " + max + ")");
    }
}
