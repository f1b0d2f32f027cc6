package lvsd.rules;

import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Options of the grammar with the one table that says which goes with which command. A column per command in the order of
 * {@link Command}, those left out at the end refuse it: {@code !} must be given, {@code .} may be given, {@code x} is refused, a digit may be given but only one
 * of those with the same digit. Checks run down the table, so its order decides which of two errors is told.
 */
enum Option {
    // A E D C a e d L R S Z set start stop P Q G drops ports workers sysctl help version add-mark del-mark marks
    // synproxy role
    NUMERIC("numeric", "xxxxxxx.x.xxxxxx.xxxxxxxxx."),
    CONNECTION("connection", "xxxxxxx1xxxxxxxxxxxxxxx"),
    SERVICE("service-address", "!!!x!!!1xx.xxx!!.xxxxxx!!x."),
    SCHEDULER("scheduler", "..xxxxxxxxxxxxxxxxxxxxx"),
    PERSISTENT("persistent", "..xxxxxxxxxxxxxxxxxxxxx"),
    NETMASK("netmask", "..xxxxxxxxxxxxxxxxxxxxx"),
    SERVER("real-server", "xxxx!!!xxxxxxxxxxxxxxxx"),
    FORWARD("forwarding-method", "xxxx..xxxxxxxxxxxxxxxxx"),
    WEIGHT("weight", "xxxx..xxxxxxxxxxxxxxxxx"),
    UPPER("u-threshold", "xxxx..xxxxxxxxxxxxxxxxx"),
    LOWER("l-threshold", "xxxx..xxxxxxxxxxxxxxxxx"),
    MCAST_INTERFACE("mcast-interface", "xxxxxxxxxxxx.xxxxxxxxxx"),
    TIMEOUT("timeout", "xxxxxxx1xxxxxxxxxxxxxxx"),
    DAEMON("daemon", "xxxxxxx1xxxxxxxxxxxxxxx"),
    STATS("stats", "xxxxxxx.xxxxxxxxxxxxxxx"),
    RATE("rate", "xxxxxxx.xxxxxxxxxxxxxxx"),
    THRESHOLDS("thresholds", "xxxxxxx.xxxxxxxxxxxxxxx"),
    PERSISTENT_CONN("persistent-conn", "xxxxxxx.xxxxxxxxxxxxxxx"),
    NOSORT("nosort", "xxxxxxx.xxxxxxxxxxxxxxx"),
    SYNCID("syncid", "xxxxxxx.xxxx..xxxxxxxxx"),
    EXACT("exact", "xxxxxxx.xxxxxxxxxxxxxxx"),
    ONE_PACKET("ops", "..xxxxxxxxxxxxxxxxxxxxx"),
    ENGINE("pe", "..xxxxxxxxxxxxxxxxxxxxx"),
    SCHED_FLAGS("sched-flags", "..xxxxxxxxxxxxxxxxxxxxx"),
    MCAST_GROUP("mcast-group", "xxxxxxxxxxxx.xxxxxxxxxx"),
    MCAST_PORT("mcast-port", "xxxxxxxxxxxx.xxxxxxxxxx"),
    MCAST_TTL("mcast-ttl", "xxxxxxxxxxxx.xxxxxxxxxx"),
    SYNC_MAXLEN("sync-maxlen", "xxxxxxxxxxxx.xxxxxxxxxx"),
    TUN_INFO("tun-info", "xxxxxxx.xxxxxxxxxxxxxxx"),
    TUN_TYPE("tun-type", "xxxx..xxxxxxxxxxxxxxxxx"),
    TUN_PORT("tun-port", "xxxx..xxxxxxxxxxxxxxxxx"),
    TUN_NOCSUM("tun-nocsum", "xxxx..xxxxxxxxxxxxxxxxx"),
    TUN_CSUM("tun-csum", "xxxx..xxxxxxxxxxxxxxxxx"),
    TUN_REMCSUM("tun-remcsum", "xxxx..xxxxxxxxxxxxxxxxx"),
    // Ours.
    LADDR("laddr", "xxxxxxxxxxxxxx!!xxxxxxx"),
    IFNAME("ifname", "xxxxxxxxxxxxxx..xxxxxxx.."),
    TOA("toa", "..xxxxxxxxxxxxxxxxxxxxx"),
    SYNC("sync", "..xxxxxxxxxxxxxxxxxxxxx"),
    CONN_TIMEOUT("conn-timeout", "..xxxxxxxxxxxxxxxxxxxxx"),
    SYN_PROXY("synproxy", "..xxxxxxxxxxxxxxxxxxxxx"),
    ICV_KEY("icv-key", "xxxxxxxxxxxx1xxxxxxxxxx"),
    ICV_KEY_FILE("icv-key-file", "xxxxxxxxxxxx1xxxxxxxxxx"),
    ICV_ALGORITHM("icv-algorithm", "xxxxxxxxxxxx.xxxxxxxxxx");

    private static final List<Option> TUNNEL = List.of(TUN_PORT, TUN_NOCSUM, TUN_CSUM, TUN_REMCSUM);

    private final String label;
    private final String cells;

    Option(String label, String cells) {
        this.label = label;
        this.cells = cells;
    }

    /** The word that messages use. */
    String label() {
        return label;
    }

    /** Refuses options that are missing, forbidden or exclusive with {@code command}. */
    static void check(Command command, Set<Option> given) throws RuleSyntaxException {
        @Nullable Option[] group = new @Nullable Option[10];
        for (Option option : values()) {
            check(option, option.cell(command.ordinal()), given, group, "'" + command.label() + "' command");
        }
    }

    private char cell(int column) {
        return column < cells.length() ? cells.charAt(column) : 'x';
    }

    /** The same for a tunnel type: {@code ipip}, {@code gue} or {@code gre}. */
    static void checkTunnel(String type, Set<Option> given) throws RuleSyntaxException {
        // In the order of TUNNEL: port, nocsum, csum, remcsum.
        String cells = switch (type) {
            case "gue" -> "!111";
            case "gre" -> "x11x";
            default -> "xxxx";
        };
        @Nullable Option[] group = new @Nullable Option[10];
        for (int i = 0; i < cells.length(); i++) {
            check(TUNNEL.get(i), cells.charAt(i), given, group, "'" + type + "' tunnel type");
        }
    }

    private static void check(Option option, char cell, Set<Option> given, @Nullable Option[] group, String context)
            throws RuleSyntaxException {
        boolean present = given.contains(option);
        if (cell == '!' && !present) {
            throw RuleSyntaxException.fail("You need to supply the '" + option.label + "' option for the " + context);
        }
        if (cell == 'x' && present) {
            throw RuleSyntaxException.fail("Illegal '" + option.label + "' option with the " + context);
        }
        if (cell >= '0' && cell <= '9' && present) {
            Option other = group[cell - '0'];
            if (other != null) {
                throw RuleSyntaxException.fail("The option '" + option.label + "' conflicts with the '" + other.label
                        + "' option in the " + context);
            }
            group[cell - '0'] = option;
        }
    }
}
