package lvsd.config;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Everything that can be set while the director runs: {@code settings:} of the daemon file and {@code lvsadm --sysctl}.
 * Those that IPVS has bear its sysctl names, ranges and defaults. This list is the only one: loader, command line and the
 * table in docs/config.md come from it.
 */
public final class Settings {
    /**
     * One setting, a whole number.
     *
     * @param name name
     * @param fallback value where nothing is said
     * @param min smallest value
     * @param max largest value
     * @param help one sentence, units included
     */
    public record Setting(String name, int fallback, int min, int max, String help) {}

    /** All settings, by topic. */
    public static final List<Setting> ALL = List.of(
            new Setting(
                    "expire_nodest_conn",
                    0,
                    0,
                    1,
                    "1: the next packet of a connection whose real server was removed ends it;"
                            + " 0: it is dropped and goes on if the server returns"),
            new Setting("fullnat_lport_min", 1025, 1, 65535, "first local port that FULLNAT uses on each LIP"),
            new Setting("fullnat_lport_max", 65535, 1, 65535, "last local port that FULLNAT uses on each LIP"),
            new Setting("echo_reply_own", 1, 0, 1, "answer pings to the director's own addresses"),
            new Setting("echo_reply_vip", 1, 0, 1, "answer pings to VIPs and local addresses"),
            new Setting(
                    "icmp_msgs_per_sec", 1000, 0, 1_000_000, "ICMP errors and echo replies sent per second and worker"),
            new Setting("icmp_msgs_burst", 50, 1, 1_000_000, "ICMP errors and echo replies sent at once"),
            new Setting(
                    "vip_arp_always",
                    0,
                    0,
                    1,
                    "answer ARP and neighbour discovery for VIPs outside the connected subnets, and announce them"),
            new Setting("neighbour_queue", 64, 1, 1024, "packets held for a neighbour that has not answered yet"),
            new Setting("neighbour_retries", 3, 1, 20, "questions, a second apart, before a neighbour has failed"),
            new Setting("neighbour_reachable", 30, 1, 3600, "seconds for which a neighbour's answer is trusted"),
            new Setting("neighbour_expire", 600, 1, 86400, "seconds after which an unused neighbour is forgotten"));

    private Settings() {}

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

    /** Default of every setting. */
    public static Map<String, String> defaults() {
        Map<String, String> values = new LinkedHashMap<>();
        for (Setting setting : ALL) {
            values.put(setting.name(), Integer.toString(setting.fallback()));
        }
        return values;
    }

    /** What is wrong with giving {@code name} that value, by itself; empty if nothing. */
    public static Optional<String> check(String name, String value) {
        Optional<Setting> setting = find(name);
        if (setting.isEmpty()) {
            return Optional.of("unknown setting '" + name + "'" + Suggestion.clause(name, names()));
        }
        try {
            int number = Integer.parseInt(value);
            if (number >= setting.get().min() && number <= setting.get().max()) {
                return Optional.empty();
            }
        } catch (NumberFormatException e) {
            // Told below together with the range.
        }
        return Optional.of("setting '" + name + "' must be a whole number from "
                + setting.get().min() + " to " + setting.get().max() + ", not '" + value + "'");
    }

    /** What is wrong with a complete set of values, each of which is right by itself; empty if nothing. */
    public static Optional<String> checkTogether(Map<String, String> values) {
        int min = Integer.parseInt(values.getOrDefault("fullnat_lport_min", "1025"));
        int max = Integer.parseInt(values.getOrDefault("fullnat_lport_max", "65535"));
        return min <= max
                ? Optional.empty()
                : Optional.of(
                        "setting 'fullnat_lport_min' (" + min + ") is larger than 'fullnat_lport_max' (" + max + ")");
    }
}
