package lvsd.rules;

import org.jspecify.annotations.Nullable;

/** Every command and option word with its letter and its need of an argument. */
enum Word {
    ADD_SERVICE("add-service", 'A', Argument.NONE, Command.ADD_SERVICE),
    EDIT_SERVICE("edit-service", 'E', Argument.NONE, Command.EDIT_SERVICE),
    DELETE_SERVICE("delete-service", 'D', Argument.NONE, Command.DELETE_SERVICE),
    CLEAR("clear", 'C', Argument.NONE, Command.CLEAR),
    LIST("list", 'L', Argument.NONE, Command.LIST),
    LIST_SMALL("list", 'l', Argument.NONE, Command.LIST),
    ZERO("zero", 'Z', Argument.NONE, Command.ZERO),
    ADD_SERVER("add-server", 'a', Argument.NONE, Command.ADD_SERVER),
    EDIT_SERVER("edit-server", 'e', Argument.NONE, Command.EDIT_SERVER),
    DELETE_SERVER("delete-server", 'd', Argument.NONE, Command.DELETE_SERVER),
    RESTORE("restore", 'R', Argument.NONE, Command.RESTORE),
    SAVE("save", 'S', Argument.NONE, Command.SAVE),
    SET("set", '\0', Argument.NONE, Command.SET),
    START_DAEMON("start-daemon", '\0', Argument.REQUIRED, Command.START_DAEMON),
    STOP_DAEMON("stop-daemon", '\0', Argument.REQUIRED, Command.STOP_DAEMON),
    HELP("help", 'h', Argument.NONE, Command.HELP),
    VERSION("version", 'v', Argument.NONE, Command.VERSION),
    ADD_LADDR("add-laddr", 'P', Argument.NONE, Command.ADD_LADDR),
    DELETE_LADDR("del-laddr", 'Q', Argument.NONE, Command.DELETE_LADDR),
    GET_LADDR("get-laddr", 'G', Argument.NONE, Command.GET_LADDR),
    DROPS("drops", '\0', Argument.NONE, Command.DROPS),
    PORTS("ports", '\0', Argument.NONE, Command.PORTS),
    WORKERS("workers", '\0', Argument.NONE, Command.WORKERS),
    SYSCTL("sysctl", '\0', Argument.OPTIONAL, Command.SYSCTL),
    ADD_MARK("add-mark", '\0', Argument.REQUIRED, Command.ADD_MARK),
    DELETE_MARK("del-mark", '\0', Argument.REQUIRED, Command.DELETE_MARK),
    MARKS("marks", '\0', Argument.NONE, Command.MARKS),
    ROLE("role", '\0', Argument.OPTIONAL, Command.ROLE),

    TCP_SERVICE("tcp-service", 't', Argument.REQUIRED, Option.SERVICE),
    UDP_SERVICE("udp-service", 'u', Argument.REQUIRED, Option.SERVICE),
    SCTP_SERVICE("sctp-service", '\0', Argument.REQUIRED, Option.SERVICE),
    FWMARK_SERVICE("fwmark-service", 'f', Argument.REQUIRED, Option.SERVICE),
    /** Has no row in the table of options: it belongs to the fwmark. */
    IPV6("ipv6", '6', Argument.NONE),
    SCHEDULER("scheduler", 's', Argument.REQUIRED, Option.SCHEDULER),
    ENGINE("pe", '\0', Argument.REQUIRED, Option.ENGINE),
    PERSISTENT("persistent", 'p', Argument.OPTIONAL, Option.PERSISTENT),
    NETMASK("netmask", 'M', Argument.REQUIRED, Option.NETMASK),
    SERVER("real-server", 'r', Argument.REQUIRED, Option.SERVER),
    MASQUERADING("masquerading", 'm', Argument.NONE, Option.FORWARD),
    IPIP("ipip", 'i', Argument.NONE, Option.FORWARD),
    GATEWAYING("gatewaying", 'g', Argument.NONE, Option.FORWARD),
    WEIGHT("weight", 'w', Argument.REQUIRED, Option.WEIGHT),
    UPPER("u-threshold", 'x', Argument.REQUIRED, Option.UPPER),
    LOWER("l-threshold", 'y', Argument.REQUIRED, Option.LOWER),
    NUMERIC("numeric", 'n', Argument.NONE, Option.NUMERIC),
    CONNECTION("connection", 'c', Argument.NONE, Option.CONNECTION),
    MCAST_INTERFACE("mcast-interface", '\0', Argument.REQUIRED, Option.MCAST_INTERFACE),
    SYNCID("syncid", '\0', Argument.REQUIRED, Option.SYNCID),
    SYNC_MAXLEN("sync-maxlen", '\0', Argument.REQUIRED, Option.SYNC_MAXLEN),
    MCAST_GROUP("mcast-group", '\0', Argument.REQUIRED, Option.MCAST_GROUP),
    MCAST_PORT("mcast-port", '\0', Argument.REQUIRED, Option.MCAST_PORT),
    MCAST_TTL("mcast-ttl", '\0', Argument.REQUIRED, Option.MCAST_TTL),
    TIMEOUT("timeout", '\0', Argument.NONE, Option.TIMEOUT),
    DAEMON("daemon", '\0', Argument.NONE, Option.DAEMON),
    STATS("stats", '\0', Argument.NONE, Option.STATS),
    RATE("rate", '\0', Argument.NONE, Option.RATE),
    THRESHOLDS("thresholds", '\0', Argument.NONE, Option.THRESHOLDS),
    PERSISTENT_CONN("persistent-conn", '\0', Argument.NONE, Option.PERSISTENT_CONN),
    TUN_INFO("tun-info", '\0', Argument.NONE, Option.TUN_INFO),
    NOSORT("nosort", '\0', Argument.NONE, Option.NOSORT),
    /** Does nothing, with every command and any number of times. */
    SORT("sort", '\0', Argument.NONE),
    EXACT("exact", '\0', Argument.NONE, Option.EXACT),
    ONE_PACKET("ops", 'o', Argument.NONE, Option.ONE_PACKET),
    SCHED_FLAGS("sched-flags", 'b', Argument.REQUIRED, Option.SCHED_FLAGS),
    TUN_TYPE("tun-type", '\0', Argument.REQUIRED, Option.TUN_TYPE),
    TUN_PORT("tun-port", '\0', Argument.REQUIRED, Option.TUN_PORT),
    TUN_NOCSUM("tun-nocsum", '\0', Argument.NONE, Option.TUN_NOCSUM),
    TUN_CSUM("tun-csum", '\0', Argument.NONE, Option.TUN_CSUM),
    TUN_REMCSUM("tun-remcsum", '\0', Argument.NONE, Option.TUN_REMCSUM),

