package lvsd.synproxy;

/**
 * What the operator may set about the SYN proxy. Immutable; published to the workers.
 *
 * @param mss largest segment that a SYN+ACK announces; less where the way to the server takes less
 * @param ttl TTL or hop limit of a SYN+ACK
 * @param tos type of service or traffic class of a SYN+ACK
 * @param sack whether selective acknowledgements are agreed to
 * @param scale window scale announced, 1 to 14; 0: window scaling is not agreed to
 * @param timestamps whether timestamps are agreed to
 * @param zeroWindow whether a SYN+ACK closes the window until the server is there; not with {@code defer}
 * @param defer whether only an acknowledgement with data opens a connection
 * @param held segments of one client kept until the server is there
 * @param retries how often a SYN to a server is sent again
 * @param retryOther whether another server is tried when one refuses or does not answer
 * @param resetBad whether a bad acknowledgement is answered by RST
 * @param reuse bit by {@code TcpStates} number: states in which an entry gives way to a new, proven client; 0: none
 */
public record ProxySettings(
        int mss,
        int ttl,
        int tos,
        boolean sack,
        int scale,
        boolean timestamps,
        boolean zeroWindow,
        boolean defer,
        int held,
        int retries,
        boolean retryOther,
        boolean resetBad,
        int reuse) {

    private static final int LARGEST_WINDOW = 65_535;

    /**
     * The window of a SYN+ACK: as much as is kept until the server is there, so that nothing the client may send is lost;
     * 0 where it is closed. Not scaled (RFC 7323, section 2.2).
     *
     * @param announced the MSS announced with it
     */
    public int window(int announced) {
        if (zeroWindow && !defer) {
            return 0;
        }
        return Math.clamp((long) held * announced, announced, LARGEST_WINDOW);
    }
}
