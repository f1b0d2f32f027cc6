package lvsd.rules;

/** Commands of the grammar, in the order of the columns of {@link Option}. */
enum Command {
    ADD_SERVICE("add-service"),
    EDIT_SERVICE("edit-service"),
    DELETE_SERVICE("delete-service"),
    CLEAR("flush"),
    ADD_SERVER("add-server"),
    EDIT_SERVER("edit-server"),
    DELETE_SERVER("delete-server"),
    LIST("list"),
    RESTORE("restore"),
    SAVE("save"),
    ZERO("zero"),
    SET("set"),
    START_DAEMON("start-daemon"),
    STOP_DAEMON("stop-daemon"),
    ADD_LADDR("add-laddr"),
    DELETE_LADDR("del-laddr"),
    GET_LADDR("get-laddr"),
    DROPS("drops"),
    PORTS("ports"),
    WORKERS("workers"),
    SYSCTL("sysctl"),
    HELP("help"),
    VERSION("version"),
    ADD_MARK("add-mark"),
    DELETE_MARK("del-mark"),
    MARKS("marks"),
    SYN_PROXIES("synproxy"),
    ROLE("role");

    private final String label;

    Command(String label) {
        this.label = label;
    }

    /** Whether ipvsadm does not have it. */
    boolean ours() {
        return compareTo(ADD_LADDR) >= 0 && this != HELP && this != VERSION;
    }

    /** The word that messages use. */
    String label() {
        return label;
    }
}