    // Ours: known only with the commands they belong to, so that all others answer as ipvsadm does.
    FULLNAT("fullnat", '\0', Argument.NONE, Option.FORWARD, Command.ADD_SERVER, Command.EDIT_SERVER),
    LADDR("laddr", 'z', Argument.REQUIRED, Option.LADDR, Command.ADD_LADDR, Command.DELETE_LADDR),
    IFNAME("ifname", 'F', Argument.REQUIRED, Option.IFNAME, Command.ADD_LADDR, Command.DELETE_LADDR),
    MARK_IFNAME("ifname", 'F', Argument.REQUIRED, Option.IFNAME, Command.ADD_MARK, Command.DELETE_MARK),
    ANY_PROTOCOL("any", '\0', Argument.REQUIRED, Option.SERVICE, Command.ADD_MARK, Command.DELETE_MARK),
    TOA("toa", '\0', Argument.REQUIRED, Option.TOA, Command.ADD_SERVICE, Command.EDIT_SERVICE),
    SYNC("sync", '\0', Argument.REQUIRED, Option.SYNC, Command.ADD_SERVICE, Command.EDIT_SERVICE),
    SYN_PROXY("synproxy", 'j', Argument.REQUIRED, Option.SYN_PROXY, Command.ADD_SERVICE, Command.EDIT_SERVICE),
    /** Behind the option of the same name: with -A and -E it is that. */
    SYN_PROXIES("synproxy", '\0', Argument.NONE, Command.SYN_PROXIES),
    CONN_TIMEOUT(
            "conn-timeout", '\0', Argument.REQUIRED, Option.CONN_TIMEOUT, Command.ADD_SERVICE, Command.EDIT_SERVICE),
    ICV_KEY("icv-key", '\0', Argument.REQUIRED, Option.ICV_KEY, Command.START_DAEMON, Command.START_DAEMON),
    ICV_KEY_FILE(
            "icv-key-file", '\0', Argument.REQUIRED, Option.ICV_KEY_FILE, Command.START_DAEMON, Command.START_DAEMON),
    ICV_ALGORITHM(
            "icv-algorithm", '\0', Argument.REQUIRED, Option.ICV_ALGORITHM, Command.START_DAEMON, Command.START_DAEMON);

    /** Whether a word takes an argument. An optional one is not taken if it begins with a dash. */
    enum Argument {
        NONE,
        REQUIRED,
        OPTIONAL
    }

    private static final Word[] VALUES = values();

    private final String longName;
    private final char letter;
    private final Argument argument;
    private final @Nullable Command command;
    private final @Nullable Option option;
    private final @Nullable Command only;
    private final @Nullable Command orOnly;

    Word(String longName, char letter, Argument argument, Command command) {
        this(longName, letter, argument, command, null, null, null);
    }

    Word(String longName, char letter, Argument argument) {
        this(longName, letter, argument, null, null, null, null);
    }

    Word(String longName, char letter, Argument argument, Option option) {
        this(longName, letter, argument, null, option, null, null);
    }

    Word(String longName, char letter, Argument argument, Option option, Command first, Command second) {
        this(longName, letter, argument, null, option, first, second);
    }

    Word(
            String longName,
            char letter,
            Argument argument,
            @Nullable Command command,
            @Nullable Option option,
            @Nullable Command only,
            @Nullable Command orOnly) {
        this.longName = longName;
        this.letter = letter;
        this.argument = argument;
        this.command = command;
        this.option = option;
        this.only = only;
        this.orOnly = orOnly;
    }

    /** The word behind two dashes; null if there is none. */
    static @Nullable Word ofName(String name, @Nullable Command command) {
        for (Word word : VALUES) {
            if (word.longName.equals(name) && word.knownTo(command)) {
                return word;
            }
        }
        return null;
    }

    /** The word behind one dash; null if there is none. */
    static @Nullable Word ofLetter(char letter, @Nullable Command command) {
        for (Word word : VALUES) {
            if (word.letter == letter && letter != '\0' && word.knownTo(command)) {
                return word;
            }
        }
        return null;
    }

    /** Our commands are none behind another, as if there were no such word. */
    private boolean knownTo(@Nullable Command given) {
        if (command != null && command.ours()) {
            return given == null;
        }
        return only == null || only == given || orOnly == given;
    }

    /** Whether it takes an argument. */
    Argument argument() {
        return argument;
    }

    /** The command it is; null for options. */
    @Nullable
    Command command() {
        return command;
    }

    /** The row of the table that it falls under; null if none. */
    @Nullable
    Option option() {
        return option;
    }
}
