package lvsd.dpdk;

/** A DPDK call that failed: which function, its error code, and what {@code rte_strerror} says of it. */
public final class DpdkException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String function;
    private final int code;

    /**
     * @param function the DPDK function (or {@code dlopen}, {@code layout} for what comes before one)
     * @param code positive errno or rte_errno value; 0 when there is none
     * @param text what rte_strerror says of it, or why without a code
     * @param what the object it was called for and, where there is one, the remedy
     */
    public DpdkException(String function, int code, String text, String what) {
        super(what + ": " + function + ": " + text + (code == 0 ? "" : " (" + code + ")"));
        this.function = function;
        this.code = code;
    }

    /** The DPDK function. */
    public String function() {
        return function;
    }

    /** The positive error code; 0 when there is none. */
    public int code() {
        return code;
    }
}
