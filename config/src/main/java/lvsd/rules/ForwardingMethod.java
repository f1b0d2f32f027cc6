package lvsd.rules;

/** How packets reach a real server. Numbers are those of the kernel's connection flags; 5 is FULLNAT's in the field. */
public enum ForwardingMethod {
    NAT(0, "Masq", "-m"),
    LOCAL(1, "Local", "-g"),
    TUNNEL(2, "Tunnel", "-i"),
    ROUTE(3, "Route", "-g"),
    BYPASS(4, "Bypass", "-g"),
    FULLNAT(5, "FullNat", "-b");

    private final int number;
    private final String label;
    private final String option;

    ForwardingMethod(int number, String label, String option) {
        this.number = number;
        this.label = label;
        this.option = option;
    }

    /** Number on the wire and in connection flags. */
    public int number() {
        return number;
    }

    /** Word in the Forward column. */
    public String label() {
        return label;
    }

    /** Option that asks for it. */
    public String option() {
        return option;
    }
}
